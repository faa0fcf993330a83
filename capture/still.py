"""Stills: the sharpest frame around the moment of the press, as a JPEG of the sensor's full size.

A taker of frames beside the recorder: it keeps references to the newest frames, and on request its
worker thread waits for the frames that follow, chooses, writes, hashes and syncs. Of a stream that
is copied only key frames come by; the recorder's tail of it is decoded instead, so that the photo
is of now. What is told of a photo is measured on the file that was written. Knows no slot, no
session and no waybill. Nothing is burnt in; `capture.jpeg` says which bytes are written.
"""

from __future__ import annotations

import errno
import itertools
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture.decoder import decode_frames
from capture.encoder import Encoded
from capture.events import CaptureEvent, StillFailed, StillInfo, StillTaken
from capture.frame import Frame
from capture.jpeg import jpeg_of, write_new
from capture.quality import brightness, eighth, motion, sharpness

_log = logging.getLogger(__name__)

Tail = Callable[[int, float], list[Encoded]]
"""From which moment (ns), for how long to wait (s) -> the packets since then, key frame first."""

_BEFORE_NS, _AFTER_NS = 500_000_000, 250_000_000  # the burst: around the press
_STEP_NS = 45_000_000  # frames closer together are passed over: 0.5 s are 11 frames at most
_FRESH_NS = 1_000_000_000  # an older frame may show another parcel
_LATE_S = 0.15  # a frame that was taken within the burst may arrive so much later
_TAIL_S = 1.0
_MOST_WAITING = 8  # each holds its burst: 50 MB at 1080p in BGR
_AS_SHARP = 0.9  # of the sharpest: how sharp a steadier frame must be to be preferred


@dataclass(frozen=True, slots=True)
class Choice:
    """The frame of a burst that was chosen, and how much moved against the one before it."""

    frame: Frame
    motion: float


def choose(frames: Sequence[Frame]) -> Choice:
    """The best of `frames` (at least one, in order): the steadiest of those that are about as sharp
    as the sharpest; of equal ones the newest.

    A frame in which something moves fast may be the sharpest as a whole and still show the label
    smeared. The first frame is compared with the second; a single one counts as steady.
    """
    small = [eighth(frame.grey) for frame in frames]
    moved = [motion(one, other) for one, other in itertools.pairwise(small)]
    moved = [moved[0] if moved else 0.0, *moved]
    sharp = [sharpness(frame.grey) for frame in frames]
    enough = _AS_SHARP * max(sharp)
    able = [place for place, value in enumerate(sharp) if value >= enough]
    best = min(able, key=lambda place: (moved[place], -place))
    return Choice(frames[best], moved[best])


def write_still(choice: Choice, path: Path) -> StillInfo:
    """Writes the chosen frame into the new file `path`.

    Raises FileExistsError, and OSError with nothing left behind.
    """
    data, grey = jpeg_of(choice.frame)
    digest = write_new(data, path)
    height, width = grey.shape
    return StillInfo(
        path=path,
        width=width,
        height=height,
        taken_at=choice.frame.utc,
        size_bytes=len(data),
        sha256=digest,
        sharpness=sharpness(grey),
        brightness=brightness(grey),
        motion=choice.motion,
    )


@dataclass(slots=True)
class _Request:
    """A still that was asked for at `pressed_ns`, and the frames around that moment so far."""

    still_id: int
    path: Path
    pressed_ns: int
    frames: list[Frame] = field(default_factory=list)

    @property
    def until_ns(self) -> int:
        return self.pressed_ns + _AFTER_NS

    def in_burst(self, frame: Frame) -> bool:
        return self.pressed_ns - _BEFORE_NS <= frame.mono_ns <= self.until_ns


