"""Where a clip lacks frames that its camera delivered, and why.

Kept by the clip's writer while frames go by; what lies behind the end of the file is added at the
end. Knows no file and no thread.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Protocol

from capture.encoder import Encoded
from capture.events import Hole

COMPUTER_TOO_SLOW = "the computer was too slow"
DISK_TOO_SLOW = "the disk was too slow"
_JOINED_NS = 1_000_000_000
_MOST = 50


class Clocks(Protocol):
    """Whatever bears the times of a frame: on the capture clock and on the wall."""

    @property
    def mono_ns(self) -> int: ...
    @property
    def utc(self) -> dt.datetime: ...


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From the last frame before to the first one after, on the capture clock."""

    from_ns: int
    to_ns: int
    hole: Hole


class Holes:
    """Stretches between kept frames whose numbers leave some out; neighbours within 1 s are one."""

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []
        self._last: Encoded | None = None
        self._cause = COMPUTER_TOO_SLOW

    def skipped(self, cause: str) -> None:
        """A frame is left out, for another reason than that it never came."""
        self._cause = cause

    def kept(self, frame: Encoded) -> None:
        """`frame` goes into the file, behind those kept before."""
        last, self._last = self._last, frame
        cause, self._cause = self._cause, COMPUTER_TOO_SLOW
        missing = frame.seq - last.seq - 1 if last else 0
        if last is None or not missing:
            return
        hole = Hole(last.utc, frame.utc, missing, cause)
        self._stretches = _joined(self._stretches, _Stretch(last.mono_ns, frame.mono_ns, hole))

    def until(self, last_ns: int, newest: Clocks, dropped: int, cause: str) -> tuple[Hole, ...]:
        """All holes of a file whose last frame is of `last_ns` and that lacks `dropped` frames.

        What is not missing in between is missing at its end, up to the `newest` frame that the
        camera delivered: for `cause`, or for the reason of the newest one left out.
        """
        inside = [one for one in self._stretches if one.to_ns <= last_ns]
        at_end = dropped - sum(one.hole.frames for one in inside)
        if at_end > 0:
            behind_ns = max(0, newest.mono_ns - last_ns)
            started_at = newest.utc - dt.timedelta(microseconds=behind_ns // 1000)
            hole = Hole(started_at, newest.utc, at_end, cause or self._cause)
            inside = _joined(inside, _Stretch(last_ns, max(last_ns, newest.mono_ns), hole))
        return tuple(one.hole for one in inside)


def _joined(stretches: list[_Stretch], new: _Stretch) -> list[_Stretch]:
    """`stretches` with the next one, which may become part of the last."""
    if not stretches:
        return [new]
    *before, last = stretches
    near = new.from_ns - last.to_ns < _JOINED_NS and new.hole.cause == last.hole.cause
    if not near and len(stretches) < _MOST:
        return [*stretches, new]
    hole = replace(last.hole, ended_at=new.hole.ended_at, frames=last.hole.frames + new.hole.frames)
    return [*before, _Stretch(last.from_ns, new.to_ns, hole)]
