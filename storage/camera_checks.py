"""Camera checks as evidence: pictures of a test card and what was measured, kept like a session.

Runs on the writer's thread, for `archive.py` and `recover.py`. The order of writing is that of a
session: the folder and the ledger's entry that it was begun, the pictures, the manifest
`check.json`, then one transaction with the rows and the ledger's second entry. Knows no camera and
does not judge what was measured.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sqlite_utils import Database
from ulid import ULID

from storage import files, ledger, rows, sealing, signed
from storage.errors import Refused
from storage.keys import Signer
from storage.ledger import LedgerEvent
from storage.records import CameraCheck, check_from_json, check_to_json
from storage.transaction import immediate

VERDICTS = ("good", "poor")
MANIFESTS = (files.CHECK_MANIFEST, files.CHECK_SIGNATURE)


def folder_of(check_id: str) -> str:
    """The folder of a check, relative to the archive: below the UTC day of its id.

    Raises Refused for an id that is no ULID.
    """
    try:
        begun_at = ULID.from_str(check_id).datetime
    except (ValueError, OverflowError) as error:
        raise Refused(f"{check_id!r} is no id of a camera check") from error
    return files.session_folder(check_id, begun_at)


def begin(db: Database, root: Path, now: dt.datetime) -> tuple[str, Path]:
    """The id of a new check and its folder, absolute: it and the ledger's entry are durable.

    Raises OSError, sqlite3.Error.
    """
    check_id = str(ULID.from_datetime(now))
    folder = root / folder_of(check_id)
    files.make_folders(folder)
    try:
        with immediate(db):
            ledger.append(db, LedgerEvent.CHECK_BEGUN, now, check_id)
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise
    return check_id, folder


def at_work(db: Database, check_id: str) -> bool:
    """True for a check that was begun, and whose folder was neither filed nor set aside since."""
    begun = False
    for _, entry in ledger.excerpt(db, check_id):
        told = ledger.facts(entry)
        event, path = told.get("event"), told.get("path")
        if event == LedgerEvent.CHECK_BEGUN:
            begun = True
        elif event == LedgerEvent.CAMERAS_CHECKED or path == folder_of(check_id):
            return False
    return begun


def file(
    db: Database,
    root: Path,
    check_id: str,
    checks: Sequence[CameraCheck],
    now: dt.datetime,
    signer: Signer,
) -> tuple[CameraCheck, ...]:
    """The cameras' checks as they are filed, with the size and SHA-256 that the pictures have.

    Raises Refused, OSError, sqlite3.Error. Filing it again after a failure goes on where it ended.
    """
    if rows.check_of(db, check_id) is not None:
        raise Refused(f"camera check {check_id} was filed before: nothing in it can change")
    relative = folder_of(check_id)
    folder = root / relative
    if not at_work(db, check_id) or not folder.is_dir():
        raise Refused(f"camera check {check_id} was not begun: begin it, then file it")
    filed = _measured(root, relative, [replace(check, id=check_id) for check in checks])
    for path in list(strays(root, filed, folder)):
        set_aside(db, root, check_id, path, now)
    files.sync_folder(folder)
    signed.write(folder / files.CHECK_MANIFEST, manifest_bytes(filed), signer)
    _commit(db, root, filed, now, signer)
    return filed


def _commit(
    db: Database, root: Path, filed: Sequence[CameraCheck], now: dt.datetime, signer: Signer
) -> None:
    """The last step: rows and ledger, for a check whose files and manifest are on the disk."""
    check_id = filed[0].id
    relative = folder_of(check_id)
    manifest = files.measure(root / relative / files.CHECK_MANIFEST)
    with immediate(db):
        rows.add_check(db, check_id, relative, filed, manifest.sha256)
        ledger.append(
            db,
            LedgerEvent.CAMERAS_CHECKED,
            now,
            check_id,
            bench=filed[0].bench,
            manifest_sha256=manifest.sha256,
            key=signer.id,
        )


def manifest_bytes(checks: Sequence[CameraCheck]) -> bytes:
    """The content of `check.json`: ASCII, as that of a session."""
    told = check_to_json(checks[0].id, checks)
    return json.dumps(told, indent=1).encode("ascii") + b"\n"


def _measured(root: Path, relative: str, checks: Sequence[CameraCheck]) -> tuple[CameraCheck, ...]:
    """The checks as the rows will hold them, each with what its picture holds, which is synced.

    Raises Refused.
    """
    if not checks:
        raise Refused("a camera check without a camera is none")
    named: set[str] = set()
    found = []
    for check in checks:
        written = files.Written(0, "")
        if check.verdict not in VERDICTS:
            raise Refused(f"a camera check ends good or poor, not {check.verdict!r}")
        if check.path:
            path = root / check.path
            if check.path != f"{relative}/{path.name}" or not files.plain_name(path.name):
                raise Refused(f"{check.path!r} is not in the folder of camera check {check.id}")
            if path.is_symlink() or not path.is_file():
                raise Refused(f"{check.path} is no file")
            if path.name == files.CHECK_MANIFEST or check.path in named:
                raise Refused(f"{check.path} is not the picture of one camera")
            named.add(check.path)
            files.sync_file(path)
            written = files.measure(path)
        stored = rows.camera_check(rows.check_row(check))
        found.append(replace(stored, size_bytes=written.size_bytes, sha256=written.sha256))
    return tuple(found)


def strays(root: Path, checks: Sequence[CameraCheck], folder: Path) -> Iterator[Path]:
    """What lies in a check's folder beside its manifest and its pictures."""
    known = {check.path for check in checks}
    for path in sorted(folder.iterdir()):
        if path.name not in MANIFESTS and path.relative_to(root).as_posix() not in known:
            yield path


