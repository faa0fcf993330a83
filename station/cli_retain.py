"""`packwitness retain`: what may be deleted by policy, and, when asked to, its deletion.

Part of `station.cli`, which adds it to its group. A dry run unless told otherwise.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, progress_bar, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from collections.abc import Sequence

    from station.config import Config
    from storage.archive import Archive
    from storage.later import Actor
    from storage.retention import Doomed, Plan, Policy

GB: Final = 1_000_000_000
HEADINGS: Final = (
    "session", "tracking_number", "kind", "ended_at", "bytes", "class", "why", "deleted_at", "by",
)  # fmt: skip


@click.command()
@click.option("--run", "for_good", is_flag=True, help="Delete it. Without this nothing is touched.")
@click.option("--clock-is-right", is_flag=True, help="Delete although the clock looks wrong.")
@click.option("--gone", is_flag=True, help="List what was deleted by policy so far.")
@click.option("--csv", "sheet", type=FILE, metavar="FILE", help="Write the report there, too.")
@as_json_option
@site
@signed_in_for(Right.DELETE)
def retain(
    config: Config,
    archive: Archive,
    actor: Actor,
    for_good: bool,
    clock_is_right: bool,
    gone: bool,
    sheet: Path | None,
    as_json: bool,
) -> int:
    """Say which video and photos may go by policy, and why the others stay.

    Held, claimed, open and damaged sessions always stay, and of a deleted one all that was written
    down of it: that it existed, its hashes, and when and why its files went.
    """
    if gone and for_good:
        raise click.UsageError("--gone lists what went, --run makes more go: ask for one")
    from station.retaining import policy_of

    policy = policy_of(config)
    if gone:
        rows, answer = _gone(archive)
        failed: list[dict[str, str]] = []
    else:
        plan = archive.retention_plan(policy)
        if plan.doubt and not clock_is_right:
            told(plan.doubt)
            if for_good:
                told("nothing was deleted; if the clock is right, say so with --clock-is-right")
                return FAILED
        rows, failed = _carried_out(archive, actor, plan, policy, for_good, as_json)
        answer = {
            "deleted" if for_good else "would_delete": rows,
            "bytes": sum(row["bytes"] for row in rows),
            "kept": plan.kept,
            "failed": failed,
            "doubt": plan.doubt,
        }
    if sheet is not None:
        _write(sheet, rows)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        _print(answer, rows, for_good or gone)
    for each in failed:
        told(f"session {each['session']} stays: {each['why']}")
    return FAILED if failed else 0


COMMANDS: Final = (retain,)


def _carried_out(
    archive: Archive, actor: Actor, plan: Plan, policy: Policy, for_good: bool, quiet: bool
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The lines of what goes, or would, and of what was to go and stays."""
    from storage.errors import NotDeleted

    if not for_good:
        return [_row(each) for each in plan.deletes], []
    rows, failed = [], []
    with progress_bar("deleting", quiet=quiet) as progress:
        for done, each in enumerate(plan.deletes, start=1):
            try:
                went = archive.delete(actor, each, policy).result()
            except NotDeleted as error:
                failed.append({"session": each.session, "number": each.number, "why": error.why})
            else:
                rows.append(_row(each, went.amendment.at, went.amendment.by))
            if progress is not None:
                progress(done, len(plan.deletes))
    return rows, failed


def _row(each: Doomed, at: dt.datetime | None = None, by: str = "") -> dict[str, Any]:
    from storage.records import utc_text

    ended = dt.datetime.fromtimestamp(each.ended_ms / 1000, dt.UTC)
    cells = (
        each.session, each.number, each.kind, utc_text(ended), each.bytes, each.rule,
        each.why.value, "" if at is None else utc_text(at), by,
    )  # fmt: skip
    return dict(zip(HEADINGS, cells, strict=True))


def _gone(archive: Archive) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from storage.records import utc_text

    rows = []
    for each in archive.gone():
        rule, _, why = each.why.partition(": ")
        cells = (
            each.session, each.number, each.kind, utc_text(each.ended_at), each.bytes, rule, why,
            utc_text(each.deleted_at), each.by,
        )  # fmt: skip
        rows.append(dict(zip(HEADINGS, cells, strict=True)))
    return rows, {"deleted": rows, "bytes": sum(row["bytes"] for row in rows)}


def _write(sheet: Path, rows: Sequence[dict[str, Any]]) -> None:
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, HEADINGS)
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """A text as a spreadsheet shows it, and never as a formula that it carries out."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def _print(answer: dict[str, Any], rows: Sequence[dict[str, Any]], done: bool) -> None:
    for row in rows:
        size = f"{row['bytes'] / 1e6:.1f} MB"
        line = f"{row['tracking_number']}  {row['session']}  {row['ended_at'][:10]}  {size}"
        click.echo(harmless(f"{line}  {row['class']}: {row['why']}"))
    verb = "deleted" if done else "may go"
    click.echo(f"{len(rows)} sessions {verb}, {answer['bytes'] / GB:.2f} GB")
    for reason, count in sorted(answer.get("kept", {}).items()):
        click.echo(f"{count} stay: {reason}")
    if rows and not done:
        click.echo("nothing was touched: --run deletes them")
