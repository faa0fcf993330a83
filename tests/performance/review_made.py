"""A large archive for the loss review: catalogue, orders, their items, claims; no files.

    python -m tests.performance.review_made FOLDER [--parcels 1000000] [--claims 20000]

Numbers and order ids are in no order to each other, as in life: that is what a join pays for.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from ulid import ULID

from storage import schema
from storage.archive import Archive
from storage.claims import review_rows
from storage.records import utc_text
from storage.tables import GUARDS
from storage.tables_later import CATALOGUE, CATALOGUE_INDEXES
from storage.transaction import immediate
from tests.performance.archive_made import ALNUM, BENCHES, PACKERS, SHAPES, START, YEARS

DAY_MS = 86_400_000
START_MS = int(START.timestamp() * 1000)
SERVICES = ("Ground", "Express", "Economy")
DESTINATIONS = ("US", "DE", "FR", "GB", "ES", "IT", "CA", "AU", "JP", "MX", "BR", "PL", "SE", "")
PACKAGING = ("box S", "box M", "box L", "mailer", "padded mailer", "tube", "")
CURRENCIES = ("USD",) * 6 + ("EUR",) * 3 + ("CNY",)
TYPES = ("loss",) * 5 + ("damage",) * 6 + ("delay",) * 3 + (
    "theft", "missing_contents", "delivered_not_received")  # fmt: skip
STATUSES = (
    "draft", "submitted", "in_review", "needs_action", "approved", "approved_partial", "rejected",
    "rejected", "cancelled", "paid", "paid", "paid",
)  # fmt: skip
BATCH = 50_000
Row = tuple[object, ...]
_CLAIM = (
    "INSERT INTO claims (id, reference, tracking_number, type, status, status_at, currency, "
    "requested_cents, approved_cents, paid_cents, created_at, updated_at, complete) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def make(root: Path, parcels: int, claims: int, seed: int = 1) -> float:
    """The seconds it took. The archive is closed, and has all indexes and guards."""
    began = time.perf_counter()
    Archive.open(root).close()
    db = schema.connect(root / schema.DATABASE)
    try:
        for pragma in ("synchronous = OFF", "foreign_keys = OFF", "cache_size = -1000000"):
            db.execute(f"PRAGMA {pragma}")
        for trigger in list(db.triggers):
            db.execute(f"DROP TRIGGER {trigger.name}")
        db.execute("DROP TABLE catalogue")
        db.executescript(CATALOGUE)
        chance = random.Random(seed)
        _write(db.conn, _sold(parcels, chance))
        _write(db.conn, _claimed(parcels, claims, chance))
        for statement in CATALOGUE_INDEXES.split(";"):
            if statement.strip().startswith("CREATE"):
                db.execute(statement)
        with immediate(db):
            review_rows.fill(db)
        db.executescript(GUARDS[schema.SCHEMA_VERSION])
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
    return time.perf_counter() - began


def _write(db: sqlite3.Connection, made: Iterator[tuple[str, Row]]) -> None:
    """Rows by their statement, in transactions of a size."""
    while True:
        batch: dict[str, list[Row]] = {}
        for _, (statement, row) in zip(range(5 * BATCH), made, strict=False):
            batch.setdefault(statement, []).append(row)
        if not batch:
            return
        db.execute("BEGIN")
        for statement, rows in batch.items():
            db.executemany(statement, rows)
        db.execute("COMMIT")


def _number(n: int) -> str:
    """The tracking number of the parcel `n`: the same whenever it is asked for."""
    chance = random.Random(n)
    _, _, shape = SHAPES[n % len(SHAPES)]
    digits = iter(f"{chance.getrandbits(96):029d}"[-24:])
    return "".join(
        next(digits) if sign == "#" else ALNUM[chance.getrandbits(5)] if sign == "*" else sign
        for sign in shape
    )


def _sold(parcels: int, chance: random.Random) -> Iterator[tuple[str, Row]]:
    session = f"INSERT INTO catalogue VALUES ({','.join('?' * 23)})"  # noqa: S608
    order = (
        "INSERT INTO orders (order_id, order_key, value_cents, currency, service, origin, "
        "destination, packaging, shipped_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    for n in range(parcels):
        number = _number(n)
        opened = START_MS + int(n * YEARS * 365 * DAY_MS / parcels)
        carrier = SHAPES[n % len(SHAPES)][0]
        bench, packer = chance.choice(BENCHES), chance.choice(PACKERS)
        currency = chance.choice(CURRENCIES)
        cents = min(int(500 + 2000 * chance.paretovariate(1.3)), 10**8)
        known = chance.random() >= 0.05
        for again in range(1 + (chance.random() < 0.03)):
            at = opened + again * 3_600_000
            luck = chance.random()
            kind = "return" if luck > 0.98 else "packing"
            status = "cancelled" if luck < 0.01 else "interrupted" if luck < 0.02 else "sealed"
            yield session, (
                None, f"{n:019d}{again:07d}", at, at + 90_000, number, number[::-1], None, None,
                carrier, kind, status, bench, packer, 40_000_000, cents if known else None,
                currency if known else "", 0, 0, 0, 0, 0, int(chance.random() < 0.001), 0,
            )  # fmt: skip
        if not known:
            continue
        shipped = utc_text(START + dt.timedelta(milliseconds=opened - START_MS))
        name = f"{chance.randrange(10**9):09d}-{n:07d}"
        yield order, (
            name, name, cents, currency, chance.choice(SERVICES), "CN",
            chance.choice(DESTINATIONS), chance.choice(PACKAGING), shipped,
        )  # fmt: skip
        yield "INSERT INTO order_waybills VALUES (?, ?)", (name, number)
        for _ in range(1 + (chance.random() < 0.2)):
            sku = f"SKU-{int(chance.paretovariate(0.5)) % 60_000:05d}"
            yield (
                "INSERT OR IGNORE INTO order_items VALUES (?, '', ?, ?, '', 1, '', '', NULL)",
                (name, sku, sku),
            )


def _claimed(parcels: int, claims: int, chance: random.Random) -> Iterator[tuple[str, Row]]:
    for n in range(claims):
        cents = min(int(500 + 2000 * chance.paretovariate(1.3)), 10**8)
        status, at = chance.choice(STATUSES), utc_text(START)
        won = status in ("approved", "approved_partial", "paid")
        yield _CLAIM, (
            str(ULID()), f"PW-{n}", _number(chance.randrange(parcels)), chance.choice(TYPES),
            status, at, chance.choice(CURRENCIES), cents, cents * 3 // 4 if won else None,
            cents * 3 // 4 if status == "paid" else None, at, at, int(chance.random() < 0.6),
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parcels", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=20_000)
    asked = parser.parse_args()
    print(f"made in {make(asked.folder, asked.parcels, asked.claims):.0f} s")


if __name__ == "__main__":
    main()
