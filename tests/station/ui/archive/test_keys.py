"""Keys are named as they are printed on the keyboard, and F1 names them everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.ui.archive.help import HelpScreen
from station.ui.archive.keys import shown_key
from station.ui.labels import Line
from storage.archive import Archive
from tests.station.ui.archive.shelf import ANN, shown


@pytest.mark.parametrize(
    ("key", "shown"),
    [("f", "f"), ("f4", "F4"), ("f12", "F12"), ("ctrl+r", "^R"), ("escape", "Esc"), ("s", "s")],
)
def test_a_letter_is_small_and_a_function_key_is_not(key: str, shown: str) -> None:
    assert shown_key(key) == shown


@pytest.mark.parametrize(
    ("way", "key"),
    [("f3", "Open / all"), ("ctrl+r", "Dimension"), ("ctrl+o", "More days"), ("", "Coverage")],
)
async def test_f1_tells_the_keys_of_every_screen(tmp_path: Path, way: str, key: str) -> None:
    with Archive.open(tmp_path / "archive") as archive:
        async with shown(archive, ANN, size=(80, 24)) as there:
            await there.pilot.press(*filter(None, (way,)))
            await there.until(lambda: there.app.screen is not there.search or not way)
            below = there.app.screen
            await there.pilot.press("f1")
            await there.until(lambda: isinstance(there.app.screen, HelpScreen))
            told = "\n".join(str(line.content) for line in there.app.screen.query(Line))
            assert key in told
            await there.pilot.press("f1")
            await there.until(lambda: there.app.screen is below)
