"""Stills: which frame is chosen, what lies on the disk, and that every request is answered."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from capture.decoder import decode_frames
from capture.encoder import Encoded
from capture.events import StillFailed, StillTaken
from capture.frame import Frame, freeze
from capture.quality import sharpness
from capture.scenery import Stage, paint
from capture.still import Stills, choose
from tests.capture.numbered import number_in, numbered
from tests.capture.parts import UTC_0, Ear, Picture


def sharp_picture() -> Picture:
    """A bench with a labelled parcel, 640x360."""
    scenery = paint(7, "overhead", 640, 360)
    picture = scenery.table.copy()
    scenery.parcel[Stage.TAPED].lay_over(picture)
    scenery.label("1Z999AA10123456784").lay_over(picture)
    return np.ascontiguousarray(picture[6:366, 6:646])


def burst(blurs: list[float], age_s: float = 0.0) -> list[Frame]:
    """Frames 1/15 s apart, the n-th blurred by `blurs[n]`, the last one `age_s` old."""
    pictures = []
    for blur in blurs:
        picture = sharp_picture()
        if blur:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
        pictures.append(picture)
    return frames_of(pictures, age_s)


def frames_of(pictures: list[Picture], age_s: float = 0.0) -> list[Frame]:
    now_ns = time.monotonic_ns() - int(age_s * 1e9)
    frames = []
    for index, picture in enumerate(pictures):
        at_ns = now_ns - (len(pictures) - 1 - index) * 66_000_000
        utc = dt.datetime(2026, 11, 22, 13, 0, index, tzinfo=dt.UTC)
        frames.append(Frame(index, at_ns, utc, freeze(picture)))
    return frames


def jpeg(picture: Picture, *options: int) -> bytes:
    ok, data = cv2.imencode(".jpg", picture, options)
    assert ok
    return data.tobytes()


def shown(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.asarray(picture, np.uint8)


@pytest.fixture
def stills(ear: Ear) -> Iterator[Stills]:
    stills = Stills("overhead", ear)
    yield stills
    stills.close()


def test_the_still_is_the_sharp_one_of_a_burst(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    frames = burst([3, 2, 4, 0.8, 0, 1.5, 2])
    for frame in frames:
        stills.offer(frame)
    stills.take(11, tmp_path / "label.jpg")
    taken = ear.wait(StillTaken)
    assert (taken.camera, taken.still_id) == ("overhead", 11)
    assert taken.info.taken_at == frames[4].utc
    told = sharpness(cv2.cvtColor(shown(tmp_path / "label.jpg"), cv2.COLOR_BGR2GRAY))
    assert taken.info.sharpness == pytest.approx(told, rel=0.02)
    assert taken.info.sharpness == pytest.approx(sharpness(frames[4].grey), rel=0.2)


def test_a_frame_from_after_the_press_is_waited_for(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    blurred, sharp = burst([3, 0])
    stills.offer(blurred)
    pressed_ns = time.monotonic_ns()
    stills.take(1, tmp_path / "a.jpg")
    stills.offer(Frame(1, pressed_ns + 200_000_000, sharp.utc, sharp.picture))
    assert ear.wait(StillTaken).info.taken_at == sharp.utc


def test_a_frame_from_after_the_burst_shows_what_came_later(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    blurred, sharp = burst([3, 0])
    stills.offer(blurred)
    stills.take(1, tmp_path / "a.jpg")
    stills.offer(Frame(1, time.monotonic_ns() + 400_000_000, sharp.utc, sharp.picture))
    assert ear.wait(StillTaken).info.taken_at == blurred.utc


def test_a_steadier_frame_is_preferred_to_one_that_is_hardly_sharper() -> None:
    table = sharp_picture()
    hand, page = table.copy(), table.copy()
    hand[40:240, 60:260] //= 2
    page[40:240, 60:260] = np.random.default_rng(1).integers(0, 255, (200, 200, 1), np.uint8)
    passing = frames_of([table, hand, table, table])
    chosen = choose(passing)
    assert chosen.frame is passing[3]  # neither the first, which is as sharp, nor those that move
    assert chosen.motion == 0
    assert choose(passing[:2]).motion > 5
    lit = table.copy()
    lit[40:240, 60:260] += 20
    assert sharpness(lit[..., 1]) == pytest.approx(sharpness(table[..., 1]), rel=0.1)
    leaving = frames_of([table, table, lit])
    assert choose(leaving).frame is leaving[1]  # though the last one is newer
    coming = frames_of([table, page, table, table])
    assert choose(coming).frame is coming[1]  # far sharper: it may be what is to be shown


def test_what_lies_on_the_disk_is_what_was_told(stills: Stills, ear: Ear, tmp_path: Path) -> None:
    (frame,) = burst([0])
    stills.offer(frame)
    stills.take(1, tmp_path / "item.jpg")
    info = ear.wait(StillTaken).info
    data = (tmp_path / "item.jpg").read_bytes()
    assert info.path == tmp_path / "item.jpg"
    assert info.size_bytes == len(data)
    assert info.sha256 == hashlib.sha256(data).hexdigest()
    picture = shown(tmp_path / "item.jpg")
    assert picture.shape == (info.height, info.width, 3) == (360, 640, 3)
    assert np.mean(np.abs(picture.astype(int) - frame.bgr.astype(int))) < 4
    assert info.brightness == pytest.approx(frame.grey.mean(), abs=0.5)


def test_the_cameras_own_picture_is_kept_byte_by_byte_at_its_full_size(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    full = np.asarray(cv2.resize(sharp_picture(), (1280, 720)), np.uint8)
    own = jpeg(full, cv2.IMWRITE_JPEG_QUALITY, 61)
    (frame,) = burst([0])
    stills.offer(Frame(0, frame.mono_ns, frame.utc, frame.picture, own + bytes(500)))
    stills.take(1, tmp_path / "a.jpg")
    info = ear.wait(StillTaken).info
    assert (tmp_path / "a.jpg").read_bytes() == own
    assert (info.width, info.height) == (1280, 720)
    assert info.size_bytes == len(own)


def test_tables_that_a_camera_leaves_out_are_put_in(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    own = jpeg(sharp_picture())
    bare, at = own[:2], 2
    while own[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(own[at + 2 : at + 4])
        bare += b"" if own[at + 1] == 0xC4 else own[at:end]
        at = end
    bare += own[at:]
    assert b"\xff\xc4" not in bare[:at]
    (frame,) = burst([0])
    stills.offer(Frame(0, frame.mono_ns, frame.utc, frame.picture, bare))
    stills.take(1, tmp_path / "a.jpg")
    ear.wait(StillTaken)
    assert b"\xff\xc4" in (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "own.jpg").write_bytes(own)
    assert np.array_equal(shown(tmp_path / "a.jpg"), shown(tmp_path / "own.jpg"))


@pytest.mark.parametrize("own", [b"", b"\xff\xd8\xff", b"GIF89a", b"\xff\xd8junk\xff\xd9"])
def test_a_camera_whose_own_picture_is_broken_still_gives_a_still(
    stills: Stills, ear: Ear, tmp_path: Path, own: bytes
) -> None:
    (frame,) = burst([0])
    stills.offer(Frame(0, frame.mono_ns, frame.utc, frame.picture, own))
    stills.take(1, tmp_path / "a.jpg")
    info = ear.wait(StillTaken).info
    assert shown(tmp_path / "a.jpg").shape == (info.height, info.width, 3) == (360, 640, 3)


def test_of_a_copied_stream_the_photo_is_of_now_and_not_of_the_last_key_frame(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    # 40 frames, the only key frame 1.3 s before the press; the newest one is steady and sharp.
    pictures = [numbered(number, 640, 360) for number in range(40)]
    coded = copied(pictures, time.monotonic_ns())
    stills.copied_from(lambda _from_ns, _timeout_s: coded)
    utc = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    stills.offer(Frame(0, coded[0].mono_ns, utc, freeze(pictures[0])))
    stills.take(1, tmp_path / "a.jpg")
    info = ear.wait(StillTaken).info
    grey = cv2.cvtColor(shown(tmp_path / "a.jpg"), cv2.COLOR_BGR2GRAY)
    assert number_in(np.asarray(grey, np.uint8)) >= 25
    assert info.taken_at > utc


def test_only_the_burst_of_a_copied_stream_becomes_pictures() -> None:
    coded = copied([numbered(number, 640, 360) for number in range(20)], 20 * 33_000_000)
    decoded = decode_frames(coded, coded[15].mono_ns)
    assert [number_in(frame.grey) for frame in decoded] == [15, 16, 17, 18, 19]


def test_a_copied_stream_whose_tail_is_not_to_be_had_gives_its_newest_key_frame(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    stills.copied_from(lambda _from_ns, _timeout_s: [])
    (frame,) = burst([0])
    stills.offer(frame)
    stills.take(1, tmp_path / "a.jpg")
    assert ear.wait(StillTaken).info.taken_at == frame.utc


def copied(pictures: list[Picture], until_ns: int) -> list[Encoded]:
    """The pictures as a stream of one key frame and 30 fps, the last one of `until_ns`."""
    with av.open(io.BytesIO(), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.codec_context.gop_size = 1000
        stream.codec_context.options = {"tune": "zerolatency", "preset": "ultrafast"}
        coded = []
        for index, picture in enumerate(pictures):
            (packet,) = stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24"))
            behind = len(pictures) - 1 - index
            at_ns = until_ns - behind * 33_000_000
            utc = UTC_0 + dt.timedelta(milliseconds=index * 33)
            data, key = bytes(packet), packet.is_keyframe
            coded.append(Encoded(data, key, at_ns, utc, index, stream, copied=True))
    assert [one.key for one in coded] == [True] + [False] * (len(pictures) - 1)
    return coded


def test_only_frames_of_the_last_half_second_are_chosen_from(
    stills: Stills, ear: Ear, tmp_path: Path
) -> None:
    (old,) = burst([0], age_s=0.9)
    recent = burst([3, 3])
    for frame in [old, *recent]:
        stills.offer(frame)
    stills.take(1, tmp_path / "a.jpg")
    assert ear.wait(StillTaken).info.taken_at in [frame.utc for frame in recent]
    assert ear.count(StillTaken) == 1


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
