"""Commands that look at what is plugged in, or at pictures of it: scanner, cameras, photos.

Part of `station.cli`, which adds them to its group.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from station.console import told
from station.options import FAILED, FILE, Number, VideoHeight, as_json_option, site

if TYPE_CHECKING:
    from station.config import Config


@click.command()
@click.option(
    "--soak",
    "soak_minutes",
    type=Number(0.05, 10_080),
    metavar="MINUTES",
    help="Run the whole bench without a screen for so long, packing made-up parcels, and report "
    "drops, gaps, memory, CPU. Its archive is a temporary one, or a new folder: --archive DIR.",
)
@click.option(
    "--keep", is_flag=True,
    help="File the check of the cameras in the archive. Lay the test card down first.",
)  # fmt: skip
@as_json_option
@site
def doctor(config: Config, soak_minutes: float | None, keep: bool, as_json: bool) -> int:
    """Say what this machine really delivers, and what to do about each fault.

    With --soak it packs on the configured cameras (the simulated ones where none is configured)
    until the time is over or Ctrl-C, and fails when a frame was dropped, a camera dropped out, a
    photo is missing, memory grows or the archive does not verify.
    """
    if soak_minutes is not None and keep:
        raise click.UsageError("--keep files what the cameras show, --soak packs: ask for one")
    if soak_minutes is not None:
        return _soak(config, soak_minutes, as_json)
    from station.camera_look import Look
    from station.doctor import examine
    from station.doctor import keep as file_check
    from station.findings import Finding, Level, to_json, to_text
    from storage.archive import Archive

    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            click.echo(to_text(finding))

    with contextlib.ExitStack() as open_archives:
        archive: Archive | None = None
        if keep:
            archive = open_archives.enter_context(Archive.open(config.archive.path))
            archive.hold_bench_lock()  # a bench that runs has the cameras as well: it checks them
        looks: list[Look] = []
        for finding in examine(config, looks):
            found(finding)
        if archive is not None:
            found(file_check(archive, config, looks))
    if as_json:
        click.echo(json.dumps(to_json(findings), indent=2))
    return FAILED if any(finding.level is Level.FAIL for finding in findings) else 0


def _soak(config: Config, minutes: float, as_json: bool) -> int:
    """As the configuration says, but never where it keeps evidence."""
    from station.config import load_config, with_archive
    from station.soak import run

    given = click.get_current_context().params
    kept = load_config(given["config_path"]).archive.path
    return run(with_archive(config, kept), minutes, given["archive_path"], as_json=as_json)


@click.command()
@click.option("--list", "listing", is_flag=True, help="List what could be a scanner here.")
@click.option("--arrived", metavar="TEXT", help="What the card's scan typed: no screen is opened.")
@click.option("--write", is_flag=True, help="With --arrived: write the settings too.")
@as_json_option
@site
def scanner(config: Config, listing: bool, arrived: str | None, write: bool, as_json: bool) -> int:
    """Find out how the hand scanner is set, from a scan of the set-up card, and write it down.

    'packwitness cards' prints the card.
    """
    from station import scanner_command

    if listing:
        return scanner_command.list_devices(as_json=as_json)
    if arrived is not None:
        return scanner_command.understand_text(config, arrived, write=write, as_json=as_json)
    if as_json or write:
        raise click.UsageError("--json and --write go with --list or --arrived TEXT")
    return scanner_command.set_up(config)


@click.command()
@click.option("--source", required=True, help="0, /dev/video0, rtsp://..., file:PATH or sim:")
@click.option("--seconds", type=Number(0.1, 86_400), required=True, help="After the start.")
@click.option("--out", type=FILE, required=True, metavar="FILE", help="A new .mp4 file.")
@click.option("--tracking", default="", help="Text to burn into the picture.")
@click.option("--preroll", type=Number(0, 60), default=0.0, help="Seconds from before.")
@click.option("--width", type=click.IntRange(64, 8192), help="Pixels to ask the camera for.")
@click.option("--height", type=click.IntRange(64, 8192), help="Pixels to ask the camera for.")
@click.option("--fps", type=Number(1, 240), help="Frames a second to ask for.")
@click.option(
    "--record",
    "mode",
    type=click.Choice(["auto", "encode", "copy"]),
    default="auto",
    show_default=True,
    help="copy keeps the coding of the camera, encode makes ours; auto copies H.264.",
)
@click.option(
    "--video-height",
    type=VideoHeight(0, 8192),
    default=1080,
    show_default=True,
    help="Scale encoded video down to so many lines; 0 keeps the size of the camera.",
)
@as_json_option
@site
def record(
    config: Config,
    source: str,
    seconds: float,
    out: Path,
    tracking: str,
    preroll: float,
    width: int | None,
    height: int | None,
    fps: float | None,
    mode: str,
    video_height: int,
    as_json: bool,
) -> int:
    """Record from a camera without a screen or an archive: a test of the installation."""
    from station.record import Wish
    from station.record import record as record_clip

    bench_name, lines = config.bench.name, video_height or None
    wish = Wish(
        source, seconds, out, tracking, preroll, width, height, fps, bench_name, mode, lines
    )
    recorded = record_clip(wish, lambda line: click.echo(line, err=True))
    clip = recorded.clip
    if as_json:
        click.echo(json.dumps(recorded.to_json(), indent=2))
    else:
        click.echo(
            f"{clip.path}: {clip.width}x{clip.height} {clip.codec}"
            f"{' as the camera coded it' * clip.copied}, "
            f"{clip.duration_ms / 1000:.1f} s "
            f"(pre-roll {clip.pre_roll_ms / 1000:.1f} s), {clip.frames} frames, "
            f"{clip.dropped} dropped, {clip.size_bytes / 1e6:.1f} MB"
        )
        for hole in recorded.holes:
            click.echo(f"  hole of {hole.frames} frames: {hole.cause}")
    if recorded.why:
        told(f"ended early: {recorded.why}")
    return FAILED if recorded.why and not recorded.by_hand else 0


@click.command()
@click.argument("images", nargs=-1, type=FILE, metavar="[IMAGE]...")
@click.option(
    "--live", metavar="SOURCE",
    help="Read a camera or a video instead: 0, /dev/video0, rtsp://..., a video file or sim:.",
)  # fmt: skip
@click.option("--seconds", type=Number(0.1, 86_400), help="End --live after so long.")
@click.option("--timing", is_flag=True, help="Say how long loading and reading each file took.")
@click.option(
    "--symbology", "symbologies", multiple=True, metavar="NAME",
    help="Read only these, whatever is configured: Code128, QRCode, ... Repeat it for several.",
)  # fmt: skip
@as_json_option
@site
def read(
    config: Config,
    images: tuple[Path, ...],
    live: str | None,
    seconds: float | None,
    timing: bool,
    symbologies: tuple[str, ...],
    as_json: bool,
) -> int:
    """Read the barcodes of images, or of a camera, and say what they mean at this site.

    IMAGE is a photo, or a folder for all photos in it. With --live each code is told when it has
    been read, until the video ends or Ctrl-C, with the time since it came into view.
    """
    if bool(images) == (live is not None):
        raise click.UsageError("name images, or --live SOURCE")
    if live is None and seconds is not None:
        raise click.UsageError("--seconds ends --live SOURCE: name a source")
    if live is not None and timing:
        raise click.UsageError("--timing is of images; --live always says the time in view")
    from station.meaning import with_symbologies

    if symbologies:
        config = with_symbologies(config, symbologies)
    if live is not None:
        from station.read_live import read_live

        return read_live(live, config, as_json=as_json, seconds=seconds)
    from station.read import read_images

    return read_images(images, config, as_json=as_json, timing=timing)


COMMANDS: Final = (doctor, scanner, record, read)
