"""Keys are named as they are printed on the keyboard."""

from __future__ import annotations

import pytest

from station.ui.archive.keys import shown_key


@pytest.mark.parametrize(
    ("key", "shown"),
    [("f", "f"), ("f4", "F4"), ("f12", "F12"), ("ctrl+r", "^R"), ("escape", "Esc"), ("s", "s")],
)
def test_a_letter_is_small_and_a_function_key_is_not(key: str, shown: str) -> None:
    assert shown_key(key) == shown
