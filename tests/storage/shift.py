"""A short shift that kills itself: the program that the crash tests start.

    shift.py ROOT shift|recover CODE KILL_AT

Counts the lines that it runs of the archive's files whose path ends in CODE, in every thread, and
sends itself SIGKILL at line KILL_AT (0: never, it then prints how many there were). What the
archive has acknowledged is printed as it happens: after the kill, that must still be there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from storage import archive as archive_module
from storage.archive import Archive
from storage.evidence.package import export
from storage.records import EndReason, Session, Status
from tests.storage.desk import Desk, growing_video, photo

STORAGE = str(Path(archive_module.__file__).parent)


class Fuse:
    """Counts lines of the archive's code, and kills the process at the chosen one."""

    def __init__(self, code: str, kill_at: int) -> None:
        self.lines = 0
        self._code = code
        self._kill_at = kill_at

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """For `sys.settrace`: watch the archive's functions only."""
        name = frame.f_code.co_filename
        return self.line if name.startswith(STORAGE) and name.endswith(self._code) else None

    def line(self, _frame: FrameType, event: str, _: Any) -> Any:
        """Count a line."""
        if event == "line":
            self.lines += 1
            if self.lines == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.line


def say(*words: str) -> None:
    """Tell the test what was acknowledged; a kill must not take it back."""
    os.write(1, (" ".join(words) + "\n").encode())


def sealed(session: Session) -> None:
    """Tell of a closed session."""
    say("closed", session.id, session.status.value)


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


def main(root: Path, what: str, code: str, kill_at: int) -> None:
    """Run with the fuse burning."""
    fuse = Fuse(code, kill_at)
    threading.settrace(fuse.trace)
    sys.settrace(fuse.trace)
    if what == "shift":
        shift(root)
    else:
        with Archive.open(root) as archive:
            for session in archive.recover():
                sealed(session)
    sys.settrace(None)
    say("lines", str(fuse.lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
