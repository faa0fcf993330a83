"""A camera over real streams: damaged pictures, another size than asked for, its own H.264 kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from capture.camera import Camera
from capture.events import (
    CameraDown,
    CameraUp,
    CameraWarned,
    ClipEnded,
    ClipStarted,
    StillTaken,
)
from capture.frame import Frame
from capture.settings import CameraSettings
from capture.source import parse_source
from tests.capture.http_camera import HttpCamera, jpeg_of
from tests.capture.numbered import number_in, numbers_of
from tests.capture.parts import Ear

NUMBER = "1Z999AA10123456784"
FPS = 25


@pytest.fixture
def open_camera(ear: Ear) -> Iterator[Callable[..., Camera]]:
    opened: list[Camera] = []

    def start(text: str, **settings: Any) -> Camera:
        wanted: dict[str, Any] = {"pre_roll_s": 2.0, **settings}
        opened.append(Camera(CameraSettings("overhead", parse_source(text), **wanted), ear))
        opened[-1].start()
        return opened[-1]

    yield start
    for camera in opened:
        camera.close()


Open = Callable[..., Camera]


@pytest.fixture
def http_camera() -> Iterator[Callable[[list[bytes]], HttpCamera]]:
    started: list[HttpCamera] = []

    def start(pictures: list[bytes]) -> HttpCamera:
        started.append(HttpCamera(pictures))
        return started[-1]

    yield start
    for camera in started:
        camera.close()


def test_a_camera_that_sends_damage_only_is_down_with_its_cause_and_comes_back(
    open_camera: Open, ear: Ear, http_camera: Callable[[list[bytes]], HttpCamera]
) -> None:
    good = [jpeg_of(number) for number in range(FPS)]
    torn = [picture[: len(picture) // 2] for picture in good]
    server = http_camera([*good, *torn, *torn])
    camera = open_camera(server.url, stall_s=1.0)
    ear.wait(CameraUp)
    assert "only damaged pictures come" in ear.wait(CameraDown).cause
    assert camera.status.damaged > FPS // 2
    ear.wait(CameraUp)  # opened again, it sends good ones first


def test_some_damaged_pictures_are_counted_and_no_reason_to_be_down(
    open_camera: Open, ear: Ear, http_camera: Callable[[list[bytes]], HttpCamera]
) -> None:
    pictures = [jpeg_of(number) for number in range(3 * FPS)]
    pictures[20:25] = [picture[:500] for picture in pictures[20:25]]
    camera = open_camera(http_camera(pictures).url, stall_s=1.0)
    ear.wait(CameraUp)
    until = time.monotonic() + 10
    while camera.status.frames < 3 * FPS - 10 and time.monotonic() < until:
        time.sleep(0.05)
    assert camera.status.damaged == 5
    assert ear.count(CameraDown) == 0


def test_a_camera_that_gives_another_size_than_asked_for_is_told_once(
    open_camera: Open, ear: Ear, http_camera: Callable[[list[bytes]], HttpCamera]
) -> None:
    server = http_camera([jpeg_of(number) for number in range(8 * FPS)])
    camera = open_camera(server.url, width=1280, height=720)
    warned = ear.wait(CameraWarned)
    assert warned.what == "delivers 640x360; 1280x720 was asked for"
    assert camera.status.warning == warned.what
    assert camera.status.up
    time.sleep(1)
    assert ear.count(CameraWarned) == 1


def test_the_camera_s_own_coding_is_kept_with_every_frame_from_before_the_trigger(
    open_camera: Open, ear: Ear, film: Path, tmp_path: Path
) -> None:
    camera = open_camera(f"file:{film}", record="copy")
    seen: list[Frame] = []
    camera.add_taker(seen.append)
    ear.wait(CameraUp)
    time.sleep(3)
    camera.start_clip("c1", tmp_path / "overhead-01.mp4", time.monotonic_ns(), NUMBER)
    started = ear.wait(ClipStarted)
    time.sleep(1.5)
    camera.take_still(1, tmp_path / "label.jpg")
    still = ear.wait(StillTaken).info
    camera.stop_clip("c1")
    info = ear.wait(ClipEnded).info

    assert info.copied
    assert (info.codec, info.dropped, info.holes) == ("h264", 0, ())
    assert started.pre_roll_ms >= 2000
    numbers = numbers_of(info.path)
    assert len(numbers) == info.frames > 3 * FPS
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert 3 <= len(seen) < len(numbers) / 3, "only key frames are decoded"
    # But a photo is of the moment at which it was asked for.
    photo = cv2.imread(str(still.path), cv2.IMREAD_GRAYSCALE)
    assert photo is not None
    shown = number_in(np.asarray(photo, np.uint8))
    last = numbers[-1]
    assert last - FPS < shown <= last
    assert camera.status.frames > 4 * FPS


def test_a_camera_that_reads_barcodes_is_not_copied_unless_it_must_be(
    open_camera: Open, ear: Ear, film: Path
) -> None:
    seen: list[Frame] = []
    camera = open_camera(f"file:{film}", record="auto", symbologies=("Code128",))
    camera.add_taker(seen.append)
    ear.wait(CameraUp)
    time.sleep(1)
    assert len(seen) > FPS // 2
