"""Why a label's bars cannot be read: size, light and sharpness as numbers, measured at the bars.

Beside `capture.quality`, which measures whole pictures: a label may be blurred on a sharp bench,
and a lamp's reflection may cover the bars of a picture that is dark as a whole. Finds the bars that
are most likely the label's, whether or not anything reads them. Measures, and judges nothing: which
figure is a fault is said where it matters. Knows no waybill.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from capture.engines import Grey
from capture.events import Reading
from capture.quality import GLARING, glare
from capture.strips import Region, locate, rectify, refine

Profile = npt.NDArray[Any]
"""The mean of a strip along its bars, float32."""
Points = npt.NDArray[Any]
"""N×2, x and y, float32."""

_LONGEST_PX: Final = 1920
_SCALES: Final = (1.0, 0.5, 0.25, 2.0)
"""What is blurred at one size is sharp at a quarter of it; thin bars need twice the size."""
_CANDIDATES: Final = 12
_DIM: Final = 120
"""Below it, the brightest hundredth of a picture, light is added before bars are looked for."""
_MOST_LIGHT: Final = 40.0
_FEWEST_RUNS: Final = 12
_MANY_RUNS: Final = 60
_SOFT_PX: Final = 0.6
_FAINTEST: Final = 6.0
_LIKELY: Final = 15.0
"""Of 60: bars that nothing reads have 20 and more, the print on a packing list 6 to 14."""
_UNEVEN: Final = 0.5
"""The share of bars that, with the space beside them, are no multiple of one width: codes have as
much and more, a grid, a ruler or a list 0 to 0.1."""
_SWING: Final = 0.2
"""Of the contrast: a smaller change is no bar."""
_ROUND_ABOUT: Final = (1.2, 3.0)
"""How much longer and higher than the bars the place is in which glare and smear are measured."""
_DIRECTIONS: Final = 12
_FINE: Final = 2.0
_NARROW: Final = 20
"""Of 100 bars, or edges, so many count as narrow, or sharp."""
_STEEPEST: Final = math.sqrt(2 * math.pi)
"""A step, over the steepest slope that a Gaussian blur leaves of it, is so many deviations."""
_EDGE_PX: Final = 25
_STRONG: Final = 30
_NEARLY: Final = 0.7


@dataclass(frozen=True, slots=True)
class _Edge:
    """An edge of a profile: where, and the standard deviation of its blur, in its pixels."""

    at_px: float
    blur_px: float


@dataclass(frozen=True, slots=True)
class Legibility:
    """How legible the most likely barcode of a picture is, in its pixels and grey levels.

    `runs` bars and spaces can be told apart, the narrow ones `narrow_px` wide. `edge_px` is the
    standard deviation of the blur of the sharpest edges, across the bars; `smear` how much steeper
    edges are in one direction than at right angles to it, 1 for equally. `paper` and `ink` are the
    levels of the spaces and the bars, `glare` the share of the place that is overexposed. Where
    `region` is None there are no bars, `runs` and `narrow_px` are 0, and the rest is the whole
    picture's.
    """

    region: Region | None
    runs: int
    narrow_px: float
    edge_px: float
    smear: float
    paper: float
    ink: float
    glare: float


def legibility(grey: Grey, read: Iterable[Reading] = ()) -> Legibility:
    """The figures of the most likely barcode of `grey` (H×W uint8) that is none of those in `read`.

    For a picture that the engines have given up: it takes half as long as `read_still`.
    """
    scale = min(1.0, _LONGEST_PX / max(grey.shape))
    small = _scaled(grey, scale)
    places = [np.array(each.polygon, np.float32) * scale for each in read]
    region = _likeliest(_lightened(small), places)
    found = _of_picture(small) if region is None else _of_bars(small, region)
    return replace(
        found,
        region=region.scaled(1 / scale) if region else None,
        narrow_px=found.narrow_px / scale,
        edge_px=found.edge_px / scale,
    )


def _likeliest(grey: Grey, known: Sequence[Points]) -> Region | None:
    best, likeliest = None, _LIKELY
    for step in _SCALES:
        if step > 1 and best:
            break
        picture = _scaled(grey, step)
        for found in locate(picture, _CANDIDATES):
            region = refine(picture, found)
            likely = _likelihood(picture, region)
            place = region.scaled(1 / step)
            if likely >= likeliest and not any(_same_place(place, other) for other in known):
                best, likeliest = place, likely
    return best


def _same_place(region: Region, polygon: Points) -> bool:
    """True where `polygon`, which may be a mere line across the bars, lies within `region`."""
    x, y = (float(value) for value in polygon.mean(axis=0))
    return cv2.pointPolygonTest(np.array(region.corners, np.float32), (x, y), False) >= 0


def _scaled(grey: Grey, factor: float) -> Grey:
    if factor == 1.0:
        return grey
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    height, width = grey.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(grey, size, interpolation=way)


def _lightened(grey: Grey) -> Grey:
    """`grey`, stretched where it is dark: places are found by differences of grey levels."""
    low, high = (float(level) for level in np.percentile(grey[::4, ::4], (1, 99.5)))
    if high >= _DIM:
        return grey
    gain = min(_MOST_LIGHT, 220 / max(high - low, 1.0))
    quiet = cv2.GaussianBlur(grey, (3, 3), 0)
    return cv2.convertScaleAbs(np.maximum(quiet, int(low)) - int(low), alpha=gain)


# ---------------------------------------------------------------------------- how likely


def _likelihood(grey: Grey, region: Region) -> float:
    """How much the strip of `region` looks like a code's bars: many, uneven, the same all along."""
    strip = rectify(grey, region, 1.0)
    profile = _profile(strip, _SOFT_PX)
    low, high = _levels(profile)
    if high - low < _FAINTEST:
        return 0.0
    coherent = float(profile.var() / (strip.var() + 1))
    edges = _edges(profile, _SWING * (high - low))
    if len(edges) < _FEWEST_RUNS:
        return 0.0
    widths = np.diff([edge.at_px for edge in edges])
    pairs = widths[:-1] + widths[1:]
    middle = float(np.median(pairs))
    uneven = float(np.mean(np.abs(pairs - middle) > _SWING * middle))
    return coherent**2 * min(len(edges), _MANY_RUNS) * min(1.0, uneven / _UNEVEN)


