"""Pictures into H.264, one packet for each, in the order in which they come.

Stands between the frames of one camera and the ring: converts a frame to I420, burns the overlay
into it and encodes it. Knows no clip, no file and no thread.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from av.video.stream import VideoStream

from capture.frame import Frame
from capture.overlay import Overlay

CODEC = "h264"
# 11 us, and a usual time scale of MP4 files.
TIME_BASE = Fraction(1, 90_000)
# A clip begins at a key frame, so this bounds how much it holds before its pre-roll.
KEY_EVERY_NS = 1_000_000_000

# Measured over plain ultrafast on a bench picture: a sixth smaller at the same PSNR for a tenth
# more CPU. Adaptive quantisation stays off (ultrafast): it costs 4 dB on the label.
X264_OPTIONS = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "26",
    "forced-idr": "1",
    "x264-params": "cabac=1:8x8dct=1:analyse=i4x4,i8x8",
}
# Above this one thread cannot be trusted to keep up with 30 pictures a second.
_ONE_THREAD_PX = 1920 * 1088
_GLOBAL_HEADER = 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER: parameter sets in the file's header

# AVCOL_* numbers of libavutil. cv2 converts with the BT.601 matrix into limited range, so that is
# what the stream says; the camera's own primaries and transfer are those of BT.709 (sRGB).
_RANGE_LIMITED = 1
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


class Encoder:
    """An H.264 stream (High profile, yuv420p, BT.601 limited range) of one picture size.

    The coded picture is the frame without its last column and its last one to three rows where the
    width is no multiple of 2 or the height none of 4: yuv420p and PyAV's packed planes need that.
    A key frame comes at least every second of the capture clock, whatever the real frame rate.
    `fps` is nominal and steers only the rate control.
    """

    def __init__(self, size: tuple[int, int], fps: float, overlay: Overlay) -> None:
        self.source_size = size
        self.width, self.height = size[0] & ~1, size[1] & ~3
        if self.width < 2 or self.height < 4:
            raise ValueError(f"a picture of {size[0]}x{size[1]} is too small to record")
        self._overlay = overlay
        self._origin_ns: int | None = None
        self._last_pts = -1
        self._last_key_ns = 0
        # Planes that x264 reads directly: no copy of 3 MB (1080p) for each frame.
        self._i420 = np.empty((self.height * 3 // 2, self.width), np.uint8)
        self._picture = av.VideoFrame.from_numpy_buffer(self._i420, format="yuv420p")
        self._picture.time_base = TIME_BASE
        self._picture.color_range = _RANGE_LIMITED
        self._picture.colorspace = _MATRIX_BT601
        self._open(fps)

    def _open(self, fps: float) -> None:
        # A stream without a file: it carries everything a clip's own stream is made from.
        container = av.open("encoder", "w", format="null")
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        stream.time_base = TIME_BASE
        context = stream.codec_context
        context.time_base = TIME_BASE
        context.options = dict(X264_OPTIONS)
        context.flags |= _GLOBAL_HEADER
        context.gop_size = 600  # key frames are asked for by time
        context.color_range = _RANGE_LIMITED
        context.colorspace = _MATRIX_BT601
        context.color_primaries = _BT709
        context.color_trc = _BT709
        small = self.width * self.height <= _ONE_THREAD_PX
        context.thread_count = 1 if small else min(4, os.cpu_count() or 1)
        container.start_encoding()
        self._stream = stream

    def encode(self, frame: Frame, seq: int) -> Encoded:
        """The packet of `frame`, which must have the size that this encoder was made for.

        The frame is not changed. Raises av.FFmpegError, RuntimeError.
        """
        cv2.cvtColor(frame.bgr[: self.height, : self.width], cv2.COLOR_BGR2YUV_I420, dst=self._i420)
        self._overlay.draw_i420(self._i420, frame.utc)

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


def ticks(nanoseconds: int) -> int:
    """`nanoseconds` in units of TIME_BASE."""
    return nanoseconds * 9 // 100_000
