"""What portals, carriers and banks accept as evidence: data, each limit with its source and date.

Reads `profiles.toml` beside this file, and a site's own file that adds profiles or puts other
limits into these. A profile may build on another one and says only what is different. Knows no
session and makes no file; `kit.py` does, and holds what it made against these limits.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from storage.errors import ProfilesUnreadable
from storage.site_file import AS_OF, LONGEST_NAME, NAME, SiteFile, text_of

BUILT_IN: Final = "profiles.toml"
SLOT_NAME: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
TYPES: Final = ("jpg", "mp4", "pdf", "png", "mov", "gif", "tif", "bmp", "docx", "heic", "zip")


class Kind(StrEnum):
    """What a profile asks for."""

    COMPLETE = "complete"
    """The signed evidence package."""
    VIDEO = "video"
    STILLS = "stills"
    SLOTS = "slots"
    """Photos that each must show something named."""
    PDF = "pdf"


class Certainty(StrEnum):
    """How sure a limit is."""

    OFFICIAL = "official"
    """Read on the body's own page."""
    TREATY = "treaty"
    SECOND_HAND = "second-hand"
    """Somebody else's report."""
    CONFLICT = "conflict"
    """Sources disagree; the strictest of them stands here."""
    UNCONFIRMED = "unconfirmed"
    OWN = "own"
    """Nobody's rule but ours, or the site's."""


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    en: str
    zh: str

    def said(self, language: str) -> str:
        """The text in `language`: Chinese for `zh`, else English."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that a profile demands. `name` is one of LIMITS; `as_of` a year, a month or a day,
    `YYYY[-MM[-DD]]`: of the source, or of when it was looked up; `note` says how it was read."""

    name: str
    value: int | bool | str | tuple[str, ...]
    source: str
    as_of: str
    certainty: Certainty
    note: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A photo that must show something named. It is the shot of the first of `shots` (shot slots of
    the bench) that was taken, else a picture that was filed later under the group `media` and whose
    file name holds one of `documents` (lower case)."""

    name: str
    title: Words
    shots: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What one place accepts. `kinds` are what is made for it, the main one first; `session` is the
    kind of session that it is about, `base` the profile that it builds on or ''; `own` is True for
    one that the site's file adds or changes."""

    name: str
    title: Words
    about: Words
    kinds: tuple[Kind, ...]
    limits: Mapping[str, Limit]
    slots: tuple[Slot, ...] = ()
    session: str = "packing"
    base: str = ""
    own: bool = False

    @property
    def kind(self) -> Kind:
        """The main one of what is made for it."""
        return self.kinds[0]

    def most(self, name: str) -> int | None:
        """The number of the limit of that name; None where there is none."""
        limit = self.limits.get(name)
        return limit.value if limit is not None and type(limit.value) is int else None

    def wants(self, name: str) -> bool:
        """True when the limit of that name is there and is `true`."""
        limit = self.limits.get(name)
        return limit is not None and limit.value is True

    def takes(self, ending: str) -> bool:
        """True unless the profile lists file types and this one (`jpg`) is not among them."""
        limit = self.limits.get("types")
        return limit is None or not isinstance(limit.value, tuple) or ending in limit.value

    @property
    def certainty(self) -> Certainty:
        """How sure the least sure of its limits on files is, of those that are not our own choice;
        OWN where all of them are. What is asked for, and until when, says so for itself."""
        order = list(Certainty)
        grades = {each.certainty for each in self.limits.values() if each.name not in SAID}
        return max(grades - {Certainty.OWN}, key=order.index, default=Certainty.OWN)


