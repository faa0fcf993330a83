"""The thread beside the recorder: reads the newest frame, tells once, never holds the camera up."""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from typing import Any

import cv2
import numpy as np
import pytest

from capture.engines import Grey
from capture.events import CaptureEvent, ReadingSeen
from capture.frame import Frame
from capture.live import LiveReader, ReaderThread, Seen
from tests.capture.codes import NUMBER, desk, scene


class Bench:
    """A reader whose events are collected."""

    def __init__(self, **settings: Any) -> None:
        self.events: queue.Queue[CaptureEvent] = queue.Queue()
        self.reader = ReaderThread("overhead", self.events.put, **settings)
        self.index = 0

    def show(self, picture: Grey, seconds: float) -> None:
        """Offer moving frames of `picture` for a while, as a 30 fps camera would."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.index += 1
            self.reader.offer(frame_of(np.roll(picture, self.index % 9, axis=1), self.index))
            time.sleep(1 / 30)

    def show_until_told(self, picture: Grey) -> list[str]:
        """Show `picture` until something is told of it, then a little longer."""
        until = time.monotonic() + 20
        while self.events.empty() and time.monotonic() < until:
            self.show(picture, 0.1)
        self.show(picture, 0.5)
        return self.told()

    def told(self) -> list[str]:
        found = []
        while not self.events.empty():
            event = self.events.get()
            assert isinstance(event, ReadingSeen)
            assert event.camera == "overhead"
            assert event.in_view_ns <= event.reading.mono_ns <= time.monotonic_ns()
            found.append(event.reading.text)
        return found


def frame_of(picture: Grey, index: int = 1) -> Frame:
    bgr: Grey = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return Frame(index, time.monotonic_ns(), dt.datetime.now(dt.UTC), bgr)


def test_a_label_held_into_view_is_told_once_and_again_after_it_was_away() -> None:
    bench = Bench()
    bench.reader.start()
    try:
        bench.show(desk(), 0.2)
        assert bench.show_until_told(scene()) == [NUMBER]
        bench.show(desk(), 2.2)
        assert bench.told() == []
        assert bench.show_until_told(scene()) == [NUMBER]
    finally:
        bench.reader.close()


def test_only_what_is_asked_for_is_told() -> None:
    bench = Bench(symbologies=["QRCode"])
    bench.reader.start()
    try:
        bench.show(scene(), 0.5)
        assert bench.show_until_told(scene("ROUTE 42", "QRCode")) == ["ROUTE 42"]
    finally:
        bench.reader.close()


def test_a_bad_frame_does_not_end_the_reading(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.reader.start()
    try:
        until = time.monotonic() + 20
        while not caplog.records and time.monotonic() < until:
            bench.show(np.zeros((20, 20, 3), np.float64), 0.1)
        assert "camera overhead: reading barcodes failed on a frame" in caplog.text
        assert "Traceback" in caplog.text
        assert bench.show_until_told(scene()) == [NUMBER]
    finally:
        bench.reader.close()


def test_an_owner_that_fails_does_not_end_the_reading(caplog: pytest.LogCaptureFixture) -> None:
    told: queue.Queue[str] = queue.Queue()

    def fail(event: CaptureEvent) -> None:
        assert isinstance(event, ReadingSeen)
        told.put(event.reading.text)
        raise RuntimeError("the owner stumbled")

    reader = ReaderThread("overhead", fail, symbologies=["QRCode"])
    reader.start()
    try:
        for text in ("FIRST", "SECOND"):
            reader.offer(frame_of(scene(text, "QRCode")))
            assert told.get(timeout=20) == text
    finally:
        reader.close()
    assert "the owner stumbled" in caplog.text


def test_offering_never_blocks_while_the_reader_is_busy() -> None:
    stuck, release = threading.Event(), threading.Event()

    def hold(event: CaptureEvent) -> None:
        stuck.set()
        release.wait(20)

    reader = ReaderThread("overhead", hold, symbologies=["QRCode"], duty=1.0)
    reader.start()
    try:
        reader.offer(frame_of(scene(NUMBER, "QRCode")))
        assert stuck.wait(20)
        small = scene()[:10, :10]
        began_s = time.monotonic()
        for index in range(1000):
            reader.offer(frame_of(small, index))
        assert time.monotonic() - began_s < 5
    finally:
        release.set()
        reader.close()


def test_of_the_frames_that_came_meanwhile_the_newest_is_read() -> None:
    told: queue.Queue[str] = queue.Queue()
    release = threading.Event()

    def hold(event: CaptureEvent) -> None:
        assert isinstance(event, ReadingSeen)
        told.put(event.reading.text)
        release.wait(20)

    reader = ReaderThread("overhead", hold, symbologies=["QRCode"])
    reader.start()
    try:
        reader.offer(frame_of(scene("FIRST", "QRCode")))
        assert told.get(timeout=20) == "FIRST"
        reader.offer(frame_of(scene("OLD", "QRCode")))
        reader.offer(frame_of(scene("NEW", "QRCode")))
        release.set()
        assert told.get(timeout=20) == "NEW"
    finally:
        release.set()
        reader.close()
    assert told.empty()


def test_it_takes_no_more_than_its_share_of_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    spent_s: list[float] = []
    look = LiveReader.look

    def timed(self: LiveReader, grey: Grey, mono_ns: int) -> list[Seen]:
        began_s = time.thread_time()
        try:
            return look(self, grey, mono_ns)
        finally:
            spent_s.append(time.thread_time() - began_s)

    monkeypatch.setattr(LiveReader, "look", timed)

    def share(duty: float) -> float:
        spent_s.clear()
        bench = Bench(duty=duty)
        bench.reader.start()
        began_s = time.monotonic()
        try:
            bench.show(scene(), 2.0)
        finally:
            bench.reader.close()
        assert spent_s
        return sum(spent_s) / (time.monotonic() - began_s)

    frugal = share(0.1)
    assert frugal < 0.2
    assert share(1.0) > 1.5 * frugal


def test_closing_ends_the_thread_with_or_without_frames() -> None:
    for frames in (0, 1):
        reader = ReaderThread("closing", lambda event: None, duty=0.01)
        reader.start()
        if frames:
            reader.offer(frame_of(scene()))
            time.sleep(0.2)  # it rests now, for seconds
        began_s = time.monotonic()
        reader.close()
        assert time.monotonic() - began_s < 1.5
        assert not any(thread.name == "read closing" for thread in threading.enumerate())
    ReaderThread("never started", lambda event: None).close()


def test_the_owner_may_close_it_from_its_callback() -> None:
    closed = threading.Event()

    def close(event: CaptureEvent) -> None:
        reader.close()
        closed.set()

    reader = ReaderThread("closing itself", close, symbologies=["QRCode"])
    reader.start()
    reader.offer(frame_of(scene(NUMBER, "QRCode")))
    assert closed.wait(20)


@pytest.mark.parametrize(
    "wrong", [{"duty": 0}, {"duty": -1}, {"duty": 1.5}, {"symbologies": ["Morse"]}]
)
def test_a_reader_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be above 0|unknown symbology"):
        ReaderThread("overhead", lambda event: None, **wrong)
