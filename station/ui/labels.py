"""Lines of text on the bench's screens: plain ones, and keys that can be clicked."""

from __future__ import annotations

from typing import Any, Final

from rich.text import Text
from textual.app import RenderResult
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

KEYS: Final = (
    ("f1", "F1", "photo"),
    ("f2", "F2", "retake"),
    ("f3", "F3", "check"),
    ("f4", "F4", "finish"),
    ("f6", "F6", "return"),
    ("f8", "F8", "cancel"),
    ("f10", "F10", "help"),
    ("ctrl+q", "Ctrl+Q", "quit"),
)
"""Of each key on the bench screen: its name, how it is shown, its message key."""


class Line(Static):
    """Text that is painted again only when it has changed. Never markup: it may be hostile."""

    def __init__(self, text: str | Text = "", **options: Any) -> None:
        super().__init__(text, markup=False, **options)
        self._shown: RenderResult = text

    def show(self, text: str | Text) -> None:
        if text != self._shown:
            self._shown = text
            self.update(text, layout=self.styles.auto_dimensions)


class KeyLabel(Static):
    """A key and what it does; a click does the same. Focus never comes here, so Enter cannot."""

    class Pressed(Message):
        """The label was clicked: `key` is to be obeyed."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, key: str, text: Text, **options: Any) -> None:
        super().__init__(text, **options)
        self._key = key

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Pressed(self._key))


def key_text(shown_key: str, words: str) -> Text:
    """A key as the packer sees it, and what it does."""
    return Text.assemble((shown_key, "bold #ffd866"), " ", words)
