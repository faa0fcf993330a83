"""A still -> readings: every look that helps, and only what several of them agree on.

For a photo of a label, which is looked at once and must be right. The live reader
(`capture.live`) has its next frame instead. Knows no waybill and no database: what a text means
is the station's business.

zxing-cpp reads most codes at the first look. What it misses lies at an angle, is thin, blurred or
badly lit, and each of the other looks is for one of these: strips turned upright for bars at any
angle, twice the size for thin ones, one threshold for dark pictures, blurs and turns for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from capture.consensus import same_place, vote_key
from capture.engines import (
    DEFAULT_SYMBOLOGIES,
    LINEAR,
    ZXING,
    Grey,
    check_symbologies,
    read_zxing,
    to_grey,
)
from capture.events import Reading
from capture.strips import BANDS, BLURS, locate, read_strip, rectify, refine

LONGEST_PX: Final = 1920
"""Pictures are searched at this size: 4K as it is reads worse and costs five times as much."""
_OWN_SIZE_PX: Final = 4096
_SMALL_PX: Final = 900
"""Smaller pictures are enlarged before bars are looked for: regions are found in cells of 8 px."""
_LARGE_CODES_PX: Final = 960
"""Up to this size twice the size is searched for all symbologies, above it for bars alone."""
_TURNED_PX: Final = 1280
_REGIONS: Final = 8
_NEEDED: Final = 2
"""Looks that must read the same bars: what one alone reads may be a misread with a check digit
that is right by chance (seen on a photo of a GS1-128 of 44 digits)."""

Affine = npt.NDArray[Any]
"""3×3, from the pixels of one picture to those of another."""
Look = tuple[list[Reading], Affine]


def read_still(
    image: npt.NDArray[Any],
    symbologies: Collection[str] = DEFAULT_SYMBOLOGIES,
    *,
    mono_ns: int = 0,
    enough: Callable[[Reading], bool] | None = None,
) -> list[Reading]:
    """The codes of one picture that are beyond doubt, the surest first, in pixels of `image`.

    `image` is H×W grey or H×W×3 BGR, uint8. For a label photo, off the UI thread: 0.1 s for a code
    that the first looks read and `enough` is content with, 0.3 to 0.6 s for all looks at 1080p.
    Each look that reads a text is a vote for it. Bars need two votes and no other text with half
    as many in their place; codes that correct their own errors need one. ZBar alone is no vote.
    Raises ValueError for another picture or an unknown symbology.
    """
    wanted = check_symbologies(symbologies)
    votes: dict[str, list[Reading]] = {}
    for readings, back in _looks(to_grey(image), wanted, mono_ns, votes):
        seen: set[tuple[str, str]] = set()
        for reading in readings:
            key = vote_key(reading)
            if (key, reading.engine) not in seen:
                seen.add((key, reading.engine))
                votes.setdefault(key, []).append(mapped(reading, back))
        if enough is not None and any(enough(reading) for reading in _believed(votes)):
            break
    return _believed(votes)


def _looks(
    grey: Grey, wanted: Collection[str], mono_ns: int, votes: dict[str, list[Reading]]
) -> Iterator[Look]:
    """What each look reads, and the way to the pixels of `grey`; the dearest come last, and only
    while there are no `votes` at all."""
    bars = [name for name in wanted if name in LINEAR]
    small, back = fit(grey, LONGEST_PX)
    yield read_zxing(small, wanted, mono_ns, thorough=True), back
    yield from _strip_looks(grey, bars, mono_ns)
    yield read_zxing(small, wanted, mono_ns, thorough=True, even_light=True), back
    # Thin bars: at twice the size, or at the size that the camera gave.
    if max(grey.shape) > LONGEST_PX:
        own, own_back = fit(grey, _OWN_SIZE_PX)
        yield read_zxing(own, bars, mono_ns), own_back
    else:
        searched = wanted if max(small.shape) <= _LARGE_CODES_PX else bars
        enlarged = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        yield read_zxing(enlarged, searched, mono_ns), back @ np.diag([0.5, 0.5, 1.0])
    yield read_zxing(blurred(small), wanted, mono_ns, thorough=True), back
    if not votes:
        soft = cv2.GaussianBlur(small, (0, 0), 2.0)
        yield read_zxing(soft, wanted, mono_ns, thorough=True), back
        turning, turning_back = fit(small, _TURNED_PX)
        for degrees in (22.5, 45.0, 67.5):
            turned, unturn = _turned(turning, degrees)
            yield read_zxing(turned, wanted, mono_ns), back @ turning_back @ unturn


def _strip_looks(grey: Grey, bars: Collection[str], mono_ns: int) -> Iterator[Look]:
    """Looks at the strips of all regions: as they are, with ZBar's vote, and deblurred in bands.

    A large picture is searched at the size that engines like and at its own, a small one enlarged.
    """
    if not bars:
        return
    picture, back = fit(grey, _OWN_SIZE_PX)
    if max(grey.shape) < _SMALL_PX:
        picture = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        back = np.diag([0.5, 0.5, 1.0])
    regions = locate(picture, _REGIONS)
    if max(picture.shape) > LONGEST_PX:
        small, up = fit(picture, LONGEST_PX)
        scale = float(up[0, 0])
        regions += [region.scaled(scale) for region in locate(small, _REGIONS)]
    straight = [refine(picture, region) for region in regions]
    strips = [(rectify(picture, region), region) for region in straight]
    found = [read_strip(*strip, bars, mono_ns, zbar=True) for strip in strips]
    yield [reading for readings in found for reading in readings], back
    for band in range(len(BANDS)):
        found = [read_strip(*strip, bars, mono_ns, blurs=BLURS, bands=(band,)) for strip in strips]
        yield [reading for readings in found for reading in readings], back


def _believed(votes: dict[str, list[Reading]]) -> list[Reading]:
    """What `votes` suffice for, the surest first."""
    surest = sorted(votes.values(), key=len, reverse=True)
    return [
        main
        for readings in surest
        if (main := next((each for each in readings if each.engine == ZXING), None)) is not None
        and (main.symbology not in LINEAR or len(readings) >= _NEEDED)
        and not _disputed(main, readings, surest)
    ]


def _disputed(main: Reading, readings: list[Reading], votes: list[list[Reading]]) -> bool:
    """True where bars were read otherwise in the same place at least half as often."""
    if main.symbology not in LINEAR:
        return False
    return any(
        others is not readings
        and 2 * len(others) >= len(readings)
        and others[0].symbology in LINEAR
        and any(same_place(main, other) for other in others)
        for others in votes
    )


# ---------------------------------------------------------------------------- pictures


def fit(grey: Grey, longest_px: int) -> tuple[Grey, Affine]:
    """`grey` with its longer side at most `longest_px`, and the way (3×3) back to its pixels."""
    scale = longest_px / max(grey.shape)
    if scale >= 1:
        return grey, np.eye(3)
    height, width = grey.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return small, np.diag([width / size[0], height / size[1], 1.0])


def blurred(grey: Grey) -> Grey:
    """`grey` without the noise that parts a code's modules."""
    return cv2.blur(grey, (3, 3))


def _turned(grey: Grey, degrees: float) -> tuple[Grey, Affine]:
    """`grey` turned about its centre on a white ground that holds all of it, and the way back."""
    height, width = grey.shape
    turn = np.eye(3)
    turn[:2] = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(height * sin + width * cos) + 1, int(height * cos + width * sin) + 1)
    turn[:2, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(grey, turn[:2], size, borderValue=(255,))
    return turned, np.linalg.inv(turn)


def mapped(reading: Reading, back: Affine) -> Reading:
    """`reading` with its polygon in the pixels that `back` (3×3) leads to."""
    corners = np.array([(*point, 1.0) for point in reading.polygon]) @ back.T
    polygon = tuple((round(float(x)), round(float(y))) for x, y, _ in corners)
    return replace(reading, polygon=polygon)
