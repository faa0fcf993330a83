"""Who is there: a name and a PIN, asked before anything of the archive is shown.

The archive compares and counts; the PIN is nowhere kept here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from station.ui.archive.keys import KeyLine
from station.ui.labels import Line
from storage.errors import ArchiveError, SignInFailed, SignInLocked
from storage.later import Actor

if TYPE_CHECKING:
    from station.ui.archive.words import Words
    from storage.archive import Archive

_LONGEST = 100


class SignIn(Screen[Actor | None]):
    """Gives the person who signed in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "sign_in", "key.sign_in", priority=True),
        Binding("tab", "app.focus_next", "key.next_field", show=False),
    ]

    def __init__(self, archive: Archive, words: Words) -> None:
        super().__init__()
        self._archive = archive
        self._words = words
        self._asking = False

    def compose(self) -> ComposeResult:
        words = self._words
        with Vertical(id="card"):
            yield Line(words.text("app.title"), classes="title")
            yield Line(str(self._archive.root), classes="dim")
            yield Line(words.text("signin.name"), classes="label")
            yield Input(id="name", max_length=_LONGEST)
            yield Line(words.text("signin.pin"), classes="label")
            yield Input(id="pin", password=True, max_length=_LONGEST)
            yield Line(words.text("signin.hint"), id="said")
        yield KeyLine(words, classes="keys")

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#name", Input))

    def action_sign_in(self) -> None:
        """On to the PIN, or try it.

        Keys go to the other field from here on, however fast they come; those typed before are
        still on their way into theirs, and the try waits behind them.
        """
        name, pin = self.query_one("#name", Input), self.query_one("#pin", Input)
        if self.focused is not pin:
            self.set_focus(pin)
        else:
            name.call_later(pin.call_later, self._begin)

    def _begin(self) -> None:
        name, pin = self.query_one("#name", Input), self.query_one("#pin", Input)
        if not name.value.strip():
            self.set_focus(name)
        elif pin.value and not self._asking:
            self._asking = True
            self._say("signin.asking")
            self._try(name.value, pin.value)

    @work
    async def _try(self, name: str, pin: str) -> None:
        try:
            self.dismiss(await asyncio.to_thread(self._archive.sign_in, name, pin))
        except SignInLocked as error:
            self._refused("signin.locked", (("wait", _span(error.seconds)),))
        except SignInFailed:
            self._refused("signin.wrong")
        except ArchiveError as error:
            self._refused("signin.failed", (("why", str(error)),))

    def _refused(self, key: str, params: tuple[tuple[str, str], ...] = ()) -> None:
        self._asking = False
        pin = self.query_one("#pin", Input)
        pin.value = ""
        self.set_focus(pin)
        self._say(key, params)
        self.query_one("#said").add_class("bad")

    def _say(self, key: str, params: tuple[tuple[str, str], ...] = ()) -> None:
        said = self.query_one("#said", Line)
        said.remove_class("bad")
        said.show(self._words.text(key, params))


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
