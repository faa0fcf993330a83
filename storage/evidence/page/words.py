"""What a package's page says, in English and in Chinese: the words of `viewer/words.toml`.

Knows no package. Words are escaped here; what is filled into them must be HTML already.
"""

from __future__ import annotations

import functools
import html
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources

VIEWER = "storage.evidence.page.viewer"
SCRIPT = "script"
"""The table of the words that the page's script says."""


@functools.cache
def _tables() -> Mapping[str, Mapping[str, list[str]]]:
    text = resources.files(VIEWER).joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def pair(key: str) -> tuple[str, str]:
    """The English and the Chinese words of `table.key`, as plain text. Raises KeyError."""
    table, _, name = key.partition(".")
    english, chinese = _tables()[table][name]
    return english, chinese


def known(key: str) -> bool:
    """True where there are words of this key: what a bench calls its slots, it may have made up."""
    table, _, name = key.partition(".")
    return name in _tables().get(table, {})


Part = str | tuple[str, str]
"""HTML that is filled into words: the same in both languages, or English and Chinese."""


def say(key: str, **parts: Part) -> str:
    """HTML that says it in both languages, of which the page shows one where its script runs.

    Raises KeyError.
    """
    return show(*said(key, **parts))


def show(english: str, chinese: str) -> str:
    """HTML that holds both, of which the page shows one where its script runs."""
    if english == chinese:
        return english
    return f'<span class="en">{english}</span><span class="zh" lang="zh"> {chinese}</span>'


def said(key: str, **parts: Part) -> tuple[str, str]:
    """HTML that says it in English, and in Chinese, to fill into other words. Raises KeyError."""
    both = [
        {name: part if isinstance(part, str) else part[at] for name, part in parts.items()}
        for at in (0, 1)
    ]
    english, chinese = (
        html.escape(words).format_map(filled) for words, filled in zip(pair(key), both, strict=True)
    )
    return english, chinese


def joined(parts: Iterable[Part]) -> Part:
    """Several parts as a list in words; a dash for none."""
    pairs = [(part, part) if isinstance(part, str) else part for part in parts]
    if not pairs:
        return "–"
    return ", ".join(english for english, _ in pairs), "、".join(chinese for _, chinese in pairs)


def labelled(key: str) -> str:
    """The attributes that name an element for those who do not see it, in both languages."""
    english, chinese = (html.escape(words) for words in pair(key))
    return f'aria-label="{english} {chinese}" data-en="{english}" data-zh="{chinese}"'


def script_words() -> Mapping[str, list[str]]:
    """What the page's script says, by key."""
    return _tables()[SCRIPT]
