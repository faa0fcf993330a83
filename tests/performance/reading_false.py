"""The part of `reading` that looks for false accepts: thousands of bar codes at the limit of what
can be read, four frames of each, as a hand holds them. A reader that is right in all but one of a
thousand parcels files one in a thousand under a number that is not its own."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from capture.consensus import Consensus
from capture.engines import DEFAULT_SYMBOLOGIES, LINEAR, read_zbar, read_zxing
from capture.events import Reading
from capture.live import LiveReader
from capture.strips import BLURS, locate, read_strip, rectify, refine
from tests.performance import handheld, peers
from tests.performance.labels import CARRIERS, Grey, bars, plain
from tests.performance.tables import Section, share

FRAMES = 4
SEED = 500_000
_FPS, _NANOSECONDS = 30, 1_000_000_000
_CHARSET = re.compile(r"[0-9A-Z][0-9A-Z_\-]{7,39}")
"""What a site lets a tracking number be made of, unless it says otherwise."""
_FEWEST_CHARS = 8
_HEIGHT_PX, _FINE = 60, 8
_BARS = tuple(name for name in DEFAULT_SYMBOLOGIES if name in LINEAR)
_MOST_TOLD = 12

ANY_ZXING = "any single zxing-cpp read"
ZXING_TWICE = "zxing-cpp, two frames agree"
ZBAR_TWICE = "pyzbar, two frames agree"
LIVE = "this reader, live"
ALL_STAGES = "this reader, all looks at each frame"
READERS = (ANY_ZXING, ZXING_TWICE, ZBAR_TWICE, LIVE, ALL_STAGES)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was accepted by each reader of one label."""

    seed: int
    truth: str
    accepted: dict[str, frozenset[str]]

    def right(self, reader: str) -> bool:
        return self.truth in self.accepted[reader]

    def wrong(self, reader: str) -> frozenset[str]:
        return self.accepted[reader] - {self.truth}

    def wrong_within_charset(self, reader: str) -> frozenset[str]:
        return frozenset(text for text in self.wrong(reader) if _CHARSET.fullmatch(text))


def strip_frames(seed: int) -> tuple[str, list[Grey]]:
    """A number and FRAMES grey pictures of its bars alone: 1.3 to 3 px a module, blurred by 0.3 to
    0.75 modules, in little contrast, turned by a few degrees, with a sensor's noise; trembling."""
    rng = random.Random(f"strip {seed}")
    encoded = CARRIERS[rng.choice((*CARRIERS, "xpo", "xpo", "jt"))](rng)
    row = bars(encoded)
    module_px = rng.choice((1.3, 1.6, 2, 2.5, 3))
    fine = np.repeat(np.repeat(row, _FINE)[np.newaxis], _HEIGHT_PX, 0)
    code = cv2.resize(fine, (int(len(row) * module_px), _HEIGHT_PX), interpolation=cv2.INTER_AREA)
    code = cv2.copyMakeBorder(code, 30, 30, 40, 40, cv2.BORDER_CONSTANT, value=(255,))
    blur_px, degrees = rng.uniform(0.3, 0.75) * module_px, rng.uniform(-3, 3)
    contrast, gain, noise = rng.uniform(0.35, 1), rng.uniform(0.6, 1), rng.uniform(0.5, 6)
    sheets = np.random.default_rng(rng.randrange(1 << 32))
    frames = []
    for _ in range(FRAMES):
        held = _held(code, degrees + rng.uniform(-0.5, 0.5), rng.random(), rng.random())
        soft = cv2.GaussianBlur(held, (0, 0), blur_px * rng.uniform(0.92, 1.08))
        light = (255 - (255 - soft.astype(np.float32)) * contrast) * gain
        grain = sheets.standard_normal(light.shape, np.float32) * noise
        frames.append(np.clip(light + grain, 0, 255).astype(np.uint8))
    return plain(encoded), frames


