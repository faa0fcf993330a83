"""One clip from one camera, without a screen or an archive: the camera test of an installation.

Behind `packwitness record`. Uses the same camera process, pre-roll and clip writer as the bench.
Knows no waybill: the tracking number is only burnt in.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from capture.events import (
    CameraDown,
    CameraUp,
    CaptureEvent,
    ClipEnded,
    ClipFailed,
    ClipStarted,
    Hole,
)
from capture.remote import CameraProcess
from capture.settings import CameraSettings
from capture.source import parse_source
from station.stopping import stopped_by_signals
from storage import files
from storage.records import Clip, utc_text

CAMERA: Final = "camera"
CLIP: Final = "clip"
OPEN_TIMEOUT_S: Final = 20.0
ANSWER_TIMEOUT_S: Final = 20.0
SETTLE_S: Final = 1.0
"""A camera's exposure settles; and a key frame comes every second, so that only a second later the
ring surely holds the wished pre-roll."""
BY_HAND: Final = "stopped by hand"
POLL_S: Final = 0.2
"""Windows delivers Ctrl-C only between waits, so that none of them is long."""

Tell = Callable[[str], None]


class RecordError(Exception):
    """Nothing was recorded. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to record. `seconds` count from the trigger; the pre-roll comes on top. `record` and
    `video_height` as in the configuration of a camera."""

    source: str
    seconds: float
    out: Path
    tracking: str = ""
    pre_roll_s: float = 0.0
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bench: str = ""
    record: str = "auto"
    video_height: int | None = 1080


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished clip, its holes, and why it is shorter than wished ('' when it is not)."""

    clip: Clip
    why: str = ""
    holes: tuple[Hole, ...] = ()

    @property
    def by_hand(self) -> bool:
        """True when a person ended it, which is no fault."""
        return self.why == BY_HAND

    def to_json(self) -> dict[str, Any]:
        """The clip as in the JSON of a session, and its holes."""
        holes = [
            {
                "started_at": utc_text(hole.started_at),
                "ended_at": utc_text(hole.ended_at),
                "frames": hole.frames,
                "cause": hole.cause,
            }
            for hole in self.holes
        ]
        started_at = utc_text(self.clip.started_at)
        return {**asdict(self.clip), "started_at": started_at, "holes": holes}


def record(wish: Wish, tell: Tell) -> Recorded:
    """Record the clip; `tell` hears one line of progress about every second.

    Ctrl-C (or a closing terminal) while the clip rolls ends it early and playable. Raises
    SourceError, RecordError, KeyboardInterrupt before anything was recorded.
    """
    spec = parse_source(wish.source)
    if os.path.lexists(wish.out):
        raise RecordError(f"{wish.out} exists already: choose another file, nothing is overwritten")
    if not wish.out.parent.is_dir():
        raise RecordError(f"the folder {wish.out.parent} does not exist: make it first")
    events: queue.Queue[CaptureEvent] = queue.Queue()
    settings = CameraSettings(
        name=CAMERA,
        source=spec,
        width=wish.width,
        height=wish.height,
        fps=wish.fps,
        pre_roll_s=wish.pre_roll_s,
        bench=wish.bench,
        record=wish.record,
        video_height=wish.video_height,
    )
    camera = CameraProcess(settings, events.put)
    with stopped_by_signals() as stopped:
        camera.start()
        try:
            _until_up(events, str(spec), stopped)
            tell(f"{spec}: the camera is up")
            _fill_pre_roll(events, str(spec), wish.pre_roll_s, stopped, tell)
            return _roll(camera, events, wish, stopped, tell)
        finally:
            camera.close()


def _until_up(events: queue.Queue[CaptureEvent], source: str, stopped: threading.Event) -> None:
    deadline = time.monotonic() + OPEN_TIMEOUT_S
    while time.monotonic() < deadline:
        match _next(events):
            case CameraUp():
                return
            case CameraDown(cause=cause):
                raise RecordError(_with_source(source, cause))
        _refuse_stopped(stopped)
    raise RecordError(f"{source}: no picture within {OPEN_TIMEOUT_S:.0f} s; check the camera")


def _fill_pre_roll(
    events: queue.Queue[CaptureEvent],
    source: str,
    pre_roll_s: float,
    stopped: threading.Event,
    tell: Tell,
) -> None:
    started = time.monotonic()
    told_s = 0
    wanted_s = pre_roll_s + SETTLE_S
    while (passed_s := time.monotonic() - started) < wanted_s:
        event = _next(events)
        if isinstance(event, CameraDown):
            raise RecordError(_with_source(source, event.cause))
        _refuse_stopped(stopped)
        if int(passed_s) > told_s:
            told_s = int(passed_s)
            tell(f"pre-roll {min(passed_s, pre_roll_s):.0f} of {pre_roll_s:g} s")


def _roll(
    camera: CameraProcess,
    events: queue.Queue[CaptureEvent],
    wish: Wish,
    stopped: threading.Event,
    tell: Tell,
) -> Recorded:
    trigger_ns = time.monotonic_ns()
    camera.start_clip(CLIP, wish.out, trigger_ns, wish.tracking, pre_roll=wish.pre_roll_s > 0)
    told_s = 0
    early = ""
    ended: CaptureEvent | None = None
    while (passed_s := (time.monotonic_ns() - trigger_ns) / 1e9) < wish.seconds:
        match _next(events, wish.seconds - passed_s):
            case ClipEnded() | ClipFailed() as event:
                ended = event
                break
            case CameraDown(cause=cause):
                early = cause
                break
            case ClipStarted():
                tell(f"recording into {wish.out}")
        if stopped.is_set():
            early = BY_HAND
            break
        if int(passed_s) > told_s:
            told_s = int(passed_s)
            tell(f"recorded {told_s} of {wish.seconds:g} s")
    if ended is None:
        camera.stop_clip(CLIP)
        ended = _answer(events)
    if not isinstance(ended, ClipEnded):
        why = ended.why if isinstance(ended, ClipFailed) else "the recorder did not answer"
        raise RecordError(f"{wish.out}: {early or why}")
    info = ended.info
    written = files.measure(info.path)
    clip = Clip(
        camera=CAMERA,
        part=1,
        path=str(wish.out),
        codec=info.codec,
        width=info.width,
        height=info.height,
        started_at=info.started_at,
        duration_ms=info.duration_ms,
        pre_roll_ms=info.pre_roll_ms,
        frames=info.frames,
        dropped=info.dropped,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        clock_offset_ms=info.clock_offset_ms,
        copied=info.copied,
    )
    return Recorded(clip, early or ended.why, info.holes)


def _answer(events: queue.Queue[CaptureEvent]) -> CaptureEvent | None:
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline:
        event = _next(events)
        if isinstance(event, ClipEnded | ClipFailed):
            return event
    return None


def _next(events: queue.Queue[CaptureEvent], wait_s: float = POLL_S) -> CaptureEvent | None:
    with contextlib.suppress(queue.Empty):
        return events.get(timeout=max(0.001, min(wait_s, POLL_S)))
    return None


def _with_source(source: str, cause: str) -> str:
    return cause if cause.startswith(source) else f"{source}: {cause}"


def _refuse_stopped(stopped: threading.Event) -> None:
    if stopped.is_set():
        raise KeyboardInterrupt
