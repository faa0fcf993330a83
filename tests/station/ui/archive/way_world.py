"""A screen of the archive on a terminal of 80 by 24, and what stands on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from station.ui.archive.app import ArchiveApp
from tests.station.ui.archive.parcel_world import until


@asynccontextmanager
async def on_terminal(
    screen: Screen[None], there: Callable[[], bool], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    """The screen when what it loads is `there`, with the archive's own colours and sizes."""

    class Terminal(App[None]):
        CSS_PATH = ArchiveApp.CSS_PATH

    app = Terminal()
    async with app.run_test(size=size) as pilot:
        await app.push_screen(screen)
        await until(pilot, there)
        await pilot.pause(0.1)
        yield pilot
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers))


def lines(pilot: Pilot[None]) -> list[str]:
    """What stands on the terminal, line by line."""
    screen = pilot.app.screen
    width, height = screen.size
    strips = [screen._compositor.render_strips()[row] for row in range(height)]
    return ["".join(segment.text for segment in strip)[:width].rstrip() for strip in strips]
