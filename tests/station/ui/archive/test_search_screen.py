"""The search screen, driven by keys and the mouse on real archives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.events import Key

from station.ui.archive.parcel import ParcelScreen
from station.ui.archive.results import Results
from station.ui.archive.search import Answered
from station.ui.archive.searcher import LIMIT, Answer, Question
from storage import schema, search_middle
from storage.archive import Archive
from storage.later import Actor, Role
from storage.query import Query
from storage.records import Session
from storage.search_connection import SearchConnection
from tests.performance.archive_made import make
from tests.station.ui.archive.shelf import SlowSearch, mixed, shown
from tests.storage.desk import Desk

PACKER = Actor("Ben", Role.PACKER, verified=True)
MANY = 3 * LIMIT + 20


class SlowArchive(Archive):
    """An archive whose disk takes its time for every search."""

    delay_s = 2.0

    def search_connection(self) -> SearchConnection:
        slow: object = SlowSearch(super().search_connection(), self.delay_s)
        return slow  # type: ignore[return-value]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        yield archive


@pytest.fixture
def packed(archive: Archive) -> dict[str, Session]:
    return mixed(archive)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("large") / "archive"
    make(root, MANY, lean=True)
    return root


async def test_an_empty_archive_says_what_to_do(archive: Archive) -> None:
    async with shown(archive) as there:
        assert "packwitness bench" in there.said("#empty")


async def test_it_finds_while_it_is_typed(archive: Archive, packed: dict[str, Session]) -> None:
    async with shown(archive) as there:
        assert len(there.numbers()) == len(packed)
        await there.type("6784")
        await there.until(lambda: there.numbers() == ["1Z999AA10123456784"])
        assert "6784" in there.said("#understood")
        await there.pilot.press("escape")
        await there.until(lambda: len(there.numbers()) == len(packed))


async def test_no_key_waits_for_a_slow_search(tmp_path: Path) -> None:
    with SlowArchive.open(tmp_path / "archive") as archive:
        mixed(archive)
        async with shown(archive) as there:
            text = "1Z999AA1012345"
            began_s = time.monotonic()
            for typed, char in enumerate(text, start=1):
                await there.pilot.press(char)
                assert there.line.value == text[:typed]
            await there.pilot.press("down", "up", "left")
            taken_s = time.monotonic() - began_s
            assert taken_s < SlowArchive.delay_s, "keys waited for the archive"
            assert there.line.value == text
            await there.until(lambda: there.search.query_one(Results).current is not None)


async def test_enter_opens_what_was_typed_and_not_what_stood_there_before(tmp_path: Path) -> None:
    with SlowArchive.open(tmp_path / "archive") as archive:
        archive.delay_s = 0.4
        mixed(archive)
        async with shown(archive) as there:
            assert there.numbers()[0] != "1Z999AA10123456784"
            for char in "6784":
                there.app.post_message(Key(char, char))
            there.app.post_message(Key("enter", "\r"))
            await there.until(lambda: isinstance(there.app.screen, ParcelScreen))
            await there.pilot.pause(0.2)
            assert "1Z999AA10123456784" in there.said("#parcel-number")


async def test_enter_on_what_finds_nothing_opens_nothing(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.type("77777")
        await there.pilot.press("enter")
        await there.until(lambda: there.search.has_class("-empty"))
        assert there.app.screen is there.search


async def test_enter_in_the_list_and_a_double_click_open_the_parcel(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.pilot.press("down", "enter")
        await there.until(lambda: isinstance(there.app.screen, ParcelScreen))
        await there.pilot.press("escape")
        await there.until(lambda: there.app.screen is there.search)
        await there.pilot.double_click(Results, offset=(20, 2))
        await there.until(lambda: isinstance(there.app.screen, ParcelScreen))


async def test_what_was_typed_last_is_shown_however_slow_the_first_was(tmp_path: Path) -> None:
    with SlowArchive.open(tmp_path / "archive") as archive:
        archive.delay_s = 0.3
        mixed(archive)
        async with shown(archive) as there:
            await there.type("0001")
            await there.pilot.press("backspace")
            await there.type("3")
            await there.until(lambda: there.numbers() == ["1Z999AA10123450003"])
            await asyncio.sleep(0.5)
            assert there.numbers() == ["1Z999AA10123450003"]


async def test_an_answer_that_comes_too_late_is_not_shown(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.type("6784")
        await there.until(lambda: len(there.numbers()) == 1)
        late = Answer(Question(1, Query()), archive.page(Query()))
        there.search.post_message(Answered(late))
        await there.pilot.pause(0.1)
        assert len(there.numbers()) == 1


async def test_flags_stand_in_the_table(archive: Archive, packed: dict[str, Session]) -> None:
    async with shown(archive, size=(120, 34)) as there:
        table = there.drawn()
        lines = {line.split()[1 + (line.lstrip()[0] == "›")]: line for line in table.splitlines()
                 if "1Z999" in line}  # fmt: skip
        assert "sealed" in lines["1Z999AA10123456784"]
        assert "no video" in lines["1Z999AA10123450001"]
        assert "label mismatch · video gap" in lines["1Z999AA10123450002"]
        assert "return" in lines["1Z999AA10123450003"]
        assert "interrupted" in lines["1Z999AA10123450004"]


async def test_a_line_that_is_no_search_says_what_is_allowed(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.type("is:nonsense")
        await there.until(lambda: "nonsense" in there.said("#understood"))
        assert "incomplete" in there.said("#understood")
        assert len(there.numbers()) == len(packed), "what was found stays"


async def test_nothing_found_says_how_to_find_more(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.type("77777")
        await there.until(lambda: there.search.has_class("-empty"))
        assert "77777" in there.said("#empty")


async def test_it_pages_as_it_scrolls_and_back(large: Path) -> None:
    with Archive.open(large) as archive:
        async with shown(archive) as there:
            assert "100+" in there.said("#understood")
            seen: list[str] = []
            for row in range(MANY):
                await there.until(lambda row=row: there.results.pages.hit(row))  # type: ignore[misc]
                there.results.go(row)
                current = there.results.current
                assert current is not None
                seen.append(current.session_id)
                if row % 20 == 0:
                    await there.pilot.pause()
            assert len(set(seen)) == MANY
            assert there.results.pages.complete
            await there.pilot.press("down", "home")
            assert there.results.current is not None
            assert there.results.current.session_id == seen[0]
            assert there.results.scroll_offset.y == 0


async def test_space_and_shift_mark_and_escape_takes_marks_away(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.pilot.press("down", "space", "shift+down")
        assert len(there.results.marked) == 3
        assert "3 marked" in there.said("#understood")
        await there.pilot.press("ctrl+a")
        assert len(there.results.marked) == len(packed)
        await there.pilot.press("ctrl+a")
        assert not there.results.marked
        await there.pilot.press("space", "escape")
        assert not there.results.marked
        assert there.app.focused is there.line


async def test_marks_outlive_another_search(archive: Archive, packed: dict[str, Session]) -> None:
    async with shown(archive) as there:
        await there.pilot.press("down", "space")
        await there.type("6784")
        await there.until(lambda: there.numbers() == ["1Z999AA10123456784"])
        await there.pilot.press("down", "space")
        assert len(there.results.marked) == 2


async def test_typing_in_the_table_goes_on_in_the_line(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.type("67")
        await there.pilot.press("down")
        assert there.app.focused is there.results
        await there.type("84")
        assert there.line.value == "6784"
        await there.pilot.press("down", "backspace")
        assert there.line.value == "678"


async def test_the_mouse_chooses_and_marks(archive: Archive, packed: dict[str, Session]) -> None:
    async with shown(archive) as there:
        await there.pilot.click(Results, offset=(20, 2))
        assert there.results.cursor == 2
        assert not there.results.marked
        await there.pilot.click(Results, offset=(1, 3))
        assert len(there.results.marked) == 1


async def test_what_a_bench_packs_meanwhile_appears(
    archive: Archive, packed: dict[str, Session]
) -> None:
    with Archive.open(archive.root) as watching:
        async with shown(watching) as there:
            await there.pilot.press("down", "down")
            held = there.results.current
            Desk(archive, max(each.opened_at for each in packed.values())).pack(
                "1Z999AA10123459990"
            )
            await there.until(lambda: "1Z999AA10123459990" in there.numbers())
            assert there.results.current == held, "the cursor stays on its session"


async def test_a_role_sees_only_what_it_may_do(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive, PACKER) as there:
        keys = there.said_keys()
        assert "Export" not in keys
        assert "Inbox" not in keys
        assert "Sign out" in keys
        await there.pilot.press("f4", "f7")
        assert there.app.screen is there.search
        palette = [command.title for command in there.app.get_system_commands(there.app.screen)]
        assert "Export" not in palette
    async with shown(archive) as there:
        keys = there.said_keys()
        assert "Export" in keys
        assert "Inbox" in keys
        assert "Sign out" not in keys, "nobody has signed in"


async def test_every_key_is_in_the_palette(archive: Archive) -> None:
    async with shown(archive) as there:
        titles = [command.title for command in there.app.get_system_commands(there.app.screen)]
        for name in ("Open", "Filters", "Export", "Shift", "Help", "Language", "Quit"):
            assert name in titles


async def test_the_language_changes_on_the_spot(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.type("6784")
        await there.pilot.press("f9")
        await there.until(lambda: "找到" in there.said("#understood"))
        assert there.line.value == "6784"
        assert "导出" in there.said_keys()
        await there.until(lambda: there.numbers() == ["1Z999AA10123456784"])


async def test_an_archive_that_can_only_be_read_says_so(
    archive: Archive, packed: dict[str, Session]
) -> None:
    with Archive.open(archive.root, create=False, read_only=True) as reading:
        async with shown(reading) as there:
            assert there.search.query_one("#read-only").display
            assert len(there.numbers()) == len(packed)
            assert "Export" not in there.said_keys()


async def test_a_damaged_archive_says_so_and_goes_on(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        (archive.root / "archive.db").write_bytes(b"no database at all" * 1000)
        for journal in ("archive.db-wal", "archive.db-shm"):
            (archive.root / journal).unlink(missing_ok=True)
        await there.type("6")
        await there.pilot.pause(0.2)
        assert there.line.value == "6"


async def test_hostile_names_are_shown_and_not_obeyed(archive: Archive) -> None:
    desk = Desk(archive)
    session, _ = desk.open("\x1b[2J[RED]=1+1")
    desk.seal(session)
    async with shown(archive) as there:
        assert "\x1b" not in there.drawn()
        assert "\x1b" not in there.said("#about")
        assert "[RED]" in there.drawn()


@pytest.mark.parametrize("middle", [True, False])
async def test_the_middle_of_numbers_is_indexed_where_the_site_wants_it(
    archive: Archive, packed: dict[str, Session], *, middle: bool
) -> None:
    def indexed() -> bool:
        db = schema.connect(archive.root / schema.DATABASE, read_only=True)
        try:
            return search_middle.enabled(db)
        finally:
            db.close()

    async with shown(archive, middle=middle) as there:
        if middle:
            await there.until(indexed)
        await there.type("A10123")
        await there.until(lambda: len(there.numbers()) == len(packed))
        assert indexed() == middle
