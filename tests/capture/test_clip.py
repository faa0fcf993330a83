"""What a clip holds: real encoding, real files, decoded again. Frames carry their own number."""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from capture.clip import Recorder
from capture.events import ClipEnded, ClipFailed, ClipStarted
from capture.frame import Frame, freeze
from capture.overlay import Overlay
from tests.capture.numbered import SECOND, UTC_0, Hand, decode, numbers_of

Maker = Callable[..., Recorder]


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def make(hand: Hand) -> Iterator[Maker]:
    made: list[Recorder] = []

    def make(*, pre_roll_s: float = 1.0) -> Recorder:
        recorder = Recorder(
            "overhead",
            hand.events.put,
            fps=hand.fps,
            pre_roll_s=pre_roll_s,
            overlay=Overlay("Bench 1", "overhead"),
        )
        made.append(recorder)
        return recorder

    yield make
    for recorder in made:
        recorder.close()


def test_no_frame_is_lost_or_doubled_at_20_random_triggers(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make(pre_roll_s=1.0)
    chance = random.Random(4)
    hand.feed(recorder, 70)
    for clip in range(20):
        last_before = hand.feed(recorder, chance.randrange(1, 50))
        # Anywhere between two frames, and a little before what has arrived meanwhile.
        trigger_ns = hand.now_ns - chance.randrange(0, SECOND // 4)
        path = tmp_path / f"{clip}.mp4"
        recorder.start(f"c{clip}", path, trigger_ns, f"1Z{clip}")
        last = hand.feed(recorder, chance.randrange(0, 40)) if clip else last_before
        recorder.stop(f"c{clip}")
        started, ended = hand.wait(ClipStarted), hand.wait(ClipEnded)

        numbers = numbers_of(path)
        assert numbers == list(range(numbers[0], last + 1))
        assert SECOND <= trigger_ns - hand.times[numbers[0]] <= 2.1 * SECOND
        assert started.pre_roll_ms == (trigger_ns - hand.times[numbers[0]]) // 1_000_000
        assert (ended.info.frames, ended.info.dropped) == (len(numbers), 0)
        assert ended.info.pre_roll_ms == started.pre_roll_ms
        assert ended.info.size_bytes == path.stat().st_size
        assert ended.why == ""


def test_back_to_back_parcels_each_have_their_pre_roll(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make(pre_roll_s=1.5)
    hand.feed(recorder, 100)
    recorder.start("a", tmp_path / "a.mp4", hand.now_ns, "A")
    last_a = hand.feed(recorder, 40)
    second_trigger_ns = hand.now_ns
    recorder.stop("a")
    recorder.start("b", tmp_path / "b.mp4", second_trigger_ns, "B")
    last_b = hand.feed(recorder, 40)
    recorder.stop("b")
    recorder.close()
    assert [event.why for event in hand.told() if isinstance(event, ClipEnded)] == ["", ""]

    a, b = numbers_of(tmp_path / "a.mp4"), numbers_of(tmp_path / "b.mp4")
    assert a == list(range(a[0], last_a + 1))
    assert b == list(range(b[0], last_b + 1))
    assert hand.times[b[0]] <= second_trigger_ns - 1.5 * SECOND
    assert b[0] < last_a  # they overlap, and nothing lies between them


def test_two_clips_roll_at_the_same_time(hand: Hand, make: Maker, tmp_path: Path) -> None:
    recorder = make()
    hand.feed(recorder, 45)
    recorder.start("a", tmp_path / "a.mp4", hand.now_ns, "A")
    hand.feed(recorder, 20)
    recorder.start("b", tmp_path / "b.mp4", hand.now_ns, "B")
    last_a = hand.feed(recorder, 20)
    recorder.stop("a")
    last_b = hand.feed(recorder, 20)
    recorder.stop("b")
    while not (
        isinstance(event := hand.events.get(timeout=20), ClipEnded) and event.clip_id == "b"
    ):
        pass
    recorder.close()
    for path, last in ((tmp_path / "a.mp4", last_a), (tmp_path / "b.mp4", last_b)):
        numbers = numbers_of(path)
        assert numbers == list(range(numbers[0], last + 1))


def test_without_pre_roll_a_clip_begins_at_the_last_key_frame(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make(pre_roll_s=5.0)
    last_before = hand.feed(recorder, 100)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "", pre_roll=False)
    hand.feed(recorder, 10)
    recorder.stop("c")
    assert hand.wait(ClipStarted).pre_roll_ms <= 1_000
    hand.wait(ClipEnded)
    assert last_before - 30 <= numbers_of(tmp_path / "c.mp4")[0] <= last_before


def test_a_ring_shorter_than_the_pre_roll_gives_what_it_has(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make(pre_roll_s=10.0)
    hand.feed(recorder, 20)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    recorder.stop("c")
    hand.wait(ClipStarted)
    assert hand.wait(ClipEnded).info.frames == 20
    assert numbers_of(tmp_path / "c.mp4") == list(range(20))


def test_a_stall_of_two_seconds_is_two_seconds_in_the_file(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make(pre_roll_s=0.5)
    hand.feed(recorder, 40)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    before = hand.feed(recorder, 37)
    hand.now_ns += 2 * SECOND
    hand.feed(recorder, 30)
    recorder.stop("c")
    hand.wait(ClipStarted)
    info = hand.wait(ClipEnded).info

    times = [time for time, _ in decode(tmp_path / "c.mp4")]
    steps = np.diff(times)
    first = numbers_of(tmp_path / "c.mp4")[0]
    assert steps.min() > 0
    assert steps[before - first] == pytest.approx(2 + 1 / 30, abs=0.001)
    assert np.delete(steps, before - first) == pytest.approx(1 / 30, abs=0.001)
    assert info.duration_ms == pytest.approx(1000 * (times[-1] + 1 / 30), abs=2)
    begun = UTC_0 + dt.timedelta(microseconds=hand.times[first] // 1000)
    assert info.started_at == begun


def test_eight_hours_do_not_drift(hand: Hand, make: Maker, tmp_path: Path) -> None:
    recorder = make()
    hand.size = (64, 48)
    recorder.start("c", tmp_path / "c.mp4", 0, "")
    step_ns = 31_333_333_337
    for _ in range(8 * 3600 * SECOND // step_ns + 1):
        hand.now_ns += step_ns - SECOND // hand.fps
        hand.feed(recorder, 1)
    recorder.stop("c")
    hand.wait(ClipStarted)
    info = hand.wait(ClipEnded).info
    times = [time for time, _ in decode(tmp_path / "c.mp4")]
    span_ns = hand.now_ns - hand.times[0]
    assert span_ns > 8 * 3600 * SECOND - step_ns
    assert times[-1] == pytest.approx(span_ns / SECOND, abs=0.0001)
    assert info.duration_ms == pytest.approx(span_ns / 1e6 + 1000 / 30, abs=1)
    assert info.frames == len(times)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set here")
def test_a_clock_that_jumps_shows_in_the_line_and_moves_no_picture(
    hand: Hand, make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an hour each way; and Berlin goes back to winter time meanwhile."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        recorder = make()
        hand.size = (640, 480)
        # Half a second before the clocks are put back.
        winter = dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC)
        hand.ahead = winter - UTC_0 - dt.timedelta(microseconds=hand.now_ns // 1000 + 500_000)
        recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
        utcs = []
        for hours in (0, 1, -2):
            hand.ahead += dt.timedelta(hours=hours)
            for _ in range(30):
                hand.feed(recorder, 1)
                utcs.append(UTC_0 + dt.timedelta(microseconds=hand.now_ns // 1000) + hand.ahead)
        recorder.stop("c")
        hand.wait(ClipStarted)
        info = hand.wait(ClipEnded).info
        shown = decode(tmp_path / "c.mp4")
        assert np.diff([at for at, _ in shown]) == pytest.approx(1 / 30, abs=0.001)
        assert info.duration_ms == pytest.approx(3000, abs=1)
        first = utcs[0].timestamp() - hand.times[0] / 1e9
        assert info.clock_offset_ms == pytest.approx(first * 1000, abs=1)

        def line(at: int) -> tuple[np.ndarray, np.ndarray]:
            """What is seen, and what a recorder that knows only this moment would have drawn."""
            overlay = Overlay("Bench 1", "overhead")
            i420 = np.full((720, 640), 110, np.uint8)
            overlay.draw_i420(i420, utcs[at], hand.times[at])
            return shown[at][1][-22:, :600], i420[458:480, :600]

        for at in (5, 25, 50, 70, 85):  # summer, winter, an hour ahead, then behind
            seen, wanted = line(at)
            assert float(cv2.matchTemplate(seen, wanted, cv2.TM_CCOEFF_NORMED)[0, 0]) > 0.97, at
            for other in {5, 25, 50, 70} - {at}:
                _, else_ = line(other)
                likeness = cv2.matchTemplate(seen, else_, cv2.TM_CCOEFF_NORMED)[0, 0]
                assert float(likeness) < 0.97 or (at, other) == (85, 70)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_clip_does_not_begin_on_the_far_side_of_a_camera_loss(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make(pre_roll_s=1.0)
    hand.feed(recorder, 60)
    hand.now_ns += 3600 * SECOND
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    back = hand.index
    last = hand.feed(recorder, 20)
    recorder.stop("c")
    hand.wait(ClipStarted)
    assert hand.wait(ClipEnded).info.duration_ms < 1_000
    assert numbers_of(tmp_path / "c.mp4") == list(range(back, last + 1))


def test_a_trigger_ahead_of_the_frames_gives_a_clip_that_plays(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make(pre_roll_s=0)
    hand.feed(recorder, 35)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns + 5 * SECOND, "")
    last = hand.feed(recorder, 60)
    recorder.stop("c")
    assert hand.wait(ClipStarted).pre_roll_ms > 0
    info = hand.wait(ClipEnded).info
    numbers = numbers_of(tmp_path / "c.mp4")
    assert numbers == list(range(numbers[0], last + 1))
    assert (info.frames, info.dropped) == (len(numbers), 0)


def test_a_slow_camera_gets_key_frames_by_time(hand: Hand, make: Maker, tmp_path: Path) -> None:
    recorder = make(pre_roll_s=3.0)  # thinks it is 30 fps
    hand.fps = 4
    hand.feed(recorder, 40)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    recorder.stop("c")
    assert 3_000 <= hand.wait(ClipStarted).pre_roll_ms <= 4_000
    hand.wait(ClipEnded)


def test_the_file_is_an_ordinary_mp4_that_browsers_play(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make()
    hand.feed(recorder, 90)
    path = tmp_path / "c.mp4"
    recorder.start("c", path, hand.now_ns, "1Z999\n\x1b[2J")
    hand.feed(recorder, 60)
    recorder.stop("c")
    hand.wait(ClipStarted)
    info = hand.wait(ClipEnded).info

    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", str(path)]
    probe = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    (video,) = probe["streams"]
    assert (video["codec_name"], video["codec_tag_string"]) == (info.codec, "avc1")
    assert video["profile"] in {"Constrained Baseline", "Main", "High"}
    assert video["pix_fmt"] == "yuv420p"
    assert (video["width"], video["height"]) == (info.width, info.height) == (320, 240)
    assert (video["color_range"], video["color_space"]) == ("tv", "smpte170m")
    assert int(video["nb_frames"]) == info.frames  # from the index: whole, not in fragments
    assert probe["format"]["tags"]["title"] == "1Z999??[2J"
    assert probe["format"]["tags"]["creation_time"][:19] == info.started_at.isoformat()[:19]
    assert _boxes(path)[-1] == "moov" and "moof" not in _boxes(path)


def _boxes(path: Path) -> list[str]:
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        kinds.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4])
    return kinds


@pytest.mark.parametrize("bgr", [(30, 30, 210), (40, 200, 40), (210, 60, 30), (200, 200, 200)])
def test_colours_come_back_as_they_were(
    bgr: tuple[int, int, int], hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make()
    picture = freeze(np.full((240, 320, 3), bgr, np.uint8))
    for index in range(5):
        recorder.offer(Frame(index, SECOND + index, UTC_0, picture))
    recorder.start("c", tmp_path / "c.mp4", 2 * SECOND, "")
    recorder.stop("c")
    hand.wait(ClipStarted)
    hand.wait(ClipEnded)
    with av.open(str(tmp_path / "c.mp4")) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="bgr24")
    assert shown[100, 160].astype(int) == pytest.approx(bgr, abs=4)


@pytest.mark.parametrize(("size", "coded"), [((321, 243), (320, 240)), ((482, 270), (482, 268))])
def test_odd_sizes_lose_their_last_rows_and_columns(
    size: tuple[int, int], coded: tuple[int, int], hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make()
    hand.size = size
    hand.feed(recorder, 30)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    recorder.stop("c")
    hand.wait(ClipStarted)
    info = hand.wait(ClipEnded).info
    assert (info.width, info.height) == coded
    assert numbers_of(tmp_path / "c.mp4") == list(range(30))
    assert decode(tmp_path / "c.mp4")[0][1].shape == coded[::-1]


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_the_burnt_in_number_is_legible_and_begins_with_the_clip(
    size: tuple[int, int], hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make()
    noise = np.random.default_rng(5).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    freeze(noise)
    start_ns = 10 * SECOND
    frames = [
        Frame(
            at, start_ns + at * SECOND // 30, UTC_0 + dt.timedelta(seconds=at / 30), freeze(noise)
        )
        for at in range(12)
    ]
    for frame in frames[:6]:
        recorder.offer(frame)
    recorder.start("c", tmp_path / "c.mp4", frames[5].mono_ns, "1Z999AA10123456784")
    for frame in frames[6:]:
        recorder.offer(frame)
    recorder.stop("c")
    hand.wait(ClipStarted)
    hand.wait(ClipEnded)

    shown = decode(tmp_path / "c.mp4")
    assert len(shown) == 12

    def likeness(at: int, number: str) -> float:
        overlay = Overlay("Bench 1", "overhead")
        overlay.text = number
        expected = np.asarray(cv2.cvtColor(noise, cv2.COLOR_BGR2YUV_I420), np.uint8)
        overlay.draw_i420(expected, frames[at].utc, frames[at].mono_ns)
        rows = size[1] // 32
        want = expected[size[1] - rows : size[1], : size[0] * 3 // 4]
        have = shown[at][1][-rows:, : size[0] * 3 // 4]
        return float(cv2.matchTemplate(have, want, cv2.TM_CCOEFF_NORMED)[0, 0])

    for at in (6, 11):
        assert likeness(at, "1Z999AA10123456784") > 0.95
        assert likeness(at, "1Z999AA10123456734") < likeness(at, "1Z999AA10123456784") - 0.003
        assert likeness(at, "") < 0.9
    for at in (0, 5):  # the number was not known yet
        assert likeness(at, "") > 0.9
        assert likeness(at, "1Z999AA10123456784") < 0.9


def test_the_number_goes_with_its_clip(hand: Hand, tmp_path: Path) -> None:
    overlay = Overlay("Bench 1", "overhead")
    recorder = Recorder("overhead", hand.events.put, fps=30, pre_roll_s=1, overlay=overlay)
    hand.feed(recorder, 10)
    recorder.start("a", tmp_path / "a.mp4", hand.now_ns, "A")
    recorder.start("b", tmp_path / "b.mp4", hand.now_ns, "B")
    recorder.stop("a")
    recorder.close()
    assert overlay.text == "B"

    recorder = Recorder("overhead", hand.events.put, fps=30, pre_roll_s=1, overlay=overlay)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "C")
    recorder.stop("c")
    recorder.close()
    assert overlay.text == ""


def test_stop_without_any_frame_is_answered_and_leaves_no_file(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make()
    recorder.start("c", tmp_path / "c.mp4", SECOND, "1Z9")
    recorder.stop("c")
    assert "no frame" in hand.wait(ClipFailed).why
    assert list(tmp_path.iterdir()) == []


def test_a_clip_ends_though_the_camera_is_dead(hand: Hand, make: Maker, tmp_path: Path) -> None:
    recorder = make()
    last = hand.feed(recorder, 40)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    hand.wait(ClipStarted)
    recorder.stop("c")
    hand.wait(ClipEnded)
    assert numbers_of(tmp_path / "c.mp4")[-1] == last


def test_close_ends_an_open_clip_playable(hand: Hand, make: Maker, tmp_path: Path) -> None:
    recorder = make()
    hand.feed(recorder, 40)
    recorder.start("c", tmp_path / "c.mp4", hand.now_ns, "")
    last = hand.feed(recorder, 5)
    recorder.close()
    hand.wait(ClipStarted)
    assert hand.wait(ClipEnded).why == "closed"
    assert numbers_of(tmp_path / "c.mp4")[-1] == last

    recorder.offer(hand.frame())
    recorder.start("d", tmp_path / "d.mp4", hand.now_ns, "")
    assert "closed" in hand.wait(ClipFailed).why
    assert not (tmp_path / "d.mp4").exists()


def test_another_picture_size_ends_the_clip_and_the_next_one_works(
    hand: Hand, make: Maker, tmp_path: Path
) -> None:
    recorder = make()
    hand.feed(recorder, 40)
    recorder.start("a", tmp_path / "a.mp4", hand.now_ns, "")
    last = hand.feed(recorder, 20)
    hand.size = (640, 360)
    hand.feed(recorder, 20)
    hand.wait(ClipStarted)
    ended = hand.wait(ClipEnded)
    assert "320x240" in ended.why and "640x360" in ended.why
    assert ended.info.dropped == 0
    assert numbers_of(tmp_path / "a.mp4")[-1] == last

    recorder.stop("a")  # answered already
    recorder.start("b", tmp_path / "b.mp4", hand.now_ns, "")
    recorder.stop("b")
    hand.wait(ClipStarted)
    info = hand.wait(ClipEnded).info
    assert (info.width, info.height) == (640, 360)
    assert numbers_of(tmp_path / "b.mp4") == list(range(last + 1, last + 21))
