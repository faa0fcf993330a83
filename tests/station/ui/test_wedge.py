"""Keys of a scanner and of a person, through Textual's own parser of terminal input."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import constants, events

from station.scanner.settings import Terminator
from station.ui.parser import ScanParser
from station.ui.wedge import CommandKey, Scan, Taken, Wedge

BURST_S = 0.035
SCANNER_S = 0.002
PERSON_S = 0.18

# What waybills, cards and labels carry, with the separators that terminals name as keys.
CODES = st.text(
    st.one_of(
        st.characters(min_codepoint=0x21, max_codepoint=0x7E),
        st.sampled_from("\x1c\x1d\x1e\x1f é中１"),
    ),
    min_size=1,
    max_size=120,
)
ENDS = st.sampled_from(["\r", "\n", "\t", "\r\n"])


class Keyboard:
    """A terminal, a wedge and a clock."""

    def __init__(self, terminator: Terminator = "auto", quiet_s: float = 0.12) -> None:
        self.wedge = Wedge(BURST_S, terminator, quiet_s)
        self.now_s = 100.0
        self.taken: Taken = []

    def type(self, text: str, gap_s: float = SCANNER_S) -> Keyboard:
        """What the wedge makes of `text`, its keys `gap_s` apart."""
        parser = ScanParser()
        received = [*parser.feed(text)]
        if len(received) < len(text) and "\x1b" in text:
            time.sleep(constants.ESCAPE_DELAY)  # the parser waits for the rest of a sequence
            received += parser.tick()
        for event in received:
            if isinstance(event, events.Key):
                self.now_s += gap_s
                self.taken += self.wedge.key(event.key, event.character, self.now_s)
            elif isinstance(event, events.MouseDown | events.MouseUp):
                self.now_s += gap_s
                self.wedge.interrupt(self.now_s)
        return self

    def wait(self, seconds: float = 1.5) -> Keyboard:
        """Silence: the app asks again and again whether the burst is over."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += 0.03
            self.taken += self.wedge.settle(self.now_s)
        return self

    @property
    def scans(self) -> list[str]:
        return [item.text for item in self.taken if isinstance(item, Scan)]

    @property
    def commands(self) -> list[str]:
        return [item.key for item in self.taken if isinstance(item, CommandKey)]


@given(st.lists(st.tuples(CODES, ENDS), max_size=8), st.booleans())
def test_scans_back_to_back_are_exactly_the_codes(
    codes: list[tuple[str, str]], pauses: bool
) -> None:
    keyboard = Keyboard()
    for code, end in codes:
        keyboard.type(code + end)
        if pauses:
            keyboard.wait(0.4)
    keyboard.wait()
    assert keyboard.scans == [code for code, _ in codes]
    assert not keyboard.commands


@given(st.lists(CODES.filter(lambda code: len(code) >= 6 and len(set(code)) > 1), max_size=5))
def test_a_scanner_without_a_terminator_is_understood_by_its_silence(codes: list[str]) -> None:
    keyboard = Keyboard()
    for code in codes:
        keyboard.type(code).wait(0.3)
    assert keyboard.scans == codes
    assert not keyboard.commands


@given(st.binary(min_size=1, max_size=60), st.sampled_from(["\r", ""]))
def test_nothing_inside_a_burst_is_obeyed(data: bytes, end: str) -> None:
    """Any bytes between the characters of a code: no command, and no clean number either."""
    hostile = data.decode("latin-1")
    keyboard = Keyboard().type("ABC1234" + hostile + "XYZ9876" + end).wait()
    assert not keyboard.commands


@pytest.mark.parametrize(
    "inside",
    [
        "\x11",
        "\x03",
        "\x00",
        "\x1b[A",
        "\x1bOP",
        "\x1b[24~",
        "\x7f",
        "\x1b[<0;9;9M",
        "\x1bx",
        "\x1b[I",
        "\x1b[200~",
        "\x1b[5;5R",
        "\x1b[48;5;5;5;5t",
        "\x1b]",
    ],
)
def test_a_code_with_a_control_or_an_escape_sequence_is_no_clean_number(inside: str) -> None:
    keyboard = Keyboard().type(f"1Z999AA1{inside}0123456784\r").wait()
    assert len(keyboard.scans) == 1
    assert not keyboard.scans[0].isalnum()
    assert not keyboard.commands


