"""The rules for a claim tell its deadlines, each with its source, and the earliest one counts."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from storage.claims.claim import Claim, ClaimStatus, ClaimType
from storage.claims.deadlines import Deadline, deadlines_for, earliest
from storage.claims.rules import Do, Start, load
from storage.errors import DeadlinesUnreadable
from storage.evidence.kit.profiles import Certainty

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
ALL = dict.fromkeys(Start, NOON)
NEW_YORK = ZoneInfo("America/New_York")


def told(type_: str, portal: str, carrier: str = "") -> dict[str, str]:
    """The last day by each rule, all of which count from 22 November."""
    found = deadlines_for((ClaimType(type_), portal, carrier), ALL, dt.UTC)
    return {each.rule.name: f"{each.due_at:%m-%d %H:%M}" for each in found}


def a_claim(status: ClaimStatus = ClaimStatus.DRAFT, **facts: object) -> Claim:
    claim = Claim("0" * 26, "C-2026-0001", "1Z", ClaimType.DAMAGE, NOON, NOON, NOON, status)
    return replace(claim, portal="amazon-ae", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_", "portal", "carrier", "wanted"),
    [
        ("loss", "tiktok-insurance", "", {"tiktok-insurance": "02-20 23:59"}),
        ("loss", "TikTok Fulfilled", "ups", {"tiktok-fulfilled": "01-21 23:59"}),
        ("damage", "tiktok-damage", "", {"tiktok-damage": "01-01 23:59"}),
        (
            "loss",
            "tiktok-return",
            "",
            {"tiktok-return-working-day": "11-23 23:59", "tiktok-return-hours": "11-24 12:00"},
        ),
        ("loss", "shopee", "", {
            "shopee-refund": "11-25 23:59", "shopee-refund-later": "11-27 23:59"}),
        ("loss", "shopee-ph", "", {"shopee-courier-ph": "12-17 23:59"}),
        ("loss", "lazada", "", {"lazada": "11-24 12:00"}),
        ("loss", "amazon-ae", "", {"amazon-ae-appeal": "11-27 23:59", "amazon-ae": "11-29 23:59"}),
        ("loss", "amazon-us", "", {"amazon-us": "12-22 23:59"}),
        (
            "damage",
            "",
            "UPS",
            {
                "ups-international-damage": "12-06 23:59",
                "ups-us-report": "01-21 23:59",
                "ups-international": "01-21 23:59",
                "ups-us-claim": "08-22 23:59",
            },
        ),
        ("delay", "ups-international", "", {
            "ups-international-delay": "12-13 23:59", "ups-international": "01-21 23:59"}),
        ("damage", "", "FedEx", {"fedex-international": "12-13 23:59", "fedex-us": "01-21 23:59"}),
        ("loss", "", "fedex", {"fedex-not-delivered": "08-22 23:59"}),
        ("damage", "", "usps", {"usps-damage": "01-21 23:59"}),
        ("loss", "", "usps", {"usps-loss": "01-21 23:59"}),
        ("damage", "dhl-freight", "", {"dhl-freight": "11-29 23:59"}),
        ("loss", "", "dhl", {"dhl-express": "12-22 23:59"}),
        ("damage", "air-cargo", "", {"air-cargo-damage": "12-06 23:59"}),
        ("delay", "air-cargo", "", {"air-cargo-delay": "12-13 23:59"}),
        ("loss", "4px", "", {"4px-enquiry": "01-21 23:59", "4px-claim": "02-20 23:59"}),
        ("loss", "paypal", "", {"paypal": "12-02 23:59"}),
        ("loss", "checkout-visa", "", {"cards-visa": "12-01 23:59"}),
        ("loss", "checkout-mastercard", "", {"cards-mastercard": "12-22 23:59"}),
        ("loss", "", "yunexpress", {}),
        ("loss", "our insurer", "usps", {"usps-loss": "01-21 23:59"}),
    ],
)  # fmt: skip
def test_every_known_limit_is_a_rule(
    type_: str, portal: str, carrier: str, wanted: dict[str, str]
) -> None:
    found = told(type_, portal, carrier)
    assert found == wanted
    assert list(found) == list(wanted)  # the earliest first


def test_every_rule_says_where_it_is_from() -> None:
    for rule in load().values():
        assert rule.source
        assert rule.as_of
        if rule.certainty is Certainty.CONFLICT:
            assert rule.note, rule.name


def test_what_nobody_told_is_said_and_the_next_best_moment_counts() -> None:
    asked = (ClaimType.DAMAGE, "dhl-freight", "")
    (unknown,) = deadlines_for(asked, {}, dt.UTC)
    assert unknown.due_at is None
    assert unknown.why_unknown == "nobody told when it was delivered or when it happened"
    (known,) = deadlines_for(asked, {Start.HAPPENED: NOON}, dt.UTC)
    assert (known.starts_from, known.started_at) == (Start.HAPPENED, NOON)
    assert earliest((unknown,)) is None
    (wrong,) = deadlines_for(
        asked, {Start.DELIVERED: dt.datetime.max.replace(tzinfo=dt.UTC)}, dt.UTC
    )
    assert wrong.due_at is None
    assert "cannot be right" in wrong.why_unknown


def test_an_insured_loss_opens_later() -> None:
    (loss,) = deadlines_for((ClaimType.LOSS, "", "usps"), {Start.SHIPPED: NOON}, NEW_YORK)
    assert loss.opens_at == dt.datetime(2026, 12, 7, 5, tzinfo=dt.UTC)


def test_the_deadline_that_counts_follows_the_claim() -> None:
    def counts(claim: Claim) -> str:
        found: Deadline | None = earliest(deadlines_for(claim, ALL, dt.UTC))
        return "" if found is None else found.rule.name

    draft = a_claim()
    assert counts(draft) == "amazon-ae"
    submitted = a_claim(ClaimStatus.SUBMITTED, submitted_at=NOON)
    assert counts(submitted) == ""
    assert counts(replace(submitted, status=ClaimStatus.REJECTED)) == "amazon-ae-appeal"
    assert counts(replace(submitted, status=ClaimStatus.PAID)) == ""


OWN = """
[ups-us-claim]
within = "6 months"
source = "our contract, § 7"
certainty = "own"
time_zone = "America/New_York"

