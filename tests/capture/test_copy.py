"""What a clip of a copied stream holds: every packet as the camera coded it, and its own words."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from capture.clip import Recorder
from capture.decoder import decode_frames
from capture.events import ClipEnded, ClipStarted
from capture.holes import COMPUTER_TOO_SLOW
from capture.overlay import Line, Overlay
from capture.source import Packet
from tests.capture.numbered import SECOND, UTC_0, decode, number_in, numbers_of
from tests.capture.parts import write_video
from tests.capture.reel import FPS, Projector, packets_of, utc_of

LIKE_A_CAMERA = {"preset": "ultrafast", "tune": "zerolatency"}
SMALL = (320, 240)


def video_of(
    folder: Path, name: str, frames: int, gop: int, codec: str = "libx264", **options: str
) -> Path:
    each_40_ms = list(range(0, frames * 40, 40))
    given = {"g": str(gop), **(options or LIKE_A_CAMERA)}
    return write_video(folder / f"{name}.mp4", each_40_ms, codec, SMALL, given)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copy")


@pytest.fixture(scope="module")
def minute(stock: Path) -> list[Packet]:
    """60 s, a key frame each second."""
    return packets_of(video_of(stock, "minute", 1500, 25))


@pytest.fixture(scope="module")
def with_b_frames(stock: Path) -> list[Packet]:
    """12 s with B-frames, a key frame every 2 s."""
    path = video_of(stock, "b", 300, 50, preset="veryfast", bf="3", sc_threshold="0")
    return packets_of(path)


@pytest.fixture
def projector(minute: list[Packet]) -> Projector:
    return Projector(minute)


@pytest.fixture
def recorder(projector: Projector) -> Iterator[Recorder]:
    recorder = projector.recorder()
    yield recorder
    recorder.close()


def ffmpeg(*arguments: str | Path) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def cues_of(path: Path) -> list[tuple[float, float, str]]:
    """What the ffmpeg program reads from the subtitle track: begin, end, text."""
    srt = path.with_suffix(".srt")
    ffmpeg("-i", path, "-map", "0:s:0", srt)

    def seconds(stamp: str) -> float:
        hours, minutes, rest = stamp.replace(",", ".").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest)

    found = re.findall(r"\d+\n(\S+) --> (\S+)\n(.*?)\n\n", srt.read_text(), re.S)
    # The program writes the track's font around each.
    font, end_of_font = '<font face="Serif" size="18">', "</font>"
    assert all(text.startswith(font) and text.endswith(end_of_font) for _, _, text in found)
    return [
        (seconds(begin), seconds(end), text.removeprefix(font).removesuffix(end_of_font))
        for begin, end, text in found
    ]


# -- every frame -----------------------------------------------------------------------------


def test_no_packet_is_lost_or_doubled_at_25_random_triggers(
    projector: Projector, recorder: Recorder, tmp_path: Path
) -> None:
    chance = random.Random(7)
    projector.feed(recorder, 60)
    for clip in range(25):
        projector.feed(recorder, chance.randrange(1, 30))
        trigger_ns = projector.now_ns - chance.randrange(0, SECOND // 4)
        path = tmp_path / f"{clip}.mp4"
        last = projector.clip(recorder, path, chance.randrange(0, 28), trigger_ns)
        started, ended = projector.wait(ClipStarted), projector.wait(ClipEnded)

        numbers = numbers_of(path)
        assert numbers == list(range(numbers[0], last + 1))
        assert SECOND <= trigger_ns - projector.times[numbers[0]] < 2 * SECOND
        assert started.pre_roll_ms == ended.info.pre_roll_ms
        assert ended.info.pre_roll_ms == (trigger_ns - projector.times[numbers[0]]) // 1_000_000
        assert (ended.info.frames, ended.info.dropped) == (len(numbers), 0)
        assert (ended.info.copied, ended.info.holes, ended.why) == (True, (), "")


def test_the_packets_are_those_of_the_camera(
    projector: Projector, recorder: Recorder, tmp_path: Path
) -> None:
    projector.feed(recorder, 30)
    path = tmp_path / "c.mp4"
    projector.clip(recorder, path, 50)
    projector.wait(ClipEnded)
    ours = packets_of(path)
    assert [one.data for one in ours] == [one.data for one in projector.packets[: len(ours)]]
    assert len(ours) == 80


def test_clips_that_overlap_or_follow_each_other_have_their_pre_rolls(
    projector: Projector, recorder: Recorder, tmp_path: Path
) -> None:
    triggers, lasts = {}, {}
    projector.feed(recorder, 60)
    for clip in "ab":
        triggers[clip] = projector.now_ns
        recorder.start(clip, tmp_path / f"{clip}.mp4", projector.now_ns, clip)
        lasts["a"] = projector.feed(recorder, 40)
    recorder.stop("a")
    lasts["b"] = projector.feed(recorder, 30)
    recorder.stop("b")
    triggers["c"] = projector.now_ns  # back to back
    recorder.start("c", tmp_path / "c.mp4", projector.now_ns, "c")
    lasts["c"] = projector.feed(recorder, 10)
    recorder.stop("c")
    for _ in "abc":
        projector.wait(ClipEnded)
    firsts = {}
    for clip, trigger_ns in triggers.items():
        numbers = numbers_of(tmp_path / f"{clip}.mp4")
        assert numbers == list(range(numbers[0], lasts[clip] + 1))
        assert SECOND <= trigger_ns - projector.times[numbers[0]] < 2 * SECOND
        firsts[clip] = numbers[0]
        cues = [text for _, _, text in cues_of(tmp_path / f"{clip}.mp4")]
        assert all(f"   {clip}   " in cue for cue in cues), cues
    assert firsts["c"] < lasts["b"]


class Slow(Overlay):
    """Holds the recorder's thread at the start of a clip for as long as wished."""

    def __init__(self) -> None:
        super().__init__("Bench 1", "overhead")
        self.held, self.goes_on = threading.Event(), threading.Event()

    def line(self, text: str) -> Line:
        if text == "hold":
            self.held.set()
            self.goes_on.wait(20)
        return super().line(text)


