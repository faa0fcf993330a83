"""The nouns of what was sold: an order, its items, and where it stands.

What shops' exports tell (`storage.intake.orders` reads them), as the rows keep it and the bench
shows it. Every text in it came from outside and is hostile. Standard library only; knows no
database and no file.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class OrderStatus(StrEnum):
    """Where an order stands, whatever words its platform has for it."""

    UNKNOWN = ""
    OPEN = "open"
    """Sold, and not yet on its way."""
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    """The customer has the money back, or sends the goods back."""


STOPPED: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.REFUNDED})
"""Whatever is packed for such an order is given away."""
SENT: Final = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED})


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order: `quantity` pieces of an article, each for `price_cents`.

    `number` is the parcel that it goes with, '' where the order's file does not tell. `ean` is the
    article's own number (GTIN), as it was told; one that is not known by an `sku` either is known
    by its name.
    """

    sku: str = ""
    name: str = ""
    quantity: int = 1
    variation: str = ""
    ean: str = ""
    price_cents: int | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What the shop sold. '', () and None is what nobody told.

    `numbers` are the tracking numbers of its parcels. Amounts are whole cents (hundredths) of
    `currency`, a code of three letters; `insured_cents` 0 is said to be uninsured. `status_text` is
    the status as the platform says it. Moments are UTC.
    """

    id: str
    numbers: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    platform: str = ""
    shop: str = ""
    status: OrderStatus = OrderStatus.UNKNOWN
    status_text: str = ""
    customer: str = ""
    note: str = ""
    currency: str = ""
    value_cents: int | None = None
    insured_cents: int | None = None
    carrier: str = ""
    service: str = ""
    origin: str = ""
    destination: str = ""
    packaging: str = ""
    weight_g: int | None = None
    ordered_at: dt.datetime | None = None
    due_at: dt.datetime | None = None
    """By when it must be on its way."""
    shipped_at: dt.datetime | None = None
    delivered_at: dt.datetime | None = None

    @property
    def stopped(self) -> bool:
        """True for one that must not be shipped."""
        return self.status in STOPPED
