"""What goes into a package: sessions with all that was said and filed later, and their files.

Asks the archive through its API and looks at its files; writes nothing. Files are compared with
their seals while they are copied; what only accompanies the sessions (camera checks, documents) is
looked at here, so that a damaged one is left out by name and does not hold up the evidence itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from storage import files, keys
from storage.archive import Archive
from storage.camera_checks import folder_of
from storage.check import pictures_of
from storage.errors import ChecksumMismatch, NothingToExport, Refused
from storage.evidence.bag import SAFE_NAME, Payload
from storage.evidence.facts_check import sealed_by
from storage.evidence.verify import verify
from storage.later import Amendment, Change, Document, EvidenceGroup
from storage.ledger import Entry, Head, KeyChange, LedgerEvent, facts
from storage.ledger_proofs import Proof, Witness
from storage.records import CameraCheck, Session, Status, parse_utc
from storage.rows import media_of
from storage.signed import SIGNATURE_BYTES, signature_path

NOT_TOLD = (LedgerEvent.EXPORTED, LedgerEvent.LOOKED)
"""Whom else evidence was shown is no business of whoever gets this package."""


class Item(Protocol):
    """A record that names a file."""

    @property
    def path(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Contents:
    """What a package tells of and holds. `numbers` and `groups` are those that count today, by the
    id of session or document; `deleted` are sessions whose files policy has deleted; `damaged` are
    camera checks and documents that are not what was filed. `proofs`, by the entries' numbers, lead
    from the ledger's excerpt to the checkpoints in `witnesses`; `as_of` is when the newest of the
    entries was told. The same state of the archive gives the same contents.
    """

    sessions: list[Session]
    left_out: list[str]
    checks: list[tuple[CameraCheck, ...]]
    documents: list[Document]
    damaged_checks: list[str]
    damaged_documents: list[str]
    amendments: list[Amendment]
    numbers: dict[str, str]
    groups: dict[str, EvidenceGroup]
    deleted: list[str]
    orders: dict[str, list[str]]
    payload: list[Payload]
    keys: list[KeyChange]
    ledger: list[tuple[str, Entry]]
    witnesses: list[Witness]
    proofs: dict[int, Proof]
    as_of: dt.datetime

    @property
    def head(self) -> Head:
        """The signed head of the ledger that everything here is under."""
        return self.witnesses[-1].checkpoint.head

    def amended(self, subject: str) -> list[Amendment]:
        """What was said later of a session or document, oldest first."""
        return [each for each in self.amendments if each.subject == subject]


def contents_of(archive: Archive, given: Iterable[Session]) -> Contents:
    """What a package of these sessions holds, as the archive is now.

    Raises NothingToExport, Refused (a row or a signature is not what was sealed), ArchiveError.
    """
    ids = {session.id for session in given}
    known = [session for id_ in ids if (session := archive.get(id_)) is not None]
    known.sort(key=lambda session: (session.opened_at, session.id))
    closed = [session for session in known if session.status is not Status.OPEN]
    if not closed:
        raise NothingToExport
    amendments = [each for session in closed for each in archive.amendments_of(session.id)]
    numbers = {session.id: session.waybill.number for session in closed}
    numbers |= {each.subject: each.number for each in amendments if each.change is Change.REBOUND}
    filed = {
        document.id: (document, number, group)
        for each in sorted(set(numbers.values()))
        for document, number, group in archive.documents_of(each)
    }
    checks, damaged_checks = checks_of(archive, closed)
    picker = _Picker(archive)
    deleted = sorted({each.subject for each in amendments if each.change is Change.DELETED})
    for session in closed:
        media = () if session.id in deleted else media_of(session)
        folder = files.session_folder(session.id, session.opened_at)
        picker.pick(session.id, f"{folder}/{files.MANIFEST}", media)
    for check in checks:
        at = f"{folder_of(check[0].id)}/{files.CHECK_MANIFEST}"
        picker.pick(check[0].id, at, pictures_of(check))
    documents, damaged_documents = [], []
    for document, number, _group in filed.values():
        if not picker.pick_document(document):
            damaged_documents.append(document.id)
            continue
        documents.append(document)
        numbers[document.id] = number
        amendments += archive.amendments_of(document.id)
    for amendment in amendments:
        folder = files.dated_folder(files.AMENDMENTS, amendment.id, amendment.at)
        picker.pick(amendment.id, f"{folder}/{files.AMENDMENT_MANIFEST}", (), amendment.subject)
    changes = archive.key_changes()
    owners = [session.id for session in closed] + [check[0].id for check in checks]
    owners += [document.id for document in documents] + [change.key for change in changes]
    told = {
        seq: (previous, entry)
        for owner in owners
        for previous, entry in archive.ledger_of(owner)
        if (seq := entry.seq) and facts(entry).get("event") not in NOT_TOLD
    }
    witnesses, proofs = archive.proofs(told)
    return Contents(
        sessions=closed,
        left_out=[session.id for session in known if session.status is Status.OPEN],
        checks=checks,
        documents=documents,
        damaged_checks=damaged_checks,
        damaged_documents=damaged_documents,
        amendments=sorted(amendments, key=lambda each: each.id),
        numbers=numbers,
        groups={id_: group for id_, (_, _, group) in filed.items()},
        deleted=deleted,
        orders={
            number: archive.orders_of(number)
            for number in sorted({numbers[session.id] for session in closed})
        },
        payload=picker.payload,
        keys=changes,
        ledger=[told[seq] for seq in sorted(told)],
        witnesses=witnesses,
        proofs=proofs,
        as_of=max(parse_utc(str(facts(entry)["at"])) for _, entry in told.values()),
    )


def checks_of(
    archive: Archive, sessions: Iterable[Session]
) -> tuple[list[tuple[CameraCheck, ...]], list[str]]:
    """The camera checks that the benches of these sessions had made last, within a day before; and
    the ids of those that are not what was filed."""
    before = [archive.check_before(session.bench, session.opened_at) for session in sessions]
    found = {check[0].id: check for check in before if check}
    damaged = [check_id for check_id in found if verify(archive.root / folder_of(check_id))]
    return [found[check_id] for check_id in sorted(found.keys() - set(damaged))], damaged


class _Picker:
    """Collects the files of a package, with the names that they get in it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._keys = {change.key: change.public for change in archive.key_changes()}
        self.payload: list[Payload] = []

    def pick_document(self, document: Document) -> bool:
        """True when the document is what was filed, and in the package."""
        folder = files.dated_folder(files.DOCUMENTS, document.id, document.filed_at)
        path = self._archive.root / document.path
        whole = files.Written(document.size_bytes, document.sha256)
        try:
            if path.is_symlink() or files.measure(path) != whole:
                return False
            self.pick(document.id, f"{folder}/{files.DOCUMENT_MANIFEST}", [document])
        except (OSError, Refused, ChecksumMismatch):
            return False
        return True

    def pick(self, owner: str, source: str, items: Iterable[Item], subject: str = "") -> None:
        """Add a manifest, its signature and the files that it names; `subject` is whose ledger
        entries tell of it, if not its own. Raises Refused, ChecksumMismatch."""
        entries = (entry for _, entry in self._archive.ledger_of(subject or owner))
        digest, key = sealed_by(entries).get(owner, ("", None))
        path = self._archive.root / source
        try:
            size_bytes = path.stat().st_size
        except OSError as error:
            raise Refused(f"{source} cannot be read: run `packwitness check`") from error
        folder, manifest = PurePosixPath(source).parent, PurePosixPath(source).name
        inside = f"data/{owner}"
        picked = [Payload(f"{inside}/{manifest}", owner, source, size_bytes, digest)]
        taken = {manifest}
        if key is not None:
            signature = signature_path(path)
            taken.add(signature.name)
            picked.append(
                Payload(
                    f"{inside}/{signature.name}",
                    owner,
                    f"{folder}/{signature.name}",
                    SIGNATURE_BYTES,
                    self._signature(signature, path, key),
                )
            )
        for count, item in enumerate(sorted(items, key=lambda item: item.path), start=1):
            item_path = PurePosixPath(item.path)
            if item_path.parent != folder:
                raise Refused(f"{item.path!r} is not in the session's folder: its row was changed")
            name = item_path.name
            if not SAFE_NAME.fullmatch(name) or name.casefold() in taken:
                ending = item_path.suffix if SAFE_NAME.fullmatch(item_path.suffix[1:]) else ""
                name = f"file-{count:03d}{ending}"
            taken.add(name.casefold())
            picked.append(
                Payload(f"{inside}/{name}", owner, item.path, item.size_bytes, item.sha256)
            )
        self.payload += picked

    def _signature(self, signature: Path, manifest: Path, key: str) -> str:
        """The SHA-256 of a signature that holds. Raises Refused."""
        shown = signature.relative_to(self._archive.root)
        try:
            content = signature.read_bytes()
            holds = keys.holds(self._keys.get(key, b""), manifest.read_bytes(), content)
        except OSError as error:
            raise Refused(f"{shown} cannot be read: run `packwitness check`") from error
        if not holds:
            raise Refused(f"{shown} is no signature by key {key}: run `packwitness check`")
        return hashlib.sha256(content).hexdigest()
