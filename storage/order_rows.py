"""Orders out of their rows: which parcels carry them, what is in them, what they are found and kept
by; and one order of what was told of it several times at once.

Writes nothing: that is `order_filing.py`'s. Knows no file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from storage import rows, schema
from storage.errors import Refused
from storage.order import Item, Order, OrderStatus
from storage.tables_sold import ORDER_COLUMNS

_MOMENTS = ("ordered_at", "due_at", "shipped_at", "delivered_at")
_OF_NUMBER = (
    "SELECT o.* FROM order_waybills AS w JOIN orders AS o USING (order_id) "
    "WHERE w.tracking_number = ? ORDER BY o.order_id LIMIT ?"
)
MOST = 50
"""Orders of one parcel that are looked at: more than that is no parcel."""


def storable(orders: Iterable[Order]) -> list[Order]:
    """The orders as the rows will hold them, one of each id.

    Raises Refused for an empty order id or tracking number.
    """
    whole: dict[str, Order] = {}
    for each in orders:
        order = replace(
            each,
            id=rows.storable(each.id),
            numbers=tuple(dict.fromkeys(map(rows.search_key, each.numbers))),
        )
        if not rows.search_key(order.id) or not all(order.numbers):
            raise Refused("an order id or a tracking number is empty")
        known = whole.get(order.id)
        whole[order.id] = order if known is None else _joined(known, order)
    return list(whole.values())


def of_number(db: Database, number: str) -> tuple[Order, ...]:
    """The orders that a tracking number carries, with the items that are in this parcel or of
    which nobody told in which one they are."""
    key = rows.search_key(number)
    if not schema.has_sold(db):
        return tuple(
            Order(id=row["order_id"], numbers=(key,)) for row in db.query(_OF_NUMBER, [key, MOST])
        )
    return tuple(_order(db, row, key) for row in db.query(_OF_NUMBER, [key, MOST]))


def by_id(db: Database, text: str) -> Order | None:
    """The order with this id, however it is spaced and written; None when there is none."""
    found = db.query(
        "SELECT * FROM orders WHERE order_key = ? ORDER BY order_id LIMIT 1",
        [rows.search_key(text)],
    )
    for row in found:
        return _order(db, row, "")
    return None


def _joined(before: Order, after: Order) -> Order:
    """What was told twice of one order in one batch: the later word counts, all numbers do."""
    numbers = tuple(dict.fromkeys((*before.numbers, *after.numbers)))
    return rows.told_again(before, replace(after, numbers=numbers))


def _order(db: Database, row: dict[str, Any], number: str) -> Order:
    numbers = db.execute(
        "SELECT tracking_number FROM order_waybills WHERE order_id = ? "
        "ORDER BY tracking_number LIMIT ?",
        [row["order_id"], MOST],
    )
    items = db.query(
        "SELECT * FROM order_items WHERE order_id = ? AND "
        "(? = '' OR tracking_number IN ('', ?)) ORDER BY tracking_number, sku_key LIMIT 1000",
        [row["order_id"], number, number],
    )
    told: dict[str, Any] = {name: row[name] for name in ORDER_COLUMNS}
    told |= {name: rows.moment_in(row[name]) for name in _MOMENTS}
    told["status"] = OrderStatus(row["status"])
    return Order(
        id=row["order_id"],
        numbers=tuple(each for (each,) in numbers),
        items=tuple(_item(each) for each in items),
        customer=row["customer_reference"],
        currency=row["currency"],
        value_cents=row["value_cents"],
        insured_cents=row["insured_cents"],
        weight_g=row["weight_g"],
        **told,
    )


def _item(row: dict[str, Any]) -> Item:
    return Item(
        sku=row["sku"],
        name=row["name"],
        quantity=row["quantity"],
        variation=row["variation"],
        ean=row["ean"],
        price_cents=row["price_cents"],
        number=row["tracking_number"],
    )
