"""What the archive knows of a parcel when a claim for it is opened. Reads rows only."""

from __future__ import annotations

from typing import Any, Final

from sqlite_utils import Database

from storage import amending, document_rows, order_rows

_CARRIER: Final = (
    "SELECT carrier FROM (SELECT 2 AS sure, opened_ms AS at, carrier FROM catalogue "
    "WHERE number = :number UNION ALL SELECT 1, 0, carrier FROM traces "
    "WHERE tracking_number = :number) WHERE carrier <> '' ORDER BY sure DESC, at DESC LIMIT 1"
)


def is_known(db: Database, number: str) -> bool:
    """True for a parcel that was packed, sold, or seen by a carrier."""
    seen = "SELECT 1 FROM traces WHERE tracking_number = ?"
    known = number in document_rows.numbers_known(db, number)
    return known or db.execute(seen, [number]).fetchone() is not None


def told_of(db: Database, number: str, currency: str | None) -> dict[str, Any]:
    """What the parcel's newest session, its trace and its orders tell of a new claim: no amounts,
    where the claim is in another `currency` than they are."""
    carrier = db.execute(_CARRIER, {"number": number}).fetchone()
    told: dict[str, Any] = {"carrier": carrier[0] if carrier else ""}
    orders = order_rows.of_number(db, number)
    if not orders:
        return told
    dearest = max(orders, key=lambda order: order.value_cents or 0)
    told |= {"order_id": dearest.id, "currency": dearest.currency}
    told["carrier"] = told["carrier"] or dearest.carrier
    told["recipient_name"] = amending.short(dearest.customer)
    if currency and currency != dearest.currency:
        return told
    for name, wanted in (("requested_cents", "value_cents"), ("insured_cents", "insured_cents")):
        amounts = [
            cents
            for order in orders
            if order.currency == dearest.currency and (cents := getattr(order, wanted)) is not None
        ]
        told[name] = sum(amounts) if amounts else None
    return told
