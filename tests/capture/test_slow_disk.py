"""What becomes of a clip on a disk that is slow, hangs for ever or is pulled out: a real one."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from capture.encoder import Encoded
from capture.events import CaptureEvent, ClipEnded, ClipFailed, ClipStarted
from capture.holes import DISK_TOO_SLOW
from capture.source import Packet
from tests.capture.numbered import numbers_of
from tests.capture.parts import write_video
from tests.capture.reel import Projector, packets_of, utc_of
from tests.capture.slow_disk import SlowDisk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    if not Path("/dev/fuse").exists() or find_spec("mfusepy") is None:
        pytest.skip("a disk of our own needs Linux with /dev/fuse and libfuse3")
    try:
        disk = SlowDisk(tmp_path / "slow")
    except OSError as error:
        pytest.skip(f"this machine does not let us mount a disk of our own: {error}")
    yield disk
    disk.unmount()


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> list[Packet]:
    """60 s, a key frame each second, about 1.5 kB a picture."""
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": "25"}
    path = tmp_path_factory.mktemp("slow") / "minute.mp4"
    each_40_ms = list(range(0, 60_000, 40))
    return packets_of(write_video(path, each_40_ms, size=(320, 240), options=options))


@pytest.fixture
def projector(minute: list[Packet]) -> Projector:
    return Projector(minute)


def waited(projector: Projector, kinds: list[type[CaptureEvent]]) -> list[CaptureEvent]:
    """The next events, which must be of these kinds, in any order."""
    events = [projector.events.get(timeout=20) for _ in kinds]
    assert sorted(type(one).__name__ for one in events) == sorted(one.__name__ for one in kinds)
    return events


@pytest.mark.parametrize("how", ["hangs", "is slow"])
def test_a_slow_disk_costs_a_hole_and_nothing_else(
    how: str, projector: Projector, disk: SlowDisk, tmp_path: Path
) -> None:
    backlog = sum(len(packet.data) for packet in projector.packets[60:210])
    recorder = projector.recorder(backlog_bytes=backlog)
    projector.feed(recorder, 60)
    slow, good = disk.folder / "slow.mp4", tmp_path / "good.mp4"
    recorder.start("slow", slow, projector.now_ns, "S")
    recorder.start("good", good, projector.now_ns, "G")
    waited(projector, [ClipStarted, ClipStarted])
    if how == "hangs":
        disk.hold("write")
    else:
        disk.slow(0.3)
    for _ in range(10):
        projector.feed(recorder, 50)
        time.sleep(0.005)  # lets the writers go on, as a camera would
    assert recorder.queue_depth == 0
    recorder.stop("good")
    assert projector.wait(ClipEnded).clip_id == "good"
    last_good = projector.at - 1
    disk.go_on()
    until = time.monotonic() + 10
    while slow.stat().st_size < backlog and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.3)
    last = projector.feed(recorder, 30)
    recorder.stop("slow")
    info = projector.wait(ClipEnded).info
    recorder.close()
    assert recorder.dropped == 0

    numbers = numbers_of(good)
    assert numbers == list(range(numbers[0], last_good + 1))

    numbers = numbers_of(slow)
    assert numbers[0] <= 60 - 25
    assert numbers[-1] == last  # it caught up
    assert len(numbers) == info.frames
    assert info.dropped == last + 1 - numbers[0] - len(numbers) > 100
    assert sum(hole.frames for hole in info.holes) == info.dropped
    assert {hole.cause for hole in info.holes} == {DISK_TOO_SLOW}
    before = next(at for at in numbers if at + 1 not in numbers)
    assert info.holes[0].started_at == utc_of(projector.times[before])
    if how == "hangs":  # what waited meanwhile was bounded
        assert 180 < before < 240


@pytest.mark.parametrize("what", ["fsync", "write"])
def test_a_disk_that_hangs_for_ever_is_answered_for_once(
    what: str, projector: Projector, disk: SlowDisk, tmp_path: Path
) -> None:
    recorder = projector.recorder(no_answer_s=0.5)
    projector.feed(recorder, 60)
    recorder.start("c", disk.folder / "c.mp4", projector.now_ns, "C")
    waited(projector, [ClipStarted])
    disk.hold(what)
    projector.feed(recorder, 50)
    began = time.monotonic()
    recorder.stop("c")
    (failed,) = waited(projector, [ClipFailed])
    assert 0.4 < time.monotonic() - began < 5
    assert isinstance(failed, ClipFailed)
    assert failed.why == "the disk does not answer; what it took lies in c.mp4"

    recorder.start("d", tmp_path / "d.mp4", projector.now_ns, "D")  # another disk
    last = projector.feed(recorder, 10)
    recorder.stop("d")
    waited(projector, [ClipStarted, ClipEnded])
    assert numbers_of(tmp_path / "d.mp4")[-1] == last

    disk.go_on()
    recorder.close()  # waits for the writer
    assert projector.events.empty()
    assert numbers_of(disk.folder / "c.mp4")[0] <= 60 - 25


@pytest.mark.parametrize("what", ["create", "write"])
def test_a_disk_that_hangs_at_the_first_byte_gives_no_second_answer(
    what: str, projector: Projector, disk: SlowDisk
) -> None:
    recorder = projector.recorder(no_answer_s=0.5)
    projector.feed(recorder, 60)
    disk.hold(what)
    recorder.start("c", disk.folder / "c.mp4", projector.now_ns, "C")
    recorder.stop("c")
    waited(projector, [ClipFailed])
    disk.go_on()
    recorder.close()
    assert projector.events.empty()


def test_a_disk_that_hangs_for_ever_holds_no_memory(projector: Projector, disk: SlowDisk) -> None:
    before = _encoded()
    recorder = projector.recorder(no_answer_s=0.3, pre_roll_s=10)
    projector.feed(recorder, 300)
    disk.hold("write")
    for clip in range(5):
        recorder.start(f"c{clip}", disk.folder / f"{clip}.mp4", projector.now_ns, "C")
        projector.feed(recorder, 300)
        recorder.stop(f"c{clip}")
        projector.wait(ClipFailed)
    recorder.close(timeout_s=0.1)
    ring = 12 * 25
    assert _encoded() - before < ring + 5 * 10  # of some 1800


def _encoded() -> int:
    gc.collect()
    return sum(isinstance(one, Encoded) for one in gc.get_objects())


def test_a_disk_that_is_pulled_out_ends_the_clip_with_its_cause(
    projector: Projector, disk: SlowDisk, tmp_path: Path
) -> None:
    recorder = projector.recorder()
    projector.feed(recorder, 60)
    recorder.start("c", disk.folder / "c.mp4", projector.now_ns, "C")
    projector.feed(recorder, 50)
    waited(projector, [ClipStarted])
    disk.pull_out()
    projector.feed(recorder, 50)
    ended = projector.events.get(timeout=20)
    assert isinstance(ended, ClipEnded | ClipFailed)
    assert ended.why.startswith("cannot write c.mp4: ")
    recorder.stop("c")
    recorder.start("d", tmp_path / "d.mp4", projector.now_ns, "D")
    recorder.stop("d")
    waited(projector, [ClipStarted, ClipEnded])
    recorder.close()
    assert projector.events.empty()
