"""What a claim becomes by each step, and which facts it may tell. Pure: moments come in.

Raises Refused for what makes no sense, with the claim's reference, before anything is written.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, Final

from storage.amending import short
from storage.claims.claim import ENDED_STATUSES, Claim, ClaimStatus
from storage.errors import Refused
from storage.intake.money import CURRENCY_FORM, MOST_CENTS
from storage.records import parse_utc, utc_text

TEXTS: Final = (
    "carrier", "portal", "profile", "claim_number", "description", "recipient_name",
    "contact_email", "currency", "deadline_rule", "order_id",
)  # fmt: skip
AMOUNTS: Final = ("requested_cents", "insured_cents", "salvage_cents")
TIMES: Final = ("happened_at", "deadline_at")
CHANGEABLE: Final = (*TEXTS, *AMOUNTS, *TIMES, "complete")
"""What `change_claim` may change; the rest follows from its status."""


def changed(claim: Claim, facts: dict[str, Any]) -> Claim:
    """The claim with these facts. Raises Refused for one that is none."""
    told: dict[str, Any] = {}
    for name, value in facts.items():
        if name not in CHANGEABLE:
            raise Refused(f"{name!r} of a claim is not changed: only {', '.join(CHANGEABLE)}")
        if name in TEXTS:
            value = short(str(value or ""))
        elif name in AMOUNTS and value is not None:
            _require_amount(value)
        told[name] = value
    after = replace(claim, **told)
    if after.currency and not CURRENCY_FORM.fullmatch(after.currency):
        raise Refused(f"{after.currency[:20]!r} is no currency: name its code of three letters")
    return after


def moved(
    claim: Claim,
    status: ClaimStatus,
    now: dt.datetime,
    approved_cents: int | None,
    paid_cents: int | None,
) -> Claim:
    after = replace(claim, status=status, status_at=now)
    after = replace(after, closed_at=now if status in ENDED_STATUSES else None)
    for amount in (approved_cents, paid_cents):
        if amount is not None:
            _require_amount(amount)
    if status is ClaimStatus.SUBMITTED:
        return replace(after, submitted_at=claim.submitted_at or now)
    if status is ClaimStatus.APPROVED:
        whole = claim.requested_cents if approved_cents is None else approved_cents
        return replace(after, approved_cents=whole)
    if status is ClaimStatus.APPROVED_PARTIAL:
        if approved_cents is None:
            raise Refused(f"{claim.reference}: say how much of it was approved")
        if claim.requested_cents is not None and approved_cents >= claim.requested_cents:
            raise Refused(f"{claim.reference}: a part is less than what was asked for")
        return replace(after, approved_cents=approved_cents)
    if status is ClaimStatus.PAID:
        paid = claim.approved_cents if paid_cents is None else paid_cents
        if paid is None:
            raise Refused(f"{claim.reference}: say how much was paid")
        return replace(after, paid_cents=paid)
    return after


def as_of(claim: Claim, at: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """When a claim moved on. Raises Refused for a time that has not come."""
    if at is None:
        return now
    if at > now:
        raise Refused(f"{claim.reference}: {utc_text(at)} has not come yet")
    return parse_utc(utc_text(at))


def _require_amount(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= MOST_CENTS:
        raise Refused(f"{value!r} is no amount: whole cents, from 0 on")
