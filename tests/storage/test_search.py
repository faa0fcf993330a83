"""Every search finds what reading every row would find, page by page, whatever way it takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from storage import catalogue, schema, search, search_middle
from storage.query import parse
from storage.search import Hit, Key, page
from storage.transaction import immediate
from tests.performance.archive_made import make

MANY = 1_500
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "archive"
    make(root, MANY, seed=3, often=20)
    return root


@pytest.fixture(scope="module")
def db(made: Path) -> Iterator[Database]:
    connection = schema.connect(made / schema.DATABASE, read_only=True)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def rows(db: Database) -> list[Row]:
    """Every row, newest first, with the orders that its number carries."""
    found = list(db.query("SELECT * FROM catalogue ORDER BY opened_ms DESC, n DESC"))
    facts = list(
        db.query(
            "SELECT w.tracking_number, o.order_key, o.customer_key, i.sku_key FROM orders AS o "
            "JOIN order_waybills AS w USING (order_id) JOIN order_items AS i USING (order_id)"
        )
    )
    by_number: dict[str, list[Row]] = {}
    for fact in facts:
        by_number.setdefault(fact["tracking_number"], []).append(fact)
    return [{**row, "orders": by_number.get(row["number"], [])} for row in found]


@pytest.fixture(params=["few", "some", "many"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As in small, middling and large archives: most texts fit few numbers, or too many."""
    few, some, many = {"few": (2_000, 20_000, 100_000), "some": (5, 300, 500), "many": (1, 2, 3)}[
        request.param
    ]
    monkeypatch.setattr(search, "FEW", few)
    monkeypatch.setattr(search, "SOME", some)
    monkeypatch.setattr(search, "MANY", many)
    return str(request.param)


def every(db: Database, text: str, limit: int = 7, most: int = 10_000) -> tuple[list[Hit], bool]:
    """All hits of all pages, and whether they came newest first."""
    query, after = parse(text, NOW, dt.UTC), None
    found: list[Hit] = []
    while True:
        part = page(db, query, after, limit)
        found += part.hits
        assert len(part.hits) <= limit
        assert (part.order == "newest") is part.exact
        if part.next is None or len(found) >= most:
            return found, part.exact
        assert len(part.hits) == limit
        after = part.next


def of_text(text: str, row: Row) -> bool:
    numbers = [row["number"], *([row["original"]] if row["original"] else [])]
    ends = any(number.startswith(text) or number.endswith(text) for number in numbers)
    return ends or any(fact["order_key"] == text for fact in row["orders"])


DAY = 86_400_000
FILTERS: dict[str, Callable[[Row], Any]] = {
    "": lambda _: True,
    "is:incomplete": lambda row: row["incomplete"],
    "is:incomplete packer:ANN": lambda row: row["incomplete"] and row["packer"] == "Ann",
    "packer:a": lambda row: row["packer"] == "Ann",
    "packer:王": lambda row: row["packer"] == "王芳",
    "packer:nobody": lambda _: False,
    "bench:bench packer:Ben": lambda row: row["packer"] == "Ben",
    'bench:"bench 3" carrier:ups': lambda row: (
        row["bench"] == "bench 3" and row["carrier"] == "UPS"
    ),
    "carrier:ups kind:return": lambda row: row["carrier"] == "UPS" and row["kind"] == "return",
    "kind:packing is:gap": lambda row: row["kind"] == "packing" and row["gap"],
    "is:interrupted": lambda row: row["status"] == "interrupted",
    "is:cancelled": lambda row: row["status"] == "cancelled",
    "status:sealed is:mismatch": lambda row: row["status"] == "sealed" and row["mismatch"],
    "is:open": lambda row: row["status"] == "open",
    "is:novideo": lambda row: row["no_video"],
    "is:deleted carrier:usps": lambda row: row["deleted"] and row["carrier"] == "USPS",
    "is:held": lambda row: row["held"],
    "is:test": lambda row: row["test"],
    "value>=60": lambda row: (row["value_cents"] or 0) >= 6_000,
    "value>=30 value<40EUR is:gap": lambda row: (
        3_000 <= (row["value_cents"] or 0) < 4_000 and row["gap"]
    ),
    "value>=1USD": lambda _: False,
    "sku:sku-0000": lambda row: any(f["sku_key"].startswith("SKU-0000") for f in row["orders"]),
    "customer:c000001": lambda row: any(f["customer_key"] == "C000001" for f in row["orders"]),
    "order:9 is:return": lambda row: (
        row["kind"] == "return" and any(f["order_key"].startswith("9") for f in row["orders"])
    ),
    "from:2024-02-01 to:2024-03-10": lambda row: 1706745600000 <= row["opened_ms"] < 1710115200000,
    "from:2024-03-10 to:2024-03-12 kind:packing": lambda row: (
        1710028800000 <= row["opened_ms"] < 1710288000000 and row["kind"] == "packing"
    ),
}


