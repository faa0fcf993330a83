"""What every part of a package's page is built of: escaped text, two languages, tables, times.

Every text that comes from outside is hostile until it went through `visible`.
"""

from __future__ import annotations

import datetime as dt
import html
import unicodedata
from collections.abc import Iterable

from storage.records import utc_text

HARMFUL = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
"""Unicode categories that draw nothing, break lines, reorder what stands beside them, or drive a
terminal."""


def visible(text: str) -> str:
    """`text` for HTML: escaped, and every character that could act on its reader spelled out."""
    shown = "".join(
        f"\\u{{{ord(char):X}}}" if unicodedata.category(char) in HARMFUL else char for char in text
    )
    return html.escape(shown)


def both(english: str, chinese: str) -> str:
    """The same in English and in Chinese."""
    return f'{english} <span class="zh" lang="zh">{chinese}</span>'


def bad(content: str) -> str:
    """HTML that must not be overlooked."""
    return f'<span class="bad">{content}</span>'


def table(rows: Iterable[tuple[str, str, str]]) -> str:
    """A table of names (English, Chinese) and values, which are HTML."""
    lines = "".join(f"<tr><th>{both(en, zh)}</th><td>{value}</td></tr>" for en, zh, value in rows)
    return f"<table>{lines}</table>"


def time(moment: dt.datetime | None) -> str:
    """A moment for people, in UTC."""
    return "–" if moment is None else utc_text(moment).replace("T", " ").replace("Z", " UTC")
