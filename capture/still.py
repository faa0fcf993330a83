"""Stills: the sharpest of the newest frames, as a full-resolution JPEG on disk.

A taker of frames beside the recorder: it keeps references to the newest frames, and on request its
worker thread chooses, encodes, writes, hashes and syncs. Knows no slot, no session and no waybill.
The picture stays as the camera gave it; nothing is burnt in.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from capture.events import CaptureEvent, StillFailed, StillInfo, StillTaken
from capture.frame import Frame

_log = logging.getLogger(__name__)

NEWEST = 8  # frames kept to choose from: 50 MB at 1080p
_SPAN_NS = 500_000_000  # of these, only those within half a second of the newest
_FRESH_S = 1.0  # an older frame may show another parcel
_JPEG_QUALITY = 92
_CHUNK = 1 << 20


def sharpness(bgr: npt.NDArray[np.uint8]) -> float:
    """Variance of the Laplacian at half size: the larger the sharper, comparable within a scene.

    CV_16S at half size ranks like CV_64F at full size and takes a fifteenth of the time.
    """
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(half, cv2.CV_16S))
    return float(deviation[0][0] ** 2)


def sharpest(frames: Sequence[Frame]) -> tuple[Frame, float]:
    """The sharpest of `frames` (at least one) and its sharpness; of equal ones the newest."""
    return max(((frame, sharpness(frame.bgr)) for frame in reversed(frames)), key=lambda it: it[1])


def write_jpeg(frame: Frame, path: Path, sharpness_of_it: float) -> StillInfo:
    """Writes the frame into the new file `path`: synced, and hashed while written.

    Raises FileExistsError, and OSError with nothing left behind.
    """
    ok, encoded = cv2.imencode(".jpg", frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not ok:
        raise OSError(errno.EINVAL, "the picture cannot be encoded")
    data = memoryview(encoded.tobytes())
    digest = hashlib.sha256()
    file = path.open("xb")
    try:
        with file:
            for start in range(0, len(data), _CHUNK):
                chunk = data[start : start + _CHUNK]
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    width, height = frame.size
    return StillInfo(
        path=path,
        width=width,
        height=height,
        taken_at=frame.utc,
        size_bytes=len(data),
        sha256=digest.hexdigest(),
        sharpness=sharpness_of_it,
        brightness=float(np.mean(cv2.mean(frame.bgr)[:3])),
        bgr=frame.bgr,
    )


class Stills:
    """Takes stills of one camera. `on_event` is called on the worker's or the caller's thread.

    Every request is answered by exactly one StillTaken or StillFailed.
    """

    def __init__(self, camera: str, on_event: Callable[[CaptureEvent], None]) -> None:
        self._camera = camera
        self._on_event = on_event
        self._changed = threading.Condition()
        self._newest: deque[Frame] = deque(maxlen=NEWEST)
        self._open: dict[int, Path] = {}
        self._closed = False
        self._down = "the camera is not open yet"
        self._asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._run, name=f"stills {camera}", daemon=True)
        self._worker.start()

    def offer(self, frame: Frame) -> None:
        """Takes the next frame; never blocks."""
        with self._changed:
            self._newest.append(frame)
            self._down = ""
            self._changed.notify_all()

    def camera_down(self, cause: str) -> None:
        """Forgets the frames: requests fail with `cause` until the next frame comes."""
        with self._changed:
            self._newest.clear()
            self._down = cause
            self._changed.notify_all()

    def take(self, still_id: int, path: Path) -> None:
        """Asks for a still in the new file `path`; returns at once.

        Raises ValueError while a still of that id is being taken.
        """
        with self._changed:
            if still_id in self._open:
                raise ValueError(f"still {still_id} of {self._camera} is being taken already")
            self._open[still_id] = path
            why = "the camera is closed" if self._closed else self._down
            if not why:
                self._asked.put(still_id)
        if why:
            self._fail(still_id, why)

    def close(self, timeout_s: float = 5.0) -> None:
        """Finishes what was asked for; what takes longer than `timeout_s` has failed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._asked.put(None)
        self._worker.join(timeout_s)
        with self._changed:
            left = list(self._open)
        for still_id in left:
            self._fail(still_id, "the camera was closed before the disk had written the picture")

    def _run(self) -> None:
        while (still_id := self._asked.get()) is not None:
            with self._changed:
                path = self._open.get(still_id)
            if path is None:
                continue
            try:
                self._take(still_id, path)
            except FileExistsError:
                self._fail(still_id, f"{path.name} exists already; nothing was overwritten")
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                why = "the disk is full" if full else str(error.strerror or error)
                self._fail(still_id, f"cannot write {path.name}: {why}")
            except Exception as error:
                _log.exception("taking a still of camera %s", self._camera)
                self._fail(still_id, f"the picture could not be taken: {error}")

    def _take(self, still_id: int, path: Path) -> None:
        frames = self._fresh()
        if isinstance(frames, str):
            self._fail(still_id, frames)
            return
        frame, how_sharp = sharpest(frames)
        info = write_jpeg(frame, path, how_sharp)
        if self._answered(still_id):
            self._on_event(StillTaken(self._camera, still_id, info))
        else:  # too late: it was reported as failed
            path.unlink(missing_ok=True)

    def _fresh(self) -> Sequence[Frame] | str:
        """The frames to choose from, or why there are none; waits a second for a fresh one."""

        def fresh() -> bool:
            oldest_ns = time.monotonic_ns() - int(_FRESH_S * 1e9)
            return bool(self._newest) and self._newest[-1].mono_ns >= oldest_ns

        with self._changed:
            self._changed.wait_for(lambda: self._down or self._closed or fresh(), _FRESH_S)
            if self._down:
                return self._down
            if not fresh():
                return f"no new picture for {_FRESH_S:.0f} s"
            since_ns = self._newest[-1].mono_ns - _SPAN_NS
            return [frame for frame in self._newest if frame.mono_ns >= since_ns]

    def _answered(self, still_id: int) -> bool:
        """Marks the request as answered; False if it was already."""
        with self._changed:
            return self._open.pop(still_id, None) is not None

    def _fail(self, still_id: int, why: str) -> None:
        if self._answered(still_id):
            self._on_event(StillFailed(self._camera, still_id, why))
