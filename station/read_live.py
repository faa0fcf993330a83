"""What the codes before a camera say, told as they are read: the test of a camera that is to read.

Behind `packwitness read --live SOURCE`. The same camera process and reader as at the bench, without
its screen, archive and rules of a session. Keeps nothing.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from capture.events import CameraDown, CameraUp, CameraWarned, CaptureEvent, ReadingSeen
from capture.remote import CameraProcess
from capture.settings import CameraSettings
from capture.source import ENDED, Kind, SourceError, SourceSpec, parse_source
from station.config import Config
from station.console import told
from station.meaning import on_one_line, to_json
from station.stopping import stopped_by_signals
from station.waybill import WaybillRules

OPEN_TIMEOUT_S: Final = 20.0
LAST_LOOK_S: Final = 1.0
"""After a file's last picture the reader may still be looking at it."""
_GONE_S: Final = 5.0
_POLL_S: Final = 0.2
"""Windows delivers Ctrl-C only between waits, so that none of them is long."""


class LiveError(Exception):
    """A source gave no pictures, or broke off. The message says why and what to do."""


Arrival = tuple[int, CaptureEvent]
"""An event and when it arrived: a reading is as late as its packer learns of it."""


@dataclass(slots=True)
class _Output:
    """Prints readings. `first_ns` is when the first picture came, on the capture clock."""

    rules: WaybillRules
    as_json: bool
    first_ns: int | None = None

    def show(self, arrived_ns: int, event: ReadingSeen) -> None:
        at_ms = (arrived_ns - (self.first_ns or arrived_ns)) / 1e6
        in_view_ms = (arrived_ns - event.in_view_ns) / 1e6
        if self.as_json:
            entry: dict[str, Any] = to_json(event.reading, self.rules)
            entry |= {"at_ms": round(at_ms), "since_in_view_ms": round(in_view_ms)}
            click.echo(json.dumps(entry))
        else:
            read = on_one_line(event.reading, self.rules)
            click.echo(f"{at_ms / 1000:8.2f} s  {read}, {in_view_ms / 1000:.2f} s in view")


def read_live(
    source: str, config: Config, *, as_json: bool = False, seconds: float | None = None
) -> int:
    """Print each accepted reading of `source` at once; the exit code.

    Ends with a file's end, `seconds` after the first picture, or by hand. A camera that drops out
    is waited for, as at the bench. Raises SourceError, LiveError.
    """
    spec = live_source(source)
    events: queue.Queue[Arrival] = queue.Queue()
    camera = CameraProcess(
        _settings(spec, source, config),
        lambda event: events.put((time.monotonic_ns(), event)),
    )
    output = _Output(config.scanner.waybills, as_json)
    with stopped_by_signals() as stopped:
        camera.start()
        try:
            _watch(camera, events, output, spec, seconds, stopped)
        finally:
            camera.close()
            while not events.empty():
                _take(events.get(), camera, output, spec)
    return 0


def live_source(text: str) -> SourceSpec:
    """The source that `text` means: as in the configuration, or simply the name of a video file.

    Raises SourceError.
    """
    try:
        return parse_source(text)
    except SourceError as error:
        with contextlib.suppress(OSError, ValueError):
            if Path(text).is_file():
                return parse_source(f"file:{text}")
        if ":" not in text and Path(text).suffix:
            raise SourceError(error.text, "there is no such video file; check its name") from None
        raise


def _settings(spec: SourceSpec, source: str, config: Config) -> CameraSettings:
    """As the bench opens it: a configured camera at the size that is configured."""
    known = next((camera for camera in config.camera if camera.source == source), None)
    return CameraSettings(
        name=known.name if known else "camera",
        source=spec,
        width=known.width if known else None,
        height=known.height if known else None,
        fps=known.fps if known else None,
        pre_roll_s=0.0,
        bench=config.bench.name,
        symbologies=config.scanner.symbologies,
        duty=config.scanner.duty,
        record=known.record if known else "auto",
        video_height=known.video_height if known else 1080,
        encoder=config.recording.encoder,
    )


def _watch(
    camera: CameraProcess,
    events: queue.Queue[Arrival],
    output: _Output,
    spec: SourceSpec,
    seconds: float | None,
    stopped: threading.Event,
) -> None:
    """Until it is over. Raises LiveError."""
    opened_s = time.monotonic()
    while not stopped.is_set():
        with contextlib.suppress(queue.Empty):
            _take(events.get(timeout=_POLL_S), camera, output, spec)
        if spec.kind is Kind.FILE and events.empty() and _is_over(camera, spec):
            stopped.wait(LAST_LOOK_S)
            return
        if output.first_ns is None:
            if time.monotonic() - opened_s > OPEN_TIMEOUT_S:
                raise LiveError(f"{spec}: no picture within {OPEN_TIMEOUT_S:g} s; check the camera")
        elif seconds is not None and time.monotonic_ns() - output.first_ns > seconds * 1e9:
            return


def _is_over(camera: CameraProcess, spec: SourceSpec) -> bool:
    """Whether a file has no more pictures. Raises LiveError where it broke off."""
    status = camera.status
    if status.up:
        return False
    if status.cause == ENDED:
        return True
    if status.last_frame_age_s is not None and status.last_frame_age_s > _GONE_S:
        raise LiveError(_of(spec, status.cause))
    return False


def _take(arrival: Arrival, camera: CameraProcess, output: _Output, spec: SourceSpec) -> None:
    """Raises LiveError for a source that was never open."""
    arrived_ns, event = arrival
    match event:
        case ReadingSeen():
            output.show(arrived_ns, event)
        case CameraUp():
            if output.first_ns is None:
                output.first_ns = arrived_ns
            told(f"{spec}: {event.width}x{event.height}; Ctrl-C ends it")
        case CameraWarned() if event.what:
            told(_of(spec, event.what))
        case CameraDown():
            if output.first_ns is None and not camera.status.frames:
                raise LiveError(_of(spec, event.cause))
            if event.cause != ENDED:
                told(_of(spec, event.cause))


def _of(spec: SourceSpec, what: str) -> str:
    return what if what.startswith(str(spec)) else f"{spec}: {what}"
