"""One file that carries the evidence of a waybill out of the archive, to be checked anywhere.

Copies the files of closed sessions, compared with their seals while they are copied, into a stored
ZIP with the layout of `bag.py`. The package appears whole or not at all, and the ledger knows of it
before it does. Knows the archive only through its API; changes nothing in it but the ledger.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from storage import files
from storage.archive import Archive
from storage.camera_checks import folder_of
from storage.check import Evidence, Meter, Progress, pictures_of
from storage.errors import (
    ArchiveNotWritable,
    ChecksumMismatch,
    ExportFailed,
    NothingToExport,
    Refused,
)
from storage.evidence import bag, page
from storage.evidence.bag import Payload
from storage.evidence.verify import verify
from storage.records import (
    CameraCheck,
    Session,
    Status,
    check_to_json,
    session_to_json,
    utc_text,
)
from storage.rows import media_of

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
NUMBER_LIMIT = 60
"""Characters of the tracking number in a file's name; no real number is longer."""


def export(
    archive: Archive,
    sessions: Iterable[Session],
    target: Path,
    *,
    progress: Progress | None = None,
) -> Path:
    """The package of these sessions: at `target` if that ends in `.zip`, else below that folder,
    as `evidence-<tracking number>-<UTC>.zip`.

    Sessions that are still open are left out, and named in its manifest.json. `progress` is told
    bytes. Raises NothingToExport, ChecksumMismatch (evidence is not what was sealed), ExportFailed,
    ArchiveNotWritable (an export must be told to the ledger), ArchiveError.
    """
    if not archive.writable:
        raise ArchiveNotWritable(archive.root, "it was opened for reading, and an export is told")
    given = {session.id for session in sessions}
    known = [session for id_ in given if (session := archive.get(id_)) is not None]
    known.sort(key=lambda session: (session.opened_at, session.id))
    closed = [session for session in known if session.status is not Status.OPEN]
    if not closed:
        raise NothingToExport
    exported_at = dt.datetime.now(dt.UTC)
    number = UNSAFE.sub("-", closed[0].waybill.number)[:NUMBER_LIMIT].strip("-") or "x"
    path = _free_path(target, f"evidence-{number}-{exported_at:%Y%m%dT%H%M%SZ}")
    checks, damaged = checks_of(archive, closed)
    payload = [item for session in closed for item in _payload(archive, session)]
    payload += [item for check in checks for item in _check_payload(archive, check)]
    left_out = [session.id for session in known if session.status is Status.OPEN]
    tags = _tags(archive, closed, left_out, checks, damaged, payload, number, exported_at)
    part = path.with_name(f".{path.name}{files.PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = part.open("xb")
    except OSError as error:
        raise ExportFailed(path, error.strerror or str(error)) from error
    try:
        with opened as file:
            digest = _write(file, archive, path.stem, tags, payload, exported_at, progress)
            file.flush()
            files.sync(file.fileno())
        archive.record_export([session.id for session in closed], digest, path.name).result()
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


def checks_of(
    archive: Archive, sessions: Iterable[Session]
) -> tuple[list[tuple[CameraCheck, ...]], list[str]]:
    """The camera checks that the benches of these sessions had made last, within a day before; and
    the ids of those that are not what was filed, which do not hold up the evidence itself."""
    before = [archive.check_before(session.bench, session.opened_at) for session in sessions]
    found = {check[0].id: check for check in before if check}
    damaged = [check_id for check_id in found if verify(archive.root / folder_of(check_id))]
    return [found[check_id] for check_id in sorted(found.keys() - set(damaged))], damaged


def _payload(archive: Archive, session: Session) -> list[Payload]:
    """The files of a closed session, its manifest first, with the names that they get."""
    digest = archive.manifest_sha256(session.id)
    folder = files.session_folder(session.id, session.opened_at)
    source = f"{folder}/{files.MANIFEST}"
    return _named(archive, session.id, source, digest, media_of(session))


def _check_payload(archive: Archive, check: tuple[CameraCheck, ...]) -> list[Payload]:
    """The files of a camera check, its manifest first."""
    check_id = check[0].id
    digest = archive.check_manifest_sha256(check_id)
    source = f"{folder_of(check_id)}/{files.CHECK_MANIFEST}"
    return _named(archive, check_id, source, digest, pictures_of(check))


def _named(
    archive: Archive, owner: str, source: str, digest: str | None, items: Iterable[Evidence]
) -> list[Payload]:
    try:
        size_bytes = (archive.root / source).stat().st_size
    except OSError as error:
        raise Refused(f"{source} cannot be read: run `packwitness verify`") from error
    folder, manifest = PurePosixPath(source).parent, PurePosixPath(source).name
    inside = f"data/{owner}"
    payload = [Payload(f"{inside}/{manifest}", owner, source, size_bytes, digest or "")]
    taken = {manifest}
    for count, item in enumerate(sorted(items, key=lambda item: item.path), start=1):
        path = PurePosixPath(item.path)
        if path.parent != folder:
            raise Refused(f"{item.path!r} is not in the session's folder: its row was changed")
        name = path.name
        if not SAFE_NAME.fullmatch(name) or name.casefold() in taken:
            name = f"file-{count:03d}{path.suffix if SAFE_NAME.fullmatch(path.suffix[1:]) else ''}"
        taken.add(name.casefold())
        payload.append(Payload(f"{inside}/{name}", owner, item.path, item.size_bytes, item.sha256))
    return payload


def _tags(
    archive: Archive,
    sessions: list[Session],
    left_out: list[str],
    checks: list[tuple[CameraCheck, ...]],
    damaged: list[str],
    payload: list[Payload],
    name: str,
    exported_at: dt.datetime,
) -> dict[str, bytes]:
    """The package's own files, by name."""
    orders = {
        number: archive.orders_of(number)
        for number in sorted({session.waybill.number for session in sessions})
    }
    facts = {
        "format": bag.FORMAT,
        "archive": archive.archive_id,
        "exported_at": utc_text(exported_at),
        "sessions": [session_to_json(session) for session in sessions],
        "left_out_open": left_out,
        "camera_checks": [check_to_json(check[0].id, check) for check in checks],
        "left_out_damaged_checks": damaged,
        "orders": orders,
        "files": [
            {
                "path": item.name,
                "session": item.session,
                "source": item.source,
                "size_bytes": item.size_bytes,
                "sha256": item.sha256,
            }
            for item in payload
        ],
        "ledger": [
            {"previous": previous, "body": entry.body, "hash": entry.hash}
            for owner in [session.id for session in sessions] + [check[0].id for check in checks]
            for previous, entry in archive.ledger_of(owner)
        ],
    }
    tags = {
        bag.BAGIT: bag.DECLARATION,
        bag.BAG_INFO: bag.bag_info(name, payload, exported_at),
        bag.PAYLOAD_MANIFEST: bag.payload_manifest(payload),
        bag.FACTS: json.dumps(facts, indent=1) + "\n",
        bag.PAGE: page.page(sessions, orders, checks, damaged, payload, exported_at),
        bag.HOW_TO: page.HOW_TO_VERIFY,
    }
    return {tag: text.encode() for tag, text in tags.items()}


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
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as package:
        for name, content in (*tags.items(), (bag.TAG_MANIFEST, tag_manifest)):
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
