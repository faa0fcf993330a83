"""The catalogue: complete in every language, and harmless whatever is put into a message."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station import photo, waybill
from station.rules.events import Disk
from station.ui import look
from station.ui.messages import Catalogue, chosen, flat, languages, shown

ENGLISH = Catalogue("en")
FAULTS = {"photo_dark", "photo_blurred", "photo_moving", "photo_glaring"}
"""What `station.stills` may find wrong with a photo."""
ADVICE = set(re.findall(r'"(label_\w+)"', Path(photo.__file__).read_text(encoding="utf-8")))
"""What it may advise about a label that cannot be read."""


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_message_with_the_same_parameters(language: str) -> None:
    words = Catalogue(language)
    assert set(words.texts) == set(ENGLISH.texts)
    for key, text in words.texts.items():
        assert fields(text) == fields(ENGLISH.texts[key]), key
        assert text.strip(), key
    assert len(words.reasons) == len(ENGLISH.reasons)


@pytest.mark.parametrize("language", languages())
def test_a_language_says_its_own_name(language: str) -> None:
    assert Catalogue(language).texts["name"]


def rules_source() -> str:
    """The rules of a session, as text: they name messages in no other form."""
    station = Path(waybill.__file__).parent
    files = [*station.glob("session*.py"), *station.glob("rules/*.py")]
    return "".join(path.read_text(encoding="utf-8") for path in files)


def spoken_keys() -> set[str]:
    """Every message key that the rules can say, from their source."""
    said = set(re.findall(r'\.say\(\s*"(\w+)"', rules_source()))
    said |= {f"disk_{level.value}" for level in Disk}
    reasons = {reason.value for reason in waybill.Reason}
    seen = {f"seen_{reason.removeprefix('scan_')}" for reason in reasons}
    seen |= {"seen_unlisted", "seen_check_digit"}  # what `station.bench` adds to them
    return said | reasons | seen | FAULTS


def test_whatever_the_rules_say_has_a_message() -> None:
    assert len(spoken_keys()) > 30
    assert {key for key in spoken_keys() if not ENGLISH.has(f"say.{key}")} == set()


def test_every_alarm_and_question_has_a_word_a_cause_and_what_to_do() -> None:
    alarms = {f"alarm.{key}" for key in re.findall(r'\.alarm\(\s*"(\w+)"', rules_source())}
    assert len(alarms) >= 6
    for key in alarms | {"question.duplicate", "question.cancel", "question.unlisted"}:
        for part in ("word", "what", "do"):
            assert ENGLISH.has(f"{key}.{part}"), f"{key}.{part}"


def test_every_fault_of_a_photo_says_what_to_do_and_has_a_word_for_its_slot() -> None:
    for fault in FAULTS:
        assert "F2" in ENGLISH.text(f"say.{fault}")
        assert ENGLISH.has(f"slot.{fault}")


@pytest.mark.parametrize("language", languages())
def test_every_advice_about_a_label_says_what_to_do_in_one_line(language: str) -> None:
    assert len(ADVICE) == 7
    said = {Catalogue(language).text(f"say.{advice}") for advice in ADVICE}
    assert len(said) == len(ADVICE)
    assert all("F2" in text and len(text) <= 80 for text in said)


def test_every_alarm_is_said_too() -> None:
    alarms = set(re.findall(r'\.alarm\(\s*"(\w+)"', rules_source()))
    assert {key for key in alarms if not ENGLISH.has(f"say.{key}")} == set()


def test_every_look_of_the_screen_has_words() -> None:
    text = Path(look.__file__).read_text(encoding="utf-8")
    for word, following in re.findall(r'Look\("(\w+)", "\w+", "\w+", "(\w+)"', text):
        assert ENGLISH.has(f"banner.{word}")
        assert ENGLISH.has(f"next.{following}")
    for following in re.findall(r'following = .*"(\w+)"', text):
        assert ENGLISH.has(f"next.{following}")


@given(st.text(max_size=200))
def test_hostile_text_is_shown_printable_and_short(text: str) -> None:
    line = ENGLISH.text("say.scan_bad_characters", [("raw", text)])
    assert line.isprintable()
    assert len(shown(text)) <= 100


@given(st.text(alphabet="{}raw!:0[]/bold", max_size=30))
def test_braces_and_markup_in_a_parameter_are_shown_as_they_are(text: str) -> None:
    assert text in ENGLISH.text("say.scan_bad_characters", [("raw", text)])


def test_a_parameter_that_was_not_given_is_no_error() -> None:
    assert "{number}" in ENGLISH.text("say.sealed")


def test_a_sites_own_slot_is_shown_as_it_is_written() -> None:
    assert ENGLISH.slot("left_side") == "LEFT SIDE"


@pytest.mark.parametrize(
    ("variable", "value", "language"),
    [
        ("LANG", "zh_CN.UTF-8", "zh"),
        ("LANG", "zh_TW.UTF-8", "zh"),
        ("LC_ALL", "Chinese (Simplified)_China.936", "zh"),
        ("LANG", "en_GB.UTF-8", "en"),
        ("LANG", "C.UTF-8", "en"),
        ("LC_ALL", "POSIX", "en"),
        ("LANG", "xx_XX", "en"),
    ],
)
def test_the_language_follows_the_computer(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, language: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert chosen("auto") == language
    assert chosen("zh") == "zh"


def test_lists_are_no_messages() -> None:
    assert flat({"a": {"b": "c", "d": ["e"]}}) == {"a.b": "c"}
