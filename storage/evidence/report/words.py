"""What the report says, in one language or in both; the words are `words.toml`'s.

Also how it writes moments, lengths and sizes. Knows no fact.
"""

from __future__ import annotations

import datetime as dt
import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Final, Literal

from storage.evidence.report.glyphs import shown

Language = Literal["both", "en", "zh"]
Said = list[str]
"""One text in each language that is spoken."""
SPOKEN: Final[Mapping[Language, tuple[str, ...]]] = {
    "both": ("en", "zh"),
    "en": ("en",),
    "zh": ("zh",),
}
JOINTS: Final = {"en": ", ", "zh": "、"}


class Words:
    """The words of one report."""

    def __init__(self, language: Language) -> None:
        self._spoken = SPOKEN[language]

    def said(self, key: str, /, **facts: str | int | Said) -> Said:
        """The text of `key` in each language. A fact that is Said goes in language by language; of
        other facts whatever could act on a reader is spelled out."""
        return [
            _words()[key][language].format_map(
                {name: _in(fact, place) for name, fact in facts.items()}
            )
            for place, language in enumerate(self._spoken)
        ]

    def plain(self) -> dict[str, Said]:
        """All texts into which nothing is filled, by their keys."""
        return {key: self.said(key) for key, each in _words().items() if "{" not in each["en"]}

    def listed(self, texts: list[Said]) -> Said:
        """All of the texts in one, language by language."""
        return [
            JOINTS[language].join(text[place] for text in texts)
            for place, language in enumerate(self._spoken)
        ]

    def slot(self, name: str) -> Said:
        """A shot slot: in words where it is a usual one, else as it is called."""
        key = f"slot_{name}"
        return self.said(key) if key in _words() else self.said("other_slot", slot=name)


def day(moment: dt.datetime) -> str:
    """2026-11-22"""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d}"


def clock(moment: dt.datetime) -> str:
    """12:04:11, in UTC"""
    return f"{moment.astimezone(dt.UTC):%H:%M:%S}"


def moment(at: dt.datetime) -> str:
    """2026-11-22 12:04:11 UTC"""
    return f"{day(at)} {clock(at)} UTC"


def fine(at: dt.datetime) -> str:
    """12:04:11.042, in UTC"""
    return f"{clock(at)}.{at.microsecond // 1000:03d}"


def length(milliseconds: float) -> str:
    """A duration: 12.3 s, 3:07, 1:02:09."""
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def place(milliseconds: int) -> str:
    """Where in a file: 0:12.3, as players count."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000 // 100}"


def count(number: int) -> str:
    """12,345,678"""
    return f"{number:,}"


def grouped(digits: str, size: int = 4) -> str:
    """Digits in groups, to be compared by eye."""
    return " ".join(digits[at : at + size] for at in range(0, len(digits), size))


def _in(fact: str | int | Said, at: int) -> str:
    return fact[at] if isinstance(fact, list) else shown(str(fact))


@functools.cache
def _words() -> Mapping[str, Mapping[str, str]]:
    text = resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
