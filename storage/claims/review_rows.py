"""What the review reads: counts of parcels, claims with their parcels, products; SQL only.

Every statement belongs to one state of the database, the caller's transaction. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlite_utils import Database

from storage.claims.claim import ClaimStatus, ClaimType
from storage.tables_review import GROUP_COLUMNS, REVIEW_FILL

EVER: Final = 2**62
BANDS: Final = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Where the bands of declared values begin, in cents of whatever currency; the first at nothing."""
_WITHIN: Final = "p.packed_ms >= :start AND p.packed_ms < :end"
_SUMS: Final = "count(*), count(p.value_cents), coalesce(sum(p.value_cents), 0)"
_CLAIMED: Final = (
    "FROM claims AS k CROSS JOIN review_parcels AS p ON p.tracking_number = k.tracking_number "
    f"WHERE k.status <> 'cancelled' AND {_WITHIN}"
)
_CARRIED: Final = (
    "w.order_id = i.order_id AND i.tracking_number IN ('', w.tracking_number) AND i.sku_key <> ''"
)
_ORDERED: Final = {
    "packed_ms": "review_parcels_by_time",
    "value_cents": "review_parcels_by_value",
}

Span = tuple[int, int]
"""From one moment up to another, in milliseconds since 1970, UTC."""
Counted = tuple[str, int, int, int]
"""Currency ('' where no value is known), parcels, those with a value, the sum of it in cents."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one combination of `review_groups` has in common."""

    carrier: str
    bench: str
    service: str
    origin: str
    destination: str
    packaging: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim that was not cancelled, with the parcel that it is about."""

    type: ClaimType
    status: ClaimStatus
    complete: bool
    currency: str
    requested_cents: int | None
    approved_cents: int | None
    paid_cents: int | None
    number: str
    packed_ms: int
    group: int
    value_cents: int | None
    value_currency: str


def fill(db: Database) -> None:
    """Make the rows of all parcels anew, within the caller's transaction: a rebuilt catalogue was
    filled while nothing watched it."""
    for statement in REVIEW_FILL.split(";"):
        if statement.strip():
            db.execute(statement)


def groups(db: Database) -> dict[int, Facts]:
    """Every combination, by its id."""
    sql = f"SELECT id, {', '.join(GROUP_COLUMNS)} FROM review_groups"  # noqa: S608
    return {each: Facts(*facts) for each, *facts in db.execute(sql)}


def by_group(db: Database, span: Span) -> list[tuple[int, Counted]]:
    """The parcels of each combination and currency."""
    sql = (
        f"SELECT p.group_id, p.currency, {_SUMS} FROM review_parcels AS p "  # noqa: S608
        f"INDEXED BY review_parcels_by_group WHERE {_WITHIN} GROUP BY p.group_id, p.currency"
    )
    return [(group, tuple(counts)) for group, *counts in db.execute(sql, _asked(span))]


def by_bound(
    db: Database, span: Span, currencies: Iterable[str], column: str, bounds: Sequence[int]
) -> Iterator[tuple[int, Counted]]:
    """The parcels of these currencies between each two of the ascending `bounds` of a column (0 is
    below the first); those without a value there are -1.

    Each is one run of an index: told apart by a `GROUP BY`, a million rows would be sorted first.
    """
    ways = [(-1, f"p.{column} IS NULL", (0, 0))]
    between = f"p.{column} >= :low AND p.{column} < :high"
    ways += [(at, between, run) for at, run in enumerate(pairwise((-EVER, *bounds, EVER)))]
    for currency in currencies:
        for at, which, (low, high) in ways:
            sql = (
                f"SELECT {_SUMS} FROM review_parcels AS p INDEXED BY {_ORDERED[column]} "  # noqa: S608
                f"WHERE p.currency = :currency AND {which} AND {_WITHIN}"
            )
            asked = _asked(span) | {"currency": currency, "low": low, "high": high}
            counts = db.execute(sql, asked).fetchone()
            if counts[0]:
                yield at, (currency, *counts)


def first_and_last(db: Database, span: Span) -> Span | None:
    """When the first and the last parcel was packed; None where there is none."""
    sql = f"SELECT min(p.packed_ms), max(p.packed_ms) FROM review_parcels AS p WHERE {_WITHIN}"  # noqa: S608
    first, last = db.execute(sql, _asked(span)).fetchone()
    return None if first is None else (first, last)


def claims(db: Database, span: Span) -> list[Claimed]:
    """The claims about parcels that were packed in the span."""
    sql = (
        "SELECT k.type, k.status, k.complete, k.currency, k.requested_cents, k.approved_cents, "
        "k.paid_cents, p.tracking_number, p.packed_ms, p.group_id, p.value_cents, p.currency "
        + _CLAIMED
    )
    return [
        Claimed(ClaimType(kind), ClaimStatus(status), bool(complete), *rest)
        for kind, status, complete, *rest in db.execute(sql, _asked(span))
    ]


def homeless(db: Database, since: str, until: str) -> int:
    """How many claims, opened between two moments and not cancelled, are about parcels of which no
    packing is known here: they are in no rate."""
    sql = (
        "SELECT count(*) FROM claims AS k WHERE k.created_at >= ? AND k.created_at < ? "
        "AND k.status <> 'cancelled' AND NOT EXISTS "
        "(SELECT 1 FROM review_parcels AS p WHERE p.tracking_number = k.tracking_number)"
    )
    return int(db.execute(sql, [since, until]).fetchone()[0])


def shipped(db: Database, since: str, until: str) -> int:
    """How many orders were shipped between two moments, as their import says."""
    sql = (
        "SELECT count(*) FROM orders WHERE shipped_at >= ? AND shipped_at < ? AND shipped_at <> ''"
    )
    return int(db.execute(sql, [since, until]).fetchone()[0])


def claimed_products(db: Database, span: Span) -> Iterator[tuple[str, str, str]]:
    """Each parcel with a claim and each article that it holds: number, key of the article, its SKU
    or else its name."""
    sql = (
        "SELECT DISTINCT c.number, i.sku_key, coalesce(nullif(i.sku, ''), i.name) "  # noqa: S608
        f"FROM (SELECT DISTINCT p.tracking_number AS number {_CLAIMED}) AS c "
        "CROSS JOIN order_waybills AS w ON w.tracking_number = c.number "
        f"CROSS JOIN order_items AS i ON {_CARRIED}"
    )
    yield from db.execute(sql, _asked(span))


def by_contents(
    db: Database, span: Span, products: Collection[str]
) -> Iterator[tuple[tuple[str, ...], Counted]]:
    """The parcels by what of these articles they hold, and by currency; '' among the articles is
    for parcels of which nobody told any."""
    wanted = {
        each: held
        for each, skus in db.execute("SELECT id, skus FROM review_contents")
        if (held := tuple(key for key in skus.split("\n") if key in products))
    }
    sql = (
        f"SELECT p.contents_id, p.currency, {_SUMS} FROM review_parcels AS p "  # noqa: S608
        f"INDEXED BY review_parcels_by_contents WHERE {_WITHIN} GROUP BY p.contents_id, p.currency"
    )
    for each, *counts in db.execute(sql, _asked(span)):
        if each in wanted:
            yield wanted[each], tuple(counts)


def _asked(span: Span) -> dict[str, int | str]:
    return {"start": span[0], "end": span[1]}
