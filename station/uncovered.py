"""Parcels that left without evidence, looked for beside packing: told while it can be mended.

Asks the archive every few minutes; what is uncovered, and since when, `packwitness coverage` says.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from typing import TYPE_CHECKING, Final

from storage.errors import ArchiveError

if TYPE_CHECKING:
    from station.config_trade import CoverageConfig
    from storage.archive import Archive

log = logging.getLogger(__name__)

LOOK_S: Final = 300.0


class Uncovered:
    """`count` is how many there were at the last look."""

    def __init__(self, archive: Archive, chosen: CoverageConfig, look_s: float = LOOK_S) -> None:
        self.count = 0
        self._archive = archive
        self._days = dt.timedelta(days=chosen.days)
        self._grace = dt.timedelta(hours=chosen.grace_h)
        self._look_s = look_s

    async def run(self) -> None:
        """Go on until it is cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(self._look_s)

    def look(self) -> None:
        """Look once. Reads the archive."""
        now = dt.datetime.now(dt.UTC)
        try:
            self.count = self._archive.open_gaps(now - self._days, now - self._grace)
        except ArchiveError as error:
            log.info("not known which parcels left without evidence: %s", error)
