"""One picture of one camera, as every taker gets it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, shared read-only between its takers and never copied for one of them.

    `bgr` is H×W×3 uint8 in BGR order with `flags.writeable` False. `mono_ns` is the capture clock
    (`time.monotonic_ns`) when the frame arrived, `utc` the wall clock at that moment. `index`
    counts the frames that the camera delivered since its thread started.
    """

    index: int
    mono_ns: int
    utc: dt.datetime
    bgr: npt.NDArray[np.uint8]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.bgr.shape[:2]
        return int(width), int(height)


def freeze(bgr: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """`bgr` itself, made read-only. Raises ValueError unless it is H×W×3 uint8."""
    if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8:
        raise ValueError(f"not a BGR picture: shape {bgr.shape}, {bgr.dtype}")
    bgr.flags.writeable = False
    return bgr
