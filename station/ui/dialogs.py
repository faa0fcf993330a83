"""What stands over the bench screen: an alarm, a question, the page of keys.

Scans and keys never reach them (the app takes both first), so the scanner's own Enter can neither
acknowledge nor answer; a click on a label does what its key does.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from station.ui import pixels
from station.ui.big import Big
from station.ui.labels import KEYS, KeyLabel, Line, key_text
from station.ui.messages import Catalogue

if TYPE_CHECKING:
    from textual.events import Click, Resize

Params = tuple[tuple[str, str], ...]
REASON_KEYS: Final = ("f1", "f2", "f3", "f4")
HATCH: Final = "▞" * 400
ROOMY_ROWS: Final = 30
LINE_ROWS: Final = 4
"""Rows of a line in the smallest pixel font, with the gap below it."""
WIDEST: Final = 6
"""Columns of its widest letter, with the gap behind it."""


class Dialog(ModalScreen[None]):
    """A full screen that says one thing."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-medium")]  # noqa: RUF012 - Textual's own form

    def __init__(self, words: Catalogue, key: str, params: Params, number: str) -> None:
        """`key` is `alarm.NAME` or `question.NAME`."""
        super().__init__()
        self._words = words
        self._key = key
        self._params = params
        self._number = number
        self._drawn_for = self.app.size
        self.set_class(key.startswith("question."), "question")

    def on_resize(self, event: Resize) -> None:
        """What fits is drawn large: draw again in another window."""
        if event.size != self._drawn_for:
            self._drawn_for = event.size
            self.refresh(recompose=True)

    def compose(self) -> ComposeResult:
        words, alarm = self._words, self._key.startswith("alarm.")
        columns, rows = self._drawn_for
        roomy = rows >= ROOMY_ROWS
        yield Static(HATCH, classes="hatch")
        with Horizontal(classes="top"):
            sign = Big(size="medium", classes="sign")
            sign.show(sign="stop" if alarm else "check")
            yield sign
            word = words.text(f"{self._key}.word")
            word_size = _largest(word, columns - (20 if roomy else 14))
            yield Big(word, word_size, classes="word")
        yield Static(HATCH, classes="hatch")
        columns -= 8 if roomy else 2
        room = rows - 2 - max(4, pixels.rows(word, word_size)) - (9 if roomy else 3)
        with Vertical(classes="body"):
            if self._number:
                size = _largest(self._number, columns)
                room -= pixels.rows(self._number, size) + 1
                yield Big(self._number, size, classes="number")
            if self._key == "question.cancel":
                room -= 4
            what = words.text(f"{self._key}.what", self._params)
            do = words.text(f"{self._key}.do")
            room -= _rows(what, columns) + 2  # the second line has at least itself
            large = room >= 0
            yield from _lines(what, "what", columns, large=large)
            yield from _lines(do, "do", columns, large=large and room + 2 >= _rows(do, columns))
            if self._key == "question.cancel":
                with Horizontal(classes="reasons"):
                    for key, reason in zip(REASON_KEYS, words.reasons, strict=False):
                        yield KeyLabel(key, key_text(key.upper(), reason), id=f"key-{key}")
        with Horizontal(classes="buttons"):
            for key, name in (("f12", "acknowledge"),) if alarm else (("f5", "yes"), ("f7", "no")):
                text = f"{key.upper()} {words.text(f'key.{name}')}"
                fits = roomy and text.isascii() and pixels.cells(text, "small") + 12 <= columns
                yield BigKey(key, text, "small" if fits else "plain", id=f"key-{name}")


class BigKey(Big):
    """A key to click, drawn large. Focus never comes here, so Enter cannot press it."""

    def __init__(self, key: str, text: str, size: pixels.Size, **options: Any) -> None:
        super().__init__(text, size, **options)
        self._key = key

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(KeyLabel.Pressed(self._key))


class HelpScreen(ModalScreen[None]):
    """Every key and card."""

    def __init__(self, words: Catalogue) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        words = self._words
        yield Line(words.text("help.title"), classes="title")
        yield Line(words.text("help.scan"), classes="row")
        rows = [(key, shown, name) for key, shown, name in KEYS]
        rows[4:4] = [("f5", "F5", "yes"), ("f7", "F7", "no")]
        rows += [("f9", "F9", "language"), ("f12", "F12", "acknowledge")]
        for key, shown, name in rows:
            text = key_text(f"{shown:>7} ", words.text(f"help.{name}"))
            yield KeyLabel(key, text, classes="row", id=f"help-{name}")
        yield Line(words.text("help.cards"), classes="plain")
        yield KeyLabel("escape", key_text("    Esc ", words.text("help.back")), classes="plain")


def _largest(text: str, room: int) -> pixels.Size:
    """The largest size in which `text` fits into `room` columns."""
    for size in ("bold", "medium", "small"):
        if pixels.cells(text, size) <= room:
            return size
    return "plain"


def _rows(text: str, columns: int) -> int:
    """Rows that `text` takes in pixels; more than any terminal has where it cannot be drawn."""
    return LINE_ROWS * len(_wrapped(text, columns)) if text.isascii() else 1_000


def _wrapped(text: str, columns: int) -> list[str]:
    """`text` in lines that fit into `columns` when drawn: letters are not equally wide."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and pixels.cells(longer, "small") <= columns:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(word, max(1, columns // WIDEST))
    return lines


def _lines(text: str, style: str, columns: int, *, large: bool) -> Iterator[Widget]:
    """`text` in pixels, or as it is."""
    if large:
        for line in _wrapped(text, columns):
            yield Big(line, "small", classes=f"{style} drawn")
    else:
        yield Line(text, classes=style)
