"""The nouns of where a carrier saw a parcel: events, and what they come to.

`storage.intake.traces` reads them from files, `storage.traces` keeps them in rows. Every text in
them came from outside. Standard library only; knows no database and no file.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class TraceStatus(StrEnum):
    """Where a parcel stands: the tags of AfterShip, whatever words its carrier has for it."""

    UNKNOWN = ""
    PENDING = "Pending"
    INFO_RECEIVED = "InfoReceived"
    """The carrier knows of the parcel, and does not have it."""
    IN_TRANSIT = "InTransit"
    OUT_FOR_DELIVERY = "OutForDelivery"
    ATTEMPT_FAIL = "AttemptFail"
    DELIVERED = "Delivered"
    AVAILABLE_FOR_PICKUP = "AvailableForPickup"
    EXCEPTION = "Exception"
    EXPIRED = "Expired"
    """Nothing was heard of it for long, which is no movement either."""


STILL: Final = frozenset({TraceStatus.PENDING, TraceStatus.INFO_RECEIVED, TraceStatus.EXPIRED})
"""What is told of a parcel that nobody moves. Words that nobody understands are a movement: the
carrier saw it somewhere."""
BEFORE_HANDOVER: Final = frozenset(
    {TraceStatus.UNKNOWN, TraceStatus.PENDING, TraceStatus.INFO_RECEIVED}
)


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """The carrier saw the parcel `at` (UTC), at `place`. `text` is what it says in its own words;
    `source` names what told it, and the status as it was told there (`17track
    InTransit_PickedUp`)."""

    at: dt.datetime
    status: TraceStatus
    text: str
    place: str = ""
    source: str = ""

    @property
    def moved(self) -> bool:
        """True when the parcel was somewhere, and was not only spoken of."""
        return self.status not in STILL


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of one parcel's way, `events` oldest first. '' and None is what nobody told.

    `moved_at` is its last event that is a movement; `expected_at` the moment by which it was
    promised; `told_at` when the archive last heard of it, None before that.
    """

    number: str
    events: tuple[TraceEvent, ...] = ()
    carrier: str = ""
    status: TraceStatus = TraceStatus.UNKNOWN
    moved_at: dt.datetime | None = None
    expected_at: dt.datetime | None = None
    delivered_at: dt.datetime | None = None
    origin: str = ""
    destination: str = ""
    told_at: dt.datetime | None = None

    @property
    def handed_over(self) -> bool:
        """True when the carrier has, or had, the parcel."""
        return self.moved_at is not None or self.status not in BEFORE_HANDOVER


@dataclass(frozen=True, slots=True)
class TracesFiled:
    """What filing traces has done: for so many parcels, with so many events that are new."""

    parcels: int
    new_events: int
    known_events: int
