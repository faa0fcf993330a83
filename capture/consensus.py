"""Which readings are to be believed: votes of frames and engines, over time.

Stands between the decoder and whoever acts on a code. Pure: time is passed in. Knows no picture
and no waybill. A misread tracking number files evidence under the wrong parcel, so bars need two
votes and no rival; codes that correct their own errors need one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from capture.engines import LINEAR, ZXING
from capture.events import BAND, Reading

NANOSECONDS: Final = 1_000_000_000
_ALIKE_CHARS: Final = 2
"""Misreads have the same length and one character off (5,000 synthetic labels), rarely two."""
_MARGIN: Final = 0.1
"""Of a code's longer side: how far the hand moves it between two votes. Codes that really lie
closer together are told apart by a frame that shows both."""

Box = tuple[int, int, int, int]
Polygon = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Vote:
    """One engine read the text in one look at one frame."""

    frame: int
    reading: Reading
    mono_ns: int


class Consensus:
    """Accepts a code once while it is in view.

    Bars are accepted after `votes` within `window_s`. A vote is a look at a frame in which an
    engine read the text: two frames are two votes, two engines on one frame as well, and two parts
    of one code; the same part of a frame twice is one. ZBar alone never suffices. A rival, that is
    another text read in the same place or nearly the same text elsewhere, with half as many votes
    prevents it; votes of one deblurred band alone do not suffice. A code that was accepted counts
    again after it was out of view for `away_s`.
    """

    def __init__(self, *, votes: int = 2, window_s: float = 0.5, away_s: float = 1.5) -> None:
        self._needed = votes
        self._window_ns = round(window_s * NANOSECONDS)
        self._away_ns = round(away_s * NANOSECONDS)
        self._frame = 0
        self._votes: dict[str, list[_Vote]] = {}
        self._last_seen_ns: dict[str, int] = {}

    def see(self, readings: Iterable[Reading], mono_ns: int) -> list[Reading]:
        """The readings that are accepted now, of the frame that was taken at `mono_ns`.

        All readings of one frame belong into one call; a frame without any is worth telling too.
        """
        self._frame += 1
        self._forget(mono_ns)
        seen: dict[str, None] = {}
        cast: set[tuple[str, str, str]] = set()
        for reading in readings:
            key = vote_key(reading)
            seen[key] = None
            if (key, reading.engine, reading.look) not in cast:
                cast.add((key, reading.engine, reading.look))
                vote = _Vote(self._frame, reading, mono_ns)
                self._votes.setdefault(key, []).append(vote)
        accepted = []
        for key in seen:
            if key in self._last_seen_ns:
                self._last_seen_ns[key] = mono_ns
            elif (believed := self._believed(key)) is not None:
                self._last_seen_ns[key] = mono_ns
                accepted.append(believed)
        return accepted

    def waiting(self, readings: Iterable[Reading]) -> list[Reading]:
        """Those of `readings` that are bars and wait for more votes."""
        return [
            reading
            for reading in readings
            if reading.symbology in LINEAR and vote_key(reading) not in self._last_seen_ns
        ]

    def _forget(self, mono_ns: int) -> None:
        """Drop votes that are too old, and codes that have been away."""
        for key, votes in list(self._votes.items()):
            kept = [vote for vote in votes if mono_ns - vote.mono_ns <= self._window_ns]
            if kept:
                self._votes[key] = kept
            else:
                del self._votes[key]
        for key, last_ns in list(self._last_seen_ns.items()):
            if mono_ns - last_ns >= self._away_ns:
                del self._last_seen_ns[key]

    def _believed(self, key: str) -> Reading | None:
        """The newest reading of the main engine if the votes for `key` suffice."""
        votes = self._votes[key]
        of_main = [vote.reading for vote in votes if vote.reading.engine == ZXING]
        if not of_main:
            return None
        if of_main[-1].symbology not in LINEAR:
            return of_main[-1]
        if len(votes) < self._needed or _one_band(votes):
            return None
        for other, against in self._votes.items():
            if other != key and 2 * len(against) >= len(votes) and _rivals(votes, against):
                return None
        return of_main[-1]


def _one_band(votes: Sequence[_Vote]) -> bool:
    """True where one band of the bars, deblurred, is all that speaks for a text. What is misread
    in it is misread in the next frame as well: it has the same blur (one label of 5,000)."""
    looks = {vote.reading.look for vote in votes}
    return len(looks) == 1 and looks.pop().startswith(BAND)


def vote_key(reading: Reading) -> str:
    """What two readings must share to be votes for the same code. ZBar swallows some GS1
    separators that zxing-cpp returns."""
    return reading.text.replace("\x1d", "")


def bounds(reading: Reading) -> Box:
    """Left, top, right and bottom of a reading's polygon."""
    across = [point[0] for point in reading.polygon]
    down = [point[1] for point in reading.polygon]
    return min(across), min(down), max(across), max(down)


def same_place(one: Reading, other: Reading) -> bool:
    """True where two texts of one frame may be readings of one code: where they overlap, or are
    nearly the same text and close, as the upper and the lower half of one code are."""
    margin = _MARGIN if _alike(vote_key(one), vote_key(other)) else 0.0
    return _near(one.polygon, other.polygon, margin)


def _near(one: Polygon, other: Polygon, margin: float) -> bool:
    """True where two codes are no farther apart than `margin` of the longest of their sides.

    They are apart if they are along a normal of one of their sides: the boxes around two codes of
    a label that is held aslant overlap, the codes do not.
    """
    sides = [*_sides(one), *_sides(other)]
    allowed = margin * max(math.hypot(*side) for side in sides)
    for x, y in sides:
        mine, theirs = ([px * y - py * x for px, py in polygon] for polygon in (one, other))
        gap = max(min(mine) - max(theirs), min(theirs) - max(mine))
        if gap > allowed * math.hypot(x, y):
            return False
    return True


def _sides(polygon: Polygon) -> list[tuple[int, int]]:
    return [
        (end[0] - begin[0], end[1] - begin[1])
        for begin, end in zip(polygon, polygon[1:] + polygon[:1], strict=True)
    ]


def _alike(one: str, other: str) -> bool:
    differences = sum(mine != yours for mine, yours in zip(one, other, strict=False))
    return len(one) == len(other) and differences <= _ALIKE_CHARS


def _rivals(votes: Sequence[_Vote], against: Sequence[_Vote]) -> bool:
    """True where the votes for two texts may be for one code, so that one of them is wrong."""
    pairs = [(one, two) for one in votes for two in against]
    together = [
        same_place(one.reading, two.reading) for one, two in pairs if one.frame == two.frame
    ]
    if together and not all(together):
        return False  # one frame shows both, each in its place
    return _alike(vote_key(votes[0].reading), vote_key(against[0].reading)) or any(
        _near(one.reading.polygon, two.reading.polygon, _MARGIN) for one, two in pairs
    )
