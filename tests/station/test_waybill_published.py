"""Every published test number of tracking_number_data, and every row of the carriers' table."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from station.carriers import known_carriers
from station.waybill import WaybillRules, understand
from storage.records import CheckDigit, Waybill

PUBLISHED: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("published_numbers.toml").read_text(encoding="utf-8")
)["format"]
TABLE: list[dict[str, Any]] = tomllib.loads(
    resources.files("station").joinpath("carriers.toml").read_text(encoding="utf-8")
)["rule"]

SHORTER = {
    "FedEx Express (34)": slice(22, 34),
    "FedEx ASTRA (32)": slice(16, 28),
    "FedEx Ground 96 (22)": slice(7, 22),
    "FedEx Ground GSN": slice(22, 34),
    "DPD (28)": slice(7, 21),
    "DPD (14)": slice(0, 14),
}
"""Where the published number holds more than what the carrier tracks."""

OTHER_CARRIER = {"FedEx Ground (SSCC-18)": "sscc"}
"""Where our answer differs: an SSCC names the shipper that made it, and many carriers take it."""

NOT_INVALID = {
    # an invalid number of one format of Purolator, and a valid one of the other
    ("Purolator (alpha + 9)", "331426749957"): "purolator",
}
"""Where a number published as invalid is a valid one all the same."""

TAKEN_BY_OTHERS = {
    # numbers of Purolator have FedEx's check digit as well, and Purolator must be listed
    "287809468872": "fedex",
    "320610804900": "fedex",
}
"""What a site that lists no carriers makes of these."""


def code(courier: str) -> str:
    return courier.replace("_", "-")


def tracked(name: str, raw: str) -> str:
    """The tracking number in the published `raw`."""
    dense = raw.replace(" ", "")
    if name.startswith("USPS IMpb") or name == "USPS Legacy":
        return dense[-(26 if len(dense) == 26 else min(len(dense), 22)) :]
    return dense[SHORTER[name]] if name in SHORTER else dense


def published(kind: str) -> list[tuple[str, str, str]]:
    return [(row["courier"], row["name"], raw) for row in PUBLISHED for raw in row[kind]]


def test_all_published_numbers_are_here() -> None:
    valid = [raw for _courier, _name, raw in published("valid")]
    assert len(PUBLISHED) == 39
    assert len(valid) == 192
    assert len({raw.replace(" ", "") for raw in valid}) == 171
    assert len(published("invalid")) == 88


@pytest.mark.parametrize(("courier", "name", "raw"), published("valid"))
def test_a_published_number_is_its_carriers(courier: str, name: str, raw: str) -> None:
    carrier = OTHER_CARRIER.get(name, code(courier))
    found = understand(raw, WaybillRules(carriers=(carrier,)))
    assert isinstance(found, Waybill)
    assert (found.number, found.carrier) == (tracked(name, raw), carrier)
    assert found.check is not CheckDigit.FAILED
    anywhere = understand(raw, WaybillRules())
    assert isinstance(anywhere, Waybill)
    assert anywhere.number == found.number
    assert anywhere.carrier in (carrier, None, TAKEN_BY_OTHERS.get(found.number))
    assert anywhere.check is not CheckDigit.FAILED


@pytest.mark.parametrize(("courier", "name", "raw"), published("invalid"))
def test_a_published_invalid_number_is_not_its_carriers(courier: str, name: str, raw: str) -> None:
    """It has no carrier, or its check digit is told to be wrong."""
    found = understand(raw, WaybillRules(carriers=(code(courier),)))
    if expected := NOT_INVALID.get((name, raw)):
        assert isinstance(found, Waybill)
        assert (found.carrier, found.check) == (expected, CheckDigit.OK)
    elif isinstance(found, Waybill):
        assert found.carrier is None or found.check is CheckDigit.FAILED


def test_every_rule_says_where_it_comes_from_and_how_sure_that_is() -> None:
    fields = {"carrier", "pattern", "check", "weak", "listed_only", "source", "certainty"}
    for row in TABLE:
        assert set(row) <= fields
        assert row["source"].strip()
        assert row["certainty"] in {"standard", "published", "observed"}
    assert {row["carrier"] for row in TABLE} == set(known_carriers())


def test_the_carriers_of_the_world_are_known() -> None:
    assert set(known_carriers()) >= {
        "amazon", "australia-post", "cainiao", "canada-post", "dhl", "dpd", "evri", "fedex", "gls",
        "jd", "jt-express", "lasership", "ontrac", "purolator", "royal-mail", "s10", "sf", "sscc",
        "sto", "ups", "usps", "yto", "yunda", "yunexpress", "zto",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "want", "carrier"),
    [
        ("H01HYA0012345678", "H01HYA0012345678", "evri"),
        ("1234567890123456", "1234567890123456", "evri"),
        ("XHAX4HDA", "XHAX4HDA", "gls"),
        ("RB123456785GB", "RB123456785GB", "royal-mail"),
        ("RB123456785AU", "RB123456785AU", "australia-post"),
        (
            "]C1019931265099999891ABC1234567010093",
            "ABC1234567010093",
            "australia-post",
        ),
        (
            "(01)99312650999998(91)34ABC123456701000935009",
            "34ABC123456701000935009",
            "australia-post",
        ),
        ("RB123456785CA", "RB123456785CA", "canada-post"),
        ("RB123456785US", "RB123456785US", "usps"),
        ("SF1012345678901", "SF1012345678901", "sf"),
        ("SFA012345678901", "SFA012345678901", "sf"),
        ("JT1234567890123", "JT1234567890123", "jt-express"),
        ("JX1234567890", "JX1234567890", "jt-express"),
        ("LP00123456789012", "LP00123456789012", "cainiao"),
        ("78123456789012", "78123456789012", "zto"),
        ("773123456789012", "773123456789012", "sto"),
        ("431234567890123", "431234567890123", "yunda"),
        ("5312345678900", "5312345678900", "yunda"),
        ("AA1234567", "AA1234567", "parcelforce"),
        ("JJD1410302937991", "JJD1410302937991", "dhl"),
        ("]C100340434124436303029", "340434124436303029", "sscc"),
    ],
)
def test_a_listed_carriers_number_is_known(raw: str, want: str, carrier: str) -> None:
    site = WaybillRules(carriers=(carrier,))
    found = understand(raw, site)
    assert isinstance(found, Waybill)
    assert (found.number, found.carrier) == (want, carrier)
    again = understand(want, site)
    assert isinstance(again, Waybill)
    assert (again.number, again.carrier, again.check) == (want, carrier, found.check)
