"""A connection of its own for search as you type: a search that is overtaken is stopped at once.

Belongs to the one thread that searches; only `interrupt` may be called from any other.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlite_utils import Database

from storage import search
from storage.errors import SearchInterrupted, told
from storage.query import Query
from storage.search import Key, Page

STEPS_BETWEEN = 20_000
"""SQLite's steps (about a millisecond) after which a search asks whether it was stopped."""
CACHE_KIB = 64 * 1024
"""What this connection keeps of the indexes; SQLite's own 2 MB are read again with every key."""


class SearchConnection:
    """Pages of the archive, on a connection that reads. Close it, or use it in a `with`."""

    def __init__(self, connect: Callable[[], Database], root: Path) -> None:
        self._root = root
        self._stopped = threading.Event()
        try:
            self._db = connect()
            self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        except sqlite3.Error as error:
            raise told(error, root, "opening a search") from error
        # Unlike sqlite3_interrupt it also stops what has not quite begun: the next statement.
        self._db.conn.set_progress_handler(self._stopped.is_set, STEPS_BETWEEN)

    def page(self, query: Query, after: Key | None = None, limit: int = 100) -> Page:
        """The hits behind `after`, as everything stands that was committed by now.

        Raises SearchInterrupted, ArchiveError.
        """
        self._stopped.clear()
        try:
            self._db.execute("BEGIN")
            try:
                return search.page(self._db, query, after, limit)
            finally:
                self._db.rollback()
        except sqlite3.Error as error:
            if self._stopped.is_set():
                raise SearchInterrupted from error
            raise told(error, self._root, "searching") from error

    def interrupt(self) -> None:
        """Stop the search that is running, if one is."""
        self._stopped.set()

    def close(self) -> None:
        """Let go of the database."""
        self._stopped.clear()
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
