"""Where a parcel's page leads: its export, its way, its claims, the page of keys.

A screen is loaded when somebody goes there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.screen import Screen

from station.ui.messages import shown
from storage.errors import ArchiveError

if TYPE_CHECKING:
    from station.config import Config
    from station.dossier import Dossier
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.claims.claim import Claim
    from storage.later import Actor


class ParcelLeading(Screen[None]):
    """Has the keys' actions; which keys they are says the screen that is one."""

    def __init__(
        self, archive: Archive, config: Config, actor: Actor, words: Words, number: str
    ) -> None:
        super().__init__()
        self._archive = archive
        self._config = config
        self._actor = actor
        self._words = words
        self._number = number
        self._dossier: Dossier | None = None

    @work(group="export")
    async def action_export(self) -> None:
        """Export every session of the parcel."""
        from station.ui.archive.export import ExportScreen
        from storage.query import Query

        try:
            page = await asyncio.to_thread(self._archive.page, Query(text=self._number))
        except ArchiveError as error:
            self.notify(shown(str(error)), severity="error", markup=False)
            return
        hits = [hit for hit in page.hits if hit.number == self._number]
        if hits:
            here = (self._archive, self._config, self._actor, self._words)
            self.app.push_screen(ExportScreen(*here, hits))

    def action_trace(self) -> None:
        """Where the parcel was seen."""
        from station.ui.archive.trace import TraceScreen

        here = (self._archive, self._config, self._actor, self._words)
        self.app.push_screen(TraceScreen(*here, self._number))

    @work(group="claim")
    async def action_claim(self) -> None:
        """Open a claim for the parcel."""
        from station.ui.archive.claim_ask import AskScreen
        from station.ui.archive.claim_asked import opening, profile_names

        names = await asyncio.to_thread(profile_names, self._config)
        if not self.is_current:
            return
        records = self._dossier.records if self._dossier is not None else ()
        held = sum(record.deleted is None for record in records)
        here = (self._config, self._archive, self._actor)
        asked = opening(*here, self._number, held, names, self._words)
        self.app.push_screen(AskScreen(asked, self._words), self._claimed)

    def _claimed(self, claim: Claim | None) -> None:
        """The new claim's page; the parcel's own tells of its holds when one comes back."""
        if claim is not None:
            self.action_again()
            self._show_claim(claim)

    def action_claims(self) -> None:
        """The parcel's claim, or the list of them."""
        from station.ui.archive.claims import ClaimsScreen

        claims = self._dossier.claims if self._dossier is not None else ()
        if len(claims) == 1:
            self._show_claim(claims[0])
        else:
            here = (self._archive, self._config, self._actor, self._words)
            self.app.push_screen(ClaimsScreen(*here, self._number))

    def _show_claim(self, claim: Claim) -> None:
        from station.ui.archive.claim import ClaimScreen

        here = (self._archive, self._config, self._actor, self._words)
        self.app.push_screen(ClaimScreen(*here, claim.reference))

    def action_again(self) -> None:
        """Look everything up anew."""
        raise NotImplementedError
