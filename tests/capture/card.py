"""The test card as a camera may see it: drawn from its layout, turned, blurred, badly lit."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import zxingcpp

from capture.engines import Grey
from capture.testcard import BARS, HEIGHT_MM, MARKS, WIDTH_MM

_DRAWN_PX = 20  # pixels of a mm: 0.05 mm, as all sizes but 0.66 and 0.33 can be drawn exactly
_PAPER_MM = 12  # white around the card


@cache
def drawn() -> Grey:
    """The card on white paper, ink as black as a printer's, 20 pixels a mm."""
    height, width = (round((side + 2 * _PAPER_MM) * _DRAWN_PX) for side in (HEIGHT_MM, WIDTH_MM))
    page = np.full((height, width), 230, np.uint8)
    kinds = zxingcpp.BarcodeFormat
    for code in (*MARKS, *BARS):
        made = zxingcpp.create_barcode(
            code.text, kinds.DataMatrix if code in MARKS else kinds.Code128
        )
        modules = np.array(made.to_image(scale=1, add_quiet_zones=False))
        x, y = (round((at + _PAPER_MM) * _DRAWN_PX) for at in (code.x_mm, code.y_mm))
        size = (round(code.width_mm * _DRAWN_PX), round(code.height_mm * _DRAWN_PX))
        ink = cv2.resize(modules, size, interpolation=cv2.INTER_NEAREST)
        page[y : y + size[1], x : x + size[0]] = np.where(ink > 0, 230, 35)
    return page


def seen(
    px_per_mm: float,
    *,
    degrees: float = 0.0,
    lean: float = 0.0,
    blur_px: float = 0.0,
    light: float = 1.0,
    lamp_px: float = 0.0,
    size: tuple[int, int] = (1280, 720),
) -> Grey:
    """A grey picture with the card in its middle, with a sensor's noise.

    `lean` above 0 makes the lower part of the card larger than the upper; `lamp_px` is how wide
    the reflection of a lamp on it is.
    """
    width, height = size
    rows, columns = drawn().shape
    turn = np.deg2rad(degrees)
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
    mm = (corners - (columns / 2, rows / 2)) / _DRAWN_PX
    mm = mm @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    mm *= 1 + lean * mm[:, 1:2] / 200
    middle = (width / 2, height / 2)
    shrink = min(1.0, 3 * px_per_mm / _DRAWN_PX)  # a camera's pixel averages what it covers
    page = cv2.resize(drawn(), None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    target = (mm * px_per_mm + middle) * 2
    way = cv2.getPerspectiveTransform(
        (corners * shrink).astype(np.float32), target.astype(np.float32)
    )
    large = cv2.warpPerspective(page, way, (2 * width, 2 * height), borderValue=(110,))
    small = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
    if blur_px:
        small = cv2.GaussianBlur(small, (0, 0), blur_px)
    picture = np.asarray(small, np.float64) * light
    if lamp_px:
        y, x = np.mgrid[:height, :width]
        apart = np.square(x - middle[0]) + np.square(y - middle[1])
        picture += 400 * np.exp(-apart / (2 * lamp_px**2))
    picture += np.random.default_rng(1).normal(0, 2, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)