LIMITS: Final[Mapping[str, tuple[type, str]]] = MappingProxyType(
    {
        "files": (int, "files in all"),
        "file_bytes": (int, "bytes of each file"),
        "total_bytes": (int, "bytes of all files together"),
        "types": (list, "file types that are taken"),
        "video_ms": (int, "milliseconds of a video"),
        "video_bytes": (int, "bytes of a video"),
        "video_height_px": (int, "pixels of a video's shorter side"),
        "cover": (bool, "a picture that stands for the video"),
        "pictures": (int, "pictures"),
        "picture_bytes": (int, "bytes of each picture"),
        "picture_edge_px": (int, "pixels of a picture's longer side"),
        "pages": (int, "pages of a PDF"),
        "pdf_bytes": (int, "bytes of a PDF"),
        "black_and_white": (bool, "no colours and no greys"),
        "deadline": (str, "until when"),
        "asks": (str, "what is asked for"),
    }
)
"""Every limit that a profile can have: the type of its value, and what it counts."""
SAID: Final = ("deadline", "asks")
"""Limits that only a person can keep."""
_PROFILE_KEYS: Final = {"title", "about", "kinds", "base", "session", "slots", "limits"}
_LIMIT_KEYS: Final = {"value", "source", "as_of", "certainty", "note"}
_SLOT_KEYS: Final = {"name", "title", "shots", "documents"}
_SESSIONS: Final = ("packing", "return")


def load(extra: Path | None = None) -> dict[str, Profile]:
    """Every profile by its name, in the order of the files: the built-in ones, then those that the
    site's own file `extra` adds. A profile of that file that is there already gets its limits, and
    what else it says, put over the old ones.

    Raises ProfilesUnreadable, with the place in the file.
    """
    found = dict(_built_in())
    if extra is None:
        return found
    return _Reader(extra, found).read(text_of(extra, ProfilesUnreadable))


@functools.cache
def _built_in() -> Mapping[str, Profile]:
    text = resources.files(__package__).joinpath(BUILT_IN).read_text(encoding="utf-8")
    return MappingProxyType(_Reader(Path(BUILT_IN), {}).read(text))


