"""`packwitness review`: what was lost, claimed and won back, and what insurance would have cost.

Part of `station.cli`, which adds it to its group. Reads only.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, told
from station.options import FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from rich.console import RenderableType

    from station.config import Config
    from station.review_period import Period
    from storage.archive import Archive
    from storage.claims.review import Review
    from storage.claims.review_tables import Say
    from storage.claims.review_tally import Group
    from storage.later import Actor

DIMENSIONS: Final = (
    "carrier", "service", "route", "packaging", "bench", "product", "month", "value",
)  # fmt: skip
BAR_CELLS: Final = 30
LABEL_CELLS: Final = 20
LEAST_CELLS: Final = 7
"""Room for a month."""


@click.command()
@click.option("--since", metavar="DAY|MOMENT", help="yesterday, 2026-11-22 or 2026-11-22T22:00.")
@click.option("--until", metavar="DAY|MOMENT", help="The last day, or a moment.")
@click.option("--month", metavar="MONTH", help="A whole month: 2026-10.")
@click.option(
    "--by",
    "dimensions",
    type=click.Choice((*DIMENSIONS, "all")),
    multiple=True,
    help="What to tell parcels apart by; more than once for several.  [default: carrier]",
)
@click.option("--currency", metavar="CODE", default="", help="Only amounts in this one: USD.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True,
    help="Groups that are printed; files hold all of them.",
)  # fmt: skip
@click.option("--csv", "sheet", type=FILE, metavar="FILE", help="Also write it as CSV.")
@click.option("--xlsx", "workbook", type=FILE, metavar="FILE", help="Also write it as a workbook.")
@click.option("--pdf", "page", type=FILE, metavar="FILE", help="Also write it as a PDF, to print.")
@click.option("--language", type=click.Choice(("en", "zh")), default="en", help="Of the PDF.")
@as_json_option
@site
@signed_in_for(Right.CLAIM, reads=True)
def review(
    config: Config,
    archive: Archive,
    _actor: Actor,
    since: str | None,
    until: str | None,
    month: str | None,
    dimensions: tuple[str, ...],
    currency: str,
    limit: int,
    sheet: Path | None,
    workbook: Path | None,
    page: Path | None,
    language: str,
    as_json: bool,
) -> int:
    """Tell how often parcels were lost, damaged or late, what was claimed and won back, and what
    insuring them would have cost.

    A parcel counts in the period in which it was packed last, and so do its claims, whenever they
    were opened. Without a period: all of the archive.
    """
    from station.local_time import LOCAL
    from station.ui.archive.words import Words
    from storage.claims.review import Asked, By

    period = _period(since, until, month)
    code = currency.strip().upper()
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise click.UsageError(f"--currency {currency[:40]!r} is no currency's code, such as USD")
    chosen = DIMENSIONS if "all" in dimensions else dict.fromkeys(dimensions or ("carrier",))
    found = archive.review(
        Asked(
            period.start,
            period.end,
            tuple(By(name) for name in chosen),
            code,
            Decimal(str(config.claims.premium_percent)),
            LOCAL,
        )
    )
    _write(found, period, sheet, workbook, page, Words(language))
    if as_json:
        click.echo(json.dumps(_json(found, period), indent=2))
        return 0
    _print(found, period, limit, Words("en"))
    if not found.total.parcels:
        told("no parcel was packed in this period")
    return 0


COMMANDS: Final[tuple[click.Command, ...]] = (review,)


# ---------------------------------------------------------------------------- what is asked


def _period(since: str | None, until: str | None, month: str | None) -> Period:
    """Raises click.UsageError."""
    from station import review_period

    if month is not None:
        if since is not None or until is not None:
            raise click.UsageError("--month stands alone: leave out --since and --until")
        try:
            return review_period.month(month)
        except ValueError as error:
            raise click.UsageError(f"--month {month[:40]!r} is no month such as 2026-10") from error
    start = None if since is None else _moment("--since", "from", since)
    end = None if until is None else _moment("--until", "to", until)
    if start is not None and end is not None and start >= end:
        raise click.UsageError(f"--until {str(until)[:40]!r} is not after --since")
    name = f"{(since or '')[:40]} – {(until or '')[:40]}" if since or until else ""
    return review_period.Period(start, end, name)


def _moment(option: str, word: str, text: str) -> dt.datetime:
    """Raises click.UsageError."""
    from station.local_time import LOCAL
    from storage.errors import QueryError
    from storage.query import parse

    try:
        query = parse(f'{word}:"{text}"', dt.datetime.now(dt.UTC), LOCAL)
    except QueryError as error:
        raise click.UsageError(str(error)) from error
    moment = query.start if word == "from" else query.end
    if moment is None:
        raise click.UsageError(f"{option} {text[:40]!r} names no day")
    return moment


# ---------------------------------------------------------------------------- what is written


def _write(
    found: Review,
    period: Period,
    sheet: Path | None,
    workbook: Path | None,
    page: Path | None,
    words: Any,
) -> None:
    from station import review_sheet

    for path, write in ((sheet, review_sheet.write_csv), (workbook, review_sheet.write_xlsx)):
        if path is not None:
            write(found, path)
    if page is not None:
        from station.review_page import write_pdf

        write_pdf(found, period, page, words)


def _json(found: Review, period: Period) -> dict[str, Any]:
    """Whole cents are numbers, shares are texts: exact ones."""
    from station.review_sheet import COLUMNS, figures, sections

    lines = [
        {
            name: str(cell) if isinstance(cell, Decimal) else cell
            for name, cell in zip(COLUMNS, line, strict=True)
        }
        for by, groups in sections(found)
        for group in groups
        for line in figures(found, by, group)
    ]
    return {
        "since": None if period.start is None else period.start.isoformat(),
        "until": None if period.end is None else period.end.isoformat(),
        "premium_percent": str(found.asked.percent),
        "orders_shipped": found.shipped,
        "claims_without_parcel": found.homeless,
        "groups": lines,
    }


# ---------------------------------------------------------------------------- what is printed


def _print(found: Review, period: Period, limit: int, words: Any) -> None:
    from rich.console import Console
    from rich.text import Text

    def say(key: str) -> str:
        return str(words.text(f"review.{key}"))

    def every(key: str) -> str:
        return say("every" if key == "unknown" else key)

    console = Console(highlight=False, markup=False, emoji=False)
    title = words.text("review.subtitle", [("period", period.name or say("ever"))])
    counts = [("parcels", f"{found.total.parcels:,}"), ("shipped", f"{found.shipped:,}")]
    console.print(Text(title, "bold"))
    console.print(Text(words.text("review.parcels", counts)))
    if found.homeless:
        count = [("count", f"{found.homeless:,}")]
        console.print(Text(words.text("review.homeless", count)))
    for each in _drawn(found, [found.total], every, console.width):
        console.print(each)
    for by, groups in found.groups.items():
        console.print(Text(f"\n{say(f'by.{by}').upper()}", "bold"))
        for each in _drawn(found, groups[:limit], say, console.width, bars=True):
            console.print(each)
        if len(groups) > limit:
            console.print(Text(f"… and {len(groups) - limit:,} more: set --limit, or --csv"))
    params = [("percent", str(found.asked.percent))]
    notes = [words.text(f"review.note.{name}", params) for name in ("few", "period", "money")]
    console.print(Text("\n" + "\n".join(notes)))


def _drawn(
    found: Review, groups: Sequence[Group], say: Say, cells: int, *, bars: bool = False
) -> Iterator[RenderableType]:
    """The tables about these groups, and a bar for each."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from storage.claims import review_tables

    for table in review_tables.tables(found, groups, say):
        made = Table(
            title=table.name, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False,
            padding=(0, 1, 0, 0), show_edge=False,
        )  # fmt: skip
        # Where room is short names give way, and no figure loses a digit.
        figures = (
            max(len(heading), *(len(row[column]) for row in table.rows)) + 2
            for column, heading in enumerate(table.headings)
            if column >= table.texts
        )
        names = max(LEAST_CELLS, min(LABEL_CELLS, cells - sum(figures)))
        for column, heading in enumerate(table.headings):
            if column < table.texts:
                made.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=names)
            else:
                made.add_column(heading, justify="right", overflow="fold")
        for row in table.rows:
            made.add_row(*(Text(harmless(cell)) for cell in row))
        yield made
        yield Text()
    if bars and groups:
        yield Text(f"{say('chart')}   {say('note.bar')}")
        for bar in review_tables.bars(groups, say):
            name = Text(harmless(bar.label))
            name.truncate(LABEL_CELLS, overflow="ellipsis", pad=True)
            yield Text.assemble(name, " ", bar.drawn(BAR_CELLS).ljust(BAR_CELLS), " ", bar.said)
