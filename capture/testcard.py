"""The test card: what a camera still reads of bars that are printed finer and finer.

A sheet of paper that `packwitness cards` prints. Four large DataMatrix marks in its corners say
where in a picture it lies, however it is turned; between them stands the same Code128 at module
sizes from 1 mm down to 0.17 mm. `LAYOUT` is the one description of it: the printer draws it, and
`read_card` looks for it. Knows no bench and judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

from capture.barcode import LONGEST_PX
from capture.engines import Grey, read_zxing, to_grey
from capture.quality import sharpness

BAR_MODULES: Final = 145
"""Modules of `PWCARD-nnn` in Code128, without its quiet zones."""
MARK_MODULES: Final = 14
MODULES_MM: Final = (1.0, 0.8, 0.66, 0.5, 0.4, 0.33, 0.25, 0.2, 0.17)
"""Carriers print 0.25 mm to 0.53 mm: USPS asks for 0.33 to 0.53 (Publication 199), GS1 for 0.495
and more on logistic labels (General Specifications, table for GS1-128)."""
_MARK_MM: Final = 2.2


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """A code of the card: what it says and where it stands, in mm from the card's upper left."""

    text: str
    module_mm: float
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float

    @property
    def corners_mm(self) -> tuple[tuple[float, float], ...]:
        """Clockwise from the upper left."""
        right, bottom = self.x_mm + self.width_mm, self.y_mm + self.height_mm
        return (
            (self.x_mm, self.y_mm),
            (right, self.y_mm),
            (right, bottom),
            (self.x_mm, bottom),
        )


def _bars(module_mm: float, x_mm: float, y_mm: float) -> PrintedCode:
    text = f"PWCARD-{round(module_mm * 100):03d}"
    return PrintedCode(text, module_mm, x_mm, y_mm, BAR_MODULES * module_mm, 12.0)


def _mark(number: int, x_mm: float, y_mm: float) -> PrintedCode:
    side_mm = MARK_MODULES * _MARK_MM
    return PrintedCode(f"PWCARD-{number}", _MARK_MM, x_mm, y_mm, side_mm, side_mm)


WIDTH_MM, HEIGHT_MM = 182.0, 178.0
_FAR = (WIDTH_MM - MARK_MODULES * _MARK_MM, HEIGHT_MM - MARK_MODULES * _MARK_MM)
MARKS: Final = (
    _mark(1, 0, 0),
    _mark(2, _FAR[0], 0),
    _mark(3, _FAR[0], _FAR[1]),
    _mark(4, 0, _FAR[1]),
)
BARS: Final = (
    _bars(1.0, 18.5, 38),
    _bars(0.8, 33, 58),
    _bars(0.66, 8, 78),
    _bars(0.4, 115, 78),
    _bars(0.5, 8, 98),
    _bars(0.33, 93, 98),
    _bars(0.2, 150, 98),
    _bars(0.25, 50, 118),
    _bars(0.17, 103, 118),
)
"""The finest stand where a lens draws best, near the middle; none within another's quiet zone."""

_LOOK_PX: Final = (LONGEST_PX, 4096)
_FINE: Final = (3.0, 4.0)  # pixels that a module gets at least where its bars are read
_SOFT_PX: Final = 3.0
_MARGIN_MM: Final = 3.0  # where a card bends or a lens distorts, bars lie beside their place
_BROAD_MM: Final = 0.66
_WASHED_OUT: Final = 180
"""Grey level of printed black below which print is legible; ink on paper in light has 30 to 80."""


@dataclass(frozen=True, slots=True)
class CardReading:
    """What a camera showed of the card.

    `module_mm`: the finest bars that were read, None for none. It is what the picture resolves:
    a label, whose place is not known beforehand, is read one or two sizes coarser. `px_per_mm` in
    the card's middle.
    `sharpness` (variance of the Laplacian at half size) and `brightness` (of the paper, 0-255) are
    those of the card alone. `glare`: the share of the card's black print that looks white, 0-1.
    """

    module_mm: float | None
    px_per_mm: float
    sharpness: float
    brightness: float
    glare: float

    @property
    def px_per_module(self) -> float:
        """Pixels of a module of the finest bars that were read, inf for none. In focus 1.2 to 2."""
        return self.px_per_mm * self.module_mm if self.module_mm else float("inf")


def read_card(image: npt.NDArray[Any]) -> CardReading | None:
    """What `image`, H×W grey or H×W×3 BGR, uint8, shows of the card; None where there is none.

    For a still, off the UI thread: up to 0.3 s at 1080p. Only the card's own texts count, each
    where it is printed, so that nothing else on the bench passes for it. Raises ValueError for
    another picture.
    """
    grey = to_grey(image)
    place = _placed(grey)
    if place is None:
        return None
    middle = np.array([[WIDTH_MM / 2, HEIGHT_MM / 2]])
    px_per_mm = _scale(place, middle)
    read = [code.module_mm for code in BARS if _reads(grey, place, code)]
    card = _upright(grey, place, (0.0, 0.0, WIDTH_MM, HEIGHT_MM), px_per_mm)
    return CardReading(
        module_mm=min(read, default=None),
        px_per_mm=px_per_mm,
        sharpness=sharpness(card),
        brightness=float(np.percentile(card, 80)),
        glare=_glare(grey, place),
    )


