"""What this machine really delivers, and what to do about each fault.

Behind `packwitness doctor`. Opens cameras for two seconds, reads a barcode, encodes a second of
video, looks at disk, clock and terminal; changes nothing, unless the look at the cameras is to be
kept. Each examination is independent of the others and ends in findings, whatever it meets.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from station import timeserver
from station.camera_check import CLOCK_MS
from station.config import Config
from station.diskspace import DiskView, DiskWatch, said
from station.findings import Finding, Level
from station.rules.events import Disk
from storage.records import parse_utc

if TYPE_CHECKING:
    from station.camera_look import Look
    from storage.archive import Archive

FEWEST_DAYS: Final = 2
MB_PER_MINUTE: Final = 27.0
"""H.264 of a bench at 1080p30 with the recorder's settings, measured."""
SHIFT_MINUTES: Final = 8 * 60.0
GB: Final = 1_000_000_000
OLDEST_PLAUSIBLE: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SAMPLE: Final = "1Z999AA10123456784"


def examine(config: Config, looks: list[Look] | None = None) -> Iterator[Finding]:
    """The findings, one by one as they are made; `looks` is given those at the cameras."""
    yield from cameras(config, [] if looks is None else looks)
    yield from barcodes()
    yield from scanner(config)
    yield encoder(config)
    yield archive_folder(config.archive.path)
    yield disk(config)
    yield last_check(config)
    yield clock(config.clock.server)
    yield terminal()


def cameras(config: Config, looks: list[Look]) -> Iterator[Finding]:
    """What each camera delivers; the looks themselves are added to `looks`."""
    from station.camera_look import looks as look_around

    found = False
    for look in look_around(config):
        found = True
        looks.append(look)
        yield look.finding
    if not found:
        yield Finding(
            "camera",
            Level.WARN,
            "none is configured and none answers as 0 to 3: the bench runs on simulated cameras",
            "plug a camera in, or name its source in config.toml (see config.example.toml)",
        )


def keep(archive: Archive, config: Config, looks: Sequence[Look]) -> Finding:
    """Files the looks as a check of the cameras. Raises the archive's errors."""
    from station.camera_check import GOOD, check_cameras, reading_cameras
    from station.camera_look import Looked

    checks = asyncio.run(
        check_cameras(
            Looked(looks),
            archive,
            bench=config.bench.name,
            packer=config.bench.packer,
            clock_server=config.clock.server,
            reads=reading_cameras(config),
        )
    )
    if not checks:
        return Finding("check", Level.WARN, "no camera, nothing to keep", "plug a camera in")
    good = sum(check.verdict == GOOD for check in checks)
    told = f"{good} of {len(checks)} cameras good, kept as {checks[0].id}"
    poor = [f"{check.camera}: {check.advice}" for check in checks if check.verdict != GOOD]
    return Finding("check", Level.WARN if poor else Level.OK, told, "; ".join(poor))


# ---------------------------------------------------------------------------- the machine


def barcodes() -> Iterator[Finding]:
    """Whether each engine reads a Code128 that is generated here."""
    import numpy as np
    import zxingcpp

    from capture.engines import ZBAR, engines, read_zbar, read_zxing

    code = zxingcpp.create_barcode(SAMPLE, zxingcpp.BarcodeFormat.Code128)
    picture = np.array(code.to_image(scale=3))
    for engine in engines():
        name = f"{engine.name} {engine.version}"
        if not engine.available:
            yield Finding("barcode", Level.WARN, f"{name} is not available", engine.why)
            continue
        read = read_zbar if engine.name == ZBAR else read_zxing
        if [reading.text for reading in read(picture, ("Code128",))] == [SAMPLE]:
            yield Finding("barcode", Level.OK, f"{name} reads Code128")
        else:
            yield Finding(
                "barcode",
                Level.WARN if engine.name == ZBAR else Level.FAIL,
                f"{name} does not read its test picture",
                "install PackWitness again",
            )


