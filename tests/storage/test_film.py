"""Pictures are taken out of a clip where they are asked for, and nothing but a clip is opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from storage.evidence.film import NEAR_MS, Bgr, FilmUnreadable, frames, near_frames

FPS = 10
COUNT = 40
WIDTH, HEIGHT = 320, 180
DARKEST = 17.3
"""What the first frame, a grey of 20, is after 8-bit colour conversion there and back."""


def level(index: int) -> int:
    """The grey of the frame with this index."""
    return 20 + 5 * index


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, each frame a little brighter than the one before, with B-frames."""
    path = tmp_path_factory.mktemp("film") / "clip.mp4"
    options = {"g": "15", "bf": "2", "crf": "10"}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(COUNT):
            grey = np.full((HEIGHT, WIDTH, 3), level(index), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "bgr24")))
        container.mux(stream.encode(None))
    return path


def taken(path: Path, moments_ms: Sequence[int], width_px: int = 640) -> dict[int, Bgr]:
    return dict(frames(path, moments_ms, width_px, threading.Event()))


def seen(picture: Bgr) -> int:
    """The index of the frame that a picture is."""
    return round((float(picture.mean()) - DARKEST) / 5)


def test_each_moment_gives_the_picture_that_is_seen_then(clip: Path) -> None:
    moments = [0, 90, 100, 140, 1_000, 1_490, 2_750, 3_900]
    found = taken(clip, moments)
    assert [seen(found[index]) for index in range(len(moments))] == [0, 0, 1, 1, 10, 14, 27, 39]


def test_moments_may_come_in_any_order(clip: Path) -> None:
    found = taken(clip, [3_000, 500, 2_000])
    assert [seen(found[index]) for index in range(3)] == [30, 5, 20]


def test_before_the_first_and_behind_the_last_frame_are_those(clip: Path) -> None:
    found = taken(clip, [-5_000, 3_999, 60_000])
    assert [seen(found[index]) for index in range(3)] == [0, 39, 39]


def test_a_picture_is_no_wider_than_it_is_asked_for(clip: Path) -> None:
    assert taken(clip, [0], 160)[0].shape == (90, 160, 3)
    assert taken(clip, [0], 9_999)[0].shape == (HEIGHT, WIDTH, 3)
    assert taken(clip, [0])[0].dtype == np.uint8


def test_it_ends_when_it_is_stopped(clip: Path) -> None:
    stop = threading.Event()
    film = frames(clip, range(0, 4_000, 100), 160, stop)
    assert next(film)[0] == 0
    stop.set()
    assert list(film) == []


def test_a_clip_that_was_cut_gives_what_is_left(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(whole), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"g": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(COUNT):
            grey = np.full((HEIGHT, WIDTH, 3), level(index), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "bgr24")))
        container.mux(stream.encode(None))
    content = whole.read_bytes()
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(content[: content.rindex(b"moof") - 50])
    found = taken(torn, [0, 1_500])
    assert [seen(found[index]) for index in range(2)] == [0, 15]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no video at all" * 100,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile 'other.mp4'\n",
    ],
)
def test_what_is_no_clip_is_refused(tmp_path: Path, clip: Path, content: bytes) -> None:
    (tmp_path / "other.mp4").write_bytes(clip.read_bytes())
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(FilmUnreadable, match=r"clip\.mp4"):
        taken(path, [0])


def test_a_clip_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100)
        samples = np.zeros((1, 44_100), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(FilmUnreadable, match="no pictures"):
        taken(path, [0])


def test_a_clip_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilmUnreadable, match=r"gone\.mp4"):
        taken(tmp_path / "gone.mp4", [0])


def near(path: Path, moments_ms: Sequence[int]) -> list[tuple[int, int, int]]:
    """For each moment: its index, where the picture is said to be, and which frame it is."""
    found = near_frames(path, moments_ms, 640, threading.Event())
    return [(index, at_ms, seen(picture)) for index, at_ms, picture in found]


def test_a_near_picture_is_the_key_frame_closest_to_its_moment(clip: Path) -> None:
    # Key frames are at 0, 1.5 and 3 s.
    assert near(clip, [0, 700, 800, 1_600, 2_200, 2_300]) == [
        (0, 0, 0), (1, 0, 0), (2, 1_500, 15), (3, 1_500, 15), (4, 1_500, 15), (5, 3_000, 30),
    ]  # fmt: skip


def test_where_no_key_frame_is_near_it_is_the_picture_of_the_moment(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"g": "999", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(COUNT):
            grey = np.full((HEIGHT, WIDTH, 3), level(index), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "bgr24")))
        container.mux(stream.encode(None))
    assert near(path, [NEAR_MS - 100, 2_000, 3_940, 60_000]) == [
        (0, 0, 0), (1, 2_000, 20), (2, 3_900, 39), (3, 3_900, 39),
    ]  # fmt: skip


def test_near_pictures_end_when_they_are_stopped(clip: Path) -> None:
    stop = threading.Event()
    film = near_frames(clip, range(0, 4_000, 100), 160, stop)
    assert next(film)[0] == 0
    stop.set()
    assert list(film) == []


def test_near_pictures_of_what_is_no_clip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no clip")
    with pytest.raises(FilmUnreadable, match=r"clip\.mp4"):
        near(path, [0])
