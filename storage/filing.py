"""How rows come to be while a session is open: each with its file checked, each in one transaction.

Runs on the writer's thread, for `archive.py`. How a session ends is `sealing.py`'s.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import replace
from pathlib import Path

from sqlite_utils import Database

from storage import catalogue, files, ledger, rows, sealing, signed
from storage.errors import Refused
from storage.keys import Signer
from storage.ledger import LedgerEvent
from storage.records import Clip, Note, Session, Shot, Status, Waybill
from storage.transaction import immediate


def open_session(db: Database, root: Path, session: Session, signer: Signer) -> Path:
    """The folder of the new session, absolute: it and the row are durable.

    The folder comes first, so that no row ever lacks one, with a signed manifest that says open, so
    that a lost database does not lose the number; a crash before the row leaves no more than these,
    and the next start removes them. Raises Refused, OSError, sqlite3.Error.
    """
    number = session.waybill.number
    if session.status is not Status.OPEN or not number or rows.search_key(number) != number:
        raise Refused(
            f"session {session.id} cannot be opened: it must be open, with a tracking number in "
            f"upper case without spaces, not {number!r}"
        )
    relative = files.session_folder(session.id, session.opened_at)
    folder = root / relative
    if folder.exists():
        raise Refused(f"session {session.id} was opened before")
    opened = replace(session, pass_no=max(session.pass_no, next_pass(db, session)))
    if opened.pass_no != session.pass_no:
        text = f"asked for as pass {session.pass_no}, which was taken"
        note = Note(session.opened_at, "pass_corrected", text)
        opened = replace(opened, notes=(*opened.notes, note))
    files.make_folders(folder)
    try:
        signed.write(folder / files.MANIFEST, sealing.manifest_bytes(opened), signer)
        with immediate(db):
            rows.insert_session(db, opened, relative)
            for note in opened.notes:
                rows.add_note(db, session.id, note)
            catalogue.refresh(db, session.id)
            ledger.append(
                db,
                LedgerEvent.OPENED,
                session.opened_at,
                session.id,
                tracking_number=number,
                kind=opened.kind.value,
                pass_no=opened.pass_no,
                bench=rows.storable(opened.bench),
                packer=rows.storable(opened.packer),
            )
    except BaseException:
        with contextlib.suppress(OSError):
            sealing.discard_opening(folder)
        raise
    return folder


def bind_session(
    db: Database, root: Path, session: str, waybill: Waybill, now: dt.datetime, signer: Signer
) -> Session:
    """The open session, which is the waybill's from now on; the order that it was opened for is
    linked to that number, and a note tells of it.

    Raises Refused, UnknownSession, SessionClosed, OSError, sqlite3.Error.
    """
    row = rows.require_open(db, session)
    before = rows.one(db, session)
    number, order = waybill.number, before.waybill.number
    if not number or rows.search_key(number) != number:
        raise Refused(f"session {session} cannot be bound to {number!r}: it is no tracking number")
    bound = replace(before, waybill=waybill)
    bound = replace(bound, pass_no=next_pass(db, bound))
    note = Note(now, "bound", f"opened for the order {order}; the label shows {number}")
    bound = replace(bound, notes=(*bound.notes, note))
    signed.write(root / row["folder"] / files.MANIFEST, sealing.manifest_bytes(bound), signer)
    with immediate(db):
        rows.bind_session(db, bound)
        rows.add_note(db, session, note)
        db.execute(
            "INSERT INTO order_waybills SELECT order_id, ? FROM orders WHERE order_key = ? "
            "ON CONFLICT DO NOTHING",
            [number, order],
        )
        catalogue.refresh(db, session)
        ledger.append(
            db, LedgerEvent.BOUND, now, session, tracking_number=number, pass_no=bound.pass_no
        )
    return bound


def next_pass(db: Database, session: Session) -> int:
    """The first free pass number of the session's tracking number and kind. A cancelled pass does
    not count: the parcel was not packed in it."""
    row = db.execute(
        "SELECT coalesce(max(pass_no), 0) + 1 FROM sessions "
        "WHERE tracking_number = ? AND kind = ? AND status <> 'cancelled'",
        [session.waybill.number, session.kind.value],
    ).fetchone()
    return int(row[0])


def file_shot(db: Database, root: Path, session: str, shot: Shot) -> None:
    """Add a photo that is what it says. Raises Refused, UnknownSession, SessionClosed."""
    if _measured(db, root, session, shot.path) != files.Written(shot.size_bytes, shot.sha256):
        raise Refused(f"{shot.path} has not the size and SHA-256 that it was taken with")
    with immediate(db):
        rows.add_shot(db, session, shot)


def file_clip(db: Database, root: Path, session: str, clip: Clip) -> Clip:
    """Add a clip with the size and SHA-256 that its file has; `clip` brings everything else.

    Raises Refused, UnknownSession, SessionClosed.
    """
    written = _measured(db, root, session, clip.path)
    filed = replace(clip, size_bytes=written.size_bytes, sha256=written.sha256)
    with immediate(db):
        rows.add_clip(db, session, filed)
    return filed


def _measured(db: Database, root: Path, session: str, relative: str) -> files.Written:
    """What a new media file holds, once it is known to be one: in its session's folder, its entry
    synced, without a row."""
    row = rows.require_open(db, session)
    path = root / relative
    if relative != f"{row['folder']}/{path.name}" or not files.plain_name(path.name):
        raise Refused(f"{relative} is not in the folder of session {session}")
    if path.is_symlink() or not path.is_file():
        raise Refused(f"{relative} is no file")
    if path.name == files.MANIFEST or relative in sealing.media_paths(rows.one(db, session)):
        raise Refused(f"{relative} was filed before")
    files.sync_folder(path.parent)
    return files.measure(path)