[our-insurer]
who = "Our insurer"
portals = ["Our Insurer"]
types = ["loss"]
do = "report"
starts = "happened"
within = "5 working days"
certainty = "own"
as_of = "2026-11"
source = "policy 12-345"
"""


def test_a_site_s_own_rules_change_and_add(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(OWN, encoding="utf-8")
    rules = load(path)
    assert list(rules)[-1] == "our-insurer"
    changed = rules["ups-us-claim"]
    assert (changed.own, changed.who, changed.do) == (True, "UPS, United States", Do.CLAIM)
    evening = {Start.SHIPPED: dt.datetime(2026, 11, 23, 3, tzinfo=dt.UTC)}
    found = deadlines_for((ClaimType.LOSS, "ups-us", ""), evening, dt.UTC, rules)
    due = {each.rule.name: each.due_at for each in found}["ups-us-claim"]
    assert due is not None
    # The 22nd where the rule's clock is.
    assert f"{due.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" == "2027-05-22 23:59"
    (insurer,) = deadlines_for((ClaimType.LOSS, "our insurer", "ups"), ALL, dt.UTC, rules)
    assert insurer.rule.name == "our-insurer"
    assert load() == {name: rule for name, rule in load().items() if not rule.own}


def test_a_computer_without_time_zones_knows_them_too(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(OWN, encoding="utf-8")
    asked = (
        "from pathlib import Path; from storage.claims.rules import load; import sys; "
        "load(Path(sys.argv[1]))"
    )
    windows = {**os.environ, "PYTHONTZPATH": ""}
    subprocess.run([sys.executable, "-c", asked, str(path)], env=windows, check=True)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[a", "it is not TOML"),
        ("x = 1", "x must be a table"),
        ('["../x"]\nwho = "x"', "../x a rule's name"),
        ("[new]\nwho = 'x'", "new.do is missing"),
        ("[paypal]\nwithin = '2 weeks'", "paypal.within must be a period"),
        ("[paypal]\nwithin = 10", "paypal.within must be a text"),
        ("[paypal]\nstarts = ['noon']", "paypal.starts must be some of"),
        ("[paypal]\nstarts = []", "paypal.starts must be some of"),
        ("[paypal]\ntypes = ['fire']", "paypal.types must be some of"),
        ("[paypal]\ncertainty = 'sure'", "paypal.certainty must be some of"),
        ("[paypal]\nas_of = 'lately'", "paypal.as_of must be a year"),
        ("[paypal]\ntime_zone = '../../etc/passwd'", "paypal.time_zone"),
        ("[paypal]\ntime_zone = 'Mars/Base'", "paypal.time_zone"),
        ("[paypal]\nportals = []", "paypal names neither"),
        ("[paypal]\nurl = 'x'", "paypal.url is unknown"),
        ('[paypal]\nnote = "a\\u001b[2J"', "paypal.note holds a character"),
        ("[paypal]\nsource = ''", "paypal.source must be a text"),
    ],
)
def test_a_wrong_rule_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DeadlinesUnreadable) as error:
        load(path)
    assert f"{path}: {place}" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(DeadlinesUnreadable, match=str(path)):
            load(path)
    (tmp_path / "gbk.toml").write_bytes(b"# \xb5\xb6\xff\n")
    with pytest.raises(DeadlinesUnreadable, match="UTF-8"):
        load(tmp_path / "gbk.toml")
