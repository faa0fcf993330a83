"""What a query means in SQL: the conditions on the catalogue's rows, and the ways to such rows.

A way is an index range, or several, that holds every row of one condition in an order of its own;
`search.py` picks the way with the fewest rows. Every statement is made here of this module's own
words; what comes from outside travels as parameters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlite_utils import Database

from storage import catalogue
from storage.query import Query
from storage.records import Kind, Status

HIGHEST = "\U0010ffff"
"""Sorts after every character that a tracking number may continue with."""
SHORTEST_MIDDLE = 3
MOST_NAMES = 1_000
"""Packers, benches or carriers that are compared with what was typed."""

Parameters = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Arm:
    """One range of one index of the catalogue; no index: of its own numbers."""

    index: str
    where: str
    counted: str = ""
    """What to count instead of the rows, where counting them takes all of them first."""


@dataclass(frozen=True, slots=True)
class Way:
    """All rows of one condition. `dated`: the ranges are in the order of time."""

    name: str
    arms: tuple[Arm, ...]
    dated: bool


@dataclass(slots=True)
class Asked:
    """A query as SQL: conditions by name, each true of the row of a hit, and the ways to them."""

    indexed: bool
    """False for the stand-in of a catalogue that an older database, only read, has."""
    parameters: Parameters = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    nothing: bool = False
    """No row can be a hit."""
    middle: bool = False
    """The text neither begins nor ends a number, and is no order's: its middle is looked for."""

    def where(self, *, without: str = "") -> str:
        """All conditions but the one named."""
        kept = [each for name, each in self.conditions.items() if name != without]
        return " AND ".join(f"({each})" for each in kept) or "1"


def asked(db: Database, query: Query) -> Asked:
    """What `query` means in this database. The ways come in the order of how few rows they mostly
    lead to."""
    found = Asked(indexed=not catalogue.stands_in(db))
    for flag in query.flags:
        _few(found, flag.value, f"{flag.value} = 1")
    if query.status is not None:
        name = query.status.value
        _few(found, name, f"status = '{name}'", few=query.status is not Status.SEALED)
    if query.kind is not None:
        name = query.kind.value
        _few(found, name, f"kind = '{name}'", few=query.kind is Kind.RETURN)
    for column in ("packer", "bench", "carrier"):
        if name := getattr(query, column):
            _named(db, found, column, name)
    _when(found, query)
    _worth(found, query)
    for column in ("order", "sku", "customer"):
        if key := getattr(query, column):
            _ordered(found, column, key)
    if query.text:
        _text(db, found, query.text)
    return found


def _when(found: Asked, query: Query) -> None:
    for name, moment, sign in (("start", query.start, ">="), ("end", query.end, "<")):
        if moment is not None:
            found.parameters[name] = _ms(moment)
            found.conditions[name] = f"opened_ms {sign} :{name}"
    if query.start is not None or query.end is not None:
        found.ways.append(Way("time", (Arm("catalogue_by_time", "1"),), dated=True))


