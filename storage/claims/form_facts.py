"""What a claim form can tell: one text for each field, the items, and the list of evidence.

Gathered from the archive once, for our own form and for other people's. Every text in it may come
from outside and is hostile; whoever writes it down makes it harmless. Writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from storage.amounts import plain, worded
from storage.claims.claim import Claim
from storage.claims.moments import moments_of
from storage.claims.rules import Start
from storage.later import EvidenceGroup
from storage.records import Clip
from storage.rows import media_of

if TYPE_CHECKING:
    from storage.archive import Archive
    from storage.order import Order

FIELDS: Final = (
    "reference", "type", "claim_number", "today", "portal", "claimant", "address", "contact_email",
    "tracking_number", "order_id", "carrier", "service", "origin", "destination", "recipient_name",
    "weight", "ordered", "shipped", "delivered", "happened", "description", "requested", "approved",
    "insured", "salvage", "value", "currency", "requested_amount", "items", "quantity", "evidence",
)  # fmt: skip
"""Every field that a form may ask for. `requested` is `12.50`, `requested_amount` `12.50 USD`."""
SUMMED: Final = 20
"""So many items stand in the one field `items`; our own form has all of them."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims."""

    name: str = ""
    address: str = ""
    contact_email: str = ""


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One line of goods; `price` and `total` are amounts as texts, '' where nobody told."""

    order: str
    sku: str
    name: str
    quantity: int
    price: str
    total: str


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One file that speaks for the claim."""

    group: EvidenceGroup
    name: str
    at: dt.datetime
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FormFacts:
    """All that forms tell of one claim. `fields` has a text for each of FIELDS."""

    claim: Claim
    fields: dict[str, str]
    items: tuple[ItemLine, ...]
    exhibits: tuple[Exhibit, ...]


def gather(
    archive: Archive, claim: Claim, claimant: Claimant, today: dt.date, tz: dt.tzinfo
) -> FormFacts:
    """The facts of a claim on this day; days are those of `tz`. Blocks. Raises ArchiveError."""
    orders = archive.orders_in(claim.tracking_number)
    moments = moments_of(archive, claim)
    items = tuple(_items(orders))
    exhibits = tuple(_exhibits(archive, claim))
    worth = [
        order.value_cents
        for order in orders
        if order.value_cents is not None and order.currency == claim.currency
    ]

    def day(start: Start) -> str:
        at = moments.get(start)
        return "" if at is None else f"{at.astimezone(tz):%Y-%m-%d}"

    def of_orders(name: str) -> str:
        return ", ".join(dict.fromkeys(filter(None, (getattr(order, name) for order in orders))))

    weights = [order.weight_g for order in orders if order.weight_g is not None]
    fields = {
        "reference": claim.reference,
        "type": claim.type.value,
        "claim_number": claim.claim_number,
        "today": today.isoformat(),
        "portal": claim.portal,
        "claimant": claimant.name,
        "address": claimant.address,
        "contact_email": claim.contact_email or claimant.contact_email,
        "tracking_number": claim.tracking_number,
        "order_id": claim.order_id or of_orders("id"),
        "carrier": claim.carrier,
        "service": of_orders("service"),
        "origin": of_orders("origin"),
        "destination": of_orders("destination"),
        "recipient_name": claim.recipient_name,
        "weight": f"{sum(weights)} g" if weights else "",
        "ordered": day(Start.ORDERED),
        "shipped": day(Start.SHIPPED),
        "delivered": day(Start.DELIVERED),
        "happened": day(Start.HAPPENED),
        "description": claim.description,
        "requested": plain(claim.requested_cents),
        "approved": plain(claim.approved_cents),
        "insured": plain(claim.insured_cents),
        "salvage": plain(claim.salvage_cents),
        "value": plain(sum(worth)) if worth else "",
        "currency": claim.currency,
        "requested_amount": worded(claim.requested_cents, claim.currency),
        "items": "; ".join(
            f"{item.quantity} x {item.name or item.sku}" for item in items[:SUMMED]
        ) + ("; ..." if len(items) > SUMMED else ""),
        "quantity": str(sum(item.quantity for item in items)) if items else "",
        "evidence": "; ".join(each.name for each in exhibits),
    }  # fmt: skip
    return FormFacts(claim, fields, items, exhibits)


def _items(orders: tuple[Order, ...]) -> Iterator[ItemLine]:
    for order in orders:
        for item in order.items:
            total = None if item.price_cents is None else item.price_cents * item.quantity
            yield ItemLine(
                order.id,
                item.sku,
                " ".join(filter(None, (item.name, item.variation))),
                item.quantity,
                worded(item.price_cents, order.currency),
                worded(total, order.currency),
            )


def _exhibits(archive: Archive, claim: Claim) -> Iterator[Exhibit]:
    """Media first, then documents by their group; the claim's own forms are not evidence."""
    for session in archive.claimable(claim.tracking_number):
        for item in media_of(session):
            at = item.started_at if isinstance(item, Clip) else item.taken_at
            name = item.path.rpartition("/")[2]
            yield Exhibit(EvidenceGroup.MEDIA, name, at, item.size_bytes, item.sha256)
    filed = archive.documents_of(claim.tracking_number)
    order = list(EvidenceGroup)
    for document, _, group in sorted(filed, key=lambda each: order.index(each[2])):
        if group is not EvidenceGroup.CLAIM_FORM:
            yield Exhibit(
                group, document.name, document.filed_at, document.size_bytes, document.sha256
            )
