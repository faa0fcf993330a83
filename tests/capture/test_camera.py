"""A camera from outside: what its owner is told, and what lies on the disk, when it fails."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import zxingcpp

from capture.camera import Camera
from capture.events import (
    CameraDown,
    CameraUp,
    CaptureEvent,
    ClipEnded,
    ClipFailed,
    ClipStarted,
    ReadingSeen,
    StillFailed,
    StillTaken,
)
from capture.fanout import Newest
from capture.frame import Frame
from capture.settings import CameraSettings
from capture.sim import scene
from capture.source import parse_source
from tests.capture.numbered import decode
from tests.capture.parts import Ear

UPS = "1Z999AA10123456784"
_fresh_seed = itertools.count(5000)


@pytest.fixture
def seed() -> Iterator[int]:
    seed = next(_fresh_seed)
    yield seed
    scene(seed).mend()


@pytest.fixture
def open_camera(ear: Ear) -> Iterator[Callable[..., Camera]]:
    opened: list[Camera] = []

    def start(text: str, **settings: Any) -> Camera:
        wanted: dict[str, Any] = {"width": 320, "height": 180, "pre_roll_s": 1.0, **settings}
        opened.append(Camera(CameraSettings("overhead", parse_source(text), **wanted), ear))
        opened[-1].start()
        return opened[-1]

    yield start
    for camera in opened:
        scene(1).mend()
        camera.close()


Open = Callable[..., Camera]


def test_a_camera_comes_up_and_says_what_it_delivers(
    open_camera: Open, ear: Ear, seed: int
) -> None:
    camera = open_camera(f"sim:?seed={seed}&fps=20")
    up = ear.wait(CameraUp)
    assert (up.camera, up.width, up.height, up.fps) == ("overhead", 320, 180, 20.0)
    time.sleep(2)
    status = camera.status
    assert status.up
    assert status.cause == ""
    assert 15 < status.fps < 21
    assert status.last_frame_age_s is not None
    assert status.last_frame_age_s < 1
    assert status.frames > 25


def test_frames_are_numbered_stamped_in_order_and_read_only(
    open_camera: Open, ear: Ear, seed: int
) -> None:
    frames: list[Frame] = []
    camera = open_camera(f"sim:?seed={seed}")
    remove = camera.add_taker(frames.append)
    slot = Newest()
    camera.add_taker(slot.offer)
    ear.wait(CameraUp)
    time.sleep(0.5)
    remove()
    had = len(frames)
    time.sleep(0.2)
    assert len(frames) == had > 5
    for before, after in itertools.pairwise(frames):
        assert after.index == before.index + 1
        assert after.mono_ns > before.mono_ns
        assert after.utc >= before.utc
    assert not frames[0].bgr.flags.writeable
    newest = slot.take(1)
    assert newest is not None
    assert newest.index >= frames[-1].index


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("hang", "no picture for 2 s"),
        ("freeze", "standing still for 3 s"),
        ("lost", "unplugged"),
        ("black", "black"),
    ],
)
def test_a_fault_is_noticed_and_recovered_from(
    open_camera: Open, ear: Ear, seed: int, tmp_path: Path, fault: str, cause: str
) -> None:
    camera = open_camera(f"sim:?seed={seed}")
    ear.wait(CameraUp)
    scene(seed).fail(fault)
    assert cause in ear.wait(CameraDown, 6).cause
    status = camera.status
    assert not status.up
    assert status.cause

    camera.take_still(1, tmp_path / "a.jpg")
    assert "the camera is down" in ear.wait(StillFailed).why
    camera.start_clip("c1", tmp_path / "a.mp4", time.monotonic_ns(), UPS)
    assert "the camera is down" in ear.wait(ClipFailed).why
    assert list(tmp_path.iterdir()) == []

    scene(seed).mend()
    ear.wait(CameraUp, 10)
    assert camera.status.up
    camera.take_still(2, tmp_path / "b.jpg")
    assert ear.wait(StillTaken).still_id == 2
    assert ear.count(CameraDown) == 1


def test_a_read_that_comes_back_late_delivers_nothing_any_more(
    open_camera: Open, ear: Ear, seed: int
) -> None:
    camera = open_camera(f"sim:?seed={seed}&fps=20", stall_s=0.5)
    ear.wait(CameraUp)
    scene(seed).fail("hang")
    ear.wait(CameraDown)
    time.sleep(1.5)  # two of them hang by now
    scene(seed).mend()
    ear.wait(CameraUp)
    before = camera.status.frames
    time.sleep(1)
    assert camera.status.frames - before < 30, "more than one source is being read"


def test_a_camera_that_fails_again_and_again_is_found_again_and_again(
    open_camera: Open, ear: Ear, seed: int
) -> None:
    open_camera(f"sim:?seed={seed}&fault=lost&after=0.2")
    for _ in range(3):
        ear.wait(CameraUp)
        ear.wait(CameraDown)


def test_reads_that_hang_are_left_behind_but_not_without_end(
    open_camera: Open, ear: Ear, seed: int
) -> None:
    before = threading.active_count()
    camera = open_camera(f"sim:?seed={seed}&fault=hang&after=0.1", stall_s=0.2)
    ear.wait(CameraUp)
    until = time.monotonic() + 30
    while "hang" not in camera.status.cause and time.monotonic() < until:
        time.sleep(0.1)
    assert "4 reads hang" in camera.status.cause
    assert "restart" in camera.status.cause
    # Four that hang, the camera's own keeper, teller and stills, the recorder's encoder.
    assert threading.active_count() - before <= 4 + 4
    began = time.monotonic()
    assert camera.close(3) is False
    assert time.monotonic() - began < 4


def test_a_camera_that_cannot_be_opened_is_down_with_its_cause_and_start_does_not_wait(
    open_camera: Open, ear: Ear, tmp_path: Path
) -> None:
    missing = tmp_path / "bench.mp4"
    began = time.monotonic()
    camera = open_camera(f"file:{missing}?loop=1")
    assert time.monotonic() - began < 1
    assert "No such file" in ear.wait(CameraDown).cause
    camera.take_still(1, tmp_path / "a.jpg")
    assert "No such file" in ear.wait(StillFailed).why
    camera.start_clip("c1", tmp_path / "a.mp4", time.monotonic_ns(), UPS)
    assert "No such file" in ear.wait(ClipFailed).why
    camera.stop_clip("c1")


def test_what_could_not_be_opened_is_tried_for_ever(
    open_camera: Open, ear: Ear, video: Path, tmp_path: Path
) -> None:
    late = tmp_path / "late.mp4"
    open_camera(f"file:{late}?loop=1", freeze_s=0.0)
    ear.wait(CameraDown)
    time.sleep(1.2)
    late.write_bytes(video.read_bytes())
    assert ear.wait(CameraUp, 10).width == 640
    assert ear.count(CameraDown) == 1


def test_a_file_that_has_ended_stays_over(open_camera: Open, ear: Ear, video: Path) -> None:
    camera = open_camera(f"file:{video}")
    ear.wait(CameraUp)
    assert ear.wait(CameraDown).cause == "the video file has ended"
    time.sleep(1.5)
    assert ear.count(CameraUp) == 1
    assert camera.status.frames == 50


def test_a_taker_or_an_owner_that_fails_does_not_stop_the_camera(seed: int) -> None:
    told: list[CaptureEvent] = []

    def owner(event: CaptureEvent) -> None:
        told.append(event)
        raise RuntimeError("owner")

    def taker(_: Frame) -> None:
        raise RuntimeError("taker")

    camera = Camera(CameraSettings("side", parse_source(f"sim:?seed={seed}"), 320, 180), owner)
    camera.add_taker(taker)
    camera.start()
    until = time.monotonic() + 10
    while camera.status.frames < 20 and time.monotonic() < until:
        time.sleep(0.05)
    scene(seed).fail("lost")
    while len(told) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert camera.close()
    assert [type(event) for event in told] == [CameraUp, CameraDown]


def test_a_still_shows_the_label_at_full_size(
    open_camera: Open, ear: Ear, seed: int, tmp_path: Path
) -> None:
    scene(seed).show(UPS, head_start_s=4)
    camera = open_camera(f"sim:?seed={seed}", width=1280, height=720)
    ear.wait(CameraUp)
    camera.take_still(3, tmp_path / "label.jpg")
    info = ear.wait(StillTaken).info
    picture = cv2.imread(str(info.path))
    assert picture is not None
    assert picture.shape == (720, 1280, 3)
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [UPS]


def test_a_camera_that_scans_tells_what_it_reads(open_camera: Open, ear: Ear, seed: int) -> None:
    scene(seed).show(UPS, head_start_s=4)
    open_camera(f"sim:?seed={seed}", width=1280, height=720, symbologies=("Code128",))
    assert ear.wait(ReadingSeen).reading.text == UPS


def test_a_clip_begins_before_its_trigger_and_holds_every_frame(
    open_camera: Open, ear: Ear, seed: int, tmp_path: Path
) -> None:
    scene(seed).show(UPS, head_start_s=4)
    camera = open_camera(f"sim:?seed={seed}", width=1280, height=720, pre_roll_s=2.0)
    ear.wait(CameraUp)
    time.sleep(3)
    camera.start_clip("c1", tmp_path / "overhead-01.mp4", time.monotonic_ns(), UPS)
    assert ear.wait(ClipStarted).clip_id == "c1"
    time.sleep(3)
    camera.stop_clip("c1")
    ended = ear.wait(ClipEnded)
    assert ended.why == ""
    assert ended.info.pre_roll_ms >= 2000
    shown = decode(ended.info.path)
    assert len(shown) == ended.info.frames
    # Every frame that was captured is in the file or is counted as dropped.
    assert ended.info.frames + ended.info.dropped >= 0.9 * 30 * ended.info.duration_ms / 1000
    times = [at_s for at_s, _ in shown]
    assert times == sorted(set(times))
    assert times[-1] > 4.5
    _, last = shown[-1]
    assert [code.text for code in zxingcpp.read_barcodes(last)] == [UPS]


def test_a_clip_of_a_camera_that_dies_is_ended_and_plays(
    open_camera: Open, ear: Ear, seed: int, tmp_path: Path
) -> None:
    camera = open_camera(f"sim:?seed={seed}")
    ear.wait(CameraUp)
    camera.start_clip("c1", tmp_path / "1.mp4", time.monotonic_ns(), UPS)
    ear.wait(ClipStarted)
    time.sleep(0.5)
    scene(seed).fail("hang")
    ear.wait(CameraDown)
    camera.stop_clip("c1")
    assert len(decode(ear.wait(ClipEnded).info.path)) > 10
    scene(seed).mend()
    ear.wait(CameraUp)
    camera.start_clip("c2", tmp_path / "2.mp4", time.monotonic_ns(), UPS)
    ear.wait(ClipStarted)
    camera.close()
    ended = ear.wait(ClipEnded)
    assert (ended.clip_id, ended.why) == ("c2", "closed")
    assert decode(ended.info.path)


def test_closing_is_quick_and_may_come_at_any_time(seed: int, ear: Ear) -> None:
    settings = CameraSettings("overhead", parse_source(f"sim:?seed={seed}"), 320, 180)
    never_started = Camera(settings, ear)
    assert never_started.close()
    just_started = Camera(settings, ear)
    just_started.start()
    began = time.monotonic()
    assert just_started.close()
    assert just_started.close()
    assert time.monotonic() - began < 4
    assert just_started.status.cause == "closed"
