"""Real parts for the tests of sources and cameras: a video, an RTSP server, an ear for events."""

from __future__ import annotations

import datetime as dt
import io
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
from av.video.stream import VideoStream

from capture.events import CaptureEvent
from capture.frame import Frame
from capture.source import Sample, Source, SourceLost
from tests.capture.numbered import number_in, numbered

Picture = npt.NDArray[np.uint8]
E = TypeVar("E", bound=CaptureEvent)

UTC_0 = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
_SYSTEM_PYTHON = "/usr/bin/python3"


def write_jpegs(path: Path, jpegs: list[bytes], size: tuple[int, int] = (640, 360)) -> Path:
    """A video whose pictures are `jpegs`, 25 a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_mux_stream("mjpeg", rate=25, width=size[0], height=size[1])
        for number, jpeg in enumerate(jpegs):
            packet = av.Packet(jpeg)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return path


def read_all(source: Source, most: int = 1_000_000) -> list[Sample]:
    """What a source gives until it is over, at most so much."""
    samples: list[Sample] = []
    try:
        while len(samples) < most and (sample := source.read()) is not None:
            samples.append(sample)
    except SourceLost as lost:
        assert lost.final, lost
    return samples


def numbers_copied(samples: list[Sample], codec: str = "h264") -> list[int]:
    """The numbers on the pictures of copied packets, decoded with nothing but the first key's."""
    coded = b"".join(sample.packet.data for sample in samples if sample.packet is not None)
    with av.open(io.BytesIO(coded), "r", format=codec) as container:
        return [
            number_in(np.asarray(frame.to_ndarray(format="gray"), np.uint8))
            for frame in container.decode(video=0)
        ]


def next_picture(source: Source) -> Picture:
    """The next picture of a source, in BGR."""
    sample = source.read()
    assert sample is not None
    assert sample.picture is not None
    return Frame(0, 0, UTC_0, sample.picture).bgr


def number_on(picture: Picture | None) -> int:
    """The number that a picture of `write_video`'s files carries."""
    assert picture is not None
    return number_in(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8))


def write_video(
    path: Path,
    times_ms: list[int],
    codec: str = "libx264",
    size: tuple[int, int] = (640, 360),
    options: dict[str, str] | None = None,
) -> Path:
    """A video, H.264 unless said, whose n-th frame is `numbered(n)`, shown from `times_ms[n]` on.

    `options` are the encoder's; by default libx264 makes B-frames.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, at_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="bgr24")
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
    """The server program and its process; `url` stays the same when it is started again.

    It shows `film`, an H.264 MP4, or something that moves.
    """

    def __init__(self, *login: str, film: Path | None = None) -> None:
        self._arguments = [str(film or ""), *login]
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
            [_SYSTEM_PYTHON, str(program), self._port, *self._arguments],
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
