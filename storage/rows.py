"""Records to rows and back: the only room that knows which column holds which field.

Reads whole sessions with all that belongs to them; adds rows within the caller's transaction. Knows
no file and decides nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlite_utils import Database

from storage import schema
from storage.errors import SessionClosed, UnknownSession
from storage.raw_scan import raw_from_hex, raw_to_hex, spelled
from storage.records import (
    CameraCheck,
    CheckDigit,
    Clip,
    EndReason,
    Gap,
    Kind,
    LabelCheck,
    Note,
    Session,
    Shot,
    Status,
    Waybill,
    parse_utc,
    utc_text,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = dict[str, Any]
T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Ending:
    """How and when a session ends: the status that it is sealed with, and why."""

    status: Status
    end_reason: EndReason
    ended_at: dt.datetime
    reason: str = ""


def media_of(session: Session) -> tuple[Clip | Shot, ...]:
    """The session's files: clips first, then shots."""
    return (*session.clips, *session.shots)


def search_key(text: str) -> str:
    """`text` as a tracking number or an order id is looked up: upper case, without spaces."""
    return storable("".join(text.upper().split()))


def storable(text: str) -> str:
    """`text` with what UTF-8 cannot hold (half surrogates of a broken scan) spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def moment_in(column: str) -> dt.datetime | None:
    """The moment in a column of text, None for ''."""
    return parse_utc(column) if column else None


def told_again(before: T, after: T) -> T:
    """Two nouns that tell of the same as one: what `after` says counts, what it leaves out ('',
    None, an empty tuple) stays."""
    told = {
        each.name: value
        for each in fields(after)
        if (value := getattr(after, each.name)) not in (None, "", ())
    }
    return replace(before, **told)


# ---------------------------------------------------------------------------- writing


def insert(db: Database, table: str, row: Row) -> None:
    """Add `row` to `table`. Table and columns come from this program, never from outside."""
    columns = ", ".join(row)
    marks = ", ".join(f":{column}" for column in row)
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608


def insert_session(db: Database, session: Session, folder: str) -> None:
    """Add the row of an open session."""
    number = session.waybill.number
    insert(
        db,
        "sessions",
        {
            "id": session.id,
            "tracking_number": number,
            "number_reversed": number[::-1],
            "raw_scan": spelled(session.waybill.raw),
            "raw_hex": raw_to_hex(session.waybill.raw),
            "carrier": session.waybill.carrier,
            "check_digit": None if session.waybill.check is None else session.waybill.check.value,
            "kind": session.kind.value,
            "pass_no": session.pass_no,
            "bench": storable(session.bench),
            "packer": storable(session.packer),
            "opened_at": utc_text(session.opened_at),
            "folder": folder,
            "required": json.dumps(session.required_slots),
            "status": Status.OPEN.value,
            "reason": storable(session.reason),
        },
    )


def bind_session(db: Database, session: Session) -> None:
    """Give the row of an open session another waybill and pass. Raises SessionClosed."""
    waybill = session.waybill
    changed = db.execute(
        "UPDATE sessions SET tracking_number = ?, number_reversed = ?, raw_scan = ?, raw_hex = ?, "
        "carrier = ?, check_digit = ?, pass_no = ? WHERE id = ? AND status = 'open'",
        [
            waybill.number,
            waybill.number[::-1],
            spelled(waybill.raw),
            raw_to_hex(waybill.raw),
            waybill.carrier,
            None if waybill.check is None else waybill.check.value,
            session.pass_no,
            session.id,
        ],
    ).rowcount
    if changed != 1:
        raise SessionClosed(session.id, "closed by another program")


def close_session(db: Database, session: str, ending: Ending, manifest_sha256: str) -> None:
    """Turn the open row into its final state. Raises SessionClosed when it is not open."""
    changed = db.execute(
        "UPDATE sessions SET status = ?, sealed_at = ?, end_reason = ?, reason = ?, "
        "manifest_sha256 = ? WHERE id = ? AND status = 'open'",
        [
            ending.status.value,
            utc_text(ending.ended_at),
            ending.end_reason.value,
            storable(ending.reason),
            manifest_sha256,
            session,
        ],
    ).rowcount
    if changed != 1:
        raise SessionClosed(session, "closed by another program")


def _finite(figure: float | None) -> float | None:
    """`figure`, or None for what JSON has no number for."""
    return figure if figure is not None and math.isfinite(figure) else None


def _add(db: Database, table: str, session: str, row: Row, seq: int | None) -> None:
    """Add a row behind those that there are, or with the number `seq` where it is known."""
    if seq is None:
        next_seq = f"SELECT coalesce(max(seq), 0) + 1 FROM {table} WHERE session_id = ?"  # noqa: S608
        seq = db.execute(next_seq, [session]).fetchone()[0]
    insert(db, table, {"session_id": session, "seq": seq, **row})


def add_clip(db: Database, session: str, clip: Clip, seq: int | None = None) -> None:
    """Add a clip to an open session."""
    _add(
        db,
        "clips",
        session,
        {
            "camera": storable(clip.camera),
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
            "copied": int(clip.copied),
        },
        seq,
    )


def add_shot(db: Database, session: str, shot: Shot, seq: int | None = None) -> None:
    """Add a shot to an open session."""
    _add(
        db,
        "shots",
        session,
        {
            "slot": storable(shot.slot),
            "path": shot.path,
            "camera": storable(shot.camera),
            "taken_at": utc_text(shot.taken_at),
            "label_check": None if shot.label_check is None else shot.label_check.value,
            "width": shot.width,
            "height": shot.height,
            "size_bytes": shot.size_bytes,
            "sha256": shot.sha256,
            "sharpness": _finite(shot.sharpness),
            "brightness": _finite(shot.brightness),
            "motion": _finite(shot.motion),
            "label_read": storable(shot.label_read),
        },
        seq,
    )


def add_gap(db: Database, session: str, gap: Gap, seq: int | None = None) -> None:
    """Add a gap to an open session."""
    _add(
        db,
        "gaps",
        session,
        {
            "camera": storable(gap.camera),
            "started_at": utc_text(gap.started_at),
            "ended_at": None if gap.ended_at is None else utc_text(gap.ended_at),
            "cause": storable(gap.cause),
        },
        seq,
    )


def add_note(db: Database, session: str, note: Note, seq: int | None = None) -> None:
    """Add a note to an open session."""
    _add(
        db,
        "notes",
        session,
        {"at": utc_text(note.at), "what": storable(note.what), "text": storable(note.text)},
        seq,
    )


def check_row(check: CameraCheck) -> Row:
    """The columns of one camera's check, apart from its number among them.

    Raises TypeError, ValueError or AttributeError for what is none.
    """
    fps, sharpness = _finite(float(check.fps)), _finite(float(check.sharpness))
    return {
        "check_id": check.id,
        "bench": storable(check.bench),
        "packer": storable(check.packer),
        "at": utc_text(check.at),
        "camera": storable(check.camera),
        "width": int(check.width),
        "height": int(check.height),
        "fps": fps or 0.0,
        "module_mm": None if check.module_mm is None else _finite(float(check.module_mm)),
        "sharpness": sharpness or 0.0,
        "brightness": _finite(float(check.brightness)) or 0.0,
        "clock_offset_ms": None if check.clock_offset_ms is None else int(check.clock_offset_ms),
        "verdict": check.verdict,
        "advice": storable(check.advice),
        "path": check.path,
        "size_bytes": check.size_bytes,
        "sha256": check.sha256,
    }


def add_check(
    db: Database, check_id: str, folder: str, checks: Sequence[CameraCheck], manifest_sha256: str
) -> None:
    """Add a whole camera check: the rows of its cameras, then the one that closes it for ever."""
    for seq, check in enumerate(checks, start=1):
        insert(db, "camera_checks", {"seq": seq, **check_row(check)})
    insert(db, "checks", {"id": check_id, "folder": folder, "manifest_sha256": manifest_sha256})


# ---------------------------------------------------------------------------- reading


def require_open(db: Database, session: str) -> Row:
    """The row of an open session. Raises UnknownSession, SessionClosed."""
    row = session_row(db, session)
    if row["status"] != Status.OPEN:
        raise SessionClosed(session, row["status"])
    return row


def session_row(db: Database, session: str) -> Row:
    """The session's row as stored. Raises UnknownSession."""
    for row in db.query("SELECT * FROM sessions WHERE id = ?", [session]):
        return row
    raise UnknownSession(session)


