"""Where the first screen of the archive leads: the other screens, and what is urgent on them.

A screen is loaded when somebody goes there. What the role may not do is not offered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import work
from textual.screen import Screen

from station.ui.labels import Line
from storage.errors import ArchiveError
from storage.later import Right
from storage.people import RIGHTS

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.app import ArchiveApp
    from station.ui.archive.claim_urgent import Urgent
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor

_WRITING: Final = frozenset({"export", "inbox"})


class LeadingScreen(Screen[None]):
    """Has the keys' actions; which keys they are says the screen that is one."""

    RIGHTS: ClassVar[dict[str, Right]] = {
        "claims": Right.CLAIM,
        "coverage": Right.FIND,
        "review": Right.CLAIM,
        "export": Right.EXPORT,
        "inbox": Right.FILE,
        "open": Right.FIND,
    }

    def __init__(self, archive: Archive, config: Config, actor: Actor, words: Words) -> None:
        super().__init__()
        self._archive = archive
        self._config = config
        self._actor = actor
        self._words = words
        self._urgent: Urgent | None = None

    @property
    def archive_app(self) -> ArchiveApp:
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What the role may not do is not offered."""
        right = self.RIGHTS.get(action)
        if right is not None and right not in RIGHTS[self._actor.role]:
            return False
        if action == "sign_out":
            return self._actor.verified
        return action not in _WRITING or self._archive.writable

    @work(exclusive=True, group="urgent")
    async def look_for_claims(self) -> None:
        """Say how many claims are due, to whom they concern."""
        if Right.CLAIM not in RIGHTS[self._actor.role]:
            return
        try:
            found = await asyncio.to_thread(_urgent, self._archive, self._config)
        except ArchiveError:
            return  # the search says what is wrong with the archive
        if self.is_attached and found != self._urgent:
            self._urgent = found
            self._write_urgent(self.query_one("#urgent", Line))

    def urgent_line(self) -> Line:
        """The line of what is urgent; not there while nothing is."""
        line = Line(id="urgent")
        self._write_urgent(line)
        return line

    def _write_urgent(self, line: Line) -> None:
        line.display = bool(self._urgent)
        if self._urgent:
            line.show(self._urgent.said(self._words, self._config.claims.remind_days))

    # ------------------------------------------------------------------ where it leads

    def action_claims(self) -> None:
        from station.ui.archive.claims import ClaimsScreen

        self.app.push_screen(ClaimsScreen(self._archive, self._config, self._actor, self._words))

    def action_coverage(self) -> None:
        from station.ui.archive.coverage import CoverageScreen

        self.app.push_screen(CoverageScreen(self._archive, self._config, self._actor, self._words))

    def action_review(self) -> None:
        from station.ui.archive.review import ReviewScreen

        self.app.push_screen(ReviewScreen(self._archive, self._config, self._actor, self._words))

    def action_inbox(self) -> None:
        from station.ui.archive.inbox import InboxScreen

        self.app.push_screen(InboxScreen(self._archive, self._config, self._actor, self._words))

    def action_shift(self) -> None:
        from station.ui.archive.shift import ShiftScreen

        self.app.push_screen(ShiftScreen(self._archive, self._words))

    def action_sign_out(self) -> None:
        self.archive_app.sign_out()


def _urgent(archive: Archive, config: Config) -> Urgent:
    """On another thread, and loaded there: the first picture does not wait for it."""
    from station.ui.archive.claim_urgent import urgent

    return urgent(archive, config)
