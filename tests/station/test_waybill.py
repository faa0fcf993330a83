"""Raw scans: which become a tracking number, which a command card, and which are refused."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from station.waybill import (
    CHECKS,
    Card,
    Reason,
    Refusal,
    WaybillRules,
    known_carriers,
    printable,
    understand,
)
from storage.records import Waybill

ANY = WaybillRules()
TABLE: list[dict[str, Any]] = tomllib.loads(
    resources.files("station").joinpath("carriers.toml").read_text(encoding="utf-8")
)["rule"]


def number(raw: str, rules: WaybillRules = ANY) -> tuple[str, str | None]:
    found = understand(raw, rules)
    assert isinstance(found, Waybill), found
    assert found.raw == raw
    return found.number, found.carrier


def refused(raw: str, rules: WaybillRules = ANY) -> str:
    found = understand(raw, rules)
    assert isinstance(found, Refusal), found
    return found.reason


# ---------------------------------------------------------------------------- carriers


@pytest.mark.parametrize(
    ("raw", "want", "carrier"),
    [
        ("1Z999AA10123456784", "1Z999AA10123456784", "ups"),
        ("1Z879E930346834440", "1Z879E930346834440", "ups"),
        ("K1506235620", "K1506235620", "ups"),
        ("9400111206206406260787", "9400111206206406260787", "usps"),
        ("420787459400111206206406260787", "9400111206206406260787", "usps"),
        ("4201002334249200190132607600833457", "9200190132607600833457", "usps"),
        ("(420)787459400111206206406260787", "9400111206206406260787", "usps"),
        ("42022153 9101026837331000039521", "9101026837331000039521", "usps"),
        ("03071790000523483741", "03071790000523483741", "usps"),
        ("986578788855", "986578788855", "fedex"),
        ("041441760228964", "041441760228964", "fedex"),
        ("9611020987654312345672", "987654312345672", "fedex"),
        ("32971514560102447849175802862014", "784917580286", "fedex"),
        ("1027590111820004833500785458233610", "785458233610", "fedex"),
        ("9622001900000000000000776632517510", "776632517510", "fedex"),
        ("RB123456785GB", "RB123456785GB", "s10"),
        ("RB100000140GB", "RB100000140GB", "s10"),
        ("RB100000025GB", "RB100000025GB", "s10"),
        ("TBA502887274000", "TBA502887274000", "amazon"),
        ("3318810025", "3318810025", "dhl"),
        ("JJD0099999999", "JJD0099999999", "dhl"),
        ("JD014600001234567890", "JD014600001234567890", "dhl"),
        ("SF1012345678901", "SF1012345678901", "sf"),
        ("YT2229521272164446", "YT2229521272164446", "yunexpress"),
        ("YT1234567890123", "YT1234567890123", "yto"),
        ("JD0012345678901", "JD0012345678901", "jd"),
        ("JDVA12345678901-1-1-", "JDVA12345678901", "jd"),
        ("JD0012345678901-2-3-7", "JD0012345678901-2-3", "jd"),
        ("00000123450000000027", "000123450000000027", "sscc"),
        ("(00)000123450000000027", "000123450000000027", "sscc"),
    ],
)
def test_a_scan_becomes_the_carriers_number(raw: str, want: str, carrier: str) -> None:
    assert number(raw) == (want, carrier)
    assert number(want) == (want, carrier)


@pytest.mark.parametrize(
    "wrong",
    [
        "1Z999AA10123456785",
        "RB123456786GB",
        "9400111206206406260788",
        "996578788855",
        "3318810034",
        "041441760228965",
        "000123450000000028",
        "K1506235622",
    ],
)
def test_a_wrong_check_digit_is_kept_but_names_no_carrier(wrong: str) -> None:
    assert number(wrong) == (wrong, None)


def test_a_number_without_a_known_shape_is_taken_without_a_carrier() -> None:
    assert number("SPXVN01234567890") == ("SPXVN01234567890", None)
    assert number("ab12cd34") == ("AB12CD34", None)
    assert number("12345 67890 123456") == ("1234567890123456", None)


def test_a_site_that_lists_carriers_takes_only_theirs() -> None:
    ups = WaybillRules(carriers=("ups",))
    assert number("1Z999AA10123456784", ups) == ("1Z999AA10123456784", "ups")
    for other in ("986578788855", "SPXVN01234567890", "1Z999AA10123456785", "(00)0001"):
        assert refused(other, ups) in {"scan_unknown_carrier", "scan_bad_characters"}
    assert refused("RB123456785GB", ups) == "scan_unknown_carrier"
    assert refused("5901234123457", ups) == "scan_product_code"


def test_dpd_counts_where_it_is_listed() -> None:
    label = "%008182709980000020033350276"
    dpd = WaybillRules(carriers=("dpd",))
    assert number(label, dpd) == ("09980000020033", "dpd")
    assert number("09980000020033", dpd) == ("09980000020033", "dpd")
    assert refused(label) == "scan_unknown_carrier"


def test_lengths_are_those_of_the_finished_number() -> None:
    short = WaybillRules(min_length=10, max_length=22)
    assert number("4201002334249200190132607600833457", short)[0] == "9200190132607600833457"
    assert refused("AB1234567", short) == "scan_too_short"
    assert refused("A" + "1" * 22, short) == "scan_too_long"
    assert refused("1Z999AA10123456784", WaybillRules(max_length=12)) == "scan_too_long"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"min_length": 0}, "lengths 0 to 40"),
        ({"min_length": 20, "max_length": 10}, "lengths 20 to 10"),
        ({"max_length": 500}, "at most 64"),
        ({"carriers": ("ups", "pigeon")}, "unknown carrier pigeon: known are .*fedex"),
    ],
)
def test_rules_that_cannot_be_are_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        WaybillRules(**arguments)


def test_every_carrier_rule_names_its_source() -> None:
    assert all(row["source"].strip() for row in TABLE)
    assert {row["carrier"] for row in TABLE} == set(known_carriers())


# ---------------------------------------------------------------------------- how scans arrive


@pytest.mark.parametrize(
    "raw",
    [
        "420787459400111206206406260787",
        "]C1420787459400111206206406260787",
        "]C1\x1d42078745\x1d9400111206206406260787",
        "\x1d420787459400111206206406260787\r\n",
        "\t420 78745 9400 1112 0620 6406 2607 87 ",
        " 4 2 0 7 8 7 4 5 9 4 0 0 1 1 1 2 0 6 2 0 6 4 0 6 2 6 0 7 8 7 ",
        "]d2420787459400111206206406260787",
    ],
)
def test_wedge_and_camera_agree(raw: str) -> None:
    assert number(raw) == ("9400111206206406260787", "usps")


def test_an_input_method_that_was_left_on_does_no_harm() -> None:
    assert number("１ｚ９９９ＡＡ１０１２３４５６７８４\u3000") == ("1Z999AA10123456784", "ups")


@pytest.mark.parametrize(
    "raw", ["1Z999AA1012345678²", "1Z999AA1012345678④", "ı23456789", "1Z999AA1012345678٤"]
)
def test_signs_that_merely_look_like_digits_are_no_digits(raw: str) -> None:
    assert refused(raw) == "scan_bad_characters"


# ---------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "scan_too_short"),
        (" \r\n", "scan_too_short"),
        ("]C1", "scan_too_short"),
        ("12345", "scan_too_short"),
        ("A1" * 250, "scan_too_long"),
        ("1" * 41, "scan_too_long"),
        ("1" * 65, "scan_too_long"),
        ("../../etc", "scan_bad_characters"),
        ("=1+1", "scan_bad_characters"),
        ("\x1b[31m1Z999AA10123456784", "scan_bad_characters"),
        ("1Z999AA1012345\x006784", "scan_bad_characters"),
        ("1Z999AA1012345\r\n6784", "scan_bad_characters"),
        ("\u202e1Z999AA10123456784", "scan_bad_characters"),
        ("https://track.example/12345678", "scan_bad_characters"),
        ("114-1234567-1234567", "scan_bad_characters"),
        ("ship to 12345678", "scan_bad_characters"),
        ("数字12345678", "scan_bad_characters"),
        ("HELLOWORLD", "scan_unknown_carrier"),
        ("5901234123457", "scan_product_code"),
        ("96385074", "scan_product_code"),
        ("036000291452", "scan_product_code"),
        ("10012345678902", "scan_product_code"),
        ("]E05901234123457", "scan_product_code"),
        ("]E0986578788855", "scan_product_code"),
        ("PW:", "scan_unknown_card"),
        ("PW:LAUNCH", "scan_unknown_card"),
    ],
)
def test_what_is_no_waybill_is_refused_with_its_reason(raw: str, reason: str) -> None:
    assert refused(raw) == reason


def test_a_carriers_own_check_digit_beats_that_of_a_product() -> None:
    assert number("000000000000") == ("000000000000", "fedex")


def test_what_is_shown_of_a_refused_scan_cannot_drive_the_terminal() -> None:
    found = understand("\x1b]0;gone\x07\u202e=cmd\r\n\x00" + "x" * 100, ANY)
    assert isinstance(found, Refusal)
    assert found.shown == "\\x1b]0;gone\\x07\\u202e=cmd\\r\\n\\x00xxxxxx…"
    assert len(found.shown) == 40


# ---------------------------------------------------------------------------- command cards


@pytest.mark.parametrize(
    ("raw", "card"),
    [
        ("PW:FINISH", Card("finish")),
        ("PW:CHECK", Card("check")),
        ("pw:finish\r", Card("finish")),
        ("]C0PW:PHOTO", Card("photo")),
        ("PW:RETAKE", Card("retake")),
        ("PW:CANCEL", Card("cancel")),
        ("PW:RETURN", Card("return")),
        ("PW:OK", Card("ok")),
        ("PW:YES", Card("yes")),
        ("PW:NO", Card("no")),
        ("ｐｗ：ｏｋ", Card("ok")),
        ("PW:SLOT:SEALED_BOX", Card("slot", "sealed_box")),
        ("PW:PACKER:Li  Wei", Card("packer", "Li Wei")),
        ("PW:PACKER:李伟", Card("packer", "李伟")),
    ],
)
def test_command_cards(raw: str, card: Card) -> None:
    assert understand(raw, ANY) == card
    assert understand(raw, WaybillRules(carriers=("ups",))) == card


@pytest.mark.parametrize(
    "raw",
    [
        "PW:FINISH:now",
        "PW:CHECK:now",
        "PW:FINISH:",
        "PW:SLOT",
        "PW:SLOT:",
        "PW:SLOT:../../etc",
        "PW:SLOT:" + "a" * 33,
        "PW:PACKER:",
        "PW:PACKER:\x1b[2J",
        "PW:PACKER:Li\x07Wei",
        "PW:PACKER:=HYPERLINK(1)",
        "PW:PACKER:" + "a" * 33,
        "PW:PACKER:a\u202eb",
    ],
)
def test_a_card_that_is_not_exactly_right_does_nothing(raw: str) -> None:
    assert refused(raw) == "scan_unknown_card"


# ---------------------------------------------------------------------------- properties

SITES = st.sampled_from(
    [ANY, WaybillRules(carriers=("dpd", "fedex")), WaybillRules(carriers=("ups", "usps", "sscc"))]
)
NEAR_MISSES = st.text(alphabet="0123456789ABCZTJDSFY1920 -%()]\x1dpw:²", max_size=50)
DIGITS = st.text(alphabet="0123456789", min_size=8, max_size=38)


@given(st.one_of(st.text(max_size=200), NEAR_MISSES, DIGITS), SITES)
@settings(max_examples=1500, deadline=None)
def test_any_text_gives_a_clean_number_or_a_printable_refusal(raw: str, site: WaybillRules) -> None:
    found = understand(raw, site)
    if isinstance(found, Waybill):
        assert re.fullmatch(r"[0-9A-Z][0-9A-Z-]*[0-9A-Z]", found.number)
        assert site.min_length <= len(found.number) <= site.max_length
        assert found.raw == raw
        again = understand(found.number, site)
        assert isinstance(again, Waybill)
        assert (again.number, again.carrier) == (found.number, found.carrier)
    elif isinstance(found, Refusal):
        assert found.reason in list(Reason)
        assert found.shown.isprintable()
        assert len(found.shown) <= 40
    else:
        assert found.value.isprintable()


@st.composite
def carrier_scans(draw: st.DrawFn) -> tuple[str, str]:
    """A scan that fits one of the table's rules, check digit included, and its carrier."""
    row = draw(st.sampled_from(TABLE))
    pattern = re.compile(row["pattern"], re.ASCII)
    scan: str = draw(st.from_regex(pattern, fullmatch=True))
    parts = pattern.fullmatch(scan)
    assert parts is not None
    group = "number" if "number" in pattern.groupindex else 0
    start, end = parts.span(group)
    place = end - 3 if row.get("check") == "s10" else end - 1
    check = CHECKS.get(row.get("check", ""))
    for digit in (scan[place], *"0123456789"):
        tried = scan[:place] + digit + scan[place + 1 :]
        if check is None or check(tried[start:end]):
            return tried, row["carrier"]
    assume(False)
    raise AssertionError


@given(carrier_scans(), st.sampled_from(["", "]C1", "]C1\x1d"]), st.booleans())
@settings(max_examples=600, deadline=None)
def test_every_rule_reads_its_own_numbers_however_they_arrive(
    scan: tuple[str, str], prefix: str, lower: bool
) -> None:
    text, carrier = scan
    site = WaybillRules(carriers=(carrier,))
    found = number(text, site)
    assert found[1] == carrier
    assert number(found[0], site) == found
    assert number(prefix + (text.lower() if lower else text) + "\r", site) == found


@given(st.text(max_size=300))
def test_printable_is_printable(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 40
