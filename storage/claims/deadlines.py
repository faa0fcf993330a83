"""By when something must be done about a claim, by the rules that are for it.

Pure: the rules, the moments that they count from and the time zone come in. Where two rules are
for the same claim both are told, and the earlier one counts: what is done too early costs nothing.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from storage.claims.claim import Claim, ClaimStatus, ClaimType
from storage.claims.periods import begun_at, over_at
from storage.claims.rules import Do, Rule, Start, built_in, key_of
from storage.evidence.kit.profiles import Certainty

_SPOKEN: Final = {
    Start.ORDERED: "when it was ordered",
    Start.SHIPPED: "when it was shipped",
    Start.HANDED_OVER: "when the carrier got it",
    Start.EXPECTED: "for when it was promised",
    Start.DELIVERED: "when it was delivered",
    Start.LAST_STATUS: "its last tracking event",
    Start.HAPPENED: "when it happened",
    Start.OPENED: "when the claim was opened",
    Start.REJECTED: "when it was rejected",
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """What a rule says of one claim. `due_at` (UTC) is the last moment, None where `why_unknown`
    says what is missing; `opens_at` is the first one. `met`: it was done, or nothing can be done
    any more."""

    rule: Rule
    due_at: dt.datetime | None = None
    opens_at: dt.datetime | None = None
    starts_from: Start | None = None
    started_at: dt.datetime | None = None
    why_unknown: str = ""
    met: bool = False

    @property
    def certainty(self) -> Certainty:
        """How sure the rule is."""
        return self.rule.certainty

    @property
    def source(self) -> str:
        """Who says so."""
        return self.rule.source


def deadlines_for(
    claim: Claim | tuple[ClaimType, str, str],
    facts: Mapping[Start, dt.datetime],
    tz: dt.tzinfo,
    rules: Mapping[str, Rule] | None = None,
) -> tuple[Deadline, ...]:
    """What the rules (the built-in ones, if none are given) say of a claim, or of one of this type
    for this portal and this carrier: the earliest first, those that nothing is known of last.

    `facts` are the moments that are known, `tz` is the site's time zone.
    """
    known = built_in() if rules is None else rules
    if isinstance(claim, Claim):
        wanted = rules_for(claim.type, (claim.portal, claim.profile), claim.carrier, known)
    else:
        wanted = rules_for(claim[0], (claim[1],), claim[2], known)
    found = [_deadline(rule, claim, facts, tz) for rule in wanted]
    far = dt.datetime.max.replace(tzinfo=dt.UTC)
    return tuple(sorted(found, key=lambda each: each.due_at or far))


def earliest(deadlines: Iterable[Deadline]) -> Deadline | None:
    """Of what `deadlines_for` found, the one that counts: the first that is known and not met."""
    return next((each for each in deadlines if each.due_at is not None and not each.met), None)


def rules_for(
    type_: ClaimType, portals: Iterable[str], carrier: str, rules: Mapping[str, Rule]
) -> list[Rule]:
    """The rules of these portals for this type; the carrier's where there is none."""
    mine = [rule for rule in rules.values() if type_ in rule.types]
    asked = {key_of(portal) for portal in portals}
    named = [rule for rule in mine if asked.intersection(rule.portals)]
    return named or [rule for rule in mine if key_of(carrier) in rule.carriers]


def _deadline(
    rule: Rule,
    claim: Claim | tuple[ClaimType, str, str],
    facts: Mapping[Start, dt.datetime],
    tz: dt.tzinfo,
) -> Deadline:
    met = isinstance(claim, Claim) and _met(rule, claim)
    start = next((each for each in rule.starts if each in facts), None)
    if start is None:
        why = f"nobody told {' or '.join(_SPOKEN[each] for each in rule.starts)}"
        return Deadline(rule, why_unknown=why, met=met)
    where = zoneinfo.ZoneInfo(rule.time_zone) if rule.time_zone else tz
    try:
        due = over_at(facts[start], rule.within, where)
        opens = None if rule.opens is None else begun_at(facts[start], rule.opens, where)
    except OverflowError:
        why = f"{facts[start]:%Y-%m-%d} is {_SPOKEN[start]}: that cannot be right"
        return Deadline(rule, why_unknown=why, met=met)
    return Deadline(rule, due, opens, start, facts[start], met=met)


def _met(rule: Rule, claim: Claim) -> bool:
    """True for what was submitted; of an appeal, until there is something to appeal against."""
    if rule.do is Do.APPEAL:
        return claim.status not in (ClaimStatus.REJECTED, ClaimStatus.APPROVED_PARTIAL)
    return claim.submitted_at is not None or claim.status is ClaimStatus.CANCELLED
