"""The line of time and tracking number for a clip that carries it beside its pictures.

A camera's own coding cannot be written into: such a clip has the line as a text track, one cue a
second. Here it is read back and turned into pixels, where the bench would have written it. Knows no
session and no encoder.
"""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from PIL import Image, ImageDraw

from storage.evidence.kit.redact import BLACK, GREY_CHROMA, WHITE, Plane, font

LONGEST: Final = 200
HEIGHTS_PER_FONT_SIZE, SMALLEST_PX = 32, 9
"""As large as the bench writes: 34 px of 1080."""
MOST_CUES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Cues:
    """What stands in the picture from which millisecond of a clip on, in order."""

    at_ms: tuple[int, ...]
    texts: tuple[str, ...]

    def at(self, moment_ms: int) -> str:
        """The text at a moment; before the first cue the first."""
        return self.texts[max(0, bisect.bisect_right(self.at_ms, moment_ms) - 1)]


def cues_of(path: Path) -> Cues | None:
    """The text track of an MP4, None where it has none that can be read."""
    found: dict[int, str] = {}
    try:
        with av.open(str(path), "r", format="mp4") as container:
            for stream in container.streams.subtitles[:1]:
                for packet in container.demux(stream):
                    content = bytes(packet)
                    size = int.from_bytes(content[:2])
                    text = harmless(content[2 : 2 + size].decode("utf-8", "replace"))
                    if text and packet.pts is not None and len(found) < MOST_CUES:
                        found[round(packet.pts * packet.time_base * 1000)] = text
    except (av.FFmpegError, OSError):
        return None
    if not found:
        return None
    return Cues(tuple(sorted(found)), tuple(found[at] for at in sorted(found)))


def cues_from(started_at: dt.datetime, duration_ms: int, number: str) -> Cues:
    """The line of a clip without a text track: the UTC time that follows from when it began, and
    the tracking number."""
    seconds = range(duration_ms // 1000 + 1)
    texts = [
        f"{started_at.astimezone(dt.UTC) + dt.timedelta(seconds=each):%Y-%m-%d %H:%M:%S} +00:00"
        f"   {harmless(number)}"
        for each in seconds
    ]
    return Cues(tuple(each * 1000 for each in seconds), tuple(texts))


def harmless(text: str) -> str:
    """`text` as one printable line: what controls or turns around text becomes `?`."""
    line = "".join(
        "?" if unicodedata.category(sign)[0] in "CZ" and sign != " " else sign
        for sign in text[:LONGEST]
    )
    return line.strip()


def write(planes: Sequence[Plane], text: str) -> None:
    """Write the line into the bottom left corner of a picture of yuv420p, in place: its Y (H×W), U
    and V (H/2×W/2) planes, uint8, limited range, both sides even."""
    luma, *chroma = planes
    height, width = luma.shape
    grey = plate(text, width, height)
    rows, columns = grey.shape
    luma[height - rows :, :columns] = grey
    for plane in chroma:
        plane[(height - rows) // 2 :, : columns // 2] = GREY_CHROMA


@functools.lru_cache(maxsize=8)
def plate(text: str, width: int, height: int) -> Plane:
    """The line for a picture of that size, light on black, even sides; not to be written to.

    What is too long loses the part that begins with Δ first, then becomes smaller, and is cut at
    last.
    """
    size = max(SMALLEST_PX, min(height, width * 3 // 4) // HEIGHTS_PER_FONT_SIZE)
    most = width - size
    if font(size).getlength(text) > most:
        text = "   ".join(part for part in text.split("   ") if not part.startswith("Δ"))
    while size > SMALLEST_PX and font(size).getlength(text) > most:
        size -= 1
    while text and font(size).getlength(text) > width - size:
        text = text.removesuffix("…")[:-1] + "…" if len(text) > 1 else ""
    margin = size // 3
    rows = min(height, (size * 3 // 2 + 1) & ~1) & ~1
    columns = min(width, (round(font(size).getlength(text)) + 2 * margin + 1) & ~1) & ~1
    image = Image.new("L", (columns, rows), BLACK)
    ImageDraw.Draw(image).text((margin, rows // 2), text, WHITE, font(size), anchor="lm")
    return np.asarray(image, np.uint8)
