"""The review of a period as a PDF, to print and to hand round: a cover with the whole, then tables
and bars for each dimension.

PDF/A-2a and PDF/UA-1 with embedded fonts, in English or Chinese; the same review gives the same
bytes all day. Texts go to the page (`review_page.typ`) as strings, which are never read as markup,
and what its fonts cannot draw, or would act on its reader, is spelled out. Knows no archive.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from station.local_time import LOCAL
from storage.claims.review_tables import RATED, Bar, Table, bars, money, rate_text, tables
from storage.evidence.report.glyphs import FAMILIES, font_folder, shown

if TYPE_CHECKING:
    from station.review_period import Period
    from station.ui.archive.words import Words
    from storage.claims.review import Review

MOST_GROUPS: Final = 40
"""Groups that a page's table holds; sheets hold all of them."""
CELL_CHARS: Final = 60
STANDARDS: Final = ("a-2a", "ua-1")


def write_pdf(review: Review, period: Period, path: Path, words: Words) -> None:
    """Write it. Blocks. Raises OSError."""
    path.write_bytes(made(review, period, words))


def made(review: Review, period: Period, words: Words) -> bytes:
    """The PDF."""
    import typst

    content = typst.compile(
        Path(__file__).with_name("review_page.typ").read_bytes(),
        root=font_folder(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=list(STANDARDS),
        sys_inputs={"review": json.dumps(_told(review, period, words))},
    )
    return bytes(content)


@functools.cache
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[font_folder()])


def _told(review: Review, period: Period, words: Words) -> dict[str, Any]:
    def say(key: str) -> str:
        return words.text(f"review.{key}")

    def every(key: str) -> str:
        return say("total" if key == "unknown" else key)

    total, today = review.total, dt.datetime.now(LOCAL).date()
    counts = [("parcels", f"{total.parcels:,}"), ("shipped", f"{review.shipped:,}")]
    params = [("percent", str(review.asked.percent))]
    facts = [
        *((say(f"column.{kind}"), rate_text(total.rate(kind))) for kind in RATED),
        (say("chart"), rate_text(total.any_rate)),
        *(
            (f"{say('won')}, {say(name)}", rate_text(rate, counts=True))
            for name, rate in (("complete", total.complete), ("incomplete", total.incomplete))
        ),
    ]
    lines = [words.text("review.parcels", counts)]
    if review.homeless:
        lines.append(words.text("review.homeless", [("count", f"{review.homeless:,}")]))
    sections = []
    for by, groups in review.groups.items():
        listed = groups[:MOST_GROUPS]
        more = len(groups) - len(listed)
        sections.append({
            "title": say(f"by.{by}"),
            "more": f"… +{more:,}" if more else "",
            "bars": [_bar(each) for each in bars(listed, say)],
            "tables": [_table(each) for each in tables(review, listed, say)],
        })  # fmt: skip
    return {
        "fonts": FAMILIES,
        "language": words.language,
        "date": [today.year, today.month, today.day],
        "title": say("title"),
        "period": words.text("review.subtitle", [("period", period.name or say("ever"))]),
        "lines": lines,
        "facts": [[shown(name), shown(value)] for name, value in facts],
        "money": _table(money(review, [total], every)),
        "chart": say("chart"),
        "sections": sections,
        "notes": [words.text(f"review.note.{name}", params) for name in ("few", "period", "money")],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "texts": table.texts,
        "headings": list(table.headings),
        "rows": [[shown(cell, CELL_CHARS) for cell in row] for row in table.rows],
    }


def _bar(bar: Bar) -> dict[str, Any]:
    parts = (bar.low, bar.share - bar.low, bar.high - bar.share, 1 - bar.high)
    return {
        "label": shown(bar.label, CELL_CHARS),
        "parts": [round(1000 * part) for part in parts],
        "said": bar.said,
        "few": bar.few,
    }
