"""The doctor's look at the cameras: what each really delivers for two seconds.

Opens a camera as the bench would, reads it, and lets go of it again. A camera's driver may hang for
ever: such a look is left behind in its thread. Knows no session; with `Looked` the check of the
cameras can be filed from these looks.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from capture.settings import CameraStatus
from station.camera_check import NO_CARD, Seen, judge, reading_cameras
from station.config import CameraConfig, Config
from station.findings import Finding, Level

if TYPE_CHECKING:
    from capture.events import StillInfo
    from capture.frame import Frame
    from capture.source import Source, SourceSpec
    from capture.testcard import CardReading

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
LOOK_LIMIT_S: Final = 25.0
"""Longer than any source takes to open and to give up: who has said nothing then, hangs."""
INDICES: Final = range(4)
SLOW_SHARE: Final = 0.8
_LAST_FRAMES: Final = 6


@dataclass(frozen=True, slots=True)
class Look:
    """What came of looking at a camera. `frames` are its last ones, none where it gave none."""

    finding: Finding
    status: CameraStatus
    frames: tuple[Frame, ...] = ()


@dataclass(slots=True)
class _Read:
    """What was read of a source."""

    frames: deque[Frame] = field(default_factory=lambda: deque(maxlen=_LAST_FRAMES))
    pictures: int = 0
    """Copied packets count as well."""
    damaged: int = 0
    took_s: float = 0.0

    @property
    def fps(self) -> float:
        return self.pictures / self.took_s if self.took_s else 0.0


def looks(config: Config) -> Iterator[Look]:
    """Each configured camera; without any, whatever answers to the first numbers, or nothing."""
    reads = reading_cameras(config)
    if not config.simulated:
        for camera in config.camera:
            yield within(LOOK_LIMIT_S, camera, partial(look_at, camera, camera.name in reads))
        return
    for number in INDICES:
        camera = CameraConfig(name=f"camera-{number}", source=str(number))
        look = within(LOOK_LIMIT_S, camera, partial(look_at, camera))
        if look.finding.level is not Level.FAIL:
            yield look


def within(limit_s: float, camera: CameraConfig, look: Callable[[], Look]) -> Look:
    """What `look` finds, how it failed, or that it hangs: then it is left behind in its thread."""
    found: list[Look] = []

    def run() -> None:
        try:
            found.append(look())
        except Exception as error:
            log.exception("looking at camera %s", camera.name)
            why = f"{type(error).__name__}: {error}"
            found.append(_failed(camera, why, "this should not have happened: report it"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    if found:
        return found[0]
    return _failed(
        camera,
        f"hangs for {limit_s:g} s and more in its driver",
        "unplug it, plug it in again, and try another USB port",
    )


def look_at(camera: CameraConfig, reads: bool = False) -> Look:
    """What the camera delivers; `reads`: it must read labels."""
    from capture.source import SourceError, SourceLost, open_source, parse_source

    # As the camera's own thread does it.
    record = "encode" if camera.record == "auto" and camera.scan else camera.record
    try:
        spec = parse_source(camera.source)
        source = open_source(
            spec,
            camera.width,
            camera.height,
            camera.fps,
            record=record,
            video_height=camera.video_height,
        )
    except SourceError as error:
        return _failed(camera, error.text, error.why)
    try:
        read = _read(source)
    except SourceLost as lost:
        return _failed(camera, f"opens, but {lost.cause}", "check its cable")
    finally:
        source.close()
    if not read.frames:
        return _failed(
            camera,
            f"opens, but no picture came in {LOOK_S:g} s ({read.damaged} were damaged)",
            "check its cable; of a network camera, ask it for a key frame each second",
        )
    coding, coding_advice = _coding(spec, source.codec, camera)
    return _judged(camera, reads, read, source.fps, coding, coding_advice)


def _read(source: Source) -> _Read:
    """Raises SourceLost."""
    from capture.frame import Frame, Yuv, freeze

    read = _Read()
    sample = source.read()  # the first one comes late, and dark, while the exposure settles
    started = time.monotonic()
    while sample is not None and read.took_s < LOOK_S:
        if sample.picture is None and sample.packet is None:
            read.damaged += 1
        else:
            read.pictures += 1
        if (picture := sample.picture) is not None:
            shown = picture if isinstance(picture, Yuv) else freeze(picture)
            now_ns, utc = time.monotonic_ns(), dt.datetime.now(dt.UTC)
            read.frames.append(Frame(read.pictures, now_ns, utc, shown, sample.jpeg))
        sample = source.read()
        read.took_s = time.monotonic() - started
    return read


def _coding(spec: SourceSpec, copied: str, camera: CameraConfig) -> tuple[str, str]:
    """How the camera's own coding is recorded, and what to do about it; '' where it has none."""
    from capture.source import Kind, SourceError, open_source

    if spec.kind not in (Kind.STREAM, Kind.FILE):
        return "", ""
    codec = copied
    if not codec:
        try:  # opened once more, because what is decoded does not tell what it was
            source = open_source(spec, record="copy")
        except SourceError:
            return ", is encoded here", ""
        codec = source.codec
        source.close()
    told = f", its {codec.upper()} is {'copied' if copied else 'encoded again'}"
    if codec == "hevc":
        return told, (
            'browsers may not play the video: set the camera to H.264, or record = "encode"'
            if copied
            else "HEVC costs a core to encode again: set the camera to H.264, which is copied"
        )
    return told, ""


