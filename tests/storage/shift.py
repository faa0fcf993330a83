"""Work on an archive that kills itself: the program that the crash tests start.

    shift.py FOLDER WHAT CODE COUNT SEED

Does what WHAT names (`PROGRAMS`) once from its first to its last line, counting the lines that it
runs of the archive's files whose path ends in CODE, in every thread; then COUNT times more, each
time sending itself SIGKILL at a line: they are spread over the whole run, each at a random place of
its stretch (a COUNT of -9: at the last nine lines). Each time begins with a copy of FOLDER/before,
where that is, in FOLDER/<line>/archive (line 0: nothing kills it). What the archive has
acknowledged is written to FOLDER/<line>/told as it happens: after the kill, that must still be
there.

Every time is a fork of this process, which saves the start of an interpreter.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import sqlite_utils

from storage import archive as archive_module
from storage.archive import Archive
from storage.disclosures import DisclosedFile
from storage.evidence.package import export
from storage.later import Actor, Amendment, EvidenceGroup, Role
from storage.rebuild import rebuild
from storage.records import EndReason, Kind, Session, Status, Waybill
from storage.retention import Policy
from tests.storage.desk import NOON, NUMBER, Desk, growing_video, photo, video

ANN: Final = Actor("Ann", Role.SUPERVISOR, verified=False)
AFTER: Final = NOON + dt.timedelta(days=1)
A_YEAR_ON: Final = NOON + dt.timedelta(days=365)
POLICY: Final = Policy()
PLACES: Final = (archive_module.__file__, sqlite_utils.__file__)
"""Whose lines count: the archive's, and those of what carries out its SQL scripts."""


class Fuse:
    """Counts lines of the archive's code, and kills the process at the chosen one."""

    def __init__(self, code: str, kill_at: int) -> None:
        self.lines = 0
        self._code = code
        self._kill_at = kill_at
        self._places = tuple(f"{Path(place).parent}{os.sep}" for place in PLACES)

    def light(self) -> None:
        """Watch this thread and those that it starts."""
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """For `sys.settrace`: watch the archive's functions only."""
        name = frame.f_code.co_filename
        return self.line if name.startswith(self._places) and name.endswith(self._code) else None

    def line(self, _frame: FrameType, event: str, _: Any) -> Any:
        """Count a line."""
        if event == "line":
            self.lines += 1
            if self.lines == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.line


