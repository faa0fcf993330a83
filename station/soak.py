"""The whole bench under load for as long as wished: behind `packwitness doctor --soak`.

Runs the real app (headless), its cameras and an archive of its own, and packs made-up parcels at
it: scans and keys arrive as from the terminal's input thread, photos are taken, sessions sealed.
`station.soak_meter` measures meanwhile, `station.soak_report` says what of it is a failure. What
is written here never comes near evidence: the archive is a new folder, removed at the end unless
one was named.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click
from textual import events as keys
from textual.events import Key

from capture.settings import CameraStatus
from station.bench import Bench
from station.config import Config, with_archive
from station.rules import events
from station.simulated import SimulatedParcels
from station.soak_meter import Processes, Spread, watch_lateness
from station.soak_packer import PARCEL_S, PROBE, Fingers, Hands, Packer, PostedKeys, Stopped
from station.soak_report import CameraTally, Soak
from station.stopping import stopped_by_signals
from station.ui.app import BenchApp, show
from storage.archive import Archive
from storage.evidence.verify import verify

LOOK_S: Final = 2.0
TELL_S: Final = 10.0
QUIET_S: Final = 0.06
"""Between two keys of a person: longer than any burst's gap that is set."""
ERRORS_KEPT: Final = 100
MOST_NAMED: Final = 8
MB_PER_MINUTE: Final = 45.0
"""What a camera writes at most: 1080p30 of a bench, the pre-rolls that overlap included."""
GB: Final = 1_000_000_000

Tell = Callable[[str], None]


class SoakError(Exception):
    """The soak cannot begin. The message says why and what to do."""

    exit_code = 2


class SoakBench(Bench):
    """The bench, and a tally of what happens at it.

    What a camera reads is counted and not obeyed: a real parcel that lies in its view must not end
    the made-up one.
    """

    def __init__(self, config: Config, archive: Archive, *, simulated: bool = False) -> None:
        super().__init__(config, archive)
        if simulated:
            self._parcels = SimulatedParcels()
        self.tallies = {camera.name: CameraTally(camera.name) for camera in config.camera}
        self.readings = 0
        self.alarms: list[str] = []
        self._before: dict[str, CameraStatus] = {}

    def scan(self, text: str, via: str = events.HAND, at: events.Moment | None = None) -> None:
        if via == events.HAND:
            super().scan(text, via, at)
        else:
            self.readings += 1

    def dispatch(self, event: events.Event) -> None:
        match event:
            case events.CameraUp():
                self.tallies[event.camera].up = True
            case events.CameraDown():
                tally = self.tallies[event.camera]
                tally.up = False
                tally.outages.append(event.cause)
            case events.ClipEnded():
                self.tallies[event.camera].holes += len(event.holes)
        before = set(self.state.alarms)
        super().dispatch(event)
        self.alarms += [alarm.key for alarm in self.state.alarms if alarm not in before]

    def camera_pids(self) -> dict[int, str]:
        """Whose each process of a camera is."""
        return self._footage.pids()

    def begin_counting(self) -> None:
        """From now on; what a camera did while it was opened is forgiven if it is up by now."""
        self._before = {status.name: status for status in self.statuses()}
        for tally in self.tallies.values():
            if tally.up:
                tally.outages.clear()

    def count_frames(self) -> None:
        """Take over what the cameras delivered since the counting began."""
        for status in self.statuses():
            tally = self.tallies[status.name]
            before = self._before.setdefault(status.name, status)
            tally.frames = status.frames - before.frames
            tally.dropped = status.dropped - before.dropped
            tally.damaged = status.damaged - before.damaged
            if status.width:
                tally.width, tally.height = status.width, status.height
            if status.warning:
                tally.warnings.add(status.warning)


class SoakApp(BenchApp):
    """The app, which notes when a probe has been handled."""

    hands: Hands

    async def on_event(self, event: keys.Event) -> None:
        await super().on_event(event)
        if isinstance(event, Key) and event.key == PROBE and not event.is_forwarded:
            self.hands.arrived()