def _profile(strip: Grey, soft_px: float) -> Profile:
    mean: Profile = cv2.reduce(strip, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0]
    return cv2.GaussianBlur(mean[None], (0, 0), soft_px)[0] if soft_px else mean


def _edges(profile: Profile, swing: float) -> list[_Edge]:
    """Where `profile` crosses half-way between extremes that are at least `swing` apart."""
    edges = []
    for (first, one), (last, other) in itertools.pairwise(_extremes(profile, swing)):
        stretch = profile[first : last + 1]
        middle = (one + other) / 2
        after = max(1, int(np.argmax((stretch >= middle) == (other > one))))
        step = float(stretch[after] - stretch[after - 1])
        place = first + after - 1 + ((middle - float(stretch[after - 1])) / step if step else 0.5)
        slope = float(np.abs(np.diff(stretch)).max())
        edges.append(_Edge(place, abs(other - one) / slope / _STEEPEST))
    return edges


def _extremes(profile: Profile, swing: float) -> list[tuple[int, float]]:
    """The tops and bottoms of `profile` in turn, each at least `swing` from the one before."""
    found: list[tuple[int, float]] = []
    top = bottom = (0, float(profile[0]))
    going = 0
    for at, level in enumerate(profile.tolist()):
        top = max(top, (at, level), key=lambda place: place[1])
        bottom = min(bottom, (at, level), key=lambda place: place[1])
        if going >= 0 and level < top[1] - swing:
            found.append(top)
            going, top, bottom = -1, (at, level), (at, level)
        elif going <= 0 and level > bottom[1] + swing:
            found.append(bottom)
            going, top, bottom = 1, (at, level), (at, level)
    found.append(bottom if going < 0 else top)
    return found


# ---------------------------------------------------------------------------- figures


def _of_bars(grey: Grey, region: Region) -> Legibility:
    strip = rectify(grey, region, _FINE)
    high = strip.shape[0]
    profile = _profile(strip[high // 3 : max(high - high // 3, high // 3 + 1)], 0.0)
    ink, paper = _levels(profile)
    edges = _edges(profile, max(_SWING * (paper - ink), 1.0))
    widths = np.diff([edge.at_px for edge in edges]) / _FINE
    longer, higher = _ROUND_ABOUT
    place = replace(
        region, length_px=region.length_px * longer, height_px=region.height_px * higher
    )
    around = rectify(grey, place, 1.0)
    return Legibility(
        region=region,
        runs=len(edges),
        narrow_px=float(np.percentile(widths, _NARROW)) if len(widths) else 0.0,
        edge_px=_sharpest([edge.blur_px / _FINE for edge in edges]),
        smear=_smear(around),
        paper=paper,
        ink=ink,
        glare=float(np.mean(around >= GLARING)),
    )


def _of_picture(grey: Grey) -> Legibility:
    ink, paper = _levels(grey[::4, ::4])
    return Legibility(
        region=None,
        runs=0,
        narrow_px=0.0,
        edge_px=_edge_px(grey),
        smear=_smear(grey),
        paper=paper,
        ink=ink,
        glare=glare(grey),
    )


def _levels(levels: Grey) -> tuple[float, float]:
    """The dark and the bright level of a picture or a profile."""
    low, high = np.percentile(levels, (5, 95))
    return float(low), float(high)


def _sharpest(blurs: Sequence[float]) -> float:
    return float(np.percentile(blurs, _NARROW)) if blurs else 0.0


def _edge_px(grey: Grey) -> float:
    """The blur of the sharpest strong edges of a whole picture, 0 where there are none.

    Noise and pixels make it 1.2 to 1.5 for a sharp picture.
    """
    if min(grey.shape) < _EDGE_PX:
        return 0.0
    quiet = cv2.GaussianBlur(grey, (3, 3), 0)
    window = np.ones((1, _EDGE_PX), np.uint8)
    blurs = []
    for rows in (quiet, np.ascontiguousarray(quiet.T)):
        slope = cv2.absdiff(rows[:, 2:], rows[:, :-2]).astype(np.float32) / 2
        step = cv2.subtract(cv2.dilate(rows, window), cv2.erode(rows, window))[:, 1:-1]
        strong = step > max(_STRONG, _NEARLY * float(np.percentile(step, 98)))
        blurs.append(step[strong] / np.maximum(slope[strong], 0.5) / _STEEPEST)
    every = np.concatenate(blurs)
    return float(np.percentile(every, 2)) if every.size else 0.0


def _smear(grey: Grey) -> float:
    """How much steeper the steepest edges of `grey` are in one direction than at right angles."""
    quiet = cv2.GaussianBlur(grey, (3, 3), 0)
    along, down = (cv2.Sobel(quiet, cv2.CV_32F, x, 1 - x, ksize=3) for x in (1, 0))
    angles = np.arange(_DIRECTIONS) * (np.pi / _DIRECTIONS)
    steep = np.array(
        [
            np.percentile(np.abs(along * np.cos(angle) + down * np.sin(angle)), 99.5)
            for angle in angles
        ]
    )
    return float((steep / np.maximum(np.roll(steep, _DIRECTIONS // 2), 1e-3)).max())
