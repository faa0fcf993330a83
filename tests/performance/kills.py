"""What a SIGKILL costs, wherever it strikes; by hand, for as long as it takes:

    python -m tests.performance.kills --count 200

Half of the kills strike a camera's program under its owner, who must answer the clip with what lies
on the disk. The other half strike the whole bench, without a screen, its cameras' programs with it
as in a power cut, or alone; it is started again at once on the same archive, which must then hold
the session as interrupted or as sealed. All cameras play numbered frames by the clock. The moments
are random: about the trigger, while recording, while stopping or sealing. Each file is read back
and compared with the moment of the kill. Exits with 1 where a promise is broken.

A kill within milliseconds of the trigger can come before the file's first byte: then there is no
file, which is counted apart, with the longest time after the trigger. So are numbers that are
missing inside a file: on a machine with too much to do the film's player skips frames, as a camera
would lose them; `triggers` is the proof that nothing else does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import math
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
import psutil

from capture.events import ClipEnded
from station.bench import Bench
from station.config import Config
from station.rules.state import Phase
from station.simulated import ups_numbers
from station.ui.app import BenchApp
from station.ui.app import show as show_app
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.records import Session, Status
from tests.performance.triggers import (
    PERIOD_NS,
    Content,
    Owner,
    Wish,
    numbered_film,
    read_all_back,
)

TAIL_GOAL_MS = 500.0
BEFORE_FILE_MS = 500.0
"""Nor may more be lost behind the trigger of a clip that had no first byte yet."""
PATIENCE_S = 40.0
MOMENTS = ("at the trigger", "while recording", "while stopping")
CAMERAS = ("encode", "copy")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill and what was left of one clip. `until_ns`: what came before belongs to the clip."""

    victim: str
    moment: str
    trigger_ns: int
    until_ns: int
    path: Path | None
    told_at: dt.datetime | None = None
    told_frames: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """What a file shows, and the moment of its first frame on both clocks, as it says itself."""

    content: Content
    begin_ns: int
    begin_at: dt.datetime


# ---------------------------------------------------------------------------- a camera's program


def kill_workers(owner: Owner, count: int, chance: random.Random) -> list[Kill]:
    """Kills the camera's program so often, each time around a clip."""
    kills = list[Kill]()
    while len(kills) < count:
        owner.wait_up()
        time.sleep(chance.uniform(0.3, 2.0))
        moment = chance.choice(MOMENTS)
        owner.forget_up()
        pid = owner.camera.pid
        wish = owner.begin(moment)
        if moment == "at the trigger":
            time.sleep(chance.uniform(0, 0.05))
        else:
            time.sleep(chance.uniform(0.05, 3.0))
        if moment == "while stopping":
            owner.end(wish)
            time.sleep(chance.uniform(0, 0.03))
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        kills.append(outcome(owner, wish, time.monotonic_ns()))
    owner.camera.close()
    return kills


def outcome(owner: Owner, wish: Wish, killed_ns: int) -> Kill:
    """Waits for the clip's answer."""
    answered = wish.answered.wait(PATIENCE_S)
    until_ns = min(killed_ns, wish.stop_ns or killed_ns)
    victim = f"camera, {owner.record}"
    info = wish.answer.info if isinstance(wish.answer, ClipEnded) else None
    if info is None:
        fault = "" if answered else "the clip was never answered"
        return Kill(victim, wish.kind, wish.trigger_ns, until_ns, None, fault=fault)
    return Kill(
        victim, wish.kind, wish.trigger_ns, until_ns, wish.path, info.started_at, info.frames
    )


# ---------------------------------------------------------------------------- the whole bench


def bench_config(root: Path, film: Path) -> Config:
    """Two cameras, one encoded, one copied; sessions that need no photo."""
    cameras = [
        {"name": record, "source": f"file:{film}?loop=1", "record": record} for record in CAMERAS
    ]
    return Config.model_validate(
        {
            "bench": {"name": "bench-k", "packer": "Ana", "sound": False},
            "archive": {"path": root},
            "camera": cameras,
            "recording": {"pre_roll_s": 1.0},
            "disk": {"low_gb": 0.001, "full_gb": 0.0005},
            "session": {"allow_incomplete": True, "allow_without_camera": True},
        }
    ).model_copy(update={"shot": ()})


