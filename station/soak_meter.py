"""What a soak measures while the bench runs: the processes, the loop's lateness, the keys.

Fed from outside at its own pace; holds little more at the end than at the beginning, since its own
memory is part of what it measures. Knows no camera, no session and no limit.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import psutil

PARENT: Final = "bench"
WARM_S: Final = 60.0
"""Rings, caches and pools fill for so long: what memory does after it is a leak or none."""
LATE_EVERY_S: Final = 0.02
_STEP_MS: Final = 0.1
_STEPS: Final = 20_000
MB: Final = 1_000_000


class Spread:
    """How times in milliseconds are spread, to 0.1 ms, in a memory that does not grow."""

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * (_STEPS + 1)))
        self.count = 0
        self.worst_ms = 0.0

    def add(self, ms: float) -> None:
        """Count one time; all above 2 s count as 2 s, but for the worst."""
        self._counts[min(_STEPS, max(0, int(ms / _STEP_MS)))] += 1
        self.count += 1
        self.worst_ms = max(self.worst_ms, ms)

    def within_ms(self, share: float) -> float:
        """The time within which `share` (0 to 1) of them lie; 0 for none."""
        seen = 0
        for step, count in enumerate(self._counts):
            seen += count
            if count and seen >= share * self.count:
                return min(self.worst_ms, (step + 1) * _STEP_MS)
        return 0.0


@dataclass(slots=True)
class Process:
    """One process of the bench: its memory over time, and its CPU seconds between two looks.

    `rss_mb` are (seconds since the start, resident MB).
    """

    name: str
    pid: int
    rss_mb: list[tuple[float, float]] = field(default_factory=list)
    cpu_s: float = 0.0
    first_cpu_s: float | None = None

    def look(self, at_s: float) -> None:
        """Measure it now; one that is gone keeps what was last seen."""
        try:
            process = psutil.Process(self.pid)
            times, memory = process.cpu_times(), process.memory_info()
        except psutil.Error:
            return
        spent_s = times.user + times.system
        if self.first_cpu_s is None:
            self.first_cpu_s = spent_s
        self.cpu_s = spent_s - self.first_cpu_s
        self.rss_mb.append((at_s, memory.rss / MB))

    def rss_at_mb(self, at_s: float) -> float | None:
        """The memory at the first look at or after `at_s`, None where there was none."""
        return next((mb for seen_s, mb in self.rss_mb if seen_s >= at_s), None)


class Processes:
    """The bench's process and those that it started, by the name of what each does."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self.all: list[Process] = [Process(PARENT, psutil.Process().pid)]
        self.seconds = 0.0
        self._machine_s = _machine_busy_s()

    @property
    def others_cpu(self) -> float:
        """CPU seconds per second that the machine spent on anything else meanwhile."""
        ours_s = sum(process.cpu_s for process in self.all)
        return max(0.0, _machine_busy_s() - self._machine_s - ours_s) / max(1.0, self.seconds)

    def look(self, cameras: dict[int, str]) -> None:
        """Measure all of them. `cameras` names the processes of cameras by their pid."""
        known = {process.pid for process in self.all}
        at_s = time.monotonic() - self._start_s
        for child in psutil.Process().children(recursive=True):
            if child.pid not in known:
                self.all.append(Process(cameras.get(child.pid, "other"), child.pid))
        for process in self.all:
            process.look(at_s)
        self.seconds = at_s


def _machine_busy_s() -> float:
    """CPU seconds of all cores since the machine was started, a host's other guests included."""
    times = psutil.cpu_times()._asdict()
    unused = ("idle", "iowait", "guest", "guest_nice")  # a guest's are in `user` already
    return float(sum(spent_s for kind, spent_s in times.items() if kind not in unused))


def warmed(seen: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """`seen` (seconds, MB) without its first minute, nor its first quarter: pools fill slowly."""
    return [(at_s, mb) for at_s, mb in seen if at_s >= max(WARM_S, seen[-1][0] / 4)]


def slope_mb_per_hour(seen: Sequence[tuple[float, float]]) -> float | None:
    """How fast memory grows after it has warmed up: the line of least squares through `seen`
    (seconds, MB). None where that is shorter than a minute."""
    warm = warmed(seen)
    if len(warm) < 3 or warm[-1][0] - warm[0][0] < WARM_S:
        return None
    mean_s = sum(at_s for at_s, _ in warm) / len(warm)
    mean_mb = sum(mb for _, mb in warm) / len(warm)
    squares = sum((at_s - mean_s) ** 2 for at_s, _ in warm)
    return 3600 * sum((at_s - mean_s) * (mb - mean_mb) for at_s, mb in warm) / squares


async def watch_lateness(late: Spread) -> None:
    """Note for ever how late the loop wakes whoever sleeps on it."""
    while True:
        due_s = time.monotonic() + LATE_EVERY_S
        await asyncio.sleep(LATE_EVERY_S)
        late.add(1000 * max(0.0, time.monotonic() - due_s))
