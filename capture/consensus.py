"""Which readings are to be believed: votes of frames and engines, over time.

Stands between the decoder and whoever acts on a code. Pure: time is passed in. Knows no picture
and no waybill. A misread tracking number files evidence under the wrong parcel, so bars need two
votes and no rival; codes that correct their own errors need one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from capture.engines import LINEAR, ZXING
from capture.events import Reading

NANOSECONDS: Final = 1_000_000_000
_ALIKE_CHARS: Final = 2
"""Misreads have the same length and one character off (5,000 synthetic labels), rarely two."""
_MARGIN: Final = 0.1
"""Of a code's longer side: how far the hand moves it between two votes. Codes that really lie
closer together are told apart by a frame that shows both."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Vote:
    """One engine read the text in one frame."""

    frame: int
    reading: Reading
    mono_ns: int


class Consensus:
    """Accepts a code once while it is in view.

    Bars are accepted after `votes` within `window_s`. A vote is a look at a frame in which an
    engine read the text: two frames are two votes, two engines on one frame as well, and two parts
    of one code; the same part of a frame twice is one. ZBar alone never suffices. A rival, that is
    another text read in the same place or nearly the same text elsewhere, with half as many votes
    prevents it. A code that was accepted counts again after it was out of view for `away_s`.
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
        for reading in readings:
            key = vote_key(reading)
            seen[key] = None
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
        count = _count(votes)
        if count < self._needed:
            return None
        for other, against in self._votes.items():
            if other != key and 2 * _count(against) >= count and _rivals(votes, against):
                return None
        return of_main[-1]


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
    return _near(bounds(one), bounds(other), margin)


def _near(one: Box, other: Box, margin: float) -> bool:
    """True where two boxes are no farther apart than `margin` of the longest of their sides."""
    grow = margin * max(_longer(one), _longer(other))
    return (
        one[0] - grow <= other[2]
        and other[0] - grow <= one[2]
        and one[1] - grow <= other[3]
        and other[1] - grow <= one[3]
    )


def _longer(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1])


def _alike(one: str, other: str) -> bool:
    differences = sum(mine != yours for mine, yours in zip(one, other, strict=False))
    return len(one) == len(other) and differences <= _ALIKE_CHARS


def _count(votes: Sequence[_Vote]) -> int:
    return len({(vote.frame, vote.reading.engine, vote.reading.look) for vote in votes})


def _rivals(votes: Sequence[_Vote], against: Sequence[_Vote]) -> bool:
    """True where the votes for two texts may be for one code, so that one of them is wrong."""
    pairs = [(one, two) for one in votes for two in against]
    together = [
        same_place(one.reading, two.reading) for one, two in pairs if one.frame == two.frame
    ]
    if together and not all(together):
        return False  # one frame shows both, each in its place
    return _alike(vote_key(votes[0].reading), vote_key(against[0].reading)) or any(
        _near(bounds(one.reading), bounds(two.reading), _MARGIN) for one, two in pairs
    )
