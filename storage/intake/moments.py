"""Moments as exports write them, to UTC; whether 03/04 is in March or April, the whole file says.

Pure. Knows no column.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

OLDEST: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
NEWEST: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
DMY: Final = "dmy"
MDY: Final = "mdy"
_CLOCK: Final = (
    r"(?:(?:T|,?\s+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})"
    r"(?:[.,](?P<part>[0-9]{1,9}))?)?\s*(?P<half>[AP]\.?M\.?)?)?"
    r"\s*(?P<zone>Z|(?:UTC|GMT)?\s*[+-][0-9]{1,2}(?::?[0-9]{2})?|UTC|GMT)?"
)
_YEAR_FIRST: Final = re.compile(
    r"(?P<year>[0-9]{4})[-/.年](?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})日?" + _CLOCK,
    re.IGNORECASE,
)
_YEAR_LAST: Final = re.compile(
    r"(?P<first>[0-9]{1,2})(?P<mark>[-/.])(?P<then>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})" + _CLOCK,
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"(?:(?P<day>[0-9]{1,2})[\s-](?P<name>[A-Z]{3})[A-Z]*\.?|(?P<name2>[A-Z]{3})[A-Z]*\.?\s"
    r"(?P<day2>[0-9]{1,2}),?)[\s-](?P<year>[0-9]{4})" + _CLOCK,
    re.IGNORECASE,
)
_MONTHS: Final = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
_LONGEST: Final = 60


def order_of(texts: Iterable[str], otherwise: str = "") -> str:
    """How days such as 03/04/2026 are written in a file that has these: `dmy` or `mdy`, which any
    of them tells that names a thirteenth. `otherwise` where none does; '' where they contradict
    each other. A point between them is always `dmy`, and tells nothing of the others."""
    seen = set()
    for text in set(texts):
        match = _YEAR_LAST.fullmatch(text[:_LONGEST])
        if match is not None and match["mark"] != ".":
            first, then = int(match["first"]), int(match["then"])
            if first > 12 >= then:
                seen.add(DMY)
            elif then > 12 >= first:
                seen.add(MDY)
    return otherwise if not seen else seen.pop() if len(seen) == 1 else ""


def two_ways(text: str) -> bool:
    """True for a day that is another one in another country, such as 03/04/2026."""
    match = _YEAR_LAST.fullmatch(text[:_LONGEST])
    return (
        match is not None
        and match["mark"] != "."
        and match["first"].zfill(2) != match["then"].zfill(2)
        and max(int(match["first"]), int(match["then"])) <= 12
    )


def has_zone(text: str) -> bool:
    """True for a moment that says itself in which zone it is."""
    parts = _parts(text.strip()[:_LONGEST], DMY)
    return parts is not None and parts[0]["zone"] is not None


@lru_cache(20_000)
def moment_of(
    text: str, zone: dt.tzinfo, order: str = "", *, day_ends: bool = False
) -> dt.datetime | None:
    """The moment (UTC) that a text names; None for what is no moment of this century, or can be
    read two ways and `order` (`dmy`, `mdy`, '') does not say which.

    `zone` is that of a text without one. A day is its first moment, or its last where `day_ends`.
    """
    parts = _parts(text.strip()[:_LONGEST], order)
    if parts is None:
        return None
    match, year, month, day = parts
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
    if match["hour"] is None and day_ends:
        hour, minute, second = 23, 59, 59
    micro = int((match["part"] or "").ljust(6, "0")[:6])
    try:
        where = zone if match["zone"] is None else _offset(match["zone"])
        at = dt.datetime(year, month, day, hour, minute, second, micro, where).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return at if OLDEST <= at < NEWEST else None


def _parts(text: str, order: str) -> tuple[re.Match[str], int, int, int] | None:
    """The match, year, month and day."""
    if match := _YEAR_FIRST.fullmatch(text):
        return match, int(match["year"]), int(match["month"]), int(match["day"])
    if match := _YEAR_LAST.fullmatch(text):
        first, then = int(match["first"]), int(match["then"])
        if match["mark"] == "." or then == first:
            order = DMY
        if not order:
            order = DMY if first > 12 else MDY if then > 12 else ""
        if not order:
            return None
        day, month = (first, then) if order == DMY else (then, first)
        return match, int(match["year"]), month, day
    if match := _NAMED.fullmatch(text):
        at = _MONTHS.find((match["name"] or match["name2"]).upper())
        if at % 3 == 0:
            return match, int(match["year"]), at // 3 + 1, int(match["day"] or match["day2"])
    return None


def _offset(text: str) -> dt.tzinfo:
    """The zone of `+08:00`, `-0500`, `UTC+8`, `Z`. Raises ValueError for one that cannot be."""
    digits = re.sub(r"[^0-9]", "", text)
    if not digits:
        return dt.UTC
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    offset = 60 * int(hours) + int(minutes)
    return dt.timezone(dt.timedelta(minutes=-offset if "-" in text else offset))
