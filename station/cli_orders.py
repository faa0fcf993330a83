"""`packwitness import`: order exports of shops, and the folder that is watched for them.

Part of `station.cli`, which adds it to its group.
"""

from __future__ import annotations

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
    from storage.later import Actor


@click.command(name="import")
@click.argument("file", type=FILE)
@as_json_option
@site
@signed_in_for(Right.FILE, create=True)
def import_(config: Config, archive: Archive, actor: Actor, file: Path, as_json: bool) -> int:
    """Link orders to tracking numbers, from a CSV file that a shop system wrote."""
    from storage.intake.orders import read_orders

    orders = read_orders(file)
    linked = archive.file_orders(orders.orders).result()
    known = len(orders.orders) - linked
    if as_json:
        bad = [{"line": row.line, "why": row.why} for row in orders.bad]
        click.echo(json.dumps({"linked": linked, "known": known, "bad": bad}, indent=2))
    else:
        click.echo(f"{file}: {linked} orders linked, {known} known before, {len(orders.bad)} bad")
    for row in orders.bad:
        told(f"{file}: line {row.line} {row.why}")
    return FAILED if orders.bad else 0


COMMANDS: Final[tuple[click.Command, ...]] = (import_,)
