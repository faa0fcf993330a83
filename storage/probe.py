"""What a media file without a row turns out to hold. Only the repair of sessions asks.

The one room of the archive that opens pictures, with FFmpeg (PyAV), because after a power cut
nobody is left who could tell what a file is. Knows no session. A file's content is not trusted: the
container is fixed beforehand, and FFmpeg gets an open file, never a name it could interpret.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path

END_OF_JPEG = b"\xff\xd9"

CLOCKS = re.compile(r"first frame (?P<utc>\S{20,35}), clock offset (?P<offset>-?[0-9]{1,18}) ms")
"""What the recorder writes into a clip's `comment` with its first frame; see FORMAT.md."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What FFmpeg finds in a clip. Sizes in pixels. `copied`: time and number stand in a subtitle
    track, which only clips of a camera's own coding have. `started_at` is None where the file does
    not tell the recorder's clocks."""

    codec: str
    width: int
    height: int
    frames: int
    duration_ms: int
    copied: bool
    started_at: dt.datetime | None = None
    clock_offset_ms: int = 0


def clip_facts(path: Path) -> ClipFacts | None:
    """The facts of a readable MP4 with at least one picture, else None. Raises OSError."""
    import av

    try:
        with path.open("rb") as file, av.open(file, "r", format="mp4") as container:
            stream = container.streams.video[0]
            next(container.decode(stream))
            container.seek(0)
            packets = [
                (packet.pts, packet.duration or 0)
                for packet in container.demux(stream)
                if packet.pts is not None and packet.size and not packet.is_corrupt
            ]
            if not packets or stream.time_base is None:
                return None
            started_at, offset_ms = _clocks(container.metadata.get("comment", ""))
            first = min(pts for pts, _ in packets)
            last = max(pts + duration for pts, duration in packets)
            return ClipFacts(
                stream.codec_context.name,
                stream.codec_context.width,
                stream.codec_context.height,
                len(packets),
                round((last - first) * stream.time_base * 1000),
                bool(container.streams.subtitles),
                started_at,
                offset_ms,
            )
    except (av.FFmpegError, IndexError, StopIteration, ValueError):
        return None


def _clocks(comment: str) -> tuple[dt.datetime | None, int]:
    """When the first frame came, and the wall clock less the monotonic one, in ms."""
    said = CLOCKS.fullmatch(comment)
    try:
        started_at = dt.datetime.fromisoformat(said["utc"]) if said else None
    except ValueError:
        started_at = None
    if said is None or started_at is None or started_at.tzinfo is None:
        return None, 0
    return started_at.astimezone(dt.UTC), int(said["offset"])


def photo_size(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels of a whole JPEG, else None. Raises OSError.

    FFmpeg paints over what is missing, so a file that was cut off is told by its end.
    """
    import av

    try:
        with path.open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(0, size_bytes - len(END_OF_JPEG)))
            if file.read() != END_OF_JPEG:
                return None
            file.seek(0)
            with av.open(file, "r", format="jpeg_pipe") as container:
                frame = next(container.decode(video=0))
                return frame.width, frame.height
    except (av.FFmpegError, IndexError, StopIteration, ValueError):
        return None
