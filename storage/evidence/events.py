"""What happened while a parcel was packed, and where in its video that is seen. Pure.

What a package's page, its report and a fitted video are marked with. Knows no file and no words.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from storage.records import Clip, Gap, Note, Session, Shot

SLACK_MS = 1_000
"""An event so soon before or after a clip is seen in its first or last picture."""


class What(StrEnum):
    """What an event is. OPENED is the scan of the waybill, ENDED the seal."""

    OPENED = "opened"
    SHOT = "shot"
    GAP = "gap"
    GAP_OVER = "gap_over"
    NOTE = "note"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `shot`, `gap` or `note` is what it is about, where it is one."""

    at: dt.datetime
    what: What
    shot: Shot | None = None
    gap: Gap | None = None
    note: Note | None = None


def events_of(session: Session) -> tuple[Event, ...]:
    """What happened in a session, oldest first."""
    found = [Event(session.opened_at, What.OPENED)]
    found += [Event(shot.taken_at, What.SHOT, shot=shot) for shot in session.shots]
    for gap in session.gaps:
        found.append(Event(gap.started_at, What.GAP, gap=gap))
        if gap.ended_at is not None:
            found.append(Event(gap.ended_at, What.GAP_OVER, gap=gap))
    found += [Event(note.at, What.NOTE, note=note) for note in session.notes]
    if session.sealed_at is not None:
        found.append(Event(session.sealed_at, What.ENDED))
    return tuple(sorted(found, key=lambda event: event.at))


def position_ms(clip: Clip, at: dt.datetime) -> int | None:
    """Where in a clip a moment is seen, in milliseconds after its first frame; None where it is
    not. The bench's wall clock may have jumped meanwhile: then it is where the clip's clock says.
    """
    after_ms = round((at - clip.started_at) / dt.timedelta(milliseconds=1))
    if -SLACK_MS <= after_ms <= clip.duration_ms + SLACK_MS:
        return min(max(after_ms, 0), clip.duration_ms)
    return None