def _judged(
    camera: CameraConfig,
    reads: bool,
    read: _Read,
    announced_fps: float,
    coding: str,
    coding_advice: str,
) -> Look:
    from capture.jpeg import jpeg_of
    from capture.quality import brightness, glare, sharpness
    from capture.testcard import read_card

    _, grey = jpeg_of(read.frames[-1])
    height, width = grey.shape
    card = read_card(grey)
    warning = _not_as_asked(camera, (width, height), read.fps, announced_fps)
    sharp, light = sharpness(grey), brightness(grey)
    seen = Seen(card, sharp, light, glare(grey), reads, warning)
    advice = [line for line in judge(seen) if line != NO_CARD]
    if coding_advice:
        advice.append(coding_advice)
    what = (
        f"{camera.name}: {width}x{height}, {read.fps:.1f} fps{coding}, "
        f"sharpness {sharp:.0f}, light {light:.0f}, {_told(card)}"
    )
    if read.damaged:
        what += f", {read.damaged} pictures damaged"
        advice.append("pictures come damaged: check its cable, try another USB port")
    level = Level.WARN if advice else Level.OK
    status = CameraStatus(
        camera.name, True, "", read.fps, width, height, 0.0, read.pictures, 0, read.damaged, warning
    )
    return Look(Finding("camera", level, what, "; ".join(advice)), status, tuple(read.frames))


def _told(card: CardReading | None) -> str:
    if card is None:
        return "no test card in view"
    if card.module_mm is None:
        return "reads no bars of the test card"
    return f"reads {card.module_mm:g} mm bars of the test card"


def _not_as_asked(
    camera: CameraConfig, size: tuple[int, int], fps: float, announced_fps: float
) -> str:
    """As `CameraStatus.warning`."""
    wished = (camera.width or size[0], camera.height or size[1])
    expected = camera.fps or announced_fps
    slow = bool(expected) and fps < SLOW_SHARE * expected
    if wished == size and not slow:
        return ""
    gives, wish = f"{size[0]}x{size[1]}", f"{wished[0]}x{wished[1]}"
    if slow:
        gives, wish = f"{gives} at {fps:.0f} fps", f"{wish} at {expected:g} fps"
    return f"delivers {gives}; {wish} was asked for"


def _failed(camera: CameraConfig, what: str, advice: str) -> Look:
    finding = Finding("camera", Level.FAIL, f"{camera.name}: {what}", advice)
    return Look(finding, CameraStatus(camera.name, False, what, 0.0, 0, 0, None, 0, 0))


class Looked:
    """The looks as the cameras of `station.camera_check.check_cameras`."""

    def __init__(self, made: Sequence[Look]) -> None:
        self._made = {look.status.name: look for look in made}

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(self._made)

    async def still(self, camera: str, path: Path) -> StillInfo:
        """The best of the last frames. Raises ValueError, OSError."""
        from capture.still import choose, write_still

        look = self._made[camera]
        if not look.frames:
            raise ValueError(look.status.cause)
        return write_still(choose(look.frames), path)

    def statuses(self) -> tuple[CameraStatus, ...]:
        return tuple(look.status for look in self._made.values())
