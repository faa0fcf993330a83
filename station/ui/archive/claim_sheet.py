"""Everything about one claim as it stands on its page: facts, amounts, deadlines, evidence, and
what was said and done. Gathered on another thread, then drawn; draws only.

Every text in a claim was typed by somebody or came from outside, and is hostile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from station import claiming
from station.ui.archive.claim_look import SIGNS, STATUS_TONES, Due, amount, due, status_text
from station.ui.archive.facts import whole
from station.ui.archive.parcel_look import DIM, INK, TONES
from station.ui.messages import shown
from storage.claims.claim import AMOUNTS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from station.claiming import Sheet
    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.claims.claim import ClaimEvent

LABEL_CELLS: Final = 12
_HAPPENED: Final = {
    "opened": ("▶", "work"),
    "status": ("◉", "work"),
    "changed": ("✎", "quiet"),
    "correspondence": ("✉", ""),
    "note": ("●", ""),
    "exported": ("▣", "done"),
    "form": ("▤", "done"),
}
_NEEDS: Final = {"there": "done", "missing": "stop", "wanted": "quiet"}


def heading(key: str, words: Words, more: str = "") -> Text:
    """The name of a part of the page."""
    said = words.text(f"claims.part.{key}")
    return Text.assemble(("\n" + said, f"bold {DIM}"), (f"  {more}" if more else "", DIM))


def grid(lines: Iterable[tuple[str, Text | str]]) -> Table:
    """Names and what is said of them, below one another."""
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=LABEL_CELLS, no_wrap=True, style=DIM)
    table.add_column(ratio=1, overflow="fold", style=INK)
    for label, said in lines:
        table.add_row(Text(label), Text(said) if isinstance(said, str) else said)
    return table


def look_up(config: Config, archive: Archive, reference: str) -> Sheet | None:
    """Everything about the claim with this reference, None when there is none.

    Blocks. Raises ArchiveError.
    """
    claim = archive.claim(reference)
    return None if claim is None else claiming.sheet(config, archive, claim)


# ---------------------------------------------------------------------------- facts and amounts


def facts_part(sheet: Sheet, zone: dt.tzinfo | None, words: Words) -> RenderableType:
    """What the claim is about."""
    claim = sheet.claim
    told = [
        ("type", words.text(f"claims.type.{claim.type.value}")),
        ("number", shown(claim.tracking_number)),
        ("order", shown(claim.order_id)),
        ("carrier", shown(claim.carrier)),
        ("portal", shown(claim.portal)),
        ("profile", shown(claim.profile)),
        ("claim_number", shown(claim.claim_number)),
        ("happened", moment(claim.happened_at, zone)),
        ("opened", moment(claim.created_at, zone)),
        ("submitted", moment(claim.submitted_at, zone)),
        ("closed", moment(claim.closed_at, zone)),
        ("recipient", shown(claim.recipient_name)),
        ("email", shown(claim.contact_email)),
        ("description", whole(claim.description)),
    ]
    return grid((words.text(f"claims.fact.{key}"), said) for key, said in told if said)


def amounts_part(sheet: Sheet, words: Words) -> RenderableType:
    """What is asked for, and what came of it."""
    claim = sheet.claim
    lines = [
        (words.text(f"claims.amount.{name}"), amount(cents, claim.currency))
        for name in AMOUNTS
        if (cents := getattr(claim, f"{name}_cents")) is not None or name == "requested"
    ]
    return grid(lines)


def moment(at: dt.datetime | None, zone: dt.tzinfo | None) -> str:
    """A moment as the clocks of this zone say it, '' for none."""
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


# ---------------------------------------------------------------------------- what is needed


def deadlines_part(
    sheet: Sheet, now: dt.datetime, remind_days: int, words: Words
) -> RenderableType:
    """Each rule's last moment, how near it is, and who says so."""
    if not sheet.deadlines:
        return Text(words.text("claims.no_rule"), DIM)
    parts: list[RenderableType] = []
    for each in sheet.deadlines:
        over = each.met or not sheet.claim.open
        if each.due_at is None:
            near = Due("quiet" if over else "check", words.text("claims.unknown_due"))
        else:
            near = due(each.due_at, now, remind_days, words, over=over)
        done = f" · {words.text('claims.met')}" if each.met else ""
        todo = words.text(f"claims.do.{each.rule.do.value}")
        when = (f"{near.signed}{done}", TONES[near.tone])
        parts.append(Text.assemble(when, (f"  {todo}: {shown(each.rule.who)}", INK)))
        if each.why_unknown:
            parts.append(indented(shown(each.why_unknown), 2, TONES["check"]))
        sure = words.text(f"claims.certainty.{each.certainty.value}")
        whose = [f"{each.rule.name}: {each.rule.within}", shown(each.source), each.rule.as_of, sure]
        parts.append(indented(" · ".join(whose), 2))
        if each.rule.note:
            parts.append(indented(shown(each.rule.note), 2))
    return Group(*parts)


