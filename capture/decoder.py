"""Coded pictures into planes: JPEGs of cameras, frames of streams, a piece of a copied stream.

Used by the sources on what they read, and by whoever looks into a copied stream that waits in the
ring. Knows no camera, no file and no thread. Nothing here raises on damaged or hostile bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from capture.frame import Frame, Yuv

if TYPE_CHECKING:
    from capture.encoder import Encoded

# FFmpeg prints its findings, addresses and passwords included, to stderr.
av.logging.set_level(None)

LOWRES_MOST = 2  # a quarter of each side

# AVCOL_* numbers of libavutil.
_RANGE_FULL = 2
_MATRIX_BT709, _MATRIX_UNSAID, _MATRICES_BT2020 = 1, 2, (9, 10)
_PLANAR = frozenset(
    ["gray", *(f"yuv{j}{kind}p" for j in ("", "j") for kind in ("420", "422", "440", "444", "411"))]
)
_HD_ROWS = 720  # from here on an untagged stream is taken to be BT.709, as players do

_SOI, _EOI, _SOS, _DHT = b"\xff\xd8", b"\xff\xd9", 0xDA, 0xC4
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NANOSECOND = Fraction(1, 1_000_000_000)


def yuv_of(frame: av.VideoFrame) -> Yuv:
    """A copy of the frame's planes in YUV 4:2:0, with its range and matrix.

    Without its last column and its last one to three rows where the width is no multiple of 2 or
    the height none of 4. Other pixel formats are converted; RGB becomes BT.601 in limited range.
    """
    name = frame.format.name
    full = frame.color_range == _RANGE_FULL or name.startswith("yuvj")
    matrix = frame.colorspace
    bt709 = matrix == _MATRIX_BT709 or matrix in _MATRICES_BT2020
    if matrix == _MATRIX_UNSAID:
        bt709 = frame.height >= _HD_ROWS and not name.startswith("yuvj")
    if frame.format.is_rgb:
        frame = frame.reformat(
            format="yuv420p",
            dst_colorspace="ITU601",
            src_color_range="JPEG",
            dst_color_range="MPEG",
        )
        full, bt709 = False, False
    elif name not in _PLANAR:
        # The same on both sides: whichever range it is, it stays.
        frame = frame.reformat(format="yuv420p", src_color_range="MPEG", dst_color_range="MPEG")
    width, height = frame.width & ~1, frame.height & ~3
    i420 = np.empty((height * 3 // 2, width), np.uint8)
    i420[:height] = _plane(frame, 0)[:height, :width]
    if name == "gray":
        i420[height:] = 128
    else:
        chroma = i420[height:].reshape(2, height // 2, width // 2)
        for at in (0, 1):
            theirs = _plane(frame, at + 1)
            rows, columns = theirs.shape
            theirs = theirs[: rows * height // frame.height, : columns * width // frame.width]
            if theirs.shape == chroma[at].shape:
                chroma[at] = theirs
            else:
                # The usual case is 4:2:2 of a camera's JPEG; FFmpeg would copy the luma once more.
                size = width // 2, height // 2
                cv2.resize(theirs, size, dst=chroma[at], interpolation=cv2.INTER_AREA)
    i420.flags.writeable = False
    return Yuv(i420, full, bt709)


def _plane(frame: av.VideoFrame, at: int) -> npt.NDArray[np.uint8]:
    """A view; the rows of a decoder's planes are padded."""
    plane = frame.planes[at]
    rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


