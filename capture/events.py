"""What cameras tell: values that travel from the capture threads to whoever owns the camera.

They are handed to the owner's callback on a capture thread; the callback must not block. Every
request (`start_clip`, `stop_clip`, `take_still`) is answered by exactly one of these, whatever the
camera does.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch inside a clip whose frames the camera delivered, but the file does not hold."""

    started_at: dt.datetime
    ended_at: dt.datetime
    frames: int
    cause: str


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A finished clip: the file is closed and synced. Hashing it is the archive's work.

    `started_at` is the UTC time of the first frame; `pre_roll_ms` how much of the clip lies before
    its trigger; `dropped` counts frames that the camera delivered but the file does not hold, and
    `holes` tells where and why, neighbouring ones joined. `clock_offset_ms` is the wall clock less
    the capture clock at the first frame. `copied`: the camera's own coding, so that time and
    number stand in a subtitle track instead of the picture.
    """

    path: Path
    codec: str
    width: int
    height: int
    started_at: dt.datetime
    duration_ms: int
    pre_roll_ms: int
    frames: int
    dropped: int
    size_bytes: int
    clock_offset_ms: int
    copied: bool = False
    holes: tuple[Hole, ...] = ()


@dataclass(frozen=True, slots=True)
class StillInfo:
    """A finished still: a JPEG on disk, synced, hashed while it was written.

    `sharpness` is the variance of the Laplacian at half size, `brightness` the mean grey level
    0-255, `motion` the mean change of the grey level against the frame before, 0-255.
    """

    path: Path
    width: int
    height: int
    taken_at: dt.datetime
    size_bytes: int
    sha256: str
    sharpness: float
    brightness: float
    motion: float


BAND = "band"
"""How the `look` of a reading begins that was made of a deblurred part of its bars."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A barcode as decoded from a frame. `polygon` are its corners in pixels, clockwise.

    `text` is hostile: it may hold any character. `look` names the part or the treatment of the
    picture that was read, '' for the picture as it is.
    """

    text: str
    symbology: str
    polygon: tuple[tuple[int, int], ...]
    engine: str
    mono_ns: int
    look: str = ""


@dataclass(frozen=True, slots=True)
class CaptureEvent:
    """`camera` is the name of the camera that tells."""

    camera: str


@dataclass(frozen=True, slots=True)
class CameraUp(CaptureEvent):
    """Frames arrive (again). Size in pixels and frames a second as really delivered."""

    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class CameraDown(CaptureEvent):
    """No usable frames any more: `cause` is one line such as `no frame for 2.0 s`."""

    cause: str


@dataclass(frozen=True, slots=True)
class CameraWarned(CaptureEvent):
    """The camera works, but not as asked: `what` is one line such as `delivers 1280x720 at 15 fps;
    1920x1080 at 30 fps was asked for`. Told when it begins and again with '' when it is over."""

    what: str


@dataclass(frozen=True, slots=True)
class ClipStarted(CaptureEvent):
    clip_id: str
    started_at: dt.datetime
    pre_roll_ms: int


@dataclass(frozen=True, slots=True)
class ClipEnded(CaptureEvent):
    """The clip is finished. `why` says why it ended before it was asked to, or is ''."""

    clip_id: str
    info: ClipInfo
    why: str = ""


@dataclass(frozen=True, slots=True)
class ClipFailed(CaptureEvent):
    """No usable clip came of it. What lies on disk, if anything, holds no frame, unless `why` says
    that the disk did not answer."""

    clip_id: str
    why: str


@dataclass(frozen=True, slots=True)
class StillTaken(CaptureEvent):
    still_id: int
    info: StillInfo


@dataclass(frozen=True, slots=True)
class StillFailed(CaptureEvent):
    still_id: int
    why: str


@dataclass(frozen=True, slots=True)
class ReadingSeen(CaptureEvent):
    """An accepted reading (votes agree, symbology allowed), once for each time it comes into view.

    `in_view_ns`: since when its code has been in view, on the capture clock.
    """

    reading: Reading
    in_view_ns: int
