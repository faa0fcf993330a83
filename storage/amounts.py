"""Amounts of money as texts: whole cents in, digits out, no float."""

from __future__ import annotations


def plain(cents: int | None) -> str:
    """`12.50`; '' for an amount that is not known."""
    if cents is None:
        return ""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def worded(cents: int | None, currency: str) -> str:
    """`12.50 USD`; '' for an amount that is not known."""
    return f"{plain(cents)} {currency}".strip() if cents is not None else ""
