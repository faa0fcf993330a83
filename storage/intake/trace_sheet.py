"""Tracking events in a table, CSV, TSV or workbook, one a row, gathered into a `Told`.

Columns are known by their headings, English or Chinese. Knows what a row says; what its time and
its status mean is `trace_told.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from storage.errors import SheetUnreadable, TraceFileError
from storage.intake.moments import order_of
from storage.intake.order_cells import clean
from storage.intake.sheets import ROUNDED, Line, sheets_in
from storage.intake.trace_told import Told

COLUMNS: Final = {
    "number": (
        "trackingnumber", "trackingno", "trackingid", "trackingcode", "tracking", "waybill",
        "waybillnumber", "awb", "number", "物流单号", "运单号", "快递单号", "跟踪号", "单号",
    ),
    "time": (
        "checkpointtime", "eventtime", "eventdate", "time", "datetime", "timestamp", "timeiso",
        "timeutc", "date", "时间", "轨迹时间", "操作时间", "发生时间", "日期",
    ),
    "status": ("tag", "status", "stage", "eventstatus", "deliverystatus", "状态", "物流状态"),
    "raw": ("subtag", "substatus", "statuscode", "eventcode", "子状态"),
    "text": (
        "message", "description", "event", "details", "checkpointmessage", "text", "轨迹",
        "轨迹内容", "物流信息", "描述", "内容", "轨迹描述",
    ),
    "place": ("location", "place", "city", "eventlocation", "地点", "位置", "所在地", "城市"),
    "carrier": ("slug", "courier", "carrier", "carriername", "物流公司", "快递公司", "承运商"),
}  # fmt: skip
"""What the columns are called, without spaces, `-` and `_`; the first name that a header has
counts."""
SHAPE: Final = "csv"


def tell(path: Path, told: Told) -> None:
    """Gather what the rows tell, of the first table whose first line names the columns that each
    event needs. Raises TraceFileError where there is none."""
    try:
        times = (_cell(line, columns, "time") for line, columns in _rows(path))
        told.order = order_of(times, told.order)
        for line, columns in _rows(path):
            _row(line, columns, told)
    except SheetUnreadable as error:
        raise TraceFileError(path, error.why) from error


def _rows(path: Path) -> Iterator[tuple[Line, dict[str, int]]]:
    """The rows below the header, with the places of their columns."""
    lacks = ""
    for sheet in sheets_in(path):
        header = next((line for line in sheet.lines if any(map(clean, line.cells))), None)
        if header is None:
            continue
        columns = _columns(header.cells)
        missing = [name for name in ("number", "time") if name not in columns]
        missing += [] if {"status", "text"} & set(columns) else ["status"]
        if not missing:
            yield from ((line, columns) for line in sheet.lines)
            return
        lacks = lacks or " and ".join(missing)
    raise TraceFileError(
        path, f"its first line names no column for {lacks}" if lacks else "it is empty"
    )


def _columns(header: Sequence[str]) -> dict[str, int]:
    names = [re.sub(r"[\s_-]", "", clean(name)).casefold() for name in header]
    return {
        column: names.index(name)
        for column, spellings in COLUMNS.items()
        for name in reversed(spellings)  # of two that fit, the first in the list is put last
        if name in names
    }


def _cell(line: Line, columns: dict[str, int], name: str) -> str:
    at = columns.get(name, len(line.cells))
    return clean(line.cells[at]) if at < len(line.cells) else ""


def _row(line: Line, columns: dict[str, int], told: Told) -> None:
    place = f"line {line.number}"
    if line.trouble:
        told.leave(place, line.trouble)
        return
    if not any(map(clean, line.cells)):
        return
    if columns["number"] in line.rounded:
        told.leave(place, ROUNDED)
        return
    cell = {name: _cell(line, columns, name) for name in COLUMNS}
    key = told.parcel(place, cell["number"])
    if key is None:
        return
    words = (cell["status"], cell["raw"])
    told.event(place, key, cell["time"], words, cell["text"], cell["place"], SHAPE)
    told.tell(key, carrier=cell["carrier"])
