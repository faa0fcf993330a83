"""Who packs at a bench that is soaked: types scans and keys as a person and a scanner do.

Drives the app from outside and looks only at the rules' state. Knows no figure of a report.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from textual.events import Key

from station.bench import Bench
from station.rules.state import Phase, State
from station.simulated import ups_numbers
from station.soak_meter import Spread
from station.ui.app import BenchApp

SEED: Final = 4_711
PARCEL_S: Final = 20.0
"""From scan to FINISH; a shorter soak packs faster, so that it seals some."""
PARCELS_AT_LEAST: Final = 3
BETWEEN_S: Final = 1.0
PATIENCE_S: Final = 30.0
PHOTO_S: Final = 10.0
FINISH_AGAIN_S: Final = 2.0
PROBE_S: Final = 0.5
PROBE: Final = "f11"
"""A key that no command has: only its way to the bench is measured."""
PROBE_LOST_S: Final = 5.0
KEY_S: Final = 0.002


class Stopped(Exception):
    """Somebody ended the soak by hand, or its time is over."""


class Fingers(Protocol):
    """How keys come to the app. Any thread but the loop's may call, and is made to wait."""

    def press(self, key: str, character: str | None) -> None: ...


class PostedKeys:
    """Keys posted from a thread, as the terminal driver's input thread does."""

    def __init__(self, app: BenchApp) -> None:
        self._app = app

    def press(self, key: str, character: str | None) -> None:
        self._app.post_message(Key(key, character))


class Hands:
    """Types scans and command keys, and probes how long a key takes. One at a time: a key that
    falls into a scan is part of it."""

    def __init__(self, fingers: Fingers, gap_s: float) -> None:
        self._fingers = fingers
        self._gap_s = gap_s
        self._one = threading.Lock()
        self._over = threading.Event()
        self._probes: deque[float] = deque()
        self.taken = Spread()
        self.lost = 0
        self._prober = threading.Thread(target=self._probe, name="probes", daemon=True)

    def start(self) -> None:
        """Begin to probe."""
        self._prober.start()

    def close(self) -> None:
        """Probe no more."""
        self._over.set()
        if self._prober.is_alive():
            self._prober.join(2 * PROBE_S)

    def scan(self, text: str) -> None:
        """Type `text` as a wedge scanner does."""
        with self._one:
            for character in text:
                self._fingers.press(character, character)
                time.sleep(KEY_S)
            self._fingers.press("enter", "\r")
            time.sleep(self._gap_s)

    def press(self, key: str) -> None:
        """Press one command key as a person does."""
        with self._one:
            self._fingers.press(key, None)
            time.sleep(self._gap_s)

    def arrived(self) -> None:
        """The app has handled a probe: they arrive in the order in which they were pressed."""
        if self._probes:
            self.taken.add(1000 * (time.monotonic() - self._probes.popleft()))

    def _probe(self) -> None:
        while not self._over.wait(PROBE_S):
            with self._one:
                now_s = time.monotonic()
                while self._probes and now_s - self._probes[0] > PROBE_LOST_S:
                    self._probes.popleft()
                    self.lost += 1
                self._probes.append(now_s)
                self._fingers.press(PROBE, None)
                time.sleep(self._gap_s)


class Packer:
    """Packs one parcel after the other until the time is over or somebody says stop."""

    def __init__(
        self,
        bench: Bench,
        hands: Hands,
        seconds: float,
        parcel_s: float,
        stopped: threading.Event,
    ) -> None:
        self._bench = bench
        self._hands = hands
        self._stopped = stopped
        self._numbers = ups_numbers(SEED)
        self._slots = len(bench.state.rules.slots)
        self._parcel_s = min(parcel_s, seconds / PARCELS_AT_LEAST)
        self.troubles: list[str] = []

    async def cameras_up(self) -> None:
        """Return when every camera gives pictures, or it has had its time."""
        with contextlib.suppress(TimeoutError):
            await self._until(lambda s: self._bench.started and all(c.up for c in s.cameras))

    async def work(self, until_s: float) -> None:
        """Pack until `until_s` of the monotonic clock."""
        with contextlib.suppress(Stopped):
            while time.monotonic() + self._parcel_s / 2 < until_s:
                number = self._bench.hint or next(self._numbers)
                parcel_s = min(self._parcel_s, until_s - time.monotonic())
                try:
                    await self._pack(number, parcel_s)
                except TimeoutError as late:
                    self.troubles.append(f"{number}: waited in vain for {late}")
                await self._pause(min(BETWEEN_S, self._parcel_s / 4))

    async def _pack(self, number: str, parcel_s: float) -> None:
        begin_s = time.monotonic()
        await self._scan(number)
        await self._until(
            lambda s: (
                s.phase is Phase.RECORDING
                and s.active is not None
                and s.active.waybill.number == number
            ),
            "its recording",
        )
        active = self._state.active
        session = active.session if active else ""
        for count in range(1, self._slots + 1):
            await self._pause(begin_s + count * parcel_s / (self._slots + 1) - time.monotonic())
            await asyncio.to_thread(self._hands.press, "f1")
            # A photo that fails is told by the seal, as missing.
            with contextlib.suppress(TimeoutError):
                await self._until(lambda s: not (s.active and s.active.pending), "", PHOTO_S)
        await self._pause(begin_s + parcel_s - time.monotonic())
        await self._finish(session)
        await self._until(
            lambda s: any(
                done.session == session and (done.confirmed or done.failed)
                for done in s.handed_over
            ),
            "its seal",
        )
        failed = next(d.failed for d in self._state.handed_over if d.session == session)
        if failed:
            self.troubles.append(f"{number}: not sealed: {failed}")

    async def _finish(self, session: str) -> None:
        """Scan FINISH until the session ends: a missing photo asks for a second one, and an alarm
        (a real label does not bear the made-up number) swallows it."""

        def over(state: State) -> bool:
            return state.active is None or state.active.session != session

        deadline_s = time.monotonic() + PATIENCE_S
        while not over(self._state):
            if time.monotonic() > deadline_s:
                raise TimeoutError("its end")
            await self._until(lambda s: not s.alarms, "the end of an alarm")
            await self._scan("PW:FINISH")
            with contextlib.suppress(TimeoutError):
                await self._until(over, patience_s=FINISH_AGAIN_S)

    @property
    def _state(self) -> State:
        return self._bench.state

    async def _scan(self, text: str) -> None:
        await asyncio.to_thread(self._hands.scan, text)

    async def _pause(self, seconds: float) -> None:
        """Raises Stopped."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            if self._stopped.is_set():
                raise Stopped
            await asyncio.sleep(min(0.1, left_s))

    async def _until(
        self, true: Callable[[State], bool], what: str = "", patience_s: float = PATIENCE_S
    ) -> None:
        """Acknowledges whatever alarm stands in the way. Raises TimeoutError(what), Stopped."""
        deadline_s = time.monotonic() + patience_s
        while not true(self._state):
            if self._state.alarms:
                await asyncio.to_thread(self._hands.press, "f12")
            if time.monotonic() > deadline_s:
                raise TimeoutError(what)
            await self._pause(0.05)
