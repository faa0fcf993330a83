"""How fast a large archive tells what left without evidence and what may be claimed, beside a naive
peer in the same run.

    python -m tests.performance.coverage [--archive DIR] [--waybills 1000000]

Without an archive one is made (see `archive_made`), then its orders are shipped an hour after their
parcels were packed, one in a hundred without a session, and carriers tell of nine parcels in ten.
The peer is a script that reads the lists whole and compares them in memory, as a site would without
it, and only counts. Absolute times are this machine's; the ratios last.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from storage import schema
from storage.archive import Archive
from storage.claims import proposals
from storage.records import parse_utc, utc_text
from storage.trace import Trace, TraceEvent, TraceStatus
from storage.transaction import immediate
from tests.performance.archive_made import make
from tests.performance.tables import Section, percentile

DAY = dt.timedelta(days=1)
FILED = 10_000
_LATER = "strftime('%Y-%m-%dT%H:%M:%fZ', {0}, '+' || {1} || ' hours')"
_SHIPPED = (
    "UPDATE orders SET status = 'shipped', shipped_at = "  # noqa: S608
    + _LATER.format("s.sealed_at", "1")
    + " FROM order_waybills AS w, sessions AS s WHERE w.order_id = orders.order_id "
    "AND s.tracking_number = w.tracking_number"
)
_UNCOVERED = (
    "INSERT INTO order_waybills SELECT order_id, 'NOSESSION' || order_id FROM orders "
    "WHERE shipped_at <> '' AND abs(random()) % 100 = 0"
)
_TRACED = (
    "INSERT INTO traces SELECT w.tracking_number, 'ups', "  # noqa: S608
    "CASE WHEN luck < 950 THEN 'Delivered' WHEN luck < 990 THEN 'InTransit' ELSE 'InfoReceived' "
    "END, CASE WHEN luck < 990 THEN later ELSE '' END, expected, "
    "CASE WHEN luck < 950 THEN later ELSE '' END, 'CN', 'US', later FROM (SELECT tracking_number, "
    + _LATER.format("o.shipped_at", "(abs(random()) % 140)")
    + " AS later, "
    + _LATER.format("o.shipped_at", "120")
    + " AS expected, abs(random()) % 1000 AS luck FROM orders AS o "
    "CROSS JOIN order_waybills AS w ON w.order_id = o.order_id WHERE o.shipped_at <> '' "
    "AND abs(random()) % 10 > 0 GROUP BY w.tracking_number) AS w"
)
_EVENTS = (
    "INSERT INTO trace_events SELECT tracking_number, moved_at, status, 'seen', 'Graz', 'made' "
    "FROM traces WHERE moved_at <> '' ON CONFLICT DO NOTHING"
)


def ship(root: Path) -> dt.datetime:
    """Ship what the archive holds; the moment after the last of it."""
    db = schema.connect(root / schema.DATABASE)
    try:
        db.execute("PRAGMA synchronous = OFF")
        for statement in (_SHIPPED, _UNCOVERED, _TRACED, _EVENTS):
            with immediate(db):
                db.execute(statement)
        last = db.execute("SELECT max(shipped_at) FROM orders").fetchone()[0]
    finally:
        db.close()
    return parse_utc(last) + dt.timedelta(hours=1)


def naive(db: Database, since: dt.datetime, until: dt.datetime) -> int:
    """The parcels without good evidence, by both lists read whole and compared in memory."""
    links = db.execute("SELECT order_id, tracking_number FROM order_waybills").fetchall()
    linked = {number for _, number in links}
    good = set()
    for number, original, status, bad in db.execute(
        "SELECT number, original, status, incomplete + mismatch + test FROM catalogue "
        "WHERE kind = 'packing'"
    ):
        if status in ("sealed", "interrupted") and not bad:
            good.add(number)
            if original and number not in linked:
                good.add(original)
    shipped = dict(db.execute("SELECT order_id, shipped_at FROM orders").fetchall())
    first, last = utc_text(since), utc_text(until)
    return len(
        {number for order, number in links if first <= shipped[order] < last and number not in good}
    )


def naive_proposals(db: Database, now: dt.datetime) -> int:
    """The parcels that stand still or are late, of all traces."""
    oldest = utc_text(now - proposals.OLDEST)
    quiet, late = utc_text(now - 10 * DAY), utc_text(now - 3 * DAY)
    found = 0
    for moved, expected, delivered in db.execute(
        "SELECT moved_at, expected_at, delivered_at FROM traces"
    ):
        if not delivered and oldest < moved <= quiet:
            found += 1
        elif oldest < expected <= late and moved and (not delivered or delivered > expected):
            until = parse_utc(delivered) if delivered else now
            found += until - parse_utc(expected) >= 3 * DAY
    return found


def timed(ask: Callable[[], object], times: int) -> float:
    """Milliseconds, the median of so many."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return percentile(taken, 50)


