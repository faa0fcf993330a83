"""The numbers of the simulated bench are waybills that the carrier's own rule accepts."""

from __future__ import annotations

from itertools import islice

import pytest

from station.simulated import ups_check_digit, ups_numbers
from station.waybill import WaybillRules, understand
from storage.records import Waybill


@pytest.mark.parametrize(
    ("body", "digit"),
    # UPS's own sample numbers: 1Z5R89390357567127, 1Z999AA10123456784, 1Z879E930346834440
    [("5R8939035756712", 7), ("999AA1012345678", 4), ("879E93034683444", 0)],
)
def test_the_check_digit_is_the_carriers(body: str, digit: int) -> None:
    assert ups_check_digit(body) == digit


def test_numbers_are_waybills_and_the_same_for_a_seed() -> None:
    numbers = list(islice(ups_numbers(7), 200))
    assert numbers == list(islice(ups_numbers(7), 200))
    assert len(set(numbers)) == 200
    for number in numbers:
        found = understand(number, WaybillRules())
        assert isinstance(found, Waybill)
        assert found.number == number
        assert found.carrier == "ups"
