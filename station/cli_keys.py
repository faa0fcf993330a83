"""`packwitness keys`: who signs evidence packages, and what others compare to believe it.

Part of `station.cli`, which adds it to its group. What is done to the keys is
`storage.site_changes`'; every change is told to the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless
from station.options import FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from cryptography import x509

    from station.config import Config
    from storage.archive import Archive
    from storage.later import Actor
    from storage.ledger import KeyChange
    from storage.site_folder import SiteFiles

SHOW: Final = "show"
HELP: Final = ("-h", "--help")
GROUPS_A_LINE: Final = 8
ROOT_KEY_HELP: Final = "The root's private key (PEM), with its certificate or beside it as .pem."


class _Showing(click.Group):
    """A group that shows the keys where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in HELP):
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Showing)
def keys() -> None:
    """Show who signs evidence packages, and whose root others compare; and change that.

    Keys are made by themselves at the first export, named after this computer. Whoever gets a
    package compares the root's fingerprint with the one that you publish.
    """


@keys.command()
@as_json_option
@site
def show(config: Config, as_json: bool) -> int:
    """Show the root's fingerprint, the signer, and where the private keys are."""
    from storage import site_folder
    from storage.archive import Archive

    with Archive.open(config.archive.path, create=False, read_only=True) as archive:
        found = site_folder.read(archive.root)
        changes = archive.key_changes()
        current = changes[-1].key if changes else ""
    if as_json:
        spoken = {
            "site": None if found is None else _spoken(found, config),
            "bench_keys": [_bench_key(change, current) for change in changes],
        }
        click.echo(json.dumps(spoken, indent=2, ensure_ascii=False))
        return 0
    for line in _lines(found, config):
        click.echo(harmless(line))
    for change in changes:
        note = "" if change.key == current else "  (former)"
        click.echo(harmless(f"bench key   {change.key}  since {change.at[:10]}{note}"))
    return 0


@keys.command()
@click.option(
    "--name", "site_name", metavar="NAME", default="", help="The site's name, as others know it."
)
@click.option("--root-key", "root_file", type=FILE, metavar="FILE", help=ROOT_KEY_HELP)
@click.option("--replace", is_flag=True, help="Also where there are keys; they stay beside.")
@as_json_option
@site
@signed_in_for(Right.REKEY, create=True)
def make(
    config: Config,
    archive: Archive,
    actor: Actor,
    site_name: str,
    root_file: Path | None,
    replace: bool,
    as_json: bool,
) -> int:
    """Make a root and a signer, or a signer below the root of another bench.

    With --root-key many benches share one root, and you publish one fingerprint.
    """
    from storage import site_changes

    if bool(site_name) is (root_file is not None):
        raise click.UsageError("give --name NAME for a new root, or --root-key FILE to share one")

    def change(root: Path) -> SiteFiles:
        return site_changes.make(root, site_name, root_file, replace=replace)

    return _changed(config, archive, actor, "made", change, as_json)


@keys.command()
@click.option("--root-key", "root_file", type=FILE, metavar="FILE", help=ROOT_KEY_HELP)
@as_json_option
@site
@signed_in_for(Right.REKEY)
def renew(
    config: Config, archive: Archive, actor: Actor, root_file: Path | None, as_json: bool
) -> int:
    """Make a new signer under the same root. Packages of the former one stay valid."""
    from storage import site_changes

    def change(root: Path) -> SiteFiles:
        return site_changes.renew(root, root_file)

    return _changed(config, archive, actor, "renewed", change, as_json)


@keys.command()
@click.option("--out", type=FILE, metavar="FILE", help="Default: to stdout.")
@site
def root(config: Config, out: Path | None) -> int:
    """Print the root's certificate (PEM), to be published."""
    from storage import site_folder
    from storage.archive import Archive

    with Archive.open(config.archive.path, create=False, read_only=True) as archive:
        found = site_folder.expected(archive.root)
    _given_out(site_folder.pem(found.root), out)
    return 0


@keys.command()
@click.option("--name", "site_name", metavar="NAME", required=True, help="The site's name.")
@click.option("--out", type=FILE, metavar="FILE", help="Default: to stdout.")
@site
@signed_in_for(Right.REKEY)
def request(
    config: Config, archive: Archive, actor: Actor, site_name: str, out: Path | None
) -> int:
    """Print a request (PEM) to your company's authority to certify a new signer.

    Its private key waits in the archive until `packwitness keys accept`.
    """
    from storage import site_changes

    _given_out(site_changes.request(archive.root, site_name), out)
    return 0


