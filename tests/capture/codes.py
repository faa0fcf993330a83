"""Codes on a bench, drawn for the tests of the reader."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

from capture.engines import Grey
from capture.events import Reading

NUMBER = "1Z999AA10123456784"
OTHER = "1Z999AA10128456784"
"""One character off, as a misread is."""
PAPER = 245


def symbol(content: str | bytes, symbology: str = "Code128", module_px: int = 3) -> Grey:
    """A barcode with its quiet zone, black on white."""
    code = zxingcpp.create_barcode(content, getattr(zxingcpp.BarcodeFormat, symbology))
    return np.array(code.to_image(scale=module_px))


def thin_bars(module_px: float, content: str = NUMBER, high: int = 90) -> Grey:
    """A Code128 whose modules are no whole number of pixels."""
    code = symbol(content, module_px=8)
    size = (round(code.shape[1] * module_px / 8), high)
    return cv2.resize(code, size, interpolation=cv2.INTER_AREA)


@cache
def _desk(width: int, height: int, seed: int) -> Grey:
    random = np.random.default_rng(seed)
    picture = np.full((height, width), 120, np.uint8)
    for _ in range(20):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        far = (x + int(random.integers(20, 300)), y + int(random.integers(20, 200)))
        cv2.rectangle(picture, (x, y), far, int(random.integers(40, 230)), -1)
    for line in range(20, height, 60):
        words = "".join(random.choice(list("abcdefghij KLMNOP 0123"), 60))
        cv2.putText(picture, words, (5, line), cv2.FONT_HERSHEY_PLAIN, 1.0, 20, 1)
    return grainy(picture, 5, seed)


def desk(width: int = 1280, height: int = 720, seed: int = 3) -> Grey:
    """A grey picture of a cluttered bench: boxes, lines of fine print, sensor noise."""
    return _desk(width, height, seed).copy()


def grainy(picture: Grey, noise: float, seed: int = 1) -> Grey:
    """`picture` with a sensor's noise, in grey levels."""
    grain = np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def put(picture: Grey, code: Grey, x: int, y: int) -> Grey:
    """`code` on a white label in `picture`, its upper left corner at x, y."""
    high, wide = code.shape
    picture[y - 20 : y + high + 20, x - 20 : x + wide + 20] = PAPER
    picture[y : y + high, x : x + wide] = code
    return picture


def scene(content: str | bytes = NUMBER, symbology: str = "Code128", module_px: int = 3) -> Grey:
    """A bench with one label."""
    return put(desk(), symbol(content, symbology, module_px), 300, 250)


def tilted(picture: Grey, degrees: float) -> Grey:
    """`picture` turned about its middle, anticlockwise."""
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(picture, turn, (width, height), borderValue=(128,))


def texts(readings: list[Reading]) -> list[str]:
    return [reading.text for reading in readings]


def middle(polygon: tuple[tuple[int, int], ...]) -> npt.NDArray[Any]:
    return np.asarray(np.mean(polygon, axis=0))
