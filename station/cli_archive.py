"""`packwitness archive`: the screens of an archive, in this terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from station.options import site

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive

FRAMES: Final = {"TEXTUAL_FPS": "120"}
"""Textual draws a second picture up to two frames after the first: what a key finds stood on the
screen 33 ms late at its own 60."""


@click.command()
@click.option("--language", metavar="LANG", help="Language of the screen: auto, en, zh.")
@site
def archive(config: Config, language: str | None) -> int:
    """Search the archive, look at parcels, correct and export them."""
    from station.config import with_language

    if language is not None:
        config = with_language(config, language)
    os.environ.update(FRAMES)
    with _opened(config) as opened:
        from station.ui.archive.terminal import run

        return run(config, opened)


def _opened(config: Config) -> Archive:
    """The archive to write into, or to read only where its disk lets nobody write.

    Raises ArchiveError.
    """
    from storage.archive import Archive
    from storage.errors import ArchiveFull, ArchiveNotWritable

    try:
        return Archive.open(config.archive.path, create=False)
    except (ArchiveNotWritable, ArchiveFull):
        return Archive.open(config.archive.path, create=False, read_only=True)


COMMANDS: Final = (archive,)
