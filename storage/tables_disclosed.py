"""The SQL of what came with schema 5: who got what out of the archive.

All of it follows from the ledger's entries and can be made anew from them; the check compares the
two. The guards let a row in only where the ledger tells of it.
"""

from __future__ import annotations

DISCLOSURE_TABLES = """
CREATE TABLE disclosures (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    seq INTEGER NOT NULL UNIQUE,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    role TEXT,
    recipient TEXT NOT NULL,
    reason TEXT NOT NULL,
    profile TEXT NOT NULL,
    package TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX disclosures_by_digest ON disclosures (digest);

CREATE TABLE disclosed_sessions (
    disclosure_id TEXT NOT NULL REFERENCES disclosures (id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,
    session_id TEXT NOT NULL,
    PRIMARY KEY (disclosure_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX disclosed_sessions_by_session ON disclosed_sessions (session_id, disclosure_id);

CREATE TABLE disclosed_files (
    disclosure_id TEXT NOT NULL REFERENCES disclosures (id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    PRIMARY KEY (disclosure_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX disclosed_files_by_content ON disclosed_files (sha256);
"""

# A disclosure's files come before its row, which closes the list of them for ever; see `tables.py`
# for why each guard also stands before INSERT.
_TOLD = """
CREATE TRIGGER disclosures_insert BEFORE INSERT ON disclosures
WHEN EXISTS (SELECT 1 FROM disclosures WHERE id = NEW.id OR seq = NEW.seq)
    OR NOT EXISTS (SELECT 1 FROM ledger
        WHERE seq = NEW.seq AND instr(body, '"event":"exported"') > 0)
BEGIN SELECT RAISE(ABORT, 'a disclosure is what the ledger tells, once'); END;

CREATE TRIGGER disclosed_sessions_insert BEFORE INSERT ON disclosed_sessions
WHEN EXISTS (SELECT 1 FROM disclosed_sessions
        WHERE disclosure_id = NEW.disclosure_id AND seq = NEW.seq)
    OR NOT EXISTS (SELECT 1 FROM ledger WHERE seq = NEW.seq AND session_id = NEW.session_id
        AND instr(body, '"event":"exported"') > 0)
BEGIN SELECT RAISE(ABORT, 'a disclosure is what the ledger tells, once'); END;

CREATE TRIGGER disclosed_files_insert BEFORE INSERT ON disclosed_files
WHEN EXISTS (SELECT 1 FROM disclosures WHERE id = NEW.disclosure_id)
    OR EXISTS (SELECT 1 FROM disclosed_files
        WHERE disclosure_id = NEW.disclosure_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'nothing is added to a disclosure that was told'); END;
"""

_FOR_EVER = """
CREATE TRIGGER {table}_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, 'a disclosure never changes'); END;

CREATE TRIGGER {table}_delete BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, 'a disclosure is never deleted'); END;
"""

DISCLOSURE_GUARDS = _TOLD + "".join(
    _FOR_EVER.format(table=table)
    for table in ("disclosures", "disclosed_sessions", "disclosed_files")
)
