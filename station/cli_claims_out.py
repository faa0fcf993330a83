"""`packwitness claim form`, `export` and `sheet`: what leaves the archive for a claim.

Part of `station.cli_claims`, which adds it to its group.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from station.claim_asked import claim_named, narrowing
from station.console import harmless, progress_bar, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.claims.claim import ClaimQuery
    from storage.claims.form import Language
    from storage.later import Actor


@click.command()
@click.argument("reference", metavar="REF")
@click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help="The PDF to write.")
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="Of our own form.",
)  # fmt: skip
@click.option("--template", type=FILE, metavar="PDF", help="Fill this form instead of our own.")
@click.option("--map", "mapping", type=FILE, metavar="TOML", help="Which fact goes into a field.")
@click.option("--file", "filed", is_flag=True, help="Also file it as a document of the parcel.")
@as_json_option
@site
@signed_in_for(Right.CLAIM)
def form(
    config: Config,
    archive: Archive,
    actor: Actor,
    reference: str,
    out: Path,
    language: Language,
    template: Path | None,
    mapping: Path | None,
    filed: bool,
    as_json: bool,
) -> int:
    """Write the claim form of REF as a PDF: our own, or a carrier's with its fields filled."""
    from station import claiming

    if (template is None) is not (mapping is None):
        raise click.UsageError("--template PDF and --map TOML go together")
    found = claim_named(archive, reference)
    content = claiming.form_of(config, archive, found, language, template, mapping)
    out.write_bytes(content)
    document = claiming.file_form(archive, actor, found, out).id if filed else None
    if as_json:
        click.echo(json.dumps({"path": str(out), "document": document}, indent=2))
        return 0
    click.echo(harmless(str(out)))
    if document is not None:
        click.echo(f"filed as document {document}")
    return 0


@click.command()
@click.argument("reference", metavar="REF")
@click.option("-o", "--out", type=FILE, metavar="DIR", help="Default: the archive's exports/.")
@click.option("--profile", default="", metavar="NAME", help="Default: the claim's own.")
@click.option("--for", "recipient", metavar="WHOM", help="Default: its portal or carrier.")
@as_json_option
@site
@signed_in_for(Right.EXPORT)
def export(
    config: Config,
    archive: Archive,
    actor: Actor,
    reference: str,
    out: Path | None,
    profile: str,
    recipient: str | None,
    as_json: bool,
) -> int:
    """Write the evidence for the claim REF, as the profile of its portal takes it."""
    from station import claiming

    found = claim_named(archive, reference)
    target = out or archive.root / "exports"
    with progress_bar("exporting", quiet=as_json, timed=True) as progress:
        kit = claiming.exported(
            config, archive, actor, found, target,
            profile=profile, recipient=recipient, progress=progress,
        )  # fmt: skip
    archive.checkpoint().result()
    if as_json:
        told_json = {
            "reference": found.reference,
            "package": str(kit.path),
            "profile": kit.profile,
            "digest": kit.digest,
            "shortfalls": [shortfall.said() for shortfall in kit.shortfalls],
        }
        click.echo(json.dumps(told_json, indent=2))
        return 0
    click.echo(kit.path)
    for shortfall in kit.shortfalls:
        told(shortfall.said())
    return 0


@click.command()
@click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help=".xlsx or .csv")
@as_json_option
@site
@signed_in_for(Right.EXPORT, reads=True)
@narrowing
def sheet(
    config: Config,
    archive: Archive,
    _actor: Actor,
    query: ClaimQuery,
    out: Path,
    as_json: bool,
) -> int:
    """Write claims as one table, XLSX or CSV, by the ending of FILE."""
    from storage.claims.batch import write_csv, write_xlsx

    writers = {".xlsx": write_xlsx, ".csv": write_csv}
    write = writers.get(out.suffix.lower())
    if write is None:
        raise click.UsageError(f"{str(out)[:80]!r}: name a file that ends in .xlsx or .csv")
    found = archive.claims(query)
    if not found:
        told("no claim is as was asked for: nothing was written")
        return FAILED
    count = write(found, out, config.orders.zone)
    if as_json:
        click.echo(json.dumps({"path": str(out), "claims": count}, indent=2))
    else:
        click.echo(harmless(f"{out}: {count} {'claim' if count == 1 else 'claims'}"))
    if count == query.limit:
        told(f"only {query.limit} are in it: narrow it down, or set --limit")
    return 0


COMMANDS: Final[tuple[click.Command, ...]] = (form, export, sheet)