def scanner(config: Config) -> Iterator[Finding]:
    """Whether the configured hand scanner is there; nothing about one that types."""
    from station.scanner.reader import ScannerFault, opener

    device = opener(config.scanner.hand)
    if device is None:
        return
    name, open_it = device
    try:
        open_it().close()
    except ScannerFault as fault:
        yield Finding("scanner", Level.WARN, f"{name}: {fault.why}", "see docs/scanners.md")
    else:
        yield Finding("scanner", Level.OK, f"{name} can be opened")


def encoder(config: Config) -> Finding:
    """Which H.264 encoder the recorder would use, and how many cameras it has time for."""
    import av

    from capture.encoder import Encoder
    from capture.frame import Frame
    from capture.hardware import bench_card, pick_encoder
    from capture.overlay import Overlay

    size, fps = (1920, 1080), 30
    try:
        name = pick_encoder(size, fps, config.recording.encoder)
        made = Encoder(size, fps, Overlay("doctor", "doctor"), codec=name)
        moving = bench_card(size)
        now_ns, utc = time.monotonic_ns(), dt.datetime.now(dt.UTC)
        started = time.perf_counter()
        for index in range(fps):
            at_ns = now_ns + index * 1_000_000_000 // fps
            made.encode(Frame(index, at_ns, utc, moving[index % len(moving)]), index)
        took_s = time.perf_counter() - started
    except (av.FFmpegError, ValueError, RuntimeError) as error:
        return Finding("encoder", Level.FAIL, f"no H.264: {error}", "install PackWitness again")
    speed = 1 / took_s
    what = f"{name} encodes 1080p30 {speed:.1f} times as fast as it comes"
    if speed < 1:
        return Finding("encoder", Level.FAIL, what, "ask the cameras for 1280x720, or fewer fps")
    if speed < 2:
        return Finding("encoder", Level.WARN, what, "use one camera, or ask for 1280x720")
    return Finding("encoder", Level.OK, what)


def archive_folder(path: Path) -> Finding:
    """Whether the archive's folder, or the one it would be made in, can be written."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    advice = "give this user the right to write there, or choose another archive.path"
    if not place.is_dir():
        return Finding("archive", Level.FAIL, f"{place} is no folder", advice)
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".packwitness-") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding("archive", Level.FAIL, f"{place}: {error.strerror}", advice)
    told = f"{path} can be written" if place == path else f"{path} will be made in {place}"
    return Finding("archive", Level.OK, told)


def disk(config: Config) -> Finding:
    """Free space, and how long it lasts: at the rate of what was recorded, else a full shift's."""
    view, by = _recorded(config), "as it was recorded so far"
    if view is None or view.days_left is None:
        place = config.archive.path
        while not place.exists() and place != place.parent:
            place = place.parent
        free_bytes = shutil.disk_usage(place).free
        per_day = len(config.camera) * SHIFT_MINUTES * MB_PER_MINUTE * 1_000_000
        days = max(0.0, free_bytes - config.disk.full_gb * GB) / per_day
        view = DiskView(free_bytes, days, Disk.OK)
        count = f"{len(config.camera)} camera{'s' * (len(config.camera) != 1)}"
        by = f"days of 8 h, {count} at 1080p30"
    what = f"{view.free_bytes / GB:.0f} GB free: {said(view)} ({by})"
    if view.free_bytes < config.disk.full_gb * GB:
        return Finding("disk", Level.FAIL, what, "make room: the bench opens no new session")
    if view.free_bytes < config.disk.low_gb * GB or (view.days_left or 0) < FEWEST_DAYS:
        return Finding("disk", Level.WARN, what, "make room, or put the archive on a larger disk")
    return Finding("disk", Level.OK, what)


def _recorded(config: Config) -> DiskView | None:
    """What the archive's own sessions say; None without an archive that can be read."""
    from storage.archive import Archive
    from storage.errors import ArchiveError

    try:
        with Archive.open(config.archive.path, create=False, read_only=True) as archive:
            watch = DiskWatch(archive, config.disk, len(config.camera))
            watch.look()
            return watch.view
    except ArchiveError:  # the archive's own examination says what is wrong
        return None


