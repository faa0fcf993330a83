"""What becomes of a stream's packets: pictures, JPEGs with their pictures, or packets to be copied.

Stands between a demuxer (a network stream, a video file) and the samples that a source hands out.
Knows no network, no path, no clock and no thread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Protocol, cast

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet as AvPacket
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from capture.decoder import JpegDecoder, complete, jpeg_size, lowres_for, yuv_of
from capture.frame import Yuv
from capture.source import Packet, Sample, SourceError, SourceLost

_log = logging.getLogger(__name__)

# The types of the units that hold a stream's parameters, and the first that holds a picture.
_PARAMETERS = {"h264": {7, 8}, "hevc": {32, 33, 34}}
_TO_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_START_CODE = b"\x00\x00\x01"
_ONE_THREAD_PX = 1920 * 1088  # above this one thread cannot keep up with 30 pictures a second

TimedSample = tuple[float | None, Sample]
"""A sample and its time in the stream in seconds, None where the stream does not tell."""


class Handing(Protocol):
    """Makes samples of one stream's packets. `codec` as in `Source`.

    `apart`: each packet can be decoded without those before it.
    """

    codec: str
    apart: bool

    def take(self, packet: AvPacket[VideoStream]) -> Iterator[TimedSample]:
        """What the packet gives, perhaps nothing yet. Raises SourceLost: the size changed."""

    def again(self, stream: VideoStream) -> None:
        """The same stream is opened once more and comes from its beginning."""


def handing_of(
    stream: VideoStream, record: str, video_height: int | None, safe_text: str
) -> Handing:
    """How `stream` is handed out if it is to be recorded as `record` says. Raises SourceError."""
    codec = stream.codec_context.codec.canonical_name
    if record == "copy" and codec not in _TO_ANNEX_B:
        raise SourceError(
            safe_text,
            f'sends {codec.upper()}, which cannot be copied; set record = "auto", or switch the '
            "camera to H.264",
        )
    if record == "copy" and codec == "hevc":
        _log.warning(
            "%s: copies HEVC (H.265), which some browsers and players do not show", safe_text
        )
    if record == "copy" or (record == "auto" and codec == "h264"):
        return Copying(stream, codec)
    if codec == "mjpeg":
        return Jpegs(stream, video_height)
    return Decoding(stream)


class Size:
    """The size of a stream's first picture: what a container announces is not always true."""

    def __init__(self) -> None:
        self._first: tuple[int, int] | None = None

    def stay(self, size: tuple[int, int]) -> None:
        """Raises SourceLost if `size` is another one."""
        before = self._first = self._first or size
        if size != before:
            raise SourceLost(
                f"the picture changed from {before[0]}x{before[1]} to {size[0]}x{size[1]}"
            )


class Decoding:
    """Every picture, decoded; one that the decoder refuses is an empty sample."""

    codec = ""
    apart = False

    def __init__(self, stream: VideoStream) -> None:
        self._size = Size()
        self.again(stream)

    def again(self, stream: VideoStream) -> None:
        self._tick_s = _tick_s(stream)
        self._context = stream.codec_context
        if self._context.width * self._context.height <= _ONE_THREAD_PX:
            self._context.thread_count = 1
        else:
            # By frames: few cameras cut theirs into slices. Delays each by the threads but one.
            self._context.thread_type = "FRAME"
            self._context.thread_count = min(4, os.cpu_count() or 1)

    def take(self, packet: AvPacket[VideoStream]) -> Iterator[TimedSample]:
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError:
            yield _time(packet.pts, self._tick_s), Sample()
            return
        for frame in frames:
            self._size.stay((frame.width, frame.height))
            yield frame.time, Sample() if frame.is_corrupt else Sample(yuv_of(frame))


class Jpegs:
    """Every JPEG as it came, beside its picture, which is smaller where video is much smaller."""

    codec = ""
    apart = True

    def __init__(self, stream: VideoStream, video_height: int | None) -> None:
        self._size = Size()
        self._decoder = JpegDecoder(lowres_for(stream.codec_context.height, video_height))
        self.again(stream)

    def again(self, stream: VideoStream) -> None:
        self._tick_s = _tick_s(stream)

    def take(self, packet: AvPacket[VideoStream]) -> Iterator[TimedSample]:
        jpeg = bytes(packet)
        if not jpeg:
            return
        picture = self._decoder.decode(jpeg)
        at_s = _time(packet.pts, self._tick_s)
        if picture is None:
            yield at_s, Sample()
            return
        self._size.stay(jpeg_size(jpeg) or picture.size)
        yield at_s, Sample(picture, jpeg=complete(jpeg))


