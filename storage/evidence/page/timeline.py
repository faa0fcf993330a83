"""The part of a package's page that leads into its videos: when each camera recorded, and what
happened then.

A picture of lanes and a list of links, which open a video at a moment where no script runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storage.evidence.events import Event, What, events_of, position_ms
from storage.evidence.page.glance import VERDICT_OF_LABEL, label
from storage.evidence.page.parts import (
    BAD,
    DOUBT,
    GOOD,
    PLAIN,
    clock,
    length,
    outside,
    shown,
    sign,
    slot,
    url,
)
from storage.evidence.page.words import known, labelled, say
from storage.records import Clip, Session, Status

MS = dt.timedelta(milliseconds=1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LANE_PX = 26
HEAD_PX = 22
"""Height of a camera's lane, and of the marks of the events above all lanes."""


def epoch_ms(moment: dt.datetime) -> int:
    """A moment as the page's script counts: milliseconds since 1970."""
    return round((moment - EPOCH) / MS)


@dataclass(frozen=True, slots=True)
class _Span:
    """What the lanes show, from the first moment to the last."""

    start: dt.datetime
    end: dt.datetime

    def share(self, moment: dt.datetime) -> float:
        """Where a moment lies, 0 to 100."""
        whole = self.end - self.start
        return round(min(max((moment - self.start) / whole, 0.0), 1.0) * 100, 3)


def timeline(session: Session, sources: Mapping[str, str]) -> str:
    """The lanes and the events of a session; `sources` are the clips' names in the package, by
    their paths in the archive."""
    events = events_of(session)
    lines = "".join(_line(event, session, sources) for event in events)
    return (
        f'{_lanes(session, events)}<p class="hint scripted">{say("film.hint")}</p>'
        f'<ol class="events">{lines}</ol>'
    )


# ---------------------------------------------------------------------------- lanes


def _lanes(session: Session, events: Iterable[Event]) -> str:
    span = _span(session)
    cameras = list(dict.fromkeys(clip.camera for clip in session.clips))
    cameras += [gap.camera for gap in session.gaps if gap.camera not in cameras]
    cameras = list(dict.fromkeys(cameras))
    if span is None or not cameras:
        return ""
    height = HEAD_PX + LANE_PX * len(cameras)
    drawn = "".join(_lane(camera, at, session, span) for at, camera in enumerate(cameras))
    ticks = "".join(_tick(event, session, span, height) for event in events)
    names = "".join(f"<li>{outside(camera)}</li>" for camera in cameras)
    return (
        f'<div class="lanes"><ul aria-hidden="true">{names}</ul><div>'
        f'<svg role="img" {labelled("film.lanes")} height="{height}" '
        f'data-start="{epoch_ms(span.start)}" data-end="{epoch_ms(span.end)}" '
        f'data-session="{session.id}">{drawn}{ticks}'
        f'<line class="head" x1="0" x2="0" y1="0" y2="{height}" visibility="hidden"></line></svg>'
        f'<div class="scale"><span>{clock(span.start)}</span>'
        f"<span>{length((span.end - span.start) / MS)}</span><span>{clock(span.end)}</span>"
        "</div></div></div>"
    )


def _span(session: Session) -> _Span | None:
    moments = [session.opened_at]
    for clip in session.clips:
        moments += [clip.started_at, clip.started_at + clip.duration_ms * MS]
    for gap in session.gaps:
        moments += [gap.started_at] if gap.ended_at is None else [gap.started_at, gap.ended_at]
    if session.sealed_at is not None:
        moments.append(session.sealed_at)
    start, end = min(moments), max(moments)
    return _Span(start, end) if start < end else None


def _lane(camera: str, at: int, session: Session, span: _Span) -> str:
    top = HEAD_PX + LANE_PX * at + 4
    drawn = f'<rect class="idle" x="0" width="100%" y="{top}" height="{LANE_PX - 8}"></rect>'
    for clip in session.clips:
        if clip.camera == camera:
            end = clip.started_at + clip.duration_ms * MS
            drawn += _bar("clip", top, span.share(clip.started_at), span.share(end))
    for gap in session.gaps:
        if gap.camera == camera:
            end = span.end if gap.ended_at is None else gap.ended_at
            drawn += _bar("gap", top, span.share(gap.started_at), span.share(end))
    return drawn


def _bar(kind: str, top: int, start: float, end: float) -> str:
    width = max(round(end - start, 3), 0.2)
    place = f'x="{start}%" width="{width}%" y="{top}" height="{LANE_PX - 8}"'
    return f'<rect class="{kind}" {place}></rect>'


def _tick(event: Event, session: Session, span: _Span, height: int) -> str:
    at, verdict = span.share(event.at), _verdict(event, session)
    return (
        f'<line class="tick {verdict}" x1="{at}%" x2="{at}%" y1="10" y2="{height}"></line>'
        f'<circle class="{verdict}" cx="{at}%" cy="10" r="6"></circle>'
    )


# ---------------------------------------------------------------------------- events


def _verdict(event: Event, session: Session) -> str:
    if event.shot is not None and event.shot.label_check is not None:
        return VERDICT_OF_LABEL[event.shot.label_check]
    if event.what in (What.GAP, What.GAP_OVER):
        return DOUBT
    if event.what is What.ENDED:
        return GOOD if session.status is Status.SEALED else BAD
    return PLAIN


def _line(event: Event, session: Session, sources: Mapping[str, str]) -> str:
    at = _clip_at(event.at, session.clips, sources)
    if at is None:
        moment, unseen = clock(event.at), f" <em>({say('event.unseen')})</em>"
    else:
        clip, ms = at
        name, seconds = url(sources[clip.path]), f"{ms / 1000:.3f}"
        moment = (
            f'<a href="{name}#t={seconds}" data-at="{epoch_ms(event.at)}" '
            f'data-session="{session.id}">{clock(event.at)}</a>'
        )
        unseen = ""
    mark, what = sign(_verdict(event, session)), _what(event, session)
    return f"<li>{moment} {mark} <span>{what}{unseen}</span></li>"


def _clip_at(
    moment: dt.datetime, clips: Iterable[Clip], sources: Mapping[str, str]
) -> tuple[Clip, int] | None:
    """The first clip in the package that shows a moment, and where."""
    for clip in clips:
        ms = position_ms(clip, moment)
        if ms is not None and clip.path in sources:
            return clip, ms
    return None


def _what(event: Event, session: Session) -> str:
    if event.shot is not None:
        check = f" · {shown(label(event.shot))}" if event.shot.label_check else ""
        return f"{say('event.shot')}: {shown(slot(event.shot.slot))}{check}"
    if event.gap is not None:
        words = say(f"event.{event.what}", camera=outside(event.gap.camera))
        return f"{words}: {outside(event.gap.cause)}" if event.what is What.GAP else words
    if event.note is not None:
        key = f"note.{event.note.what}"
        return f"{say(key if known(key) else 'note.other')}: {outside(event.note.text)}"
    if event.what is What.ENDED and session.status is not Status.SEALED:
        return say(f"event.ended_{session.status}")
    return say(f"event.{event.what}")
