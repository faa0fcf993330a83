"""The menu of kept searches, the page of keys, and how a day went."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from textual.widgets import OptionList

from station.ui.archive.filters import FilterMenu
from station.ui.archive.help import HelpScreen
from station.ui.archive.shift import ShiftScreen
from storage.archive import Archive
from storage.query import BUILT_IN
from storage.records import Session
from tests.station.ui.archive.shelf import Shown, mixed, shown
from tests.storage.desk import Desk


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        yield archive


@pytest.fixture
def packed(archive: Archive) -> dict[str, Session]:
    return mixed(archive)


async def menu(there: Shown) -> OptionList:
    await there.pilot.press("f2")
    await there.until(lambda: isinstance(there.app.screen, FilterMenu))
    await there.pilot.pause(0.1)
    return there.app.screen.query_one(OptionList)


async def test_a_filter_of_every_archive_is_one_key_away(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await menu(there)
        await there.pilot.press("down", "enter")
        await there.until(lambda: there.line.value == BUILT_IN["label mismatch"])
        await there.until(lambda: there.numbers() == [packed["wrong"].waybill.number])


async def test_what_is_typed_is_kept_found_again_and_forgotten(
    archive: Archive, packed: dict[str, Session]
) -> None:
    async with shown(archive) as there:
        await there.type("kind:return")
        await menu(there)
        await there.pilot.press("f3")
        await there.type("comes back")
        await there.pilot.press("enter")
        await there.until(lambda: archive.saved_filters() == {"comes back": "kind:return"})
        await there.until(lambda: not there.app.screen.has_class("-naming"))
        await there.pilot.press("escape", "escape")
        listed = await menu(there)
        await there.until(lambda: listed.option_count == len(BUILT_IN) + 1)
        await there.pilot.press("end", "enter")
        await there.until(lambda: there.numbers() == [packed["return"].waybill.number])
        listed = await menu(there)
        await there.until(lambda: listed.option_count == len(BUILT_IN) + 1)
        await there.pilot.press("end", "delete")
        await there.until(lambda: archive.saved_filters() == {})


async def test_a_filter_of_every_archive_is_not_forgotten(archive: Archive) -> None:
    async with shown(archive) as there:
        listed = await menu(there)
        await there.pilot.press("delete")
        await there.pilot.pause(0.1)
        assert listed.option_count == len(BUILT_IN)


async def test_the_page_of_keys_names_them_all(archive: Archive) -> None:
    async with shown(archive) as there:
        await there.pilot.press("f1")
        await there.until(lambda: isinstance(there.app.screen, HelpScreen))
        await there.pilot.pause()
        text = "\n".join(str(line.render()) for line in there.app.screen.query("Line"))
        assert "Filters" in text
        assert "is:incomplete" in text
        await there.pilot.press("escape")
        assert there.app.screen is there.search


async def day(there: Shown, archive: Archive, when: dt.date) -> ShiftScreen:
    screen = ShiftScreen(archive, there.app.words, when)
    await there.app.push_screen(screen)
    await there.until(lambda: there.said("#table"))
    return screen


async def test_a_day_is_summed_up_by_bench_and_packer(
    archive: Archive, packed: dict[str, Session]
) -> None:
    when = packed["good"].opened_at.astimezone().date()
    async with shown(archive) as there:
        await day(there, archive, when)
        table = there.said("#table")
        assert "bench 1" in table
        assert "Ann" in table
        assert "4\n" in there.said("#tile-parcels")
        assert str(archive.head()) in there.said("#head")


async def test_a_day_without_parcels_says_so_and_the_arrows_change_it(
    archive: Archive, packed: dict[str, Session]
) -> None:
    when = packed["good"].opened_at.astimezone().date()
    async with shown(archive) as there:
        await day(there, archive, when - dt.timedelta(days=1))
        assert "Nothing was packed" in there.said("#table")
        if when <= dt.datetime.now(dt.UTC).astimezone().date():
            await there.pilot.press("right")
            await there.until(lambda: "bench 1" in there.said("#table"))


async def test_it_is_written_as_csv_and_as_a_workbook(archive: Archive) -> None:
    desk = Desk(archive)
    when = desk.pack().opened_at.astimezone().date()
    async with shown(archive) as there:
        await day(there, archive, when)
        await there.pilot.press("c", "x")
        folder = archive.root / "exports"
        await there.until(lambda: (folder / f"shift-{when}.xlsx").exists())
        await there.until(lambda: (folder / f"shift-{when}.csv").exists())
        await there.pilot.pause(0.2)
    with (folder / f"shift-{when}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1][:3] == ["bench 1", "Ann", "1"]
    sheet = load_workbook(folder / f"shift-{when}.xlsx").worksheets[0]
    assert sheet.cell(2, 2).value == "Ann"