class JpegDecoder:
    """Decodes a camera's JPEGs, at a half (`lowres` 1) or a quarter (2) of each side if wanted."""

    def __init__(self, lowres: int = 0) -> None:
        self.lowres = lowres
        self._context = self._made()

    def decode(self, jpeg: bytes) -> Yuv | None:
        """The picture; None if `jpeg` is cut off, damaged or something else. Never raises."""
        # The end marker must follow the picture's own data: a preview inside has one as well.
        scan = max((at for at, marker in _segments(jpeg) if marker == _SOS), default=0)
        if not jpeg.startswith(_SOI) or jpeg.rfind(_EOI) <= scan:
            return None
        try:
            frames = self._context.decode(av.Packet(jpeg))
            if frames and frames[0].width >= 2 and frames[0].height >= 4:
                return yuv_of(frames[0])
        except (av.FFmpegError, ValueError, MemoryError):
            pass
        self._context = self._made()  # this one may keep damaged tables
        return None

    def _made(self) -> VideoCodecContext:
        context = av.CodecContext.create("mjpeg", "r")
        context.thread_count = 1
        context.options = {
            "lowres": str(self.lowres),
            "err_detect": "explode",
        }
        return context


def lowres_for(height: int, video_height: int | None) -> int:
    """How often a picture's sides can be halved before it is lower than `video_height`."""
    lowres = 0
    while video_height and lowres < LOWRES_MOST and height >> (lowres + 1) >= video_height:
        lowres += 1
    return lowres


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height as the header says them; None without one."""
    for at, marker in _segments(jpeg):
        if marker in _SOF and at + 9 <= len(jpeg):
            return int.from_bytes(jpeg[at + 7 : at + 9]), int.from_bytes(jpeg[at + 5 : at + 7])
    return None


def complete(jpeg: bytes) -> bytes:
    """`jpeg` as every program reads it.

    USB cameras leave out the Huffman tables that all agree on, and their drivers pad the end.
    """
    if (end := jpeg.rfind(_EOI)) > 0:
        jpeg = jpeg[: end + 2]
    markers = [marker for _, marker in _segments(jpeg)]
    if _SOS not in markers or _DHT in markers:
        return jpeg
    return jpeg[:2] + _usual_tables() + jpeg[2:]


@cache
def _usual_tables() -> bytes:
    """The tables of ITU-T T.81, annex K.3, as segments: what a plain encoder writes."""
    _, encoded = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))
    jpeg = encoded.tobytes()
    return b"".join(
        jpeg[at : at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])]
        for at, marker in _segments(jpeg)
        if marker == _DHT
    )


def _segments(jpeg: bytes) -> list[tuple[int, int]]:
    """Where each segment of the header begins and its marker; the first scan is the last."""
    found: list[tuple[int, int]] = []
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
            continue
        found.append((at, marker))
        if marker == _SOS:
            break
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return found


def decode_frames(coded: Sequence[Encoded], since_ns: int = 0) -> list[Frame]:
    """The pictures of a piece of a stream that begins with a key frame, in the order shown.

    A frame's times are those at which it is shown, its index is its `seq`. What is damaged is left
    out, and what is shown before `since_ns`: two seconds of 4K are 600 MB of planes.
    """
    if not coded:
        return []
    template = coded[0].stream.codec_context
    context = cast(VideoCodecContext, av.CodecContext.create(template.codec.canonical_name, "r"))
    context.extradata = template.extradata
    context.thread_count = 1
    by_pts = {one.mono_ns + one.delay_ns: one for one in coded}
    decoded: list[av.VideoFrame] = []
    for one in (*coded, None):
        packet = None
        if one is not None:
            packet = av.Packet(one.data)
            packet.time_base = _NANOSECOND
            packet.dts, packet.pts = one.mono_ns, one.mono_ns + one.delay_ns
        try:
            pictures = context.decode(packet)
        except av.FFmpegError:
            continue
        decoded += [it for it in pictures if it.pts is not None and it.pts >= since_ns]
    frames = []
    for picture in decoded:
        shown = by_pts.get(picture.pts) if picture.pts is not None else None
        if shown is None or picture.is_corrupt:
            continue
        utc = shown.utc + dt.timedelta(microseconds=shown.delay_ns // 1000)
        at_ns = shown.mono_ns + shown.delay_ns
        frames.append(Frame(shown.seq, at_ns, utc, yuv_of(picture)))
    return frames
