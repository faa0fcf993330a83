"""Pictures that carry their own number, and a hand that feeds them to a recorder.

The number is painted as 16 big light or dark blocks into the upper part of the picture, so that it
is still read after encoding. Time is the test's own: frames go in as fast as the encoder takes
them.
"""

from __future__ import annotations

import datetime as dt
import queue
import time
from pathlib import Path
from typing import TypeVar

import av
import cv2
import numpy as np
import numpy.typing as npt

from capture.clip import Recorder
from capture.events import CaptureEvent
from capture.frame import Frame, freeze

Picture = npt.NDArray[np.uint8]
E = TypeVar("E", bound=CaptureEvent)

SECOND = 1_000_000_000
UTC_0 = dt.datetime(2026, 11, 22, 13, 0, 0, tzinfo=dt.UTC)
_BITS, _COLUMNS = 16, 8


def numbered(number: int, width: int = 320, height: int = 240) -> Picture:
    """A BGR picture that carries `number` (0-65535) over a moving pattern."""
    bgr = np.full((height, width, 3), 110, np.uint8)
    cv2.circle(bgr, (number * 7 % width, height * 2 // 3), height // 8, (60, 120, 200), -1)
    side_x, side_y = width // _COLUMNS, height // 6
    for bit in range(_BITS):
        x, y = bit % _COLUMNS * side_x, bit // _COLUMNS * side_y
        bgr[y : y + side_y, x : x + side_x] = 220 if number >> bit & 1 else 30
    return bgr


def number_in(grey: Picture) -> int:
    """The number that a decoded picture carries, read from its luma."""
    height, width = grey.shape
    side_x, side_y = width // _COLUMNS, height // 6
    number = 0
    for bit in range(_BITS):
        x = bit % _COLUMNS * side_x + side_x // 2
        y = bit // _COLUMNS * side_y + side_y // 2
        number |= int(grey[y - 3 : y + 3, x - 3 : x + 3].mean() > 128) << bit
    return number


def decode(path: Path) -> list[tuple[float, Picture]]:
    """Every picture of the clip: its time in seconds and its luma, H×W uint8."""
    shown: list[tuple[float, Picture]] = []
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            assert picture.time is not None
            shown.append((picture.time, picture.to_ndarray(format="gray").astype(np.uint8)))
    return shown


def numbers_of(path: Path) -> list[int]:
    return [number_in(grey) for _, grey in decode(path)]


class Hand:
    """Feeds numbered frames at `fps` of a time that it owns, and collects the replies.

    `ahead` is the wall clock's lead over what it was at the beginning.
    """

    def __init__(self, fps: int = 30, size: tuple[int, int] = (320, 240)) -> None:
        self.fps = fps
        self.size = size
        self.index = 0
        self.now_ns = 5_000 * SECOND
        self.ahead = dt.timedelta()
        self.events: queue.Queue[CaptureEvent] = queue.Queue()
        self.times: dict[int, int] = {}

    def frame(self) -> Frame:
        """The next frame."""
        index = self.index
        self.index += 1
        self.now_ns += SECOND // self.fps
        self.times[index] = self.now_ns
        utc = UTC_0 + dt.timedelta(microseconds=self.now_ns // 1000) + self.ahead
        return Frame(index, self.now_ns, utc, freeze(numbered(index, *self.size)))

    def feed(self, recorder: Recorder, frames: int) -> int:
        """Offers so many frames, none faster than they are taken; returns the last number."""
        for _ in range(frames):
            while recorder.queue_depth > 20:
                time.sleep(0.0005)
            recorder.offer(self.frame())
        return self.index - 1

    def wait(self, kind: type[E], timeout_s: float = 20) -> E:
        """The next event, which must be of that kind."""
        event = self.events.get(timeout=timeout_s)
        assert isinstance(event, kind), event
        return event

    def told(self) -> list[CaptureEvent]:
        """All events that wait."""
        events: list[CaptureEvent] = []
        while not self.events.empty():
            events.append(self.events.get())
        return events

    def drained(self, recorder: Recorder, timeout_s: float = 20) -> bool:
        """Waits until the encoder has taken all that was offered."""
        until = time.monotonic() + timeout_s
        while recorder.queue_depth and time.monotonic() < until:
            time.sleep(0.001)
        return recorder.queue_depth == 0
