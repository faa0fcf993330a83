"""Evidence for a list of waybills: one after the other, whatever becomes of each.

`summary.csv` in the target folder has a line for each that is done, written as it is done; the same
list begun again goes on after those. What stands in the list is hostile text: numbers are looked
up, never made a path, and no cell of the summary is a formula. Knows no widget.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

from storage.errors import ArchiveError, ExportFailed, NumbersUnreadable, SheetUnreadable
from storage.intake.order_cells import clean
from storage.intake.sheets import ADVICE, ROUNDED, Line, sheets_in
from storage.records import utc_text

if TYPE_CHECKING:
    from station.exporting import Progress, Way
    from storage.archive import Archive
    from storage.later import Actor

SUMMARY: Final = "summary.csv"
HEADINGS: Final = (
    "trackingnumber", "trackingno", "tracking", "trackingid", "waybill", "waybillnumber", "awb",
    "number", "orderid", "order", "物流单号", "运单号", "快递单号", "订单编号", "单号",
)  # fmt: skip
"""What the column of numbers is called, without spaces, `-` and `_`; the first in the list wins."""
LIMIT_BYTES: Final = 64 << 20
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
SCALE: Final = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one line of the list. `result` is `exported`, `failed`, `not found` or
    `ambiguous`; `path` is relative to the target folder; `missing` and `why` are for people."""

    asked: str
    result: str
    tracking_number: str = ""
    path: str = ""
    profile: str = ""
    digest: str = ""
    missing: str = ""
    why: str = ""
    at: str = ""


def numbers_in(path: Path, column: str = "") -> tuple[str, ...]:
    """The numbers in a CSV, TSV or plain text file or a workbook's first sheet that holds any, once
    each, in their order: those below the heading `column`, else below one that numbers usually
    have, else in the first column. Raises NumbersUnreadable."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise NumbersUnreadable(path, "it is far too big for a list of numbers")
        for sheet in sheets_in(path):
            lines = [_line(path, each) for each in sheet.lines if any(each.cells) or each.trouble]
            if lines:
                break
        else:
            lines = []
    except OSError as error:
        raise NumbersUnreadable(path, error.strerror or str(error)) from error
    except SheetUnreadable as error:
        raise NumbersUnreadable(path, error.why) from error
    place, skipped = _place(path, lines[0].cells if lines else [], column)
    for line in lines[skipped:]:
        if place in line.rounded:
            raise NumbersUnreadable(path, f"line {line.number} {ROUNDED}")
    cells = (clean(line.cells[place]) for line in lines[skipped:] if len(line.cells) > place)
    found = tuple(dict.fromkeys(cell for cell in cells if cell))
    if not found:
        raise NumbersUnreadable(path, "it holds no number")
    return found


def _line(path: Path, line: Line) -> Line:
    """The line, which can be read. A list is taken whole or not at all."""
    if line.trouble:
        raise NumbersUnreadable(path, f"line {line.number} {line.trouble}")
    if any("\0" in cell for cell in line.cells):
        raise NumbersUnreadable(path, f"it is no text: {ADVICE}")
    return line


def _place(path: Path, first: Sequence[str], column: str) -> tuple[int, int]:
    """Which column has the numbers, and how many lines stand above them."""
    names = [_plain(name) for name in first]
    if column:
        if _plain(column) not in names:
            listed = ", ".join(name.strip()[:40] for name in first[:12])
            raise NumbersUnreadable(path, f"it has no column {column[:40]!r}, only: {listed}")
        return names.index(_plain(column)), 1
    for heading in HEADINGS:
        if heading in names:
            return names.index(heading), 1
    # Without a heading that is known: a first line without a digit is a heading all the same.
    return 0, 0 if first and any(sign.isdigit() for sign in first[0]) else 1


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


def export_all(
    archive: Archive,
    actor: Actor,
    way: Way,
    numbers: Sequence[str],
    target: Path,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> Generator[Row, None, None]:
    """Export each of these numbers below the folder `target`; what became of each, as it is done.

    What an earlier summary there tells as exported for the same profile, and is still there, is
    passed over with that line, unless `again`. Raises ExportFailed for a target that cannot be
    written to.
    """
    summary = target / SUMMARY
    try:
        target.mkdir(parents=True, exist_ok=True)
        before = _begun(summary, target, way.profile.name, () if again else numbers)
        with summary.open("a", encoding="utf-8", newline="") as file:
            for place, asked in enumerate(numbers):
                done = before.get(asked)
                if done is None:
                    part = _part(progress, place, len(numbers))
                    done = _export(archive, actor, way, asked, target, part)
                    csv.writer(file).writerow(safe(value) for value in asdict(done).values())
                    file.flush()
                    os.fsync(file.fileno())
                if progress is not None:
                    progress(SCALE * (place + 1), SCALE * len(numbers))
                yield done
    except OSError as error:
        raise ExportFailed(target, error.strerror or str(error)) from error


def _export(
    archive: Archive, actor: Actor, way: Way, asked: str, target: Path, progress: Progress | None
) -> Row:
    at = utc_text(dt.datetime.now(dt.UTC))
    try:
        sessions = archive.find(asked)
        numbers = list(dict.fromkeys(archive.number_of(session.id) for session in sessions))
        if not numbers:
            return Row(asked, "not found", why="no session of this number or order", at=at)
        if len(numbers) > 1:
            return Row(asked, "ambiguous", why=f"means {', '.join(numbers[:5])}", at=at)
        kit = way.out(archive, actor, sessions, target, progress)
    except (ArchiveError, OSError) as error:
        return Row(asked, "failed", why=str(error), at=at)
    return Row(
        asked,
        "exported",
        numbers[0],
        kit.path.relative_to(target).as_posix(),
        kit.profile,
        kit.digest,
        "; ".join(shortfall.said() for shortfall in kit.shortfalls),
        kit.unstamped,
        at,
    )


def _part(progress: Progress | None, place: int, count: int) -> Progress | None:
    """The progress of one number, as a part of the whole list's."""
    if progress is None:
        return None
    report = progress
    return lambda done, whole: report(SCALE * place + SCALE * done // max(1, whole), SCALE * count)


def _begun(summary: Path, target: Path, profile: str, numbers: Iterable[str]) -> dict[str, Row]:
    """The lines of an earlier summary that still hold, which is written anew with these alone."""
    wanted, kept = set(numbers), dict[str, Row]()
    names = [field.name for field in fields(Row)]
    if summary.exists():
        with summary.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            for cells in csv.reader(file):
                if len(cells) != len(names) or cells == names:
                    continue  # the heading, or a line that a crash tore
                row = Row(*map(told, cells))
                there = row.path and (target / row.path).exists()
                if row.asked in wanted and row.profile == profile and there:
                    kept[row.asked] = row
    part = summary.with_name(f".{SUMMARY}.part")
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in kept.values():
            writer.writerow(safe(value) for value in asdict(row).values())
    part.replace(summary)
    return kept


def safe(value: str) -> str:
    """A text that no spreadsheet takes for a formula, in one line."""
    plain = "".join(sign if sign.isprintable() else " " for sign in value)
    return f"'{plain}" if value.startswith(FORMULA) else plain


def told(cell: str) -> str:
    """The text that `safe` wrote."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in FORMULA else cell
