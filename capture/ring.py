"""The newest coded frames of one camera, kept so that a clip can begin before its trigger.

Stands between the encoder (or the camera's own packets) and the clips. Knows no file and no thread:
it belongs to the recorder's. A few MB hold ten seconds, where the pictures themselves would take
hundreds.
"""

from __future__ import annotations

from collections import deque

from capture.encoder import Encoded

# A clip does not begin on the far side of a camera loss: with a hole as long as this before its
# pre-roll, it begins behind the hole.
_LOSS_NS = 2_000_000_000
# Between a trigger and its arrival at the ring, the ring must not forget what belongs to it.
_LATE_NS = 1_000_000_000
# Ten seconds of a camera that sends 75 Mbit/s; one that never sends a key frame ends here too.
MOST_BYTES = 96 << 20


class Ring:
    """Coded frames in order, from a key frame `pre_roll_ns` before the newest, or an earlier one.

    A camera may send a key frame every ten seconds: so much more is kept then. Beyond `most_bytes`
    the oldest go, and a clip begins later than was wished.
    """

    def __init__(self, pre_roll_ns: int, most_bytes: int = MOST_BYTES) -> None:
        self._keep_ns = pre_roll_ns + _LATE_NS
        self._most_bytes = most_bytes
        self._bytes = 0
        # Each group is a key frame and what can only be decoded after it.
        self._groups: deque[list[Encoded]] = deque()

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups)

    def add(self, frame: Encoded) -> None:
        """Takes the next frame; before the first key frame it is of no use and not kept."""
        if frame.key:
            self._groups.append([])
        elif not self._groups:
            return
        self._groups[-1].append(frame)
        self._bytes += len(frame.data)
        oldest_kept_ns = frame.mono_ns - self._keep_ns
        while len(self._groups) > 1 and self._groups[1][0].mono_ns <= oldest_kept_ns:
            self._forget_oldest()
        while self._bytes > self._most_bytes:
            self._forget_oldest()

    def clear(self) -> None:
        self._groups.clear()
        self._bytes = 0

    def cut(self, from_ns: int) -> list[Encoded]:
        """What a clip that is to show `from_ns` (capture clock) begins with, a key frame first.

        From the last key frame at or before `from_ns`, or from the oldest one when all are later.
        Empty when nothing suits: no frame yet, or none since the camera was lost.
        """
        frames = [frame for group in self._groups for frame in group]
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

    def _forget_oldest(self) -> None:
        self._bytes -= sum(len(frame.data) for frame in self._groups.popleft())
