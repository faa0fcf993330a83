"""Which parcels left without evidence: orders that were shipped, beside the sessions of their
parcels.

Reads orders, the catalogue and traces; writes nothing. An order counts from the moment that its
file says it was shipped; where the file names only the status, from the day it was placed. What no
file tells (an order without a tracking number, or without any date) is counted, never guessed.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Final

from sqlite_utils import Database

from storage import schema
from storage.covered import Coverage, Covered, Lack, Uncovered, summed
from storage.records import parse_utc, utc_text
from storage.shift import EPOCH, MILLISECOND

MEND: Final = dt.timedelta(days=1)
"""So long after a shop called it shipped, a parcel that no carrier has seen may still be here."""
NEAR: Final = dt.timedelta(minutes=30)
"""Before and after: the hour in which benches may have packed a parcel that no session tells of."""
MOST_GAPS: Final = 10_000
MOST_ORDERS: Final = 50

_RANKS: Final = dict(enumerate(Lack, start=1))
_RANK: Final = (
    "CASE WHEN c.test THEN 6 WHEN c.status = 'cancelled' THEN 5 WHEN c.status = 'open' THEN 4 "
    "WHEN c.no_video THEN 3 WHEN c.mismatch THEN 2 WHEN c.incomplete THEN 1 ELSE 0 END"
)
_BEST: Final = (
    "min(coalesce((SELECT min("  # noqa: S608 - nothing in it comes from outside
    + _RANK
    + " || '|' || c.session_id || '|' || c.bench) "
    "FROM catalogue AS c WHERE c.number = {0} AND c.kind = 'packing'), '8'), "
    "coalesce((SELECT min(CASE WHEN EXISTS (SELECT 1 FROM order_waybills AS other "
    "WHERE other.tracking_number = c.number) THEN 7 ELSE " + _RANK + " END "
    "|| '|' || c.session_id || '|' || c.bench) FROM catalogue AS c WHERE c.original = {0} "
    "AND c.original IS NOT NULL AND c.kind = 'packing'), '8'))"
)
"""The best session of a parcel: its rank (0 is good), id and bench. One that was sealed under the
number and rebound still speaks for it, unless another order's parcel has its number of today."""
_SENT: Final = (
    "SELECT order_id, shipped_at AS at, 1 AS dated FROM orders "
    "WHERE shipped_at >= :since AND shipped_at < :until AND shipped_at <> '' UNION ALL "
    "SELECT order_id, ordered_at, 0 FROM orders WHERE status IN ('shipped', 'delivered') "
    "AND status <> '' AND ordered_at >= :since AND ordered_at < :until AND shipped_at = ''"
)
_PARCELS: Final = (
    "SELECT w.tracking_number AS number, max(s.dated) AS dated, "  # noqa: S608
    "coalesce(min(CASE WHEN s.dated THEN s.at END), min(s.at)) AS at "
    f"FROM ({_SENT}) AS s CROSS JOIN order_waybills AS w ON w.order_id = s.order_id "
    "GROUP BY w.tracking_number"
)
_JUDGED: Final = (
    f"SELECT number, at, dated, {_BEST.format('p.number')} AS best FROM ({_PARCELS}) AS p "  # noqa: S608
    "ORDER BY at DESC, number"
)
_OPEN_GAPS: Final = (
    f"SELECT count(*) FROM ({_PARCELS}) AS p WHERE {_BEST.format('p.number')} >= '1'"  # noqa: S608
)
_NUMBERLESS: Final = (
    f"SELECT count(*) FROM ({_SENT}) AS s WHERE NOT EXISTS "  # noqa: S608
    "(SELECT 1 FROM order_waybills AS w WHERE w.order_id = s.order_id) AND NOT EXISTS "
    "(SELECT 1 FROM orders AS o CROSS JOIN catalogue AS c ON c.number = o.order_key "
    "WHERE o.order_id = s.order_id)"
)
_UNDATED: Final = (  # named, for SQLite would walk through every order that was shipped
    "SELECT count(*) FROM orders INDEXED BY orders_undated WHERE status IN ('shipped', "
    "'delivered') AND status <> '' AND ordered_at = '' AND shipped_at = ''"
)
_UNLISTED: Final = (
    "SELECT count(DISTINCT number) FROM catalogue AS c WHERE opened_ms >= :since_ms "
    "AND opened_ms < :until_ms AND kind = 'packing' AND status IN ('sealed', 'interrupted') "
    "AND test = 0 AND NOT EXISTS (SELECT 1 FROM order_waybills AS w "
    "WHERE w.tracking_number IN (c.number, c.original))"
)
_NEAR: Final = (
    "SELECT bench, count(*) FROM catalogue WHERE opened_ms >= ? AND opened_ms < ? "
    "AND kind = 'packing' AND status IN ('sealed', 'interrupted') AND test = 0 "
    "GROUP BY bench ORDER BY count(*) DESC, bench LIMIT 3"
)


