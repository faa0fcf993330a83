"""The part of `reading` that looks at hand-held sequences as a live camera does.

Time is virtual, CPU is measured: a look at the newest frame that takes 20 ms of CPU ends 20 ms
later, and the reader then rests until its share of a core is down to its duty, as the reader's
thread does. So a busy machine makes no reader slower than a quiet one by waiting, and two readers
on one machine meet the same frames.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from capture.engines import DEFAULT_SYMBOLOGIES
from capture.live import LiveReader
from tests.performance import handheld, peers
from tests.performance.handheld import JUDGING_SEED, Kind
from tests.performance.labels import Grey
from tests.performance.motion import FPS, FRAMES
from tests.performance.tables import Section, share, spread

NANOSECONDS = 1_000_000_000
DUTIES = (0.27, 0.72)
"""Of a core: 9 and 24 ms for each frame of 30 a second."""
_VOTES, _VOTES_WITHIN_S = 2, 0.5
_EPSILON_S = 1e-9
_MOST_TOLD = 12

Eye = Callable[[Grey, int], set[str]]
"""Shown a frame and its index, says what it accepts now."""
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Watched:
    """What one reader made of one sequence: each accepted text and when, seconds from the first
    frame; and its CPU seconds."""

    accepted: tuple[tuple[str, float], ...]
    cpu_s: float
    looks: int


@dataclass(frozen=True, slots=True)
class Take:
    """One sequence with what each reader made of it. `in_view_s` is None where no frame shows all
    of the main code."""

    seed: int
    kind: Kind
    truth: str
    also: tuple[str, ...]
    in_view_s: float | None
    module_px: float
    watched: dict[str, Watched]

    def seconds(self, reader: str) -> float | None:
        """From in view to accepted; None if the tracking number was never accepted."""
        times = [at for text, at in self.watched[reader].accepted if text == self.truth]
        if not times or self.in_view_s is None or not self.truth:
            return None
        return max(0.0, min(times) - self.in_view_s)

    def false(self, reader: str) -> set[str]:
        allowed = {self.truth, *self.also} - {""}
        return {text for text, _ in self.watched[reader].accepted} - allowed


# ---------------------------------------------------------------------------- watching


def watch_at_duty(
    eye: Eye, frames: Sequence[Grey], duty: float, clock: Clock = time.thread_time
) -> Watched:
    """`eye` sees the newest frame whenever it has rested enough: CPU by `clock`, time virtual."""
    now, spent, looks, last = 0.0, 0.0, 0, -1
    accepted: list[tuple[str, float]] = []
    while (index := int((now + _EPSILON_S) * FPS)) < len(frames):
        if index == last:
            now = (index + 1) / FPS
            continue
        began = clock()
        texts = eye(frames[index], index)
        took = clock() - began
        accepted += [(text, now + took) for text in sorted(texts)]
        spent, looks, last = spent + took, looks + 1, index
        now += took / duty
    return Watched(tuple(accepted), spent, looks)


def watch_each_frame(found: Sequence[set[str]], cpu_s: Sequence[float]) -> Watched:
    """A peer that looks at every frame, however long that takes, and accepts a text that two
    frames show within half a second."""
    votes: dict[str, list[float]] = {}
    accepted: dict[str, float] = {}
    for index, texts in enumerate(found):
        at = index / FPS
        for text in sorted(texts):
            recent = [vote for vote in votes.get(text, []) if at - vote <= _VOTES_WITHIN_S]
            votes[text] = [*recent, at]
            if len(votes[text]) >= _VOTES:
                accepted.setdefault(text, at + cpu_s[index])
    return Watched(tuple(accepted.items()), sum(cpu_s), len(found))


def live_eye(duty: float) -> Eye:
    """This reader."""
    reader = LiveReader(DEFAULT_SYMBOLOGIES, duty=duty)

    def look(frame: Grey, index: int) -> set[str]:
        seen = reader.look(frame, NANOSECONDS + index * NANOSECONDS // FPS)
        return {peers.normal(each.reading.symbology, each.reading.text) for each in seen}

    return look


def take(seed: int, kind: Kind, with_peers: bool) -> Take:
    """All readers on the sequence of `seed`."""
    cv2.setNumThreads(1)
    sequence = handheld.cached(seed, kind)
    frames = [sequence.frame(index) for index in range(FRAMES)]
    watched: dict[str, Watched] = {}
    if with_peers:
        zxing, zbar = _each_frame(_zxing, frames), _each_frame(_zbar, frames)
        both = [one | two for one, two in zip(zxing[0], zbar[0], strict=True)]
        cpu_s = [one + two for one, two in zip(zxing[1], zbar[1], strict=True)]
        watched["zxing-cpp"] = watch_each_frame(*zxing)
        watched["pyzbar"] = watch_each_frame(*zbar)
        watched["union"] = watch_each_frame(both, cpu_s)
    for duty in DUTIES:
        watched[f"this reader, {duty:.0%}"] = watch_at_duty(live_eye(duty), frames, duty)
    first = sequence.in_view_frame
    return Take(
        seed=seed,
        kind=kind,
        truth=sequence.truth,
        also=sequence.also,
        in_view_s=None if first is None else first / FPS,
        module_px=sequence.views[FRAMES // 2].module_px,
        watched=watched,
    )


def _zxing(frame: Grey) -> peers.Found:
    return peers.zxing(frame, peers.LIVE, thorough=False)


def _zbar(frame: Grey) -> peers.Found:
    return peers.zbar(frame, peers.LIVE)


def _each_frame(peer: peers.Peer, frames: Iterable[Grey]) -> tuple[list[set[str]], list[float]]:
    found, cpu_s = [], []
    for frame in frames:
        began = time.thread_time()
        found.append({text for _, text in peer(frame)})
        cpu_s.append(time.thread_time() - began)
    return found, cpu_s


def take_all(
    count: int,
    negatives: int,
    processes: int,
    *,
    with_peers: bool = True,
    first: int = JUDGING_SEED,
) -> Iterator[Take]:
    """`count` sequences with a waybill from seed `first` on, and `negatives` without: half of them
    show goods with product codes, half nothing at all."""
    jobs: list[tuple[int, Kind, bool]] = [
        (seed, "waybill", with_peers) for seed in range(first, first + count)
    ]
    jobs += [
        (seed, "product" if seed % 2 else "nothing", with_peers)
        for seed in range(first, first + negatives)
    ]
    with handheld.pool_of(processes) as pool:
        list(pool.map(_warm_up, range(processes)))
        yield from pool.map(_take, jobs)


def _take(job: tuple[int, Kind, bool]) -> Take:
    return take(*job)


def _warm_up(_: int) -> None:
    blank = np.full((400, 400), 200, np.uint8)
    live_eye(DUTIES[0])(blank, 0)
    _zxing(blank)
    _zbar(blank)


# ---------------------------------------------------------------------------- telling


def section(takes: Sequence[Take]) -> Section:
    """Accepted, time to read, CPU and false accepts of each reader."""
    waybills = [each for each in takes if each.truth]
    others = [each for each in takes if not each.truth]
    rows, data = [], {}
    for reader in takes[0].watched:
        times = [seconds for each in waybills if (seconds := each.seconds(reader)) is not None]
        frames = len(takes) * FRAMES
        cpu_ms = sum(each.watched[reader].cpu_s for each in takes) * 1e3 / frames
        false = {
            "labels": {each.seed: len(wrong) for each in waybills if (wrong := each.false(reader))},
            "without": {each.seed: len(wrong) for each in others if (wrong := each.false(reader))},
        }
        rows.append(
            (
                reader,
                share(len(times), len(waybills)),
                spread(times, (50, 90), 2),
                f"{cpu_ms:.1f}",
                f"{sum(each.watched[reader].looks for each in takes) / frames:.2f}",
                str(sum(false["labels"].values())),
                str(sum(false["without"].values())),
            )
        )
        data[reader] = {
            "accepted": len(times),
            "of": len(waybills),
            "seconds": sorted(round(seconds, 3) for seconds in times),
            "cpu_ms": cpu_ms,
            "false": false,
            "unread": [each.seed for each in waybills if each.seconds(reader) is None],
        }
    header = (
        f"{len(waybills)} labels, {len(others)} without",
        "accepted",
        "s to read, median / p90",
        "CPU ms a frame",
        "looks a frame",
        "false on labels",
        "false without",
    )
    told = [
        f"- {reader} accepted {ascii(text)[:60]} ({each.kind} {each.seed})"
        for reader in takes[0].watched
        if reader.startswith("this")
        for each in takes
        for text in sorted(each.false(reader))
    ]
    notes = ("\n".join(told[:_MOST_TOLD]),) if told else ()
    return Section("Live, 1080p30", header, tuple(rows), notes, data)
