"""`packwitness scanner`: list devices, understand a scan of the set-up card, write the settings."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from station.config import CONFIG_NAME, Config
from station.console import harmless, told
from station.scanner.config_file import write_settings
from station.scanner.layouts import layouts
from station.scanner.reader import ScannerThread, opener
from station.scanner.report import report_lines, setting_lines, strokes_of, to_json
from station.scanner.setup_card import Setup, diagnose

TYPED_ONLY: Final = ("caps_lock", "terminator", "burst_ms", "quiet_ms")
"""Settings that a text without its keys says nothing about."""


def list_devices(*, as_json: bool) -> int:
    """Print what could be a scanner here."""
    from station.scanner.listing import candidates

    found, notes = candidates()
    if as_json:
        listed = [{"device": candidate.setting, "what": candidate.what} for candidate in found]
        click.echo(json.dumps({"devices": listed, "notes": notes}, indent=2, ensure_ascii=False))
        return 0
    for candidate in found:
        click.echo(harmless(f'device = "{candidate.setting}"  # {candidate.what}'))
    if not found:
        click.echo("no serial port and no input device that could be a scanner")
    for note in notes:
        told(note)
    return 0


def understand_text(config: Config, arrived: str, *, write: bool, as_json: bool) -> int:
    """Say what the card means that arrived as `arrived`, and write it if that was asked for."""
    setup = diagnose(strokes_of(arrived))
    for key in TYPED_ONLY[1:]:
        setup.settings.pop(key, None)
    written: list[str] = []
    if write and not setup.why:
        written = write_setup(config, setup)
    if as_json:
        click.echo(json.dumps({**to_json(setup), "written": written}, indent=2))
    else:
        for line in [*report_lines(setup), *written]:
            click.echo(harmless(line))
    return 1 if setup.why else 0


def write_setup(config: Config, setup: Setup) -> list[str]:
    """Write the settings; the lines that say what was written. Raises ConfigError."""
    path = config.path or Path(CONFIG_NAME)
    changed = write_settings(path, setup.settings)
    if not changed:
        return [f"{path} says all of this already: nothing was written"]
    lines = setting_lines(Setup(settings={key: setup.settings[key] for key in changed}))
    return [f"WRITTEN to {path}, [scanner]:", *lines, "Close the bench and open it again."]


def set_up(config: Config) -> int:
    """Show the set-up screen in this terminal."""
    from station.ui.scanner_setup import ScannerSetup

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "the set-up needs a terminal: open one, or give what arrived with --arrived TEXT"
        )
    # An input device's keys are read as US here, so that the card shows what the scanner presses.
    device = opener(replace(config.scanner.hand, keyboard=layouts()["us"]))

    def write(setup: Setup) -> list[str]:
        settings = dict(setup.settings)
        if device:
            for key in TYPED_ONLY:
                settings.pop(key, None)
        return write_setup(config, Setup(settings=settings))

    app = ScannerSetup(write, (lambda tell: ScannerThread(*device, tell)) if device else None)
    app.run()
    return app.return_code or 0
