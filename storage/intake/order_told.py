"""What the rows of an order export tell, gathered: an order from its rows, bad rows by their line.

Between the columns (`order_columns.py`) and `orders.py`. One bad row never costs the others, and a
bad value never its row's link. What the whole file must decide, such as whether 03/04 is in March,
is decided once all rows are there. Knows no file and no archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storage.intake import moments
from storage.intake.order_cells import SCIENTIFIC, clean, is_id, kept, numbers_of, quantity_of
from storage.intake.order_columns import Columns
from storage.intake.order_faults import Faults
from storage.intake.order_gathered import Amounts, Gathered, Habits, SoldLine
from storage.intake.order_made import MOMENTS, TEXTS, Maker
from storage.intake.sheets import Line
from storage.order import Item, Order

_ONCE: Final = (
    *TEXTS, *MOMENTS, "status", "substatus", "note", "buyer_note", "currency", "insured",
    "refunded", "weight",
)  # fmt: skip
"""What an order has once: the first of its rows that tells it counts."""
_ITEM: Final = ("sku", "item", "ean", "quantity")
ROUNDED: Final = "is a number that a spreadsheet rounded: import that column as text"


class Told:
    """Gathers."""

    def __init__(self, columns: Columns, habits: Habits) -> None:
        self.faults = Faults(columns)
        self._columns = columns
        self._places = columns.places
        self._dates = habits.dates
        self._amounts = Amounts(columns, habits, self.faults)
        self._maker = Maker(columns, habits, self._amounts, self.faults)
        self._orders: dict[str, Gathered] = {}
        self._last = ""
        self._once = [(name, self._places[name]) for name in _ONCE if name in self._places]

    def done(self) -> tuple[Order, ...]:
        """The orders, in the order in which they were told."""
        told = [
            each.cells[name][1]
            for each in self._orders.values()
            for name in MOMENTS
            if name in each.cells
        ]
        days = moments.order_of(told, self._dates)
        undecided = "" if days else next(filter(moments.two_ways, told), "")
        if undecided:
            self.faults.note(
                f"days such as {undecided[:30]!r} can be read two ways and are left out: set "
                '[orders] dates = "dmy" or "mdy"'
            )
        return tuple(self._maker.made(id_, each, days) for id_, each in self._orders.items())

    # ------------------------------------------------------------------------ one row

    def row(self, line: Line) -> None:
        """Gather a row."""
        if line.trouble:
            self.faults.leave(line.number, line.trouble)
            return
        cells = line.cells
        if len(cells) > self._columns.width and any(map(clean, cells[self._columns.width :])):
            self.faults.leave(line.number, "has more cells than the header: a separator too many")
            return
        id_ = self._id(line)
        if not id_:
            return
        order = self._orders.get(id_)
        if order is None:
            order = self._orders[id_] = Gathered()
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
            self.faults.leave(line.number, "has no order id")
        elif self._columns.places["order"] in line.rounded or SCIENTIFIC.fullmatch(id_.upper()):
            self.faults.leave(line.number, ROUNDED, "order")
        elif not is_id(id_):
            self.faults.leave(line.number, f"is no order id: {id_[:40]!r}", "order")
        else:
            return id_
        return ""

    def _numbers(self, line: Line, order: Gathered) -> tuple[str, ...]:
        """The parcels that a row names."""
        found: list[str] = []
        for name in ("number", "second_number"):
            text = self._cell(line, name)
            if not text:
                continue
            if self._places[name] in line.rounded or SCIENTIFIC.fullmatch(text.upper()):
                self.faults.leave(line.number, ROUNDED, name)
                continue
            good, bad = numbers_of(text)
            found += good
            for each in bad:
                self.faults.leave(line.number, f"is no tracking number: {each[:40]!r}", name)
        order.numbers |= dict.fromkeys(found)
        return tuple(dict.fromkeys(found))

    def _goods(self, line: Line, order: Gathered, numbers: tuple[str, ...]) -> None:
        if one := self._cell(line, "line"):
            if one in order.lines:
                return  # the same line again
            order.lines.add(one)
        value = self._cents(line, "value", order)
        if value is not None and (order.value_cents is None or value > order.value_cents):
            order.value_cents = value
        if "line_status" in self._places:
            order.line_statuses.add(self.faults.status(self._cell(line, "line_status")))
        if self._any(line, _ITEM):
            order.sold.append(self._sold(line, order, numbers))

    def _sold(self, line: Line, order: Gathered, numbers: tuple[str, ...]) -> SoldLine:
        quantity, text = 1, self._cell(line, "quantity")
        if text:
            read = quantity_of(text)
            if read is None:
                self.faults.leave(line.number, f"is no quantity: {text[:40]!r}", "quantity")
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
        return SoldLine(item, total, numbers)

    def _article(self, line: Line, name: str) -> str:
        text = self._cell(line, name)
        if text and self._places[name] in line.rounded:
            self.faults.leave(line.number, ROUNDED, name)
        elif not is_id(text):
            self.faults.leave(line.number, f"is no number of an article: {text[:40]!r}", name)
        else:
            return text
        return ""

    def _cents(self, line: Line, name: str, order: Gathered) -> int | None:
        """An amount of a row; None where it tells none, or a bad one, which is told."""
        text = self._cell(line, name)
        if not text:
            return None
        named = self._cell(line, "currency") or order.cells.get("currency", (0, ""))[1]
        return self._amounts.read(line.number, name, text, named, order)

    # ------------------------------------------------------------------------ cells

    def _cell(self, line: Line, name: str) -> str:
        place = self._places.get(name)
        return "" if place is None or place >= len(line.cells) else clean(line.cells[place])

    def _any(self, line: Line, names: Sequence[str]) -> bool:
        return any(self._cell(line, name) for name in names)
