"""The loss review: how often parcels were lost, damaged or late, what was claimed and won back, and
what insuring them would have cost, for a period and by what they have in common.

A parcel is a tracking number that was packed, to the end or until something interrupted, and not as
a test; packed again, it counts once, where it was packed last. A claim belongs to the period in
which its parcel was packed, whenever it was opened; a cancelled one counts nowhere. Amounts of
several currencies are never added. Reads rows of its own (`storage.tables_review`), writes nothing
and formats nothing.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlite_utils import Database

from storage import schema
from storage.claims import review_rows
from storage.claims.review_rows import BANDS, EVER, Counted, Facts, Span
from storage.claims.review_tally import Group, Tallies
from storage.errors import Refused
from storage.records import utc_text
from storage.shift import EPOCH, MILLISECOND

MOST_PRODUCTS: Final = 100
"""Articles that are listed: those with most claims; one without any is not listed."""
_EARLIEST, _LATEST = "", "~"


class By(StrEnum):
    """What parcels are told apart by."""

    CARRIER = "carrier"
    SERVICE = "service"
    ROUTE = "route"
    PACKAGING = "packaging"
    BENCH = "bench"
    PRODUCT = "product"
    MONTH = "month"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the review is to be about: parcels packed from `start` up to `end` (None: ever), told
    apart `by` these, in amounts of one `currency` ('' for each). `percent` is the premium; months
    begin where `tz` says."""

    start: dt.datetime | None = None
    end: dt.datetime | None = None
    by: tuple[By, ...] = ()
    currency: str = ""
    percent: Decimal = Decimal(1)
    tz: dt.tzinfo = dt.UTC


@dataclass(frozen=True, slots=True)
class Review:
    """The answer: all parcels together, and the groups of each dimension that was asked for.

    `shipped` orders left in the period, as their import says; `homeless` claims were opened in it
    for parcels of which no packing is known, and are in no other figure.
    """

    asked: Asked
    total: Group
    groups: Mapping[By, tuple[Group, ...]]
    shipped: int
    homeless: int


def summary(db: Database, asked: Asked) -> Review:
    """The review. Raises Refused for an archive that is older than claims, sqlite3.Error."""
    if not schema.has_sold(db):
        raise Refused("this archive is older than claims: open it once for writing")
    return _Reader(db, asked).review()


