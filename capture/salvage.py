"""What the file of a recorder that died, or of a disk that failed, still holds.

A clip grows as a fragmented MP4, so that it plays up to its last whole fragment whatever happened.
Here that end is found, what is torn behind it is cut off, and what is left is counted. Knows no
recorder and no thread.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer

from capture.encoder import TIME_BASE
from capture.events import ClipInfo


def clocks_text(utc: dt.datetime, mono_ns: int) -> str:
    """Both clocks at a clip's first frame, for the file's comment: MP4's own time has no
    fractions."""
    stamp = utc.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    return f"first frame {stamp}, clock offset {clock_offset_ms(utc, mono_ns)} ms"


def clock_offset_ms(utc: dt.datetime, mono_ns: int) -> int:
    """The wall clock less the capture clock, in milliseconds."""
    return round(utc.timestamp() * 1000) - mono_ns // 1_000_000


_PARTS = {b"moov", b"mdat"}
_CLOCKS = re.compile(r"first frame (?P<utc>\S+), clock offset (?P<offset>-?[0-9]+) ms")


@dataclass(frozen=True, slots=True)
class Held:
    """The pictures in a file: how many, and when the last is shown and ends, after the first."""

    frames: int
    last_ns: int
    end_ns: int


def salvage(path: Path, trigger_ns: int | None = None) -> ClipInfo | None:
    """The clip that a dead recorder left at `path`, cut behind its last whole fragment and synced.

    None when there is no such file, or no picture of ours in it; it is left as it lies then.
    `trigger_ns` (capture clock) tells how much of it is pre-roll. How many frames the camera
    delivered after the last one in the file, nobody knows: `dropped` is 0. Raises OSError,
    av.FFmpegError.
    """
    if not path.is_file():
        return None
    whole = whole_bytes(path)
    if not whole:
        return None
    with _Head(path, whole) as head, av.open(head, "r", format="mp4") as container:
        clocks = _CLOCKS.fullmatch(container.metadata.get("comment", ""))
        if clocks is None or not container.streams.video:  # none of ours
            return None
        copied = bool(container.streams.subtitles)
        context = container.streams.video[0].codec_context
        codec, width, height = context.codec.canonical_name, context.width, context.height
        held = _held_by(container)
    if not held.frames:
        return None
    with path.open("rb+") as file:
        file.truncate(whole)
        os.fsync(file.fileno())
    started_at, offset_ms = dt.datetime.fromisoformat(clocks["utc"]), int(clocks["offset"])
    first_ns = (round(started_at.timestamp() * 1000) - offset_ms) * 1_000_000
    return ClipInfo(
        path=path,
        codec=codec,
        width=width,
        height=height,
        started_at=started_at,
        duration_ms=held.end_ns // 1_000_000,
        pre_roll_ms=max(0, (trigger_ns or first_ns) - first_ns) // 1_000_000,
        frames=held.frames,
        dropped=0,
        size_bytes=path.stat().st_size,
        clock_offset_ms=offset_ms,
        copied=copied,
    )


def whole_bytes(path: Path) -> int:
    """Where the last whole fragment of the MP4 at `path` ends. Raises OSError.

    The first fragment lies behind its index (`moov`), every other behind one of its own (`moof`);
    in a finished file one index lies at the end. 0 while there is no whole fragment.
    """
    size = path.stat().st_size
    whole = at = 0
    found: set[bytes] = set()
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            length, kind = int.from_bytes(file.read(4)), file.read(4)
            if length == 1:  # a 64-bit length follows
                length = int.from_bytes(file.read(8))
            if length < 8 or at + length > size:
                break
            at += length
            found.add(kind)
            if kind in _PARTS and found >= _PARTS:
                whole = at
    return whole


def held_by(path: Path) -> Held:
    """The pictures in the MP4 at `path`, of any order. Raises OSError, av.FFmpegError."""
    with av.open(str(path)) as container:
        return _held_by(container)


def _held_by(container: InputContainer) -> Held:
    frames = last = end = 0
    for packet in container.demux(video=0):
        if packet.size:
            frames += 1
            shown = packet.pts or 0
            last = max(last, shown)
            end = max(end, shown + (packet.duration or 0))
    nanosecond = TIME_BASE * 1_000_000_000
    return Held(frames, round(last * nanosecond), round(end * nanosecond))


class _Head(io.RawIOBase):
    """The first bytes of a file as if there were no more: with half an index behind them FFmpeg
    refuses the whole file, and nothing may be cut off before it is known to be ours."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        super().__init__()
        self._raw = path.open("rb", buffering=0)
        self._size_bytes = size_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size_bytes - self._raw.tell())
        return self._raw.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset, whence = self._size_bytes + offset, os.SEEK_SET
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        self._raw.close()
        super().close()
