"""What an order asks of its packing: how dear it is, whether it may go, which items belong in it.

Pure, and below every rule: `Policy` is a site's choice, the functions say what it means for the
orders of one parcel. Knows no session.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from storage.order import Item, Order

NAME_CHARS: Final = 80
"""So much of an article's name is told in notes and messages."""
_ZEROS: Final = re.compile(r"0*([0-9]{1,14})")


class ItemCheck(StrEnum):
    """Whether the items of an order are scanned, one by one."""

    OFF = "off"
    CHECK = "check"
    """Missing ones are told of; a second FINISH goes on without them."""
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a site asks of parcels by their orders.

    `high_cents` has the least amount of a high value for each currency, in cents. A parcel may
    weigh `tolerance_percent` or `tolerance_g` more or less than its orders say, whichever is more.
    """

    high_cents: tuple[tuple[str, int], ...] = ()
    announce_uninsured: bool = True
    stop_cancelled: bool = True
    items: ItemCheck = ItemCheck.OFF
    tolerance_percent: Fraction = Fraction(10)
    tolerance_g: int = 50


NO_POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Piece:
    """An article that belongs in the parcel, `quantity` times. `key` tells it from the others."""

    key: str
    name: str
    quantity: int
    codes: frozenset[str]
    """What its barcode may say."""


def worth(orders: Sequence[Order]) -> dict[str, int]:
    """The cents that the orders are worth together, by currency; '' is one that nobody told."""
    found: Counter[str] = Counter()
    for order in orders:
        if order.value_cents is not None:
            found[order.currency] += order.value_cents
    return dict(found)


def is_high(orders: Sequence[Order], policy: Policy) -> bool:
    """True when the parcel is worth a high value in any currency that has one."""
    least = dict(policy.high_cents)
    return any(
        currency in least and cents >= least[currency] for currency, cents in worth(orders).items()
    )


def uninsured(orders: Sequence[Order]) -> tuple[str, ...]:
    """The ids of the orders of which nobody says that they are insured."""
    return tuple(order.id for order in orders if not order.insured_cents)


def stopped(orders: Sequence[Order]) -> tuple[Order, ...]:
    """The orders that must not be shipped."""
    return tuple(order for order in orders if order.stopped)


def weight_g(orders: Sequence[Order]) -> int | None:
    """What the parcel should weigh in grams, or None where an order does not tell, or is in
    several parcels."""
    whole = 0
    for order in orders:
        if order.weight_g is None or len(order.numbers) > 1:
            return None
        whole += order.weight_g
    return whole or None


def weighs_off(grams: int, expected_g: int, policy: Policy) -> bool:
    """True when the weight is not what it should be."""
    most = max(Fraction(policy.tolerance_g), expected_g * policy.tolerance_percent / 100)
    return abs(grams - expected_g) > most


def pieces(orders: Sequence[Order]) -> tuple[Piece, ...]:
    """What belongs in the parcel; one article of several orders is one piece."""
    found: dict[str, Piece] = {}
    for order in orders:
        for item in order.items:
            key = _plain(item.sku or item.ean or item.name)
            known = found.get(key)
            before = known.quantity if known else 0
            found[key] = Piece(
                key,
                (item.name or item.sku or item.ean)[:NAME_CHARS],
                before + item.quantity,
                _codes(item) | (known.codes if known else frozenset()),
            )
    return tuple(found.values())


def piece_of(text: str, among: Sequence[Piece]) -> Piece | None:
    """The piece that a scanned text names, by its SKU or its product number."""
    code = _code(text)
    return next((piece for piece in among if code and code in piece.codes), None)


def _codes(item: Item) -> frozenset[str]:
    return frozenset(code for code in (_code(item.sku), _code(item.ean)) if code)


def _code(text: str) -> str:
    """A code as it is compared: without spaces, in upper case, a product number without the zeros
    that a longer form of the same number (GTIN-14, UPC in EAN-13) puts before it."""
    plain = _plain(text)
    digits = _ZEROS.fullmatch(plain)
    return digits[1] if digits else plain


def _plain(text: str) -> str:
    return "".join(text.split()).upper()
