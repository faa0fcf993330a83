"""The front door: `packwitness COMMAND`. Parses, hands over, and tells faults in one line.

Exit codes: 0 it came true, 1 it did not, 2 it was asked wrongly (usage or configuration). Loads a
command's modules only when that command runs, so that `--help` and the bench's first picture do
not wait for OpenCV.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from station.cli_amend import COMMANDS as AMENDING
from station.cli_archive import COMMANDS as BROWSING
from station.cli_check import COMMANDS as CHECKING
from station.cli_claims import COMMANDS as CLAIMING
from station.cli_coverage import COMMANDS as COVERING
from station.cli_devices import COMMANDS
from station.cli_disclosures import COMMANDS as DISCLOSING
from station.cli_export import COMMANDS as EXPORTING
from station.cli_find import COMMANDS as FINDING
from station.cli_inbox import COMMANDS as RECEIVING
from station.cli_keys import COMMANDS as KEYS
from station.cli_orders import COMMANDS as ORDERING
from station.cli_people import COMMANDS as PEOPLE
from station.cli_profiles import COMMANDS as PROFILES
from station.cli_proof import COMMANDS as PROVING
from station.cli_rebuild import COMMANDS as REBUILDING
from station.cli_retain import COMMANDS as RETAINING
from station.cli_review import COMMANDS as REVIEWING
from station.cli_scale import COMMANDS as WEIGHING
from station.cli_trace import COMMANDS as TRACING
from station.console import PROGRAM, told
from station.options import FAILED, FILE, as_json_option, site

if TYPE_CHECKING:
    from station.cards import Language
    from station.config import Config

DEBUG: Final = "PACKWITNESS_DEBUG"
MISUSED: Final = 2
STOPPED: Final = 130


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    no_args_is_help=True,
)
@click.version_option(package_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """A camera over every packing bench, and proof for every parcel."""


@cli.command()
@click.option(
    "--source", "sources", multiple=True, metavar="[NAME=]SOURCE",
    help="Camera to use instead of the configured ones: 0, /dev/video0, rtsp://..., file:PATH or "
    "sim:. Repeat it for several cameras.",
)  # fmt: skip
@click.option("--language", metavar="LANG", help="Language of the screen: auto, en, zh.")
@site
def bench(config: Config, sources: tuple[str, ...], language: str | None) -> int:
    """Open the packing bench."""
    from station.config import with_language, with_sources

    if sources:
        config = with_sources(config, sources)
    if language is not None:
        config = with_language(config, language)
    from station.ui.terminal import run

    return run(config)


@cli.command()
@click.option("--parcels", type=click.IntRange(3, 10_000), default=6, show_default=True)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same shift."
)
@click.option("--language", metavar="LANG", default="auto", help="Language of the screen.")
@as_json_option
@site
def demo(config: Config, parcels: int, seed: int, language: str, as_json: bool) -> int:
    """Pack an unattended shift on simulated cameras and check all of it.

    It needs a folder of its own: --archive DIR.
    """
    if click.get_current_context().params["archive_path"] is None:
        raise click.UsageError("name a new folder for the demo's archive: --archive DIR")
    from station.config import with_language
    from station.demo import run

    with_language(config, language)
    return run(parcels, config.archive.path, seed, as_json=as_json, language=language)


@cli.command()
@click.option("--out", type=FILE, default=Path("packwitness-cards.pdf"), show_default=True)
@click.option("--packer", "packers", multiple=True, metavar="NAME", help="Add a packer's badge.")
@click.option(
    "--language", type=click.Choice(["both", "en", "zh"]), default="both", show_default=True
)
@as_json_option
@site
def cards(
    config: Config, out: Path, packers: tuple[str, ...], language: Language, as_json: bool
) -> int:
    """Print the command cards, the scanner's set-up card and the cameras' test card, as a PDF."""
    from station.cards import cards as cards_of
    from station.cards import render

    sheet = cards_of([shot.slot for shot in config.shot], packers, language)
    (pdf,) = render(sheet, language)
    out.write_bytes(pdf)
    if as_json:
        codes = [card.code for card in sheet]
        click.echo(json.dumps({"path": str(out), "cards": codes}, indent=2, ensure_ascii=False))
    else:
        click.echo(out)
    return 0


for _command in (
    *COMMANDS,
    *RECEIVING,
    *BROWSING,
    *FINDING,
    *CHECKING,
    *PROVING,
    *REBUILDING,
    *PEOPLE,
    *KEYS,
    *PROFILES,
    *AMENDING,
    *RETAINING,
    *DISCLOSING,
    *EXPORTING,
    *ORDERING,
    *CLAIMING,
    *REVIEWING,
    *COVERING,
    *TRACING,
    *WEIGHING,
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    if not os.environ.get(DEBUG):
        # What threads log is for the bench's own log: unheard, Python prints it, tracebacks too.
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        code = cli.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return MISUSED
    except click.ClickException as error:
        hint = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        told(error.format_message() + (f" (see {hint} --help)" if hint else ""))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        told("stopped")
        return STOPPED
    except Exception as error:  # the top of the program: no traceback meets a packer
        if os.environ.get(DEBUG):
            raise
        told(_plainly(error))
        return int(getattr(error, "exit_code", FAILED))
    return code if isinstance(code, int) else 0


def _plainly(error: Exception) -> str:
    """`error` for a person: our own speak for themselves, the system's name their file."""
    if type(error).__module__.partition(".")[0] in {"station", "capture", "storage"}:
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"this should not have happened: {type(error).__name__}: {error}. "
        f"Set {DEBUG}=1 to see where, and report it"
    )


def program() -> NoReturn:
    """Run the command line of this process, and end the process."""
    code = main()
    if threading.active_count() > 1:
        # A camera's driver that still hangs aborts the process when it returns while Python is
        # being torn down ("terminate called"). All that matters is on the disk by now.
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    program()
