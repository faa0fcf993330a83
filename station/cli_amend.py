"""Commands that say something of a session after its seal: hold, release, rebind, note, mark-test,
and `history`, which tells all that was said.

Part of `station.cli`, which adds them to its group. Nothing here changes what was sealed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, not_found, one_number
from station.options import as_json_option, signed_in_for, site
from storage.later import Change, Right

if TYPE_CHECKING:
    from concurrent.futures import Future

    from station.config import Config
    from storage.archive import Archive
    from storage.later import Actor, Amendment
    from storage.records import Session

_TARGET: Final = "TEXT is a tracking number, its last 4 or more characters, an order id, or an id."
_reason = click.option("--reason", required=True, metavar="WHY", help="Why, for whoever asks.")


@click.command(epilog=_TARGET)
@click.argument("text")
@_reason
@as_json_option
@site
@signed_in_for(Right.HOLD)
def hold(
    config: Config, archive: Archive, actor: Actor, text: str, reason: str, as_json: bool
) -> int:
    """Keep retention from deleting the sessions of a tracking number."""
    said = [archive.hold(actor, each.id, reason) for each in _sessions(archive, text)]
    return _tell(said, as_json)


@click.command(epilog=_TARGET)
@click.argument("text")
@_reason
@as_json_option
@site
@signed_in_for(Right.HOLD)
def release(
    config: Config, archive: Archive, actor: Actor, text: str, reason: str, as_json: bool
) -> int:
    """End every hold on the sessions of a tracking number."""
    holds = [each for session in _sessions(archive, text) for each in archive.holds_on(session.id)]
    if not holds:
        raise click.UsageError(f"nothing holds {text[:40]!r}")
    return _tell([archive.undo(actor, each.id, reason) for each in holds], as_json)


@click.command(epilog=_TARGET)
@click.argument("text")
@click.argument("number")
@_reason
@as_json_option
@site
@signed_in_for(Right.CORRECT)
def rebind(
    config: Config,
    archive: Archive,
    actor: Actor,
    text: str,
    number: str,
    reason: str,
    as_json: bool,
) -> int:
    """Say that one session belongs to another tracking number, NUMBER.

    The number that was scanned stays visible beside it.
    """
    from station.waybill import understand
    from storage.records import Waybill

    waybill = understand(number, config.scanner.waybills)
    if not isinstance(waybill, Waybill):
        raise click.UsageError(f"{number[:40]!r} is no tracking number")
    session = _one_session(archive, text)
    return _tell([archive.rebind(actor, session.id, waybill, reason)], as_json)


@click.command(epilog=_TARGET)
@click.argument("text")
@click.argument("words")
@as_json_option
@site
@signed_in_for(Right.FILE)
def note(
    config: Config, archive: Archive, actor: Actor, text: str, words: str, as_json: bool
) -> int:
    """Add a note, WORDS, to one session or document."""
    document = archive.document(text.strip().upper())
    subject = document[0].id if document is not None else _one_session(archive, text).id
    return _tell([archive.note(actor, subject, words)], as_json)


@click.command(name="mark-test", epilog=_TARGET)
@click.argument("text")
@_reason
@as_json_option
@site
@signed_in_for(Right.CORRECT)
def mark_test(
    config: Config, archive: Archive, actor: Actor, text: str, reason: str, as_json: bool
) -> int:
    """Say that one session was a test and shows no parcel."""
    session = _one_session(archive, text)
    return _tell([archive.mark_test(actor, session.id, reason)], as_json)


@click.command(epilog=_TARGET)
@click.argument("text")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
def history(config: Config, archive: Archive, actor: Actor, text: str, as_json: bool) -> int:
    """Tell all that was said later of the sessions and documents of a tracking number."""
    sessions = _sessions(archive, text)
    numbers = dict.fromkeys(archive.number_of(session.id) for session in sessions)
    subjects = [session.id for session in sessions]
    subjects += [filed[0].id for each in numbers for filed in archive.documents_of(each)]
    said = [each for subject in subjects for each in archive.amendments_of(subject)]
    said.sort(key=lambda each: (each.at, each.id))
    _print(said, as_json)
    return 0


COMMANDS: Final = (hold, release, rebind, note, mark_test, history)


def _sessions(archive: Archive, text: str) -> list[Session]:
    """The sessions that TEXT means, all of one tracking number of today. Raises click.UsageError,
    click.ClickException."""
    single = archive.get(text.strip().upper())
    if single is not None:
        return [single]
    found = archive.find(text)
    if not found:
        raise click.ClickException(not_found(text, archive.root))
    one_number(text, (archive.number_of(session.id) for session in found))
    return found


def _one_session(archive: Archive, text: str) -> Session:
    """The one session that TEXT means. Raises click.UsageError, click.ClickException."""
    found = _sessions(archive, text)
    if len(found) > 1:
        listed = ", ".join(f"{each.id} (pass {each.pass_no} {each.kind.value})" for each in found)
        raise click.UsageError(f"{text[:40]!r} has {len(found)} sessions: name one, of {listed}")
    return found[0]


def _tell(futures: list[Future[Amendment]], as_json: bool) -> int:
    """Print what was filed. Raises ArchiveError, when all that can be filed was."""
    _print([each.result() for each in futures], as_json)
    return 0


def _print(said: list[Amendment], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_told(each) for each in said], indent=2))
        return
    for each in said:
        click.echo(harmless(_line(each)))


def _told(amendment: Amendment) -> dict[str, Any]:
    from storage.later import amendment_to_json

    return amendment_to_json(amendment)


def _line(each: Amendment) -> str:
    what = each.change.value
    if each.change in (Change.REBOUND, Change.REFILED):
        what += f" to {each.number}"
    if each.group is not None:
        what += f" in {each.group.value}"
    if each.undoes:
        what += f" {each.undoes}"
    when = each.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{when}  {each.by} ({each.role.value})  {each.subject}  {what}: {each.text}"