def coverage(
    db: Database,
    since: dt.datetime,
    until: dt.datetime,
    now: dt.datetime,
    tz: dt.tzinfo,
    most: int = MOST_GAPS,
) -> Coverage:
    """What was shipped at or after `since` and before `until`, and what evidence there is of it.

    Days are those of `tz`. Raises sqlite3.Error.
    """
    if not schema.has_sold(db):
        return Coverage(since, until, Covered(None, ""))
    span = {"since": utc_text(since), "until": utc_text(until)}
    counts: defaultdict[tuple[dt.date, str], Counter[str]] = defaultdict(Counter)
    uncovered: list[Uncovered] = []
    days: dict[str, dt.date] = {}
    near: dict[str, tuple[str, ...]] = {}
    for number, at, dated, best in db.execute(_JUDGED, span):
        minute = at[:16]
        if minute not in days:
            days[minute] = parse_utc(at).astimezone(tz).date()
        rank, _, rest = best.partition("|")
        session, _, bench = rest.partition("|")
        kind = "good" if rank == "0" else "none" if rank == "8" else "poor"
        counts[days[minute], bench][kind] += 1
        if rank == "0" or len(uncovered) >= most:
            continue
        if rank == "8" and dated and minute not in near:
            near[minute] = _benches_near(db, parse_utc(at))
        gap = Uncovered(
            number=number,
            orders=_orders(db, number),
            shipped_at=parse_utc(at),
            dated=bool(dated),
            lack=_RANKS[int(rank)],
            bench=bench,
            packer=_packer(db, session),
            session=session,
            likely=near.get(minute, ()) if rank == "8" and dated else (),
            mendable=bool(dated) and now - parse_utc(at) <= MEND and not _seen(db, number),
        )
        uncovered.append(gap)
    parts = tuple(
        Covered(*place, each["good"], each["poor"], each["none"])
        for place, each in sorted(counts.items(), key=lambda item: item[0])
    )
    uncovered.sort(key=lambda gap: not gap.mendable)
    spans_ms = {"since_ms": _ms(since), "until_ms": _ms(until)}
    return Coverage(
        since=since,
        until=until,
        total=summed(None, "", parts),
        parts=parts,
        uncovered=tuple(uncovered),
        unlisted=_count(db, _UNLISTED, spans_ms),
        numberless=_count(db, _NUMBERLESS, span),
        undated=_count(db, _UNDATED, {}),
    )


def open_gaps(db: Database, since: dt.datetime, until: dt.datetime) -> int:
    """How many parcels that were shipped at or after `since` and before `until` have no good
    evidence: what `coverage` tells of at length. Through the indexes of orders, so that it costs
    what the span holds and not what the archive does. Raises sqlite3.Error."""
    if not schema.has_sold(db):
        return 0
    return _count(db, _OPEN_GAPS, {"since": utc_text(since), "until": utc_text(until)})


# ---------------------------------------------------------------------------- one parcel


def _orders(db: Database, number: str) -> tuple[str, ...]:
    found = db.execute(
        "SELECT order_id FROM order_waybills WHERE tracking_number = ? ORDER BY order_id LIMIT ?",
        [number, MOST_ORDERS],
    )
    return tuple(order for (order,) in found)


def _packer(db: Database, session: str) -> str:
    found = db.execute("SELECT packer FROM catalogue WHERE session_id = ?", [session]).fetchone()
    return "" if found is None else str(found[0])


def _seen(db: Database, number: str) -> bool:
    """True when a carrier has, or had, the parcel, or a shop says that it has arrived."""
    trace = (
        "SELECT 1 FROM traces WHERE tracking_number = :number AND (moved_at <> '' "
        "OR delivered_at <> '' OR status NOT IN ('', 'Pending', 'InfoReceived')) UNION ALL "
        "SELECT 1 FROM order_waybills AS w CROSS JOIN orders AS o ON o.order_id = w.order_id "
        "WHERE w.tracking_number = :number AND (o.delivered_at <> '' OR o.status = 'delivered')"
    )
    return db.execute(trace, {"number": number}).fetchone() is not None


def _benches_near(db: Database, at: dt.datetime) -> tuple[str, ...]:
    """The benches that packed most in the hour around a moment, most first."""
    found = db.execute(_NEAR, [_ms(at - NEAR), _ms(at + NEAR)])
    return tuple(bench for bench, _ in found)


def _count(db: Database, sql: str, params: dict[str, str] | dict[str, int]) -> int:
    return int(db.execute(sql, params).fetchone()[0])


def _ms(moment: dt.datetime) -> int:
    return (moment - EPOCH) // MILLISECOND
