"""What the recording benchmark records, and how legible it still is.

The simulated bench, with two labels laid over it: one at rest, one carried in a circle. A label
bears the same code at finer and finer modules, in print that is not quite black and as soft as a
lens makes it. `noisy` adds a sensor's noise to every picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

from capture.frame import Bgr, freeze
from capture.source import open_source, parse_source

FPS = 30
SCENES = ("bench", "noisy")
_NOISE = 2.5  # grey levels, standard deviation
_NOISES, _NOISE_ROOM = 6, 64
_BARS_PX = (2.0, 1.9, 1.8, 1.7, 1.6, 1.55, 1.5, 1.45, 1.4, 1.3, 1.2)
_DOTS_PX = (3.0, 2.8, 2.6, 2.4, 2.2, 2.0, 1.8, 1.6)
_KINDS = (zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.DataMatrix)
_FORMATS = zxingcpp.BarcodeFormats(_KINDS)
_LABEL_PX = (480, 352)  # width, height
_PAPER, _INK = 225, 45
_CIRCLE_PX = 30

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Legibility:
    """Of the labels: PSNR in dB, and the smallest module in px that is read, as are all larger
    ones, in most pictures; how many codes are read in a picture."""

    all_db: float
    rest_db: float
    moving_db: float
    bars_px: float
    dots_px: float
    codes: float


def bench_pictures(width: int, height: int, seconds: int, scene: str) -> list[Bgr]:
    """So many seconds of it, H×W×3 BGR, a parcel being packed."""
    source = open_source(
        parse_source("sim:?seed=7&tracking=1Z999AA10123456784"), width, height, FPS
    )
    noise = np.random.default_rng(3)
    room = (height + _NOISE_ROOM, width + _NOISE_ROOM, 3)
    sheets = [
        noise.normal(0, _NOISE, room).round().astype(np.int8)
        for _ in range(_NOISES if scene == "noisy" else 0)
    ]
    printed = cv2.cvtColor(label(), cv2.COLOR_GRAY2BGR)
    pictures: list[Bgr] = []
    while len(pictures) < seconds * FPS:
        sample = source.read()
        if sample is None or not isinstance(sample.picture, np.ndarray):
            raise SystemExit("the simulated bench gives no picture")
        bgr = sample.picture.copy()
        for rows, columns in places(len(pictures), width):
            bgr[rows, columns] = printed
        if sheets:
            x, y = noise.integers(0, _NOISE_ROOM, 2)
            sheet = sheets[noise.integers(0, _NOISES)][y : y + height, x : x + width]
            cv2.add(bgr, sheet[:: noise.choice((-1, 1))], dst=bgr, dtype=cv2.CV_8U)
        pictures.append(freeze(bgr))
    source.close()
    return pictures


def places(index: int, width: int) -> tuple[tuple[slice, slice], ...]:
    """Rows and columns of the label at rest and of the one that moves, in picture `index`."""
    moved = [round(_CIRCLE_PX * (1 + turn(index / 12))) for turn in (math.sin, math.cos)]
    corners = ((width - _LABEL_PX[0] - 20, 20), (20 + moved[0], 20 + moved[1]))
    return tuple((slice(y, y + _LABEL_PX[1]), slice(x, x + _LABEL_PX[0])) for x, y in corners)


@cache
def label() -> Grey:
    """The label, H×W grey: bars above, dots below."""
    page = np.full((_LABEL_PX[1], _LABEL_PX[0]), _PAPER, np.uint8)
    y = 4
    for at, module_px in enumerate(_BARS_PX):
        code = _code(_KINDS[0], f"B{at:02d}1Z999AA10123456", module_px, rows=18)
        page[y : y + code.shape[0], 4 : 4 + code.shape[1]] = code
        y += 22
    x = 4
    for at, module_px in enumerate(_DOTS_PX):
        code = _code(_KINDS[1], f"D{at:02d}1Z999AA10123456", module_px)
        page[y : y + code.shape[0], x : x + code.shape[1]] = code
        x += code.shape[1] + 2
    return np.asarray(cv2.GaussianBlur(page, (0, 0), 0.6), np.uint8)


def _code(kind: zxingcpp.BarcodeFormat, text: str, module_px: float, rows: int = 0) -> Grey:
    drawn = np.array(zxingcpp.create_barcode(text, kind).to_image(scale=8, add_quiet_zones=True))
    # No camera puts the edges of bars between its pixels.
    drawn = np.pad(drawn, ((0, 0), (3, 0)), constant_values=255)
    width, height = (max(1, round(side * module_px / 8)) for side in drawn.shape[::-1])
    if rows:
        drawn, height = drawn[: drawn.shape[0] // 2], rows
    code = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(_INK + code.astype(float) * (_PAPER - _INK) / 255, np.uint8)


def legibility(wanted: dict[int, Grey], shown: dict[int, Grey]) -> Legibility:
    """Of pictures as shown, H×W luma by their index, against those that were recorded."""
    errors: tuple[list[float], ...] = ([], [], [])
    reads: dict[str, int] = {}
    for index, want in wanted.items():
        have = shown[index]
        above = slice(0, want.shape[0] * 15 // 16)  # the burnt-in line is none of it
        parts = [(above, slice(None)), *places(index, want.shape[1])]
        for sums, part in zip(errors, parts, strict=True):
            sums.append(float(np.mean((want[part].astype(float) - have[part]) ** 2)))
        for part in parts[1:]:
            texts = {
                read.text[:3]
                for read in zxingcpp.read_barcodes(
                    have[part].copy(), formats=zxingcpp.BarcodeFormats(_KINDS)
                )
            }
            for text in texts:
                reads[text] = reads.get(text, 0) + 1
    most = len(wanted)  # half of what was looked at, two labels in each picture

    def smallest(letter: str, sizes_px: tuple[float, ...]) -> float:
        read = [reads.get(f"{letter}{at:02d}", 0) >= most for at in range(len(sizes_px))]
        first_unread = (*read, False).index(False)
        return sizes_px[first_unread - 1] if first_unread else math.nan

    all_db, rest_db, moving_db = (
        10 * math.log10(255**2 / max(float(np.mean(sums)), 1e-6)) for sums in errors
    )
    return Legibility(
        all_db,
        rest_db,
        moving_db,
        smallest("B", _BARS_PX),
        smallest("D", _DOTS_PX),
        sum(reads.values()) / len(wanted),
    )
