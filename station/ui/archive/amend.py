"""What is said after the seal, asked for: a note, a hold, its release, a test, the right number.

The dialog says it to the archive and stays until that is durable; what the archive refuses is shown
in its words. The session itself never changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from station.ui.archive.keys import KeyLine
from station.ui.labels import Line
from station.ui.messages import shown
from station.waybill import WaybillRules, understand
from storage.errors import ArchiveError
from storage.later import Amendment, Change, Right
from storage.records import Waybill

if TYPE_CHECKING:
    from station.dossier import Record
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor

LONGEST: Final = 2_000
RIGHTS: Final = {
    "note": Right.FILE,
    "hold": Right.HOLD,
    "release": Right.HOLD,
    "test": Right.CORRECT,
    "untest": Right.CORRECT,
    "rebind": Right.CORRECT,
}
"""What may be said, and the right that it needs."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be said of a session: its name (a key of RIGHTS), what is known about it already,
    and how it is said. `numbered` asks for a tracking number, too."""

    name: str
    about: str
    say: Callable[[str, Waybill | None], Future[Amendment]]
    numbered: bool = False


def ask(archive: Archive, actor: Actor, record: Record, name: str) -> Ask:
    """What the dialog asks for. Raises KeyError for a name that there is not, LookupError where
    there is nothing to undo."""
    session = record.session.id
    if name in ("release", "untest"):
        change = Change.HELD if name == "release" else Change.TEST
        standing = record.standing(change)
        if not standing:
            raise LookupError(name)
        last = standing[-1]
        about = f"{last.text} — {last.by}"
        return Ask(name, about, lambda text, _: archive.undo(actor, last.id, text))
    if name == "rebind":
        return Ask(
            name,
            record.number,
            lambda text, to: archive.rebind(actor, session, to or Waybill("", ""), text),
            numbered=True,
        )
    ways = {"note": archive.note, "hold": archive.hold, "test": archive.mark_test}
    return Ask(name, record.number, lambda text, _: ways[name](actor, session, text))


class AmendScreen(ModalScreen[Amendment | None]):
    """Gives the amendment that was filed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "say", "parcel.key.say"),
        Binding("escape", "leave", "parcel.key.leave"),
        Binding("tab", "app.focus_next", "key.next_field", show=False),
    ]
    DEFAULT_CSS = """
    AmendScreen { align: center middle; background: #000000 60%; }
    AmendScreen #amend { width: 76; max-width: 96%; height: auto; background: #1b2127; border: round #4a5560; padding: 1 2; }
    AmendScreen #amend-title { text-style: bold; color: #ffd866; margin: 0 0 1 0; }
    AmendScreen .amend-label { color: #9aa7b2; margin: 1 0 0 0; }
    AmendScreen #amend-about { height: auto; }
    AmendScreen #amend-said { height: auto; color: #ff8f7a; margin: 1 0 0 0; }
    AmendScreen #amend-hint { height: auto; color: #9aa7b2; margin: 1 0 0 0; }
    """  # noqa: E501 - one rule in a line

    def __init__(self, asked: Ask, words: Words, rules: WaybillRules) -> None:
        super().__init__()
        self._ask = asked
        self._words = words
        self._rules = rules
        self._saying = False

    def compose(self) -> ComposeResult:
        words, name = self._words, self._ask.name
        with Vertical(id="amend"):
            yield Line(words.text(f"parcel.amend.{name}.title"), id="amend-title")
            params = [("about", self._ask.about)]
            yield Line(words.text(f"parcel.amend.{name}.about", params), id="amend-about")
            if self._ask.numbered:
                yield Line(words.text("parcel.amend.number"), classes="amend-label")
                yield Input(id="amend-number", max_length=200)
            yield Line(words.text(f"parcel.amend.{name}.text"), classes="amend-label")
            yield Input(id="amend-text", max_length=LONGEST)
            yield Line(words.text("parcel.amend.hint"), id="amend-hint")
            yield Line(id="amend-said")
        yield KeyLine(words)

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_say()

    def action_say(self) -> None:
        """On to the next empty field, or say it."""
        text = self.query_one("#amend-text", Input)
        waybill = None
        if self._ask.numbered:
            number = self.query_one("#amend-number", Input)
            waybill = self._understood(number.value)
            if waybill is None:
                number.focus()
                return
        if not text.value.strip():
            text.focus()
            if text is self.focused and not self._ask.numbered:
                self._say("parcel.amend.why")
        elif not self._saying:
            self._saying = True
            self._file(text.value, waybill)

    def _understood(self, typed: str) -> Waybill | None:
        """The tracking number that was typed or scanned; None, and why is shown, for none."""
        if not typed.strip():
            self._say("parcel.amend.need_number")
            return None
        found = understand(typed.strip(), self._rules)
        if isinstance(found, Waybill):
            return found
        self._say("parcel.amend.no_number", typed)
        return None

    @work
    async def _file(self, text: str, waybill: Waybill | None) -> None:
        try:
            filed = await asyncio.wrap_future(self._ask.say(text, waybill))
        except ArchiveError as error:
            self._saying = False
            self.query_one("#amend-said", Line).show(shown(str(error)))
        else:
            self.dismiss(filed)

    def _say(self, key: str, typed: str = "") -> None:
        said = self._words.text(key, [("typed", typed)])
        self.query_one("#amend-said", Line).show(said)

    def action_leave(self) -> None:
        self.dismiss(None)
