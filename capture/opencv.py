"""Camera devices, through OpenCV.

Carries out what `capture.source` understood. Knows no thread: whoever reads may have to wait for
ever, and must be watched from outside. Nothing is opened before its class is called for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from capture.decoder import JpegDecoder, complete, lowres_for
from capture.devices import Known
from capture.frame import Bgr
from capture.source import Sample, SourceError, SourceLost, SourceSpec

# With hardware transforms Media Foundation takes tens of seconds to open a camera. OpenCV reads
# this when it first opens one.
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_READ_TRIES = 3  # a device may fail one read over a damaged MJPG picture and go on
_PROOF_TRIES = 5  # the first JPEGs of a USB camera are often cut off
_PLAUSIBLE_FPS = 240.0

_known = Known()


class DeviceSource:
    codec = ""

    def __init__(
        self,
        spec: SourceSpec,
        width: int | None,
        height: int | None,
        fps: float | None,
        video_height: int | None,
    ) -> None:
        place = _known.place(spec.target)
        if place is None:
            raise SourceError(
                spec.safe_text, "is gone, another camera has its place; plug it in again"
            )
        _look_for_device(spec, place)
        target: int | str = int(place) if place.isdigit() else place
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
        self._pictures = Pictures(cap, video_height, jpegs=backend == cv2.CAP_V4L2)
        _known.opened(spec.target, place)

    def read(self) -> Sample | None:
        return self._pictures.read()

    def close(self) -> None:
        self._cap.release()


class Pictures:
    """What an open capture gives; with `jpegs` it is asked for JPEGs as the camera coded them.

    Decoding these straight to YUV takes about half the CPU of having OpenCV make BGR of them, and a
    still gets the camera's own picture. A capture that then gives something else is asked for BGR.
    """

    def __init__(self, cap: Any, video_height: int | None, *, jpegs: bool) -> None:
        self._cap = cap
        height = int(cap.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self._decoder: JpegDecoder | None = None
        if jpegs:
            decoder = JpegDecoder(lowres_for(height, video_height))
            self._decoder = decoder if self._gives_jpegs(decoder) else None

    def read(self) -> Sample:
        """The next picture; an empty sample if it is damaged. Raises SourceLost."""
        for _ in range(_READ_TRIES):
            ok, picture = self._cap.read()
            if ok:
                return self._sample(picture)
        raise SourceLost("the camera stopped sending pictures; check its plug")

    def _sample(self, picture: Any) -> Sample:
        if self._decoder is None:
            return Sample(_as_bgr(picture))
        jpeg = picture.tobytes()
        decoded = self._decoder.decode(jpeg)
        return Sample() if decoded is None else Sample(decoded, jpeg=complete(jpeg))

    def _gives_jpegs(self, decoder: JpegDecoder) -> bool:
        self._cap.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        for _ in range(_PROOF_TRIES):
            ok, picture = self._cap.read()
            if ok and decoder.decode(picture.tobytes()) is not None:
                return True
        self._cap.set(cv2.CAP_PROP_CONVERT_RGB, 1)
        return False


def _device_backends() -> tuple[int, ...]:
    if sys.platform == "win32":
        return (cv2.CAP_MSMF, cv2.CAP_DSHOW)
    if sys.platform == "darwin":
        return (cv2.CAP_AVFOUNDATION,)
    return (cv2.CAP_V4L2,)


def _look_for_device(spec: SourceSpec, place: str) -> None:
    """Says why a device cannot be there, where the system lets one ask without opening it."""
    if not sys.platform.startswith("linux"):
        return
    path = Path(f"/dev/video{place}" if place.isdigit() else place)
    if not path.exists():
        found = ", ".join(str(one) for one in sorted(Path("/dev").glob("video*")))
        here = f"connected: {found}" if found else "no camera is connected to this machine"
        raise SourceError(spec.safe_text, f"there is no such camera ({here}); check its plug")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(
            spec.safe_text,
            f"no permission for {path}; add this user to the group video and log in again",
        )


def _delivered(cap: Any) -> tuple[int, int, float]:
    width, height = int(cap.get(cv2.CAP_PROP_FRAME_WIDTH)), int(cap.get(cv2.CAP_PROP_FRAME_HEIGHT))
    fps = float(cap.get(cv2.CAP_PROP_FPS))
    return width, height, fps if 0 < fps <= _PLAUSIBLE_FPS else 0.0


def _as_bgr(picture: Any) -> Bgr:
    """Some devices and files are grey or have alpha; every taker expects BGR."""
    if picture.ndim == 2 or picture.shape[2] == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    elif picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)
    return np.asarray(picture, np.uint8)
