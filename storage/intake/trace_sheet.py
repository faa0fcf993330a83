"""Tracking events in a CSV or TSV file, one a row, gathered into a `Told`.

Columns are known by their headings, English or Chinese. Knows what a row says; what its time and
its status mean is `trace_told.py`'s.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from storage.errors import TraceFileError
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


def text_of(path: Path, content: bytes) -> str:
    """What the bytes say: UTF-8, UTF-16 with its mark, else GB 18030. Raises TraceFileError."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text[:1000]:
            return text
    what = "a workbook: save it" if content.startswith(b"PK\3\4") else "no text: save it"
    raise TraceFileError(path, f"it is {what} as `CSV UTF-8`")


def tell(path: Path, text: str, told: Told) -> None:
    """Gather what the rows tell. Raises TraceFileError for a file without the columns that each
    event needs."""
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        columns = _columns(path, next(rows, []))
    except csv.Error as error:
        raise TraceFileError(path, f"its header cannot be read ({error})") from error
    while True:
        place = f"line {rows.line_num + 1}"
        try:
            _row(place, next(rows), columns, told)
        except StopIteration:
            return
        except csv.Error as error:
            told.leave(place, f"cannot be read: {error}")


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    names = [re.sub(r"[\s_-]", "", name).casefold() for name in header]
    found = {
        column: names.index(name)
        for column, spellings in COLUMNS.items()
        for name in reversed(spellings)  # of two that fit, the first in the list is put last
        if name in names
    }
    missing = [name for name in ("number", "time") if name not in found]
    if missing or not {"status", "text"} & set(found):
        lacks = " and ".join([*missing, *(() if {"status", "text"} & set(found) else ("status",))])
        raise TraceFileError(path, f"its first line names no column for {lacks}")
    return found


def _row(place: str, cells: Sequence[str], columns: dict[str, int], told: Told) -> None:
    if not any(cell.strip() for cell in cells):
        return
    cell = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
    key = told.parcel(place, cell["number"])
    if key is None:
        return
    told.event(
        place,
        key,
        cell["time"],
        (cell.get("status", ""), cell.get("raw", "")),
        cell.get("text", ""),
        cell.get("place", ""),
        SHAPE,
    )
    told.tell(key, carrier=cell.get("carrier", ""))
