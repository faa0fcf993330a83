"""A site's own rules: what they add, and which patterns are refused because they could hang."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.carriers import LONGEST_SCAN, OwnRule, pattern_fault
from station.waybill import WaybillRules, certain, understand
from storage.records import Waybill

VAN = OwnRule("swift-van", "SV[0-9]{8}")
BOX = OwnRule("boxer", "(?:BX/[0-9]{4}/)?(?P<number>[0-9]{9})")


def number(raw: str, rules: WaybillRules) -> tuple[str, str | None]:
    found = understand(raw, rules)
    assert isinstance(found, Waybill), found
    return found.number, found.carrier


def test_a_local_courier_needs_no_change_of_code() -> None:
    site = WaybillRules(own=(VAN, BOX))
    for raw in ("SV12345678", "sv 1234 5678", "]C0SV12345678"):
        assert number(raw, site) == ("SV12345678", "swift-van")
    assert number("BX/2026/123456789", site) == ("123456789", "boxer")
    assert number("123456789", site) == ("123456789", "boxer")
    assert number("SV123456789", site) == ("SV123456789", None)
    assert number("1Z999AA10123456784", site) == ("1Z999AA10123456784", "ups")


def test_beside_a_list_the_own_rules_count_too_and_come_first() -> None:
    site = WaybillRules(carriers=("fedex",), own=(OwnRule("twelve", "[0-9]{12}"), VAN))
    assert number("986578788855", site) == ("986578788855", "twelve")
    assert number("SV12345678", site) == ("SV12345678", "swift-van")
    assert number("1Z999AA10123456784", site) == ("1Z999AA10123456784", None)
    found = understand("SV12345678", site)
    assert isinstance(found, Waybill)
    assert certain(found, site)


def test_a_pattern_may_be_written_in_lower_case() -> None:
    site = WaybillRules(own=(OwnRule("swift-van", "sv[0-9a-f]{8}"),))
    assert number("SV1234567A", site) == ("SV1234567A", "swift-van")
    assert number("sv1234567a", site) == ("SV1234567A", "swift-van")


def test_what_a_site_says_of_a_shape_is_final() -> None:
    site = WaybillRules(own=(OwnRule("sf-depot", "SF[0-9]{13}"),))
    assert number("SF1012345678901", site) == ("SF1012345678901", "sf-depot")


def test_an_own_rule_of_plain_digits_makes_no_tracking_number_of_a_product_code() -> None:
    site = WaybillRules(own=(OwnRule("thirteen", "[0-9]{13}"),))
    assert number("5901234123457", site) == ("5901234123457", None)
    assert number("5901234123458", site) == ("5901234123458", "thirteen")


def test_what_an_own_rule_cuts_out_stays_within_the_charset() -> None:
    site = WaybillRules(own=(OwnRule("odd", "X(?P<number>.+)Y"),))
    assert number("X12345678Y", site) == ("12345678", "odd")
    for raw in ("X../../etc12Y", "X1234=5678Y", "X-12345678-Y"):
        found = understand(raw, site)
        assert not isinstance(found, Waybill)


def test_an_own_carrier_may_be_listed() -> None:
    assert WaybillRules(carriers=("swift-van", "ups"), own=(VAN,)).lists("swift-van")
    with pytest.raises(ValueError, match="unknown carrier swift-van"):
        WaybillRules(carriers=("swift-van",))


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("[0-9", "is no pattern: "),
        ("(?P<number>[0-9]{8}", "is no pattern: "),
        ("[0-9]{9}{2}", "is no pattern: "),
        ("[0-9]*", "must not match an empty scan"),
        ("([0-9]+)+X", "must be plain"),
        ("(?:[0-9]?){20}X", "must be plain"),
        ("(?:[0-9]{1,9})*X", "must be plain"),
        ("(?:A|AA)*X", "must be plain"),
        ("([0-9])\\1{7}", "must be plain"),
        ("(?=[0-9]+)[0-9]{8}", "must be plain"),
        ("(?i:sv)[0-9]{8}", "must be plain"),
        ("(?P<serial>[0-9]{8})", "must be plain"),
        ("SV[0-9]+?", "must be plain"),
        ("^SV[0-9]{8}$", "must be plain"),
        ("[0-9]+[0-9]+[0-9]+[0-9]+X", "too many ways"),
        ("[0-9]{1,60}[0-9]{1,60}[0-9]{1,60}X", "too many ways"),
        ("(?:[0-9]?)?" * 10 + "X", "too many ways"),
        ("(?:1|1)" * 20 + "X", "too many ways"),
    ],
)
def test_a_pattern_that_is_not_plain_is_refused(pattern: str, told: str) -> None:
    assert told in pattern_fault(pattern)
    with pytest.raises(ValueError, match=r"the pattern .* of boxer"):
        OwnRule("boxer", pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "SV[0-9]{8}",
        "(?:BX/[0-9]{4}/)?(?P<number>[0-9]{9})",
        "SV\\d{8,12}|SW\\d+",
        "[A-Z]{2,3}-?[0-9]{6,10}",
        "HTTPS://T\\.EXAMPLE/\\?N=(?P<number>[0-9A-Z]+)",
    ],
)
def test_a_plain_pattern_is_taken(pattern: str) -> None:
    assert pattern_fault(pattern) == ""


CLASSES = ["[0-9]", "[0-9A]", "1", ".", "\\d"]
GROUPS = ["(?:", "(?P<number>", "(", ")", "|"]
REPEATS = ["*", "+", "?", "{2,}", "{1,40}", "{3}"]
PIECES = st.sampled_from([*CLASSES, *GROUPS, *REPEATS])


@given(st.lists(PIECES, max_size=24).map("".join))
@settings(max_examples=1500, deadline=None)
def test_whatever_pattern_is_taken_is_tried_in_bounded_time(pattern: str) -> None:
    if pattern_fault(pattern):
        return
    site = WaybillRules(own=(OwnRule("any", pattern),))
    began = time.process_time()
    for text in ("1" * LONGEST_SCAN, "1" * (LONGEST_SCAN - 1) + "X", "0" * 40 + "A" * 24):
        understand(text, site)
    # a pattern that explodes takes minutes; the bound only has to tell the two apart
    assert time.process_time() - began < 1
