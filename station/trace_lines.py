"""What the commands of traces print of parcels: lines for people, JSON for scripts.

Part of `station.cli_trace`. Reads nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from station.ui.archive.sold import money
from storage.claims.proposals import Why
from storage.records import utc_text

if TYPE_CHECKING:
    from station.ui.archive.trace_steps import Way
    from storage.claims.deadlines import Deadline
    from storage.claims.proposals import Proposal, Waiting
    from storage.trace import Trace, TraceEvent


def summary(line: dict[str, Any], dry_run: bool) -> str:
    """What became of one file, by what its JSON says."""
    text = f"{line['file']}: {line['parcels']} parcels, {line['events']} events"
    if not dry_run:
        text += f", {line['new_events']} of them new"
    if line["bad"]:
        text += f", {len(line['bad'])} bad"
    if line["zone_assumed"]:
        text += f"; {line['zone_assumed']} times have no zone: taken as the site's"
    if "document" in line:
        text += "; filed as evidence"
    if "not_filed" in line:
        text += f"; not filed as evidence: {line['not_filed']}"
    return text + (" (nothing was imported)" if dry_run else "")


def way_told(way: Way) -> dict[str, Any]:
    """A parcel's way as JSON."""
    return {
        "tracking_number": way.number,
        "sealed": way.sealed,
        "orders": [order.id for order in way.orders],
        "sessions": [session.id for session in way.sessions],
        "trace": None if way.trace is None else _trace_told(way.trace),
        "steps": [
            {
                "at": utc_text(step.at),
                "told_by": step.told,
                "what": step.key.rpartition(".")[2],
                **dict(step.params),
                "text": step.text,
                "place": step.place,
            }
            for step in way.steps
        ],
    }


def _trace_told(found: Trace) -> dict[str, Any]:
    return {
        "carrier": found.carrier,
        "status": found.status.value,
        "handed_over": found.handed_over,
        "moved_at": _text(found.moved_at),
        "expected_at": _text(found.expected_at),
        "delivered_at": _text(found.delivered_at),
        "origin": found.origin,
        "destination": found.destination,
        "told_at": _text(found.told_at),
        "events": [_event_told(event) for event in found.events],
    }


def _event_told(event: TraceEvent) -> dict[str, str | None]:
    return {
        "at": _text(event.at),
        "status": event.status.value,
        "text": event.text,
        "place": event.place,
        "source": event.source,
    }


def _text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def proposal_line(each: Proposal, due: Deadline | None) -> str:
    """What is proposed, and why, in one line."""
    carrier = f" ({each.carrier})" if each.carrier else ""
    since = f"{each.since.astimezone():%Y-%m-%d}"
    what = {
        Why.QUIET: f"has not moved for {each.days} days, since {since}",
        Why.OVERDUE: f"is {each.days} days overdue, promised by {since}",
        Why.LATE: f"came {each.days} days late, promised by {since}",
    }[each.why]
    line = f"{each.number}{carrier}: {each.type}: {what}"
    last = " · ".join(part for part in (each.last_text, each.last_place) if part)
    line += f"; last: {last}" if last else ""
    if each.value_cents is not None:
        line += f"; worth {money(each.value_cents, each.currency)}"
    if due is not None and due.due_at is not None:
        line += f"; {due.rule.do.value} by {due.due_at.astimezone():%Y-%m-%d}"
        line += f" ({due.rule.who}, {due.certainty.value})"
    if each.stale:
        day = f"{each.told_at.astimezone():%Y-%m-%d}"
        line += f"; NOTHING WAS IMPORTED SINCE {day}: import its trace anew first"
    return line


def command(each: Proposal) -> str:
    """What opens the claim that is proposed."""
    return f"packwitness claim open {each.number} --type {each.type}"


def proposal_told(each: Proposal, due: Deadline | None) -> dict[str, Any]:
    """A proposal as JSON."""
    return {
        "tracking_number": each.number,
        "type": each.type.value,
        "why": each.why.value,
        "since": _text(each.since),
        "days": each.days,
        "told_at": _text(each.told_at),
        "stale": each.stale,
        "carrier": each.carrier,
        "status": each.status.value,
        "last_text": each.last_text,
        "last_place": each.last_place,
        "value_cents": each.value_cents,
        "currency": each.currency,
        "deadline": None if due is None else _text(due.due_at),
        "deadline_rule": None if due is None else due.rule.name,
        "deadline_certainty": None if due is None else due.certainty.value,
        "command": command(each),
    }


def waiting_told(each: Waiting) -> dict[str, Any]:
    """A parcel that was never handed over, as JSON."""
    return {
        "tracking_number": each.number,
        "since": _text(each.since),
        "carrier": each.carrier,
    }
