"""`packwitness profiles`: what evidence can be exported for, and what each place accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from station.console import harmless
from station.options import as_json_option, site

if TYPE_CHECKING:
    from station.config import Config
    from storage.evidence.kit.profiles import Limit, Profile

_HEADINGS: Final = ("PROFILE", "MAKES", "WITHIN", "LIMITS ARE", "FOR")
_WITHIN: Final = (
    "files",
    "video_ms",
    "video_bytes",
    "pictures",
    "picture_bytes",
    "pages",
    "pdf_bytes",
    "file_bytes",
    "total_bytes",
)
"""What the list shows of a profile's limits, in this order."""


@click.command()
@click.argument("name", required=False)
@as_json_option
@site
def profiles(config: Config, name: str | None, as_json: bool) -> int:
    """List what evidence can be exported for, or tell all about one profile.

    Each limit says where it is from and how sure it is: portals change their rules. Your own file
    of profiles ([evidence] profiles) adds to these, or puts other limits into them.
    """
    from storage.errors import UnknownProfile
    from storage.evidence.kit.kit_told import profile_to_json
    from storage.evidence.kit.profiles import load

    known = load(config.profiles_file)
    if name is not None and name not in known:
        raise UnknownProfile(name, known)
    chosen = list(known.values()) if name is None else [known[name]]
    if as_json:
        spoken = [profile_to_json(profile) for profile in chosen]
        click.echo(json.dumps(spoken, indent=2, ensure_ascii=False))
    elif name is None:
        click.echo(_table(chosen))
    else:
        click.echo(_described(chosen[0]))
    return 0


def _table(chosen: list[Profile]) -> str:
    rows = [_HEADINGS, *(_row(profile) for profile in chosen)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(profile: Profile) -> tuple[str, ...]:
    within = [
        f"{name.removesuffix('_bytes').removesuffix('_ms')} {amount(limit)}"
        for name in _WITHIN
        if (limit := profile.limits.get(name)) is not None
    ]
    return (
        profile.name,
        ", ".join(kind.value for kind in profile.kinds),
        "; ".join(within) or "-",
        profile.certainty.value,
        harmless(profile.title.en) + (" (yours)" if profile.own else ""),
    )


def _described(profile: Profile) -> str:
    from storage.evidence.kit.profiles import LIMITS

    lines = [
        f"{profile.name}: {harmless(profile.title.en)} / {harmless(profile.title.zh)}",
        harmless(profile.about.en),
        f"makes {', '.join(kind.value for kind in profile.kinds)}, of a {profile.session} session",
    ]
    for slot in profile.slots:
        shots = ", ".join((slot.name, *(shot for shot in slot.shots if shot != slot.name)))
        lines.append(f"  {slot.name}: {harmless(slot.title.en)} (photo {shots})")
    for name, limit in profile.limits.items():
        lines.append(f"  {name}: {amount(limit)} ({LIMITS[name][1]})")
        lines.append(f"    {limit.certainty.value}, {limit.as_of}: {harmless(limit.source)}")
        if limit.note:
            lines.append(f"    {harmless(limit.note)}")
    return "\n".join(lines)


def amount(limit: Limit) -> str:
    """The value of a limit, for a person."""
    if isinstance(limit.value, bool):
        return "yes" if limit.value else "no"
    if isinstance(limit.value, tuple):
        return " ".join(limit.value)
    if isinstance(limit.value, str):
        return harmless(limit.value)
    if limit.name.endswith("_bytes"):
        return f"{limit.value / 1_000_000:.7g} MB" if limit.value >= 10_000 else f"{limit.value} B"
    if limit.name.endswith("_ms"):
        return f"{limit.value / 1000:g} s"
    return f"{limit.value}"


COMMANDS: Final = (profiles,)
