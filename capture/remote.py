"""A camera in a process of its own, as its owner has it: `Camera`'s methods, none of its dangers.

    keeper thread   starts the worker, notices when it dies or falls silent, buries it, starts anew
    teller thread   events to the owner, in the order in which they came true

Every request is answered by exactly one event whatever becomes of the worker: what it did not
answer itself is answered when it is buried, an open clip with what lies on the disk. A worker that
crashes, hangs or is killed costs this camera about two seconds, and no other camera anything.
Knows no waybill, no archive and no screen; loads no OpenCV, except for who watches the pictures.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from capture import wire
from capture.events import (
    CameraDown,
    CameraUp,
    CameraWarned,
    CaptureEvent,
    ClipFailed,
    StillFailed,
)
from capture.fanout import FanOut, Offer
from capture.process import Process
from capture.requests import Requests
from capture.settings import CameraSettings, CameraStatus

if TYPE_CHECKING:
    from capture.sim import Scene

_log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 0.1
_SILENCE_S: Final = 1.8
"""A worker that says nothing for so long hangs in native code that holds the interpreter's lock:
told within 2 s."""
_START_LIMIT_S: Final = 30.0
"""Loading OpenCV and FFmpeg for the first time, beside a virus scanner."""
_LATE_S: Final = 1.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0
_STEADY_S: Final = 5.0
_DEATH_S: Final = 5.0
_AGAIN: Final = "; it is started again"
_NOT_LOADED: Final = "the camera software cannot be loaded: run packwitness doctor"


class CameraProcess:
    """A camera that is kept open in a process of its own.

    Every method may be called from any thread and returns at once, `close` within its time.
    `on_event` is called on the teller thread. `trigger_ns` and all times of events are of clocks
    that the processes of a machine share.
    """

    def __init__(self, settings: CameraSettings, on_event: Callable[[CaptureEvent], None]) -> None:
        self.settings = settings
        self._on_event = on_event
        self._events: queue.SimpleQueue[CaptureEvent | None] = queue.SimpleQueue()
        self._watchers = FanOut()
        self._scene = _scene_of(settings)
        self._closing = threading.Event()
        self._close_timeout_s = 0.0

        self._lock = threading.Lock()
        self._process: Process | None = None
        self._greeted = False
        self._requests = Requests(settings.name)
        self._watching = 0
        self._up = False
        self._told_down = False
        self._warned = False
        self._cause = "being opened"
        self._up_since_s = 0.0
        self._beat = CameraStatus(settings.name, False, "being opened", 0.0, 0, 0, None, 0, 0)
        self._last_frame_ns: int | None = None
        self._before = (0, 0, 0)
        self._pause_s = _FIRST_PAUSE_S
        self._dead = True

        self._burials: list[threading.Thread] = []
        self._keeper = threading.Thread(
            target=self._keep, name=f"keeper {settings.name}", daemon=True
        )
        self._teller = threading.Thread(
            target=self._tell, name=f"events {settings.name}", daemon=True
        )
        self._teller.start()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def pid(self) -> int | None:
        """The worker's process id while it is there, for who measures it."""
        with self._lock:
            return self._process.pid if self._process else None

    @property
    def status(self) -> CameraStatus:
        """How the camera is, as it said a moment ago. Counts go on when its worker is replaced."""
        with self._lock:
            beat, last_ns = self._beat, self._last_frame_ns
            frames, dropped, damaged = self._before
            alive = self._process is not None and self._greeted
            cause = beat.cause if alive and beat.cause else self._cause
            return replace(
                beat,
                up=self._up,
                cause="" if self._up else cause,
                fps=beat.fps if self._up else 0.0,
                last_frame_age_s=None if last_ns is None else (time.monotonic_ns() - last_ns) / 1e9,
                frames=beat.frames + frames,
                dropped=beat.dropped + dropped,
                damaged=beat.damaged + damaged,
                warning=beat.warning if self._up else "",
            )

    def start(self) -> None:
        """Starts the worker and keeps it going; CameraUp or CameraDown follows. Call it once."""
        self._keeper.start()

    def watch(self, offer: Offer) -> Callable[[], None]:
        """`offer` gets the newest picture in BGR, at most 480 pixels wide and 12 times a second, on
        a thread of the camera, and must not block; the result ends it."""
        removed = self._watchers.add(offer)
        self._watch(1)
        ended = threading.Event()

        def remove() -> None:
            if not ended.is_set():
                ended.set()
                removed()
                self._watch(-1)

        return remove

    def start_clip(
        self, clip_id: str, path: Path, trigger_ns: int, text: str, pre_roll: bool = True
    ) -> None:
        """Begins a clip in the new file `path`; see `Recorder.start`. ClipFailed while down.

        Raises ValueError while a clip of that id is open.
        """
        with self._lock:
            if self._process is None or not self._greeted:
                self._put(ClipFailed(self.name, clip_id, self._why_down()))
                return
            self._requests.add_clip(clip_id, path, trigger_ns)
            self._process.send(wire.StartClip(clip_id, path, trigger_ns, text, pre_roll))

    def stop_clip(self, clip_id: str) -> None:
        """Ends a clip, camera dead or not. One that failed or ended was answered for already."""
        with self._lock:
            if self._process is not None:
                self._process.send(wire.StopClip(clip_id))

    def take_still(self, still_id: int, path: Path) -> None:
        """The sharpest of the newest frames into the new file `path`. StillTaken or StillFailed.

        Raises ValueError while a still of that id is being taken.
        """
        with self._lock:
            if self._process is None or not self._greeted:
                self._put(StillFailed(self.name, still_id, self._why_down()))
                return
            self._requests.add_still(still_id, path)
            self._process.send(wire.TakeStill(still_id, path))

    def close(self, timeout_s: float = 5.0) -> bool:
        """Ends clips playable, answers what is open and ends the worker, in bounded time.

        A worker that does not leave in time is killed. False: even that did not end it, because
        the system itself waits for the camera; its process goes when the camera answers.
        """
        with self._lock:
            self._close_timeout_s = timeout_s
            self._closing.set()
        if self._keeper.is_alive():
            self._keeper.join(timeout_s + _DEATH_S)
        for burial in self._burials:
            burial.join(timeout_s)
        with self._lock:
            self._up, self._cause = False, "closed"
        self._put(None)
        self._teller.join(timeout_s)
        return self._dead

    def _why_down(self) -> str:
        return f"the camera is {'down: ' if self._cause != 'closed' else ''}{self._cause}"

    def _watch(self, change: int) -> None:
        with self._lock:
            self._watching += change
            if self._process is not None and self._watching in (0, 1):
                self._process.send(wire.Watched(self._watching > 0))

    # -- the keeper's thread -------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._closing.is_set():
            try:
                process = Process(self.name, self._hear)
            except (OSError, RuntimeError) as error:
                _log.exception("camera %s: starting its program", self.name)
                with self._lock:
                    self._go_down(f"its program cannot be started: {error}")
            else:
                self._live(process)
            self._closing.wait(self._next_pause_s())

    def _next_pause_s(self) -> float:
        with self._lock:
            pause_s = self._pause_s
            self._pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return pause_s

    def _live(self, process: Process) -> None:
        """One life of the worker, until it is dead and what was open is answered."""
        process.send(wire.Hello(self.settings, _log.getEffectiveLevel()))
        with self._lock:
            self._process, self._greeted, self._dead = process, False, False
            if self._watching:
                process.send(wire.Watched(True))
        stop_showing = self._show_scene(process)
        process.send(wire.Begin())
        cause = self._look_after(process)
        stop_showing()
        if cause and not self._closing.is_set():
            with self._lock:
                self._go_down(cause + _AGAIN)
        if cause or not process.dead(1.0):
            process.kill(asking_where=bool(cause))
        self._dead = process.dead(_DEATH_S)
        process.ended.wait(1.0)
        self._bury(process, cause)
        while not self._dead and not self._closing.is_set():
            self._dead = process.dead(_LOOK_EVERY_S)  # it holds the camera: no use in another one

    def _look_after(self, process: Process) -> str:
        """Returns when it is over: '' when it ended by itself, else why it must be killed."""
        looked_s = time.monotonic()
        while not process.ended.wait(_LOOK_EVERY_S):
            now_s = time.monotonic()
            if now_s - looked_s > _LATE_S:
                # This program itself stood still (a sleeping computer, Ctrl-Z): silence in that
                # time proves nothing.
                process.heard_s = now_s
            looked_s = now_s
            if self._closing.is_set():
                return self._let_it_leave(process)
            limit_s = _SILENCE_S if self._greeted else _START_LIMIT_S
            if now_s - process.heard_s > limit_s:
                return f"its program did not answer for {limit_s:g} s"
        return ""

    def _let_it_leave(self, process: Process) -> str:
        """Closing: it ends its clips. One that has not even loaded yet has nothing to end."""
        if not self._greeted:
            return "closed"
        timeout_s = self._close_timeout_s
        process.send(wire.Close(0.8 * timeout_s))
        left = process.ended.wait(timeout_s)
        return "" if left else "closed, but its program did not leave in time"

    def _show_scene(self, process: Process) -> Callable[[], None]:
        """Keeps the simulated bench in the worker the same as the one here."""
        scene, options = self._scene, self.settings.source.sim
        if scene is None or options is None:
            return lambda: None
        return scene.listen(lambda state: process.send(wire.Shown(options.seed, state)))

    def _bury(self, process: Process, cause: str) -> None:
        """Answers all that the worker has left unanswered."""
        closing = self._closing.is_set()
        why = cause or process.how_it_ended()
        if not closing:
            why = why + _AGAIN if self._greeted else _NOT_LOADED
            _log.warning("camera %s: %s\n%s", self.name, why, process.last_words)
        with self._lock:
            self._process = None
            requests, self._requests = self._requests, Requests(self.name)
            frames, dropped, damaged = self._before
            beat = self._beat
            self._before = (frames + beat.frames, dropped + beat.dropped, damaged + beat.damaged)
            self._beat = replace(beat, up=False, frames=0, dropped=0, damaged=0, warning="")
            if self._warned and not closing:
                self._warned = False
                self._put(CameraWarned(self.name, ""))
            if not closing:
                self._go_down(why)
        requests.fail_stills(why, self._put)
        if requests.any_clip:
            # Reading a long clip takes a while: the next worker does not wait for that.
            burial = threading.Thread(
                target=requests.salvage_clips,
                args=(why, self._put),
                name=f"clips {self.name}",
                daemon=True,
            )
            self._burials = [*(old for old in self._burials if old.is_alive()), burial]
            burial.start()

    # -- what the worker reports ---------------------------------------------------------------

    def _hear(self, process: Process, report: Any) -> None:
        """On the process's own thread."""
        match report:
            case wire.Beat():
                self._take_beat(process, report)
            case CaptureEvent():
                self._take_event(process, report)
            case logging.LogRecord():
                logger = logging.getLogger(report.name)
                if logger.isEnabledFor(report.levelno):
                    logger.handle(report)
            case _:
                from capture.frame import freeze  # loaded with the picture

                freeze(report.bgr)
                self._watchers.offer(report)

    def _take_beat(self, process: Process, beat: wire.Beat) -> None:
        with self._lock:
            if self._process is not process:
                return
            self._greeted = True
            self._beat = beat.status
            if (age_s := beat.status.last_frame_age_s) is not None:
                self._last_frame_ns = beat.mono_ns - round(age_s * 1e9)

    def _take_event(self, process: Process, event: CaptureEvent) -> None:
        """Passed on, unless the worker is buried: then all was answered in its place."""
        with self._lock:
            if self._process is not process:
                return
            self._requests.note(event)
            match event:
                case CameraUp():
                    self._up, self._told_down, self._cause = True, False, ""
                    self._up_since_s = time.monotonic()
                case CameraDown():
                    self._go_down(event.cause)
                    return
                case CameraWarned():
                    self._warned = bool(event.what)
            self._put(event)

    def _go_down(self, cause: str) -> None:
        """With the lock held. Told once for each outage; the status has the newest cause."""
        if self._up and time.monotonic() - self._up_since_s >= _STEADY_S:
            self._pause_s = _FIRST_PAUSE_S
        self._up, self._cause = False, cause
        if not self._told_down:
            self._told_down = True
            self._put(CameraDown(self.name, cause))

    def _put(self, event: CaptureEvent | None) -> None:
        self._events.put(event)

    # -- the teller's thread -------------------------------------------------------------------

    def _tell(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._on_event(event)
            except Exception:
                _log.exception("camera %s: nobody took %s", self.name, type(event).__name__)


def _scene_of(settings: CameraSettings) -> Scene | None:
    """The simulated bench that the camera looks at. Loads OpenCV if it is one."""
    if settings.source.sim is None:
        return None
    from capture.sim import scene_of

    return scene_of(settings.source.sim)
