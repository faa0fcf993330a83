"""The catalogue says what the rows say, whatever became known in which order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from storage import catalogue, order_filing, schema
from storage.order import Item, Order
from storage.query import Query
from storage.transaction import immediate
from tests.performance.archive_made import make
from tests.storage.desk import NUMBER, Desk

OTHER = "JD014600000000000001"


@pytest.fixture
def db(desk: Desk) -> Iterator[Database]:
    connection = schema.connect(desk.archive.root / schema.DATABASE)
    yield connection
    connection.close()


def order(db: Database, name: str, number: str, cents: int | None, currency: str = "EUR") -> None:
    order_filing.file_orders(db, [Order(name, (number,), value_cents=cents, currency=currency)])


def worth(db: Database) -> list[tuple[int | None, str]]:
    assert list(catalogue.strays(db)) == []
    return list(db.execute("SELECT value_cents, currency FROM catalogue ORDER BY n"))


def rebind(db: Database, session: str, number: str, amendment: str) -> None:
    with immediate(db):
        db.execute(
            "INSERT INTO amendments VALUES (?, ?, 'rebound', '', '', '', '', ?, ?, 'DHL', NULL, "
            "'', '', ?)",
            [amendment, session, number, number[::-1], "0" * 64],
        )
        catalogue.refresh(db, session)


def test_what_orders_are_worth_counts_whenever_it_is_told(desk: Desk, db: Database) -> None:
    order(db, "A", NUMBER, 1_000)
    desk.pack()
    assert worth(db) == [(1_000, "EUR")]
    order(db, "B", NUMBER, 500)
    assert worth(db) == [(1_500, "EUR")]
    order(db, "C", NUMBER, 1_200, "USD")
    order(db, "D", NUMBER, None)
    assert worth(db) == [(1_500, "EUR")]
    with immediate(db):
        db.execute("UPDATE orders SET value_cents = 9000 WHERE order_id = 'C'")
    assert worth(db) == [(9_000, "USD")]


def test_a_rebound_session_is_worth_what_its_later_number_carries(desk: Desk, db: Database) -> None:
    packed = desk.pack()
    order(db, "A", NUMBER, 1_000)
    order(db, "B", OTHER, 70)
    rebind(db, packed.id, OTHER, "1" * 26)
    assert worth(db) == [(70, "EUR")]
    (hit,) = desk.archive.page(Query(text=OTHER)).hits
    assert (hit.number, hit.original, hit.carrier) == (OTHER, NUMBER, "DHL")
    assert desk.archive.page(Query(text=NUMBER[-5:])).hits == (hit,)
    assert [each.id for each in desk.archive.find(NUMBER)] == [packed.id]
    assert [each.id for each in desk.archive.find(OTHER)] == [packed.id]
    rebind(db, packed.id, NUMBER, "2" * 26)
    (hit,) = desk.archive.page(Query(text=NUMBER)).hits
    assert (hit.number, hit.original) == (NUMBER, None)
    assert desk.archive.page(Query(text=OTHER)).hits == ()
    assert worth(db) == [(1_000, "EUR")]


def test_an_order_is_found_however_its_id_is_written(desk: Desk, db: Database) -> None:
    packed = desk.pack()
    order_filing.file_orders(db, [Order("Shop 7", (NUMBER,), (Item("a1 b"),), customer="Jo")])
    for query in (
        Query(text="SHOP7"), Query(order="SHOP7"), Query(order="SH"), Query(sku="A1B"),
        Query(customer="J"),
    ):  # fmt: skip
        assert [hit.session_id for hit in desk.archive.page(query).hits] == [packed.id]
    for query in (Query(text="SHO"), Query(order="HOP7"), Query(sku="B"), Query(customer="Jo")):
        assert desk.archive.page(query).hits == ()


def test_a_row_that_somebody_edited_is_a_stray(desk: Desk, db: Database) -> None:
    packed = desk.pack()
    with immediate(db):
        db.execute("UPDATE catalogue SET packer = 'Eve'")
    assert list(catalogue.strays(db)) == [packed.id]
    with immediate(db):
        db.execute("DELETE FROM catalogue")
    assert list(catalogue.strays(db)) == [packed.id]


def test_no_step_of_making_a_row_reads_a_whole_table(tmp_path: Path) -> None:
    make(tmp_path / "archive", 500, copies=3, often=20)
    db = schema.connect(tmp_path / "archive" / schema.DATABASE)
    try:
        assert list(catalogue.strays(db)) == []
        plan = db.execute(f"EXPLAIN QUERY PLAN {catalogue._PUT}", ["x"]).fetchall()
        scans = [step[-1] for step in plan if step[-1].startswith("SCAN")]
        assert scans == ["SCAN r VIRTUAL TABLE INDEX 1:"]  # the session's compulsory photos
    finally:
        db.close()
