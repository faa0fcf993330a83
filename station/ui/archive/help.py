"""Every key of the screen below it, and what can be asked in the search line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen

from station.ui.archive.keys import KeyLine, shown_key, told_keys
from station.ui.labels import Line

if TYPE_CHECKING:
    from station.ui.archive.words import Words

_ASKED = ("number", "who", "order", "days", "is", "value", "status")


class HelpScreen(ModalScreen[None]):
    """A page to read; any way out leads back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,enter", "dismiss", "key.back"),
    ]

    def __init__(self, words: Words, about: Screen[Any]) -> None:
        super().__init__()
        self._words = words
        self._keys = list(told_keys(about, words))

    def compose(self) -> ComposeResult:
        words = self._words
        with VerticalScroll(classes="sheet"):
            yield Line(words.text("help.keys"), classes="title")
            for line in self._lines():
                yield Line(line)
            yield Line(words.text("help.asked"), classes="title")
            for name in _ASKED:
                what = words.text(f"help.ask.{name}.what")
                typed = words.text(f"help.ask.{name}.typed")
                yield Line(Text.assemble((f"{typed:<34}", "bold #ffd866"), " ", what))
        yield KeyLine(words, classes="keys")

    def _lines(self) -> Iterable[Text]:
        for binding, description in self._keys:
            yield Text.assemble((f"{shown_key(binding.key):<12}", "bold #ffd866"), description)