def one(db: Database, session: str) -> Session:
    """The whole session. Raises UnknownSession."""
    return whole(db, [session_row(db, session)])[0]


def whole(db: Database, rows: Sequence[Row]) -> list[Session]:
    """The sessions of these rows of `sessions`, in their order, with all that belongs to them."""
    ids = json.dumps([row["id"] for row in rows])
    clips = _children(db, "clips", ids)
    shots = _children(db, "shots", ids)
    gaps = _children(db, "gaps", ids)
    notes = _children(db, "notes", ids)
    return [
        Session(
            id=row["id"],
            waybill=_waybill(row),
            kind=Kind(row["kind"]),
            pass_no=row["pass_no"],
            bench=row["bench"],
            packer=row["packer"],
            opened_at=parse_utc(row["opened_at"]),
            status=Status(row["status"]),
            sealed_at=_moment(row["sealed_at"]),
            end_reason=None if row["end_reason"] is None else EndReason(row["end_reason"]),
            reason=row["reason"],
            required_slots=tuple(json.loads(row["required"])),
            clips=tuple(map(_clip, clips[row["id"]])),
            gaps=tuple(map(_gap, gaps[row["id"]])),
            shots=tuple(map(_shot, shots[row["id"]])),
            notes=tuple(map(_note, notes[row["id"]])),
        )
        for row in rows
    ]


