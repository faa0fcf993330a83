"""Pictures into H.264, one packet for each, in the order in which they come.

Stands between the frames of one camera and the ring: brings a frame's planes (I420) to the size
wanted, burns the overlay into them and encodes them. Knows no clip, no file and no thread, and not
which encoder is the best here: that is `capture.hardware`'s judgement.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType
from av.video.stream import VideoStream

from capture.codecs import LIBX264, Codec, settings_of
from capture.frame import Bgr, Frame, Yuv
from capture.overlay import Overlay

# 11 us, and a usual time scale of MP4 files.
TIME_BASE = Fraction(1, 90_000)
# A clip begins at a key frame, so this bounds how much it holds before its pre-roll.
KEY_EVERY_NS = 1_000_000_000

# Above this one thread cannot be trusted to keep up with 30 pictures a second.
_ONE_THREAD_PX = 1920 * 1088
_GLOBAL_HEADER = 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER: parameter sets in the file's header

# AVCOL_* numbers of libavutil. The primaries and the transfer of all cameras here are taken to be
# those of BT.709 (sRGB); range and matrix are those of the planes.
_RANGE_LIMITED, _RANGE_FULL = 1, 2
_MATRIX_BT601 = 6
_BT709 = 1


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded frame.

    `mono_ns` and `utc` are the frame's own times; `seq` counts what was offered to the recorder,
    lost frames included, so that a hole in it is a hole in the recording. `stream` is the coded
    stream that it belongs to, a template for files that are to hold it.
    """

    data: bytes = field(repr=False)
    key: bool
    mono_ns: int
    utc: dt.datetime
    seq: int
    stream: VideoStream = field(repr=False, compare=False)
    delay_ns: int = 0
    copied: bool = False


