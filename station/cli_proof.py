"""`packwitness head` and `packwitness checkpoint`: what to keep elsewhere, so that a ledger that is
cut short or rewritten shows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from station.console import told
from station.options import as_json_option, site

if TYPE_CHECKING:
    from station.config import Config


@click.command()
@as_json_option
@site
def head(config: Config, as_json: bool) -> int:
    """Print the ledger's head: its last entry's number and hash.

    Kept elsewhere (on paper, in a mail, in a sealed envelope) it shows later that nothing before it
    was cut off or rewritten: packwitness verify --against HEAD.
    """
    from storage.archive import Archive

    with Archive.open(config.archive.path, create=False, read_only=True) as archive:
        newest = archive.head()
    if as_json:
        spoken = {"seq": newest.seq, "hash": newest.hash, "head": str(newest)}
        click.echo(json.dumps(spoken, indent=2))
    else:
        click.echo(newest)
    return 0


@click.command()
@as_json_option
@site
def checkpoint(config: Config, as_json: bool) -> int:
    """Sign the ledger's head with the archive's key, and have it time-stamped.

    The bench does so by itself every so many entries and when it closes. Its file is printed: a
    copy of it kept elsewhere proves more than the head alone.
    """
    from storage.archive import Archive
    from storage.checkpoint_files import head_path, stamp_path
    from storage.errors import NoStamp

    with Archive.open(config.archive.path, create=False) as archive:
        made = archive.checkpoint().result()
        if config.ledger.tsa:
            try:
                archive.stamp_pending(config.ledger.tsa)
            except NoStamp as error:
                told(str(error))
        path, stamped = head_path(archive.root, made.seq), stamp_path(archive.root, made.seq)
    if as_json:
        spoken = {"head": str(made.head), "path": str(path), "stamped": stamped.is_file()}
        click.echo(json.dumps({**spoken, "key": made.key, "at": made.at}, indent=2))
    else:
        click.echo(path)
    return 0


COMMANDS: Final = (head, checkpoint)
