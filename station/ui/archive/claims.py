"""Every claim of the archive, the most urgent first: what each is for, where it stands, and how
many days are left.

Claims are looked up on another thread; no key waits for the archive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from station.ui.archive.claim_look import CLAIMS_CSS, due, headings, line, now
from station.ui.archive.keys import KeyLine
from station.ui.labels import Line
from station.ui.messages import shown
from storage.claims.claim import ENDED_STATUSES, Claim, ClaimQuery, ClaimStatus, ClaimType
from storage.errors import ArchiveError
from storage.later import Right
from storage.people import RIGHTS

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from textual.events import Resize, ScreenResume

    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor

T = TypeVar("T", ClaimType, ClaimStatus)

MOST: Final = 500
"""So many claims are listed: who has more types something to narrow them down."""


class ClaimList(OptionList):
    """The claims; the arrows move, Enter opens."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "claims.key.open")]


class ClaimsScreen(Screen[None]):
    """The list of claims. `text` is what is looked for at first: a tracking number, say."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "which", "claims.key.which"),
        Binding("t", "type", "claims.key.type"),
        Binding("s", "status", "claims.key.status"),
        Binding("slash", "find", "claims.key.find", key_display="/"),
        Binding("p", "parcel", "claims.key.parcel"),
        Binding("x", "batch", "claims.key.xlsx"),
        Binding("f5", "again", "key.again"),
        Binding("escape", "back", "key.back"),
    ]
    DEFAULT_CSS = CLAIMS_CSS

    def __init__(
        self, archive: Archive, config: Config, actor: Actor, words: Words, text: str = ""
    ) -> None:
        super().__init__()
        self._archive = archive
        self._config = config
        self._actor = actor
        self._words = words
        self._text = text
        self._all = bool(text)
        self._type: ClaimType | None = None
        self._status: ClaimStatus | None = None
        self._claims: tuple[Claim, ...] = ()
        self._listed: tuple[Claim, ...] = ()
        self._chosen: int | None = None
        self._loaded = False

    # ------------------------------------------------------------------ what stands on it

    def compose(self) -> ComposeResult:
        words = self._words
        with Horizontal(classes="claims-top"):
            yield Line(words.text("claims.title"), classes="claims-name")
            yield Line(id="claims-about")
            yield Line(shown(self._actor.name), classes="claims-who")
        yield Input(self._text, placeholder=words.text("claims.text"), id="claims-text")
        yield Line(id="claims-headings")
        yield ClaimList(id="claims-list", markup=False)
        yield Line(words.text("claims.loading"), id="claims-empty")
        yield KeyLine(words)

    def on_mount(self) -> None:
        self._list.focus()
        self._load()

    async def recompose(self) -> None:
        """After another language was chosen."""
        await super().recompose()
        self._list.focus()
        self._show()

    def on_resize(self, event: Resize) -> None:
        self._show()

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Back from a claim: what was done there is seen here."""
        if self._loaded:
            self._load()

    @property
    def _list(self) -> ClaimList:
        return self.query_one(ClaimList)

    @property
    def current(self) -> Claim | None:
        """The claim under the cursor."""
        at = self._list.highlighted
        return self._listed[at] if at is not None and at < len(self._listed) else None

    @property
    def _line(self) -> Input:
        return self.query_one("#claims-text", Input)

    # ------------------------------------------------------------------ looking up

    @work(exclusive=True, group="claims")
    async def _load(self) -> None:
        """Look up what is asked for; a later question takes the place of an earlier one."""
        query = ClaimQuery(
            open_only=not self._all,
            status=self._status,
            type=self._type,
            text=self._text,
            limit=MOST + 1,
        )
        try:
            found = await asyncio.to_thread(self._archive.claims, query)
        except ArchiveError as error:
            if self.is_attached:
                self.query_one("#claims-empty", Line).show(shown(str(error)))
                self.set_class(True, "-empty")
            return
        if self.is_attached:
            self._loaded, self._claims = True, tuple(found)
            self._show()

    def _show(self) -> None:
        """Write the list anew; the cursor stays on its claim."""
        if not self._loaded:
            return
        words, listed = self._words, self._list
        held = self.current.id if self.current else ""
        self.query_one("#claims-headings", Line).show(headings(self._cells, words))
        here = self._claims[:MOST]
        self._listed = here
        self._chosen = None
        listed.clear_options()
        listed.add_options(Option(self._row(claim)) for claim in here)
        if here:
            ids = [claim.id for claim in here]
            listed.highlighted = ids.index(held) if held in ids else 0
        self.set_class(not here, "-empty")
        fresh = not (self._all or self._type or self._status or self._text)
        empty = words.text("claims.none_yet" if fresh else "claims.none")
        self.query_one("#claims-empty", Line).show(empty)
        self.query_one("#claims-about", Line).show(self._about())
        self.refresh_bindings()

    @property
    def _cells(self) -> int:
        return self.size.width - 2

    def _row(self, claim: Claim, *, chosen: bool = False) -> Text:
        days = self._config.claims.remind_days
        near = due(claim.deadline_at, now(self._config), days, self._words, over=not claim.open)
        return line(claim, self._cells, near, self._words, chosen=chosen)

    def _about(self) -> str:
        """How many there are, and which ones are looked at."""
        words = self._words
        count = "claims.most" if len(self._claims) > MOST else "claims.count"
        parts = [
            words.text(count, [("count", str(min(MOST, len(self._claims))))]),
            words.text("claims.closed_too" if self._all else "claims.open_only"),
        ]
        if self._type is not None:
            parts.append(words.text(f"claims.type.{self._type.value}"))
        if self._status is not None:
            parts.append(words.text(f"claims.status.{self._status.value}"))
        return " · ".join(parts)

    # ------------------------------------------------------------------ narrowing down

    def action_which(self) -> None:
        """Open ones only, or all."""
        self._all = not self._all
        self._load()

    def action_type(self) -> None:
        """The next type; after the last one all of them."""
        self._type = _after(self._type, tuple(ClaimType))
        self._load()

    def action_status(self) -> None:
        """The next status; after the last one all of them."""
        self._status = _after(self._status, tuple(ClaimStatus))
        self._all = self._all or self._status in ENDED_STATUSES
        self._load()

    def action_find(self) -> None:
        """Type what is looked for."""
        self.set_focus(self._line)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value != self._text:
            self._text = event.value
            self._load()

    @on(Input.Submitted)
    def _found(self) -> None:
        self.set_focus(self._list)

    def action_back(self) -> None:
        """Out of the line, then what was typed, then the screen."""
        if self.focused is self._line:
            self.set_focus(self._list)
        elif self._line.value:
            self._line.value = ""
        else:
            self.dismiss()

    # ------------------------------------------------------------------ where it leads

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What the role may not do, or what makes no sense here, is not offered."""
        rights = RIGHTS[self._actor.role]
        if action == "parcel":
            return Right.FIND in rights and self.current is not None
        if action == "batch":
            return Right.EXPORT in rights and self._archive.writable and bool(self._claims)
        return True

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        """The colours of a line would not be legible on those of the cursor."""
        at = self._list.highlighted
        for each, chosen in ((self._chosen, False), (at, True)):
            if each is not None and each < len(self._listed):
                row = self._row(self._listed[each], chosen=chosen)
                self._list.replace_option_prompt_at_index(each, row)
        self._chosen = at
        self.refresh_bindings()

    @on(OptionList.OptionSelected)
    def _open(self) -> None:
        from station.ui.archive.claim import ClaimScreen

        if self.current is not None:
            here = (self._archive, self._config, self._actor, self._words)
            self.app.push_screen(ClaimScreen(*here, self.current.reference))

    def action_parcel(self) -> None:
        from station.ui.archive.parcel import ParcelScreen

        if self.current is not None:
            here = (self._archive, self._config, self._actor, self._words)
            self.app.push_screen(ParcelScreen(*here, self.current.tracking_number))

    @work(exclusive=True, group="batch")
    async def action_batch(self) -> None:
        """Write what is listed as a workbook into the archive's exports."""
        moment = now(self._config)
        path = self._archive.root / "exports" / f"claims-{moment:%Y%m%d-%H%M%S}.xlsx"
        try:
            await asyncio.to_thread(_write, self._claims, path, self._config.orders.zone)
        except OSError as error:
            why = self._words.text("claims.not_saved", [("why", error.strerror or str(error))])
            self.notify(why, severity="error", markup=False)
            return
        self.notify(self._words.text("claims.saved", [("path", str(path))]), markup=False)

    def action_again(self) -> None:
        self._load()


def _write(claims: Sequence[Claim], path: Path, tz: dt.tzinfo) -> None:
    """On another thread. Raises OSError."""
    from storage.claims.batch import write_xlsx

    path.parent.mkdir(parents=True, exist_ok=True)
    write_xlsx(claims, path, tz)


def _after(chosen: T | None, among: Sequence[T]) -> T | None:
    """The one behind `chosen`; None behind the last one, and the first one behind None."""
    if chosen is None:
        return among[0]
    at = among.index(chosen) + 1
    return among[at] if at < len(among) else None
