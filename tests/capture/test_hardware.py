"""The trial of hardware encoders, judged with bad ones that are at hand everywhere."""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture import hardware
from capture.clip import Recorder
from capture.codecs import HARDWARE, SOFTWARE, Codec
from capture.events import ClipEnded
from capture.frame import Frame
from capture.hardware import Refused, Trial
from capture.overlay import Overlay
from tests.capture.parts import Ear

SIZE = (640, 360)
FAST = {"preset": "ultrafast", "tune": "zerolatency", "qp": "26", "forced-idr": "1"}
SLOW = Codec("libx264", {**FAST, "preset": "slower"})
GOOD = Codec("libx264", {**FAST, "qp": "20"})


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    hardware._chosen.clear()
    yield
    hardware._chosen.clear()


@pytest.mark.parametrize(
    ("codec", "why"),
    [
        (Codec("no_such_encoder"), "fails .*no_such_encoder"),
        (Codec("libx264", {**FAST, "pixels": "x", "profile": "nonsense"}), "fails"),
        (Codec("aac"), "fails"),
        # Look-ahead: pictures are held back.
        (Codec("libx264", {"preset": "ultrafast"}), "0 packets for a frame"),
        # Another coding than H.264, though with a packet for each picture.
        (Codec("flv"), "fails|readable pictures"),
    ],
)
def test_what_cannot_record_is_refused_with_the_reason(codec: Codec, why: str) -> None:
    with pytest.raises(Refused, match=why):
        hardware.try_encoder(codec, SIZE)


def test_what_ignores_the_wish_for_a_key_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # libx264 always heeds it: so the wish is left out, which gives the same stream.
    monkeypatch.setattr("capture.encoder.KEY_EVERY_NS", 1 << 62)
    with pytest.raises(Refused, match="no key frame"):
        hardware.try_encoder(GOOD, SIZE)


@pytest.mark.parametrize(
    ("codec", "fps", "why"),
    [
        (Codec("libx264", {**FAST, "qp": "42"}), 30, "libx264 blurs a label"),
        (GOOD, 1e6, "libx264 is too slow"),
        (SLOW, 30, "libx264 takes .* times the CPU"),
        (Codec("no_such_encoder"), 30, "no_such_encoder fails"),
    ],
)
def test_without_a_proof_libx264_records_and_one_line_says_why(
    codec: Codec, fps: float, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert hardware.choose(SIZE, fps, [codec]) is SOFTWARE
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("640x360 is recorded with libx264: ")
    assert caplog.records[0].levelno == logging.INFO
    assert re.search(why, caplog.messages[0]), caplog.messages


def test_the_first_that_proves_itself_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    blurred = Codec("libx264", {**FAST, "qp": "42"})
    assert hardware.choose(SIZE, 30, [blurred, GOOD, SLOW], software=SLOW) is GOOD
    assert len(caplog.messages) == 1
    assert "blurs a label" in caplog.messages[0]
    assert "times the CPU" not in caplog.messages[0]  # the third was not tried any more


def test_the_label_may_lose_a_decibel_and_the_clock_and_the_cpu_nothing() -> None:
    measure = Trial(cpu_s=0.1, took_s=0.1, label_db=40.0)
    hardware.judge(Trial(0.09, 0.99, 39.1), measure, 30)
    for bad in (Trial(0.09, 0.99, 38.9), Trial(0.09, 1.01, 41.0), Trial(0.1, 0.99, 41.0)):
        with pytest.raises(Refused):
            hardware.judge(bad, measure, 30)


def test_a_driver_that_does_not_answer_is_left_behind() -> None:
    began_s = time.monotonic()
    with pytest.raises(Refused, match="does not answer"):
        hardware.within(0.05, _hang)
    assert time.monotonic() - began_s < 0.9
    with pytest.raises(Refused, match=r"fails \(boom\)"):
        hardware.within(5, _boom)
    assert hardware.within(5, lambda: Trial(1, 2, 3)) == Trial(1, 2, 3)


def _hang() -> Trial:
    time.sleep(1)
    return Trial(0, 0, 0)


def _boom() -> Trial:
    raise MemoryError("boom")


def test_candidates_are_those_of_the_system_and_of_this_ffmpeg() -> None:
    assert all(codec in HARDWARE for codec in hardware.candidates())
    assert "libx264" not in {codec.name for codec in hardware.candidates()}


def test_a_wish_is_not_tried_and_a_choice_is_made_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert hardware.pick_encoder(SIZE, 30, "libx264") == "libx264"
    assert hardware.pick_encoder(SIZE, 30, "h264_nvenc") == "h264_nvenc"
    assert not caplog.messages
    monkeypatch.setattr(hardware, "candidates", lambda: (Codec("no_such_encoder"),))
    for _ in range(3):
        assert hardware.pick_encoder(SIZE, 30) == "libx264"
    assert len(caplog.messages) == 1
    hardware.pick_encoder((320, 180), 30)
    assert len(caplog.messages) == 2


def test_what_fails_at_its_work_is_not_picked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hardware._chosen.update({SIZE: "h264_nvenc", (320, 180): "h264_nvenc"})
    for _ in range(2):
        hardware.distrust("h264_nvenc")
        hardware.distrust("libx264")
        hardware.distrust("")
    assert hardware.pick_encoder(SIZE, 30) == "libx264"
    assert hardware.pick_encoder((320, 180), 30) == "libx264"
    assert len(caplog.messages) == 1


def test_a_recorder_goes_on_without_hardware_that_fails_at_its_work(tmp_path: Path) -> None:
    hardware._chosen[SIZE] = "no_such_encoder"
    ear = Ear()
    recorder = Recorder("side", ear, fps=30, pre_roll_s=1, overlay=Overlay("", ""))
    utc = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    pictures = hardware.bench_card(SIZE)
    for at in range(10):
        recorder.offer(Frame(at, at * 33_000_000, utc, pictures[at % 6]))
    recorder.start("c", tmp_path / "c.mp4", 0, "")
    recorder.stop("c")
    ended = ear.wait(ClipEnded)
    recorder.close()
    assert ended.info.frames == 9  # the first was lost to the encoder that failed