class Encoder:
    """An H.264 stream (yuv420p) of one picture size and one kind of colours.

    BGR is converted (BT.601, limited range); planes are taken as they are, and the stream says
    their range and matrix. A frame higher than `video_height` is scaled down, its aspect kept. The
    coded picture lacks the last column and the last one to three rows where the width is no
    multiple of 2 or the height none of 4: yuv420p and PyAV's packed planes need that. A key frame
    comes at least every second of the capture clock, whatever the real frame rate. `fps` is nominal
    and steers only the rate control. `codec` is an encoder of FFmpeg, by name with our settings
    (`capture.hardware` picks one) or with its own.

    Made for a size alone, it takes what is coloured as BGR is; `like` makes one for a frame.
    Raises ValueError for a picture too small, av.FFmpegError where the codec does not open.
    """

    def __init__(
        self,
        size: tuple[int, int],
        fps: float,
        overlay: Overlay,
        video_height: int | None = None,
        codec: str | Codec = LIBX264,
        *,
        full_range: bool = False,
        bt709: bool = False,
    ) -> None:
        self.source_size = size
        self.width, self.height = coded_size(size, video_height)
        if self.width < 2 or self.height < 4:
            raise ValueError(f"a picture of {size[0]}x{size[1]} is too small to record")
        self._settings = settings_of(codec) if isinstance(codec, str) else codec
        self._full_range, self._bt709 = full_range, bt709
        self._overlay = overlay
        self._origin_ns: int | None = None
        self._last_pts = -1
        self._last_key_ns = 0
        self._scaled = video_height is not None and size[1] > video_height
        self._small = np.empty((0, 0, 3), np.uint8)
        # Planes that the encoder reads directly: no copy of 3 MB (1080p) for each frame.
        self._i420 = np.empty((self.height * 3 // 2, self.width), np.uint8)
        planar = self._settings.pixels == "yuv420p"
        self._coded = self._i420 if planar else np.empty_like(self._i420)
        self._picture = av.VideoFrame.from_numpy_buffer(self._coded, format=self._settings.pixels)
        self._picture.time_base = TIME_BASE
        self._picture.color_range = self._range
        self._picture.colorspace = self._matrix
        self._open(fps)

    @classmethod
    def like(
        cls,
        frame: Frame,
        fps: float,
        overlay: Overlay,
        video_height: int | None = None,
        codec: str | Codec = LIBX264,
    ) -> Encoder:
        """An encoder for `frame` and all that come in its size and colours."""
        full_range, bt709 = _colours(frame)
        return cls(
            frame.size, fps, overlay, video_height, codec, full_range=full_range, bt709=bt709
        )

    def fits(self, frame: Frame) -> bool:
        """Whether `frame` has the size and the colours that this encoder was made for.

        A frame that does not needs another encoder, and with it another clip.
        """
        return frame.size == self.source_size and _colours(frame) == (
            self._full_range,
            self._bt709,
        )

    @property
    def _range(self) -> int:
        return _RANGE_FULL if self._full_range else _RANGE_LIMITED

    @property
    def _matrix(self) -> int:
        return _BT709 if self._bt709 else _MATRIX_BT601

    def _open(self, fps: float) -> None:
        # A stream without a file: it carries everything a clip's own stream is made from.
        container = av.open("encoder", "w", format="null")
        stream = container.add_stream(
            self._settings.name, rate=Fraction(fps).limit_denominator(1001)
        )
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{self._settings.name} encodes no video")
        stream.width, stream.height = self.width, self.height
        stream.pix_fmt = self._settings.pixels
        stream.time_base = TIME_BASE
        context = stream.codec_context
        context.time_base = TIME_BASE
        context.options = dict(self._settings.options)
        context.flags |= _GLOBAL_HEADER
        context.gop_size = 600  # key frames are asked for by time
        context.max_b_frames = 0
        context.color_range = self._range
        context.colorspace = self._matrix
        context.color_primaries = _BT709
        context.color_trc = _BT709
        small = self.width * self.height <= _ONE_THREAD_PX
        context.thread_count = 1 if small else min(4, os.cpu_count() or 1)
        container.start_encoding()
        self._stream = stream

    def encode(self, frame: Frame, seq: int) -> Encoded:
        """The packet of `frame`, which must fit this encoder.

        The frame is not changed. Raises av.FFmpegError, RuntimeError.
        """
        if isinstance(frame.picture, Yuv):
            self._take_planes(frame.picture)
        else:
            self._convert(frame.picture)
        self._overlay.draw_i420(self._i420, frame.utc, frame.mono_ns)
        if self._coded is not self._i420:
            self._interleave()

        first = self._origin_ns is None
        if self._origin_ns is None:
            self._origin_ns = frame.mono_ns
        key = first or frame.mono_ns - self._last_key_ns >= KEY_EVERY_NS
        self._last_pts = max(ticks(frame.mono_ns - self._origin_ns), self._last_pts + 1)
        self._picture.pts = self._last_pts
        self._picture.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._stream.encode(self._picture)
        if len(packets) != 1:
            raise RuntimeError(f"the encoder gave {len(packets)} packets for a frame instead of 1")
        if packets[0].is_keyframe:
            self._last_key_ns = frame.mono_ns
        return Encoded(
            data=bytes(packets[0]),
            key=packets[0].is_keyframe,
            mono_ns=frame.mono_ns,
            utc=frame.utc,
            seq=seq,
            stream=self._stream,
        )

    def _convert(self, bgr: Bgr) -> None:
        if self._scaled:
            # Scaled first: converting what is thrown away would cost more.
            if not self._small.size:
                self._small = np.empty((self.height, self.width, 3), np.uint8)
            bgr = self._small = _scaled_into(self._small, bgr)
        cv2.cvtColor(bgr[: self.height, : self.width], cv2.COLOR_BGR2YUV_I420, dst=self._i420)

    def _interleave(self) -> None:
        luma, *chroma = planes(self._i420)
        np.copyto(self._coded[: self.height], luma)
        pairs = self._coded[self.height :].reshape(self.height // 2, self.width // 2, 2)
        cv2.merge(chroma, dst=pairs)

    def _take_planes(self, yuv: Yuv) -> None:
        if not self._scaled:
            # Of a height or a width that yuv420p cannot have, `Yuv` does not come.
            np.copyto(self._i420, yuv.i420)  # without the GIL
            return
        for ours, theirs in zip(planes(self._i420), planes(yuv.i420), strict=True):
            _scaled_into(ours, theirs)


def planes(i420: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], ...]:
    """Views of the Y, U and V plane of `i420`, (H * 3 / 2)×W uint8 with W even, H a multiple of 4.

    Y is H×W, the others are H/2×W/2.
    """
    rows, width = i420.shape
    height = rows * 2 // 3
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    return i420[:height], chroma[0], chroma[1]


def _scaled_into(
    target: npt.NDArray[np.uint8], picture: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """`picture` in the size of `target`, and in its memory."""
    size = target.shape[1], target.shape[0]
    # Averaging areas costs seven times more than interpolating, unless the factor is whole, and
    # down to half the size no fewer bar codes are read of interpolated pictures.
    far = picture.shape[0] >= 2 * size[1]
    how = cv2.INTER_AREA if far else cv2.INTER_LINEAR
    cv2.resize(picture, size, dst=target, interpolation=how)
    return target


def coded_size(size: tuple[int, int], video_height: int | None) -> tuple[int, int]:
    """Width and height of the video of frames of `size`: scaled down, aspect kept, and cut."""
    width, height = size
    if video_height is not None and height > video_height:
        width, height = round(width * video_height / height), video_height
    return width & ~1, height & ~3


def _colours(frame: Frame) -> tuple[bool, bool]:
    """Whether in full range, whether with the matrix of BT.709."""
    picture = frame.picture
    return (picture.full_range, picture.bt709) if isinstance(picture, Yuv) else (False, False)


def ticks(nanoseconds: int) -> int:
    """`nanoseconds` in units of TIME_BASE."""
    return nanoseconds * 9 // 100_000
