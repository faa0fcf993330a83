"""Single pictures out of a finished clip: what the camera saw at given moments.

`frames` gives the picture of the moment itself, `near_frames` one that is close and quick to have.
Blocks while it decodes (at 1080p some 60 ms a picture, near ones 10): call it on a thread of its
own, and stop it between two pictures. Reads only, and only MP4, whatever the file says of itself:
no other format can lead to a second file or a network. Knows no screen and no session.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

Bgr = npt.NDArray[np.uint8]
FORMAT: Final = "mp4"
MOST_PIXELS: Final = 64_000_000
"""More than an 8K camera has. A file that claims more is not unpacked."""
NEAR_MS: Final = 1_000
"""How far from its moment a near picture may be. The bench makes a key frame each second."""
_MS: Final = Fraction(1, 1000)


class FilmUnreadable(Exception):
    """A clip that gives no pictures. The message says why."""


def frames(
    path: Path, moments_ms: Iterable[int], width_px: int, stop: threading.Event
) -> Iterator[tuple[int, Bgr]]:
    """The picture that is seen at each moment (milliseconds after the first frame), with the index
    of the moment: H×W×3 uint8 BGR, at most `width_px` wide.

    Before the first frame it is the first, behind the end the last; a moment whose part of the file
    is damaged is left out. Ends early when `stop` is set. Raises FilmUnreadable.
    """
    with _opened(path) as (container, stream):
        for index, moment_ms in enumerate(moments_ms):
            if stop.is_set():
                return
            frame = _seen(container, stream, max(0, moment_ms), stop)
            if frame is not None:
                yield index, _bgr(frame, width_px)


def near_frames(
    path: Path, moments_ms: Iterable[int], width_px: int, stop: threading.Event
) -> Iterator[tuple[int, int, Bgr]]:
    """A picture near each moment, as `frames` gives them, with the milliseconds after the first
    frame at which it is seen: the nearest that stands for itself (a key frame) where one is within
    NEAR_MS, else the moment's own. Raises FilmUnreadable.
    """
    with _opened(path) as (container, stream):
        start = stream.start_time or 0
        for index, moment_ms in enumerate(moments_ms):
            if stop.is_set():
                return
            frame = _key_frame(container, stream, max(0, moment_ms))
            if frame is None:
                frame = _seen(container, stream, max(0, moment_ms), stop)
            if frame is not None and frame.pts is not None:
                at_ms = int((frame.pts - start) * stream.time_base / _MS)
                yield index, at_ms, _bgr(frame, width_px)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its stream of pictures. Raises FilmUnreadable, also for what goes wrong
    while it is used."""
    try:
        with av.open(str(path), "r", format=FORMAT) as container:
            if not container.streams.video:
                raise FilmUnreadable(f"{path.name} holds no pictures")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # the bench beside it needs the other cores
            if not 0 < stream.width * stream.height <= MOST_PIXELS:
                raise FilmUnreadable(f"{path.name} claims {stream.width}×{stream.height} pixels")
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise FilmUnreadable(f"{path.name}: {error.strerror or error}") from error


def _key_frame(container: Any, stream: Any, moment_ms: int) -> Any:
    """The key frame nearest to the moment, or None where none is within NEAR_MS."""
    target = (stream.start_time or 0) + int(moment_ms * _MS / stream.time_base)
    packets = [_key_packet(container, stream, target, backward) for backward in (True, False)]
    near = [each for each in packets if each is not None]
    near.sort(key=lambda packet: abs(packet.pts - target))
    if not near or abs(near[0].pts - target) * stream.time_base > NEAR_MS * _MS:
        return None
    try:
        # A decoder that holds pictures back is emptied; the next seek makes it take more.
        found = near[0].decode() or stream.codec_context.decode(None)
    except av.FFmpegError:
        return None
    return found[0] if found else None


def _key_packet(container: Any, stream: Any, target: int, backward: bool) -> Any:
    """The key frame before or behind a timestamp, not decoded, or None."""
    try:
        container.seek(target, stream=stream, backward=backward)
        packet = next(container.demux(stream), None)
    except av.FFmpegError:
        return None
    return packet if packet is not None and packet.is_keyframe and packet.pts is not None else None


def _seen(container: Any, stream: Any, moment_ms: int, stop: threading.Event) -> Any:
    """The last frame that begins at or before the moment, else the first behind it, or None."""
    start = stream.start_time or 0
    target = start + int(moment_ms * _MS / stream.time_base)
    found = None
    try:
        container.seek(target, stream=stream, backward=True)
        for frame in container.decode(stream):
            if stop.is_set():
                return None
            if frame.pts is not None and frame.pts > target and found is not None:
                break
            found = frame
            if frame.pts is not None and frame.pts > target:
                break
    except av.FFmpegError:
        return found
    return found


def _bgr(frame: Any, width_px: int) -> Bgr:
    width = max(2, min(width_px, frame.width))
    height = max(2, round(frame.height * width / frame.width))
    picture: Bgr = frame.reformat(width=width, height=height, format="bgr24").to_ndarray()
    return picture
