"""What a single cell of an order export says: tracking numbers, texts, quantities, weights.

Pure: a hostile text in, a value or None out. Knows no row.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from storage.rows import search_key
from storage.weights import GRAMS

NUMBER_FORM: Final = re.compile(r"[0-9A-Z][0-9A-Z-]{3,49}")
SCIENTIFIC: Final = re.compile(r"\d(\.\d+)?E\+\d+")
"""What a spreadsheet makes of a long number; its digits are lost."""
ID_CHARS: Final = 100
TEXT_CHARS: Final = 500
NUMBERS_CHARS: Final = 2_000
MOST_NUMBERS: Final = 50
"""Parcels of one order that one cell may name."""

_EDGES: Final = " \t\r\n\v\f\xa0\u3000\ufeff\u200b\u200e\u200f\u202a\u202c\u2060"
"""What stands around a text without being seen."""
_GUARDED: Final = re.compile(r'="([^"]*)"')
"""How exports keep spreadsheet programs from counting with an id."""
_NOTHING: Final = frozenset(
    {"-", "--", "—", "/", "\\", "n/a", "na", "none", "null", "nil", "无", "暂无", "#n/a",
     "0000-00-00", "0000-00-00 00:00:00"}
)  # fmt: skip
_ODD: Final = frozenset("='") | {each[0] for each in _NOTHING} | {"N", "无"}
_APART: Final = re.compile(r"[,;、，；\r\n]+")
_PERHAPS: Final = re.compile(r"[\s/|]+")
_PREFIX: Final = re.compile(r"No[:：.]\s*", re.IGNORECASE)
_QUANTITY: Final = re.compile(r"([0-9]{1,6})(?:[.,]0+)?", re.ASCII)
_WEIGHT: Final = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,6}))?\s*([a-z克千公斤]{0,9})\.?")
_GRAMS: Final = {
    **GRAMS, "gram": GRAMS["g"], "grams": GRAMS["g"], "克": GRAMS["g"],
    "kgs": GRAMS["kg"], "千克": GRAMS["kg"], "公斤": GRAMS["kg"],
}  # fmt: skip
MOST_G: Final = 10_000_000


def clean(cell: str) -> str:
    """A cell without what surrounds it: spaces, a TAB, the guards of a spreadsheet. A cell that
    says that there is nothing is ''."""
    text = cell.strip(_EDGES)
    if not text or text[0] not in _ODD:  # nearly all of them
        return text
    if text[0] == "=":
        guarded = _GUARDED.fullmatch(text)
        text = text if guarded is None else guarded[1].strip(_EDGES)
    elif text[0] == "'" and len(text) > 1:
        text = text[1:].strip(_EDGES)
    return "" if len(text) < 20 and text.casefold() in _NOTHING else text


def kept(text: str, chars: int = TEXT_CHARS) -> str:
    """A text for people, in one line of at most so many signs."""
    if len(text) <= chars and text.isprintable():
        return text
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * chars])
    return " ".join(plain.split())[:chars]


def is_id(text: str) -> bool:
    """True for what can be an order's id or an article's."""
    return len(text) <= ID_CHARS and text.isprintable() and "\ufffd" not in text


def numbers_of(text: str) -> tuple[list[str], list[str]]:
    """The tracking numbers in a cell, as they are looked up, and what in it is none.

    A space or a slash parts numbers where each is long enough; otherwise it is one that was written
    with spaces, as carriers print them. What has no digit is none.
    """
    good: dict[str, None] = {}
    bad = []
    for part in _APART.split(text[:NUMBERS_CHARS]):
        words = [_PREFIX.sub("", part.strip(_EDGES), count=1)]
        split = _PERHAPS.split(words[0])
        if len(split) > 1 and all(map(_is_long, split)):
            words = split
        for word in words:
            key = search_key(word)
            if not key:
                continue
            if NUMBER_FORM.fullmatch(key) and not key.isalpha() and not SCIENTIFIC.fullmatch(key):
                good[key] = None
            else:
                bad.append(word)
    if len(text) > NUMBERS_CHARS or len(good) > MOST_NUMBERS:
        return [], [text]
    return list(good), bad


def _is_long(word: str) -> bool:
    """True for what is a number by itself, and no part of one."""
    whole = len(word) >= 8 and NUMBER_FORM.fullmatch(word.upper())
    return bool(whole) and sum(map(str.isdigit, word)) >= 4


def quantity_of(text: str) -> int | None:
    """A number of pieces; None for what is none."""
    match = _QUANTITY.fullmatch(text)
    return None if match is None else int(match[1])


def grams_of(text: str, unit: str = "") -> int | None:
    """A weight in whole grams; None for what is none, or has no unit, which `unit` is otherwise."""
    match = _WEIGHT.fullmatch(text[:40].strip().casefold())
    factor = None if match is None else _GRAMS.get(match[3] or unit)
    if match is None or factor is None:
        return None
    grams = Decimal(f"{match[1]}.{match[2] or 0}") * factor
    whole = int(grams.quantize(Decimal(1), ROUND_HALF_UP))
    return whole if whole <= MOST_G else None


def unit_in(heading: str) -> str:
    """The unit of weight that a heading names, or ''."""
    words = re.findall(r"[a-z]+|[克千公斤]+", heading.casefold())
    return next((word for word in reversed(words) if word in _GRAMS), "")