@pytest.mark.usefixtures("bounds")
@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_finds_what_reading_every_row_finds_newest_first(
    db: Database, rows: list[Row], text: str
) -> None:
    wanted = [row["session_id"] for row in rows if FILTERS[text](row)]
    found, exact = every(db, text)
    assert exact
    assert [hit.session_id for hit in found] == wanted


def test_the_filters_have_something_to_find(rows: list[Row]) -> None:
    nothing = {text for text, fits in FILTERS.items() if not any(map(fits, rows))}
    assert nothing == {"packer:nobody", "is:open", "value>=1USD"}


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_text_finds_both_ends_of_numbers_and_orders(
    db: Database, rows: list[Row], bounds: str, limit: int
) -> None:
    rebound = next(row for row in rows if row["original"])
    ordered = next(row for row in rows if row["orders"])
    for text in (
        rows[0]["number"], rows[5]["number"][:5], rows[9]["number"][-3:], "1", "94", "5",
        ordered["orders"][0]["order_key"], rebound["number"], rebound["original"],
        rebound["original"][-6:], rebound["original"][:3], "SF",
    ):  # fmt: skip
        wanted = [row["session_id"] for row in rows if of_text(text, row)]
        assert wanted
        found, exact = every(db, text, limit)
        ids = [hit.session_id for hit in found]
        assert len(set(ids)) == len(ids)
        assert set(ids) == set(wanted), text
        if exact:
            assert ids == wanted
        assert exact or bounds != "few"


@pytest.mark.usefixtures("bounds")
def test_a_text_within_a_filter(db: Database, rows: list[Row]) -> None:
    for text in ("9", "1Z999", rows[3]["number"][-2:]):
        found, exact = every(db, f"{text} packer:Ann from:2024-01-01")
        assert exact
        assert [hit.session_id for hit in found] == [
            row["session_id"] for row in rows
            if of_text(text, row) and row["packer"] == "Ann" and row["opened_ms"] >= 1704067200000
        ]  # fmt: skip


def test_too_many_numbers_come_in_their_order_the_whole_one_first(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 1)
    found, exact = every(db, "9400")
    assert not exact
    beginnings = [hit.number for hit in found if hit.number.startswith("9400")]
    assert beginnings == sorted(beginnings)
    assert beginnings == [hit.number for hit in found][: len(beginnings)]


@pytest.mark.usefixtures("bounds")
@pytest.mark.parametrize("indexed", [False, True])
def test_the_middle_is_found_where_no_end_is(
    made: Path, tmp_path: Path, rows: list[Row], indexed: bool
) -> None:
    database = tmp_path / "archive.db"
    database.write_bytes((made / schema.DATABASE).read_bytes())
    connection = schema.connect(database)
    try:
        if indexed:
            search_middle.enable_middle(connection)
        assert search_middle.enabled(connection) is indexed
        rebound = next(row for row in rows if row["original"])
        for text in (rows[4]["number"][3:-2], rows[7]["number"][7:10], "00100", "Z99",
                     rebound["original"][1:-1]):  # fmt: skip
            ends = any(of_text(text, row) for row in rows)
            wanted = {
                row["session_id"] for row in rows
                if (of_text(text, row) if ends else
                    text in row["number"] or text in (row["original"] or ""))
            }  # fmt: skip
            found, _ = every(connection, text)
            assert {hit.session_id for hit in found} == wanted
            assert len(found) == len(wanted)
            some, _ = every(connection, f"{text} kind:packing")
            assert {hit.session_id for hit in some} == {
                hit.session_id for hit in found if hit.kind == "packing"
            }
        assert every(connection, "\u00e9\u00e9") == ([], True)
    finally:
        connection.close()


