"""All that the rules of a session know: what a site chose, and where the bench stands.

The screen draws `State`; only `station.session.step` makes a new one. Knows no rule.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from station.rules.events import Disk, Moment, Prior
from station.rules.orders import NO_POLICY, ItemCheck, Piece, Policy, is_high, pieces
from storage.order import Order
from storage.records import CameraCheck, EndReason, Gap, Kind, Shot, Status, Waybill


@dataclass(frozen=True, slots=True)
class Slot:
    """One standard photo that a packing session takes, and the camera that takes it."""

    name: str
    camera: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site may choose about its sessions. Durations are in milliseconds."""

    slots: tuple[Slot, ...]
    cameras: tuple[str, ...]
    label_slot: str = "label"
    rescan_finishes: bool = False
    """The same waybill scanned again while recording ends the session instead of a beep."""
    allow_incomplete: bool = True
    """A second FINISH seals a session whose required shots are missing."""
    allow_without_camera: bool = True
    """Packing goes on, with a gap, when no camera records."""
    idle_timeout_ms: int = 300_000
    max_ms: int = 1_800_000
    warn_before_ms: int = 30_000
    question_timeout_ms: int = 20_000
    repeat_scan_ms: int = 2_000
    """The same scan again within this time is one scan."""
    pre_roll_ms: int = 10_000
    """How much of a session's video lies before its scan."""
    policy: Policy = NO_POLICY

    def required(self, kind: Kind, *, high_value: bool = False) -> tuple[str, ...]:
        """The slots that must be filled; all of them for a high value. A returned parcel is
        photographed as it comes: none."""
        if kind is Kind.RETURN:
            return ()
        return tuple(slot.name for slot in self.slots if slot.required or high_value)


class Phase(StrEnum):
    IDLE = "idle"
    LOOKING_UP = "looking_up"
    DECIDING = "deciding"
    OPENING = "opening"
    RECORDING = "recording"
    SEALING = "sealing"


class ClipPhase(StrEnum):
    STARTING = "starting"
    ROLLING = "rolling"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Hole:
    """What is missing inside a camera's newest clip, all its holes together, and why."""

    ms: int
    cause: str

    @property
    def seconds(self) -> str:
        """Its length for a message, never shorter than it was."""
        return f"{-(-self.ms // 100) / 10:.1f}"


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera beside the phase: up or down, and why.

    `warning` says what is not as it was asked for, or ''; `hole` what its newest clip lacks;
    `check` is its newest look at a test card since the start.
    """

    name: str
    up: bool = False
    cause: str = "starting"
    warning: str = ""
    hole: Hole | None = None
    check: CameraCheck | None = None


@dataclass(frozen=True, slots=True)
class Rolling:
    """The newest part of one camera's clip in the session at hand."""

    part: int
    phase: ClipPhase
    since: Moment
    """From when on it should record: the trigger of its `StartClip`."""


BLOCKING: Final = frozenset({"label_mismatch", "uninsured", "wrong_item"})


@dataclass(frozen=True, slots=True)
class Alarm:
    """A message that stays until it is acknowledged. Its first parameter is what it is about."""

    key: str
    params: tuple[tuple[str, str], ...] = ()

    @property
    def blocks(self) -> bool:
        """True when no parcel may leave the bench before somebody has acknowledged it."""
        return self.key in BLOCKING


@dataclass(frozen=True, slots=True)
class Question:
    """A question for the packer: `duplicate` (pack again?), `cancel` (why?) or `unlisted` (is this
    a tracking number?).

    The first is asked while DECIDING, the second beside OPENING and RECORDING, the third beside
    every phase."""

    key: str
    asked: Moment
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PendingShot:
    """A shot on its way. It waits for `Active.opened` before the camera is asked for it."""

    shot_id: int
    slot: str
    asked: Moment


