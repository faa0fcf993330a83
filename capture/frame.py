"""One picture of one camera, as every taker gets it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Bgr: TypeAlias = npt.NDArray[np.uint8]
"""H×W×3 uint8 in BGR order."""
Grey: TypeAlias = npt.NDArray[np.uint8]
"""H×W uint8."""


@dataclass(frozen=True, slots=True, eq=False)
class Yuv:
    """A picture in YUV 4:2:0, as a decoder gave it.

    `i420` is (H * 3 / 2)×W uint8, read-only: the Y plane, then U, then V, packed; H is a multiple
    of 4, W of 2. `full_range`: black is 0 and white 255 (JPEG) instead of 16 and 235. `bt709`: the
    matrix is that of BT.709 (usual for HD streams) instead of BT.601 (JPEG, and what cv2 assumes).
    """

    i420: npt.NDArray[np.uint8] = field(repr=False)
    full_range: bool = False
    bt709: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        rows, width = self.i420.shape
        return int(width), int(rows * 2 // 3)

    def to_bgr(self) -> Bgr:
        """The picture in BGR, in its own colours."""
        import av

        frame = av.VideoFrame.from_ndarray(self.i420, format="yuv420p")
        return np.asarray(
            frame.to_ndarray(
                format="bgr24",
                src_colorspace="ITU709" if self.bt709 else "ITU601",
                src_color_range="JPEG" if self.full_range else "MPEG",
                dst_color_range="JPEG",
            ),
            np.uint8,
        )


Picture: TypeAlias = "Bgr | Yuv"


class Frame:
    """A frame, shared read-only between its takers and never copied for one of them.

    `mono_ns` is the capture clock (`time.monotonic_ns`) when the frame arrived, `utc` the wall
    clock at that moment. `index` counts the frames that the camera delivered since its thread
    started. `picture` is what the source gave; what a taker needs of it (`bgr`, `grey`) is made
    when it is first asked for. `jpeg` is the camera's own coded picture at the sensor's full size
    where it sent one, else empty: `picture` may be smaller.
    """

    __slots__ = ("_bgr", "_grey", "index", "jpeg", "mono_ns", "picture", "utc")

    def __init__(
        self, index: int, mono_ns: int, utc: dt.datetime, picture: Picture, jpeg: bytes = b""
    ) -> None:
        self.index = index
        self.mono_ns = mono_ns
        self.utc = utc
        self.picture = picture
        self.jpeg = jpeg
        self._bgr: Bgr | None = None
        self._grey: Grey | None = None

    @property
    def bgr(self) -> Bgr:
        """H×W×3 uint8 in BGR order, read-only."""
        if not isinstance(self.picture, Yuv):
            return self.picture
        if self._bgr is None:  # two threads may both make it: the same picture
            self._bgr = freeze(self.picture.to_bgr())
        return self._bgr

    @property
    def grey(self) -> Grey:
        """H×W uint8, read-only: the luma as it is coded (16-235 in a stream of limited range)."""
        if isinstance(self.picture, Yuv):
            return self.picture.i420[: self.size[1]]
        if self._grey is None:
            grey = np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_BGR2GRAY), np.uint8)
            grey.flags.writeable = False
            self._grey = grey
        return self._grey

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if isinstance(self.picture, Yuv):
            return self.picture.size
        height, width = self.picture.shape[:2]
        return int(width), int(height)

    @property
    def nbytes(self) -> int:
        """What the picture takes in memory."""
        planes = self.picture.i420 if isinstance(self.picture, Yuv) else self.picture
        return planes.nbytes + len(self.jpeg)


def freeze(bgr: npt.NDArray[Any]) -> Bgr:
    """`bgr` itself, made read-only. Raises ValueError unless it is H×W×3 uint8."""
    if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8:
        raise ValueError(f"not a BGR picture: shape {bgr.shape}, {bgr.dtype}")
    bgr.flags.writeable = False
    return bgr
