"""The one thread that searches while somebody types: the newest question wins.

`ask` never waits: it leaves the question and stops the search at work. Knows no widget and no SQL;
what it is told goes back through `tell`, on this thread, with the question it answers.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from storage.errors import ArchiveError

if TYPE_CHECKING:
    from storage.query import Query
    from storage.search import Key, Page

log = logging.getLogger(__name__)

LIMIT: Final = 100
"""Sessions of one page; more than any terminal has rows."""
_STOP_S: Final = 2.0


class Connection(Protocol):
    """What `Archive.search_connection` gives."""

    def page(self, query: Query, after: Key | None = None, limit: int = LIMIT) -> Page: ...

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Question:
    """A page that is wanted. Questions of a later `search` make the earlier ones void; `quietly`
    looks for news in what is shown."""

    search: int
    query: Query
    after: Key | None = None
    limit: int = LIMIT
    quietly: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The page that was asked for, or why there is none."""

    question: Question
    page: Page | None
    error: Exception | None = None


class Searcher:
    """Answers questions on a thread of its own, from its own connection."""

    def __init__(self, connect: Callable[[], Connection], tell: Callable[[Answer], None]) -> None:
        self._connect = connect
        self._tell = tell
        self._waiting: deque[Question] = deque()
        self._at_work: Question | None = None
        self._connection: Connection | None = None
        self._stopped = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="search", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, question: Question) -> None:
        """Answer this one next; an older search is forgotten, and stopped if it is at work."""
        with self._change:
            while self._waiting and self._waiting[-1].search != question.search:
                self._waiting.pop()
            if question not in self._waiting and question != self._at_work:
                self._waiting.append(question)
            self._interrupt(question.search)
            self._change.notify()

    def stop(self) -> None:
        """Answer nothing more; gives a search at work a moment to end."""
        with self._change:
            self._stopped = True
            self._waiting.clear()
            self._interrupt(-1)
            self._change.notify()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _interrupt(self, search: int) -> None:
        """Stop what is at work unless it belongs to `search`. The lock is held: what is stopped is
        never the search that follows."""
        at_work = self._at_work
        if self._connection and at_work and at_work.search != search:
            self._connection.interrupt()

    def _run(self) -> None:
        try:
            while (question := self._next()) is not None:
                answer = self._answer(question)
                with self._change:
                    self._at_work = None
                    newer = bool(self._waiting) and self._waiting[0].search != question.search
                if not (newer or self._stopped):
                    self._tell(answer)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _next(self) -> Question | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._stopped)
            if self._stopped:
                return None
            self._at_work = self._waiting.popleft()
            return self._at_work

    def _answer(self, question: Question) -> Answer:
        try:
            connection = self._connection
            if connection is None:
                connection = self._connect()
                with self._change:
                    self._connection = connection
            page = connection.page(question.query, question.after, question.limit)
        except (ArchiveError, sqlite3.Error, OSError) as error:
            log.info("search: %s", error)
            return Answer(question, None, error)
        except Exception as error:  # the top of this thread: the screen says it
            log.exception("search")
            return Answer(question, None, error)
        return Answer(question, page)
