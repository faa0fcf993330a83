"""Sealed folders read back into rows: for a database that lacks them, or has been made anew.

A session or camera check is believed by its signed manifest and by nothing else: by a key that the
ledger tells of, or, for one that was sealed before manifests were signed, by the hash that the
ledger tells. Whether its files are what the manifest says is the check's work. Writes rows within
the caller's transaction; knows no camera.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from storage import camera_checks, catalogue, files, keys, ledger, rows, signed
from storage.errors import Refused
from storage.ledger import LedgerEvent
from storage.records import (
    CameraCheck,
    Session,
    Status,
    check_from_json,
    session_from_json,
)
from storage.rows import Ending

MANIFEST_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a folder says of itself: a session, or the cameras of a check. `key` is the id of the
    key that signed it, '' for one of an older version, which has no signature."""

    folder: str
    told: Session | tuple[CameraCheck, ...]
    manifest_sha256: str
    key: str


def read_back(root: Path, folder: Path, known: Mapping[str, bytes]) -> Sealed | str:
    """What lies in a session's or a check's folder, or why it is not believed.

    `known` are the public bytes of keys by their ids. Reads the manifest and its signature only.
    """
    relative = folder.relative_to(root).as_posix()
    for name in (files.MANIFEST, files.CHECK_MANIFEST):
        path = folder / name
        try:
            if path.is_symlink() or path.stat().st_size > MANIFEST_LIMIT_BYTES:
                return f"{name} is no manifest"
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{name} cannot be read: {error.strerror}"
        try:
            key = _key_of(path, content, known)
            return _understood(relative, name, content, key)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Refused) as error:
            return f"{name} is not believed: {error}"
    return "it has no manifest"


def _key_of(manifest: Path, content: bytes, known: Mapping[str, bytes]) -> str:
    """The id of the key that signed the manifest; '' without a signature. Raises ValueError."""
    try:
        signature = signed.signature_path(manifest).read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ValueError(f"its signature cannot be read: {error.strerror}") from error
    for key, public in known.items():
        if keys.holds(public, content, signature):
            return key
    raise ValueError("its signature is by no key of this archive")


def _understood(relative: str, name: str, content: bytes, key: str) -> Sealed:
    """Raises KeyError, TypeError, ValueError, AttributeError, Refused for what is no such thing."""
    told: Session | tuple[CameraCheck, ...]
    if name == files.MANIFEST:
        told = session_from_json(json.loads(content))
        owned = files.session_folder(told.id, told.opened_at)
        paths = [item.path for item in rows.media_of(told)]
    else:
        told = check_from_json(json.loads(content))
        owned = camera_checks.folder_of(told[0].id) if told else ""
        paths = [check.path for check in told if check.path]
    if owned != relative:
        raise ValueError("it belongs to another folder")
    for path in paths:
        if path.rpartition("/")[0] != relative or not files.plain_name(path.rpartition("/")[2]):
            raise ValueError(f"{path!r} is not its file")
    return Sealed(relative, told, files.digest_of(content), key)


def add(db: Database, sealed: Sealed) -> None:
    """Put its rows into the database, without the catalogue and the ledger.

    Raises sqlite3.Error.
    """
    if not isinstance(sealed.told, Session):
        rows.add_check(db, sealed.told[0].id, sealed.folder, sealed.told, sealed.manifest_sha256)
        return
    session = sealed.told
    rows.insert_session(db, session, sealed.folder)
    for seq, clip in enumerate(session.clips, start=1):
        rows.add_clip(db, session.id, clip, seq)
    for seq, shot in enumerate(session.shots, start=1):
        rows.add_shot(db, session.id, shot, seq)
    for seq, gap in enumerate(session.gaps, start=1):
        rows.add_gap(db, session.id, gap, seq)
    for seq, note in enumerate(session.notes, start=1):
        rows.add_note(db, session.id, note, seq)
    if session.status is not Status.OPEN:
        rows.close_session(db, session.id, _ending(session), sealed.manifest_sha256)


def _ending(session: Session) -> Ending:
    if session.sealed_at is None or session.end_reason is None:
        raise Refused(f"session {session.id} is {session.status}, and its manifest says not how")
    return Ending(session.status, session.end_reason, session.sealed_at, session.reason)


def tell(db: Database, sealed: Sealed, now: dt.datetime) -> None:
    """Tell the ledger what it does not know yet of a session or check that was read back.

    Raises Refused where it tells of another manifest.
    """
    end: LedgerEvent | None
    if not isinstance(sealed.told, Session):
        owner, end = sealed.told[0].id, LedgerEvent.CAMERAS_CHECKED
        begin, about = LedgerEvent.CHECK_BEGUN, {"bench": sealed.told[0].bench}
    else:
        session = sealed.told
        owner, begin = session.id, LedgerEvent.OPENED
        about = {"tracking_number": session.waybill.number}
        end = None if session.status is Status.OPEN else ledger.END_EVENTS[session.status]
    known = [ledger.facts(entry) for _, entry in ledger.excerpt(db, owner)]
    if not any(told.get("event") == begin for told in known):
        ledger.append(db, begin, now, owner, **about, rebuilt=True)
    if end is None:
        return
    ends = [told for told in known if told.get("event") in (*ledger.END_EVENTS.values(), end)]
    if any(told.get("manifest_sha256") != sealed.manifest_sha256 for told in ends):
        raise Refused(f"{sealed.folder}: the ledger tells of another manifest than lies there")
    if not ends:
        told = {"manifest_sha256": sealed.manifest_sha256, "rebuilt": True}
        if sealed.key:
            told["key"] = sealed.key
        ledger.append(db, end, now, owner, **about, **told)


def adopt(db: Database, sealed: Sealed, now: dt.datetime) -> None:
    """Rows, catalogue and ledger for one folder that a living database lacks, within the caller's
    transaction. Raises Refused, sqlite3.Error."""
    owner = sealed.told.id if isinstance(sealed.told, Session) else sealed.told[0].id
    if not sealed.key and not _vouched(db, owner, sealed.manifest_sha256):
        raise Refused(f"{sealed.folder} has no signature, and the ledger does not know it")
    add(db, sealed)
    tell(db, sealed, now)
    if isinstance(sealed.told, Session):
        catalogue.refresh(db, owner)
    ledger.append(db, LedgerEvent.ADOPTED, now, owner, manifest_sha256=sealed.manifest_sha256)


def _vouched(db: Database, owner: str, manifest_sha256: str) -> bool:
    """True where the ledger tells of this very manifest."""
    told = [ledger.facts(entry) for _, entry in ledger.excerpt(db, owner)]
    return any(each.get("manifest_sha256") == manifest_sha256 for each in told)
