"""Order exports of shops, read for what joins them to evidence, and for what it is found by.

A CSV file in, orders with their tracking numbers out, and every bad row named by its line: one bad
row never costs the others, and a bad value never its row's link. A cell is text and nothing else;
what it holds is hostile. Knows no archive.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.errors import OrderFileError
from storage.intake.money import CURRENCY_FORM, cents_of
from storage.order import Item, Order
from storage.rows import search_key

COLUMNS = {
    "order": ("orderid", "订单编号"),
    "number": ("trackingnumber", "trackingid", "物流单号"),
    "sku": ("sku", "skuid", "skucode", "itemsku", "lineitemsku", "sellersku", "商家编码", "货号"),
    "customer": (
        "customerreference",
        "customerref",
        "customerid",
        "buyerid",
        "buyerusername",
        "ponumber",
        "客户编号",
        "买家id",
        "客户参考",
    ),
    "value": (
        "ordervalue",
        "declaredvalue",
        "ordertotal",
        "totalprice",
        "total",
        "value",
        "amount",
        "订单金额",
        "声明价值",
        "总价",
    ),
    "currency": ("currency", "currencycode", "币种", "货币"),
}
"""What the columns are called, without spaces, `-` and `_`: those of shops' exports as they are
known; the first name that a header has counts."""
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
class Row:
    """One order in one parcel, and what the file tells of it: '' and None where it does not.

    `value_cents` is the largest that its rows name, in `currency` (a code of three letters).
    """

    order: str
    number: str
    skus: tuple[str, ...] = ()
    customer: str = ""
    value_cents: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class OrderFile:
    """What an order file holds, and what was left out of it."""

    orders: tuple[Order, ...]
    bad: tuple[BadRow, ...]


def read_orders(path: Path) -> OrderFile:
    """The orders in a CSV file (UTF-8, with a header, comma, semicolon or TAB).

    Raises OrderFileError when the file cannot be read at all.
    """
    orders: dict[tuple[str, str], Row] = {}
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
                    told = _told(pair, cells, columns)
                    found, why = _joined(orders.get(pair), *told)
                    orders[pair] = found
                    bad += [BadRow(line, f"{each}: it is linked without") for each in why]
    except UnicodeDecodeError as error:
        raise OrderFileError(path, "it is not UTF-8: save it as `CSV UTF-8`") from error
    except csv.Error as error:
        raise OrderFileError(path, f"its header cannot be read ({error})") from error
    except OSError as error:
        raise OrderFileError(path, error.strerror or str(error)) from error
    return OrderFile(
        tuple(
            Order(
                id=each.order,
                numbers=(each.number,),
                items=tuple(Item(sku) for sku in each.skus),
                customer=each.customer,
                value_cents=each.value_cents,
                currency=each.currency,
            )
            for each in orders.values()
        ),
        tuple(bad),
    )


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


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Where each column stands. Raises OrderFileError without those that every file needs."""
    names = [re.sub(r"[\s_-]", "", name).casefold() for name in header]
    found = {
        column: names.index(name)
        for column, spellings in COLUMNS.items()
        for name in reversed(spellings)  # of two that fit, the first in the list is put last
        if name in names
    }
    if "order" not in found or "number" not in found:
        raise OrderFileError(
            path, "its first line names no `order_id` and `tracking_number` columns"
        )
    return found


def _pair(cells: Sequence[str], columns: dict[str, int]) -> tuple[str, str] | str | None:
    """Order id and tracking number of a row, why it is bad, or None for an empty row."""
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) <= max(columns["order"], columns["number"]):
        return f"has only {len(cells)} cells"
    order, number = (cells[columns[column]].strip() for column in ("order", "number"))
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


def _told(
    pair: tuple[str, str], cells: Sequence[str], columns: dict[str, int]
) -> tuple[Row, list[str]]:
    """What a row tells of its order, and why something of it was left out."""
    cell = {
        column: cells[at].strip()
        for column, at in columns.items()
        if at < len(cells) and column not in ("order", "number")
    }
    bad = [
        f"has a {column} that is none: {cell[column][:40]!r}"
        for column in ("sku", "customer")
        if cell.get(column) and (len(cell[column]) > ORDER_LIMIT or not cell[column].isprintable())
    ]
    sku, customer = (
        "" if any(f"a {column} " in why for why in bad) else cell.get(column, "")
        for column in ("sku", "customer")
    )
    code = cell.get("currency", "").upper()
    amount = cents_of(cell["value"]) if cell.get("value") else None
    if cell.get("value") and amount is None:
        bad.append(f"has a value that is no plain amount: {cell['value'][:40]!r}")
    if code and not CURRENCY_FORM.fullmatch(code):
        bad.append(f"has a currency that is no code of three letters: {code[:40]!r}")
        code, amount = "", None
    if amount is not None and amount[1] and code and amount[1] != code:
        bad.append("has a value in two currencies")
        amount = None
    value = None if amount is None else amount[0]
    currency = "" if amount is None else amount[1] or code
    return Row(*pair, (sku,) if sku else (), customer, value, currency), bad


def _joined(before: Row | None, row: Row, bad: list[str]) -> tuple[Row, list[str]]:
    """What several rows of one order in one parcel tell together."""
    if before is None:
        return row, bad
    value, currency = before.value_cents, before.currency
    if value is None or (row.value_cents is not None and row.currency == currency):
        value = max((each for each in (value, row.value_cents) if each is not None), default=None)
        currency = currency or row.currency
    elif row.value_cents is not None:
        bad = [*bad, "has a value in another currency than a row before"]
    skus = tuple(dict.fromkeys((*before.skus, *row.skus)))
    customer = before.customer or row.customer
    return Row(row.order, row.number, skus, customer, value, currency), bad
