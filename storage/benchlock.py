"""The lock by which one program at a time records into an archive. It dies with its process."""

from __future__ import annotations

import os
import platform
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from storage.errors import ArchiveBusy, told

LOCK = "bench.lock"
HOLDER = "bench.holder"
"""Who holds the lock: a file of its own, because Windows lets nobody read a locked one."""


class BenchLock:
    """Held from the first `hold` until `release` or the end of the process. For any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file: FileLock | None = None
        self._threads = threading.Lock()

    def hold(self) -> None:
        """Raises ArchiveBusy, ArchiveNotWritable."""
        with self._threads:
            if self._file is not None:
                return
            lock = FileLock(self._root / LOCK, timeout=0, thread_local=False)
            try:
                lock.acquire()
                (self._root / HOLDER).write_text(f"process {os.getpid()} on {platform.node()}\n")
            except Timeout as error:
                raise ArchiveBusy(self._root, self._holder()) from error
            except OSError as error:
                raise told(error, self._root, "locking it for the bench") from error
            self._file = lock

    def release(self) -> None:
        """Let another program record."""
        with self._threads:
            if self._file is not None:
                (self._root / HOLDER).unlink(missing_ok=True)
                self._file.release()
                self._file = None

    def _holder(self) -> str:
        try:
            return (self._root / HOLDER).read_text().strip() or "another program"
        except OSError:
            return "another program"
