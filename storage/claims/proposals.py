"""Parcels that a claim should be thought of: those that stand still, and those that come late.

Read from traces, through indexes that hold only parcels that are still under way or came late.
Proposes and never opens: whoever claims has looked. Writes nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlite_utils import Database

from storage import schema
from storage.claims.claim import ClaimType
from storage.records import parse_utc, utc_text
from storage.trace import TraceStatus

OLDEST: Final = dt.timedelta(days=400)
"""No carrier takes a claim this old (nine months are the longest known): it is not proposed."""
MOST: Final = 1_000


class Why(StrEnum):
    """What a parcel is proposed for."""

    QUIET = "quiet"
    """It has not moved since."""
    OVERDUE = "overdue"
    """It was promised by then, and has not come."""
    LATE = "late"
    """It came after it was promised."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One claim that may be worth opening, of the `type`. `since` is the last
    movement, or the moment that was promised. `days` have passed since then, up to now or to its
    delivery. `stale`: the archive last heard of it (`told_at`) before it could know so; its trace
    is to be imported anew before anything is claimed. `value_cents` is that of its orders."""

    number: str
    type: ClaimType
    why: Why
    since: dt.datetime
    days: int
    told_at: dt.datetime
    stale: bool
    carrier: str = ""
    status: TraceStatus = TraceStatus.UNKNOWN
    last_text: str = ""
    last_place: str = ""
    value_cents: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parcel of which a carrier knows, and which it does not have: told so since `since`."""

    number: str
    since: dt.datetime
    carrier: str = ""


_NO_CLAIM: Final = (
    "NOT EXISTS (SELECT 1 FROM claims AS k WHERE k.tracking_number = t.tracking_number "
    "AND k.type IN ({types}) AND k.status <> 'cancelled')"
)
_NO_LOSS: Final = _NO_CLAIM.format(types="'loss'")
_NO_DELAY: Final = _NO_CLAIM.format(types="'loss', 'delay'")
_CAME_BACK: Final = (
    "EXISTS (SELECT 1 FROM catalogue AS c WHERE c.number = t.tracking_number "
    "AND c.kind = 'return' AND c.status IN ('sealed', 'interrupted') AND c.test = 0)"
)
QUIET: Final = (
    "SELECT t.* FROM traces AS t WHERE t.delivered_at = '' AND t.moved_at > :oldest "  # noqa: S608
    f"AND t.moved_at <= :quiet AND t.status <> 'Delivered' AND NOT {_CAME_BACK} "
    f"AND {_NO_LOSS} ORDER BY t.moved_at LIMIT :most"
)
LATE: Final = (  # the inner part is answered by its index alone
    "SELECT t.* FROM (SELECT t.tracking_number FROM traces AS t "  # noqa: S608
    "WHERE t.expected_at <> '' AND (t.delivered_at = '' OR t.delivered_at > t.expected_at) "
    "AND t.expected_at > :oldest AND t.expected_at <= :late AND (t.delivered_at <> '' OR "
    f"(t.moved_at > :quiet AND t.status <> 'Delivered' AND NOT {_CAME_BACK})) "
    "AND (t.delivered_at = '' OR julianday(t.delivered_at) - julianday(t.expected_at) >= :days) "
    f"AND {_NO_DELAY} ORDER BY t.expected_at LIMIT :most) AS late "
    "CROSS JOIN traces AS t ON t.tracking_number = late.tracking_number ORDER BY t.expected_at"
)
_WAITING: Final = (
    "SELECT t.tracking_number, t.carrier, (SELECT min(e.at) FROM trace_events AS e "
    "WHERE e.tracking_number = t.tracking_number) AS since FROM traces AS t "
    "WHERE t.delivered_at = '' AND t.moved_at = '' "
    "AND t.status IN ('', 'Pending', 'InfoReceived') AND since > :oldest AND since <= :quiet "
    "ORDER BY since LIMIT :most"
)
_LAST: Final = (
    "SELECT text, place FROM trace_events WHERE tracking_number = ? ORDER BY at DESC LIMIT 1"
)
_WORTH: Final = (
    "SELECT sum(o.value_cents), o.currency FROM order_waybills AS w CROSS JOIN orders AS o "
    "ON o.order_id = w.order_id WHERE w.tracking_number = ? AND o.value_cents IS NOT NULL "
    "GROUP BY o.currency ORDER BY sum(o.value_cents) DESC, o.currency LIMIT 1"
)


def proposals(
    db: Database, now: dt.datetime, quiet_days: int, late_days: int, most: int = MOST
) -> list[Proposal]:
    """The parcels that have not moved for `quiet_days`, as losses, and those that were promised
    `late_days` ago or came so long after, as delays; at most so many of each, the oldest first,
    for their deadlines end first.

    Not proposed: what was delivered in time, what was never handed over, what came back to a
    bench, what there is a claim of that type for (unless it was cancelled), and as a delay what
    is a loss. Raises sqlite3.Error.
    """
    if not schema.has_sold(db):
        return []
    params = asked(now, quiet_days, late_days, most)
    found = [
        _proposal(db, row, ClaimType.LOSS, Why.QUIET, row["moved_at"], now, quiet_days)
        for row in db.query(QUIET, params)
    ]
    for row in db.query(LATE, params):
        why = Why.LATE if row["delivered_at"] else Why.OVERDUE
        found.append(_proposal(db, row, ClaimType.DELAY, why, row["expected_at"], now, late_days))
    return found


def not_handed_over(
    db: Database, now: dt.datetime, quiet_days: int, most: int = MOST
) -> list[Waiting]:
    """The parcels that a carrier has been told of for `quiet_days` and has never seen, at most so
    many, the oldest first: no carrier owes anything for them. Raises sqlite3.Error."""
    if not schema.has_sold(db):
        return []
    return [
        Waiting(row["tracking_number"], parse_utc(row["since"]), row["carrier"])
        for row in db.query(_WAITING, asked(now, quiet_days, 0, most))
    ]


def asked(now: dt.datetime, quiet_days: int, late_days: int, most: int) -> dict[str, Any]:
    """The parameters of `QUIET` and `LATE`."""
    return {
        "oldest": utc_text(now - OLDEST),
        "quiet": utc_text(now - dt.timedelta(days=quiet_days)),
        "late": utc_text(now - dt.timedelta(days=late_days)),
        "days": late_days,
        "most": most,
    }


def _proposal(
    db: Database,
    row: dict[str, Any],
    claim_type: ClaimType,
    why: Why,
    since_text: str,
    now: dt.datetime,
    needed_days: int,
) -> Proposal:
    number, since = row["tracking_number"], parse_utc(since_text)
    told_at = parse_utc(row["imported_at"])
    until = parse_utc(row["delivered_at"]) if why is Why.LATE else now
    last = db.execute(_LAST, [number]).fetchone() or ("", "")
    worth = db.execute(_WORTH, [number]).fetchone() or (None, "")
    return Proposal(
        number=number,
        type=claim_type,
        why=why,
        since=since,
        days=(until - since).days,
        told_at=told_at,
        stale=why is not Why.LATE and told_at < since + dt.timedelta(days=needed_days),
        carrier=row["carrier"],
        status=TraceStatus(row["status"]),
        last_text=last[0],
        last_place=last[1],
        value_cents=worth[0],
        currency=worth[1],
    )
