"""Sources through OpenCV: camera devices, network streams, video files.

Carries out what `capture.source` understood. Knows no thread: whoever reads may have to wait for
ever, and must be watched from outside. Nothing is opened before its class is called for.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np

from capture.source import Pace, Picture, SourceError, SourceLost, SourceSpec

# FFmpeg prints its findings, addresses included, to stderr; TCP because a lost UDP packet is a torn
# picture; without the third line one camera's slow opening holds up the others'; and with hardware
# transforms Media Foundation takes tens of seconds to open a camera. OpenCV reads all this when it
# first opens a source.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

OPEN_TIMEOUT_MS = 5_000
READ_TIMEOUT_MS = 5_000
_BACKLOG_MOST = 200  # frames that FFmpeg has gathered while it looked into the stream
_READ_TRIES = 3  # a device may fail one read over a damaged MJPG picture and go on
_PLAUSIBLE_FPS = 240.0  # streams without timing announce 90000


class DeviceSource:
    def __init__(
        self, spec: SourceSpec, width: int | None, height: int | None, fps: float | None
    ) -> None:
        _look_for_device(spec)
        target: int | str = int(spec.target) if spec.target.isdigit() else spec.target
        for backend in _device_backends():
            cap = cv2.VideoCapture(target, backend)
            if cap.isOpened():
                break
            cap.release()
        else:
            raise SourceError(
                spec.safe_text,
                "cannot be opened. Close other programs that use it, plug it in again, or choose "
                "another one (packwitness doctor lists them)",
            )
        # MJPG first: uncompressed, USB carries 1080p only at about 5 frames a second. The driver
        # keeps its buffers: with CAP_PROP_BUFFERSIZE 1 a V4L2 camera has nowhere to put a picture
        # while the one before is decoded and loses it, and a reader that always reads is not late.
        wanted = [
            (cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*"MJPG"))),
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, fps),
        ]
        for prop, value in wanted:
            if value is not None:
                cap.set(prop, value)
        self._cap = cap
        self.width, self.height, self.fps = _delivered(cap)

    def read(self) -> Picture | None:
        for _ in range(_READ_TRIES):
            ok, picture = self._cap.read()
            if ok:
                return _as_bgr(picture)
        raise SourceLost("the camera stopped sending pictures; check its plug")

    def close(self) -> None:
        self._cap.release()


class StreamSource:
    def __init__(self, spec: SourceSpec) -> None:
        timeouts = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS),
        ]
        self._cap = cv2.VideoCapture(spec.target, cv2.CAP_FFMPEG, timeouts)
        if not self._cap.isOpened():
            self._cap.release()
            raise SourceError(spec.safe_text, _why_no_stream(spec.target))
        self.width, self.height, self.fps = _delivered(self._cap)
        self._skip_backlog()

    def read(self) -> Picture | None:
        began_s = time.monotonic()
        ok, picture = self._cap.read()
        if not ok:
            raise SourceLost("the stream broke off; check the camera's power and network")
        if time.monotonic() - began_s > 0.9 * READ_TIMEOUT_MS / 1000:
            # When a read times out, OpenCV hands out a picture left over in the decoder.
            raise SourceLost(f"the stream stood still for {READ_TIMEOUT_MS // 1000} s")
        return _as_bgr(picture)

    def close(self) -> None:
        self._cap.release()

    def _skip_backlog(self) -> None:
        """Drops the second or so of pictures from before now, which come faster than live ones.

        Stamped on arrival they would be wrong in time, and played too fast.
        """
        live_s = 0.25 / (self.fps or 30.0)
        for _ in range(_BACKLOG_MOST):
            began_s = time.monotonic()
            if not self._cap.grab() or time.monotonic() - began_s > live_s:
                return


class FileSource:
    """A video file paced by its own time stamps.

    A reader up to four frames late still gets every frame; a later one loses those that a camera's
    driver would have overwritten, and is in step again. With `loop` the file starts over without
    end; without it the source is over, for good, after the last frame.
    """

    def __init__(self, spec: SourceSpec) -> None:
        # Absolute, because FFmpeg takes what stands before a colon for a protocol.
        self._path = Path(spec.target).expanduser().absolute()
        self._spec = spec
        try:
            with self._path.open("rb"):
                pass
        except OSError as error:
            raise SourceError(
                spec.safe_text, f"{error.strerror or error}; check the path"
            ) from None
        self._cap = self._open()
        self.width, self.height, self.fps = _delivered(self._cap)
        self._period_s = 1 / (self.fps or 30.0)
        self._pace = Pace()
        self._lap_s = 0.0  # when this round of the file began, on the file's endless time line
        self._last_s = -self._period_s

    def read(self) -> Picture | None:
        while True:
            if not self._cap.grab():
                self._start_over()
                continue
            at_s = self._lap_s + max(0.0, self._cap.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            due_s = max(at_s, self._last_s)
            self._last_s = due_s
            if not self._pace.wait(due_s, self._period_s):
                continue
            ok, picture = self._cap.retrieve()
            if ok:
                return _as_bgr(picture)

    def close(self) -> None:
        self._cap.release()

    def _start_over(self) -> None:
        if not self._spec.loop:
            raise SourceLost("the video file has ended", final=True)
        if self._last_s < self._lap_s:
            raise SourceLost("the video file holds no picture", final=True)
        self._lap_s = self._last_s + self._period_s
        self._cap.release()
        self._cap = self._open()

    def _open(self) -> Any:
        cap = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not cap.isOpened():
            cap.release()
            raise SourceError(
                self._spec.safe_text, "holds no video that can be played; use MP4, MKV or AVI"
            )
        return cap


def _device_backends() -> tuple[int, ...]:
    if sys.platform == "win32":
        return (cv2.CAP_MSMF, cv2.CAP_DSHOW)
    if sys.platform == "darwin":
        return (cv2.CAP_AVFOUNDATION,)
    return (cv2.CAP_V4L2,)


def _look_for_device(spec: SourceSpec) -> None:
    """Says why a device cannot be there, where the system lets one ask without opening it."""
    if not sys.platform.startswith("linux"):
        return
    path = Path(f"/dev/video{spec.target}" if spec.target.isdigit() else spec.target)
    if not path.exists():
        found = ", ".join(str(one) for one in sorted(Path("/dev").glob("video*")))
        here = f"connected: {found}" if found else "no camera is connected to this machine"
        raise SourceError(spec.safe_text, f"there is no such camera ({here}); check its plug")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(
            spec.safe_text,
            f"no permission for {path}; add this user to the group video and log in again",
        )


def _why_no_stream(url: str) -> str:
    """Asks the network what is wrong with an address that FFmpeg could not open; up to 2 s."""
    parts = urlsplit(url)
    port = parts.port or {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}[parts.scheme.lower()]
    try:
        socket.create_connection((parts.hostname or "", port), timeout=2).close()
    except socket.gaierror:
        return "this host name is not known; check the address"
    except ConnectionRefusedError:
        return f"nothing answers on port {port}; check the port and that the camera streams"
    except OSError:
        return "no answer; check the camera's power, its cable and the address"
    return "the camera answers but gives no video; check path, user name and password"


def _delivered(cap: Any) -> tuple[int, int, float]:
    width, height = int(cap.get(cv2.CAP_PROP_FRAME_WIDTH)), int(cap.get(cv2.CAP_PROP_FRAME_HEIGHT))
    fps = float(cap.get(cv2.CAP_PROP_FPS))
    return width, height, fps if 0 < fps <= _PLAUSIBLE_FPS else 0.0


def _as_bgr(picture: Any) -> Picture:
    """Some devices and files are grey or have alpha; every taker expects BGR."""
    if picture.ndim == 2 or picture.shape[2] == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    elif picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)
    return np.asarray(picture, np.uint8)