def test_what_a_slow_computer_has_no_room_for_is_a_hole_up_to_a_key_frame(
    projector: Projector, tmp_path: Path
) -> None:
    slow = Slow()
    recorder = projector.recorder(overlay=slow)
    projector.feed(recorder, 30)
    path = tmp_path / "a.mp4"
    recorder.start("a", path, projector.now_ns, "A")
    projector.feed(recorder, 3)
    recorder.start("b", tmp_path / "b.mp4", projector.now_ns, "hold")
    assert slow.held.wait(20)
    assert recorder.tail(projector.now_ns, timeout_s=0.05) == []  # nor is anybody held up
    began = time.monotonic()
    last_taken = 33 + recorder.queue_depth + 256 - 1
    projector.feed(recorder, 300, wait=False)
    assert time.monotonic() - began < 1
    assert recorder.queue_depth == 256
    slow.goes_on.set()
    assert recorder.tail(projector.now_ns, 20)  # all is sorted in
    last = projector.feed(recorder, 60)
    recorder.stop("a")
    recorder.stop("b")
    ended = {event.clip_id: event.info for event in (projector.wait(ClipEnded) for _ in "ab")}
    recorder.close()

    back = 350  # the next key frame after the queue had room again
    assert numbers_of(path) == [*range(last_taken + 1), *range(back, last + 1)]
    for info in ended.values():
        assert info.dropped == recorder.dropped == back - last_taken - 1
        (hole,) = info.holes
        assert (hole.frames, hole.cause) == (info.dropped, COMPUTER_TOO_SLOW)
        assert hole.started_at == utc_of(projector.times[last_taken])
        assert hole.ended_at == utc_of(projector.times[back])


