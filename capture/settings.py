"""How a camera is to be opened, and how it is: what its owner knows of it.

Values that also cross to another process. Loads neither OpenCV nor FFmpeg.
"""

from __future__ import annotations

from dataclasses import dataclass

from capture.source import SourceSpec


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How to open a camera and when to call it down.

    `width`, `height`, `fps` None: what the source gives. `stall_s`: no frame for so long, and the
    camera is down; `freeze_s`, `black_s`: the same for equal pictures and black ones, 0 = never
    (a video file may rightly stand still, it never is frozen). `symbologies`: what to read and
    tell as ReadingSeen; none: nothing is read; `duty`: the share of one core that reading takes at
    most. `record`: `copy` keeps the camera's own coding, `encode` makes ours, `auto` copies H.264
    unless barcodes are read here, which needs every picture. Video is scaled down to
    `video_height`; stills keep the sensor's size. `encoder`: `auto` or `libx264`, see
    `capture.hardware`.
    """

    name: str
    source: SourceSpec
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    pre_roll_s: float = 10.0
    bench: str = ""
    symbologies: tuple[str, ...] = ()
    duty: float = 0.27
    record: str = "auto"
    video_height: int | None = 1080
    encoder: str = "auto"
    stall_s: float = 2.0
    freeze_s: float = 3.0
    black_s: float = 2.0


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera is.

    `fps` is measured over the last 3 s; `cause` says why a camera is not up, `warning` what is not
    as it was asked for; `frames` counts what the camera delivered, `damaged` what of it could not
    be decoded, `dropped` what the encoder had no time for.
    """

    name: str
    up: bool
    cause: str
    fps: float
    width: int
    height: int
    last_frame_age_s: float | None
    frames: int
    dropped: int
    damaged: int = 0
    warning: str = ""
