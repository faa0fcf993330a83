"""What may be asked of the archive in one line of text, and what the line means.

`packer:Ann is:incomplete from:2026-11-01 1Z999` is a `Query`; so is the text of a saved filter,
which is read anew each time ("today" is the day on which it is asked). Knows no database: how a
query is answered is `search.py`'s.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from storage import amounts
from storage.errors import QueryError
from storage.records import Kind, Status
from storage.rows import search_key, storable

T = TypeVar("T", bound=StrEnum)
LONGEST = 500
"""Characters of a line; what is longer was pasted by mistake."""


class Flag(StrEnum):
    """What a session is, or lacks. The names are columns of the catalogue."""

    INCOMPLETE = "incomplete"
    MISMATCH = "mismatch"
    NO_VIDEO = "no_video"
    GAP = "gap"
    HELD = "held"
    TEST = "test"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Query:
    """Everything that must be true of a session; '' and None ask for nothing.

    `text` is a whole tracking number, its beginning, end or middle, or an order id. Sessions were
    opened at or after `start` and before `end`. The value of the order, in `currency` if one is
    named, is at least `least_cents` and below `below_cents`.
    """

    text: str = ""
    packer: str = ""
    bench: str = ""
    carrier: str = ""
    order: str = ""
    sku: str = ""
    customer: str = ""
    status: Status | None = None
    kind: Kind | None = None
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    flags: frozenset[Flag] = frozenset()
    least_cents: int | None = None
    below_cents: int | None = None
    currency: str = ""


BUILT_IN = {
    "today's incomplete": "is:incomplete on:today",
    "label mismatch": "is:mismatch",
    "interrupted": "is:interrupted",
    "high value without video": "value>=100 is:novideo",
    "held": "is:held",
}
"""The filters that every archive has, by name."""

_NAMES = ("packer", "bench", "carrier")
_KEYS = ("order", "sku", "customer")
_FLAGS = {flag.value.replace("_", ""): flag for flag in Flag}
_STATES = {status.value: status for status in Status if status is not Status.SEALED}
_IS = (*_FLAGS, *_STATES, Kind.RETURN.value)
_DAYS = ("from", "to", "on")
_WORDS = (*_NAMES, *_KEYS, "status", "kind", *_DAYS, "is")

_TOKEN = re.compile(r'(?:(?P<word>[^\W\d_]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))', re.X)
_VALUE = re.compile(r"value\s*(>=|<=|>|<)\s*([0-9]{1,12})(?:\.([0-9]{1,2}))?\s*([A-Za-z]{3}\b)?")
_PLAIN = re.compile(r"[\w.+-]+")
_LIKE_ASCII = str.maketrans("：＞＜＝“”　", ':><=""\x20', "") | {
    ord("≥"): ">=",
    ord("≤"): "<=",
}
"""What an input method for Chinese makes of the signs."""


def parse(text: str, now: dt.datetime, tz: dt.tzinfo) -> Query:
    """What `text` asks for; days are those of the time zone `tz`, today is that of `now`.

    Raises QueryError, which says what is allowed.
    """
    if len(text) > LONGEST:
        raise QueryError(f"{len(text)} characters are no search: {LONGEST} at most")
    text = storable(text).translate(_LIKE_ASCII)
    query, rest = _values(text)
    loose: list[str] = []
    for word, value in _tokens(rest):
        if not word:
            loose.append(value)
        else:
            query = _said(query, word, value, now, tz)
    query = replace(query, text=search_key("".join(loose)))
    if query.start is not None and query.end is not None and query.start >= query.end:
        raise QueryError("from: is later than to:")
    return query


def unparse(query: Query, tz: dt.tzinfo) -> str:
    """A line that means `query` in the time zone `tz`, whatever the day it is read on."""
    parts = [_quoted(query.text)] if query.text else []
    for name in (*_NAMES, *_KEYS):
        if value := getattr(query, name):
            parts.append(f"{name}:{_quoted(value)}")
    parts += [f"status:{query.status}"] if query.status else []
    parts += [f"kind:{query.kind}"] if query.kind else []
    parts += [f"is:{name}" for name, flag in _FLAGS.items() if flag in query.flags]
    if query.start is not None:
        parts.append(f"from:{_moment_text(query.start, tz)}")
    if query.end is not None:
        parts.append(f"to:{_end_text(query.end, tz)}")
    for sign, cents in ((">=", query.least_cents), ("<", query.below_cents)):
        if cents is not None:
            parts.append(f"value{sign}{amounts.plain(cents)}{query.currency}")
    return " ".join(parts)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Each word (lower case; '' where none is named) with its value."""
    at = 0
    while match := _TOKEN.match(text, at := _after_space(text, at)):
        at = match.end()
        word, quoted, plain = match["word"], match["quoted"], match["plain"]
        if plain and plain[-1] == ":" and plain[:-1].lower() in _WORDS:
            raise QueryError(f"nothing stands after {plain}")
        yield (word or "").lower(), quoted if quoted is not None else plain
    if at < len(text):
        raise QueryError('a " is never closed')


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _said(query: Query, word: str, value: str, now: dt.datetime, tz: dt.tzinfo) -> Query:
    """`query` with one more thing that must be true. Raises QueryError."""
    if word not in _WORDS:
        allowed = ", ".join(f"{each}:" for each in _WORDS)
        raise QueryError(
            f"{_shown(word)}: is not known; known are {allowed}, value>= and value<. "
            'What has a colon in it stands in "quotes"'
        )
    value = " ".join(value.split())
    if not value:
        raise QueryError(f"nothing stands after {word}:")
    if word in _NAMES:
        return _once(query, word, word, value)
    if word in _KEYS:
        return _once(query, word, word, search_key(value))
    if word in _DAYS:
        return _in_days(query, word, value.lower(), now, tz)
    return _in_state(query, word, value.lower())


