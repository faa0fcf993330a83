"""Stills: which frame is chosen, what lies on the disk, and that every request is answered."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.events import StillFailed, StillTaken
from capture.frame import Frame, freeze
from capture.scenery import Stage, paint
from capture.still import Stills, sharpest
from tests.capture.parts import Ear, Picture


def sharp_picture() -> Picture:
    """A bench with a labelled parcel, 640x360."""
    scenery = paint(7, "overhead", 640, 360)
    picture = scenery.table.copy()
    scenery.parcel[Stage.TAPED].lay_over(picture)
    scenery.label("1Z999AA10123456784").lay_over(picture)
    return np.ascontiguousarray(picture[6:366, 6:646])


def burst(blurs: list[float], age_s: float = 0.0) -> list[Frame]:
    """Frames 1/30 s apart, the n-th blurred by `blurs[n]`, the last one `age_s` old."""
    now_ns = time.monotonic_ns() - int(age_s * 1e9)
    frames = []
    for index, blur in enumerate(blurs):
        picture = sharp_picture()
        if blur:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
        at_ns = now_ns - (len(blurs) - 1 - index) * 33_000_000
        utc = dt.datetime(2026, 11, 22, 13, 0, index, tzinfo=dt.UTC)
        frames.append(Frame(index, at_ns, utc, freeze(picture)))
    return frames


@pytest.fixture
def stills(ear: Ear) -> Iterator[Stills]:
    stills = Stills("overhead", ear)
    yield stills
    stills.close()


def test_the_still_is_the_sharp_one_of_a_burst(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    frames = burst([3, 2, 4, 0.8, 0, 1.5, 2, 5])
    for frame in frames:
        stills.offer(frame)
    stills.take(11, tmp_path / "label.jpg")
    taken = ear.wait(StillTaken)
    assert (taken.camera, taken.still_id) == ("overhead", 11)
    assert taken.info.bgr is frames[4].bgr
    assert taken.info.taken_at == frames[4].utc
    assert sharpest(frames)[0] is frames[4]


def test_what_lies_on_the_disk_is_what_was_told(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    (frame,) = burst([0])
    stills.offer(frame)
    stills.take(1, tmp_path / "item.jpg")
    info = ear.wait(StillTaken).info
    data = (tmp_path / "item.jpg").read_bytes()
    assert info.path == tmp_path / "item.jpg"
    assert info.size_bytes == len(data)
    assert info.sha256 == hashlib.sha256(data).hexdigest()
    picture = cv2.imread(str(tmp_path / "item.jpg"))
    assert picture is not None
    assert picture.shape == (info.height, info.width, 3) == (360, 640, 3)
    assert np.mean(np.abs(picture.astype(int) - frame.bgr.astype(int))) < 4
    assert info.brightness == pytest.approx(frame.bgr.mean(), abs=0.5)


def test_only_frames_of_the_last_half_second_are_chosen_from(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    (old,) = burst([0], age_s=0.9)
    for frame in [old, *burst([3, 3])]:
        stills.offer(frame)
    stills.take(1, tmp_path / "a.jpg")
    assert ear.wait(StillTaken).info.bgr is not old.bgr


def test_a_file_that_exists_is_not_touched(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"evidence")
    stills.offer(burst([0])[0])
    stills.take(1, tmp_path / "a.jpg")
    assert "a.jpg exists already" in ear.wait(StillFailed).why
    assert (tmp_path / "a.jpg").read_bytes() == b"evidence"


def test_a_folder_that_is_gone(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    stills.offer(burst([0])[0])
    stills.take(1, tmp_path / "none" / "a.jpg")
    assert "cannot write a.jpg" in ear.wait(StillFailed).why


_TOO_LARGE = """
import resource, sys, threading
from pathlib import Path
from capture.still import Stills
from tests.capture.test_still import burst
told = []
answered = threading.Event()
stills = Stills("overhead", lambda event: (told.append(event), answered.set()))
stills.offer(burst([0])[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
stills.take(1, Path(sys.argv[1]))
answered.wait(10)
print(type(told[0]).__name__, told[0].why)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits a file's size as only POSIX can")
def test_a_file_that_cannot_be_finished_is_not_left_behind(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _TOO_LARGE, str(tmp_path / "a.jpg")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("StillFailed cannot write a.jpg: File too large")
    assert list(tmp_path.iterdir()) == []


def test_without_a_picture_the_answer_is_why(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    stills.take(1, tmp_path / "a.jpg")
    assert ear.wait(StillFailed).why == "the camera is not open yet"
    stills.offer(burst([0])[0])
    stills.camera_down("no picture for 2 s")
    stills.take(2, tmp_path / "a.jpg")
    answer = ear.wait(StillFailed)
    assert (answer.still_id, answer.why) == (2, "no picture for 2 s")
    assert list(tmp_path.iterdir()) == []


def test_an_old_picture_is_no_still(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    stills.offer(burst([0], age_s=30)[0])
    stills.take(1, tmp_path / "a.jpg")
    assert "no new picture" in ear.wait(StillFailed).why


def test_a_still_waits_a_moment_for_a_fresh_picture(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    stills.offer(burst([0], age_s=30)[0])
    threading.Timer(0.3, lambda: stills.offer(burst([0])[0])).start()
    stills.take(1, tmp_path / "a.jpg")
    ear.wait(StillTaken)


def test_closing_answers_every_request_once(ear: Ear, tmp_path: Path) -> None:
    stills = Stills("overhead", ear)
    for frame in burst([0] * 8):
        stills.offer(frame)
    for still_id in range(6):
        stills.take(still_id, tmp_path / f"{still_id}.jpg")
    stills.close()
    stills.take(6, tmp_path / "6.jpg")
    assert ear.count(StillTaken) == 6
    assert ear.wait(StillFailed).why == "the camera is closed"
    assert len(ear.events) == 7
