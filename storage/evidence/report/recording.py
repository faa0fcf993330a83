"""One recording in a report: its verdicts, photos, label check, video and what happened.

Pure: plain data for the page, words and numbers out of records.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from storage.evidence.events import Event, What, events_of, position_ms
from storage.evidence.report.cover import heading
from storage.evidence.report.glyphs import shown
from storage.evidence.report.parts import About, amendment, by_camera, lasted_ms, photo
from storage.evidence.report.pictures import Picture
from storage.evidence.report.sheet import Cell, cameras_of
from storage.evidence.report.words import (
    Said,
    Words,
    clock,
    day,
    fine,
    length,
    moment,
    place,
)
from storage.records import Clip, Gap, LabelCheck, Session, Shot, Status

OFTEN: Final = 40
"""Files at whose places one event is seen that a line names."""


def recording(about: About, session: Session) -> dict[str, Any]:
    """Everything about one recording."""
    deletion = about.deletion(session)
    checked = [shot for shot in session.shots if shot.label_check is not None][-1:]
    shots = [] if deletion else [shot for shot in session.shots if shot not in checked]
    return {
        "heading": heading(about.words, session),
        "when": _when(session),
        "tiles": _tiles(about, session),
        "facts": _facts(about, session),
        "gone": about.words.said("deleted_long", at=moment(deletion.at), rule=deletion.text)
        if deletion
        else None,
        "photos": [photo(about, session, shot) for shot in shots],
        "label": _label(about, session, checked[0]) if checked and not deletion else None,
        "clips": [_clip(about, session, clip) for clip in by_camera(session)],
        "sheets": [] if deletion else list(_sheets(about, session)),
        "timeline": [_line(about, session, event) for event in events_of(session)],
        "gaps": [_gap(about.words, session, gap) for gap in session.gaps],
        "said": [amendment(about, each) for each in about.contents.amended(session.id)],
    }


def _when(session: Session) -> str:
    """When, how long, where and by whom, in no language."""
    when = moment(session.opened_at)
    if session.sealed_at is not None:
        lasted = length(lasted_ms(session.opened_at, session.sealed_at))
        start = f"{day(session.opened_at)} {clock(session.opened_at)}"
        when = f"{start} – {clock(session.sealed_at)} UTC ({lasted})"
    return f"{when} · {shown(session.bench)} · {shown(session.packer) or '–'}"


# ---------------------------------------------------------------------------- verdicts


def _tiles(about: About, session: Session) -> list[dict[str, Any]]:
    """The four verdicts: what it is about, the words, whether it is good."""
    tiles = (
        ("tile_status", *_status(about.words, session)),
        ("tile_complete", *_complete(about.words, session)),
        ("tile_label", *_label_verdict(about.words, session)),
        ("tile_video", *_video(about, session)),
    )
    return [
        {"head": about.words.said(key), "text": text, "good": good} for key, text, good in tiles
    ]


def _status(words: Words, session: Session) -> tuple[Said, bool]:
    at = "–" if session.sealed_at is None else f"{clock(session.sealed_at)} UTC"
    return words.said(f"status_{session.status}", at=at), session.status is Status.SEALED


def _complete(words: Words, session: Session) -> tuple[Said, bool]:
    if session.missing:
        slots = words.listed([words.slot(slot) for slot in session.missing])
        return words.said("incomplete", slots=slots), False
    if not session.required_slots:
        return words.said("complete_none", taken=len(session.shots)), True
    return words.said("complete", count=len(session.required_slots)), True


def _label_verdict(words: Words, session: Session) -> tuple[Said, bool]:
    checked = [shot for shot in session.shots if shot.label_check is not None]
    if not checked:
        return words.said("label_none"), False
    last = checked[-1]
    if last.label_check is LabelCheck.MISMATCH and last.label_read:
        return words.said("mismatch_shows", read=last.label_read), False
    return words.said(f"{last.label_check}"), last.label_check is LabelCheck.MATCH


def _video(about: About, session: Session) -> tuple[Said, bool]:
    if about.deletion(session):
        return about.words.said("deleted"), False
    if not session.clips:
        return about.words.said("video_none"), False
    cameras = cameras_of(session)
    whole = sum(clip.duration_ms for clip in session.clips if clip.camera == cameras[0])
    lost = sum(_lost_ms(session, gap) for gap in session.gaps)
    return about.words.said(
        "video_gaps" if session.gaps else "video_whole",
        cameras=len(cameras),
        length=length(whole),
        count=len(session.gaps),
        lost=length(lost),
    ), not session.gaps


def _facts(about: About, session: Session) -> list[tuple[Said, Said | str]]:
    say, number = about.words.said, about.contents.numbers[session.id]
    rows: list[tuple[Said, Said | str]] = [(say("number"), shown(number))]
    if number != session.waybill.number:
        rows.append((say("recorded_as"), shown(session.waybill.number)))
    rows += [
        (say("raw"), shown(session.waybill.raw)),
        (say("bench"), shown(session.bench)),
        (say("packer"), shown(session.packer) or "–"),
        (say("opened_at"), moment(session.opened_at)),
        (say("ended_at"), "–" if session.sealed_at is None else moment(session.sealed_at)),
        (say("ended_how"), say(f"end_{session.end_reason or 'unknown'}")),
    ]
    if session.reason:
        rows.append((say("said_reason"), shown(session.reason)))
    return [*rows, (say("session"), session.id)]


# ---------------------------------------------------------------------------- label and video


def _label(about: About, session: Session, shot: Shot) -> dict[str, Any]:
    rows = [(about.words.said("scanned"), shown(session.waybill.number))]
    if shot.label_read:
        rows.append((about.words.said("on_label"), shown(shot.label_read)))
    return {
        "photo": photo(about, session, shot),
        "good": shot.label_check is LabelCheck.MATCH,
        "verdict": about.words.said(f"label_{shot.label_check}"),
        "rows": rows,
    }


def _clip(about: About, session: Session, clip: Clip) -> dict[str, Any]:
    fault = about.pictures.films.get(clip.path)
    return {
        "name": about.name(session, clip),
        "row": [
            fine(clip.started_at),
            length(clip.duration_ms),
            length(clip.pre_roll_ms),
            f"{clip.width}×{clip.height}",
            f"{clip.dropped} / {clip.frames + clip.dropped}",
        ],
        "text": about.words.said("text_track" if clip.copied else "text_burnt"),
        "fault": None if fault is None else about.words.said(f"fault_{fault}"),
    }


def _sheets(about: About, session: Session) -> list[dict[str, Any]]:
    """The contact sheet of each camera that there is room for."""
    found = []
    for count, camera in enumerate(cameras_of(session)):
        room = about.room[1 if count else 0]
        frames = about.pictures.frames.get(session.id, ())
        seen = [each for each in frames if each[0].clip.camera == camera]
        by_rank = sorted(range(len(seen)), key=lambda at: seen[at][0].rank)
        cells = [_cell(about, session, *seen[at]) for at in sorted(by_rank[:room])]
        if cells:
            found.append({"camera": about.words.said("sheet", camera=camera), "cells": cells})
    return found


def _cell(about: About, session: Session, cell: Cell, picture: Picture) -> dict[str, Any]:
    at = cell.clip.started_at + dt.timedelta(milliseconds=cell.at_ms)
    alt = about.words.said("frame_alt", camera=cell.clip.camera, at=clock(at))
    return {
        "image": about.draw(picture, False),
        "alt": alt[0],
        "clock": clock(at),
        "place": place(cell.at_ms),
        "events": [_event(about.words, session, event) for event in cell.events],
    }


# ---------------------------------------------------------------------------- what happened


def _line(about: About, session: Session, event: Event) -> dict[str, Any]:
    seen = [
        f"{about.name(session, clip)} {place(at_ms)}"
        for clip in by_camera(session)
        if (at_ms := position_ms(clip, event.at)) is not None
    ]
    return {
        "at": fine(event.at),
        "what": _event(about.words, session, event),
        "detail": _detail(event),
        "seen": seen[:OFTEN],
        "bad": event.what in (What.GAP, What.GAP_OVER),
    }


def _event(words: Words, session: Session, event: Event) -> Said:
    if event.shot is not None:
        return words.said("event_shot", slot=words.slot(event.shot.slot))
    if event.gap is not None:
        return words.said(f"event_{event.what}", camera=event.gap.camera)
    if event.note is not None:
        return words.said("event_note")
    return words.said(f"event_{session.status}" if event.what is What.ENDED else "event_opened")


def _detail(event: Event) -> str:
    """What belongs to an event in no language."""
    if event.note is not None:
        return shown(event.note.text)
    return shown(event.gap.cause) if event.gap is not None and event.what is What.GAP else ""


def _gap(words: Words, session: Session, gap: Gap) -> list[Said | str]:
    return [
        shown(gap.camera),
        fine(gap.started_at),
        words.said("gap_end") if gap.ended_at is None else fine(gap.ended_at),
        length(_lost_ms(session, gap)),
        shown(gap.cause),
    ]


def _lost_ms(session: Session, gap: Gap) -> int:
    return lasted_ms(gap.started_at, gap.ended_at or session.sealed_at)
