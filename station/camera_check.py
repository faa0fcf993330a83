"""The check of the cameras at the start of a shift: what each sees of the test card, filed.

Behind the CHECK card and `packwitness doctor --keep`. Takes one still of each camera into a folder
of its own in the archive, measures it, says what to do about it, and files both: evidence that the
camera was good that day. `judge` is pure. Opens no camera: `Cameras` says what it needs of one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from station import photo, timeserver
from storage.records import CameraCheck

if TYPE_CHECKING:
    from capture.events import StillInfo
    from capture.settings import CameraStatus
    from capture.testcard import CardReading
    from station.config import Config
    from storage.archive import Archive

log = logging.getLogger(__name__)

GOOD, POOR = "good", "poor"
LABEL_SLOT: Final = "label"
LABEL_MM: Final = 0.4
"""Module of the bars that a camera must read which takes label photos or scans. USPS asks for 0.33
to 0.53 mm (Publication 199), GS1 for 0.495 and more on logistic labels; and a label is read one or
two sizes coarser than the card."""
OTHER_MM: Final = 1.0
"""The same of other cameras, if they see the card: what is printed as coarsely is legible text."""
FEWEST_PX: Final = 1.3
"""Pixels that a module needs. The card rendered at 1.5 to 7 px/mm and in focus was read down to
0.7-1.2 pixels a module; blurred by 1 pixel 1.5, by 1.5 pixels 2.4, by 2 pixels 3."""
DARK_PAPER: Final = 80.0
"""Grey level of the card's white. At 70 it was read as well as in the light, but it is a bench at
which a camera soon takes half as many pictures."""
GLARE_SHARE: Final = 0.05
"""Of the card's black print that looks white. A lamp's reflection that hides 15% or 45% of it cost
one size of bars, one that hides 81% all of them."""
CLOCK_MS: Final = 2_000
CLOCK_S: Final = 5.0
STILL_LIMIT_S: Final = 10.0
"""A camera answers sooner; a process that is being replaced does not."""

NO_CARD: Final = "no test card seen: lay it flat in the middle of what the camera sees"
CLOSER: Final = "fine bars are too small: bring the camera closer, or ask it for a larger picture"
FOCUS: Final = "the picture is blurred: clean the lens, then set the focus to the table"
LIGHT: Final = "it is dark: light the bench, take the cap off the lens"
GLARE: Final = "something shines: turn the lamp or the camera until no light is mirrored"
"""What a packer can do, one line each."""


class Cameras(Protocol):
    """The cameras of a bench, as far as a check is concerned."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """The names of those that are there, up or down."""

    async def still(self, camera: str, path: Path) -> StillInfo:
        """A still in the new file `path`; raises an error that says why there is none."""

    def statuses(self) -> tuple[CameraStatus, ...]:
        """What each delivers."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured of a camera. `glare`: share of overexposed pixels. `warning`: what it gives
    other than asked for, else ''. `reads`: it must read labels. Offset: see `CameraCheck`."""

    card: CardReading | None
    sharpness: float
    brightness: float
    glare: float
    reads: bool
    warning: str = ""
    clock_offset_ms: int | None = None


def judge(seen: Seen) -> tuple[str, ...]:
    """What to do about the camera, the most urgent first; nothing for a good one."""
    card = seen.card
    advice: list[str] = []
    if card is None:
        if seen.brightness < photo.DARK_LEVEL:
            advice.append(LIGHT)
        elif seen.glare > photo.GLARE_SHARE:
            advice.append(GLARE)
        elif seen.sharpness < photo.BLUR_LEVEL:
            advice.append(FOCUS)
        if seen.reads:
            advice.append(NO_CARD)
    else:
        if card.brightness < DARK_PAPER:
            advice.append(LIGHT)
        elif card.glare > GLARE_SHARE:
            advice.append(GLARE)
        needed_mm = LABEL_MM if seen.reads else OTHER_MM
        if card.module_mm is None or card.module_mm > needed_mm:
            close = card.px_per_mm * needed_mm >= FEWEST_PX
            if not close:
                advice.append(CLOSER)
            elif not advice:  # else that is why
                advice.append(FOCUS)
    if seen.warning:
        advice.append(
            f"it {seen.warning}: give it more light or a USB port of its own, or ask it for less"
        )
    if (apart_ms := seen.clock_offset_ms) is not None and abs(apart_ms) > CLOCK_MS:
        way = "fast" if apart_ms > 0 else "slow"
        advice.append(f"the clock is {abs(apart_ms) / 1000:.0f} s {way}: switch network time on")
    return tuple(advice)


def reading_cameras(config: Config) -> frozenset[str]:
    """The cameras that must read labels: those of label photos, and those that scan."""
    first = config.camera[0].name
    photos = {shot.camera or first for shot in config.shot if shot.slot == LABEL_SLOT}
    return frozenset(photos | {camera.name for camera in config.camera if camera.scan})


async def check_cameras(
    footage: Cameras,
    archive: Archive,
    *,
    bench: str,
    packer: str,
    clock_server: str,
    reads: Collection[str] | None = None,
) -> tuple[CameraCheck, ...]:
    """Check all cameras at once and file it; a camera without a picture is filed as poor.

    `reads` names the cameras that must read labels, None: all of them. `clock_server` '' compares
    with none. Raises the archive's errors; then nothing was filed.
    """
    if not footage.cameras:
        return ()
    check_id, folder = await asyncio.wrap_future(archive.begin_check())
    at = dt.datetime.now(dt.UTC)
    pictures = [_show(footage, camera, folder / f"{camera}.jpg") for camera in footage.cameras]
    offset_ms, shown = await asyncio.gather(_clock_offset(clock_server), asyncio.gather(*pictures))
    statuses = {status.name: status for status in footage.statuses()}
    checks = []
    for camera, picture in zip(footage.cameras, shown, strict=True):
        status = statuses.get(camera)
        check = CameraCheck(
            id=check_id,
            bench=bench,
            packer=packer,
            at=at,
            camera=camera,
            width=0,
            height=0,
            fps=round(status.fps, 1) if status else 0.0,
            module_mm=None,
            sharpness=0.0,
            brightness=0.0,
            clock_offset_ms=offset_ms,
            verdict=POOR,
            advice="",
            path="",
            size_bytes=0,
            sha256="",
        )
        if isinstance(picture, str):
            checks.append(replace(check, advice=picture))
            continue
        info, card, glare = picture
        seen = Seen(
            card=card,
            sharpness=info.sharpness,
            brightness=info.brightness,
            glare=glare,
            reads=reads is None or camera in reads,
            warning=status.warning if status else "",
            clock_offset_ms=offset_ms,
        )
        advice = judge(seen)
        checks.append(
            replace(
                check,
                width=info.width,
                height=info.height,
                module_mm=card.module_mm if card else None,
                sharpness=info.sharpness,
                brightness=info.brightness,
                verdict=POOR if advice else GOOD,
                advice="; ".join(advice),
                path=archive.relative(info.path),
                size_bytes=info.size_bytes,
                sha256=info.sha256,
            )
        )
    return await asyncio.wrap_future(archive.file_checks(check_id, tuple(checks)))


async def _clock_offset(server: str) -> int | None:
    """As `timeserver.offset_ms`; None as well where the name is looked up for too long."""
    if not server:
        return None
    try:
        return await asyncio.wait_for(asyncio.to_thread(timeserver.offset_ms, server), CLOCK_S)
    except TimeoutError:
        return None


async def _show(
    footage: Cameras, camera: str, path: Path
) -> tuple[StillInfo, CardReading | None, float] | str:
    """The still, what it shows of the card, and how much of it is overexposed; or why not."""
    try:
        info = await asyncio.wait_for(footage.still(camera, path), STILL_LIMIT_S)
        card, glare = await asyncio.to_thread(_look_at, info.path)
    except TimeoutError:
        return f"no picture within {STILL_LIMIT_S:.0f} s: plug it in again"
    except Exception as error:
        log.warning("checking camera %s", camera, exc_info=error)
        return str(error) or type(error).__name__
    return info, card, glare


def _look_at(path: Path) -> tuple[CardReading | None, float]:
    """Reads the file back: what is judged is what is kept. Raises OSError, ValueError."""
    import cv2
    import numpy as np

    from capture.quality import glare
    from capture.testcard import read_card

    grey = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ValueError(f"{path.name} cannot be read back")
    return read_card(grey), glare(grey)
