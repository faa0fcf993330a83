"""`packwitness inbox` and `packwitness file`: documents that come from outside, by themselves or by
hand.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import EvidenceGroup, Right

if TYPE_CHECKING:
    from station.config import Config
    from station.inbox import Look, Waiting
    from station.orders_watch import Imported, OrdersLook
    from storage.archive import Archive
    from storage.later import Actor, Document

GROUPS: Final = [group.value for group in EvidenceGroup]
_STEP_S: Final = 0.5


@click.command()
@click.option("--watch", is_flag=True, help="File what arrives until this is stopped.")
@click.option("--once", is_flag=True, help="File what is there, then end.")
@as_json_option
@site
@signed_in_for(Right.FILE)
def inbox(
    config: Config, archive: Archive, actor: Actor, watch: bool, once: bool, as_json: bool
) -> int:
    """List what waits in the inbox, and what is known of it.

    Files are filed by sub-folders named after the tracking number and the evidence group, by the
    number in their name, or by the barcode in the picture.
    """
    if watch and once:
        raise click.UsageError("--watch and --once exclude each other")
    return (
        _watched(config, archive, actor)
        if watch
        else _looked(config, archive, actor, once, as_json)
    )


def _watched(config: Config, archive: Archive, actor: Actor) -> int:
    from station.inbox_watch import InboxWatch, inbox_of
    from station.orders_watch import OrdersFolder

    filer, orders = inbox_of(archive, config, actor), OrdersFolder(archive, config)
    orders.make()
    click.echo(harmless(f"watching {filer.folder}"))
    click.echo(harmless(f"watching {orders.folder} for orders"))
    trouble = missing = ""

    def tell(look: Look) -> None:
        nonlocal trouble
        for document in look.filed:
            click.echo(_line(document))
        if look.trouble != trouble:
            trouble = look.trouble
            told(trouble or f"{filer.folder} is there again")

    def tell_orders(look: OrdersLook) -> None:
        nonlocal missing
        for each in look.imported:
            click.echo(harmless(each.line))
        if look.trouble != missing:
            missing = look.trouble
            told(missing or f"{orders.folder} is there again")

    watch = InboxWatch(
        filer,
        rescan_s=config.inbox.rescan_s,
        settle_s=config.inbox.settle_s,
        on_look=tell,
        orders=orders,
        on_orders=tell_orders,
    )
    watch.start()
    try:
        while True:
            time.sleep(_STEP_S)
    finally:
        watch.stop()


def _looked(config: Config, archive: Archive, actor: Actor, once: bool, as_json: bool) -> int:
    from station.inbox_watch import inbox_of

    filer = inbox_of(archive, config, actor)
    look = filer.look() if once else filer.preview()
    filed = list(look.filed)
    while once and look.unsettled and not look.trouble:
        time.sleep(_STEP_S)
        look = filer.look()
        filed += look.filed
    imported = _orders_once(config, archive) if once else []
    if as_json:
        listed = {
            "folder": str(filer.folder),
            "filed": [_told(document) for document in filed],
            "waiting": [_waiting(each) for each in look.waiting],
            "orders": [asdict(each) for each in imported],
        }
        click.echo(json.dumps(listed, indent=2))
    else:
        for document in filed:
            click.echo(_line(document))
        for export in imported:
            click.echo(harmless(export.line))
        for each in look.waiting:
            click.echo(harmless(f"{each.name}: {_why(each)}"))
    if look.trouble:
        told(look.trouble)
    return FAILED if look.trouble else 0


def _orders_once(config: Config, archive: Archive) -> list[Imported]:
    """What became of the order exports that lie in their folder."""
    from station.orders_watch import OrdersFolder

    orders = OrdersFolder(archive, config)
    look = orders.look()
    imported = list(look.imported)
    while look.unsettled:
        time.sleep(_STEP_S)
        look = orders.look()
        imported += look.imported
    return imported


@click.command()
@click.argument("path", metavar="FILE", type=FILE)
@click.option("--number", required=True, metavar="N", help="The tracking number.")
@click.option("--group", required=True, type=click.Choice(GROUPS), help="What it speaks for.")
@as_json_option
@site
@signed_in_for(Right.FILE)
def file(
    config: Config,
    archive: Archive,
    actor: Actor,
    path: Path,
    number: str,
    group: str,
    as_json: bool,
) -> int:
    """File one document under a tracking number, byte for byte; FILE stays where it is."""
    if not archive.numbers_known(number):
        told(f"no session of {number[:40]!r} in {config.archive.path}: it is filed all the same")
    document = archive.file_document(actor, path, number, EvidenceGroup(group)).result()
    click.echo(json.dumps(_told(document), indent=2) if as_json else _line(document))
    return 0


def _line(document: Document) -> str:
    return harmless(f"{document.number} {document.group.value} {document.name}")


def _told(document: Document) -> dict[str, Any]:
    from storage.later import document_to_json

    return document_to_json(document)


def _waiting(each: Waiting) -> dict[str, Any]:
    proposal = each.proposal
    return {
        "path": each.name,
        "size_bytes": each.size_bytes,
        "media_type": each.media_type,
        "number": None if proposal is None else proposal.number,
        "group": None if proposal is None or proposal.group is None else proposal.group.value,
        "candidates": [] if proposal is None else list(proposal.candidates),
        "why": _why(each),
    }


def _why(each: Waiting) -> str:
    """What a waiting file waits for, in one line."""
    proposal = each.proposal
    if each.trouble or proposal is None:
        return each.trouble or "not looked at yet"
    if proposal.number is None:
        among = ", ".join(proposal.candidates[:5])
        return f"which of {among}?" if among else "no tracking number of this archive is in it"
    if proposal.group is None:
        return f"{proposal.number} (by {proposal.how}), but in which evidence group?"
    return f"{proposal.number} {proposal.group.value} (by {proposal.how}), to be filed"


COMMANDS: Final = (inbox, file)
