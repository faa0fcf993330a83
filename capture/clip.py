"""The recorder of one camera: it encodes always, and keeps a clip whenever it is asked to.

Stands between the camera's reader thread and the clip files:

    offer()        -> bounded queue -> encoder thread -> ring of coded frames
    offer_packet() -> (as the camera coded them)     \\-> open clips, each with a writer thread

Requests go through the same queue as the frames, so that a clip ends with what was captured up to
its stop, and no frame falls between the ring and the clip. Knows no source, no session and no
screen.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from av.video.stream import VideoStream

from capture.clipwriter import NO_ANSWER_S, ClipWriter
from capture.encoder import Encoded, Encoder, coded_size
from capture.events import CaptureEvent, ClipEnded, ClipFailed
from capture.frame import Frame
from capture.hardware import distrust, pick_encoder
from capture.overlay import Overlay, harmless
from capture.ring import Ring
from capture.source import Packet

_log = logging.getLogger(__name__)

# Frames that wait for the encoder: 0.6 s of 1080p30. A picture of 1080p takes 6.2 MB.
_QUEUE_BYTES = 128 << 20
_FEWEST_QUEUED, _MOST_QUEUED = 4, 64
# Packets that wait: a second and more of any camera; they only have to be sorted in.
_PACKETS_QUEUED = 256
# Encoded frames that wait for the disk: about a minute of 1080p.
_BACKLOG_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class _Offered:
    """The newest frame that the camera gave, taken or not."""

    mono_ns: int
    utc: dt.datetime


@dataclass(frozen=True, slots=True)
class _Picture:
    frame: Frame
    seq: int


@dataclass(frozen=True, slots=True)
class _Coded:
    packet: Packet
    mono_ns: int
    utc: dt.datetime
    seq: int


@dataclass(frozen=True, slots=True)
class _Start:
    clip_id: str
    path: Path
    trigger_ns: int
    text: str
    pre_roll: bool


@dataclass(frozen=True, slots=True)
class _Stop:
    clip_id: str
    next_seq: int
    newest: _Offered | None


@dataclass(frozen=True, slots=True)
class _Tail:
    from_ns: int
    answer: Future[list[Encoded]]


@dataclass(frozen=True, slots=True)
class _Close:
    next_seq: int
    newest: _Offered | None


_Job = _Picture | _Coded | _Start | _Stop | _Tail | _Close


class Recorder:
    """Records one camera. Owns the encoder's thread and one thread for each open clip.

    `fps` is nominal: what a clip shows when is told by the capture clock alone. Pictures higher
    than `video_height` are scaled down; `encoder` is `auto` or a name, see `capture.hardware`.
    Clips may overlap. `on_event` is called from these threads and must not block.
    """

    def __init__(
        self,
        camera: str,
        on_event: Callable[[CaptureEvent], None],
        *,
        fps: float,
        pre_roll_s: float,
        overlay: Overlay,
        video_height: int | None = None,
        encoder: str = "auto",
        queue_bytes: int = _QUEUE_BYTES,
        backlog_bytes: int = _BACKLOG_BYTES,
        no_answer_s: float = NO_ANSWER_S,
    ) -> None:
        if not 0 < fps <= 1000:
            raise ValueError(f"camera {camera}: {fps} frames a second cannot be recorded")
        self._camera = camera
        self._on_event = on_event
        self._fps = fps
        self._pre_roll_ns = round(pre_roll_s * 1e9)
        self._overlay = overlay
        self._video_height = video_height
        self._codec = encoder
        self._queue_bytes = queue_bytes
        self._backlog_bytes = backlog_bytes
        self._no_answer_s = no_answer_s

        # Shared with the callers, under the condition's lock.
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._torn = False
        self._seq = 0
        self._newest: _Offered | None = None
        self._dropped = 0
        self._open: set[str] = set()
        self._closed = False

        # The encoder thread's own.
        self._encoder: Encoder | None = None
        self._using = ""
        self._copied: VideoStream | None = None
        self._ring = Ring(self._pre_roll_ns)
        self._clips: dict[str, ClipWriter] = {}
        self._text_of = ""
        self._faulty = False

        self._writers: list[ClipWriter] = []
        self._thread = threading.Thread(target=self._run, name=f"encode {camera}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that the encoder was too slow for, since the beginning."""
        with self._changed:
            return self._dropped

    @property
    def queue_depth(self) -> int:
        """Frames that wait for the encoder."""
        with self._changed:
            return self._waiting

    def offer(self, frame: Frame) -> None:
        """Takes the next frame. Never blocks: without room it is dropped and counted."""
        most = min(_MOST_QUEUED, max(_FEWEST_QUEUED, self._queue_bytes // frame.nbytes))
        with self._changed:
            if self._closed:
                return
            seq = self._seq
            self._seq += 1
            self._newest = _Offered(frame.mono_ns, frame.utc)
            if self._waiting >= most:
                self._dropped += 1
                return
            self._waiting += 1
            self._put(_Picture(frame, seq))

    def offer_packet(self, packet: Packet, mono_ns: int, utc: dt.datetime) -> None:
        """Takes the next packet of a stream that is kept as the camera coded it; arrived at
        `mono_ns`. Never blocks: without room it is dropped and counted, up to a key frame."""
        with self._changed:
            if self._closed:
                return
            seq = self._seq
            self._seq += 1
            self._newest = _Offered(mono_ns, utc)
            full = self._waiting >= _PACKETS_QUEUED
            self._torn = full or (self._torn and not packet.key)
            if self._torn:
                self._dropped += 1
                return
            self._waiting += 1
            self._put(_Coded(packet, mono_ns, utc, seq))

    def tail(self, from_ns: int, timeout_s: float = 1.0) -> list[Encoded]:
        """The newest coded frames, from the last key frame at or before `from_ns` (capture clock).

        Any thread may ask. Empty when there are none, or when none came within `timeout_s`.
        """
        answer: Future[list[Encoded]] = Future()
        with self._changed:
            if self._closed:
                return []
            self._put(_Tail(from_ns, answer))
        try:
            return answer.result(timeout_s)
        except TimeoutError:
            return []

    def start(
        self, clip_id: str, path: Path, trigger_ns: int, text: str, pre_roll: bool = True
    ) -> None:
        """Begins a clip in the new file `path`; returns at once.

        It holds everything from the last key frame at or before `trigger_ns` (capture clock) less
        the pre-roll, or from the oldest frame kept, and `text` is burnt in from now on. Answered by
        ClipStarted with its first frame, or by ClipFailed. Raises ValueError while a clip of that
        id is open.
        """
        with self._changed:
            if not self._closed:
                if clip_id in self._open:
                    raise ValueError(f"clip {clip_id} of camera {self._camera} is open already")
                self._open.add(clip_id)
                self._put(_Start(clip_id, path, trigger_ns, text, pre_roll))
                return
        self._on_event(ClipFailed(self._camera, clip_id, "the camera is closed"))

    def stop(self, clip_id: str) -> None:
        """Ends a clip behind the frames offered so far; returns at once.

        Answered by ClipEnded or ClipFailed, whether frames still come or not. A clip that has
        ended by itself has been answered for and is not answered for again.
        """
        with self._changed:
            self._put(_Stop(clip_id, self._seq, self._newest))

    def close(self, timeout_s: float = 5.0) -> None:
        """Ends the open clips, playable, and the threads; waits `timeout_s` at most for that."""
        until = time.monotonic() + timeout_s
        with self._changed:
            if not self._closed:
                self._closed = True
                self._put(_Close(self._seq, self._newest))
        self._thread.join(timeout_s)
        with self._changed:
            writers = list(self._writers)
        for writer in writers:
            writer.join(max(0.0, until - time.monotonic()))

    def _put(self, job: _Job) -> None:
        self._jobs.append(job)
        self._changed.notify()

    def _tell(self, event: CaptureEvent) -> None:
        if isinstance(event, ClipEnded | ClipFailed):
            with self._changed:
                self._open.discard(event.clip_id)
        self._on_event(event)

    # -- the encoder thread ------------------------------------------------------------------

    def _run(self) -> None:
        closing = False
        while not closing:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs)
                job = self._jobs.popleft()
                if isinstance(job, _Picture | _Coded):
                    self._waiting -= 1
            match job:
                case _Picture():
                    self._record(job)
                case _Coded():
                    self._copy(job)
                case _Tail():
                    job.answer.set_result(self._ring.cut(job.from_ns))
                case _Start():
                    self._begin(job)
                case _Stop():
                    self._end(job)
                case _Close():
                    self._end_all("closed", job.next_seq, job.newest)
                    closing = True

    def _record(self, job: _Picture) -> None:
        try:
            encoded = self._encoder_for(job).encode(job.frame, job.seq)
        except Exception as error:
            if not self._faulty:
                _log.exception("encoding camera %s", self._camera)
            self._faulty = True
            distrust(self._using)
            self._end_all(f"the encoder failed: {error}", job.seq)
            self._forget()
            return
        self._faulty = False
        self._keep(encoded)

    def _copy(self, job: _Coded) -> None:
        stream = job.packet.stream
        if self._copied is not stream:
            if self._copied is not None and not _alike(self._copied, stream):
                self._begin_anew("the camera codes its pictures in another way", job.seq)
            elif self._encoder is not None:
                self._begin_anew("the camera's own coding is kept from now on", job.seq)
            self._copied = stream
        self._keep(
            Encoded(
                job.packet.data,
                job.packet.key,
                job.mono_ns,
                job.utc,
                job.seq,
                stream,
                job.packet.delay_ns,
                copied=True,
            )
        )

    def _keep(self, coded: Encoded) -> None:
        self._ring.add(coded)
        for clip in self._clips.values():
            clip.add(coded)

    def _encoder_for(self, job: _Picture) -> Encoder:
        """The encoder for pictures like this one; others begin everything anew."""
        frame = job.frame
        if self._copied is not None:
            self._begin_anew("the camera's own coding is not kept any more", job.seq)
        if self._encoder is not None and not self._encoder.fits(frame):
            (width, height), (new_width, new_height) = self._encoder.source_size, frame.size
            changed = (width, height) != (new_width, new_height)
            how = f"from {width}x{height} to {new_width}x{new_height}" if changed else "its colours"
            self._begin_anew(f"the picture changed {how}", job.seq)
        if self._encoder is None:
            size = coded_size(frame.size, self._video_height)
            self._using = codec = pick_encoder(size, self._fps, self._codec)
            self._encoder = Encoder.like(frame, self._fps, self._overlay, self._video_height, codec)
        return self._encoder

    def _begin_anew(self, why: str, next_seq: int) -> None:
        self._end_all(why, next_seq)
        self._forget()

    def _forget(self) -> None:
        self._encoder = self._copied = None
        self._ring.clear()

    def _begin(self, job: _Start) -> None:
        self._overlay.text = job.text
        self._text_of = job.clip_id
        writer = ClipWriter(
            self._camera,
            job.clip_id,
            job.path,
            self._tell,
            trigger_ns=job.trigger_ns,
            title=harmless(job.text),
            fps=self._fps,
            line=self._overlay.line(job.text),
            backlog_bytes=self._backlog_bytes,
            no_answer_s=self._no_answer_s,
        )
        pre_roll_ns = self._pre_roll_ns if job.pre_roll else 0
        try:
            writer.begin(self._ring.cut(job.trigger_ns - pre_roll_ns))
        except Exception as error:  # the system gives no further thread
            _log.exception("starting clip %s of camera %s", job.clip_id, self._camera)
            self._tell(ClipFailed(self._camera, job.clip_id, f"cannot start recording: {error}"))
            return
        self._clips[job.clip_id] = writer
        with self._changed:
            self._writers = [old for old in self._writers if old.alive] + [writer]

    def _end(self, job: _Stop) -> None:
        clip = self._clips.pop(job.clip_id, None)
        if clip is not None:
            clip.end("", job.next_seq, job.newest)
        if self._text_of == job.clip_id:
            self._overlay.text = self._text_of = ""

    def _end_all(self, why: str, next_seq: int, newest: _Offered | None = None) -> None:
        for clip in self._clips.values():
            clip.end(why, next_seq, newest)
        self._clips.clear()


def _alike(one: VideoStream, other: VideoStream) -> bool:
    """Whether a file may hold packets of both: the same codec, size and parameter sets."""
    ours, theirs = one.codec_context, other.codec_context
    return (ours.codec.canonical_name, ours.width, ours.height, ours.extradata) == (
        theirs.codec.canonical_name,
        theirs.width,
        theirs.height,
        theirs.extradata,
    )
