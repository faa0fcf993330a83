"""What every part of a package's page is built of: escaped text, links, tables, times, verdicts.

Every text that comes from outside is hostile until it went through `visible` or `outside`.
"""

from __future__ import annotations

import datetime as dt
import html
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from storage.evidence.page.words import Part, joined, known, said, say, show
from storage.records import utc_text

HARMFUL = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
"""Unicode categories that draw nothing, break lines, reorder what stands beside them, or drive a
terminal."""
OPENED = re.compile(
    r".+\.(3gp|7z|amr|avi|avif|bin|bmp|csv|docx?|eml|gif|gz|hei[cf]|jpg|json|m4a|mkv|mov|mp[34g]|msg"
    r"|od[st]|ogg|ole|pdf|png|pptx|rar|rtf|sig|tif|txt|wav|webp|xlsx?|zip)"
)
"""Names of files in which no browser runs anything, as it would in a web page or an XML file."""
GOOD, BAD, DOUBT, PLAIN = "good", "bad", "doubt", "plain"
"""How a verdict looks; each has its sign, so that nobody needs to see its colour."""
SIGNS = {GOOD: "✔", BAD: "✘", DOUBT: "!", PLAIN: "•"}


def harmless(text: str) -> str:
    """`text` with every character spelled out that could act on its reader; not escaped."""
    return "".join(
        f"\\u{{{ord(char):X}}}"
        if unicodedata.category(char) in HARMFUL or not char.isprintable()
        else char
        for char in text
    )


def visible(text: str) -> str:
    """`text` for HTML: harmless, and escaped."""
    return html.escape(harmless(text))


def outside(text: str) -> str:
    """`visible` text whose writing direction does not reorder what stands beside it."""
    return f"<bdi>{visible(text)}</bdi>"


def code(text: str) -> str:
    """A number or hash, to be compared sign by sign."""
    return f"<code>{visible(text)}</code>"


def grouped(digest: str) -> str:
    """A fingerprint in groups of four, for eyes that compare."""
    digits = digest.upper()
    groups = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return f'<code class="print">{visible(groups)}</code>'


def bad(content: str) -> str:
    """HTML that must not be overlooked."""
    return f'<span class="alarm">{content}</span>'


def sign(verdict: str) -> str:
    """The sign of a verdict; words beside it say it as well."""
    return f'<span class="sign {verdict}" aria-hidden="true">{SIGNS[verdict]}</span>'


def listed(texts: Iterable[str]) -> str:
    """Texts from outside in one line; a dash for none."""
    return ", ".join(outside(text) for text in texts) or "–"


def url(name: str) -> str:
    """A file of the package as an attribute's value."""
    return html.escape(quote(name))


def link(name: str, content: str) -> str:
    """HTML that opens a file of the package, unless a browser could run what is in it."""
    if not OPENED.fullmatch(name):
        return content
    return f'<a href="{url(name)}">{content}</a>'


def table(rows: Iterable[tuple[str, str]]) -> str:
    """A table of names, by their words' keys, and values, which are HTML."""
    lines = "".join(
        f'<tr><th scope="row">{say(key)}</th><td>{value}</td></tr>' for key, value in rows
    )
    return f'<table class="facts">{lines}</table>'


def grid(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table with a head, by its words' keys, whose cells are HTML."""
    head = "".join(f'<th scope="col">{say(key)}</th>' for key in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def time(moment: dt.datetime | None) -> str:
    """A moment for people, to the second, in UTC; the page's script can show it in local time."""
    if moment is None:
        return "–"
    exact = utc_text(moment)
    shown = exact[:19].replace("T", " ")
    return f'<time datetime="{exact}">{shown} UTC</time>'


def clock(moment: dt.datetime) -> str:
    """A moment's time of day, to the second, in UTC."""
    exact = utc_text(moment)
    return f'<time datetime="{exact}" data-as="clock">{exact[11:19]}</time>'


def day(moment: dt.datetime) -> str:
    """A moment's date, in UTC."""
    exact = utc_text(moment)
    return f'<time datetime="{exact}" data-as="day">{exact[:10]}</time>'


def zoned(moment: dt.datetime) -> str:
    """A moment's time of day with its zone."""
    exact = utc_text(moment)
    return f'<time datetime="{exact}" data-as="zoned">{exact[11:19]} UTC</time>'


def length(duration_ms: float) -> str:
    """A duration: `12.3 s`, `3:05`, `1:02:03`."""
    seconds = max(round(duration_ms / 1000), 0)
    if seconds < 60:
        return f"{max(duration_ms, 0) / 1000:.1f} s"
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def size(count_bytes: int) -> str:
    """A size for people, in units of 10^3."""
    amount = float(count_bytes)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def slot(name: str) -> Part:
    """What a photo must show: the bench's word for it, translated where it is a usual one."""
    return said(f"slot.{name}") if known(f"slot.{name}") else outside(name)


def carrier(name: str | None) -> str:
    """A carrier by the name that it is known by; a dash for none."""
    if not name:
        return "–"
    return say(f"carrier.{name}") if known(f"carrier.{name}") else outside(name)


def slots(names: Iterable[str]) -> Part:
    """Several of them."""
    return joined(slot(name) for name in names)


def shown(part: Part) -> str:
    """HTML that shows a part on its own."""
    if isinstance(part, str):
        return part
    return show(*part)
