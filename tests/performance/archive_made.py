"""A large archive without its files: the rows of years of packing, written as fast as rows can be.

    python -m tests.performance.archive_made FOLDER [--waybills 1000000] [--copies 10] [--lean]

Benches, packers, carriers, orders and faults are spread as in a real warehouse; numbers have their
carriers' shapes, so that many share a beginning. `--lean` leaves out most photos and most of the
ledger, which no search reads and which take most of the room. Names no file that exists: for
searching, not for `packwitness check`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sqlite_utils import Database

from storage import catalogue, schema
from storage.archive import Archive
from storage.claims import review_rows
from storage.files import session_folder
from storage.records import utc_text
from storage.tables import GUARDS
from storage.tables_later import CATALOGUE, CATALOGUE_INDEXES
from storage.tables_sold import ORDER_COLUMNS
from storage.transaction import immediate

START = dt.datetime(2023, 1, 2, tzinfo=dt.UTC)
YEARS = 3.9
BENCHES = tuple(f"bench {n}" for n in range(1, 9))
PACKERS = (
    "Ann", "Ben", "Chloe", "Dan", "Eve", "Finn", "Gina", "Hugo", "Ida", "Jan", "Kim", "Lea",
    "Max", "Nora", "Otto", "Pia", "Quin", "Rosa", "Sam", "Tara", "Udo", "Vera", "Wei", "王芳",
)  # fmt: skip
SHAPES = (  # carrier, share, shape; # is a digit, * a digit or a letter
    ("USPS", 34, "94001#################"),
    ("UPS", 26, "1Z999AA*##########"),
    ("FedEx", 16, "7##############"),
    ("SF Express", 12, "SF1#############"),
    ("DHL", 8, "JD0146#############"),
    ("YunExpress", 4, "YT2########0######"),
)
SHA = "0" * 64
BATCH = 50_000
ALNUM = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
TABLES = ("sessions", "clips", "shots", "gaps", "orders", "order_waybills", "order_items",
          "amendments", "ledger")  # fmt: skip


def make(
    root: Path,
    waybills: int,
    seed: int = 1,
    *,
    lean: bool = False,
    often: float = 1.0,
    copies: int = 1,
) -> dict[str, float]:
    """Amendments come `often` times as often as in life, for archives so small that they had none.

    The seconds that the steps took. The archive is closed, and has all indexes and guards."""
    Archive.open(root).close()
    taken: dict[str, float] = {}
    db = schema.connect(root / schema.DATABASE)
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("PRAGMA cache_size = -1000000")
        _bare(db)
        began = time.perf_counter()
        _write(db, waybills, random.Random(seed), lean=lean, often=often)
        taken["rows"] = time.perf_counter() - began
        began = time.perf_counter()
        db.execute("CREATE UNIQUE INDEX sessions_pass ON sessions (tracking_number, kind, pass_no) "
                   "WHERE status <> 'cancelled'")  # fmt: skip
        with immediate(db):
            catalogue.fill(db)
        taken["catalogue"] = time.perf_counter() - began
        began = time.perf_counter()
        for copy in range(1, copies):
            _copy(db, copy)
        taken["copies"] = time.perf_counter() - began
        began = time.perf_counter()
        _indexed(db)
        with immediate(db):
            review_rows.fill(db)
        db.executescript(GUARDS[schema.SCHEMA_VERSION])
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        taken["indexes"] = time.perf_counter() - began
        lost = schema.lost_guards(db)
        if lost:
            raise SystemExit(f"lost guards: {lost}")
    finally:
        db.close()
    return taken


def _bare(db: Database) -> None:
    """Take away what slows the writing of many rows: guards, indexes, an empty catalogue."""
    for trigger in list(db.triggers):
        db.execute(f"DROP TRIGGER {trigger.name}")
    db.execute("DROP TABLE catalogue")
    db.executescript(CATALOGUE)
    db.execute("DROP INDEX sessions_pass")


def _indexed(db: Database) -> None:
    for statement in CATALOGUE_INDEXES.split(";"):
        if statement.strip().startswith("CREATE"):
            db.execute(statement)


def _write(db: Database, waybills: int, chance: random.Random, *, lean: bool, often: float) -> None:
    before = db.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    made = _sessions(waybills, chance, before, lean=lean, often=often)
    marks = {table: ",".join("?" * len(db[table].columns)) for table in TABLES}
    while True:
        batch: dict[str, list[tuple[object, ...]]] = {table: [] for table in TABLES}
        for _, each in zip(range(BATCH), made, strict=False):
            for table, row in each:
                batch[table].append(row)
        if not batch["sessions"]:
            return
        with immediate(db):
            for table, rows in batch.items():
                db.conn.executemany(f"INSERT INTO {table} VALUES ({marks[table]})", rows)  # noqa: S608


_ID = "substr('BCDEFGHJKM', {copy}, 1) || substr({0}, 2)"
_NUMBER = (  # with the last seven digits mixed, differently in each copy
    "CASE WHEN {0} <> '' THEN substr({0}, 1, length({0}) - 7) || printf('%07d', "
    "(CAST(substr({0}, -7) AS INTEGER) * 13 + {copy} * 7654321) % 10000000) ELSE {0} END"
)
_LATER = "strftime('%Y-%m-%dT%H:%M:%fZ', {0}, '+{copy} seconds')"
_OWN = {
    **dict.fromkeys(("id", "session_id", "subject", "order_id", "order_key"), _ID),
    **dict.fromkeys(("tracking_number", "number", "original"), _NUMBER),
    "number_reversed": "backwards(" + _NUMBER.replace("{0}", "{number}") + ")",
    "reversed": "backwards(" + _NUMBER.replace("{0}", "{number}") + ")",
    "original_reversed": "backwards(" + _NUMBER.replace("{0}", "original") + ")",
    **dict.fromkeys(("opened_at", "sealed_at"), _LATER),
    **dict.fromkeys(("opened_ms", "ended_ms"), "{0} + {copy} * 1000"),
    "pass_no": "{copy} + 1",
    "n": "NULL",
}
"""What one more copy of a row has of its own."""


def _copy(db: Database, copy: int) -> None:
    """Write everything but the ledger once more, with other numbers, within SQLite: ten times as
    fast as from here."""
    db.register_function(lambda text: text and text[::-1], name="backwards", deterministic=True)
    with immediate(db):
        for table in (*TABLES[:-1], "catalogue"):
            columns = list(db[table].columns_dict)
            number = "tracking_number" if table == "sessions" else "number"
            own = [
                _OWN.get(column, "{0}").format(column, copy=copy, number=number)
                for column in columns
            ]
            mark = next(c for c in ("session_id", "subject", "order_id", "id") if c in columns)
            rows = f"SELECT {', '.join(own)} FROM {table} WHERE {mark} < 'A'"  # noqa: S608
            db.execute(f"INSERT INTO {table} {rows}")


Rows = list[tuple[str, tuple[object, ...]]]


def _sessions(
    waybills: int, chance: random.Random, head: tuple[int, str], *, lean: bool, often: float
) -> Iterator[Rows]:
    """The rows of one session after the other, each with the name of its table."""
    seq, last_hash = head
    span_ms = YEARS * 365 * 86_400_000 / waybills
    shapes, weights = SHAPES, [share for _, share, _ in SHAPES]
    for n in range(1, waybills + 1):
        opened = START + dt.timedelta(milliseconds=int((n + chance.random()) * span_ms))
        ended = opened + dt.timedelta(seconds=20 + chance.expovariate(1 / 40))
        session = f"0{n:025d}"
        carrier, _, shape = chance.choices(shapes, weights)[0]
        number = _number(shape, chance)
        kind = "return" if chance.random() < 0.05 else "packing"
        luck = chance.random()
        status = "sealed" if luck < 0.97 else "interrupted" if luck < 0.98 else "cancelled"
        incomplete, no_video = chance.random() < 0.02, chance.random() < 0.004
        mismatch = chance.random() < 0.003
        folder = session_folder(session, opened)
        opened_at, ended_at = utc_text(opened), utc_text(ended)
        packer = PACKERS[int(len(PACKERS) * chance.random() ** 1.5)]
        bench = BENCHES[int(len(BENCHES) * chance.random())]
        required = ("item",) if incomplete else () if lean else ("item", "label")
        rows: Rows = [(
            "sessions",
            (session, number, number[::-1], number, carrier, kind, 1, bench, packer, opened_at,
             folder, json.dumps(required), status, ended_at,
             "finish", "", SHA, None, None),
        )]  # fmt: skip
        if not no_video:
            rows.append((
                "clips",
                (session, 1, "overhead", 1, f"{folder}/overhead-01.mp4", "h264", 1920, 1080,
                 opened_at, int((ended - opened).total_seconds() * 1000) + 5000, 5000, 1800, 0,
                 20_000_000 + n % 9_999_999, SHA, 0, 0),
            ))  # fmt: skip
        for place, slot in enumerate(("item", "label"), start=1):
            wrong = slot == "label" and mismatch
            if (not lean and not (incomplete and slot == "item")) or wrong:
                check = ("mismatch" if wrong else "match") if slot == "label" else None
                rows.append((
                    "shots",
                    (session, place, slot, f"{folder}/{slot}-01.jpg", "overhead", ended_at, check,
                     1920, 1080, 400_000, SHA, 300.0, 120.0, 0.5, ""),
                ))  # fmt: skip
        if chance.random() < 0.015:
            rows.append(("gaps", (session, 1, "overhead", opened_at, ended_at, "no frame")))
        _order(rows, n, number, chance)
        _amend(rows, n, waybills, session, ended_at, chance.random() / often)

        if not lean or n == waybills:
            seq += 1
            body = json.dumps({"seq": seq, "at": ended_at, "event": status, "session": session,
                               "tracking_number": number, "manifest_sha256": SHA,
                               "key": SHA[:16]})  # fmt: skip
            last_hash = sha256(bytes.fromhex(last_hash) + body.encode()).hexdigest()
            rows.append(("ledger", (seq, session, body, last_hash)))
        yield rows


def _number(shape: str, chance: random.Random) -> str:
    digits = f"{chance.getrandbits(96):029d}"
    place = iter(digits[-24:])
    return "".join(
        next(place) if sign == "#" else ALNUM[chance.getrandbits(5)] if sign == "*" else sign
        for sign in shape
    )


def _order(rows: Rows, n: int, number: str, chance: random.Random) -> None:
    """Nine parcels in ten carry an order, of one of a few hundred thousand customers."""
    if chance.random() < 0.1:
        return
    order = f"{100 + n % 900}-{n:09d}"
    customer = f"C{int(chance.paretovariate(0.6)) % 400_000:06d}"
    cents = int(500 + 2000 * chance.paretovariate(1.3))
    sku = f"SKU-{int(chance.paretovariate(0.5)) % 60_000:05d}"
    worth = min(cents, 10**8)
    untold = ("",) * len(ORDER_COLUMNS)
    rows.append(("orders", (order, order, customer, customer, worth, "EUR", *untold, None, None)))
    rows.append(("order_waybills", (order, number)))
    rows.append(("order_items", (order, "", sku, sku, "", 1, "", "", None)))


def _amend(rows: Rows, n: int, waybills: int, session: str, at: str, luck: float) -> None:
    change, number, carrier = "", "", None
    if n < waybills * 0.05:
        change = "deleted"
    elif luck < 0.0005:
        change = "held"
    elif luck < 0.001:
        change = "test"
    elif luck < 0.002:
        change, carrier, number = "rebound", "DHL", _number("JD0146#############", random.Random(n))
    if change:
        rows.append((
            "amendments",
            (f"1{n:025d}", session, change, at, "Sue", "supervisor", "", number, number[::-1],
             carrier, None, "", "amendments/x", SHA),
        ))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--waybills", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copies", type=int, default=1, help="times WAYBILLS, up to 10")
    parser.add_argument("--lean", action="store_true")
    asked = parser.parse_args()
    taken = make(asked.folder, asked.waybills, asked.seed, lean=asked.lean, copies=asked.copies)
    size = (asked.folder / schema.DATABASE).stat().st_size
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in taken.items())
    print(f"{asked.waybills * asked.copies:,} waybills, {size / 1e9:.2f} GB: {steps}")
    with sqlite3.connect(asked.folder / schema.DATABASE) as db:
        print(db.execute("SELECT count(*), sum(incomplete), sum(held) FROM catalogue").fetchone())


if __name__ == "__main__":
    main()