def inside(root: Path, film: Path) -> None:
    """The bench: obeys lines from stdin, tells on stdout when each was obeyed."""

    def say(what: str, value: object = None) -> None:
        os.write(1, (json.dumps([what, time.monotonic_ns(), value]) + "\n").encode())

    with Archive.open(root) as archive:
        archive.hold_bench_lock()
        app = BenchApp(bench_config(root, film), archive, Bench)
        bench = app.bench
        lines: asyncio.Queue[str] = asyncio.Queue()

        async def until(true: Callable[[], bool]) -> None:
            deadline_s = time.monotonic() + PATIENCE_S
            while not true() and time.monotonic() < deadline_s:
                await asyncio.sleep(0.005)

        async def drive() -> None:
            loop = asyncio.get_running_loop()

            def listen() -> None:
                for line in sys.stdin:
                    loop.call_soon_threadsafe(lines.put_nowait, line.strip())
                loop.call_soon_threadsafe(lines.put_nowait, "")

            threading.Thread(target=listen, daemon=True).start()
            await until(lambda: bench.started and all(one.up for one in bench.state.cameras))
            await until(lambda: bench.state.phase is Phase.IDLE)
            say("ready", all(one.up for one in bench.state.cameras))
            while line := await lines.get():
                bench.scan(line)
                say("scanned", line)
            await until(lambda: all(one.confirmed for one in bench.state.handed_over))
            app.close_bench()

        asyncio.run(show_app(app, headless=True, drive=drive))


class BenchProgram:
    """The bench as a program of its own."""

    def __init__(self, root: Path, film: Path) -> None:
        self._errors = root.with_suffix(".err").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.performance.kills", "--inside", str(root), str(film)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=ROOT, text=True,
        )  # fmt: skip
        if self.wait("ready")[1] is not True:
            raise SystemExit("the cameras of the bench did not come up")

    def wait(self, what: str) -> tuple[int, Any]:
        """The moment and the value of the next word of that kind."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said, at_ns, value = json.loads(line)
            if said == what:
                return at_ns, value
        raise SystemExit(f"the bench ended instead of saying {what}")

    def scan(self, text: str) -> int:
        """Scans; the moment at which the bench had taken it."""
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return self.wait("scanned")[0]

    def kill(self, *, all_at_once: bool) -> int:
        """The moment of the last blow."""
        workers = psutil.Process(self._process.pid).children() if all_at_once else []
        self._process.kill()
        for worker in workers:
            worker.kill()
        at_ns = time.monotonic_ns()
        self._let_go()
        return at_ns

    def leave(self) -> None:
        """Lets it end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._let_go()

    def _let_go(self) -> None:
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()


@dataclass(frozen=True, slots=True)
class Packed:
    """A session that was begun, and how its bench ended."""

    number: str
    victim: str
    moment: str
    trigger_ns: int
    finish_ns: int
    killed_ns: int


def kill_benches(root: Path, film: Path, count: int, seed: int) -> list[Packed]:
    """Kills the bench so often, starting it again each time, and lets it go on in the end."""
    chance = random.Random(seed)
    packed = list[Packed]()
    for number in islice(ups_numbers(seed), count):
        bench = BenchProgram(root, film)
        if packed:
            expect_closed(root, packed[-1].number)
        time.sleep(chance.uniform(0.2, 1.5))
        moment, all_at_once = chance.choice(MOMENTS), chance.random() < 0.6
        trigger_ns, finish_ns = bench.scan(number), 0
        if moment == "at the trigger":
            time.sleep(chance.uniform(0, 0.25))
        else:
            time.sleep(chance.uniform(0.2, 3.0))
        if moment == "while stopping":
            finish_ns = bench.scan("PW:FINISH")
            time.sleep(chance.uniform(0, 0.3))
        killed_ns = bench.kill(all_at_once=all_at_once)
        victim = "bench and cameras" if all_at_once else "bench alone"
        packed.append(Packed(number, victim, moment, trigger_ns, finish_ns, killed_ns))
    BenchProgram(root, film).leave()
    return packed


def expect_closed(root: Path, number: str) -> None:
    """A bench that says it is ready has repaired what it found."""
    for session in sessions_of(root, number):
        if session.status is Status.OPEN:
            raise SystemExit(f"{number} is still open although the bench is ready")


