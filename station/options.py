"""Options that commands share: which configuration and archive, JSON, numbers within bounds.

Loads nothing heavy: `--help` does not wait for it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

FAILED: Final = 1
"""Exit code of a command whose wish did not come true."""
FILE: Final = click.Path(path_type=Path)


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


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