def last_check(config: Config) -> Finding:
    """When the whole archive was last verified, and what was found."""
    from storage.check_run import last

    told = last(config.archive.path)
    if told is None:
        return Finding("check", Level.OK, "the archive was never checked from end to end")
    at = parse_utc(str(told["at"])).astimezone()
    if told["problems"]:
        what = f"{told['problems']} not as sealed on {at:%Y-%m-%d %H:%M}"
        return Finding("check", Level.FAIL, what, "run `packwitness check` and keep what it says")
    age = dt.datetime.now(dt.UTC) - at
    if config.check.every_days and age > dt.timedelta(days=2 * config.check.every_days):
        what = f"the archive was last checked on {at:%Y-%m-%d}"
        return Finding("check", Level.WARN, what, "run `packwitness check` over night")
    return Finding("check", Level.OK, f"the archive was as sealed on {at:%Y-%m-%d %H:%M}")


def clock(server: str = "") -> Finding:
    """Whether the clock is plausible and kept right: it is burnt into every video."""
    now = dt.datetime.now(dt.UTC)
    local = now.astimezone()
    shown = f"{local:%Y-%m-%d %H:%M:%S %z} ({local.tzname()})"
    set_it = "set the clock, and switch network time on"
    if now < OLDEST_PLAUSIBLE:
        return Finding("clock", Level.FAIL, f"{shown} is long past", set_it)
    if server:
        apart_ms = timeserver.offset_ms(server)
        if apart_ms is None:
            advice = "look whether clock.server in config.toml is right, and the network is there"
            return Finding("clock", Level.WARN, f"{shown}; {server} does not answer", advice)
        told = f"{shown}, {apart_ms / 1000:+.2f} s against {server}"
        wrong = abs(apart_ms) > CLOCK_MS
        return Finding("clock", Level.WARN if wrong else Level.OK, told, set_it if wrong else "")
    synced = _synchronised()
    if synced is False:
        return Finding("clock", Level.WARN, f"{shown}, not synchronised", set_it)
    if synced is None:
        advice = "look into the system's settings whether network time is on"
        return Finding("clock", Level.OK, f"{shown}; nothing here tells who keeps it right", advice)
    return Finding("clock", Level.OK, f"{shown}, synchronised")


def _synchronised() -> bool | None:
    """Whether the system says that its clock is synchronised; None when it does not say."""
    if sys.platform == "win32":
        answer = _said("w32tm", "/query", "/status")
        return None if answer is None else "0x" not in answer.splitlines()[0].replace("0x0", "")
    answer = _said("timedatectl", "show", "--property=NTPSynchronized", "--value")
    return {"yes": True, "no": False}.get(answer.strip()) if answer else None


def _said(*command: str) -> str | None:
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program of the system
            [program, *command[1:]], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout.strip() else None


def terminal() -> Finding:
    """Whether the bench's screen fits: size, letters, colours."""
    if not sys.stdout.isatty():
        return Finding("terminal", Level.OK, "this is none (output goes to a file or a program)")
    size = shutil.get_terminal_size()
    name = os.environ.get("TERM") or os.environ.get("TERM_PROGRAM") or sys.platform
    colours = os.environ.get("COLORTERM", "")
    return judge_terminal((size.columns, size.lines), name, sys.stdout.encoding or "", colours)


def judge_terminal(size: tuple[int, int], name: str, encoding: str, colours: str) -> Finding:
    """What to think of a terminal of `size` columns and lines that calls itself `name`."""
    columns, lines = size
    shades = "all colours" if colours else "few colours"
    what = f"{name}, {columns}x{lines}, {encoding or 'unknown letters'}, {shades}"
    if name == "dumb":
        return Finding("terminal", Level.FAIL, what, "open the bench in a real terminal window")
    if columns < 80 or lines < 24:
        return Finding("terminal", Level.WARN, what, "enlarge the window to 80x24 or more")
    if encoding.lower().replace("-", "") != "utf8":
        return Finding("terminal", Level.WARN, what, "set a UTF-8 locale, such as LANG=C.UTF-8")
    return Finding("terminal", Level.OK, what)
