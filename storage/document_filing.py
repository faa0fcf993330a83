"""How a document comes to be: a synced copy, a signed manifest, then one transaction.

Runs on the writer's thread, for `documents.py`. Each step may be the last before a power cut; what
it leaves is finished or set aside by `documents.recover`. Whose document it is, is the caller's to
know.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from sqlite_utils import Database
from ulid import ULID

from storage import document_rows, files, ledger, people, rows, signed
from storage.document_copy import copied, described
from storage.errors import ArchiveBusy, Refused
from storage.intake.orders import NUMBER_FORM
from storage.keys import Signer
from storage.later import Actor, Document, EvidenceGroup, Right, document_to_json
from storage.ledger import LedgerEvent
from storage.records import parse_utc, utc_text
from storage.transaction import immediate

LOCK = "documents.lock"
LOCK_TIMEOUT_S = 60.0
POLL_S = 0.005
NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that came, and what is known of it: `name` is what it is called outside, `way` how it
    came ("inbox", "by hand"), `how` what told its number ("folder", "file name", "barcode",
    "person")."""

    source: Path
    number: str
    group: EvidenceGroup
    name: str
    way: str
    how: str


@contextmanager
def alone(root: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Be the one program that files documents: a folder without a row is then a crash's.

    Raises ArchiveBusy.
    """
    lock = FileLock(root / LOCK)
    try:
        lock.acquire(timeout=timeout_s, poll_interval=POLL_S)
    except Timeout as error:
        raise ArchiveBusy(root, "another program that is filing a document") from error
    try:
        yield
    finally:
        lock.release()


def file(
    db: Database, root: Path, arrival: Arrival, actor: Actor, now: dt.datetime, signer: Signer
) -> Document:
    """The document, durable. The same content for the same number is filed once: the one that is
    there is the answer.

    Raises Refused for a source that is no plain file or changes meanwhile, OSError, sqlite3.Error.
    """
    people.require(db, actor, Right.FILE)
    number = rows.search_key(arrival.number)
    if not NUMBER_FORM.fullmatch(number):
        raise Refused(f"{arrival.number[:40]!r} is no tracking number: nothing was filed")
    document_id = str(ULID.from_datetime(now))
    folder = root / files.dated_folder(files.DOCUMENTS, document_id, now)
    kind = described(arrival.source, arrival.name)
    with alone(root):
        files.make_folders(folder)
        try:
            path = folder / f"document.{kind.ending}"
            written = copied(arrival.source, path)
            before = document_rows.same(db, number, written.sha256)
            if before is None:
                document = Document(
                    id=document_id,
                    number=number,
                    group=arrival.group,
                    name=short(arrival.name, NAME_CHARS),
                    media_type=kind.media_type,
                    filed_at=parse_utc(utc_text(now)),
                    by=rows.storable(actor.name),
                    role=actor.role,
                    source=arrival.way,
                    how=arrival.how,
                    path=path.relative_to(root).as_posix(),
                    size_bytes=written.size_bytes,
                    sha256=written.sha256,
                )
                signed.write(folder / files.DOCUMENT_MANIFEST, manifest_bytes(document), signer)
                acknowledge(db, root, document, LedgerEvent.DOCUMENT_FILED, now, signer.id)
                return document
        except BaseException:
            with contextlib.suppress(OSError):  # what stays is taken away by the next repair
                if document_rows.one(db, document_id) is None:
                    _discard(folder)
            raise
        _discard(folder)
    return before


def _discard(folder: Path) -> None:
    """Remove the folder of a document that does not come to be."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def short(text: str, chars: int) -> str:
    """`text` as it is stored: what UTF-8 cannot hold spelled out, the middle of a long one cut."""
    text = rows.storable(text[: 2 * chars] if len(text) <= 2 * chars else text[:chars] + text[-50:])
    return text if len(text) <= chars else f"{text[: chars - 51]}…{text[-50:]}"


def acknowledge(
    db: Database, root: Path, document: Document, event: LedgerEvent, now: dt.datetime, key: str
) -> None:
    """The last step: row and ledger, for a document whose file and manifest are on the disk."""
    folder = Path(document.path).parent
    manifest = files.measure(root / folder / files.DOCUMENT_MANIFEST)
    with immediate(db):
        document_rows.add(db, document, folder.as_posix(), manifest.sha256)
        ledger.append(
            db,
            event,
            now,
            document.id,
            tracking_number=document.number,
            group=document.group.value,
            sha256=document.sha256,
            manifest_sha256=manifest.sha256,
            key=key,
            by=document.by,
            role=document.role.value,
        )


def manifest_bytes(document: Document) -> bytes:
    """The content of `document.json`: ASCII, as that of a session."""
    return json.dumps(document_to_json(document), indent=1).encode("ascii") + b"\n"