def say(*words: object) -> None:
    """Tell the test what was acknowledged; a kill must not take it back."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def sealed(session: Session) -> None:
    """Tell of a closed session."""
    say("closed", session.id, session.status.value)


def said(amendment: Amendment) -> None:
    """Tell of an amendment."""
    say("said", amendment.subject, amendment.id, amendment.change.value)


# ---------------------------------------------------------------------------- what is done


def shift(root: Path) -> None:
    """Three parcels: packed, cancelled, and one that is left open, as is the second of two camera
    checks; then an export."""
    with Archive.open(root) as archive:
        desk = Desk(archive)
        for status in (Status.SEALED, Status.CANCELLED):
            session, folder = desk.open()
            say("opened", session)
            clip = desk.clip(session, folder)
            say("media", session, clip.path, clip.sha256)
            shot = desk.shot(session, folder)
            say("media", session, shot.path, shot.sha256)
            desk.gap(session)
            desk.note(session)
            (folder / "late-07.jpg").write_bytes(photo(7))
            if status is Status.SEALED:
                sealed(desk.seal(session, status, EndReason.FINISH))
            else:
                sealed(desk.seal(session, status, EndReason.CANCEL, "wrong box"))
        check_id, folder = archive.begin_check().result()
        (folder / "late.jpg").write_bytes(photo(7))
        filed = archive.file_checks(check_id, [desk.look(check_id, folder)]).result()
        say("checked", check_id, filed[0].path, filed[0].sha256)
        session, folder = desk.open(pass_no=2)
        say("opened", session)
        shot = desk.shot(session, folder)
        say("media", session, shot.path, shot.sha256)
        (folder / "overhead-01.mp4").write_bytes(growing_video())
        (folder / "side-01.mp4").write_bytes(b"no video")
        check_id, folder = archive.begin_check().result()
        (folder / "overhead.jpg").write_bytes(photo(3))
        export(archive, archive.recent(10), root / "exports")


def later(root: Path) -> None:
    """Documents, and all that can be said of a session and a document, with checkpoints between."""
    with Archive.open(root, clock=lambda: AFTER) as archive:
        packed = archive.find(NUMBER)[0].id
        for number in range(2):
            source = root.with_name(f"note {number}.jpg")
            source.write_bytes(photo(number))
            document = archive.file_document(ANN, source, NUMBER, EvidenceGroup.MEDIA).result()
            say("document", document.id, document.sha256)
        said(archive.note(ANN, packed, "the customer called").result())
        say("head", archive.checkpoint().result().head)
        said(archive.rebind(ANN, packed, Waybill("NEW0001", ""), "printed late").result())
        held = archive.hold(ANN, packed, "a claim is open").result()
        said(held)
        said(
            archive.refile(
                ANN, document.id, "NEW0001", EvidenceGroup.PROOF_OF_VALUE, "wrong"
            ).result()
        )
        say("head", archive.checkpoint().result().head)
        said(archive.undo(ANN, held.id, "the claim is settled").result())
        said(archive.mark_test(ANN, packed, "a trial").result())
        archive.looked(ANN, packed, "photos").result()
        archive.save_filter("mine", "is:held").result()


def policy(root: Path) -> None:
    """Everything but what is held goes, a year later."""
    with Archive.open(root, clock=lambda: A_YEAR_ON) as archive:
        said(archive.hold(ANN, archive.find("OTHER0001")[0].id, "a claim is open").result())
        for doomed in archive.retention_plan(POLICY, 0).deletes:
            deleted = archive.delete(ANN, doomed, POLICY).result()
            said(deleted.amendment)
            say("deleted", doomed.session)


def disclosed(root: Path) -> None:
    """What was packed leaves three times, told to three people, with a checkpoint between."""
    with Archive.open(root, clock=lambda: AFTER) as archive:
        packed = [session.id for session in archive.find(NUMBER)]
        for number, sessions in enumerate((packed, packed[:1], packed)):
            told = archive.disclose(
                ANN,
                sessions=sessions,
                profile="complete",
                package=f"package-{number}.zip",
                digest=f"{number}" * 64,
                files=[DisclosedFile("data/clip.mp4", 9, "a" * 64)] * 3,
                recipient=f"recipient {number}",
                reason="a claim",
            ).result()
            say("disclosed", told.id, *told.sessions)
            if number == 1:
                say("head", archive.checkpoint().result().head)


def recover(root: Path) -> None:
    """What the bench does at its start."""
    with Archive.open(root, clock=lambda: AFTER) as archive:
        for session in archive.recover():
            sealed(session)


def migrate(root: Path) -> None:
    """An archive is opened, whatever its version is."""
    Archive.open(root, clock=lambda: AFTER).close()


def anew(root: Path) -> None:
    """The database is made anew."""
    rebuild(root, AFTER)


def before(root: Path) -> None:
    """Two parcels, one of which came back, an order, and somebody who may look."""
    with Archive.open(root) as archive:
        desk = Desk(archive)
        for kind in Kind:
            sealed(desk.pack(kind=kind))
        sealed(desk.pack("OTHER0001"))
        archive.link_orders([("ORDER-1", NUMBER)]).result()
        archive.save_filter("week", "is:held").result()
        say("head", archive.checkpoint().result().head)


PROGRAMS: Final[dict[str, Callable[[Path], None]]] = {
    each.__name__: each
    for each in (shift, later, policy, disclosed, recover, migrate, anew, before)
}


# ---------------------------------------------------------------------------- forks


def forked(folder: Path, what: str, code: str, kill_at: int) -> None:
    """Do it in a process of its own. Raises RuntimeError when it ends in any other way."""
    root = folder / str(kill_at) / "archive"
    root.parent.mkdir()
    if (folder / "before").exists():
        shutil.copytree(folder / "before", root)
    child = os.fork()
    if child == 0:
        try:
            told = os.open(root.with_name("told"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(told, 1)
            fuse = Fuse(code, kill_at)
            fuse.light()
            PROGRAMS[what](root)
            sys.settrace(None)
            say("lines", fuse.lines)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # Two threads take turns, so a run may have a few lines less than the one that was counted.
    if status != 0 and (status != -signal.SIGKILL or kill_at == 0):
        raise RuntimeError(f"{what} ended with {status} at line {kill_at} of {code}")


def points(lines: int, count: int, seed: int) -> list[int]:
    """Lines to be killed at: spread over the whole run, each at a random place of its stretch; the
    last ones for a negative count."""
    if count < 0:
        return list(range(lines + count + 1, lines + 1))
    rng, count = random.Random(seed), min(count, lines // 2)
    return [rng.randrange(lines * n // count + 1, lines * (n + 1) // count) for n in range(count)]


def main(folder: Path, what: str, code: str, count: int, seed: int) -> None:
    """Whole once, then killed so many times."""
    video()
    growing_video()
    forked(folder, what, code, 0)
    lines = int((folder / "0" / "told").read_text().split()[-1])
    for kill_at in points(lines, count, seed):
        forked(folder, what, code, kill_at)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
