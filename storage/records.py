"""The nouns of the archive: frozen dataclasses that every room may import.

Standard library only, but for `raw_scan.py`. Knows no database, no camera, no screen. The JSON of a
session (`session_to_json`) is one format, shared by `session.json`, `find --json`, the demo and
the evidence package; `session_from_json` reads it back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from storage.raw_scan import raw_from_hex, raw_to_hex, spelled


class Kind(StrEnum):
    """What a packing session is: goods going out, or a returned parcel being opened."""

    PACKING = "packing"
    RETURN = "return"


class Status(StrEnum):
    """Where a packing session stands. Everything but OPEN is final."""

    OPEN = "open"
    SEALED = "sealed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


class EndReason(StrEnum):
    """Why a packing session ended."""

    FINISH = "finish"
    NEXT_SCAN = "next_scan"
    TIMEOUT = "timeout"
    CANCEL = "cancel"
    SHUTDOWN = "shutdown"
    RECOVERY = "recovery"


class LabelCheck(StrEnum):
    """The tracking number decoded from the label shot, compared with the scanned one."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNREADABLE = "unreadable"


class CheckDigit(StrEnum):
    """Whether the check digit of a tracking number is what its carrier's rule makes of the rest."""

    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Waybill:
    """One tracking number, normalised, beside the raw scan that it came from.

    `number` is upper case, without spaces and embedded routing data; `raw` is the scan exactly
    as it arrived, whatever it holds; `carrier` is None where no rule names one; `check` is None
    where the number has no check digit.
    """

    number: str
    raw: str
    carrier: str | None = None
    check: CheckDigit | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """One continuous video file of one camera in one session.

    `path` is relative to the archive, with forward slashes. `started_at` is the UTC time of the
    first frame, `pre_roll_ms` the video before the scan, `dropped` the frames that arrived from
    the camera but did not reach the file. `clock_offset_ms` is the wall clock less the bench's
    steady one at the first frame. `copied`: the camera's own coding, so that time and number stand
    in a subtitle track instead of the picture.
    """

    camera: str
    part: int
    path: str
    codec: str
    width: int
    height: int
    started_at: dt.datetime
    duration_ms: int
    pre_roll_ms: int
    frames: int
    dropped: int
    size_bytes: int
    sha256: str
    clock_offset_ms: int = 0
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which a camera that should record did not. `ended_at` None: to the end."""

    camera: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    cause: str


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo of a packing session. A slot that was taken again has several; the last counts.

    `sharpness` is the variance of the Laplacian at half size, `brightness` the mean grey level
    0-255, `motion` the mean change against the frame before, 0-255; None where nobody measured.
    `label_read` is the tracking number that a label shows which is not the session's, else ''.
    """

    slot: str
    path: str
    camera: str
    taken_at: dt.datetime
    label_check: LabelCheck | None
    width: int
    height: int
    size_bytes: int
    sha256: str
    sharpness: float | None = None
    brightness: float | None = None
    motion: float | None = None
    label_read: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader of the session must know: a clock jump, an override, a repair."""

    at: dt.datetime
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class CameraCheck:
    """How well one camera could see, at the start of a shift: a picture of a test card, measured.

    `id` is shared by all cameras that were checked together. `fps` is what the camera really
    delivered; `module_mm` the narrowest bars that could still be read, None where none could;
    `sharpness` and `brightness` as of a Shot; `clock_offset_ms` the bench's clock less a time
    server's, None where none was asked. `verdict` is "good" or "poor", `advice` what to do about
    it. `path` is '' where the camera gave no picture, and then `size_bytes` is 0, `sha256` ''.
    """

    id: str
    bench: str
    packer: str
    at: dt.datetime
    camera: str
    width: int
    height: int
    fps: float
    module_mm: float | None
    sharpness: float
    brightness: float
    clock_offset_ms: int | None
    verdict: str
    advice: str
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Session:
    """One run at one bench for one waybill. `missing` lists the required slots without a shot."""

    id: str
    waybill: Waybill
    kind: Kind
    pass_no: int
    bench: str
    packer: str
    opened_at: dt.datetime
    status: Status = Status.OPEN
    sealed_at: dt.datetime | None = None
    end_reason: EndReason | None = None
    reason: str = ""
    required_slots: tuple[str, ...] = ()
    clips: tuple[Clip, ...] = ()
    gaps: tuple[Gap, ...] = ()
    shots: tuple[Shot, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The required slots that have no shot, in their order."""
        taken = {shot.slot for shot in self.shots}
        return tuple(slot for slot in self.required_slots if slot not in taken)

    @property
    def complete(self) -> bool:
        """True when every required slot has a shot and there is video. Gaps are told apart."""
        return not self.missing and bool(self.clips)


def utc_text(moment: dt.datetime) -> str:
    """`moment` as RFC 3339 in UTC with milliseconds: `2026-11-22T13:05:09.042Z`."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {moment!r}")
    text = moment.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def parse_utc(text: str) -> dt.datetime:
    """The moment that `utc_text` wrote. Raises ValueError for anything without a time zone."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {text!r}")
    return moment.astimezone(dt.UTC)


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else parse_utc(text)


