"""Properties of every scan: clean, idempotent, the same from wedge and camera, in bounded time."""

from __future__ import annotations

import re
import time

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from station.carriers import LONGEST_SCAN, OwnRule, Rule, distinctive, known_carriers, table
from station.checkdigits import gs1
from station.waybill import (
    GS,
    Card,
    Reason,
    Refusal,
    WaybillRules,
    certain,
    understand,
)
from storage.records import CheckDigit, Waybill

ANY = WaybillRules()
OWN = (OwnRule("swift-van", "SV[0-9]{8}"), OwnRule("boxer", "(?:BX/)?(?P<number>[0-9]{9})"))
LISTS = st.lists(st.sampled_from(known_carriers()), max_size=4, unique=True).map(tuple)
SITES = st.builds(
    lambda listed, own: WaybillRules(carriers=listed, own=own), LISTS, st.sampled_from([(), OWN])
)
NEAR_MISSES = st.text(alphabet="0123456789ABCZTJDSFYXGM1920 -%()]/\x1dpw:²", max_size=50)
DIGITS = st.text(alphabet="0123456789", min_size=8, max_size=40)
HOSTILE = st.one_of(st.text(max_size=200), NEAR_MISSES, DIGITS)


@st.composite
def carrier_scans(draw: st.DrawFn, spoilt: bool = False) -> tuple[str, Rule]:
    """A scan that fits one of the table's rules, and the rule; `spoilt`: but for its check digit,
    else check digit included."""
    rule = draw(st.sampled_from([rule for rule in table() if rule.check or not spoilt]))
    scan: str = draw(st.from_regex(rule.pattern, fullmatch=True))
    parts = rule.pattern.fullmatch(scan)
    assume(parts is not None)
    assert parts is not None
    if rule.check is None:
        return scan, rule
    group = next((name for name in ("checked", "number") if name in rule.pattern.groupindex), 0)
    start, end = parts.span(group)
    place = end - 3 if rule.pattern.pattern.endswith((")", "US", "GB", "CA", "AU")) else end - 1
    if "{9}" not in rule.pattern.pattern:
        place = end - 1
    for char in (scan[place], *"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        tried = scan[:place] + char + scan[place + 1 :]
        if rule.pattern.fullmatch(tried) and rule.check(tried[start:end]) is not spoilt:
            return tried, rule
    assume(False)
    raise AssertionError


def answer(found: Waybill | Card | Refusal) -> tuple[str, str | None, CheckDigit | None]:
    assert isinstance(found, Waybill), found
    return found.number, found.carrier, found.check


def is_product_code(number: str) -> bool:
    return number.isdecimal() and len(number) in (8, 12, 13, 14) and gs1(number)


def assert_idempotent(found: Waybill, site: WaybillRules) -> None:
    """The number scanned alone gives the same; but where it was cut from a longer code and is a
    product code too, or two carriers of the site share it, it proves less alone."""
    again = understand(found.number, site)
    dense = found.raw.replace(" ", "").replace(GS, "")
    if len(found.number) < len(dense) and is_product_code(found.number):
        assert isinstance(again, Waybill | Refusal)
        return
    assert isinstance(again, Waybill)
    assert again.number == found.number
    if again.carrier != found.carrier and len(found.number) < len(dense):
        assert again.carrier in site.carriers or site.own
        return
    assert answer(again) == answer(found)


@given(HOSTILE, SITES)
@settings(max_examples=3000, deadline=None)
def test_any_text_gives_a_clean_number_or_a_printable_refusal(raw: str, site: WaybillRules) -> None:
    found = understand(raw, site)
    if isinstance(found, Waybill):
        assert re.fullmatch(r"[0-9A-Z](?:[0-9A-Z-]*[0-9A-Z])?", found.number)
        assert site.min_length <= len(found.number) <= site.max_length
        assert found.raw == raw
        assert found.carrier is None or not site.carriers or site.lists(found.carrier)
        assert found.check is None or found.carrier is not None
        assert certain(found, site) in (True, False)
        assert_idempotent(found, site)
    elif isinstance(found, Refusal):
        assert found.reason in list(Reason)
        assert found.shown.isprintable()
        assert len(found.shown) <= 40
    else:
        assert found.value.isprintable()


@given(carrier_scans())
@settings(max_examples=1500, deadline=None)
def test_every_rule_reads_its_own_numbers(scan: tuple[str, Rule]) -> None:
    text, rule = scan
    site = WaybillRules(carriers=(rule.carrier,))
    found = understand(text, site)
    if rule.weak and rule.check is None:
        others = [other for other in distinctive() if other.carrier != rule.carrier]
        shared = any(other.pattern.fullmatch(text) for other in others)
        if is_product_code(text) or shared:
            assert answer(found)[1] in (None, rule.carrier)
            return
    number, carrier, check = answer(found)
    assert carrier == rule.carrier
    assert check is not CheckDigit.FAILED
    assert number in text
    assert isinstance(found, Waybill)
    assert_idempotent(found, site)


@given(carrier_scans(spoilt=True))
@settings(max_examples=1000, deadline=None)
def test_a_listed_carriers_wrong_check_digit_is_never_called_right(scan: tuple[str, Rule]) -> None:
    text, rule = scan
    site = WaybillRules(carriers=(rule.carrier,))
    found = understand(text, site)
    if isinstance(found, Refusal):
        assert is_product_code(text)
        return
    assert isinstance(found, Waybill)
    another = any(
        other is not rule and other.carrier == rule.carrier and other.pattern.fullmatch(text)
        for other in table()
    )
    assert another or (found.carrier, found.check) == (rule.carrier, CheckDigit.FAILED)
    assert_idempotent(found, site)


@given(
    carrier_scans(),
    SITES,
    st.sampled_from(["", "]C1", "]C1" + GS, "]c0", "]d2", "]Q3"]),
    st.sampled_from(["", "\r", "\r\n", "\t", GS + "\n"]),
    st.sampled_from(["as it is", "lower", "full width", "spaced", "separated"]),
)
@settings(max_examples=2000, deadline=None)
def test_wedge_and_camera_agree(
    scan: tuple[str, Rule], site: WaybillRules, before: str, after: str, way: str
) -> None:
    text = scan[0]
    assume(text[:1] != "]")
    if way == "lower":
        told = text.lower()
    elif way == "full width":
        told = "".join(chr(ord(char) + 0xFEE0) for char in text)
    elif way == "spaced":
        told = " ".join(text[at : at + 4] for at in range(0, len(text), 4))
    elif way == "separated":
        told = text[:8] + GS + text[8:]
    else:
        told = text
    plainly, arrived = understand(text, site), understand(before + told + after, site)
    if isinstance(plainly, Waybill) and isinstance(arrived, Waybill):
        assert answer(plainly) == answer(arrived)
    else:
        # words and digits in groups are a sentence where no rule knows the text
        assert isinstance(plainly, Refusal) == isinstance(arrived, Refusal) or (
            isinstance(plainly, Waybill)
            and plainly.carrier is None
            and way in ("spaced", "separated")
        )


@given(st.text(alphabet="09AZJDL1-%()]", max_size=3 * LONGEST_SCAN), SITES)
@settings(max_examples=300, deadline=None)
def test_hostile_text_takes_bounded_time(raw: str, site: WaybillRules) -> None:
    began = time.process_time()
    understand(raw, site)
    assert time.process_time() - began < 0.5


def test_the_longest_texts_take_bounded_time() -> None:
    site = WaybillRules(carriers=known_carriers(), own=OWN)
    began = time.process_time()
    for text in ("0" * 64, "9" * 64, "A0" * 32, "JD" + "0" * 62, "420" * 21, "-" * 64, "1" * 10**6):
        understand(text, site)
        understand(" ".join(text[:90]), site)
    assert time.process_time() - began < 0.5
