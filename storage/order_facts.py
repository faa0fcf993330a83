"""Orders into their rows: which parcels carry them, and what they are found and kept by.

Runs on the writer's thread, for `documents.py`. What a later file tells replaces what an earlier
one did, field by field; what it leaves out stays. Knows no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlite_utils import Database

from storage import rows
from storage.errors import Refused
from storage.intake.orders import Order
from storage.transaction import immediate

_FACTS = (
    "UPDATE orders SET customer_reference = coalesce(nullif(:customer, ''), customer_reference), "
    "customer_key = coalesce(nullif(:customer_key, ''), customer_key), "
    "currency = CASE WHEN :value IS NULL THEN currency ELSE :currency END, "
    "value_cents = coalesce(:value, value_cents) WHERE order_id = :order"
)


def file_orders(db: Database, orders: Sequence[Order]) -> int:
    """How many links of an order to a parcel are new; all are there now, all or nothing.

    `orders` are as `storable` gives them.
    """
    count = "SELECT count(*) FROM order_waybills"
    with immediate(db):
        before = db.execute(count).fetchone()[0]
        db.conn.executemany(
            "INSERT INTO orders (order_id, order_key) VALUES (?, ?) ON CONFLICT DO NOTHING",
            ((each.order, rows.search_key(each.order)) for each in orders),
        )
        db.conn.executemany(
            "INSERT INTO order_waybills VALUES (?, ?) ON CONFLICT DO NOTHING",
            ((each.order, each.number) for each in orders),
        )
        db.conn.executemany(
            _FACTS,
            (
                {
                    "order": each.order,
                    "customer": each.customer,
                    "customer_key": rows.search_key(each.customer),
                    "value": each.value_cents,
                    "currency": each.currency,
                }
                for each in _whole(orders)
            ),
        )
        db.conn.executemany(
            "INSERT INTO order_items VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            ((each.order, rows.search_key(sku), sku) for each in orders for sku in each.skus),
        )
        return int(db.execute(count).fetchone()[0] - before)


def storable(orders: Iterable[Order]) -> list[Order]:
    """The orders as the rows will hold them.

    Raises Refused for an empty order id or tracking number.
    """
    stored = [
        replace(
            each,
            order=rows.storable(each.order),
            number=rows.search_key(each.number),
            customer=rows.storable(each.customer),
            skus=tuple(rows.storable(sku) for sku in each.skus),
        )
        for each in orders
    ]
    if not all(rows.search_key(each.order) and each.number for each in stored):
        raise Refused("an order id or a tracking number is empty")
    return stored


def _whole(orders: Sequence[Order]) -> list[Order]:
    """One of each order: an order in several parcels is worth the most that any of them names."""
    whole: dict[str, Order] = {}
    for each in orders:
        before = whole.get(each.order)
        if before is None:
            whole[each.order] = each
            continue
        told = [x for x in (before, each) if x.value_cents is not None]
        best = max(told, key=lambda x: x.value_cents or 0, default=before)
        customer = before.customer or each.customer
        whole[each.order] = replace(best, customer=customer)
    return list(whole.values())
