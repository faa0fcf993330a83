"""`packwitness export`: evidence leaves the archive, for one waybill or for a list of them.

Part of `station.cli`, which adds it to its group. What is made is `storage.evidence.kit.kit.kit`'s.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, not_found, one_number, progress_bar, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from station.batch import Row
    from station.config import Config
    from station.exporting import Way
    from storage.archive import Archive
    from storage.evidence.kit.kit import Kit
    from storage.later import Actor
    from storage.records import Session


@click.command()
@click.argument("text", required=False)
@click.option("--out", type=FILE, metavar="DIR|FILE", help="Default: the archive's exports/.")
@click.option(
    "--profile", metavar="NAME", default="",
    help="What for: `packwitness profiles` lists them. Default: the configured one, else complete.",
)  # fmt: skip
@click.option("--for", "recipient", metavar="WHOM", help="Who gets it, for the record.")
@click.option("--reason", metavar="WHY", default="", help="What for, for the record: a claim.")
@click.option(
    "--redact", "redactions", multiple=True, metavar="ON:X,Y,W,H",
    help="Black out a region of a copy: a photo's slot, a file or a camera, and left, top, width, "
    "height as fractions of the picture, like label:0.1,0.2,0.5,0.15. Repeat it for several.",
)  # fmt: skip
@click.option(
    "--list", "listed", type=FILE, metavar="FILE",
    help="Export each number in a CSV, TSV or text file into the folder --out, with a summary.csv. "
    "Begun again, it goes on where it was stopped.",
)  # fmt: skip
@click.option("--column", metavar="NAME", default="", help="The list's column of numbers.")
@click.option("--again", is_flag=True, help="Export what an earlier summary tells of once more.")
@as_json_option
@site
@signed_in_for(Right.EXPORT)
def export(
    config: Config,
    archive: Archive,
    actor: Actor,
    text: str | None,
    out: Path | None,
    profile: str,
    recipient: str | None,
    reason: str,
    redactions: tuple[str, ...],
    listed: Path | None,
    column: str,
    again: bool,
    as_json: bool,
) -> int:
    """Write the evidence of one tracking number, or of each in a list.

    TEXT is a tracking number, its last 4 or more characters, or an order id. Without --profile the
    signed package of all of its sessions is made, a ZIP that opens on any PC; with it, exactly the
    files that a portal, carrier or bank accepts, in a folder. Each export is on the record
    (`packwitness disclosures`).
    """
    from station.exporting import COMPLETE, way_out

    if (text is None) is (listed is None):
        raise click.UsageError("name a waybill, or a list of them with --list FILE")
    if listed is None and (column or again):
        raise click.UsageError("--column and --again are for --list FILE")
    if listed is not None and redactions:
        raise click.UsageError("a region is blacked out in one waybill's pictures, not in a list's")
    way = way_out(config, archive, actor, profile, recipient, reason, redactions)
    target = out or archive.root / "exports"
    if target.suffix.lower() == ".zip" and (listed is not None or way.profile.name != COMPLETE):
        raise click.UsageError(f"{target} is a file: this export makes a folder, name one")
    if text is not None:
        return _one(archive, actor, way, text, target, as_json)
    assert listed is not None  # noqa: S101 - the usage was checked above
    return _each(archive, actor, way, listed, column, target, again, as_json)


def _one(archive: Archive, actor: Actor, way: Way, text: str, target: Path, as_json: bool) -> int:
    found = archive.find(text)
    if not found:
        if as_json:
            click.echo("[]")
        told(not_found(text, archive.root))
        return FAILED
    one_number(text, (archive.number_of(session.id) for session in found))
    with progress_bar("exporting", quiet=as_json, timed=True) as progress:
        kit = way.out(archive, actor, found, target, progress)
    archive.checkpoint().result()  # its record is on the disk beside the database, too
    if as_json:
        click.echo(json.dumps(_spoken(kit, found), indent=2, ensure_ascii=False))
        return 0
    click.echo(kit.path)
    for shortfall in kit.shortfalls:
        told(shortfall.said())
    if kit.left_out:
        told(f"still being recorded, and left out: {len(kit.left_out)} of its sessions")
    if kit.unstamped:
        told(f"without a time stamp: {kit.unstamped}")
    return 0


def _spoken(kit: Kit, sessions: list[Session]) -> dict[str, Any]:
    from storage.records import session_to_json

    return {
        "package": str(kit.path),
        "profile": kit.profile,
        "digest": kit.digest,
        "sessions": [session_to_json(each) for each in sessions if each.id in kit.sessions],
        "files": [{**asdict(each), "measured": dict(each.measured)} for each in kit.files],
        "shortfalls": [
            {"lack": each.lack.value, "subject": each.subject, "said": each.said()}
            for each in kit.shortfalls
        ],
        "left_out_open": list(kit.left_out),
        "unstamped": kit.unstamped,
    }


def _each(
    archive: Archive,
    actor: Actor,
    way: Way,
    listed: Path,
    column: str,
    target: Path,
    again: bool,
    as_json: bool,
) -> int:
    from station.batch import SUMMARY, export_all, numbers_in

    numbers = numbers_in(listed, column)
    rows: list[Row] = []
    try:
        with (
            progress_bar(f"exporting {len(numbers)}", quiet=as_json, timed=True) as progress,
            closing(
                export_all(archive, actor, way, numbers, target, again=again, progress=progress)
            ) as done,
        ):
            rows.extend(done)
        archive.checkpoint().result()
    except KeyboardInterrupt:
        told(
            f"stopped after {len(rows)} of {len(numbers)}; {target / SUMMARY} tells of them. "
            "The same command goes on from there"
        )
        raise
    exported = [row for row in rows if row.result == "exported"]
    if as_json:
        told_json = {"summary": str(target / SUMMARY), "rows": [asdict(row) for row in rows]}
        click.echo(json.dumps(told_json, indent=2, ensure_ascii=False))
    else:
        for row in rows:
            if row.result != "exported":
                click.echo(harmless(f"{row.asked[:60]}: {row.result}: {row.why}"))
            elif row.missing:
                click.echo(harmless(f"{row.tracking_number}: {row.missing}"))
        click.echo(f"{len(exported)} of {len(rows)} exported; summary: {target / SUMMARY}")
    return 0 if len(exported) == len(rows) else FAILED


COMMANDS: Final = (export,)
