"""The rows of disclosures, compared with what the ledger tells.

Reads only, in one state of the database, because people export while it is checked. Knows no order
of checking: that is `check_archive.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlite_utils import Database

from storage import check_rows, disclosure_rows, schema
from storage.disclosures import Misread, Told
from storage.problem import Problem

DATABASE = schema.DATABASE
LISTED = "SELECT seq, id FROM disclosures ORDER BY seq"


def disclosure_problems(db: Database) -> Iterator[Problem]:
    """What is wrong with the rows of disclosures, and with the entries that they follow from.

    `db` must not be within a transaction.
    """
    db.execute("BEGIN")
    try:
        listed = iter(db.execute(LISTED).fetchone, None)
        row = next(listed, None)
        for told in disclosure_rows.in_ledger(db):
            if isinstance(told, Misread):
                what = f"ledger entry {told.seq}: tells of an export, and cannot be understood"
                yield Problem(DATABASE, what)
                continue
            here = (told.seqs[0], told.disclosure.id)
            while row is not None and row < here:
                yield _stray(row[1])
                row = next(listed, None)
            if row == here:
                row = next(listed, None)
                yield from _row_problems(db, told)
            else:
                yield _unmatched(db, told)
        while row is not None:
            yield _stray(row[1])
            row = next(listed, None)
    finally:
        db.rollback()


def _row_problems(db: Database, told: Told) -> Iterator[Problem]:
    changed = check_rows.differences(
        db, "disclosures", told.disclosure.id, lambda scratch: disclosure_rows.add(scratch, told)
    )
    if changed:
        what = f"the row of disclosure {told.disclosure.id} was changed: {', '.join(changed)}"
        yield Problem(DATABASE, what)


def _unmatched(db: Database, told: Told) -> Problem:
    disclosure = told.disclosure.id
    if db.execute("SELECT 1 FROM disclosures WHERE id = ?", [disclosure]).fetchone():
        what = f"its row does not name the ledger entry {told.seqs[0]}, which tells of it"
        return Problem(DATABASE, f"disclosure {disclosure}: {what}")
    return Problem(DATABASE, f"disclosure {disclosure} is in the ledger, its row is gone")


def _stray(disclosure: str) -> Problem:
    return Problem(DATABASE, f"disclosure {disclosure}: the ledger does not tell of it")
