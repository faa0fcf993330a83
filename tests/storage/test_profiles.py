"""Profiles are data with a source, and a file of one's own is checked to the letter."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import ProfilesUnreadable
from storage.evidence.kit import shortfalls
from storage.evidence.kit.profiles import LIMITS, Certainty, Kind, load
from storage.evidence.kit.shortfalls import Lack, Shortfall

LIMIT = 'source = "us", as_of = "2026-11", certainty = "own"'
TITLE = 'title = { en = "A", zh = "甲" }\nabout = { en = "B", zh = "乙" }\n'


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Where a site's own profiles are."""
    return tmp_path / "own.toml"


def test_there_is_a_profile_for_every_place_that_is_known() -> None:
    known = load()
    bases = "complete marketplace-video stills-3 stills-6 carrier-photos bank-pdf bank-pdf-small"
    portals = (
        "tiktok-return tiktok-damage shopee lazada-refund lazada-return amazon-safe-t ups-damage "
        "fedex usps dhl-freight dhl-express paypal checkout-cards amex amex-optblue discover"
    )
    assert set((bases + " " + portals).split()) <= set(known)
    video = known["marketplace-video"]
    assert (video.most("video_ms"), video.most("video_bytes")) == (60_000, 30_000_000)
    assert video.wants("cover") and not known["shopee"].wants("cover")
    assert len(known["ups-damage"].slots) == 7 == known["ups-damage"].most("pictures")
    assert known["tiktok-return"].most("pictures") == 6
    assert known["bank-pdf"].most("pages") == 20
    assert known["bank-pdf-small"].most("pdf_bytes") == 1_000_000
    assert known["air-cargo"].kind is Kind.COMPLETE
    assert not known["lazada-return"].takes("mp4") and known["lazada-refund"].takes("mp4")


def test_no_portal_is_said_to_be_surer_than_it_is() -> None:
    known = load()
    assert known["tiktok-return"].limits["pictures"].certainty is Certainty.SECOND_HAND
    assert known["shopee"].certainty is Certainty.SECOND_HAND
    assert known["dhl-express"].limits["deadline"].certainty is Certainty.UNCONFIRMED
    assert known["fedex"].certainty is Certainty.OWN, "nobody says what files FedEx takes"
    for profile in known.values():
        assert profile.title.zh != profile.title.en and profile.about.said("zh")
        for limit in profile.limits.values():
            assert limit.source and re.match(r"\d{4}", limit.as_of)


def test_an_own_file_adds_profiles_and_puts_in_other_limits(own: Path) -> None:
    own.write_text(
        f"[shopee.limits]\nvideo_ms = {{ value = 30_000, {LIMIT} }}\n"
        f'[our-carrier]\nbase = "stills-3"\n{TITLE}'
        f"[our-carrier.limits]\nfile_bytes = {{ value = 500_000, {LIMIT} }}\n",
        encoding="utf-8-sig",
    )
    known = load(own)
    shopee, ours = known["shopee"], known["our-carrier"]
    assert (shopee.most("video_ms"), shopee.most("files"), shopee.own) == (30_000, 3, True)
    assert shopee.title == load()["shopee"].title
    assert (ours.most("file_bytes"), ours.most("pictures"), ours.kind) == (500_000, 3, Kind.STILLS)
    assert ours.title.said("zh") == "甲" and not known["stills-3"].own
    assert list(known)[-1] == "our-carrier"


def test_a_profile_can_be_put_on_another_base(own: Path) -> None:
    own.write_text('[fedex]\nbase = "marketplace-video"\n')
    fedex = load(own)["fedex"]
    assert fedex.kinds == (Kind.VIDEO,) and fedex.title == load()["fedex"].title


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("[x\n", "", "TOML"),
        ("x = 1\n", "x", "table"),
        ("[Bad_Name]\n", "Bad_Name", "a-z"),
        ("[x]\n", "x.kinds", "must list"),
        ('[x]\nkinds = ["video"]\n', "x.title", "en"),
        ('[x]\nkinds = ["film"]\n' + TITLE, "x.kinds", "must list"),
        ('[x]\nkinds = ["complete", "pdf"]\n' + TITLE, "x.kinds", "alone"),
        ('[x]\nkinds = ["slots"]\n' + TITLE, "x.slots", "missing"),
        ('[x]\nbase = "nobody"\n' + TITLE, "x.base", "nobody"),
        ('[x]\nbase = "x"\n' + TITLE, "x.base", "above"),
        ('[x]\nbase = "stills-3"\nsession = "both"\n' + TITLE, "x.session", "packing"),
        ('[x]\nbase = "stills-3"\ncolour = 1\n' + TITLE, "x.colour", "unknown"),
        ("[shopee]\nlimits = 3\n", "shopee.limits", "table"),
        ("[ups-damage]\nslots = []\n", "ups-damage.slots", "list"),
        ('[[ups-damage.slots]]\nname = "../x"\n', "ups-damage.slots[1].name", "a-z"),
        (2 * '[[ups-damage.slots]]\nname = "a"\ntitle.en = "a"\n', "ups-damage.slots", "twice"),
    ],
)
def test_a_bad_file_is_told_with_its_place(own: Path, text: str, place: str, why: str) -> None:
    own.write_text(text, encoding="utf-8")
    refused(own, place, why)


