"""Whether a camera gives what it was asked for: a size, a number of frames a second.

A driver is free to give something else, and a camera halves its rate in the dark. That is no loss,
but whoever relies on the video must know it. Knows no thread and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass

# Of the frames a second that were asked for: slow below the first, right again above the second.
_SLOW, _FAST_ENOUGH = 0.75, 0.9
_SLOW_FOR_S = 3.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a camera was asked for; None: whatever it gives."""

    width: int | None
    height: int | None
    fps: float | None


class AsAsked:
    """Compares what comes with what was asked for."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._slow = False
        self._since_s: float | None = None

    def judge(self, size: tuple[int, int], fps: float, now_s: float) -> str:
        """What is not as asked, in one line, or ''.

        `size` in pixels and `fps`, measured over some seconds, are what the camera delivers at
        `now_s` of the monotonic clock. A rate counts once it has been wrong for 3 s.
        """
        asked = self._asked
        wanted = (asked.width or size[0], asked.height or size[1])
        too_slow = self._too_slow(fps, now_s)
        if wanted == size and not too_slow:
            return ""
        gives, wish = f"{size[0]}x{size[1]}", f"{wanted[0]}x{wanted[1]}"
        if too_slow:
            gives, wish = f"{gives} at {fps:.0f} fps", f"{wish} at {asked.fps:g} fps"
        return f"delivers {gives}; {wish} was asked for"

    def _too_slow(self, fps: float, now_s: float) -> bool:
        if self._asked.fps is None:
            return False
        wrong = fps < self._asked.fps * (_FAST_ENOUGH if self._slow else _SLOW)
        if wrong is self._slow:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s >= _SLOW_FOR_S:
            self._slow, self._since_s = wrong, None
        return self._slow
