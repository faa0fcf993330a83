"""The review as CSV and as a workbook: a line for each group and currency, every figure exact.

Amounts are whole cents (hundredths), so that a spreadsheet adds them up without rounding. What
groups are called comes from outside and is hostile: a cell is text and never a formula. Knows no
archive.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from station.batch import safe
from station.console import harmless
from storage.claims.claim import ClaimType
from storage.claims.review_rates import Money, Rate
from storage.claims.review_tables import LABEL_CHARS, RATED, differ

if TYPE_CHECKING:
    from storage.claims.review import Review
    from storage.claims.review_tally import Group

Cell = str | int | Decimal | None

_AMOUNTS: Final = (
    "claims", "unstated", "requested_cents", "approved_cents", "paid_cents", "pending_cents",
    "lost_cents", "parcels", "value_cents", "cases", "insurable_cents",
)  # fmt: skip
COLUMNS: Final = (
    "by", "group", "parcels", "claimed_parcels", "claimed_share", "claimed_low", "claimed_high",
    "few",
    *(f"{kind}_claims" for kind in ClaimType),
    *(f"{kind}_{what}" for kind in RATED for what in ("parcels", "share", "low", "high")),
    *(f"{which}_{what}" for which in ("complete", "incomplete")
      for what in ("won", "decided", "share", "low", "high")),
    "evidence_differs", "currency",
    *(f"currency_{name}" if name in ("claims", "parcels") else name for name in _AMOUNTS),
    "premium_cents", "expected_least_cents", "expected_most_cents", "worth_insuring",
)  # fmt: skip
"""The claims of a parcel count in the period in which it was packed; shares have Wilson's 95 %
interval beside them."""
_DIGITS: Final = Decimal("0.000001")
_CHART_LINES: Final = 20


def sections(review: Review) -> Iterator[tuple[str, tuple[Group, ...]]]:
    """What is told apart, and its groups; everything together first."""
    yield "all", (review.total,)
    for by, groups in review.groups.items():
        yield by.value, groups


def figures(review: Review, by: str, group: Group) -> Iterator[tuple[Cell, ...]]:
    """The lines of one group, under `COLUMNS`: one for each currency, or one without any."""
    percent = review.asked.percent
    known = group.any_rate
    common: list[Cell] = [
        by, "all" if by == "all" else group.key[:LABEL_CHARS] or "unknown", group.parcels,
        group.claimed, *_shares(known), "few" if known.few else "",
    ]  # fmt: skip
    common += [group.claims.get(kind, 0) for kind in ClaimType]
    for kind in RATED:
        rate = group.rate(kind)
        common += [rate.count, *_shares(rate)]
    for rate in (group.complete, group.incomplete):
        common += [rate.count, rate.of, *_shares(rate)]
    common.append(differ(group))
    for each in group.money or (Money(""),):
        least, most = each.expected_cents
        yield (
            *common, each.currency, *(getattr(each, name) for name in _AMOUNTS),
            each.premium_cents(percent), least, most, each.worth(percent).value,
        )  # fmt: skip


def _shares(rate: Rate) -> tuple[Cell, Cell, Cell]:
    if rate.share is None:
        return None, None, None
    low, high = rate.interval
    return rate.share.quantize(_DIGITS), low.quantize(_DIGITS), high.quantize(_DIGITS)


def write_csv(review: Review, path: Path) -> None:
    """Write it as CSV (UTF-8 with a mark, for spreadsheets). Raises OSError."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for by, groups in sections(review):
            for group in groups:
                for line in figures(review, by, group):
                    writer.writerow(
                        safe(harmless(each)) if isinstance(each, str) else each for each in line
                    )


def write_xlsx(review: Review, path: Path) -> None:
    """Write it as a workbook: a sheet for each dimension, with a chart. Raises OSError."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    try:
        for by, groups in sections(review):
            _sheet(book, review, by, groups)
    finally:
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(error.args[0].errno, error.args[0].strerror, str(path)) from error


def _sheet(book: Any, review: Review, by: str, groups: tuple[Group, ...]) -> None:
    sheet = book.add_worksheet(by)
    bold, share = book.add_format({"bold": True}), book.add_format({"num_format": "0.00%"})
    for column, name in enumerate(COLUMNS):
        sheet.write_string(0, column, name, bold)
    row = 0
    for group in groups:
        for line in figures(review, by, group):
            row += 1
            for column, cell in enumerate(line):
                if isinstance(cell, str):
                    sheet.write_string(row, column, harmless(cell))
                elif isinstance(cell, Decimal):  # a share: amounts are whole numbers
                    sheet.write_number(row, column, cell, share)
                elif cell is not None:
                    sheet.write_number(row, column, cell)
    sheet.freeze_panes(1, 2)
    sheet.autofit()
    if by != "all" and row:
        _chart(book, sheet, by, row)


def _chart(book: Any, sheet: Any, by: str, rows: int) -> None:
    """The share of parcels with a claim, of the first lines."""
    chart = book.add_chart({"type": "bar"})
    last, share = min(rows, _CHART_LINES), COLUMNS.index("claimed_share")
    chart.add_series({
        "name": "parcels with a claim",
        "categories": [by, 1, 1, last, 1],
        "values": [by, 1, share, last, share],
    })  # fmt: skip
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True})
    sheet.insert_chart(rows + 2, 1, chart)
