"""`packwitness claim`: claims against carriers, insurers and platforms.

Part of `station.cli`, which adds it to its group. What is typed is understood in `claim_asked`,
what is printed stands in `claim_lines`, what is done is `station.claiming`'s; what leaves the
archive is `cli_claims_out`'s.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

import click

from station.claim_asked import (
    STATUSES,
    TYPES,
    amount_of,
    changes,
    claim_named,
    narrowing,
    past,
)
from station.cli_claims_out import COMMANDS as GIVEN_OUT
from station.console import harmless, told
from station.options import as_json_option, signed_in_for, site
from storage.claims.claim import ClaimStatus, ClaimType
from storage.later import Right

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.claims.claim import Claim, ClaimEvent, ClaimQuery
    from storage.later import Actor


@click.group()
def claim() -> None:
    """Claims: open one, see what it needs and by when, move it on until it is paid."""


# ---------------------------------------------------------------------------- opened and changed


@claim.command(name="open")
@click.argument("text")
@click.option("--type", "type_", type=TYPES, required=True, help="What became of the parcel.")
@click.option("--portal", default="", metavar="NAME", help="Where it is claimed: ups, shopee...")
@click.option("--profile", default="", metavar="NAME", help="What its evidence is exported for.")
@click.option("--amount", default="", metavar='"12.50 USD"', help="Default: the orders' value.")
@click.option("--happened", default="", metavar="DAY", help="When; of a dispute: when it began.")
@click.option("--description", default="", metavar="TEXT")
@click.option("--again", is_flag=True, help="Although there is an open claim of this type.")
@as_json_option
@site
@signed_in_for(Right.CLAIM)
def open_(
    config: Config,
    archive: Archive,
    actor: Actor,
    text: str,
    type_: str,
    portal: str,
    profile: str,
    amount: str,
    happened: str,
    description: str,
    again: bool,
    as_json: bool,
) -> int:
    """Open a claim for the parcel TEXT, as a draft, and hold its sessions.

    TEXT is a tracking number, or the id of an order with one parcel. Carrier, order, value and
    insured amount are taken from what the archive knows.
    """
    from station import claiming
    from station.console import one_number

    known = archive.numbers_known(text)
    one_number(text, known)
    facts: dict[str, Any] = {"portal": portal, "profile": profile, "description": description}
    if amount:
        facts["requested_cents"], currency = amount_of(amount, "", "--amount")
        facts |= {"currency": currency} if currency else {}
    if happened:
        facts["happened_at"] = past(happened, "--happened", config.orders.zone)
    opened = claiming.opened(
        config, archive, actor, known[0] if known else text, ClaimType(type_), again=again, **facts
    )
    return _said(config, opened, as_json)


@claim.command(name="set")
@click.argument("reference", metavar="REF")
@click.argument("words", metavar="FIELD=VALUE...", nargs=-1, required=True)
@as_json_option
@site
@signed_in_for(Right.CLAIM)
def set_(
    config: Config,
    archive: Archive,
    actor: Actor,
    reference: str,
    words: tuple[str, ...],
    as_json: bool,
) -> int:
    """Change what the claim REF tells: portal=ups requested="12.50 USD" happened=2026-11-22.

    Nothing behind the = takes it back. deadline=DAY sets one by hand, which counts before rules.
    """
    from station import claiming

    found = claim_named(archive, reference)
    facts = changes(found, words, config.orders.zone)
    return _said(config, claiming.changed(config, archive, actor, found, **facts), as_json)


@claim.command()
@click.argument("reference", metavar="REF")
@click.argument("status", type=STATUSES)
@click.option("--approved", default="", metavar="AMOUNT", help="How much was approved.")
@click.option("--paid", default="", metavar="AMOUNT", help="How much came in.")
@click.option("--detail", default="", metavar="TEXT", help="What the other side says.")
@click.option("--at", default="", metavar="DAY|MOMENT", help="When it was so. Default: now.")
@click.option("--release", is_flag=True, help="At its end: undo the holds that it made.")
@as_json_option
@site
@signed_in_for(Right.CLAIM)
def move(
    config: Config,
    archive: Archive,
    actor: Actor,
    reference: str,
    status: str,
    approved: str,
    paid: str,
    detail: str,
    at: str,
    release: bool,
    as_json: bool,
) -> int:
    """Move the claim REF on to another STATUS."""
    from station import claiming

    found = claim_named(archive, reference)
    facts: dict[str, Any] = {"detail": detail, "release": release}
    if approved:
        facts["approved_cents"], _ = amount_of(approved, found.currency, "--approved")
    if paid:
        facts["paid_cents"], _ = amount_of(paid, found.currency, "--paid")
    if at:
        facts["at"] = past(at, "--at", config.orders.zone)
    after = claiming.moved(config, archive, actor, found, ClaimStatus(status), **facts)
    if after.status is ClaimStatus.SUBMITTED and not after.complete and not as_json:
        needs = claiming.needs_of(config, archive, after)
        missing = "; ".join(need.text.en for need in needs if need.required and not need.there)
        told(f"{after.reference}: submitted without: {missing}")
    return _said(config, after, as_json)


@claim.command()
@click.argument("reference", metavar="REF")
@click.argument("text")
@click.option("--in", "direction", flag_value="in", help="They said it.")
@click.option("--out", "direction", flag_value="out", help="We said it.")
@click.option("--with", "party", default="", metavar="NAME", help="Who they are.")
@click.option("--document", default="", metavar="ID", help="The document that has it.")
@as_json_option
@site
@signed_in_for(Right.CLAIM)
def log(
    config: Config,
    archive: Archive,
    actor: Actor,
    reference: str,
    text: str,
    direction: str | None,
    party: str,
    document: str,
    as_json: bool,
) -> int:
    """Keep what was said to or by the carrier, the insurer or the customer about the claim REF."""
    found = claim_named(archive, reference)
    if document and archive.document(document) is None:
        raise click.UsageError(f"--document {document[:40]!r}: the archive has no such document")
    facts = {"direction": direction or "", "party": party, "document": document}
    event = archive.log_claim(actor, found.id, "correspondence", text, **facts).result()
    return _kept(found, event, as_json)


@claim.command()
@click.argument("reference", metavar="REF")
@click.argument("text")
@as_json_option
@site
@signed_in_for(Right.CLAIM)
def note(
    config: Config, archive: Archive, actor: Actor, reference: str, text: str, as_json: bool
) -> int:
    """Add a note of our own to the claim REF."""
    found = claim_named(archive, reference)
    event = archive.log_claim(actor, found.id, "note", text).result()
    return _kept(found, event, as_json)


@claim.command()
@as_json_option
@site
@signed_in_for(Right.CLAIM)
def deadlines(config: Config, archive: Archive, actor: Actor, as_json: bool) -> int:
    """Look up all deadlines anew, after orders, traces or rules came in; list those that moved."""
    from station import claim_lines, claiming

    now, tz = dt.datetime.now(dt.UTC), config.orders.zone
    moved = claiming.redated(config, archive, actor)
    if as_json:
        told_json = [claim_lines.listed_to_json(each, now, tz) for each in moved]
        click.echo(json.dumps(told_json, indent=2))
    elif moved:
        click.echo(claim_lines.table(moved, now, tz))
    return 0


# ---------------------------------------------------------------------------- looked at


@claim.command(name="list")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
@narrowing
def list_(config: Config, archive: Archive, _actor: Actor, query: ClaimQuery, as_json: bool) -> int:
    """List claims: open ones first, by their deadline."""
    from station import claim_lines

    now, tz = dt.datetime.now(dt.UTC), config.orders.zone
    found = archive.claims(query)
    if as_json:
        listed = [claim_lines.listed_to_json(each, now, tz) for each in found]
        click.echo(json.dumps(listed, indent=2))
    elif found:
        click.echo(claim_lines.table(found, now, tz))
    else:
        told("no claim is as was asked for")
    if len(found) == query.limit:
        told(f"only {query.limit} are shown: narrow it down, or set --limit")
    return 0


@claim.command()
@click.argument("reference", metavar="REF")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
def show(config: Config, archive: Archive, _actor: Actor, reference: str, as_json: bool) -> int:
    """Show all of the claim REF: facts, deadlines, what its evidence has and lacks, its history.

    REF is its reference, the other side's number, or a tracking number with one claim.
    """
    from station import claim_lines, claiming

    now, tz = dt.datetime.now(dt.UTC), config.orders.zone
    sheet = claiming.sheet(config, archive, claim_named(archive, reference))
    if as_json:
        click.echo(json.dumps(claim_lines.sheet_to_json(sheet, now, tz), indent=2))
    else:
        for line in claim_lines.page(sheet, now, tz):
            click.echo(line)
    return 0


@claim.command()
@as_json_option
@site
def rules(config: Config, as_json: bool) -> int:
    """List the rules by which claims have deadlines, each with its source, date and certainty."""
    from station import claim_lines
    from storage.claims.rules import load

    found = load(config.deadlines_file).values()
    if as_json:
        click.echo(json.dumps([claim_lines.rule_to_json(each) for each in found], indent=2))
    else:
        for line in claim_lines.rule_lines(found):
            click.echo(line)
    return 0


for _command in GIVEN_OUT:
    claim.add_command(_command)
COMMANDS: Final[tuple[click.Command, ...]] = (claim,)


def _said(config: Config, found: Claim, as_json: bool) -> int:
    """Where a claim stands after it was opened or changed."""
    from station import claim_lines

    now, tz = dt.datetime.now(dt.UTC), config.orders.zone
    if as_json:
        click.echo(json.dumps(claim_lines.listed_to_json(found, now, tz), indent=2))
        return 0
    due = found.deadline_at
    line = f"{found.reference}  {found.tracking_number}  {found.type}  {found.status}"
    if due is not None:
        line += f"  due {due.astimezone(tz):%Y-%m-%d} ({claim_lines.left(due, now, tz)})"
    click.echo(harmless(line))
    return 0


def _kept(found: Claim, event: ClaimEvent, as_json: bool) -> int:
    """What was added to a claim's history."""
    from storage.claims.claim import claim_event_to_json

    if as_json:
        told_json = {"reference": found.reference, **claim_event_to_json(event)}
        click.echo(json.dumps(told_json, indent=2))
    else:
        click.echo(f"{found.reference}: entry {event.seq}")
    return 0
