"""Whether a frame is ever missing around a trigger; by hand, for as long as it takes:

    python -m tests.performance.triggers --count 1000

Cameras in processes of their own play a film of numbered frames by the clock, half of them encoded,
half of them copied. Clips are asked for at random moments: short ones, overlapping ones, back to
back. Each file is read back: every number from the wished pre-roll over the trigger to the stop
must be there. Also measured is how long the owner waits for word that a clip has begun. Exits with
1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from capture.events import CameraUp, CaptureEvent, ClipEnded, ClipFailed, ClipInfo, ClipStarted
from capture.remote import CameraProcess
from capture.settings import CameraSettings
from capture.source import parse_source
from tests.capture.numbered import decode, number_in
from tests.capture.parts import write_video

FILM_FRAMES, PERIOD_MS = 1000, 40
PERIOD_NS = PERIOD_MS * 1_000_000
KEY_EVERY = 25
PRE_ROLL_S = 1.0
TOLD_GOAL_MS = 50.0
PATIENCE_S = 20.0
# A file knows its first moment to the millisecond, on each of two clocks.
ROUNDING_NS = 2_000_000


def numbered_film(folder: Path) -> Path:
    """40 s of numbered frames, a key frame each second, as a network camera codes them."""
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(KEY_EVERY)}
    times_ms = list(range(0, FILM_FRAMES * PERIOD_MS, PERIOD_MS))
    return write_video(folder / "film.mp4", times_ms, size=(320, 240), options=options)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file shows: the numbers in order, and when, in ns after the first."""

    numbers: tuple[int, ...]
    times_ns: tuple[int, ...]

    @property
    def missing(self) -> int:
        """How many numbers are left out between the first and the last."""
        pairs = zip(self.numbers, self.numbers[1:], strict=False)
        return sum((after - before - 1) % FILM_FRAMES for before, after in pairs)


