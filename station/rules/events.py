"""What the rules of a session are told: one frozen dataclass for each thing that can happen.

`station.bench` makes them from scans, keys, camera replies and archive replies; `station.session`
answers them. Every reply names the session, clip part or shot that it answers. Knows no rule.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from storage.order import Order
from storage.records import CameraCheck, Clip, Gap, Kind, Shot, Status, Waybill

HAND: Final = "wedge"
"""Where a scan comes from that a person made; any other source is a camera's name."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: wall clock for the record, monotonic clock for durations."""

    utc: dt.datetime
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Prior:
    """The newest earlier session of a waybill, as the archive knows it."""

    session: str
    pass_no: int
    opened_at: dt.datetime
    bench: str
    packer: str
    kind: Kind
    status: Status


class Disk(StrEnum):
    """How much room the archive's disk has."""

    OK = "ok"
    LOW = "low"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `at` is when."""

    at: Moment


@dataclass(frozen=True, slots=True)
class Tick(Event):
    """Time went by; sent a few times a second."""


@dataclass(frozen=True, slots=True)
class Scanned(Event):
    """A waybill was read. `session` is a fresh id for the session that this scan may open (a
    pure function draws no ULID); `via` is HAND or the name of the camera."""

    waybill: Waybill
    session: str
    via: str = HAND
    is_order: bool = False
    """It is the id of a known order, and no carrier's number."""


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """A scan that is no waybill and no command card. `reason` is a message key."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class ItemScanned(Event):
    """An item's barcode was scanned: `key` is that of its `Piece` in the orders at hand, '' when
    it belongs in none of them. `raw` is printable."""

    raw: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Weighed(Event):
    """The scale is at rest, at so many grams."""

    grams: int


@dataclass(frozen=True, slots=True)
class CodeSeen(Event):
    """A camera read a code that opens nothing. `raw` is printable, `reason` a message key,
    `number` the tracking number that it may be, or ''."""

    camera: str
    raw: str
    reason: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class LookedUp(Event):
    """The archive's answer to `LookUp`: the newest earlier session, or None, and the orders that
    the parcel carries. `order` is the one whose id was scanned where no parcel has that number."""

    number: str
    prior: Prior | None
    orders: tuple[Order, ...] = ()
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class LookUpFailed(Event):
    """The archive could not answer `LookUp`."""

    number: str
    why: str


@dataclass(frozen=True, slots=True)
class Opened(Event):
    """The session's row is durable and its folder exists."""

    session: str


@dataclass(frozen=True, slots=True)
class OpenFailed(Event):
    session: str
    why: str


@dataclass(frozen=True, slots=True)
class Bound(Event):
    """The session of an order is filed under its label's number, as this pass of it; `orders` are
    those that the parcel carries."""

    session: str
    pass_no: int
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class BindFailed(Event):
    session: str
    why: str


@dataclass(frozen=True, slots=True)
class ClipStarted(Event):
    session: str
    camera: str
    part: int


@dataclass(frozen=True, slots=True)
class ClipEnded(Event):
    """The reply to `StopClip`, or a clip that ended by itself.

    `clip` is None when nothing was kept; `why` then says the cause (also set for a clip that was
    kept but ended early). `holes` are the stretches inside it whose frames came from the camera
    but did not reach the file, each with both its ends.
    """

    session: str
    camera: str
    part: int
    clip: Clip | None
    why: str = ""
    holes: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class ShotAsked(Event):
    """PHOTO by key, pedal or card. `slot` None: the next open one. `again`: retake the last."""

    slot: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class ShotTaken(Event):
    session: str
    shot_id: int
    shot: Shot
    read: str = ""
    """The tracking number that was decoded from a label shot, or ''."""
    fault: str = ""
    """What is wrong with the picture, as a message key: `photo_dark` and the like, for a label that
    was not read `label_small` and the like (see `station.photo`), or ''."""


@dataclass(frozen=True, slots=True)
class ShotFailed(Event):
    session: str
    shot_id: int
    why: str


@dataclass(frozen=True, slots=True)
class FinishAsked(Event):
    pass


@dataclass(frozen=True, slots=True)
class CancelAsked(Event):
    pass


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """The answer to the open question. `yes` False is no; `text` is a chosen reason."""

    yes: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledged(Event):
    """The packer acknowledged the alarm on the screen (OK card or a deliberate key)."""


@dataclass(frozen=True, slots=True)
class KindChosen(Event):
    """RETURN card or key: the next scan opens a session of the other kind (a toggle)."""


@dataclass(frozen=True, slots=True)
class PackerChosen(Event):
    """A packer's badge was scanned."""

    packer: str


@dataclass(frozen=True, slots=True)
class CameraUp(Event):
    camera: str


@dataclass(frozen=True, slots=True)
class CameraDown(Event):
    camera: str
    cause: str


@dataclass(frozen=True, slots=True)
class CameraWarned(Event):
    """The camera works, but not as it was asked to: `what` says how; '' when that is over."""

    camera: str
    what: str


@dataclass(frozen=True, slots=True)
class CheckAsked(Event):
    """Key or card: look at a test card with every camera."""


@dataclass(frozen=True, slots=True)
class Checked(Event):
    """The reply to `CheckCameras`: what each camera showed, filed."""

    results: tuple[CameraCheck, ...]


@dataclass(frozen=True, slots=True)
class CheckFailed(Event):
    """The reply to `CheckCameras` when nothing was filed."""

    why: str


@dataclass(frozen=True, slots=True)
class DiskChanged(Event):
    level: Disk


@dataclass(frozen=True, slots=True)
class ClockJumped(Event):
    """The wall clock moved against the monotonic one by `by_ms`.

    `offset_ms` is its lead over the monotonic one afterwards.
    """

    by_ms: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class Recovered(Event):
    """Start-up repair sealed these tracking numbers as interrupted."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepairFailed(Event):
    """What an earlier run left open could not be repaired; it is tried again."""

    why: str


@dataclass(frozen=True, slots=True)
class Sealed(Event):
    """The archive sealed the session; `missing` lists required slots without a shot."""

    session: str
    status: Status
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SealFailed(Event):
    session: str
    why: str


@dataclass(frozen=True, slots=True)
class ShutdownAsked(Event):
    """The app is closing: what is open is sealed as interrupted."""
