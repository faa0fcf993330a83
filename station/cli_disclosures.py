"""`packwitness disclosures`: who got which evidence, when, for whom and why.

Part of `station.cli`, which adds it to its group. Reads only.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, not_found, one_number, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.disclosures import Disclosure
    from storage.later import Actor

HEADINGS: Final = (
    "at", "by", "role", "recipient", "reason", "profile", "package", "digest",
    "tracking_numbers", "files", "bytes", "disclosure",
)  # fmt: skip


@click.command()
@click.argument("text", required=False)
@click.option("--since", metavar="DAY|MOMENT", help="yesterday, 2026-11-22 or 2026-11-22T22:00.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    help="Only those that gave out this package, or a file with the very bytes of this one.",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--csv", "sheet", type=FILE, metavar="FILE", help="Also write them as CSV.")
@as_json_option
@site
@signed_in_for(Right.FIND, reads=True)
def disclosures(
    config: Config,
    archive: Archive,
    _actor: Actor,
    text: str | None,
    since: str | None,
    path: Path | None,
    limit: int,
    sheet: Path | None,
    as_json: bool,
) -> int:
    """Tell which evidence left the archive, newest first: who exported it, for whom and why.

    TEXT is a tracking number, its last 4 or more characters, or an order id; without it, all of
    the archive.
    """
    number = "" if text is None else _number(archive, text)
    moment = None if since is None else _moment(since)
    digests = [""] if path is None else _digests(path)
    found = _found(archive, number, moment, limit + 1, digests)
    shown = found[:limit]
    numbers = {each.id: _numbers(archive, each) for each in shown}
    if sheet is not None:
        _write_csv(sheet, shown, numbers)
    if as_json:
        click.echo(json.dumps([_told(each, numbers[each.id]) for each in shown], indent=2))
    else:
        for each in shown:
            click.echo(harmless(_line(each, numbers[each.id])))
    if len(found) > limit:
        told(f"only the newest {limit} are shown: name a tracking number, or set --limit")
    if not found and not as_json:
        told("nothing that was asked for has left the archive")
    return FAILED if path is not None and not found else 0


COMMANDS: Final = (disclosures,)


# ---------------------------------------------------------------------------- what is asked


def _number(archive: Archive, text: str) -> str:
    """The tracking number of today that TEXT means. Raises click.UsageError,
    click.ClickException."""
    found = archive.find(text)
    if not found:
        raise click.ClickException(not_found(text, archive.root))
    numbers = [archive.number_of(session.id) for session in found]
    one_number(text, numbers)
    return numbers[0]


def _moment(text: str) -> dt.datetime:
    """Raises click.UsageError."""
    from station.local_time import LOCAL
    from storage.errors import QueryError
    from storage.query import parse

    try:
        start = parse(f'from:"{text}"', dt.datetime.now(dt.UTC), LOCAL).start
    except QueryError as error:
        raise click.UsageError(str(error)) from error
    if start is None:
        raise click.UsageError(f"--since {text[:40]!r} names no day")
    return start


def _digests(path: Path) -> list[str]:
    """What a disclosure may know this file or package by: the hash of its bytes, and those of the
    lists in a package, one of which is its digest. Raises OSError."""
    from storage.evidence import bag
    from storage.evidence.trees import opened

    digests = [_sha256(path)] if path.is_file() else []
    if path.is_dir():
        from storage.evidence.kit.kit_told import TOLD

        digests += [_sha256(told_by) for told_by in [path / TOLD] if told_by.is_file()]
    if path.is_dir() or path.suffix.lower() == ".zip":
        with opened(path) as tree:
            sizes = {} if tree.problems else tree.sizes()
            for name in (bag.FACTS, bag.TAG_MANIFEST):
                if 0 < sizes.get(name, 0) <= bag.TAG_LIMIT_BYTES:
                    digests.append(hashlib.sha256(b"".join(tree.blocks(name))).hexdigest())
    return digests


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _found(
    archive: Archive, number: str, since: dt.datetime | None, limit: int, digests: Sequence[str]
) -> list[Disclosure]:
    found = {
        each.id: each
        for digest in digests
        for each in archive.disclosures(number, since, limit, sha256=digest)
    }
    if len(digests) == 1:
        return list(found.values())
    return sorted(found.values(), key=lambda each: (each.at, each.id), reverse=True)[:limit]


def _numbers(archive: Archive, each: Disclosure) -> list[str]:
    """The tracking numbers of today that its sessions belong to; not of one that is lost."""
    from storage.errors import UnknownSession

    numbers: dict[str, None] = {}
    for session in each.sessions:
        try:
            numbers[archive.number_of(session)] = None
        except UnknownSession:
            continue
    return list(numbers)


# ---------------------------------------------------------------------------- what is printed


def _told(each: Disclosure, numbers: list[str]) -> dict[str, Any]:
    from storage.disclosures import disclosure_to_json

    return {**disclosure_to_json(each), "tracking_numbers": numbers}


def _line(each: Disclosure, numbers: list[str]) -> str:
    role = "" if each.role is None else f" ({each.role.value})"
    line = (
        f"{each.at.astimezone():%Y-%m-%d %H:%M:%S}  {each.by or '-'}{role}  {each.profile or '-'}"
    )
    line += f"  {each.package}  {', '.join(numbers) or '-'}"
    if each.recipient:
        line += f"  for {each.recipient}"
    return f"{line}: {each.reason}" if each.reason else line


def _write_csv(path: Path, found: Sequence[Disclosure], numbers: dict[str, list[str]]) -> None:
    """UTF-8 with a mark, for spreadsheets. Raises OSError."""
    from station.shift_sheet import inert

    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for each in found:
            cells = (
                each.at.isoformat(timespec="milliseconds"),
                each.by,
                "" if each.role is None else each.role.value,
                each.recipient,
                each.reason,
                each.profile,
                each.package,
                each.digest,
                " ".join(numbers[each.id]),
                len(each.files),
                sum(file.size_bytes for file in each.files),
                each.id,
            )
            writer.writerow([inert(cell) for cell in cells])
