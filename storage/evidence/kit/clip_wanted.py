"""What a video is to be, what it came to, and how a clip is opened for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import av

from storage.evidence.film import FORMAT, MOST_PIXELS, FilmUnreadable
from storage.evidence.kit.clip_text import Cues
from storage.evidence.kit.redact import Box

SHORT_OF_MS: Final = 50
"""So much shorter than the limit a video is: its last picture has a duration, too."""
OVERHEAD: Final = 0.985
"""The share of the bytes that pictures may take; the rest is the container's."""
OUTPUT: Final = {"movflags": "+faststart", "fflags": "+bitexact"}

Advance = Callable[[float], None]
"""Told which share (0..1) of the stretch is done; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is made: from which milliseconds of the clip, and within which limits. `cues` are to be
    written into the picture, `boxes` covered."""

    start_ms: int
    end_ms: int
    most_ms: int | None = None
    most_bytes: int | None = None
    height_px: int | None = None
    cues: Cues | None = None
    boxes: tuple[Box, ...] = ()

    @property
    def until_ms(self) -> int:
        """Where the video ends, when its own limit is kept, too."""
        if self.most_ms is None:
            return self.end_ms
        return min(self.end_ms, self.start_ms + self.most_ms - SHORT_OF_MS)

    @property
    def room_bytes(self) -> int:
        """How many bytes the file may have."""
        return self.most_bytes or 1 << 62


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was made: how, in words, with which settings, and which milliseconds of the clip."""

    made: str
    start_ms: int
    end_ms: int
    settings: dict[str, int | str] = field(default_factory=dict)


class TooBig(Exception):
    """Not even the smallest picture fits; `nearest_bytes` is what it came to."""

    def __init__(self, nearest_bytes: int) -> None:
        self.nearest_bytes = nearest_bytes
        super().__init__(f"{nearest_bytes} bytes")


def opened(source: Path) -> Any:
    """The clip, to be used in a `with`. Raises FilmUnreadable, av.FFmpegError."""
    container: Any = av.open(str(source), "r", format=FORMAT)
    streams = container.streams.video
    if not streams or not 0 < streams[0].width * streams[0].height <= MOST_PIXELS:
        container.close()
        raise FilmUnreadable(f"{source.name} holds no pictures that can be shown")
    return container
