"""Everything that the archive knows of one parcel, gathered to be looked at on one screen.

Reads rows, manifests and the sizes of files; nothing is hashed unless `broken` is asked to. Blocks:
call it on a thread of its own. Knows no widget. What rows and manifests say may have been forged: a
path out of them is only followed inside the archive.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from storage import files, keys, ledger, rows, signed
from storage.disclosures import Disclosure
from storage.errors import Refused
from storage.later import Amendment, Change, Document, EvidenceGroup
from storage.records import Clip, Session, Shot, Status

if TYPE_CHECKING:
    from storage.archive import Archive
    from storage.claims.claim import Claim
    from storage.order import Order

LARGEST_MANIFEST: Final = 64 << 20


class Manifest(StrEnum):
    """What there is of a session's manifest, and whether it is the one that was sealed."""

    OPEN = "open"
    """The session is not sealed yet."""
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    """As it was sealed, by a version that did not sign."""
    FORGED = "forged"
    """As its row says, but no key of this archive has signed it."""
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of the ledger: its number, its hash, what it tells."""

    seq: int
    hash: str
    facts: dict[str, Any]

    @property
    def event(self) -> str:
        return str(self.facts.get("event", ""))


@dataclass(frozen=True, slots=True)
class Record:
    """One session, and what was said and done since. `disclosures` are the exports that show it,
    oldest first; `absent` are the paths of media files that are not there with the size that was
    sealed; `key` signed the manifest, whose hash is `sha256`."""

    session: Session
    number: str
    amendments: tuple[Amendment, ...]
    told: tuple[Told, ...]
    disclosures: tuple[Disclosure, ...]
    manifest: Manifest
    sha256: str
    key: str
    absent: frozenset[str]

    def standing(self, change: Change) -> tuple[Amendment, ...]:
        """The amendments of one kind that were not undone, oldest first."""
        undone = {each.undoes for each in self.amendments if each.change is Change.UNDONE}
        return tuple(
            each for each in self.amendments if each.change is change and each.id not in undone
        )

    @property
    def deleted(self) -> Amendment | None:
        """What says that its files were deleted by policy, or None."""
        return next(iter(self.standing(Change.DELETED)), None)

    @property
    def shots(self) -> tuple[Shot, ...]:
        """Its photos in the order in which they were taken."""
        return tuple(sorted(self.session.shots, key=lambda shot: shot.taken_at))

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Its clips by camera and part, the longest camera first."""
        length: dict[str, int] = {}
        for clip in self.session.clips:
            length[clip.camera] = length.get(clip.camera, 0) + clip.duration_ms
        return tuple(
            sorted(
                self.session.clips,
                key=lambda clip: (-length[clip.camera], clip.camera, clip.part),
            )
        )


@dataclass(frozen=True, slots=True)
class Paper:
    """One document of the parcel, with the group that counts today and what was said of it."""

    document: Document
    group: EvidenceGroup
    amendments: tuple[Amendment, ...]
    told: tuple[Told, ...]
    present: bool


@dataclass(frozen=True, slots=True)
class Dossier:
    """One parcel. `elsewhere` are sessions that were sealed under the number and belong to another
    one now, each with that number."""

    number: str
    records: tuple[Record, ...]
    elsewhere: tuple[tuple[str, str], ...]
    papers: tuple[Paper, ...]
    orders: tuple[Order, ...]
    claims: tuple[Claim, ...] = ()


def gather(archive: Archive, number: str) -> Dossier:
    """Everything about the parcel with this tracking number, its sessions oldest first.

    Raises ArchiveError.
    """
    wanted = rows.search_key(number)
    records, elsewhere = [], []
    known = {change.key: change.public for change in archive.key_changes()}
    for session in archive.find(wanted):
        amendments = tuple(archive.amendments_of(session.id))
        bound = [each.number for each in amendments if each.change is Change.REBOUND]
        belongs = bound[-1] if bound else session.waybill.number
        if belongs == wanted:
            records.append(_record(archive, session, belongs, amendments, known))
        elif session.waybill.number == wanted:
            elsewhere.append((session.id, belongs))
    return Dossier(
        number=wanted,
        records=tuple(sorted(records, key=lambda r: (r.session.opened_at, r.session.id))),
        elsewhere=tuple(elsewhere),
        papers=tuple(_papers(archive, wanted)),
        orders=archive.orders_in(wanted),
        claims=tuple(archive.claims_of(wanted)),
    )


