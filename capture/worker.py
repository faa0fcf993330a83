"""The process of one camera: `Camera` inside, orders in through stdin, reports out through stdout.

Started by `capture.remote`, never by hand. A driver or a decoder that crashes, or that hangs with
the interpreter's lock held, ends here and takes nothing else with it.

    main thread     says four times a second how the camera is; ends the process
    order thread    obeys the owner; when the pipe ends, he is dead: it ends the clips and leaves
    report thread   writes reports, so that a full pipe never holds up a camera

Its life hangs on the pipe alone, so it ignores what a terminal or a service manager sends to all
of a program's processes at once. Knows no waybill, no archive and no screen.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import signal
import sys
import threading
import time
from collections import deque
from typing import Any, BinaryIO, Final, NoReturn

import cv2

from capture import wire
from capture.camera import Camera
from capture.events import CameraDown, CameraUp, CaptureEvent, ClipFailed, StillFailed
from capture.frame import Frame
from capture.small import Peephole

_log = logging.getLogger(__name__)

_LAST_S: Final = 5.0
"""A worker whose owner died is gone after this time."""
_HANG_S: Final = 3.0
"""A read that was given up gets so long to come back."""
_HANG_LAST_S: Final = 2.0
_STUCK_S: Final = 6.0
"""No thread of Python ran for so long: the owner's kill did not come, so he is dead too."""
_MOST_RECORDS: Final = 1000


class Outbox:
    """Reports in order; of pictures only the newest. `put` never blocks."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._reports: deque[object] = deque()
        self._picture: Frame | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)
        self._thread.start()

    def put(self, report: object) -> None:
        with self._changed:
            self._reports.append(report)
            self._changed.notify()

    def put_nowait(self, record: logging.LogRecord) -> None:
        """A log record; it is left out where too much waits already."""
        with self._changed:
            full = len(self._reports) >= _MOST_RECORDS
        if not full:
            self.put(record)

    def beat(self, beat: wire.Beat) -> None:
        """Left out while older reports wait: those tell of life as well."""
        with self._changed:
            if self._reports:
                return
        self.put(beat)

    def show(self, picture: Frame) -> None:
        with self._changed:
            self._picture = picture
            self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """Writes what waits, within this time."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the owner is gone; the orders end too
            while (report := self._next()) is not None:
                wire.send(self._stream, report)

    def _next(self) -> object | None:
        with self._changed:
            self._changed.wait_for(lambda: self._reports or self._picture or self._closed)
            if self._reports:
                return self._reports.popleft()
            picture, self._picture = self._picture, None
            return None if self._closed else picture


class Worker:
    """The camera and its orders."""

    def __init__(self, hello: wire.Hello, orders: BinaryIO, outbox: Outbox) -> None:
        self._settings = hello.settings
        self._orders = orders
        self._outbox = outbox
        self._camera = Camera(hello.settings, self._tell)
        self._peephole = Peephole(self._camera.add_taker, outbox.show)
        self._ending = threading.Lock()
        self._ended = threading.Event()
        self._hangs_since_s: float | None = None
        self._code = 0

    def run(self) -> int:
        """Works until it is told to leave or must; the exit code."""
        threading.Thread(target=self._obey, name="orders", daemon=True).start()
        while True:
            faulthandler.dump_traceback_later(_STUCK_S, exit=True)
            self._outbox.beat(self._beat())
            self._give_up_a_hang()
            if self._ended.wait(wire.BEAT_S):
                return self._code

    def _beat(self) -> wire.Beat:
        return wire.Beat(self._camera.status, time.monotonic_ns())

    def _tell(self, event: CaptureEvent) -> None:
        if isinstance(event, CameraUp | CameraDown):
            self._outbox.put(self._beat())  # whoever hears of it may look at the status
        self._outbox.put(event)

    def _give_up_a_hang(self) -> None:
        """A driver that hangs keeps its device: only the end of the process gives it back."""
        now_s = time.monotonic()
        if not self._camera.hangs:
            self._hangs_since_s = None
        elif self._hangs_since_s is None:
            self._hangs_since_s = now_s
        elif now_s - self._hangs_since_s >= _HANG_S:
            threading.Thread(target=self._end, args=(wire.HUNG, _HANG_LAST_S), daemon=True).start()
            self._hangs_since_s = float("inf")

    def _end(self, code: int, timeout_s: float) -> None:
        if self._ending.acquire(blocking=False):
            self._camera.close(timeout_s)
            self._code = code
            self._ended.set()

    # -- the order thread ----------------------------------------------------------------------

    def _obey(self) -> None:
        while True:
            try:
                order = wire.receive(self._orders)
            except EOFError:
                order = wire.Close(_LAST_S)
            if isinstance(order, wire.Close):
                self._end(0, order.timeout_s)
                return
            try:
                self._carry_out(order)
            except Exception as error:
                _log.exception("camera %s: %s", self._settings.name, type(order).__name__)
                self._refuse(order, f"the camera refused: {error}")

    def _carry_out(self, order: Any) -> None:
        camera = self._camera
        match order:
            case wire.Begin():
                camera.start()
            case wire.StartClip():
                camera.start_clip(
                    order.clip_id, order.path, order.trigger_ns, order.text, order.pre_roll
                )
            case wire.StopClip():
                camera.stop_clip(order.clip_id)
            case wire.TakeStill():
                camera.take_still(order.still_id, order.path)
            case wire.Watched():
                self._peephole.open(order.wanted)
            case wire.Shown():
                from capture.sim import scene

                scene(order.seed).become(order.state)

    def _refuse(self, order: Any, why: str) -> None:
        match order:
            case wire.StartClip():
                self._outbox.put(ClipFailed(self._settings.name, order.clip_id, why))
            case wire.TakeStill():
                self._outbox.put(StillFailed(self._settings.name, order.still_id, why))


def main() -> NoReturn:
    """Work for the owner at the other end of stdin and stdout; ends the process."""
    orders, reports = _pipes()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform != "win32":
        faulthandler.register(signal.SIGUSR1)  # the owner asks where it hangs, before he kills it
    outbox = Outbox(reports)
    code = 0
    with contextlib.suppress(EOFError):
        hello = wire.receive(orders)
        to_owner = logging.handlers.QueueHandler(outbox)  # type: ignore[arg-type] # it only puts
        logging.basicConfig(
            level=hello.log_level, format="%(message)s", handlers=[to_owner], force=True
        )
        # Its threads are the reader's, the encoder's and so on; OpenCV's own would wait for one
        # another, which costs the recorder a tenth of its CPU.
        cv2.setNumThreads(1)
        code = Worker(hello, orders, outbox).run()
    outbox.close(1.0)
    os._exit(code)  # a driver's thread may hang: Python would wait for it, or be aborted by it


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The owner's pipes, taken away from stdin and stdout: what a library prints goes to stderr,
    which the owner keeps for the log."""
    orders, reports = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    with contextlib.suppress(OSError, AttributeError):  # Windows before Python 3.12
        os.set_blocking(
            2, False
        )  # a library's chatter must not wait for an owner that stands still
    return orders, reports
