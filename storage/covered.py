"""The nouns of coverage: parcels that left, and what evidence there is of them.

`storage.coverage` finds them. Pure: standard library only.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Lack(StrEnum):
    """What is wrong with a parcel's evidence, by the best of its sessions."""

    INCOMPLETE = "incomplete"
    """A compulsory photo is missing."""
    MISMATCH = "mismatch"
    """The label photo shows another number."""
    NO_VIDEO = "no_video"
    OPEN = "open"
    """A session was begun, and is not sealed."""
    CANCELLED = "cancelled"
    TEST = "test"
    """Nothing but a test recording."""
    REBOUND = "rebound"
    """What was sealed under its number belongs to another parcel of an order."""
    NONE = "none"
    """No session at all."""


@dataclass(frozen=True, slots=True)
class Uncovered:
    """One parcel that left without good evidence. `shipped_at` is when its order was shipped, or
    only placed (`dated` False). `bench`, `packer` and `session` are of the best session that there
    is, '' for none; then `likely` are the benches that packed most about that time, which proves
    nothing. `mendable`: no carrier has seen it yet, and it may still be packed again."""

    number: str
    orders: tuple[str, ...]
    shipped_at: dt.datetime
    dated: bool
    lack: Lack
    bench: str = ""
    packer: str = ""
    session: str = ""
    likely: tuple[str, ...] = ()
    mendable: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """How many parcels of one day and bench (or of all) left: with good evidence, with poor, and
    with none. `bench` is '' for parcels that no session tells of."""

    day: dt.date | None
    bench: str
    good: int = 0
    poor: int = 0
    none: int = 0

    @property
    def parcels(self) -> int:
        return self.good + self.poor + self.none

    @property
    def permille(self) -> int:
        """The share with good evidence, rounded down: what is not whole is never 1000."""
        return 1000 * self.good // self.parcels if self.parcels else 1000


@dataclass(frozen=True, slots=True)
class Coverage:
    """What left between two moments: `total`, each day's and bench's part, and the parcels without
    good evidence, those that can still be mended first, then the newest (not all, where there are
    more than fit: `total` counts them all).

    `unlisted` parcels were packed and are in no order's file; `numberless` orders were shipped
    without a tracking number that anybody told; `undated` ones at a time that nobody told.
    """

    since: dt.datetime
    until: dt.datetime
    total: Covered
    parts: tuple[Covered, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()
    unlisted: int = 0
    numberless: int = 0
    undated: int = 0

    @property
    def days(self) -> tuple[Covered, ...]:
        """The figures of each day, oldest first."""
        return _grouped(self.parts, by_day=True)

    @property
    def benches(self) -> tuple[Covered, ...]:
        """The figures of each bench, by name."""
        return _grouped(self.parts, by_day=False)


def _grouped(parts: tuple[Covered, ...], *, by_day: bool) -> tuple[Covered, ...]:
    grouped: defaultdict[tuple[dt.date | None, str], list[Covered]] = defaultdict(list)
    for part in parts:
        grouped[(part.day, "") if by_day else (None, part.bench)].append(part)
    in_order = sorted(grouped, key=lambda place: (place[0] or dt.date.min, place[1]))
    return tuple(summed(*place, grouped[place]) for place in in_order)


def summed(day: dt.date | None, bench: str, parts: Sequence[Covered]) -> Covered:
    """Several figures as one, of this day and bench."""
    return Covered(
        day,
        bench,
        sum(part.good for part in parts),
        sum(part.poor for part in parts),
        sum(part.none for part in parts),
    )