def sessions_of(root: Path, number: str) -> list[Session]:
    with Archive.open(root, read_only=True, create=False) as archive:
        return archive.find(number)


@dataclass(slots=True)
class Benches:
    """What the archives hold in the end."""

    kills: list[Kill]
    no_session: int = 0
    statuses: dict[str, int] | None = None
    problems: tuple[str, ...] = ()
    no_session_ms: float = 0.0


def judge_benches(roots: list[Path], packed: list[list[Packed]]) -> Benches:
    found = Benches([], statuses={})
    for root, some in zip(roots, packed, strict=True):
        found.problems += tuple(f"{one.path}: {one.what}" for one in verify(root))
        for one in some:
            sessions = sessions_of(root, one.number)
            if not sessions:
                found.no_session += 1
                late_ms = (one.killed_ns - one.trigger_ns) / 1e6
                found.no_session_ms = max(late_ms, found.no_session_ms)
            for session in sessions:
                assert found.statuses is not None
                status = session.status.value
                found.statuses[status] = found.statuses.get(status, 0) + 1
                found.kills += kills_of(root, one, session)
    return found


def kills_of(root: Path, packed: Packed, session: Session) -> Iterator[Kill]:
    """One for each camera."""
    for camera in CAMERAS:
        clips = [clip for clip in session.clips if clip.camera == camera]
        until_ns = min(packed.killed_ns, packed.finish_ns or packed.killed_ns)
        victim = f"{packed.victim}: {camera}"
        if not clips:
            yield Kill(victim, packed.moment, packed.trigger_ns, until_ns, None)
            continue
        last = clips[-1]
        yield Kill(
            victim, packed.moment, packed.trigger_ns, until_ns, root / last.path,
            last.started_at, last.frames,
            "" if len(clips) == 1 else f"{len(clips)} clips instead of one",
        )  # fmt: skip


# ---------------------------------------------------------------------------- what came of it


def left_of(paths: list[Path]) -> dict[Path, Left | str]:
    """What each file shows, or why it does not play."""
    left = dict[Path, Left | str]()
    for path, content in zip(paths, read_all_back(paths), strict=True):
        left[path] = content if isinstance(content, str) else with_clocks(path, content)
    return left


def with_clocks(path: Path, content: Content) -> Left | str:
    with av.open(str(path)) as container:
        comment = container.metadata.get("comment", "")
    clocks = re.fullmatch(r"first frame (\S+), clock offset (-?[0-9]+) ms", comment)
    if clocks is None:
        return f"does not tell its clocks: {comment!r}"
    begin_at = dt.datetime.fromisoformat(clocks[1])
    begin_ms = round(begin_at.timestamp() * 1000) - int(clocks[2])
    return Left(content, begin_ms * 1_000_000, begin_at)


def tail_ms(kill: Kill, left: Left) -> float:
    """Video before the kill (or the stop) that the file lacks."""
    end_ns = left.begin_ns + left.content.times_ns[-1] + PERIOD_NS
    return max(0, kill.until_ns - end_ns) / 1e6


def untrue_ms(kill: Kill, left: Left | str | None) -> float:
    """How far the beginning that is told lies from the one that the file knows."""
    if kill.told_at is None or not isinstance(left, Left):
        return 0.0
    return abs((kill.told_at - left.begin_at).total_seconds()) * 1000


def fault_of(kill: Kill, left: Left | str | None) -> str:
    """What is wrong, or ''."""
    if kill.fault:
        return kill.fault
    if left is None:
        late_ms = (kill.until_ns - kill.trigger_ns) / 1e6
        return f"no file {late_ms:.0f} ms after the trigger" if late_ms > BEFORE_FILE_MS else ""
    if isinstance(left, str):
        return f"does not play: {left}"
    content = left.content
    if len(content.numbers) != kill.told_frames:
        return f"shows {len(content.numbers)} frames, {kill.told_frames} told"
    tail = tail_ms(kill, left)
    return f"{tail:.0f} ms lost at the end" if tail > TAIL_GOAL_MS else ""