class _Reader:
    """Reads one state of the database once, for all dimensions."""

    def __init__(self, db: Database, asked: Asked) -> None:
        self._db = db
        self._asked = asked
        self._span = (
            -EVER if asked.start is None else _ms(asked.start),
            EVER if asked.end is None else _ms(asked.end),
        )
        self._claims = review_rows.claims(db, self._span)

    def review(self) -> Review:
        db, asked = self._db, self._asked
        facts = review_rows.groups(db)
        counted = review_rows.by_group(db, self._span)
        since = _EARLIEST if asked.start is None else utc_text(asked.start)
        until = _LATEST if asked.end is None else utc_text(asked.end)
        return Review(
            asked,
            self._total(counted),
            {by: tuple(self._groups(by, facts, counted)) for by in asked.by},
            review_rows.shipped(db, since, until),
            review_rows.homeless(db, since, until),
        )

    def _total(self, counted: Iterable[tuple[int, Counted]]) -> Group:
        tallies = Tallies()
        for _, counts in counted:
            tallies.count("", counts)
        for claim in self._claims:
            tallies.claim("", claim)
        return tallies.all(self._asked.currency)

    def _groups(
        self, by: By, facts: Mapping[int, Facts], counted: list[tuple[int, Counted]]
    ) -> list[Group]:
        match by:
            case By.PRODUCT:
                return self._products()
            case By.MONTH:
                return self._months({counts[0] for _, counts in counted})
            case By.VALUE:
                return self._values({counts[0] for _, counts in counted})
        told = _TOLD[by]
        keys = {each: told(fact) for each, fact in facts.items()}
        tallies = Tallies()
        for group, counts in counted:
            tallies.count(keys[group], counts)
        for claim in self._claims:
            tallies.claim(keys[claim.group], claim)
        return sorted(tallies.groups(self._asked.currency), key=_worst_first)

    def _months(self, currencies: Collection[str]) -> list[Group]:
        ends = review_rows.first_and_last(self._db, self._span)
        if ends is None:
            return []
        bounds, names = _months(ends, self._asked.tz)
        tallies = Tallies()
        asked = (self._db, self._span, currencies)
        for at, counts in review_rows.by_bound(*asked, "packed_ms", bounds):
            tallies.count(names[at], counts)
        for claim in self._claims:
            tallies.claim(names[bisect_right(bounds, claim.packed_ms)], claim)
        return sorted(tallies.groups(self._asked.currency), key=lambda group: group.key)

    def _values(self, currencies: Collection[str]) -> list[Group]:
        tallies, order = Tallies(), dict[str, tuple[str, int]]()
        asked = (self._db, self._span, currencies)
        for at, counts in review_rows.by_bound(*asked, "value_cents", BANDS):
            currency = counts[0]
            key = _band(at, currency)
            order[key] = (currency, at)
            tallies.count(key, counts)
        for claim in self._claims:
            value = claim.value_cents
            at = -1 if value is None else bisect_right(BANDS, value)
            tallies.claim(_band(at, claim.value_currency), claim)
        return sorted(
            tallies.groups(self._asked.currency),
            key=lambda group: (not group.key, order[group.key]),
        )

    def _products(self) -> list[Group]:
        names: dict[str, str] = {}
        held: defaultdict[str, list[str]] = defaultdict(list)
        for number, key, name in review_rows.claimed_products(self._db, self._span):
            names[key] = min(names.get(key, name), name)
            if key not in held[number]:
                held[number].append(key)
        often = Counter(key for claim in self._claims for key in held.get(claim.number, ()))
        chosen = sorted(often, key=lambda key: (-often[key], key))[:MOST_PRODUCTS]
        tallies = Tallies()
        for keys, counts in review_rows.by_contents(self._db, self._span, {"", *chosen}):
            for key in keys:
                tallies.count(key, counts)
        for claim in self._claims:
            for key in held.get(claim.number, ("",)):
                if not key or key in tallies:
                    tallies.claim(key, claim)
        found = sorted(tallies.groups(self._asked.currency), key=_worst_first)
        return [replace(group, key=names.get(group.key, group.key)) for group in found]


def route(facts: Facts) -> str:
    """From where to where: `CN → US`, `? → US` where one end is not known, '' where neither is."""
    if not facts.origin and not facts.destination:
        return ""
    return f"{facts.origin or '?'} → {facts.destination or '?'}"


_TOLD: Final[Mapping[By, Callable[[Facts], str]]] = {
    By.CARRIER: lambda facts: facts.carrier,
    By.SERVICE: lambda facts: facts.service,
    By.ROUTE: route,
    By.PACKAGING: lambda facts: facts.packaging,
    By.BENCH: lambda facts: facts.bench,
}


def _worst_first(group: Group) -> tuple[int, int, str]:
    return -group.claimed, -group.parcels, group.key


def _band(at: int, currency: str) -> str:
    """`USD 50-100`: from the one amount up to, and without, the other."""
    if at < 0:
        return ""
    if at == len(BANDS):
        return f"{currency} {BANDS[-1] // 100}+".strip()
    return f"{currency} {BANDS[at - 1] // 100 if at else 0}-{BANDS[at] // 100}".strip()


def _months(ends: Span, tz: dt.tzinfo) -> tuple[list[int], list[str]]:
    """Where each month but the first one begins, and what all of them are called."""
    first, last = ((EPOCH + each * MILLISECOND).astimezone(tz).date() for each in ends)
    bounds: list[int] = []
    names = [f"{first:%Y-%m}"]
    month = first.replace(day=1)
    while True:
        month = (month + dt.timedelta(days=32)).replace(day=1)
        if month > last:
            return bounds, names
        bounds.append(_ms(dt.datetime.combine(month, dt.time(), tz)))
        names.append(f"{month:%Y-%m}")


def _ms(moment: dt.datetime) -> int:
    return (moment - EPOCH) // MILLISECOND
