"""The figures of a shift as a table: on the terminal, as CSV, as a workbook (XLSX).

Names come from badges and are hostile: a cell is text and never a formula. Knows no archive.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from pathlib import Path
from typing import Final

from station.console import harmless
from storage.shift import Shift, Work

Cell = str | int | float | None

COLUMNS: Final = (
    "bench", "packer", "parcels", "returns", "median_s", "incomplete", "mismatch", "interrupted",
    "gaps", "gap_s", "coverage_percent", "cancelled", "tests", "still_open", "megabytes",
)  # fmt: skip
_HEADINGS: Final = (
    "BENCH", "PACKER", "PARCELS", "RETURNS", "MEDIAN", "INCOMPLETE", "MISMATCH", "INTERRUPTED",
    "GAPS", "GAP TIME", "COVERAGE", "CANCELLED", "TESTS", "OPEN", "MB",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula when it opens a CSV file."""


def figures(work: Work) -> tuple[Cell, ...]:
    """One row under `COLUMNS`."""
    return (
        work.bench,
        work.packer,
        work.parcels,
        work.returns,
        None if work.median_s is None else round(work.median_s, 1),
        work.incomplete,
        work.mismatch,
        work.interrupted,
        work.gaps,
        round(work.gap_s, 1),
        # Rounded down: what was not wholly covered is never shown as 100.
        None if work.coverage is None else math.floor(10_000 * work.coverage) / 100,
        work.cancelled,
        work.tests,
        work.still_open,
        round(work.bytes / 1_000_000, 1),
    )


def table(shift: Shift) -> str:
    """The shift for a terminal: a line for each packer at a bench, the total last."""
    lines = [_HEADINGS, *(_line(work) for work in shift.work), _line(shift.total)]
    lines[-1] = ("all", *lines[-1][1:])
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def write_csv(shift: Shift, path: Path, head: str) -> None:
    """Write the shift as CSV (UTF-8 with a mark, for spreadsheets). Raises OSError."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for work in (*shift.work, shift.total):
            writer.writerow([inert(cell) for cell in figures(work)])
        for name, value in _about(shift, head):
            writer.writerow([name, value])


def write_xlsx(shift: Shift, path: Path, head: str) -> None:
    """Write the shift as a workbook. Raises OSError."""
    import xlsxwriter

    content = xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False}
    )
    try:
        sheet = content.add_worksheet("shift")
        bold = content.add_format({"bold": True})
        for column, name in enumerate(COLUMNS):
            sheet.write_string(0, column, name, bold)
        line = 0
        for line, work in enumerate((*shift.work, shift.total), start=1):
            for column, cell in enumerate(figures(work)):
                if isinstance(cell, str):
                    sheet.write_string(line, column, harmless(cell))
                elif cell is not None:
                    sheet.write_number(line, column, cell)
        for below, (name, value) in enumerate(_about(shift, head), start=line + 2):
            sheet.write_string(below, 0, name, bold)
            sheet.write_string(below, 1, value)
        sheet.freeze_panes(1, 2)
        sheet.autofit()
    finally:
        try:
            content.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(error.args[0].errno, error.args[0].strerror, str(path)) from error


def _about(shift: Shift, head: str) -> tuple[tuple[str, str], ...]:
    """What stands below the figures: the span, and the ledger's head, which proves, kept here,
    that nothing was cut off the ledger afterwards."""
    return (
        ("from", shift.start.astimezone().isoformat()),
        ("to", shift.end.astimezone().isoformat()),
        ("written", dt.datetime.now().astimezone().isoformat(timespec="seconds")),
        ("ledger head", head),
    )


def inert(cell: Cell) -> Cell:
    """A cell that neither a terminal nor a spreadsheet obeys."""
    if isinstance(cell, str):
        text = harmless(cell)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return cell


def _line(work: Work) -> tuple[str, ...]:
    cells = figures(work)
    median, gap, coverage = cells[4], cells[9], cells[10]
    shown = [harmless(str(cell)) or "-" for cell in cells]
    shown[4] = "-" if median is None else f"{median} s"
    shown[9] = f"{gap} s"
    shown[10] = "-" if coverage is None else f"{coverage} %"
    return tuple(shown)
