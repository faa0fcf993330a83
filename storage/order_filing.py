"""Orders are filed: what a file tells beside what was told before.

Writes on the writer's thread, for `documents.py`. What a later file tells replaces what an earlier
one did, field by field, and all items of an order at once; what it leaves out stays. What it tells
again is not written again: no trigger runs for it. Knows no file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlite_utils import Database

from storage import rows
from storage.order import Item, Order
from storage.records import utc_text
from storage.tables_sold import ORDER_COLUMNS
from storage.transaction import immediate

Row = tuple[Any, ...]

_MOMENTS: Final = frozenset({"ordered_at", "due_at", "shipped_at", "delivered_at"})
_COLUMNS: Final = (
    "customer_reference", "customer_key", *ORDER_COLUMNS, "insured_cents", "weight_g", "currency",
    "value_cents",
)  # fmt: skip
_CURRENCY: Final = _COLUMNS.index("currency")
_NAMED: Final = ", ".join(_COLUMNS)
_NEW: Final = (
    f"INSERT INTO orders (order_id, order_key, {_NAMED}) "  # noqa: S608 - the names of columns
    f"VALUES (?, ?{', ?' * len(_COLUMNS)})"
)
_CHANGED: Final = f"UPDATE orders SET {' = ?, '.join(_COLUMNS)} = ? WHERE order_id = ?"  # noqa: S608
_LINK: Final = "INSERT INTO order_waybills VALUES (?, ?) ON CONFLICT DO NOTHING"
_ITEM: Final = "INSERT INTO order_items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_AMONG: Final = "WHERE order_id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Filed:
    """How many orders were new, told something else, or nothing new; and how many links of an order
    to a parcel are new."""

    new: int = 0
    changed: int = 0
    known: int = 0
    links: int = 0

    def __add__(self, other: Filed) -> Filed:
        return Filed(
            self.new + other.new,
            self.changed + other.changed,
            self.known + other.known,
            self.links + other.links,
        )


@dataclass(slots=True)
class _Steps:
    """What is to be written."""

    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    without: list[Row] = field(default_factory=list)
    """The orders whose items are told anew."""
    items: list[Row] = field(default_factory=list)


def file_orders(db: Database, orders: Sequence[Order]) -> Filed:
    """File what the orders tell, all or nothing; what of it was new.

    `orders` are as `order_rows.storable` gives them.
    """
    with immediate(db):
        filed, steps = _compared(db, orders)
        # A parcel is linked to an order that is whole: triggers read what it is worth and holds.
        db.conn.executemany(_NEW, steps.new)
        db.conn.executemany(_CHANGED, steps.changed)
        db.conn.executemany("DELETE FROM order_items WHERE order_id = ?", steps.without)
        db.conn.executemany(_ITEM, steps.items)
        db.conn.executemany(_LINK, steps.links)
    return filed


def would_file(db: Database, orders: Sequence[Order]) -> Filed:
    """What `file_orders` would find new; writes nothing."""
    return _compared(db, orders)[0]


def _compared(db: Database, orders: Sequence[Order]) -> tuple[Filed, _Steps]:
    among = [json.dumps([each.id for each in orders])]
    facts = {
        each[0]: each[1:]
        for each in db.execute(f"SELECT order_id, {_NAMED} FROM orders {_AMONG}", among)  # noqa: S608
    }
    links = set(
        db.execute(f"SELECT order_id, tracking_number FROM order_waybills {_AMONG}", among)  # noqa: S608
    )
    items: defaultdict[str, set[Row]] = defaultdict(set)
    for row in db.execute(f"SELECT * FROM order_items {_AMONG}", among):  # noqa: S608
        items[row[0]].add(row)
    steps, changed = _Steps(), 0
    for order in orders:
        before, told = facts.get(order.id), _facts(order)
        joined = [(order.id, each) for each in order.numbers if (order.id, each) not in links]
        pieces = _item_rows(order) if order.items else []
        other = bool(order.items) and set(pieces) != items[order.id]
        if before is None:
            steps.new.append((order.id, rows.search_key(order.id), *told))
        else:
            merged = _merged(before, told)
            if merged != before:
                steps.changed.append((*merged, order.id))
            changed += merged != before or other or bool(joined)
        steps.links += joined
        if other:
            if before is not None:
                steps.without.append((order.id,))
            steps.items += pieces
    new = len(steps.new)
    return Filed(new, changed, len(orders) - new - changed, len(steps.links)), steps


def _merged(before: Row, told: Row) -> Row:
    """What is known of an order after it was told."""
    merged = [was if now in (None, "") else now for was, now in zip(before, told, strict=True)]
    if told[-1] is not None:  # an amount comes with its currency, or with none
        merged[_CURRENCY] = told[_CURRENCY]
    elif before[_CURRENCY]:
        merged[_CURRENCY] = before[_CURRENCY]
    return tuple(merged)


def _facts(order: Order) -> Row:
    customer = rows.storable(order.customer)
    return (
        customer,
        rows.search_key(customer),
        *(_text(order, name) for name in ORDER_COLUMNS),
        order.insured_cents,
        order.weight_g,
        order.currency,
        order.value_cents,
    )


def _text(order: Order, name: str) -> str:
    told = getattr(order, name)
    if name in _MOMENTS:
        return "" if told is None else utc_text(told)
    return rows.storable(told) if told else ""


def _item_rows(order: Order) -> list[Row]:
    """The rows of its items: pieces of one article in one parcel are one row."""
    whole: dict[tuple[str, str], Item] = {}
    for item in order.items:
        number = rows.search_key(item.number)
        sku = rows.storable(item.sku)
        place = (number, rows.search_key(sku or item.ean or item.name))
        known = whole.get(place)
        whole[place] = (
            replace(item, sku=sku, number=number)
            if known is None
            else replace(known, quantity=known.quantity + item.quantity)
        )
    return [
        (
            order.id, parcel, key, item.sku, rows.storable(item.name), item.quantity,
            rows.storable(item.variation), rows.storable(item.ean), item.price_cents,
        )
        for (parcel, key), item in whole.items()
    ]  # fmt: skip
