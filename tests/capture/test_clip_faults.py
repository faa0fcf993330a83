"""What becomes of a clip when the disk, the machine or the encoder does not keep up."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from capture.clip import Recorder
from capture.events import CaptureEvent, ClipEnded, ClipFailed, ClipStarted
from capture.holes import COMPUTER_TOO_SLOW, DISK_TOO_SLOW
from capture.overlay import Overlay
from tests.capture.numbered import SECOND, Hand, decode, numbers_of
from tests.capture.parts import write_video

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def recorder(hand: Hand) -> Iterator[Recorder]:
    recorder = Recorder(
        "overhead", hand.events.put, fps=30, pre_roll_s=1, overlay=Overlay("Bench 1", "overhead")
    )
    yield recorder
    recorder.close()


def still_works(hand: Hand, recorder: Recorder, path: Path) -> bool:
    """Whether a clip recorded now holds every frame."""
    recorder.start(path.stem, path, hand.now_ns, "")
    last = hand.feed(recorder, 20)
    recorder.stop(path.stem)
    hand.wait(ClipStarted)
    hand.wait(ClipEnded)
    numbers = numbers_of(path)
    return numbers == list(range(numbers[0], last + 1))


@pytest.mark.parametrize("copied", [False, True], ids=["encoded", "copied"])
def test_a_killed_recorder_leaves_a_file_that_plays(copied: bool, tmp_path: Path) -> None:
    chance = random.Random(9)
    fps, films = 30, []
    if copied:  # ten seconds from one key frame to the next
        fps = 25
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": "250"}
        film = tmp_path / "film.mp4"
        films = [str(write_video(film, list(range(0, 10_000, 40)), options=options))]
    paths = [tmp_path / f"{run}.mp4" for run in range(3)]
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.capture.kill_recorder", str(path), *films],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for path in paths
    ]
    for path, child in zip(paths, children, strict=True):
        last_offered, kill_at = 0, chance.randrange(75, 130)
        assert child.stdout
        for line in child.stdout:
            if line.strip().isdigit():
                last_offered = int(line)
            if last_offered >= kill_at:
                break
        child.kill()
        child.wait()
        last_offered = max(
            [last_offered, *(int(line) for line in child.stdout if line.strip().isdigit())]
        )
        child.stdout.close()

        numbers = numbers_of(path)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        lost_ms = (last_offered - numbers[-1]) * 1000 // fps
        print(f"killed after frame {last_offered}: {lost_ms} ms of the tail lost")
        assert lost_ms <= 1_500  # half a second is normal, the rest is a busy machine
        if copied:
            with av.open(str(path)) as container:
                cues = [bytes(one) for one in container.demux(subtitles=0) if one.size > 2]
            assert len(cues) >= len(numbers) // fps - 1
            assert all(b"1Z999" in cue for cue in cues)


def test_an_existing_file_stays_as_it_is(hand: Hand, recorder: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "c.mp4"
    path.write_bytes(b"evidence")
    hand.feed(recorder, 30)
    recorder.start("c", path, hand.now_ns, "")
    assert "exists already" in hand.wait(ClipFailed).why
    assert path.read_bytes() == b"evidence"
    assert still_works(hand, recorder, tmp_path / "d.mp4")


def test_a_missing_folder_fails_the_clip(hand: Hand, recorder: Recorder, tmp_path: Path) -> None:
    hand.feed(recorder, 30)
    recorder.start("c", tmp_path / "gone" / "c.mp4", hand.now_ns, "")
    assert "c.mp4" in hand.wait(ClipFailed).why
    assert still_works(hand, recorder, tmp_path / "d.mp4")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 kB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_ends_the_clip_playable(
    hand: Hand, recorder: Recorder, small_disk: Path, tmp_path: Path
) -> None:
    hand.feed(recorder, 30)
    path = small_disk / "c.mp4"
    recorder.start("c", path, hand.now_ns, "")
    hand.wait(ClipStarted)
    while hand.events.empty() and hand.index < 3_000:
        hand.feed(recorder, 10)
    ended = hand.wait(ClipEnded)
    assert ended.why.startswith("disk full")
    numbers = numbers_of(path)
    assert numbers == list(range(numbers[0], numbers[0] + ended.info.frames))
    assert len(numbers) > 30
    assert sum(hole.frames for hole in ended.info.holes) == ended.info.dropped > 0
    (hole,) = ended.info.holes
    assert hole.cause == ended.why
    after_last_s = (hole.started_at - ended.info.started_at).total_seconds()
    assert after_last_s == pytest.approx((len(numbers) - 1) / 30, abs=0.001)
    assert ended.info.size_bytes == path.stat().st_size
    assert ended.info.duration_ms == pytest.approx(len(numbers) * 1000 / 30, abs=5)

    recorder.stop("c")  # answered already
    assert still_works(hand, recorder, tmp_path / "d.mp4")
    assert hand.events.empty()


def test_a_disk_without_any_room_fails_the_clip(
    hand: Hand, recorder: Recorder, small_disk: Path, tmp_path: Path
) -> None:
    with (small_disk / "rest").open("wb", buffering=0) as rest, contextlib.suppress(OSError):
        while rest.write(bytes(4096)):
            pass
    hand.feed(recorder, 30)
    recorder.start("c", small_disk / "c.mp4", hand.now_ns, "")
    recorder.stop("c")
    assert hand.wait(ClipFailed).why.startswith("disk full")
    assert not (small_disk / "c.mp4").exists()
    assert still_works(hand, recorder, tmp_path / "d.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for a file's size")
def test_a_file_that_may_not_grow_ends_the_clip_playable(
    hand: Hand, recorder: Recorder, tmp_path: Path
) -> None:
    import resource

    hand.feed(recorder, 30)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
        hand.wait(ClipStarted)
        while hand.events.empty() and hand.index < 3_000:
            hand.feed(recorder, 10)
        ended = hand.wait(ClipEnded)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ended.why.startswith("cannot write c.mp4")
    assert len(numbers_of(tmp_path / "c.mp4")) == ended.info.frames > 30
    assert still_works(hand, recorder, tmp_path / "d.mp4")


def test_frames_that_the_encoder_has_no_room_for_are_counted(hand: Hand, tmp_path: Path) -> None:
    hand.size = (1920, 1080)
    recorder = Recorder(
        "overhead",
        hand.events.put,
        fps=30,
        pre_roll_s=1,
        overlay=Overlay("Bench 1", "overhead"),
        queue_bytes=1,  # four frames, the least there is
    )
    frames = [hand.frame() for _ in range(30)]
    recorder.start("c", tmp_path / "c.mp4", frames[0].mono_ns, "")
    for frame in frames:
        recorder.offer(frame)
    recorder.stop("c")
    hand.wait(ClipStarted)
    info = hand.wait(ClipEnded).info
    recorder.close()

    numbers = numbers_of(tmp_path / "c.mp4")
    assert info.dropped == recorder.dropped > 0
    assert info.frames == len(numbers) == 30 - info.dropped
    assert sum(hole.frames for hole in info.holes) == info.dropped
    assert {hole.cause for hole in info.holes} == {COMPUTER_TOO_SLOW}
    if numbers[-1] < 29:  # the last ones found no room: they are missing up to the last of them
        assert info.holes[-1].ended_at == frames[-1].utc
    assert numbers == sorted(set(numbers))
    times = [time for time, _ in decode(tmp_path / "c.mp4")]
    assert times == pytest.approx([number / 30 for number in numbers], abs=0.001)


def test_a_disk_that_lags_costs_counted_frames_and_holds_up_nothing(tmp_path: Path) -> None:
    hand = Hand()
    goes_on = threading.Event()

    def slow(event: CaptureEvent) -> None:
        hand.events.put(event)
        if isinstance(event, ClipStarted) and event.clip_id == "slow":
            goes_on.wait(20)  # holds the clip's writer as a disk would

    recorder = Recorder(
        "overhead",
        slow,
        fps=30,
        pre_roll_s=1,
        overlay=Overlay("Bench 1", "overhead"),
        backlog_bytes=60_000,
    )
    hand.feed(recorder, 40)
    recorder.start("slow", tmp_path / "slow.mp4", hand.now_ns, "")
    hand.wait(ClipStarted)
    hand.feed(recorder, 400)
    assert hand.drained(recorder)  # the encoder went on meanwhile
    assert still_works(hand, recorder, tmp_path / "other.mp4")
    goes_on.set()
    time.sleep(0.2)
    last = hand.feed(recorder, 65)
    recorder.stop("slow")
    info = hand.wait(ClipEnded).info
    recorder.close()

    numbers = numbers_of(tmp_path / "slow.mp4")
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    assert min(steps) == 1
    assert info.dropped == last + 1 - numbers[0] - len(numbers) > 100
    assert numbers[-1] == last  # it caught up
    assert sum(hole.frames for hole in info.holes) == info.dropped
    assert {hole.cause for hole in info.holes} == {DISK_TOO_SLOW}
    gap = steps.index(max(steps))
    assert hand.times[numbers[gap + 1]] - hand.times[0] > SECOND


def test_a_picture_that_cannot_be_encoded_ends_the_clip_and_not_the_recorder(
    hand: Hand, recorder: Recorder, tmp_path: Path
) -> None:
    hand.feed(recorder, 40)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    hand.feed(recorder, 5)
    hand.size = (16, 2)
    recorder.offer(hand.frame())
    hand.wait(ClipStarted)
    assert hand.wait(ClipEnded).info.frames >= 30
    hand.size = (320, 240)
    hand.feed(recorder, 40)
    assert still_works(hand, recorder, tmp_path / "d.mp4")


def test_a_clip_cannot_be_opened_twice(hand: Hand, recorder: Recorder, tmp_path: Path) -> None:
    hand.feed(recorder, 10)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    with pytest.raises(ValueError, match="open already"):
        recorder.start("c", tmp_path / "d.mp4", hand.now_ns, "")
