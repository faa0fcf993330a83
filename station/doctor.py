"""What this machine really delivers, and what to do about each fault.

Behind `packwitness doctor`. Opens cameras for two seconds, reads a barcode, encodes a second of
video, looks at disk, clock and terminal; changes nothing. Each examination is independent of the
others and ends in findings, whatever it meets.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

from station.config import CameraConfig, Config

LOOK_S: Final = 2.0
LOOK_LIMIT_S: Final = 20.0
"""A driver may hang for ever: a camera that has said nothing after this time is given up."""
INDICES: Final = range(4)
DARK_LEVEL: Final = 40.0
BRIGHT_LEVEL: Final = 225.0
BLUR_LEVEL: Final = 20.0
"""Grey level and variance of the Laplacian at half size; a lit, sharp bench has 80 to 180, 100+."""
SLOW_SHARE: Final = 0.8
MB_PER_MINUTE: Final = 27.0
"""H.264 of a bench at 1080p30 with the recorder's settings, measured."""
SHIFT_MINUTES: Final = 8 * 60.0
GB: Final = 1_000_000_000
OLDEST_PLAUSIBLE: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SAMPLE: Final = "1Z999AA10123456784"


class Level(StrEnum):
    """FAIL: the bench cannot work. WARN: it can, worse than it should."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` is what to do, '' where nothing is."""

    area: str
    level: Level
    what: str
    advice: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """The findings, one by one as they are made."""
    yield from cameras(config)
    yield from barcodes()
    yield encoder()
    yield archive(config.archive.path)
    yield disk(config)
    yield clock()
    yield terminal()


def to_text(finding: Finding) -> str:
    """The finding as one or two lines."""
    line = f"{finding.level.value.upper():5} {finding.area:9} {finding.what}"
    return f"{line}\n{'':16}-> {finding.advice}" if finding.advice else line


def to_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The report; `ok` is False when something failed."""
    return {
        "ok": all(finding.level is not Level.FAIL for finding in findings),
        "findings": [
            {
                "area": finding.area,
                "level": finding.level.value,
                "what": finding.what,
                "advice": finding.advice,
            }
            for finding in findings
        ],
    }


# ---------------------------------------------------------------------------- cameras


def cameras(config: Config) -> Iterator[Finding]:
    """Each configured camera; without any, whatever answers to the first numbers."""
    if not config.simulated:
        for camera in config.camera:
            yield within(LOOK_LIMIT_S, camera.name, partial(look_at, camera))
        return
    found = 0
    for number in INDICES:
        camera = CameraConfig(name=f"camera-{number}", source=str(number))
        finding = within(LOOK_LIMIT_S, camera.name, partial(look_at, camera))
        if finding.level is not Level.FAIL:
            found += 1
            yield finding
    if not found:
        yield Finding(
            "camera",
            Level.WARN,
            "none is configured and none answers as 0 to 3: the bench runs on simulated cameras",
            "plug a camera in, or name its source in config.toml (see config.example.toml)",
        )


def within(limit_s: float, name: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds, or that it hangs. A hung look is left behind in its thread."""
    found: list[Finding] = []
    thread = threading.Thread(target=lambda: found.append(look()), daemon=True)
    thread.start()
    thread.join(limit_s)
    if found:
        return found[0]
    return Finding(
        "camera",
        Level.FAIL,
        f"{name}: hangs for {limit_s:.0f} s and more in its driver",
        "unplug it, plug it in again, and try another USB port",
    )


def look_at(camera: CameraConfig) -> Finding:
    """What the camera delivers for two seconds: size, frames a second, sharpness, light."""
    from capture.source import SourceError, SourceLost, open_source, parse_source
    from capture.still import sharpness

    try:
        source = open_source(parse_source(camera.source), camera.width, camera.height, camera.fps)
    except SourceError as error:
        return Finding("camera", Level.FAIL, f"{camera.name}: {error.text}", error.why)
    try:
        picture = source.read()  # the first one comes late, and dark, while the exposure settles
        frames = 0
        started = time.monotonic()
        while picture is not None and time.monotonic() - started < LOOK_S:
            frames += 1
            picture = source.read()
    except SourceLost as lost:
        return Finding(
            "camera", Level.FAIL, f"{camera.name}: opens, but {lost.cause}", "check its cable"
        )
    finally:
        source.close()
    if picture is None:
        return Finding(
            "camera", Level.FAIL, f"{camera.name}: opens, but ends at once", "choose another source"
        )
    fps = frames / (time.monotonic() - started)
    height, width = picture.shape[:2]
    sharp, light = sharpness(picture), float(picture.mean())
    advice = _camera_advice(camera, (int(width), int(height)), fps, sharp, light, source.fps)
    return Finding(
        "camera",
        Level.WARN if advice else Level.OK,
        f"{camera.name}: {width}x{height}, {fps:.1f} fps, sharpness {sharp:.0f}, light {light:.0f}",
        "; ".join(advice),
    )