def _once(query: Query, word: str, name: str, value: object) -> Query:
    """`query` with a field that may be named once, or twice with the same value."""
    if getattr(query, name) not in ("", None, value):
        raise QueryError(f"{word}: stands twice, and a session has one {name}")
    return replace(query, **{name: value})  # type: ignore[arg-type]


def _in_state(query: Query, word: str, value: str) -> Query:
    if word == "status":
        return _once(query, word, "status", _one_of(word, value, tuple(Status)))
    if word == "kind":
        return _once(query, word, "kind", _one_of(word, value, tuple(Kind)))
    value = value.replace("_", "").replace("-", "")
    if value in _FLAGS:
        return replace(query, flags=query.flags | {_FLAGS[value]})
    if value in _STATES:
        return _once(query, word, "status", _STATES[value])
    if value == Kind.RETURN.value:
        return _once(query, word, "kind", Kind.RETURN)
    raise QueryError(f"is:{_shown(value)} is not known; known are {', '.join(_IS)}")


def _one_of(word: str, value: str, allowed: tuple[T, ...]) -> T:
    for each in allowed:
        if each.value == value:
            return each
    raise QueryError(f"{word}:{_shown(value)} is not known; known are {', '.join(allowed)}")


def _in_days(query: Query, word: str, value: str, now: dt.datetime, tz: dt.tzinfo) -> Query:
    start, end = _span(word, value, now, tz)
    if word in ("from", "on"):
        query = _once(query, word, "start", start)
    if word in ("to", "on"):
        query = _once(query, word, "end", end)
    return query


def _span(
    word: str, value: str, now: dt.datetime, tz: dt.tzinfo
) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of the day or minute that `value` names, and the first after it."""
    today = now.astimezone(tz).date()
    try:
        days = {"today": today, "yesterday": today - dt.timedelta(days=1)}
        if "t" in value and value not in days:
            moment = dt.datetime.fromisoformat(value.upper())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=tz)
            return moment.astimezone(dt.UTC), moment.astimezone(dt.UTC)
        day = days[value] if value in days else dt.date.fromisoformat(value)
        return _midnight(day, tz), _midnight(day + dt.timedelta(days=1), tz)
    except (ValueError, OverflowError) as error:
        raise QueryError(
            f"{word}:{_shown(value)} is no day; write today, yesterday, {today} or {today}T08:30"
        ) from error


def _midnight(day: dt.date, tz: dt.tzinfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tz).astimezone(dt.UTC)


def _values(text: str) -> tuple[Query, str]:
    """What the line says of the order's value, and the line without it. Raises QueryError."""
    query = Query()
    outside = text.split('"')
    for at in range(0, len(outside), 2):
        for sign, whole, part, currency in _VALUE.findall(outside[at]):
            cents = int(whole) * 100 + int((part or "0").ljust(2, "0"))
            if sign in (">=", ">"):
                query = _once(query, "value", "least_cents", cents + (sign == ">"))
            else:
                query = _once(query, "value", "below_cents", cents + (sign == "<="))
            if currency:
                query = _once(query, "value", "currency", currency.upper())
        outside[at] = _VALUE.sub(" ", outside[at])
        if re.search(r"\bvalue\s*[<>=:]", outside[at]):
            raise QueryError(
                "after value>= or value< stands an amount: value>=100 or value<20.50EUR"
            )
    return query, '"'.join(outside)


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else '"' + value.replace('"', "") + '"'


def _moment_text(moment: dt.datetime, tz: dt.tzinfo) -> str:
    local = moment.astimezone(tz)
    midnight = _midnight(local.date(), tz) == moment
    return local.date().isoformat() if midnight else local.isoformat()


def _end_text(moment: dt.datetime, tz: dt.tzinfo) -> str:
    """As `_moment_text`; a day that is named is a day that is still in."""
    text = _moment_text(moment, tz)
    if "T" in text:
        return text
    return (dt.date.fromisoformat(text) - dt.timedelta(days=1)).isoformat()


def _shown(text: str) -> str:
    """Outside text for an error's message: short, and nothing that a terminal would obey."""
    return "".join(sign if unicodedata.category(sign)[0] != "C" else "?" for sign in text[:40])
