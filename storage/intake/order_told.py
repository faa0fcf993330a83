"""What the rows of an order export tell, gathered: an order from its rows, bad rows by their line.

Between the columns (`order_columns.py`) and `orders.py`. One bad row never costs the others, and a
bad value never its row's link. What the whole file must decide, such as whether 03/04 is in March,
is decided once all rows are there. Knows no file and no archive.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from storage.intake import moments
from storage.intake.money import SHARED_SIGNS, cents_of, currency_in, currency_of
from storage.intake.order_cells import (
    SCIENTIFIC,
    clean,
    grams_of,
    is_id,
    kept,
    numbers_of,
    quantity_of,
    unit_in,
)
from storage.intake.order_columns import Columns, status_named
from storage.intake.sheets import Line
from storage.order import STOPPED, Item, Order, OrderStatus

TEXTS: Final[tuple[str, ...]] = (
    "platform", "shop", "customer", "carrier", "service", "origin", "destination", "packaging",
)  # fmt: skip
MOMENTS: Final[tuple[str, ...]] = (
    "ordered_at",
    "due_at",
    "shipped_at",
    "delivered_at",
    "cancelled_at",
)
AMOUNTS: Final[tuple[str, ...]] = ("value", "price", "line_total", "insured", "refunded")
_ONCE: Final = (
    *TEXTS, *MOMENTS, "status", "substatus", "note", "buyer_note", "currency", "insured",
    "refunded", "weight",
)  # fmt: skip
"""What an order has once: the first of its rows that tells it counts."""
_ITEM: Final = ("sku", "item", "ean", "quantity")
_RANKS: Final = tuple(OrderStatus)
"""Of two words for one order, the one that comes later here says more."""
NOTE_CHARS: Final = 1_000
ROUNDED: Final = "is a number that a spreadsheet rounded: import that column as text"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out, or of which something was. `line` is the one that a person sees;
    `column` is the heading, '' for a whole row."""

    line: int
    why: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a site writes what a file leaves open: the zone of moments without one, whether 03/04 is
    the third of April (`dmy`) or the fourth of March (`mdy`; '' leaves it open), and the currency
    of amounts without one."""

    zone: dt.tzinfo = dt.UTC
    dates: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line of an order. `cents` are of one piece."""

    item: Item | None
    total_cents: int | None
    numbers: tuple[str, ...]


@dataclass(slots=True)
class _Gathered:
    """An order whose rows are still coming. `cells` has a line with each text."""

    cells: dict[str, tuple[int, str]] = field(default_factory=dict)
    numbers: dict[str, None] = field(default_factory=dict)
    pieces: list[_Piece] = field(default_factory=list)
    lines: set[str] = field(default_factory=set)
    """The ids of its lines."""
    line_statuses: set[OrderStatus] = field(default_factory=set)
    value_cents: int | None = None
    currency: str = ""


