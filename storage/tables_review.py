"""The SQL of the loss review's own rows: one small row for each parcel that was packed.

Derived from the catalogue and the orders, kept current by triggers, and can be made anew at any
time; no evidence. A review of a million parcels reads one index of it in its order, where joining
the orders to the catalogue takes several times as long (see `tests/performance/review.py`). Which
carrier, bench, service, route and packaging go together is written once (`review_groups`), and so
is which articles do (`review_contents`): there are far fewer such combinations than parcels.
"""

from __future__ import annotations

import re

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

CREATE TABLE review_contents (
    id INTEGER PRIMARY KEY,
    skus TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE review_parcels (
    tracking_number TEXT PRIMARY KEY NOT NULL,
    packed_ms INTEGER NOT NULL,
    group_id INTEGER NOT NULL REFERENCES review_groups (id),
    contents_id INTEGER NOT NULL REFERENCES review_contents (id),
    value_cents INTEGER,
    currency TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
"""`skus` are the keys of the articles, a line each, in their order."""
_INDEXES = """
CREATE INDEX review_parcels_by_group
    ON review_parcels (group_id, currency, packed_ms, value_cents);
CREATE INDEX review_parcels_by_contents
    ON review_parcels (contents_id, currency, packed_ms, value_cents);
CREATE INDEX review_parcels_by_time ON review_parcels (currency, packed_ms, value_cents);
CREATE INDEX review_parcels_by_value ON review_parcels (currency, value_cents, packed_ms);
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
_CONTENTS = (
    "coalesce((SELECT group_concat(k.sku_key, char(10)) FROM (SELECT DISTINCT i.sku_key "
    "FROM order_waybills AS w CROSS JOIN order_items AS i ON i.order_id = w.order_id "
    "AND i.tracking_number IN ('', w.tracking_number) "
    "WHERE w.tracking_number = {0} AND i.sku_key <> '' ORDER BY i.sku_key) AS k), '')"
)
PARCELS = (
    "SELECT c.number, c.opened_ms AS packed_ms, c.value_cents, c.currency, c.carrier, c.bench, "  # noqa: S608
    + ", ".join((
        _TOLD.format(what="service", told="o.service <> ''"),
        _TOLD.format(what="origin", told=_ROUTED),
        _TOLD.format(what="destination", told=_ROUTED),
        _TOLD.format(what="packaging", told="o.packaging <> ''"),
        _CONTENTS.format("c.number") + " AS skus",
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
_HELD = "(SELECT s.id FROM review_contents AS s WHERE s.skus = p.skus)"
_NO_INDEXES = "".join(
    f"DROP INDEX IF EXISTS {name};" for name in re.findall(r"CREATE INDEX (\w+)", _INDEXES)
)
REVIEW_FILL = f"""
{_NO_INDEXES}
DELETE FROM review_parcels;
DELETE FROM review_groups;
DELETE FROM review_contents;
CREATE TEMP TABLE review_now AS {PARCELS};
INSERT INTO review_groups ({_LISTED}) SELECT DISTINCT {_LISTED} FROM temp.review_now;
INSERT INTO review_contents (skus) SELECT DISTINCT skus FROM temp.review_now;
INSERT INTO review_parcels
    SELECT p.number, p.packed_ms, {_GROUP}, {_HELD}, p.value_cents, p.currency
    FROM temp.review_now AS p ORDER BY p.number;
DROP TABLE temp.review_now;
{_INDEXES}
"""  # noqa: S608
"""Makes all rows anew, and the indexes after them: row by row they took minutes."""

# Not `OR IGNORE`: the statement that fires a trigger may bring its own answer to conflicts.
_NEW_GROUPS = (
    f"INSERT INTO review_groups ({_LISTED}) SELECT {_OF} FROM ({PARCELS}) AS p "  # noqa: S608
    f"WHERE p.number IN ({{0}}) ON CONFLICT ({_LISTED}) DO NOTHING;"
)
_NEW_CONTENTS = (
    f"INSERT INTO review_contents (skus) SELECT {_CONTENTS.format('c.number')} "  # noqa: S608
    "FROM catalogue AS c WHERE c.number IN ({0}) ON CONFLICT (skus) DO NOTHING;"
)
_PACKED_ANEW = (
    "DELETE FROM review_parcels WHERE tracking_number IN ({0});"  # noqa: S608
    f"{_NEW_GROUPS}{_NEW_CONTENTS}INSERT INTO review_parcels "
    f"SELECT p.number, p.packed_ms, {_GROUP}, {_HELD}, p.value_cents, p.currency "
    f"FROM ({PARCELS}) AS p WHERE p.number IN ({{0}});"
)
"""The parcels of these numbers; one that is no packed parcel any more has no row."""
# What orders tell only changes the columns that it may: each index is written once less.
_GROUPED_ANEW = (
    f"{_NEW_GROUPS}UPDATE review_parcels SET group_id = (SELECT {_GROUP} FROM ({PARCELS}) AS p "  # noqa: S608
    "WHERE p.number = tracking_number) WHERE tracking_number IN ({0});"
)
_FILLED_ANEW = (
    f"{_NEW_CONTENTS}UPDATE review_parcels SET contents_id = (SELECT s.id FROM review_contents "  # noqa: S608
    f"AS s WHERE s.skus = {_CONTENTS.format('review_parcels.tracking_number')}) "
    "WHERE tracking_number IN ({0});"
)
_WATCHED = "number, opened_ms, carrier, kind, status, bench, test"
_OLD, _NEW = (", ".join(f"{row}.{each}" for each in _WATCHED.split(", ")) for row in ("OLD", "NEW"))
_ORDERED = ("service", "origin", "destination", "packaging")
_TELLS = (
    "(SELECT 1 FROM orders AS o WHERE o.order_id = NEW.order_id AND "
    "o.service || o.origin || o.destination || o.packaging <> '')"
)
_IS_PARCEL = "(SELECT 1 FROM review_parcels AS r WHERE r.tracking_number = {0})"
_CARRY = "SELECT w.tracking_number FROM order_waybills AS w WHERE w.order_id = NEW.order_id"

REVIEW_GUARDS = f"""
CREATE TRIGGER review_packed AFTER INSERT ON catalogue WHEN {_PACKED.format("NEW")}
BEGIN {_PACKED_ANEW.format("NEW.number")} END;

CREATE TRIGGER review_changed AFTER UPDATE OF {_WATCHED} ON catalogue
WHEN ({_OLD}) IS NOT ({_NEW}) AND (({_PACKED.format("OLD")}) OR ({_PACKED.format("NEW")}))
BEGIN {_PACKED_ANEW.format("OLD.number, NEW.number")} END;

CREATE TRIGGER review_valued AFTER UPDATE OF value_cents, currency ON catalogue
WHEN (OLD.value_cents, OLD.currency) IS NOT (NEW.value_cents, NEW.currency)
BEGIN UPDATE review_parcels SET value_cents = NEW.value_cents, currency = NEW.currency
    WHERE tracking_number = NEW.number; END;

CREATE TRIGGER review_linked AFTER INSERT ON order_waybills
WHEN EXISTS {_IS_PARCEL.format("NEW.tracking_number")} AND EXISTS {_TELLS}
BEGIN {_GROUPED_ANEW.format("NEW.tracking_number")} END;

CREATE TRIGGER review_held AFTER INSERT ON order_waybills
WHEN EXISTS {_IS_PARCEL.format("NEW.tracking_number")}
    AND EXISTS (SELECT 1 FROM order_items AS i WHERE i.order_id = NEW.order_id)
BEGIN {_FILLED_ANEW.format("NEW.tracking_number")} END;

CREATE TRIGGER review_told AFTER UPDATE OF {", ".join(_ORDERED)} ON orders
WHEN ({", ".join(f"OLD.{each}" for each in _ORDERED)})
    IS NOT ({", ".join(f"NEW.{each}" for each in _ORDERED)})
BEGIN {_GROUPED_ANEW.format(_CARRY)} END;

CREATE TRIGGER review_filled AFTER INSERT ON order_items
WHEN EXISTS (SELECT 1 FROM review_parcels AS r WHERE r.tracking_number IN ({_CARRY}))
BEGIN {_FILLED_ANEW.format(_CARRY)} END;
"""  # noqa: S608
