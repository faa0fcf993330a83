"""What OpenCV hands out of a camera: JPEGs as they are coded, or pictures where it has none.

An AVI of JPEGs stands for a camera: OpenCV's file reader gives raw packets as its V4L2 one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from capture.frame import Yuv
from capture.opencv import Pictures
from capture.source import Sample, SourceLost
from tests.capture.http_camera import jpeg_of
from tests.capture.numbered import Picture, number_in
from tests.capture.parts import number_on, write_jpegs

Captures = Callable[..., Any]


@pytest.fixture(scope="module")
def avi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 numbered JPEGs."""
    jpegs = [jpeg_of(number) for number in range(20)]
    return write_jpegs(tmp_path_factory.mktemp("avi") / "jpegs.avi", jpegs)


@pytest.fixture
def capture_of() -> Iterator[Captures]:
    opened: list[Any] = []

    def start(path: Path, backend: int = cv2.CAP_FFMPEG) -> Any:
        raw = [cv2.CAP_PROP_FORMAT, -1] if backend == cv2.CAP_FFMPEG else []
        opened.append(cv2.VideoCapture(str(path), backend, raw))
        assert opened[-1].isOpened()
        return opened[-1]

    yield start
    for cap in opened:
        cap.release()


def number_of(sample: Sample) -> int:
    assert isinstance(sample.picture, Yuv)
    return number_in(sample.picture.i420[: sample.picture.size[1]])


def bgr_of(sample: Sample) -> Picture:
    assert isinstance(sample.picture, np.ndarray)
    assert sample.picture.shape == (360, 640, 3)
    return sample.picture


def test_a_capture_that_gives_jpegs_is_read_as_jpegs(avi: Path, capture_of: Captures) -> None:
    pictures = Pictures(capture_of(avi), 180, jpegs=True)
    samples = [pictures.read() for _ in range(19)]  # the first was its proof
    assert [number_of(sample) for sample in samples] == list(range(1, 20))
    assert [sample.jpeg for sample in samples] == [jpeg_of(number) for number in range(1, 20)]
    picture = samples[0].picture
    assert isinstance(picture, Yuv)
    assert (picture.size, picture.full_range) == ((320, 180), True)


def test_a_capture_that_gives_something_else_is_read_as_pictures(
    avi: Path, video: Path, capture_of: Captures
) -> None:
    pictures = Pictures(capture_of(avi, cv2.CAP_OPENCV_MJPEG), None, jpegs=True)
    sample = pictures.read()
    assert number_on(bgr_of(sample)) == 0  # this reader of OpenCV's gives only the first
    assert sample.jpeg == b""
    cap = capture_of(video)  # FFmpeg's reader obeys, but cannot read on after it was changed
    Pictures(cap, None, jpegs=True)
    assert cap.get(cv2.CAP_PROP_CONVERT_RGB) == 1


def test_a_capture_that_is_not_asked_gives_pictures(avi: Path, capture_of: Captures) -> None:
    sample = Pictures(capture_of(avi, cv2.CAP_OPENCV_MJPEG), None, jpegs=False).read()
    assert number_on(bgr_of(sample)) == 0


def test_a_damaged_jpeg_is_an_empty_sample(tmp_path: Path, capture_of: Captures) -> None:
    jpegs = [jpeg_of(number) for number in range(20)]
    # The first two: a camera's first JPEGs are often damaged, and are no reason to doubt it.
    for number in (0, 1, 10):
        jpegs[number] = jpegs[number][:3000] + bytes(400) + jpegs[number][3400:]
    path = write_jpegs(tmp_path / "damaged.avi", jpegs)
    pictures = Pictures(capture_of(path), None, jpegs=True)
    samples = [pictures.read() for _ in range(17)]
    assert samples[7] == Sample()  # the tenth
    assert [number_of(sample) for sample in samples if sample != Sample()] == [
        *(3, 4, 5, 6, 7, 8, 9),
        *range(11, 20),
    ]


def test_a_capture_that_gives_no_more_is_lost(avi: Path, capture_of: Captures) -> None:
    pictures = Pictures(capture_of(avi), None, jpegs=True)
    for _ in range(19):
        pictures.read()
    with pytest.raises(SourceLost, match="check its plug"):
        pictures.read()
