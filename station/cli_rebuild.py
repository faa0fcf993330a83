"""`packwitness rebuild`: the database made anew from the files, when it is lost or damaged.

Part of `station.cli`, which adds it to its group.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import click

from station.console import harmless, progress_bar, told
from station.options import FAILED, as_json_option, site, vouched_for
from storage.later import Right

if TYPE_CHECKING:
    from station.config import Config

SHOWN: Final = 20


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask first.")
@as_json_option
@site
@vouched_for(Right.REBUILD)
def rebuild(config: Config, yes: bool, as_json: bool) -> int:
    """Make the archive's database anew from its files.

    For a database that is lost or damaged. Close the bench and every other PackWitness on this
    archive first. The old database is kept in lost+found/; orders and people are taken over from it
    as far as it can be read. `packwitness check` afterwards compares every byte.
    """
    from storage.rebuild import rebuild as make_anew
    from storage.rebuild import rebuilt_to_json

    root = config.archive.path
    if not yes and not as_json:
        click.confirm(f"make the database of {root} anew from its files?", abort=True, err=True)
    with progress_bar("rebuilding", quiet=as_json) as progress:
        found = make_anew(root, dt.datetime.now(dt.UTC), progress)
    if as_json:
        click.echo(rebuilt_to_json(found))
    else:
        click.echo(
            f"{harmless(str(root))}: {found.sessions} sessions, {found.checks} camera checks, "
            f"{found.documents} documents, {found.amendments} amendments, "
            f"{found.disclosures} exports; "
            f"{found.entries + found.salvaged} entries and rows taken over"
        )
        if found.unsigned:
            click.echo(f"{found.unsigned} were sealed before manifests were signed")
        if found.kept_as:
            click.echo(f"the old database lies in {harmless(found.kept_as)}")
    for line in found.doubtful[:SHOWN]:
        told(f"not taken in: {line}")
    if len(found.doubtful) > SHOWN:
        told(f"and {len(found.doubtful) - SHOWN} more")
    return FAILED if found.doubtful else 0


COMMANDS: Final = (rebuild,)
