"""What happened to a parcel, in the order in which it happened. Pure.

One list out of what the session says, what was said later, and what the ledger tells beside that.
Knows no widget and no file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from station.local_time import LOCAL
from storage.later import Amendment, Change
from storage.ledger import LedgerEvent
from storage.records import LabelCheck, Status, parse_utc

if TYPE_CHECKING:
    from station.dossier import Dossier, Paper, Record, Told
    from station.ui.archive.words import Words
    from storage.disclosures import Disclosure
    from storage.records import Shot

Params = tuple[tuple[str, str], ...]
_SHOWN_ELSEWHERE: Final = frozenset(
    {
        LedgerEvent.OPENED,
        LedgerEvent.SEALED,
        LedgerEvent.CANCELLED,
        LedgerEvent.INTERRUPTED,
        LedgerEvent.AMENDED,
        LedgerEvent.DOCUMENT_FILED,
        LedgerEvent.EXPORTED,
    }
)
"""Ledger events whose facts stand in the session, the amendment, the document or the disclosure."""
_CHANGES: Final = {
    Change.REBOUND: ("⇄", "check"),
    Change.NOTED: ("✎", "quiet"),
    Change.TEST: ("○", "quiet"),
    Change.HELD: ("■", "work"),
    Change.REFILED: ("⇄", "check"),
    Change.UNDONE: ("□", "quiet"),
    Change.DELETED: ("✖", "stop"),
}
_ENDS: Final = {
    Status.SEALED: ("✔", "done"),
    Status.INTERRUPTED: ("▲", "check"),
    Status.CANCELLED: ("○", "quiet"),
}
_LABELS: Final = {
    LabelCheck.MATCH: "done",
    LabelCheck.MISMATCH: "stop",
    LabelCheck.UNREADABLE: "check",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `key` and `params` say it, `sign` and `tone` mark it. A photo has
    its `shot`, a document its `paper`; `filmed` is True for what the video may show."""

    at: dt.datetime
    key: str
    params: Params
    sign: str
    tone: str
    filmed: bool = False
    shot: Shot | None = None
    paper: Paper | None = None


def events(dossier: Dossier, record: Record) -> tuple[Event, ...]:
    """What happened in and to one session, and to its parcel's documents, oldest first."""
    found = [
        *_packed(record),
        *(_said(each) for each in record.amendments),
        *(_left(each) for each in record.disclosures),
        *_told_only(record.told),
    ]
    for paper in dossier.papers:
        found.append(_filed(paper))
        found += (_said(each) for each in paper.amendments)
        found += _told_only(paper.told)
    return tuple(sorted(found, key=lambda event: event.at))


def _packed(record: Record) -> Iterator[Event]:
    """What the session itself says."""
    session = record.session
    who = (("packer", session.packer or "·"), ("bench", session.bench))
    opened = f"parcel.event.opened_{session.kind.value}"
    yield Event(session.opened_at, opened, who, "▶", "work", filmed=True)
    for clip in session.clips:
        params = (("camera", clip.camera), ("part", str(clip.part)))
        key = "parcel.event.clip" if clip.part == 1 else "parcel.event.clip_part"
        yield Event(clip.started_at, key, params, "●", "quiet", filmed=True)
    for shot in session.shots:
        yield _photo(shot)
    for gap in session.gaps:
        params = (("camera", gap.camera), ("cause", gap.cause))
        yield Event(gap.started_at, "parcel.event.gap", params, "▲", "check", filmed=True)
        if gap.ended_at is not None:
            yield Event(gap.ended_at, "parcel.event.gap_over", params, "△", "quiet", filmed=True)
    for note in session.notes:
        params = (("what", note.what), ("text", note.text))
        yield Event(note.at, "parcel.event.note", params, "✎", "quiet", filmed=True)
    if session.sealed_at is not None and session.status in _ENDS:
        sign, tone = _ENDS[session.status]
        key = f"parcel.event.{session.status.value}"
        how = "" if session.end_reason is None else session.end_reason.value
        params = (("how", how), ("reason", session.reason))
        yield Event(session.sealed_at, key, params, sign, tone, filmed=True)


def _photo(shot: Shot) -> Event:
    params = (("slot", shot.slot), ("camera", shot.camera), ("read", shot.label_read))
    key, tone = "parcel.event.shot", "work"
    if shot.label_check is not None:
        key, tone = f"parcel.event.label_{shot.label_check.value}", _LABELS[shot.label_check]
    return Event(shot.taken_at, key, params, "◆", tone, filmed=True, shot=shot)


def _said(each: Amendment) -> Event:
    sign, tone = _CHANGES[each.change]
    params = (
        ("by", each.by),
        ("text", each.text),
        ("number", each.number),
        ("group", "" if each.group is None else each.group.value),
    )
    return Event(each.at, f"parcel.event.{each.change.value}", params, sign, tone)


def _filed(paper: Paper) -> Event:
    document = paper.document
    params = (
        ("name", document.name),
        ("group", paper.group.value),
        ("by", document.by),
        ("how", document.how),
    )
    return Event(document.filed_at, "parcel.event.document", params, "▤", "work", paper=paper)


def _left(each: Disclosure) -> Event:
    key = "parcel.event.exported_for" if each.recipient else "parcel.event.exported"
    params = (
        ("by", each.by or "·"),
        ("recipient", each.recipient),
        ("package", each.package),
        ("profile", each.profile),
        ("reason", each.reason),
    )
    return Event(each.at, key, params, "➔", "check")


def _told_only(told: Sequence[Told]) -> Iterator[Event]:
    """What the ledger tells that nothing else does: who looked, what was repaired."""
    for each in told:
        if each.event in _SHOWN_ELSEWHERE:
            continue
        try:
            at = parse_utc(str(each.facts["at"]))
        except (KeyError, ValueError):
            continue
        names = ("by", "what", "path")
        params = tuple((name, str(each.facts.get(name) or "·")) for name in names)
        if each.event == LedgerEvent.LOOKED:
            yield Event(at, "parcel.event.looked", params, "◌", "quiet")
        else:
            facts = (*params, ("event", each.event.replace("_", " ")))
            yield Event(at, "parcel.event.ledger", facts, "·", "quiet")


# ---------------------------------------------------------------------------- in words


_NAMED: Final = {"slot": "slot", "group": "group", "how": "how", "what": "what"}
"""Parameters that are one of a few words, and where their names stand below `parcel`."""


def told(event: Event, words: Words) -> str:
    """What happened, in the person's language."""
    params = [(name, named(_NAMED.get(name, ""), value, words)) for name, value in event.params]
    text = words.text(event.key, params)
    return text.rstrip(" :·")


def named(what: str, value: str, words: Words) -> str:
    """A word of the archive in the person's language; one that has no name is shown as it is."""
    key = f"parcel.{what}.{value}"
    return words.text(key) if what and words.has(key) else value.replace("_", " ")


def when(event: Event, first: dt.datetime) -> str:
    """The local time of an event, with its day when that is not the one of `first`."""
    at = event.at.astimezone(LOCAL)
    if at.date() == first.astimezone(LOCAL).date():
        return f"{at:%H:%M:%S}"
    return f"{at:%Y-%m-%d %H:%M}"