@pytest.mark.parametrize("first", ["\x11", "\x1b[24~", "\x1bOS", "\x03"])
def test_a_code_that_begins_with_a_command_key_is_not_obeyed(first: str) -> None:
    keyboard = Keyboard().type(f"{first}1Z999AA10123456784\r").wait()
    assert not keyboard.commands
    assert [scan.isalnum() for scan in keyboard.scans] == [False]


def test_a_code_of_one_control_character_is_not_obeyed() -> None:
    keyboard = Keyboard().type("\x11\r").wait()
    assert not keyboard.commands


@pytest.mark.parametrize(
    ("bytes_", "key"),
    [
        ("\x1bOP", "f1"),
        ("\x1bOS", "f4"),
        ("\x1b[24~", "f12"),
        ("\x1b[6~", "pagedown"),
        ("\x11", "ctrl+q"),
    ],
)
def test_a_persons_command_key_is_obeyed_after_one_burst_gap(bytes_: str, key: str) -> None:
    keyboard = Keyboard().type(bytes_, PERSON_S)
    assert not keyboard.commands
    assert keyboard.wait(0.05).commands == [key]
    assert not keyboard.scans


def test_a_command_key_counts_at_once_when_the_next_key_comes() -> None:
    keyboard = Keyboard().type("\x1bOP", PERSON_S).type("\x1bOQ", PERSON_S)
    assert keyboard.commands == ["f1"]


def test_a_command_key_that_is_held_down_counts_once_and_leaves_nothing_behind() -> None:
    keyboard = Keyboard().type("\x1bOP", PERSON_S)
    for _ in range(20):
        keyboard.type("\x1bOP", 0.03)
    assert keyboard.wait().commands == ["f1"]
    assert keyboard.type("1Z999AA10123456784\r").scans == ["1Z999AA10123456784"]


def test_two_different_command_keys_at_once_leave_nothing_in_the_next_scan() -> None:
    keyboard = Keyboard().type("\x1bOP\x1bOQ").wait()
    assert keyboard.wedge.entry == ""
    assert keyboard.type("1Z999AA10123456784\r").scans == ["1Z999AA10123456784"]


def test_a_person_types_a_number_and_mends_it() -> None:
    keyboard = Keyboard().type("SF139O", PERSON_S)
    assert keyboard.wedge.entry == "SF139O"
    keyboard.type("\x7f0257\r", PERSON_S)
    assert keyboard.scans == ["SF1390257"]


def test_backspace_held_down_empties_the_entry() -> None:
    keyboard = Keyboard().type("SF139025", PERSON_S).type("\x7f", PERSON_S)
    for _ in range(12):
        keyboard.type("\x7f", 0.03)
    assert keyboard.wedge.entry == ""


def test_escape_clears_the_entry() -> None:
    keyboard = Keyboard().type("SF139", PERSON_S)
    keyboard.now_s += PERSON_S
    keyboard.taken += keyboard.wedge.key("escape", "\x1b", keyboard.now_s)
    assert keyboard.wedge.entry == ""
    assert not keyboard.wait().commands


def test_a_typed_entry_waits_for_enter_however_long_it_takes() -> None:
    keyboard = Keyboard().type("SF1390257", PERSON_S).wait(30)
    assert not keyboard.scans
    assert keyboard.type("\r", PERSON_S).scans == ["SF1390257"]


def test_a_key_that_was_brushed_long_before_is_no_part_of_the_scan() -> None:
    keyboard = Keyboard().type("j", PERSON_S).wait(3).type("1Z999AA10123456784\r")
    assert keyboard.scans == ["1Z999AA10123456784"]


def test_a_zero_that_is_held_down_is_typed() -> None:
    keyboard = Keyboard().type("12", PERSON_S)
    keyboard.now_s += 0.6
    keyboard.type("0000000", 0.03).wait(2)
    assert not keyboard.scans
    assert keyboard.type("\r", PERSON_S).scans == ["120000000"]


