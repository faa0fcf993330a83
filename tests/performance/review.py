"""How long the loss review of a million parcels takes, beside the plain SQL that joins orders to
sessions, in the same run.

    python -m tests.performance.review [--archive DIR] [--parcels 1000000] [--claims 20000]

Without an archive one is made first (see `review_made`). Each review is the whole of it: total and
one dimension, of all time, on the archive's own connections. The plain SQL only counts the parcels
of each group. Absolute times are this machine's; the ratios last. Where the machine is busy, the
processor's time tells more than the clock.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from storage import schema
from storage.archive import Archive
from storage.claims.review import Asked, By
from tests.performance.review_made import make
from tests.performance.tables import Section

GOAL_S = 2.0
_PACKED = "c.kind = 'packing' AND c.status IN ('sealed', 'interrupted') AND c.test = 0"
_JOINED = (
    "SELECT {0}, c.currency, count(DISTINCT c.number), sum(c.value_cents) "  # noqa: S608
    "FROM catalogue AS c "
    "LEFT JOIN order_waybills AS w ON w.tracking_number = c.number "
    f"LEFT JOIN orders AS o ON o.order_id = w.order_id {{1}} WHERE {_PACKED} GROUP BY 1, 2"
)
PLAIN = {
    By.CARRIER: _JOINED.format("c.carrier", ""),
    By.SERVICE: _JOINED.format("o.service", ""),
    By.ROUTE: _JOINED.format("o.origin || o.destination", ""),
    By.PACKAGING: _JOINED.format("o.packaging", ""),
    By.BENCH: _JOINED.format("c.bench", ""),
    By.PRODUCT: _JOINED.format(
        "i.sku_key", "LEFT JOIN order_items AS i ON i.order_id = o.order_id"
    ),
    By.MONTH: _JOINED.format("strftime('%Y-%m', c.opened_ms / 1000, 'unixepoch')", ""),
    By.VALUE: _JOINED.format("c.value_cents / 5000", ""),
}


def timed(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The least seconds of the clock and of the processor that a call takes."""
    walls, busy = [], []
    for _ in range(rounds):
        began, began_busy = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - began)
        busy.append(time.process_time() - began_busy)
    return min(walls), min(busy)


def measure(root: Path, rounds: int) -> Section:
    """Each dimension, all of them, and all but products."""
    plain = sqlite3.connect(f"{(root / schema.DATABASE).resolve().as_uri()}?mode=ro", uri=True)
    plain.execute("PRAGMA cache_size = -65536")
    rows, data = [], {}
    cases: list[tuple[str, tuple[By, ...]]] = [(by.value, (by,)) for by in By]
    cases += [
        ("all but product", tuple(by for by in By if by is not By.PRODUCT)),
        ("all", tuple(By)),
    ]
    with Archive.open(root, read_only=True) as archive:
        for name, by in cases:
            wall, busy = timed(partial(archive.review, Asked(by=by)), rounds)
            peer = "-"
            ratio = "-"
            if len(by) == 1:
                plain_wall, _ = timed(partial(_fetched, plain, PLAIN[by[0]]), 1)
                peer, ratio = f"{plain_wall:.2f}", f"{wall / plain_wall:.2f}"
            goal = "" if wall <= GOAL_S else " missed"
            rows.append((name, f"{wall:.2f}", f"{busy:.2f}", f"{GOAL_S:g}{goal}", peer, ratio))
            data[name] = {"seconds": wall, "processor": busy}
    plain.close()
    header = ("by", "seconds", "processor s", "goal", "plain SQL s", "ratio")
    return Section("Loss review", header, tuple(rows), data=data)


def _fetched(plain: sqlite3.Connection, sql: str) -> object:
    return plain.execute(sql).fetchall()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--parcels", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = asked.archive or Path(folder) / "archive"
        if asked.archive is None:
            print(f"made in {make(root, asked.parcels, asked.claims):.0f} s\n")
        found = measure(root, asked.rounds)
    print(found.markdown())
    if asked.json is not None:
        asked.json.write_text(json.dumps(found.data, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
