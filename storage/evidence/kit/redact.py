"""Regions of a picture that are covered in a copy: an address, a face, a price.

A box is given in fractions of the picture, so that it holds for a photo, a video of another size
and a page alike. Covers pixels for good, with the word for it on top; the original is never
touched.
Knows no archive and no file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from storage.errors import RedactionRefused

Plane = npt.NDArray[np.uint8]
WORDS: Final = ("REDACTED 已遮盖", "REDACTED", "已遮盖")
"""What stands on a box: the longest that fits."""
SUFFIX: Final = "-redacted"
"""What the name of a file ends in that shows less than its source."""
BLACK, WHITE, GREY_CHROMA = 16, 235, 128
"""Limited-range luma, and no colour."""
SMALLEST_TEXT_PX, LARGEST_TEXT_PX = 8, 64
_FORM: Final = re.compile(
    r"(?P<target>[^:]+):(?P<x>[\d.]+),(?P<y>[\d.]+),(?P<w>[\d.]+),(?P<h>[\d.]+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Box:
    """A region that is covered: its left upper corner, width and height, each a fraction 0..1 of
    the whole upright picture. `target` is a shot slot, a camera, or the name of a file in the
    session's folder; a slot's box covers the photo of that slot, a camera's all that it recorded.

    Raises RedactionRefused where that is no region of a picture.
    """

    target: str
    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.w, self.h)
        if not self.target.strip():
            raise RedactionRefused(str(self), "say on what: SLOT:X,Y,W,H")
        if not all(0 <= number <= 1 for number in numbers) or not self.w or not self.h:
            raise RedactionRefused(
                str(self), "X, Y, W and H are fractions from 0 to 1, W and H > 0"
            )
        if self.x >= 1 or self.y >= 1:
            raise RedactionRefused(str(self), "it begins outside of the picture")

    def __str__(self) -> str:
        return f"{self.target}:{self.x:g},{self.y:g},{self.w:g},{self.h:g}"

    def pixels(self, width: int, height: int, grid: int = 1) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in a picture of that size, rounded outwards to whole `grid`
        pixels: never less than what was asked for."""
        left = int(self.x * width) // grid * grid
        top = int(self.y * height) // grid * grid
        right = -(-min(1.0, self.x + self.w) * width // grid) * grid
        bottom = -(-min(1.0, self.y + self.h) * height // grid) * grid
        return left, top, min(width, int(right)), min(height, int(bottom))


def parsed(text: str) -> Box:
    """The box that `TARGET:X,Y,W,H` spells, like `label:0.1,0.2,0.5,0.15`. Raises
    RedactionRefused."""
    match = _FORM.fullmatch(text.strip())
    numbers = [_fraction(match[key]) for key in "xywh"] if match else []
    if match is None or None in numbers:
        raise RedactionRefused(
            repr(text),
            "say it as TARGET:X,Y,W,H in fractions of the picture, like label:0.1,0.2,0.5,0.15",
        )
    x, y, w, h = (number or 0.0 for number in numbers)
    return Box(match["target"], x, y, w, h)


def _fraction(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def on(boxes: Iterable[Box], *targets: str) -> tuple[Box, ...]:
    """Those of the boxes that cover one of these targets."""
    return tuple(box for box in boxes if box.target in targets)


def cover(image: Image.Image, boxes: Iterable[Box]) -> None:
    """Paint the boxes into an upright picture of mode L or RGB, in place."""
    draw = ImageDraw.Draw(image)
    for box in boxes:
        left, top, right, bottom = box.pixels(image.width, image.height)
        draw.rectangle((left, top, right - 1, bottom - 1), fill=0)
        label = word(right - left, bottom - top)
        if label is not None:
            place = (
                left + (right - left - label.width) // 2,
                top + (bottom - top - label.height) // 2,
            )
            image.paste(label.convert(image.mode), place)


def cover_planes(planes: Sequence[Plane], boxes: Iterable[Box]) -> None:
    """Paint the boxes into a picture of yuv420p in place: its Y (H×W), U and V (H/2×W/2) planes,
    uint8, limited range, both sides even."""
    luma, *chroma = planes
    height, width = luma.shape
    for box in boxes:
        left, top, right, bottom = box.pixels(width, height, grid=2)
        luma[top:bottom, left:right] = plate(right - left, bottom - top)
        for plane in chroma:
            plane[top // 2 : -(-bottom // 2), left // 2 : -(-right // 2)] = GREY_CHROMA


@functools.lru_cache(maxsize=64)
def plate(width: int, height: int) -> Plane:
    """A covered region as limited-range luma, H×W uint8; not to be written to."""
    grey = np.full((height, width), BLACK, np.uint8)
    label = word(width, height)
    if label is not None:
        left, top = (width - label.width) // 2, (height - label.height) // 2
        share = np.asarray(label, np.uint16)
        grey[top : top + label.height, left : left + label.width] = (
            BLACK + share * (WHITE - BLACK) // 255
        )
    return grey


def word(width: int, height: int) -> Image.Image | None:
    """The word for a covered region of that size, white on black, mode L, smaller than it by a
    margin; None where not even the shortest fits."""
    for text in WORDS:
        for size in range(min(LARGEST_TEXT_PX, height * 2 // 3), SMALLEST_TEXT_PX - 1, -1):
            left, top, right, bottom = (int(each) for each in font(size).getbbox(text))
            if right - left <= width * 9 // 10 and bottom - top <= height * 9 // 10:
                image = Image.new("L", (right - left, bottom - top), 0)
                ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font(size))
                return image
    return None


@functools.lru_cache(maxsize=128)
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """The font for what is written into pictures; it has Latin letters and Chinese signs."""
    import pylopdf_fonts_zh_cn

    path = Path(pylopdf_fonts_zh_cn.__file__).with_name("NotoSansSC-Regular.otf")
    return ImageFont.truetype(str(path), size_px)
