"""How long the archive's disk lasts, told in days from what was really recorded."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from station.rules.events import Disk

if TYPE_CHECKING:
    from station.config import DiskConfig
    from storage.archive import Archive
    from storage.records import Session

GB = 1_000_000_000
DAYS_SEEN = 14
FEWEST_SESSIONS = 20
"""Fewer say nothing about a day."""
SHIFT_SHARE = 0.25
"""A first day with less than this share of the busiest one says nothing about a day's size."""


@dataclass(frozen=True, slots=True)
class DiskView:
    """Free space in bytes, the days it lasts (None: too little recorded to tell), and the level."""

    free_bytes: int
    days_left: float | None
    level: Disk


class DiskWatch:
    """Looks at the archive's disk. `look` blocks and runs in a pool; `view` is always ready."""

    def __init__(self, archive: Archive, limits: DiskConfig) -> None:
        self._archive = archive
        self._limits = limits
        self._bytes_by_day: dict[dt.date, int] = defaultdict(int)
        self._sessions = 0
        self._loaded = False
        self.view = DiskView(0, None, Disk.OK)

    def count(self, sealed: Session) -> None:
        """Count a session that has just been sealed."""
        self._sessions += 1
        day = sealed.opened_at.astimezone().date()
        self._bytes_by_day[day] += session_bytes(sealed)

    def look(self) -> None:
        """Measure the free space now."""
        if not self._loaded:
            for session in self._archive.recent(1_000):
                self.count(session)
            self._loaded = True
        free = shutil.disk_usage(self._archive.root).free
        level = Disk.OK
        if free < self._limits.full_gb * GB:
            level = Disk.FULL
        elif free < self._limits.low_gb * GB:
            level = Disk.LOW
        usable = max(0, free - int(self._limits.full_gb * GB))
        enough = self._sessions >= FEWEST_SESSIONS
        per_day = bytes_per_day(self._bytes_by_day) if enough else None
        self.view = DiskView(free, usable / per_day if per_day else None, level)


def session_bytes(session: Session) -> int:
    """What the files of a session take on disk."""
    return sum(clip.size_bytes for clip in session.clips) + sum(
        shot.size_bytes for shot in session.shots
    )


def bytes_per_day(by_day: dict[dt.date, int]) -> float | None:
    """The mean of the newest working days, or None before anything was recorded.

    Days far quieter than the busiest one (a first hour, a Sunday) are left out, so that the
    answer errs to too few days left, not too many.
    """
    newest = [by_day[day] for day in sorted(by_day)[-DAYS_SEEN:]]
    if not newest or not max(newest):
        return None
    working = [size for size in newest if size >= SHIFT_SHARE * max(newest)]
    return sum(working) / len(working)
