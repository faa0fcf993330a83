"""The part of a package's page that shows one session: its videos, photos and record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from storage.evidence.page import later as page_later
from storage.evidence.page.glance import VERDICT_OF_LABEL, badge, label, title
from storage.evidence.page.parts import (
    bad,
    carrier,
    code,
    length,
    listed,
    outside,
    shown,
    sign,
    slot,
    slots,
    table,
    time,
    url,
    visible,
)
from storage.evidence.page.timeline import epoch_ms, timeline
from storage.evidence.page.words import labelled, say
from storage.records import CheckDigit, Clip, Session, Shot

if TYPE_CHECKING:
    from storage.evidence.contents import Contents

Names = Mapping[tuple[str, str], str]
"""The names of the files in the package, by owner and path in the archive."""


def session_part(session: Session, contents: Contents, names: Names) -> str:
    """One session, from its videos to its record."""
    amendments = contents.amended(session.id)
    sources = {
        clip.path: name for clip in session.clips if (name := names.get((session.id, clip.path)))
    }
    gone = page_later.gone(amendments)
    film = gone or _film(session, sources)
    photos = "" if gone else f"<h3>{say('section.photos')}</h3>{_photos(session, names)}"
    return (
        f'<section id="{session.id}"><h2>{title(session, contents)} {badge(session)}</h2>'
        f"<h3>{say('section.video')}</h3>{film}"
        f"<h3>{say('section.timeline')}</h3>{timeline(session, sources)}{photos}"
        f"<h3>{say('section.facts')}</h3>{table(_record(session, contents))}"
        f"{page_later.corrections(amendments)}</section>"
    )


# ---------------------------------------------------------------------------- video


def _film(session: Session, sources: Mapping[str, str]) -> str:
    clips = [
        _clip(clip, session, sources[clip.path]) for clip in session.clips if clip.path in sources
    ]
    if not clips:
        return f"<p>{say('clip.none')}</p>"
    count = "one" if len(clips) == 1 else "many"
    speeds = "".join(
        f'<button type="button" data-speed="{speed}" aria-pressed="{str(speed == 1).lower()}">'
        f"{speed}×</button>"
        for speed in (0.5, 1, 2, 4)
    )
    return (
        f'<div class="film {count}">{"".join(clips)}</div>'
        f'<div class="together scripted" data-session="{session.id}" role="group" '
        f'{labelled("section.video")}><button type="button" class="play">'
        f'<span class="off">▶ {say("film.play")}</span>'
        f'<span class="on">❚❚ {say("film.pause")}</span>'
        f'</button><span class="speeds" role="group" {labelled("film.speed")}>{speeds}</span></div>'
    )


def _clip(clip: Clip, session: Session, name: str) -> str:
    facts = [
        say("clip.part", part=str(clip.part)),
        time(clip.started_at),
        length(clip.duration_ms),
        f"{clip.width}×{clip.height}",
        say("clip.pre_roll", seconds=f"{clip.pre_roll_ms / 1000:.1f}"),
    ]
    if clip.dropped:
        facts.append(say("clip.dropped", count=str(clip.dropped)))
    if clip.copied:
        facts.append(say("clip.copied"))
    return (
        f'<figure><div class="screen"><video controls muted playsinline preload="metadata" '
        f'src="{url(name)}" title="{visible(clip.camera)}" data-session="{session.id}" '
        f'data-start="{epoch_ms(clip.started_at)}" data-duration="{clip.duration_ms}"></video>'
        f'<p class="elsewhere" hidden>{say("film.elsewhere")}</p></div>'
        f'<p class="unplayable alarm" hidden>{say("clip.unplayable", codec=outside(clip.codec))} '
        f'<a href="{url(name)}">{visible(name)}</a></p>'
        f'<figcaption><b>{outside(clip.camera)}</b> <output class="moment scripted"></output>'
        f"<br><small>{' · '.join(facts)}</small></figcaption></figure>"
    )


# ---------------------------------------------------------------------------- photos


def _photos(session: Session, names: Names) -> str:
    counting = {shot.slot: shot.path for shot in session.shots}
    photos = [
        _photo(shot, name, shot.path == counting[shot.slot])
        for shot in session.shots
        if (name := names.get((session.id, shot.path)))
    ]
    if not photos:
        return f"<p>{say('photo.none')}</p>"
    return f'<div class="photos">{"".join(photos)}</div>'


def _photo(shot: Shot, name: str, counts: bool) -> str:
    check = ""
    if shot.label_check is not None:
        verdict = VERDICT_OF_LABEL[shot.label_check]
        check = f'<br><span class="check {verdict}">{sign(verdict)} {shown(label(shot))}</span>'
    later = "" if counts else f" · <em>{say('photo.retaken')}</em>"
    camera = say("photo.camera", camera=outside(shot.camera))
    what = visible(shot.slot)
    return (
        f'<figure class="{"counts" if counts else "retaken"}">{picture(name, what)}'
        f"<figcaption><b>{shown(slot(shot.slot))}</b>{later}{check}<br><small>"
        f"{time(shot.taken_at)} · {camera} · {shot.width}×{shot.height}</small></figcaption>"
        "</figure>"
    )


def picture(name: str, what: str) -> str:
    """A picture that opens large; `what` is HTML that says what it shows."""
    source = url(name)
    return f'<a class="zoom" href="{source}"><img loading="lazy" src="{source}" alt="{what}"></a>'


# ---------------------------------------------------------------------------- record


def _record(session: Session, contents: Contents) -> Iterable[tuple[str, str]]:
    number = contents.numbers[session.id]
    yield "record.number", outside(number)
    if session.waybill.number != number:
        yield "record.recorded_as", bad(outside(session.waybill.number))
    yield "record.carrier", carrier(session.waybill.carrier)
    yield "record.digit", _digit(session.waybill.check)
    yield "record.orders", listed(contents.orders.get(number, ()))
    ended = f" · {say(f'end.{session.end_reason}')}" if session.end_reason else ""
    yield "record.status", badge(session) + ended
    yield "record.opened", time(session.opened_at)
    yield "record.sealed", time(session.sealed_at)
    yield "record.bench", outside(session.bench)
    yield "record.packer", outside(session.packer or "–")
    yield "record.missing", shown(slots(session.missing))
    for gap in session.gaps:
        end = say("know.to_the_end") if gap.ended_at is None else time(gap.ended_at)
        camera, cause = bad(outside(gap.camera)), outside(gap.cause)
        yield "record.gap", f"{camera} {time(gap.started_at)} – {end}: {cause}"
    yield "record.raw", code(session.waybill.raw)
    yield "record.session", code(session.id)


def _digit(check: CheckDigit | None) -> str:
    if check is None:
        return say("digit.none")
    words = say(f"digit.{check}")
    return bad(words) if check is CheckDigit.FAILED else words
