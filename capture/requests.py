"""What one worker process was asked for, so that all of it is answered when the worker is gone.

Kept by `capture.remote`, one for each life of a worker. Every clip and every still is answered by
exactly one event: by the worker while it lives, from here when it died. Knows no process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from capture.events import (
    CaptureEvent,
    ClipEnded,
    ClipFailed,
    ClipStarted,
    StillFailed,
    StillTaken,
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Clip:
    path: Path
    trigger_ns: int
    started: bool = False


class Requests:
    """The open requests of one worker. Guarded by its owner's lock until the worker is dead."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._clips: dict[str, _Clip] = {}
        self._stills: dict[int, Path] = {}

    @property
    def any_clip(self) -> bool:
        return bool(self._clips)

    def add_clip(self, clip_id: str, path: Path, trigger_ns: int) -> None:
        """Raises ValueError while a clip of that id is open."""
        if clip_id in self._clips:
            raise ValueError(f"clip {clip_id} of camera {self._camera} is open already")
        self._clips[clip_id] = _Clip(path, trigger_ns)

    def add_still(self, still_id: int, path: Path) -> None:
        """Raises ValueError while a still of that id is being taken."""
        if still_id in self._stills:
            raise ValueError(f"still {still_id} of {self._camera} is being taken already")
        self._stills[still_id] = path

    def note(self, event: CaptureEvent) -> None:
        """The worker told `event`: what it answers is open no more."""
        match event:
            case ClipStarted() if event.clip_id in self._clips:
                self._clips[event.clip_id].started = True
            case ClipEnded() | ClipFailed():
                self._clips.pop(event.clip_id, None)
            case StillTaken() | StillFailed():
                self._stills.pop(event.still_id, None)

    def fail_stills(self, why: str, tell: Callable[[CaptureEvent], None]) -> None:
        """The worker is dead: a picture that it did not tell of may be half a picture."""
        for still_id, path in self._stills.items():
            try:
                path.unlink(missing_ok=True)
            except OSError:
                _log.exception("camera %s: removing %s", self._camera, path.name)
            tell(StillFailed(self._camera, still_id, f"the camera went down: {why}"))

    def salvage_clips(self, why: str, tell: Callable[[CaptureEvent], None]) -> None:
        """The worker is dead: each open clip ends with what its file holds, or has failed. Reads
        the files, which takes a while."""
        for clip_id, clip in self._clips.items():
            self._salvage(clip_id, clip, why, tell)

    def _salvage(
        self, clip_id: str, clip: _Clip, why: str, tell: Callable[[CaptureEvent], None]
    ) -> None:
        try:
            from capture.salvage import salvage

            info = salvage(clip.path, clip.trigger_ns)
        except Exception as error:
            _log.exception("camera %s: salvaging %s", self._camera, clip.path.name)
            info, why = None, f"{why}; {clip.path.name} cannot be read: {error}"
        if info is None:
            tell(ClipFailed(self._camera, clip_id, why))
            return
        if not clip.started:
            tell(ClipStarted(self._camera, clip_id, info.started_at, info.pre_roll_ms))
        tell(ClipEnded(self._camera, clip_id, info, why))
