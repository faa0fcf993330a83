"""The SQL of the tables, and of the triggers that guard them. `schema.py` carries it out.

The guards are for mistakes, in this program and in others that open the file: a closed session,
its media rows, a filed camera check and the ledger refuse every change. Whoever may write the file
can drop a trigger; that is what the ledger and the manifests are for.
"""

from __future__ import annotations

from storage.tables_disclosed import DISCLOSURE_GUARDS
from storage.tables_later import LATER_GUARDS
from storage.tables_sold import SOLD_GUARDS

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

# Columns are only ever added, never by rebuilding a table: that drops its triggers without a word.
MEASURES = """
ALTER TABLE clips ADD COLUMN clock_offset_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clips ADD COLUMN copied INTEGER NOT NULL DEFAULT 0 CHECK (copied IN (0, 1));
ALTER TABLE shots ADD COLUMN sharpness REAL;
ALTER TABLE shots ADD COLUMN brightness REAL;
ALTER TABLE shots ADD COLUMN motion REAL;
"""

# A session that was sealed keeps its row as it is: its `raw_hex` stays NULL, and `raw_scan` counts.
SCANS = """
ALTER TABLE sessions ADD COLUMN raw_hex TEXT CHECK (raw_hex NOT GLOB '*[^0-9a-f]*');
ALTER TABLE sessions ADD COLUMN check_digit TEXT CHECK (check_digit IN ('ok', 'failed'));
ALTER TABLE shots ADD COLUMN label_read TEXT NOT NULL DEFAULT '';
"""

CHECK_TABLES = """
CREATE TABLE checks (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    folder TEXT NOT NULL,
    manifest_sha256 TEXT NOT NULL CHECK (length(manifest_sha256) = 64)
) STRICT, WITHOUT ROWID;

CREATE TABLE camera_checks (
    check_id TEXT NOT NULL REFERENCES checks (id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,
    bench TEXT NOT NULL,
    packer TEXT NOT NULL,
    at TEXT NOT NULL,
    camera TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    fps REAL NOT NULL,
    module_mm REAL,
    sharpness REAL NOT NULL,
    brightness REAL NOT NULL,
    clock_offset_ms INTEGER,
    verdict TEXT NOT NULL CHECK (verdict IN ('good', 'poor')),
    advice TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = CASE path WHEN '' THEN 0 ELSE 64 END),
    PRIMARY KEY (check_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX camera_checks_by_time ON camera_checks (at, check_id, seq);
CREATE INDEX camera_checks_by_bench ON camera_checks (bench, at);
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

# A check is filed whole: its cameras' rows first, then the row that closes it for ever.
CHECK_GUARDS = """
CREATE TRIGGER checks_insert BEFORE INSERT ON checks
WHEN EXISTS (SELECT 1 FROM checks WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a camera check is filed once'); END;

CREATE TRIGGER checks_update BEFORE UPDATE ON checks
BEGIN SELECT RAISE(ABORT, 'a camera check never changes'); END;

CREATE TRIGGER checks_delete BEFORE DELETE ON checks
BEGIN SELECT RAISE(ABORT, 'a camera check is never deleted'); END;

CREATE TRIGGER camera_checks_insert BEFORE INSERT ON camera_checks
WHEN EXISTS (SELECT 1 FROM checks WHERE id = NEW.check_id)
    OR EXISTS (SELECT 1 FROM camera_checks WHERE check_id = NEW.check_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'nothing is added to a camera check that was filed'); END;

CREATE TRIGGER camera_checks_update BEFORE UPDATE ON camera_checks
BEGIN SELECT RAISE(ABORT, 'a camera check never changes'); END;

CREATE TRIGGER camera_checks_delete BEFORE DELETE ON camera_checks
BEGIN SELECT RAISE(ABORT, 'a camera check is never deleted'); END;
"""

FIRST_GUARDS = SESSION_GUARDS + "".join(MEDIA_GUARDS.format(table=each) for each in MEDIA_TABLES)
SECOND_GUARDS = FIRST_GUARDS + CHECK_GUARDS
FOURTH_GUARDS = SECOND_GUARDS + LATER_GUARDS
FIFTH_GUARDS = FOURTH_GUARDS + DISCLOSURE_GUARDS
SIXTH_GUARDS = FIFTH_GUARDS + SOLD_GUARDS
GUARDS = {
    1: FIRST_GUARDS,
    2: SECOND_GUARDS,
    3: SECOND_GUARDS,
    4: FOURTH_GUARDS,
    5: FIFTH_GUARDS,
    6: SIXTH_GUARDS,
}
"""The triggers that a database of each version has."""
