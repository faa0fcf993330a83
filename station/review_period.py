"""Which days a review is about: a month, a year, some days; by the time of this computer."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from station.local_time import LOCAL


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment up to another (None: without end), and what it is called ('' for ever)."""

    start: dt.datetime | None = None
    end: dt.datetime | None = None
    name: str = ""


def month(text: str) -> Period:
    """The month `2026-10`. Raises ValueError for what is none."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{1,2}", text, re.ASCII):
        raise ValueError(text)
    numbers = [int(part) for part in text.split("-")]
    first = dt.date(numbers[0], numbers[1], 1)
    return Period(_midnight(first), _midnight(_next_month(first)), f"{first:%Y-%m}")


def year(number: int) -> Period:
    """The whole year."""
    return Period(
        _midnight(dt.date(number, 1, 1)), _midnight(dt.date(number + 1, 1, 1)), f"{number:04}"
    )


def moved(day: dt.date, months: int) -> dt.date:
    """The first day of the month so many months after that of `day`; never before the year 2000 or
    after 2999."""
    count = min(max(day.year * 12 + day.month - 1 + months, 2000 * 12), 2999 * 12 + 11)
    return dt.date(count // 12, count % 12 + 1, 1)


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=32)).replace(day=1)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), LOCAL).astimezone(dt.UTC)
