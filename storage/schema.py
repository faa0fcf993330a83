"""Connections to the database, and the migrations that bring an older one up to date.

Opens connections the one way they are opened (WAL, synchronous=FULL, foreign keys), notices a guard
that was lost, refuses a newer database. What the tables are is `tables.py`'s. Knows SQL and nothing
of sessions or files.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations
from ulid import ULID

from storage import catalogue, disclosure_rows, ledger
from storage.errors import ArchiveCorrupt, ArchiveTooNew
from storage.records import utc_text
from storage.tables import (
    CHECK_GUARDS,
    CHECK_TABLES,
    FIRST_GUARDS,
    GUARDS,
    MEASURES,
    SCANS,
    TABLES,
)
from storage.tables_disclosed import DISCLOSURE_GUARDS, DISCLOSURE_TABLES
from storage.tables_later import CATALOGUE, CATALOGUE_INDEXES, LATER_GUARDS, LATER_TABLES
from storage.tables_sold import SOLD_COLUMNS, SOLD_GUARDS, SOLD_TABLES
from storage.transaction import immediate

DATABASE = "archive.db"
SCHEMA_VERSION = 6
FIRST_WITH_CHECKS = 2
FIRST_WITH_CATALOGUE = 4
FIRST_WITH_DISCLOSURES = 5
FIRST_WITH_SOLD = 6
APPLICATION_ID = 0x50575431
"""`PWT1` in the database's header: `file` and sqlite3 show whose it is."""
BUSY_TIMEOUT_S = 10.0

migrations = Migrations("packwitness")


@migrations()
def m001_first(db: Database) -> None:
    """The archive's first shape."""
    db.executescript(TABLES)
    db.executescript(FIRST_GUARDS)
    archive_id, now = str(ULID()), dt.datetime.now(dt.UTC)
    db.execute("INSERT INTO meta VALUES ('archive_id', ?)", [archive_id])
    db.execute("INSERT INTO meta VALUES ('created_at', ?)", [utc_text(now)])
    ledger.append(db, ledger.LedgerEvent.CREATED, now, archive=archive_id)
    db.execute("PRAGMA user_version = 1")


@migrations()
def m002_measures_and_camera_checks(db: Database) -> None:
    """What clips and shots were measured to be, and the checks of the cameras."""
    db.executescript(MEASURES)
    db.executescript(CHECK_TABLES)
    db.executescript(CHECK_GUARDS)
    db.execute("PRAGMA user_version = 2")


@migrations()
def m003_raw_scans(db: Database) -> None:
    """The bytes of raw scans, what check digits said, and what a wrong label shows."""
    db.executescript(SCANS)
    db.execute("PRAGMA user_version = 3")


@migrations()
def m004_what_is_said_later(db: Database) -> None:
    """Amendments, documents, people, orders' facts, and the catalogue of all sessions."""
    db.executescript(LATER_TABLES)
    db.executescript(LATER_GUARDS)
    db.executescript(CATALOGUE)
    catalogue.fill(db)
    db.executescript(CATALOGUE_INDEXES)
    db.execute("PRAGMA user_version = 4")


@migrations()
def m005_disclosures(db: Database) -> None:
    """Who got what out of the archive, as far as the ledger tells."""
    db.executescript(DISCLOSURE_TABLES)
    db.executescript(DISCLOSURE_GUARDS)
    disclosure_rows.follow(db)
    db.execute("PRAGMA user_version = 5")


@migrations()
def m006_what_was_sold_and_claimed(db: Database) -> None:
    """What orders hold, where parcels were seen, and claims."""
    db.executescript(SOLD_COLUMNS)
    db.executescript(SOLD_TABLES)
    db.executescript(SOLD_GUARDS)
    db.execute("PRAGMA user_version = 6")


def connect(path: Path, *, read_only: bool = False) -> Database:
    """A connection to the database at `path` that any one thread at a time may use.

    Raises sqlite3.Error.
    """
    if not read_only:
        return _configured(_opened(path, "mode=rwc"), read_only=False)
    try:
        return _configured(_opened(path, "mode=ro"), read_only=True)
    except sqlite3.OperationalError:
        # In a folder that refuses writing, WAL has no place for its shared memory. With nothing
        # left in the WAL the file alone is the whole truth.
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        return _configured(_opened(path, "mode=ro&immutable=1"), read_only=True)


def _opened(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _configured(connection: sqlite3.Connection, *, read_only: bool) -> Database:
    try:
        # The version first: it reads the header, so a file that is no database fails here.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        db = Database(connection, execute_plugins=False)
        if version <= SCHEMA_VERSION and not read_only:
            db.enable_wal()
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA fullfsync = ON")
        db.execute("PRAGMA foreign_keys = ON")
        if read_only and 1 <= version < FIRST_WITH_CATALOGUE:
            catalogue.stand_in(db)
    except UnicodeDecodeError as error:  # SQLite's own message of what it cannot understand
        connection.close()
        damaged = sqlite3.DatabaseError("its tables cannot be understood")
        damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damaged from error
    except BaseException:
        connection.close()
        raise
    return db


def version_of(db: Database) -> int:
    """The schema version of the database; 0 is one that holds nothing yet."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def has_checks(db: Database) -> bool:
    """False for a database that is older than camera checks, and only read."""
    return version_of(db) >= FIRST_WITH_CHECKS


def has_disclosures(db: Database) -> bool:
    """False for a database that is older than the rows of disclosures, and only read."""
    return version_of(db) >= FIRST_WITH_DISCLOSURES


def has_sold(db: Database) -> bool:
    """False for a database that is older than claims and all that orders hold, and only read."""
    return version_of(db) >= FIRST_WITH_SOLD


def refuse_newer(db: Database, path: Path) -> None:
    """Raises ArchiveTooNew when a newer PackWitness made this database."""
    version = version_of(db)
    if version > SCHEMA_VERSION:
        raise ArchiveTooNew(path.parent, version, SCHEMA_VERSION)


def migrate(db: Database, path: Path) -> None:
    """Bring the database up to date, all or nothing, and check its guards.

    Raises ArchiveTooNew, ArchiveCorrupt, sqlite3.Error.
    """
    refuse_newer(db, path)
    with immediate(db):
        # Within the lock, so that two programs that start together migrate once.
        if not migrations.applied(db) and db.table_names():
            raise ArchiveCorrupt(path, "it is the database of another program")
        if migrations.pending(db):
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            migrations.apply(db)
    lost = lost_guards(db)
    if lost:
        raise ArchiveCorrupt(path, f"its guards {', '.join(lost)} were removed or changed")


def lost_guards(db: Database) -> list[str]:
    """The names of the triggers that are missing or are not what this version made.

    An older database, which is only read, needs those of its own version.
    """
    wanted = guards(version_of(db))
    found = {trigger.name: _squeezed(trigger.sql) for trigger in db.triggers}
    return sorted(name for name, sql in wanted.items() if found.get(name) != sql)


def guards(version: int = SCHEMA_VERSION) -> dict[str, str]:
    """Every trigger of a version by name, with its SQL squeezed to single spaces."""
    statements = [part + "END" for part in GUARDS.get(version, "").split("END;")[:-1]]
    return {statement.split()[2]: _squeezed(statement) for statement in statements}


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())
