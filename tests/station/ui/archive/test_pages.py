"""Pages of found sessions: what is asked for next, what is let go, what stands in which row."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from station.ui.archive.pages import KEPT, Pages, Wanted
from storage.records import Kind, Status
from storage.search import Hit, Key, Page

SIZE = 10


def hit(n: int) -> Hit:
    return Hit(
        session_id=f"s{n}", number=f"N{n}", original=None, carrier="UPS", kind=Kind.PACKING,
        status=Status.SEALED, opened_at=dt.datetime(2026, 11, 22, tzinfo=dt.UTC), ended_at=None,
        bench="b", packer="p", bytes=1, incomplete=False, mismatch=False, no_video=False, gap=False,
        held=False, test=False, deleted=False,
    )  # fmt: skip


class Found:
    """So many sessions, given out in pages as the archive does."""

    def __init__(self, count: int) -> None:
        self.hits = [hit(n) for n in range(count)]

    def page(self, after: Key | None, limit: int) -> Page:
        first = 0 if after is None else after.n
        last = first + limit
        behind = Key(0, last) if last < len(self.hits) else None
        return Page(tuple(self.hits[first:last]), behind, "newest", exact=True)

    def answer(self, pages: Pages, wanted: Wanted) -> None:
        assert pages.put(wanted.after, self.page(wanted.after, wanted.limit or SIZE))


def scrolled(count: int, rows: int) -> tuple[Found, Pages]:
    found, pages = Found(count), Pages()
    while (wanted := pages.wanted(rows, rows)) is not None:
        found.answer(pages, wanted)
    return found, pages


def test_the_first_page_is_asked_for_first() -> None:
    assert Pages().wanted(0, 5) == Wanted(None)


def test_nothing_is_asked_for_while_it_is_here() -> None:
    found, pages = Found(100), Pages()
    found.answer(pages, Wanted(None))
    assert pages.wanted(0, SIZE - 1) is None
    assert pages.wanted(0, SIZE) == Wanted(Key(0, SIZE))
    assert not pages.complete


def test_the_last_page_ends_it() -> None:
    found, pages = scrolled(25, 1_000)
    assert pages.complete
    assert pages.count == 25
    assert [each.session_id for each in pages.here()] == [each.session_id for each in found.hits]
    assert pages.hit(25) is None
    assert pages.hit(-1) is None


def test_pages_far_away_are_let_go_and_come_back_the_same() -> None:
    found, pages = scrolled(2 * KEPT * SIZE, 10_000)
    assert pages.hit(0) is None
    wanted = pages.wanted(0, SIZE - 1)
    assert wanted == Wanted(None, SIZE)
    found.answer(pages, wanted)
    assert pages.hit(0) == found.hits[0]
    assert pages.count == len(found.hits)
    assert len(list(pages.here())) <= (KEPT + 2) * SIZE


def test_a_page_that_nobody_waits_for_is_refused() -> None:
    found, pages = Found(100), Pages()
    found.answer(pages, Wanted(None))
    assert not pages.put(None, found.page(None, SIZE))
    assert not pages.put(Key(0, 70), found.page(Key(0, 70), SIZE))
    assert pages.count == SIZE


@given(
    st.integers(1, 900), st.lists(st.tuples(st.integers(0, 950), st.integers(1, 40)), max_size=9)
)
def test_wherever_it_is_scrolled_each_row_shows_its_session(
    count: int, looks: list[tuple[int, int]]
) -> None:
    found, pages = Found(count), Pages()
    for first, rows in looks:
        while (wanted := pages.wanted(first, first + rows - 1)) is not None:
            found.answer(pages, wanted)
        for row in range(first, first + rows):
            expected = found.hits[row] if row < count else None
            assert pages.hit(row) == expected
        assert pages.count <= count
