"""One clip being written by a thread of its own, so that a slow disk never holds up the encoder.

Stands between the recorder and the clip's file: a queue of coded frames, bounded in bytes, and the
replies `ClipStarted`, `ClipEnded`, `ClipFailed`. Knows no encoder and no ring.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from capture.clipfile import ClipFile
from capture.disk import cause_of
from capture.encoder import Encoded
from capture.events import CaptureEvent, ClipEnded, ClipFailed, ClipInfo, ClipStarted
from capture.holes import DISK_TOO_SLOW, Clocks, Holes
from capture.overlay import Line
from capture.salvage import clock_offset_ms

_log = logging.getLogger(__name__)

_SYNC_EVERY_S = 1.0
# A disk that takes longer for one write, while an ended clip waits for it, does not answer.
NO_ANSWER_S = 10.0


class ClipWriter:
    """Writes one clip and tells `on_event` how it went; exactly one of ended and failed comes.

    The disk may lag by `backlog_bytes` of frames. Beyond that the clip loses frames up to the next
    key frame that there is room for: a hole. An ended clip whose disk does not answer for
    `no_answer_s` has failed; what reached the disk stays where it is.
    """

    def __init__(
        self,
        camera: str,
        clip_id: str,
        path: Path,
        on_event: Callable[[CaptureEvent], None],
        *,
        trigger_ns: int,
        title: str,
        fps: float,
        line: Line,
        backlog_bytes: int,
        no_answer_s: float = NO_ANSWER_S,
    ) -> None:
        self._clip_id = clip_id
        self._camera = camera
        self._path = path
        self._on_event = on_event
        self._trigger_ns = trigger_ns
        self._title = title
        self._frame_ns = round(1e9 / fps)
        self._line = line
        self._backlog_bytes = backlog_bytes
        self._no_answer_s = no_answer_s
        self._changed = threading.Condition()
        self._frames: deque[Encoded] = deque()
        self._pre_rolled = 0  # so many of them were there before
        self._queued_bytes = 0  # of the others
        self._skipping = False
        self._ending = False
        self._why = ""
        self._next_seq = 0
        self._holes = Holes()
        self._newest: Clocks | None = None
        self._refused = 0
        self._started = False
        self._progress_s = time.monotonic()
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"clip {camera}", daemon=True)

    def begin(self, frames: Iterable[Encoded]) -> None:
        """Starts the thread with the pre-roll, which no bound applies to: the ring bounds it."""
        for frame in frames:
            self._holes.kept(frame)
            self._frames.append(frame)
            self._newest, self._next_seq = frame, frame.seq + 1
        self._pre_rolled = len(self._frames)
        self._skipping = not self._frames  # a file begins with a key frame
        self._thread.start()

    def add(self, frame: Encoded) -> None:
        """Takes the next frame. Never blocks."""
        with self._changed:
            if self._ending:
                return
            self._newest, self._next_seq = frame, frame.seq + 1
            size = len(frame.data)
            room = self._queued_bytes + size <= self._backlog_bytes
            self._skipping = not room or (self._skipping and not frame.key)
            if self._skipping:
                self._holes.skipped(DISK_TOO_SLOW)
                self._refused += 1
                return
            self._holes.kept(frame)
            self._frames.append(frame)
            self._queued_bytes += size
            self._changed.notify()

    def end(self, why: str, next_seq: int, newest: Clocks | None = None) -> None:
        """Lets the clip end behind what it was given. Does nothing when it has ended.

        `next_seq` is the number that the next frame of the camera would have got: what the clip
        lacks up to there counts as dropped. `newest` is the frame before that one, where it did not
        come here.
        """
        with self._changed:
            if self._ending:
                return
            self._ending, self._why = True, why
            if newest is not None and next_seq > self._next_seq:
                self._newest = newest
            self._next_seq = max(self._next_seq, next_seq)
            self._progress_s = time.monotonic()  # it may have waited for frames until now
            self._changed.notify()
        if self._thread.ident is not None:
            threading.Thread(
                target=self._await_disk, name=f"patience {self._camera}", daemon=True
            ).start()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _await_disk(self) -> None:
        """Answers for a writer that hangs in the system: `stop` must have its answer."""
        while not self._answered.wait(self._no_answer_s / 10):
            if time.monotonic() - self._progress_s > self._no_answer_s:
                self._answer(
                    ClipFailed(
                        self._camera,
                        self._clip_id,
                        f"the disk does not answer; what it took lies in {self._path.name}",
                    )
                )
                with self._changed:  # the writer may hang for ever, the next clip's as well
                    self._frames.clear()

    def _answer(self, event: ClipEnded | ClipFailed) -> None:
        with self._changed:
            if self._answered.is_set():
                return
            self._answered.set()
        self._on_event(event)

    def _run(self) -> None:
        file: ClipFile | None = None
        why = ""
        try:
            file = ClipFile(self._path, self._title, self._frame_ns, self._line)
            self._write(file)
        except OSError as error:
            why = cause_of(error, self._path)
        except Exception as error:
            _log.exception("writing clip %s of camera %s", self._clip_id, self._camera)
            why = f"cannot write {self._path.name}: {error}"
        with self._changed:
            self._ending = True
            self._frames.clear()
        if file is None:
            self._answer(ClipFailed(self._camera, self._clip_id, why))
            return
        try:
            file.finish()
        except Exception as error:
            _log.exception("finishing clip %s of camera %s", self._clip_id, self._camera)
            why = why or f"cannot finish {self._path.name}: {error}"
        self._report(file, why or file.cause or self._why)

    def _write(self, file: ClipFile) -> None:
        """Writes what comes until the clip ends or the disk fails."""
        sync_at = time.monotonic()
        unsynced = ending = False
        while not ending and not file.error:
            frame, ending = self._take(max(0, sync_at - time.monotonic()) if unsynced else None)
            if frame is not None:
                file.write(frame)
                self._progress_s = time.monotonic()
                unsynced = True
            if file.first is not None and not file.error:
                self._tell_started(file.first)
            # The first time when all of the pre-roll has been written.
            if unsynced and not self._pre_rolled and time.monotonic() >= sync_at:
                file.sync()
                self._progress_s = time.monotonic()
                unsynced = False
                sync_at = time.monotonic() + _SYNC_EVERY_S

    def _take(self, wait_s: float | None) -> tuple[Encoded | None, bool]:
        """The next frame, and whether none will follow. Waits for one, `wait_s` at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._ending, wait_s)
            if not self._frames:
                return None, self._ending
            frame = self._frames.popleft()
            if self._pre_rolled:
                self._pre_rolled -= 1
            else:
                self._queued_bytes -= len(frame.data)
            return frame, self._ending and not self._frames

    def _tell_started(self, first: Encoded) -> None:
        if not self._started and not self._answered.is_set():
            self._started = True
            self._on_event(
                ClipStarted(self._camera, self._clip_id, first.utc, self._pre_roll_ms(first))
            )

    def _pre_roll_ms(self, first: Encoded) -> int:
        return max(0, self._trigger_ns - first.mono_ns) // 1_000_000

    def _report(self, file: ClipFile, why: str) -> None:
        if file.first is None or file.last is None or not file.frames:
            why = why or (
                "no key frame came from the camera: set a shorter key-frame interval in it"
                if self._refused
                else "no frame came from the camera"
            )
            self._answer(ClipFailed(self._camera, self._clip_id, why))
            return
        self._tell_started(file.first)
        first, codec = file.first, file.first.stream.codec_context
        dropped = self._next_seq - first.seq - file.frames
        newest = self._newest or first
        info = ClipInfo(
            path=self._path,
            codec=codec.codec.canonical_name,
            width=codec.width,
            height=codec.height,
            started_at=first.utc,
            duration_ms=file.duration_ms,
            pre_roll_ms=self._pre_roll_ms(first),
            frames=file.frames,
            dropped=dropped,
            size_bytes=file.size_bytes,
            clock_offset_ms=clock_offset_ms(first.utc, first.mono_ns),
            copied=first.copied,
            holes=self._holes.until(file.last.mono_ns, newest, dropped, file.cause),
        )
        self._answer(ClipEnded(self._camera, self._clip_id, info, why))
