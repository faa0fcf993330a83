"""The catalogue: one small row of plain columns for each session, made for finding only.

Everything in it is derived from the rows of sessions and amendments by one SELECT (`DERIVED`):
refreshed within the transaction that changes those, made anew by `fill`, compared by `strays`.
Knows no file; what is asked of it is `search.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlite_utils import Database

from storage.tables_later import DERIVED, LATER_TABLES

COLUMNS = (
    "session_id",
    "opened_ms",
    "ended_ms",
    "number",
    "reversed",
    "original",
    "original_reversed",
    "carrier",
    "kind",
    "status",
    "bench",
    "packer",
    "bytes",
    "value_cents",
    "currency",
    "incomplete",
    "mismatch",
    "no_video",
    "gap",
    "held",
    "test",
    "deleted",
)
_LISTED = ", ".join(COLUMNS)
_PUT = (
    f"INSERT INTO catalogue ({_LISTED}) SELECT {_LISTED} FROM ({DERIVED}) "  # noqa: S608
    "WHERE session_id = ? ON CONFLICT (session_id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in COLUMNS[1:])
)


def refresh(db: Database, session: str) -> None:
    """Put the session's row in order, within the caller's transaction."""
    db.execute(_PUT, [session])


def fill(db: Database) -> None:
    """Make the rows of all sessions, in the order of time, in an empty catalogue."""
    db.execute(
        f"INSERT INTO catalogue ({_LISTED}) SELECT {_LISTED} FROM ({DERIVED}) "  # noqa: S608
        "ORDER BY opened_ms, session_id"
    )


def is_right(db: Database, session: str) -> bool:
    """True when the session's row is what it must be."""
    derived, listed = f"SELECT {_LISTED} FROM ({DERIVED})", f"SELECT {_LISTED} FROM catalogue"  # noqa: S608
    found, wanted = (
        db.execute(f"{sql} WHERE session_id = ?", [session]).fetchone() for sql in (listed, derived)
    )
    return bool(found == wanted)


def strays(db: Database) -> Iterator[str]:
    """The ids of sessions whose row in the catalogue is missing or not what it must be."""
    listed, derived = f"SELECT {_LISTED} FROM catalogue", f"SELECT {_LISTED} FROM ({DERIVED})"  # noqa: S608
    sql = (
        f"SELECT session_id FROM ({derived} EXCEPT {listed}) "  # noqa: S608
        f"UNION SELECT session_id FROM ({listed} EXCEPT {derived})"
    )
    for (session,) in db.execute(sql):
        yield session


def stand_in(db: Database) -> None:
    """Give a connection to a database that is older than the catalogue, and only read, what its
    schema lacks, in this connection's own temporary space."""
    for statement in LATER_TABLES.split(";"):
        if statement.strip().startswith("CREATE TABLE"):
            db.execute(statement.replace("CREATE TABLE", "CREATE TEMP TABLE"))
    db.execute(
        "CREATE TEMP VIEW orders AS SELECT *, '' AS customer_reference, '' AS customer_key, "
        "NULL AS value_cents, '' AS currency FROM main.orders"
    )
    numbered = "row_number() OVER (ORDER BY opened_ms, session_id) AS n"
    db.execute(f"CREATE TEMP VIEW catalogue AS SELECT {numbered}, * FROM ({DERIVED})")  # noqa: S608


def stands_in(db: Database) -> bool:
    """True where `stand_in` made the catalogue: it has no indexes, and every look makes it anew."""
    sql = "SELECT 1 FROM temp.sqlite_master WHERE name = 'catalogue'"
    return db.execute(sql).fetchone() is not None
