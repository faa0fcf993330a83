"""A group of parcels in the review: how many there were, what was claimed for them, how that went,
and how it is counted. Knows no database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from storage.claims.claim import WON_STATUSES, ClaimStatus, ClaimType
from storage.claims.review_rates import Money, Rate
from storage.claims.review_rows import Claimed, Counted

_UNDECIDED: Final = frozenset(ClaimStatus) - WON_STATUSES - {ClaimStatus.REJECTED}


@dataclass(frozen=True, slots=True)
class Group:
    """Parcels that have something in common, `key`: '' where nobody told it.

    `claims` counts claims by type, `hit` the parcels with at least one of that type, `claimed`
    those with any. `complete` and `incomplete`: how many of the claims that were decided were won,
    with and without complete evidence. `money` has an entry for each currency.
    """

    key: str
    parcels: int
    claims: Mapping[ClaimType, int]
    hit: Mapping[ClaimType, int]
    claimed: int
    complete: Rate
    incomplete: Rate
    money: tuple[Money, ...]

    def rate(self, kind: ClaimType) -> Rate:
        """The share of parcels with a claim of this type."""
        return Rate(self.hit.get(kind, 0), self.parcels)

    @property
    def any_rate(self) -> Rate:
        """The share of parcels with any claim."""
        return Rate(self.claimed, self.parcels)

    @property
    def few(self) -> bool:
        """True where the numbers are too small to say much (see `Rate.few`)."""
        return self.any_rate.few


@dataclass(slots=True)
class _Tally:
    """Adds the claims of one group up."""

    claims: Counter[ClaimType] = field(default_factory=Counter)
    numbers: defaultdict[ClaimType, set[str]] = field(default_factory=lambda: defaultdict(set))
    decided: Counter[bool] = field(default_factory=Counter)
    won: Counter[bool] = field(default_factory=Counter)
    sums: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, claim: Claimed) -> None:
        self.claims[claim.type] += 1
        self.numbers[claim.type].add(claim.number)
        if claim.status not in _UNDECIDED:
            self.decided[claim.complete] += 1
            self.won[claim.complete] += claim.status in WON_STATUSES
        sums = self.sums[claim.currency]
        sums["claims"] += 1
        if claim.requested_cents is None:
            sums["unstated"] += 1
            requested = lost = 0
        else:
            requested = claim.requested_cents
            lost = max(0, requested - (claim.paid_cents or 0))
        sums["requested_cents"] += requested
        sums["approved_cents"] += claim.approved_cents or 0
        sums["paid_cents"] += claim.paid_cents or 0
        sums["lost_cents"] += lost
        if claim.status in _UNDECIDED:
            sums["pending_cents"] += requested
        valued = claim.value_cents is not None and claim.value_currency == claim.currency
        if valued and lost and claim.type is not ClaimType.DELAY:
            sums["cases"] += 1
            sums["insurable_cents"] += lost
            sums["squares"] += lost * lost

    def group(
        self, key: str, parcels: int, valued: Mapping[str, tuple[int, int]], currency: str
    ) -> Group:
        money = (
            Money(name, **self.sums.get(name, Counter()), parcels=count, value_cents=value)
            for name in sorted({*self.sums, *valued})
            if currency in ("", name)
            for count, value in [valued.get(name, (0, 0))]
        )
        return Group(
            key=key,
            parcels=parcels,
            claims=dict(self.claims),
            hit={kind: len(numbers) for kind, numbers in self.numbers.items()},
            claimed=len(set().union(*self.numbers.values())),
            complete=Rate(self.won[True], self.decided[True]),
            incomplete=Rate(self.won[False], self.decided[False]),
            money=tuple(each for each in money if each != Money(each.currency)),
        )


class Tallies:
    """The groups of one dimension, as they are counted."""

    def __init__(self) -> None:
        self._parcels: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
        self._claims: defaultdict[str, _Tally] = defaultdict(_Tally)

    def __contains__(self, key: str) -> bool:
        return key in self._parcels

    def count(self, key: str, counted: Counted) -> None:
        """So many parcels more."""
        currency, parcels, valued, value_cents = counted
        known = self._parcels[key].get(currency)
        if known is None:
            self._parcels[key][currency] = [parcels, valued, value_cents]
        else:
            known[0] += parcels
            known[1] += valued
            known[2] += value_cents

    def claim(self, key: str, claim: Claimed) -> None:
        """One claim more."""
        self._claims[key].add(claim)

    def groups(self, currency: str) -> list[Group]:
        """What was counted; amounts in one currency, or '' for each."""
        return [
            self._claims[key].group(
                key,
                sum(parcels for parcels, _, _ in counted.values()),
                {name: (valued, value) for name, (_, valued, value) in counted.items() if valued},
                currency,
            )
            for key, counted in self._parcels.items()
        ]

    def all(self, currency: str) -> Group:
        """The one group that everything was counted into, empty where nothing was."""
        return next(iter(self.groups(currency)), _Tally().group("", 0, {}, ""))