@dataclass(frozen=True, slots=True)
class Active:
    """The one session at hand, from the command `OpenSession` to `SealSession`."""

    session: str
    waybill: Waybill
    kind: Kind
    pass_no: int
    packer: str
    trigger: Moment
    last_activity: Moment
    opened: bool = False
    """The archive confirmed the row."""
    clips: tuple[tuple[str, Rolling], ...] = ()
    """By camera."""
    gaps: tuple[Gap, ...] = ()
    """Gaps not yet ended, by camera."""
    had_gap: bool = False
    """Some of its video is missing."""
    shots: tuple[Shot, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    """By slot: the message key of what is wrong with its newest shot."""
    pending: tuple[PendingShot, ...] = ()
    orders: tuple[Order, ...] = ()
    order: Waybill | None = None
    """What was scanned to open it for an order whose label is still to come: `waybill` stands for
    it until then."""
    high_value: bool = False
    """Its orders are worth so much that video and all photos are compulsory."""
    scanned: tuple[tuple[str, int], ...] = ()
    """How often each piece was scanned, by its key."""
    weight_g: int | None = None
    """What the scale said last, at rest."""
    finish_warned: bool = False
    """The packer was told what is missing, and has taken or scanned nothing since."""
    finish_asked: EndReason | None = None
    """An end that was asked for and waits until the clips run and the pending shots are in."""
    timeout_warned: bool = False
    ending: EndReason | None = None
    ended_at: Moment | None = None
    end_text: str = ""

    def clip(self, camera: str) -> Rolling | None:
        """The newest part of the camera, or None when it never had one in this session."""
        return dict(self.clips).get(camera)

    def has_clip(self, *phases: ClipPhase) -> bool:
        """True when any camera's newest part is in one of `phases`."""
        return any(clip.phase in phases for _, clip in self.clips)

    def has_gap(self, camera: str) -> bool:
        """True while a gap of the camera is open."""
        return any(gap.camera == camera for gap in self.gaps)

    @property
    def unlabelled(self) -> bool:
        """True while it is an order's, and no label of a parcel was seen."""
        return self.order is not None and self.order == self.waybill

    @property
    def unscanned(self) -> tuple[tuple[Piece, int], ...]:
        """The pieces of its orders that were not scanned as often as they belong in it, and how
        often not."""
        seen = dict(self.scanned)
        return tuple(
            (piece, piece.quantity - seen.get(piece.key, 0))
            for piece in pieces(self.orders)
            if seen.get(piece.key, 0) < piece.quantity
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A scanned waybill on its way to becoming a session."""

    waybill: Waybill
    session: str
    trigger: Moment
    prior: Prior | None = None
    orders: tuple[Order, ...] = ()
    is_order: bool = False
    """An order's id was scanned: the label of its parcel is still to come."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A scanned waybill of no listed carrier: the packer is asked whether it is one at all."""

    wanted: Wanted
    asked: Moment
    """Since when the question can be seen."""

    @property
    def number(self) -> str:
        return self.wanted.waybill.number

    @property
    def question(self) -> Question:
        """What the screen asks."""
        return Question("unlisted", self.asked, (("number", self.number),))


@dataclass(frozen=True, slots=True)
class Finished:
    """A session that was handed to the archive, for the list of last parcels."""

    session: str
    number: str
    at: dt.datetime
    duration_ms: int
    shots: int
    slots: int
    kind: Kind
    status: Status
    had_gap: bool = False
    """Some of its video is missing."""
    confirmed: bool = False
    """The archive replied Sealed."""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All that the rules know.

    `wanted` waits while LOOKING_UP, DECIDING or SEALING; while OPENING or RECORDING it is the
    waybill that was scanned to end this session, which a missing or pending shot holds up.
    """

    rules: Rules
    phase: Phase = Phase.IDLE
    packer: str = ""
    next_kind: Kind = Kind.PACKING
    cameras: tuple[Camera, ...] = ()
    disk: Disk = Disk.OK
    active: Active | None = None
    wanted: Wanted | None = None
    question: Question | None = None
    unlisted: Unlisted | None = None
    """Waits for its answer beside every phase, and in the way of none: it is asked when there is
    neither an alarm nor another question on the screen."""
    vouched: tuple[str, str] | None = None
    """The number of no listed carrier that is to be recorded all the same, and how that was said:
    it is not asked about again until its session has opened."""
    alarms: tuple[Alarm, ...] = ()
    """Oldest first; the first is on the screen."""
    handed_over: tuple[Finished, ...] = ()
    """Newest first, at most 50 and those that still wait for the archive."""
    last_scan: tuple[str, int] | None = None
    """Number and monotonic ms of the last scan that counted, for `Rules.repeat_scan_ms`."""
    checking: Moment | None = None
    """Since when the cameras are being checked."""
    on_scale: int | None = None
    """Grams that were laid on the scale since the last session."""
    clock_jump: tuple[Moment, str] | None = None
    """The newest one, for the note of a session whose pre-roll holds it."""
    unrepaired: str = ""
    """Why what an earlier run left open is not repaired yet."""
    shot_count: int = 0
    session_count: int = 0
    """Sessions handed over since start-up."""
    closing: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """Required slots of the session at hand with neither a shot nor one on its way."""
        if self.active is None:
            return ()
        there = {shot.slot for shot in self.active.shots}
        there |= {shot.slot for shot in self.active.pending}
        required = self.required(self.active)
        return tuple(slot for slot in required if slot not in there)

    @property
    def missing_items(self) -> tuple[tuple[Piece, int], ...]:
        """The pieces that must still be scanned, and how often."""
        active = self.active
        if active is None or active.kind is Kind.RETURN:
            return ()
        return () if self.rules.policy.items is ItemCheck.OFF else active.unscanned

    @property
    def allows_missing_shots(self) -> bool:
        """True when a second FINISH seals the session at hand although photos are missing."""
        high_value = self.active is not None and self.active.high_value
        return self.rules.allow_incomplete and not high_value

    def required(self, active: Active) -> tuple[str, ...]:
        """The slots that must be filled in this session."""
        return self.rules.required(active.kind, high_value=active.high_value)

    def is_high(self, orders: tuple[Order, ...]) -> bool:
        """True when video and all photos of a parcel with these orders are compulsory."""
        return self.next_kind is Kind.PACKING and is_high(orders, self.rules.policy)

    @property
    def asking(self) -> Question | None:
        """The question that waits for an answer; an alarm may stand before it."""
        if self.question is None and self.unlisted is not None:
            return self.unlisted.question
        return self.question

    @property
    def blocked(self) -> bool:
        """True while an alarm is open that must be acknowledged before the next parcel."""
        return any(alarm.blocks for alarm in self.alarms)

    def camera(self, name: str) -> Camera | None:
        """The camera of that name, or None."""
        return next((camera for camera in self.cameras if camera.name == name), None)

    def is_up(self, name: str) -> bool:
        """True when that camera delivers frames."""
        camera = self.camera(name)
        return camera is not None and camera.up


def initial(rules: Rules, packer: str = "") -> State:
    """The state at start-up: idle, every camera still down."""
    return State(rules=rules, packer=packer, cameras=tuple(Camera(name) for name in rules.cameras))
