"""How fast an order export is taken in, beside the least that any import has to do.

    python -m tests.performance.orders [--rows 100000] [--sessions 200]

A hundred thousand rows as TikTok Shop writes them (54 columns, two of three orders with one line),
as CSV and as XLSX, into an archive with sessions. The peer in the same run reads the same rows with
the plain `csv` module and writes order, link and item with `executemany` into three bare tables, in
one transaction. Times are this machine's; the ratios last.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from station import orders_import
from station.config import load_config, with_archive
from storage.archive import Archive
from storage.order_filing import Filed
from tests.performance.tables import Section
from tests.storage.desk import Desk
from tests.storage.intake import exports


def rows_made(count: int) -> Iterator[dict[str, str]]:
    """So many rows of TikTok Shop."""
    for n in range(count):
        order = n * 2 // 3  # every other order has two lines
        yield {
            "Order ID": f"5764607{order:011d}",
            "Order Status": ("To ship", "Shipped", "Completed")[order % 3],
            "Order Substatus": ("Awaiting collection", "In transit", "Completed")[order % 3],
            "SKU ID": f"1729{n % 997:014d}",
            "Seller SKU": f"MUG-{n % 997}",
            "Product Name": "Mug of stoneware, blue, 300 ml, safe in the dishwasher",
            "Variation": "Blue, Large",
            "Quantity": str(1 + n % 3),
            "SKU Unit Original Price": f"{5 + n % 40}.{n % 100:02d}",
            "SKU Subtotal After Discount": f"{5 + n % 40}.{n % 100:02d}",
            "Order Amount": f"{20 + order % 80}.{order % 100:02d}",
            "Created Time": f"{1 + order % 28:02d}/11/2026 {order % 24:02d}:{order % 60:02d}:00",
            "Paid Time": f"{1 + order % 28:02d}/11/2026 {order % 24:02d}:{order % 60:02d}:30",
            "Shipped Time": f"{1 + order % 28:02d}/11/2026 23:{order % 60:02d}:00",
            "Warehouse Name": "Graz",
            "Tracking ID": f"UUS{order:013d}",
            "Delivery Option": "Standard shipping",
            "Shipping Provider Name": "USPS",
            "Buyer Username": f"buyer{order % 5000}",
            "Recipient": "J*** D**",
            "Phone #": "(+1)555*****00",
            "Country": "United States",
            "Detail Address": "12 *** Road",
            "Payment Method": "Credit card",
            "Weight(kg)": "0.350",
            "Package ID": f"11526{order:014d}",
        }


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def peer(path: Path, target: Path) -> None:
    """The least: read, and write three bare tables."""
    db = sqlite3.connect(target)
    db.execute("CREATE TABLE o (id TEXT PRIMARY KEY, status TEXT, amount TEXT, at TEXT)")
    db.execute("CREATE TABLE w (id TEXT, number TEXT, PRIMARY KEY (id, number))")
    db.execute("CREATE TABLE i (id TEXT, sku TEXT, name TEXT, quantity TEXT)")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        at = {name: place for place, name in enumerate(next(rows))}
        read = [tuple(cell.strip() for cell in row) for row in rows]
    order, number = at["Order ID"], at["Tracking ID"]
    facts = [order, at["Order Status"], at["Order Amount"], at["Created Time"]]
    item = [order, at["Seller SKU"], at["Product Name"], at["Quantity"]]
    db.executemany(
        "INSERT INTO o VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        ([row[place] for place in facts] for row in read),
    )
    db.executemany(
        "INSERT INTO w VALUES (?, ?) ON CONFLICT DO NOTHING",
        ((row[order], row[number]) for row in read),
    )
    db.executemany("INSERT INTO i VALUES (?, ?, ?, ?)", ([row[p] for p in item] for row in read))
    db.commit()
    db.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        table, book = place / "tiktok.csv", place / "tiktok.xlsx"
        table.write_text(exports.tiktok(rows_made(chosen.rows)), encoding="utf-8", newline="")
        exports.xlsx(book, exports.cells(exports.TIKTOK, rows_made(chosen.rows)))
        least = timed(lambda: peer(table, place / "peer.db"))
        rows = [("csv and sqlite3 alone", f"{least:.1f}", "1.0", "-")]
        for name, path in (("CSV", table), ("CSV again", table), ("XLSX", book)):
            root = place / f"archive-{path.suffix[1:]}"
            config = with_archive(load_config(None), root)
            with Archive.open(root) as archive:
                if name != "CSV again":
                    desk = Desk(archive)
                    for n in range(chosen.sessions):
                        desk.pack(f"UUS{n * 7:013d}")
                told: list[Filed] = []
                reading = 0.0

                def take(path: Path = path, archive: Archive = archive) -> None:
                    nonlocal reading
                    begun = time.perf_counter()
                    found = orders_import.read(config, archive, path)  # noqa: B023
                    reading = time.perf_counter() - begun
                    told.append(orders_import.file(archive, path, found))  # noqa: B023

                took = timed(take)
                rows.append((name, f"{took:.1f}", f"{took / least:.1f}", str(told[0])))
                print(f"{name}: read in {reading:.1f} s, filed in {took - reading:.1f} s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        note = f"{chosen.rows:,} rows; most memory {peak:.0f} MB (with the making of the files)"
        print(
            Section(
                "Orders", ("import", "seconds", "times the least", "filed"), tuple(rows), (note,)
            ).markdown()
        )


if __name__ == "__main__":
    main()
