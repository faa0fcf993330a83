"""What stands about a session at a glance: one line for each thing that anybody will ask. Pure.

The gravest is coloured; what needs no word more is said in one. Details stand at the end, where one
scrolls to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from station.dossier import Manifest, media_of
from station.local_time import LOCAL
from station.ui.archive.row import size_text
from station.ui.archive.sold import claimed, sold
from station.ui.archive.timeline import named
from station.ui.messages import shown
from storage.later import Change
from storage.ledger import LedgerEvent
from storage.records import Kind, LabelCheck, Status

if TYPE_CHECKING:
    import datetime as dt

    from station.dossier import Dossier, Record
    from station.ui.archive.words import Words
    from storage.disclosures import Disclosure
    from storage.records import Clip, Gap, Shot

HASH_CHARS: Final = 16
GIVEN_SHOWN: Final = 3
"""So many exports of a session stand among its facts; the timeline has all of them."""
SIGNS: Final = {"done": "✔", "check": "▲", "stop": "✖", "work": "◉", "quiet": "○", "": ""}
_MANIFESTS: Final = {
    Manifest.OPEN: "quiet",
    Manifest.SIGNED: "done",
    Manifest.UNSIGNED: "check",
    Manifest.FORGED: "stop",
    Manifest.CHANGED: "stop",
    Manifest.MISSING: "stop",
}
_LABELS: Final = {
    LabelCheck.MATCH: "done",
    LabelCheck.MISMATCH: "stop",
    LabelCheck.UNREADABLE: "check",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """`label` is a message key; `text` is said already; `tone` as of a row in the results."""

    label: str
    text: str
    tone: str = ""


def facts(dossier: Dossier, record: Record, words: Words) -> tuple[Fact, ...]:
    """Everything at a glance, then the details."""
    return tuple(
        Fact(f"parcel.fact.{label}", text, tone)
        for each in (_state, _packed, _evidence, _proof, _later, _details)
        for label, text, tone in each(dossier, record, words)
    )


_Said = Iterator[tuple[str, str, str]]


def _state(dossier: Dossier, record: Record, words: Words) -> _Said:
    session = record.session
    status = words.text(f"status.{session.status.value}")
    how = "" if session.end_reason is None else session.end_reason.value
    parts = [status]
    if session.status is not Status.OPEN:
        parts.append(words.text(f"parcel.state.{'complete' if complete(record) else 'incomplete'}"))
    if how:
        parts.append(named("how", how, words))
    if session.reason:
        parts.append(shown(session.reason))
    yield "state", " · ".join(parts), tone(record)
    bound = record.standing(Change.REBOUND)
    if bound:
        was = words.text("parcel.rebound", [("number", session.waybill.number)])
        yield "corrected", f"{was}: {_signed(bound[-1].text, bound[-1].by)}", "check"
    for each in record.standing(Change.TEST):
        yield "test", _signed(each.text, each.by), "quiet"
    for each in record.standing(Change.HELD):
        yield "held", _signed(each.text, each.by), "work"
    if record.deleted is not None:
        on = f"{record.deleted.at.astimezone(LOCAL):%Y-%m-%d}"
        params = [("day", on), ("why", record.deleted.text)]
        yield "deleted", words.text("parcel.deleted", params), "stop"


def _packed(dossier: Dossier, record: Record, words: Words) -> _Said:
    session = record.session
    began = session.opened_at.astimezone(LOCAL)
    text = f"{began:%Y-%m-%d %H:%M:%S}"
    if session.sealed_at is not None:
        text += f" · {span((session.sealed_at - session.opened_at).total_seconds())}"
    yield "when", text, ""
    yield "where", f"{shown(session.bench)} · {shown(session.packer) or '·'}", ""
    for order in dossier.orders:
        yield from sold(order, words)
    for claim in dossier.claims:
        yield claimed(claim, words)
    if session.waybill.check is not None:
        good = session.waybill.check.value == "ok"
        yield (
            "digit",
            words.text(f"parcel.digit.{session.waybill.check.value}"),
            ("done" if good else "check"),
        )


def _evidence(dossier: Dossier, record: Record, words: Words) -> _Said:
    session = record.session
    taken = {shot.slot for shot in session.shots}
    slots = dict.fromkeys((*session.required_slots, *(shot.slot for shot in record.shots)))
    marks = [f"{'✔' if slot in taken else '✖'} {named('slot', slot, words)}" for slot in slots]
    missing = bool(session.missing)
    yield "photos", "  ".join(marks) or words.text("parcel.none"), "stop" if missing else ""
    label = label_of(record)
    if label is not None:
        read = next((shot.label_read for shot in reversed(record.shots) if shot.label_read), "")
        said = words.text(f"parcel.label.{label.value}", [("read", read)])
        yield "label", said, _LABELS[label]
    for clip in record.clips:
        part = f" {clip.part}" if clip.part > 1 else ""
        size = f"{clip.width}×{clip.height} · {size_text(clip.size_bytes)}"
        lost = words.text("parcel.dropped", [("count", str(clip.dropped))]) if clip.dropped else ""
        text = f"{shown(clip.camera)}{part} {span(clip.duration_ms / 1000)} · {size}"
        yield "video", " · ".join(filter(None, (text, lost))), "check" if clip.dropped else ""
    if not record.clips and session.status is not Status.OPEN:
        yield "video", words.text("parcel.no_video"), "stop"
    for gap in session.gaps:
        yield "gap", gap_text(gap, words), "check"
    if not session.gaps and record.clips:
        yield "gap", words.text("parcel.no_gap"), "done"


def _proof(dossier: Dossier, record: Record, words: Words) -> _Said:
    session = record.session
    media = media_of(session)
    if record.absent and record.deleted is None:
        params = [("missing", str(len(record.absent))), ("count", str(len(media)))]
        yield "files", words.text("parcel.files_missing", params), "stop"
    elif record.deleted is None:
        size = size_text(sum(each.size_bytes for each in media))
        params = [("count", str(len(media))), ("size", size)]
        yield "files", words.text("parcel.files", params), "done" if media else ""
    params = [("key", record.key), ("hash", record.sha256[:HASH_CHARS])]
    said = words.text(f"parcel.manifest.{record.manifest.value}", params)
    yield "manifest", said, _MANIFESTS[record.manifest]
    if record.told:
        last = record.told[-1]
        params = [
            ("first", str(record.told[0].seq)),
            ("last", str(last.seq)),
            ("count", str(len(record.told))),
        ]
        yield "ledger", words.text("parcel.ledger", params), ""


def _later(dossier: Dossier, record: Record, words: Words) -> _Said:
    for paper in dossier.papers:
        group = named("group", paper.group.value, words)
        text = f"{group}: {shown(paper.document.name)} · {size_text(paper.document.size_bytes)}"
        if not paper.present:
            text += " · " + words.text("parcel.absent")
        yield "document", text, "" if paper.present else "stop"
    for each in record.standing(Change.NOTED):
        yield "note", _signed(each.text, each.by), ""
    yield "disclosed", seen_by(record, words), ""
    for disclosure in record.disclosures[: -GIVEN_SHOWN - 1 : -1]:
        yield "given", given(disclosure), ""
    if len(record.disclosures) > GIVEN_SHOWN:
        params = [("count", str(len(record.disclosures) - GIVEN_SHOWN))]
        yield "given", words.text("parcel.given_more", params), "quiet"
    for _, number in dossier.elsewhere:
        yield "elsewhere", words.text("parcel.elsewhere", [("number", number)]), "check"


def _details(dossier: Dossier, record: Record, words: Words) -> _Said:
    session = record.session
    yield "session", session.id, "quiet"
    yield "scan", shown(session.waybill.raw), "quiet"
    yield "hash_manifest", record.sha256 or "·", "quiet"
    files: tuple[Clip | Shot, ...] = (*record.clips, *record.shots)
    for each in files:
        name = each.path.rpartition("/")[2]
        absent = f" · {words.text('parcel.absent')}" if each.path in record.absent else ""
        yield "hash", f"{shown(name)}{absent}\n{each.sha256}", "stop" if absent else "quiet"
    for told in record.told:
        yield "entry", f"{told.seq} {shown(told.event)}\n{told.hash}", "quiet"


# ---------------------------------------------------------------------------- what it comes to


def complete(record: Record) -> bool:
    """True for a session with video and every photo that was asked for, its label not wrong."""
    return record.session.complete and label_of(record) is not LabelCheck.MISMATCH


def label_of(record: Record) -> LabelCheck | None:
    """What the newest photo of the label shows; None where there is none."""
    found = [shot.label_check for shot in record.shots if shot.label_check is not None]
    return found[-1] if found else None


def tone(record: Record) -> str:
    """The colour of a session as a whole: `stop`, `check`, `work`, `quiet` or `done`."""
    session = record.session
    if session.status is Status.OPEN:
        return "work"
    lost = bool(record.absent) and record.deleted is None
    if lost or _MANIFESTS[record.manifest] == "stop" or label_of(record) is LabelCheck.MISMATCH:
        return "stop"
    if session.status is Status.CANCELLED or record.standing(Change.TEST):
        return "quiet"
    if not session.clips:
        return "stop"
    if session.missing or session.gaps or session.status is Status.INTERRUPTED:
        return "check"
    return "done"


def seen_by(record: Record, words: Words) -> str:
    """How often the session was looked at and left the archive, and who was the last."""
    looks = [each for each in record.told if each.event == LedgerEvent.LOOKED]
    parts = []
    for key, by in (
        ("exported", [each.by for each in record.disclosures]),
        ("looked", [str(each.facts.get("by") or "") for each in looks]),
    ):
        if by:
            params = [("count", str(len(by))), ("by", by[-1] or "·")]
            parts.append(words.text(f"parcel.disclosed.{key}", params))
    return " · ".join(parts) or words.text("parcel.none")


def given(each: Disclosure) -> str:
    """One export: for whom and why, then when, by whom, and as what."""
    whom = shown(each.recipient) or "—"
    if each.reason:
        whom += f": {whole(each.reason)}"
    when = f"{each.at.astimezone(LOCAL):%Y-%m-%d %H:%M}"
    return f"{whom}\n{when} · {shown(each.by) or '·'} · {shown(each.profile or each.package)}"


def tab(record: Record, words: Words) -> str:
    """One session in the line of sessions."""
    session = record.session
    kind = words.text(f"kind.{session.kind.value}")
    again = f" {session.pass_no}" if session.kind is Kind.PACKING or session.pass_no > 1 else ""
    at = session.opened_at.astimezone(LOCAL)
    return f"{SIGNS[tone(record)]} {kind}{again} {at:%m-%d %H:%M}"


def gap_text(gap: Gap, words: Words) -> str:
    """A stretch without video: the camera, how long, why."""
    if gap.ended_at is None:
        length = words.text("parcel.to_the_end")
    else:
        length = span(_seconds(gap.started_at, gap.ended_at))
    return f"{shown(gap.camera)} {length} · {shown(gap.cause)}"


def _seconds(begin: dt.datetime, end: dt.datetime) -> float:
    return (end - begin).total_seconds()


def _signed(text: str, by: str) -> str:
    """What somebody said, and who."""
    return f"{whole(text)} — {shown(by)}" if text else shown(by)


def whole(text: str) -> str:
    """All of what somebody wrote, made printable: `shown` cuts it to a line."""
    return "".join(shown(text[at : at + 10]) for at in range(0, len(text), 10))


def span(seconds: float) -> str:
    """A length of time, `1:07`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"
