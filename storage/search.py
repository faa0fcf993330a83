"""How the archive is searched: one page of the catalogue at a time, in milliseconds whatever its
size.

The query's conditions are counted, each up to a bound, along its index; the way with the fewest
rows is taken, and the others are asked of its rows. Pages go on behind the last row's key, never by
counting rows. Knows no file; what a line of text asks for is `query.py`'s, its SQL
`search_ways.py`'s.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from storage import search_middle
from storage.query import Query
from storage.records import Kind, Status
from storage.search_ways import (
    FORMER_MIDDLE,
    FORMER_PREFIX,
    FORMER_SUFFIX,
    IS_WHOLE,
    MIDDLE,
    PREFIX,
    SUFFIX,
    WHOLE,
    Arm,
    Asked,
    Way,
    asked,
)

FEW = 2_000
"""So many rows are gathered and put in the order of time within a few milliseconds."""
SOME = 20_000
"""So many are still counted, and gathered where other conditions thin them out."""
MANY = 100_000
"""So many entries of an index that is in no order of time are looked through for the newest."""
_ALL = Way("all", (Arm("catalogue_by_time", "1"),), dated=True)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """One session as a table of hits shows it. `original` is the number that it was sealed with,
    where a supervisor bound it to another one."""

    session_id: str
    number: str
    original: str | None
    carrier: str
    kind: Kind
    status: Status
    opened_at: dt.datetime
    ended_at: dt.datetime | None
    bench: str
    packer: str
    bytes: int
    incomplete: bool
    mismatch: bool
    no_video: bool
    gap: bool
    held: bool
    test: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page ended, and thus where the next one begins. `step` 0 is the order of time, else
    one of `_STEPS`, which goes in the order of `sorted_by`."""

    opened_ms: int
    n: int
    step: int = 0
    sorted_by: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Hits in `order`; `next` is None at the end.

    `exact` False: so many numbers fit the text that they come in the order of numbers, not of time;
    more of it should be typed.
    """

    hits: tuple[Hit, ...]
    next: Key | None
    order: Literal["newest", "number"]
    exact: bool


def page(db: Database, query: Query, after: Key | None = None, limit: int = 100) -> Page:
    """The hits behind `after`, at most `limit`. Raises sqlite3.Error."""
    limit = max(1, limit)
    what = asked(db, query)
    if what.nothing:
        return Page((), None, "newest", True)
    if after is None or after.step == 0:
        way = _chosen(db, what)
        if way is None and after is not None:  # it has grown too many since the page before
            way = _ALL
        if way is not None:
            found = _newest(db, what, way.arms, what.where(without=way.name), after, limit + 1)
            key = _key(found[limit - 1], 0) if len(found) > limit else None
            return Page(tuple(map(_hit, found[:limit])), key, "newest", True)
    found, key = _numbered(db, what, after, limit)
    return Page(tuple(map(_hit, found)), key, "number", False)


# ---------------------------------------------------------------------------- in the order of time


def _chosen(db: Database, what: Asked) -> Way | None:
    """The way with the fewest rows; None where there is only a text that too many numbers fit."""
    counted = [way for way in what.ways if not (what.middle and way.name == "text")]
    few = _fewest(db, what, counted, FEW)
    if few is not None:
        return few
    if what.middle and (few := _of_middle(db, what)) is not None:
        return few
    if [way.name for way in what.ways] == ["text"]:
        return None
    some = _fewest(db, what, counted, SOME)
    if some is not None:
        return some
    dated = [way for way in counted if way.dated]
    valued = [way for way in counted if way.name == "value"]
    return next(iter(dated), None) or _fewest(db, what, valued, MANY) or _ALL


def _fewest(db: Database, what: Asked, ways: list[Way], most: int) -> Way | None:
    """The way with the fewest rows, if it has at most `most`."""
    counted = [(_count(db, what, way, most + 1), way) for way in ways]
    count, way = min(counted, key=lambda each: each[0], default=(most + 1, _ALL))
    return way if count <= most else None


def _count(db: Database, what: Asked, way: Way, most: int) -> int:
    """How many rows the way has; `most` are enough to know."""
    count = 0
    for arm in way.arms:
        span = _span(what) if way.dated else "1"
        rows = arm.counted or f"SELECT 1 FROM {_from(what, arm)} WHERE {arm.where} AND {span}"  # noqa: S608
        sql = f"SELECT count(*) FROM ({rows} LIMIT {most - count})"  # noqa: S608
        count += int(db.execute(sql, what.parameters).fetchone()[0])
        if count >= most:
            break
    return count


def _span(what: Asked) -> str:
    bounds = [what.conditions[name] for name in ("start", "end") if name in what.conditions]
    return " AND ".join(bounds) or "1"


def _of_middle(db: Database, what: Asked) -> Way | None:
    """The few rows that have the text in the middle of their number; None where they are many."""
    rows = search_middle.rows_with(db, str(what.parameters["text"]), FEW + 1, what.indexed)
    if len(rows) > FEW:
        return None
    what.parameters["rows"] = json.dumps(rows)
    return Way("text", (Arm("", "n IN (SELECT value FROM json_each(:rows))"),), dated=False)


def _newest(
    db: Database, what: Asked, arms: tuple[Arm, ...], where: str, after: Key | None, count: int
) -> list[Row]:
    """The newest rows of any arm, newest first."""
    behind, parameters = "1", dict(what.parameters)
    if after is not None:
        behind = "(opened_ms, n) < (:behind_ms, :behind_n)"
        parameters |= {"behind_ms": after.opened_ms, "behind_n": after.n}
    newest = f"ORDER BY opened_ms DESC, n DESC LIMIT {count}"
    each = " UNION ".join(
        f"SELECT n FROM (SELECT n FROM {_from(what, arm)} "  # noqa: S608
        f"WHERE {arm.where} AND {where} AND {behind} {newest})"
        for arm in arms
    )
    sql = f"SELECT * FROM catalogue WHERE n IN ({each}) {newest}"  # noqa: S608
    return list(db.query(sql, parameters))


# ---------------------------------------------------------------------------- in that of numbers

_STEPS: dict[int, tuple[str, tuple[Arm, ...], tuple[str, ...]]] = {
    1: ("", WHOLE, ()),
    2: ("number", (PREFIX,), (IS_WHOLE,)),
    3: ("reversed", (SUFFIX,), (IS_WHOLE, PREFIX.where)),
    4: ("original", (FORMER_PREFIX,), (IS_WHOLE, PREFIX.where, SUFFIX.where)),
    5: (
        "original_reversed",
        (FORMER_SUFFIX,),
        (IS_WHOLE, PREFIX.where, SUFFIX.where, FORMER_PREFIX.where),
    ),
    6: ("number", (MIDDLE,), ()),
    7: ("original", (FORMER_MIDDLE,), (MIDDLE.where,)),
}
"""One after the other: the column in whose order (none: of time) the rows of the arms come, without
those that an earlier step has shown. 6 and 7 are for a middle, the others for both ends."""


def _numbered(
    db: Database, what: Asked, after: Key | None, limit: int
) -> tuple[list[Row], Key | None]:
    """The rows behind `after`, step by step, and where the next page begins."""
    found: list[Row] = []
    for step in (6, 7) if what.middle else (1, 2, 3, 4, 5):
        if after is not None and step < after.step:
            continue
        here = after if after is not None and step == after.step else None
        column, arms, but = _STEPS[step]
        others = " AND ".join(
            (what.where(without="text"), *(f"NOT ifnull({each}, 0)" for each in but))
        )
        wanted = limit - len(found) + 1
        if column:
            rows = _walked(db, what, column, arms[0], others, here, wanted)
        else:
            rows = _newest(db, what, arms, others, here, wanted)
        if len(rows) == wanted:
            # With nothing of it on this page, the next begins at the step's first row.
            key = _key(rows[-2], step) if wanted > 1 else Key(-1, 0, step)
            return [*found, *rows[:-1]], key
        found += rows
    return found, None


def _walked(
    db: Database, what: Asked, column: str, arm: Arm, where: str, after: Key | None, count: int
) -> list[Row]:
    """The rows of the arm in the order of `column`."""
    behind, parameters = "1", dict(what.parameters)
    if after is not None:
        behind = f"({column}, opened_ms, n) > (:behind, :behind_ms, :behind_n)"
        parameters |= {
            "behind": after.sorted_by,
            "behind_ms": after.opened_ms,
            "behind_n": after.n,
        }
    sql = (
        f"SELECT * FROM {_from(what, arm)} WHERE {arm.where} AND {where} AND {behind} "  # noqa: S608
        f"ORDER BY {column}, opened_ms, n LIMIT {count}"
    )
    return list(db.query(sql, parameters))


def _from(what: Asked, arm: Arm) -> str:
    return f"catalogue INDEXED BY {arm.index}" if arm.index and what.indexed else "catalogue"


def _key(row: Row, step: int) -> Key:
    column = _STEPS[step][0] if step else ""
    return Key(row["opened_ms"], row["n"], step, row[column] if column else "")


def _hit(row: Row) -> Hit:
    return Hit(
        session_id=row["session_id"],
        number=row["number"],
        original=row["original"],
        carrier=row["carrier"],
        kind=Kind(row["kind"]),
        status=Status(row["status"]),
        opened_at=_EPOCH + row["opened_ms"] * _MILLISECOND,
        ended_at=None if row["ended_ms"] is None else _EPOCH + row["ended_ms"] * _MILLISECOND,
        bench=row["bench"],
        packer=row["packer"],
        bytes=row["bytes"],
        incomplete=bool(row["incomplete"]),
        mismatch=bool(row["mismatch"]),
        no_video=bool(row["no_video"]),
        gap=bool(row["gap"]),
        held=bool(row["held"]),
        test=bool(row["test"]),
        deleted=bool(row["deleted"]),
    )
