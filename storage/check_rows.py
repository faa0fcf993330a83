"""The rows that a sealed manifest makes, compared with those that are there: column by column.

A manifest is written into an empty database in memory, the one way it is written anywhere, and the
rows are compared as they are stored; so a change shows even where it would be read as the same. The
same way the shape of the tables is compared with the one that this version makes. Knows no file.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator

from sqlite_utils import Database

from storage import schema

Put = Callable[[Database], None]
"""Writes the rows of one thing."""

OWNED = {
    "sessions": {table: "session_id" for table in ("clips", "shots", "gaps", "notes")},
    "checks": {"camera_checks": "check_id"},
    "documents": {},
    "amendments": {},
    "disclosures": {table: "disclosure_id" for table in ("disclosed_sessions", "disclosed_files")},
}
"""The tables whose rows belong to a row of each table, with the column that says to which."""

OWN_WAYS = ("_sqlite_migrations", "sqlite_")
"""What belongs to the libraries, and may look another way in another version of theirs."""

MIDDLE = "catalogue_middle"
"""The index of the middle of numbers, which is there only where it was asked for."""

_mine = threading.local()


def _scratch() -> Database:
    """This thread's empty database in memory, without guards."""
    if not hasattr(_mine, "db"):
        db = Database(memory=True)
        db.conn.isolation_level = None
        schema.migrations.apply(db)
        for trigger in db.triggers:
            db.execute(f"DROP TRIGGER {trigger.name}")
        for table in ("ledger", "meta"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608
        _mine.db = db
    scratch: Database = _mine.db
    return scratch


def differences(db: Database, table: str, owner: str, put: Put) -> list[str]:
    """What in the rows of `owner` is not as `put` writes it: columns, each with the table and the
    number of its row where that is not the first. Raises ValueError for what cannot be written."""
    scratch = _scratch()
    scratch.execute("BEGIN")
    try:
        put(scratch)
        found: list[str] = []
        for each, column in ({table: "id"} | OWNED[table]).items():
            wanted, there = (_rows(one, each, column, owner) for one in (scratch, db))
            found += _changes("" if each == table else each, wanted, there)
    except sqlite3.Error as error:
        raise ValueError(str(error)) from error
    finally:
        scratch.rollback()
    return found


def _rows(db: Database, table: str, column: str, owner: str) -> list[dict[str, object]]:
    order = "id" if column == "id" else "seq"
    sql = f"SELECT * FROM {table} WHERE {column} = ? ORDER BY {order}"  # noqa: S608
    return list(db.query(sql, [owner]))


def _changes(
    table: str, wanted: list[dict[str, object]], there: list[dict[str, object]]
) -> Iterator[str]:
    if len(wanted) != len(there):
        yield f"{len(there)} {table or 'rows'} where {len(wanted)} were sealed"
        return
    for number, (right, found) in enumerate(zip(wanted, there, strict=True), start=1):
        for column, value in found.items():
            if right[column] != value:
                yield f"{table} {number} {column}".strip() if table else column


def shape_changes(db: Database) -> list[str]:
    """The tables and indexes that are missing, or are not what this version makes."""
    there = _shape(db)
    wanted = _shape(_scratch()).items()
    return sorted(name for name, sql in wanted if there.get(name) != sql)


def strange_triggers(db: Database) -> list[str]:
    """The triggers that this program never makes: whoever made them may change rows by them."""
    ours = schema.guards()
    return sorted(
        trigger.name
        for trigger in db.triggers
        if trigger.name not in ours and not trigger.name.startswith(MIDDLE)
    )


def _shape(db: Database) -> dict[str, str]:
    found = db.execute(
        "SELECT name, tbl_name, coalesce(sql, '') FROM main.sqlite_master "
        "WHERE type IN ('table', 'index')"
    )
    # The index of a primary key is called sqlite_autoindex_<table>_<number>, and has no SQL.
    return {name: " ".join(sql.split()) for name, of, sql in found if not of.startswith(OWN_WAYS)}
