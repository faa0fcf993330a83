"""The glue of one bench: carries out the rules' commands and turns replies into events.

It stands between the screen and the rooms below: `station.session.step` decides, `station.filing`
(the archive) and `station.footage` (the cameras) do. Everything here runs on the asyncio loop of
the app and never blocks it: the archive answers from its writer thread, cameras from theirs, and
each answer comes back through `station.replies`. Knows no widget.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from station.background_check import BackgroundCheck
from station.camera_check import check_cameras, reading_cameras
from station.desk import Write
from station.diskspace import DiskView, DiskWatch
from station.filing import Filing
from station.footage import Footage, moment
from station.places import Places
from station.replies import Replies
from station.retaining import Retaining
from station.rules import commands, events
from station.rules.orders import ItemCheck, Policy
from station.rules.state import Rules, Slot, State, initial
from station.scale.reader import ScaleReader
from station.scale.weight import Weight
from station.scans import Scans
from station.session import step
from station.simulated import SimulatedParcels
from station.stamping import Stamping
from station.uncovered import Uncovered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from capture.frame import Frame
    from capture.settings import CameraStatus
    from station.config import Config
    from storage.archive import Archive

log = logging.getLogger(__name__)

TICK_S = 0.25
LOOK_S = 2.0
"""How often the disk and the clock are looked at."""
LAST_WORD_S = 3.0
REPAIR_S = 20.0
"""How often a session that could not be sealed is tried again."""
CLOCK_JUMP_MS = 2_000
"""Less is NTP slewing, not a jump."""

OnChange = Callable[[State, tuple[commands.Say, ...]], None]


def session_rules(config: Config) -> Rules:
    """The rules of `step` as the configuration has them."""
    names = tuple(camera.name for camera in config.camera)
    chosen = config.session
    return Rules(
        slots=tuple(
            Slot(shot.slot, shot.camera or names[0], shot.required) for shot in config.shot
        ),
        cameras=names,
        rescan_finishes=chosen.rescan == "finish",
        allow_incomplete=chosen.allow_incomplete,
        allow_without_camera=chosen.allow_without_camera,
        idle_timeout_ms=int(chosen.idle_timeout_s * 1000),
        max_ms=int(chosen.max_s * 1000),
        warn_before_ms=int(chosen.warn_before_s * 1000),
        question_timeout_ms=int(chosen.question_timeout_s * 1000),
        repeat_scan_ms=int(chosen.repeat_scan_s * 1000),
        pre_roll_ms=int(config.recording.pre_roll_s * 1000),
        policy=Policy(
            high_cents=tuple(config.policy.high_cents.items()),
            announce_uninsured=config.policy.uninsured == "announce",
            stop_cancelled=config.policy.cancelled == "stop",
            items=ItemCheck(config.policy.items),
            tolerance_percent=Fraction(str(config.scale.tolerance_percent)),
            tolerance_g=config.scale.tolerance_g,
        ),
    )


class Bench:
    """One packing bench: its cameras, its archive and the session at hand.

    `state` is always the newest state of the rules. Every method is called on the loop.
    """

    def __init__(self, config: Config, archive: Archive) -> None:
        self.config = config
        self.archive = archive
        self._stamping = Stamping(archive, config.ledger.tsa) if config.ledger.tsa else None
        self.state = initial(session_rules(config), config.bench.packer)
        self.exited = asyncio.Event()
        self._scan_rules = config.scanner.waybills
        self._places = Places()
        self._footage = Footage(config, archive, self, self._scan_rules, self._places)
        self._disk = DiskWatch(archive, config.disk, len(config.camera))
        self.retaining = Retaining(config, archive, self._state_when_started)
        self.checking = BackgroundCheck(config, self._state_when_started)
        self.uncovered = Uncovered(archive, config.coverage)
        self._parcels = SimulatedParcels() if config.simulated else None
        self._queue: deque[events.Event] = deque()
        self._stepping = False
        self._scans = Scans(self, self._scan_rules)
        self._scale: ScaleReader | None = None
        self.scale_lost = ""
        """What is wrong with the scale, and what to do; '' while it is there or not wanted."""
        self._clock_offset_ms = _offset_ms()
        self._running: Replies | None = None
        self._closing: asyncio.Task[bool] | None = None

    # ------------------------------------------------------------------ for the screen

    @property
    def simulated(self) -> bool:
        """True when the pictures come from the simulated bench."""
        return any(camera.source.startswith("sim:") for camera in self.config.camera)

    @property
    def hint(self) -> str:
        """The tracking number to scan on the built-in simulated bench, or ''."""
        return self._parcels.current if self._parcels else ""

    @property
    def started(self) -> bool:
        """True once the start-up repair is done and scans are taken."""
        return self._scans.started

    @property
    def disk(self) -> DiskView:
        """Free space of the archive's disk, as last looked at."""
        return self._disk.view

    def start(self, on_change: OnChange) -> None:
        """Begin: open the cameras, repair what a crash left, tick. Returns at once."""
        self._on_change = on_change
        self.archive.checkpoint_every = self.config.ledger.checkpoint_every
        self._replies = self._running = Replies()
        self._filing = Filing(
            self.config.bench.name,
            self.archive,
            self,
            self._disk,
            self._places,
            self._footage,
            self._replies,
        )
        self._replies.spawn(self._start_up())
        self._replies.spawn(self._tick())
        self._replies.spawn(self._watch_disk_and_clock())
        self._replies.spawn(self.retaining.run(self._replies))
        self._replies.spawn(self.checking.run())
        self._replies.spawn(self.uncovered.run())
        if self._stamping:
            self._stamping.start()
        if self.config.scale.port:
            call = self._replies.call
            self._scale = ScaleReader(
                self.config.scale,
                lambda weight: call(self._weighed, weight),
                lambda why: call(self._scale_changed, why),
            )
            self._scale.start()

    def _weighed(self, weight: Weight) -> None:
        if weight.stable:
            self.send(events.Weighed, grams=weight.grams)

    def _scale_changed(self, why: str) -> None:
        if why:
            log.warning("the scale: %s", why)
        self.scale_lost = why
        self._show(())

    def _state_when_started(self) -> State | None:
        return self.state if self.started else None

    def scan(self, text: str, via: str = events.HAND, at: events.Moment | None = None) -> None:
        """A raw scan: a command card, a waybill, or something to refuse."""
        self._scans.scan(text, via, at or moment())

    def send(self, event_type: type[events.Event], **fields: Any) -> None:
        """Dispatch `event_type` as of now."""
        self.dispatch(event_type(moment(), **fields))

    def watch(self, camera: str, offer: Callable[[Frame], None]) -> None:
        """Have `offer` called with the newest frame of `camera`, on a capture thread."""
        self._footage.watch(camera, offer)

    def statuses(self) -> tuple[CameraStatus, ...]:
        """What each opened camera delivers now."""
        return self._footage.statuses()

    def shot_thumb(self, slot: str) -> npt.NDArray[np.uint8] | None:
        """A small H×W×3 uint8 BGR picture of the newest shot of `slot` in the session at hand."""
        active = self.state.active
        return self._places.thumb(active.session, slot) if active else None

    async def close(self, timeout_s: float = 20.0) -> bool:
        """Seal what is open as interrupted, then let go of cameras and threads.

        Whoever calls it again waits for the same end, and one who is cancelled does not undo it.
        False: a camera hangs in its driver. Then, the archive closed and its output flushed, the
        program must end by `os._exit`, since Python would wait for it or be aborted by it.
        """
        if self._running is None:
            return True
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(self._running, timeout_s))
        return await asyncio.shield(self._closing)

    async def _close(self, running: Replies, timeout_s: float) -> bool:
        self.send(events.ShutdownAsked)
        await self._wait_for_exit(timeout_s)
        let_go = await self._footage.close()
        # What a camera answered only now, when it was closed, may be sealed yet.
        if not await self._wait_for_exit(LAST_WORD_S):
            log.error("closed before everything was sealed; the next start repairs it")
        if self._scale is not None:
            await running.run(self._scale.stop)
        await running.attempt("signing the ledger", None, self._last_checkpoint)
        await running.close()
        return let_go

    def _last_checkpoint(self) -> None:
        """The shift ends with a signed head; blocks for a moment."""
        if self._stamping:
            self._stamping.stop()
        self.archive.checkpoint().result(LAST_WORD_S)

    async def _wait_for_exit(self, timeout_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.exited.wait(), timeout_s)
        return self.exited.is_set()

    # ------------------------------------------------------------------ rules in, commands out

    def dispatch(self, event: events.Event) -> None:
        """Give `event` to the rules and carry out what they command, in order."""
        self._queue.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._queue:
                before = self.state
                self.state, commanded = step(before, self._queue.popleft())
                for command in commanded:
                    self._carry_out(command)
                if self.state is not before or commanded:
                    self._show(tuple(c for c in commanded if isinstance(c, commands.Say)))
        finally:
            self._stepping = False

    def file_later(self, session: str, write: Write) -> None:
        """What a full disk refused: filed again before the session is sealed."""
        self._filing.file_later(session, write)

    def _show(self, says: tuple[commands.Say, ...]) -> None:
        """Tell the screen. Recording never depends on it: its errors end here, in the log."""
        try:
            self._on_change(self.state, says)
        except Exception:
            log.exception("the screen could not show what happened")

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.LookUp():
                self._filing.look_up(command)
            case commands.OpenSession():
                self._filing.open(command)
            case commands.BindSession():
                self._filing.bind(command)
            case commands.StartClip():
                self._replies.spawn(
                    self._footage.start_clip(command), partial(self._footage.no_clip, command)
                )
            case commands.StopClip():
                self._replies.spawn(
                    self._footage.stop_clip(command), partial(self._footage.no_clip, command)
                )
            case commands.TakeShot():
                self._replies.spawn(
                    self._footage.take_shot(command), partial(self._footage.no_shot, command)
                )
            case commands.FileGap():
                self._filing.file_gap(command)
            case commands.FileNote():
                self._filing.file_note(command)
            case commands.CheckCameras():
                self._replies.spawn(
                    self._check(command), lambda why: self.send(events.CheckFailed, why=why)
                )
            case commands.SealSession():
                self._filing.seal(command)
                if self._parcels:
                    self._parcels.advance()
            case commands.Log():
                log.info(command.text)
            case commands.Exit():
                self.exited.set()

    async def _check(self, command: commands.CheckCameras) -> None:
        """Look at the test card with every camera, beside whatever is packed meanwhile."""
        results = await check_cameras(
            self._footage,
            self.archive,
            bench=self.config.bench.name,
            packer=command.packer,
            clock_server=self.config.clock.server,
            reads=reading_cameras(self.config),
        )
        self.send(events.Checked, results=results)

    # ------------------------------------------------------------------ start-up and time

    async def _start_up(self) -> None:
        """Whatever of it fails, scans are taken in the end: the packer cannot wait for a repair."""
        await self._look()
        await self._footage.start(self._replies)
        if self._parcels:
            self._parcels.start()
        repaired = await self._filing.recover()
        recent = await self._filing.recent()
        self.state = replace(self.state, handed_over=recent)
        if repaired is not None:
            self.send(events.Recovered, numbers=tuple(s.waybill.number for s in repaired))
        self._scans.start(self._filing.find_order)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.send(events.Tick)

    async def _watch_disk_and_clock(self) -> None:
        """Apart from the tick, which a disk that hangs must not stop."""
        repaired_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            self._watch_clock()
            await self._look()
            if self.started and time.monotonic() - repaired_s >= REPAIR_S:
                await self._filing.repair(
                    {done.session for done in self.state.handed_over if done.failed}
                )
                repaired_s = time.monotonic()

    async def _look(self) -> None:
        await self._replies.attempt("looking at the disk", None, self._disk.look)
        if self._disk.view.level is not self.state.disk:
            self.send(events.DiskChanged, level=self._disk.view.level)

    def _watch_clock(self) -> None:
        offset = _offset_ms()
        jump, self._clock_offset_ms = offset - self._clock_offset_ms, offset
        if abs(jump) >= CLOCK_JUMP_MS:
            self.archive.tell_clock_jump(jump)
            self.send(events.ClockJumped, by_ms=jump, offset_ms=offset)


def _offset_ms() -> int:
    """The wall clock's lead over the monotonic one."""
    return (time.time_ns() - time.monotonic_ns()) // 1_000_000
