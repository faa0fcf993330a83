"""How fast a large archive is searched and sealed into, beside bare SQLite in the same run.

    python -m tests.performance.archive [--archive DIR] [--waybills 1000000] [--copies 10] [--lean]

Without an archive one is made first (see `archive_made`). Each search is one page of 100 hits,
from the text to the records, on one connection; bare SQLite runs the one statement that answers
the same question, through the index that serves it. Absolute times are this machine's; the ratios
last.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from ulid import ULID

from storage import schema
from storage.archive import Archive
from storage.query import parse
from storage.records import EndReason, Kind, Session, Status, Waybill
from storage.search_connection import SearchConnection
from tests.performance.archive_made import BENCHES, PACKERS, make
from tests.performance.tables import Section, percentile, spread

LOOKUP_GOAL_MS, PAGE_GOAL_MS, SEAL_GOAL_MS = 5.0, 30.0, 15.0
NEWEST = "ORDER BY opened_ms DESC, n DESC LIMIT 100"
FILTERS = (  # what is asked, the condition of the bare statement
    ("is:incomplete", "incomplete = 1"),
    ("is:mismatch", "mismatch = 1"),
    ("is:interrupted", "status = 'interrupted'"),
    ("is:cancelled", "status = 'cancelled'"),
    ("is:gap", "gap = 1"),
    ("is:novideo", "no_video = 1"),
    ("is:held", "held = 1"),
    ("is:test", "test = 1"),
    ("is:deleted", "deleted = 1"),
    ("is:return", "kind = 'return'"),
    ("status:sealed", "status = 'sealed'"),
    ("packer:Ann", "packer = 'Ann'"),
    ('bench:"bench 3"', "bench = 'bench 3'"),
    ("carrier:ups", "carrier = 'UPS'"),
    ("on:2025-03-04", "opened_ms >= 1741046400000 AND opened_ms < 1741132800000"),
    ("from:2024-01-01 to:2024-06-30",
     "opened_ms >= 1704067200000 AND opened_ms < 1719792000000"),
    ("value>=100", "value_cents >= 10000"),
    ("value>=5000EUR", "value_cents >= 500000 AND currency = 'EUR'"),
    ("is:incomplete on:2025-03-04",
     "incomplete = 1 AND opened_ms >= 1741046400000 AND opened_ms < 1741132800000"),
    ("is:incomplete packer:Ann", "incomplete = 1 AND packer = 'Ann'"),
    ("is:novideo value>=100", "no_video = 1 AND value_cents >= 10000"),
    ("is:mismatch is:held", "mismatch = 1 AND held = 1"),
    ("is:gap carrier:dhl kind:return", "gap = 1 AND carrier = 'DHL' AND kind = 'return'"),
    ('packer:Wei bench:"bench 7"', "packer = 'Wei' AND bench = 'bench 7'"),
    ('packer:Wei carrier:yunexpress is:test',
     "packer = 'Wei' AND carrier = 'YunExpress' AND test = 1"),
    ("1Z999 is:incomplete", "number >= '1Z999' AND number < '1Z99:' AND incomplete = 1"),
    ("94001 packer:Ann", "number >= '94001' AND number < '94002' AND packer = 'Ann'"),
    ("sku:SKU-00001", ""),
    ("sku:SKU-04", ""),
    ("customer:C000001", ""),
    ("customer:C000777 is:return", ""),
)  # fmt: skip


class Stopwatch:
    """Times of one kind of search, and of the bare statement, in milliseconds."""

    def __init__(self) -> None:
        self.ours: list[float] = []
        self.bare: list[float] = []

    def time(self, ours: Callable[[], object], bare: Callable[[], object] | None) -> None:
        for call, times in ((ours, self.ours), (bare, self.bare)):
            if call is not None:
                began = time.perf_counter()
                call()
                times.append((time.perf_counter() - began) * 1000)

    def ratio(self) -> str:
        if not self.bare:
            return "-"
        return f"{percentile(self.ours, 50) / percentile(self.bare, 50):.1f}"


def lookups(
    search: SearchConnection,
    bare: sqlite3.Connection,
    numbers: Sequence[str],
    orders: Sequence[str],
) -> Section:
    """Whole numbers, beginnings, ends, orders: each of another parcel."""
    rows, data = [], {}
    by_number = "SELECT * FROM catalogue WHERE number >= ? AND number < ? LIMIT 100"
    by_end = "SELECT * FROM catalogue WHERE reversed >= ? AND reversed < ? LIMIT 100"
    by_order = (
        "SELECT c.* FROM orders AS o CROSS JOIN order_waybills AS w ON w.order_id = o.order_id "
        "CROSS JOIN catalogue AS c ON c.number = w.tracking_number WHERE o.order_key = ?"
    )
    kinds: list[tuple[str, Sequence[str], Callable[[str], str], str]] = [
        ("whole number", numbers, lambda text: text, by_number),
        ("first 5", numbers, lambda text: text[:5], by_number),
        ("first 8", numbers, lambda text: text[:8], by_number),
        ("first 10", numbers, lambda text: text[:10], by_number),
        ("last 4", numbers, lambda text: text[-4:], by_end),
        ("last 6", numbers, lambda text: text[-6:], by_end),
        ("last 8", numbers, lambda text: text[-8:], by_end),
        ("order id", orders, lambda text: text, by_order),
        (
            "no number's end, every number read",
            numbers[:20],
            lambda text: text[:-3] + "#",
            by_number,
        ),
    ]
    for name, texts, cut, sql in kinds:
        watch = Stopwatch()
        for whole in texts:
            text = cut(whole)
            start = text[::-1] if sql is by_end else text
            asked = [text] if sql is by_order else [start, start + "\U0010ffff"]
            watch.time(partial(_searched, search, text), partial(_selected, bare, sql, asked))
        goal = math.inf if name.startswith("no number") else LOOKUP_GOAL_MS
        rows.append(_row(name, watch, goal))
        data[name] = {"p50": percentile(watch.ours, 50), "p99": percentile(watch.ours, 99)}
    return Section("Look-ups", _HEADER, tuple(rows), data=data)


def filters(search: SearchConnection, bare: sqlite3.Connection, rounds: int) -> Section:
    """The first page of every filter, and the second of it."""
    rows, data = [], {}
    for text, condition in FILTERS:
        watch = Stopwatch()
        sql = f"SELECT * FROM catalogue WHERE {condition} {NEWEST}"  # noqa: S608
        query = parse(text, _NOW, dt.UTC)
        run = partial(_selected, bare, sql, []) if condition else None
        for _ in range(rounds):
            watch.time(partial(search.page, query), run)
        first = search.page(query)
        after = Stopwatch()
        for _ in range(rounds if first.next else 0):
            after.time(partial(search.page, query, first.next), None)
        hits = f"{len(first.hits)}{'' if first.next is None else '+'}"
        rows.append((*_row(text, watch, PAGE_GOAL_MS), hits, spread(after.ours, (50,), 2)))
        data[text] = {"p50": percentile(watch.ours, 50), "p99": percentile(watch.ours, 99)}
    return Section("First pages", (*_HEADER, "hits", "second page"), tuple(rows), data=data)


def _searched(search: SearchConnection, text: str) -> object:
    return search.page(parse(text, _NOW, dt.UTC))


def _selected(bare: sqlite3.Connection, sql: str, asked: Sequence[str]) -> object:
    return bare.execute(sql, asked).fetchall()


def _done(hand_over: Callable[[], Future[Any]]) -> object:
    return hand_over().result()


def seals(archive: Archive, count: int) -> Section:
    """Opening and sealing sessions, without media: rows, manifest, ledger, every index. Bare is one
    durable commit of one row to a new database on the same disk."""
    opening, sealing = Stopwatch(), Stopwatch()
    bare = schema.connect(archive.root / "bare.db")
    bare.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, text TEXT)")

    def commit() -> None:
        bare.execute("INSERT INTO rows (text) VALUES (?)", ["x" * 500])

    for n in range(count):
        moment = dt.datetime.now(dt.UTC)
        session = Session(
            id=str(ULID()), waybill=Waybill(f"1Z999AA1{n:010d}", "x", "UPS"), kind=Kind.PACKING,
            pass_no=1, bench=BENCHES[0], packer=PACKERS[0], opened_at=moment,
        )  # fmt: skip
        seal = partial(archive.seal, session.id, Status.SEALED, EndReason.FINISH, moment)
        opening.time(partial(_done, partial(archive.open_session, session)), commit)
        sealing.time(partial(_done, seal), commit)
    bare.close()
    for path in archive.root.glob("bare.db*"):
        path.unlink()
    rows = (_row("open", opening, SEAL_GOAL_MS), _row("seal", sealing, SEAL_GOAL_MS))
    data = {"open": percentile(opening.ours, 99), "seal": percentile(sealing.ours, 99)}
    return Section("Sealing", _HEADER, rows, data=data)


_NOW = dt.datetime.now(dt.UTC)
_HEADER = ("", "ms p50 / p95 / p99", "goal, p99", "bare SQLite p50 / p99", "ratio of p50")


def _row(name: str, watch: Stopwatch, goal: float) -> tuple[str, ...]:
    met = "" if percentile(watch.ours, 99) <= goal else " missed"
    return (
        name,
        spread(watch.ours, (50, 95, 99), 2),
        f"{goal:g}{met}" if goal < math.inf else "-",
        spread(watch.bare, (50, 99), 2),
        watch.ratio(),
    )


def measure(root: Path, samples: int) -> list[Section]:
    """All figures of the archive in `root`; its benches seal more sessions into it."""
    bare = sqlite3.connect(f"{(root / schema.DATABASE).resolve().as_uri()}?mode=ro", uri=True)
    bare.execute("PRAGMA cache_size = -65536")
    highest = bare.execute("SELECT max(n) FROM catalogue").fetchone()[0]
    chance = random.Random(7)
    picked = [chance.randint(1, highest) for _ in range(samples)]
    numbers = [
        bare.execute("SELECT number FROM catalogue WHERE n >= ? LIMIT 1", [n]).fetchone()[0]
        for n in picked
    ]
    known = "SELECT 1 FROM orders WHERE order_key = ?"
    orders = [f"{100 + n % 900}-{n:09d}" for n in picked]
    orders = [key for key in orders if bare.execute(known, [key]).fetchone()]
    with Archive.open(root) as archive, archive.search_connection() as search:
        search.page(parse("is:held", _NOW, dt.UTC))
        found = [
            lookups(search, bare, numbers, orders),
            filters(search, bare, 20),
            seals(archive, 300),
        ]
    bare.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{highest:,} sessions, SQLite {sqlite3.sqlite_version}, peak memory {peak:.0f} MB\n")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--waybills", type=int, default=1_000_000)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--lean", action="store_true")
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = asked.archive or Path(folder) / "archive"
        if asked.archive is None:
            taken = make(root, asked.waybills, lean=asked.lean, copies=asked.copies)
            print("made in " + ", ".join(f"{name} {each:.0f} s" for name, each in taken.items()))
        found = measure(root, asked.samples)
    for section in found:
        print(section.markdown() + "\n")
    if asked.json is not None:
        told = {section.title: section.data for section in found}
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