def _held(code: Grey, degrees: float, x: float, y: float) -> Grey:
    """`code` moved by parts of a pixel and turned about its middle, on white that holds it all."""
    tall, wide = code.shape
    turn = cv2.getRotationMatrix2D((wide / 2, tall / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(tall * sin + wide * cos), int(tall * cos + wide * sin))
    turn[:, 2] += (size[0] - wide) / 2 + x, (size[1] - tall) / 2 + y
    return np.asarray(cv2.warpAffine(code, turn, size, borderValue=(255,)), np.uint8)


# ---------------------------------------------------------------------------- readers


def all_stages(grey: Grey, mono_ns: int) -> list[Reading]:
    """Every look that the live reader has for bars, at one frame: more chances to misread than it
    ever takes."""
    readings = read_zxing(grey, _BARS, mono_ns) + read_zbar(grey, _BARS, mono_ns)
    for region in locate(grey):
        straight = refine(grey, region)
        strip = rectify(grey, straight)
        readings += read_strip(strip, straight, _BARS, mono_ns, zbar=True)
        readings += read_strip(strip, straight, _BARS, mono_ns, blurs=BLURS)
    return readings


def judge(seed: int) -> Verdict:
    """All readers on one label."""
    cv2.setNumThreads(1)
    truth, frames = strip_frames(seed)
    zxing = [_texts(peers.zxing(frame, ("Code128",))) for frame in frames]
    zbar = [_texts(peers.zbar(frame, ("Code128",))) for frame in frames]
    live, consensus = LiveReader(DEFAULT_SYMBOLOGIES), Consensus()
    by_live: set[str] = set()
    by_all: set[str] = set()
    for index, frame in enumerate(frames):
        mono_ns = _NANOSECONDS + index * _NANOSECONDS // _FPS
        by_live |= _long(seen.reading for seen in live.look(frame, mono_ns))
        by_all |= _long(consensus.see(all_stages(frame, mono_ns), mono_ns))
    accepted = {
        ANY_ZXING: frozenset[str]().union(*zxing),
        ZXING_TWICE: agreed(zxing),
        ZBAR_TWICE: agreed(zbar),
        LIVE: frozenset(by_live),
        ALL_STAGES: frozenset(by_all),
    }
    return Verdict(seed, truth, accepted)


def agreed(frames: Iterable[set[str]]) -> frozenset[str]:
    """The texts that two frames show."""
    votes = Counter(text for texts in frames for text in texts)
    return frozenset(text for text, count in votes.items() if count >= 2)


def _texts(found: peers.Found) -> set[str]:
    return {text for _, text in found if len(text) >= _FEWEST_CHARS}


def _long(readings: Iterable[Reading]) -> set[str]:
    return _texts(peers.found((reading.symbology, reading.text) for reading in readings))


def judge_all(count: int, processes: int, first: int = SEED) -> Iterator[Verdict]:
    with handheld.pool_of(processes) as pool:
        yield from pool.map(judge, range(first, first + count), chunksize=25)


# ---------------------------------------------------------------------------- telling


def section(verdicts: Sequence[Verdict]) -> Section:
    """Of each reader: labels read rightly, wrongly, and wrongly by a text that could be a tracking
    number."""
    rows, data = [], {}
    for reader in READERS:
        right = sum(verdict.right(reader) for verdict in verdicts)
        wrong = sum(bool(verdict.wrong(reader)) for verdict in verdicts)
        within = sum(bool(verdict.wrong_within_charset(reader)) for verdict in verdicts)
        rows.append((reader, share(right, len(verdicts)), str(wrong), str(within)))
        data[reader] = {"right": right, "wrong": wrong, "wrong_within_charset": within}
    told = [
        f"- {reader}: {text!a} for {verdict.truth} (seed {verdict.seed})"
        for reader in (LIVE, ALL_STAGES)
        for verdict in verdicts
        for text in sorted(verdict.wrong(reader))
    ]
    title = f"False accepts: {len(verdicts)} labels of {FRAMES} frames"
    header = ("", "right", "wrong", "of them within the charset")
    notes = ("\n".join(told[:_MOST_TOLD]),) if told else ()
    return Section(title, header, tuple(rows), notes, {"labels": len(verdicts), "readers": data})
