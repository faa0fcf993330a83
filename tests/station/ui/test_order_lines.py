"""The bench's panel of an order: what is missing first, nothing hidden without a word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.rules.orders import ItemCheck, Policy
from station.rules.state import State
from station.ui.messages import Catalogue
from station.ui.order_lines import lines, title
from storage.order import Item, Order
from tests.station.test_session_orders import MUGS, Talk, item

WORDS = Catalogue("en")
HOSTILE = Order(
    "=1+1\x1b[2J", ("A",), (Item("X", "\x1b]0;gone\x07[red]" + "x" * 10**6),), note="\x00" * 10**6
)


def shown(state: State, rows: int) -> list[str]:
    return lines(state, WORDS, rows).plain.split("\n")


def test_value_items_and_note_stand_there_what_is_missing_first() -> None:
    talk = Talk(Policy(items=ItemCheck.CHECK)).pack(replace(MUGS, note="gift wrap"))
    assert title(talk.state, WORDS) == "ORDER 1001  500.00 EUR"
    assert shown(talk.state, 9) == ["0/2 × Blue mug", "0/1 × Card", "Note: gift wrap"]
    talk.tell(item("MUG-1", "MUG-1"), item("MUG-1", "MUG-1"))
    assert shown(talk.state, 9)[:2] == ["0/1 × Card", "✔ 2/2 × Blue mug"]
    assert shown(talk.state, 2) == ["+1  0/1 × Card   ✔ 2/2 × Blue mug", "Note: gift wrap"]
    assert shown(Talk().pack(MUGS).state, 9)[0] == "2 × Blue mug"


def test_without_an_order_there_is_no_panel() -> None:
    assert title(Talk().state, WORDS) == title(Talk().pack().state, WORDS) == ""
    assert lines(Talk().state, WORDS, 9).plain == ""


@pytest.mark.parametrize("rows", [0, 1, 2, 9])
def test_a_hostile_order_is_harmless_and_short(rows: int) -> None:
    state = Talk().pack(HOSTILE).state
    for text in (title(state, WORDS), *shown(state, rows)):
        assert text.isprintable()
        assert len(text) < 250
    assert len(shown(state, rows)) <= max(1, rows)
