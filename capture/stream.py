"""Network cameras (RTSP, HTTP) and video files, through FFmpeg's demuxer.

Carries out what `capture.source` understood; `capture.coded` makes samples of the packets. Knows no
thread: whoever reads may have to wait until a timeout, and must be watched from outside.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import av
from av.container.input import InputContainer
from av.packet import Packet as AvPacket
from av.video.stream import VideoStream

from capture.coded import TimedSample, handing_of
from capture.source import ENDED, Pace, Sample, SourceError, SourceLost, SourceSpec

OPEN_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 5.0
_BACKLOG_MOST = 200  # packets that FFmpeg has gathered while it looked into the stream
_PLAUSIBLE_FPS = 240.0  # streams without timing announce 90000
# TCP because a lost UDP packet is a torn picture; the rate is known from a few pictures, and
# looking at twenty more delays the first by a second.
_OPTIONS = {"rtsp_transport": "tcp", "fpsprobesize": "0"}


class StreamSource:
    """A network camera, from its newest picture on."""

    def __init__(self, spec: SourceSpec, record: str, video_height: int | None) -> None:
        self._container = _open_stream(spec)
        try:
            stream = _video_of(self._container, spec, "the camera sends no video; check the path")
            self._handing = handing_of(stream, record, video_height, spec.safe_text)
            self.codec = self._handing.codec
            self.width, self.height, self.fps = _delivered(self._container, stream)
            self._packets = self._container.demux(stream)
            self._ready: deque[Sample] = deque()
            self._skip_backlog()
        except BaseException:
            self._container.close()
            raise

    def read(self) -> Sample | None:
        while not self._ready:
            began_s = time.monotonic()
            packet = self._next()
            if packet is None:
                raise SourceLost("the stream broke off; check the camera's power and network")
            if time.monotonic() - began_s > 0.9 * READ_TIMEOUT_S:
                # When a read times out, FFmpeg hands out a packet left over in its parser.
                raise SourceLost(_STOOD_STILL)
            self._ready.extend(sample for _, sample in self._handing.take(packet))
        return self._ready.popleft()

    def close(self) -> None:
        self._container.close()

    def _next(self) -> AvPacket[VideoStream] | None:
        """The next packet; None at the end of the stream. Raises SourceLost."""
        began_s = time.monotonic()
        try:
            packet = next(self._packets, None)
        except av.FFmpegError as error:
            if time.monotonic() - began_s > 0.9 * READ_TIMEOUT_S:
                raise SourceLost(_STOOD_STILL) from None
            raise SourceLost(f"the stream broke off ({error.strerror})") from None
        return packet if packet is not None and packet.size else None

    def _skip_backlog(self) -> None:
        """Passes over the second or so from before now, which comes faster than what is live.

        Stamped on arrival it would be wrong in time, and played too fast. What is live needs what
        came since the newest key frame (FFmpeg waits for one when it opens a stream): that is
        decoded and not handed out, or copied all at once.
        """
        live_s = 0.25 / (self.fps or 30.0)
        since_key: list[AvPacket[VideoStream]] = []
        for _ in range(_BACKLOG_MOST):
            began_s = time.monotonic()
            try:
                packet = self._next()
            except SourceLost:
                break  # the first read will meet it again
            if packet is None:
                break
            if packet.is_keyframe:
                since_key.clear()
            since_key.append(packet)
            if time.monotonic() - began_s > live_s:
                break
        samples = [[one for _, one in self._handing.take(packet)] for packet in since_key]
        for given in samples if self.codec else samples[-1:]:
            self._ready.extend(given)


_STOOD_STILL = f"the stream stood still for {READ_TIMEOUT_S:.0f} s"


class FileSource:
    """A video file paced by its own time stamps.

    A reader up to four frames late still gets every frame; a later one loses those that a camera's
    driver would have overwritten (of a copied file, all up to a key frame), and is in step again.
    With `loop` the file starts over without end; without it the source is over, for good, after the
    last frame.
    """

    def __init__(self, spec: SourceSpec, record: str, video_height: int | None) -> None:
        self._path = Path(spec.target).expanduser().absolute()
        self._spec = spec
        try:
            with self._path.open("rb"):
                pass
        except OSError as error:
            raise SourceError(
                spec.safe_text, f"{error.strerror or error}; check the path"
            ) from None
        stream = self._open()
        try:
            self._handing = handing_of(stream, record, video_height, spec.safe_text)
        except SourceError:
            self._container.close()
            raise
        self.codec = self._handing.codec
        self.width, self.height, self.fps = _delivered(self._container, stream)
        self._period_s = 1 / (self.fps or 30.0)
        self._samples = self._lap(stream)
        self._pace = Pace()
        self._lap_s = 0.0  # when this round of the file began, on the file's endless time line
        self._last_s = -self._period_s
        self._lost_some = False

    def read(self) -> Sample | None:
        while True:
            timed = next(self._samples, None)
            if timed is None:
                self._start_over()
                continue
            at_s, sample = timed
            self._last_s = due_s = self._due_s(at_s)
            if not self._pace.wait(due_s, self._period_s):
                self._lost_some = True
                continue
            if self._lost_some and sample.packet is not None and not sample.packet.key:
                continue
            self._lost_some = False
            return sample

    def close(self) -> None:
        self._container.close()

    def _due_s(self, at_s: float | None) -> float:
        """When a sample of this time in the round is due, on the file's endless time line."""
        due_s = self._last_s + self._period_s if at_s is None else self._lap_s + at_s
        return max(due_s, self._last_s)

    def _lap(self, stream: VideoStream) -> Iterator[TimedSample]:
        """The samples of one round; their times begin with 0."""
        first_s: float | None = None
        packets = self._container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:  # cut off: over as well
                return
            if packet is None:
                return
            if self._handing.apart and packet.pts is not None and first_s is not None:
                due_s = self._due_s(float(packet.pts * packet.time_base) - first_s)
                if self._pace.late(due_s, self._period_s):
                    continue  # decoding it first would only make the next ones late as well
            try:
                for at_s, sample in self._handing.take(packet):
                    if first_s is None:
                        first_s = at_s
                    yield (None if at_s is None else at_s - (first_s or 0.0)), sample
            except SourceLost as lost:
                # Opened again it would begin anew, and end here again.
                raise SourceLost(lost.cause, final=True) from None

    def _start_over(self) -> None:
        if not self._spec.loop:
            raise SourceLost(ENDED, final=True)
        if self._last_s < self._lap_s:
            raise SourceLost("the video file holds no picture", final=True)
        self._lap_s = self._last_s + self._period_s
        self._container.close()
        stream = self._open()
        self._handing.again(stream)
        self._samples = self._lap(stream)

    def _open(self) -> VideoStream:
        unplayable = "holds no video that can be played; use MP4, MKV or AVI"
        try:
            # With the protocol, because FFmpeg takes what stands before a colon for one.
            self._container = av.open(f"file:{self._path}")
        except (av.FFmpegError, ValueError):
            raise SourceError(self._spec.safe_text, unplayable) from None
        return _video_of(self._container, self._spec, unplayable)


