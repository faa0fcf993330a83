"""What a camera read and nothing came of, one code after the other, for a line that asks nothing.

Pure: told what was read and when, it answers what the line shows at a moment. Each code stands long
enough to be read, and none for ever; what waited so long that nobody connects it with the parcel in
front of the camera is dropped. Knows no widget and no camera.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SHOWN_S: Final = 6.0
LEAST_S: Final = 1.5
"""When another code waits, this one gives way after this long: the line must not flicker."""
STALE_S: Final = 10.0
WAITING_MAX: Final = 8
NARROWEST: Final = 24
"""Columns that a code needs to be worth showing."""


class Sightings:
    """The line's texts. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, float]] = deque(maxlen=WAITING_MAX)
        self._current = ""
        self._since_s = 0.0

    def tell(self, text: str, now_s: float) -> None:
        """A code was read. One that stands there, or waits, is not told twice."""
        if text != self._current and all(text != waiting for waiting, _ in self._waiting):
            self._waiting.append((text, now_s))

    def text(self, now_s: float, room: int) -> str:
        """What the line shows now in `room` columns, or ''. Without room the codes wait."""
        while self._waiting and now_s - self._waiting[0][1] > STALE_S:
            self._waiting.popleft()
        limit_s = LEAST_S if self._waiting else SHOWN_S
        if self._current and now_s - self._since_s >= limit_s:
            self._current = ""
        if room < NARROWEST:
            return ""
        if not self._current and self._waiting:
            self._current, _ = self._waiting.popleft()
            self._since_s = now_s
        return self._current
