"""`packwitness review`: what it prints, writes and refuses; hostile texts do nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from openpyxl import load_workbook

from station.cli import main
from station.review_sheet import COLUMNS
from storage.order import Item, Order
from tests.storage.claims.reviewed import HOSTILE, START, claim, database, pack, sell

LONG = "x" * 1_000_000
DAY = "2026-01-05"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 parcels of a month with two claims, one of a year before; names that would do harm."""
    root = tmp_path_factory.mktemp("review") / "archive"
    db = database(root)
    orders = [
        Order(f"o{n}", (f"A{n:02}",), (Item(sku=HOSTILE),), service=(HOSTILE, LONG, "Air")[n % 3],
              packaging="=1+1", currency="USD", value_cents=100_05, origin="CN")
        for n in range(40)
    ]  # fmt: skip
    for n in range(40):
        pack(db, n + 1, f"A{n:02}", START, carrier="UPS" if n % 2 else "")
    sell(root, orders)
    pack(db, 99, "OLD1", START.replace(year=2025))
    paid = {"requested_cents": 100_05, "paid_cents": 50_01, "currency": "USD", "complete": 1}
    claim(db, "A01", type="loss", status="paid", **paid)
    claim(db, "A02", type="damage", status="rejected", requested_cents=7, currency="EUR")
    db.close()
    return root


def ask(root: Path, *words: str) -> int:
    return main(["review", *words, "--archive", str(root)])


def lines(
    root: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    assert ask(root, "--json", *words) == 0
    found = json.loads(capsys.readouterr().out)
    return found, found["groups"]


def test_the_figures_of_a_month(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, groups = lines(root, capsys, "--month", "2026-01", "--by", "carrier")
    assert found["premium_percent"] == "1.0"
    usd = next(each for each in groups if each["by"] == "all" and each["currency"] == "USD")
    assert (usd["parcels"], usd["claimed_parcels"], usd["few"]) == (40, 2, "few")
    assert (usd["loss_parcels"], usd["loss_share"]) == (1, "0.025000")
    assert (usd["requested_cents"], usd["paid_cents"], usd["lost_cents"]) == (10005, 5001, 5004)
    assert (usd["value_cents"], usd["premium_cents"]) == (40 * 10005, 4002)
    assert (usd["complete_won"], usd["complete_decided"], usd["evidence_differs"]) == (1, 1, "few")
    eur = next(each for each in groups if each["by"] == "all" and each["currency"] == "EUR")
    assert (eur["lost_cents"], eur["value_cents"]) == (7, 0)
    assert {each["group"] for each in groups} == {"all", "UPS", "unknown"}


@pytest.mark.parametrize(
    ("words", "parcels"),
    [
        ((), 41),
        (("--since", DAY), 40),
        (("--until", "2026-01-04"), 1),
        (("--since", "2025-01-01", "--until", DAY), 41),
        (("--month", "2025-12"), 0),
    ],
)
def test_a_period(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], parcels: int
) -> None:
    _, groups = lines(root, capsys, *words)
    assert groups[0]["parcels"] == parcels


def test_one_currency(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, groups = lines(root, capsys, "--currency", "eur", "--by", "value")
    assert {each["currency"] for each in groups if each["currency_claims"]} == {"EUR"}
    assert {each["group"] for each in groups} == {"all", "unknown", "USD 100-200"}


@pytest.mark.parametrize(
    "words",
    [
        ("--month", "2026-13"),
        ("--month", "October"),
        ("--month", "2026-01", "--since", DAY),
        ("--since", "soon"),
        ("--since", DAY, "--until", "2026-01-01"),
        ("--currency", "dollars"),
        ("--by", "weather"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert ask(root, *words) == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.splitlines()[-1].count(words[0]) or "DAY" in said.err or words[1] in said.err


def test_it_is_legible_in_80_columns_without_colour(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert ask(root, "--by", "all") == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "BY CARRIER" in out
    assert "unknown" in out
    assert "~2.44 % (0.43-12.60)" in out  # 1 of 41 lost: a small number
    assert "RECOVERED" in out
    assert "░" in out
    assert "2026-…" not in out


def test_no_parcel_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(root, "--month", "2020-01") == 0
    assert "no parcel was packed" in capsys.readouterr().err


def test_hostile_names_do_nothing_in_a_sheet(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, book = tmp_path / "r.csv", tmp_path / "r.xlsx"
    assert ask(root, "--by", "all", "--csv", str(sheet), "--xlsx", str(book)) == 0
    capsys.readouterr()
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == COLUMNS
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]
    assert all(cell.isprintable() and len(cell) <= 300 for cell in cells)
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    opened = load_workbook(book)
    assert opened.sheetnames[:2] == ["all", "carrier"]
    found = [cell for sheet in opened for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in found if cell.data_type == "f" or cell.hyperlink]
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in found)
    assert not [cell for cell in found if "\x1b" in str(cell.value) or "_x001B_" in str(cell.value)]
    amounts = COLUMNS.index("requested_cents") + 1
    assert opened["all"].cell(3, amounts).value == 10005
    assert opened["all"].cell(3, amounts).data_type == "n"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_month_is_printed(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    page = tmp_path / "r.pdf"
    asked = ("--month", "2026-01", "--by", "all", "--pdf", str(page), "--language", language)
    assert ask(root, *asked) == 0
    first = page.read_bytes()
    assert ask(root, *asked) == 0
    capsys.readouterr()
    assert page.read_bytes() == first
    with pypdfium2.PdfDocument(page) as document:
        text = "".join(each.get_textpage().get_text_range() for each in document)
    assert ("Loss review" if language == "en" else "损失复盘") in text
    assert "2026-01" in text
    assert "100.05" in text
    assert "HYPERLINK" in text
    assert "\\u{1B}" in "".join(sign for sign in text if sign.isprintable())
    assert "\x1b" not in text


def test_a_file_that_cannot_be_written_is_named(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--csv", "--xlsx", "--pdf"):
        assert ask(root, option, str(tmp_path / "no" / "r")) != 0
        assert str(tmp_path / "no") in capsys.readouterr().err
