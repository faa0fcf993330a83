"""One camera: read, stamp, hand out, notice when it fails from outside, open it again, for ever.

    reader thread   source -> Frame -> recorder, stills, takers
    keeper thread   the age of the last frame; opens, gives up and reopens the source
    teller thread   events to the owner, in the order in which they came true

A `read()` may hang for ever (OpenCV issue 4468), so no reader is ever waited for: one that hangs
is left behind, its frames no longer count, and another takes its place. Knows no waybill, no
archive and no screen: what a clip or a still is for is the owner's business.
"""

from __future__ import annotations

import datetime as dt
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from capture.barcode import ReaderThread
from capture.clip import Recorder
from capture.events import CameraDown, CameraUp, CaptureEvent, ClipFailed
from capture.fanout import FanOut, Offer
from capture.frame import Frame, freeze
from capture.overlay import Overlay
from capture.reader import Reader
from capture.source import Kind, Picture, Source, SourceSpec, open_source
from capture.still import Stills
from capture.watch import Sight, Watch

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.1
_OPEN_LIMIT_S = 12.0  # an open that takes longer hangs; a stream's own limit is 5 s
_FIRST_FRAME_LIMIT_S = 6.0  # cameras need up to 3 s from open to the first picture
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0
_STEADY_S = 5.0  # up for so long, and the next outage starts again with the first pause
_MOST_LEFT_BEHIND = 4
_MEASURED_OVER_NS = 3_000_000_000
_FPS_IF_UNKNOWN = 30.0


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How to open a camera and when to call it down.

    `width`, `height`, `fps` None: what the source gives. `stall_s`: no frame for so long, and the
    camera is down; `freeze_s`, `black_s`: the same for equal pictures and black ones, 0 = never
    (a video file may rightly stand still, it never is frozen). `symbologies`: what to read and
    tell as ReadingSeen; none: nothing is read.
    """

    name: str
    source: SourceSpec
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    pre_roll_s: float = 10.0
    bench: str = ""
    symbologies: tuple[str, ...] = ()
    stall_s: float = 2.0
    freeze_s: float = 3.0
    black_s: float = 2.0


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera is.

    `fps` is measured over the last 3 s; `cause` says why a camera is not up; `frames` counts what
    the camera delivered, `dropped` what the encoder had no time for.
    """

    name: str
    up: bool
    cause: str
    fps: float
    width: int
    height: int
    last_frame_age_s: float | None
    frames: int
    dropped: int