def read_back(path: Path) -> Content | str:
    """What the file shows, or why it does not play."""
    try:
        shown = decode(path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if not shown:
        return "shows nothing"
    first_s = shown[0][0]
    return Content(
        tuple(number_in(grey) for _, grey in shown),
        tuple(round((at_s - first_s) * 1e9) for at_s, _ in shown),
    )


def read_all_back(paths: Sequence[Path]) -> list[Content | str]:
    """In programs of their own: this one has threads that must not be copied."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as readers:
        return list(readers.map(read_back, paths, chunksize=8))


def first_ns(info: ClipInfo) -> int:
    """The first frame's moment on the capture clock, to the millisecond."""
    return (round(info.started_at.timestamp() * 1000) - info.clock_offset_ms) * 1_000_000


@dataclass(slots=True)
class Wish:
    """A clip that was asked for, and what came of it."""

    clip_id: str
    path: Path
    kind: str
    trigger_ns: int
    stop_ns: int = 0
    told_ns: int = 0
    answer: ClipEnded | ClipFailed | None = None
    answered: threading.Event = field(default_factory=threading.Event)


class Owner:
    """One camera and what it was asked for."""

    def __init__(self, name: str, film: Path, folder: Path, record: str) -> None:
        self.name, self.record, self.wishes = name, record, list[Wish]()
        self._folder = folder
        self._by_id: dict[str, Wish] = {}
        self._up = threading.Event()
        source = parse_source(f"file:{film}?loop=1")
        self.camera = CameraProcess(
            CameraSettings(name, source, pre_roll_s=PRE_ROLL_S, record=record), self._hear
        )
        self.camera.start()

    def _hear(self, event: CaptureEvent) -> None:
        now_ns = time.monotonic_ns()
        match event:
            case CameraUp():
                self._up.set()
            case ClipStarted():
                self._by_id[event.clip_id].told_ns = now_ns
            case ClipEnded() | ClipFailed():
                wish = self._by_id[event.clip_id]
                wish.answer = event
                wish.answered.set()

    def wait_up(self) -> None:
        if not self._up.wait(PATIENCE_S):
            raise SystemExit(f"camera {self.name} gives no picture: {self.camera.status.cause}")

    def forget_up(self) -> None:
        """The next `wait_up` waits for the next CameraUp."""
        self._up.clear()

    def begin(self, kind: str, trigger_ns: int = 0) -> Wish:
        clip_id = f"{self.name}-{len(self.wishes):04}"
        wish = Wish(clip_id, self._folder / f"{clip_id}.mp4", kind, trigger_ns)
        self.wishes.append(wish)
        self._by_id[clip_id] = wish
        wish.trigger_ns = trigger_ns or time.monotonic_ns()
        self.camera.start_clip(clip_id, wish.path, wish.trigger_ns, clip_id)
        return wish

    def end(self, wish: Wish) -> None:
        wish.stop_ns = time.monotonic_ns()
        self.camera.stop_clip(wish.clip_id)


def trigger(owner: Owner, count: int, chance: random.Random) -> None:
    """Asks for so many clips, and waits for the last of them."""
    owner.wait_up()
    time.sleep(2 * PRE_ROLL_S + 1)  # the ring holds a whole pre-roll behind a key frame
    while len(owner.wishes) < count:
        kind = chance.choice(("short", "overlapping", "back to back"))
        first = owner.begin(kind)
        if kind == "overlapping":
            time.sleep(chance.uniform(0, 0.8))
            second = owner.begin(kind)
            time.sleep(chance.uniform(0, 0.8))
            owner.end(first)
            time.sleep(chance.uniform(0, 0.4))
            owner.end(second)
        elif kind == "back to back":
            time.sleep(chance.uniform(0.1, 1.5))
            owner.end(first)
            second = owner.begin(kind, first.stop_ns)
            time.sleep(chance.uniform(0.1, 1.0))
            owner.end(second)
        else:
            time.sleep(chance.uniform(0, 0.5))
            owner.end(first)
        time.sleep(chance.uniform(0, 0.7))
    for wish in owner.wishes:
        wish.answered.wait(PATIENCE_S)
    owner.camera.close()


def fault_of(wish: Wish, shown: Content | str) -> str:
    """What is wrong with a clip, or ''."""
    if not isinstance(wish.answer, ClipEnded):
        return f"answered by {wish.answer}"
    if isinstance(shown, str):
        return f"does not play: {shown}"
    info = wish.answer.info
    begin_ns, wished_ns = first_ns(info), wish.trigger_ns - round(PRE_ROLL_S * 1e9)
    longest_ns = (KEY_EVERY + 5) * PERIOD_NS  # from a key frame on, that may have come late
    last_ns = begin_ns + shown.times_ns[-1]
    if shown.missing:
        return f"{shown.missing} frames are missing"
    if wish.answer.why or info.dropped or info.frames != len(shown.numbers):
        return f"{info.frames} frames told, {info.dropped} dropped, {wish.answer.why!r}"
    if begin_ns > wished_ns + ROUNDING_NS:
        return f"its pre-roll lacks {(begin_ns - wished_ns) / 1e6:.0f} ms"
    if begin_ns < wished_ns - longest_ns:
        return f"begins {(wished_ns - begin_ns) / 1e6:.0f} ms too early"
    if last_ns + 2 * PERIOD_NS < wish.stop_ns:
        return f"ends {(wish.stop_ns - last_ns) / 1e6:.0f} ms before its stop"
    return ""


def show(what: str, wishes: list[Wish], shown: dict[str, Content | str]) -> bool:
    """One line of the table, and each fault. Whether all is as promised."""
    faults = [(one.clip_id, fault_of(one, shown[one.clip_id])) for one in wishes]
    faults = [(clip_id, fault) for clip_id, fault in faults if fault]
    contents = [one for wish in wishes if isinstance(one := shown[wish.clip_id], Content)]
    frames = sum(len(one.numbers) for one in contents)
    missing = sum(one.missing for one in contents)
    told_ms = sorted((one.told_ns - one.trigger_ns) / 1e6 for one in wishes if one.told_ns)
    line = f"{what:22}{len(wishes):6}{frames:9}{missing:9}{len(faults):8}   "
    if not told_ms:
        print(line)
        return not faults
    p95_ms = told_ms[math.ceil(0.95 * len(told_ms)) - 1]
    late = sum(ms > TOLD_GOAL_MS for ms in told_ms)
    print(f"{line}{statistics.median(told_ms):7.1f}{p95_ms:8.1f}{told_ms[-1]:8.1f}{late:7}")
    for clip_id, fault in faults[:20]:
        print(f"    {clip_id}: {fault}")
    return not faults and p95_ms <= TOLD_GOAL_MS


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="triggers")
    parser.add_argument("--cameras", type=int, default=4, help="at once; every other one copies")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begin_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="triggers-") as temporary:
        folder = Path(temporary)
        film = numbered_film(folder)
        owners = [
            Owner(f"camera{place}", film, folder, "copy" if place % 2 else "encode")
            for place in range(given.cameras)
        ]
        threads = []
        for place, owner in enumerate(owners):
            count = given.count // given.cameras + (place < given.count % given.cameras)
            chance = random.Random(given.seed + place)
            threads.append(threading.Thread(target=trigger, args=(owner, count, chance)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        wishes = [wish for owner in owners for wish in owner.wishes]
        recorded_s = time.monotonic() - begin_s
        contents = read_all_back([wish.path for wish in wishes])
    shown = {wish.clip_id: content for wish, content in zip(wishes, contents, strict=True)}
    print(f"{given.cameras} cameras at once, 25 fps, pre-roll {PRE_ROLL_S:g} s, {recorded_s:.0f} s")
    print(f"{'':22}{'clips':>6}{'frames':>9}{'missing':>9}{'faults':>8}   told ms: median, p95, max"
          f"   over {TOLD_GOAL_MS:.0f}")  # fmt: skip
    good = True
    for record in ("encode", "copy"):
        for kind in ("short", "overlapping", "back to back"):
            some = [
                wish
                for owner in owners
                for wish in owner.wishes
                if owner.record == record and wish.kind == kind
            ]
            good = show(f"{record}, {kind}", some, shown) and good
    good = show("all", wishes, shown) and good
    print("as promised" if good else "NOT AS PROMISED")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