def measure(root: Path, now: dt.datetime) -> Section:
    with Archive.open(root, clock=lambda: now) as archive:
        db = schema.connect(root / schema.DATABASE, read_only=True)
        rows: list[tuple[str, ...]] = []

        def row(name: str, ours: Callable[[], object], peer: Callable[[], object]) -> None:
            took, peers = timed(ours, 5), timed(peer, 1)
            rows.append((name, f"{took:,.1f}", f"{peers:,.1f}", f"{peers / took:,.1f}"))

        for days in (3, 30, 365):
            since = now - days * DAY
            found = archive.coverage(since, now, dt.UTC)
            wrong = found.total.poor + found.total.none
            expected = naive(db, since, now)
            if wrong != expected:
                raise SystemExit(f"{days} days: {wrong} parcels, the peer says {expected}")
            row(
                f"coverage of {days} days: {found.total.parcels:,} parcels, {wrong:,} uncovered",
                partial(archive.coverage, since, now, dt.UTC),
                partial(naive, db, since, now),
            )
        row(
            "count of open gaps, 3 days",
            lambda: archive.open_gaps(now - 3 * DAY, now),
            lambda: naive(db, now - 3 * DAY, now),
        )
        row(
            f"proposals: {len(archive.proposals(10, 3)):,} shown",
            lambda: archive.proposals(10, 3),
            lambda: naive_proposals(db, now),
        )
        count = db.execute("SELECT count(*) FROM traces").fetchone()[0]
        picked = [n for (n,) in db.execute("SELECT tracking_number FROM traces LIMIT 1000")]
        one = timed(lambda: [archive.trace_of(number) for number in picked], 3) / len(picked)
        told = _told(now)
        took = timed(lambda: archive.file_traces(told).result(), 1)
        again = timed(lambda: archive.file_traces(told).result(), 1)
        db.close()
    return Section(
        f"{count:,} traces",
        ("asked", "ms", "peer ms", "times as fast"),
        tuple(rows),
        (
            f"One parcel's trace {one:.3f} ms; {FILED:,} parcels of 8 events filed in "
            f"{took / 1000:.1f} s, told again in {again / 1000:.1f} s.",
        ),
    )


def _told(now: dt.datetime) -> list[Trace]:
    chance = random.Random(1)
    return [
        Trace(
            f"NEW{number:09}",
            tuple(
                TraceEvent(
                    now - chance.random() * 30 * DAY, TraceStatus.IN_TRANSIT, f"seen {n}", "Graz"
                )
                for n in range(8)
            ),
        )
        for number in range(FILED)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, help="one that `archive_made` made; it is changed")
    parser.add_argument("--waybills", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = asked.archive or Path(folder) / "archive"
        if asked.archive is None:
            make(root, asked.waybills, lean=True)
        print(measure(root, ship(root)).markdown())


if __name__ == "__main__":
    main()