class _Reader(SiteFile):
    """Reads one file of profiles over those that are `known`."""

    unreadable = ProfilesUnreadable

    def __init__(self, path: Path, known: Mapping[str, Profile]) -> None:
        super().__init__(path)
        self._own = bool(known)
        self._found = dict(known)

    def read(self, text: str) -> dict[str, Profile]:
        """All profiles. Raises ProfilesUnreadable."""
        for name, table in self._tables(text).items():
            if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
                self._fail(name, "a profile's name is made of a-z, 0-9 and single -")
            self._found[name] = self._profile(name, self._table(name, table, _PROFILE_KEYS))
        return self._found

    def _profile(self, name: str, table: dict[str, Any]) -> Profile:
        before = self._found.get(name)
        base = table.get("base", before.base if before else "")
        under = before
        if "base" in table or before is None:
            under = self._found.get(base)
            if base and (under is None or base == name):
                self._fail(f"{name}.base", f"there is no profile {base!r} above it")
        limits = dict(under.limits) if under else {}
        for key, limit in self._table(f"{name}.limits", table.get("limits", {}), LIMITS).items():
            limits[key] = self._limit(f"{name}.limits.{key}", key, limit)
        kinds = self._kinds(name, table, under)
        slots = under.slots if under else ()
        if "slots" in table:
            slots = self._slots(f"{name}.slots", table["slots"])
        if Kind.SLOTS in kinds and not slots:
            self._fail(f"{name}.slots", "is missing: which photos are asked for")
        session = table.get("session", under.session if under else "packing")
        if session not in _SESSIONS:
            self._fail(f"{name}.session", f"must be one of {', '.join(_SESSIONS)}")
        title = self._words(f"{name}.title", table, before.title if before else None)
        about = self._words(f"{name}.about", table, before.about if before else Words("", ""))
        return Profile(
            name, title, about, kinds, MappingProxyType(limits), slots, session, base, self._own
        )

    def _kinds(self, name: str, table: dict[str, Any], under: Profile | None) -> tuple[Kind, ...]:
        given = table.get("kinds", [kind.value for kind in under.kinds] if under else None)
        known = [kind.value for kind in Kind]
        if (
            not isinstance(given, list)
            or not given
            or any(each not in known for each in given)
            or len(set(given)) != len(given)
            or (Kind.COMPLETE in given and len(given) > 1)
        ):
            self._fail(
                f"{name}.kinds",
                f"must list what is made: complete alone, or {', '.join(known[1:])}",
            )
        return tuple(Kind(each) for each in given)

    def _limit(self, place: str, name: str, given: object) -> Limit:
        table = self._table(place, given, _LIMIT_KEYS)
        for key in ("value", "source", "as_of", "certainty"):
            if key not in table:
                self._fail(
                    f"{place}.{key}", "is missing: a limit has value, source, as_of, certainty"
                )
        value: Any = table["value"]
        wanted, _ = LIMITS[name]
        if not _is_a(wanted, value):
            self._fail(f"{place}.value", f"must be {_SPOKEN[wanted]}, not {value!r}")
        if wanted is int and not 0 < value < 1 << 53:
            self._fail(f"{place}.value", f"must be more than 0, not {value}")
        if wanted is list:
            if not value or any(each not in TYPES for each in value):
                self._fail(f"{place}.value", f"must list some of {', '.join(TYPES)}")
            value = tuple(value)
        if wanted is str:
            value = self._text(f"{place}.value", value)
        if table["certainty"] not in list(Certainty):
            self._fail(f"{place}.certainty", f"must be one of {', '.join(Certainty)}")
        as_of = str(table["as_of"])
        if not AS_OF.fullmatch(as_of):
            self._fail(f"{place}.as_of", 'must be a year, a month or a day, like "2026-11-22"')
        return Limit(
            name,
            value,
            self._text(f"{place}.source", table["source"]),
            as_of,
            Certainty(table["certainty"]),
            self._text(f"{place}.note", table.get("note", " ")).strip(),
        )

    def _slots(self, place: str, given: object) -> tuple[Slot, ...]:
        if not isinstance(given, list) or not given:
            self._fail(place, "must be a list of tables")
        slots = []
        for count, each in enumerate(given, start=1):
            at = f"{place}[{count}]"
            table = self._table(at, each, _SLOT_KEYS)
            name = self._text(f"{at}.name", table.get("name"))
            if not SLOT_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
                self._fail(f"{at}.name", "is made of a-z, 0-9 and single _")
            shots = self._texts(f"{at}.shots", table.get("shots", []))
            documents = self._texts(f"{at}.documents", table.get("documents", []))
            title = self._words(f"{at}.title", table, None)
            lowered = tuple(word.casefold() for word in documents)
            slots.append(Slot(name, title, shots, lowered))
        if len({slot.name for slot in slots}) != len(slots):
            self._fail(place, "names a slot twice")
        return tuple(slots)

    def _words(self, place: str, table: dict[str, Any], old: Words | None) -> Words:
        given = table.get(place.rpartition(".")[2])
        if given is None and old is not None:
            return old
        both = self._table(place, {} if given is None else given, {"en", "zh"})
        english = self._text(f"{place}.en", both.get("en"))
        return Words(english, self._text(f"{place}.zh", both.get("zh", english)))

    def _table(
        self, place: str, given: object, allowed: set[str] | Mapping[str, object]
    ) -> dict[str, Any]:
        if not isinstance(given, dict):
            self._fail(place, "must be a table")
        for key in given:
            if key not in allowed:
                self._fail(f"{place}.{key}", f"is unknown; known are {', '.join(sorted(allowed))}")
        return given


def _is_a(wanted: type, value: object) -> bool:
    """True for a value of just that type: to Python true is a whole number, too."""
    return type(value) is wanted


_SPOKEN: Final = {int: "a whole number", bool: "true or false", str: "a text", list: "a list"}
