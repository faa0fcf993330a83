"""The line of keys at the foot of the archive's screens, and the same keys in the palette.

A binding's description is a key of `Words`, so that a screen names its keys once, in every
language. A key that the person may not use is not there: `check_action` of its screen says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.screen import Screen

    from station.ui.archive.words import Words

_KEY = Style.parse("bold #ffd866")
_SHOWN_AS = {
    "ctrl+": "^",
    "escape": "Esc",
    "enter": "↵",
    "space": "␣",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "delete": "Del",
    "tab": "Tab",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


class KeyLine(Static):
    """Every key that works now, and what it does; a click presses it."""

    def __init__(self, words: Words, **options: Any) -> None:
        super().__init__("", markup=False, **options)
        self._words = words
        self.auto_links = False  # the keys have their own colours

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def on_resize(self) -> None:
        self.show()

    def _changed(self, screen: Screen[Any]) -> None:
        if self.is_attached and screen is self.screen:
            self.show()

    def show(self) -> None:
        """Write the keys anew, in lines that break between keys only."""
        room, used = self.content_size.width, 0
        parts: list[str | Content | tuple[str, str | Style]] = []
        for binding, said in told_keys(self.screen, self._words):
            if not binding.show:
                continue
            name = binding.key_display or shown_key(binding.key)
            cells = cell_len(name) + 1 + cell_len(said)
            if used:
                fits = used + 2 + cells <= room
                parts.append("  " if fits else "\n")
                used = used + 2 if fits else 0
            used += cells
            press = Style.from_meta({"@click": f"app.press({binding.key!r})"})
            parts += [(name, _KEY + press), (f" {said}", press)]
        self.update(Content.assemble(*parts))


def told_keys(screen: Screen[Any], words: Words) -> Iterator[tuple[Binding, str]]:
    """Each binding that works now with what it does, in the person's language; each action once."""
    seen: set[str] = set()
    for _, binding, enabled, _ in screen.active_bindings.values():
        if enabled and binding.action not in seen and words.has(binding.description):
            seen.add(binding.action)
            yield binding, words.text(binding.description)


def shown_key(key: str) -> str:
    """A key as it is printed on the keyboard."""
    for name, shown in _SHOWN_AS.items():
        key = key.replace(name, shown)
    return key.upper() if 2 <= len(key) <= 3 and key[:1] in "f^" else key
