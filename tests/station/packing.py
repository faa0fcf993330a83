"""A bench at work for tests, without a screen: real cameras (simulated bench), real archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from station.bench import Bench
from station.config import Config
from station.rules import commands, events
from station.rules.state import Active, Phase, State
from station.simulated import ups_numbers
from storage.archive import Archive
from storage.records import Session

SEED = 4242
NUMBERS = list(islice(ups_numbers(SEED), 9))
PATIENCE_S = 30.0


def config(root: Path, **session: object) -> Config:
    return Config.model_validate(
        {
            "bench": {"name": "bench-t", "packer": "Ana"},
            "archive": {"path": root},
            "camera": [
                {
                    "name": "overhead",
                    "source": f"sim:?seed={SEED}&view=overhead",
                    "width": 960,
                    "height": 540,
                    "fps": 15,
                },
                {
                    "name": "side",
                    "source": f"sim:?seed={SEED}&view=side",
                    "width": 640,
                    "height": 360,
                    "fps": 10,
                },
            ],
            "recording": {"pre_roll_s": 2.0},
            "disk": {"low_gb": 0.001, "full_gb": 0.0005},
            "session": session,
        }
    )


class Watched:
    """A running bench and what it said."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.said: list[commands.Say] = []
        bench.start(self._changed)

    def _changed(self, state: State, says: tuple[commands.Say, ...]) -> None:
        self.said.extend(says)

    async def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not true():
            assert asyncio.get_running_loop().time() < deadline, f"waited in vain for {what}"
            await asyncio.sleep(0.02)

    async def phase(self, phase: Phase) -> None:
        await self.until(lambda: self.bench.state.phase is phase, phase)

    async def cameras_up(self) -> None:
        await self.until(lambda: all(c.up for c in self.bench.state.cameras), "the cameras")

    async def shoot(self, *slots: str) -> None:
        for slot in slots:
            self.bench.send(events.ShotAsked, slot=slot)
            await self.until(
                lambda slot=slot: slot in {s.slot for s in self.active.shots},  # type: ignore[misc]
                slot,
            )

    async def sealed(self) -> None:
        await self.until(
            lambda: (
                self.bench.state.active is None
                and bool(self.bench.state.handed_over)
                and self.bench.state.handed_over[0].confirmed
            ),
            "the seal",
        )

    @property
    def active(self) -> Active:
        assert self.bench.state.active is not None
        return self.bench.state.active


@asynccontextmanager
async def running(settings: Config) -> AsyncIterator[Watched]:
    archive = Archive.open(settings.archive.path)
    watched = Watched(Bench(settings, archive))
    try:
        await watched.cameras_up()
        yield watched
    finally:
        await watched.bench.close()
        archive.close()


def found(root: Path, text: str) -> list[Session]:
    archive = Archive.open(root, read_only=True)
    try:
        return archive.find(text)
    finally:
        archive.close()
