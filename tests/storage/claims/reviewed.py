"""An archive full of chance for the review: parcels, orders, claims, and what goes wrong with each;
and the figures of it counted the slow way, parcel by parcel, without a line of the review's.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from ulid import ULID

from storage import schema
from storage.archive import Archive
from storage.order import Item, Order
from storage.records import utc_text

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
HOSTILE = '=HYPERLINK("http://x","y")\x1b[2J\u202e'
CARRIERS, BENCHES = ("UPS", "DHL", ""), ("bench 1", "bench 2")
SERVICES = ("Ground", "Express", HOSTILE, "")
PLACES = ("CN", "US", "DE", "")
PACKAGING = ("box", "bag", "")
CURRENCIES = ("USD", "EUR", "CNY", "")
TYPES = ("loss", "damage", "delay", "theft", "missing_contents", "delivered_not_received")
STATUSES = ("draft", "submitted", "in_review", "needs_action", "approved", "approved_partial",
            "rejected", "cancelled", "paid")  # fmt: skip
Row = dict[str, Any]


def database(root: Path) -> Database:
    """A connection that writes into the archive in `root`, which is made."""
    Archive.open(root).close()
    db = schema.connect(root / schema.DATABASE)
    db.execute("PRAGMA synchronous = OFF")
    return db


def sell(root: Path, orders: Sequence[Order]) -> None:
    """File orders, as an import does."""
    with Archive.open(root) as archive:
        archive.file_orders(orders).result()


def pack(db: Database, n: int, number: str, at: dt.datetime, **facts: object) -> None:
    """One session's row in the catalogue."""
    row: Row = {
        "n": n, "session_id": f"{n:026d}", "opened_ms": int(at.timestamp() * 1000),
        "number": number, "reversed": number[::-1], "carrier": "UPS", "kind": "packing",
        "status": "sealed", "bench": "bench 1", "packer": "Ann", "bytes": 1, "currency": "",
        "incomplete": 0, "mismatch": 0, "no_video": 0, "gap": 0, "held": 0, "test": 0, "deleted": 0,
    }  # fmt: skip
    db.table("catalogue").insert({**row, **facts})


def claim(db: Database, number: str, **facts: object) -> None:
    """One claim."""
    at = utc_text(START)
    row: Row = {
        "id": str(ULID()), "reference": str(ULID()), "tracking_number": number, "type": "loss",
        "status": "submitted", "status_at": at, "created_at": at, "updated_at": at,
    }  # fmt: skip
    db.table("claims").insert({**row, **facts})


def chance_made(db: Database, root: Path, seed: int, sessions: int = 1500) -> None:
    """Sessions, orders and claims at random; some of it told late, or changed afterwards."""
    chance = random.Random(seed)
    numbers = [f"N{chance.randrange(10**9):09d}" for _ in range(sessions * 4 // 5)]
    orders = [_order(chance, n, numbers) for n in range(sessions)]
    sell(root, orders[::2])
    db.execute("BEGIN")
    for n in range(sessions):
        at = START + dt.timedelta(seconds=chance.randrange(200 * 86_400))
        kind = "return" if chance.random() < 0.1 else "packing"
        status = chance.choice(("sealed",) * 6 + ("interrupted", "cancelled", "open"))
        pack(
            db, n + 1, chance.choice(numbers), at, carrier=chance.choice(CARRIERS), kind=kind,
            status=status, bench=chance.choice(BENCHES), test=int(chance.random() < 0.05),
        )  # fmt: skip
    for n in chance.sample(range(1, sessions + 1), sessions // 20):
        db.execute("UPDATE catalogue SET test = 1 - test WHERE n = ?", [n])
    for n in chance.sample(range(1, sessions + 1), sessions // 20):
        db.execute("UPDATE catalogue SET number = ? WHERE n = ?", [chance.choice(numbers), n])
    db.execute("COMMIT")
    sell(root, orders)
    told = chance.sample(range(sessions), sessions // 5)
    sell(root, [replace(orders[n], items=_order(chance, n, numbers).items) for n in told])
    db.execute("BEGIN")
    for _ in range(sessions * 2 // 3):
        paid, asked = chance.randrange(30_000), chance.choice((None, chance.randrange(30_000)))
        claim(
            db, chance.choice(numbers), type=chance.choice(TYPES), status=chance.choice(STATUSES),
            complete=chance.randrange(2), currency=chance.choice(("USD", "USD", *CURRENCIES)),
            requested_cents=asked, approved_cents=chance.choice((None, paid)),
            paid_cents=chance.choice((None, paid)),
        )  # fmt: skip
    db.execute("COMMIT")


def _order(chance: random.Random, n: int, numbers: list[str]) -> Order:
    mine = tuple(chance.sample(numbers, chance.choice((0, 1, 1, 1, 1, 2))))
    items = [
        Item(
            sku=f"SKU-{chance.randrange(12)}", number=chance.choice(("", "", *mine)),
            name=HOSTILE, quantity=chance.randrange(1, 4),
        )
        for _ in range(chance.randrange(3))
    ]  # fmt: skip
    shipped = START + dt.timedelta(seconds=chance.randrange(200 * 86_400))
    return Order(
        id=f"order {n}", numbers=mine, items=tuple(items),
        currency=chance.choice(("USD", "USD", *CURRENCIES)),
        value_cents=chance.choice((None, *(chance.randrange(150_000) for _ in range(4)))),
        service=chance.choice(SERVICES), origin=chance.choice(PLACES),
        destination=chance.choice(PLACES), packaging=chance.choice(PACKAGING),
        shipped_at=chance.choice((None, shipped)),
    )  # fmt: skip


@dataclass
class Slow:
    """The parcels of a span and all that is to be known of each, looked up one by one."""

    db: Database
    start_ms: int
    end_ms: int
    parcels: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        links = list(self.db["order_waybills"].rows)
        orders = {row["order_id"]: row for row in self.db["orders"].rows}
        items = list(self.db["order_items"].rows)
        carried = defaultdict(list)
        for link in sorted(links, key=lambda row: row["order_id"]):
            carried[link["tracking_number"]].append(orders[link["order_id"]])
        held = defaultdict(list)
        for item in items:
            held[item["order_id"]].append(item)
        for row in sorted(self.db["catalogue"].rows, key=lambda row: (row["opened_ms"], row["n"])):
            packed = row["kind"] == "packing" and row["status"] in ("sealed", "interrupted")
            if packed and not row["test"]:
                self.parcels[row["number"]] = dict(row)  # the newest stays
        for number, row in list(self.parcels.items()):
            if not self.start_ms <= row["opened_ms"] < self.end_ms:
                del self.parcels[number]
                continue
            mine = carried[number]
            for name in ("service", "packaging"):
                row[name] = next((each[name] for each in mine if each[name]), "")
            ways = [(each["origin"], each["destination"]) for each in mine]
            way = next((each for each in ways if any(each)), None)
            row["route"] = "" if way is None else " → ".join(end or "?" for end in way)
            row["product"] = {
                item["sku"]
                for each in mine
                for item in held[each["order_id"]]
                if item["tracking_number"] in ("", number)
            } or {""}
            row["claims"] = []
        for told in self.db["claims"].rows:
            if told["status"] != "cancelled" and told["tracking_number"] in self.parcels:
                self.parcels[told["tracking_number"]]["claims"].append(told)

    def named(self, name: str) -> dict[str, list[Row]]:
        """The parcels by what they have in common."""
        found = defaultdict(list)
        for row in self.parcels.values():
            keys = row[name] if isinstance(row[name], set) else {row[name]}
            for key in keys:
                found[key].append(row)
        return found
