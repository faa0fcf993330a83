"""The rules by which claims have deadlines: data, each with its source, its date, its certainty.

Reads `deadlines.toml` beside this file, and a site's own file that adds rules or says something
else in these. Knows no claim and no clock; `deadlines.py` does.
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from storage.claims.claim import ClaimType
from storage.claims.periods import Period, period_of
from storage.errors import DeadlinesUnreadable
from storage.evidence.kit.profiles import Certainty
from storage.site_file import AS_OF, LONGEST_NAME, NAME, SiteFile, text_of

BUILT_IN: Final = "deadlines.toml"
LIMIT_BYTES: Final = 1 << 20


class Do(StrEnum):
    """What must have been done by then."""

    REPORT = "report"
    """The other side must have been told."""
    CLAIM = "claim"
    ANSWER = "answer"
    """What the other side or a customer asks for must have been answered."""
    APPEAL = "appeal"


class Start(StrEnum):
    """From which moment a rule counts."""

    ORDERED = "ordered"
    SHIPPED = "shipped"
    HANDED_OVER = "handed_over"
    EXPECTED = "expected"
    """The parcel was promised for then."""
    DELIVERED = "delivered"
    LAST_STATUS = "last_status"
    HAPPENED = "happened"
    """What is claimed for happened, or a dispute or a return was opened."""
    OPENED = "opened"
    """The claim was opened here."""
    REJECTED = "rejected"
    """The claim was rejected, or approved in part."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One deadline of one body. `starts` are moments, the first known one counts; `opens` says
    not before when; `time_zone` is where its days end, '' for the site's; `own` is True for one
    that the site's file adds or changes."""

    name: str
    who: str
    do: Do
    starts: tuple[Start, ...]
    within: Period
    certainty: Certainty
    as_of: str
    source: str
    portals: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    types: tuple[ClaimType, ...] = tuple(ClaimType)
    opens: Period | None = None
    time_zone: str = ""
    note: str = ""
    own: bool = False


_KEYS: Final = {each.name for each in fields(Rule)} - {"name", "own"}
_NEEDED: Final = ("who", "do", "starts", "within", "certainty", "as_of", "source")


def key_of(name: str) -> str:
    """A portal or a carrier as rules name it: `TikTok Return` is `tiktok-return`."""
    return re.sub(r"[\s_-]+", "-", name.strip().casefold())


def load(extra: Path | None = None) -> dict[str, Rule]:
    """Every rule by its name, in the order of the files: the built-in ones, then those that the
    site's own file `extra` adds. What that file says of a rule that is there already is put over
    what was said of it.

    Raises DeadlinesUnreadable, with the place in the file.
    """
    found = dict(built_in())
    if extra is None:
        return found
    try:
        if extra.stat().st_size > LIMIT_BYTES:
            raise DeadlinesUnreadable(extra, "", "it is far too big for a file of rules")
    except OSError as error:
        raise DeadlinesUnreadable(extra, "", error.strerror or str(error)) from error
    return _Reader(extra, found, own=True).read(text_of(extra, DeadlinesUnreadable))


@functools.cache
def built_in() -> Mapping[str, Rule]:
    """The rules that come with the program."""
    text = resources.files(__package__).joinpath(BUILT_IN).read_text(encoding="utf-8")
    return MappingProxyType(_Reader(Path(BUILT_IN), {}, own=False).read(text))


class _Reader(SiteFile):
    """Reads one file of rules over those that are `known`."""

    unreadable = DeadlinesUnreadable

    def __init__(self, path: Path, known: Mapping[str, Rule], *, own: bool) -> None:
        super().__init__(path)
        self._own = own
        self._found = dict(known)

    def read(self, text: str) -> dict[str, Rule]:
        """All rules. Raises DeadlinesUnreadable."""
        for name, table in self._tables(text).items():
            if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
                self._fail(name[:LONGEST_NAME], "a rule's name is made of a-z, 0-9 and single -")
            if not isinstance(table, dict):
                self._fail(name, "must be a table")
            self._found[name] = self._rule(name, table)
        return self._found

    def _rule(self, name: str, table: dict[str, Any]) -> Rule:
        before = self._found.get(name)
        facts: dict[str, Any] = {}
        if before is not None:
            facts = {each.name: getattr(before, each.name) for each in fields(Rule)}
        for key in table:
            if key not in _KEYS:
                self._fail(f"{name}.{key}", f"is unknown; known are {', '.join(sorted(_KEYS))}")
        for key in _NEEDED:
            if key not in table and before is None:
                self._fail(f"{name}.{key}", f"is missing: a rule has {', '.join(_NEEDED)}")
        facts |= {key: self._value(f"{name}.{key}", key, value) for key, value in table.items()}
        rule = Rule(**{**facts, "name": name, "own": self._own})
        if not rule.portals and not rule.carriers:
            self._fail(name, "names neither portals nor carriers: it is nobody's rule")
        return rule

    def _value(self, place: str, key: str, given: object) -> object:
        if key in ("portals", "carriers"):
            return tuple(key_of(each) for each in self._texts(place, given))
        if key == "types":
            return tuple(ClaimType(each) for each in self._among(place, given, ClaimType))
        if key == "starts":
            listed = [given] if isinstance(given, str) else given
            return tuple(Start(each) for each in self._among(place, listed, Start))
        text = self._text(place, given)
        if key in ("within", "opens"):
            return self._period(place, text)
        if key == "do":
            return Do(*self._among(place, [text], Do))
        if key == "certainty":
            return Certainty(*self._among(place, [text], Certainty))
        if key == "as_of" and not AS_OF.fullmatch(text):
            self._fail(place, 'must be a year, a month or a day, like "2026-11-22"')
        if key == "time_zone":
            self._require_zone(place, text)
        return text

    def _period(self, place: str, text: str) -> Period:
        try:
            return period_of(text)
        except ValueError as error:
            self._fail(place, f"must be a period: {error}")

    def _require_zone(self, place: str, text: str) -> None:
        try:
            zoneinfo.ZoneInfo(text)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            self._fail(place, f'{text!r} is no time zone: write it as "America/New_York"')

    def _among(self, place: str, given: object, allowed: Iterable[str]) -> tuple[str, ...]:
        texts, known = self._texts(place, given), list(allowed)
        if not texts or any(each not in known for each in texts):
            self._fail(place, f"must be some of {', '.join(known)}")
        return texts
