"""What a person says of a session on its page is kept, and seen at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from station.ui.archive.amend import AmendScreen
from station.ui.archive.keys import KeyLine
from station.ui.archive.parcel import ParcelScreen
from station.ui.labels import Line
from storage.archive import Archive
from storage.later import Actor, Change, Role
from tests.station.ui.archive.parcel_world import facts, happened, opened, typed, until
from tests.storage.desk import NUMBER, Desk

RIGHT = "1Z999AA10123456793"
CARL = Actor("Carl", Role.CLAIMS, verified=False)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


@pytest.fixture
def desk(archive: Archive) -> Desk:
    return Desk(archive)


def keys(screen: ParcelScreen) -> str:
    return str(screen.query_one(KeyLine).content)


async def test_a_hold_is_put_on_and_released(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    async with opened(archive) as (screen, pilot):
        await until(pilot, lambda: "Hold" in keys(screen))
        assert "Release" not in keys(screen)
        await pilot.press("l")
        assert pilot.app.screen is screen
        await pilot.press("h")
        assert isinstance(pilot.app.screen, AmendScreen)
        await typed(pilot, "claim 77")
        await pilot.press("enter")
        await until(pilot, lambda: "claim 77 — Ann" in facts(screen))
        assert "■ Held by Ann: claim 77" in happened(screen)
        await until(pilot, lambda: "Release" in keys(screen))
        await pilot.press("l")
        about = pilot.app.screen.query_one("#amend-about", Line)
        assert str(about.content) == "Held: claim 77 — Ann"
        await typed(pilot, "paid")
        await pilot.press("enter")
        await until(pilot, lambda: "□ Released by Ann: paid" in happened(screen))
        await until(pilot, lambda: "Release" not in keys(screen))
    held, undone = archive.amendments_of(session.id)
    assert (held.change, undone.change, undone.undoes) == (Change.HELD, Change.UNDONE, held.id)


async def test_the_page_follows_a_session_to_its_right_number(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    async with opened(archive) as (screen, pilot):
        await pilot.press("b")
        await typed(pilot, RIGHT.lower())
        await pilot.press("enter")
        dialog = pilot.app.screen
        assert dialog.focused is dialog.query_one("#amend-text", Input)
        await typed(pilot, "label printed late")
        await pilot.press("enter")
        await until(pilot, lambda: f"sealed as {NUMBER}" in facts(screen))
        assert str(screen.query_one("#parcel-number", Line).content) == RIGHT
        assert screen.record is not None
        assert screen.record.session.id == session.id
    (bound,) = archive.amendments_of(session.id)
    assert (bound.number, bound.carrier, bound.text) == (RIGHT, "ups", "label printed late")
    assert archive.find(RIGHT)[0].waybill.number == NUMBER


async def test_what_is_no_number_is_not_bound(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    async with opened(archive) as (screen, pilot):
        await pilot.press("b", "enter")
        dialog = pilot.app.screen
        said = dialog.query_one("#amend-said", Line)
        assert str(said.content) == "Scan or type the right tracking number"
        await typed(pilot, "ab")
        await pilot.press("enter")
        assert str(said.content) == "ab is no tracking number"
        await pilot.press("escape")
        assert pilot.app.screen is screen
    assert archive.amendments_of(session.id) == []


async def test_what_the_archive_refuses_is_said_in_the_dialog(archive: Archive, desk: Desk) -> None:
    desk.pack()
    async with opened(archive) as (_, pilot):
        await pilot.press("b")
        await typed(pilot, NUMBER)
        await pilot.press("enter")
        await typed(pilot, "again")
        await pilot.press("enter")
        dialog = pilot.app.screen
        said = dialog.query_one("#amend-said", Line)
        await until(pilot, lambda: "already" in str(said.content))
        await pilot.press("escape")


async def test_nothing_is_said_without_a_reason(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    async with opened(archive) as (_, pilot):
        await pilot.press("t", "space", "enter")
        said = pilot.app.screen.query_one("#amend-said", Line)
        assert str(said.content) == "Say why: it is kept with your name"
        await pilot.press("escape")
    assert archive.amendments_of(session.id) == []


async def test_a_test_is_marked_and_unmarked_and_a_note_added(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    async with opened(archive) as (screen, pilot):
        await pilot.press("t")
        await typed(pilot, "dry run")
        await pilot.press("enter")
        await until(pilot, lambda: "dry run — Ann" in facts(screen))
        await until(pilot, lambda: "No test" in keys(screen))
        await pilot.press("u")
        await typed(pilot, "it was real")
        await pilot.press("enter")
        await until(pilot, lambda: "□ Released by Ann: it was real" in happened(screen))
        await pilot.press("n")
        await typed(pilot, "box dented")
        await pilot.press("enter")
        await until(pilot, lambda: "box dented — Ann" in facts(screen))
    changes = [each.change for each in archive.amendments_of(session.id)]
    assert changes == [Change.TEST, Change.UNDONE, Change.NOTED]


async def test_an_open_session_is_neither_bound_nor_a_test(archive: Archive, desk: Desk) -> None:
    desk.open()
    async with opened(archive) as (screen, pilot):
        await until(pilot, lambda: "Hold" in keys(screen))
        for key in ("b", "t"):
            await pilot.press(key)
            assert pilot.app.screen is screen


async def test_claims_may_hold_and_note_but_not_correct(archive: Archive, desk: Desk) -> None:
    desk.pack()
    async with opened(archive, CARL) as (screen, pilot):
        await until(pilot, lambda: "Hold" in keys(screen))
        offered = keys(screen)
        assert "Hold" in offered
        assert "Note" in offered
        assert "Right number" not in offered
        assert "Test" not in offered
        for key in ("b", "t"):
            await pilot.press(key)
            assert pilot.app.screen is screen
