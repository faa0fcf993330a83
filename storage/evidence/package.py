"""One file that carries the evidence of a waybill out of the archive, to be checked anywhere.

Copies the files of closed sessions, compared with their seals while they are copied, into a stored
ZIP with the layout of `bag.py`, signed by the archive's key. The package appears whole or not at
all, and the ledger knows of it before it does. Knows the archive only through its API; changes
nothing in it but the ledger. What goes into it is `contents.py`'s.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from storage import files, keys
from storage.archive import Archive
from storage.check import Meter, Progress
from storage.errors import (
    ArchiveNotWritable,
    ChecksumMismatch,
    ExportFailed,
    NotAllowed,
)
from storage.evidence import bag, page
from storage.evidence.bag import Payload
from storage.evidence.contents import Contents, contents_of
from storage.later import Actor, Right, amendment_to_json, document_to_json
from storage.records import Session, check_to_json, session_to_json, utc_text

UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
NUMBER_LIMIT = 60
"""Characters of the tracking number in a file's name; no real number is longer."""


def export(
    archive: Archive,
    sessions: Iterable[Session],
    target: Path,
    *,
    actor: Actor | None = None,
    progress: Progress | None = None,
) -> Path:
    """The package of these sessions: at `target` if that ends in `.zip`, else below that folder,
    as `evidence-<tracking number>-<UTC>.zip`.

    Sessions that are still open are left out, and named in its manifest.json; so are damaged camera
    checks and documents. Without an `actor` it is the computer's user, where the archive knows
    nobody. `progress` is told bytes; an error that it raises ends the export without a trace.
    Raises NotAllowed, NothingToExport, ChecksumMismatch (evidence is not what was sealed), Refused,
    ExportFailed, ArchiveNotWritable (an export must be told to the ledger), ArchiveError.
    """
    if not archive.writable:
        raise ArchiveNotWritable(archive.root, "it was opened for reading, and an export is told")
    actor = actor or archive.nobody()
    if actor is None:
        raise NotAllowed("somebody", "not signed in", Right.EXPORT.value)
    archive.allow(actor, Right.EXPORT)
    contents = contents_of(archive, sessions)
    exported_at = dt.datetime.now(dt.UTC)
    first = contents.numbers[contents.sessions[0].id]
    number = UNSAFE.sub("-", first)[:NUMBER_LIMIT].strip("-") or "x"
    path = _free_path(target, f"evidence-{number}-{exported_at:%Y%m%dT%H%M%SZ}")
    tags = _tags(archive, contents, actor, number, exported_at)
    part = path.with_name(f".{path.name}{files.PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = part.open("xb")
    except OSError as error:
        raise ExportFailed(path, error.strerror or str(error)) from error
    try:
        with opened as file:
            digest = _write(file, archive, path.stem, tags, contents.payload, exported_at, progress)
            file.flush()
            files.sync(file.fileno())
        exported = [session.id for session in contents.sessions]
        archive.record_export(actor, exported, digest, path.name).result()
        part.rename(path)
        files.sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ExportFailed(path, error.strerror or str(error)) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def _free_path(target: Path, stem: str) -> Path:
    if target.suffix.lower() == ".zip" and not target.is_dir():
        if target.exists():
            raise ExportFailed(target, "it is there already")
        return target
    path, count = target / f"{stem}.zip", 1
    while path.exists():
        count += 1
        path = target / f"{stem}-{count}.zip"
    return path


def _facts(
    archive: Archive, contents: Contents, actor: Actor, exported_at: dt.datetime
) -> dict[str, Any]:
    """The content of manifest.json."""
    return {
        "format": bag.FORMAT,
        "archive": archive.archive_id,
        "exported_at": utc_text(exported_at),
        "exported_by": {"name": actor.name, "role": actor.role.value},
        "head": {"seq": contents.head.seq, "hash": contents.head.hash},
        "key": archive.signer.id,
        "keys": [
            {
                "key": change.key,
                "public": change.public.hex(),
                "known_since": change.at,
                "endorsed_by": change.endorsed_by,
            }
            for change in contents.keys
        ],
        "sessions": [session_to_json(session) for session in contents.sessions],
        "left_out_open": contents.left_out,
        "camera_checks": [check_to_json(check[0].id, check) for check in contents.checks],
        "left_out_damaged_checks": contents.damaged_checks,
        "documents": [document_to_json(document) for document in contents.documents],
        "left_out_damaged_documents": contents.damaged_documents,
        "amendments": [amendment_to_json(amendment) for amendment in contents.amendments],
        "effective": contents.numbers,
        "deleted": contents.deleted,
        "orders": contents.orders,
        "files": [
            {
                "path": item.name,
                "session": item.session,
                "source": item.source,
                "size_bytes": item.size_bytes,
                "sha256": item.sha256,
            }
            for item in contents.payload
        ],
        "ledger": [
            {"previous": previous, "body": entry.body, "hash": entry.hash}
            for previous, entry in contents.ledger
        ],
    }


def _tags(
    archive: Archive, contents: Contents, actor: Actor, name: str, exported_at: dt.datetime
) -> dict[str, bytes]:
    """The package's own files, by name."""
    facts = _facts(archive, contents, actor, exported_at)
    tags = {
        bag.BAGIT: bag.DECLARATION,
        bag.BAG_INFO: bag.bag_info(name, contents.payload, exported_at),
        bag.PAYLOAD_MANIFEST: bag.payload_manifest(contents.payload),
        bag.FACTS: json.dumps(facts, indent=1) + "\n",
        bag.PAGE: page.page(contents, exported_at),
        bag.HOW_TO: page.HOW_TO_VERIFY,
    }
    pems = {bag.key_file(change.key): keys.pem(change.public) for change in contents.keys}
    return {tag: text.encode() for tag, text in tags.items()} | pems


def _write(
    file: BinaryIO,
    archive: Archive,
    top: str,
    tags: dict[str, bytes],
    payload: list[Payload],
    exported_at: dt.datetime,
    progress: Progress | None,
) -> str:
    """Write the ZIP; the digest of the package, which is that of its tag manifest."""
    meter = Meter(sum(item.size_bytes for item in payload), progress)
    tag_manifest = bag.tag_manifest(tags).encode()
    last = {
        bag.TAG_MANIFEST: tag_manifest,
        bag.PACKAGE_SIGNATURE: archive.signer.sign(tag_manifest),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as package:
        for name, content in (tags | last).items():
            package.writestr(_entry(f"{top}/{name}", exported_at), content)
        for item in payload:
            _copy(package, _entry(f"{top}/{item.name}", exported_at), archive.root, item, meter)
    return hashlib.sha256(tag_manifest).hexdigest()


def _entry(name: str, exported_at: dt.datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, exported_at.timetuple()[:6])
    entry.create_system = 3  # the permissions below are Unix's, on whatever system this runs
    entry.external_attr = 0o100644 << 16
    return entry


def _copy(
    package: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path, item: Payload, meter: Meter
) -> None:
    source = root / item.source
    digest = hashlib.sha256()
    entry.file_size = item.size_bytes  # lets zipfile choose ZIP64 beforehand
    if source.is_symlink() or not source.is_file():
        raise ChecksumMismatch(source, item.sha256, "")
    with package.open(entry, "w") as member:
        for block in files.blocks_of(source, meter):
            digest.update(block)
            member.write(block)
    if digest.hexdigest() != item.sha256:
        raise ChecksumMismatch(source, item.sha256, digest.hexdigest())
