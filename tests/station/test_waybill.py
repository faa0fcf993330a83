"""Raw scans: which become a tracking number, which a command card, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.waybill import Card, Refusal, WaybillRules, certain, printable, understand
from storage.records import CheckDigit, Waybill

ANY = WaybillRules()
UPS = WaybillRules(carriers=("ups",))


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
    found = understand(raw, ANY)
    assert isinstance(found, Waybill)
    assert found.check is not CheckDigit.FAILED


@pytest.mark.parametrize(
    ("wrong", "carrier"),
    [
        ("1Z999AA10123456785", "ups"),
        ("RB123456786GB", "s10"),
        ("9400111206206406260788", "usps"),
    ],
)
def test_a_wrong_check_digit_is_kept_and_marked(wrong: str, carrier: str) -> None:
    assert understand(wrong, ANY) == Waybill(wrong, wrong, carrier, CheckDigit.FAILED)


@pytest.mark.parametrize(
    ("wrong", "carrier"),
    [
        ("996578788855", "fedex"),
        ("3318810034", "dhl"),
        ("041441760228965", "fedex"),
        ("000123450000000028", "sscc"),
        ("03071790000523483742", "usps"),
        ("K1506235622", "ups"),
    ],
)
def test_plain_digits_with_a_wrong_check_digit_are_a_carriers_only_where_it_is_listed(
    wrong: str, carrier: str
) -> None:
    assert understand(wrong, ANY) == Waybill(wrong, wrong)
    listed = WaybillRules(carriers=(carrier,))
    assert understand(wrong, listed) == Waybill(wrong, wrong, carrier, CheckDigit.FAILED)


def test_a_right_check_digit_is_told_and_none_where_there_is_none() -> None:
    for raw, check in [
        ("1Z999AA10123456784", CheckDigit.OK),
        ("1027590111820004833500785458233610", CheckDigit.OK),
        ("(00)000123450000000027", CheckDigit.OK),
        ("TBA502887274000", None),
        ("SPXVN01234567890", None),
    ]:
        found = understand(raw, ANY)
        assert isinstance(found, Waybill)
        assert found.check is check, raw


def test_what_is_cut_from_a_code_with_a_wrong_check_digit_must_stand_alone() -> None:
    zip_and_number = "420787459400111206206406260788"
    assert understand(zip_and_number, ANY) == Waybill(
        zip_and_number[8:], zip_and_number, "usps", CheckDigit.FAILED
    )
    with_zip_4 = "420" + "123456789" + "9400111200785458233610"  # ends as FedEx's do
    found = understand(with_zip_4, ANY)
    assert found == Waybill(with_zip_4[12:], with_zip_4, "usps", CheckDigit.FAILED)
    express = "1027590111820004833500785458233611"
    assert understand(express, ANY) == Waybill(express, express, "fedex", CheckDigit.FAILED)
    fedex = WaybillRules(carriers=("fedex",))
    assert understand(express, fedex) == Waybill(
        "785458233611", express, "fedex", CheckDigit.FAILED
    )
    sscc = understand("(00)000123450000000028", ANY)
    assert isinstance(sscc, Waybill)
    assert (sscc.number, sscc.carrier, sscc.check) == (
        "00000123450000000028",
        "sscc",
        CheckDigit.FAILED,
    )


def test_a_number_without_a_known_shape_is_taken_without_a_carrier() -> None:
    assert number("SPXVN01234567890") == ("SPXVN01234567890", None)
    assert number("ab12cd34") == ("AB12CD34", None)
    assert number("12345 67890 123456") == ("1234567890123456", None)


def test_at_a_site_that_lists_carriers_other_numbers_have_none() -> None:
    assert number("1Z999AA10123456784", UPS) == ("1Z999AA10123456784", "ups")
    for other in ("986578788855", "SPXVN01234567890", "RB123456785GB", "RB123456786GB"):
        assert understand(other, UPS) == Waybill(other, other)
    assert refused("(00)0001", UPS) == "scan_bad_characters"
    assert refused("5901234123457", UPS) == "scan_product_code"


def test_a_number_is_cut_the_same_way_whatever_the_site_lists() -> None:
    assert number("420787459400111206206406260787", UPS) == ("9400111206206406260787", None)
    assert number("(00)000123450000000027", UPS) == ("000123450000000027", None)
    assert number("%008182709980000020033350276", UPS) == ("09980000020033", None)
    assert number("%008182709980000020033350276") == ("09980000020033", None)


def test_dpd_counts_where_it_is_listed() -> None:
    dpd = WaybillRules(carriers=("dpd",))
    for label in (
        "%008182709980000020033350276",
        "008182709980000020033350276C",
        "09980000020033F",
        "09980000020033",
    ):
        assert understand(label, dpd) == Waybill("09980000020033", label, "dpd")
    wrong = "09980000020033D"
    assert understand(wrong, dpd) == Waybill(wrong, wrong, "dpd", CheckDigit.FAILED)


def test_the_order_of_the_list_decides_between_carriers_that_share_a_number() -> None:
    shared = "287809468872"  # a published Purolator number with FedEx's check digit
    assert number(shared) == (shared, "fedex")
    assert number(shared, WaybillRules(carriers=("purolator", "fedex"))) == (shared, "purolator")
    assert number(shared, WaybillRules(carriers=("fedex", "purolator"))) == (shared, "fedex")
    assert number(shared, WaybillRules(carriers=("gls", "fedex"))) == (shared, "fedex")
    british = "RB123456785GB"
    assert number(british, WaybillRules(carriers=("royal-mail", "s10"))) == (british, "royal-mail")
    assert number(british) == (british, "s10")


def test_a_common_shape_gives_way_to_a_distinctive_one_of_any_carrier() -> None:
    for listed, raw in [
        ("dhl", "CN12345678901"),
        ("dhl", "GM9E44608A27984866BA2D"),
        ("australia-post", "ABC1234567010093"),
    ]:
        assert number(raw, WaybillRules(carriers=(listed,))) == (raw, listed)
    dhl = WaybillRules(carriers=("dhl",))
    assert number("LX123456786CN", dhl) == ("LX123456786CN", None)  # S10, wrong check digit
    usps = WaybillRules(carriers=("usps",))
    assert number("00000123450000000027", usps) == ("000123450000000027", None)
    for raw in ("JJD1410302937991", "LP01234567890123", "JJD141030293799112345"):
        assert number(raw, WaybillRules(carriers=("australia-post",))) == (raw, None)


def test_a_longer_code_names_its_carrier_even_where_its_number_alone_is_anothers() -> None:
    both = WaybillRules(carriers=("purolator", "fedex"))
    assert number("9622001900000000000000287809468872", both) == ("287809468872", "fedex")


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


# ---------------------------------------------------------------------------- product codes


@pytest.mark.parametrize(
    ("raw", "listed"),
    [
        ("036000291452", ("ups", "dhl")),
        ("5901234123457", ("fedex",)),
        ("10012345678902", ("fedex",)),
        ("036000291452", ("fedex",)),
    ],
)
def test_a_product_code_is_refused_where_no_rule_knows_it(
    raw: str, listed: tuple[str, ...]
) -> None:
    assert refused(raw) == "scan_product_code"
    assert refused(raw, WaybillRules(carriers=listed)) == "scan_product_code"


def test_a_product_code_with_a_carriers_check_digit_is_asked_about_unless_it_is_listed() -> None:
    both = "036000291490"  # valid as UPC-A and as a number of FedEx
    assert understand(both, ANY) == Waybill(both, both)
    assert number(both, WaybillRules(carriers=("fedex",))) == (both, "fedex")
    assert refused("]E0" + both, WaybillRules(carriers=("fedex",))) == "scan_product_code"


@pytest.mark.parametrize(
    ("raw", "carrier"), [("5901234123457", "yunda"), ("10012345678902", "dpd")]
)
def test_a_product_code_is_asked_about_where_a_listed_carrier_has_no_check_digit(
    raw: str, carrier: str
) -> None:
    assert understand(raw, WaybillRules(carriers=(carrier,))) == Waybill(raw, raw)


# ---------------------------------------------------------------------------- certainty


@pytest.mark.parametrize(
    ("raw", "listed", "sure"),
    [
        ("1Z999AA10123456784", (), True),
        ("1Z999AA10123456785", (), False),
        ("420787459400111206206406260787", (), True),
        ("1027590111820004833500785458233610", (), True),
        ("785458233610", (), False),
        ("785458233610", ("fedex",), True),
        ("785458233611", ("fedex",), False),
        ("3318810025", (), False),
        ("SPXVN01234567890", (), False),
        ("TBA502887274000", (), True),
        ("TBA502887274000", ("ups",), False),
    ],
)
def test_a_number_is_certain_by_its_shape_or_by_the_sites_list(
    raw: str, listed: tuple[str, ...], sure: bool
) -> None:
    rules = WaybillRules(carriers=listed)
    found = understand(raw, rules)
    assert isinstance(found, Waybill)
    assert certain(found, rules) is sure


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


@given(st.text(max_size=300))
def test_printable_is_printable(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 40
