"""Whether a camera's pictures show anything: seen from the pictures alone.

A driver may hand out the same picture for ever (OpenCV issue 5221), and a lens may be covered.
Stands between the reader thread and the takers; knows no thread and no source, and reads no clock:
time arrives with the frame.
"""

from __future__ import annotations

import zlib
from enum import Enum

from capture.frame import Frame, Yuv

_STEP_PX = 16  # every 16th pixel of every 16th row: 8,000 of 1080p, 0.03 ms
_BLACK_LEVEL = 12  # mean grey level; a dark room still gives more
_LIMITED_BLACK_LEVEL = 16 + 10  # the same where black is 16 and white 235


class Sight(Enum):
    GOOD = "good"
    FROZEN = "frozen"
    BLACK = "black"


class Watch:
    """Judges frame by frame; 0 seconds switch a judgement off.

    Stays in place when the source is reopened: a frozen camera that then repeats its old picture is
    still frozen.
    """

    def __init__(self, freeze_s: float, black_s: float) -> None:
        self._freeze_ns = round(freeze_s * 1e9)
        self._black_ns = round(black_s * 1e9)
        self._print = 0
        self._frozen = False
        self._changed_ns = 0
        self._lit_ns: int | None = None

    def look(self, frame: Frame, *, reopened: bool = False) -> Sight:
        """FROZEN or BLACK once that has lasted for its time; GOOD with the first good frame.

        `reopened`: the first frame of a new opening; the time without frames does not count.
        """
        half = _STEP_PX // 2
        sample = frame.grey[half::_STEP_PX, half::_STEP_PX].copy()
        fingerprint = zlib.crc32(sample.tobytes())
        if fingerprint != self._print:
            self._print, self._changed_ns, self._frozen = fingerprint, frame.mono_ns, False
        elif reopened:
            self._changed_ns = frame.mono_ns
        picture = frame.picture
        limited = isinstance(picture, Yuv) and not picture.full_range
        if self._lit_ns is None or sample.mean() >= (
            _LIMITED_BLACK_LEVEL if limited else _BLACK_LEVEL
        ):
            self._lit_ns = frame.mono_ns
        if self._freeze_ns and frame.mono_ns - self._changed_ns >= self._freeze_ns:
            self._frozen = True
        if self._frozen:
            return Sight.FROZEN
        if self._black_ns and frame.mono_ns - self._lit_ns >= self._black_ns:
            return Sight.BLACK
        return Sight.GOOD
