"""`packwitness coverage`: parcels that left without evidence.

Part of `station.cli`, which adds it to its group. Reads only. Its exit code lets a script raise the
alarm while a parcel can still be packed again.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from station.console import told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.covered import Coverage
    from storage.later import Actor

SHOWN: Final = 200
"""So many parcels are listed on a terminal; the CSV and the JSON have them all."""


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), help="Those of so many days, up to now.")
@click.option("--since", metavar="DAY|MOMENT", help="yesterday, 2026-11-22 or 2026-11-22T22:00.")
@click.option("--until", metavar="DAY|MOMENT", help="A day counts to its end.")
@click.option("--csv", "sheet", type=FILE, metavar="FILE", help="Also write the parcels as CSV.")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
def coverage(
    config: Config,
    archive: Archive,
    _actor: Actor,
    days: int | None,
    since: str | None,
    until: str | None,
    sheet: Path | None,
    as_json: bool,
) -> int:
    """Tell which parcels were shipped without evidence, or with poor evidence: at which bench,
    when, and which of them can still be packed again.

    Exit code 1 when any was, so that a script can raise the alarm.
    """
    from station import coverage_sheet
    from station.local_time import LOCAL

    start, end = _span(config, days, since, until)
    found = archive.coverage(start, end, LOCAL)
    if sheet is not None:
        coverage_sheet.write_csv(found, sheet)
    if as_json:
        click.echo(json.dumps(coverage_sheet.told(found), indent=2))
    else:
        click.echo(coverage_sheet.table(found))
        for gap in found.uncovered[:SHOWN]:
            click.echo(coverage_sheet.line(gap))
        _remarks(found)
    return FAILED if found.total.poor or found.total.none else 0


def _span(
    config: Config, days: int | None, since: str | None, until: str | None
) -> tuple[dt.datetime, dt.datetime]:
    """From when until when was shipped what is asked for; nothing so new that its session may still
    be sealed. Raises click.UsageError."""
    if days is not None and (since or until):
        raise click.UsageError("--days excludes --since and --until")
    now = dt.datetime.now(dt.UTC)
    latest = now - dt.timedelta(hours=config.coverage.grace_h)
    start, end = _asked(since, until)
    if start is None:
        back = days if days is not None else config.coverage.days
        start = min(now, end or now) - dt.timedelta(days=back)
    if end is not None and end <= start:
        raise click.UsageError("--until is before --since")
    return start, min(end or latest, latest)


def _asked(since: str | None, until: str | None) -> tuple[dt.datetime | None, dt.datetime | None]:
    from station.local_time import LOCAL
    from storage.errors import QueryError
    from storage.query import parse

    words = [f'{word}:"{text}"' for word, text in (("from", since), ("to", until)) if text]
    try:
        query = parse(" ".join(words), dt.datetime.now(dt.UTC), LOCAL)
    except QueryError as error:
        raise click.UsageError(str(error)) from error
    return query.start, query.end


def _remarks(found: Coverage) -> None:
    """What the table does not show."""
    more = len(found.uncovered) - SHOWN
    left = found.total.poor + found.total.none - len(found.uncovered)
    if more + left > 0:
        told(f"and {max(0, more) + left} parcels more: see --csv, or ask for fewer days")
    mendable = sum(gap.mendable for gap in found.uncovered)
    if mendable:
        told(f"{mendable} of them can still be mended: pack them again before the pick-up")
    if found.unlisted:
        told(f"{found.unlisted} parcels were packed and are in no imported order")
    if found.numberless:
        told(f"{found.numberless} orders were shipped without a tracking number in their file")
    if found.undated:
        told(f"{found.undated} shipped orders have no date at all: they belong to no day")
    if not found.total.parcels:
        told("no imported order was shipped in that time: packwitness import FILE")


COMMANDS: Final[tuple[click.Command, ...]] = (coverage,)