@given(st.integers(7, 17), st.floats(0.04, 0.9))
def test_a_hiccup_on_the_way_does_not_cut_a_code(place: int, hiccup_s: float) -> None:
    """Once the scanner is known to end its codes, a silence inside one is not their end."""
    code = "1Z999AA10123456784"
    keyboard = Keyboard().type(code + "\r").wait()
    keyboard.type(code[:place]).wait(hiccup_s)
    keyboard.type(code[place:] + "\r").wait()
    assert keyboard.scans == [code, code]


@pytest.mark.parametrize("terminator", ["enter", "tab"])
def test_a_scanner_that_is_known_to_end_its_codes_is_not_cut_before_the_first_end(
    terminator: Terminator,
) -> None:
    keyboard = Keyboard(terminator).type("1Z999AA10").wait(0.7).type("123456784")
    assert keyboard.scans == []
    assert keyboard.type({"enter": "\r", "tab": "\t"}[terminator]).scans == ["1Z999AA10123456784"]


def test_an_unended_scanner_is_cut_only_by_a_longer_silence_than_it_is_known_for() -> None:
    for quiet_s, scans in ((0.12, ["1Z999AA10", "123456784"]), (0.3, ["1Z999AA10123456784"])):
        keyboard = Keyboard("none", quiet_s).type("1Z999AA10").wait(0.2)
        assert keyboard.type("123456784").wait(0.4).scans == scans


def test_a_scanner_that_ends_its_codes_no_more_is_waited_for_as_the_setting_says() -> None:
    keyboard = Keyboard("auto", 0.3).type("1Z999AA10123456784\r").type("1Z999AA10").wait(1.2)
    keyboard.type("1Z999AA10").wait(0.2).type("123456784").wait(0.4)
    assert keyboard.scans == ["1Z999AA10123456784", "1Z999AA10", "1Z999AA10123456784"]


def test_a_scanner_known_to_end_with_nothing_does_not_learn_otherwise() -> None:
    keyboard = Keyboard("none").type("1Z999AA10123456784\r").wait(0.3)
    assert keyboard.type("1Z999AA10123456784").wait(0.3).scans == ["1Z999AA10123456784"] * 2


@pytest.mark.parametrize(("terminator", "sign"), [("enter", "\t"), ("tab", "\r")])
def test_what_is_not_the_end_is_data_of_a_scanner_and_the_end_for_a_person(
    terminator: Terminator, sign: str
) -> None:
    keyboard = Keyboard(terminator).type(f"1Z999{sign}AA10").wait(2)
    assert keyboard.scans == [f"1Z999{sign}AA10"]
    assert Keyboard(terminator).type("12345678" + sign, PERSON_S).scans == ["12345678"]


def test_a_scan_is_told_from_what_a_person_types() -> None:
    def keyed(keyboard: Keyboard) -> list[bool]:
        return [item.keyed for item in keyboard.taken if isinstance(item, Scan)]

    assert keyed(Keyboard().type("PW:OK\r")) == [True]
    assert keyed(Keyboard().type("1Z999AA1").wait(0.05).type("0123456784\r")) == [True]
    assert keyed(Keyboard().type("SF1390257\r", PERSON_S)) == [False]
    assert keyed(Keyboard().type("j", PERSON_S).wait(3).type("1Z999AA10123456784\r")) == [True]


def test_a_short_spoilt_code_without_an_end_takes_no_scan_with_it() -> None:
    keyboard = Keyboard().type("AB\x1b[ICD").wait(0.3).type("1Z999AA10123456784\r")
    assert keyboard.scans == ["AB\x1bCD", "1Z999AA10123456784"]


@given(st.lists(CODES, min_size=1, max_size=5))
def test_a_paste_is_one_scan_for_each_line(lines: list[str]) -> None:
    taken = Wedge(BURST_S).paste("\r\n".join(lines))
    assert taken == [Scan(line) for line in lines if re.sub(r"[\r\n\t]", "", line)]


def test_500_characters_are_one_scan() -> None:
    assert Keyboard().type("A1" * 250 + "\r").scans == ["A1" * 250]
