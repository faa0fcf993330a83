"""A query as a person reads it back: what was understood of the line that was typed. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from storage.amounts import worded

if TYPE_CHECKING:
    from station.ui.archive.words import Words
    from storage.query import Query


WORDS: Final = (
    "packer:", "bench:", "carrier:", "order:", "sku:", "customer:", "status:", "kind:", "from:",
    "to:", "on:", "is:", "value>=", "value<",
)  # fmt: skip
"""What may stand before a value in the line."""


def unfinished(text: str) -> bool:
    """Whether the line ends in the beginning of one of `WORDS`."""
    last = text.split(" ")[-1]
    return bool(last) and any(word.startswith(last) for word in WORDS)


def understood(query: Query, words: Words, zone: dt.tzinfo) -> str:
    """What the query asks for, in words; '' when it asks for everything."""
    parts = []
    for name in ("text", "packer", "bench", "carrier", "order", "sku", "customer"):
        if value := getattr(query, name):
            parts.append(words.text(f"understood.{name}", [("value", value)]))
    if query.status is not None:
        parts.append(words.text(f"status.{query.status.value}"))
    if query.kind is not None:
        parts.append(words.text(f"kind.{query.kind.value}"))
    parts += sorted(words.text(f"flag.{flag.value}") for flag in query.flags)
    parts += _days(query, words, zone)
    for name, cents in (("least", query.least_cents), ("below", query.below_cents)):
        if cents is not None:
            amount = worded(cents, query.currency)
            parts.append(words.text(f"understood.{name}", [("value", amount)]))
    return " · ".join(parts)


def _days(query: Query, words: Words, zone: dt.tzinfo) -> list[str]:
    start, end = query.start, query.end
    first = None if start is None else start.astimezone(zone)
    last = None if end is None else (end - dt.timedelta(milliseconds=1)).astimezone(zone)
    if first and last and first.date() == last.date():
        return [f"{first:%Y-%m-%d}"]
    said = []
    if first:
        said.append(words.text("understood.from", [("value", f"{first:%Y-%m-%d %H:%M}")]))
    if last:
        said.append(words.text("understood.to", [("value", f"{last:%Y-%m-%d %H:%M}")]))
    return said
