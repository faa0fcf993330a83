"""How long the archive's disk lasts, told in days and hours of packing from what was recorded.

Behind the bench's disk line and its banner, and behind `packwitness doctor`. Once the archive
holds enough finished days, those tell what a day takes and how long it is. Before that the newest
day's rate must do: bytes for an hour of one camera, times the cameras, as if they recorded without
a pause. Where it errs, it errs to too little time left.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from station.rules.events import Disk

if TYPE_CHECKING:
    from station.config import DiskConfig
    from storage.archive import Archive
    from storage.records import Session

GB: Final = 1_000_000_000
DAYS_SEEN: Final = 14
MOST_SESSIONS: Final = 1_000
FEWEST_SESSIONS: Final = 20
"""On finished days; fewer say nothing about a day."""
SHIFT_SHARE: Final = 0.25
"""A day with less than this share of the busiest one is none to measure a day by."""
SHIFT_HOURS: Final = 8.0
"""A day's work where the archive cannot tell."""
FEWEST_RECORDED_MS: Final = 60_000
"""Of one camera; less says nothing about an hour."""
LOW_DAYS, ENOUGH_DAYS = 1.0, 1.25
"""With less than one working day left the disk is low, whatever `disk.low_gb` says; it is no more
from the second on, so that a forecast that wavers does not talk all day."""
MOST_DAYS: Final = 999
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class DiskView:
    """Free space in bytes, the working days it lasts (None: too little recorded to tell), the
    level, and the hours of a working day."""

    free_bytes: int
    days_left: float | None
    level: Disk
    shift_hours: float = SHIFT_HOURS


@dataclass(slots=True)
class Day:
    """What was recorded on one day."""

    bytes: int = 0
    recorded_ms: int = 0
    """Of all cameras together."""
    sessions: int = 0
    begun: dt.datetime | None = None
    ended: dt.datetime | None = None

    def add(self, session: Session) -> None:
        """Count a session of this day."""
        ended = session.sealed_at or session.opened_at
        self.bytes += session_bytes(session)
        self.recorded_ms += sum(clip.duration_ms for clip in session.clips)
        self.sessions += 1
        self.begun = min(self.begun or session.opened_at, session.opened_at)
        self.ended = max(self.ended or ended, ended)

    @property
    def hours(self) -> float:
        """From the first scan to the last seal."""
        if self.begun is None or self.ended is None:
            return 0.0
        return (self.ended - self.begun) / dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Use:
    """What a working day takes on the disk, and its hours."""

    day_bytes: float
    hours: float = SHIFT_HOURS


class DiskWatch:
    """Looks at the archive's disk. `look` blocks and runs in a pool; `view` is always ready."""

    def __init__(
        self,
        archive: Archive,
        limits: DiskConfig,
        cameras: int,
        free_bytes: Callable[[], int] | None = None,
    ) -> None:
        """`free_bytes` measures another disk than the archive's."""
        self._archive = archive
        self._limits = limits
        self._cameras = cameras
        self._free_bytes = free_bytes or (lambda: shutil.disk_usage(archive.root).free)
        self._days: dict[dt.date, Day] = {}
        self._loaded = False
        self.view = DiskView(0, None, Disk.OK)

    def count(self, sealed: Session) -> None:
        """Count a session that has just been sealed."""
        day = sealed.opened_at.astimezone().date()
        self._days.setdefault(day, Day()).add(sealed)

    def look(self) -> None:
        """Measure the free space now."""
        if not self._loaded:
            known = self._archive.recent(MOST_SESSIONS)
            for session in known:
                self.count(session)
            if len(known) == MOST_SESSIONS:
                del self._days[min(self._days)]  # it is known only in part
            self._loaded = True
        today = dt.datetime.now().astimezone().date()
        use = foresee(dict(self._days), today, self._cameras)
        self.view = self._judge(self._free_bytes(), use)

    def _judge(self, free_bytes: int, use: Use | None) -> DiskView:
        full_bytes = int(self._limits.full_gb * GB)
        days = max(0, free_bytes - full_bytes) / use.day_bytes if use else None
        enough = LOW_DAYS if self.view.level is Disk.OK else ENOUGH_DAYS
        level = Disk.OK
        if free_bytes < full_bytes:
            level = Disk.FULL
        elif free_bytes < self._limits.low_gb * GB or (days is not None and days < enough):
            level = Disk.LOW
        return DiskView(free_bytes, days, level, use.hours if use else SHIFT_HOURS)


# ---------------------------------------------------------------------------- the forecast


def foresee(days: dict[dt.date, Day], today: dt.date, cameras: int) -> Use | None:
    """What a working day of a bench with so many cameras takes, or None where nothing tells.

    Today counts as a day only when it has already taken more than one: it is not over.
    """
    finished = [days[date] for date in sorted(days) if date < today][-DAYS_SEEN:]
    use = None
    if sum(day.sessions for day in finished) >= FEWEST_SESSIONS:
        use = usual(finished)
    if use is None:
        newest = next((days[date] for date in sorted(days, reverse=True)), Day())
        return at_this_rate(newest, cameras)
    so_far = days.get(today, Day())
    return usual([*finished, so_far]) if so_far.bytes > use.day_bytes else use


def usual(days: Sequence[Day]) -> Use | None:
    """The mean of the working days among `days`, or None when nothing was recorded on any.

    Days far quieter than the busiest one (a first hour, a Sunday) are left out.
    """
    most = max((day.bytes for day in days), default=0)
    working = [day for day in days if day.bytes >= SHIFT_SHARE * most]
    if not most:
        return None
    hours = sum(day.hours for day in working) / len(working)
    return Use(sum(day.bytes for day in working) / len(working), min(max(hours, 1.0), 24.0))


def at_this_rate(day: Day, cameras: int) -> Use | None:
    """What a shift takes if every camera records through it as it did on `day`."""
    if day.recorded_ms < FEWEST_RECORDED_MS:
        return None
    return Use(day.bytes / day.recorded_ms * _HOUR_MS * cameras * SHIFT_HOURS)


def session_bytes(session: Session) -> int:
    """What the files of a session take on disk."""
    return sum(clip.size_bytes for clip in session.clips) + sum(
        shot.size_bytes for shot in session.shots
    )


# ---------------------------------------------------------------------------- in words


def time_left(view: DiskView) -> tuple[str, tuple[tuple[str, str], ...]]:
    """How long it lasts: a key of the message catalogue below `disk` and its parameters."""
    if view.days_left is None:
        return "free", (("gb", f"{view.free_bytes / GB:.0f}"),)
    if view.days_left >= MOST_DAYS:
        return "most", (("d", str(MOST_DAYS)),)
    minutes = int(view.days_left * view.shift_hours * 60)
    a_day = max(1, int(view.shift_hours * 60))
    days, rest = divmod(minutes, a_day)
    if days:
        return "days", (("d", str(days)), ("h", str(rest // 60)))
    if rest >= 60:
        return "hours", (("h", str(rest // 60)),)
    return "minutes", (("m", str(rest)),)


ENGLISH: Final = {
    "free": "{gb} GB free",
    "most": "over {d} d of packing left",
    "days": "{d} d {h} h of packing left",
    "hours": "{h} h of packing left",
    "minutes": "{m} min of packing left",
}
"""As in `ui/locales/en.toml`, for those who stand below the screen (a test compares them)."""


def said(view: DiskView) -> str:
    """`2 d 5 h of packing left`, or `512 GB free` where nothing tells how long that is."""
    key, params = time_left(view)
    return ENGLISH[key].format_map(dict(params))
