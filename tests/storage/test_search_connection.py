"""Search as you type: what is overtaken stops, what is searched next is not harmed by it."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.errors import ArchiveClosed, QueryError, SearchInterrupted
from storage.query import Query, parse
from tests.performance.archive_made import make
from tests.storage.desk import NOON, NUMBER, Desk


def test_a_search_is_stopped_from_another_thread_and_the_next_one_runs(tmp_path: Path) -> None:
    make(tmp_path / "archive", 60_000, lean=True)
    with Archive.open(tmp_path / "archive", read_only=True) as archive:
        search = archive.search_connection()
        slow = parse("#" * 12, NOON, dt.UTC)  # no end of any number: all of them are read
        began = time.perf_counter()
        assert search.page(slow).hits == ()
        taken = time.perf_counter() - began
        stopped = 0
        for _ in range(20):
            stopper = threading.Timer(taken / 4, search.interrupt)
            stopper.start()
            try:
                search.page(slow)
            except SearchInterrupted:
                stopped += 1
            stopper.join()
            assert len(search.page(parse("is:return", NOON, dt.UTC)).hits) == 100
        assert stopped > 0
        search.interrupt()
        assert search.page(parse("is:return", NOON, dt.UTC)).next is not None
        search.close()


def test_a_search_sees_what_was_sealed_a_moment_ago(desk: Desk) -> None:
    with desk.archive.search_connection() as search:
        assert search.page(Query()).hits == ()
        session, folder = desk.open()
        (hit,) = search.page(Query(text=NUMBER[-6:])).hits
        assert (hit.status, hit.ended_at, hit.no_video) == ("open", None, False)
        desk.clip(session, folder)
        desk.seal(session)
        (hit,) = search.page(Query(text=NUMBER)).hits
        assert (hit.session_id, hit.status, hit.incomplete) == (session, "sealed", True)
        assert hit.bytes > 0
        assert (hit.carrier, hit.bench, hit.packer, hit.original) == ("UPS", "bench 1", "Ann", None)
        assert hit == desk.archive.page(Query(text=NUMBER)).hits[0]
        sealed = desk.archive.get(session)
        assert sealed is not None
        assert (hit.opened_at, hit.ended_at) == (sealed.opened_at, sealed.sealed_at)


def test_a_closed_archive_gives_no_connection(desk: Desk) -> None:
    desk.archive.close()
    with pytest.raises(ArchiveClosed):
        desk.archive.search_connection()


def test_filters_are_kept_by_name(desk: Desk, root: Path) -> None:
    archive = desk.archive
    archive.save_filter(" my  gaps ", "is:gap  on:today").result()
    archive.save_filter("abc", "is:held").result()
    archive.save_filter("abc", "is:test").result()
    assert archive.saved_filters() == {"abc": "is:test", "my gaps": "is:gap on:today"}
    assert archive.drop_filter("abc").result()
    assert not archive.drop_filter("abc").result()
    for name, text in (("", "x"), ("x" * 61, "x"), ("a\x1b", "x"), ("held", "x"), ("bad", "is:x")):
        with pytest.raises(QueryError):
            archive.save_filter(name, text)
    archive.close()
    with Archive.open(root, read_only=True) as again:
        assert again.saved_filters() == {"my gaps": "is:gap on:today"}
