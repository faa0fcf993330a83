"""Documents to rows and back, each with what a later amendment says of it.

Knows which column holds which field, and which of several statements counts: the newest. Knows no
file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from storage import rows
from storage.later import Document, EvidenceGroup, Role
from storage.records import parse_utc, utc_text

_REFILED = (
    "SELECT d.*, a.number AS later_number, a.evidence_group AS later_group FROM documents AS d "
    "LEFT JOIN amendments AS a ON a.id = (SELECT r.id FROM amendments AS r "
    "WHERE r.subject = d.id AND r.change = 'refiled' ORDER BY r.id DESC LIMIT 1)"
)
_OF_NUMBER = (
    f"{_REFILED} WHERE d.id IN (SELECT id FROM documents WHERE tracking_number = :number "  # noqa: S608
    "UNION SELECT subject FROM amendments WHERE change = 'refiled' AND number = :number) "
    "AND coalesce(a.number, d.tracking_number) = :number ORDER BY d.id"
)
_SAME = (
    f"{_REFILED} WHERE d.sha256 = :sha256 "
    "AND coalesce(a.number, d.tracking_number) = :number ORDER BY d.id LIMIT 1"
)
_KNOWN = (
    "SELECT number FROM catalogue WHERE number = :text "
    "UNION SELECT number FROM catalogue WHERE original = :text "
    "UNION SELECT tracking_number FROM order_waybills WHERE tracking_number = :text "
    "UNION SELECT w.tracking_number FROM orders AS o JOIN order_waybills AS w "
    "ON w.order_id = o.order_id WHERE o.order_key = :text LIMIT 100"
)


@dataclass(frozen=True, slots=True)
class Filed:
    """A document as it was filed, and the number and group that count today."""

    document: Document
    number: str
    group: EvidenceGroup


def add(db: Database, document: Document, folder: str, manifest_sha256: str) -> None:
    """Add the row, within the caller's transaction."""
    rows.insert(
        db,
        "documents",
        {
            "id": document.id,
            "tracking_number": document.number,
            "evidence_group": document.group.value,
            "name": document.name,
            "media_type": document.media_type,
            "filed_at": utc_text(document.filed_at),
            "by": document.by,
            "role": document.role.value,
            "source": document.source,
            "how": document.how,
            "path": document.path,
            "size_bytes": document.size_bytes,
            "sha256": document.sha256,
            "folder": folder,
            "manifest_sha256": manifest_sha256,
        },
    )


def document_of(row: dict[str, Any]) -> Document:
    """The document that a row of the table `documents` tells of."""
    return Document(
        id=row["id"],
        number=row["tracking_number"],
        group=EvidenceGroup(row["evidence_group"]),
        name=row["name"],
        media_type=row["media_type"],
        filed_at=parse_utc(row["filed_at"]),
        by=row["by"],
        role=Role(row["role"]),
        source=row["source"],
        how=row["how"],
        path=row["path"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
    )


def _filed(found: Iterator[dict[str, Any]]) -> list[Filed]:
    return [
        Filed(
            document_of(row),
            row["later_number"] or row["tracking_number"],
            EvidenceGroup(row["later_group"] or row["evidence_group"]),
        )
        for row in found
    ]


def one(db: Database, document: str) -> Filed | None:
    """The document with this id, or None."""
    return next(iter(_filed(db.query(f"{_REFILED} WHERE d.id = :id", {"id": document}))), None)


def of_number(db: Database, number: str) -> list[Filed]:
    """The documents that belong to the number today, oldest first."""
    return _filed(db.query(_OF_NUMBER, {"number": number}))


def same(db: Database, number: str, sha256: str) -> Document | None:
    """The document of this content that belongs to the number today, or None."""
    found = _filed(db.query(_SAME, {"number": number, "sha256": sha256}))
    return found[0].document if found else None


def numbers_known(db: Database, text: str) -> list[str]:
    """The tracking numbers that the archive knows a text by, in their order."""
    return [str(row[0]) for row in db.execute(_KNOWN, {"text": text})]
