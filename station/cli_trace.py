"""`packwitness trace`: where carriers saw parcels, and what that may be claimed for.

Part of `station.cli`, which adds it to its group. Traces are what others told; a file of them can
be filed as evidence beside.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, not_found, progress_bar, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import EvidenceGroup, Right

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.trace_steps import Way
    from storage.archive import Archive
    from storage.intake.traces import TraceFile
    from storage.later import Actor

Progress = Callable[[int, int], None]
SCALE: Final = 1_000
BATCH: Final = 1_000
"""Parcels that are filed at once: a bench that seals into the same archive never waits long."""
BAD_SHOWN: Final = 50
"""So many bad events of a file are named one by one."""


@click.group()
def trace() -> None:
    """Where carriers saw parcels: import it, look at it, see what may be claimed."""


@trace.command(name="import")
@click.argument("files", metavar="FILE...", type=FILE, nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say what the files hold.")
@click.option(
    "--file",
    "as_evidence",
    is_flag=True,
    help="Also file each FILE as a document of the parcel that it tells of.",
)
@as_json_option
@site
@signed_in_for(Right.FILE)
def import_(
    config: Config,
    archive: Archive,
    actor: Actor,
    files: Sequence[Path],
    dry_run: bool,
    as_evidence: bool,
    as_json: bool,
) -> int:
    """Take in carriers' tracking events: JSON of AfterShip's or 17TRACK's shape, tables as CSV or
    workbook.

    What was told before is not told twice. A file is only filed as evidence when it tells of one
    parcel alone.
    """
    from station import trace_lines
    from storage.errors import ArchiveError
    from storage.intake.traces import read_traces

    failed, listed = False, []
    now, orders = dt.datetime.now(dt.UTC), config.orders
    with progress_bar("importing", quiet=as_json, timed=True) as progress:
        for place, path in enumerate(files):
            part = _part(progress, place, len(files))
            try:
                found = read_traces(path, orders.zone, now, orders.day_order)
                line = _looked(path, found)
                if not dry_run:
                    line |= _filed(archive, actor, path, found, as_evidence, part)
            except ArchiveError as error:
                told(str(error))
                failed = True
                listed.append({"file": str(path), "failed": str(error)})
                continue
            listed.append(line)
            failed = failed or bool(found.bad)
    for line in listed:
        if not as_json and "failed" not in line:
            click.echo(harmless(trace_lines.summary(line, dry_run)))
            _tell_bad(line)
    if as_json:
        click.echo(json.dumps(listed, indent=2))
    return FAILED if failed else 0


def _part(progress: Callable[[int, int], None] | None, place: int, count: int) -> Progress:
    """The progress of one file, as a part of all."""

    def move(done: int, everything: int) -> None:
        if progress is not None:
            progress(SCALE * place + SCALE * done // max(1, everything), SCALE * count)

    return move


def _looked(path: Path, found: TraceFile) -> dict[str, Any]:
    """What a file holds."""
    return {
        "file": str(path),
        "parcels": len(found.traces),
        "events": sum(len(each.events) for each in found.traces),
        "zone_assumed": found.assumed,
        "bad": [{"place": each.place, "why": each.why} for each in found.bad],
    }


def _filed(
    archive: Archive,
    actor: Actor,
    path: Path,
    found: TraceFile,
    as_evidence: bool,
    progress: Progress,
) -> dict[str, Any]:
    """What became of a file. Raises ArchiveError; what was filed until then stays, and the same
    import goes on from there."""
    new = known = 0
    for start in range(0, len(found.traces), BATCH):
        progress(start, len(found.traces))
        filed = archive.file_traces(found.traces[start : start + BATCH]).result()
        new, known = new + filed.new_events, known + filed.known_events
    line: dict[str, Any] = {"new_events": new, "known_events": known}
    if as_evidence and len(found.traces) == 1:
        number, group = found.traces[0].number, EvidenceGroup.TRACKING_TRACE
        line["document"] = archive.file_document(actor, path, number, group).result().id
    elif as_evidence:
        line["not_filed"] = f"it tells of {len(found.traces)} parcels"
    return line


def _tell_bad(line: dict[str, Any]) -> None:
    for each in line["bad"][:BAD_SHOWN]:
        told(f"{line['file']}: {each['place']} {each['why']}")
    if len(line["bad"]) > BAD_SHOWN:
        told(f"{line['file']}: and {len(line['bad']) - BAD_SHOWN} more: see --json")


# ---------------------------------------------------------------------------- one parcel


@trace.command()
@click.argument("text", metavar="T")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
def show(config: Config, archive: Archive, actor: Actor, text: str, as_json: bool) -> int:
    """Tell the way of a parcel: ordered, packed, sealed, handed over, delivered.

    T is its tracking number, or an order id with one parcel.
    """
    from station import trace_lines
    from station.ui.archive.trace_steps import gather
    from storage.people import RIGHTS

    number = _number(archive, text)
    way = gather(archive, number, with_claims=Right.CLAIM in RIGHTS[actor.role])
    if not way.known:
        told(not_found(text, archive.root))
        return FAILED
    if as_json:
        click.echo(json.dumps(trace_lines.way_told(way), indent=2))
    else:
        _print_way(way)
    return 0


def _number(archive: Archive, text: str) -> str:
    """The tracking number that TEXT means. Raises click.UsageError for an order of several."""
    from station.console import one_number

    if archive.trace_of(text) is not None:
        return text
    order = archive.order(text)
    numbers = [] if order is None else list(order.numbers)
    numbers += [archive.number_of(session.id) for session in archive.find(text)]
    one_number(text, numbers)
    return numbers[0] if numbers else text


def _print_way(way: Way) -> None:
    from station.ui.archive.trace_steps import said
    from station.ui.archive.words import Words

    words = Words("en")
    click.echo(harmless(way.number))
    if not way.sealed:
        told(words.text("trace.no_evidence"))
    for step in way.steps:
        line = f"{step.at.astimezone():%Y-%m-%d %H:%M:%S}  {words.text(f'trace.by.{step.told}'):7}"
        line += f"  {said(step, words)}"
        own = " · ".join(part for part in (step.text, step.place) if part)
        click.echo(harmless(f"{line}: {own}" if own else line))
    if way.trace is None:
        told(words.text("trace.untold"))


# ---------------------------------------------------------------------------- what to claim


@trace.command()
@click.option("--quiet-days", type=click.IntRange(1, 365), help="Instead of the configuration's.")
@click.option("--late-days", type=click.IntRange(0, 365), help="Instead of the configuration's.")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
def proposals(
    config: Config,
    archive: Archive,
    _actor: Actor,
    quiet_days: int | None,
    late_days: int | None,
    as_json: bool,
) -> int:
    """List parcels that stand still or come late, each with the command that opens its claim, and
    by when it would have to be made."""
    from station import trace_lines
    from storage.claims.proposed import deadline_of
    from storage.claims.rules import load

    quiet = config.claims.quiet_days if quiet_days is None else quiet_days
    late = config.claims.late_days if late_days is None else late_days
    found, waiting = archive.proposals(quiet, late), archive.not_handed_over(quiet)
    rules, now, zone = load(config.deadlines_file), dt.datetime.now(dt.UTC), config.orders.zone
    due = [deadline_of(archive, each, now, zone, rules) for each in found]
    if as_json:
        listed = {
            "proposals": [
                trace_lines.proposal_told(each, by) for each, by in zip(found, due, strict=True)
            ],
            "not_handed_over": [trace_lines.waiting_told(each) for each in waiting],
        }
        click.echo(json.dumps(listed, indent=2))
        return 0
    for each, by in zip(found, due, strict=True):
        click.echo(harmless(trace_lines.proposal_line(each, by)))
        click.echo(f"    {trace_lines.command(each)}")
    for one in waiting:
        carrier = f" ({one.carrier})" if one.carrier else ""
        days = f"announced on {one.since.astimezone():%Y-%m-%d}"
        click.echo(harmless(f"{one.number}{carrier}: not handed over, {days}: nothing to claim"))
    if not found and not waiting:
        told(f"no parcel has stood still for {quiet} days or is {late} days late")
    return 0


COMMANDS: Final[tuple[click.Command, ...]] = (trace,)
