"""Real parts for the tests of sources and cameras: a video, an RTSP server, an ear for events."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from capture.events import CaptureEvent
from tests.capture.numbered import number_in, numbered

Picture = npt.NDArray[np.uint8]
E = TypeVar("E", bound=CaptureEvent)

_SYSTEM_PYTHON = "/usr/bin/python3"


def number_on(picture: Picture | None) -> int:
    """The number that a picture of `write_video`'s files carries."""
    assert picture is not None
    return number_in(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8))


def write_video(path: Path, times_ms: list[int]) -> Path:
    """An H.264 MP4 whose n-th frame is `numbered(n)`, shown from `times_ms[n]` on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, at_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(numbered(number, 640, 360), format="bgr24")
            frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


class Ear:
    """Collects events from capture threads; `wait` hands them out in order of arrival."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.events: list[CaptureEvent] = []
        self._seen = 0

    def __call__(self, event: CaptureEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(
        self, kind: type[E], timeout_s: float = 10.0, where: Callable[[E], bool] = lambda _: True
    ) -> E:
        """The next event of this kind after the last one waited for; fails the test without one."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                for at in range(self._seen, len(self.events)):
                    event = self.events[at]
                    if isinstance(event, kind) and where(event):
                        self._seen = at + 1
                        return event
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    pytest.fail(f"no {kind.__name__} in {timeout_s} s, only {self.events}")

    def count(self, kind: type[CaptureEvent]) -> int:
        with self._changed:
            return sum(isinstance(event, kind) for event in self.events)


class RtspServer:
    """The server program and its process; `url` stays the same when it is started again."""

    def __init__(self, *login: str) -> None:
        self._login = login
        self._port = "0"
        self.process = self.start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/bench"

    @property
    def port(self) -> str:
        return self._port

    def start(self) -> subprocess.Popen[str]:
        program = Path(__file__).with_name("rtsp_server.py")
        self.process = subprocess.Popen(
            [_SYSTEM_PYTHON, str(program), self._port, *self._login],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line.isdigit(), "the RTSP server did not start"
        self._port = line
        return self.process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def why_no_rtsp() -> str:
    """Why no RTSP server can run here, or ''."""
    if not sys.platform.startswith("linux") or not shutil.which(_SYSTEM_PYTHON):
        return "the RTSP server of these tests needs Linux with a system python3"
    check = (
        "import gi; gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "assert Gst.ElementFactory.find('x264enc') and Gst.ElementFactory.find('rtph264pay')"
    )
    found = subprocess.run([_SYSTEM_PYTHON, "-c", check], capture_output=True, check=False)
    return (
        ""
        if found.returncode == 0
        else (
            "no RTSP server here: apt install python3-gi gir1.2-gst-rtsp-server-1.0 "
            "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
        )
    )
