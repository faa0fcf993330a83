"""The searching thread: the newest question wins, nobody waits, and faults are told."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.ui.archive.searcher import Answer, Question, Searcher
from storage.archive import Archive
from storage.errors import ArchiveBusy
from storage.query import Query
from storage.search_connection import SearchConnection
from tests.station.ui.archive.shelf import NUMBERS, PATIENCE_S, SlowSearch, cancelled
from tests.storage.desk import Desk

AT_ONCE_S = 0.2
"""Far below the slow connection's delay; a busy computer takes a while to start a thread."""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        cancelled(Desk(archive), NUMBERS)
        yield archive


class Heard:
    """A searcher on a slow connection, and what it has answered."""

    def __init__(self, archive: Archive, delay_s: float, *, deaf: bool = False) -> None:
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.connection: SlowSearch | None = None
        self._archive = archive
        self._delay_s = delay_s
        self._deaf = deaf
        self.searcher = Searcher(self._connect, self.answers.put)
        self.searcher.start()

    def _connect(self) -> SlowSearch:
        real = self._archive.search_connection()
        self.connection = SlowSearch(real, self._delay_s, deaf=self._deaf)
        return self.connection

    def next(self) -> Answer:
        return self.answers.get(timeout=PATIENCE_S)


def test_it_answers_what_was_asked(archive: Archive) -> None:
    heard = Heard(archive, 0)
    heard.searcher.ask(Question(1, Query(text="6003")))
    answer = heard.next()
    assert answer.page is not None
    assert [hit.number for hit in answer.page.hits] == [NUMBERS[3]]
    heard.searcher.stop()


def test_the_newest_question_wins_and_the_older_are_stopped(archive: Archive) -> None:
    heard = Heard(archive, 60)
    for serial, text in enumerate(("6", "60", "600", "6003"), start=1):
        heard.searcher.ask(Question(serial, Query(text=text)))
        time.sleep(0.05)
    connection = heard.connection
    assert connection is not None
    connection.delay_s = 0
    heard.searcher.ask(Question(5, Query(text="6007")))
    answer = heard.next()
    assert answer.question.search == 5
    assert connection.stopped >= 1
    heard.searcher.stop()
    assert heard.answers.empty()


def test_what_was_overtaken_while_it_waited_is_never_searched(archive: Archive) -> None:
    heard = Heard(archive, 0.3, deaf=True)
    heard.searcher.ask(Question(1, Query(text="1")))
    time.sleep(0.1)
    for serial in range(2, 21):
        heard.searcher.ask(Question(serial, Query(text=str(serial))))
    assert heard.next().question.search == 20
    assert heard.connection is not None
    assert heard.connection.asked == ["1", "20"]
    heard.searcher.stop()


def test_asking_never_waits_for_the_search_at_work(archive: Archive) -> None:
    heard = Heard(archive, 60)
    for serial in range(200):
        began_s = time.monotonic()
        heard.searcher.ask(Question(serial, Query(text=str(serial))))
        assert time.monotonic() - began_s < AT_ONCE_S
    began_s = time.monotonic()
    heard.searcher.stop()
    assert time.monotonic() - began_s < 2


def test_pages_of_one_search_come_in_turn(archive: Archive) -> None:
    heard = Heard(archive, 0.05)
    heard.searcher.ask(Question(1, Query(), limit=5))
    first = heard.next().page
    assert first is not None
    heard.searcher.ask(Question(1, Query(), first.next, 5))
    heard.searcher.ask(Question(1, Query(), first.next, 5))
    second = heard.next().page
    assert second is not None
    time.sleep(0.2)
    assert not {hit.session_id for hit in first.hits} & {hit.session_id for hit in second.hits}
    assert heard.answers.empty(), "the same page was asked for twice and answered twice"
    heard.searcher.stop()


def test_a_fault_is_told_and_the_next_search_works(archive: Archive) -> None:
    fails = [True]
    answers: queue.Queue[Answer] = queue.Queue()

    def connect() -> SearchConnection:
        if fails:
            fails.clear()
            raise ArchiveBusy(archive.root, "another program")
        return archive.search_connection()

    searcher = Searcher(connect, answers.put)
    searcher.start()
    searcher.ask(Question(1, Query()))
    answer = answers.get(timeout=PATIENCE_S)
    assert answer.page is None
    assert isinstance(answer.error, ArchiveBusy)
    searcher.ask(Question(2, Query()))
    assert answers.get(timeout=PATIENCE_S).page is not None
    searcher.stop()
