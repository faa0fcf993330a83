"""Amounts become whole cents, or nothing where they can be read two ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.intake.money import cents_of


@pytest.mark.parametrize(
    ("text", "cents", "currency"),
    [
        ("1,234.50", 123450, ""), ("1.234,50", 123450, ""), ("1 234,50", 123450, ""),
        ("1'234.50", 123450, ""), ("1234.5", 123450, ""), ("12", 1200, ""), ("0.1", 10, ""),
        ("USD 12.00", 1200, "USD"), ("12,00 EUR", 1200, "EUR"), ("$19.99", 1999, ""),
        ("1,234,567", 123456700, ""), ("1.234.567,8", 123456780, ""), ("0.29", 29, ""),
        ("￥128.00", 12800, ""),
    ],
)  # fmt: skip
def test_amounts_are_read_to_the_cent(text: str, cents: int, currency: str) -> None:
    assert cents_of(text) == (cents, currency)


@pytest.mark.parametrize(
    "text",
    ["1.234", "1,234", "-5", "1e5", "nan", "=1+1", "1,2,3", "", "12.", "1.23.4", "USD 1 EUR",
     "9" * 20, "x" * 1_000, "١٢"],
)  # fmt: skip
def test_what_is_no_plain_amount_is_none(text: str) -> None:
    assert cents_of(text) is None


@given(st.integers(0, 10**12), st.sampled_from(["", "USD", "CNY"]))
def test_what_is_written_plainly_comes_back(cents: int, currency: str) -> None:
    text = f"{cents // 100}.{cents % 100:02} {currency}".strip()
    assert cents_of(text) == (cents, currency)


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    found = cents_of(text)
    assert found is None or found[0] >= 0
