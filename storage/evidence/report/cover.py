"""The first page of a report: what somebody in a hurry must know. Pure: plain data for the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from storage.evidence.report.glyphs import shown
from storage.evidence.report.parts import About, photo, standing
from storage.evidence.report.pictures import Fault, Picture
from storage.evidence.report.words import Said, Words, count, moment
from storage.later import Change
from storage.records import CheckDigit, Clip, Kind, Session, Shot, Status

NAMES_SHOWN: Final = 12
"""How many files one notice names."""
_CHECK: Final = {CheckDigit.OK: "check_ok", CheckDigit.FAILED: "check_failed", None: "check_none"}
_FAULTS: Final = (
    ("notice_damaged", (Fault.CHANGED,)),
    ("notice_missing", (Fault.MISSING,)),
    ("notice_unreadable", (Fault.UNREADABLE, Fault.PARTLY)),
)


def number(about: About) -> str:
    """The tracking number, or several."""
    numbers = {about.contents.numbers[session.id] for session in about.contents.sessions}
    return ", ".join(sorted(numbers))


def title(about: About) -> Said:
    """What the report is."""
    kinds = {session.kind for session in about.contents.sessions}
    if len(kinds) > 1:
        return about.words.said("title_both")
    return about.words.said("title" if Kind.PACKING in kinds else "title_return")


def heading(words: Words, session: Session) -> Said:
    """Which recording it is."""
    return words.said("pass", kind=words.said(session.kind.value), count=session.pass_no)


def facts(about: About) -> list[tuple[Said, Said | str]]:
    """The lines that are about the parcel."""
    say, contents = about.words.said, about.contents
    waybills = [session.waybill for session in contents.sessions]
    orders = dict.fromkeys(order for each in contents.orders.values() for order in each)
    carriers = sorted({each.carrier for each in waybills if each.carrier})
    digits = dict.fromkeys(_CHECK[each.check] for each in waybills)
    return [
        (say("carrier"), shown(", ".join(carriers)) or say("none")),
        (say("check_digit"), about.words.listed([say(key) for key in digits])),
        (say("orders"), shown(", ".join(orders)) or say("none")),
        (say("documents"), _documents(about)),
        (say("as_of"), moment(contents.as_of)),
    ]


def _documents(about: About) -> Said:
    groups = [about.contents.groups[each.id] for each in about.contents.documents]
    if not groups:
        return about.words.said("none")
    each = about.words.listed([about.words.said(f"group_{one}") for one in dict.fromkeys(groups)])
    return about.words.said("documents_count", count=len(groups), groups=each)


def notices(about: About) -> list[tuple[Said, Said | str]]:
    """What nobody may overlook: what it is, and of which."""
    say, contents = about.words.said, about.contents
    found: list[tuple[Said, Said | str]] = []
    for session in contents.sessions:
        old, new = session.waybill.number, contents.numbers[session.id]
        if old != new:
            found.append((say("notice_rebound"), f"{shown(old)} → {shown(new)}"))
        if standing(contents.amended(session.id), Change.TEST):
            found.append((say("notice_test"), heading(about.words, session)))
        if about.deletion(session):
            found.append((say("notice_deleted"), heading(about.words, session)))
    for key, names in (
        *((key, list(_faulty(about, faults))) for key, faults in _FAULTS),
        ("notice_left_out", contents.left_out),
        ("notice_documents", contents.damaged_documents),
        ("notice_checks", contents.damaged_checks),
    ):
        if names:
            found.append((say(key), _some(names)))
    return found


def _faulty(about: About, faults: Sequence[Fault]) -> Iterable[str]:
    """The files that cannot be shown, for one of these reasons."""
    for session in about.contents.sessions:
        items: list[Clip | Shot] = [*session.clips, *session.shots]
        for item in items:
            found = about.pictures.photos.get(item.path) or about.pictures.films.get(item.path)
            if found in faults:
                yield f"{session.id}/{about.name(session, item)}"


def _some(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" … +{count(more)}" if more > 0 else "")


def faces(about: About) -> list[dict[str, Any]]:
    """Two pictures that stand for the parcel, of the newest recording that went out: the closed
    box, or what comes next to it, and the label."""
    there = [each for each in about.contents.sessions if about.deletion(each) is None]
    there.sort(key=lambda s: (s.kind is Kind.PACKING, s.status is Status.SEALED, s.opened_at))
    for session in reversed(there):
        last = {shot.slot: shot for shot in session.shots}.values()
        good = [shot for shot in last if isinstance(about.pictures.photos.get(shot.path), Picture)]
        label = [shot for shot in good if shot.label_check is not None][-1:]
        rest = [shot for shot in good if shot not in label]
        closed = [shot for shot in rest if shot.slot == "sealed_box"]
        chosen = [*(closed or rest)[-1:], *label]
        if chosen:
            return [photo(about, session, shot) for shot in chosen]
    return []
