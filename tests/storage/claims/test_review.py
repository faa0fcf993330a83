"""The review's figures are those of its parcels and claims, counted one by one."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from storage import schema
from storage.archive import Archive
from storage.claims import review_rows
from storage.claims.review import Asked, By, Review, summary
from storage.claims.review_rates import Rate
from storage.claims.review_tally import Group
from storage.later import Actor, Role
from storage.order import Order
from storage.rebuild import rebuild
from storage.records import Kind, Status, Waybill
from storage.tables_review import PARCELS
from tests.storage.claims.reviewed import START, Row, Slow, chance_made, claim, database, pack
from tests.storage.desk import Desk

SUE = Actor("Sue", Role.SUPERVISOR, verified=False)
PEKING = dt.timezone(dt.timedelta(hours=8))
FROM, TO = START + dt.timedelta(days=20), START + dt.timedelta(days=150)
WON = ("approved", "approved_partial", "paid")


@pytest.fixture(scope="module")
def chanced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of random parcels, orders and claims."""
    root = tmp_path_factory.mktemp("review") / "archive"
    db = database(root)
    chance_made(db, root, seed=20260105)
    db.close()
    return root


def asked(root: Path, **what: Any) -> Review:
    with Archive.open(root, read_only=True) as archive:
        return archive.review(Asked(**what))


def counted(parcels: list[Row], currency: str) -> Row:
    """What a group must say of these parcels, in one currency where it is about money."""
    claims = [(each, row) for row in parcels for each in row["claims"]]
    mine = [(each, row) for each, row in claims if each["currency"] == currency]
    lost = [
        max(0, each["requested_cents"] - (each["paid_cents"] or 0))
        for each, _ in mine
        if each["requested_cents"] is not None
    ]
    decided = [each for each, _ in claims if each["status"] in (*WON, "rejected")]
    insured = [
        (each["requested_cents"] or 0) - (each["paid_cents"] or 0)
        for each, row in mine
        if row["currency"] == currency and row["value_cents"] is not None
        if each["type"] != "delay"
    ]
    valued = [
        row["value_cents"]
        for row in parcels
        if row["value_cents"] is not None and row["currency"] == currency
    ]
    return {
        "parcels": len(parcels),
        "claims": Counter(each["type"] for each, _ in claims),
        "hit": Counter(kind for row in parcels for kind in {one["type"] for one in row["claims"]}),
        "claimed": sum(bool(row["claims"]) for row in parcels),
        "won": [
            Rate(sum(e["status"] in WON for e in some), len(some))
            for some in ([e for e in decided if e["complete"] == whole] for whole in (1, 0))
        ],
        "money": [
            len(mine),
            sum(each["requested_cents"] is None for each, _ in mine),
            sum(each["requested_cents"] or 0 for each, _ in mine),
            sum(each["approved_cents"] or 0 for each, _ in mine),
            sum(each["paid_cents"] or 0 for each, _ in mine),
            sum(each["requested_cents"] or 0 for each, _ in mine
                if each["status"] not in (*WON, "rejected")),
            sum(lost),
            len(valued),
            sum(valued),
            sum(each > 0 for each in insured),
            sum(each for each in insured if each > 0),
            sum(each * each for each in insured if each > 0),
        ],
    }  # fmt: skip


def agree(group: Group, parcels: list[Row], currencies: set[str]) -> None:
    for currency in currencies:
        wanted = counted(parcels, currency)
        assert group.parcels == wanted["parcels"], group.key
        assert Counter(group.claims) == wanted["claims"]
        assert Counter(group.hit) == wanted["hit"]
        assert group.claimed == wanted["claimed"]
        assert [group.complete, group.incomplete] == wanted["won"]
        told = [each for each in group.money if each.currency == currency]
        figures = [
            [e.claims, e.unstated, e.requested_cents, e.approved_cents, e.paid_cents,
             e.pending_cents, e.lost_cents, e.parcels, e.value_cents, e.cases, e.insurable_cents,
             e.squares]
            for e in told
        ] or [[0] * 12]  # fmt: skip
        assert figures == [wanted["money"]]


@pytest.mark.parametrize("span", [(None, None), (FROM, TO), (FROM, FROM)])
def test_every_figure_is_what_counting_one_by_one_finds(
    chanced: Path, span: tuple[dt.datetime | None, dt.datetime | None]
) -> None:
    start, end = span
    found = asked(chanced, start=start, end=end, by=tuple(By), tz=PEKING)
    db = schema.connect(chanced / schema.DATABASE, read_only=True)
    slow = Slow(
        db,
        -(10**18) if start is None else int(start.timestamp() * 1000),
        10**18 if end is None else int(end.timestamp() * 1000),
    )
    currencies = {row["currency"] for row in db["claims"].rows} | {"USD", "EUR", "CNY", ""}
    db.close()
    agree(found.total, list(slow.parcels.values()), currencies)
    assert (found.total.parcels == 0) == (start is not None and start == end)
    for row in slow.parcels.values():
        packed = dt.datetime.fromtimestamp(row["opened_ms"] / 1000, PEKING)
        row["month"], row["value"] = f"{packed:%Y-%m}", band(row)
    for by in By:
        wanted = slow.named(by.value)
        if by is By.PRODUCT:  # those without a claim are not listed
            wanted = {
                key: rows
                for key, rows in wanted.items()
                if not key or any(r["claims"] for r in rows)
            }
        assert {group.key for group in found.groups[by]} == set(wanted), by
        for group in found.groups[by]:
            agree(group, wanted[group.key], currencies)


