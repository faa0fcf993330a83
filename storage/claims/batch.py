"""Many claims in one table, as portals and carriers take them: a workbook (XLSX), or CSV.

Whatever stands in a claim may have come from outside: every cell is a text and none is a formula.
Tracking numbers are texts, too, for a spreadsheet would round 22 digits. So are amounts (`12.50`):
a number of a workbook is a binary fraction, which holds no cents. Beside them the workbook has each
amount in whole cents as a number, which it holds exactly, to add up. Knows no archive.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from storage.amounts import plain
from storage.claims.claim import Claim

AMOUNTS: Final = ("requested", "approved", "paid", "insured", "salvage")
TEXTS: Final = (
    "reference", "tracking_number", "order_id", "type", "status", "status_detail", "carrier",
    "portal", "claim_number", "recipient_name", "contact_email", "description", "currency",
    "deadline_rule",
)  # fmt: skip
MOMENTS: Final = ("happened_at", "created_at", "submitted_at", "closed_at", "deadline_at")
HEADINGS: Final = (*TEXTS, *MOMENTS, "evidence_complete", *AMOUNTS)
CENTS: Final = tuple(f"{name}_cents" for name in AMOUNTS)
LONGEST: Final = 32_000
"""Characters of a cell: a spreadsheet takes 32,767 and drops a longer one without a word."""
WIDEST: Final = 40
_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula when it opens a CSV file."""


def write_csv(claims: Iterable[Claim], path: Path, tz: dt.tzinfo) -> int:
    """Write the claims as CSV (UTF-8 with a mark); how many. Moments are those of `tz`. A cell that
    would be a formula begins with an apostrophe. Raises OSError."""
    count = 0
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for claim in claims:
            writer.writerow(map(_inert, _cells(claim, tz)))
            count += 1
    return count


def write_xlsx(claims: Iterable[Claim], path: Path, tz: dt.tzinfo) -> int:
    """Write the claims as a workbook; how many. Moments are those of `tz`. Raises OSError."""
    import xlsxwriter

    content = xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False}
    )
    count = 0
    try:
        sheet = content.add_worksheet("claims")
        bold = content.add_format({"bold": True})
        text = content.add_format({"num_format": "@"})
        for column, name in enumerate((*HEADINGS, *CENTS)):
            sheet.write_string(0, column, name, bold)
            sheet.set_column(column, column, min(WIDEST, max(12, len(name) + 2)))
        for count, claim in enumerate(claims, start=1):
            for column, cell in enumerate(_cells(claim, tz)):
                sheet.write_string(count, column, cell, text)
            for column, name in enumerate(CENTS, start=len(HEADINGS)):
                cents: int | None = getattr(claim, name)
                if cents is not None:
                    sheet.write_number(count, column, cents)
        sheet.freeze_panes(1, 2)
    finally:
        try:
            content.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(error.args[0].errno, error.args[0].strerror, str(path)) from error
    return count


def _cells(claim: Claim, tz: dt.tzinfo) -> Iterator[str]:
    """One row under HEADINGS."""
    for name in TEXTS:
        yield _harmless(str(getattr(claim, name)))
    for name in MOMENTS:
        at: dt.datetime | None = getattr(claim, name)
        yield "" if at is None else f"{at.astimezone(tz):%Y-%m-%d %H:%M}"
    yield "yes" if claim.complete else "no"
    for name in CENTS:
        yield plain(getattr(claim, name))


def _harmless(text: str) -> str:
    """`text` without what a terminal or a reader of XML would stumble over."""
    kept = text[:LONGEST]
    return "".join(sign if sign.isprintable() else " " for sign in kept)


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell
