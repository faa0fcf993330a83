"""The part of `archive.py` that knows of parcels after they left: where carriers saw them, which
left without evidence, what may be claimed for them.

What others told is no evidence and can be told again; the file that told it can be filed as a
document beside it. Knows no file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from concurrent.futures import Future

from storage import coverage, traces
from storage.claims import proposals
from storage.claims.proposals import Proposal, Waiting
from storage.covered import Coverage
from storage.reads import Readers
from storage.trace import Trace, TracesFiled
from storage.writing import Writing


class Tracing(Writing):
    """Part of `Archive`."""

    _readers: Readers

    def file_traces(self, told: Iterable[Trace]) -> Future[TracesFiled]:
        """File where carriers saw parcels, all or nothing; how much of it is new.

        Raises Refused for an empty tracking number.
        """
        wanted = traces.storable(told)
        return self._submit(
            lambda db: traces.file_traces(db, wanted, self._clock()), "filing traces"
        )

    def trace_of(self, number: str) -> Trace | None:
        """Where the parcel was seen, events oldest first; None when nobody told of it."""
        with self._readers.lent() as db:
            return traces.of_number(db, number)

    def coverage(self, since: dt.datetime, until: dt.datetime, tz: dt.tzinfo) -> Coverage:
        """Which parcels that were shipped at or after `since` and before `until` have good
        evidence, and which have not; days are those of `tz`."""
        with self._readers.lent() as db:
            return coverage.coverage(db, since, until, self._clock(), tz)

    def open_gaps(self, since: dt.datetime, until: dt.datetime) -> int:
        """How many parcels that were shipped between these moments have no good evidence."""
        with self._readers.lent() as db:
            return coverage.open_gaps(db, since, until)

    def proposals(self, quiet_days: int, late_days: int) -> list[Proposal]:
        """The parcels that have not moved for so long, as losses, and those so long overdue, as
        delays; none that such a claim was opened for."""
        with self._readers.lent() as db:
            return proposals.proposals(db, self._clock(), quiet_days, late_days)

    def not_handed_over(self, quiet_days: int) -> list[Waiting]:
        """The parcels that a carrier was told of so long ago, and has never seen."""
        with self._readers.lent() as db:
            return proposals.not_handed_over(db, self._clock(), quiet_days)
