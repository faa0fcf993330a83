"""A frame made small: the same picture, in BGR, at most 480 pixels wide."""

from __future__ import annotations

import datetime as dt

import cv2
import numpy as np
import pytest

from capture.frame import Frame, Picture, Yuv
from capture.small import small

UTC = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def quarters(width: int, height: int) -> Picture:
    """Red, green, blue and grey quarters, in BGR."""
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[: height // 2, : width // 2] = (20, 40, 200)
    picture[: height // 2, width // 2 :] = (30, 180, 60)
    picture[height // 2 :, : width // 2] = (210, 70, 30)
    return picture


def as_yuv(bgr: Picture) -> Yuv:
    return Yuv(np.asarray(cv2.cvtColor(np.asarray(bgr), cv2.COLOR_BGR2YUV_I420), np.uint8))


@pytest.mark.parametrize("kind", ["bgr", "yuv"])
@pytest.mark.parametrize(
    ("size", "made"),
    [
        ((1920, 1080), (480, 270)),
        ((640, 480), (480, 360)),
        ((3840, 2160), (480, 270)),
        ((320, 240), (320, 240)),
        ((1080, 1920), (480, 853)),
    ],
)
def test_a_small_picture_shows_the_same(
    kind: str, size: tuple[int, int], made: tuple[int, int]
) -> None:
    bgr = quarters(*size)
    shown = small(Frame(7, 8, UTC, bgr if kind == "bgr" else as_yuv(bgr)))
    assert (shown.index, shown.mono_ns, shown.utc) == (7, 8, UTC)
    width, height = shown.size
    assert width == made[0]
    assert abs(height - made[1]) <= 2  # planes come in steps of four rows
    wanted = cv2.resize(np.asarray(bgr), (width, height), interpolation=cv2.INTER_AREA)
    for y, x in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)):
        at = round(y * height), round(x * width)
        assert np.abs(shown.bgr[at].astype(int) - wanted[at].astype(int)).max() <= 6
    assert not shown.bgr.flags.writeable