def show(kills: list[Kill]) -> bool:
    """The table, and each fault. Whether all is as promised."""
    files = left_of([kill.path for kill in kills if kill.path is not None])
    left = [(kill, files[kill.path] if kill.path else None) for kill in kills]
    good = True
    print(f"{'':46}{'clips':>6}{'play':>6}{'no file':>9}   tail lost ms: median, p95, max  faults")
    groups = sorted({(kill.victim, kill.moment) for kill in kills})
    for victim, moment in [*groups, ("all", "")]:
        some = [
            (kill, one)
            for kill, one in left
            if victim == "all" or (kill.victim, kill.moment) == (victim, moment)
        ]
        tails = sorted(tail_ms(kill, one) for kill, one in some if isinstance(one, Left))
        without = [kill for kill, _ in some if kill.path is None]
        faults = [fault for kill, one in some if (fault := fault_of(kill, one))]
        figures = ""
        if tails:
            p95 = tails[math.ceil(0.95 * len(tails)) - 1]
            figures = f"{statistics.median(tails):12.0f}{p95:8.0f}{tails[-1]:8.0f}"
        what = f"{victim}, {moment}" if moment else victim
        print(f"{what:46}{len(some):6}{len(tails):6}{len(without):9}   {figures:28}{len(faults):8}")
        if victim == "all":
            latest_ns = max((kill.until_ns - kill.trigger_ns for kill in without), default=0)
            print(f"no file: at most {latest_ns / 1e6:.0f} ms after the trigger")
            holed = [one.content.missing for _, one in some if isinstance(one, Left)]
            print(f"frames missing inside: {sum(holed)}, in {sum(map(bool, holed))} clips")
            untrue = max((untrue_ms(kill, one) for kill, one in some), default=0.0)
            print(f"the beginning that is told is off by at most {untrue:.0f} ms")
        for fault in faults[:10] if victim != "all" else []:
            print(f"    {fault}")
        good = good and not faults
    return good


def in_threads(jobs: list[Callable[[], Any]]) -> list[Any]:
    """The results of jobs that run at once. Raises SystemExit when one failed."""
    results: list[Any] = [None] * len(jobs)
    failed = list[BaseException]()

    def work(place: int) -> None:
        try:
            results[place] = jobs[place]()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"{type(failed[0]).__name__}: {failed[0]}") from failed[0]
    return results


def share(count: int, among: int, place: int) -> int:
    return count // among + (place < count % among)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=40, help="kills")
    parser.add_argument("--at-once", type=int, default=3, help="cameras, then benches")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(*given.inside)
        return
    of_workers, lanes = given.count // 2, given.at_once
    begin_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as temporary:
        folder = Path(temporary)
        film = numbered_film(folder)
        owners = [
            Owner(f"camera{place}", film, folder, CAMERAS[place % 2]) for place in range(lanes)
        ]

        def workers(place: int) -> list[Kill]:
            chance = random.Random(given.seed + place)
            return kill_workers(owners[place], share(of_workers, lanes, place), chance)

        roots = [folder / f"archive{place}" for place in range(lanes)]

        def benches(place: int) -> list[Packed]:
            count = share(given.count - of_workers, lanes, place)
            return kill_benches(roots[place], film, count, given.seed + place)

        kills = [
            kill
            for some in in_threads([lambda at=at: workers(at) for at in range(lanes)])  # type: ignore[misc]
            for kill in some
        ]
        packed = in_threads([lambda at=at: benches(at) for at in range(lanes)])  # type: ignore[misc]
        found = judge_benches(roots, packed)
        spent_s = time.monotonic() - begin_s
        print(f"{given.count} kills, {lanes} at once, 25 fps, {spent_s:.0f} s")
        good = show(kills + found.kills)
    total = sum(len(some) for some in packed)
    statuses = ", ".join(f"{count} {status}" for status, count in (found.statuses or {}).items())
    print(
        f"{total} benches killed: {statuses or 'no session'}; {found.no_session} before their "
        f"session was open (at most {found.no_session_ms:.0f} ms after the scan)"
    )
    print(f"archives: {len(roots)}, {'ok' if not found.problems else 'NOT OK'}")
    for problem in found.problems[:20]:
        print(f"    {problem}")
    good = good and not found.problems and Status.OPEN.value not in (found.statuses or {})
    print("as promised" if good else "NOT AS PROMISED")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
