"""The top of a package's page: what an adjuster has to know of each session in a minute. Pure.

A verdict here is what the bench noted, never more; whether the files are still those that were
signed is for the page's script or another program to say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from storage.evidence.page.parts import (
    BAD,
    DOUBT,
    GOOD,
    PLAIN,
    clock,
    code,
    day,
    length,
    outside,
    shown,
    sign,
    slots,
    time,
    zoned,
)
from storage.evidence.page.words import Part, said, say
from storage.later import Amendment, Change
from storage.records import CheckDigit, Gap, LabelCheck, Session, Shot, Status

if TYPE_CHECKING:
    from storage.evidence.contents import Contents

VERDICT_OF_LABEL = {
    LabelCheck.MATCH: GOOD,
    LabelCheck.MISMATCH: BAD,
    LabelCheck.UNREADABLE: DOUBT,
}
Notice = tuple[str, str]
"""A verdict, and HTML that says what it is about."""


def glance(contents: Contents) -> str:
    """The tiles of every session."""
    return "".join(_tiles(session, contents) for session in contents.sessions)


def notices(contents: Contents) -> str:
    """What a reader must know before anything else; one line where there is nothing."""
    found = [notice for session in contents.sessions for notice in _of_session(session, contents)]
    left_out = (
        ("know.open", contents.left_out),
        ("know.damaged_documents", contents.damaged_documents),
        ("know.damaged_checks", contents.damaged_checks),
    )
    found += [(DOUBT, say(key, ids=", ".join(map(code, ids)))) for key, ids in left_out if ids]
    found = found or [(GOOD, say("glance.nothing"))]
    lines = "".join(
        f'<li class="{verdict}">{sign(verdict)}<div>{what}</div></li>' for verdict, what in found
    )
    return f'<ul class="know">{lines}</ul>'


def title(session: Session, contents: Contents) -> str:
    """What a session is called on the page; with its number where that tells it from others."""
    of = (
        f" · {outside(contents.numbers[session.id])}"
        if len(set(contents.numbers.values())) > 1
        else ""
    )
    pass_ = say("glance.pass", number=str(session.pass_no))
    return f"{say(f'kind.{session.kind}')} · {pass_}{of}"


def badge(session: Session) -> str:
    """How the session ended, with the reason where somebody gave one."""
    verdict = GOOD if session.status is Status.SEALED else BAD
    reason = f" ({outside(session.reason)})" if session.reason else ""
    return f'<span class="badge {verdict}">{say(f"status.{session.status}")}</span>{reason}'


def label(shot: Shot) -> Part:
    """What the check of a photo's label has found, with the number that a wrong one shows."""
    check = said(f"label.{shot.label_check}")
    if not shot.label_read:
        return check
    return said("label.shows", check=check, number=outside(shot.label_read))


def counting_label(session: Session) -> Shot | None:
    """The photo whose label check counts: the last that has one."""
    checked = [shot for shot in session.shots if shot.label_check is not None]
    return checked[-1] if checked else None


# ---------------------------------------------------------------------------- tiles


def _tiles(session: Session, contents: Contents) -> str:
    deleted = session.id in contents.deleted
    tiles = (
        _evidence(session, deleted),
        _label(session),
        _video(session, deleted),
        _when(session),
        _tile(PLAIN, "glance.who", outside(session.packer or "–"), [outside(session.bench)]),
    )
    return (
        f'<article class="glance"><h3><a href="#{session.id}">{title(session, contents)}</a> '
        f'{badge(session)}</h3><div class="tiles">{"".join(tiles)}</div></article>'
    )


def _tile(verdict: str, key: str, value: str, below: Iterable[str] = ()) -> str:
    mark = "" if verdict == PLAIN else f"{sign(verdict)} "
    lines = "".join(f"<p>{line}</p>" for line in below)
    head = f"<h4>{say(key)}</h4><strong>{mark}{value}</strong>"
    return f'<div class="tile {verdict}">{head}{lines}</div>'


def _evidence(session: Session, deleted: bool) -> str:
    wanted, missing = len(session.required_slots), session.missing
    photos = (
        say("glance.photos", there=str(wanted - len(missing)), all=str(wanted))
        if wanted
        else say("glance.photos_taken", count=str(len(session.shots)))
    )
    if deleted:
        return _tile(BAD, "glance.evidence", say("glance.deleted"), [photos])
    below = [photos]
    if missing:
        below.append(say("glance.missing", slots=slots(missing)))
    if not session.clips:
        below.append(say("glance.no_video"))
    whole = session.complete
    key = "glance.complete" if whole else "glance.incomplete"
    return _tile(GOOD if whole else BAD, "glance.evidence", say(key), below)


