"""The finished order, once all of its rows are there: its status, its dates, its value.

Between what was gathered (`order_gathered.py`) and `orders.py`. Knows no row and no file.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from storage.intake import moments
from storage.intake.order_cells import grams_of, kept, unit_in
from storage.intake.order_columns import GENERIC, Columns
from storage.intake.order_faults import Faults
from storage.intake.order_gathered import Amounts, Gathered, Habits
from storage.order import STOPPED, Item, Order, OrderStatus

TEXTS: Final[tuple[str, ...]] = (
    "platform", "shop", "customer", "carrier", "service", "origin", "destination", "packaging",
)  # fmt: skip
MOMENTS: Final[tuple[str, ...]] = (
    "ordered_at", "due_at", "shipped_at", "delivered_at", "cancelled_at",
)  # fmt: skip
_RANKS: Final = tuple(OrderStatus)
"""Of two words for one order, the one that comes later here says more."""
NOTE_CHARS: Final = 1_000


class Maker:
    """Makes orders of what was gathered."""

    def __init__(self, columns: Columns, habits: Habits, amounts: Amounts, faults: Faults) -> None:
        self._source = columns.source
        self._zone = habits.zone
        self._amounts = amounts
        self._faults = faults
        self._unit = unit_in(columns.columns.get("weight", ""))

    def made(self, id_: str, told: Gathered, days: str) -> Order:
        """The order. `days` says how days are written: `dmy`, `mdy`, or '' where nothing tells."""
        text: dict[str, Any] = {
            name: kept(told.cells[name][1]) for name in TEXTS if name in told.cells
        }
        at: dict[str, Any] = {
            name: self._moment(told, name, days) for name in MOMENTS if name in told.cells
        }
        cancelled = at.pop("cancelled_at", None) is not None or (
            "cancelled_at" in told.cells and self._source.name != GENERIC
        )
        refunded, insured = (self._cents(told, name) for name in ("refunded", "insured"))
        value = told.value_cents
        if value is None and told.sold and all(line.total_cents is not None for line in told.sold):
            value = sum(line.total_cents or 0 for line in told.sold)
        words = [told.cells[name][1] for name in ("status", "substatus") if name in told.cells]
        statuses = [*map(self._faults.status, words), self._source.status]
        if cancelled:
            statuses.append(OrderStatus.CANCELLED)
        if refunded and (value is None or refunded >= value):
            statuses.append(OrderStatus.REFUNDED)
        if len(told.line_statuses) == 1:  # of one line alone the others are still sold
            statuses += [each for each in told.line_statuses if each in STOPPED]
        if not any(statuses):
            statuses += [OrderStatus.SHIPPED] if at.get("shipped_at") else []
            statuses += [OrderStatus.DELIVERED] if at.get("delivered_at") else []
        notes = [told.cells[name][1] for name in ("note", "buyer_note") if name in told.cells]
        several = len(told.numbers) > 1
        text.setdefault("platform", self._source.platform)
        return Order(
            id=id_,
            numbers=tuple(told.numbers),
            items=tuple(
                _in_parcel(line.item, line.numbers if several else ())
                for line in told.sold
                if line.item is not None
            ),
            status=max(statuses, key=_RANKS.index),
            status_text=kept(" / ".join(dict.fromkeys(words))),
            note=kept(" / ".join(dict.fromkeys(notes)), NOTE_CHARS),
            currency=told.currency,
            value_cents=value,
            insured_cents=insured,
            weight_g=self._weight(told),
            **text,
            **at,
        )

    def _moment(self, told: Gathered, name: str, days: str) -> dt.datetime | None:
        line, text = told.cells[name]
        at = moments.moment_of(text, self._zone, days, day_ends=name == "due_at")
        if at is None and (days or not moments.two_ways(text)):
            self._faults.leave(line, f"is no date: {text[:40]!r}", name)
        return at

    def _cents(self, told: Gathered, name: str) -> int | None:
        if name not in told.cells:
            return None
        line, text = told.cells[name]
        return self._amounts.read(line, name, text, told.cells.get("currency", (0, ""))[1], told)

    def _weight(self, told: Gathered) -> int | None:
        if "weight" not in told.cells:
            return None
        line, text = told.cells["weight"]
        grams = grams_of(text, self._unit)
        if grams is None:
            why = f"is no weight with a unit (g, kg, lb, oz): {text[:40]!r}"
            self._faults.leave(line, why, "weight")
        return grams or None


def _in_parcel(item: Item, numbers: tuple[str, ...]) -> Item:
    """The item, in its parcel where that is one."""
    if len(numbers) != 1:
        return item
    return Item(
        item.sku, item.name, item.quantity, item.variation, item.ean, item.price_cents, numbers[0]
    )