class Told:
    """Gathers."""

    def __init__(self, columns: Columns, habits: Habits) -> None:
        self.bad: list[BadRow] = []
        self.notes: list[str] = []
        self._columns = columns
        self._places = columns.places
        self._habits = habits
        self._orders: dict[str, _Gathered] = {}
        self._last = ""
        self._once = [(name, self._places[name]) for name in _ONCE if name in self._places]
        self._unit = unit_in(columns.columns.get("weight", ""))
        heading = columns.columns
        self._currencies = {name: currency_in(heading[name]) for name in AMOUNTS if name in heading}
        self._unknown: Counter[str] = Counter()
        self._open_amounts: Counter[bool] = Counter()

    # ------------------------------------------------------------------------ one row

    def row(self, line: Line) -> None:
        """Gather a row."""
        if line.trouble:
            self._leave(line.number, line.trouble)
            return
        cells = line.cells
        if len(cells) > self._columns.width and any(map(clean, cells[self._columns.width :])):
            self._leave(line.number, "has more cells than the header: a separator too many")
            return
        id_ = self._id(line)
        if not id_:
            return
        order = self._orders.get(id_)
        if order is None:
            order = self._orders[id_] = _Gathered()
        self._last = id_
        for name, place in self._once:
            if name not in order.cells and place < len(cells) and (text := clean(cells[place])):
                order.cells[name] = (line.number, text)
        self._goods(line, order, self._numbers(line, order))

    def _id(self, line: Line) -> str:
        """The order that a row tells of; '' for an empty row, and for a bad one, which is told."""
        id_ = self._cell(line, "order")
        if not id_:
            if not any(map(clean, line.cells)):
                return ""
            if self._columns.source.inherits and self._last and self._any(line, _ITEM):
                return self._last
            self._leave(line.number, "has no order id")
        elif self._columns.places["order"] in line.rounded or SCIENTIFIC.fullmatch(id_.upper()):
            self._leave(line.number, ROUNDED, "order")
        elif not is_id(id_):
            self._leave(line.number, f"is no order id: {id_[:40]!r}", "order")
        else:
            return id_
        return ""

    def _numbers(self, line: Line, order: _Gathered) -> tuple[str, ...]:
        """The parcels that a row names."""
        found: list[str] = []
        for name in ("number", "second_number"):
            text = self._cell(line, name)
            if not text:
                continue
            if self._places[name] in line.rounded or SCIENTIFIC.fullmatch(text.upper()):
                self._leave(line.number, ROUNDED, name)
                continue
            good, bad = numbers_of(text)
            found += good
            for each in bad:
                self._leave(line.number, f"is no tracking number: {each[:40]!r}", name)
        order.numbers |= dict.fromkeys(found)
        return tuple(dict.fromkeys(found))

    def _goods(self, line: Line, order: _Gathered, numbers: tuple[str, ...]) -> None:
        if one := self._cell(line, "line"):
            if one in order.lines:
                return  # the same line again
            order.lines.add(one)
        value = self._cents(line, "value", order)
        if value is not None and (order.value_cents is None or value > order.value_cents):
            order.value_cents = value
        if "line_status" in self._places:
            order.line_statuses.add(self._status(self._cell(line, "line_status")))
        if self._any(line, _ITEM):
            order.pieces.append(self._piece(line, order, numbers))

    def _piece(self, line: Line, order: _Gathered, numbers: tuple[str, ...]) -> _Piece:
        quantity, text = 1, self._cell(line, "quantity")
        if text:
            read = quantity_of(text)
            if read is None:
                self._leave(line.number, f"is no quantity: {text[:40]!r}", "quantity")
            else:
                quantity = read
        sku, ean = self._article(line, "sku"), self._article(line, "ean")
        name = kept(self._cell(line, "item"))
        price = self._cents(line, "price", order)
        total = self._cents(line, "line_total", order)
        if total is None and price is not None:
            total = price * quantity
        elif price is None and total is not None and quantity and total % quantity == 0:
            price = total // quantity
        item = None
        if quantity and (sku or ean or name):
            variation = kept(self._cell(line, "variation"))
            item = Item(sku, name, quantity, variation, ean, price)
        return _Piece(item, total, numbers)

    def _article(self, line: Line, name: str) -> str:
        text = self._cell(line, name)
        if text and self._places[name] in line.rounded:
            self._leave(line.number, ROUNDED, name)
        elif not is_id(text):
            self._leave(line.number, f"is no number of an article: {text[:40]!r}", name)
        else:
            return text
        return ""

    def _cents(self, line: Line, name: str, order: _Gathered) -> int | None:
        """An amount of a row; None where it tells none, or a bad one, which is told."""
        text = self._cell(line, name)
        if not text:
            return None
        named = self._cell(line, "currency") or order.cells.get("currency", (0, ""))[1]
        code = currency_of(named) if named else self._currencies[name]
        return self._amount(line.number, name, text, code, order)

    def _amount(self, line: int, name: str, text: str, code: str, order: _Gathered) -> int | None:
        own = code or self._columns.source.currency
        read = cents_of(text, own or order.currency or self._habits.currency)
        if read is None:
            self._leave(line, f"is no plain amount: {text[:40]!r}", name)
            return None
        cents, beside = read
        if beside and own and beside != own:
            self._leave(line, f"is an amount in two currencies: {text[:40]!r}", name)
            return None
        currency = beside or own or self._habits.currency
        if not currency:
            shared = any(sign in text for sign in SHARED_SIGNS)
            self._open_amounts[shared] += 1
            if shared:
                return None
        if order.currency and currency and currency != order.currency:
            why = f"is in {currency}, and the order in {order.currency}: {text[:40]!r}"
            self._leave(line, why, name)
            return None
        order.currency = order.currency or currency
        return cents

    # ------------------------------------------------------------------------ all of them

    def done(self) -> tuple[Order, ...]:
        """The orders, in the order in which they were told."""
        told = [
            each.cells[name][1]
            for each in self._orders.values()
            for name in MOMENTS
            if name in each.cells
        ]
        days = moments.order_of(told, self._habits.dates)
        undecided = "" if days else next(filter(moments.two_ways, told), "")
        found = tuple(self._order(id_, each, days) for id_, each in self._orders.items())
        if undecided:
            self.notes.append(
                f"days such as {undecided[:30]!r} can be read two ways and are left out: set "
                '[orders] dates = "dmy" or "mdy"'
            )
        if self._open_amounts[True]:
            self.notes.append(
                f"{self._open_amounts[True]} amounts with a sign that several currencies share are "
                'left out: set [orders] currency, such as "USD" or "CNY"'
            )
        if self._open_amounts[False]:
            self.notes.append(
                f"{self._open_amounts[False]} amounts are in no currency: set [orders] currency"
            )
        for word, count in self._unknown.most_common(10):
            self.notes.append(f"the status {word[:40]!r} of {count} rows is not known")
        self.bad.sort(key=lambda row: (row.line, row.column))
        return found

    def _order(self, id_: str, told: _Gathered, days: str) -> Order:
        text: dict[str, Any] = {
            name: kept(told.cells[name][1]) for name in TEXTS if name in told.cells
        }
        at: dict[str, Any] = {
            name: self._moment(told, name, days) for name in MOMENTS if name in told.cells
        }
        cancelled = at.pop("cancelled_at", None) is not None or (
            "cancelled_at" in told.cells and self._columns.source.name != "generic"
        )
        refunded, insured = (self._once_cents(told, name) for name in ("refunded", "insured"))
        value = told.value_cents
        if value is None and told.pieces and all(p.total_cents is not None for p in told.pieces):
            value = sum(piece.total_cents or 0 for piece in told.pieces)
        words = [told.cells[name][1] for name in ("status", "substatus") if name in told.cells]
        statuses = [*map(self._status, words), self._columns.source.status]
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
        text.setdefault("platform", self._columns.source.platform)
        return Order(
            id=id_,
            numbers=tuple(told.numbers),
            items=tuple(
                _in_parcel(piece.item, piece.numbers if several else ())
                for piece in told.pieces
                if piece.item is not None
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

    def _moment(self, told: _Gathered, name: str, days: str) -> dt.datetime | None:
        line, text = told.cells[name]
        at = moments.moment_of(text, self._habits.zone, days, day_ends=name == "due_at")
        if at is None and (days or not moments.two_ways(text)):
            self._leave(line, f"is no date: {text[:40]!r}", name)
        return at

    def _once_cents(self, told: _Gathered, name: str) -> int | None:
        if name not in told.cells:
            return None
        line, text = told.cells[name]
        named = told.cells.get("currency", (0, ""))[1]
        code = currency_of(named) if named else self._currencies[name]
        return self._amount(line, name, text, code, told)

    def _weight(self, told: _Gathered) -> int | None:
        if "weight" not in told.cells:
            return None
        line, text = told.cells["weight"]
        grams = grams_of(text, self._unit)
        if grams is None:
            why = f"is no weight with a unit (g, kg, lb, oz): {text[:40]!r}"
            self._leave(line, why, "weight")
        return grams or None

    def _status(self, word: str) -> OrderStatus:
        status = status_named(word) if word else OrderStatus.UNKNOWN
        if word and status is OrderStatus.UNKNOWN:
            self._unknown[kept(word)] += 1
        return status

    # ------------------------------------------------------------------------ cells

    def _cell(self, line: Line, name: str) -> str:
        place = self._places.get(name)
        return "" if place is None or place >= len(line.cells) else clean(line.cells[place])

    def _any(self, line: Line, names: Sequence[str]) -> bool:
        return any(self._cell(line, name) for name in names)

    def _leave(self, line: int, why: str, name: str = "") -> None:
        heading = kept(self._columns.columns.get(name, ""), 60)
        self.bad.append(BadRow(line, why, heading))


def _in_parcel(item: Item, numbers: tuple[str, ...]) -> Item:
    """The item, in its parcel where that is one."""
    if len(numbers) != 1:
        return item
    return Item(
        item.sku, item.name, item.quantity, item.variation, item.ean, item.price_cents, numbers[0]
    )
