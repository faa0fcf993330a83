"""Claims as `packwitness claim` prints them: lines, pages, JSON.

Every text in a claim came from outside: nothing printed here is obeyed by a terminal. Knows no
archive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from station.claiming import Sheet
from station.console import harmless
from storage.amounts import worded
from storage.claims.claim import AMOUNTS, Claim, ClaimEvent, claim_event_to_json, claim_to_json
from storage.claims.deadlines import Deadline
from storage.claims.periods import days_left
from storage.claims.rules import Rule
from storage.records import utc_text

HEADINGS: Final = (
    "CLAIM", "TRACKING NUMBER", "TYPE", "STATUS", "CARRIER", "CLAIMED", "DEADLINE", "LEFT",
)  # fmt: skip
LONGEST: Final = 400
"""So much of a text stands in one line."""
FACTS: Final = (
    "order_id", "carrier", "portal", "profile", "claim_number", "recipient_name", "contact_email",
    "description",
)  # fmt: skip


def table(claims: Sequence[Claim], now: dt.datetime, tz: dt.tzinfo) -> str:
    """One line for each claim, under headings."""
    rows = [HEADINGS, *(_row(claim, now, tz) for claim in claims)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def left(at: dt.datetime | None, now: dt.datetime, tz: dt.tzinfo) -> str:
    """How far away a deadline is, by the calendar of `tz`; '' for none."""
    if at is None:
        return ""
    days = days_left(at, now, tz)
    if at < now:
        return "OVERDUE" if days == 0 else f"OVERDUE {-days} d"
    return "TODAY" if days == 0 else f"{days} d"


def page(sheet: Sheet, now: dt.datetime, tz: dt.tzinfo) -> Iterator[str]:
    """All of one claim, line by line."""
    claim = sheet.claim
    yield _line(f"{claim.reference}  {claim.type}  {claim.tracking_number}")
    detail = f": {claim.status_detail}" if claim.status_detail else ""
    yield _line(f"  {claim.status} since {_moment(claim.status_at, tz)}{detail}")
    for name in FACTS:
        if getattr(claim, name):
            yield _line(f"  {name.replace('_', ' ')}: {getattr(claim, name)}")
    for name in AMOUNTS:
        cents = getattr(claim, f"{name}_cents")
        if cents is not None:
            yield _line(f"  {name}: {worded(cents, claim.currency)}")
    if claim.happened_at is not None:
        yield f"  happened: {_moment(claim.happened_at, tz)}"
    if claim.deadline_at is not None and not claim.deadline_rule:
        yield f"  deadline set by hand: {_due(claim.deadline_at, now, tz)}"
    yield "deadlines"
    yield from _deadlines(sheet, now, tz)
    yield "evidence" + ("" if claim.submitted_at is None else _submitted(claim))
    for need in sheet.needs:
        sign = "ok     " if need.there else ("MISSING" if need.required else "wanted ")
        yield _line(f"  {sign}  {need.text.en}: {need.how.en}")
    yield "history"
    for event in sheet.events:
        yield _line(f"  {_told(event, tz)}")


def _submitted(claim: Claim) -> str:
    return " (complete when submitted)" if claim.complete else " (not complete when submitted)"


def _deadlines(sheet: Sheet, now: dt.datetime, tz: dt.tzinfo) -> Iterator[str]:
    if not sheet.deadlines:
        yield "  no rule is known for this portal or carrier: ask, and set one (docs/claims.md)"
    for each in sheet.deadlines:
        rule = each.rule
        when = _due(each.due_at, now, tz, met=each.met) if each.due_at else each.why_unknown
        yield _line(f"  {rule.do} by {when}" if each.due_at else f"  {rule.do}: {when}")
        if each.opens_at is not None and each.opens_at > now and not each.met:
            yield _line(f"      not before {_moment(each.opens_at, tz)}")
        yield _line(f"      {_sourced(rule)}")


def _sourced(rule: Rule) -> str:
    starts = " or ".join(start.value.replace("_", " ") for start in rule.starts)
    text = f"{rule.who}: {rule.within} from {starts}; {rule.certainty} ({rule.source}, "
    return f"{text}{rule.as_of})" + (f"; {rule.note}" if rule.note else "")


def rule_lines(rules: Iterable[Rule]) -> Iterator[str]:
    """Each rule in two lines."""
    for rule in rules:
        types = "all types" if len(rule.types) == 6 else ", ".join(rule.types)
        own = "  (own)" if rule.own else ""
        yield _line(f"{rule.name}{own}  {rule.do}  {types}")
        yield _line(f"    {_sourced(rule)}")


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """The JSON of a rule."""
    return {
        "rule": rule.name,
        "who": rule.who,
        "portals": list(rule.portals),
        "carriers": list(rule.carriers),
        "types": [each.value for each in rule.types],
        "do": rule.do.value,
        "starts": [each.value for each in rule.starts],
        "within": str(rule.within),
        "opens": None if rule.opens is None else str(rule.opens),
        "time_zone": rule.time_zone,
        "certainty": rule.certainty.value,
        "source": rule.source,
        "as_of": rule.as_of,
        "note": rule.note,
        "own": rule.own,
    }


def listed_to_json(claim: Claim, now: dt.datetime, tz: dt.tzinfo) -> dict[str, Any]:
    """The JSON of a claim in a list."""
    due = claim.deadline_at
    days = None if due is None else days_left(due, now, tz)
    return {**claim_to_json(claim), "days_left": days, "overdue": due is not None and due < now}


def sheet_to_json(sheet: Sheet, now: dt.datetime, tz: dt.tzinfo) -> dict[str, Any]:
    """The JSON of all of one claim."""
    return {
        **listed_to_json(sheet.claim, now, tz),
        "deadlines": [_deadline_to_json(each) for each in sheet.deadlines],
        "checklist": [
            {
                "group": need.group.value,
                "key": need.key,
                "text": need.text.en,
                "there": need.there,
                "how": need.how.en,
                "required": need.required,
            }
            for need in sheet.needs
        ],
        "history": [claim_event_to_json(event) for event in sheet.events],
    }


def _deadline_to_json(each: Deadline) -> dict[str, Any]:
    told: Mapping[str, dt.datetime | None] = {
        "due_at": each.due_at,
        "opens_at": each.opens_at,
        "started_at": each.started_at,
    }
    return {
        **rule_to_json(each.rule),
        **{name: None if at is None else utc_text(at) for name, at in told.items()},
        "starts_from": None if each.starts_from is None else each.starts_from.value,
        "why_unknown": each.why_unknown,
        "met": each.met,
    }


def _row(claim: Claim, now: dt.datetime, tz: dt.tzinfo) -> tuple[str, ...]:
    due = claim.deadline_at
    return (
        harmless(claim.reference),
        harmless(claim.tracking_number),
        claim.type.value,
        claim.status.value,
        harmless(claim.carrier or "-")[:24],
        harmless(worded(claim.requested_cents, claim.currency) or "-"),
        "-" if due is None else f"{due.astimezone(tz):%Y-%m-%d}",
        left(due, now, tz),
    )


def _due(at: dt.datetime, now: dt.datetime, tz: dt.tzinfo, *, met: bool = False) -> str:
    return f"{_moment(at, tz)}  ({'done' if met else left(at, now, tz)})"


def _told(event: ClaimEvent, tz: dt.tzinfo) -> str:
    facts = ", ".join(f"{name} {value or '-'}" for name, value in event.facts.items())
    parts = [_moment(event.at, tz), event.by, event.what, event.text, facts and f"[{facts}]"]
    return "  ".join(filter(None, parts))


def _moment(at: dt.datetime, tz: dt.tzinfo) -> str:
    return f"{at.astimezone(tz):%Y-%m-%d %H:%M}"


def _line(text: str) -> str:
    plain = harmless(text[: LONGEST + 1])
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."