class _Errors(logging.Handler):
    """Keeps what threads, cameras and the bench log as errors, the first of them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.lines) < ERRORS_KEPT:
            what = record.getMessage().splitlines() or [""]  # from a camera: with its traceback
            why = record.exc_info[1] if record.exc_info else None
            last = f"{type(why).__name__}: {why}" if why else what[-1] if what[1:] else ""
            self.lines.append(f"{what[0]}: {last}" if last else what[0])


def soak_config(config: Config, archive: Path) -> Config:
    """The bench as configured, with an archive of its own and rules under which no made-up parcel
    waits for a person. The simulated bench also reads barcodes."""
    session = config.session.model_copy(
        update={"rescan": "beep", "allow_incomplete": True, "allow_without_camera": True}
    )
    bench = config.bench.model_copy(update={"sound": False})
    cameras = config.camera
    if config.simulated:
        cameras = (cameras[0].model_copy(update={"scan": True}), *cameras[1:])
    changed = {"session": session, "bench": bench, "camera": cameras}
    return with_archive(config, archive).model_copy(update=changed)


def soak(
    config: Config,
    seconds: float,
    tell: Tell,
    *,
    simulated: bool = False,
    parcel_s: float = PARCEL_S,
    make_fingers: Callable[[BenchApp], Fingers] = PostedKeys,
    headless: bool = True,
) -> Soak:
    """Run the bench of `config` for `seconds` and measure; Ctrl-C ends it early.

    The archive of `config` must be a new one. Raises ArchiveError.
    """
    noted = _Errors()
    logging.getLogger().addHandler(noted)
    try:
        with Archive.open(config.archive.path) as archive, stopped_by_signals() as stopped:
            archive.hold_bench_lock()
            running = _Running(config, archive, seconds, simulated, stopped, tell)
            asyncio.run(running.run(parcel_s, make_fingers, headless))
            sessions = tuple(reversed(archive.recent(1_000_000)))
    finally:
        logging.getLogger().removeHandler(noted)
    tell("checking the archive")
    problems = verify(config.archive.path)
    bench = running.bench
    for session in sessions:
        for tally in bench.tallies.values():
            tally.count(session)
    return Soak(
        asked_s=seconds,
        seconds=running.seconds,
        stopped=stopped.is_set(),
        simulated=simulated,
        cameras=tuple(bench.tallies.values()),
        sessions=sessions,
        readings=bench.readings,
        alarms=tuple(bench.alarms),
        processes=tuple(running.processes.all),
        others_cpu=running.others_cpu,
        late=running.late,
        keys=running.app.hands.taken,
        troubles=tuple(running.troubles),
        errors=tuple(noted.lines),
        verified=tuple(f"{problem.path}: {problem.what}" for problem in problems),
    )


class _Running:
    """One run of the app, with its packer and its meters beside it."""

    def __init__(
        self,
        config: Config,
        archive: Archive,
        seconds: float,
        simulated: bool,
        stopped: threading.Event,
        tell: Tell,
    ) -> None:
        made: list[SoakBench] = []

        def make(config: Config, archive: Archive) -> Bench:
            made.append(SoakBench(config, archive, simulated=simulated))
            return made[0]

        self.app = SoakApp(config, archive, make)
        self.bench = made[0]
        self.processes = Processes()
        self.late = Spread()
        self.seconds = 0.0
        self.others_cpu = 0.0
        self.troubles: list[str] = []
        self._asked_s = seconds
        self._stopped = stopped
        self._tell = tell
        self._finished = False

    async def run(
        self, parcel_s: float, make_fingers: Callable[[BenchApp], Fingers], headless: bool
    ) -> None:
        gap_s = max(QUIET_S, 2 * self.bench.config.scanner.burst_ms / 1000)
        hands = self.app.hands = Hands(make_fingers(self.app), gap_s)
        packer = Packer(self.bench, hands, self._asked_s, parcel_s, self._stopped)

        async def drive() -> None:
            with contextlib.suppress(Stopped):
                await packer.cameras_up()
            self._tell("the cameras were given their time: measuring begins")
            hands.start()
            await self._measure(packer)
            self._finished = True
            self.app.close_bench()

        try:
            await show(self.app, headless=headless, drive=drive)
        finally:
            hands.close()
        self.troubles = packer.troubles
        if not self._finished:
            self.troubles.append("the screen ended before its time")
        elif self.app.return_code:
            self.troubles.append("the screen failed")
        if hands.lost:
            self.troubles.append(f"{hands.lost} keys never came to the bench")

    async def _measure(self, packer: Packer) -> None:
        """Let the packer work, and look at everything meanwhile."""
        self.bench.begin_counting()
        begin_s = time.monotonic()
        self.processes = Processes()
        late = asyncio.create_task(watch_lateness(self.late))
        looking = asyncio.create_task(self._look_on(begin_s))
        try:
            await packer.work(begin_s + self._asked_s)
        finally:
            late.cancel()
            looking.cancel()
            await asyncio.gather(late, looking, return_exceptions=True)
            self.bench.count_frames()
            self.seconds = time.monotonic() - begin_s
        for tally in self.bench.tallies.values():
            tally.fps = tally.frames / max(0.1, self.seconds)
        await asyncio.to_thread(self.processes.look, self.bench.camera_pids())
        self.others_cpu = self.processes.others_cpu

    async def _look_on(self, begin_s: float) -> None:
        told_s = 0.0
        while True:
            self.bench.count_frames()
            await asyncio.to_thread(self.processes.look, self.bench.camera_pids())
            passed_s = time.monotonic() - begin_s
            if passed_s - told_s >= TELL_S:
                told_s = passed_s
                self._tell(self._progress(passed_s))
            await asyncio.sleep(LOOK_S)

    def _progress(self, passed_s: float) -> str:
        cameras = ", ".join(
            f"{one.name} {one.frames} frames" + (f", {one.dropped} DROPPED" * bool(one.dropped))
            + (", DOWN" * (not one.up))
            for one in self.bench.tallies.values()
        )  # fmt: skip
        memory = sum(one.rss_mb[-1][1] for one in self.processes.all if one.rss_mb)
        return (
            f"{passed_s:.0f} of {self._asked_s:.0f} s: {self.bench.state.session_count} sessions, "
            f"{cameras}, {memory:.0f} MB, key p95 {self.app.hands.taken.within_ms(0.95):.0f} ms"
        )


@contextlib.contextmanager
def soak_archive(config: Config, wished: Path | None, seconds: float) -> Iterator[Path]:
    """The folder for the soak's archive: `wished`, which must be new or empty and stays, or a
    temporary one on the disk of the configured archive, which is removed. Raises SoakError."""
    if wished is not None:
        if wished.resolve().is_relative_to(config.archive.path.resolve()):
            raise SoakError(f"{wished} is where evidence is kept: give a soak another --archive")
        if os.path.lexists(wished) and not (wished.is_dir() and not any(wished.iterdir())):
            raise SoakError(f"{wished} is not empty: give a soak a new folder as --archive")
    place = (wished or config.archive.path).absolute()
    while not place.is_dir():
        place = place.parent
    need = GB * config.disk.full_gb + len(config.camera) * MB_PER_MINUTE * 1e6 * seconds / 60
    if (free := shutil.disk_usage(place).free) < need:
        raise SoakError(
            f"a soak of {seconds / 60:g} minutes takes up to {need / GB:.1f} GB, {place} has "
            f"{free / GB:.1f}: choose fewer minutes, or --archive on a larger disk"
        )
    if wished is not None:
        yield wished
        return
    made = tempfile.mkdtemp(prefix="packwitness-soak-", dir=place)
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def run(config: Config, minutes: float, archive: Path | None, *, as_json: bool) -> int:
    """Soak, print the report, and name what failed in one line; the exit code.

    Raises SoakError, ArchiveError.
    """
    from station.console import told

    started_s, seconds = time.monotonic(), 60 * minutes

    def tell(text: str) -> None:
        click.echo(f"{time.monotonic() - started_s:7.1f} s  {text}", err=True)

    with soak_archive(config, archive, seconds) as folder:
        tell(
            f"{minutes:g} minutes with {', '.join(camera.name for camera in config.camera)}"
            f"{' (simulated)' * config.simulated}; Ctrl-C ends it with what ran"
        )
        report = soak(soak_config(config, folder), seconds, tell, simulated=config.simulated)
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else report.to_text())
    failed = report.failures()
    if failed:
        more = f"; and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
        told("the soak failed: " + "; ".join(failed[:MOST_NAMED]) + more)
    return 1 if failed else 0
