"""Commands that say whether evidence is what was sealed: `check` the archive, `verify` anything.

Part of `station.cli`, which adds them to its group.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final

import click

from station.console import harmless, progress_bar
from station.options import FAILED, FILE, as_json_option, site

if TYPE_CHECKING:
    from station.config import Config
    from storage.check_run import Checked
    from storage.evidence.signed_by import SignedBy
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
@click.option(
    "--root", metavar="SHA256|FILE",
    help="Also: is the package signed under this root certificate? Its fingerprint as the sender "
    "publishes it, or the certificate as a PEM file.",
)  # fmt: skip
@as_json_option
@site
def verify(
    config: Config, path: Path | None, against: str | None, root: str | None, as_json: bool
) -> int:
    """Check that evidence is what was sealed.

    PATH is an evidence package, an unpacked one, an archive or one session's folder; without it the
    whole archive is checked. Of a package it is said whose root certificate it is signed under:
    compare the fingerprint with the one that the sender publishes.
    """
    from storage.evidence.heads import head_of
    from storage.evidence.signed_by import fingerprint_of, root_problems, signed_by
    from storage.evidence.verify import against_problems
    from storage.evidence.verify import verify as problems_of

    checked = path or config.archive.path
    head = None if against is None else head_of(against)
    wanted = None if root is None else fingerprint_of(root)
    with progress_bar("checking", quiet=as_json, in_bytes=True) as progress:
        problems = problems_of(checked, progress)
    if head is not None:
        problems += against_problems(checked, head)
    signed = signed_by(checked)
    if wanted is not None:
        problems += root_problems(signed, wanted)
    if as_json:
        told = {"ok": not problems, "problems": _listed(problems)}
        if signed is not None:
            told["package"] = asdict(signed)
        click.echo(json.dumps(told, indent=2))
    else:
        _print(problems)
        if signed is not None:
            for line in _whose(signed, whole=not problems):
                click.echo(harmless(line))
        result = "ok" if not problems else f"{len(problems)} not as sealed"
        click.echo(harmless(f"{checked}: {result}"))
    return FAILED if problems else 0


def _whose(signed: SignedBy, *, whole: bool) -> Iterator[str]:
    """Whom a package says that it is from, and what to compare."""
    yield f"digest {signed.digest}"
    if not signed.root_sha256:
        yield "of an older format, without a certificate"
        return
    says = "signed" if whole else "says that it is signed"
    yield f"{says} by {signed.signer!r} under the root certificate of {signed.site!r}, SHA-256"
    yield f"  {' '.join(wrap(signed.root_sha256.upper(), 4))}"
    yield "  compare it with the one that the sender publishes (--root)"


COMMANDS: Final = (check, verify)