def set_aside(db: Database, root: Path, check_id: str, path: Path, now: dt.datetime) -> None:
    """Move what is no evidence to lost+found/, told in the ledger beforehand. `path` is the whole
    folder of a check that was never finished, or what lies in that of a filed one."""
    if path.name in (files.CHECK_MANIFEST + files.PART, files.CHECK_SIGNATURE + files.PART):
        path.unlink()
        return
    written = files.measure(path) if path.is_file() and not path.is_symlink() else None
    with immediate(db):
        sealing.tell_set_aside(db, root, check_id, path, written, now)
    files.set_aside(root, path, path.parent.name)


# ---------------------------------------------------------------------------- repair


def repaired(db: Database, root: Path, folder: Path, now: dt.datetime, signer: Signer) -> bool:
    """True when `folder` was that of a check: it is whole now, or was set aside.

    A whole manifest whose pictures are what it says means that all but the last transaction was
    done, which is done now. Anything less was never handed over as evidence.
    """
    check_id, relative = folder.name, folder.relative_to(root).as_posix()
    row = rows.check_of(db, check_id)
    if row is not None and row["folder"] == relative:
        for path in list(strays(root, rows.cameras_of(db, check_id), folder)):
            set_aside(db, root, check_id, path, now)
        return True
    if not files.ULID_FORM.fullmatch(check_id) or not at_work(db, check_id):
        return False
    filed = intended(root, folder)
    if relative != folder_of(check_id) or not filed:
        set_aside(db, root, check_id, folder, now)
        return True
    for path in list(strays(root, filed, folder)):
        set_aside(db, root, check_id, path, now)
    content = (folder / files.CHECK_MANIFEST).read_bytes()
    signed.write(folder / files.CHECK_MANIFEST, content, signer)
    _commit(db, root, filed, now, signer)
    return True


def intended(root: Path, folder: Path) -> tuple[CameraCheck, ...]:
    """The check that was being filed when the crash came, when all of it is there; else nothing."""
    try:
        content = (folder / files.CHECK_MANIFEST).read_bytes()
        relative = folder.relative_to(root).as_posix()
        filed = _measured(root, relative, check_from_json(json.loads(content)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, Refused):
        return ()
    whole = filed[0].id == folder.name and content == manifest_bytes(filed)
    return filed if whole else ()
