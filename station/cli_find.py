"""`packwitness find` and `packwitness shift`: what is in the archive, and how a day went."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, not_found, progress_bar, session_table, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.later import Actor
    from storage.query import Query
    from storage.search import Hit, Page


def _asking(command: Callable[..., int]) -> Callable[..., int]:
    """`command`, refused before the archive is opened where nothing was asked."""

    @functools.wraps(command)
    def asking(config: Config, text: Sequence[str], **options: Any) -> int:
        instead = any(options[name] for name in ("named", "listing", "forget", "index"))
        if not instead and not "".join(text).strip():
            raise click.UsageError("Missing argument 'TEXT'.")
        return command(config, text=text, **options)

    return asking


@click.command()
@click.argument("text", nargs=-1)
@click.option("--filter", "named", metavar="NAME", help="Search by a filter that has a name.")
@click.option("--filters", "listing", is_flag=True, help="List the filters that have a name.")
@click.option("--save", metavar="NAME", help="Keep TEXT as a filter of this name.")
@click.option("--forget", metavar="NAME", help="Forget the filter of this name.")
@click.option(
    "--index-middle",
    "index",
    is_flag=True,
    help="Make the index that finds the middle of numbers at once.",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@as_json_option
@site
@_asking
@signed_in_for(Right.FIND)
def find(
    config: Config,
    archive: Archive,
    _actor: Actor,
    text: Sequence[str],
    named: str | None,
    listing: bool,
    save: str | None,
    forget: str | None,
    index: bool,
    limit: int,
    as_json: bool,
) -> int:
    """Find packing sessions, newest first.

    TEXT is a tracking number, its beginning, end or middle, or an order id; and besides or instead
    packer:Ann bench:1 carrier:UPS order:... sku:... customer:... kind:return status:sealed
    from:2026-11-01 to:... on:today is:incomplete is:mismatch is:interrupted is:cancelled is:open
    is:gap is:novideo is:held is:test is:deleted "value>=100".
    """
    words = " ".join(text)
    if save is not None:
        archive.save_filter(save, words).result()
        return 0
    if forget is not None:
        return 0 if archive.drop_filter(forget).result() else _unknown(forget)
    if index:
        with progress_bar("indexing", quiet=as_json) as progress:
            archive.index_middle(progress)
        return 0
    if listing:
        return _list_filters(archive, as_json=as_json)
    if named is not None:
        kept = _filters(archive).get(named)
        if kept is None:
            return _unknown(named)
        words = f"{kept} {words}"
    query = _query(words)
    page = archive.page(query, limit=limit)
    found = archive.sessions([hit.session_id for hit in page.hits])
    if as_json:
        from storage.records import session_to_json

        listed = [
            {**session_to_json(session), **_later(hit)}
            for session, hit in zip(found, page.hits, strict=True)
        ]
        click.echo(json.dumps(listed, indent=2))
    elif found:
        click.echo(session_table(found))
        _remarks(page, limit)
    if not found:
        where = config.archive.path
        told(not_found(words, where) if query.text else f"no session is {words[:200]} in {where}")
    return 0 if found else FAILED


def _query(words: str) -> Query:
    from station.local_time import LOCAL
    from storage.errors import QueryError
    from storage.query import parse

    try:
        return parse(words, dt.datetime.now(dt.UTC), LOCAL)
    except QueryError as error:
        raise click.UsageError(str(error)) from error


def _later(hit: Hit) -> dict[str, Any]:
    """What was found out after the seal, and what a list shows at a glance."""
    return {
        "effective_number": hit.number,
        "incomplete": hit.incomplete,
        "mismatch": hit.mismatch,
        "no_video": hit.no_video,
        "held": hit.held,
        "test": hit.test,
        "deleted": hit.deleted,
    }


def _remarks(page: Page, limit: int) -> None:
    """What the table does not show: later numbers, marks, and that there is more."""
    for hit in page.hits:
        marks = [
            mark
            for mark, true in (
                (f"belongs to {hit.number} by a later correction", hit.original is not None),
                ("is held", hit.held),
                ("is a test recording", hit.test),
                ("was deleted by policy", hit.deleted),
            )
            if true
        ]
        if marks:
            click.echo(harmless(f"{hit.original or hit.number}: {', '.join(marks)}"))
    if not page.exact:
        told("so many fit that they come in the order of numbers: give more of the number")
    if page.next is not None:
        told(f"only the first {limit} are shown: ask for less, or set --limit")


def _filters(archive: Archive) -> dict[str, str]:
    from storage.query import BUILT_IN

    return {**BUILT_IN, **archive.saved_filters()}


def _list_filters(archive: Archive, *, as_json: bool) -> int:
    filters = _filters(archive)
    if as_json:
        click.echo(json.dumps(filters, indent=2))
    else:
        for name, text in filters.items():
            click.echo(harmless(f"{name}: {text}"))
    return 0


def _unknown(name: str) -> int:
    told(f"no filter is called {name[:60]!r}: packwitness find --filters lists them")
    return FAILED


@click.command()
@click.option("--day", metavar="DAY", help="today (the default), yesterday or 2026-11-22.")
@click.option("--from", "start", metavar="DAY|MOMENT", help="2026-11-22 or 2026-11-22T22:00.")
@click.option("--to", "end", metavar="DAY|MOMENT", help="A day that is named is still in.")
@click.option("--csv", "csv_path", type=FILE, metavar="FILE", help="Also write it as CSV.")
@click.option("--xlsx", "xlsx_path", type=FILE, metavar="FILE", help="Also write it as a workbook.")
@as_json_option
@site
@signed_in_for(Right.FIND)
def shift(
    _config: Config,
    archive: Archive,
    _actor: Actor,
    day: str | None,
    start: str | None,
    end: str | None,
    csv_path: Path | None,
    xlsx_path: Path | None,
    as_json: bool,
) -> int:
    """Say how a shift went: by bench and packer, parcels, time, what is incomplete, coverage.

    The ledger's head is printed with it. Kept elsewhere (on paper, in a mail) it shows later that
    nothing was cut off the ledger since: packwitness verify --against HEAD.
    """
    from station import shift_sheet

    first, last = _span(day, start, end)
    figures = archive.shift(first, last)
    head = str(archive.head())
    if csv_path is not None:
        shift_sheet.write_csv(figures, csv_path, head)
    if xlsx_path is not None:
        shift_sheet.write_xlsx(figures, xlsx_path, head)
    if as_json:
        rows = [
            dict(zip(shift_sheet.COLUMNS, shift_sheet.figures(work), strict=True))
            for work in (*figures.work, figures.total)
        ]
        spoken = {"from": first.isoformat(), "to": last.isoformat(), "head": head}
        click.echo(json.dumps({**spoken, "work": rows[:-1], "total": rows[-1]}, indent=2))
    else:
        click.echo(
            f"from {first.astimezone():%Y-%m-%d %H:%M} to {last.astimezone():%Y-%m-%d %H:%M}"
        )
        click.echo(shift_sheet.table(figures))
        click.echo(f"ledger head {head}")
    return 0


def _span(day: str | None, start: str | None, end: str | None) -> tuple[dt.datetime, dt.datetime]:
    """The moments from which and up to which to count. Raises click.UsageError."""
    if day is not None and (start is not None or end is not None):
        raise click.UsageError("name a --day, or --from and --to")
    words = (
        f'from:"{start}" to:"{end or "today"}"' if start is not None else f'on:"{day or "today"}"'
    )
    if start is None and end is not None:
        raise click.UsageError("--to needs a --from")
    query = _query(words)
    if query.start is None or query.end is None:
        raise click.UsageError("name a day")
    return query.start, query.end


COMMANDS: Final = (find, shift)