@pytest.mark.parametrize(
    ("limit", "place", "why"),
    [
        (f"size = {{ value = 1, {LIMIT} }}", "size", "unknown"),
        (f'files = {{ value = "3", {LIMIT} }}', "files.value", "whole"),
        (f"files = {{ value = true, {LIMIT} }}", "files.value", "whole"),
        (f"files = {{ value = 0, {LIMIT} }}", "files.value", "0"),
        (f"files = {{ value = -3, {LIMIT} }}", "files.value", "-3"),
        (f"files = {{ value = 3.5, {LIMIT} }}", "files.value", "3.5"),
        (f"cover = {{ value = 1, {LIMIT} }}", "cover.value", "true"),
        (f'types = {{ value = ["exe"], {LIMIT} }}', "types.value", "jpg"),
        (f"types = {{ value = [], {LIMIT} }}", "types.value", "jpg"),
        (f"files = {{ value = 3, colour = 1, {LIMIT} }}", "files.colour", "unknown"),
        ("files = { value = 3 }", "files.source", "missing"),
        ("files = 3", "files", "table"),
        (f"files = {{ value = 3, {LIMIT} }}".replace("own", "sure"), "files.certainty", "official"),
        (f"files = {{ value = 3, {LIMIT} }}".replace("2026-11", "soon"), "files.as_of", "year"),
        (f"files = {{ value = 3, {LIMIT} }}".replace("us", "u\\u001b"), "files.source", "printed"),
    ],
)
def test_a_bad_limit_is_told_with_its_place(own: Path, limit: str, place: str, why: str) -> None:
    own.write_text(f"[shopee.limits]\n{limit}\n", encoding="utf-8")
    refused(own, f"shopee.limits.{place}", why)


def refused(own: Path, place: str, why: str) -> None:
    """The file is refused in one line, which names the place in it."""
    with pytest.raises(ProfilesUnreadable, match=re.escape(why)) as caught:
        load(own)
    assert caught.value.place.startswith(place) and bool(caught.value.place) == bool(place)
    assert str(caught.value).startswith(str(own)) and "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(own: Path) -> None:
    with pytest.raises(ProfilesUnreadable, match="No such file"):
        load(own)
    own.write_bytes(b"\xff\xfe[\0x\0]\0")
    with pytest.raises(ProfilesUnreadable, match="UTF-8"):
        load(own)


WORDS = "shopee x limits slots kinds base title value source as_of certainty name shots en zh"
keys = st.sampled_from([*WORDS.split(), *LIMITS])
leaves = (
    st.integers(-5, 10**12)
    | st.booleans()
    | st.text(string.printable, max_size=8)
    | st.sampled_from(["video", "stills-3", "own", "2026", "slots", "packing"])
    | st.floats(allow_nan=False)
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=st.dictionaries(keys, anything, max_size=4))
def test_any_file_is_read_or_told(tables: dict[str, Any], tmp_path_factory: Any) -> None:
    own = tmp_path_factory.getbasetemp() / "anything.toml"
    own.write_text(tomlkit.dumps(tables), encoding="utf-8")
    try:
        known = load(own)
    except ProfilesUnreadable as error:
        assert str(error).startswith(str(own))
        return
    assert set(load()) <= set(known)
    for profile in known.values():
        for name in LIMITS:
            most = profile.most(name)
            assert most is None or most > 0


@pytest.mark.parametrize("lack", list(Lack))
def test_every_shortfall_has_words_in_both_languages(lack: Lack) -> None:
    english, chinese = (shortfalls.words(language)[lack.value] for language in ("en", "zh"))
    holes = [set(re.findall(r"{(\w+)}", text)) for text in (english, chinese)]
    assert holes[0] == holes[1]
    facts = {name: "\x1b[2J\u202e7" for name in holes[0]}
    for language in ("en", "zh"):
        said = Shortfall(lack, "label", {**facts, "subject": "label"}).said(language)
        assert said.isprintable() and "{" not in said and ("7" in said) == (holes[0] != {"subject"})
