"""Orders are filed once, however often, in whatever order and in how many files they are told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from storage import schema
from storage.errors import Refused
from storage.order import Item, Order, OrderStatus
from storage.order_filing import Filed
from tests.storage.desk import NUMBER, Desk

OTHER = "9400111206206406260787"
MUGS = (Item("CUP-2", "Cup"), Item("MUG-1", "Mug", 2))


def test_what_is_told_again_changes_nothing(desk: Desk, root: Path) -> None:
    order = Order("A-1", (NUMBER,), MUGS, status=OrderStatus.OPEN, value_cents=100, currency="EUR")
    assert desk.archive.file_orders([order]).result() == Filed(new=1, links=1)
    db = schema.connect(root / "archive.db", read_only=True)
    before = db.execute("PRAGMA data_version").fetchone()
    assert desk.archive.file_orders([order]).result() == Filed(known=1)
    assert desk.archive.file_orders([Order("A-1")]).result() == Filed(known=1)
    assert desk.archive.order("a-1") == order
    more = Order("A-1", (OTHER,), status=OrderStatus.SHIPPED)
    assert desk.archive.would_file_orders([more, Order("B-2")]) == Filed(new=1, changed=1, links=1)
    assert desk.archive.order("B-2") is None
    assert desk.archive.file_orders([more]).result() == Filed(changed=1, links=1)
    assert db.execute("PRAGMA data_version").fetchone() != before
    db.close()
    found = desk.archive.order("A-1")
    assert found is not None
    assert (found.status, found.value_cents, found.numbers) == (
        OrderStatus.SHIPPED, 100, (NUMBER, OTHER),
    )  # fmt: skip
    assert {each.sku for each in found.items} == {"MUG-1", "CUP-2"}


def test_items_do_not_double_when_the_number_comes_later(desk: Desk) -> None:
    desk.archive.file_orders([Order("A-1", (), MUGS)]).result()
    later = Order(
        "A-1", (NUMBER,), tuple(Item(i.sku, i.name, i.quantity, number=NUMBER) for i in MUGS)
    )
    assert desk.archive.file_orders([later]).result() == Filed(changed=1, links=1)
    (order,) = desk.archive.orders_in(NUMBER)
    assert sorted((each.sku, each.quantity) for each in order.items) == [("CUP-2", 1), ("MUG-1", 2)]
    assert desk.archive.file_orders([Order("A-1", (NUMBER,))]).result() == Filed(known=1)
    assert desk.archive.file_orders([Order("A-1", (), MUGS[1:])]).result() == Filed(changed=1)
    (order,) = desk.archive.orders_in(NUMBER)
    assert [each.sku for each in order.items] == ["MUG-1"]


def test_orders_and_parcels_join_either_way(desk: Desk, root: Path) -> None:
    packed = desk.pack()
    desk.archive.file_orders(
        [
            Order("A-1", (NUMBER, OTHER), value_cents=5_000, currency="EUR"),
            Order("A-2", (NUMBER,), value_cents=2_500, currency="EUR"),
        ]
    ).result()
    later = desk.pack(OTHER)
    assert desk.archive.find("A-2") == [packed]
    assert {each.id for each in desk.archive.find("A-1")} == {packed.id, later.id}
    assert [each.id for each in desk.archive.orders_in(NUMBER)] == ["A-1", "A-2"]
    db = schema.connect(root / "archive.db", read_only=True)
    worth = db.execute("SELECT number, value_cents, currency FROM catalogue").fetchall()
    db.close()
    assert set(worth) == {(NUMBER, 7_500, "EUR"), (OTHER, 5_000, "EUR")}


def test_an_amount_comes_with_its_currency_and_nothing_is_half_filed(desk: Desk) -> None:
    at = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    first = Order("A-1", value_cents=100, currency="EUR", insured_cents=0, shipped_at=at)
    desk.archive.file_orders([first]).result()
    desk.archive.file_orders([Order("A-1", currency="USD", note="fragile")]).result()
    found = desk.archive.order("A-1")
    assert found is not None
    told = (found.value_cents, found.currency, found.insured_cents, found.shipped_at, found.note)
    assert told == (100, "EUR", 0, at, "fragile")
    with pytest.raises(Refused):
        desk.archive.file_orders([Order("B-1"), Order(" ")])
    assert desk.archive.order("B-1") is None


def test_what_columns_mean_is_kept_by_the_header(desk: Desk) -> None:
    assert desk.archive.column_mapping("key") is None
    desk.archive.keep_column_mapping("key", {"order": "Nr"}).result()
    desk.archive.keep_column_mapping("key", {"order": "No", "number": "运单"}).result()
    assert desk.archive.column_mapping("key") == {"order": "No", "number": "运单"}
    assert desk.archive.forget_column_mapping("key").result()
    assert not desk.archive.forget_column_mapping("key").result()
    assert desk.archive.column_mapping("key") is None