def _open_stream(spec: SourceSpec) -> InputContainer:
    scheme, colon, rest = spec.target.partition(":")
    began_s = time.monotonic()
    try:
        return av.open(
            scheme.lower() + colon + rest,
            options=_OPTIONS,
            timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S),
        )
    # Their texts hold the address with its password: not a chained cause either.
    except (av.HTTPUnauthorizedError, av.HTTPForbiddenError):
        why = "user name or password refused; write them as ://USER:PASSWORD@HOST/"
    except av.HTTPNotFoundError:
        why = "the camera has no such path; check what stands after the host"
    except (av.FFmpegError, ValueError):
        late = time.monotonic() - began_s > 0.9 * OPEN_TIMEOUT_S
        why = _why_no_stream(spec.target, late)
    raise SourceError(spec.safe_text, why)


def _why_no_stream(url: str, late: bool) -> str:
    """Asks the network what is wrong with an address that FFmpeg could not open; up to 2 s."""
    parts = urlsplit(url)
    port = parts.port or {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}[parts.scheme.lower()]
    try:
        socket.create_connection((parts.hostname or "", port), timeout=2).close()
    except socket.gaierror:
        return "this host name is not known; check the address"
    except ConnectionRefusedError:
        return f"nothing answers on port {port}; check the port and that the camera streams"
    except OSError:
        return "no answer; check the camera's power, its cable and the address"
    if late:
        return f"no answer within {OPEN_TIMEOUT_S:.0f} s; check the port, or restart the camera"
    return "the camera answers but gives no video; check the path"


def _video_of(container: InputContainer, spec: SourceSpec, none_why: str) -> VideoStream:
    """The first video stream that can be decoded. Closes the container and raises SourceError."""
    for stream in container.streams.video:
        if stream.codec_context is not None and stream.codec_context.width:
            return stream
    container.close()
    raise SourceError(spec.safe_text, none_why)


def _delivered(container: InputContainer, stream: VideoStream) -> tuple[int, int, float]:
    context = stream.codec_context
    fps = float(stream.average_rate or stream.guessed_rate or 0)
    # A camera that sends JPEGs over HTTP tells no rate; FFmpeg takes 25.
    if not 0 < fps <= _PLAUSIBLE_FPS or container.format.name == "mpjpeg":
        fps = 0.0
    return context.width, context.height, fps
