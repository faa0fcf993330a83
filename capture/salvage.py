"""What the file of a recorder that died, or of a disk that failed, still holds.

A clip grows as a fragmented MP4, so that it plays up to its last whole fragment whatever happened.
Here that end is found, what is torn behind it is cut off, and what is left is counted. Knows no
recorder and no thread.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path

import av

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
    if whole < path.stat().st_size:
        os.truncate(path, whole)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    held = held_by(path)
    if not held.frames:
        return None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        clocks = _CLOCKS.fullmatch(container.metadata.get("comment", ""))
        copied = bool(container.streams.subtitles)
        codec = stream.codec_context.codec.canonical_name
        width, height = stream.codec_context.width, stream.codec_context.height
    if clocks is None:  # none of ours
        return None
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

    The first fragment lies before its index (`moov`), every other behind one (`moof`).
    """
    size = path.stat().st_size
    whole = at = 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            length, kind = int.from_bytes(file.read(4)), file.read(4)
            if length == 1:  # a 64-bit length follows
                length = int.from_bytes(file.read(8))
            if length < 8 or at + length > size:
                break
            at += length
            if kind == b"moov" or (kind == b"mdat" and whole):
                whole = at
    return whole


def held_by(path: Path) -> Held:
    """The pictures in the MP4 at `path`, of any order. Raises OSError, av.FFmpegError."""
    frames = last = end = 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                frames += 1
                shown = packet.pts or 0
                last = max(last, shown)
                end = max(end, shown + (packet.duration or 0))
    nanosecond = TIME_BASE * 1_000_000_000
    return Held(frames, round(last * nanosecond), round(end * nanosecond))
