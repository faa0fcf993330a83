"""`packwitness people`: who may do what in this archive.

Part of `station.cli`, which adds it to its group. Rights and PINs are the archive's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from station.console import harmless
from station.options import PIN, as_json_option, asked_pin, signed_in_for, site
from storage.later import Right, Role

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.later import Actor

NEW_PIN: Final = "PACKWITNESS_NEW_PIN"
"""The environment's variable with the PIN that is to be set."""


@click.group()
def people() -> None:
    """Say who may do what: packers, claims people and supervisors, by name and PIN.

    An archive that knows nobody lets the computer's user do everything.
    """


@people.command(name="list")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
def list_(config: Config, archive: Archive, actor: Actor, as_json: bool) -> int:
    """List everybody, with their role."""
    known = archive.people()
    if as_json:
        listed = [{"name": person.name, "role": person.role.value} for person in known]
        click.echo(json.dumps(listed, indent=2))
        return 0
    for person in known:
        click.echo(harmless(f"{person.role.value:10}  {person.name}"))
    if not known:
        click.echo("nobody yet: the computer's user may do everything")
    return 0


@people.command()
@click.argument("name_of", metavar="NAME")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@site
@signed_in_for(Right.ADMIT)
def add(config: Config, archive: Archive, actor: Actor, name_of: str, role: str) -> int:
    """Let somebody in from now on. The first one must be a supervisor."""
    pin = asked_pin(f"PIN of {harmless(name_of)}", NEW_PIN, twice=True)
    person = archive.admit(actor, name_of, Role(role), pin).result()
    click.echo(harmless(f"{person.name} is known as {person.role.value}"))
    return 0


@people.command()
@click.argument("name_of", metavar="NAME")
@site
@signed_in_for(Right.FIND)
def pin(config: Config, archive: Archive, actor: Actor, name_of: str) -> int:
    """Set somebody's PIN, which also ends a lock. Everybody may set their own."""
    new = asked_pin(f"new PIN of {harmless(name_of)}", NEW_PIN, twice=True)
    person = archive.set_pin(actor, name_of, new).result()
    click.echo(harmless(f"{person.name} has a new PIN"))
    return 0


@people.command()
@click.argument("name_of", metavar="NAME")
@site
@signed_in_for(Right.ADMIT)
def remove(config: Config, archive: Archive, actor: Actor, name_of: str) -> int:
    """Let somebody in no more. What they did stays told."""
    person = archive.dismiss(actor, name_of).result()
    click.echo(harmless(f"{person.name} is let in no more"))
    return 0


for _command in (add, pin):
    _command.epilog = f"Without a terminal the new PIN is taken from {NEW_PIN}, yours from {PIN}."
COMMANDS: Final = (people,)
