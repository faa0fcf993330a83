"""The SQL of the loss review's own rows: one small row for each parcel that was packed.

Derived from the catalogue and the orders, kept current by triggers, and can be made anew at any
time; no evidence. A review of a million parcels reads one index of it in its order, where joining
the orders to the catalogue takes several times as long (see `tests/performance/review.py`). Which
carrier, bench, service, route and packaging go together is written once (`review_groups`): there
are few such combinations.
"""

from __future__ import annotations

GROUP_COLUMNS = ("carrier", "bench", "service", "origin", "destination", "packaging")

REVIEW_TABLES = """
CREATE TABLE review_groups (
    id INTEGER PRIMARY KEY,
    carrier TEXT NOT NULL,
    bench TEXT NOT NULL,
    service TEXT NOT NULL,
    origin TEXT NOT NULL,
    destination TEXT NOT NULL,
    packaging TEXT NOT NULL,
    UNIQUE (carrier, bench, service, origin, destination, packaging)
) STRICT;

CREATE TABLE review_parcels (
    tracking_number TEXT PRIMARY KEY NOT NULL,
    packed_ms INTEGER NOT NULL,
    group_id INTEGER NOT NULL REFERENCES review_groups (id),
    value_cents INTEGER,
    currency TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX review_parcels_by_group
    ON review_parcels (group_id, currency, packed_ms, value_cents);
"""

_PACKED = (
    "{0}.kind = 'packing' AND {0}.status IN ('sealed', 'interrupted') AND {0}.test = 0"
    " AND {0}.number <> ''"
)
_TOLD = (
    "coalesce((SELECT o.{what} FROM order_waybills AS w CROSS JOIN orders AS o "
    "ON o.order_id = w.order_id WHERE w.tracking_number = c.number AND {told} "
    "ORDER BY w.order_id LIMIT 1), '') AS {what}"
)
_ROUTED = "(o.origin <> '' OR o.destination <> '')"
PARCELS = (
    "SELECT c.number, c.opened_ms AS packed_ms, c.value_cents, c.currency, c.carrier, c.bench, "  # noqa: S608
    + ", ".join((
        _TOLD.format(what="service", told="o.service <> ''"),
        _TOLD.format(what="origin", told=_ROUTED),
        _TOLD.format(what="destination", told=_ROUTED),
        _TOLD.format(what="packaging", told="o.packaging <> ''"),
    ))
    + f" FROM catalogue AS c WHERE {_PACKED.format('c')} AND NOT EXISTS "  # noqa: S608
    f"(SELECT 1 FROM catalogue AS l WHERE l.number = c.number AND {_PACKED.format('l')} "
    "AND (l.opened_ms, l.n) > (c.opened_ms, c.n))"
)  # fmt: skip
"""Each parcel as its newest packing session left it. A parcel of several orders has each fact from
the first order, by id, that tells it; the two ends of its route from the same one."""

_LISTED = ", ".join(GROUP_COLUMNS)
_OF = ", ".join(f"p.{each}" for each in GROUP_COLUMNS)
_GROUP = f"(SELECT g.id FROM review_groups AS g WHERE (g.{', g.'.join(GROUP_COLUMNS)}) = ({_OF}))"  # noqa: S608
# Not `OR IGNORE`: the statement that fires a trigger may bring its own answer to conflicts.
_PUT = (
    f"INSERT INTO review_groups ({_LISTED}) SELECT DISTINCT {_OF} FROM ({PARCELS}) AS p "  # noqa: S608
    f"WHERE {{which}} AND {_GROUP} IS NULL;"
    f"INSERT INTO review_parcels SELECT p.number, p.packed_ms, {_GROUP}, "
    f"p.value_cents, p.currency FROM ({PARCELS}) AS p WHERE {{which}};"
)
REVIEW_FILL = f"""
DELETE FROM review_parcels;
DELETE FROM review_groups;
CREATE TEMP TABLE review_now AS {PARCELS};
INSERT INTO review_groups ({_LISTED}) SELECT DISTINCT {_LISTED} FROM temp.review_now;
INSERT INTO review_parcels SELECT p.number, p.packed_ms, {_GROUP}, p.value_cents, p.currency
    FROM temp.review_now AS p ORDER BY p.number;
DROP TABLE temp.review_now;
"""  # noqa: S608
"""Makes all rows anew."""


def _again(numbers: str) -> str:
    """The parcels of these numbers anew; a number that is no packed parcel any more has none."""
    return f"DELETE FROM review_parcels WHERE tracking_number IN ({numbers});" + _PUT.format(  # noqa: S608
        which=f"p.number IN ({numbers})"
    )


_WATCHED = "number, opened_ms, carrier, kind, status, bench, test"
_OLD, _NEW = (", ".join(f"{row}.{each}" for each in _WATCHED.split(", ")) for row in ("OLD", "NEW"))
_ORDERED = ("service", "origin", "destination", "packaging")
_TELLS = (
    "(SELECT 1 FROM orders AS o WHERE o.order_id = NEW.order_id AND "
    "o.service || o.origin || o.destination || o.packaging <> '')"
)
_IS_PARCEL = "(SELECT 1 FROM review_parcels AS r WHERE r.tracking_number = {0})"
REVIEW_GUARDS = f"""
CREATE TRIGGER review_packed AFTER INSERT ON catalogue WHEN {_PACKED.format("NEW")}
BEGIN {_again("NEW.number")} END;

CREATE TRIGGER review_changed AFTER UPDATE OF {_WATCHED} ON catalogue
WHEN ({_OLD}) IS NOT ({_NEW}) AND (({_PACKED.format("OLD")}) OR ({_PACKED.format("NEW")}))
BEGIN {_again("OLD.number, NEW.number")} END;

CREATE TRIGGER review_valued AFTER UPDATE OF value_cents, currency ON catalogue
WHEN (OLD.value_cents, OLD.currency) IS NOT (NEW.value_cents, NEW.currency)
BEGIN UPDATE review_parcels SET value_cents = NEW.value_cents, currency = NEW.currency
    WHERE tracking_number = NEW.number; END;

CREATE TRIGGER review_linked AFTER INSERT ON order_waybills
WHEN EXISTS {_IS_PARCEL.format("NEW.tracking_number")} AND EXISTS {_TELLS}
BEGIN {_again("NEW.tracking_number")} END;

CREATE TRIGGER review_told AFTER UPDATE OF {", ".join(_ORDERED)} ON orders
WHEN ({", ".join(f"OLD.{each}" for each in _ORDERED)})
    IS NOT ({", ".join(f"NEW.{each}" for each in _ORDERED)})
BEGIN {
    _again("SELECT w.tracking_number FROM order_waybills AS w WHERE w.order_id = NEW.order_id")
} END;
"""  # noqa: S608