def test_two_characters_are_no_middle(db: Database) -> None:
    assert every(db, "AA") == ([], True)
    found, _ = every(db, "9AA")
    assert found
    assert all("9AA" in f"{hit.number} {hit.original}" for hit in found)


def test_the_middle_index_is_made_in_steps_and_follows_every_change(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "archive.db"
    database.write_bytes((made / schema.DATABASE).read_bytes())
    monkeypatch.setattr(search_middle, "BATCH", 400)
    connection = schema.connect(database)

    def add(n: int, number: str) -> None:
        columns = ", ".join(catalogue.COLUMNS[4:])
        with immediate(connection):
            sql = (
                f"INSERT INTO catalogue SELECT ?, ?, opened_ms, ended_ms, ?, ?, "  # noqa: S608
                f"{columns.partition('reversed, ')[2]} FROM catalogue WHERE n = 1"
            )
            connection.execute(sql, [n, f"new-{n}", number, number[::-1]])

    def number(n: int, text: str) -> None:
        with immediate(connection):
            connection.execute(
                "UPDATE catalogue SET number = ?, reversed = ? WHERE n = ?", [text, text[::-1], n]
            )

    try:
        steps = [search_middle.step(connection), search_middle.step(connection)]
        assert [done for done, _ in steps] == [400, 800]
        number(3, "AAXYZAA")
        number(1_100, "BBXYZBB")
        add(MANY + 1, "CCXYZCC")
        assert not search_middle.enabled(connection)
        assert len(every(connection, "XYZ")[0]) == 3
        progress: list[tuple[int, int]] = []
        search_middle.enable_middle(connection, lambda *each: progress.append(each))
        assert progress
        assert search_middle.enabled(connection)
        assert len(every(connection, "XYZ")[0]) == 3
        number(3, "AAPQRAA")
        add(MANY + 2, "DDXYZDD")
        with immediate(connection):
            connection.execute("DELETE FROM catalogue WHERE n = ?", [MANY + 1])
        assert {hit.number for hit in every(connection, "XYZ")[0]} == {"BBXYZBB", "DDXYZDD"}
        assert [hit.number for hit in every(connection, "PQR")[0]] == ["AAPQRAA"]
        with immediate(connection):
            connection.execute(
                "INSERT INTO catalogue_middle (catalogue_middle, rank) "
                "VALUES ('integrity-check', 1)"
            )
    finally:
        connection.close()


def test_what_is_written_between_two_pages_neither_repeats_nor_hides_a_row(
    made: Path, tmp_path: Path
) -> None:
    database = tmp_path / "archive.db"
    database.write_bytes((made / schema.DATABASE).read_bytes())
    connection = schema.connect(database)
    try:
        query = parse("packer:Ann", NOW, dt.UTC)
        whole = [hit.session_id for hit in page(connection, query, None, 1_000).hits]
        first = page(connection, query, None, 10)
        with immediate(connection):
            connection.execute("UPDATE catalogue SET opened_ms = opened_ms + 1 WHERE n % 2 = 0")
            connection.execute("UPDATE catalogue SET opened_ms = opened_ms - 1 WHERE n % 2 = 0")
            connection.execute(
                "UPDATE catalogue SET packer = 'Ann', opened_ms = ? WHERE session_id NOT IN "
                "(SELECT session_id FROM catalogue WHERE packer = 'Ann') AND n > ?",
                [2**41, MANY - 40],
            )
        rest = page(connection, query, first.next, 1_000)
        assert [hit.session_id for hit in (*first.hits, *rest.hits)] == whole
    finally:
        connection.close()


@pytest.mark.parametrize(
    "text", ["%", "_", "*", "'", '"\u0000"', "\U0010ffff", "\x1b[31m", "\ud800"]
)
def test_outside_text_has_no_meaning_of_its_own(db: Database, text: str) -> None:
    assert every(db, text)[0] == []
    assert every(db, f'packer:"{text}"' if '"' not in text else text)[0] == []


def test_a_key_of_a_step_that_shows_nothing_yet_begins_it(db: Database) -> None:
    """A page that an earlier step filled exactly goes on with the first row of the next."""
    query = parse("94", NOW, dt.UTC)
    start = page(db, query, Key(-1, 0, 2), 5)
    assert start.order == "number"
    assert start.hits[0].number == min(hit.number for hit in every(db, "94")[0]
                                       if hit.number.startswith("94"))  # fmt: skip
