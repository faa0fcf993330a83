"""Order exports of shops, read for what was sold, in which parcels, and where it stands.

A file in (CSV of any kind, a workbook), orders out, and every bad row and value named by its line.
Which column means what is `order_columns.py`'s, what a row says `order_told.py`'s. Knows no
archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from storage.errors import OrderFileError, SheetUnreadable
from storage.intake.order_cells import NUMBER_FORM as NUMBER_FORM
from storage.intake.order_cells import SCIENTIFIC as SCIENTIFIC
from storage.intake.order_cells import clean, kept
from storage.intake.order_columns import Columns, key_of, plain, understood
from storage.intake.order_faults import BadRow as BadRow
from storage.intake.order_gathered import Habits as Habits
from storage.intake.order_told import Told
from storage.intake.sheets import Line, Progress, sheets_in
from storage.order import Order

Saved = Callable[[str], Mapping[str, str] | None]
"""The mapping that was kept for files with the header of this key; None for none."""
HEADER_WITHIN: Final = 10
"""A header stands among so many first rows: above it are titles."""
PREVIEWED: Final = 3
NAMED_HEADINGS: Final = 12


@dataclass(frozen=True, slots=True)
class OrderFile:
    """What an order file holds, and what was left out of it.

    `notes` are what the file as a whole leaves open, a line each; `preview` its first rows, as text
    by field.
    """

    orders: tuple[Order, ...]
    bad: tuple[BadRow, ...]
    columns: Columns
    rows: int = 0
    notes: tuple[str, ...] = ()
    preview: tuple[Mapping[str, str], ...] = ()
    sheet: str = ""

    @property
    def source(self) -> str:
        """What wrote it, as far as its header tells."""
        return self.columns.source.name


def read_orders(
    path: Path,
    habits: Habits = Habits(),  # noqa: B008 - it cannot change
    *,
    saved: Saved = lambda _: None,
    said: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> OrderFile:
    """The orders in a file, of the first of its tables whose header is understood.

    `said` are the headings that somebody named, by field, '' for none. Raises OrderFileError when
    the file cannot be read at all.
    """
    first: list[str] = []
    try:
        for sheet in sheets_in(path, progress):
            columns = None
            for seen, line in enumerate(sheet.lines):
                if any(map(clean, line.cells)):
                    first = first or [clean(cell) for cell in line.cells]
                    columns = understood(line.cells, saved(key_of(line.cells)), said)
                if columns is not None:
                    return _read(sheet.name, sheet.lines, columns, habits)
                if seen >= HEADER_WITHIN:
                    break
    except SheetUnreadable as error:
        raise OrderFileError(path, error.why) from error
    raise OrderFileError(path, _why(first, said or {}))


def _why(first: list[str], said: Mapping[str, str]) -> str:
    """Why no header was understood."""
    if not first:
        return "it is empty"
    listed = ", ".join(kept(each, 40) for each in first[:NAMED_HEADINGS])
    names = {plain(each) for each in first}
    for heading in said.values():
        if heading and plain(heading) not in names:
            return f"it has no column {heading[:40]!r}, only: {listed}"
    return (
        "it names no column of order ids, or nothing beside it: say which it is with "
        f"--map order=COLUMN; it begins with: {listed}"
    )


def _read(sheet: str, lines: Iterator[Line], columns: Columns, habits: Habits) -> OrderFile:
    told, rows = Told(columns, habits), 0
    preview: list[dict[str, str]] = []
    beginning = next(lines, None)
    if beginning is not None and not _describes(beginning, columns):
        lines = chain([beginning], lines)
    for line in lines:
        if len(preview) < PREVIEWED and any(map(clean, line.cells)):
            preview.append(_previewed(line, columns))
        rows += 1
        told.row(line)
    orders, faults = told.done(), told.faults
    return OrderFile(orders, faults.bad(), columns, rows, faults.notes(), tuple(preview), sheet)


def _describes(line: Line, columns: Columns) -> bool:
    """True for a row that tells what the columns mean."""
    place = columns.places["order"]
    return (
        columns.source.described
        and place < len(line.cells)
        and bool(clean(line.cells[place]))
        and not any(map(str.isdigit, line.cells[place]))
    )


def _previewed(line: Line, columns: Columns) -> dict[str, str]:
    return {
        name: kept(clean(line.cells[place]), 60) if place < len(line.cells) else ""
        for name, place in columns.places.items()
    }
