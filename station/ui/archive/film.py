"""The filmstrip: at which moments a picture is taken out of a session's video. Pure.

Even steps show that nothing was left out, a picture at each event shows what happened. Where a
camera was away there is a tile that says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from station.dossier import at_in_clip

if TYPE_CHECKING:
    from station.dossier import Record
    from station.ui.archive.timeline import Event
    from storage.records import Clip

STEPS: Final = 8
MOST: Final = 48
APART: Final = dt.timedelta(milliseconds=400)
"""A step so close to an event shows the same."""
SLACK: Final = dt.timedelta(seconds=1)
"""An event so soon before or after a clip is seen in its first or last picture."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One tile: the moment, the event it belongs to (its index) or None, and where in which clip it
    is seen; `clip` None where the camera recorded nothing."""

    at: dt.datetime
    event: int | None
    clip: Clip | None
    at_ms: int = 0


def cameras(record: Record) -> tuple[str, ...]:
    """The cameras with video, the longest first."""
    return tuple(dict.fromkeys(clip.camera for clip in record.clips))


def moments(record: Record, camera: str, events: Sequence[Event]) -> tuple[Moment, ...]:
    """The tiles of one camera's film, in the order of time."""
    clips = [clip for clip in record.clips if clip.camera == camera]
    if not clips:
        return ()
    marked = []
    for index, event in enumerate(events):
        if event.filmed:
            clip, at_ms = seen_in(clips, event.at)
            marked.append(Moment(event.at, index, clip, at_ms))
    marked = _thinned(marked)
    near = [moment.at for moment in marked]
    steps = [step for step in _steps(clips) if all(abs(step.at - at) > APART for at in near)]
    return tuple(sorted((*marked, *steps), key=lambda moment: (moment.at, moment.event is None)))


def _thinned(marked: list[Moment]) -> list[Moment]:
    """At most as many as a person looks through, evenly taken."""
    room = MOST - STEPS
    if len(marked) <= room:
        return marked
    return [marked[at * len(marked) // room] for at in range(room)]


def _steps(clips: Sequence[Clip]) -> list[Moment]:
    """Moments at even steps over all parts."""
    whole = sum(clip.duration_ms for clip in clips)
    found = []
    for step in range(STEPS):
        left = whole * step // max(1, STEPS - 1)
        for clip in clips:
            if left <= clip.duration_ms:
                at = clip.started_at + dt.timedelta(milliseconds=left)
                found.append(Moment(at, None, clip, left))
                break
            left -= clip.duration_ms
    return found


def seen_in(clips: Sequence[Clip], moment: dt.datetime) -> tuple[Clip | None, int]:
    """The clip that shows a moment and where in it, in milliseconds; None where none does."""
    for clip in clips:
        at_ms = at_in_clip(clip, moment)
        if at_ms is not None:
            return clip, at_ms
    for clip in clips:
        end = clip.started_at + dt.timedelta(milliseconds=clip.duration_ms)
        if clip.started_at - SLACK <= moment < clip.started_at:
            return clip, 0
        if end < moment <= end + SLACK:
            return clip, clip.duration_ms
    return None, 0


def nearest(found: Sequence[Moment], event: int, at: dt.datetime) -> int | None:
    """The tile of an event, else the one that is nearest in time; None without tiles."""
    if not found:
        return None
    own = next((index for index, moment in enumerate(found) if moment.event == event), None)
    if own is not None:
        return own
    return min(range(len(found)), key=lambda index: abs(found[index].at - at))


def position(record: Record, moment: Moment) -> str:
    """Where in the session a moment is: `+0:05`, `-0:03` before it was opened."""
    seconds = round((moment.at - record.session.opened_at).total_seconds())
    sign = "-" if seconds < 0 else "+"
    minutes, rest = divmod(abs(seconds), 60)
    return f"{sign}{minutes}:{rest:02}"


def at_share(record: Record, share: float) -> Moment | None:
    """The moment at a share of the length of the longest camera's film; None without video."""
    clips = [clip for clip in record.clips if clip.camera == cameras(record)[0]]
    left = round(share * sum(clip.duration_ms for clip in clips))
    for clip in clips:
        if left <= clip.duration_ms:
            at = clip.started_at + dt.timedelta(milliseconds=left)
            return Moment(at, None, clip, left)
        left -= clip.duration_ms
    return None
