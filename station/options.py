"""Options that commands share: which configuration and archive, JSON, numbers within bounds.

Loads nothing heavy: `--help` does not wait for it.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from storage.later import Actor, Right

if TYPE_CHECKING:
    from storage.archive import Archive

FAILED: Final = 1
"""Exit code of a command whose wish did not come true."""
FILE: Final = click.Path(path_type=Path)
PIN: Final = "PACKWITNESS_PIN"
"""The environment's variable that a PIN is taken from where nobody can type one."""


class Number(click.FloatRange):
    """A number within bounds, as which `nan` passes otherwise."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


class VideoHeight(click.IntRange):
    """Lines of a picture; 0 for as many as there are."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        lines = int(super().convert(value, param, ctx))
        if 0 < lines < 64:
            self.fail(f"{lines} is not in the range 64<=x<=8192, nor 0.", param, ctx)
        return lines


def site(command: Callable[..., int]) -> Callable[..., int]:
    """`command` with `--config` and `--archive`, called with the configuration they give."""

    @click.option(
        "--config",
        "config_path",
        type=FILE,
        metavar="FILE",
        help="Configuration (default: ./config.toml if there is one).",
    )
    @click.option(
        "--archive", "archive_path", type=FILE, metavar="DIR",
        help="Archive folder (default: the configuration's).",
    )  # fmt: skip
    @functools.wraps(command)
    def loaded(config_path: Path | None, archive_path: Path | None, **options: Any) -> int:
        from station.config import load_config, with_archive

        config = load_config(config_path)
        if archive_path is not None:
            config = with_archive(config, archive_path)
        return command(config, **options)

    return loaded


_as_option = click.option(
    "--as",
    "name",
    metavar="NAME",
    help=f"Who you are, where the archive knows people. The PIN is asked for, or ${PIN}.",
)


def signed_in(command: Callable[..., int]) -> Callable[..., int]:
    """`command` (below `site`) with `--as`, called with the configuration, its archive, which is
    open meanwhile, and who asks. What they may do, the archive says."""
    return signed_in_for(None)(command)


def signed_in_for(
    right: Right | None, *, reads: bool = False, create: bool = False
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """As `signed_in`, for a command that only somebody with this right may use at all.

    `reads`: the archive is opened for reading only, as one on a read-only disk must be; `create`:
    it is made where there is none.
    """

    def identifying(command: Callable[..., int]) -> Callable[..., int]:
        @_as_option
        @functools.wraps(command)
        def identified(config: Any, name: str | None, **options: Any) -> int:
            with _opened(config.archive.path, reads=reads, create=create) as archive:
                actor = who(archive, name)
                if right is not None:
                    archive.allow(actor, right)
                return command(config, archive, actor, **options)

        return identified

    return identifying


def vouched_for(right: Right) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """As `signed_in_for`, for a command that repairs the archive and opens it itself: whoever runs
    it needs the right as far as the archive can still say who has it."""

    def identifying(command: Callable[..., int]) -> Callable[..., int]:
        @_as_option
        @functools.wraps(command)
        def identified(config: Any, name: str | None, **options: Any) -> int:
            from storage.errors import ArchiveCorrupt, ArchiveMissing, StorageFailed

            # Where the archive cannot say any more who may, the files' owner may.
            with (
                contextlib.suppress(ArchiveCorrupt, ArchiveMissing, StorageFailed),
                _opened(config.archive.path, reads=True) as archive,
            ):
                archive.allow(who(archive, name), right)
            return command(config, **options)

        return identified

    return identifying


def _opened(path: Path, *, reads: bool = False, create: bool = False) -> Archive:
    """The archive, for writing where that is asked for and possible. Raises ArchiveError."""
    from storage.archive import Archive
    from storage.errors import ArchiveNotWritable

    if not reads:
        with contextlib.suppress(ArchiveNotWritable):
            return Archive.open(path, create=create)
    return Archive.open(path, create=False, read_only=True)


def who(archive: Archive, name: str | None) -> Actor:
    """Who asks: whoever has this name and types the PIN, or the computer's user where the archive
    knows nobody. Raises SignInFailed, SignInLocked, click.UsageError."""
    user = archive.nobody()
    if user is not None and name is not None:
        raise click.UsageError(
            "this archive knows nobody yet: leave out --as, or begin with "
            "`packwitness people add NAME --role supervisor`"
        )
    if user is not None:
        return user
    if name is None:
        raise click.UsageError("this archive knows people: say who you are with --as NAME")
    pin = asked_pin("PIN")
    if archive.writable:
        return archive.sign_in(name, pin)
    with _opened(archive.root) as counting:  # wrong PINs are counted wherever that is possible
        return counting.sign_in(name, pin)


def asked_pin(prompt: str, variable: str = PIN, *, twice: bool = False) -> str:
    """A PIN from the environment's `variable`, or typed, unseen. Raises click.UsageError."""
    given = os.environ.get(variable)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise click.UsageError(f"a PIN is typed at a terminal, or taken from {variable}")
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
