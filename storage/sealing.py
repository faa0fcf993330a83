"""How a session ends: every file accounted for, the manifest on disk, then one transaction.

Runs on the writer's thread. Each step may be the last before a power cut; carried out again from
the start, the same steps lead to the same end. Knows no camera; which clips should exist is what
the rows and the session's folder say.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sqlite_utils import Database

from storage import catalogue, files, ledger, probe, rows, signed
from storage.errors import SessionClosed
from storage.keys import Signer
from storage.ledger import LedgerEvent
from storage.records import Clip, Note, Session, Shot, Status, session_to_json, utc_text
from storage.rows import Ending
from storage.transaction import immediate

MEDIA_NAME = re.compile(r"(?P<name>.+)-(?P<number>\d{1,6})\.(?P<ending>mp4|jpg)")


def seal(
    db: Database, root: Path, session: str, ending: Ending, now: dt.datetime, signer: Signer
) -> Session:
    """The closed session. Closing it again the same way changes nothing.

    Raises UnknownSession, SessionClosed (it ended another way), OSError, sqlite3.Error.
    """
    row = rows.session_row(db, session)
    if row["status"] != Status.OPEN:
        if row["status"] == ending.status:
            return rows.one(db, session)
        raise SessionClosed(session, row["status"])
    folder = root / row["folder"]
    files.make_folders(folder)
    take_in(db, root, rows.one(db, session), folder, now)
    closed = replace(
        rows.one(db, session),
        status=ending.status,
        sealed_at=ending.ended_at,
        end_reason=ending.end_reason,
        reason=rows.storable(ending.reason),
    )
    manifest = signed.write(folder / files.MANIFEST, manifest_bytes(closed), signer)
    with immediate(db):
        rows.close_session(db, session, ending, manifest.sha256)
        catalogue.refresh(db, session)
        ledger.append(
            db,
            ledger.END_EVENTS[ending.status],
            ending.ended_at,
            session,
            tracking_number=closed.waybill.number,
            manifest_sha256=manifest.sha256,
            key=signer.id,
        )
    return rows.one(db, session)


def manifest_bytes(session: Session) -> bytes:
    """The content of `session.json`: ASCII, so that hostile text stays text in any terminal."""
    return json.dumps(session_to_json(session), indent=1).encode("ascii") + b"\n"


def media_paths(session: Session) -> set[str]:
    """The paths, relative to the archive, of the files that the session's rows name."""
    return {item.path for item in rows.media_of(session)}


def take_in(db: Database, root: Path, session: Session, folder: Path, now: dt.datetime) -> None:
    """Give every file in the folder of an open session a row, or set it aside, with a note each.

    A file without a row is what a crash left of a clip or shot, or came too late to be added.
    """
    for path in strays(root, session, folder):
        if path.name in (files.MANIFEST + files.PART, files.SIGNATURE + files.PART):
            path.unlink()
        elif not _take_in_clip(db, root, session, path, now) and not _take_in_shot(
            db, root, session, path, now
        ):
            set_aside(db, root, session, path, now)


def is_mere_opening(folder: Path) -> bool:
    """True for a folder that holds no more than what the opening of a session writes first."""
    mine = {files.MANIFEST, files.SIGNATURE}
    mine |= {name + files.PART for name in mine}
    return all(path.name in mine and path.is_file() for path in folder.iterdir())


