"""The arithmetic of the review: shares with their intervals, amounts, and what insurance is worth.

Exact where money is: whole cents, and decimals for what is a share. Knows no claim and no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from typing import Final

Z: Final = Decimal("1.96")
"""Standard deviations to either side that hold 95 of 100 cases."""
FEW_PARCELS: Final = 30
FEW_CASES: Final = 5
"""What rests on fewer parcels, or on fewer cases among them, is a small number."""
_DIGITS: Final = Context(prec=40)
_ZERO, _ONE, _TWO = Decimal(0), Decimal(1), Decimal(2)


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `of`. Nothing is known of a rate of none: its interval is everything."""

    count: int
    of: int

    @property
    def share(self) -> Decimal | None:
        """The share itself; None of none."""
        return _DIGITS.divide(Decimal(self.count), Decimal(self.of)) if self.of else None

    @property
    def interval(self) -> tuple[Decimal, Decimal]:
        """Wilson's interval (1927): it holds the true share in 95 of 100 cases, also near 0 and 1,
        where the share and a margin to both sides would not."""
        if not self.of:
            return _ZERO, _ONE
        share, of, z = self.share or _ZERO, Decimal(self.of), Z
        square = _DIGITS.multiply(z, z)
        whole = 1 + _DIGITS.divide(square, of)
        centre = share + _DIGITS.divide(square, _TWO * of)
        spread = _DIGITS.divide(share * (1 - share), of) + _DIGITS.divide(square, 4 * of * of)
        margin = z * _DIGITS.sqrt(spread)
        low = _DIGITS.divide(centre - margin, whole)
        high = _DIGITS.divide(centre + margin, whole)
        # The last digit is rounded, and must not part the share from its interval.
        return max(_ZERO, min(low, share)), min(_ONE, max(high, share))

    @property
    def few(self) -> bool:
        """True for small numbers: fewer than 30 in all, or than 5 that count."""
        return self.of < FEW_PARCELS or self.count < FEW_CASES

    def overlaps(self, other: Rate) -> bool:
        """Whether the two intervals have anything in common: if not, the two shares differ, by
        more than chance makes plausible."""
        (low, high), (other_low, other_high) = self.interval, other.interval
        return low <= other_high and other_low <= high


class Worth(StrEnum):
    """Whether insuring would have paid."""

    YES = "yes"
    """Even the least that must be expected to be lost is more than the premium."""
    NO = "no"
    """Even the most that must be expected is less."""
    UNCLEAR = "unclear"
    """The premium lies between them."""
    FEW = "few"
    """Too few parcels to tell."""


@dataclass(frozen=True, slots=True)
class Money:
    """What is known of the amounts in one currency, in whole cents.

    `requested`, `approved`, `paid` are the sums of the claims; `pending` is what was requested in
    those that are not decided yet. `lost` is what was requested and not paid, claim by claim, never
    less than nothing. `unstated` claims name no amount, and add to none of these.

    For insurance: `parcels` with a declared value in this currency, and the sum of these
    (`value`); `insurable` is what `cases` claims among them lost, delays apart, which transport
    insurance does not cover; `squares` is the sum of the squares of these losses.
    """

    currency: str
    claims: int = 0
    unstated: int = 0
    requested_cents: int = 0
    approved_cents: int = 0
    paid_cents: int = 0
    pending_cents: int = 0
    lost_cents: int = 0
    parcels: int = 0
    value_cents: int = 0
    cases: int = 0
    insurable_cents: int = 0
    squares: int = 0

    def premium_cents(self, percent: Decimal) -> int:
        """What insuring all these parcels would have cost."""
        exact = Decimal(self.value_cents) * percent / 100
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    @property
    def expected_cents(self) -> tuple[int, int]:
        """The least and the most that must be expected to be lost on so many such parcels, with 95
        of 100 certainty.

        The variance of a sum of rare losses is the sum of their squares (compound Poisson): how
        often and how much both count. Of few cases that says nothing: then the least is nothing,
        and the most is Wilson's upper share of all the value.
        """
        if self.cases < FEW_CASES:
            _, high = Rate(min(self.cases, self.parcels), self.parcels).interval
            most = (high * self.value_cents).to_integral_value(ROUND_CEILING)
            return 0, max(int(most), self.insurable_cents)
        margin = int((Z * _DIGITS.sqrt(Decimal(self.squares))).to_integral_value(ROUND_CEILING))
        return max(0, self.insurable_cents - margin), self.insurable_cents + margin

    def worth(self, percent: Decimal) -> Worth:
        """Whether a premium of so many per cent of the value is less than what must be expected."""
        least, most = self.expected_cents
        premium = self.premium_cents(percent)
        if self.parcels < FEW_PARCELS:
            return Worth.FEW
        if least > premium:
            return Worth.YES
        if most < premium:
            return Worth.NO
        return Worth.FEW if self.cases < FEW_CASES else Worth.UNCLEAR


def percent_text(share: Decimal | None, digits: int = 2) -> str:
    """`1.25 %`; `-` of nothing."""
    if share is None:
        return "-"
    return f"{(share * 100).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)} %"


def amount_text(cents: int) -> str:
    """`1,234.50`, from whole cents."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"