def _text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def session_to_json(session: Session) -> dict[str, Any]:
    """The JSON of a session, ready for `json.dumps`."""
    return {
        "session": session.id,
        "tracking_number": session.waybill.number,
        "raw_scan": spelled(session.waybill.raw),
        "raw_scan_hex": raw_to_hex(session.waybill.raw),
        "carrier": session.waybill.carrier,
        "check_digit": None if session.waybill.check is None else session.waybill.check.value,
        "kind": session.kind.value,
        "pass_no": session.pass_no,
        "bench": session.bench,
        "packer": session.packer,
        "opened_at": utc_text(session.opened_at),
        "sealed_at": _text(session.sealed_at),
        "status": session.status.value,
        "end_reason": None if session.end_reason is None else session.end_reason.value,
        "reason": session.reason,
        "complete": session.complete,
        "required": list(session.required_slots),
        "missing": list(session.missing),
        "clips": [
            {
                "camera": clip.camera,
                "part": clip.part,
                "path": clip.path,
                "codec": clip.codec,
                "width": clip.width,
                "height": clip.height,
                "started_at": utc_text(clip.started_at),
                "duration_ms": clip.duration_ms,
                "pre_roll_ms": clip.pre_roll_ms,
                "frames": clip.frames,
                "dropped": clip.dropped,
                "size_bytes": clip.size_bytes,
                "sha256": clip.sha256,
                "clock_offset_ms": clip.clock_offset_ms,
                "copied": clip.copied,
            }
            for clip in session.clips
        ],
        "gaps": [
            {
                "camera": gap.camera,
                "started_at": utc_text(gap.started_at),
                "ended_at": _text(gap.ended_at),
                "cause": gap.cause,
            }
            for gap in session.gaps
        ],
        "shots": [
            {
                "slot": shot.slot,
                "path": shot.path,
                "camera": shot.camera,
                "taken_at": utc_text(shot.taken_at),
                "label_check": None if shot.label_check is None else shot.label_check.value,
                "width": shot.width,
                "height": shot.height,
                "size_bytes": shot.size_bytes,
                "sha256": shot.sha256,
                "sharpness": shot.sharpness,
                "brightness": shot.brightness,
                "motion": shot.motion,
                "label_read": shot.label_read,
            }
            for shot in session.shots
        ],
        "notes": [
            {"at": utc_text(note.at), "what": note.what, "text": note.text}
            for note in session.notes
        ],
    }


def _waybill(data: dict[str, Any]) -> Waybill:
    digits, check = data.get("raw_scan_hex"), data.get("check_digit")
    return Waybill(
        data["tracking_number"],
        data["raw_scan"] if digits is None else raw_from_hex(digits),
        data["carrier"],
        None if check is None else CheckDigit(check),
    )


def session_from_json(data: dict[str, Any]) -> Session:
    """The session that `session_to_json` wrote. Raises KeyError, TypeError or ValueError.

    What a manifest of an older version does not tell is what the records have by default.
    """
    return Session(
        id=data["session"],
        waybill=_waybill(data),
        kind=Kind(data["kind"]),
        pass_no=int(data["pass_no"]),
        bench=data["bench"],
        packer=data["packer"],
        opened_at=parse_utc(data["opened_at"]),
        status=Status(data["status"]),
        sealed_at=_moment(data["sealed_at"]),
        end_reason=None if data["end_reason"] is None else EndReason(data["end_reason"]),
        reason=data["reason"],
        required_slots=tuple(data["required"]),
        clips=tuple(
            Clip(**{**clip, "started_at": parse_utc(clip["started_at"])}) for clip in data["clips"]
        ),
        gaps=tuple(
            Gap(
                gap["camera"],
                parse_utc(gap["started_at"]),
                _moment(gap["ended_at"]),
                gap["cause"],
            )
            for gap in data["gaps"]
        ),
        shots=tuple(
            Shot(
                **{
                    **shot,
                    "taken_at": parse_utc(shot["taken_at"]),
                    "label_check": None
                    if shot["label_check"] is None
                    else LabelCheck(shot["label_check"]),
                }
            )
            for shot in data["shots"]
        ),
        notes=tuple(
            Note(parse_utc(note["at"]), note["what"], note["text"]) for note in data["notes"]
        ),
    )


def check_to_json(check_id: str, checks: Sequence[CameraCheck]) -> dict[str, Any]:
    """The JSON of the cameras that were checked together, ready for `json.dumps`."""
    return {
        "check": check_id,
        "cameras": [
            {
                "camera": check.camera,
                "at": utc_text(check.at),
                "bench": check.bench,
                "packer": check.packer,
                "width": check.width,
                "height": check.height,
                "fps": check.fps,
                "module_mm": check.module_mm,
                "sharpness": check.sharpness,
                "brightness": check.brightness,
                "clock_offset_ms": check.clock_offset_ms,
                "verdict": check.verdict,
                "advice": check.advice,
                "path": check.path,
                "size_bytes": check.size_bytes,
                "sha256": check.sha256,
            }
            for check in checks
        ],
    }


def check_from_json(data: dict[str, Any]) -> tuple[CameraCheck, ...]:
    """The cameras that `check_to_json` wrote. Raises KeyError, TypeError or ValueError."""
    return tuple(
        CameraCheck(**{**camera, "id": data["check"], "at": parse_utc(camera["at"])})
        for camera in data["cameras"]
    )
