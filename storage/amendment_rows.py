"""Amendments to rows and back, and which of them still hold.

Knows which column holds which field. Knows no file.
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from storage import rows
from storage.errors import UnknownAmendment
from storage.later import Amendment, Change, EvidenceGroup, Role
from storage.records import parse_utc, utc_text


def add(db: Database, amendment: Amendment, folder: str, manifest_sha256: str) -> None:
    """Add the row, within the caller's transaction."""
    rows.insert(
        db,
        "amendments",
        {
            "id": amendment.id,
            "subject": amendment.subject,
            "change": amendment.change.value,
            "at": utc_text(amendment.at),
            "by": amendment.by,
            "role": amendment.role.value,
            "text": amendment.text,
            "number": amendment.number,
            "number_reversed": amendment.number[::-1],
            "carrier": amendment.carrier,
            "evidence_group": None if amendment.group is None else amendment.group.value,
            "undoes": amendment.undoes,
            "folder": folder,
            "manifest_sha256": manifest_sha256,
        },
    )


def amendment_of(row: dict[str, Any]) -> Amendment:
    """The amendment that a row tells of. Raises KeyError, ValueError for a forged one."""
    return Amendment(
        id=row["id"],
        subject=row["subject"],
        change=Change(row["change"]),
        at=parse_utc(row["at"]),
        by=row["by"],
        role=Role(row["role"]),
        text=row["text"],
        number=row["number"],
        carrier=row["carrier"],
        group=None if row["evidence_group"] is None else EvidenceGroup(row["evidence_group"]),
        undoes=row["undoes"],
    )


def known(db: Database, amendment: str) -> bool:
    """True for the id of a filed amendment."""
    found = db.execute("SELECT 1 FROM amendments WHERE id = ?", [amendment])
    return found.fetchone() is not None


def one(db: Database, amendment: str) -> Amendment:
    """The amendment with this id. Raises UnknownAmendment."""
    for row in db.query("SELECT * FROM amendments WHERE id = ?", [amendment]):
        return amendment_of(row)
    raise UnknownAmendment(amendment)


def of_subject(db: Database, subject: str) -> list[Amendment]:
    """What was said of a session or a document, oldest first."""
    found = db.query("SELECT * FROM amendments WHERE subject = ? ORDER BY id", [subject])
    return [amendment_of(row) for row in found]


def standing(db: Database, subject: str, change: Change) -> list[Amendment]:
    """The amendments of one kind that nobody has undone, oldest first."""
    said = of_subject(db, subject)
    undone = {each.undoes for each in said if each.change is Change.UNDONE}
    return [each for each in said if each.change is change and each.id not in undone]
