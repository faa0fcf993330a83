"""Every language says everything, and every key that a screen names has words."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest
from textual.binding import Binding

from station.ui.archive.app import ArchiveApp
from station.ui.archive.claim import ClaimScreen
from station.ui.archive.claim_ask import AskScreen
from station.ui.archive.claims import ClaimsScreen
from station.ui.archive.export import ExportScreen
from station.ui.archive.filters import FilterMenu
from station.ui.archive.help import HelpScreen
from station.ui.archive.results import Results
from station.ui.archive.row import COLUMNS
from station.ui.archive.search import SearchLine, SearchScreen
from station.ui.archive.shift import ShiftScreen
from station.ui.archive.signin import SignIn
from station.ui.archive.words import Words, languages, words_for
from station.ui.messages import flat
from storage.later import Role
from storage.query import BUILT_IN, Flag
from storage.records import Kind, Status

SCREENS = (
    ArchiveApp, SearchScreen, SearchLine, Results, FilterMenu, ExportScreen, ShiftScreen, SignIn,
    HelpScreen, ClaimsScreen, ClaimScreen, AskScreen,
)  # fmt: skip


def test_there_is_english_and_chinese() -> None:
    assert languages() == ("en", "zh")
    assert words_for("auto").language in languages()


@pytest.mark.parametrize("language", ["zh"])
def test_every_language_says_everything(language: str) -> None:
    assert Words(language).keys() == Words("en").keys()


def test_the_same_parameters_stand_in_every_language() -> None:
    english, chinese = Words("en"), Words("zh")
    for key in english.keys():  # noqa: SIM118 - a method of ours
        assert _fields(english.text(key)) == _fields(chinese.text(key)), key


def _fields(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]}


def test_a_screen_of_its_own_file_names_its_keys_after_itself() -> None:
    for file in resources.files("station.ui.archive").joinpath("locales").iterdir():
        own, _, _ = file.name.removesuffix(".toml").rpartition(".")
        if own:
            keys = flat(tomllib.loads(file.read_text(encoding="utf-8")))
            assert all(key.startswith(f"{own}.") for key in keys), file.name


def test_every_key_on_a_screen_has_words() -> None:
    words = Words("en")
    for screen in SCREENS:
        for binding in screen.BINDINGS:
            assert isinstance(binding, Binding)
            if binding.show:
                assert words.has(binding.description), (screen, binding.key)


def test_whatever_a_session_may_be_has_words() -> None:
    words = Words("en")
    wanted = [f"flag.{flag}" for flag in Flag] + [f"status.{status}" for status in Status]
    wanted += [f"kind.{kind}" for kind in Kind] + [f"role.{role}" for role in Role]
    wanted += [f"column.{column.name}" for column in COLUMNS]
    wanted += [f"builtin.{name}" for name in BUILT_IN]
    assert not [key for key in wanted if not words.has(key)]


def test_outside_text_is_harmless_in_a_message() -> None:
    text = Words("en").text("search.nothing", [("text", "\x1b[2J[red]{count}")])
    assert "\x1b" not in text
    assert "[red]{count}" in text


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(KeyError):
        Words("en").speak("xx")
