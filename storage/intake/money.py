"""Amounts of money from outside, as whole cents: decimal all the way, never a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

CENTS: Final = Decimal("0.01")
MOST_CENTS: Final = 10**15
SHARED_SIGNS: Final = "$¥￥"
"""Signs of money that several currencies have."""
OWN_SIGNS: Final = {
    "US$": "USD", "HK$": "HKD", "NT$": "TWD", "MX$": "MXN", "R$": "BRL", "S$": "SGD", "A$": "AUD",
    "C$": "CAD", "CN¥": "CNY", "JP¥": "JPY", "RMB": "CNY", "RP.": "IDR", "RP": "IDR", "RM": "MYR",
    "人民币": "CNY", "日元": "JPY", "美元": "USD", "欧元": "EUR", "英镑": "GBP", "元": "CNY",
    "円": "JPY",
    "€": "EUR", "£": "GBP", "฿": "THB", "₫": "VND", "Đ": "VND", "₱": "PHP", "₩": "KRW", "₹": "INR",
    "₺": "TRY", "ZŁ": "PLN",
}  # fmt: skip
"""Signs and words, in upper case, that one currency has for itself."""
WHOLE: Final = frozenset({"CLP", "IDR", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})
"""Currencies that nobody writes with a fraction: `12.000` are twelve thousand."""
CURRENCY_FORM: Final = re.compile(r"[A-Z]{3}")
_AROUND: Final = f"{SHARED_SIGNS} "
_BRACKETED: Final = re.compile(r"[(（\[]([^()（）\[\]]{1,12})[)）\]]")
_AMOUNT: Final = re.compile(r"([A-Z]{3})?\s*([0-9][0-9.,'\s]*)\s*([A-Z]{3})?", re.ASCII)
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:([,.'\s])[0-9]{3})(?:\1[0-9]{3})*")


@lru_cache(10_000)
def cents_of(text: str, currency: str = "") -> tuple[int, str] | None:
    """The amount in cents, and its currency's code or '' where none is beside it; None for what is
    no amount, or can be read two ways (`1.234`).

    `1,234.50`, `1.234,50`, `1 234,50`, `1234.5`, `USD 12.00`, `12,00 EUR`, `€12` and `IDR 12.000`
    are amounts. `currency` is that of one that has none beside it.
    """
    plain, sign = _unsigned(text[:60].strip().upper())
    match = _AMOUNT.fullmatch(plain.strip(_AROUND)[:40])
    if match is None or (match[1] and match[3]):
        return None
    code = match[1] or match[3] or sign
    if sign not in ("", code):
        return None
    number = match[2].strip()
    if (code or currency) in WHOLE and _GROUPED.fullmatch(number):
        number = re.sub(r"\D", "", number)
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
    return (int(cents), code) if cents <= MOST_CENTS else None


def currency_of(text: str) -> str:
    """The code of the currency that a text names by its code, its own sign or its name; '' for
    none, or a sign that several share."""
    plain = text[:20].strip().upper()
    own = OWN_SIGNS.get(plain, "")
    return own or (plain if CURRENCY_FORM.fullmatch(plain) else "")


def currency_in(heading: str) -> str:
    """The code of the currency that stands in brackets in a heading, or ''."""
    return next(filter(None, map(currency_of, _BRACKETED.findall(heading))), "")


def _unsigned(text: str) -> tuple[str, str]:
    """An amount without a sign that only one currency has, and that currency's code, or ''."""
    for sign, code in OWN_SIGNS.items():
        if text.startswith(sign):
            return text.removeprefix(sign).strip(), code
        if text.endswith(sign):
            return text.removesuffix(sign).strip(), code
    return text, ""


def _parted(number: str) -> tuple[str, str, str]:
    """Whole part, decimal mark and fraction; no mark where the last one sets thousands apart."""
    at = max(number.rfind("."), number.rfind(","))
    if at < 0:
        return number, "", ""
    mark = number[at]
    if number.count(mark) > 1:
        return number, "", ""
    return number[:at], mark, number[at + 1 :]
