"""The one thread that writes to the archive, with a connection of its own.

Takes jobs in order, carries each out whole, and answers with a Future. Knows neither sessions nor
SQL: a job is a function of the connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlite_utils import Database

from storage.errors import ArchiveClosed, told

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do on the writer's thread. `doing` completes "the disk is full while ..."."""

    do: Callable[[Database], Any]
    doing: str
    future: Future[Any]


class Writer:
    """Owns `db`: closes it when its last job is done."""

    def __init__(self, db: Database, root: Path) -> None:
        self._db = db
        self._root = root
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="archive-writer", daemon=True)
        self._thread.start()

    def submit(self, do: Callable[[Database], T], doing: str) -> Future[T]:
        """The Future of `do`, which runs after everything that was submitted before it.

        It cannot be cancelled: what was handed to the archive is written. Fails with ArchiveError,
        or with whatever fault of the program `do` had.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._closed:
                future.set_exception(ArchiveClosed(self._root))
            else:
                self._jobs.put(Job(do, doing, future))
        return future

    def close(self) -> None:
        """Return when everything that was submitted is done."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                result = job.do(self._db)
            except Exception as error:  # the top of a thread: the Future carries it on
                job.future.set_exception(told(error, self._root, job.doing))
            else:
                job.future.set_result(result)
        self._db.close()