def _placed(grey: Grey) -> npt.NDArray[np.float64] | None:
    """The 3x3 way from the card's mm to the picture's pixels, by the marks that are seen."""
    known = {mark.text: mark for mark in MARKS}
    found: dict[str, npt.NDArray[np.float64]] = {}
    for longest_px in _LOOK_PX:
        scale = min(1.0, longest_px / max(grey.shape))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for picture in (small, cv2.blur(small, (3, 3))):
            for reading in read_zxing(picture, ("DataMatrix",), thorough=True):
                if reading.text in known:
                    found.setdefault(reading.text, np.array(reading.polygon) / scale)
            if len(found) == len(known):
                break
        if found and scale == 1.0:
            break
    if not found:
        return None
    mm = np.array([corner for text in found for corner in known[text].corners_mm])
    px = np.concatenate(list(found.values()))
    if len(found) == 1:  # too small a base for a perspective
        way, _ = cv2.estimateAffinePartial2D(mm, px, method=cv2.LMEDS)
        return None if way is None else np.vstack([way, [0.0, 0.0, 1.0]])
    way, _ = cv2.findHomography(mm, px, 0)
    return None if way is None else np.asarray(way, np.float64)


def _scale(place: npt.NDArray[np.float64], at_mm: npt.NDArray[np.float64]) -> float:
    """Pixels of a mm at that place."""
    steps = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) + at_mm
    here, right, down = cv2.perspectiveTransform(steps.reshape(1, -1, 2), place)[0]
    across, along = right - here, down - here
    return float(np.sqrt(abs(across[0] * along[1] - across[1] * along[0])))


def _upright(
    grey: Grey,
    place: npt.NDArray[np.float64],
    box_mm: tuple[float, float, float, float],
    px_per_mm: float,
) -> Grey:
    """The part of the card from `box_mm` (x, y, width, height), straight, at that scale."""
    x_mm, y_mm, width_mm, height_mm = box_mm
    to_mm = np.array([[1 / px_per_mm, 0, x_mm], [0, 1 / px_per_mm, y_mm], [0, 0, 1]])
    size = (max(1, round(width_mm * px_per_mm)), max(1, round(height_mm * px_per_mm)))
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(grey, place @ to_mm, size, flags=flags, borderValue=(128,))


def _reads(grey: Grey, place: npt.NDArray[np.float64], code: PrintedCode) -> bool:
    """Whether the bars of `code` are legible where they are printed."""
    quiet_mm = 8 * code.module_mm
    box_mm = (
        code.x_mm - quiet_mm,
        code.y_mm - _MARGIN_MM,
        code.width_mm + 2 * quiet_mm,
        code.height_mm + 2 * _MARGIN_MM,
    )
    middle = np.array([[code.x_mm + code.width_mm / 2, code.y_mm + code.height_mm / 2]])
    own = _scale(place, middle)
    for fine in (max(_FINE[0] / code.module_mm, own), max(_FINE[1] / code.module_mm, 2 * own)):
        strip = _upright(grey, place, box_mm, fine)
        along = cv2.blur(strip, (1, max(1, round(2 * fine))))  # noise goes, bars stay
        sharp = cv2.addWeighted(along, 2.5, cv2.GaussianBlur(along, (0, 0), _SOFT_PX), -1.5, 0)
        for picture in (strip, along, sharp):
            found = read_zxing(picture, ("Code128",), thorough=True)
            if any(reading.text == code.text for reading in found):
                return True
    return False


def _glare(grey: Grey, place: npt.NDArray[np.float64]) -> float:
    """The share of the card's black print, marks and larger bars, that looks white."""
    points = cv2.perspectiveTransform(_black_mm().reshape(1, -1, 2), place)[0].round().astype(int)
    height, width = grey.shape
    inside = (points >= 0).all(axis=1) & (points < (width, height)).all(axis=1)
    levels = grey[points[inside, 1], points[inside, 0]]
    return float(np.mean(levels > _WASHED_OUT)) if levels.size else 0.0


@cache
def _black_mm() -> npt.NDArray[np.float64]:
    """N×2: points, in mm of the card, in the middle of broad black print."""
    points: list[tuple[float, float]] = []
    for mark in MARKS:  # of a DataMatrix the left and the lower edge are solid
        half = mark.module_mm / 2
        left, bottom = mark.x_mm + half, mark.y_mm + mark.height_mm - half
        points += [(left, mark.y_mm + half + step * mark.module_mm) for step in range(MARK_MODULES)]
        points += [(left + step * mark.module_mm, bottom) for step in range(MARK_MODULES)]
    for bars in BARS:
        if bars.module_mm < _BROAD_MM:
            continue
        code = zxingcpp.create_barcode(bars.text, zxingcpp.BarcodeFormat.Code128)
        black = np.array(code.to_image(scale=1, add_quiet_zones=False))[0] == 0
        edges = np.flatnonzero(black[:-1] & black[1:]) + 1  # between two black modules
        points += [
            (bars.x_mm + float(edge) * bars.module_mm, bars.y_mm + part * bars.height_mm)
            for edge in edges
            for part in (0.25, 0.5, 0.75)
        ]
    return np.array(points)
