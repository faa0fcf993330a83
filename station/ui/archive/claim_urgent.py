"""How many claims are urgent: due soon, or overdue. For the line on the archive's first screen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from station.ui.archive.claim_look import SIGNS, due_tone, now
from station.ui.archive.parcel_look import TONES
from storage.claims.claim import ClaimQuery

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive

MOST: Final = 999
"""So many are counted: more than that need no number."""


@dataclass(frozen=True, slots=True)
class Urgent:
    """So many open claims are due within the days that are asked for, and so many are overdue."""

    soon: int = 0
    overdue: int = 0

    def __bool__(self) -> bool:
        return bool(self.soon or self.overdue)

    def said(self, words: Words, days: int) -> Text:
        """The line; empty for nothing urgent."""
        parts = []
        if self.overdue:
            told = words.text("claims.overdue", [("count", str(self.overdue))])
            parts.append(Text(f"{SIGNS['stop']} {told}", TONES["stop"]))
        if self.soon:
            params = [("count", str(self.soon)), ("days", str(days))]
            told = words.text("claims.due_soon", params)
            parts.append(Text(f"{SIGNS['check']} {told}", TONES["check"]))
        return Text("  ").join(parts)


def urgent(archive: Archive, config: Config) -> Urgent:
    """How many are urgent now. Blocks. Raises ArchiveError."""
    at, days = now(config), config.claims.remind_days
    before = at + dt.timedelta(days=days + 1)
    found = archive.claims(ClaimQuery(open_only=True, due_before=before, limit=MOST))
    tones = [due_tone(each.deadline_at, at, days) for each in found if each.deadline_at]
    return Urgent(soon=tones.count("check"), overdue=tones.count("stop"))
