"""What a power cut, a kill or a full disk left half-done, finished when the bench starts.

Runs on the writer's thread of the program that holds the bench. Sessions found open are sealed:
as was intended where that is known, else as interrupted. What lies in the media tree without
belonging there is set aside, unless it is a camera check that lacks its last step; what documents
and amendments are, is known to their own rooms. May itself be killed at any point and run again.
Knows no camera.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sqlite3
from collections.abc import Mapping, Set
from pathlib import Path

from sqlite_utils import Database

from storage import (
    adopting,
    amendment_repair,
    camera_checks,
    deleting,
    documents,
    files,
    ledger,
    rows,
    sealing,
)
from storage.errors import ArchiveError, Refused, told
from storage.keys import Signer
from storage.records import EndReason, Gap, Note, Session, Status, session_from_json
from storage.rows import Ending
from storage.transaction import immediate

log = logging.getLogger(__name__)

FAULTS = (ArchiveError, OSError, sqlite3.Error)
"""What may stop one repair. Packing goes on all the same, and the next start tries again."""
CAUSE = "the bench stopped before the session ended"
EVERY_CAMERA = "*"
"""The camera of a gap in a session that has no video at all."""
SWEPT = "swept_day"


def recover(
    db: Database,
    root: Path,
    now: dt.datetime,
    live: Set[str],
    endings: Mapping[str, Ending],
    signer: Signer,
) -> list[Session]:
    """The sessions that were found open and are closed now, oldest first.

    `live` sessions and checks are at work in this program and left alone; `endings` are those
    whose seal failed, and how they should have ended. A session that cannot be closed (a full disk)
    stays open for the next time, with a line in the log.
    """
    for name, repair in (
        (files.MEDIA, lambda: sweep(db, root, now, live, signer)),
        (files.DOCUMENTS, lambda: documents.recover(db, root, now, signer)),
        (files.AMENDMENTS, lambda: amendment_repair.recover(db, root, now, signer)),
        (files.MEDIA, lambda: deleting.finish(db, root, now)),
    ):
        try:
            repair()
        except FAULTS as error:
            why = told(error, root, f"sweeping {name}/")
            log.error("%s/ was not swept: %s", name, why)  # noqa: TRY400
    found = db.execute("SELECT id FROM sessions WHERE status = 'open' ORDER BY opened_at, id")
    closed = []
    for (session,) in found.fetchall():
        if session in live:
            continue
        try:
            closed.append(_close(db, root, session, now, endings.get(session), signer))
        except FAULTS as error:
            why = told(error, root, "repairing a session")
            log.error("session %s stays open: %s", session, why)  # noqa: TRY400
    return closed


def _close(
    db: Database,
    root: Path,
    session_id: str,
    now: dt.datetime,
    ending: Ending | None,
    signer: Signer,
) -> Session:
    folder = root / rows.session_row(db, session_id)["folder"]
    intended = ending or intended_ending(folder / files.MANIFEST, session_id)
    if intended is None:
        files.make_folders(folder)
        sealing.take_in(db, root, rows.one(db, session_id), folder, now)
        session = rows.one(db, session_id)
        with immediate(db):
            for gap in open_ends(session):
                rows.add_gap(db, session_id, gap)
            if all(note.what != "recovered" for note in session.notes):
                text = "found open when the bench started; sealed as interrupted"
                rows.add_note(db, session_id, Note(now, "recovered", text))
        intended = Ending(Status.INTERRUPTED, EndReason.RECOVERY, now, CAUSE)
    return sealing.seal(db, root, session_id, intended, now, signer)


def intended_ending(manifest: Path, session_id: str) -> Ending | None:
    """How the session was being sealed when the crash came, or None.

    A whole manifest beside an open row means that all but the last transaction was done.
    """
    try:
        session = session_from_json(json.loads(manifest.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if (
        session.id != session_id
        or session.status is Status.OPEN
        or session.sealed_at is None
        or session.end_reason is None
    ):
        return None
    return Ending(session.status, session.end_reason, session.sealed_at, session.reason)


def open_ends(session: Session) -> list[Gap]:
    """The gaps from each camera's last frame to the end that the session's record still lacks."""
    ended = {gap.camera for gap in session.gaps if gap.ended_at is None}
    last: dict[str, dt.datetime] = {}
    for clip in session.clips:
        end = clip.started_at + dt.timedelta(milliseconds=clip.duration_ms)
        last[clip.camera] = max(end, last.get(clip.camera, end))
    if not last and not ended:
        last[EVERY_CAMERA] = session.opened_at
    return [Gap(camera, at, None, CAUSE) for camera, at in last.items() if camera not in ended]


def sweep(db: Database, root: Path, now: dt.datetime, live: Set[str], signer: Signer) -> None:
    """Set aside what no session owns in the media folders of the days since the last sweep.

    Only what a crash of today or yesterday can have left is looked for: years of media are the
    work of `packwitness verify`. The folder of a closed session is swept, too, because a photo
    may arrive after the seal; the ledger says what was moved.
    """
    row = db.execute("SELECT value FROM meta WHERE key = ?", [SWEPT]).fetchone()
    since = row[0] if row else ""
    for day in sorted((root / files.MEDIA).glob("*/*/*")):
        if "/".join(day.parts[-3:]) >= since and day.is_dir():
            _sweep_day(db, root, day, now, live, signer)
    # A clock that runs ahead or behind by hours must not hide a day.
    until = (now - dt.timedelta(days=2)).strftime("%Y/%m/%d")
    with immediate(db):
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [SWEPT, max(since, until)],
        )


def _sweep_day(
    db: Database, root: Path, day: Path, now: dt.datetime, live: Set[str], signer: Signer
) -> None:
    for folder in sorted(day.iterdir()):
        if folder.name in live:
            continue
        relative = folder.relative_to(root).as_posix()
        known = list(db.query("SELECT * FROM sessions WHERE id = ?", [folder.name]))
        if known and known[0]["folder"] == relative:
            session = rows.whole(db, known)[0]
            if session.status is not Status.OPEN:
                for path in list(sealing.strays(root, session, folder)):
                    sealing.set_aside(db, root, session, path, now)
        elif folder.is_symlink() or not folder.is_dir():
            sealing.set_aside(db, root, None, folder, now)
        elif not any(folder.iterdir()) or (
            sealing.is_mere_opening(folder) and not ledger.excerpt(db, folder.name)
        ):
            sealing.discard_opening(folder)  # made for a session or check that never came to be
        elif not camera_checks.repaired(db, root, folder, now, signer) and not _adopted(
            db, root, folder, now
        ):
            sealing.set_aside(db, root, None, folder, now)


def _adopted(db: Database, root: Path, folder: Path, now: dt.datetime) -> bool:
    """True for the folder of a session that is newer than a database put back from a backup: it
    has its rows again."""
    sealed = adopting.read_back(root, folder, ledger.known_keys(db))
    if isinstance(sealed, str):
        log.warning("%s is set aside: %s", folder.relative_to(root), sealed)
        return False
    try:
        with immediate(db):
            adopting.adopt(db, sealed, now)
    except (Refused, sqlite3.IntegrityError) as error:
        log.warning("%s is set aside: %s", folder.relative_to(root), error)
        return False
    return True
