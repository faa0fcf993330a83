"""How soon the bench knows what a scanned parcel carries: orders, items and earlier sessions.

    python -m tests.performance.order_panel [--orders 10000000] [--scans 2000] [--archive DIR]

Makes an archive with so many orders of two items each (ten million take some minutes and 4 GB), and
asks it as the bench does after a scan; the peer in the same run is SQLite alone, asked for the
order's row by its primary key. Times in milliseconds.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from storage import schema
from storage.archive import Archive
from storage.tables_sold import ORDER_COLUMNS

BATCH = 100_000


def number_of(n: int) -> str:
    """The tracking number of order n, spread over all of them."""
    return f"94001{n * 7_919 % 10**10:010d}{n:08d}"


def fill(root: Path, orders: int) -> None:
    """Write the rows of so many orders."""
    Archive.open(root).close()
    db = sqlite3.connect(root / schema.DATABASE, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    (there,) = db.execute("SELECT count(*) FROM orders").fetchone()
    texts = ",".join("?" * len(ORDER_COLUMNS))
    for start in range(there, orders, BATCH):
        part = range(start, min(orders, start + BATCH))
        db.execute("BEGIN")
        db.executemany(
            f"INSERT INTO orders VALUES (?, ?, '', '', ?, 'EUR', {texts}, NULL, NULL)",  # noqa: S608
            ((f"N{n:09d}", f"N{n:09d}", 100 + n % 90_000, *("",) * len(ORDER_COLUMNS))
             for n in part),
        )  # fmt: skip
        db.executemany(
            "INSERT INTO order_waybills VALUES (?, ?)", ((f"N{n:09d}", number_of(n)) for n in part)
        )
        db.executemany(
            "INSERT INTO order_items VALUES (?, '', ?, ?, 'Blue mug', 2, '', '', NULL)",
            ((f"N{n:09d}", sku, sku) for n in part for sku in (f"A{n % 9_999}", "B1")),
        )
        db.execute("COMMIT")
        if sys.stderr.isatty():
            print(f"\r{part[-1] + 1:,} orders", end="", file=sys.stderr)
    db.close()


def timed(work: Callable[[int], object], among: Iterator[int]) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for n in among:
        begun = time.perf_counter()
        work(n)
        found.append((time.perf_counter() - begun) * 1000)
    return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--scans", type=int, default=2_000)
    parser.add_argument("--archive", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        root = chosen.archive or Path(spare) / "archive"
        fill(root, chosen.orders)
        chance = random.Random(5)
        size = (root / schema.DATABASE).stat().st_size
        print(f"{chosen.orders:,} orders, {size / 1e9:.1f} GB; {chosen.scans} random scans")
        plain = sqlite3.connect(root / schema.DATABASE)
        with Archive.open(root) as archive:

            def after_a_scan(n: int) -> None:
                number = number_of(n)
                orders = archive.orders_in(number)
                assert len(orders) == 1
                archive.prior(number)

            def of_an_order(n: int) -> None:
                assert archive.order(f"n{n:09d}") is not None

            def peer(n: int) -> None:
                sql = "SELECT * FROM orders WHERE order_id = ?"
                plain.execute(sql, [f"N{n:09d}"]).fetchone()

            rows = {}
            for name, work in (
                ("SQLite, one row", peer),
                ("a waybill's orders, and earlier sessions", after_a_scan),
                ("an order's id", of_an_order),
            ):
                among = (chance.randrange(chosen.orders) for _ in range(chosen.scans))
                rows[name] = timed(work, among)
            base = statistics.median(rows["SQLite, one row"])
            for name, found in rows.items():
                p50, p99 = statistics.median(found), found[len(found) * 99 // 100]
                print(
                    f"{name:42} p50 {p50:7.2f}  p99 {p99:7.2f}  most {found[-1]:7.2f}"
                    f"  ratio {p50 / base:5.1f}"
                )
        plain.close()


if __name__ == "__main__":
    main()
