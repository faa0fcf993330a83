"""Archives for the tests of the archive's screens, and the app on one of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from station.config import Config
from station.config_archive import SearchConfig
from station.config_trade import OrdersConfig
from station.ui.archive.app import ArchiveApp
from station.ui.archive.keys import KeyLine
from station.ui.archive.results import Results
from station.ui.archive.search import SearchLine, SearchScreen
from station.ui.labels import Line
from storage.archive import Archive
from storage.errors import SearchInterrupted
from storage.later import Actor, Role
from storage.query import Query
from storage.records import EndReason, Kind, LabelCheck, Session, Status
from storage.search import Key, Page
from storage.search_connection import SearchConnection
from tests.storage.desk import Desk

PATIENCE_S = 10.0
ANN = Actor("Ann", Role.SUPERVISOR, verified=False)
NUMBERS = tuple(f"1Z999AA1012345{n:04}" for n in range(6000, 6012))


def config(root: Path, language: str = "en") -> Config:
    return Config.model_validate({
        "bench": {"name": "bench 1", "language": language},
        "archive": {"path": str(root)},
        "camera": [{"name": "overhead", "source": "sim:?seed=99"}],
    })  # fmt: skip


def cancelled(desk: Desk, numbers: tuple[str, ...]) -> None:
    """Sessions without files, quickly made."""
    for number in numbers:
        session, _ = desk.open(number)
        desk.seal(session, Status.CANCELLED, EndReason.CANCEL)


def mixed(archive: Archive) -> dict[str, Session]:
    """One session of each sort, by a name."""
    desk = Desk(archive)
    packed = {"good": desk.pack("1Z999AA10123456784")}
    bare, _ = desk.open("1Z999AA10123450001")
    packed["bare"] = desk.seal(bare)
    wrong, folder = desk.open("1Z999AA10123450002")
    desk.clip(wrong, folder)
    desk.shot(wrong, folder, "item")
    desk.shot(wrong, folder, "label", 2, LabelCheck.MISMATCH, "1Z999AA10123459999")
    desk.gap(wrong)
    packed["wrong"] = desk.seal(wrong)
    packed["return"] = desk.pack("1Z999AA10123450003", kind=Kind.RETURN)
    broken, _ = desk.open("1Z999AA10123450004")
    packed["broken"] = desk.seal(broken, Status.INTERRUPTED, EndReason.RECOVERY)
    return packed


class SlowSearch:
    """The real connection, behind a disk that takes `delay_s` for each page; a `deaf` one cannot be
    stopped."""

    def __init__(self, real: SearchConnection, delay_s: float, *, deaf: bool = False) -> None:
        self._real = real
        self.delay_s = delay_s
        self._deaf = deaf
        self._interrupted = threading.Event()
        self.asked: list[str] = []
        self.stopped = 0

    def page(self, query: Query, after: Key | None = None, limit: int = 100) -> Page:
        self.asked.append(query.text)
        self._interrupted.clear()
        if self._interrupted.wait(self.delay_s):
            self.stopped += 1
            raise SearchInterrupted
        return self._real.page(query, after, limit)

    def interrupt(self) -> None:
        if not self._deaf:
            self._interrupted.set()

    def close(self) -> None:
        self._real.close()


class Shown:
    """The app on the screen, and what stands on it."""

    def __init__(self, app: ArchiveApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def search(self) -> SearchScreen:
        screen = next(each for each in self.app.screen_stack if isinstance(each, SearchScreen))
        return screen

    @property
    def results(self) -> Results:
        return self.search.query_one(Results)

    @property
    def line(self) -> SearchLine:
        return self.search.query_one(SearchLine)

    def numbers(self) -> list[str]:
        """The tracking numbers that the table holds, in their order."""
        return [hit.number for hit in self.results.pages.here()]

    def said(self, selector: str) -> str:
        """What stands in a line of the screen on top."""
        return str(self.app.screen.query_one(selector, Line).content)

    def said_keys(self) -> str:
        """What stands in the line of keys."""
        return str(self.app.screen.query_one(KeyLine).content)

    def drawn(self) -> str:
        """The table as it is drawn."""
        results = self.results
        return "\n".join(results.render_line(y).text for y in range(results.size.height))

    async def type(self, text: str) -> None:
        for char in text:
            key = {" ": "space", ":": "colon", "/": "slash"}.get(char, char)
            await self.pilot.press(key)

    async def until(self, true: Callable[[], Any]) -> None:
        """Wait until it is true."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline_s, self.app.screen.tree
            await asyncio.sleep(0.01)
            await self.pilot.pause()


@asynccontextmanager
async def shown(
    archive: Archive,
    actor: Actor | None = ANN,
    language: str = "en",
    size: tuple[int, int] = (100, 30),
    *,
    middle: bool = False,
    time_zone: str = "",
) -> AsyncIterator[Shown]:
    """The app, after its first search where somebody is there."""
    chosen = config(archive.root, language)
    tables = {"search": SearchConfig(middle=middle), "orders": OrdersConfig(time_zone=time_zone)}
    chosen = chosen.model_copy(update=tables)
    app = ArchiveApp(chosen, archive, actor)
    async with app.run_test(size=size) as pilot:
        there = Shown(app, pilot)
        await pilot.pause()
        if actor is not None:
            await there.until(lambda: there.results.pages.count or there.search.has_class("-empty"))
        yield there