class Stills:
    """Takes stills of one camera. `on_event` is called on the worker's or the caller's thread.

    Every request is answered by exactly one StillTaken or StillFailed.
    """

    def __init__(self, camera: str, on_event: Callable[[CaptureEvent], None]) -> None:
        self._camera = camera
        self._on_event = on_event
        self._changed = threading.Condition()
        self._newest: deque[Frame] = deque()
        self._open: dict[int, _Request] = {}
        self._tail: Tail | None = None
        self._closed = False
        self._down = "the camera is not open yet"
        self._asked: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._run, name=f"stills {camera}", daemon=True)
        self._worker.start()

    def copied_from(self, tail: Tail) -> None:
        """From now on the stream is copied: what is offered are its key frames, `tail` has all."""
        with self._changed:
            self._tail = tail

    def offer(self, frame: Frame) -> None:
        """Takes the next frame; never blocks."""
        with self._changed:
            self._down = ""
            if not self._newest or frame.mono_ns - self._newest[-1].mono_ns >= _STEP_NS:
                self._newest.append(frame)
                while frame.mono_ns - self._newest[0].mono_ns > _BEFORE_NS:
                    self._newest.popleft()
                for request in self._open.values():
                    if frame.mono_ns <= request.until_ns or not request.frames:
                        request.frames.append(frame)
            self._changed.notify_all()

    def camera_down(self, cause: str) -> None:
        """Forgets the frames: requests fail with `cause` until the next frame comes.

        A request that has frames of its burst already is served from them.
        """
        with self._changed:
            self._newest.clear()
            self._down = cause
            self._changed.notify_all()

    def take(self, still_id: int, path: Path) -> None:
        """Asks for a still of now in the new file `path`; returns at once.

        Raises ValueError while a still of that id is being taken.
        """
        with self._changed:
            if still_id in self._open:
                raise ValueError(f"still {still_id} of {self._camera} is being taken already")
            why = "the camera is closed" if self._closed else self._down
            if len(self._open) >= _MOST_WAITING:
                why = f"{_MOST_WAITING} photos wait for the disk already"
            request = _Request(still_id, path, time.monotonic_ns())
            request.frames += [frame for frame in self._newest if request.in_burst(frame)]
            self._open[still_id] = request
            if not why:
                self._asked.put(request)
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
        while (request := self._asked.get()) is not None:
            if request.still_id not in self._open:
                continue
            path = request.path
            try:
                self._take(request)
            except FileExistsError:
                self._fail(request.still_id, f"{path.name} exists already; nothing was overwritten")
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                why = "the disk is full" if full else str(error.strerror or error)
                self._fail(request.still_id, f"cannot write {path.name}: {why}")
            except Exception as error:
                _log.exception("taking a still of camera %s", self._camera)
                self._fail(request.still_id, f"the picture could not be taken: {error}")

    def _take(self, request: _Request) -> None:
        frames = self._burst(request)
        if isinstance(frames, str):
            self._fail(request.still_id, frames)
            return
        info = write_still(choose(frames), request.path)
        if self._answered(request.still_id):
            self._on_event(StillTaken(self._camera, request.still_id, info))
        else:  # too late: it was reported as failed
            request.path.unlink(missing_ok=True)

    def _burst(self, request: _Request) -> Sequence[Frame] | str:
        """The frames to choose from, or why there are none; waits for those after the press, and
        where there are none at all for the first one."""

        with self._changed:
            tail = self._tail
            late_s = 0.0 if tail else _LATE_S
            until_s = (request.until_ns - time.monotonic_ns()) / 1e9 + late_s
            self._changed.wait_for(
                lambda: (
                    self._closed
                    or self._down
                    or (self._newest and self._newest[-1].mono_ns > request.until_ns)
                ),
                max(0.0, until_s),
            )
        if tail is not None and (frames := _decoded(tail, request)):
            return frames
        with self._changed:
            fresh_ns = request.pressed_ns - _FRESH_NS
            wait_s = (request.pressed_ns + _FRESH_NS - time.monotonic_ns()) / 1e9
            self._changed.wait_for(
                lambda: request.frames or self._down or self._closed, max(0.0, wait_s)
            )
            if request.frames:
                return list(request.frames)
            if self._newest and self._newest[-1].mono_ns >= fresh_ns:
                return [self._newest[-1]]
            return self._down or f"no new picture for {_FRESH_NS / 1e9:.0f} s"

    def _answered(self, still_id: int) -> bool:
        """Marks the request as answered; False if it was already."""
        with self._changed:
            return self._open.pop(still_id, None) is not None

    def _fail(self, still_id: int, why: str) -> None:
        if self._answered(still_id):
            self._on_event(StillFailed(self._camera, still_id, why))


def _decoded(tail: Tail, request: _Request) -> list[Frame]:
    """The burst of a stream that is copied; [] where the recorder has none."""
    frames: list[Frame] = []
    since_ns = request.pressed_ns - _BEFORE_NS
    for frame in decode_frames(tail(since_ns, _TAIL_S), since_ns):
        apart = not frames or frame.mono_ns - frames[-1].mono_ns >= _STEP_NS
        if apart and request.in_burst(frame):
            frames.append(frame)
    return frames
