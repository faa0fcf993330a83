"""The database's tables, the triggers that guard them, and the migrations that lead there.

Opens connections the one way they are opened (WAL, synchronous=FULL, foreign keys) and brings an
older database up to date; refuses a newer one. Knows SQL and nothing of sessions or files.

The guards are for mistakes, in this program and in others that open the file: a closed session,
its media rows and the ledger refuse every change. Whoever may write the file can drop a trigger;
that is what the ledger and the manifests are for.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database, Migrations
from ulid import ULID

from storage import ledger
from storage.errors import ArchiveCorrupt, ArchiveTooNew
from storage.records import utc_text

DATABASE = "archive.db"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x50575431
"""`PWT1` in the database's header: `file` and sqlite3 show whose it is."""
BUSY_TIMEOUT_S = 10.0

TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    tracking_number TEXT NOT NULL CHECK (tracking_number <> ''),
    number_reversed TEXT NOT NULL,
    raw_scan TEXT NOT NULL,
    carrier TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('packing', 'return')),
    pass_no INTEGER NOT NULL CHECK (pass_no >= 1),
    bench TEXT NOT NULL,
    packer TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    folder TEXT NOT NULL,
    required TEXT NOT NULL CHECK (json_valid(required)),
    status TEXT NOT NULL CHECK (status IN ('open', 'sealed', 'interrupted', 'cancelled')),
    sealed_at TEXT,
    end_reason TEXT,
    reason TEXT NOT NULL,
    manifest_sha256 TEXT,
    CHECK ((status = 'open') = (sealed_at IS NULL)),
    CHECK ((status = 'open') = (manifest_sha256 IS NULL)),
    CHECK ((status = 'open') = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_number ON sessions (tracking_number, opened_at);
CREATE INDEX sessions_by_suffix ON sessions (number_reversed);
CREATE INDEX sessions_by_time ON sessions (opened_at, id);
CREATE INDEX sessions_open ON sessions (id) WHERE status = 'open';
CREATE UNIQUE INDEX sessions_pass ON sessions (tracking_number, kind, pass_no)
    WHERE status <> 'cancelled';

CREATE TABLE clips (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    camera TEXT NOT NULL,
    part INTEGER NOT NULL,
    path TEXT NOT NULL,
    codec TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    pre_roll_ms INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE shots (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    slot TEXT NOT NULL,
    path TEXT NOT NULL,
    camera TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    label_check TEXT CHECK (label_check IN ('match', 'mismatch', 'unreadable')),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    camera TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    cause TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE notes (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY NOT NULL,
    session_id TEXT,
    body TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;

CREATE INDEX ledger_by_session ON ledger (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE orders (
    order_id TEXT PRIMARY KEY NOT NULL,
    order_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_key ON orders (order_key);

CREATE TABLE order_waybills (
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    tracking_number TEXT NOT NULL,
    PRIMARY KEY (order_id, tracking_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX order_waybills_by_number ON order_waybills (tracking_number);
"""

MEDIA_TABLES = ("clips", "shots", "gaps", "notes")

# Each guard also stands before INSERT and UPDATE, because `OR REPLACE` deletes the row in its way
# without asking the DELETE triggers (unless recursive_triggers is on, which no other program does).
SESSION_GUARDS = """
CREATE TRIGGER sessions_insert BEFORE INSERT ON sessions
WHEN NEW.status <> 'open'
    OR EXISTS (SELECT 1 FROM sessions WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM sessions WHERE tracking_number = NEW.tracking_number
        AND kind = NEW.kind AND pass_no = NEW.pass_no AND status <> 'cancelled')
BEGIN SELECT RAISE(ABORT, 'a session begins open, with an id and a pass of its own'); END;

CREATE TRIGGER sessions_update BEFORE UPDATE ON sessions
WHEN OLD.status <> 'open' OR NEW.id <> OLD.id
    OR EXISTS (SELECT 1 FROM sessions WHERE tracking_number = NEW.tracking_number
        AND kind = NEW.kind AND pass_no = NEW.pass_no AND status <> 'cancelled' AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;

CREATE TRIGGER sessions_delete BEFORE DELETE ON sessions
BEGIN SELECT RAISE(ABORT, 'a session is never deleted'); END;

CREATE TRIGGER ledger_insert BEFORE INSERT ON ledger
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the ledger only grows at its end'); END;

CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger never changes'); END;

CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger never shrinks'); END;
"""

MEDIA_GUARDS = """
CREATE TRIGGER {table}_insert BEFORE INSERT ON {table}
WHEN (SELECT status FROM sessions WHERE id = NEW.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'nothing is added to a session that is not open'); END;

CREATE TRIGGER {table}_update BEFORE UPDATE ON {table}
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
    OR NEW.session_id <> OLD.session_id
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;

CREATE TRIGGER {table}_delete BEFORE DELETE ON {table}
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
"""

GUARDS = SESSION_GUARDS + "".join(MEDIA_GUARDS.format(table=table) for table in MEDIA_TABLES)

migrations = Migrations("packwitness")


@migrations()
def m001_first(db: Database) -> None:
    """The archive's first shape."""
    db.executescript(TABLES)
    db.executescript(GUARDS)
    archive_id, now = str(ULID()), dt.datetime.now(dt.UTC)
    db.execute("INSERT INTO meta VALUES ('archive_id', ?)", [archive_id])
    db.execute("INSERT INTO meta VALUES ('created_at', ?)", [utc_text(now)])
    ledger.append(db, ledger.LedgerEvent.CREATED, now, archive=archive_id)
    db.execute("PRAGMA user_version = 1")


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
    except BaseException:
        connection.close()
        raise
    return db


def version_of(db: Database) -> int:
    """The schema version of the database; 0 is one that holds nothing yet."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


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
    """The names of the triggers that are missing or are not what this version made."""
    wanted = guards()
    found = {trigger.name: _squeezed(trigger.sql) for trigger in db.triggers}
    return sorted(name for name, sql in wanted.items() if found.get(name) != sql)


def guards() -> dict[str, str]:
    """Every trigger by name, with its SQL squeezed to single spaces."""
    statements = [part + "END" for part in GUARDS.split("END;")[:-1]]
    return {statement.split()[2]: _squeezed(statement) for statement in statements}


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())


@contextmanager
def immediate(db: Database) -> Iterator[None]:
    """One transaction that has the write lock from its first statement on.

    A deferred one that turns to writing half-way fails at once when another program wrote in
    between, whatever the busy timeout.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
