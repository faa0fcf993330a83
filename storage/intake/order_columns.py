"""Which column of an order export means what: known by its source, guessed by its heading, or as
somebody said.

Reads `columns.toml` beside it, the headings and words of platforms. Knows no row and no archive.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from storage.order import OrderStatus

FIELDS: Final[tuple[str, ...]] = (
    "order", "line", "number", "second_number", "sku", "item", "variation", "quantity", "ean",
    "price", "line_total", "value", "refunded", "insured", "currency", "status", "substatus",
    "line_status", "customer", "note", "buyer_note", "platform", "shop", "carrier", "service",
    "origin", "destination", "packaging", "weight", "ordered_at", "due_at", "shipped_at",
    "delivered_at", "cancelled_at",
)  # fmt: skip
"""What a column can be taken for."""
GENERIC: Final = "generic"
_UNIT: Final = re.compile(r"[(（\[][^()（）\[\]]{1,12}[)）\]]\s*$")
_KEPT_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of an export beside its columns; nothing of a `generic` one."""

    name: str = GENERIC
    platform: str = ""
    status: OrderStatus = OrderStatus.UNKNOWN
    """Of an order of which the file says nothing: some exports hold open ones alone."""
    currency: str = ""
    described: bool = False
    """The row below the headings describes them."""
    inherits: bool = False
    """Later rows of an order leave blank what its first one told, its id too."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column means what in files with this header. `columns` are headings as they stand
    there, by field; `places` where they stand; `key` is what the header is known by."""

    source: Source
    columns: dict[str, str]
    places: dict[str, int]
    key: str
    width: int
    """How many cells the header has."""
    how: str
    """`known` (by its source), `guessed`, `saved`, or `said`, where somebody just did."""


def plain(heading: str) -> str:
    """A heading as it is compared: without case, spaces and punctuation."""
    text = unicodedata.normalize("NFKC", heading[:_KEPT_CHARS]).casefold()
    return "".join(sign for sign in text if sign.isalnum())


def key_of(header: Sequence[str]) -> str:
    """What a header is known by, whatever its case, spaces and empty cells at the end."""
    names = [plain(each) for each in header]
    while names and not names[-1]:
        names.pop()
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def understood(
    header: Sequence[str],
    saved: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
) -> Columns | None:
    """What the columns below a header mean; None for one that has no column of order ids, nothing
    beside it, or not every heading in `said`.

    `said` (headings by field, '' for none) counts before `saved`, and that before what is known
    and guessed.
    """
    names: dict[str, int] = {}
    for place, heading in enumerate(header):
        if name := plain(heading):
            names.setdefault(name, place)
    bare = {plain(_UNIT.sub("", heading)): place for place, heading in enumerate(header)}
    source, listed = _source(names)
    if saved is not None:
        found = {field: names[plain(name)] for field, name in saved.items() if plain(name) in names}
        how = "saved"
    else:
        found = _places(listed, names)
        how = "known"
        if source.name == GENERIC:
            how = "guessed"
            _guess(found, {**bare, **names})
    for field, name in (said or {}).items():
        how = "said"
        if not name:
            found.pop(field, None)
        elif plain(name) not in names:
            return None
        else:
            found[field] = names[plain(name)]
    if "order" not in found or len(found) < 2:
        return None
    places = {field: found[field] for field in FIELDS if field in found}
    columns = {field: header[place].strip() for field, place in places.items()}
    return Columns(source, columns, places, key_of(header), len(header), how)


def _source(names: Mapping[str, int]) -> tuple[Source, Mapping[str, Sequence[str]]]:
    for source, known_by, listed in _sources():
        if all(name in names for name in known_by):
            return source, listed
    return Source(), {}


def _places(listed: Mapping[str, Sequence[str]], names: Mapping[str, int]) -> dict[str, int]:
    found = {}
    for field, headings in listed.items():
        for heading in headings:
            if (name := plain(heading)) in names:
                found[field] = names[name]
                break
    return found


def _guess(found: dict[str, int], names: Mapping[str, int]) -> None:
    """Add what the headings make likely; no column is taken for two things."""
    for field, place in _places(_told()["heading"], names).items():
        if field not in found and place not in found.values():
            found[field] = place


@cache
def _told() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "columns.toml").read_text("utf-8"))


@cache
def _sources() -> list[tuple[Source, tuple[str, ...], dict[str, list[str]]]]:
    return [
        (
            Source(
                each["name"],
                each.get("platform", ""),
                OrderStatus(each.get("status", "")),
                each.get("currency", ""),
                each.get("described", False),
                each.get("inherits", False),
            ),
            tuple(map(plain, each["known_by"])),
            each["columns"],
        )
        for each in _told()["source"]
    ]


# ---------------------------------------------------------------------------- statuses


@cache
def _statuses() -> dict[str, OrderStatus]:
    return {
        _word(word): OrderStatus(status)
        for status, words in _told()["status"].items()
        for word in words
    }


def _word(text: str) -> str:
    # Marks are kept: in Thai they are vowels.
    folded = unicodedata.normalize("NFKC", text[:_KEPT_CHARS]).casefold()
    return re.sub(r"[\s_\-.,/&()]+", "", folded)


def status_named(text: str) -> OrderStatus:
    """What a platform's word for a status means; UNKNOWN for one that is not listed."""
    return _statuses().get(_word(text), OrderStatus.UNKNOWN)
