"""What travels between a camera's own process and its owner, and how it is written.

    owner  -> worker   Hello, Shown (simulated bench), Begin; then requests, Watched, Shown, Close
    worker -> owner    events (`capture.events`), Beat, small Frames, log records

The pipes are the child's own stdin and stdout: only these two programs hold them, no file and no
port leads there. That is why messages may be pickled, and why a source's password may be among
them. Loads neither OpenCV nor FFmpeg. Knows no process and no thread.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from capture.settings import CameraSettings, CameraStatus

if TYPE_CHECKING:
    from capture.sim import SceneState

BEAT_S: Final = 0.25
"""A worker says so often how it is."""
HUNG: Final = 75
"""A worker's exit code when a read hangs in the driver, which only the process's end cures."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First of all: which camera, and the lowest level of log records to be told."""

    settings: CameraSettings
    log_level: int


@dataclass(frozen=True, slots=True)
class Begin:
    """Open the camera."""


@dataclass(frozen=True, slots=True)
class StartClip:
    """`trigger_ns` is of `time.monotonic_ns`, whose zero all processes of a system share."""

    clip_id: str
    path: Path
    trigger_ns: int
    text: str
    pre_roll: bool


@dataclass(frozen=True, slots=True)
class StopClip:
    clip_id: str


@dataclass(frozen=True, slots=True)
class TakeStill:
    still_id: int
    path: Path


@dataclass(frozen=True, slots=True)
class Watched:
    """Whether small pictures are wanted."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What happens on the simulated bench of this seed, from now on."""

    seed: int
    state: SceneState


@dataclass(frozen=True, slots=True)
class Close:
    """End all clips playable, within this time, and leave."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class Beat:
    """How the camera was at `mono_ns`; also the sign that its interpreter still runs."""

    status: CameraStatus
    mono_ns: int


def send(stream: BinaryIO, message: object) -> None:
    """Writes one message; blocks while the pipe is full. Raises OSError, ValueError when closed."""
    pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """The next message. Raises EOFError when the other side is gone, also amid a message."""
    try:
        return pickle.load(stream)  # noqa: S301 - see the module's head
    except (OSError, ValueError, pickle.UnpicklingError) as error:
        raise EOFError from error
