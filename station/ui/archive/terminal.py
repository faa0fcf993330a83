"""The process around the archive's screens: their log, and an end when the terminal is gone."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from station.ui.archive.app import ArchiveApp

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive


def run(config: Config, archive: Archive) -> int:
    """Show the archive in this terminal until it is closed; the exit code. Raises ArchiveError."""
    _log_to(archive.root / "archive.log" if archive.writable else None)
    if sys.stdout.isatty():
        import textual_image.renderable  # noqa: F401 - asks the terminal what it can, before it is taken
    app = ArchiveApp(config, archive, archive.nobody())
    app.run()
    return app.return_code or 0


def _log_to(path: Path | None) -> None:
    """One file in the archive's folder; the terminal belongs to the screen."""
    from logging.handlers import RotatingFileHandler

    handler: logging.Handler = logging.NullHandler()
    if path is not None:
        handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
