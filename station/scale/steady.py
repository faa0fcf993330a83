"""Which of a scale's readings are worth telling. Pure; knows no port and no parcel.

A scale repeats itself ten times a second. Told are a weight at rest that is not the one told last,
the first reading that is not at rest, and a fault once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from station.scale.weight import Reading, Weight

AGREE: Final = 2
"""So often in a row a weight at rest is said before it is believed: most protocols have no checksum
that would betray a digit lost on the wire."""
AGREE_UNSAID: Final = 3
"""So often from a scale that does not say whether it is at rest."""
ALONE_S: Final = 0.5
"""A scale that sends one message, at the press of its key, says nothing for so long afterwards."""


class Steady:
    """Tells the readings of one scale apart, from the moment on when it was opened."""

    def __init__(self) -> None:
        self._told: Weight | None = None
        self._last: Weight | None = None
        self._same = 0
        self._after_silence = False
        self._alone: Weight | None = None
        """At rest if nothing follows: the scale may send one message only."""

    def take(self, reading: Reading) -> list[Weight]:
        """What is to be told of `reading`."""
        weight = reading.weight
        self._same = self._same + 1 if weight == self._last else 1
        self._last = weight
        after_silence, self._after_silence = self._after_silence, False
        self._alone = None
        if weight.fault:
            return self._tell(weight)
        if reading.says_rest and not weight.stable:
            return self._moves(weight)
        at_rest = replace(weight, stable=True)
        if self._same >= (AGREE if reading.says_rest else AGREE_UNSAID):
            return self._tell(at_rest)
        if reading.says_rest or after_silence:
            self._alone = at_rest
        if reading.says_rest or at_rest == self._told:
            return []
        return self._moves(weight)

    def quiet(self, quiet_s: float) -> list[Weight]:
        """What is to be told when nothing has come for `quiet_s`."""
        if quiet_s < ALONE_S:
            return []
        alone, self._alone = self._alone, None
        self._last = None
        self._after_silence = True
        return [] if alone is None else self._tell(alone)

    def _moves(self, weight: Weight) -> list[Weight]:
        moving = self._told is not None and not self._told.stable and not self._told.fault
        return [] if moving else self._tell(weight)

    def _tell(self, weight: Weight) -> list[Weight]:
        if weight == self._told:
            return []
        self._told = weight
        return [weight]