def discard_opening(folder: Path) -> None:
    """Remove the folder of a session that never came to be. Raises OSError."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def strays(root: Path, session: Session, folder: Path) -> Iterator[Path]:
    """What lies in the folder of a session beside its manifest and the files of its rows."""
    known = media_paths(session)
    for path in sorted(folder.iterdir()):
        relative = path.relative_to(root).as_posix()
        if path.name not in (files.MANIFEST, files.SIGNATURE) and relative not in known:
            yield path


def _media_name(path: Path, ending: str) -> tuple[str, int] | None:
    """Camera or slot, and number, as the name of a plain file tells them."""
    match = MEDIA_NAME.fullmatch(path.name)
    plain = files.plain_name(path.name) and path.is_file() and not path.is_symlink()
    if match is None or not plain or match["ending"] != ending:
        return None
    return match["name"], int(match["number"])


def _take_in_clip(db: Database, root: Path, session: Session, path: Path, now: dt.datetime) -> bool:
    named = _media_name(path, "mp4")
    facts = None if named is None else probe.clip_facts(path)
    if named is None or facts is None:
        return False
    changed = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    told = facts.started_at is not None
    # Where the file does not tell, its last change stands for its end.
    started_at = facts.started_at or changed - dt.timedelta(milliseconds=facts.duration_ms)
    before = (session.opened_at - started_at) // dt.timedelta(milliseconds=1)
    files.sync_file(path)
    written = files.measure(path)
    clip = Clip(
        camera=named[0],
        part=named[1],
        path=path.relative_to(root).as_posix(),
        codec=facts.codec,
        width=facts.width,
        height=facts.height,
        started_at=started_at,
        duration_ms=facts.duration_ms,
        pre_roll_ms=min(max(0, before), facts.duration_ms),
        frames=facts.frames,
        dropped=0,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        clock_offset_ms=facts.clock_offset_ms,
        copied=facts.copied,
    )
    clocks = (
        "taken from its first frame"
        if told
        else f"taken from the file's last change ({utc_text(changed)}), its clock's offset unknown"
    )
    text = (
        f"{path.name} was not finished by the bench; it was found and kept. Its times are "
        f"{clocks}; how many frames it lost is unknown"
    )
    with immediate(db):
        rows.add_clip(db, session.id, clip)
        rows.add_note(db, session.id, Note(now, "clip_found", text))
    return True


def _take_in_shot(db: Database, root: Path, session: Session, path: Path, now: dt.datetime) -> bool:
    named = _media_name(path, "jpg")
    size = None if named is None else probe.photo_size(path)
    if named is None or size is None:
        return False
    files.sync_file(path)
    written = files.measure(path)
    shot = Shot(
        slot=named[0],
        path=path.relative_to(root).as_posix(),
        camera="",
        taken_at=dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC),
        label_check=None,
        width=size[0],
        height=size[1],
        size_bytes=written.size_bytes,
        sha256=written.sha256,
    )
    text = (
        f"{path.name} was not handed over by the bench; it was found and kept. Its time is the "
        "file's last change, its label was not checked"
    )
    with immediate(db):
        rows.add_shot(db, session.id, shot)
        rows.add_note(db, session.id, Note(now, "shot_found", text))
    return True


def set_aside(
    db: Database, root: Path, session: Session | None, path: Path, now: dt.datetime
) -> None:
    """Move what is no evidence of a session to lost+found/, told in the ledger beforehand.

    An open session gets a note, too. A crash in between tells it twice rather than never.
    """
    under = path.parent.name if session is None else session.id
    written = files.measure(path) if path.is_file() and not path.is_symlink() else None
    text = f"{path.name} is no readable clip or photo: moved to {files.LOST}/{under}"
    with immediate(db):
        if (
            session is not None
            and session.status is Status.OPEN
            and text not in [note.text for note in session.notes]
        ):
            rows.add_note(db, session.id, Note(now, "set_aside", text))
        tell_set_aside(db, root, None if session is None else session.id, path, written, now)
    files.set_aside(root, path, under)


def tell_set_aside(
    db: Database,
    root: Path,
    owner: str | None,
    path: Path,
    written: files.Written | None,
    now: dt.datetime,
) -> None:
    """Tell the ledger, in the caller's transaction, what is about to be moved away and whose it
    was. `written` is None for what is no file."""
    ledger.append(
        db,
        LedgerEvent.SET_ASIDE,
        now,
        owner,
        path=path.relative_to(root).as_posix(),
        size_bytes=None if written is None else written.size_bytes,
        sha256=None if written is None else written.sha256,
    )