def test_b_frames_keep_their_order_and_their_times(
    with_b_frames: list[Packet], tmp_path: Path
) -> None:
    projector = Projector(with_b_frames)
    assert any(packet.delay_ns for packet in with_b_frames)
    recorder = projector.recorder()
    path = tmp_path / "c.mp4"
    projector.feed(recorder, 120)
    projector.clip(recorder, path, 180)
    info = projector.wait(ClipEnded).info
    recorder.close()
    shown = decode(path)
    numbers = [number_in(grey) for _, grey in shown]
    assert numbers == list(range(numbers[0], 300))
    assert numbers[0] == 50
    times = [at for at, _ in shown]
    assert np.diff(times) == pytest.approx(1 / FPS, abs=0.001)
    assert info.frames == 250
    lead_ms = with_b_frames[50].delay_ns // 1_000_000
    assert info.duration_ms == pytest.approx(250 * 40 + lead_ms, abs=2)


@pytest.mark.skipif("libx265" not in av.codecs_available, reason="this FFmpeg cannot make HEVC")
def test_hevc_has_the_name_that_apple_s_players_know(stock: Path, tmp_path: Path) -> None:
    quiet = {"x265-params": "log-level=none:keyint=25:bframes=0", "preset": "ultrafast"}
    path = write_video(stock / "h.mp4", list(range(0, 2000, 40)), "libx265", SMALL, quiet)
    projector = Projector(packets_of(path))
    recorder = projector.recorder()
    projector.feed(recorder, 30)
    clip = tmp_path / "c.mp4"
    projector.clip(recorder, clip, 20)
    info = projector.wait(ClipEnded).info
    recorder.close()
    video = probed(clip)["streams"][0]
    assert (video["codec_name"], video["codec_tag_string"]) == ("hevc", "hvc1")
    assert info.codec == "hevc"
    assert numbers_of(clip) == list(range(50))


def probed(path: Path) -> dict[str, list[dict[str, object]]]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path)]
    result: dict[str, list[dict[str, object]]] = json.loads(
        subprocess.run(command, check=True, capture_output=True).stdout
    )
    return result


# -- another coding --------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["size", "parameters"])
def test_another_coding_begins_anew(
    what: str, projector: Projector, recorder: Recorder, stock: Path, tmp_path: Path
) -> None:
    size = (480, 360) if what == "size" else SMALL
    options = {**LIKE_A_CAMERA, "g": "25"}
    if what == "parameters":
        options |= {"refs": "3", "preset": "medium"}
    path = write_video(stock / f"{what}.mp4", list(range(0, 2400, 40)), size=size, options=options)
    other = Projector(packets_of(path))
    projector.feed(recorder, 30)
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    recorder.start("a", first, projector.now_ns, "A")
    last = projector.feed(recorder, 20)
    other.now_ns = projector.now_ns
    other.feed(recorder, 40)
    ended = projector.wait(ClipEnded)
    assert ended.why == "the camera codes its pictures in another way"
    assert (ended.info.dropped, ended.info.holes) == (0, ())
    assert numbers_of(first) == list(range(last + 1))
    recorder.stop("a")  # answered already

    recorder.start("b", second, other.now_ns, "B")
    recorder.stop("b")
    info = projector.wait(ClipEnded).info
    assert (info.width, info.height) == size
    assert numbers_of(second)[-1] == 39
    assert numbers_of(second)[0] == 0


def test_the_same_coding_after_a_break_goes_on(
    projector: Projector, recorder: Recorder, stock: Path, tmp_path: Path
) -> None:
    again = Projector(packets_of(stock / "minute.mp4"))  # connected again: another stream object
    assert again.packets[0].stream is not projector.packets[0].stream
    projector.feed(recorder, 30)
    recorder.start("a", tmp_path / "a.mp4", projector.now_ns, "A")
    again.now_ns = projector.now_ns
    again.feed(recorder, 10)
    recorder.stop("a")
    assert projector.wait(ClipEnded).why == ""
    assert numbers_of(tmp_path / "a.mp4") == [*range(30), *range(10)]


