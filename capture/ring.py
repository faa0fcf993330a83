"""The newest encoded frames of one camera, kept so that a clip can begin before its trigger.

Stands between the encoder and the clips. Knows no file and no thread: it belongs to the encoder's.
A few MB hold ten seconds, where the pictures themselves would take hundreds.
"""

from __future__ import annotations

from collections import deque

from capture.encoder import KEY_EVERY_NS, Encoded

# A clip does not begin on the far side of a camera loss: with a hole as long as this before its
# pre-roll, it begins behind the hole.
_LOSS_NS = 2_000_000_000
# Between a trigger and its arrival at the ring, the ring must not forget what belongs to it.
_LATE_NS = 1_000_000_000


class Ring:
    """Encoded frames in order, back to a key frame `pre_roll_ns` before the newest or earlier."""

    def __init__(self, pre_roll_ns: int) -> None:
        self._keep_ns = pre_roll_ns + KEY_EVERY_NS + _LATE_NS
        self._frames: deque[Encoded] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: Encoded) -> None:
        self._frames.append(frame)
        oldest_kept_ns = frame.mono_ns - self._keep_ns
        while self._frames and not (
            self._frames[0].key and self._frames[0].mono_ns >= oldest_kept_ns
        ):
            self._frames.popleft()

    def clear(self) -> None:
        self._frames.clear()

    def cut(self, from_ns: int) -> list[Encoded]:
        """What a clip that is to show `from_ns` (capture clock) begins with, a key frame first.

        From the last key frame at or before `from_ns`, or from the oldest one when all are later.
        Empty when nothing suits: no frame yet, or none since the camera was lost.
        """
        frames = list(self._frames)
        begin, shown_ns = 0, None
        for at, frame in enumerate(frames):
            if frame.mono_ns > from_ns:
                break
            shown_ns = frame.mono_ns
            if frame.key:
                begin = at
        if shown_ns is not None and from_ns - shown_ns > _LOSS_NS:
            begin = next(
                (at for at, frame in enumerate(frames) if frame.key and frame.mono_ns > from_ns),
                len(frames),
            )
        return frames[begin:]
