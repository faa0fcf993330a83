"""Amounts of money from outside, as whole cents: decimal all the way, never a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CENTS: Final = Decimal("0.01")
MOST_CENTS: Final = 10**15
SIGNS: Final = " $€£¥￥"
"""Signs of money, which say nothing for sure about the currency."""
CURRENCY_FORM: Final = re.compile(r"[A-Z]{3}")
_AMOUNT: Final = re.compile(r"([A-Z]{3})?\s*([0-9][0-9.,'\s]*)\s*([A-Z]{3})?", re.ASCII)
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:([,.'\s])[0-9]{3})(?:\1[0-9]{3})*")


def cents_of(text: str) -> tuple[int, str] | None:
    """The amount in cents, and its currency's code or '' where none is beside it; None for what is
    no amount, or can be read two ways (`1.234`).

    `1,234.50`, `1.234,50`, `1 234,50`, `1234.5`, `USD 12.00` and `12,00 EUR` are amounts.
    """
    match = _AMOUNT.fullmatch(text.strip(SIGNS).upper()[:40])
    if match is None or (match[1] and match[3]):
        return None
    number = match[2].strip()
    whole, mark, fraction = _parted(number)
    if not whole.isdigit():
        grouped = _GROUPED.fullmatch(whole)
        if grouped is None or grouped[1] == mark:
            return None
        whole = re.sub(r"\D", "", whole)
    elif mark and len(fraction) == 3:
        return None  # thousands of one country, thousandths of another
    if mark and not fraction.isdigit():
        return None
    cents = (Decimal(f"{whole}.{fraction or 0}") / CENTS).quantize(Decimal(1), ROUND_HALF_UP)
    return (int(cents), match[1] or match[3] or "") if cents <= MOST_CENTS else None


def _parted(number: str) -> tuple[str, str, str]:
    """Whole part, decimal mark and fraction; no mark where the last one sets thousands apart."""
    at = max(number.rfind("."), number.rfind(","))
    if at < 0:
        return number, "", ""
    mark = number[at]
    if number.count(mark) > 1:
        return number, "", ""
    return number[:at], mark, number[at + 1 :]