def check_of(db: Database, check_id: str) -> Row | None:
    """The row of a filed camera check, or None."""
    if not schema.has_checks(db):
        return None
    for row in db.query("SELECT * FROM checks WHERE id = ?", [check_id]):
        return row
    return None


def cameras_of(db: Database, check_id: str) -> tuple[CameraCheck, ...]:
    """The cameras of a filed check, in the order of its manifest."""
    found = db.query("SELECT * FROM camera_checks WHERE check_id = ? ORDER BY seq", [check_id])
    return tuple(map(camera_check, found))


def camera_check(row: Row) -> CameraCheck:
    """The record of a row of `camera_checks`."""
    told = {key: value for key, value in row.items() if key not in ("check_id", "seq")}
    return CameraCheck(**{**told, "id": row["check_id"], "at": parse_utc(row["at"])})


def _children(db: Database, table: str, ids: str) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    sql = (
        f"SELECT * FROM {table} WHERE session_id IN (SELECT value FROM json_each(?)) "  # noqa: S608
        "ORDER BY session_id, seq"
    )
    for row in db.query(sql, [ids]):
        session = row.pop("session_id")
        del row["seq"]
        found[session].append(row)
    return found


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else parse_utc(text)


def _waybill(row: Row) -> Waybill:
    # Neither a session of an older version nor an older database that is only read has the bytes.
    digits, check = row.get("raw_hex"), row.get("check_digit")
    return Waybill(
        row["tracking_number"],
        row["raw_scan"] if digits is None else raw_from_hex(digits),
        row["carrier"],
        None if check is None else CheckDigit(check),
    )


def _clip(row: Row) -> Clip:
    # An older database that is only read has no such column.
    copied = bool(row.get("copied", False))
    return Clip(**{**row, "started_at": parse_utc(row["started_at"]), "copied": copied})


def _shot(row: Row) -> Shot:
    check = row["label_check"]
    return Shot(
        **{
            **row,
            "taken_at": parse_utc(row["taken_at"]),
            "label_check": None if check is None else LabelCheck(check),
        }
    )


def _gap(row: Row) -> Gap:
    return Gap(row["camera"], parse_utc(row["started_at"]), _moment(row["ended_at"]), row["cause"])


def _note(row: Row) -> Note:
    return Note(parse_utc(row["at"]), row["what"], row["text"])
