"""Disclosures: who got which evidence out of the archive, when, for whom and why.

A disclosure is what the ledger's entries `exported` tell of it, one for each session, one right
after the other. Here are the nouns, and how they are read back from those entries, also from those
that former versions wrote. Knows no database and no file.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ulid import ULID

from storage.later import Role
from storage.ledger import Entry, LedgerEvent, facts
from storage.records import parse_utc, utc_text

DIGEST_FORM = re.compile(r"[0-9a-f]{64}", re.ASCII)
ULID_FORM = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)
SIZE_LIMIT_BYTES = 1 << 62


@dataclass(frozen=True, slots=True)
class DisclosedFile:
    """One file that left the archive: its name in the package, and the SHA-256 (hex) of its bytes
    as they left, which for a fitted or redacted copy is not that of its source."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One export. `package` is the name of the file or folder that was written, `digest` its hash;
    `sessions` are the ids of those that it shows.

    Of what former versions told, `recipient`, `reason`, `profile` and `files` are empty; of the
    first three versions also `by`, and `role` is None.
    """

    id: str
    at: dt.datetime
    by: str
    role: Role | None
    recipient: str
    reason: str
    profile: str
    package: str
    digest: str
    sessions: tuple[str, ...]
    files: tuple[DisclosedFile, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A disclosure with the numbers of the ledger's entries that tell of it: one for each of its
    sessions, in their order."""

    disclosure: Disclosure
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Misread:
    """An entry that claims to tell of a disclosure and does not."""

    seq: int


def told_by(entries: Iterable[Entry]) -> Iterator[Told | Misread]:
    """The disclosures that these entries of the ledger tell of, in their order, each when its last
    entry has been seen; entries that tell of something else are passed over."""
    last: Told | None = None
    for entry in entries:
        told = facts(entry)
        if told.get("event") != LedgerEvent.EXPORTED:
            continue
        if last is not None and _continues(last, entry, told):
            sessions = (*last.disclosure.sessions, str(told["session"]))
            last = Told(replace(last.disclosure, sessions=sessions), (*last.seqs, entry.seq))
            continue
        if last is not None:
            yield last
            last = None
        try:
            last = Told(_first(entry, told), (entry.seq,))
        except (KeyError, TypeError, ValueError, OverflowError):
            yield Misread(entry.seq)
    if last is not None:
        yield last


def first_facts(disclosure: Disclosure) -> dict[str, Any]:
    """What the first of its entries tells beside the session."""
    return {
        **further_facts(disclosure),
        "profile": disclosure.profile,
        "recipient": disclosure.recipient,
        "reason": disclosure.reason,
        "files": [[each.name, each.size_bytes, each.sha256] for each in disclosure.files],
    }


def further_facts(disclosure: Disclosure) -> dict[str, Any]:
    """What each of its other entries tells beside the session."""
    return {
        "disclosure": disclosure.id,
        "package": disclosure.package,
        "digest": disclosure.digest,
        "by": disclosure.by,
        "role": None if disclosure.role is None else disclosure.role.value,
    }


def disclosure_to_json(disclosure: Disclosure) -> dict[str, Any]:
    """The JSON of a disclosure, ready for `json.dumps`."""
    return {
        "disclosure": disclosure.id,
        "at": utc_text(disclosure.at),
        "by": disclosure.by,
        "role": None if disclosure.role is None else disclosure.role.value,
        "recipient": disclosure.recipient,
        "reason": disclosure.reason,
        "profile": disclosure.profile,
        "package": disclosure.package,
        "digest": disclosure.digest,
        "sessions": list(disclosure.sessions),
        "files": [
            {"name": each.name, "size_bytes": each.size_bytes, "sha256": each.sha256}
            for each in disclosure.files
        ],
    }


# ---------------------------------------------------------------------------- one entry


def _continues(last: Told, entry: Entry, told: dict[str, Any]) -> bool:
    """True for an entry that tells of one more session of the same disclosure."""
    disclosure, session = last.disclosure, told.get("session")
    if entry.seq != last.seqs[-1] + 1 or not isinstance(session, str) or "files" in told:
        return False
    wanted = further_facts(disclosure)
    if "disclosure" not in told:  # a former version's: told apart by what they say only
        wanted |= {"disclosure": None, "by": disclosure.by or None}
        if disclosure.files or disclosure.profile or session in disclosure.sessions:
            return False
    return all(told.get(name) == value for name, value in wanted.items())


def _first(entry: Entry, told: dict[str, Any]) -> Disclosure:
    """The disclosure that an entry begins. Raises KeyError, TypeError, ValueError, OverflowError
    for one that cannot be understood."""
    at = parse_utc(_text(told["at"]))
    new = "disclosure" in told
    known = told if new else {"profile": "", "recipient": "", "reason": "", "by": ""} | told
    role = told.get("role")
    return Disclosure(
        id=_id(told["disclosure"]) if new else _id_of(entry, at),
        at=at,
        by=_text(known["by"]),
        role=None if role is None else Role(role),
        recipient=_text(known["recipient"]),
        reason=_text(known["reason"]),
        profile=_text(known["profile"]),
        package=_text(known["package"]),
        digest=_text(known["digest"]),
        sessions=(_text(known["session"]),),
        files=tuple(_file(each) for each in told["files"]) if new else (),
    )


def _id_of(entry: Entry, at: dt.datetime) -> str:
    """The id of a disclosure that got none: always the same, and found by its time."""
    moment = ULID.from_datetime(at).milliseconds.to_bytes(6, "big")
    return str(ULID.from_bytes(moment + bytes.fromhex(entry.hash)[:10]))


def _id(told: object) -> str:
    text = _text(told)
    if not ULID_FORM.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no id")
    return text


def _file(told: object) -> DisclosedFile:
    if not isinstance(told, list) or [type(each) for each in told] != [str, int, str]:
        raise TypeError("no file")
    name, size_bytes, sha256 = told
    if not DIGEST_FORM.fullmatch(sha256) or not 0 <= size_bytes < SIZE_LIMIT_BYTES:
        raise ValueError("no file's size and hash")
    return DisclosedFile(_text(name), size_bytes, sha256)


def _text(told: object) -> str:
    """Raises TypeError for what is no text, ValueError for what cannot be kept."""
    if not isinstance(told, str):
        raise TypeError(f"{type(told).__name__} is no text")
    told.encode()  # half a surrogate
    return told