# -- the newest group of pictures ------------------------------------------------------------


def test_the_tail_is_what_a_still_needs(projector: Projector, recorder: Recorder) -> None:
    assert recorder.tail(projector.now_ns) == []
    projector.feed(recorder, 70)
    wished = projector.times[63]
    tail = recorder.tail(wished)
    assert [one.seq for one in tail] == list(range(50, 70))
    pictures = decode_frames(tail, wished)
    assert [frame.index for frame in pictures] == list(range(63, 70))
    assert [number_in(frame.grey) for frame in pictures] == list(range(63, 70))
    recorder.close()
    assert recorder.tail(wished) == []


# -- what players show -----------------------------------------------------------------------


def test_a_cue_a_second_says_what_cannot_be_burnt_in(
    projector: Projector, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Taipei")
    time.tzset()
    try:
        projector.feed(recorder, 30)
        path = tmp_path / "c.mp4"
        projector.clip(recorder, path, 95)
        projector.wait(ClipEnded)
    finally:
        monkeypatch.undo()
        time.tzset()
    cues = cues_of(path)
    assert [(begin, end) for begin, end, _ in cues] == [(at, at + 1) for at in range(5)]
    begun = UTC_0 + dt.timedelta(microseconds=projector.times[0] // 1000)
    local = begun.astimezone(dt.timezone(dt.timedelta(hours=8)))
    for at, (_, _, text) in enumerate(cues):
        stamp = f"{local + dt.timedelta(seconds=at):%Y-%m-%d %H:%M:%S} +08:00"
        assert text == f"{stamp}   Δ{UTC_0.timestamp():.3f}   1Z999   Bench 1 · overhead"

    video, words = probed(path)["streams"]
    assert (words["codec_name"], words["codec_type"]) == ("mov_text", "subtitle")
    assert words["disposition"]["default"] == 1  # type: ignore[index]
    assert video["disposition"]["default"] == 1  # type: ignore[index]


HOSTILE = [
    "\x1b[2J\x1b]0;x\x07",
    "\u202eevil",
    "</font><font size=99>{\\fs99}{\\an8}",
    "one\ntwo\r\n\n3\n00:00:00,000 --> 01:00:00,000\nthree",
    "9" * 4000,
]


@pytest.mark.parametrize("number", HOSTILE, ids=["escape", "bidi", "markup", "lines", "long"])
def test_no_number_is_more_than_a_line_of_text(
    number: str, projector: Projector, recorder: Recorder, tmp_path: Path
) -> None:
    projector.feed(recorder, 30)
    path = tmp_path / "c.mp4"
    recorder.start("c", path, projector.now_ns, number)
    projector.feed(recorder, 30)
    recorder.stop("c")
    projector.wait(ClipEnded)
    cues = cues_of(path)
    assert len(cues) == 3
    for _, _, text in cues:
        assert text.isprintable()
        assert not set(text) & set("<>{}\\")
        assert len(text) < 160
        assert text.endswith("   Bench 1 · overhead")
    assert numbers_of(path) == list(range(60))


def test_the_cues_can_be_burnt_in(projector: Projector, recorder: Recorder, tmp_path: Path) -> None:
    projector.feed(recorder, 30)
    path, burnt = tmp_path / "c.mp4", tmp_path / "burnt.mp4"
    projector.clip(recorder, path, 30)
    projector.wait(ClipEnded)
    ffmpeg("-i", path, "-vf", f"subtitles={path}", "-c:v", "libx264", "-preset", "ultrafast", burnt)
    plain, written = decode(path), decode(burnt)
    assert len(plain) == len(written) == 60
    for at in (2, 30, 58):
        low = slice(160, 240)
        change = np.abs(plain[at][1][low].astype(int) - written[at][1][low])
        assert (change > 60).mean() > 0.02  # letters


# -- time ------------------------------------------------------------------------------------


def test_a_clock_that_jumps_is_told_and_moves_no_picture(
    projector: Projector, recorder: Recorder, tmp_path: Path
) -> None:
    hour = dt.timedelta(hours=1)
    projector.feed(recorder, 30)
    path = tmp_path / "c.mp4"
    recorder.start("c", path, projector.now_ns, "1Z999")
    projector.feed(recorder, 45)
    projector.ahead = hour
    projector.feed(recorder, 75)
    projector.ahead = -hour
    projector.feed(recorder, 75)
    recorder.stop("c")
    info = projector.wait(ClipEnded).info
    assert np.diff([at for at, _ in decode(path)]) == pytest.approx(1 / FPS, abs=0.001)
    assert info.duration_ms == 225 * 40
    offset_s = UTC_0.timestamp()
    assert info.clock_offset_ms == round(offset_s * 1000)
    said = [float(re.findall(r"Δ(\S+)", text)[0]) - offset_s for _, _, text in cues_of(path)]
    assert said == [0, 0, 0, 0, 3600, 3600, -3600, -3600, -3600]
    # The clock stands in the cue as it was set.
    hours = [text[11:13] for _, _, text in cues_of(path)]
    assert len(set(hours)) == 3


def test_a_pre_roll_from_before_a_jump_has_the_clock_of_that_time(
    projector: Projector, tmp_path: Path
) -> None:
    recorder = projector.recorder(pre_roll_s=2)
    projector.feed(recorder, 60)
    recorder.start("a", tmp_path / "a.mp4", projector.now_ns, "A")
    projector.ahead = -dt.timedelta(hours=1)
    projector.feed(recorder, 30)
    recorder.stop("a")
    projector.wait(ClipEnded)
    path = tmp_path / "b.mp4"
    projector.clip(recorder, path, 10)
    info = projector.wait(ClipEnded).info
    recorder.close()
    offset_s = UTC_0.timestamp()
    said = [float(re.findall(r"Δ(\S+)", text)[0]) - offset_s for _, _, text in cues_of(path)]
    assert said == [0, 0, -3600]
    assert info.clock_offset_ms == round(offset_s * 1000)


def test_a_lull_is_as_long_in_the_file(
    projector: Projector, recorder: Recorder, tmp_path: Path
) -> None:
    projector.feed(recorder, 30)
    path = tmp_path / "c.mp4"
    recorder.start("c", path, projector.now_ns, "")
    projector.feed(recorder, 20)
    projector.now_ns += 2 * SECOND + 20_000_000
    projector.feed(recorder, 25)
    recorder.stop("c")
    projector.wait(ClipEnded)
    steps = np.diff([at for at, _ in decode(path)])
    assert steps[49] == pytest.approx(2.02 + 1 / FPS, abs=0.001)
    assert np.delete(steps, 49) == pytest.approx(1 / FPS, abs=0.001)
    assert [begin for begin, _, _ in cues_of(path)] == [0, 1, 4]  # on whole seconds


def test_eight_hours_do_not_drift(projector: Projector, tmp_path: Path) -> None:
    projector.packets = [one for one in projector.packets if one.key]
    recorder = projector.recorder()
    path = tmp_path / "c.mp4"
    recorder.start("c", path, 0, "")
    step_ns = 7_333_333_337
    for _ in range(8 * 3600 * SECOND // step_ns + 1):
        projector.now_ns += step_ns - SECOND // FPS
        projector.feed(recorder, 1)
    recorder.stop("c")
    info = projector.wait(ClipEnded).info
    recorder.close()
    with av.open(str(path)) as container:
        packets = [one for one in container.demux(video=0) if one.size]
    last, time_base = packets[-1].pts, packets[-1].time_base
    assert last is not None
    span_ns = projector.now_ns - projector.times[0]
    assert span_ns > 8 * 3600 * SECOND - step_ns
    assert float(last * time_base) == pytest.approx(span_ns / SECOND, abs=0.0001)
    assert info.duration_ms == pytest.approx(span_ns / 1e6 + 1000 / FPS, abs=1)
    assert info.frames == len(packets)
