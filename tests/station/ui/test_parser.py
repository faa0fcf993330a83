"""What a barcode can send to a terminal: it hides no scan, quits nothing and presses nothing."""

from __future__ import annotations

import random
import re
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import constants, events
from textual.message import Message

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminal of this kind", allow_module_level=True)

from station.ui.parser import ScanParser
from tests.station.ui.terminal import Terminal, terminal

GOOD = "1Z999AA10123456784"
PATIENCE_S = 1.0
HOSTILE = {
    "paste": "\x1b[200~",
    "paste in a code": "AB\x1b[200~CD",
    "end of paste": "\x1b[201~",
    "escape": "\x1b",
    "code and escape": "1Z999\x1b",
    "half a sequence": "1Z999\x1b[",
    "half an old mouse": "1Z999\x1b[M",
    "half a mouse": "1Z999\x1b[<0;1",
    "click on FINISH": "\x1b[<0;40;34M\x1b[<0;40;34m",
    "wheel": "\x1b[<64;40;12M",
    "mouse far away": "\x1b[<0;99999999999;99999999999M",
    "focus out": "\x1b[O",
    "cursor": "\x1b[5;5R",
    "size": "\x1b[48;5;5;5;5t",
    "size will come": "\x1b[?2048;1$y",
    "synchronized": "\x1b[?2026;1$y",
    "kitty quit": "\x1b[113;5u",
    "kitty beyond Unicode": "\x1b[99999999999u",
    "kitty with text": "\x1b[97;;113:13u",
    "title that never ends": "\x1b]0;title",
    "device string": "\x1bP1$r0m",
    "application string": "\x1b_Gi=1",
    "quit": "\x11",
    "interrupt": "\x03",
    "suspend": "\x1a",
    "F4": "\x1bOS",
    "F12": "\x1b[24~",
    "not UTF-8": "1Z\udcff\udcfe9",
    "half of a letter": "1Z\udce4",
    "NUL": "1Z\x009",
}


COMMANDS = {"click on FINISH", "wheel", "kitty quit", "quit", "interrupt", "F4", "F12"}
"""Alone, at once and without an end, nothing can tell these from a person's own key or click."""


def as_bytes(code: str) -> bytes:
    return code.encode("utf-8", "surrogateescape")


def messages(text: str, patience: bool = True) -> list[Message]:
    """What the parser makes of `text`, read at once."""
    parser = ScanParser()
    found = [*parser.feed(text)]
    if patience and parser.due_s is not None:
        time.sleep(constants.ESCAPE_DELAY)
        found += parser.tick()
    return found


def keys(text: str) -> list[str]:
    return [event.key for event in messages(text) if isinstance(event, events.Key)]


@given(st.text(alphabet="\x1b[]OPM<>0123456789;:?$~uRtIXyabm_^\\ é", max_size=40))
def test_what_stands_behind_any_sequence_arrives_at_once(hostile: str) -> None:
    """An Enter ends every sequence, and nothing of the next code is taken for one."""
    found = messages(f"{hostile}\r{GOOD}\r", patience=False)
    last = [event.character for event in found[-len(GOOD) - 1 :] if isinstance(event, events.Key)]
    assert "".join(character or "?" for character in last) == f"{GOOD}\r"


@given(st.text(max_size=60))
def test_a_sequence_is_decided_within_the_escape_delay(hostile: str) -> None:
    parser = ScanParser()
    list(parser.feed(f"AB{hostile}"))
    due_s = parser.due_s
    assert due_s is None or due_s <= constants.ESCAPE_DELAY


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("\x1bOP", "f1"),
        ("\x1b[[A", "f1"),
        ("\x1b[24~", "f12"),
        ("\x1b[6~", "pagedown"),
        ("\x1b[1;5P", "ctrl+f1"),
        ("\x1bx", "alt+x"),
        ("\x1b", "escape"),
        ("\x1b[97;5u", "ctrl+a"),
        ("\x1b[13u", "enter"),
        ("\x11", "ctrl+q"),
        ("é", "é"),
    ],
)
def test_keys_of_a_person_are_what_they_were(text: str, key: str) -> None:
    assert keys(text) == [key]