def _ms(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _named(db: Database, found: Asked, column: str, name: str) -> None:
    """Who or what is called so, in capitals or not; else those whose names begin so."""
    names = list(_names(db, column))
    wanted = name.casefold()
    chosen = [each for each in names if each.casefold() == wanted]
    chosen = chosen or [each for each in names if each.casefold().startswith(wanted)]
    found.nothing |= not chosen
    arms = []
    for position, each in enumerate(chosen):
        found.parameters[f"{column}{position}"] = each
        arms.append(Arm(f"catalogue_by_{column}", f"{column} = :{column}{position}"))
    found.conditions[column] = " OR ".join(arm.where for arm in arms) or "0"
    if arms:
        found.ways.append(Way(column, tuple(arms), dated=True))


def _names(db: Database, column: str) -> Iterator[str]:
    """The names in a column, each by one step in its index."""
    name = ""
    for _ in range(MOST_NAMES):
        row = db.execute(
            f"SELECT {column} FROM catalogue WHERE {column} > ? ORDER BY {column} LIMIT 1",  # noqa: S608
            [name],
        ).fetchone()
        if row is None:
            return
        name = str(row[0])
        yield name


def _few(found: Asked, name: str, condition: str, *, few: bool = True) -> None:
    found.conditions[name] = condition
    if few:
        found.ways.append(Way(name, (Arm(f"catalogue_{name}", condition),), dated=True))


def _worth(found: Asked, query: Query) -> None:
    bounds = ["value_cents IS NOT NULL"]
    for name, cents, sign in (
        ("least", query.least_cents, ">="),
        ("below", query.below_cents, "<"),
    ):
        if cents is not None:
            found.parameters[name] = cents
            bounds.append(f"value_cents {sign} :{name}")
    if len(bounds) == 1:
        return
    if query.currency:
        found.parameters["currency"] = query.currency
        bounds.append("currency = :currency")
    found.conditions["value"] = " AND ".join(bounds)
    arm = Arm("catalogue_by_value", found.conditions["value"])
    found.ways.append(Way("value", (arm,), dated=False))


_KEYED = {
    "order": ("orders", "order_key >= :order AND k.order_key < :order_end"),
    "customer": (
        "orders",
        "customer_key <> '' AND k.customer_key >= :customer AND k.customer_key < :customer_end",
    ),
    "sku": ("order_items", "sku_key >= :sku AND k.sku_key < :sku_end"),
}
"""Where an order, a customer and an SKU stand; a beginning finds what it begins."""


def _ordered(found: Asked, column: str, key: str) -> None:
    found.parameters |= {column: key, f"{column}_end": key + HIGHEST}
    table, keyed = _KEYED[column]
    # CROSS JOIN keeps the order: from the key to the numbers, or from the row's number to the key.
    numbers = (
        f"SELECT w.tracking_number FROM {table} AS k CROSS JOIN order_waybills AS w "  # noqa: S608
        f"ON w.order_id = k.order_id WHERE k.{keyed}"
    )
    found.conditions[column] = (
        f"EXISTS (SELECT 1 FROM order_waybills AS w CROSS JOIN {table} AS k "  # noqa: S608
        f"ON k.order_id = w.order_id WHERE w.tracking_number = catalogue.number AND k.{keyed})"
    )
    keys = f"SELECT 1 FROM {table} AS k WHERE k.{keyed}"  # noqa: S608
    arm = Arm("catalogue_by_number", f"number IN ({numbers})", counted=keys)
    found.ways.append(Way(column, (arm,), dated=False))


WHOLE_ORDER = (
    "SELECT w.tracking_number FROM orders AS k JOIN order_waybills AS w USING (order_id) "
    "WHERE k.order_key = :text"
)
PREFIX = Arm("catalogue_by_number", "number >= :text AND number < :text_end")
SUFFIX = Arm("catalogue_by_suffix", "reversed >= :txet AND reversed < :txet_end")
FORMER_PREFIX = Arm(
    "catalogue_by_original", "original IS NOT NULL AND original >= :text AND original < :text_end"
)
FORMER_SUFFIX = Arm(
    "catalogue_by_original_suffix",
    "original IS NOT NULL AND original_reversed >= :txet AND original_reversed < :txet_end",
)
OF_ORDER = Arm("catalogue_by_number", f"number IN ({WHOLE_ORDER})")
WHOLE = (
    Arm("catalogue_by_number", "number = :text"),
    Arm("catalogue_by_original", "original IS NOT NULL AND original = :text"),
    OF_ORDER,
)
IS_WHOLE = f"number = :text OR original IS :text OR number IN ({WHOLE_ORDER})"
MIDDLE = Arm("catalogue_by_number", "instr(number, :text) > 0")
FORMER_MIDDLE = Arm("catalogue_by_original", "original IS NOT NULL AND instr(original, :text) > 0")
ENDS = (PREFIX, SUFFIX, FORMER_PREFIX, FORMER_SUFFIX, OF_ORDER)
"""The beginning and the end of the number, also of the one a session was rebound from, and a whole
order id."""


def _text(db: Database, found: Asked, text: str) -> None:
    found.parameters |= {
        "text": text,
        "text_end": text + HIGHEST,
        "txet": text[::-1],
        "txet_end": text[::-1] + HIGHEST,
    }
    found.middle = not any(_any(db, found, arm) for arm in ENDS)
    found.nothing |= found.middle and len(text) < SHORTEST_MIDDLE
    arms = (MIDDLE, FORMER_MIDDLE) if found.middle else ENDS
    found.conditions["text"] = " OR ".join(f"({arm.where})" for arm in arms)
    found.ways.append(Way("text", arms, dated=False))


def _any(db: Database, found: Asked, arm: Arm) -> bool:
    sql = f"SELECT 1 FROM catalogue WHERE {arm.where} LIMIT 1"  # noqa: S608
    return db.execute(sql, found.parameters).fetchone() is not None