class Camera:
    """A camera that is kept open.

    Every method may be called from any thread and returns at once, `close` within its time.
    `on_event` is called on the teller thread.
    """

    def __init__(self, settings: CameraSettings, on_event: Callable[[CaptureEvent], None]) -> None:
        self.settings = settings
        self._on_event = on_event
        self._events: queue.SimpleQueue[CaptureEvent | None] = queue.SimpleQueue()
        self._takers = FanOut()
        self._stills = Stills(settings.name, self._events.put)
        still_ok = settings.source.kind is Kind.FILE
        self._watch = Watch(0.0 if still_ok else settings.freeze_s, settings.black_s)
        self._closing = threading.Event()
        # Held while one frame is stamped and handed out, so that takers see them in order even
        # while a reader that was left behind wakes up. Taken before `_lock`.
        self._delivery = threading.Lock()

        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._left_behind: list[Reader] = []
        self._recorder: Recorder | None = None
        self._up = False
        self._told_down = False
        self._cause = "being opened"
        self._up_since_s = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._next_try_s = 0.0
        self._over = False
        self._frames = 0
        self._last_ns = 0
        self._size = (0, 0)
        self._stamps: deque[int] = deque(maxlen=256)

        self._teller = self._thread(self._tell, "events")
        self._keeper = self._thread(self._keep, "keeper")
        self._codes: ReaderThread | None = None
        if settings.symbologies:
            self._codes = ReaderThread(
                settings.name, self._events.put, symbologies=settings.symbologies
            )
            self._takers.add(self._codes.offer)
        self._teller.start()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def status(self) -> CameraStatus:
        with self._lock:
            now_ns = time.monotonic_ns()
            recent = [ns for ns in self._stamps if now_ns - ns <= _MEASURED_OVER_NS]
            span_ns = now_ns - recent[0] if len(recent) > 1 else 0
            return CameraStatus(
                name=self.name,
                up=self._up,
                cause=self._cause,
                fps=(len(recent) - 0.5) * 1e9 / span_ns if self._up and span_ns else 0.0,
                width=self._size[0],
                height=self._size[1],
                last_frame_age_s=(now_ns - self._last_ns) / 1e9 if self._last_ns else None,
                frames=self._frames,
                dropped=self._recorder.dropped if self._recorder else 0,
            )

    def start(self) -> None:
        """Opens the camera and keeps it open. To be called once; CameraUp or CameraDown follows."""
        if self._codes is not None:
            self._codes.start()
        self._keeper.start()

    def add_taker(self, offer: Offer) -> Callable[[], None]:
        """`offer` gets every frame, on the reader thread, and must not block; the result ends it.

        Usually it is the `offer` of a `Newest` slot.
        """
        return self._takers.add(offer)

    def start_clip(
        self, clip_id: str, path: Path, trigger_ns: int, text: str, pre_roll: bool = True
    ) -> None:
        """Begins a clip in the new file `path`; see `Recorder.start`. ClipFailed while down."""
        with self._lock:
            recorder = self._recorder if self._up else None
            cause = self._cause
        if recorder is None:
            self._events.put(ClipFailed(self.name, clip_id, f"the camera is down: {cause}"))
        else:
            recorder.start(clip_id, path, trigger_ns, text, pre_roll)

    def stop_clip(self, clip_id: str) -> None:
        """Ends a clip, camera dead or not. One that failed or ended was answered for already."""
        with self._lock:
            recorder = self._recorder
        if recorder is not None:
            recorder.stop(clip_id)

    def take_still(self, still_id: int, path: Path) -> None:
        """The sharpest of the newest frames into the new file `path`. StillTaken or StillFailed."""
        self._stills.take(still_id, path)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Ends clips playable, answers what is open and lets go of the camera, in bounded time.

        False: a read still hangs in its driver. Then the program should end by `os._exit`: a
        driver that returns while Python is being torn down aborts the process.
        """
        until_s = time.monotonic() + timeout_s

        def left(share: float = 1.0) -> float:
            return max(0.0, until_s - time.monotonic()) * share

        self._closing.set()
        with self._lock:
            reader, self._reader = self._reader, None
            self._up, self._cause = False, "closed"
        for thread in (self._keeper, *([reader.thread] if reader else [])):
            if thread.is_alive():
                thread.join(left(0.2))
        if self._codes is not None:
            self._codes.close(left(0.2))
        with self._lock:
            recorder = self._recorder
        if recorder is not None:
            recorder.close(left(0.7))
        self._stills.close(left(0.7))
        self._events.put(None)
        self._teller.join(left())
        hung = [*self._left_behind, *([reader] if reader else [])]
        return not any(one.thread.is_alive() for one in hung)

    # -- the reader's thread -------------------------------------------------------------------

    def _open(self) -> Source:
        settings = self.settings
        return open_source(settings.source, settings.width, settings.height, settings.fps)

    def _deliver(self, reader: Reader, picture: Picture) -> bool:
        """Stamps a picture and hands it out. False: this reader is to let go of its source."""
        with self._delivery:
            with self._lock:
                if self._reader is not reader:
                    return False
                # Some systems' monotonic clock moves in steps longer than a frame.
                now_ns = max(time.monotonic_ns(), self._last_ns + 1)
                frame = Frame(self._frames, now_ns, dt.datetime.now(dt.UTC), freeze(picture))
                first = not reader.first_ns
                reader.first_ns = reader.first_ns or now_ns
                reader.last_ns = self._last_ns = now_ns
                self._frames += 1
                self._size = frame.size
                self._stamps.append(now_ns)
            sight = self._watch.look(frame, reopened=first)
            if sight is Sight.FROZEN:
                return self._endure_frozen(reader, now_ns)
            self._recorder_for(reader).offer(frame)
            if sight is Sight.BLACK:
                self._set_down(reader, "the picture is black; is the light on, the lens free?")
            else:
                # Told last: whoever hears that the camera is up may ask it for anything.
                self._stills.offer(frame)
                self._set_up(reader, frame)
            self._takers.offer(frame)
        return True

    def _endure_frozen(self, reader: Reader, now_ns: int) -> bool:
        """A frozen picture goes to nobody. Reopening helps, but a new opening gets its time."""
        freeze_s = self.settings.freeze_s
        cause = f"the picture has been standing still for {freeze_s:g} s"
        if now_ns - reader.first_ns >= freeze_s * 1e9:
            self._let_go(reader, cause)
            return False
        self._set_down(reader, cause)
        return True

    def _recorder_for(self, reader: Reader) -> Recorder:
        if self._recorder is None:
            settings = self.settings
            recorder = Recorder(
                settings.name,
                self._events.put,
                fps=reader.fps or settings.fps or _FPS_IF_UNKNOWN,
                pre_roll_s=settings.pre_roll_s,
                overlay=Overlay(settings.bench, settings.name),
            )
            with self._lock:
                self._recorder = recorder
        return self._recorder

    def _let_go(self, reader: Reader, cause: str, final: bool = False) -> None:
        """This reader is done; the keeper opens the source again unless that is pointless."""
        with self._lock:
            if self._reader is reader:
                self._reader = None
                self._over = final
                self._plan_next_try()
                self._go_down(cause)

    # -- up and down ---------------------------------------------------------------------------

    def _set_up(self, reader: Reader, frame: Frame) -> None:
        with self._lock:
            if self._up or self._reader is not reader:
                return
            self._up, self._told_down, self._cause = True, False, ""
            self._up_since_s = time.monotonic()
            width, height = frame.size
            fps = reader.fps or self.settings.fps or 0.0
            self._events.put(CameraUp(self.name, width, height, fps))

    def _set_down(self, reader: Reader, cause: str) -> None:
        with self._lock:
            if self._reader is reader:
                self._go_down(cause)

    def _go_down(self, cause: str) -> None:
        """With the lock held. Told once for each outage; the status has the newest cause."""
        self._up, self._cause = False, cause
        self._stills.camera_down(f"the camera is down: {cause}")
        if not self._told_down:
            self._told_down = True
            self._events.put(CameraDown(self.name, cause))

    def _plan_next_try(self) -> None:
        now_s = time.monotonic()
        if self._up and now_s - self._up_since_s >= _STEADY_S:
            self._pause_s = _FIRST_PAUSE_S
        self._next_try_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    # -- the keeper's thread -------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                if self._reader is None:
                    self._open_when_due()
                else:
                    self._look_after(self._reader)
            self._closing.wait(_LOOK_EVERY_S)

    def _open_when_due(self) -> None:
        if self._over or time.monotonic() < self._next_try_s or self._closing.is_set():
            return
        self._left_behind = [old for old in self._left_behind if old.thread.is_alive()]
        if len(self._left_behind) >= _MOST_LEFT_BEHIND:
            self._plan_next_try()
            self._go_down(
                f"{len(self._left_behind)} reads hang in its driver; plug the camera in again, "
                "then restart"
            )
            return
        self._reader = Reader(self.name, self._open, self._deliver, self._let_go)
        self._reader.thread.start()

    def _look_after(self, reader: Reader) -> None:
        """Leaves a reader behind that has not delivered for too long."""
        now_ns = time.monotonic_ns()
        if reader.last_ns:
            since_ns, limit_s = reader.last_ns, self.settings.stall_s
            cause = f"no picture for {limit_s:g} s"
        elif reader.opened_ns:
            since_ns, limit_s = reader.opened_ns, max(_FIRST_FRAME_LIMIT_S, self.settings.stall_s)
            cause = f"opened, but no picture for {limit_s:g} s"
        else:
            since_ns, limit_s = reader.started_ns, _OPEN_LIMIT_S
            cause = f"does not open within {limit_s:g} s"
        if now_ns - since_ns > limit_s * 1e9:
            self._reader = None
            self._left_behind.append(reader)
            self._plan_next_try()
            self._go_down(cause)

    # -- the teller's thread -------------------------------------------------------------------

    def _tell(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._on_event(event)
            except Exception:
                _log.exception("camera %s: nobody took %s", self.name, type(event).__name__)

    def _thread(self, target: Callable[[], None], what: str) -> threading.Thread:
        return threading.Thread(target=target, name=f"{what} {self.name}", daemon=True)
