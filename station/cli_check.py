"""Commands that say whether evidence is what was sealed: `check` the archive, `verify` anything.

Part of `station.cli`, which adds them to its group.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from station.console import harmless, progress_bar
from station.options import FAILED, FILE, as_json_option, site

if TYPE_CHECKING:
    from station.config import Config
    from storage.check_run import Checked
    from storage.problem import Problem

MB: Final = 1_000_000
NOBODY: Final = "no former key vouches for it"


@click.command()
@click.option("--again", is_flag=True, help="Begin anew instead of where the last one stopped.")
@click.option(
    "--background", is_flag=True,
    help="Give way to every other program, and say nothing unless something is wrong.",
)  # fmt: skip
@as_json_option
@site
def check(config: Config, again: bool, background: bool, as_json: bool) -> int:
    """Check the whole archive: every file, row, signature and entry of the ledger.

    It can be stopped at any time (Ctrl-C) and goes on from there. Exit code 1, with one line for
    each, when something is not as it was sealed.
    """
    from storage.check_run import check as run

    if background:
        _give_way()
    certificates = config.ledger.tsa_certificates
    with progress_bar("checking", quiet=as_json or background, in_bytes=True) as progress:
        found = run(
            config.archive.path,
            lambda: dt.datetime.now(dt.UTC),
            again=again,
            progress=progress,
            tsa_certificates=Path(certificates) if certificates else None,
        )
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2))
        return FAILED if found.problems else 0
    _print(found.problems)
    for change in found.keys[1:] if not background else ():
        vouched = f"key {change.endorsed_by} vouches for it" if change.endorsed_by else NOBODY
        click.echo(f"since {change.at} (entry {change.seq}) key {change.key} signs: {vouched}")
    if not background or found.problems:
        click.echo(harmless(f"{config.archive.path}: {_said(found)}"))
    return FAILED if found.problems else 0


def _give_way() -> None:
    """Run behind everything else on this computer."""
    import psutil

    me = psutil.Process()
    with contextlib.suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            me.nice(psutil.IDLE_PRIORITY_CLASS)
            return
        me.nice(19)
        if sys.platform == "linux":
            me.ionice(psutil.IOPRIO_CLASS_IDLE)


def _said(found: Checked) -> str:
    rate = f", {found.bytes / found.seconds / MB:.0f} MB/s" if found.seconds > 1 else ""
    result = "ok" if not found.problems else f"{len(found.problems)} not as sealed"
    since = (
        f" (begun {found.resumed_at.astimezone():%Y-%m-%d %H:%M}, gone on with)"
        if found.resumed_at
        else ""
    )
    return f"{result}; {found.looked_at} looked at, {found.bytes / MB:.0f} MB{rate}{since}"


def _as_json(found: Checked) -> dict[str, object]:
    return {
        "ok": not found.problems,
        "problems": _listed(found.problems),
        "looked_at": found.looked_at,
        "bytes": found.bytes,
        "seconds": round(found.seconds, 3),
        "resumed": found.resumed_at is not None,
        "keys": [
            {"key": change.key, "since": change.at, "endorsed_by": change.endorsed_by}
            for change in found.keys
        ],
    }


def _listed(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"path": problem.path, "what": problem.what} for problem in problems]


def _print(problems: list[Problem]) -> None:
    for problem in problems:
        click.echo(harmless(f"{problem.path}: {problem.what}"))


@click.command()
@click.argument("path", type=FILE, required=False)
@click.option(
    "--against", metavar="HEAD",
    help="Also: has this archive's ledger had that head? NUMBER:HASH as `packwitness head` printed "
    "it, a signed head (ledger/*.json), or a package that left the archive.",
)  # fmt: skip
@as_json_option
@site
def verify(config: Config, path: Path | None, against: str | None, as_json: bool) -> int:
    """Check that evidence is what was sealed.

    PATH is an evidence package, an unpacked one, an archive or one session's folder; without it the
    whole archive is checked.
    """
    from storage.evidence.heads import head_of
    from storage.evidence.verify import against_problems
    from storage.evidence.verify import verify as problems_of

    checked = path or config.archive.path
    head = None if against is None else head_of(against)
    with progress_bar("checking", quiet=as_json, in_bytes=True) as progress:
        problems = problems_of(checked, progress)
    if head is not None:
        problems += against_problems(checked, head)
    if as_json:
        click.echo(json.dumps({"ok": not problems, "problems": _listed(problems)}, indent=2))
    else:
        _print(problems)
        result = "ok" if not problems else f"{len(problems)} not as sealed"
        click.echo(harmless(f"{checked}: {result}"))
    return FAILED if problems else 0


COMMANDS: Final = (check, verify)
