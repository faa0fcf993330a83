"""The searches that are kept by name: those that every archive has, and this one's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from station.ui.archive.keys import KeyLine
from station.ui.archive.row import fit
from station.ui.labels import Line
from station.ui.messages import shown
from storage.errors import ArchiveError
from storage.query import BUILT_IN
from storage.searching import LONGEST_NAME

if TYPE_CHECKING:
    from station.ui.archive.words import Words
    from storage.archive import Archive

_NAME_CELLS = 30


class FilterMenu(ModalScreen[str | None]):
    """Gives the line to search for, None when nothing was chosen. `text` is what is typed now, and
    can be kept."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "key.choose", priority=True),
        Binding("f3", "keep", "key.keep"),
        Binding("delete", "drop", "key.drop"),
        Binding("escape,f2", "back", "key.back"),
    ]

    def __init__(self, archive: Archive, words: Words, text: str) -> None:
        super().__init__()
        self._archive = archive
        self._words = words
        self._text = " ".join(text.split())
        self._found: list[tuple[str, str]] = list(BUILT_IN.items())

    def compose(self) -> ComposeResult:
        words = self._words
        with Vertical(classes="sheet"):
            yield Line(words.text("filters.title"), classes="title")
            yield OptionList(*self._options(), markup=False)
            hint = "filters.keep" if self._text else "filters.type_first"
            yield Line(words.text(hint, [("text", self._text)]), id="hint")
            yield Input(id="name", placeholder=words.text("filters.name"), max_length=LONGEST_NAME)
        yield KeyLine(words, classes="keys")

    def on_mount(self) -> None:
        self.set_focus(self.query_one(OptionList))
        self._load()

    def _options(self) -> list[Option]:
        """Names in the person's language where they are ours, each with its search."""
        options = []
        for name, text in self._found:
            key = f"builtin.{name}"
            said = self._words.text(key) if self._words.has(key) else shown(name)
            line = Text.assemble(fit(said, _NAME_CELLS), "  ", (shown(text), "#9aa7b2"))
            options.append(Option(line))
        return options

    @work(exclusive=True)
    async def _load(self) -> None:
        """Show what this archive keeps, behind what every one has."""
        try:
            saved = await asyncio.to_thread(self._archive.saved_filters)
        except ArchiveError as error:
            self._say(str(error))
            return
        own = sorted((name, text) for name, text in saved.items() if name not in BUILT_IN)
        found = [*BUILT_IN.items(), *own]
        listed = self.query_one(OptionList)
        if found != self._found or not listed.option_count:
            self._found = found
            listed.clear_options()
            listed.add_options(self._options())
        if listed.highlighted is None:
            listed.highlighted = 0

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index][1])

    def action_choose(self) -> None:
        """Search for what is under the cursor, or keep what is typed under the name given."""
        if self.has_class("-naming"):
            self._save(self.query_one("#name", Input).value)
        else:
            self.query_one(OptionList).action_select()

    def action_keep(self) -> None:
        """Ask for the name of what is typed."""
        if self._text and self._archive.writable:
            self.add_class("-naming")
            self.set_focus(self.query_one("#name", Input))

    @work
    async def _save(self, name: str) -> None:
        try:
            await asyncio.wrap_future(self._archive.save_filter(name, self._text))
        except ArchiveError as error:
            self._say(str(error))
            return
        self.remove_class("-naming")
        self.query_one("#name", Input).value = ""
        self.set_focus(self.query_one(OptionList))
        self._load()

    @work
    async def action_drop(self) -> None:
        """Forget the filter under the cursor; those that every archive has stay."""
        at = self.query_one(OptionList).highlighted
        if at is None or self.has_class("-naming"):
            return
        try:
            await asyncio.wrap_future(self._archive.drop_filter(self._found[at][0]))
        except ArchiveError as error:
            self._say(str(error))
        self._load()

    def action_back(self) -> None:
        """Out of the name, then out of the menu."""
        if self.has_class("-naming"):
            self.remove_class("-naming")
            self.set_focus(self.query_one(OptionList))
        else:
            self.dismiss(None)

    def _say(self, text: str) -> None:
        hint = self.query_one("#hint", Line)
        hint.show(shown(text))
        hint.add_class("bad")
