"""A carrier's tracking events, read from what trackers write: JSON of AfterShip's and 17TRACK's
shape, tables as CSV, TSV or workbook.

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
from storage.intake.sheets import encoding_of
from storage.intake.trace_told import BadEvent, Told
from storage.trace import Trace

LIMIT_BYTES: Final = 512 << 20
BLANK: Final = "\ufeff \t\r\n"
BEGINNING: Final = 1_000
"""What JSON begins with stands within so many characters."""


@dataclass(frozen=True, slots=True)
class TraceFile:
    """What a file of tracking events holds, and what was left out of it. Of so many events the
    time was `assumed` to be in the site's zone."""

    traces: tuple[Trace, ...]
    bad: tuple[BadEvent, ...]
    assumed: int


def read_traces(path: Path, zone: dt.tzinfo, now: dt.datetime, order: str = "") -> TraceFile:
    """The parcels in a file with their events. `zone` is that of times without one; nothing can
    have been seen after `now`; `order` (`dmy`, `mdy`) is how a table writes days that it does not
    tell by itself.

    Raises TraceFileError when the file cannot be read at all.
    """
    told = Told(zone, now, order)
    try:
        text = _json_in(path)
    except OSError as error:
        raise TraceFileError(path, error.strerror or str(error)) from error
    if text is None:
        trace_sheet.tell(path, told)
    else:
        _json(path, text, told)
    return TraceFile(told.done(), tuple(told.bad), told.assumed)


def _json_in(path: Path) -> str | None:
    """All of a file that begins like JSON, None for any other. Raises OSError, TraceFileError."""
    with path.open(encoding=encoding_of(path), errors="replace") as file:
        beginning = file.read(BEGINNING).lstrip(BLANK)
        if not beginning.startswith(("{", "[")):
            return None
        if path.stat().st_size > LIMIT_BYTES:
            raise TraceFileError(path, "it is far too big: split it")
        return beginning + file.read()


def _json(path: Path, text: str, told: Told) -> None:
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise TraceFileError(path, "its JSON is nested too deep") from error
    except ValueError as error:
        why = str(error)[:120]
        raise TraceFileError(path, f"it begins like JSON and is none ({why})") from error
    if not trace_json.tell(document, told):
        raise TraceFileError(path, "it holds no tracking of AfterShip's or 17TRACK's shape")
