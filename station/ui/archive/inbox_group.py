"""The five evidence groups, of which one or none is chosen: by a digit or by the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from station.ui.archive.words import Words
from storage.later import EvidenceGroup

if TYPE_CHECKING:
    from textual.events import Click

GROUPS: Final = tuple(EvidenceGroup)


class GroupChoice(Widget):
    """One line for each group."""

    DEFAULT_CSS = "GroupChoice { height: 5; }"
    chosen: reactive[EvidenceGroup | None] = reactive(None)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def render(self) -> Text:
        """The lines, the chosen one with a filled mark."""
        text = Text(no_wrap=True)
        for place, group in enumerate(GROUPS):
            mark, style = ("●", "bold") if group is self.chosen else ("○", "")
            name = self._words.text(f"inbox.group.{group.value}")
            text.append(f"{mark} {place + 1} {name}\n", style)
        return text

    def on_click(self, event: Click) -> None:
        """Choose the line under the mouse."""
        if 0 <= event.y < len(GROUPS):
            self.chosen = GROUPS[event.y]