def needs_part(sheet: Sheet, words: Words) -> RenderableType:
    """The evidence groups: what is there, what is missing, and what to do about it."""
    parts: list[RenderableType] = []
    for group, needs in groupby(sheet.needs, lambda need: need.group):
        parts.append(Text(words.text(f"inbox.group.{group.value}"), f"bold {INK}"))
        for need in needs:
            state = "there" if need.there else "missing" if need.required else "wanted"
            tone = _NEEDS[state]
            sign = (f"{SIGNS[tone]} {words.text(f'claims.need.{state}')}", TONES[tone])
            what = (f"  {shown(need.text.said(words.language))}", INK)
            parts.append(Padding(Text.assemble(sign, what), (0, 0, 0, 2)))
            arrow = "" if need.there else "→ "
            parts.append(indented(f"{arrow}{whole(need.how.said(words.language))}", 4))
    return Group(*parts)


def indented(text: str, cells: int, style: str = DIM) -> Padding:
    """A text whose every line begins so many cells from the left."""
    return Padding(Text(text, style, overflow="fold"), (0, 0, 0, cells))


# ---------------------------------------------------------------------------- its history


def outcome_part(sheet: Sheet, zone: dt.tzinfo | None, words: Words) -> RenderableType:
    """Where it stands, since when, and what came of it."""
    claim = sheet.claim
    tone = STATUS_TONES[claim.status][0]
    text = Text(status_text(claim.status, words), TONES[tone])
    text.append(f"  {moment(claim.status_at, zone)}", DIM)
    if claim.status_detail:
        text.append(f"\n{whole(claim.status_detail)}", INK)
    return text


def log_part(events: Iterable[ClaimEvent], zone: dt.tzinfo | None, words: Words) -> RenderableType:
    """What was said and done, the newest first."""
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=16, no_wrap=True, style=DIM)
    table.add_column(ratio=1, overflow="fold")
    for event in events:
        table.add_row(Text(moment(event.at, zone)), told(event, words))
    return table


def told(event: ClaimEvent, words: Words) -> Text:
    """One entry of the history."""
    sign, tone = _HAPPENED.get(event.what, ("·", ""))
    text = Text(f"{sign} {_happened(event, words)}", TONES[tone])
    text.append(f" — {shown(event.by)}", DIM)
    if event.text and event.what != "opened":
        text.append(f"\n{whole(event.text)}", INK)
    return text


def _happened(event: ClaimEvent, words: Words) -> str:
    """What happened, in a line."""
    facts = event.facts
    match event.what:
        case "opened":
            return words.text("claims.told.opened", [("type", _named("type", event.text, words))])
        case "status":
            last = _named("status", facts.get("to", ""), words)
            return words.text("claims.told.status", [("status", last)])
        case "changed":
            names = ", ".join(_named("field", name.removesuffix("_cents"), words) for name in facts)
            return words.text("claims.told.changed", [("names", names)])
        case "correspondence":
            parts = [
                _named("direction", facts.get("direction", ""), words),
                _named("way", facts.get("way", ""), words),
                facts.get("with_", ""),
            ]
            said = " · ".join(shown(part) for part in parts if part)
            return said or words.text("claims.told.correspondence")
        case _:
            key = f"claims.told.{event.what}"
            return words.text(key) if words.has(key) else shown(event.what)


def _named(what: str, value: str, words: Words) -> str:
    key = f"claims.{what}.{value}"
    return words.text(key) if value and words.has(key) else shown(value)


# ---------------------------------------------------------------------------- the page


def state_line(sheet: Sheet, now: dt.datetime, remind_days: int, words: Words) -> Text:
    """What is said at the top: where it stands, and how near its deadline is."""
    claim = sheet.claim
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(words.text(f"claims.type.{claim.type.value}") + "  ", INK)
    text.append(status_text(claim.status, words) + "  ", TONES[STATUS_TONES[claim.status][0]])
    if claim.open:
        near = due(claim.deadline_at, now, remind_days, words)
        text.append(near.signed, TONES[near.tone])
    return text


def left(sheet: Sheet, now: dt.datetime, remind_days: int, words: Words) -> Group:
    """The first half of the page, as of `now`, by the clocks of its zone."""
    return Group(
        heading("deadlines", words),
        deadlines_part(sheet, now, remind_days, words),
        heading("facts", words),
        facts_part(sheet, now.tzinfo, words),
        heading("amounts", words),
        amounts_part(sheet, words),
        heading("outcome", words),
        outcome_part(sheet, now.tzinfo, words),
    )


def right(sheet: Sheet, zone: dt.tzinfo | None, words: Words) -> Group:
    """The second half: what was written and said, and how it went."""
    letters = [each for each in reversed(sheet.events) if each.what == "correspondence"]
    others = [each for each in reversed(sheet.events) if each.what != "correspondence"]
    lacking = sum(need.required and not need.there for need in sheet.needs)
    key = "claims.lacking" if lacking else "claims.complete"
    said = Text(words.text(key, [("count", str(lacking))]), TONES["stop" if lacking else "done"])
    none = Text(words.text("claims.no_letter"), DIM)
    parts: list[RenderableType] = [heading("evidence", words), said, needs_part(sheet, words)]
    parts += [heading("letters", words), log_part(letters, zone, words) if letters else none]
    parts += [heading("history", words), log_part(others, zone, words)]
    return Group(*parts)
