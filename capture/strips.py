"""Where bars stand in a picture, and each such place as an upright strip.

The engines read bars only along rows and columns, so whoever wants a code at another angle, or a
blurred or thin one, has to find it and turn it first. Between the picture and the engines; knows
no symbology, believes and rejects nothing.

Bars are found by directional energy: differences along four directions, pooled into cells, show
where the picture alternates one way only, and which way. The structure tensor of the strip then
corrects the angle to a few tenths of a degree.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from capture.engines import Grey, read_zbar, read_zxing
from capture.events import BAND, Reading

_CELL_PX: Final = 8
"""Some ten bars of a code with thin bars (1.6-2.2 px a module), and below the height of any."""
_REACH_CELLS: Final = 5
_ONE_WAY: Final = 0.32
"""Of the energy, as much must point one way: bars have 0.5 and more, text 0.1 to 0.25."""
_WEAKEST: Final = 3.0
"""Grey levels: below it is noise."""
_AGREEING: Final = 0.7
"""How well the directions within one region must agree, 0-1."""
_FEWEST_CELLS: Final = 6
_FEWEST_INNER_CELLS: Final = 3
_SHORTEST_PX: Final = 56
_LOWEST_PX: Final = 10
_QUIET: Final = 1.15
"""Of the length: a strip begins and ends outside the code, in its quiet zone."""
_INNER: Final = 0.9
"""Of the height: the ends of the bars are left out."""
_SCALE: Final = 2.0
_WIDEST_STRIP_PX: Final = 3600
_HIGHEST_STRIP_PX: Final = 200
_LARGEST_TURN: Final = 0.35
_SMALLEST_TURN: Final = 0.004
"""Radians that the structure tensor may correct; with more it saw something else."""


_TWELFTHS: Final = 12
BANDS: Final = ((1, 4), (4, 8), (8, 11))
"""Twelfths of a strip's height. About a third of the bars: slanted ones are not smeared, a scratch
or a glare spoils one band and leaves the others."""
_THIN_ROWS: Final = 24
_WINDOW_PX: Final = 121
"""Some twenty modules, of a strip: wider than any bar or space."""
_FAINTEST: Final = 4.0


@dataclass(frozen=True, slots=True)
class Blur:
    """A lens's blur to be taken out: a Gaussian of `sigma_px` in the picture. `noise`: the power of
    noise against that of the bars; the less is assumed, the more is restored, noise as well."""

    sigma_px: float
    noise: float


BLURS: Final = (Blur(0.6, 0.02), Blur(1.6, 0.001), Blur(1.3, 0.02), Blur(1.0, 0.005))
"""The most useful first: found one after the other, each for what the others did not read (360
frames of labels in a hand). With all of them 272 are read, with the strip alone 191."""


@dataclass(frozen=True, slots=True)
class Region:
    """A place where bars stand, in pixels of the picture.

    `across` is the unit vector (x, y) along which the bars alternate, `length_px` the extent along
    it with a quiet zone at both ends, `height_px` the length of the bars. `strength` ranks regions.
    """

    center_x: float
    center_y: float
    length_px: float
    height_px: float
    across: tuple[float, float]
    strength: float

    @property
    def corners(self) -> tuple[tuple[int, int], ...]:
        """Clockwise, as a reader of the code sees them: from its upper left."""
        ux, uy = self.across[0] * self.length_px / 2, self.across[1] * self.length_px / 2
        vx, vy = -self.across[1] * self.height_px / 2, self.across[0] * self.height_px / 2
        return tuple(
            (round(self.center_x + a * ux + b * vx), round(self.center_y + a * uy + b * vy))
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        )

    def scaled(self, factor: float) -> Region:
        """The same place in a picture that is `factor` times as large."""
        return replace(
            self,
            center_x=self.center_x * factor,
            center_y=self.center_y * factor,
            length_px=self.length_px * factor,
            height_px=self.height_px * factor,
        )


def locate(grey: Grey, most: int = 5) -> list[Region]:
    """The places in `grey` (H×W uint8) where bars may stand, the strongest first.

    Their angle is good to a few degrees: see `refine`.
    """
    if min(grey.shape) < 3 * _CELL_PX:
        return []
    level, swing, energy = _directions(grey)
    reach = (_REACH_CELLS, _REACH_CELLS)
    level, swing, energy = (cv2.blur(each, reach) for each in (level, swing, energy))
    strength = np.sqrt(level * level + swing * swing)
    one_way = strength / (energy / 2 + 4.0)
    mask = ((one_way > _ONE_WAY) & (strength > _WEAKEST)).astype(np.uint8)
    angle = np.arctan2(swing, level) / 2
    # Neighbours touch after pooling; eroded, they come apart.
    eroded = cv2.erode(mask, np.ones((3, 3), np.uint8))
    found = _regions(eroded, angle, strength, _FEWEST_INNER_CELLS, 2)
    if len(found) < 2:
        found += _regions(mask, angle, strength, _FEWEST_CELLS, 0)
    found.sort(key=lambda region: -region.strength)
    kept: list[Region] = []
    for region in found:
        if not any(_same(region, other) for other in kept):
            kept.append(region)
        if len(kept) == most:
            break
    return kept


def refine(grey: Grey, region: Region) -> Region:
    """`region` with its angle corrected by the structure tensor of its strip."""
    strip = rectify(grey, region, min(1.0, 400 / region.length_px))
    strip = cv2.GaussianBlur(strip, (3, 3), 0)
    high, wide = strip.shape
    margin_y, margin_x = high // 5, wide // 10
    inner = strip[margin_y : max(high - margin_y, margin_y + 2), margin_x : wide - margin_x]
    # A strip is as high as its region, but shorter: gradients count as in the picture.
    along = cv2.Scharr(inner, cv2.CV_32F, 1, 0) * (wide / (region.length_px * _QUIET))
    down = cv2.Scharr(inner, cv2.CV_32F, 0, 1) * (high / (region.height_px * _INNER))
    turn = 0.5 * math.atan2(
        2 * float((along * down).sum()), float((along * along - down * down).sum())
    )
    if not _SMALLEST_TURN <= abs(turn) <= _LARGEST_TURN:
        return region
    x, y = region.across
    cos, sin = math.cos(turn), math.sin(turn)
    return replace(region, across=(x * cos - y * sin, x * sin + y * cos))


def rectify(grey: Grey, region: Region, scale: float = _SCALE) -> Grey:
    """The strip of `region`, bars upright, `scale` times as long, as high as it is, H×W uint8."""
    length, height = region.length_px * _QUIET, region.height_px * _INNER
    wide = max(8, int(min(_WIDEST_STRIP_PX, length * scale)))
    high = int(min(max(height, 8), _HIGHEST_STRIP_PX))
    ux, uy = region.across
    left = region.center_x - ux * length / 2 + uy * height / 2
    top = region.center_y - uy * length / 2 - ux * height / 2
    back = np.array(
        [
            [ux * length / wide, -uy * height / high, left],
            [uy * length / wide, ux * height / high, top],
        ]
    )
    return cv2.warpAffine(
        grey,
        back,
        (wide, high),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def deblur(strip: Grey, band: int, blur: Blur) -> Grey:
    """The bars of one of the `BANDS` of `strip` as a thin picture, without the lens's blur.

    Along the bars a band is averaged, which takes nearly all noise; so little is left that the
    profile across can be divided by the blur (Wiener's filter), far beyond what sharpening does.
    """
    first, last = BANDS[band]
    high = strip.shape[0]
    rows = strip[high * first // _TWELFTHS : max(1, high * last // _TWELFTHS)]
    profile = cv2.reduce(rows, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0]
    mirrored = np.concatenate((profile, profile[::-1]))
    mean = float(mirrored.mean())
    spectrum = np.fft.rfft(mirrored - mean)
    response = np.exp(-2 * (np.pi * blur.sigma_px * _SCALE * np.fft.rfftfreq(len(mirrored))) ** 2)
    spectrum *= response / (response * response + blur.noise)
    sharp = np.fft.irfft(spectrum, len(mirrored))[: len(profile)].astype(np.float32)
    return np.repeat(_levelled(sharp), _THIN_ROWS, axis=0)


def read_strip(
    strip: Grey,
    region: Region,
    bars: Collection[str],
    mono_ns: int = 0,
    *,
    blurs: Collection[Blur] = (),
    bands: Collection[int] = range(3),
    zbar: bool = False,
) -> list[Reading]:
    """What zxing-cpp reads of `bars` in `strip`, which is `region` rectified: as it is, or with
    `blurs` in each of the `bands` without those blurs. `zbar`: ZBar's vote as well. In pixels of
    the picture that holds `region`."""
    found: list[tuple[str, Reading]] = []
    if not blurs:
        found += (("strip", each) for each in read_zxing(strip, bars, mono_ns, upright=True))
    for band in bands if blurs else ():
        for blur in blurs:
            thin = deblur(strip, band, blur)
            found += (
                (f"{BAND} {band}", each) for each in read_zxing(thin, bars, mono_ns, upright=True)
            )
    if zbar:
        found += (("strip", each) for each in read_zbar(strip, bars, mono_ns))
    return [replace(each, polygon=region.corners, look=look) for look, each in found]


def _levelled(profile: npt.NDArray[np.float32]) -> Grey:
    """`profile` as 1×W uint8, black and white stretched to the same levels everywhere: a glare or a
    shadow at one end is taken out."""
    row = profile[None]
    window = np.ones((1, _WINDOW_PX), np.uint8)
    low = cv2.blur(cv2.erode(row, window), (_WINDOW_PX, 1))
    high = cv2.blur(cv2.dilate(row, window), (_WINDOW_PX, 1))
    share = (row - low) / np.maximum(high - low, _FAINTEST)
    levelled: Grey = np.clip(share * 215 + 20, 0, 255).astype(np.uint8)
    return levelled


# ---------------------------------------------------------------------------- energy


def _directions(grey: Grey) -> tuple[Grey, Grey, Grey]:
    """For each cell, as float32: energy across less energy down, energy on the one diagonal less
    that on the other, and the sum of all.

    Every second row suffices: a cell still averages 32 differences, at half the cost.
    """
    quiet = cv2.GaussianBlur(grey, (3, 3), 0)[::2]
    above, below = quiet[:-1], quiet[1:]
    pairs = (
        (above[:, 2:], above[:, :-2]),
        (below[:, 1:-1], above[:, 1:-1]),
        (below[:, 2:], above[:, :-2]),
        (below[:, :-2], above[:, 2:]),
    )
    cells = (grey.shape[1] // _CELL_PX, grey.shape[0] // _CELL_PX)
    across, down, falling, rising = (_pooled(cv2.absdiff(*pair), cells) for pair in pairs)
    return across - down, (falling - rising) * 0.8, across + down + falling + rising


def _pooled(differences: Grey, cells: tuple[int, int]) -> Grey:
    """The mean of each cell; the last cells, which lack the rows of the border, repeat them."""
    wide, high = cells[0] * _CELL_PX, cells[1] * _CELL_PX // 2
    height, width = differences.shape
    whole = cv2.copyMakeBorder(
        differences, 0, max(0, high - height), 0, max(0, wide - width), cv2.BORDER_REPLICATE
    )[:high, :wide]
    return cv2.resize(whole, cells, interpolation=cv2.INTER_AREA).astype(np.float32)


# ---------------------------------------------------------------------------- regions


def _regions(mask: Grey, angle: Grey, strength: Grey, fewest: int, grow: int) -> list[Region]:
    """The connected cells of `mask` whose directions agree; `grow`: cells that erosion took."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = []
    for label in range(1, count):
        left, top, wide, high, cells = (int(value) for value in stats[label])
        if cells < fewest:
            continue
        window = np.s_[top : top + high, left : left + wide]
        ys, xs = np.nonzero(labels[window] == label)
        weight, angles = strength[window][ys, xs], angle[window][ys, xs]
        cos = float((weight * np.cos(2 * angles)).sum())
        sin = float((weight * np.sin(2 * angles)).sum())
        total = float(weight.sum())
        agreeing = math.hypot(cos, sin) / total
        if agreeing < _AGREEING:
            continue
        mean = math.atan2(sin, cos) / 2
        ux, uy = math.cos(mean), math.sin(mean)
        px, py = (xs + left + 0.5) * _CELL_PX, (ys + top + 0.5) * _CELL_PX
        along, beside = px * ux + py * uy, py * ux - px * uy
        first, last = float(along.min()), float(along.max())
        low, top_most = (float(value) for value in np.percentile(beside, (8, 92)))
        length = last - first + _CELL_PX * (2 + 2 * grow)
        height = top_most - low + _CELL_PX * (1 + grow)
        if length < _SHORTEST_PX or height < _LOWEST_PX:
            continue
        u, v = (first + last) / 2, (low + top_most) / 2
        found.append(
            Region(
                center_x=u * ux - v * uy,
                center_y=u * uy + v * ux,
                length_px=length + 4 * _CELL_PX,
                height_px=height,
                across=(ux, uy),
                strength=total * agreeing * min(1.0, height / 24) * min(1.0, length / 120),
            )
        )
    return found


def _same(one: Region, other: Region) -> bool:
    """True where two regions are the same code."""
    apart = math.hypot(one.center_x - other.center_x, one.center_y - other.center_y)
    parallel = one.across[0] * other.across[0] + one.across[1] * other.across[1]
    return apart <= 0.25 * min(one.length_px, other.length_px) and abs(parallel) >= 0.9
