"""Order files give their links; what is bad in them is named by line and harms nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import schema
from storage.errors import OrderFileError, Refused
from storage.intake.orders import OrderFile, read_orders
from storage.order import Item, Order
from storage.order_filing import Filed
from tests.storage.desk import NUMBER, Desk


def read(tmp_path: Path, content: str | bytes) -> OrderFile:
    path = tmp_path / "orders.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_orders(path)


@pytest.mark.parametrize(
    "content",
    [
        f"order_id,tracking_number\n77,{NUMBER}\n",
        f"\ufefforder_id,tracking_number\r\n77,{NUMBER}\r\n",
        f'title,Tracking ID,x,Order ID\n"a, ""b""",{NUMBER}\t,,77\t\n',
        f"tracking_number;order_id\n{NUMBER.lower()};77",
        "Order-ID\tTracking Number\n77\t1Z 999AA1 0123456784\n\n\n",
        f"订单编号,物流单号\n77,{NUMBER}\n77,{NUMBER}\n",
    ],
)
def test_order_exports_give_their_links(tmp_path: Path, content: str) -> None:
    found = read(tmp_path, content)
    assert (found.orders, found.bad) == ((Order("77", (NUMBER,)),), ())


def test_a_bad_row_is_named_by_its_line_and_leaves_the_others(tmp_path: Path) -> None:
    huge = "x" * 200_000
    rows = [
        "order_id,tracking_number",
        f"1,{NUMBER}",
        "2,",
        ",1Z999AA10123456785",
        "3",
        "4,1.2E+21",
        "5,=HYPERLINK(1)",
        f"6\x00,{NUMBER}",
        "7,../../etc/passwd",
        f"8,{huge}",
        '"two\nlines",1Z999AA10123456786',
        f"{huge[:101]},{NUMBER}",
        f"=cmd|' /C calc'!A0,{NUMBER}",
        f"9,{NUMBER},one cell too many",
        f'10,"{NUMBER}',
        f"11,{NUMBER}",
    ]
    found = read(tmp_path, "\n".join(rows))
    linked = [each.id for each in found.orders if each.numbers]
    assert linked == ["1", "=cmd|' /C calc'!A0", "11"]
    alone = [each.id for each in found.orders if not each.numbers]
    assert alone == ["2", "3", "4", "5", "7", "8"]
    assert [row.line for row in found.bad] == [4, 6, 7, 8, 9, 10, 11, 13, 15, 16]
    assert "spreadsheet" in found.bad[1].why
    assert found.bad[1].column == "tracking_number"
    assert all(len(row.why) < 120 and row.why.isprintable() for row in found.bad)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name,price\n1,2\n",
        b"order_id\n1\n",
        bytes(100),
        b"PK\3\4 no workbook",
        b"<html><table><tr><td>order_id</td></tr></table>",
        b"tracking_number\n1Z999AA10123456784\n",
    ],
)
def test_a_file_that_is_no_order_file_says_why(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(OrderFileError):
        read(tmp_path, content)
    with pytest.raises(OrderFileError):
        read_orders(tmp_path / "nowhere.csv")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.text(max_size=200))
def test_no_content_breaks_the_reader(tmp_path: Path, raw: bytes, text: str) -> None:
    for content in (raw, f"order_id,tracking_number\n{text}".encode("utf-8", "replace")):
        try:
            found = read(tmp_path, content)
        except OrderFileError:
            continue
        assert all(
            order.id.strip() and number == number.upper()
            for order in found.orders
            for number in order.numbers
        )


def test_linked_orders_find_their_parcels_before_and_after_packing(desk: Desk) -> None:
    assert (
        desk.archive.link_orders([("A 1", NUMBER), ("=B2", "9400111206206406260787")]) is not None
    )
    packed = desk.pack()
    later = desk.pack("9400111206206406260787")
    assert desk.archive.find("a1") == [packed]
    assert desk.archive.find("=b2") == [later]
    assert desk.archive.orders_of(NUMBER) == ["A 1"]
    with pytest.raises(Refused):
        desk.archive.link_orders([("", NUMBER)])


def test_what_an_order_is_found_by_is_read_and_kept(desk: Desk, root: Path, tmp_path: Path) -> None:
    rows = [
        "Order ID,Tracking Number,SKU,Buyer ID,Order Total,Currency",
        f'77,{NUMBER},MUG-1,ann@example.org,"1,234.50",usd',
        f'77,{NUMBER},CUP-2,,"1,200.00",USD',
        f"78,{NUMBER},,,,",
        f"79,{NUMBER},\x00,bob,1.234,EUR",
        f"80,{NUMBER},A,x,10.00,euro",
        f"81,{NUMBER},=1+1,x,USD 10.00,EUR",
        f"77,{NUMBER},MUG-1,,5.00,EUR",
        f"82,{NUMBER}",
    ]
    found = read(tmp_path, "\n".join(rows))
    first = Order(
        "77",
        (NUMBER,),
        (Item("MUG-1"), Item("CUP-2"), Item("MUG-1")),
        customer="ann@example.org",
        value_cents=123450,
        currency="USD",
    )
    assert found.orders[0] == first
    assert [each.id for each in found.orders] == ["77", "78", "79", "80", "81", "82"]
    told = [(row.line, row.column) for row in found.bad]
    assert told == [(5, "Order Total"), (5, "SKU"), (7, "Order Total"), (8, "Order Total")]
    assert all(row.why.isprintable() for row in found.bad)
    assert [each.value_cents for each in found.orders[1:]] == [None, None, 1000, None, None]
    assert desk.archive.file_orders(found.orders).result() == Filed(new=6, links=6)
    assert desk.archive.file_orders(found.orders).result() == Filed(known=6)
    db = schema.connect(root / "archive.db", read_only=True)
    facts = "SELECT customer_reference, customer_key, value_cents, currency FROM orders"
    assert db.execute(f"{facts} WHERE order_id = '77'").fetchone() == (
        "ann@example.org", "ANN@EXAMPLE.ORG", 123450, "USD",
    )  # fmt: skip
    assert db.execute(f"{facts} WHERE order_id = '82'").fetchone() == ("", "", None, "")
    items = db.execute("SELECT sku_key, sku FROM order_items WHERE order_id = '77'").fetchall()
    assert sorted(items) == [("CUP-2", "CUP-2"), ("MUG-1", "MUG-1")]
    # A later file changes what it tells and leaves the rest.
    again = [
        Order("77", ("9400111206206406260787",), value_cents=200, currency="EUR"),
        Order("77", (NUMBER,)),
    ]
    assert desk.archive.file_orders(again).result() == Filed(changed=1, links=1)
    assert db.execute(f"{facts} WHERE order_id = '77'").fetchone() == (
        "ann@example.org", "ANN@EXAMPLE.ORG", 200, "EUR",
    )  # fmt: skip
    desk.archive.file_orders([Order("77", (NUMBER,))]).result()
    assert db.execute(f"{facts} WHERE order_id = '77'").fetchone()[2:] == (200, "EUR")
    with pytest.raises(Refused):
        desk.archive.file_orders([Order("", (NUMBER,))])
    db.close()
