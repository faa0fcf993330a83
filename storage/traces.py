"""Traces into their rows and out of them.

Writes on the writer's thread, for `tracing.py`. The same event told twice is one row; what a trace
comes to is worked out anew from all its events, so that files may come in any order. What a later
file leaves out stays. Knows no file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from storage import rows, schema
from storage.errors import Refused
from storage.records import parse_utc, utc_text
from storage.trace import Trace, TraceEvent, TracesFiled, TraceStatus
from storage.transaction import immediate

MOST_EVENTS = 2_000
"""Events of one parcel that are shown: more than that is no parcel's."""
TEXT_CHARS, PLACE_CHARS, SOURCE_CHARS, NAME_CHARS = 500, 200, 80, 80
_EVENT = "INSERT INTO trace_events VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_EVENTS = (
    "SELECT * FROM trace_events WHERE tracking_number = ? ORDER BY at DESC, status, text LIMIT ?"
)
_ONE = "SELECT * FROM traces WHERE tracking_number = ?"
_PUT = (
    "INSERT INTO traces VALUES (:tracking_number, :carrier, :status, :moved_at, :expected_at, "
    ":delivered_at, :origin, :destination, :imported_at) ON CONFLICT (tracking_number) DO UPDATE "
    "SET carrier = excluded.carrier, status = excluded.status, moved_at = excluded.moved_at, "
    "expected_at = excluded.expected_at, delivered_at = excluded.delivered_at, "
    "origin = excluded.origin, destination = excluded.destination, "
    "imported_at = excluded.imported_at"
)


def file_traces(db: Database, traces: Sequence[Trace], now: dt.datetime) -> TracesFiled:
    """How much of it is new; all is there now, all or nothing.

    `traces` are as `storable` gives them; `now` is when they were told.
    """
    new = 0
    with immediate(db):
        for each in traces:
            new += sum(db.conn.execute(_EVENT, _row(each.number, e)).rowcount for e in each.events)
            db.execute(_PUT, _summary(db, each, now))
    told = sum(len(each.events) for each in traces)
    return TracesFiled(len(traces), new, told - new)


def storable(traces: Iterable[Trace]) -> list[Trace]:
    """The traces as the rows will hold them, one of each number: every text in one line, without
    anything that a terminal would obey, and no longer than may be read.

    Raises Refused for an empty number.
    """
    whole: dict[str, Trace] = {}
    for each in traces:
        number = rows.search_key(each.number)
        if not number:
            raise Refused("a trace has no tracking number: nothing was filed")
        trace = replace(
            each,
            number=number,
            events=tuple(_plain_event(event) for event in each.events),
            carrier=plain(each.carrier, NAME_CHARS),
            origin=plain(each.origin, NAME_CHARS),
            destination=plain(each.destination, NAME_CHARS),
        )
        known = whole.get(number)
        whole[number] = trace if known is None else _joined(known, trace)
    return list(whole.values())


def plain(text: str, chars: int) -> str:
    """`text` in one line of printable characters, cut to so many."""
    line = " ".join(text[: 4 * chars].split())
    safe = "".join(sign if sign.isprintable() else "?" for sign in line)
    return safe if len(safe) <= chars else safe[: chars - 1] + "…"


def of_number(db: Database, number: str) -> Trace | None:
    """The trace of a parcel, its newest events at least; None when nobody told of it."""
    key = rows.search_key(number)
    if not schema.has_sold(db):
        return None
    for row in db.query(_ONE, [key]):
        found = db.query(_EVENTS, [key, MOST_EVENTS])
        events = tuple(sorted((_event(each) for each in found), key=lambda event: event.at))
        return Trace(
            number=key,
            events=events,
            carrier=row["carrier"],
            status=TraceStatus(row["status"]),
            moved_at=rows.moment_in(row["moved_at"]),
            expected_at=rows.moment_in(row["expected_at"]),
            delivered_at=rows.moment_in(row["delivered_at"]),
            origin=row["origin"],
            destination=row["destination"],
            told_at=parse_utc(row["imported_at"]),
        )
    return None


def _joined(before: Trace, after: Trace) -> Trace:
    """What was told twice of one parcel in one batch: the later word counts, all events do."""
    events = tuple(dict.fromkeys((*before.events, *after.events)))
    return rows.told_again(before, replace(after, events=events))


def _plain_event(event: TraceEvent) -> TraceEvent:
    return replace(
        event,
        text=plain(event.text, TEXT_CHARS),
        place=plain(event.place, PLACE_CHARS),
        source=plain(event.source, SOURCE_CHARS),
    )


def _row(number: str, event: TraceEvent) -> tuple[str, ...]:
    at, status = utc_text(event.at), event.status.value
    return number, at, status, event.text, event.place, event.source


def _summary(db: Database, told: Trace, now: dt.datetime) -> dict[str, Any]:
    """What all events of the parcel come to, with what `told` and earlier files say beside them."""
    before = next(iter(db.query(_ONE, [told.number])), None)
    known: dict[str, Any] = before or dict.fromkeys(
        ("carrier", "status", "expected_at", "delivered_at", "origin", "destination"), ""
    )
    found = [_event(row) for row in db.query(_EVENTS, [told.number, MOST_EVENTS])]
    moved = [event.at for event in found if event.moved]
    delivered = [event.at for event in found if event.status is TraceStatus.DELIVERED]
    status = _status(told, found, TraceStatus(known["status"]))
    delivered_at = _text(min(delivered, default=told.delivered_at)) or known["delivered_at"]
    if not delivered_at and status is TraceStatus.DELIVERED and found:
        delivered_at = utc_text(found[0].at)
    return {
        "tracking_number": told.number,
        "carrier": told.carrier or known["carrier"],
        "status": status.value,
        "moved_at": _text(max(moved, default=None)),
        # The first promise counts: carriers move theirs when they are late.
        "expected_at": known["expected_at"] or _text(told.expected_at),
        "delivered_at": delivered_at,
        "origin": told.origin or known["origin"],
        "destination": told.destination or known["destination"],
        "imported_at": utc_text(now),
    }


def _status(told: Trace, found: Sequence[TraceEvent], known: TraceStatus) -> TraceStatus:
    """Where the parcel stands: what its file says, unless an event is known that is newer than the
    file; else what its newest event says that says anything."""
    newest = max((event.at for event in told.events), default=None)
    behind = bool(found) and (newest is None or newest < found[0].at)
    if told.status is not TraceStatus.UNKNOWN and not behind:
        return told.status
    if behind and known is not TraceStatus.UNKNOWN:
        return known
    said = (event.status for event in found if event.status is not TraceStatus.UNKNOWN)
    return next(said, known)


def _event(row: dict[str, Any]) -> TraceEvent:
    return TraceEvent(
        at=parse_utc(row["at"]),
        status=TraceStatus(row["status"]),
        text=row["text"],
        place=row["place"],
        source=row["source"],
    )


def _text(at: dt.datetime | None) -> str:
    return "" if at is None else utc_text(at)
