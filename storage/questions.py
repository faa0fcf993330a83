"""What can be asked of an open archive, on any thread: the reading half of `archive.py`.

Each question is one state of the database, through a connection that only reads. The queries are
`reads.py`'s. Writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from storage import ledger, order_rows, reads, rows, search, shift
from storage.claims import review
from storage.claims.review import Asked, Review
from storage.order import Order
from storage.query import Query
from storage.records import CameraCheck, Kind, Session, Status
from storage.search_connection import SearchConnection
from storage.shift import Shift

A_DAY = dt.timedelta(days=1)


class Questions:
    """Answers from the rows. `Archive` is one."""

    def __init__(self, readers: reads.Readers) -> None:
        self._readers = readers

    @property
    def archive_id(self) -> str:
        """The ULID that this archive got when it was made."""
        with self._readers.lent() as db:
            row = db.execute("SELECT value FROM meta WHERE key = 'archive_id'").fetchone()
            return str(row[0])

    def prior(self, number: str, kind: Kind | None = None) -> Session | None:
        """The newest session of the number (and kind) that was not cancelled, or None."""
        with self._readers.lent() as db:
            return reads.prior(db, number, kind)

    def find(self, text: str) -> list[Session]:
        """Sessions by whole tracking number, by its last 4 or more characters, or by order id;
        newest first. Case and spaces do not matter."""
        with self._readers.lent() as db:
            return reads.find(db, text)

    def page(self, query: Query, after: search.Key | None = None, limit: int = 100) -> search.Page:
        """The sessions that the query asks for, at most `limit`, behind the end of a page before.

        For search as you type take a `search_connection`.
        """
        with self._readers.lent() as db:
            return search.page(db, query, after, limit)

    def search_connection(self) -> SearchConnection:
        """A connection for the one thread that searches; whoever asked for it closes it."""
        return SearchConnection(self._readers.own, self._readers.root)

    def saved_filters(self) -> dict[str, str]:
        """The searches that were kept, by name, in the order of names."""
        with self._readers.lent() as db:
            return dict(db.execute("SELECT name, query FROM saved_filters ORDER BY name"))

    def shift(self, start: dt.datetime, end: dt.datetime) -> Shift:
        """The figures of what was packed between two moments."""
        with self._readers.lent() as db:
            return shift.summary(db, start, end)

    def review(self, asked: Asked) -> Review:
        """What was lost, damaged and late, claimed and won back; see `storage.claims.review`."""
        with self._readers.lent() as db:
            return review.summary(db, asked)

    def bytes_by_day(self, days: int = 30, tz: dt.tzinfo = dt.UTC) -> dict[dt.date, int]:
        """How many bytes each of the last days brought, up to the newest session."""
        with self._readers.lent() as db:
            return shift.bytes_by_day(db, days, tz)

    def get(self, session: str) -> Session | None:
        """The session with this id, or None."""
        with self._readers.lent() as db:
            rows_found = list(db.query("SELECT * FROM sessions WHERE id = ?", [session]))
            return next(iter(rows.whole(db, rows_found)), None)

    def sessions(self, ids: Sequence[str]) -> list[Session]:
        """The sessions with these ids, in their order; an unknown one is left out."""
        with self._readers.lent() as db:
            found = {each["id"]: each for each in reads.rows_of(db, ids)}
            return rows.whole(db, [found[session] for session in ids if session in found])

    def recent(self, count: int) -> list[Session]:
        """The newest sessions, newest first."""
        with self._readers.lent() as db:
            return reads.recent(db, count)

    def counts(self) -> dict[Status, int]:
        """How many sessions have each status."""
        with self._readers.lent() as db:
            return reads.counts(db)

    def orders_of(self, number: str) -> list[str]:
        """The ids of the orders that the tracking number carries."""
        with self._readers.lent() as db:
            return reads.orders_of(db, number)

    def orders_in(self, number: str) -> tuple[Order, ...]:
        """The orders that the tracking number carries, with the items that are in this parcel."""
        with self._readers.lent() as db:
            return order_rows.of_number(db, number)

    def order(self, text: str) -> Order | None:
        """The order with this id, with all its items; None when there is none."""
        with self._readers.lent() as db:
            return order_rows.by_id(db, text)

    def manifest_sha256(self, session: str) -> str | None:
        """The SHA-256 of the session's manifest as it was sealed; None while it is open.

        Raises UnknownSession.
        """
        with self._readers.lent() as db:
            digest = rows.session_row(db, session)["manifest_sha256"]
            return None if digest is None else str(digest)

    def ledger_of(self, session: str) -> list[tuple[str, ledger.Entry]]:
        """The ledger entries of a session or camera check, oldest first, each with the hash of the
        one before it."""
        with self._readers.lent() as db:
            return ledger.excerpt(db, session)

    def checks(self, since: dt.datetime | None = None, limit: int = 100) -> list[CameraCheck]:
        """The newest camera checks, one for each camera, newest first; none before `since`."""
        with self._readers.lent() as db:
            return reads.checks(db, since, limit)

    def check_before(
        self, bench: str, moment: dt.datetime, within: dt.timedelta = A_DAY
    ) -> tuple[CameraCheck, ...]:
        """All cameras of the newest check of the bench that was made in the time `within` before
        `moment`; nothing when there was none."""
        with self._readers.lent() as db:
            return reads.check_before(db, bench, moment, within)

    def check_manifest_sha256(self, check_id: str) -> str | None:
        """The SHA-256 of a filed check's manifest; None for a check that was not filed."""
        with self._readers.lent() as db:
            row = rows.check_of(db, check_id)
            return None if row is None else str(row["manifest_sha256"])