def band(row: Row) -> str:
    if row["value_cents"] is None:
        return ""
    units = row["value_cents"] / 100
    for low, high in ((0, 20), (20, 50), (50, 100), (100, 200), (200, 500), (500, 1000)):
        if low <= units < high:
            return f"{row['currency']} {low}-{high}".strip()
    return f"{row['currency']} 1000+".strip()


def test_the_rows_follow_whatever_is_told_later(chanced: Path) -> None:
    """Each trigger did its work: what is kept is what the catalogue and the orders say now."""
    db = schema.connect(chanced / schema.DATABASE)
    sql = (
        "SELECT p.tracking_number, p.packed_ms, p.value_cents, p.currency, g.carrier, g.bench, "
        "g.service, g.origin, g.destination, g.packaging, c.skus FROM review_parcels AS p "
        "JOIN review_groups AS g ON g.id = p.group_id "
        "JOIN review_contents AS c ON c.id = p.contents_id ORDER BY 1"
    )
    kept = db.execute(sql).fetchall()
    assert kept == db.execute(f"SELECT * FROM ({PARCELS}) ORDER BY 1").fetchall()  # noqa: S608
    db.execute("BEGIN")
    review_rows.fill(db)
    assert db.execute(sql).fetchall() == kept
    db.execute("ROLLBACK")
    db.close()


def test_a_desk_s_work_is_counted_as_it_is_corrected(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive") as archive:
        desk = Desk(archive)

        def total() -> tuple[int, list[str]]:
            found = archive.review(Asked(by=(By.SERVICE,)))
            return found.total.parcels, [group.key for group in found.groups[By.SERVICE]]

        assert total() == (0, [])
        first = desk.seal(desk.open("A1")[0])
        assert total() == (1, [""])
        desk.seal(desk.open("A2")[0], Status.CANCELLED)
        desk.seal(desk.open("A3", kind=Kind.RETURN)[0])
        desk.seal(desk.open("A1", pass_no=2)[0])
        desk.open("A4")
        assert total() == (1, [""])
        archive.file_orders([Order("order 1", ("A1",), service="Air")]).result()
        assert total() == (1, ["Air"])
        archive.file_orders([Order("order 1", service="Sea")]).result()
        assert total() == (1, ["Sea"])
        for told, by, key in (
            (Order("order 1", packaging="box"), By.PACKAGING, "box"),
            (Order("order 1", destination="US"), By.ROUTE, "? → US"),
            (Order("order 1", origin="CN"), By.ROUTE, "CN → US"),
        ):
            archive.file_orders([told]).result()
            (group,) = archive.review(Asked(by=(by,))).groups[by]
            assert group.key == key
        archive.rebind(SUE, first.id, Waybill("RIGHT0001", ""), "label").result()
        assert total() == (2, ["", "Sea"])
        archive.mark_test(SUE, first.id, "a try").result()
        assert total() == (1, ["Sea"])
        desk.seal(desk.open("A9")[0])
    rebuild(tmp_path / "archive", desk.now)
    with Archive.open(tmp_path / "archive", read_only=True) as archive:
        assert archive.review(Asked()).total.parcels == 2


def test_what_the_import_says_and_what_has_no_home_stand_apart(tmp_path: Path) -> None:
    db = database(tmp_path / "archive")
    pack(db, 1, "A1", START)
    db.execute("INSERT INTO orders (order_id, order_key, shipped_at) VALUES ('o', 'O', ?)",
               ["2026-01-06T00:00:00.000Z"])  # fmt: skip
    claim(db, "A1", created_at="2027-01-01T00:00:00.000Z")
    claim(db, "nowhere")
    claim(db, "nowhere", status="cancelled")
    found = summary(db, Asked(START, START + dt.timedelta(days=2)))
    assert (found.shipped, found.homeless, found.total.claimed) == (1, 1, 1)
    assert summary(db, Asked(None, START)).total.parcels == 0  # up to it, and without it
    assert summary(db, Asked(START, None)).total.parcels == 1
    later = summary(db, Asked(START + dt.timedelta(days=2), None))
    assert (later.shipped, later.homeless, later.total.claimed) == (0, 0, 0)
    db.close()


def test_one_currency_is_shown_alone(chanced: Path) -> None:
    every = asked(chanced, by=(By.CARRIER,))
    only = asked(chanced, by=(By.CARRIER,), currency="EUR")
    assert {each.currency for each in every.total.money} == {"", "CNY", "EUR", "USD"}
    assert [each for each in every.total.money if each.currency == "EUR"] == list(only.total.money)
    assert all(each.currency == "EUR" for g in only.groups[By.CARRIER] for each in g.money)
    assert only.total.parcels == every.total.parcels
