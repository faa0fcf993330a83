"""Order exports of shops, read for the two things that join them to evidence.

A CSV file in, pairs of order id and tracking number out, and every bad row named by its line: one
bad row never costs the others. A cell is text and nothing else; what it holds is hostile. Knows
neither the archive nor what an order is worth.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.errors import OrderFileError
from storage.rows import search_key

ORDER_COLUMNS = ("orderid", "订单编号")
NUMBER_COLUMNS = ("trackingnumber", "trackingid", "物流单号")
NUMBER_FORM = re.compile(r"[0-9A-Z][0-9A-Z-]{3,49}")
ORDER_LIMIT = 100
SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d+")
"""What a spreadsheet makes of a long number; its digits are lost."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out. `line` counts from 1, the header's."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class OrderFile:
    """What an order file holds: `pairs` of (order id, tracking number), and what was left out."""

    pairs: tuple[tuple[str, str], ...]
    bad: tuple[BadRow, ...]


def read_orders(path: Path) -> OrderFile:
    """The orders in a CSV file (UTF-8, with a header, comma, semicolon or TAB).

    Raises OrderFileError when the file cannot be read at all.
    """
    pairs: dict[tuple[str, str], None] = {}
    bad: list[BadRow] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            rows = csv.reader(file, delimiter=_delimiter(first))
            columns = _columns(path, next(rows, []))
            for line, cells in _numbered(rows, bad):
                pair = _pair(cells, columns)
                if isinstance(pair, str):
                    bad.append(BadRow(line, pair))
                elif pair is not None:
                    pairs[pair] = None
    except UnicodeDecodeError as error:
        raise OrderFileError(path, "it is not UTF-8: save it as `CSV UTF-8`") from error
    except csv.Error as error:
        raise OrderFileError(path, f"its header cannot be read ({error})") from error
    except OSError as error:
        raise OrderFileError(path, error.strerror or str(error)) from error
    return OrderFile(tuple(pairs), tuple(bad))


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _numbered(rows: Iterator[list[str]], bad: list[BadRow]) -> Iterator[tuple[int, Sequence[str]]]:
    """Each row with the line that it begins on; one that is no CSV goes to `bad`."""
    while True:
        line = rows.line_num + 1  # type: ignore[attr-defined]
        try:
            yield line, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            bad.append(BadRow(line, f"cannot be read: {error}"))


def _columns(path: Path, header: Sequence[str]) -> tuple[int, int]:
    names = [re.sub(r"[\s_-]", "", name).casefold() for name in header]
    order = next((names.index(name) for name in ORDER_COLUMNS if name in names), None)
    number = next((names.index(name) for name in NUMBER_COLUMNS if name in names), None)
    if order is None or number is None:
        raise OrderFileError(
            path, "its first line names no `order_id` and `tracking_number` columns"
        )
    return order, number


def _pair(cells: Sequence[str], columns: tuple[int, int]) -> tuple[str, str] | str | None:
    """Order id and tracking number of a row, why it is bad, or None for an empty row."""
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) <= max(columns):
        return f"has only {len(cells)} cells"
    order, number = (cells[column].strip() for column in columns)
    if not order or not number:
        return "has no order id" if not order else "has no tracking number"
    if len(order) > ORDER_LIMIT or not order.isprintable():
        return f"has an order id that is none: {order[:40]!r}"
    key = search_key(number)
    if SCIENTIFIC.fullmatch(key) or SCIENTIFIC.fullmatch(order.upper()):
        return "has a number that a spreadsheet rounded: import that column as text"
    if not NUMBER_FORM.fullmatch(key):
        return f"has a tracking number that is none: {number[:40]!r}"
    return order, key
