"""Single cells of order exports: numbers, moments, weights, statuses; and money that is never a
float."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.intake import (
    moments,
    money,
    order_cells,
    order_columns,
    order_gathered,
    order_made,
    order_told,
    orders,
    workbooks,
)
from storage.intake.moments import moment_of
from storage.intake.money import WHOLE, cents_of, currency_in, currency_of
from storage.intake.order_cells import clean, grams_of, numbers_of, quantity_of, unit_in
from storage.intake.order_columns import FIELDS, key_of, status_named, understood
from storage.order import OrderStatus
from tests.storage.intake import exports

MODULES = (
    money, order_cells, order_columns, order_gathered, order_made, order_told, orders, moments,
    workbooks,
)  # fmt: skip
FORMATS = ("{0}.{1:02}", "{0},{1:02}", "{2}.{1:02}", "{3},{1:02}", "{4},{1:02}", "USD {2}.{1:02}",
           "€{3},{1:02}", "{0}.{1:02} zł", "R$ {3},{1:02}")  # fmt: skip


@settings(max_examples=200)
@given(st.integers(0, 10**14), st.sampled_from(FORMATS))
def test_money_comes_back_to_the_cent_however_it_is_written(cents: int, form: str) -> None:
    whole, rest = divmod(cents, 100)
    text = form.format(
        whole, rest, f"{whole:,}", f"{whole:,}".replace(",", "."), f"{whole:,}".replace(",", " ")
    )
    found = cents_of(text)
    assert found is not None
    assert found[0] == cents


@settings(max_examples=50)
@given(st.integers(0, 10**12), st.sampled_from(sorted(WHOLE)), st.sampled_from(",. '"))
def test_a_currency_without_fractions_has_thousands(whole: int, code: str, mark: str) -> None:
    text = f"{whole:,}".replace(",", mark)
    assert cents_of(f"{code} {text}") == (whole * 100, code)
    assert cents_of(text, code) == (whole * 100, "")


def test_no_module_that_money_goes_through_makes_a_float() -> None:
    for module in MODULES:
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("float", "round"), module.__name__
            assert not (isinstance(node, ast.Constant) and type(node.value) is float)
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                assert "Path" in ast.dump(node) or "CENTS" in ast.dump(node), "of a Decimal only"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Rp 12.000", (1_200_000, "IDR")), ("12.000₫", (1_200_000, "VND")), ("€12", (1200, "EUR")),
        ("12,50 €", (1250, "EUR")), ("￥12.50", (1250, "")), ("$12.50", (1250, "")),
        ("US$12.50", (1250, "USD")), ("12.5元", (1250, "CNY")), 
        ("USD €12", None), ("1.234", None),
    ],
)  # fmt: skip
def test_a_sign_tells_the_currency_where_it_can(text: str, found: tuple[int, str] | None) -> None:
    assert cents_of(text) == found


def test_currencies_are_named_by_code_sign_or_word() -> None:
    named = [currency_of(text) for text in ("usd", " CNY ", "人民币", "RMB", "€", "¥", "dollars")]
    assert named == ["USD", "CNY", "CNY", "CNY", "EUR", "", ""]
    assert [currency_in(text) for text in ("Total (EUR)", "金额（元）", "Total")] == [
        "EUR", "CNY", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("1Z 999AA1 0123456784", ["1Z999AA10123456784"], []),
        ("rb123456789cn", ["RB123456789CN"], []),
        ("A1234567, B1234567;C1234567\nD1234567、E1234567",
         ["A1234567", "B1234567", "C1234567", "D1234567", "E1234567"], []),
        ("A1234567 B1234567", ["A1234567", "B1234567"], []),
        ("A1234567/B1234567", ["A1234567", "B1234567"], []),
        ("../../etc/passwd", [], ["../../etc/passwd"]),
        ("No:SF1234567890", ["SF1234567890"], []),
        ("pickup", [], ["pickup"]),
        ("1.2E+21, A1234567", ["A1234567"], ["1.2E+21"]),
        (",".join(f"A{n:07}" for n in range(51)), [], None),
        ("x" * 3_000, [], None),
    ],
)  # fmt: skip
def test_a_cell_may_name_several_parcels(text: str, good: list[str], bad: list[str] | None) -> None:
    assert numbers_of(text) == (good, [text] if bad is None else bad)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="00123"', "00123"), ("'00123", "00123"), ("576460\t", "576460"), 
        ("\ufeff a \u200b", "a"),
        ("N/A", ""), ("无", ""), ("--", ""), ("=1+1", "=1+1"), ("'", "'"),
        ("None of it", "None of it"),
        ("0000-00-00 00:00:00", ""), ("-5", "-5"),
    ],
)  # fmt: skip
def test_what_guards_a_cell_is_taken_off(cell: str, text: str) -> None:
    assert clean(cell) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T12:00:00Z", "2026-11-22T12:00:00"),
        ("2026-11-22 12:00:00 +0800", "2026-11-22T04:00:00"),
        ("2026-11-22T12:00:00.250+08:00", "2026-11-22T04:00:00.250000"),
        ("2026年11月22日 8:05", "2026-11-22T00:05:00"),
        ("22.11.2026 08:00", "2026-11-22T00:00:00"),
        ("11/22/2026 12:00:00 AM", "2026-11-21T16:00:00"),
        ("11/22/2026 12:00 pm", "2026-11-22T04:00:00"),
        ("22 Nov 2026", "2026-11-21T16:00:00"),
        ("Nov 22, 2026 3:04 PM", "2026-11-22T07:04:00"),
        ("2024-02-29", "2024-02-28T16:00:00"),
        ("2026-02-29", None), ("03/04/2026", None), ("31/02/2026", None),
        ("11/22/2026 13:00 PM", None),
        ("1999-01-01", None), ("9999-12-31", None), ("45983.5", None), ("2026-11-22 25:00", None),
        ("2026-11-22 12:00 +99:00", None), ("x" * 1_000, None), ("", None),
    ],
)  # fmt: skip
def test_moments(text: str, expected: str | None) -> None:
    found = moment_of(text, dt.timezone(dt.timedelta(hours=8)))
    assert (found and found.replace(tzinfo=None).isoformat()) == expected


@given(st.text(max_size=70))
def test_no_text_breaks_a_cell(text: str) -> None:
    found = moment_of(text, dt.UTC, "dmy")
    assert found is None or found.tzinfo is dt.UTC
    assert all(number == number.upper() for number in numbers_of(clean(text))[0])
    assert (quantity_of(text) or 0) >= 0
    assert (grams_of(text, "kg") or 0) >= 0
    assert status_named(text) in OrderStatus
    assert len(key_of([text])) == 64


def test_weights_and_quantities() -> None:
    weights = [grams_of("0.35", "kg"), grams_of("350 g"), grams_of("1lb"), grams_of("2,5 千克")]
    assert weights == [350, 350, 454, 2500]
    assert [grams_of("5"), grams_of("-5g"), grams_of("1e9 kg"), grams_of("99999999kg")] == [
        None
    ] * 4
    assert [unit_in("Weight(kg)"), unit_in("重量(克)"), unit_in("Weight")] == ["kg", "克", ""]
    assert [quantity_of(text) for text in ("2", "2.0", "0", "-1", "1.5", "two")] == [
        2, 2, 0, None, None, None,
    ]  # fmt: skip


def test_a_header_is_known_whatever_its_case_and_spaces() -> None:
    assert key_of(["Order ID", "Tracking-No", ""]) == key_of(["order_id ", "tracking no"])
    assert key_of(["Order ID"]) != key_of(["Order", "ID"])
    assert understood(["Order ID"]) is None
    assert understood(["Name", "Price"]) is None
    columns = understood(exports.TIKTOK, said={"number": "Package ID", "customer": ""})
    assert columns is not None and columns.source.name == "tiktok" and columns.how == "said"
    assert columns.columns["number"] == "Package ID"
    assert "customer" not in columns.columns
    assert understood(exports.TIKTOK, said={"number": "Nowhere"}) is None


def test_every_list_of_headings_and_words_is_sound() -> None:
    told = order_columns._told()
    assert set(told["heading"]) <= set(FIELDS)
    for source in told["source"]:
        assert set(source["columns"]) <= set(FIELDS)
    for status, words in told["status"].items():
        assert [status_named(word).value for word in words] == [status] * len(words)
