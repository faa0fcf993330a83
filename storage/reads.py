"""What is asked of the archive: connections that only read, lent to any thread, and the queries.

Knows SQL and the records; writes nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from storage import rows, schema
from storage.errors import ArchiveClosed, told
from storage.records import CameraCheck, Kind, Session, Status, utc_text
from storage.rows import search_key

SHORTEST_SUFFIX = 4
HIGHEST = "\U0010ffff"
"""Sorts after every character that a tracking number may continue with."""

# A session that was rebound is found by either number. A range finds what GLOB would, through the
# same index, and no character in it has a meaning.
BY_NUMBER = (
    "SELECT s.* FROM sessions AS s WHERE s.id IN ("
    "SELECT session_id FROM catalogue WHERE number = :key UNION ALL "
    "SELECT session_id FROM catalogue WHERE original = :key AND original IS NOT NULL)"
)
BY_SUFFIX = (
    "SELECT s.* FROM sessions AS s WHERE s.id IN (SELECT session_id FROM catalogue "
    "WHERE reversed >= :start AND reversed < :end UNION ALL SELECT session_id FROM catalogue "
    "WHERE original_reversed >= :start AND original_reversed < :end AND original IS NOT NULL)"
)
BY_ORDER = (
    "SELECT s.* FROM orders AS o JOIN order_waybills AS w USING (order_id) "
    "JOIN catalogue AS c ON c.number = w.tracking_number JOIN sessions AS s ON s.id = c.session_id "
    "WHERE o.order_key = :key"
)
CHECKS = (
    "SELECT * FROM camera_checks WHERE at >= :since "
    "ORDER BY at DESC, check_id DESC, seq LIMIT :limit"
)
CHECK_BEFORE = (
    "SELECT check_id FROM camera_checks WHERE bench = :bench AND at >= :since AND at <= :until "
    "ORDER BY at DESC LIMIT 1"
)


class Readers:
    """A pool of reading connections: one is lent to one thread at a time.

    A connection sees everything that was committed before it is lent, and one unchanging state
    while it is.
    """

    def __init__(self, connect: Callable[[], Database], root: Path) -> None:
        self._connect = connect
        self.root = root
        self._free: list[Database] = []
        self._closed = False
        self._lock = threading.Lock()

    @contextmanager
    def lent(self) -> Iterator[Database]:
        """A connection inside a read transaction. Raises ArchiveError."""
        with self._lock:
            if self._closed:
                raise ArchiveClosed(self.root)
            db = self._free.pop() if self._free else None
        try:
            db = db or self._connect()
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.rollback()
        except sqlite3.Error as error:
            if db is not None:
                db.close()
            raise told(error, self.root, "reading") from error
        except BaseException:
            self._take_back(db)
            raise
        self._take_back(db)

    def own(self) -> Database:
        """A connection for one who closes it himself. Raises ArchiveClosed, sqlite3.Error."""
        with self._lock:
            if self._closed:
                raise ArchiveClosed(self.root)
        return self._connect()

    def _take_back(self, db: Database | None) -> None:
        with self._lock:
            if db is not None and not self._closed:
                self._free.append(db)
                return
        if db is not None:
            db.close()

    def close(self) -> None:
        """Close every connection; one that is lent is closed when it comes back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for db in free:
            db.close()


def prior(db: Database, number: str, kind: Kind | None = None) -> Session | None:
    """The newest session of a tracking number (and kind) that was not cancelled, or None."""
    found = db.query(
        BY_NUMBER + " AND status <> 'cancelled' AND (:kind IS NULL OR kind = :kind) "
        "ORDER BY opened_at DESC, id DESC LIMIT 1",
        {"key": search_key(number), "kind": None if kind is None else kind.value},
    )
    for session in rows.whole(db, list(found)):
        return session
    return None


def find(db: Database, text: str) -> list[Session]:
    """The sessions of a whole tracking number or an order id; where no number is equal, those of
    a number's last four or more characters, too. Newest first."""
    key = search_key(text)
    if not key:
        return []
    found = {row["id"]: row for row in db.query(BY_NUMBER, {"key": key})}
    if not found and len(key) >= SHORTEST_SUFFIX:
        start = key[::-1]
        for row in db.query(BY_SUFFIX, {"start": start, "end": start + HIGHEST}):
            found[row["id"]] = row
    for row in db.query(BY_ORDER, {"key": key}):
        found[row["id"]] = row
    newest_first = sorted(
        found.values(), key=lambda row: (row["opened_at"], row["id"]), reverse=True
    )
    return rows.whole(db, newest_first)


def rows_of(db: Database, ids: Sequence[str]) -> Iterator[rows.Row]:
    """The rows of the sessions with these ids, in no order."""
    sql = "SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
    return iter(db.query(sql, [json.dumps(list(ids))]))


def recent(db: Database, count: int) -> list[Session]:
    """The newest `count` sessions, newest first, whatever their status."""
    found = db.query(
        "SELECT s.* FROM catalogue AS c JOIN sessions AS s ON s.id = c.session_id "
        "ORDER BY c.opened_ms DESC, c.n DESC LIMIT ?",
        [count],
    )
    return rows.whole(db, list(found))


def counts(db: Database) -> dict[Status, int]:
    """How many sessions have each status."""
    found = dict(db.execute("SELECT status, count(*) FROM sessions GROUP BY status").fetchall())
    return {status: found.get(status.value, 0) for status in Status}


def checks(db: Database, since: dt.datetime | None, limit: int) -> list[CameraCheck]:
    """The newest camera checks, newest first; of the same moment in the order of their check."""
    if not schema.has_checks(db):
        return []
    found = db.query(CHECKS, {"since": "" if since is None else utc_text(since), "limit": limit})
    return [rows.camera_check(row) for row in found]


def check_before(
    db: Database, bench: str, moment: dt.datetime, within: dt.timedelta
) -> tuple[CameraCheck, ...]:
    """The newest camera check of the bench in the time `within` before `moment`, or nothing."""
    if not schema.has_checks(db):
        return ()
    span = {
        "bench": rows.storable(bench),
        "since": utc_text(moment - within),
        "until": utc_text(moment),
    }
    row = db.execute(CHECK_BEFORE, span).fetchone()
    return () if row is None else rows.cameras_of(db, row[0])


def orders_of(db: Database, number: str) -> list[str]:
    """The ids of the orders that a tracking number carries."""
    found = db.execute(
        "SELECT order_id FROM order_waybills WHERE tracking_number = ? ORDER BY order_id",
        [search_key(number)],
    )
    return [order_id for (order_id,) in found]
