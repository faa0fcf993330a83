"""One claim: what it asks for, what its evidence has and lacks, by when, and everything that was
said and done about it.

Looked up and filed on other threads; a key never waits for them. The history only grows: nothing
that is done here takes anything back.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from station import claiming
from station.ui.archive import claim_asked
from station.ui.archive.claim_ask import Asked, AskScreen
from station.ui.archive.claim_look import now
from station.ui.archive.claim_sheet import left, look_up, right, state_line
from station.ui.archive.keys import KeyLine
from station.ui.labels import Line
from station.ui.messages import shown
from storage.claims.claim import NEXT
from storage.errors import ArchiveError
from storage.later import Right
from storage.people import RIGHTS

if TYPE_CHECKING:
    from station.claiming import Sheet
    from station.config import Config
    from station.ui.archive.packing import Packed
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.claims.claim import Claim
    from storage.evidence.kit.kit import Kit
    from storage.later import Actor

COUNT_S: Final = 30.0
"""So often the countdowns are written anew."""
_NEEDED: Final = {
    "move": Right.CLAIM,
    "change": Right.CLAIM,
    "log": Right.CLAIM,
    "form": Right.CLAIM,
    "export": Right.EXPORT,
    "parcel": Right.FIND,
}


class ClaimScreen(Screen[None]):
    """The page of the claim with this reference."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual's own form
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "move", "claims.key.move"),
        Binding("e", "change", "claims.key.change"),
        Binding("l", "log('correspondence')", "claims.key.log"),
        Binding("n", "log('note')", "claims.key.note"),
        Binding("f", "form", "claims.key.form"),
        Binding("f4", "export", "claims.key.export"),
        Binding("p", "parcel", "claims.key.parcel"),
        Binding("f5", "again", "key.again"),
        Binding("escape", "back", "key.back"),
    ]
    DEFAULT_CSS = """
    ClaimScreen { background: #101418; color: #d5dde4; }
    ClaimScreen #claim-top { height: 1; background: #1b2127; padding: 0 1; }
    ClaimScreen #claim-name { width: auto; text-style: bold; color: #ffd866; padding: 0 2 0 0; }
    ClaimScreen #claim-state { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    ClaimScreen #claim-who { width: auto; max-width: 24; color: #9aa7b2; padding: 0 0 0 2; text-wrap: nowrap; text-overflow: ellipsis; }
    ClaimScreen #claim-scroll { height: 1fr; scrollbar-size-vertical: 1; scrollbar-background: #101418; scrollbar-color: #4a5560; }
    ClaimScreen #claim-body { height: auto; layout: vertical; padding: 0 1; }
    ClaimScreen #claim-body Static { height: auto; width: 1fr; }
    ClaimScreen.-wide #claim-body { layout: horizontal; }
    ClaimScreen.-wide #claim-right { border-left: vkey #4a5560; padding: 0 0 0 1; }
    """  # noqa: E501 - one rule in a line

    def __init__(
        self,
        archive: Archive,
        config: Config,
        actor: Actor,
        words: Words,
        reference: str,
    ) -> None:
        super().__init__()
        self._archive = archive
        self._config = config
        self._actor = actor
        self._words = words
        self._reference = reference
        self._sheet: Sheet | None = None

    # ------------------------------------------------------------------ what stands on it

    def compose(self) -> ComposeResult:
        with Horizontal(id="claim-top"):
            yield Line(shown(self._reference), id="claim-name")
            yield Line(id="claim-state")
            yield Line(shown(self._actor.name), id="claim-who")
        with VerticalScroll(id="claim-scroll"), Container(id="claim-body"):
            yield Static(self._words.text("claims.loading"), id="claim-left", markup=False)
            yield Static(id="claim-right", markup=False)
        yield KeyLine(self._words)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._load()
        self.set_interval(COUNT_S, self._show)

    async def recompose(self) -> None:
        """After another language was chosen."""
        await super().recompose()
        self.query_one(VerticalScroll).focus()
        self._show()

    @work(exclusive=True, group="claim")
    async def _load(self) -> None:
        """Look everything up anew."""
        try:
            found = await asyncio.to_thread(look_up, self._config, self._archive, self._reference)
        except ArchiveError as error:
            if self.is_attached:
                self._say_instead(shown(str(error)))
            return
        if not self.is_attached:
            return
        self._sheet = found
        if found is None:
            told = [("reference", self._reference)]
            self._say_instead(self._words.text("claims.unknown", told))
        else:
            self._show()

    def _say_instead(self, text: str) -> None:
        self.query_one("#claim-left", Static).update(text)
        self.query_one("#claim-right", Static).update("")

    def _show(self) -> None:
        """Write the page; the countdowns go on by themselves."""
        sheet, words = self._sheet, self._words
        if sheet is None:
            return
        days, moment = self._config.claims.remind_days, now(self._config)
        self.query_one("#claim-state", Line).show(state_line(sheet, moment, days, words))
        self.query_one("#claim-left", Static).update(left(sheet, moment, days, words))
        self.query_one("#claim-right", Static).update(right(sheet, moment.tzinfo, words))
        self.refresh_bindings()

    # ------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What the role may not do, or what makes no sense here, is not offered."""
        rights, sheet = RIGHTS[self._actor.role], self._sheet
        if action in _NEEDED:
            may = _NEEDED[action] in rights and sheet is not None
            if action == "parcel":
                return may
            if not may or not self._archive.writable:
                return False
            return action != "move" or (sheet is not None and bool(NEXT[sheet.claim.status]))
        return True

    def _ask(self, asked: Asked) -> None:
        self.app.push_screen(AskScreen(asked, self._words), self._asked)

    def action_form(self) -> None:
        """Fill its form."""
        if self._sheet is not None:
            here = (self._config, self._archive, self._actor, self._sheet.claim)
            self._ask(claim_asked.forming(*here, self._words))

    def _asked(self, filed: object) -> None:
        if isinstance(filed, Path):
            saved = self._words.text("claims.saved", [("path", str(filed))])
            self.notify(saved, markup=False)
        if filed is not None:
            self._load()

    def action_move(self) -> None:
        """Move it on to the next status."""
        if self._sheet is not None:
            self._ask(
                claim_asked.moving(
                    self._config, self._archive, self._actor, self._sheet.claim, self._words
                )
            )

    @work(group="ask")
    async def action_change(self) -> None:
        """Correct what it tells."""
        names = await asyncio.to_thread(claim_asked.profile_names, self._config)
        if self._sheet is not None and self.is_current:
            here = (self._config, self._archive, self._actor, self._sheet.claim)
            self._ask(claim_asked.changing(*here, names, self._words))

    def action_log(self, what: str) -> None:
        """Add to its history."""
        if self._sheet is not None:
            here = (self._archive, self._actor, self._sheet.claim)
            self._ask(claim_asked.logging(*here, what, self._words))

    def action_parcel(self) -> None:
        from station.ui.archive.parcel import ParcelScreen

        if self._sheet is not None:
            here = (self._archive, self._config, self._actor, self._words)
            self.app.push_screen(ParcelScreen(*here, self._sheet.claim.tracking_number))

    @work(group="export")
    async def action_export(self) -> None:
        """Export the evidence of its parcel by its profile, and keep in its history that it was."""
        from station.ui.archive.export import ExportScreen
        from storage.query import Query

        sheet = self._sheet
        if sheet is None:
            return
        claim = sheet.claim
        try:
            page = await asyncio.to_thread(self._archive.page, Query(text=claim.tracking_number))
            site, why = await asyncio.to_thread(claiming.for_export, self._config, claim)
        except ArchiveError as error:
            self._failed(error)
            return
        hits = [hit for hit in page.hits if hit.number == claim.tracking_number]
        if not hits:
            self.notify(self._words.text("claims.no_session"), severity="error", markup=False)
            return
        screen = ExportScreen(self._archive, site, self._actor, self._words, hits, reason=why)
        self.app.push_screen(screen, self._exported)

    def _exported(self, packed: Packed | None) -> None:
        if self._sheet is not None and packed is not None:
            self._keep(self._sheet.claim, packed.kits)

    @work(group="log")
    async def _keep(self, claim: Claim, kits: list[Kit]) -> None:
        """Keep in its history what was exported."""
        here = (self._archive, self._actor, claim)
        try:
            for kit in kits:
                await asyncio.to_thread(claiming.keep_exported, *here, kit)
        except ArchiveError as error:
            self._failed(error)
        self._load()

    def _failed(self, error: BaseException) -> None:
        self.notify(shown(str(error)), severity="error", markup=False)

    def action_again(self) -> None:
        self._load()

    def action_back(self) -> None:
        self.dismiss()
