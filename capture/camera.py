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
from pathlib import Path

from capture.asked import AsAsked, Asked
from capture.clip import Recorder
from capture.events import CameraDown, CameraUp, CameraWarned, CaptureEvent, ClipFailed
from capture.fanout import FanOut, Offer
from capture.frame import Frame, Yuv, freeze
from capture.live import ReaderThread
from capture.overlay import Overlay
from capture.reader import Reader
from capture.settings import CameraSettings, CameraStatus
from capture.source import Kind, Sample, Source, open_source
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
_DAMAGED_SHARE = 0.9  # of stall_s: earlier than the keeper, who would take it for a hang


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
        self._sight = Sight.GOOD
        self._as_asked = AsAsked(Asked(settings.width, settings.height, settings.fps))
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
        self._warning = ""
        self._frames = 0
        self._damaged = 0
        self._last_ns = 0
        self._size = (0, 0)
        self._stamps: deque[int] = deque(maxlen=256)

        self._teller = self._thread(self._tell, "events")
        self._keeper = self._thread(self._keep, "keeper")
        self._codes: ReaderThread | None = None
        if settings.symbologies:
            self._codes = ReaderThread(
                settings.name,
                self._events.put,
                symbologies=settings.symbologies,
                duty=settings.duty,
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
            return CameraStatus(
                name=self.name,
                up=self._up,
                cause=self._cause,
                fps=self._fps(now_ns),
                width=self._size[0],
                height=self._size[1],
                last_frame_age_s=(now_ns - self._last_ns) / 1e9 if self._last_ns else None,
                frames=self._frames,
                dropped=self._recorder.dropped if self._recorder else 0,
                damaged=self._damaged,
                warning=self._warning,
            )

    @property
    def hangs(self) -> bool:
        """Down, and a read that was given up still hangs in its driver."""
        with self._lock:
            return not self._up and any(old.thread.is_alive() for old in self._left_behind)

    def _fps(self, now_ns: int) -> float:
        """Measured over the last 3 s, 0 while down. With the lock held."""
        recent = [ns for ns in self._stamps if now_ns - ns <= _MEASURED_OVER_NS]
        span_ns = now_ns - recent[0] if len(recent) > 1 else 0
        return (len(recent) - 0.5) * 1e9 / span_ns if self._up and span_ns else 0.0

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
        record = settings.record
        if record == "auto" and settings.symbologies:
            record = "encode"  # a copied stream is decoded at its key frames only
        return open_source(
            settings.source,
            settings.width,
            settings.height,
            settings.fps,
            record=record,
            video_height=settings.video_height,
        )

    def _deliver(self, reader: Reader, sample: Sample) -> bool:
        """Stamps what came and hands it out. False: this reader is to let go of its source."""
        with self._delivery:
            with self._lock:
                if self._reader is not reader:
                    return False
                if sample.picture is None and sample.packet is None:
                    return self._endure_damaged(reader)
                # Some systems' monotonic clock moves in steps longer than a frame.
                now_ns = max(time.monotonic_ns(), self._last_ns + 1)
                utc = dt.datetime.now(dt.UTC)
                index = self._frames
                first = not reader.first_ns
                reader.first_ns = reader.first_ns or now_ns
                reader.last_ns = self._last_ns = now_ns
                self._frames += 1
                self._stamps.append(now_ns)
            frame = None
            if sample.picture is not None:
                picture = sample.picture
                shown = picture if isinstance(picture, Yuv) else freeze(picture)
                frame = Frame(index, now_ns, utc, shown, sample.jpeg)
                # Between the key frames of a copied stream nothing is seen.
                self._sight = self._watch.look(frame, reopened=first)
            if self._sight is Sight.FROZEN:
                return self._endure_frozen(reader, now_ns)
            recorder = self._recorder_for(reader)
            if sample.packet is not None:
                recorder.offer_packet(sample.packet, now_ns, utc)
            elif frame is not None:
                recorder.offer(frame)
            if frame is None:
                return True
            with self._lock:
                self._size = frame.size
                if not isinstance(frame.picture, Yuv):
                    reader.size = frame.size  # some drivers announce another one
            if self._sight is Sight.BLACK:
                self._set_down(reader, "the picture is black; is the light on, the lens free?")
            else:
                # Told last: whoever hears that the camera is up may ask it for anything.
                self._stills.offer(frame)
                self._set_up(reader, frame)
            self._takers.offer(frame)
        return True

    def _endure_damaged(self, reader: Reader) -> bool:
        """A damaged picture goes to nobody; where nothing else comes, reopening may help. With the
        lock held."""
        now_ns = time.monotonic_ns()
        self._damaged += 1
        since_ns = max(reader.last_ns, reader.opened_ns)
        if now_ns - since_ns < _DAMAGED_SHARE * self.settings.stall_s * 1e9:
            return True
        self._reader = None
        self._plan_next_try()
        self._go_down("only damaged pictures come; check its cable, try another USB port")
        return False

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
                video_height=settings.video_height,
                encoder=settings.encoder,
            )
            with self._lock:
                self._recorder = recorder
            if reader.codec:
                self._stills.copied_from(recorder.tail)
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
        elif self._up:
            self._compare_with_asked(reader)

    def _compare_with_asked(self, reader: Reader) -> None:
        """Tells once when the camera gives something else than asked, and once when no more."""
        now_s = time.monotonic()
        if now_s - self._up_since_s < _MEASURED_OVER_NS / 1e9:
            return
        warning = self._as_asked.judge(reader.size, self._fps(time.monotonic_ns()), now_s)
        if bool(warning) != bool(self._warning):
            self._events.put(CameraWarned(self.name, warning))
        self._warning = warning

    # -- the teller's thread -------------------------------------------------------------------

    def _tell(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._on_event(event)
            except Exception:
                _log.exception("camera %s: nobody took %s", self.name, type(event).__name__)

    def _thread(self, target: Callable[[], None], what: str) -> threading.Thread:
        return threading.Thread(target=target, name=f"{what} {self.name}", daemon=True)
