"""What may go by policy, in which order, and why the rest stays.

Reads only. A session is over its time by the first rule that fits it, else by the common number of
days; when the sessions together take more than their budget, or the disk has less room than
recording needs, those nearest to the end of their own time go too, but none below the floor. Held,
open and claimed sessions are never named. Knows no file: `deleting.py` deletes, after it has
verified what it deletes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlite_utils import Database

from storage import schema
from storage.later import EvidenceGroup
from storage.records import Kind, utc_text

DAY_MS = 86_400_000
DEFAULT = "default"
"""The class of the sessions that no rule fits."""
CLAIM_DAYS = 365
"""How long after a claim ended, or after a claim form was filed, its parcel counts as claimed. A
year: the longest period for a court action that carriers' conditions grant (CMR, article 32)."""
QUIET_MS, BUSY_MS = 60 * DAY_MS, 7 * DAY_MS
"""A clock is believed when something was sealed in the time between so long and so long ago."""


class Why(StrEnum):
    """What makes a session go."""

    TIME = "over its time"
    BUDGET = "over the budget"
    DISK = "the disk is low"


@dataclass(frozen=True, slots=True)
class Rule:
    """How long the sessions of one class are kept. `least_cents` of order value in `currency`, and
    `kind`, are what they must have; None is any."""

    name: str
    days: int
    kind: Kind | None = None
    least_cents: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept, and for how long. `budget_bytes` None is as much as the disk holds;
    `keep_free_bytes` is the room that recording needs."""

    days: int = 180
    floor_days: int = 90
    budget_bytes: int | None = None
    keep_free_bytes: int = 0
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Doomed:
    """A session that may go. `rule` is its class, `due_ms` (Unix time) the end of its own time."""

    session: str
    number: str
    kind: str
    ended_ms: int
    due_ms: int
    bytes: int
    rule: str
    why: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """What may go now, in this order, and how many sessions stay for which reason.

    `doubt` says why the computer's clock should not be believed, or ''.
    """

    deletes: tuple[Doomed, ...]
    kept: dict[str, int]
    frees_bytes: int
    doubt: str = ""


# Cheap first: the catalogue has the sum in the currency that the parcel is worth most in.
_WORTH = (
    "c.value_cents IS NOT NULL AND CASE c.currency WHEN :currency{n} "
    "THEN c.value_cents >= :least{n} ELSE c.number IN (SELECT w.tracking_number FROM orders AS o "
    "JOIN order_waybills AS w ON w.order_id = o.order_id WHERE o.currency = :currency{n} "
    "AND o.value_cents IS NOT NULL GROUP BY 1 HAVING sum(o.value_cents) >= :least{n}) END"
)
_FORMS = (
    "SELECT DISTINCT coalesce(a.number, d.tracking_number) FROM documents AS d "
    "LEFT JOIN amendments AS a ON a.id = "
    "(SELECT max(r.id) FROM amendments AS r WHERE r.subject = d.id AND r.change = 'refiled') "
    "WHERE d.filed_at >= ? AND coalesce(a.evidence_group, d.evidence_group) = ?"
)
_CLAIMS = "SELECT DISTINCT tracking_number FROM claims WHERE closed_at = '' OR closed_at >= ?"


def plan(
    db: Database, policy: Policy, now: dt.datetime, free_bytes: int, *, most: int | None = None
) -> Plan:
    """What may go now, when the archive's disk has `free_bytes` left.

    With `most`, the first so many of it only, found without looking at what stays: `kept` then
    counts no more than was met on the way.
    """
    now_ms = _ms(now)
    deletes: list[Doomed] = []
    kept: Counter[str] = Counter()
    frees = 0
    over = 0 if policy.budget_bytes is None else _bytes(db) - policy.budget_bytes
    short = policy.keep_free_bytes - free_bytes
    claimed = _claimed(db, now)
    # Those below the floor are only looked at where they are counted.
    until_ms = None if most is None else now_ms - policy.floor_days * DAY_MS
    for row in _judged(db, policy, until_ms=until_ms):
        reason = _kept(row, policy, now_ms, claimed)
        why = _why(row, now_ms, over - frees, short - frees)
        if most is not None and (len(deletes) >= most or (why is None and not reason)):
            break
        if reason or why is None:
            kept[reason or "within its time"] += 1
        else:
            deletes.append(_doomed(row, why))
            frees += row["bytes"]
    return Plan(tuple(deletes), dict(kept), frees, clock_doubt(db, now))


def stays(db: Database, policy: Policy, doomed: Doomed, now: dt.datetime) -> str:
    """Why a session that was doomed a while ago stays after all, or ''."""
    row = next(_judged(db, policy, doomed.session), None)
    if row is None:
        return "it is deleted already, or was never there"
    reason = _kept(row, policy, _ms(now), _claimed(db, now))
    if not reason and doomed.why is Why.TIME and row["due_ms"] > _ms(now):
        return f"it belongs to the class {row['rule']} now, which is kept longer"
    return reason


def could_free(db: Database, policy: Policy, now: dt.datetime) -> int:
    """About how many bytes a full disk could make go: of all above the floor that nobody holds."""
    row = db.execute(
        "SELECT total(bytes) FROM catalogue WHERE deleted = 0 AND held = 0 AND ended_ms <= ?",
        [_ms(now) - policy.floor_days * DAY_MS],
    ).fetchone()
    return int(row[0])


def clock_doubt(db: Database, now: dt.datetime) -> str:
    """Why the time that the computer tells is doubtful, or ''.

    A clock that leapt ahead would make everything old at once. It is believed when something was
    sealed a week to two months before it, or when there is nothing that old.
    """
    now_ms = _ms(now)
    row = db.execute(
        "SELECT max(opened_ms) FROM catalogue WHERE opened_ms < ?", [now_ms - BUSY_MS]
    ).fetchone()
    if row[0] is None or row[0] >= now_ms - QUIET_MS:
        return ""
    last = dt.datetime.fromtimestamp(row[0] / 1000, dt.UTC)
    return (
        f"this computer says it is {now:%Y-%m-%d}, but from {last:%Y-%m-%d} until a week ago "
        "nothing was packed: is its clock right?"
    )


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)


def _bytes(db: Database) -> int:
    row = db.execute("SELECT total(bytes) FROM catalogue WHERE deleted = 0").fetchone()
    return int(row[0])


def _claimed(db: Database, now: dt.datetime) -> set[str]:
    """The tracking numbers of claims that are open or ended lately, and those that a claim form was
    filed for, with or without a claim here."""
    since = utc_text(now - dt.timedelta(days=CLAIM_DAYS))
    found = {number for (number,) in db.execute(_FORMS, [since, EvidenceGroup.CLAIM_FORM.value])}
    if schema.has_sold(db):
        found |= {number for (number,) in db.execute(_CLAIMS, [since])}
    return found


def _judged(
    db: Database, policy: Policy, session: str | None = None, *, until_ms: int | None = None
) -> Iterator[dict[str, Any]]:
    """The sessions whose files are there, each with its class and the end of its time, the nearest
    end first; of one session, or of those that ended until then. One that never ended has no time:
    it is open."""
    facts: dict[str, Any] = {
        "default_days": policy.days,
        "default": DEFAULT,
        "session": session,
        "until": until_ms,
    }
    names, days = [], []
    for n, rule in enumerate(policy.rules):
        needs = ["1"]
        if rule.kind is not None:
            needs.append(f"c.kind = :kind{n}")
            facts[f"kind{n}"] = rule.kind.value
        if rule.least_cents is not None:
            needs.append(_WORTH.format(n=n))
            facts |= {f"currency{n}": rule.currency, f"least{n}": rule.least_cents}
        facts |= {f"name{n}": rule.name, f"days{n}": rule.days}
        days.append(f"WHEN {' AND '.join(needs)} THEN {n}")
        names.append(f"WHEN {n} THEN :name{n}")
    number = f"CASE {' '.join(days)} ELSE -1 END" if days else "-1"
    lengths = "".join(f"WHEN {n} THEN :days{n} " for n in range(len(names)))
    only = "" if session is None else "AND c.session_id = :session "
    only += "" if until_ms is None else "AND c.ended_ms <= :until"
    sql = f"""
        SELECT *, ended_ms + {DAY_MS} * CASE rule_number {lengths} WHEN -1 THEN :default_days END
            AS due_ms,
            CASE rule_number {" ".join(names)} WHEN -1 THEN :default END AS rule
        FROM (SELECT c.session_id, c.number, c.kind, c.status, c.ended_ms, c.bytes, c.held,
            {number} AS rule_number
            FROM catalogue AS c WHERE c.deleted = 0 {only})
        ORDER BY due_ms, session_id
    """  # noqa: S608 - what comes from outside is bound
    yield from db.query(sql, facts)


def _kept(row: dict[str, Any], policy: Policy, now_ms: int, claimed: Set[str]) -> str:
    """Why nothing may make a session go, or ''."""
    if row["status"] == "open" or row["ended_ms"] is None:
        return "open"
    if row["held"]:
        return "held"
    if row["number"] in claimed:
        return "claimed"
    if now_ms - row["ended_ms"] < policy.floor_days * DAY_MS:
        return "below the floor"
    return "" if row["bytes"] > 0 else "nothing to free"


def _why(row: dict[str, Any], now_ms: int, over_bytes: int, short_bytes: int) -> Why | None:
    if row["due_ms"] is not None and row["due_ms"] <= now_ms:
        return Why.TIME
    if over_bytes > 0:
        return Why.BUDGET
    return Why.DISK if short_bytes > 0 else None


def _doomed(row: dict[str, Any], why: Why) -> Doomed:
    return Doomed(
        session=row["session_id"],
        number=row["number"],
        kind=row["kind"],
        ended_ms=row["ended_ms"],
        due_ms=row["due_ms"],
        bytes=row["bytes"],
        rule=row["rule"],
        why=why,
    )
