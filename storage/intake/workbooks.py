"""Workbooks (XLSX, XLSM, XLS, ODS) as lines of text cells, for `sheets.py`.

Looked at before it is opened: a few kilobytes can unpack to more than the memory, and two cells in
opposite corners make a sheet of billions. What a workbook says of its own size is not believed.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from storage.errors import SheetUnreadable
from storage.intake.sheets import ADVICE, STEP, Line, Progress

FILE_BYTES: Final = 128 << 20
UNPACKED_BYTES: Final = 1 << 30
MOST_CELLS: Final = 20_000_000
"""A sheet's cells, the empty ones among them: some 30 bytes each. 100,000 orders of TikTok Shop
have 5.4 million."""
EXACT: Final = 10**15
"""A spreadsheet keeps 15 digits of a number."""
_BLOCK: Final = 1 << 20
_WHERE: Final = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,4})([0-9]{1,10})["']""")
_CELL: Final = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW: Final = re.compile(rb"<(?:\w+:)?row[\s/>]")
_CONTENT: Final = "content.xml"


def workbook(path: Path, progress: Progress | None = None) -> Iterator[tuple[str, Iterator[Line]]]:
    """Name and lines of each sheet. Raises SheetUnreadable, here or while its lines are read."""
    import python_calamine as calamine

    _look_at(path)
    try:
        book = calamine.load_workbook(str(path))
        names = list(book.sheet_names)
    except BaseException as error:
        if (refused := _refused(path, error)) is None:
            raise
        raise refused from error
    for place, name in enumerate(names):
        yield name, _lines(path, book, place, progress)


def _lines(path: Path, book: Any, place: int, progress: Progress | None) -> Iterator[Line]:
    try:
        sheet = book.get_sheet_by_index(place)
        for number, row in enumerate(sheet.iter_rows(), start=1):
            if progress is not None and number % STEP == 1:
                progress(number, sheet.total_height)
            rounded: tuple[int, ...] = ()
            cells = list(row)
            for at, value in enumerate(cells):
                if type(value) is not str:
                    cells[at] = _text(value)
                    if type(value) in (int, float) and not -EXACT < value < EXACT:
                        rounded = (*rounded, at)
            yield Line(number, cells, rounded)
    except BaseException as error:
        if (refused := _refused(path, error)) is None:
            raise
        raise refused from error


def _refused(path: Path, error: BaseException) -> SheetUnreadable | None:
    """What to raise instead of `error`, None where the file is not to blame. A panic of the reader
    is a fault of the file, too."""
    import python_calamine as calamine

    if isinstance(error, calamine.PasswordError):
        return SheetUnreadable(path, "it is a workbook with a password: save it without")
    if isinstance(error, OSError):
        return SheetUnreadable(path, error.strerror or str(error))
    panic = type(error).__name__ == "PanicException"
    if panic or isinstance(error, (calamine.CalamineError, ValueError, OverflowError)):
        return SheetUnreadable(path, f"it is no workbook, or a damaged one: {ADVICE}")
    return None


def _text(value: object) -> str:
    """A cell that is no text, as a person would type it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if value.is_integer():
            return str(int(value))
        plain = f"{Decimal(repr(value)):f}"
        # Three places after the point could be thousands to whoever reads it as a text.
        return plain + "0" if plain[-4:-3] == "." else plain
    return str(value)  # a date and a time as ISO 8601 has them


# ---------------------------------------------------------------------------- before it is opened


def _look_at(path: Path) -> None:
    """Raises SheetUnreadable for a workbook that would need more memory than an import may."""
    try:
        if path.stat().st_size > FILE_BYTES:
            raise SheetUnreadable(path, f"a workbook has at most {FILE_BYTES >> 20} MB: {ADVICE}")
        if not zipfile.is_zipfile(path):
            return  # XLS, which holds 65,536 rows at most
        with zipfile.ZipFile(path) as archive:
            left = UNPACKED_BYTES
            for member in archive.infolist():
                name = member.filename.lower()
                sheet = name.startswith("xl/worksheets/") and name.endswith(".xml")
                parts = _unpacked(path, archive, member, left)
                if sheet:
                    left -= _measured(path, parts)
                elif name == _CONTENT:
                    left -= _measured_ods(path, parts)
                else:
                    left -= sum(map(len, parts))
    except OSError as error:
        raise SheetUnreadable(path, error.strerror or str(error)) from error
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, ValueError, EOFError,
            NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise SheetUnreadable(path, f"it is no workbook, or a damaged one: {ADVICE}") from error


def _unpacked(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int
) -> Iterator[bytes]:
    """The parts of a member, up to `left` bytes, however long it claims to be."""
    member.file_size = left + _BLOCK
    member.CRC = None  # type: ignore[assignment]  # of all of it, which is the reader's to check
    with archive.open(member) as file:
        while part := file.read(_BLOCK):
            left -= len(part)
            if left < 0:
                raise SheetUnreadable(path, f"it unpacks to far too much: {ADVICE}")
            yield part


def _measured(path: Path, parts: Iterator[bytes]) -> int:
    """The bytes of a sheet of an XLSX, of which no cell stands too far out."""
    size = rows = widest = 0
    tail = b""
    for part in parts:
        size += len(part)
        block = tail + part
        cut = block.rfind(b"<")
        block, tail = (block[:cut], block[cut:]) if cut > 0 else (b"", block)
        if len(tail) > _BLOCK:
            tail = tail[-_BLOCK:]
        found = _WHERE.findall(block)
        widest = max(widest, max(map(_column, {letters for letters, _ in found}), default=0))
        rows = max(rows, max((int(digits) for digits in {last for _, last in found}), default=0))
        if not found:  # cells may say nothing of where they are: they stand side by side
            cells = [len(_CELL.findall(row)) for row in _ROW.split(block)]
            widest, rows = max(widest, *cells), rows + len(cells)
        if rows * widest > MOST_CELLS:
            raise SheetUnreadable(path, f"a sheet of it has more than {MOST_CELLS:,} cells")
    return size


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number


def _measured_ods(path: Path, parts: Iterator[bytes]) -> int:
    """The bytes of the content of an ODS, of which no cell is repeated too often."""
    size = row = column = again = widest = deepest = 0

    def begun(name: str, told: dict[str, str]) -> None:
        nonlocal row, column, again, widest, deepest
        if name.endswith("table:table"):
            row = widest = deepest = 0
        elif name.endswith(":table-row"):
            column, again = 0, int(told.get("table:number-rows-repeated", "1"))
            row += again
        elif name.endswith(("table-cell", "covered-table-cell")):
            column += int(told.get("table:number-columns-repeated", "1"))
            if "office:value-type" in told or "table:formula" in told:
                widest, deepest = max(widest, column), row
                if widest * deepest > MOST_CELLS:
                    raise SheetUnreadable(path, f"a sheet of it has more than {MOST_CELLS:,} cells")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begun
    for part in parts:
        size += len(part)
        parser.Parse(part)
    parser.Parse(b"", True)
    return size
