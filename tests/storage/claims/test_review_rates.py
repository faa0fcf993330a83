"""Shares, their intervals, and what insurance is worth: known values, and what always holds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.claims.review_rates import (
    Money,
    Rate,
    Worth,
    amount_text,
    percent_text,
)
from storage.claims.review_tables import Bar, rate_text

COUNTS = st.integers(1, 10**9).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))
CENTS = st.integers(0, 10**15)


@settings(max_examples=200, deadline=None)
@given(COUNTS)
def test_a_share_lies_in_its_interval(counts: tuple[int, int]) -> None:
    rate = Rate(*counts)
    low, high = rate.interval
    share = rate.share
    assert share is not None
    assert 0 <= low <= share <= high <= 1
    assert low < high
    more = Rate(10 * rate.count, 10 * rate.of).interval
    assert more[1] - more[0] < high - low  # more parcels tell more


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [  # Newcombe (1998), table I, method 3; the last: z² / (n + z²)
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
        (29, 29, "0.8830", "1.0000"),
    ],
)
def test_known_intervals(count: int, of: int, low: str, high: str) -> None:
    found = [round(each, 4) for each in Rate(count, of).interval]
    assert found == [Decimal(low), Decimal(high)]


def test_of_none_nothing_is_known() -> None:
    assert Rate(0, 0).interval == (Decimal(0), Decimal(1))
    assert Rate(0, 0).share is None
    assert rate_text(Rate(0, 0)) == "-"


def test_small_numbers_are_marked() -> None:
    assert [Rate(*each).few for each in ((5, 30), (4, 1000), (29, 29))] == [False, True, True]
    assert rate_text(Rate(4, 100)) == "~4.00 % (1.57-9.84)"
    assert rate_text(Rate(50, 100), counts=True) == "50/100 50.00 % (40.38-59.62)"


def test_two_shares_that_have_something_in_common_overlap() -> None:
    assert Rate(50, 100).overlaps(Rate(55, 100))
    assert not Rate(10, 100).overlaps(Rate(90, 100))
    assert not Rate(90, 100).overlaps(Rate(10, 100))


@settings(max_examples=100, deadline=None)
@given(CENTS, st.decimals(0, 100, places=3))
def test_a_premium_is_whole_cents_and_exact(value: int, percent: Decimal) -> None:
    premium = Money("USD", value_cents=value).premium_cents(percent)
    assert isinstance(premium, int)
    assert abs(Fraction(premium) - Fraction(value) * Fraction(percent) / 100) <= Fraction(1, 2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 10**9), max_size=40), st.integers(0, 10**6), CENTS)
def test_what_was_lost_lies_in_what_is_expected(
    lost: list[int], more: int, value_cents: int
) -> None:
    money = lossy(lost, len(lost) + more, value_cents)
    least, most = money.expected_cents
    assert isinstance(least, int)
    assert isinstance(most, int)
    assert 0 <= least <= money.insurable_cents <= most


def lossy(lost: list[int], parcels: int, value_cents: int) -> Money:
    return Money(
        "USD", parcels=parcels, value_cents=value_cents, cases=len(lost),
        insurable_cents=sum(lost), squares=sum(each * each for each in lost),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "parcels", "worth"),
    [
        ([10_000] * 100, 1_000, Worth.YES),  # 10 % lost, of 100.00 each
        ([10_000] * 100, 100_000, Worth.NO),  # 0.1 %
        ([10_000] * 10, 1_000, Worth.UNCLEAR),  # 1 %, as the premium
        ([10_000] * 4, 200, Worth.FEW),
        ([], 200, Worth.FEW),
        ([], 500, Worth.NO),  # 500 parcels of which none was lost do tell something
        ([10_000] * 20, 29, Worth.FEW),
    ],
)
def test_what_is_worth_insuring(lost: list[int], parcels: int, worth: Worth) -> None:
    assert lossy(lost, parcels, parcels * 10_000).worth(Decimal(1)) is worth


def test_how_amounts_and_shares_are_written() -> None:
    assert amount_text(123_456_705) == "1,234,567.05"
    assert amount_text(-5) == "-0.05"
    assert percent_text(Decimal("0.12345")) == "12.35 %"
    assert percent_text(None) == "-"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.fractions(0, 1), min_size=3, max_size=3).map(sorted), st.integers(1, 80))
def test_a_bar_is_no_longer_than_its_room(parts: list[Fraction], cells: int) -> None:
    drawn = Bar("", parts[0], parts[1], parts[2], "", few=False).drawn(cells)
    assert 0 <= len(drawn) <= cells
    assert len(drawn.rstrip("░▓")) == round(parts[0] * cells)