@keys.command()
@click.argument("certificates", type=FILE)
@as_json_option
@site
@signed_in_for(Right.REKEY)
def accept(
    config: Config, archive: Archive, actor: Actor, certificates: Path, as_json: bool
) -> int:
    """Sign with what your authority certified from now on.

    CERTIFICATES is one PEM file with the signer's certificate, those between and the root.
    """
    from storage import site_changes

    def change(root: Path) -> SiteFiles:
        evidence = config.evidence
        return site_changes.accept(
            root, certificates, evidence.sign_command, evidence.sign_timeout_s
        )

    return _changed(config, archive, actor, "accepted", change, as_json)


@keys.command(name="take-root-offline")
@click.argument("file", type=FILE)
@as_json_option
@site
@signed_in_for(Right.REKEY)
def take_root_offline(
    config: Config, archive: Archive, actor: Actor, file: Path, as_json: bool
) -> int:
    """Move the root's private key out of the archive, into the new FILE.

    It is needed for `packwitness keys renew` only. Whoever has it can sign as this site: keep it
    on a medium in a safe, not on this computer.
    """
    from storage import site_changes

    def change(root: Path) -> SiteFiles:
        return site_changes.take_root_offline(root, file)

    code = _changed(config, archive, actor, "root taken offline", change, as_json)
    if not as_json:
        click.echo(f"the root's private key is in {file} now, and in the archive no more")
    return code


def _changed(
    config: Config,
    archive: Archive,
    actor: Actor,
    what: str,
    change: Callable[[Path], SiteFiles],
    as_json: bool,
) -> int:
    """Make the change, have it told, and show what is there now."""
    found = archive.change_site_keys(actor, what, change)
    if as_json:
        click.echo(json.dumps(_spoken(found, config), indent=2, ensure_ascii=False))
        return 0
    for line in _lines(found, config):
        click.echo(harmless(line))
    return 0


def _given_out(content: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(content.decode("ascii"), nl=False)
    else:
        out.write_bytes(content)
        click.echo(out)


def _lines(found: SiteFiles | None, config: Config) -> list[str]:
    from storage.evidence.signing.chain import named
    from storage.site_keys import fingerprint, grouped

    if found is None:
        return [
            "site        no keys yet: made at the first export, named after this computer, or by "
            "`packwitness keys make --name NAME`"
        ]
    groups = grouped(fingerprint(found.root)).split()
    halves = (groups[:GROUPS_A_LINE], groups[GROUPS_A_LINE:])
    first, second = (" ".join(half) for half in halves)
    lines = [
        f"site        {named(found.root)}",
        f"fingerprint {first}",
        f"            {second}",
        "            SHA-256 of the root's certificate: publish it where your partners find it",
        f"root        {_validity(found.root)}",
        f"            private key {found.root_key or 'kept elsewhere'}",
    ]
    for certificate in found.certificates[1:-1]:
        lines.append(f"between     {named(certificate)}, {_validity(certificate)}")
    lines.append(f"signer      {named(found.certificates[0])}, {_validity(found.certificates[0])}")
    lines.append(f"            private key {_signer_key(found, config)}")
    return lines


def _validity(certificate: x509.Certificate) -> str:
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"valid {since:%Y-%m-%d} to {until:%Y-%m-%d}"


def _signer_key(found: SiteFiles, config: Config) -> str:
    if config.evidence.sign_command:
        return f"kept elsewhere: {' '.join(config.evidence.sign_command)}"
    if found.signer_key is None:
        return "kept elsewhere, and no sign_command is configured: nothing can be signed"
    return str(found.signer_key)


def _spoken(found: SiteFiles, config: Config) -> dict[str, Any]:
    from storage.evidence.signing.chain import named
    from storage.site_keys import fingerprint

    return {
        "name": named(found.root),
        "root_sha256": fingerprint(found.root),
        "root_key": None if found.root_key is None else str(found.root_key),
        "signer_key": None if found.signer_key is None else str(found.signer_key),
        "sign_command": list(config.evidence.sign_command),
        "certificates": [
            {
                "subject": each.subject.rfc4514_string(),
                "issuer": each.issuer.rfc4514_string(),
                "sha256": fingerprint(each),
                "valid_from": each.not_valid_before_utc.isoformat(),
                "valid_until": each.not_valid_after_utc.isoformat(),
            }
            for each in found.certificates
        ],
    }


def _bench_key(change: KeyChange, current: str) -> dict[str, Any]:
    return {
        "key": change.key,
        "public": change.public.hex(),
        "known_since": change.at,
        "endorsed_by": change.endorsed_by,
        "current": change.key == current,
    }


COMMANDS: Final = (keys,)