def _camera_advice(
    camera: CameraConfig,
    size: tuple[int, int],
    fps: float,
    sharp: float,
    light: float,
    announced_fps: float,
) -> list[str]:
    advice = []
    wished = (camera.width or size[0], camera.height or size[1])
    if wished != size:
        advice.append(f"it was asked for {wished[0]}x{wished[1]}: set a size that it has")
    expected = camera.fps or announced_fps
    if expected and fps < SLOW_SHARE * expected:
        advice.append(
            f"{expected:g} fps were expected: give it more light (a camera halves its rate in the "
            "dark), a USB port of its own, or ask for a smaller picture"
        )
    if light < DARK_LEVEL:
        advice.append("the picture is dark: light the bench, take the cap off")
    elif light > BRIGHT_LEVEL:
        advice.append("the picture is glaring: turn the lamp away from the camera")
    if sharp < BLUR_LEVEL:
        advice.append("the picture is blurred: clean the lens, set the focus to the table")
    return advice


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


def encoder() -> Finding:
    """Whether the recorder's H.264 encoder works, and how many cameras it has time for."""
    import av
    import numpy as np

    from capture.encoder import Encoder
    from capture.frame import Frame, freeze
    from capture.overlay import Overlay

    size, fps = (1920, 1080), 30
    try:
        made = Encoder(size, fps, Overlay("doctor", "doctor"))
        small = np.random.default_rng(7).integers(0, 255, (27, 48, 3), np.uint8)
        large = np.repeat(np.repeat(small, 40, axis=0), 40, axis=1)
        moving = [freeze(np.roll(large, 9 * step, axis=1)) for step in range(5)]
        now_ns, utc = time.monotonic_ns(), dt.datetime.now(dt.UTC)
        started = time.perf_counter()
        for index in range(fps):
            at_ns = now_ns + index * 1_000_000_000 // fps
            made.encode(Frame(index, at_ns, utc, moving[index % len(moving)]), index)
        took_s = time.perf_counter() - started
    except (av.FFmpegError, ValueError) as error:
        return Finding("encoder", Level.FAIL, f"no H.264: {error}", "install PackWitness again")
    speed = 1 / took_s
    what = f"libx264 encodes 1080p30 {speed:.1f} times as fast as it comes"
    if speed < 1:
        return Finding("encoder", Level.FAIL, what, "ask the cameras for 1280x720, or fewer fps")
    if speed < 2:
        return Finding("encoder", Level.WARN, what, "use one camera, or ask for 1280x720")
    return Finding("encoder", Level.OK, what)


def archive(path: Path) -> Finding:
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
    """Free space, and how long it lasts at the rate of a full shift of every camera."""
    place = config.archive.path
    while not place.exists() and place != place.parent:
        place = place.parent
    free_gb = shutil.disk_usage(place).free / GB
    per_day_gb = len(config.camera) * SHIFT_MINUTES * MB_PER_MINUTE / 1000
    days = max(0.0, free_gb - config.disk.full_gb) / per_day_gb
    count = f"{len(config.camera)} camera{'s' * (len(config.camera) != 1)}"
    what = f"{free_gb:.0f} GB free: {days:.0f} days of 8 h with {count} at 1080p30"
    if free_gb < config.disk.full_gb:
        return Finding("disk", Level.FAIL, what, "make room: the bench opens no new session")
    if free_gb < config.disk.low_gb or days < 2:
        return Finding("disk", Level.WARN, what, "make room, or put the archive on a larger disk")
    return Finding("disk", Level.OK, what)


def clock() -> Finding:
    """Whether the clock is plausible and kept right: it is burnt into every video."""
    now = dt.datetime.now(dt.UTC)
    local = now.astimezone()
    shown = f"{local:%Y-%m-%d %H:%M:%S %z} ({local.tzname()})"
    set_it = "set the clock, and switch network time on"
    if now < OLDEST_PLAUSIBLE:
        return Finding("clock", Level.FAIL, f"{shown} is long past", set_it)
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
