"""The rows of disclosures, made from the entries of the ledger that tell of them.

The rows are for finding and follow from the entries alone: `follow` makes those that are missing,
within the transaction that brought the entries. Knows no file; what is asked of the rows is
`disclosing.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlite_utils import Database

from storage.disclosures import Misread, Told, told_by
from storage.ledger import Entry
from storage.records import utc_text

ENTRIES = (
    "SELECT seq, session_id, body, hash FROM ledger "
    'WHERE seq >= ? AND instr(body, \'"event":"exported"\') > 0 ORDER BY seq'
)
PUT_FILE = "INSERT INTO disclosed_files VALUES (?, ?, ?, ?, ?)"
PUT_SESSION = "INSERT INTO disclosed_sessions VALUES (?, ?, ?)"
PUT = "INSERT INTO disclosures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def in_ledger(db: Database, since_seq: int = 1) -> Iterator[Told | Misread]:
    """What the ledger tells of disclosures, from an entry on, oldest first."""
    return told_by(Entry(*row) for row in db.execute(ENTRIES, [since_seq]))


def add(db: Database, told: Told) -> None:
    """Add the rows of a disclosure, within the caller's transaction, which has its entries."""
    each = told.disclosure
    for number, file in enumerate(each.files, start=1):
        db.execute(PUT_FILE, [each.id, number, file.name, file.size_bytes, file.sha256])
    db.execute(
        PUT,
        [
            each.id,
            told.seqs[0],
            utc_text(each.at),
            each.by,
            None if each.role is None else each.role.value,
            each.recipient,
            each.reason,
            each.profile,
            each.package,
            each.digest,
        ],
    )
    _add_sessions(db, told)


def follow(db: Database) -> int:
    """Give rows to what the ledger tells and has none, within the caller's transaction; how many
    disclosures are new.

    What cannot be understood, or takes the id of another, gets none: the check names it.
    """
    newest = db.execute("SELECT coalesce(max(seq), 1) FROM disclosures").fetchone()[0]
    count = 0
    for told in in_ledger(db, newest):
        if isinstance(told, Misread):
            continue
        sql = "SELECT seq FROM disclosures WHERE id = ?"
        known = db.execute(sql, [told.disclosure.id]).fetchone()
        if known is None:
            add(db, told)
            count += 1
        elif known[0] == told.seqs[0]:
            # Entries come back in parts: it may have been told of fewer sessions until now.
            sql = "SELECT max(seq) FROM disclosed_sessions WHERE disclosure_id = ?"
            _add_sessions(db, told, db.execute(sql, [told.disclosure.id]).fetchone()[0])
    return count


def _add_sessions(db: Database, told: Told, after_seq: int = 0) -> None:
    for seq, session in zip(told.seqs, told.disclosure.sessions, strict=True):
        if seq > after_seq:
            db.execute(PUT_SESSION, [told.disclosure.id, seq, session])