def _label(session: Session) -> str:
    shot = counting_label(session)
    if shot is None or shot.label_check is None:
        return _tile(DOUBT, "glance.label", say("label.none"))
    return _tile(VERDICT_OF_LABEL[shot.label_check], "glance.label", shown(label(shot)))


def _video(session: Session, deleted: bool) -> str:
    if not session.clips:
        return _tile(BAD, "glance.video", say("glance.no_video"))
    cameras = {clip.camera for clip in session.clips}
    longest = max(
        sum(clip.duration_ms for clip in session.clips if clip.camera == camera)
        for camera in cameras
    )
    video = say("glance.cameras", length=length(longest), count=str(len(cameras)))
    if deleted:
        return _tile(BAD, "glance.video", say("glance.deleted"), [video])
    if not session.gaps:
        return _tile(GOOD, "glance.video", say("glance.no_gap"), [video])
    return _tile(DOUBT, "glance.video", _gaps(session.gaps), [video])


def _gaps(gaps: Iterable[Gap]) -> str:
    each = [None if gap.ended_at is None else gap.ended_at - gap.started_at for gap in gaps]
    ended = [duration for duration in each if duration is not None]
    count = str(len(each))
    if len(ended) < len(each):
        return say("glance.gaps_to_the_end", count=count)
    whole = sum(ended, dt.timedelta()) / dt.timedelta(milliseconds=1)
    return say("glance.gaps", count=count, length=length(whole))


def _when(session: Session) -> str:
    started = day(session.opened_at)
    if session.sealed_at is None:
        return _tile(
            PLAIN, "glance.when", started, [zoned(session.opened_at), say("glance.not_sealed")]
        )
    lasted_ms = (session.sealed_at - session.opened_at) / dt.timedelta(milliseconds=1)
    span = f"{clock(session.opened_at)} – {zoned(session.sealed_at)}"
    return _tile(
        PLAIN, "glance.when", started, [span, say("glance.lasted", length=length(lasted_ms))]
    )


# ---------------------------------------------------------------------------- what to know


def _of_session(session: Session, contents: Contents) -> Iterator[Notice]:
    """What is unusual about a session, the worst first."""
    where = (
        f'<a href="#{session.id}">{title(session, contents)}</a>: '
        if len(contents.sessions) > 1
        else ""
    )
    amendments = contents.amended(session.id)
    found = [
        *_lacks(session, session.id in contents.deleted),
        *_later(session, contents, amendments),
    ]
    order = (BAD, DOUBT, PLAIN)
    for verdict, what in sorted(found, key=lambda notice: order.index(notice[0])):
        yield verdict, where + what


def _lacks(session: Session, deleted: bool) -> Iterator[Notice]:
    if session.missing:
        yield BAD, say("know.missing", slots=slots(session.missing))
    if not session.clips and not deleted:
        yield BAD, say("know.no_video")
    if session.status is not Status.SEALED:
        reason = f" ({outside(session.reason)})" if session.reason else ""
        yield BAD, say("know.status", status=said(f"status.{session.status}"), reason=reason)
    shot = counting_label(session)
    if shot is not None and shot.label_check is LabelCheck.MISMATCH:
        number = outside(shot.label_read)
        shows: Part = said("know.mismatch_shows", number=number) if shot.label_read else ""
        yield BAD, say("know.mismatch", shows=shows)
    if shot is not None and shot.label_check is LabelCheck.UNREADABLE:
        yield DOUBT, say("know.unreadable")
    for gap in session.gaps:
        end: Part = said("know.to_the_end") if gap.ended_at is None else time(gap.ended_at)
        yield (
            DOUBT,
            say(
                "know.gap",
                camera=outside(gap.camera),
                start=time(gap.started_at),
                end=end,
                cause=outside(gap.cause),
            ),
        )
    if session.waybill.check is CheckDigit.FAILED:
        yield DOUBT, say("know.digit")


def _later(
    session: Session, contents: Contents, amendments: Iterable[Amendment]
) -> Iterator[Notice]:
    was, now = session.waybill.number, contents.numbers[session.id]
    if was != now:
        yield DOUBT, say("know.rebound", was=outside(was), now=outside(now))
    undone = {each.undoes for each in contents.amendments if each.undoes}
    for each in amendments:
        who, text = outside(each.by), outside(each.text)
        if each.change is Change.DELETED:
            yield BAD, say("know.deleted", text=f"{time(each.at)} {text}")
        elif each.change is Change.TEST and each.id not in undone:
            yield BAD, say("know.test", who=who, text=text)
        elif each.change is Change.NOTED:
            yield PLAIN, say("know.noted", who=who, text=text)
