"""The line that is burnt into every recorded picture: when, which tracking number, where.

    2026-11-22 21:04:07.1 +08:00   Δ1795362834.512   1Z999AA10123456784   Bench 1 · overhead

Stands between a frame and the encoder: it writes light text on a black plate into the bottom left
corner of the planes that are about to be encoded. Knows no clip, no camera thread and no rule of a
session; what it is told to write may be hostile and is made harmless here.

The number after Δ is the wall clock less the capture clock in seconds. It stands still unless
somebody sets the clock (or lets it run at another speed), so a clock that was turned back shows.
Where the line is too short for everything, Δ goes first, then the end of the place.

The plate is opaque on purpose: black under the text is legible on any picture, and what stands
still costs the encoder nothing. It is drawn anew once a second; in between only the digit of the
tenths is replaced. (Milliseconds made files 6% larger; a frame's exact time is in the container.)
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import unicodedata
from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

# OpenCV's built-in fonts; this one holds Latin, Cyrillic, Greek, Chinese, Japanese and Korean.
_FONT = "uni"
_WEIGHT = 600
# Left-aligned and never wrapped: the text runs off the right edge, right-to-left scripts too.
_FLAGS = cv2.PUT_TEXT_ALIGN_LEFT
_WRAP = (0, 1 << 20)
# 34 px of 1080: legible after x264 at crf 26, and the longest waybill number (34 signs) fits
# beside the time into 640 px.
_HEIGHTS_PER_FONT_SIZE = 32
_SMALLEST_FONT_PX = 14
_LONGEST_TEXT = 60
# Black and white of limited range; in full range they are a dark and a light grey, as legible.
_BLACK, _WHITE = 16, 235
_GREY_CHROMA = 128
# The clocks of a frame are read one after the other, the wall clock last: among so many frames the
# smallest difference is the true one, and one that is nearer than this to what stands there is it.
_OFFSETS_COMPARED = 8
_OFFSET_HELD_US = 2_000
# Players of subtitles take these for such.
_MARKUP = re.compile(r"[<>{}\\]")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def harmless(text: str, longest: int = _LONGEST_TEXT) -> str:
    """`text` as one printable line of at most `longest` characters.

    Control, format (bidi overrides), private and unassigned characters and line breaks become `?`,
    runs of spaces one space; what is cut ends in `…`.
    """
    line = "".join(
        "?" if unicodedata.category(sign)[0] == "C" else sign
        for sign in unicodedata.normalize("NFC", text[: 4 * longest])
        if unicodedata.category(sign) not in {"Zl", "Zp"}
    )
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


class _Offset:
    """The wall clock less the capture clock, as it is to be shown, along frames in order."""

    def __init__(self) -> None:
        self._newest_us: deque[int] = deque(maxlen=_OFFSETS_COMPARED)
        self._shown_us: int | None = None

    def of(self, utc: dt.datetime, mono_ns: int) -> int:
        """In microseconds."""
        wall_us = (utc - _EPOCH) // dt.timedelta(microseconds=1)
        self._newest_us.append(wall_us - mono_ns // 1000)
        least_us = min(self._newest_us)
        if self._shown_us is None or abs(least_us - self._shown_us) >= _OFFSET_HELD_US:
            self._shown_us = least_us
        return self._shown_us


class Line:
    """The line as text, along the frames of one clip: the pre-roll of another may be older."""

    def __init__(self, end: list[str]) -> None:
        self._end = end
        self._offset = _Offset()

    def see(self, utc: dt.datetime, mono_ns: int) -> None:
        """Takes the clocks of the next frame."""
        self._offset.of(utc, mono_ns)

    def text(self, utc: dt.datetime, mono_ns: int) -> str:
        """What is to be said from this frame on, with whole seconds."""
        offset_us = self._offset.of(utc, mono_ns)
        local = utc.astimezone()
        zone = local.strftime("%z")
        time = f"{local:%Y-%m-%d %H:%M:%S} {zone[:3]}:{zone[3:5]}"
        return "   ".join(part for part in (time, f"Δ{offset_us / 1e6:.3f}", *self._end) if part)


class Overlay:
    """Draws the line of one camera. Safe from any thread.

    Frames of the pre-roll carry what was true when they were captured: the time and the bench,
    and no number yet (or, between two parcels back to back, the number of the one before).
    """

    def __init__(self, bench: str, camera: str) -> None:
        self._place = harmless(" · ".join(part for part in (bench, camera) if part))
        self._text = ""
        self._lock = threading.Lock()
        self._font = cv2.FontFace(_FONT)
        self._shown: tuple[object, ...] = ()
        self._plate: Picture = np.zeros((0, 0), np.uint8)
        self._digits: Picture = np.zeros((10, 0, 0), np.uint8)
        self._digit_x = 0
        self._offset = _Offset()

    @property
    def text(self) -> str:
        """The tracking number as it is drawn, or '' when there is none."""
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        self._text = harmless(text)

    def draw_i420(self, i420: Picture, utc: dt.datetime, mono_ns: int) -> None:
        """Writes the line for a frame of `utc` and `mono_ns` (capture clock) into `i420` in place.

        `i420` is (H * 3 / 2)×W uint8 as cv2 makes it: the Y plane, then U, then V, packed.
        H and W are even.
        """
        width = i420.shape[1]
        height = i420.shape[0] * 2 // 3
        with self._lock:
            offset_us = self._offset.of(utc, mono_ns)
            plate = self._plate_for(width, height, utc, offset_us)
            rows, columns = plate.shape
            i420[height - rows : height, :columns] = plate
        quarter = width * height // 4
        chroma = i420.reshape(-1)[width * height :]
        for plane in (chroma[:quarter], chroma[quarter:]):
            half = plane.reshape(height // 2, width // 2)
            half[-(rows // 2) :, : columns // 2] = _GREY_CHROMA

    def line(self, text: str) -> Line:
        """The line of one clip as text, for pictures that nothing can be drawn into."""
        return Line([_MARKUP.sub("?", part) for part in (harmless(text), self._place)])

    def _plate_for(self, width: int, height: int, utc: dt.datetime, offset_us: int) -> Picture:
        """The plate (grey, luma 16-235, even sides), good until the next call. Lock held."""
        text = self._text
        wanted = (width, height, utc.replace(microsecond=0), offset_us, text)
        if wanted != self._shown:
            self._render(width, height, utc.astimezone(), offset_us, text)
            self._shown = wanted
        room = self._plate[:, self._digit_x : self._digit_x + self._digits.shape[2]]
        room[:] = self._digits[utc.microsecond // 100_000, :, : room.shape[1]]
        return self._plate

    def _render(
        self, width: int, height: int, local: dt.datetime, offset_us: int, text: str
    ) -> None:
        # The narrower side counts, so that a camera mounted upright gets a line that fits.
        size = max(_SMALLEST_FONT_PX, min(height, width * 3 // 4) // _HEIGHTS_PER_FONT_SIZE)
        rows = min(height, (size * 3 // 2 + 1) & ~1)
        baseline = rows - size * 2 // 5
        margin = size // 3
        right = width - margin

        plate = np.full((rows, width), _BLACK, np.uint8)
        x = self._put(plate, f"{local:%Y-%m-%d %H:%M:%S}.", margin, baseline, size)
        digit_x = x
        # The digits of the font are all equally wide.
        digit_width = self._put(np.zeros((rows, 4 * size), np.uint8), "0", 0, baseline, size)
        digits = np.full((10, rows, digit_width), _BLACK, np.uint8)
        for digit in range(10):
            self._put(digits[digit], str(digit), 0, baseline, size)
        x += digit_width
        zone = local.strftime("%z")
        x = self._put(plate, f" {zone[:3]}:{zone[3:5]}", x, baseline, size)
        parts = ["   " + part for part in (text, self._place) if part]
        offset = f"   Δ{offset_us / 1e6:.3f}"
        if x + self._width(offset + "".join(parts), size) <= right:
            x = self._put(plate, offset, x, baseline, size)
        for part in parts:
            x = self._put_fitting(plate, part, x, baseline, size, right)

        self._digits, self._digit_x = digits, digit_x
        self._plate = plate[:, : min(width, (x + margin + 1) & ~1)]

    def _put_fitting(
        self, plate: Picture, text: str, x: int, baseline: int, size: int, right: int
    ) -> int:
        """Puts as much of `text` as fits left of `right`, ending in `…` when it was cut."""
        cut = text
        while cut.strip() and x + self._width(cut, size) > right:
            cut = cut.removesuffix("…")[:-1].rstrip()
            if cut:
                cut += "…"
        return self._put(plate, cut, x, baseline, size) if cut.strip() else x

    def _put(self, plate: Picture, text: str, x: int, baseline: int, size: int) -> int:
        """Draws `text` and returns where the next one begins."""
        end, _ = cv2.putText(
            plate, text, (x, baseline), (_WHITE,), self._font, size, _WEIGHT, _FLAGS, _WRAP
        )
        return int(end[0])

    def _width(self, text: str, size: int) -> int:
        box = cv2.getTextSize((0, 0), text, (0, 0), self._font, size, _WEIGHT, _FLAGS, _WRAP)
        return int(box[0] + box[2])
