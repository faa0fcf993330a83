"""The review as tables of texts and as bars, for whoever draws them: terminal, page, workbook.

Says everything by message keys, through the caller's `say`; what parcels have in common comes from
outside, and the drawer makes it harmless. Knows no terminal and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from storage.claims.claim import ClaimType
from storage.claims.review import Review
from storage.claims.review_rates import Rate, amount_text, percent_text
from storage.claims.review_tally import Group

Say = Callable[[str], str]
"""The text of a message key, such as `rates` or `column.parcels`."""
RATED: Final = (ClaimType.LOSS, ClaimType.DAMAGE, ClaimType.DELAY)
LABEL_CHARS: Final = 200
"""A longer name of a group is cut: it may be a megabyte."""
SOLID, MIDDLE, LIGHT = "█", "▓", "░"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what it is called, its headings, its lines. The first `texts` columns are words,
    the others numbers."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """A share and its interval, each as a part of the whole bar's length; `said` in numbers."""

    label: str
    low: Fraction
    share: Fraction
    high: Fraction
    said: str
    few: bool

    def drawn(self, cells: int) -> str:
        """So many cells: solid up to what it is at least, then the share, then what it may be at
        most; told apart by shape, not by colour."""
        low, share, high = (round(each * cells) for each in (self.low, self.share, self.high))
        return SOLID * low + MIDDLE * (share - low) + LIGHT * max(high - share, share == 0)


def tables(review: Review, groups: Sequence[Group], say: Say) -> tuple[Table, ...]:
    """All tables about these groups."""
    made = (rates(groups, say), types(groups, say), money(review, groups, say), won(groups, say))
    return tuple(table for table in made if table.rows)


def rates(groups: Sequence[Group], say: Say) -> Table:
    """How many parcels of each group were lost, damaged, late."""
    return Table(
        say("rates"),
        ("", *(say(f"column.{name}") for name in ("parcels", *RATED))),
        tuple(
            (label(group, say), f"{group.parcels:,}", *(rate_text(group.rate(k)) for k in RATED))
            for group in groups
        ),
    )


def types(groups: Sequence[Group], say: Say) -> Table:
    """How many claims of each type there are."""
    return Table(
        say("types"),
        ("", *(say(f"column.{kind}") for kind in ClaimType)),
        tuple(
            (label(group, say), *(f"{group.claims.get(kind, 0):,}" for kind in ClaimType))
            for group in groups
            if group.claimed
        ),
    )


def money(review: Review, groups: Sequence[Group], say: Say) -> Table:
    """What was claimed and came back, and what insurance would have been worth; a line for each
    currency."""
    percent = review.asked.percent
    named = ("currency", "requested", "approved", "paid", "lost", "premium", "worth")
    return Table(
        say("money"),
        ("", *(say(f"column.{name}") for name in named)),
        tuple(
            (
                label(group, say),
                each.currency or "?",
                amount_text(each.requested_cents),
                amount_text(each.approved_cents),
                amount_text(each.paid_cents),
                amount_text(each.lost_cents),
                amount_text(each.premium_cents(percent)) if each.parcels else "-",
                say(f"worth.{each.worth(percent)}"),
            )
            for group in groups
            for each in group.money
        ),
    )


def won(groups: Sequence[Group], say: Say) -> Table:
    """How many of the decided claims were won, with and without complete evidence."""
    return Table(
        say("won"),
        ("", *(say(f"column.{name}") for name in ("complete", "incomplete", "differ"))),
        tuple(
            (
                label(group, say),
                rate_text(group.complete, counts=True),
                rate_text(group.incomplete, counts=True),
                say(f"differ.{differ(group)}"),
            )
            for group in groups
            if group.complete.of or group.incomplete.of
        ),
    )


def differ(group: Group) -> str:
    """Whether complete evidence made a difference: `yes` where the intervals have nothing in
    common, `no` where they overlap, `few` where one of them rests on too little."""
    if group.complete.few or group.incomplete.few:
        return "few"
    return "no" if group.complete.overlaps(group.incomplete) else "yes"


def bars(groups: Sequence[Group], say: Say) -> tuple[Bar, ...]:
    """The share of parcels with any claim, of each group; the longest bar is the highest that one
    of them may be, and those of few parcels do not stretch it."""
    sure = [group for group in groups if not group.few] or list(groups)
    most = max((group.any_rate.interval[1] for group in sure), default=Decimal(1))
    return tuple(_bar(group, Fraction(most), say) for group in groups)


def _bar(group: Group, most: Fraction, say: Say) -> Bar:
    rate = group.any_rate
    low, share, high = (
        min(Fraction(1), Fraction(each) / most)
        for each in (rate.interval[0], rate.share or 0, rate.interval[1])
    )
    return Bar(label(group, say), low, share, high, rate_text(rate), rate.few)


def label(group: Group, say: Say) -> str:
    """What a group is called."""
    return group.key[:LABEL_CHARS] or say("unknown")


def rate_text(rate: Rate, *, counts: bool = False) -> str:
    """`0.52 % (0.49-0.55)`; small numbers begin with `~`; of `counts` also how many of how many."""
    if not rate.of:
        return "-"
    low, high = (percent_text(each).removesuffix(" %") for each in rate.interval)
    of = f"{rate.count}/{rate.of} " if counts else ""
    return f"{'~' if rate.few else ''}{of}{percent_text(rate.share)} ({low}-{high})"
