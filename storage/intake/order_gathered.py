"""An order whose rows are still coming, and its amounts.

Between the rows (`order_told.py`) and the finished order (`order_made.py`). Knows no file.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from storage.intake.money import SHARED_SIGNS, cents_of, currency_in, currency_of
from storage.intake.order_columns import Columns
from storage.intake.order_faults import Faults
from storage.order import Item, OrderStatus

AMOUNTS: Final[tuple[str, ...]] = ("value", "price", "line_total", "insured", "refunded")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a site writes what a file leaves open: the zone of moments without one, whether 03/04 is
    the third of April (`dmy`) or the fourth of March (`mdy`; '' leaves it open), and the currency
    of amounts without one."""

    zone: dt.tzinfo = dt.UTC
    dates: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an order: its item, None where it names none, what it comes to, and the parcels
    that its row names."""

    item: Item | None
    total_cents: int | None
    numbers: tuple[str, ...]


@dataclass(slots=True)
class Gathered:
    """An order whose rows are still coming. `cells` has a line with each text."""

    cells: dict[str, tuple[int, str]] = field(default_factory=dict)
    numbers: dict[str, None] = field(default_factory=dict)
    sold: list[SoldLine] = field(default_factory=list)
    lines: set[str] = field(default_factory=set)
    """The ids of its lines."""
    line_statuses: set[OrderStatus] = field(default_factory=set)
    value_cents: int | None = None
    currency: str = ""


class Amounts:
    """Reads amounts of money: their currency stands beside them, in the file's column of
    currencies, in their heading, is that of the source, of the order's others, or the site's."""

    def __init__(self, columns: Columns, habits: Habits, faults: Faults) -> None:
        self._faults = faults
        self._own = columns.source.currency
        self._otherwise = habits.currency
        self._headings = {
            name: currency_in(columns.columns[name]) for name in AMOUNTS if name in columns.columns
        }

    def read(self, line: int, name: str, text: str, named: str, order: Gathered) -> int | None:
        """The cents of an amount; None for a bad one, which is told. `named` is the cell that
        names its currency."""
        own = (currency_of(named) if named else self._headings[name]) or self._own
        read = cents_of(text, own or order.currency or self._otherwise)
        if read is None:
            self._faults.leave(line, f"is no plain amount: {text[:40]!r}", name)
            return None
        cents, beside = read
        if beside and own and beside != own:
            self._faults.leave(line, f"is an amount in two currencies: {text[:40]!r}", name)
            return None
        currency = beside or own or self._otherwise
        if not currency:
            shared = any(sign in text for sign in SHARED_SIGNS)
            self._faults.without_currency(shared=shared)
            if shared:
                return None
        if order.currency and currency and currency != order.currency:
            why = f"is in {currency}, and the order in {order.currency}: {text[:40]!r}"
            self._faults.leave(line, why, name)
            return None
        order.currency = order.currency or currency
        return cents
