"""What was sold stands on a parcel's page: its orders, their items, their value and status."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.archive import Archive
from storage.order import Item, Order, OrderStatus
from tests.station.ui.archive.parcel_world import facts, opened
from tests.storage.desk import NUMBER, Desk


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


async def test_orders_stand_with_items_value_and_status(archive: Archive) -> None:
    Desk(archive).pack()
    items = (
        Item("SKU-1", "Blue cup", 2, "large", price_cents=1_250),
        Item(sku="SKU-2"),
        *(Item(sku=f"X-{n}") for n in range(6)),
    )
    sold = Order(
        "A-1", (NUMBER,), items, "shopify", status=OrderStatus.SHIPPED, currency="EUR",
        value_cents=123_405, insured_cents=0, note="leave at the door",
    )  # fmt: skip
    archive.file_orders([sold, Order("A-2", (NUMBER,), status=OrderStatus.CANCELLED)]).result()
    async with opened(archive) as (screen, _):
        text = facts(screen)
        assert "A-1 · shopify · shipped · 1234.05 EUR · not insured" in text
        assert "2 × Blue cup · large · SKU-1 · 12.50 EUR" in text
        assert "1 × SKU-2 " in text
        assert "and 2 more" in text
        assert "leave at the door" in text
        assert "✖ A-2 · CANCELLED" in text


async def test_what_a_shop_wrote_is_harmless_and_said_in_chinese(archive: Archive) -> None:
    Desk(archive).pack()
    hostile = "\x1b[2J[red]\u202e=1+1"
    sold = Order(
        hostile, (NUMBER,), (Item(name=hostile, variation=hostile),), hostile,
        status=OrderStatus.REFUNDED, currency="USD", value_cents=7, insured_cents=100, note=hostile,
    )  # fmt: skip
    archive.file_orders([sold]).result()
    async with opened(archive, language="zh") as (screen, _):
        text = facts(screen)
        assert "已退款 · 0.07 USD · 保额 1.00 USD" in text
        assert "\\x1b[2J[red]" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
