"""How good a picture is: focus, light and motion as numbers.

Beside `capture.still` and `capture.testcard`. Measures, and judges nothing: what is too little is
said where it matters. All functions take H×W uint8 grey.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[Any]

GLARING: Final = 250
"""Grey level from which nothing more is seen: sensors and JPEG leave a few levels of noise."""
_MOTION_STEP: Final = 8


def sharpness(grey: Grey) -> float:
    """Variance of the Laplacian at half size: the larger the sharper, comparable within a scene.

    CV_16S at half size ranks like CV_64F at full size and takes a fifteenth of the time.
    """
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(half, cv2.CV_16S))
    return float(deviation[0][0] ** 2)


def brightness(grey: Grey) -> float:
    """The mean grey level, 0-255."""
    return float(cv2.mean(grey)[0])


def glare(grey: Grey) -> float:
    """The share of the picture that is overexposed, 0-1."""
    return float(np.count_nonzero(grey >= GLARING) / grey.size)


def eighth(grey: Grey) -> Grey:
    """The picture at an eighth of its size, for `motion`: noise is averaged away."""
    height, width = grey.shape
    size = (max(1, width // _MOTION_STEP), max(1, height // _MOTION_STEP))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def motion(one: Grey, other: Grey) -> float:
    """The mean change of the grey level between two pictures of `eighth`, 0-255; 0 if their sizes
    differ."""
    return float(cv2.mean(cv2.absdiff(one, other))[0]) if one.shape == other.shape else 0.0
