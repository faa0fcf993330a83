"""The nouns of what comes after the seal: amendments, documents, and who they are by.

A sealed session never changes. What is learnt later (the right number, a note, a hold, its deletion
by policy) is an amendment; what arrives later (a carrier's trace, a customer's photo) a document.
Each is a signed file below its own folder, a row, and an entry of the ledger. Standard library
only; knows no database and no file.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from storage.records import parse_utc, utc_text


class Role(StrEnum):
    """What a person does here."""

    PACKER = "packer"
    CLAIMS = "claims"
    SUPERVISOR = "supervisor"


class Right(StrEnum):
    """What a role may be allowed. `storage.people.RIGHTS` says which role has which."""

    FIND = "find"
    LOOK = "look"
    EXPORT = "export"
    FILE = "file"
    CLAIM = "claim"
    """Open claims and change where they stand."""
    HOLD = "hold"
    CORRECT = "correct"
    DELETE = "delete"
    ADMIT = "admit"
    CHECK = "check"
    REBUILD = "rebuild"
    REKEY = "rekey"
    """Change who signs evidence packages."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something to evidence. `verified` by a PIN; False where the archive knows nobody
    yet, and the name is the computer's user. Made by `Archive.sign_in` only."""

    name: str
    role: Role
    verified: bool


class Change(StrEnum):
    """What an amendment says of its subject."""

    REBOUND = "rebound"
    """The session belongs to the tracking number `number`."""
    NOTED = "noted"
    TEST = "test"
    """A test recording: no parcel."""
    HELD = "held"
    """Retention must not delete it; `text` says why."""
    REFILED = "refiled"
    """The document belongs to the tracking number `number`, in the evidence group `group`."""
    UNDONE = "undone"
    """The TEST or HELD amendment `undoes` no longer holds."""
    DELETED = "deleted"
    """Its files are deleted by policy; `text` names the class. Metadata and hashes stay."""


class EvidenceGroup(StrEnum):
    """What a later document speaks for."""

    TRACKING_TRACE = "tracking_trace"
    MEDIA = "media"
    PROOF_OF_VALUE = "proof_of_value"
    CORRESPONDENCE = "correspondence"
    CLAIM_FORM = "claim_form"


@dataclass(frozen=True, slots=True)
class Amendment:
    """One later statement about a session or a document (`subject`, its id)."""

    id: str
    subject: str
    change: Change
    at: dt.datetime
    by: str
    role: Role
    text: str = ""
    number: str = ""
    carrier: str | None = None
    group: EvidenceGroup | None = None
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One file that came later, filed under a tracking number.

    `name` is what the file was called outside, as text; `path` (relative to the archive) never
    comes from it. `source` is the way it came ("inbox", "by hand"), `how` what told its number
    ("folder", "file name", "barcode", "person").
    """

    id: str
    number: str
    group: EvidenceGroup
    name: str
    media_type: str
    filed_at: dt.datetime
    by: str
    role: Role
    source: str
    how: str
    path: str
    size_bytes: int
    sha256: str


def amendment_to_json(amendment: Amendment) -> dict[str, Any]:
    """The JSON of an amendment, ready for `json.dumps`."""
    return {
        "amendment": amendment.id,
        "subject": amendment.subject,
        "change": amendment.change.value,
        "at": utc_text(amendment.at),
        "by": amendment.by,
        "role": amendment.role.value,
        "text": amendment.text,
        "number": amendment.number,
        "carrier": amendment.carrier,
        "group": None if amendment.group is None else amendment.group.value,
        "undoes": amendment.undoes,
    }


def amendment_from_json(data: dict[str, Any]) -> Amendment:
    """The amendment that `amendment_to_json` wrote. Raises KeyError, TypeError or ValueError."""
    return Amendment(
        id=data["amendment"],
        subject=data["subject"],
        change=Change(data["change"]),
        at=parse_utc(data["at"]),
        by=data["by"],
        role=Role(data["role"]),
        text=data["text"],
        number=data["number"],
        carrier=data["carrier"],
        group=None if data["group"] is None else EvidenceGroup(data["group"]),
        undoes=data["undoes"],
    )


def document_to_json(document: Document) -> dict[str, Any]:
    """The JSON of a document, ready for `json.dumps`."""
    return {
        "document": document.id,
        "tracking_number": document.number,
        "group": document.group.value,
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
    }


def document_from_json(data: dict[str, Any]) -> Document:
    """The document that `document_to_json` wrote. Raises KeyError, TypeError or ValueError."""
    return Document(
        id=data["document"],
        number=data["tracking_number"],
        group=EvidenceGroup(data["group"]),
        name=data["name"],
        media_type=data["media_type"],
        filed_at=parse_utc(data["filed_at"]),
        by=data["by"],
        role=Role(data["role"]),
        source=data["source"],
        how=data["how"],
        path=data["path"],
        size_bytes=int(data["size_bytes"]),
        sha256=data["sha256"],
    )
