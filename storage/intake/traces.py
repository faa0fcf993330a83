"""A carrier's tracking events, read from what trackers write: JSON of AfterShip's and 17TRACK's
shape, CSV, TSV.

A file in, parcels with their events out, and everything bad named by its place: one bad event never
costs the others. What a file holds is hostile. Knows no archive.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.errors import TraceFileError
from storage.intake import trace_json, trace_sheet
from storage.intake.trace_told import BadEvent, Told
from storage.trace import Trace

LIMIT_BYTES: Final = 512 << 20


@dataclass(frozen=True, slots=True)
class TraceFile:
    """What a file of tracking events holds, and what was left out of it. Of so many events the
    time was `assumed` to be in the site's zone."""

    traces: tuple[Trace, ...]
    bad: tuple[BadEvent, ...]
    assumed: int


def read_traces(path: Path, zone: dt.tzinfo, now: dt.datetime) -> TraceFile:
    """The parcels in a file with their events. `zone` is that of times without one; nothing can
    have been seen after `now`.

    Raises TraceFileError when the file cannot be read at all.
    """
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise TraceFileError(path, "it is far too big: split it")
        content = path.read_bytes()
    except OSError as error:
        raise TraceFileError(path, error.strerror or str(error)) from error
    told = Told(zone, now)
    text = trace_sheet.text_of(path, content)
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        _json(path, text, told)
    else:
        trace_sheet.tell(path, text, told)
    return TraceFile(told.done(), tuple(told.bad), told.assumed)


def _json(path: Path, text: str, told: Told) -> None:
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except RecursionError as error:
        raise TraceFileError(path, "its JSON is nested too deep") from error
    except ValueError as error:
        why = str(error)[:120]
        raise TraceFileError(path, f"it begins like JSON and is none ({why})") from error
    if not trace_json.tell(document, told):
        raise TraceFileError(path, "it holds no tracking of AfterShip's or 17TRACK's shape")
