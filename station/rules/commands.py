"""What the rules of a session want done: effects as values, which `station.bench` carries out.

Each command that can fail or take time is answered by an event of `station.rules.events`.
Knows no rule and carries nothing out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from station.rules.events import Moment
from storage.records import EndReason, Gap, Kind, Note, Status, Waybill


class Command:
    """Something to be carried out by the bench."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LookUp(Command):
    number: str


@dataclass(frozen=True, slots=True)
class OpenSession(Command):
    """Make the session's row durable and its folder exist."""

    session: str
    waybill: Waybill
    kind: Kind
    pass_no: int
    packer: str
    opened_at: dt.datetime
    required_slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BindSession(Command):
    """File the session of an order under the number of its label: `Bound` or `BindFailed`."""

    session: str
    waybill: Waybill


@dataclass(frozen=True, slots=True)
class StartClip(Command):
    """Record from the pre-roll before `trigger` on (part 2 and later: without pre-roll)."""

    session: str
    camera: str
    part: int
    trigger: Moment
    number: str


@dataclass(frozen=True, slots=True)
class StopClip(Command):
    session: str
    camera: str
    part: int


@dataclass(frozen=True, slots=True)
class TakeShot(Command):
    """Take a still; `number` is what a label shot must show. `check_label`: decode it."""

    session: str
    shot_id: int
    slot: str
    camera: str
    number: str
    check_label: bool


@dataclass(frozen=True, slots=True)
class FileGap(Command):
    """Write a closed or final gap into the session's record."""

    session: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class FileNote(Command):
    session: str
    note: Note


@dataclass(frozen=True, slots=True)
class SealSession(Command):
    """All clips are closed: seal, cancel or interrupt the session for good."""

    session: str
    status: Status
    end_reason: EndReason
    ended_at: dt.datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckCameras(Command):
    """Look at the test card with every camera and file what it shows: `Checked`."""

    packer: str


class Cue(StrEnum):
    """What the packer hears."""

    NONE = "none"
    OK = "ok"
    SHOT = "shot"
    SEALED = "sealed"
    WARN = "warn"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Say(Command):
    """One line for the packer: a key of the message catalogue and its parameters."""

    key: str
    params: tuple[tuple[str, str], ...] = ()
    cue: Cue = Cue.NONE
    quiet: bool = False
    """Worth a look and no more: it never takes the place of a line that asks for something."""


@dataclass(frozen=True, slots=True)
class Log(Command):
    """One line for the log: an event that could not change anything, and why."""

    text: str


@dataclass(frozen=True, slots=True)
class Exit(Command):
    """Everything is handed over: the app may close."""
