"""Signing in on the archive's first screen, with people that the archive knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from station.ui.archive.signin import SignIn
from storage.archive import Archive
from storage.later import Role
from tests.station.ui.archive.shelf import Shown, mixed, shown

PIN = "482913"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        mixed(archive)
        nobody = archive.nobody()
        assert nobody is not None
        boss = archive.admit(nobody, "Eva", Role.SUPERVISOR, PIN).result()
        archive.admit(archive.sign_in(boss.name, PIN), "Ben", Role.PACKER, PIN).result()
        yield archive


async def signed_in(there: Shown, name: str, pin: str) -> None:
    await there.type(name)
    await there.pilot.press("enter")
    await there.type(pin)
    await there.pilot.press("enter")


async def test_nothing_is_shown_before_somebody_has_signed_in(archive: Archive) -> None:
    async with shown(archive, None) as there:
        assert isinstance(there.app.screen, SignIn)
        await there.pilot.press("escape", "f4", "f7")
        assert isinstance(there.app.screen, SignIn)
        await signed_in(there, "eva", PIN)
        await there.until(lambda: not isinstance(there.app.screen, SignIn))
        await there.until(lambda: there.numbers())
        assert "Eva" in there.said("#who")
        assert "Export" in there.said_keys()


async def test_a_wrong_pin_says_so_and_is_forgotten(archive: Archive) -> None:
    async with shown(archive, None) as there:
        await signed_in(there, "Eva", "000000")
        await there.until(lambda: "do not belong" in there.said("#said"))
        assert there.app.screen.query_one("#pin").value == ""  # type: ignore[attr-defined]
        assert PIN not in str(there.app.screen.tree)


async def test_many_wrong_pins_lock_and_say_how_long(archive: Archive) -> None:
    async with shown(archive, None) as there:
        await signed_in(there, "Eva", "000000")
        for _ in range(6):
            await there.until(lambda: there.said("#said") != "One moment…")
            if "Too many" in there.said("#said"):
                break
            await there.type("000000")
            await there.pilot.press("enter")
        await there.until(lambda: "Too many" in there.said("#said"))
        assert " s" in there.said("#said")


async def test_a_packer_may_search_but_not_export(archive: Archive) -> None:
    async with shown(archive, None) as there:
        await signed_in(there, "Ben", PIN)
        await there.until(lambda: not isinstance(there.app.screen, SignIn))
        await there.until(lambda: there.numbers())
        assert "Export" not in there.said_keys()


async def test_signing_out_leaves_nothing_on_the_screen(archive: Archive) -> None:
    async with shown(archive, None) as there:
        await signed_in(there, "Eva", PIN)
        await there.until(lambda: not isinstance(there.app.screen, SignIn))
        await there.until(lambda: there.numbers())
        await there.pilot.press("f8")
        await there.until(lambda: isinstance(there.app.screen, SignIn))
        assert there.app.actor is None
        assert len(there.app.screen_stack) == 2
