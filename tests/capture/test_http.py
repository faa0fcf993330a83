"""Network cameras that send JPEGs over HTTP: a real server on loopback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import pytest

from capture.frame import Yuv
from capture.source import Sample, Source, SourceError, SourceLost, open_source, parse_source
from tests.capture.http_camera import HttpCamera, jpeg_of
from tests.capture.numbered import number_in

HttpCameras = Callable[..., HttpCamera]


@pytest.fixture
def http_camera() -> Iterator[HttpCameras]:
    started: list[HttpCamera] = []

    def start(pictures: Sequence[bytes] = (), status: int = 200) -> HttpCamera:
        started.append(HttpCamera(pictures, status))
        return started[-1]

    yield start
    for camera in started:
        camera.close()


def read_until_lost(source: Source) -> tuple[list[Sample], SourceLost]:
    samples: list[Sample] = []
    with pytest.raises(SourceLost) as caught:
        while (sample := source.read()) is not None:
            samples.append(sample)
    source.close()
    return samples, caught.value


def number_of(sample: Sample) -> int | None:
    """The number on its picture, None for a damaged one."""
    if sample.picture is None:
        assert sample == Sample()
        return None
    assert isinstance(sample.picture, Yuv)
    width, height = sample.picture.size
    return number_in(sample.picture.i420[:height, :width])


def number_of_jpeg(jpeg: bytes) -> int:
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return number_in(np.asarray(grey, np.uint8))


def test_damaged_pictures_are_told_from_good_ones_and_reading_goes_on(
    http_camera: HttpCameras, capfd: pytest.CaptureFixture[str]
) -> None:
    pictures = [jpeg_of(number) for number in range(40)]
    pictures[15] = pictures[15][:-2000]  # the end is missing
    pictures[16] = pictures[16][:3000] + bytes(3000) + pictures[16][6000:]
    pictures[17] = b"\xff\xd8" + bytes(range(256)) * 20 + b"\xff\xd9"
    samples, lost = read_until_lost(open_source(parse_source(http_camera(pictures).url)))
    numbers = [number_of(sample) for sample in samples]
    begun = numbers[0]
    assert begun is not None
    assert begun < 12  # what came while it was opened is stale
    assert numbers == [*range(begun, 15), None, None, None, *range(18, 40)]
    assert "broke off" in lost.cause
    assert not lost.final
    assert capfd.readouterr().err == ""


def test_the_cameras_own_jpeg_stays_beside_a_smaller_picture(http_camera: HttpCameras) -> None:
    pictures = [jpeg_of(number, (1280, 720)) for number in range(20)]
    spec = parse_source(http_camera(pictures).url)
    for video_height, size in [(360, (640, 360)), (361, (1280, 720)), (180, (320, 180))]:
        source = open_source(spec, video_height=video_height)
        assert (source.width, source.height, source.fps) == (1280, 720, 0.0)
        sample = source.read()
        source.close()
        assert sample is not None
        assert isinstance(sample.picture, Yuv)
        assert sample.picture.size == size
        assert sample.picture.full_range
        assert sample.jpeg in pictures
        assert number_of(sample) == number_of_jpeg(sample.jpeg)


def test_a_camera_that_changes_its_size_is_to_be_opened_again(http_camera: HttpCameras) -> None:
    pictures = [jpeg_of(number) for number in range(20)]
    pictures += [jpeg_of(number, (320, 180)) for number in range(20, 30)]
    samples, lost = read_until_lost(open_source(parse_source(http_camera(pictures).url)))
    assert number_of(samples[-1]) == 19
    assert lost.cause == "the picture changed from 640x360 to 320x180"
    assert not lost.final


def test_jpegs_cannot_be_copied(http_camera: HttpCameras) -> None:
    url = http_camera([jpeg_of(number) for number in range(20)]).url
    with pytest.raises(SourceError, match=r"sends MJPEG, which cannot be copied; .*auto"):
        open_source(parse_source(url), record="copy")
    source = open_source(parse_source(url), record="auto")
    assert source.codec == ""
    source.close()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "user name or password refused"),
        (403, "user name or password refused"),
        (404, "no such path"),
        (500, "the camera answers but gives no video"),
    ],
)
def test_a_camera_that_refuses_is_told_why(
    http_camera: HttpCameras, status: int, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    host = http_camera(status=status).host
    with pytest.raises(SourceError) as caught:
        open_source(parse_source(f"HTTP://packer:f4lsch@{host}/video"))
    assert says in caught.value.why
    printed = capfd.readouterr()
    for text in (str(caught.value), repr(caught.value), printed.out, printed.err):
        assert "f4lsch" not in text
        assert not re.search(r"\n.", text)
    assert caught.value.__context__ is None  # FFmpeg's error holds the address


def test_a_host_that_nobody_knows() -> None:
    with pytest.raises(SourceError, match="host name is not known"):
        open_source(parse_source("http://no-such-camera.invalid/video"))
