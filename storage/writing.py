"""What the writing halves of `archive.py` share: the folder, the one writer thread, the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from sqlite_utils import Database

from storage.errors import ArchiveNotWritable
from storage.keys import Signer
from storage.writer import T, Writer

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The wall clock, in UTC."""
    return dt.datetime.now(dt.UTC)


class Writing:
    """Hands jobs to the writer's thread; without one, every job is refused."""

    def __init__(
        self, root: Path, writer: Writer | None, signer: Signer | None, clock: Clock
    ) -> None:
        self.root = root
        self._writer = writer
        self._signer = signer
        self._clock = clock

    @property
    def signer(self) -> Signer:
        """The archive's key; for jobs on the writer's thread, which only a writable archive has."""
        if self._signer is None:
            raise ArchiveNotWritable(self.root, "it was opened for reading")
        return self._signer

    @property
    def writable(self) -> bool:
        """False when it was opened for reading only."""
        return self._writer is not None

    def _submit(self, do: Callable[[Database], T], doing: str) -> Future[T]:
        if self._writer is None:
            refused: Future[T] = Future()
            refused.set_exception(ArchiveNotWritable(self.root, "it was opened for reading"))
            return refused
        return self._writer.submit(do, doing)
