"""The inbox's screen shows what waits, proposes, and files what a person decides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.text import Text
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from station.config import Config, load_config
from station.ui.archive.inbox import InboxScreen
from station.ui.archive.inbox_group import GroupChoice
from station.ui.archive.inbox_picture import Thumbnail
from station.ui.archive.keys import KeyLine
from station.ui.archive.words import Words
from storage.intake.inbox import Why
from storage.later import EvidenceGroup
from tests.station.inbox_world import OTHER, InboxWorld, labelled
from tests.storage.arrivals import ANN, picture
from tests.storage.desk import NUMBER


def quick(tmp_path: Path) -> Config:
    path = tmp_path / "config.toml"
    path.write_text("[inbox]\nsettle_s = 0.5\nrescan_s = 5\n")
    return load_config(path)


@asynccontextmanager
async def opened(
    tmp_path: Path, world: InboxWorld, language: str = "en", size: tuple[int, int] = (120, 34)
) -> AsyncIterator[tuple[InboxScreen, Pilot[None]]]:
    app: App[None] = App()
    async with app.run_test(size=size) as pilot:
        screen = InboxScreen(world.archive, quick(tmp_path), ANN, Words(language))
        await app.push_screen(screen)
        yield screen, pilot


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await pilot.pause(0.05)
    raise AssertionError("it did not come true in time")


def said(screen: InboxScreen) -> str:
    return str(screen.query_one("#inbox-said", Static).content)


def rows(screen: InboxScreen) -> list[list[str]]:
    table: DataTable[Text] = screen.query_one("#inbox-table", DataTable)
    return [[str(cell) for cell in table.get_row_at(row)] for row in range(table.row_count)]


@pytest.fixture
def world(tmp_path: Path) -> InboxWorld:
    return InboxWorld(tmp_path / "archive")


async def test_what_waits_is_shown_and_filed_by_a_key(tmp_path: Path, world: InboxWorld) -> None:
    world.drop("IMG_1.png", labelled())
    async with opened(tmp_path, world) as (screen, pilot):
        await until(pilot, lambda: "its group (by barcode)" in str(rows(screen)))
        assert rows(screen)[0][::2] == ["IMG_1.png", NUMBER]
        assert screen.query_one("#inbox-number", Input).value == NUMBER
        await until(pilot, lambda: screen.query_one(Thumbnail)._picture is not None)
        await pilot.press("f")  # the group that a photo suggests is chosen already
        await until(pilot, lambda: world.names() == ["IMG_1.png"])
        await until(pilot, lambda: rows(screen) == [] and screen.has_class("-none"))
        assert said(screen) == f"Filed IMG_1.png under {NUMBER}"
        assert world.groups() == [EvidenceGroup.MEDIA]
        assert world.archive.documents_of(NUMBER)[0][0].how == "barcode"
        await pilot.press("escape")
        assert not screen.is_current
    world.archive.close()


async def test_number_and_group_are_asked_before_anything_is_filed(
    tmp_path: Path, world: InboxWorld
) -> None:
    world.drop("trace.pdf", picture("PDF"))
    async with opened(tmp_path, world) as (screen, pilot):
        await until(pilot, lambda: "a tracking number" in str(rows(screen)))
        await pilot.press("f")
        assert "tracking number" in said(screen)
        await pilot.press(*"1z999zz9")
        await pilot.press("enter")
        assert "Choose the group" in said(screen)
        await pilot.press("escape", "1", "f")
        await until(pilot, lambda: "No parcel" in said(screen))
        assert world.names("1Z999ZZ9") == []
        await pilot.press("f")  # said twice is meant
        await until(pilot, lambda: world.names("1Z999ZZ9") == ["trace.pdf"])
        assert world.groups("1Z999ZZ9") == [EvidenceGroup.TRACKING_TRACE]
    world.archive.close()


async def test_of_several_parcels_one_is_chosen_and_a_folder_is_filed_at_once(
    tmp_path: Path, world: InboxWorld
) -> None:
    world.archive.link_orders([("SHOP-77", NUMBER), ("SHOP-77", OTHER)]).result()
    for number in range(3):
        world.drop(f"SHOP-77/{number}.txt", b"%d" % number)
    world.drop("else.txt", b"else")
    async with opened(tmp_path, world) as (screen, pilot):
        await until(pilot, lambda: str(rows(screen)).count("which parcel?") == 3)
        field = screen.query_one("#inbox-number", Input)
        assert field.value == NUMBER  # in the order of the numbers
        await pilot.press("c")
        assert field.value == OTHER
        await pilot.press("5", "a")
        await until(pilot, lambda: len(world.names(OTHER)) == 3)
        await until(pilot, lambda: len(rows(screen)) == 1)
        assert said(screen) == f"Filed 3 files under {OTHER}"
        assert set(world.groups(OTHER)) == {EvidenceGroup.CLAIM_FORM}
    world.archive.close()


async def test_a_choice_for_one_file_never_slips_onto_the_next(
    tmp_path: Path, world: InboxWorld
) -> None:
    world.drop(f"{NUMBER} a.txt", b"a")
    world.drop(f"{OTHER} b.txt", b"b")
    async with opened(tmp_path, world) as (screen, pilot):
        await until(pilot, lambda: str(rows(screen)).count("its group") == 2)
        choice = screen.query_one(GroupChoice)
        await pilot.click(GroupChoice, offset=(3, 3))
        assert choice.chosen is EvidenceGroup.CORRESPONDENCE
        await pilot.press("down")
        assert screen.query_one("#inbox-number", Input).value == OTHER
        assert choice.chosen is None
        await pilot.press("f")
        assert "Choose the group" in said(screen)
        await pilot.click("#inbox-table", offset=(2, 1))
        assert screen.query_one("#inbox-number", Input).value == NUMBER
    world.archive.close()


async def test_what_is_typed_survives_the_next_look(tmp_path: Path, world: InboxWorld) -> None:
    world.drop("b.txt", b"b")
    async with opened(tmp_path, world) as (screen, pilot):
        await until(pilot, lambda: "a tracking number" in str(rows(screen)))
        await pilot.press("n", *"9400", "escape")
        world.drop("a.txt", b"a")
        await until(pilot, lambda: str(rows(screen)).count("a tracking number") == 2)
        assert screen.query_one("#inbox-number", Input).value == "9400"
        assert screen._shown is not None and screen._shown.name == "b.txt"
    world.archive.close()


async def test_hostile_names_and_an_empty_inbox_are_shown_plainly(
    tmp_path: Path, world: InboxWorld
) -> None:
    async with opened(tmp_path, world, "zh", (60, 18)) as (screen, pilot):
        await until(
            pilot, lambda: "没有待归档" in str(screen.query_one("#inbox-empty", Static).content)
        )
        world.drop("[bold]\x1b[2J\n[/x].txt", b"x")
        await until(pilot, lambda: "运单号" in str(rows(screen)))
        assert rows(screen)[0][0] == "[bold]\\x1b[2J\\n[/x].txt"
        await pilot.press("f", "escape", "down", "up", "r")
        assert "请输入运单号" in said(screen)
    world.archive.close()


async def test_another_language_is_spoken_with_everything_in_place(
    tmp_path: Path, world: InboxWorld
) -> None:
    world.drop("a.txt", b"a")
    async with opened(tmp_path, world) as (screen, pilot):
        await until(pilot, lambda: "a tracking number" in str(rows(screen)))
        screen._words.speak("zh")
        screen.refresh(recompose=True)
        await until(pilot, lambda: [row[:2] for row in rows(screen)] == [["a.txt", "运单号"]])
        await until(
            pilot,
            lambda: "归档整个文件夹" in str(screen.query_one(KeyLine).content).replace("\xa0", " "),
        )
    world.archive.close()


def test_both_languages_say_everything_that_can_be_asked() -> None:
    english, chinese = Words("en"), Words("zh")
    mine = {key for key in english.keys() if key.startswith("inbox.")}  # noqa: SIM118
    assert mine and mine == {key for key in chinese.keys() if key.startswith("inbox.")}  # noqa: SIM118
    assert all(english.has(f"inbox.why.{why.value}") for why in Why)
    assert all(english.has(f"inbox.group.{group.value}") for group in EvidenceGroup)
