"""A bench without cameras and without an archive: the real rules, screen and scans, answered here.

`SoloBench` carries out each command at once, as a healthy bench would; a kind of command in `held`
is kept in `owed` instead, so that a test can look at the moment in between or answer badly.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from textual.events import Key
from textual.pilot import Pilot

from capture.frame import Frame
from capture.settings import CameraStatus
from station.bench import Bench, OnChange
from station.config import Config
from station.diskspace import DiskView
from station.rules.commands import (
    CheckCameras,
    Command,
    Exit,
    LookUp,
    OpenSession,
    SealSession,
    StartClip,
    StopClip,
    TakeShot,
)
from station.rules.events import (
    CameraUp,
    Checked,
    ClipEnded,
    ClipStarted,
    Disk,
    Event,
    LookedUp,
    Moment,
    Opened,
    Prior,
    Sealed,
    ShotTaken,
    ShutdownAsked,
)
from station.rules.state import State
from station.ui.app import BenchApp
from storage.archive import Archive
from storage.records import CameraCheck, Clip, Gap, LabelCheck, Shot, Status
from tests.station.playbook import camera_check

CAMERAS = ("overhead", "side")
NUMBER = "1Z999AA10123456784"
OTHER = "1Z5R89390357567127"
BURST_S = 0.02


def config(
    language: str = "en", scanner: dict[str, object] | None = None, **bench: object
) -> Config:
    return Config.model_validate(
        {
            "bench": {"name": "bench-t", "packer": "Ana", "language": language, **bench},
            "scanner": {"burst_ms": int(1000 * BURST_S), **(scanner or {})},
            "camera": [{"name": name, "source": "sim:?seed=99"} for name in CAMERAS],
        }
    )


class SoloBench(Bench):
    """A bench that answers itself. `scans` are the raw texts that reached it, `events` all else."""

    def __init__(self, config: Config, archive: Archive | None = None) -> None:
        super().__init__(config, cast("Archive", archive))
        self.scans: list[str] = []
        self.events: list[Event] = []
        self.held: set[type[Command]] = set()
        self.owed: list[Command] = []
        self.prior: Prior | None = None
        self.label = LabelCheck.MATCH
        self.fault = ""
        """What is wrong with every photo that is taken."""
        self.holes: tuple[Gap, ...] = ()
        """What every clip lacks."""
        self.checks: tuple[CameraCheck, ...] = tuple(map(camera_check, CAMERAS))
        self.thumbs: dict[str, npt.NDArray[np.uint8]] = {}
        self.takers: dict[str, Callable[[Frame], None]] = {}
        self.disk_view = DiskView(512_000_000_000, 23.4, Disk.OK)
        self.closed = False

    def start(self, on_change: OnChange) -> None:
        self._on_change = on_change
        self._scans.start(lambda _, then: then(None))
        for camera in self.config.camera:
            self.send(CameraUp, camera=camera.name)

    async def close(self, timeout_s: float = 20.0) -> bool:
        if not self.closed:
            self.closed = True
            self.send(ShutdownAsked)
        return True

    def scan(self, text: str, via: str = "wedge", at: Moment | None = None) -> None:
        self.scans.append(text)
        super().scan(text, via, at)

    def dispatch(self, event: Event) -> None:
        self.events.append(event)
        super().dispatch(event)

    def watch(self, camera: str, offer: Callable[[Frame], None]) -> None:
        self.takers[camera] = offer

    def statuses(self) -> tuple[CameraStatus, ...]:
        return tuple(
            CameraStatus(camera.name, camera.up, camera.cause, 24.0, 1280, 720, 0.0, 0, 0)
            for camera in self.state.cameras
        )

    @property
    def disk(self) -> DiskView:
        return self.disk_view

    def shot_thumb(self, slot: str) -> npt.NDArray[np.uint8] | None:
        return self.thumbs.get(slot)

    def count(self, event_type: type[Event]) -> int:
        """How many events of that type the bench was told."""
        return sum(isinstance(event, event_type) for event in self.events)

    def show(self, **changes: Any) -> None:
        """Stand in a state that would take long to reach."""
        self.state = replace(self.state, **changes)
        self._on_change(self.state, ())

    def _carry_out(self, command: Command) -> None:
        if type(command) in self.held:
            self.owed.append(command)
            return
        match command:
            case LookUp(number):
                self.send(LookedUp, number=number, prior=self.prior)
            case OpenSession():
                self.send(Opened, session=command.session)
            case StartClip(session, camera, part):
                self.send(ClipStarted, session=session, camera=camera, part=part)
            case StopClip(session, camera, part):
                at = Moment(command_time(), 0).utc
                clip = Clip(camera, part, "x.mp4", "h264", 64, 36, at, 1, 1, 1, 0, 1, "0" * 64)
                self.send(
                    ClipEnded,
                    session=session,
                    camera=camera,
                    part=part,
                    clip=clip,
                    holes=tuple(replace(hole, camera=camera) for hole in self.holes),
                )
            case TakeShot():
                self._take_shot(command)
            case CheckCameras():
                self.send(Checked, results=self.checks)
            case SealSession():
                missing = self._missing(command)
                self.send(Sealed, session=command.session, status=command.status, missing=missing)
            case Exit():
                self.exited.set()

    def _take_shot(self, command: TakeShot) -> None:
        check = self.label if command.check_label else None
        read = OTHER if check is LabelCheck.MISMATCH else command.number
        self.thumbs[command.slot] = np.full((54, 96, 3), 90, np.uint8)
        shot = Shot(
            command.slot, "x.jpg", command.camera, command_time(), check, 64, 36, 1, "0" * 64
        )
        self.send(
            ShotTaken,
            session=command.session,
            shot_id=command.shot_id,
            shot=shot,
            read=read if command.check_label else "",
            fault=self.fault,
        )

    def _missing(self, command: SealSession) -> tuple[str, ...]:
        done = next(f for f in self.state.handed_over if f.session == command.session)
        short = command.status is Status.SEALED and done.shots < done.slots
        return tuple(slot.name for slot in self.state.rules.slots)[done.shots :] if short else ()


def command_time() -> Any:
    from station.footage import moment

    return moment().utc


class Desk:
    """A running app, what stands on its screen, and a packer's hands."""

    def __init__(self, app: BenchApp, bench: SoloBench, pilot: Pilot[None]) -> None:
        self.app = app
        self.bench = bench
        self.pilot = pilot

    @property
    def state(self) -> State:
        return self.bench.state

    async def settle(self) -> None:
        """Until whatever was pressed, held back or said is on the screen."""
        await asyncio.sleep(1.5 * BURST_S)
        await self.pilot.pause()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """A person's keys: one after the other, slowly."""
        for key in keys:
            await self.pilot.press(key)
            await asyncio.sleep(1.5 * BURST_S)
        await self.settle()

    async def scan(self, text: str, end: str = "enter") -> None:
        """A wedge scanner's keys, in one burst."""
        for character in text:
            self.app.post_message(key_of(character))
        if end:
            self.app.post_message(key_of({"enter": "\r", "tab": "\t", "ctrl+j": "\n"}[end]))
        await self.settle()

    async def click(self, selector: str) -> None:
        assert await self.pilot.click(selector), f"nothing to click at {selector}"
        await self.settle()

    def text(self) -> str:
        """The plain text of the whole screen."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in lines)


def key_of(character: str) -> Key:
    """The key that Textual makes of one character from the terminal."""
    from textual._xterm_parser import XTermParser

    return next(iter(XTermParser()._sequence_to_key_events(character)))


@asynccontextmanager
async def desk(
    tmp: Path | None = None,
    *,
    size: tuple[int, int] = (120, 34),
    language: str = "en",
    scanner: dict[str, object] | None = None,
    **bench: object,
) -> AsyncIterator[Desk]:
    """The app on a terminal of `size` cells, its bench started."""
    made: list[SoloBench] = []

    def make(config: Config, archive: Archive) -> Bench:
        made.append(SoloBench(config, archive))
        return made[0]

    app = BenchApp(config(language, scanner, **bench), cast("Archive", None), make)
    async with app.run_test(size=size) as pilot:
        running = Desk(app, made[0], pilot)
        await running.settle()
        yield running
