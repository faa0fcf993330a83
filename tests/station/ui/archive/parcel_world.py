"""A parcel's page over a real archive, driven as a person would."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from station.config import load_config
from station.ui.archive.parcel import ParcelScreen
from station.ui.archive.pictures import PictureBox
from station.ui.archive.tiles import TileRow
from station.ui.archive.words import Words
from storage import ledger
from storage.archive import Archive
from storage.later import Actor
from tests.storage.arrivals import ANN
from tests.storage.desk import NUMBER

TIME = re.compile(r"^(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)? +")


@asynccontextmanager
async def opened(
    archive: Archive,
    actor: Actor = ANN,
    number: str = NUMBER,
    language: str = "en",
    size: tuple[int, int] = (120, 34),
    session: str | None = None,
) -> AsyncIterator[tuple[ParcelScreen, Pilot[None]]]:
    """The page of a parcel whose facts are there already."""
    app: App[None] = App()
    async with app.run_test(size=size) as pilot:
        config = load_config(None)
        words = Words(language)
        screen = ParcelScreen(archive, config, actor, words, number, session)
        await app.push_screen(screen)
        waiting = ("", words.text("parcel.loading"))
        await until(pilot, lambda: facts(screen).strip() not in waiting)
        yield screen, pilot
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers))


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        await pilot.pause(0.05)
    raise AssertionError("it did not come true in time")


def facts(screen: ParcelScreen) -> str:
    """The text of the facts, as it would be printed."""
    console = Console(width=200, file=None, record=True, color_system=None)
    with console.capture() as capture:
        console.print(screen.query_one("#parcel-table", Static).content)
    return capture.get()


def happened(screen: ParcelScreen) -> list[str]:
    """The lines of the timeline, without their times."""
    options = screen.query_one(OptionList).options
    lines = [each.prompt for each in options]
    return [TIME.sub("", line.plain) for line in lines if isinstance(line, Text)]


def tiles(screen: ParcelScreen, row: str) -> list[PictureBox]:
    """The pictures of `photos` or of the `film`."""
    found = screen.query_one(f"#parcel-{row}", TileRow).tiles
    return [tile.picture for tile in found]


def pictured(screen: ParcelScreen, row: str) -> bool:
    """True when every tile of the row has its picture."""
    found = tiles(screen, row)
    return bool(found) and all(box.pictured for box in found)


def instead(screen: ParcelScreen, row: str) -> list[str]:
    """What stands in the places of the pictures."""
    return [box.text for box in tiles(screen, row)]


def looks(archive: Archive, session: str) -> list[tuple[str, str]]:
    """Who looked at what, as the ledger tells."""
    told = [ledger.facts(entry) for _, entry in archive.ledger_of(session)]
    return [(each["by"], each["what"]) for each in told if each["event"] == "looked"]


async def typed(pilot: Pilot[None], text: str) -> None:
    """Type text into the field that has the focus."""
    for char in text:
        await pilot.press("space" if char == " " else char)


def spoil(path: Path) -> None:
    """Change a byte and keep the size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


async def settled() -> None:
    """Let other threads get on."""
    await asyncio.sleep(0.3)
