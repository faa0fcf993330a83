"""What was sold, as facts of a parcel: its orders with their status, value and items, and what is
claimed for it. Pure.

Every text in an order came from a shop's export and is hostile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from station.ui.messages import shown
from storage.amounts import worded

if TYPE_CHECKING:
    from station.ui.archive.words import Words
    from storage.claims.claim import Claim
    from storage.order import Item, Order

ITEMS_SHOWN: Final = 6
"""So many items of an order stand among the facts of its parcel."""


def sold(order: Order, words: Words) -> Iterator[tuple[str, str, str]]:
    """The lines of one order: a name of a fact, what it says, and its tone."""
    yield "order", _head(order, words), "stop" if order.stopped else ""
    for item in order.items[:ITEMS_SHOWN]:
        yield "item", _piece(item, order.currency), ""
    if len(order.items) > ITEMS_SHOWN:
        count = str(len(order.items) - ITEMS_SHOWN)
        yield "item", words.text("parcel.items_more", [("count", count)]), "quiet"
    if order.note:
        yield "order_note", shown(order.note), "check"


def claimed(claim: Claim, words: Words) -> tuple[str, str, str]:
    """The line of one claim."""
    told = [
        shown(claim.reference),
        words.text(f"claims.type.{claim.type.value}"),
        words.text(f"claims.status.{claim.status.value}"),
    ]
    if claim.requested_cents is not None:
        told.append(money(claim.requested_cents, claim.currency))
    return "claim", " · ".join(told), "work" if claim.open else "quiet"


def money(cents: int, currency: str) -> str:
    """An amount as people write it, `12.50 EUR`, made harmless."""
    return shown(worded(cents, currency))


def _head(order: Order, words: Words) -> str:
    """Whose order it is, how it stands and what it is worth."""
    parts = [shown(order.id)]
    parts += [shown(text) for text in (order.platform, order.shop) if text]
    if order.status.value:
        parts.append(words.text(f"parcel.sold.{order.status.value}"))
    elif order.status_text:
        parts.append(shown(order.status_text))
    if order.value_cents is not None:
        parts.append(money(order.value_cents, order.currency))
    if order.insured_cents:
        amount = money(order.insured_cents, order.currency)
        parts.append(words.text("parcel.sold.insured", [("amount", amount)]))
    elif order.insured_cents == 0:
        parts.append(words.text("parcel.sold.uninsured"))
    return " · ".join(parts)


def _piece(item: Item, currency: str) -> str:
    name = shown(item.name or item.sku or item.ean)
    parts = [f"{item.quantity} × {name}"]
    parts += [shown(text) for text in (item.variation, item.sku if item.name else "") if text]
    if item.price_cents is not None:
        parts.append(money(item.price_cents, currency))
    return " · ".join(parts)
