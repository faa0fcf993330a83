"""Each real header row is understood, with the quirks of the platform that writes it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from storage.intake.orders import Habits, OrderFile, read_orders
from storage.order import Item, Order, OrderStatus
from tests.storage.intake import exports
from tests.storage.intake.exports import Row

ID, OTHER = "576460752303423488", "576460752303423489"
SHANGHAI = Habits(ZoneInfo("Asia/Shanghai"), currency="USD")


def read(
    tmp_path: Path, text: str, habits: Habits = SHANGHAI, encoding: str = "utf-8"
) -> OrderFile:
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode(encoding))
    return read_orders(path, habits)


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


def sold(**more: str) -> Row:
    """A row of TikTok Shop."""
    return {
        "Order ID": ID, "Order Status": "Shipped", "Order Substatus": "In transit",
        "SKU ID": "1729", "Seller SKU": "MUG-1", "Product Name": "Mug", "Variation": "Blue",
        "Quantity": "2", "SKU Unit Original Price": "5.50", "SKU Subtotal After Discount": "10.00",
        "Order Amount": "22.10", "Created Time": "21/11/2026 08:00:00 PM",
        "Shipped Time": "22/11/2026 09:30:00 AM", "Warehouse Name": "Graz",
        "Tracking ID": "UUS1234567", "Delivery Option": "Standard",
        "Shipping Provider Name": "USPS", "Buyer Message": "ring twice",
        "Buyer Username": "jo", "Recipient": "Jo Doe", "Phone #": "(+1)555", "Country": "US",
        "Detail Address": "12 Road", "Weight(kg)": "0.35", "Package ID": "1152601",
        "Seller Note": "fragile",
    } | more  # fmt: skip


def test_tiktok_shop(tmp_path: Path) -> None:
    rows = [
        sold(),
        sold(**{"Seller SKU": "CUP-2", "Product Name": "Cup", "Quantity": "1", "Variation": ""}),
        sold(**{"Order ID": OTHER, "Tracking ID": "", "Shipped Time": ""}),
    ]
    found = read(tmp_path, exports.tiktok(rows))
    assert (found.source, found.columns.how, found.bad, found.notes) == ("tiktok", "known", (), ())
    assert found.orders[0] == Order(
        ID, ("UUS1234567",),
        (
            Item("MUG-1", "Mug", 2, "Blue", price_cents=550),
            Item("CUP-2", "Cup", 1, price_cents=550),
        ),
        platform="tiktok", status=OrderStatus.SHIPPED, status_text="Shipped / In transit",
        customer="jo", note="fragile / ring twice", currency="USD", value_cents=2210,
        carrier="USPS", service="Standard", origin="Graz", destination="US", weight_g=350,
        ordered_at=at(2026, 11, 21, 12), shipped_at=at(2026, 11, 22, 1, 30),
    )  # fmt: skip
    assert (found.orders[1].numbers, found.orders[1].shipped_at) == ((), None)
    held = repr(found.orders)
    assert not any(each in held for each in ("Jo Doe", "555", "12 Road", "1152601"))


def test_tiktok_shop_of_the_united_states_and_a_workbook_of_it(tmp_path: Path) -> None:
    row = {**sold(), "Buyer Nickname": "jo", "Created Time": "11/21/2026 8:00:00 PM"}
    row["Shipped Time"] = "11/02/2026 9:30:00 AM"
    found = read(tmp_path, exports.tiktok([row], exports.TIKTOK_US))
    assert (found.source, found.orders[0].customer) == ("tiktok", "jo")
    assert found.orders[0].shipped_at == at(2026, 11, 2, 1, 30)
    table = exports.cells(exports.TIKTOK_US, [exports.DESCRIBED, row])
    book = exports.xlsx(tmp_path / "export.xlsx", [["About"]], [["Exported today"], *table])
    assert read_orders(book, SHANGHAI).orders == found.orders
    assert read_orders(book, SHANGHAI).sheet == "Sheet1"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("To ship", "Awaiting collection"), OrderStatus.OPEN),
        (("Shipped", "Delivered"), OrderStatus.DELIVERED),
        (("Completed", ""), OrderStatus.DELIVERED),
        (("Canceled", "Canceled"), OrderStatus.CANCELLED),
        (("待发货", ""), OrderStatus.OPEN),
        (("已取消", ""), OrderStatus.CANCELLED),
        (("ที่ต้องจัดส่ง", ""), OrderStatus.OPEN),
        (("ยกเลิกแล้ว", ""), OrderStatus.CANCELLED),
        (("Đã vận chuyển", ""), OrderStatus.SHIPPED),
        (("Đã hủy", ""), OrderStatus.CANCELLED),
        (("Perlu dikirim", ""), OrderStatus.OPEN),
        (("Selesai", ""), OrderStatus.DELIVERED),
        (("Enviado", "En tránsito"), OrderStatus.SHIPPED),
        (("Cancelado", ""), OrderStatus.CANCELLED),
        (("Reembolsado", ""), OrderStatus.REFUNDED),
        (("What is this", ""), OrderStatus.UNKNOWN),
    ],
)
def test_localised_statuses(tmp_path: Path, words: tuple[str, str], status: OrderStatus) -> None:
    row = sold(**{"Order Status": words[0], "Order Substatus": words[1], "Shipped Time": ""})
    found = read(tmp_path, exports.tiktok([row]))
    assert found.orders[0].status is status
    assert bool(found.notes) is (status is OrderStatus.UNKNOWN)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"Order Refund Amount": "22.10"}, OrderStatus.REFUNDED),
        ({"Order Refund Amount": "5.00"}, OrderStatus.SHIPPED),
        ({"Order Refund Amount": "0"}, OrderStatus.SHIPPED),
        ({"Cancelled Time": "22/11/2026 10:00:00 AM"}, OrderStatus.CANCELLED),
        ({"Cancelation/Return Type": "Return/Refund"}, OrderStatus.REFUNDED),
    ],
)
def test_what_was_given_back(tmp_path: Path, more: dict[str, str], status: OrderStatus) -> None:
    assert read(tmp_path, exports.tiktok([sold(**more)])).orders[0].status is status


def test_one_line_that_came_back_stops_no_order(tmp_path: Path) -> None:
    rows = [sold(**{"Cancelation/Return Type": "Cancel"}), sold(**{"SKU ID": "2"})]
    assert read(tmp_path, exports.tiktok(rows)).orders[0].status is OrderStatus.SHIPPED


@pytest.mark.parametrize(
    ("created", "dates", "expected"),
    [
        (("03/04/2026", "25/04/2026"), "", at(2026, 4, 2, 16)),
        (("03/04/2026", "04/25/2026"), "", at(2026, 3, 3, 16)),
        (("03/04/2026", "04/25/2026"), "dmy", at(2026, 3, 3, 16)),
        (("03/04/2026", "05/06/2026"), "dmy", at(2026, 4, 2, 16)),
        (("03/04/2026", "05/06/2026"), "mdy", at(2026, 3, 3, 16)),
        (("03/04/2026", "05/06/2026"), "", None),
    ],
)
def test_the_whole_file_says_how_its_days_are_written(
    tmp_path: Path, created: tuple[str, str], dates: str, expected: dt.datetime | None
) -> None:
    rows = [
        sold(**{"Order ID": f"{ID}{n}", "Created Time": each, "Shipped Time": ""})
        for n, each in enumerate(created)
    ]
    found = read(tmp_path, exports.tiktok(rows), Habits(SHANGHAI.zone, dates, "USD"))
    assert found.orders[0].ordered_at == expected
    told = [note for note in found.notes if "two ways" in note]
    assert (len(told), found.bad) == (0 if expected else 1, ())


def test_shopify(tmp_path: Path) -> None:
    first = {
        "Name": "#1001", "Email": "jo@example.org", "Financial Status": "paid",
        "Fulfillment Status": "fulfilled", "Fulfilled at": "2026-11-22 10:00:00 +0800",
        "Currency": "EUR", "Total": "35.00", "Shipping Method": "DHL Paket",
        "Created at": "2026-11-21 09:00:00 -0500", "Lineitem quantity": "2",
        "Lineitem name": "Mug - Blue", "Lineitem price": "15.00", "Lineitem sku": "MUG-1",
        "Shipping Name": "Jo Doe", "Shipping Country": "AT", "Notes": "a gift", "Id": "6401",
        "Refunded Amount": "0.00",
    }  # fmt: skip
    line = {"Lineitem quantity": "1", "Lineitem name": "Cup", "Lineitem price": "5.00"}
    rows: list[Row] = [
        first,
        {"Name": "#1001", "Email": "jo@example.org", **line, "Lineitem sku": "CUP-2"},
        line,  # later rows of an order are blank
        {**first, "Name": "#1002", "Cancelled at": "2026-11-22 11:00:00 +0800"},
        {**first, "Name": "#1003", "Refunded Amount": "35.00"},
        {**first, "Name": "#1004", "Financial Status": "refunded"},
    ]
    found = read(tmp_path, exports.text(exports.SHOPIFY, rows), Habits())
    assert (found.source, found.bad, found.notes) == ("shopify", (), ())
    assert found.orders[0] == Order(
        "#1001", (),
        (
            Item("MUG-1", "Mug - Blue", 2, price_cents=1500),
            Item("CUP-2", "Cup", 1, price_cents=500),
            Item("", "Cup", 1, price_cents=500),
        ),
        platform="shopify", status=OrderStatus.SHIPPED, status_text="paid / fulfilled",
        note="a gift", currency="EUR", value_cents=3500, service="DHL Paket", destination="AT",
        ordered_at=at(2026, 11, 21, 14), shipped_at=at(2026, 11, 22, 2),
    )  # fmt: skip
    stopped = [each.status.value for each in found.orders[1:]]
    assert stopped == ["cancelled", "refunded", "refunded"]


def test_amazon(tmp_path: Path) -> None:
    row = {
        "order-id": "111-2222222-3333333", "order-item-id": "1", "sku": "MUG-1",
        "purchase-date": "2026-11-21T09:00:00+00:00", "product-name": "Mug",
        "quantity-purchased": "2", "currency": "GBP", "item-price": "30.00",
        "ship-service-level": "Standard", "ship-country": "GB", "sales-channel": "Amazon.co.uk",
        "recipient-name": "Jo Doe", "buyer-email": "jo@example.org",
    }  # fmt: skip
    more = {**row, "order-item-id": "2", "sku": "CUP-2", "quantity-purchased": "1",
            "item-price": "5.05"}  # fmt: skip
    found = read(tmp_path, exports.text(exports.AMAZON_NEW, [row, more, more], "\t"), Habits())
    (order,) = found.orders
    assert (found.source, order.value_cents, order.currency) == ("amazon", 3505, "GBP")
    pieces = [(each.sku, each.quantity, each.price_cents) for each in order.items]
    assert pieces == [("MUG-1", 2, 1500), ("CUP-2", 1, 505)], "the same line twice is one"
    assert (order.shop, order.status) == ("Amazon.co.uk", OrderStatus.UNKNOWN)
    late = {**row, "promise-date": "2026-11-23", "quantity-to-ship": "2"}
    found = read(tmp_path, exports.text(exports.AMAZON_UNSHIPPED, [late], "\t"), SHANGHAI)
    (order,) = found.orders
    assert (found.source, order.status, order.value_cents) == (
        "amazon unshipped", OrderStatus.OPEN, None,
    )  # fmt: skip
    assert order.due_at == at(2026, 11, 23, 15, 59, 59), "a day ends with its last second"


def test_aftership(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"tracking_number": "RB1, RB123456789CN", "courier": "china-post", "order_id": "A-1",
         "title": "Mug", "origin_country": "CHN"},
        {"tracking_number": "RB223456789CN\nRB323456789CN", "order_id": "A-2"},
        {"tracking_number": "RB423456789CN"},
    ]  # fmt: skip
    found = read(tmp_path, exports.text(exports.AFTERSHIP, rows))
    assert found.source == "aftership"
    assert [each.numbers for each in found.orders] == [
        ("RB123456789CN",), ("RB223456789CN", "RB323456789CN"),
    ]  # fmt: skip
    assert found.orders[0].origin == "CHN"
    assert [(row.line, row.column) for row in found.bad] == [(2, "tracking_number"), (5, "")]


def test_taobao(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"订单编号": '="3456789012345678901"', "买家会员名": "小明", "总金额": "128.00",
         "订单状态": "卖家已发货，等待买家确认", "收货人姓名": "王小明", "联系手机": "'13800138000",
         "订单创建时间": "2026-11-22 00:30:00", "宝贝标题": "杯子，蓝色", "宝贝总数量": "2",
         "物流单号": "No:SF1234567890123", "物流公司": "顺丰速运", "订单备注": "'易碎"},
        {"订单编号": "'3456789012345678902", "订单状态": "交易关闭", "物流单号": ""},
    ]  # fmt: skip
    found = read(tmp_path, exports.text(exports.TAOBAO, rows), encoding="gb18030")
    assert (found.source, found.bad, found.notes) == ("taobao", (), ())
    assert found.orders == (
        Order(
            "3456789012345678901", ("SF1234567890123",), (Item(name="杯子，蓝色", quantity=2),),
            platform="taobao", status=OrderStatus.SHIPPED, status_text="卖家已发货，等待买家确认",
            customer="小明", note="易碎", currency="CNY", value_cents=12800, carrier="顺丰速运",
            ordered_at=at(2026, 11, 21, 16, 30),
        ),
        Order("3456789012345678902", platform="taobao", status=OrderStatus.CANCELLED,
              status_text="交易关闭"),
    )  # fmt: skip


def test_a_header_of_nobody_is_guessed(tmp_path: Path) -> None:
    text = (
        "orders of today\n\n订单号;国际运单号;物流订单号;商家编码;数量;金额 (JPY);重量(g);目的国\n"
        "A-1;RB123456789CN;LP00123456789012;MUG-1;3;12.000;350;JP\n"
    )
    found = read(tmp_path, text, encoding="gb18030")
    assert (found.source, found.columns.how, found.bad) == ("generic", "guessed", ())
    assert found.columns.columns["value"] == "金额 (JPY)"
    assert found.orders == (
        Order("A-1", ("RB123456789CN", "LP00123456789012"), (Item("MUG-1", quantity=3),),
              currency="JPY", value_cents=1_200_000, weight_g=350, destination="JP"),
    )  # fmt: skip
