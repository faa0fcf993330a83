"""A sheet of a few fields, asked for and filed: texts, and choices out of a handful.

Stays until what was asked for is durable; what is wrong is said in it, at its field, and what was
typed stays. Knows no claim: `Asked` says which fields there are and how they are filed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from station.ui.archive.keys import KeyLine
from station.ui.labels import Line
from station.ui.messages import shown
from storage.errors import ArchiveError

if TYPE_CHECKING:
    from textual.events import Click

    from station.ui.archive.words import Words

LONGEST: Final = 2_000
Said = Mapping[str, str]
"""What was typed or chosen, by the names of the fields."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `label` is a message key, `choices` are values with what is said of each, in the
    person's language; `where` names a field and the values of it with which this one is asked
    for."""

    name: str
    label: str
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    where: tuple[str, frozenset[str]] | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A sheet: its title, what is told above the fields (both said already), and how what was typed
    is filed. `say` raises Wrong where something is, and gives the job that files the rest: it
    blocks, and is carried out on another thread."""

    title: str
    about: str
    fields: Sequence[Field]
    say: Callable[[Said], Callable[[], object]]


class Wrong(Exception):
    """What stands in a field is no good: `key` is the message that says why."""

    def __init__(self, field: str, key: str, *params: tuple[str, str]) -> None:
        super().__init__(key)
        self.field = field
        self.key = key
        self.params = params


class Choice(Widget, can_focus=True):
    """One of a handful, moved through with the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "claims.key.choose", key_display="←→"),
        Binding("right,space", "step(1)", show=False),
    ]
    at: reactive[int] = reactive(0)

    class Chosen(Message):
        """Another one was chosen."""

    def __init__(self, choices: Sequence[tuple[str, str]], value: str, **options: Any) -> None:
        super().__init__(**options)
        self._choices = choices
        values = [each for each, _ in choices]
        self.set_reactive(Choice.at, values.index(value) if value in values else 0)

    @property
    def value(self) -> str:
        return self._choices[self.at][0] if self._choices else ""

    def render(self) -> Text:
        """The chosen one, and how many there are."""
        if not self._choices:
            return Text("·")
        said = shown(self._choices[self.at][1])
        count = f"  {self.at + 1}/{len(self._choices)}"
        return Text.assemble("◂ ", (said, "bold"), " ▸", (count, "#9aa7b2"), no_wrap=True)

    def action_step(self, way: int) -> None:
        if self._choices:
            self.at = (self.at + way) % len(self._choices)
            self.post_message(self.Chosen())

    def on_click(self, event: Click) -> None:
        event.stop()
        self.action_step(1)


class AskScreen(ModalScreen[Any]):
    """Gives what filing it gave, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "say", "claims.key.say", priority=True),
        Binding("down,tab", "app.focus_next", "key.next_field", key_display="↓", priority=True),
        Binding("up,shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("escape", "leave", "claims.key.leave"),
    ]
    CSS = """
    AskScreen { align: center middle; background: #000000 60%; }
    AskScreen #ask { width: 78; max-width: 98%; height: auto; max-height: 94%; scrollbar-size-vertical: 1; background: #1b2127; border: round #4a5560; padding: 0 2; }
    AskScreen #ask-title { text-style: bold; color: #ffd866; }
    AskScreen #ask-about { height: auto; max-height: 6; color: #c8d2da; margin: 0 0 1 0; }
    AskScreen .ask-field { height: 1; }
    AskScreen .ask-field.-away { display: none; }
    AskScreen .ask-label { width: 18; color: #9aa7b2; text-wrap: nowrap; text-overflow: ellipsis; padding: 0 1 0 0; }
    AskScreen .ask-field Input { height: 1; border: none; width: 1fr; background: #0b1220; padding: 0 1; }
    AskScreen .ask-field Choice { height: 1; width: 1fr; background: #0b1220; padding: 0 1; }
    AskScreen .ask-field Input:focus, AskScreen .ask-field Choice:focus { background: #0059a8; border: none; }
    AskScreen #ask-said { height: auto; color: #ff8f7a; text-style: bold; margin: 1 0 0 0; }
    """  # noqa: E501 - one rule in a line

    def __init__(self, asked: Asked, words: Words) -> None:
        super().__init__()
        self._asked = asked
        self._words = words
        self._saying = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="ask", can_focus=False):
            yield Line(self._asked.title, id="ask-title")
            yield Line(self._asked.about, id="ask-about")
            for field in self._asked.fields:
                with Horizontal(classes="ask-field", id=f"row-{field.name}"):
                    yield Line(self._words.text(field.label), classes="ask-label")
                    if field.choices:
                        yield Choice(field.choices, field.value, id=field.name)
                    else:
                        yield Input(
                            field.value,
                            id=field.name,
                            max_length=LONGEST,
                            placeholder=field.hint,
                            select_on_focus=False,
                        )
            yield Line(id="ask-said")
        yield KeyLine(self._words)

    def on_mount(self) -> None:
        self._show_fields()
        self.set_focus(self._widget(self._asked.fields[0].name))

    def _widget(self, name: str) -> Choice | Input:
        asked = next(field for field in self._asked.fields if field.name == name)
        if asked.choices:
            return self.query_one(f"#{name}", Choice)
        return self.query_one(f"#{name}", Input)

    @property
    def said(self) -> dict[str, str]:
        """What stands in the fields that are asked for."""
        return {
            field.name: self._widget(field.name).value
            for field in self._asked.fields
            if self._is_asked(field)
        }

    def _is_asked(self, field: Field) -> bool:
        if field.where is None:
            return True
        name, values = field.where
        return self._widget(name).value in values

    @on(Choice.Chosen)
    def _show_fields(self) -> None:
        for field in self._asked.fields:
            self.query_one(f"#row-{field.name}").set_class(not self._is_asked(field), "-away")

    def action_say(self) -> None:
        """File what was typed."""
        if self._saying:
            return
        try:
            job = self._asked.say(self.said)
        except Wrong as wrong:
            self._say(self._words.text(wrong.key, wrong.params))
            self.set_focus(self._widget(wrong.field))
            return
        self._saying = True
        self._say("")
        self._file(job)

    @work
    async def _file(self, job: Callable[[], object]) -> None:
        try:
            filed = await asyncio.to_thread(job)
        except ArchiveError as error:
            self._saying = False
            self._say(shown(str(error)))
        else:
            self.dismiss(filed)

    def _say(self, text: str) -> None:
        said = self.query_one("#ask-said", Line)
        said.show(text)
        self.call_after_refresh(said.scroll_visible, animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)
