"""The nouns of a claim: what is asked of a carrier, an insurer or a platform, and how it went.

Types, statuses and fields are those that EasyPost's claims and X12 920 have. Standard library only;
knows no database and no rule of any portal.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from storage.records import utc_text


class ClaimType(StrEnum):
    """What became of the parcel."""

    LOSS = "loss"
    DAMAGE = "damage"
    DELAY = "delay"
    THEFT = "theft"
    MISSING_CONTENTS = "missing_contents"
    DELIVERED_NOT_RECEIVED = "delivered_not_received"


class ClaimStatus(StrEnum):
    """Where a claim stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    NEEDS_ACTION = "needs_action"
    APPROVED = "approved"
    APPROVED_PARTIAL = "approved_partial"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    PAID = "paid"


AMOUNTS: Final = ("requested", "approved", "paid", "insured", "salvage")
"""The amounts of a claim, each in whole cents in the field of this name with `_cents`."""
_DECIDED: Final = {ClaimStatus.APPROVED, ClaimStatus.APPROVED_PARTIAL, ClaimStatus.REJECTED}
_PENDING: Final = {ClaimStatus.IN_REVIEW, ClaimStatus.NEEDS_ACTION}
NEXT: Final[dict[ClaimStatus, frozenset[ClaimStatus]]] = {
    ClaimStatus.DRAFT: frozenset({ClaimStatus.SUBMITTED, ClaimStatus.CANCELLED}),
    ClaimStatus.SUBMITTED: frozenset(_PENDING | _DECIDED | {ClaimStatus.CANCELLED}),
    ClaimStatus.IN_REVIEW: frozenset(_DECIDED | {ClaimStatus.NEEDS_ACTION, ClaimStatus.CANCELLED}),
    ClaimStatus.NEEDS_ACTION: frozenset(
        _DECIDED | {ClaimStatus.SUBMITTED, ClaimStatus.IN_REVIEW, ClaimStatus.CANCELLED}
    ),
    ClaimStatus.APPROVED: frozenset({ClaimStatus.PAID, ClaimStatus.CANCELLED}),
    # Whoever got too little, or nothing, may appeal.
    ClaimStatus.APPROVED_PARTIAL: frozenset(
        _PENDING | {ClaimStatus.PAID, ClaimStatus.APPROVED, ClaimStatus.CANCELLED}
    ),
    ClaimStatus.REJECTED: frozenset(_PENDING | {ClaimStatus.SUBMITTED}),
    ClaimStatus.CANCELLED: frozenset(),
    ClaimStatus.PAID: frozenset(),
}
"""What may follow each status."""
ENDED_STATUSES: Final = frozenset({ClaimStatus.REJECTED, ClaimStatus.CANCELLED, ClaimStatus.PAID})
OPEN_STATUSES: Final = frozenset(ClaimStatus) - ENDED_STATUSES
WON_STATUSES: Final = frozenset(
    {ClaimStatus.APPROVED, ClaimStatus.APPROVED_PARTIAL, ClaimStatus.PAID}
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. Amounts are whole cents (hundredths) of `currency`, None is not known; moments are
    UTC. `reference` is our own name of it, `claim_number` the other side's.

    `complete` says whether its evidence was complete when it was submitted.
    """

    id: str
    reference: str
    tracking_number: str
    type: ClaimType
    created_at: dt.datetime
    updated_at: dt.datetime
    status_at: dt.datetime
    status: ClaimStatus = ClaimStatus.DRAFT
    status_detail: str = ""
    order_id: str = ""
    carrier: str = ""
    portal: str = ""
    profile: str = ""
    claim_number: str = ""
    description: str = ""
    recipient_name: str = ""
    contact_email: str = ""
    currency: str = ""
    requested_cents: int | None = None
    approved_cents: int | None = None
    paid_cents: int | None = None
    insured_cents: int | None = None
    salvage_cents: int | None = None
    happened_at: dt.datetime | None = None
    submitted_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    deadline_at: dt.datetime | None = None
    deadline_rule: str = ""
    complete: bool = False

    @property
    def open(self) -> bool:
        """True while something can still come of it."""
        return self.status in OPEN_STATUSES


@dataclass(frozen=True, slots=True)
class ClaimEvent:
    """One entry of a claim's history, which only grows. `what` is `opened`, `status`, `changed`,
    `correspondence`, `note`, `exported` or `form`."""

    seq: int
    at: dt.datetime
    by: str
    role: str
    what: str
    text: str = ""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClaimQuery:
    """Which claims are wanted; '' and None is any. `text` is part of a reference, of a tracking
    number, an order id or the other side's number. `pending_at`: only those for which
    something could still be done then: open ones, and rejected ones whose appeal is not over."""

    open_only: bool = False
    pending_at: dt.datetime | None = None
    status: ClaimStatus | None = None
    type: ClaimType | None = None
    carrier: str = ""
    number: str = ""
    due_before: dt.datetime | None = None
    text: str = ""
    limit: int = 1_000


def claim_to_json(claim: Claim) -> dict[str, Any]:
    """The JSON of a claim, ready for `json.dumps`: amounts in whole cents, moments in UTC."""
    return {name: _told(value) for name, value in asdict(claim).items()}


def claim_event_to_json(event: ClaimEvent) -> dict[str, Any]:
    """The JSON of an entry of a claim's history, ready for `json.dumps`."""
    return {name: _told(value) for name, value in asdict(event).items()}


def _told(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return utc_text(value)
    return value.value if isinstance(value, StrEnum) else value
