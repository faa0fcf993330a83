"""The archive: one API over the rows and the files of packing sessions.

The front door of `storage`. Everything that writes is handed to one writer thread, carried out in
order, and durable when its Future is done; everything that reads runs on the caller's thread. Knows
no camera and no screen: files arrive finished, under the folder that `open_session` gave.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout
from sqlite_utils import Database

from storage import (
    camera_checks,
    checkpoints,
    files,
    filing,
    keys,
    ledger,
    reads,
    recover,
    rows,
    schema,
    sealing,
)
from storage.benchlock import BenchLock
from storage.claims.claiming import Claiming
from storage.deleting import Deleting
from storage.disclosing import Disclosing
from storage.documents import Documents
from storage.errors import (
    ArchiveBusy,
    ArchiveCorrupt,
    ArchiveMissing,
    Refused,
    told,
)
from storage.keys import Signer
from storage.questions import Questions
from storage.records import (
    CameraCheck,
    Clip,
    EndReason,
    Gap,
    Note,
    Session,
    Shot,
    Status,
    Waybill,
)
from storage.rows import Ending
from storage.searching import Searching
from storage.tracing import Tracing
from storage.transaction import immediate
from storage.writer import Writer
from storage.writing import Clock, Writing, utc_now

OPEN_LOCK = "open.lock"
OPEN_TIMEOUT_S = 30.0


class Archive(Questions, Claiming, Deleting, Disclosing, Documents, Searching, Tracing):
    """An open archive. Use `Archive.open`; close it, or use it in a `with`."""

    def __init__(
        self,
        root: Path,
        readers: reads.Readers,
        writer: Writer | None,
        signer: Signer | None,
        clock: Clock,
    ) -> None:
        Questions.__init__(self, readers)
        Writing.__init__(self, root, writer, signer, clock)
        self._bench_lock = BenchLock(root)
        # Only the writer's thread touches these two.
        self._live: set[str] = set()
        self._unsealed: dict[str, Ending] = {}

    # ------------------------------------------------------------------ opening and closing

    @classmethod
    def open(
        cls, root: Path, *, create: bool = True, read_only: bool = False, clock: Clock = utc_now
    ) -> Self:
        """The archive in the folder `root`, which `create` makes where there is none.

        Raises ArchiveMissing, ArchiveTooNew, ArchiveNotWritable, ArchiveCorrupt, ArchiveFull,
        ArchiveBusy.
        """
        database = root / schema.DATABASE
        try:
            if not database.is_file() and (read_only or not create):
                raise ArchiveMissing(root)
            if not read_only:
                files.make_folders(root)
            root = root.resolve()
            database = root / schema.DATABASE
            writer_db, signer = (None, None) if read_only else _prepared(root, database)
            readers = reads.Readers(lambda: schema.connect(database, read_only=True), root)
            with readers.lent() as db:
                if schema.version_of(db) == 0:
                    raise ArchiveMissing(root)
                schema.refuse_newer(db, database)
        except (OSError, sqlite3.Error) as error:
            raise told(error, root, "opening the archive") from error
        writer = None if writer_db is None else Writer(writer_db, root)
        return cls(root, readers, writer, signer, clock)

    def close(self) -> None:
        """Finish what was handed over, then let go of everything."""
        # The writer's connection goes last: only one that may write can empty the WAL.
        self._readers.close()
        if self._writer is not None:
            self._writer.close()
        self._bench_lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def hold_bench_lock(self) -> None:
        """Be the one program that records into this archive, until it is closed or dies.

        Opening and repairing sessions take the lock by themselves. Raises ArchiveBusy,
        ArchiveNotWritable.
        """
        self._bench_lock.hold()

    def relative(self, path: Path) -> str:
        """`path` as the records name it. Raises Refused for one outside of the archive."""
        try:
            return path.resolve().relative_to(self.root).as_posix()
        except ValueError as error:
            raise Refused(f"{path} is not in the archive {self.root}") from error

    def free_bytes(self) -> int:
        """How much room the archive's disk has left for this user."""
        return files.free_bytes(self.root)

    # ------------------------------------------------------------------ writing

    def open_session(self, session: Session) -> Future[Path]:
        """The session's folder (absolute): it and the open row are durable.

        A pass number that is already taken is corrected, with a note, because packing does not
        stop for it. Fails with ArchiveBusy when another program records into this archive,
        Refused for a session that cannot be filed.
        """

        def open_(db: Database) -> Path:
            self.hold_bench_lock()
            folder = filing.open_session(db, self.root, session, self.signer)
            self._live.add(session.id)
            return folder

        return self._submit(open_, "opening a session")

    def bind(self, session: str, waybill: Waybill) -> Future[Session]:
        """Give an open session, which was opened for an order, the waybill of its label.

        The order is linked to that number. Fails with Refused, UnknownSession, SessionClosed.
        """
        return self._submit(
            lambda db: filing.bind_session(
                db, self.root, session, waybill, self._clock(), self.signer
            ),
            "binding a session to its label",
        )

    def add_shot(self, session: str, shot: Shot) -> Future[None]:
        """File a photo that lies, finished, in the session's folder.

        Fails with Refused when the file is not what `shot` says, UnknownSession, SessionClosed.
        """
        return self._submit(
            lambda db: filing.file_shot(db, self.root, session, shot), "filing a photo"
        )

    def add_clip(
        self,
        session: str,
        path: Path,
        *,
        camera: str,
        part: int,
        codec: str,
        width: int,
        height: int,
        started_at: dt.datetime,
        duration_ms: int,
        pre_roll_ms: int,
        frames: int,
        dropped: int,
        clock_offset_ms: int = 0,
        copied: bool = False,
    ) -> Future[Clip]:
        """Hash and file a finished clip that lies in the session's folder.

        Fails with Refused when there is no such file, UnknownSession, SessionClosed.
        """

        def add(db: Database) -> Clip:
            clip = Clip(
                camera=camera,
                part=part,
                path=self.relative(path),
                codec=codec,
                width=width,
                height=height,
                started_at=started_at,
                duration_ms=duration_ms,
                pre_roll_ms=pre_roll_ms,
                frames=frames,
                dropped=dropped,
                size_bytes=0,
                sha256="",
                clock_offset_ms=clock_offset_ms,
                copied=copied,
            )
            return filing.file_clip(db, self.root, session, clip)

        return self._submit(add, "filing a clip")

    def add_gap(self, session: str, gap: Gap) -> Future[None]:
        """File a stretch without video. Fails with UnknownSession, SessionClosed."""

        def add(db: Database) -> None:
            rows.require_open(db, session)
            with immediate(db):
                rows.add_gap(db, session, gap)

        return self._submit(add, "filing a gap")

    def add_note(self, session: str, note: Note) -> Future[None]:
        """File a note. Fails with UnknownSession, SessionClosed."""

        def add(db: Database) -> None:
            rows.require_open(db, session)
            with immediate(db):
                rows.add_note(db, session, note)

        return self._submit(add, "filing a note")

    def seal(
        self,
        session: str,
        status: Status,
        end_reason: EndReason,
        ended_at: dt.datetime,
        reason: str = "",
    ) -> Future[Session]:
        """Close the session for good; the closed session.

        A file in its folder that was never filed is taken in, or set aside, with a note. After a
        failure (ArchiveFull above all) call it again, or `recover`: nothing is lost meanwhile.
        Fails with UnknownSession, SessionClosed, ArchiveError.
        """
        ending = Ending(status, end_reason, ended_at, reason)

        def close(db: Database) -> Session:
            if status is Status.OPEN:
                raise Refused("a session is not sealed as open")
            self._live.discard(session)
            self._unsealed[session] = ending
            closed = sealing.seal(db, self.root, session, ending, self._clock(), self.signer)
            del self._unsealed[session]
            self.checkpoint_when_due(db)
            return closed

        return self._submit(close, "sealing a session")

    def unfinished(self) -> list[Path]:
        """The files that a crash left in the folders of open sessions without a row.

        Not those of sessions at work in this program.
        """
        with self._readers.lent() as db:
            found = list(db.query("SELECT * FROM sessions WHERE status = 'open'"))
            folders = {row["id"]: self.root / row["folder"] for row in found}
            left = [session for session in rows.whole(db, found) if session.id not in self._live]
        return [
            path
            for session in left
            if folders[session.id].is_dir()
            for path in sealing.strays(self.root, session, folders[session.id])
        ]

    def recover(self) -> list[Session]:
        """Repair what a crash or a full disk left; the sessions that were closed by it.

        Call it at start, and again after room was made on a full disk: sessions at work in this
        program are left alone. Raises ArchiveBusy, ArchiveError.
        """

        def repair(db: Database) -> list[Session]:
            self.hold_bench_lock()
            closed = recover.recover(
                db, self.root, self._clock(), self._live, self._unsealed, self.signer
            )
            for session in closed:
                self._unsealed.pop(session.id, None)
            return closed

        return self._submit(repair, "repairing the archive").result()

    def begin_check(self) -> Future[tuple[str, Path]]:
        """The id of a new camera check, and its folder (absolute), which is durable.

        The pictures go there, finished, before `file_checks`. Fails with ArchiveBusy when another
        program records into this archive.
        """

        def begin(db: Database) -> tuple[str, Path]:
            self.hold_bench_lock()
            check_id, folder = camera_checks.begin(db, self.root, self._clock())
            self._live.add(check_id)
            return check_id, folder

        return self._submit(begin, "beginning a camera check")

    def file_checks(
        self, check_id: str, checks: Sequence[CameraCheck]
    ) -> Future[tuple[CameraCheck, ...]]:
        """File a camera check for good: its cameras, with the size and SHA-256 of their pictures.

        What else lies in its folder is set aside. Fails with Refused for one that was not begun
        or was filed before, and for a picture that is not in its folder.
        """

        def file(db: Database) -> tuple[CameraCheck, ...]:
            filed = camera_checks.file(db, self.root, check_id, checks, self._clock(), self.signer)
            self._live.discard(check_id)
            return filed

        return self._submit(file, "filing a camera check")


def _refuse_orphans(root: Path, database: Path) -> None:
    """A new database beside sealed sessions and checks would make strays of them, and the next
    repair would move them away. Raises ArchiveCorrupt."""
    sealed = (files.MANIFEST, files.CHECK_MANIFEST)
    if any(path for name in sealed for path in (root / files.MEDIA).glob(f"*/*/*/*/{name}")):
        raise ArchiveCorrupt(database, "it is gone or empty, but there are sessions")


def _prepared(root: Path, database: Path) -> tuple[Database, Signer]:
    """A writing connection to a database that is up to date and has its guards, and the key."""
    try:
        with FileLock(root / OPEN_LOCK, timeout=OPEN_TIMEOUT_S):
            files.make_folders(root / files.MEDIA)
            db = schema.connect(database)
            try:
                if schema.version_of(db) == 0:
                    _refuse_orphans(root, database)
                schema.migrate(db, database)
                signer = keys.signer_of(root)
                checkpoints.catch_up(db, root)
                ledger.introduce(db, signer, utc_now(), keys.others(root, signer))
            except BaseException:
                db.close()
                raise
            files.sync_folder(root)
            return db, signer
    except Timeout as error:
        raise ArchiveBusy(root, "another program that is opening it") from error