def test_a_click_is_a_click() -> None:
    (event,) = messages("\x1b[<0;40;12M")
    assert isinstance(event, events.MouseDown)
    assert (event.x, event.y) == (39, 11)


@pytest.mark.parametrize("sequence", ["\x1bOS", "\x1b[24~", "\x1b[<0;40;34M", "\x1b[113;5u"])
def test_a_sequence_that_is_typed_character_by_character_is_text(sequence: str) -> None:
    """A terminal writes it whole; a scanner needs milliseconds for each character."""
    parser, found = ScanParser(), []
    for character in sequence:
        found += list(parser.feed(character))
        time.sleep(0.003)
    assert [event.character for event in found if isinstance(event, events.Key)] == [*sequence]


@pytest.mark.parametrize("end", ["\r", ""], ids=["enter", "unended"])
def test_after_each_hostile_code_a_good_one_arrives(tmp_path: Path, end: str) -> None:
    with terminal(tmp_path / "log", "--alarm") as bench:
        codes = {name: HOSTILE[name] for name in HOSTILE if end or name not in COMMANDS}
        for place, (name, code) in enumerate(codes.items(), 1):
            bench.type(as_bytes(code) + end.encode())
            time.sleep(0.0 if end else 0.45)
            typed_ns = bench.type(f"{GOOD}\r".encode())
            wait_for_good(bench, place, name)
            assert bench.notes("scan")[-1][0] - typed_ns < PATIENCE_S * 1e9, name
        assert bench.program.poll() is None
        texts = [text for _, text in bench.notes("scan")]
        assert texts.count(GOOD) == len(codes)
        # Nothing of a hostile code is a clean number, and none has pressed anything.
        assert not [text for text in texts if text != GOOD and re.fullmatch(r"1Z[0-9A-Z]*", text)]
    assert bench.notes("dialog")[0][1] is True  # the alarm stands: nothing has acknowledged it


def wait_for_good(bench: Terminal, count: int, what: object) -> None:
    """Waits until `count` good codes have arrived; one second is enough for the newest."""
    deadline_s = time.monotonic() + 5
    while [text for _, text in bench.notes("scan")].count(GOOD) < count:
        assert time.monotonic() < deadline_s, f"swallowed after {what!r}"
        time.sleep(0.01)


def test_the_terminal_is_asked_for_no_bracketed_paste(tmp_path: Path) -> None:
    with terminal(tmp_path / "log") as bench:
        printed = b"".join(chunk for _, chunk in bench.printed)
    assert b"\x1b[?1049h" in printed
    assert b"\x1b[?2004h" not in printed


def random_code(chance: random.Random) -> bytes:
    """Bytes as nobody would print them, and pieces of what terminals obey."""
    pieces = [as_bytes(code) for code in HOSTILE.values()]
    parts = [
        chance.choice(pieces)
        if chance.random() < 0.5
        else chance.choice(pieces)[: chance.randrange(6)]
        if chance.random() < 0.5
        else bytes(chance.randrange(256) for _ in range(chance.randrange(8)))
        for _ in range(chance.randrange(1, 6))
    ]
    return b"".join(parts)


def test_after_any_hostile_code_a_good_one_arrives_within_a_second(tmp_path: Path) -> None:
    chance, slowest_s = random.Random(23), 0.0
    with terminal(tmp_path / "log", "--alarm") as bench:
        for count in range(1, 121):
            code = random_code(chance)
            bench.type(code + b"\r")
            typed_ns = bench.type(f"{GOOD}\r".encode())
            wait_for_good(bench, count, code)
            at_ns = next(at for at, text in reversed(bench.notes("scan")) if text == GOOD)
            slowest_s = max(slowest_s, (at_ns - typed_ns) / 1e9)
        assert bench.program.poll() is None
    assert slowest_s < PATIENCE_S
    assert bench.notes("dialog")[0][1] is True