def _record(
    archive: Archive,
    session: Session,
    number: str,
    amendments: tuple[Amendment, ...],
    known: dict[str, bytes],
) -> Record:
    sealed = archive.manifest_sha256(session.id)
    state, key = _manifest(archive.root, session, sealed, known)
    absent = frozenset(
        each.path for each in media_of(session) if _size(archive.root, each.path) != each.size_bytes
    )
    return Record(
        session=session,
        number=number,
        amendments=amendments,
        told=_told(archive, session.id),
        disclosures=tuple(archive.disclosures_of(session.id)),
        manifest=state,
        sha256=sealed or "",
        key=key,
        absent=absent,
    )


def _papers(archive: Archive, number: str) -> Iterator[Paper]:
    for document, _, group in archive.documents_of(number):
        yield Paper(
            document,
            group,
            tuple(archive.amendments_of(document.id)),
            _told(archive, document.id),
            _size(archive.root, document.path) == document.size_bytes,
        )


def _told(archive: Archive, subject: str) -> tuple[Told, ...]:
    entries = archive.ledger_of(subject)
    return tuple(Told(each.seq, each.hash, ledger.facts(each)) for _, each in entries)


def _manifest(
    root: Path, session: Session, sealed: str | None, known: dict[str, bytes]
) -> tuple[Manifest, str]:
    """The manifest's state, and the id of the key that signed it or ''."""
    if sealed is None or session.status is Status.OPEN:
        return Manifest.OPEN, ""
    try:
        path = root / files.session_folder(session.id, session.opened_at) / files.MANIFEST
        content = _small(path, LARGEST_MANIFEST)
    except (OSError, Refused):
        return Manifest.MISSING, ""
    if hashlib.sha256(content).hexdigest() != sealed:
        return Manifest.CHANGED, ""
    try:
        signature = _small(signed.signature_path(path), signed.SIGNATURE_BYTES)
    except OSError:
        return Manifest.UNSIGNED, ""
    for key, public in known.items():
        if keys.holds(public, content, signature):
            return Manifest.SIGNED, key
    return Manifest.FORGED, ""


def _small(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


# ---------------------------------------------------------------------------- files


def media_of(session: Session) -> tuple[Clip | Shot, ...]:
    """The files that a session was sealed with."""
    return (*session.clips, *session.shots)


def media_path(root: Path, relative: str) -> Path | None:
    """Where a file of the archive lies; None for one that is not there, or is no plain file below
    the archive, whatever a row says."""
    try:
        path = (root / relative).resolve(strict=True)
        inside = path.is_relative_to(root.resolve()) and stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError, RuntimeError):
        return None
    return path if inside else None


def _size(root: Path, relative: str) -> int | None:
    path = media_path(root, relative)
    try:
        return None if path is None else path.stat().st_size
    except OSError:
        return None


def broken(
    root: Path, record: Record, advance: Callable[[int], None] = lambda _: None
) -> list[tuple[str, str]]:
    """The files of a session whose bytes are not those that were sealed: the path and a message key
    below `parcel.broken`. Reads every byte; `advance` may raise to stop it."""
    found = []
    for each in media_of(record.session):
        path = media_path(root, each.path)
        if path is None:
            found.append((each.path, "missing"))
            continue
        try:
            written = files.measure(path, advance)
        except OSError:
            found.append((each.path, "unreadable"))
            continue
        if written != files.Written(each.size_bytes, each.sha256):
            found.append((each.path, "changed"))
    return found


def at_in_clip(clip: Clip, moment: dt.datetime) -> int | None:
    """Where in the clip a moment is, in milliseconds after its first frame; None outside of it."""
    at = round((moment - clip.started_at) / dt.timedelta(milliseconds=1))
    return at if 0 <= at <= clip.duration_ms else None
