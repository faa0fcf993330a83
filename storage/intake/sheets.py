"""Tables from outside as lines of text cells: CSV in whatever encoding and with whatever separator,
and workbooks (`workbooks.py`).

Every cell is the text that stands there: what it means is its reader's. One bad line never costs
the others. Knows no column.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from storage.errors import SheetUnreadable

Progress = Callable[[int, int], None]
"""How far a file is read: so much of all of it."""
STEP: Final = 500
"""Rows between two words of progress."""
LIMIT_BYTES: Final = 512 << 20
LINE_CHARS: Final = 16 << 20
"""A line of text that is longer is no row."""
BEGINNING: Final = 5
"""So many lines tell what separates cells."""
ROW_LINES: Final = 200
"""A row of more lines has a quotation mark that nobody closed: notes and addresses have a few."""
WORKBOOKS: Final = (b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How a ZIP archive (XLSX, ODS) and a compound file (XLS) begin."""
ADVICE: Final = "save it as `CSV UTF-8`"
ROUNDED: Final = "has a number that a spreadsheet rounded: save it as text"
"""Why a row is left out whose number is among `Line.rounded`."""
_BLOCK: Final = 1 << 20
_USUAL_CHARS: Final = csv.field_size_limit()
_QUOTED: Final = re.compile(r'"[^"]*"')
_SEPARATOR: Final = re.compile(r"sep=([,;\t|]) *", re.IGNORECASE)
"""What a spreadsheet program takes as the name of the separator."""
_PAGE: Final = re.compile(r"\s*<(!doctype|html|table|\?xml|head|meta)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A row. `number` is the one that a person sees, from 1. `rounded` are the places of cells that
    are numbers of more digits than a spreadsheet keeps; `trouble` says why it could not be read."""

    number: int
    cells: Sequence[str]
    rounded: tuple[int, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a file. `name` is '' where it has none; `lines` can be gone through once."""

    name: str
    lines: Iterator[Line]


def sheets_in(path: Path, progress: Progress | None = None) -> Iterator[Sheet]:
    """The tables of a file, in its order: one of a text, each sheet of a workbook.

    UTF-8, UTF-16, else GB 18030. Raises SheetUnreadable, here or while its lines are read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            beginning = file.read(len(WORKBOOKS[1]))
    except OSError as error:
        raise SheetUnreadable(path, error.strerror or str(error)) from error
    if size > LIMIT_BYTES:
        raise SheetUnreadable(path, f"it is far too big: at most {LIMIT_BYTES >> 20} MB")
    if beginning.startswith(WORKBOOKS):
        from storage.intake.workbooks import workbook  # a text never waits for it

        yield from (Sheet(name, lines) for name, lines in workbook(path, progress))
    else:
        yield Sheet("", _lines(path, size, progress))


def _lines(path: Path, size: int, progress: Progress | None) -> Iterator[Line]:
    try:
        encoding = encoding_of(path)
        with (
            path.open("rb") as raw,
            io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text,
        ):
            feed = _Feed(text)
            beginning = feed.beginning()
            first = beginning[0]
            if _PAGE.match(first):
                raise SheetUnreadable(path, f"it is a web page, whatever it is called: {ADVICE}")
            if encoding == "utf-8" and first.count("\0") * 2 > len(first):
                raise SheetUnreadable(path, f"it is no text: {ADVICE}")
            told = _SEPARATOR.fullmatch(first)
            if told is not None:
                feed.pass_over()
            for done, line in enumerate(_rows(feed, told[1] if told else _delimiter(beginning))):
                if progress is not None and done % STEP == 0:
                    progress(raw.tell(), size)
                yield line
    except OSError as error:
        raise SheetUnreadable(path, error.strerror or str(error)) from error


def encoding_of(path: Path) -> str:
    """The encoding of a text, which is tried on all of it. Raises OSError."""
    with path.open("rb") as file:
        sample = file.read(4096)
        if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        low, high = sample[1::2].count(0), sample[::2].count(0)
        many = len(sample) >= 8 and max(low, high) * 10 >= len(sample)
        if many and min(low, high) * 20 <= max(low, high):
            return "utf-16-le" if low > high else "utf-16-be"
        if sample.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        good = bad = 0
        while block := file.read(_BLOCK):
            if not block.isascii():
                text = decoder.decode(block)
                wrong = text.count("\ufffd")
                bad += wrong
                good += len(text) - len(text.encode("ascii", "ignore")) - wrong
    # A few broken bytes do not make Chinese of a file that is UTF-8 otherwise.
    return "utf-8" if good >= 10 * bad else "gb18030"


def _delimiter(beginning: Sequence[str]) -> str:
    """What separates the cells of the first line that has any: above it are titles."""
    for line in beginning:
        plain = _QUOTED.sub("", line)
        found = max(",;\t", key=plain.count)
        if found in plain:
            return found
    return ","


class _Unclosed(Exception):
    """A row goes on and on."""


class _Feed:
    """The lines of a text for one `csv.reader` after the other, of which those of a row that is
    none can be given back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self.taken = 0
        self.row: list[str] = []
        """The lines that were taken since it was cleared."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self._back.popleft() if self._back else self._read()
        if not text and not self.row:
            raise StopIteration
        if not text or len(self.row) >= ROW_LINES:
            self._back.appendleft(text)
            raise _Unclosed
        self.taken += 1
        self.row.append(text)
        return text

    def beginning(self) -> list[str]:
        """The first lines that are not empty, left where they are; one that is, where all are."""
        found: list[str] = []
        while len(found) < BEGINNING and (text := self._read()):
            self._back.append(text)
            if text.strip():
                found.append(text.rstrip("\r\n"))
        return found or [""]

    def pass_over(self) -> None:
        """Take the first line that is not empty, and those above it."""
        while self._back:
            self.taken += 1
            if self._back.popleft().strip():
                break

    def give_back(self) -> None:
        """Have every line of this row again but the first."""
        again = self.row[1:]
        self.taken -= len(again)
        self._back.extendleft(reversed(again))

    def _read(self) -> str:
        text = self._file.readline(LINE_CHARS)
        if len(text) == LINE_CHARS and not text.endswith(("\n", "\r")):
            while (rest := self._file.readline(LINE_CHARS)) and not rest.endswith(("\n", "\r")):
                pass
        return text


def _next(reader: Iterator[list[str]]) -> list[str]:
    """The next row, whose cells may be longer than others of this program let them be: the limit is
    one for all of them."""
    csv.field_size_limit(LINE_CHARS)
    try:
        return next(reader)
    finally:
        csv.field_size_limit(_USUAL_CHARS)


def _rows(feed: _Feed, delimiter: str) -> Iterator[Line]:
    reader = csv.reader(feed, delimiter=delimiter)
    while True:
        feed.row.clear()
        number = feed.taken + 1
        try:
            cells = _next(reader)
        except StopIteration:
            return
        except _Unclosed:
            feed.give_back()
            reader = csv.reader(feed, delimiter=delimiter)
            yield Line(number, (), trouble="has a quotation mark that is never closed")
        except csv.Error as error:
            reader = csv.reader(feed, delimiter=delimiter)
            yield Line(number, (), trouble=f"cannot be read: {error}")
        else:
            yield Line(number, cells)
