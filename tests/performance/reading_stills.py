"""The part of `reading` that looks at single pictures: photographs in folders, each with its
`labels.json`, or else labels drawn from seeds."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from capture.barcode import read_still
from capture.picture import PictureError, load
from tests.performance import handheld, peers
from tests.performance.labels import Grey
from tests.performance.peers import BARS, WAYBILL, Found
from tests.performance.tables import Section, share, spread

ENGINES = ("pyzbar", "zxing-cpp", "union", "this reader")
WAYBILL_BARS, ALL_WAYBILL = "bars, waybill length", "all of a waybill"
_FEWEST_OF_BARS = {"ITF": 8}
_MOST_TOLD = 12


@dataclass(frozen=True, slots=True)
class Still:
    """A picture to be read: one of `texts` must be, those of `also` may be. Nothing may be read
    where both are empty; `symbology` is '' there."""

    name: str
    symbology: str
    texts: frozenset[str]
    also: frozenset[str]
    picture: Callable[[], Grey]

    @property
    def waybill_bars(self) -> bool:
        """Bars that are long enough for a tracking number."""
        fewest = _FEWEST_OF_BARS.get(self.symbology, 6)
        return self.symbology in BARS and any(len(text) >= fewest for text in self.texts)


@dataclass(frozen=True, slots=True)
class Look:
    """What one engine read in one still, and what that took."""

    found: Found
    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A still with what each engine made of it."""

    name: str
    symbology: str
    texts: frozenset[str]
    also: frozenset[str]
    waybill_bars: bool
    looks: dict[str, Look]

    def right(self, engine: str) -> bool:
        return any(text in self.texts for _, text in self.looks[engine].found)

    def wrong(self, engine: str) -> Found:
        allowed = self.texts | self.also
        return {pair for pair in self.looks[engine].found if pair[1] not in allowed}


def stills_in(folder: Path) -> list[Still]:
    """What `labels.json` of `folder` lists. Raises SystemExit, saying what is missing."""
    try:
        listed = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        return [
            Still(
                entry["file"],
                "" if entry["negative"] else entry["symbology"],
                frozenset(
                    peers.normal(entry["symbology"] or "", text)
                    for text in ([] if entry["negative"] else entry["texts"])
                ),
                frozenset(),
                partial(_load, folder / entry["file"]),
            )
            for entry in listed
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(
            f"{folder}: needs labels.json, a list of file, symbology, texts, negative ({error!r})"
        ) from error


def _load(path: Path) -> Grey:
    try:
        return np.asarray(load(path), np.uint8)
    except PictureError as error:
        raise SystemExit(str(error)) from error


def drawn_stills(count: int, first: int) -> list[Still]:
    """Frames of sequences from seed `first` on in which a label is held, and a third as many with
    goods instead."""
    stills = []
    for seed in range(first, first + count):
        at = random.Random(seed).randrange(30, 60)
        held = handheld.draw(seed, frames=range(at, at + 1))
        texts, also = frozenset([held.truth]), frozenset(held.also)
        stills.append(Still(f"seed {seed}", "Code128", texts, also, partial(held.frame, at)))
        if seed % 3 == 0:
            goods = handheld.draw(seed, "product", frames=range(at, at + 1))
            picture = partial(goods.frame, at)
            stills.append(Still(f"product {seed}", "", frozenset(), frozenset(), picture))
    return stills


def this_reader(grey: Grey) -> Found:
    return peers.found((reading.symbology, reading.text) for reading in read_still(grey))


def judge(still: Still) -> Judged:
    """Every engine once on `still`; the union is of what the two peers read."""
    cv2.setNumThreads(1)
    grey = still.picture()
    looks = {
        "pyzbar": _timed(peers.zbar, grey),
        "zxing-cpp": _timed(peers.zxing, grey),
    }
    one, two = looks.values()
    looks["union"] = Look(one.found | two.found, one.cpu_ms + two.cpu_ms, one.wall_ms + two.wall_ms)
    looks["this reader"] = _timed(this_reader, grey)
    return Judged(still.name, still.symbology, still.texts, still.also, still.waybill_bars, looks)


def _timed(engine: peers.Peer, grey: Grey) -> Look:
    cpu, wall = time.process_time(), time.perf_counter()
    found = engine(grey)
    spent_cpu, spent = time.process_time() - cpu, time.perf_counter() - wall
    return Look(found, spent_cpu * 1e3, spent * 1e3)


def judge_all(stills: Sequence[Still], processes: int) -> Iterator[Judged]:
    with handheld.pool_of(processes) as pool:
        list(pool.map(_warm_up, range(processes)))
        yield from pool.map(judge, stills, chunksize=4)


def _warm_up(_: int) -> None:
    blank = np.full((400, 400), 200, np.uint8)
    for engine in (peers.zbar, peers.zxing, this_reader):
        engine(blank)


def section(title: str, judged: Sequence[Judged]) -> Section:
    """Recall, false reads and time of each engine, side by side."""
    positives = [each for each in judged if each.texts]
    negatives = [each for each in judged if not each.texts]
    groups: dict[str, list[Judged]] = {
        symbology: [each for each in positives if each.symbology == symbology]
        for symbology in WAYBILL
    }
    groups[WAYBILL_BARS] = [each for each in positives if each.waybill_bars]
    groups[ALL_WAYBILL] = [
        each for each in positives if each.waybill_bars or each.symbology not in BARS
    ]
    groups["all"] = positives
    recall = {
        group: {engine: sum(each.right(engine) for each in members) for engine in ENGINES}
        for group, members in groups.items()
        if members
    }
    rows = [
        (f"{group} ({len(groups[group])})", *(share(right, len(groups[group])) for right in counts))
        for group, counts in ((group, by.values()) for group, by in recall.items())
    ]
    false = {
        name: {engine: sum(bool(each.wrong(engine)) for each in members) for engine in ENGINES}
        for name, members in (("positives", positives), ("negatives", negatives))
    }
    for name, members in (("positives", positives), ("negatives", negatives)):
        counted = (str(count) for count in false[name].values())
        rows.append((f"read falsely, of {len(members)} {name}", *counted))
    times = {
        engine: {
            "cpu_ms": [each.looks[engine].cpu_ms for each in judged],
            "wall_ms": [each.looks[engine].wall_ms for each in judged],
        }
        for engine in ENGINES
    }
    for kind, told in (("cpu_ms", "CPU ms"), ("wall_ms", "ms by the clock")):
        cells = (spread(times[engine][kind], (50, 95)) for engine in ENGINES)
        rows.append((f"{told}, median / p95", *cells))
    told_wrong = [
        f"{engine} read {ascii(text)[:60]} ({symbology}) in {each.name}"
        for engine in ("zxing-cpp", "this reader")
        for each in judged
        for symbology, text in sorted(each.wrong(engine))
    ]
    unread = [each.name for each in positives if not each.right("this reader")]
    data = {
        "recall": recall,
        "counts": {group: len(members) for group, members in groups.items()},
        "false": false,
        "ms": {
            engine: {kind: spread(values, (50, 95), 3) for kind, values in kinds.items()}
            for engine, kinds in times.items()
        },
        "wrong": told_wrong,
        "unread": unread,
    }
    notes = tuple(f"- {line}" for line in told_wrong[:_MOST_TOLD])
    return Section(title, ("", *ENGINES), tuple(rows), ("\n".join(notes),) if notes else (), data)
