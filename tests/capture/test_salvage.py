"""What is found in the file of a recorder that died, wherever it was torn off."""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from capture.clip import Recorder
from capture.events import ClipEnded, ClipInfo, ClipStarted
from capture.overlay import Overlay
from capture.salvage import salvage
from tests.capture.numbered import UTC_0, Hand, decode, number_in
from tests.capture.parts import write_video
from tests.capture.reel import Projector, packets_of

Made = tuple[bytes, ClipInfo, int]
"""A file as it lay there while it grew, how the clip ended later, and when its trigger was."""


def grown(recorder: Recorder, hand: Hand | Projector, path: Path) -> Made:
    """A clip of 2 s and more before its trigger and 4 s after it, copied before it was finished."""
    hand.feed(recorder, 80)
    trigger_ns = hand.now_ns
    recorder.start("c", path, trigger_ns, "1Z999")
    hand.feed(recorder, 110)
    assert isinstance(hand.wait(ClipStarted), ClipStarted)
    copy, until = path.with_suffix(".copy"), time.monotonic() + 20
    while True:  # until all is written but the half second in memory
        copy.write_bytes(data := path.read_bytes())
        held = salvage(copy)
        if held and held.frames >= 165 - 12:
            break
        assert time.monotonic() < until
        time.sleep(0.01)
    recorder.stop("c")
    info = hand.wait(ClipEnded).info
    recorder.close()
    return data, info, trigger_ns


@pytest.fixture(scope="module", params=["encoded", "copied", "copied with B-frames"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("grown")
    if request.param == "encoded":
        hand = Hand(fps=25)
        recorder = Recorder(
            "cam", hand.events.put, fps=25, pre_roll_s=2, overlay=Overlay("Bench 1", "cam")
        )
        return grown(recorder, hand, folder / "c.mp4")
    options = {"preset": "veryfast", "g": "25"}
    if request.param == "copied":
        options["tune"] = "zerolatency"
    film = write_video(
        folder / "film.mp4", list(range(0, 8000, 40)), size=(320, 240), options=options
    )
    projector = Projector(packets_of(film))
    return grown(projector.recorder(pre_roll_s=2), projector, folder / "c.mp4")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "torn.mp4"


def test_wherever_it_is_torn_the_whole_fragments_are_found(made: Made, path: Path) -> None:
    data, ended, trigger_ns = made
    chance = random.Random(11)
    most = 0
    for cut in [*sorted(chance.randrange(len(data)) for _ in range(18)), len(data)]:
        path.write_bytes(data[:cut])
        info = salvage(path, trigger_ns)
        if info is None:
            assert most == 0  # before the first fragment was whole
            assert path.read_bytes() == data[:cut]
            continue
        shown = decode(path)
        numbers = [number_in(grey) for _, grey in shown]
        assert len(shown) == info.frames >= most
        most = info.frames
        assert path.stat().st_size == info.size_bytes <= cut
        assert data.startswith(path.read_bytes())
        # A stream with B-frames lacks at its end what is shown before its last picture.
        assert numbers[:-3] == list(range(numbers[0], numbers[0] + len(numbers) - 3))
        assert info.duration_ms == pytest.approx(shown[-1][0] * 1000 + 40, abs=2)
        for name in ("codec", "width", "height", "copied", "clock_offset_ms"):
            assert getattr(info, name) == getattr(ended, name), name
        assert abs(info.pre_roll_ms - ended.pre_roll_ms) <= 1
        assert abs((info.started_at - ended.started_at).total_seconds()) <= 0.001
        assert (info.dropped, info.holes) == (0, ())
    assert most >= 165 - 12


def test_a_fragment_holds_half_a_second_at_most(made: Made, path: Path) -> None:
    data, _, _ = made
    at, frames = 0, [0]
    while at < len(data):
        at += int.from_bytes(data[at : at + 4])
        path.write_bytes(data[:at])
        held = salvage(path)
        frames.append(held.frames if held else 0)
    assert max(after - before for before, after in itertools.pairwise(frames)) * 40 <= 500


def test_a_torn_tail_is_cut_off_and_only_that(made: Made, path: Path) -> None:
    data, _, trigger_ns = made
    path.write_bytes(data)
    whole = salvage(path, trigger_ns)
    assert whole is not None
    path.write_bytes(data[: whole.size_bytes] + b"\0\0\xff\xffmoof" + bytes(500))
    assert salvage(path, trigger_ns) == whole
    assert path.read_bytes() == data[: whole.size_bytes]
    assert salvage(path, trigger_ns) == whole  # again: nothing is left to do


def test_the_clocks_and_the_pre_roll_are_those_of_the_first_frame(made: Made, path: Path) -> None:
    data, ended, trigger_ns = made
    path.write_bytes(data)
    info = salvage(path)
    assert info is not None
    assert info.pre_roll_ms == 0  # nobody says when the trigger was
    assert info.clock_offset_ms == round(UTC_0.timestamp() * 1000)
    first_ns = trigger_ns - ended.pre_roll_ms * 1_000_000
    late = salvage(path, first_ns - 5_000_000_000)
    assert late is not None and late.pre_roll_ms == 0


def test_a_finished_file_is_found_as_it_was_reported(made: Made, path: Path) -> None:
    _, ended, trigger_ns = made
    shutil.copy(ended.path, path)
    before = path.read_bytes()
    info = salvage(path, trigger_ns)
    assert info is not None
    assert info.frames == ended.frames
    assert abs(info.duration_ms - ended.duration_ms) <= 1
    assert path.read_bytes() == before


def _foreign(folder: Path) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(3)
    yield "nothing", b""
    yield "short", b"\0\0\0"
    yield "zeros", bytes(5000)
    yield "noise", chance.randbytes(5000)
    yield "endless box", b"\0\0\0\x08free" * 10 + b"\0\0\0\1mdat" + b"\xff" * 8 + bytes(100)
    yield "empty index", b"\0\0\0\x08moov" + bytes(200)
    yield "noise as an index", b"\0\0\1\x08moov" + chance.randbytes(256) + bytes(10)
    yield "text", b"evidence\n" * 300
    theirs = write_video(folder / "theirs.mp4", list(range(0, 400, 40)), size=(64, 48)).read_bytes()
    yield "theirs", theirs
    yield "theirs with more behind it", theirs + b"what somebody put there"
    sound = folder / "sound.mp4"
    tone = ["-f", "lavfi", "-i", "sine=duration=1", "-metadata"]
    comment = "comment=first frame 2026-11-22T00:00:00.000+00:00, clock offset 5 ms"
    command = ["ffmpeg", "-v", "error", *tone, comment, str(sound)]
    subprocess.run(command, check=True)
    yield "sound", sound.read_bytes() + b"more"


def test_what_is_not_ours_stays_as_it_is(tmp_path: Path) -> None:
    for name, data in _foreign(tmp_path):
        path = tmp_path / f"{name}.bin"
        path.write_bytes(data)
        try:
            assert salvage(path, 0) is None, name
        except (OSError, av.FFmpegError) as error:
            print(f"{name}: {error}")
        assert path.read_bytes() == data, name
    assert salvage(tmp_path / "none.mp4") is None
    assert salvage(tmp_path) is None
