"""Lengths of time as rules tell them, and the moment at which one that began then is over.

Pure: time zones and moments come in. Days, working days and months end with a day of the calendar;
hours pass whatever the clock on the wall does.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST: Final = 4_000
"""More of anything is a slip of whoever wrote the rule."""
SATURDAY: Final = 5
_MS: Final = dt.timedelta(milliseconds=1)
_FORM: Final = re.compile(r"([1-9][0-9]{0,3}) (hour|day|working day|month)s?", re.ASCII)


class Unit(StrEnum):
    """What is counted."""

    HOURS = "hour"
    DAYS = "day"
    WORKING_DAYS = "working day"
    """Monday to Friday. Public holidays are not known here: they count as working days, which makes
    a deadline early, never late."""
    MONTHS = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """So many of a unit."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.count} {self.unit.value}{'' if self.count == 1 else 's'}"


def period_of(text: str) -> Period:
    """What `60 days`, `1 working day`, `9 months` or `48 hours` means. Raises ValueError."""
    match = _FORM.fullmatch(text)
    if match is None or int(match[1]) > LONGEST:
        raise ValueError('write it as "60 days", "5 working days", "9 months" or "48 hours"')
    return Period(int(match[1]), Unit(match[2]))


def over_at(start: dt.datetime, period: Period, tz: dt.tzinfo) -> dt.datetime:
    """The last moment (UTC, to the millisecond) of a period that began at `start`, by the calendar
    of `tz`.

    The day of the start is not counted. A month later is the same day of the month, or the last one
    where it is shorter (31 January, 28 or 29 February). Raises OverflowError for a moment past the
    end of the calendar.
    """
    if period.unit is Unit.HOURS:
        return start.astimezone(dt.UTC) + dt.timedelta(hours=period.count)
    return _next_day(_last_day(start.astimezone(tz).date(), period), tz) - _MS


def begun_at(start: dt.datetime, period: Period, tz: dt.tzinfo) -> dt.datetime:
    """The first moment (UTC) at which so much has passed since `start`: the day that ends the
    period begins. Raises OverflowError."""
    if period.unit is Unit.HOURS:
        return over_at(start, period, tz)
    return _next_day(_last_day(start.astimezone(tz).date(), period) - dt.timedelta(days=1), tz)


def days_left(at: dt.datetime, now: dt.datetime, tz: dt.tzinfo | None) -> int:
    """So many midnights of `tz` lie between the two; less than none where `at` has passed."""
    return (at.astimezone(tz).date() - now.astimezone(tz).date()).days


def _last_day(day: dt.date, period: Period) -> dt.date:
    """The day of the calendar on which the period ends."""
    if period.unit is Unit.DAYS:
        return day + dt.timedelta(days=period.count)
    if period.unit is Unit.MONTHS:
        months = day.year * 12 + day.month - 1 + period.count
        year, month = divmod(months, 12)
        if year > dt.MAXYEAR:
            raise OverflowError
        return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    for _ in range(period.count):
        day += dt.timedelta(days=1)
        while day.weekday() >= SATURDAY:
            day += dt.timedelta(days=1)
    return day


def _next_day(day: dt.date, tz: dt.tzinfo) -> dt.datetime:
    """The midnight that ends a day, in UTC: where clocks are set back over it, the first one."""
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=tz)
    return midnight.astimezone(dt.UTC)