class Copying:
    """Every packet as Annex B; key frames are decoded as well.

    After a key frame that cannot be decoded nothing up to the next one can be either: all these are
    empty samples.
    """

    apart = False

    def __init__(self, stream: VideoStream, codec: str) -> None:
        self.codec = codec
        self._size = Size()
        self._filter: BitStreamFilterContext | None = None
        extradata = stream.codec_context.extradata or b""
        if extradata and not extradata.startswith((_START_CODE, b"\0" + _START_CODE)):
            self._filter = BitStreamFilterContext(_TO_ANNEX_B[codec], stream)
        self._use_template(_template(stream, _TO_ANNEX_B[codec] if self._filter else ""))
        self.again(stream)

    def again(self, stream: VideoStream) -> None:
        self._stream = stream
        self._tick_s = _tick_s(stream)
        self._began = False
        if self._filter is not None:
            self._filter.flush()

    def take(self, packet: AvPacket[VideoStream]) -> Iterator[TimedSample]:
        if not packet.size:
            return
        at_s = _time(packet.dts, self._tick_s)
        delay_ns = 0
        if packet.pts is not None and packet.dts is not None:
            delay_ns = max(0, round((packet.pts - packet.dts) * self._tick_s * 1e9))
        try:
            parts = [packet] if self._filter is None else self._filter.filter(packet)
        except av.FFmpegError:
            yield at_s, Sample()
            return
        for part in parts:
            data, key = bytes(part), part.is_keyframe
            picture = None
            if key:
                self._keep_parameters(data)
                picture = self._picture(data)
                self._began = picture is not None
            if not self._began:
                yield at_s, Sample()
                continue
            yield at_s, Sample(picture, Packet(data, key, delay_ns, self._template))

    def _keep_parameters(self, data: bytes) -> None:
        """A camera may announce its parameters only within the stream, or change them there."""
        sets = _parameters(data, self.codec)
        if set(sets) <= set(self._sets):
            return
        kinds = {one[0] for one in sets}  # those that it did not send again stay as they were
        sets = [one for one in self._sets if one[0] not in kinds] + sets
        extradata = b"".join(b"\0" + _START_CODE + one for one in sets)
        self._use_template(_template(self._stream, "", extradata))

    def _use_template(self, template: VideoStream) -> None:
        self._template = template
        extradata = template.codec_context.extradata or b""
        self._sets = _parameters(extradata, self.codec)
        self._context = cast(VideoCodecContext, av.CodecContext.create(self.codec, "r"))
        self._context.extradata = extradata or None
        self._context.thread_count = 1

    def _picture(self, data: bytes) -> Yuv | None:
        """Raises SourceLost if it has another size."""
        try:
            frames = self._context.decode(av.Packet(data))
            # A decoder that expects B-frames keeps the picture until it is told that none follow.
            frames += self._context.decode(None)
        except av.FFmpegError:
            frames = []
        self._context.flush_buffers()
        if not frames or frames[0].is_corrupt:
            return None
        self._size.stay((frames[0].width, frames[0].height))
        return yuv_of(frames[0])


def _template(stream: VideoStream, bsf: str, extradata: bytes = b"") -> VideoStream:
    """A stream without a file that outlives the one it is like; its parameters are Annex B."""
    container = av.open("copied", "w", format="null")
    template = container.add_stream_from_template(stream)
    if bsf:
        BitStreamFilterContext(bsf, stream, template)
    if extradata:
        template.codec_context.extradata = extradata
    container.start_encoding()  # writes them where files take them from
    return template


def _parameters(data: bytes, codec: str) -> list[bytes]:
    """The parameter sets before the first picture in an Annex B byte string."""
    wanted = _PARAMETERS[codec]
    found = []
    at = data.find(_START_CODE)
    while at >= 0:
        begin = at + len(_START_CODE)
        if begin >= len(data):
            break
        kind = data[begin] & 31 if codec == "h264" else data[begin] >> 1 & 63
        if kind in (range(1, 6) if codec == "h264" else range(32)):
            break
        at = data.find(_START_CODE, begin)
        unit = data[begin : at if at >= 0 else len(data)].rstrip(b"\0")
        if kind in wanted:
            found.append(unit)
    return found


def _time(ticks: int | None, tick_s: float) -> float | None:
    return None if ticks is None else ticks * tick_s


def _tick_s(stream: VideoStream) -> float:
    return float(stream.time_base or 0)
