"""The half of `archive.py` that writes what searching needs: filters by name, the middle index.

A filter is a line of text as `query.py` reads it. None of it is evidence: it may be changed and
dropped.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Future

from sqlite_utils import Database

from storage import query, rows, search_middle
from storage.errors import QueryError
from storage.transaction import immediate
from storage.writing import Writing

LONGEST_NAME = 60


class Searching(Writing):
    """Part of `Archive`."""

    def save_filter(self, name: str, text: str) -> Future[None]:
        """Keep the search `text` under `name`, in place of what had that name.

        Raises QueryError for what is no search, or no name of a filter's own.
        """
        name = rows.storable(" ".join(name.split()))
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise QueryError(f"a filter's name has 1 to {LONGEST_NAME} characters")
        if name in query.BUILT_IN:
            raise QueryError(f"{name} is the name of a filter that every archive has")
        now = self._clock()
        query.parse(text, now, dt.UTC)
        kept = rows.storable(" ".join(text.split()))

        def save(db: Database) -> None:
            with immediate(db):
                db.execute(
                    "INSERT INTO saved_filters VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET query = excluded.query",
                    [name, kept],
                )

        return self._submit(save, "saving a filter")

    def drop_filter(self, name: str) -> Future[bool]:
        """Forget the filter; False when there was none of that name."""

        def drop(db: Database) -> bool:
            with immediate(db):
                gone = db.execute("DELETE FROM saved_filters WHERE name = ?", [rows.storable(name)])
            return gone.rowcount > 0

        return self._submit(drop, "dropping a filter")

    def index_middle(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Make the index that finds the middle of tracking numbers; at once where there is one.

        In small steps, between which the writer does what else it was given: for a thread that may
        wait. Stopped, by an error of `progress` too, it goes on next time. Raises ArchiveError.
        """
        done, everything = 0, 1
        while done < everything:
            done, everything = self._submit(search_middle.step, "indexing numbers").result()
            if progress is not None:
                progress(done, everything)
