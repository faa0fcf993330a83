"""What was packed in a span of time, by bench and packer: the figures of a shift.

Counts what is in the rows; a session belongs to the span in which it was opened. Writes nothing,
and formats nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from sqlite_utils import Database

from storage.records import Kind, Status, parse_utc

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MILLISECOND = dt.timedelta(milliseconds=1)

Span = tuple[int, int]
"""From one moment up to another, in milliseconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one packer did at one bench, or all of them together (bench and packer '').

    `parcels` were packed and `returns` opened, to the end or until something interrupted; what was
    cancelled, and test recordings, are counted apart and nowhere else. `incomplete` lacks video or
    a compulsory photo. `gap_s` adds up the gaps of all cameras. `coverage` is the share of the time
    between scan and end in which at least one camera recorded; None where no session has ended.
    """

    bench: str
    packer: str
    parcels: int
    returns: int
    median_s: float | None
    incomplete: int
    mismatch: int
    interrupted: int
    gaps: int
    gap_s: float
    coverage: float | None
    cancelled: int
    tests: int
    still_open: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Shift:
    """Everything between `start` and `end`: `total`, and each bench's packers by name."""

    start: dt.datetime
    end: dt.datetime
    total: Work
    work: tuple[Work, ...]


def summary(db: Database, start: dt.datetime, end: dt.datetime) -> Shift:
    """The figures of the sessions that were opened at or after `start` and before `end`.

    Raises sqlite3.Error.
    """
    span = {"start": _ms(start), "end": _ms(end)}
    recorded = _by_session(db, _CLIPS, span)
    away = _by_session(db, _GAPS, span)
    tallies: defaultdict[tuple[str, str], _Tally] = defaultdict(_Tally)
    total = _Tally()
    for row in db.query(_SESSIONS, span):
        session = row["session_id"]
        for tally in (total, tallies[row["bench"], row["packer"]]):
            tally.add(row, recorded.get(session, ()), away.get(session, ()))
    work = tuple(tallies[key].work(*key) for key in sorted(tallies))
    return Shift(start, end, total.work("", ""), work)


def bytes_by_day(db: Database, days: int = 30, tz: dt.tzinfo = dt.UTC) -> dict[dt.date, int]:
    """How many bytes of video and photos each of the last days brought, up to the newest session;
    days without any are left out."""
    newest = db.execute("SELECT max(opened_ms) FROM catalogue").fetchone()[0]
    found: defaultdict[dt.date, int] = defaultdict(int)
    if newest is None:
        return {}
    last = (EPOCH + newest * MILLISECOND).astimezone(tz).date()
    first = dt.datetime.combine(last - dt.timedelta(days=days - 1), dt.time(), tz)
    sql = "SELECT opened_ms, bytes FROM catalogue WHERE opened_ms >= ? ORDER BY opened_ms"
    for opened_ms, size in db.execute(sql, [_ms(first)]):
        found[(EPOCH + opened_ms * MILLISECOND).astimezone(tz).date()] += size
    return dict(found)


_SESSIONS = "SELECT * FROM catalogue WHERE opened_ms >= :start AND opened_ms < :end"
_CLIPS = (
    "SELECT c.session_id, k.started_at, NULL, k.duration_ms FROM catalogue AS c CROSS JOIN "
    "clips AS k ON k.session_id = c.session_id WHERE c.opened_ms >= :start AND c.opened_ms < :end"
)
_GAPS = (
    "SELECT c.session_id, g.started_at, g.ended_at, NULL FROM catalogue AS c CROSS JOIN "
    "gaps AS g ON g.session_id = c.session_id WHERE c.opened_ms >= :start AND c.opened_ms < :end"
)
_FOR_EVER = 2**62


def _by_session(db: Database, sql: str, span: dict[str, int]) -> dict[str, list[Span]]:
    """The stretches of each session; one without an end goes on for ever."""
    found: defaultdict[str, list[Span]] = defaultdict(list)
    for session, started_at, ended_at, duration_ms in db.execute(sql, span):
        started = _ms(parse_utc(started_at))
        ended = _FOR_EVER if duration_ms is None else started + duration_ms
        found[session].append((started, ended if ended_at is None else _ms(parse_utc(ended_at))))
    return found


@dataclass(slots=True)
class _Tally:
    """Adds sessions up."""

    counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: list[float] = field(default_factory=list)
    gap_ms: int = 0
    whole_ms: int = 0
    covered_ms: int = 0

    def add(self, row: dict[str, int | str], clips: Iterable[Span], gaps: Iterable[Span]) -> None:
        """Count one session, with the stretches of its clips and of its cameras' gaps."""
        counts = self.counts
        counts["bytes"] += int(row["bytes"])
        if row["test"]:
            counts["tests"] += 1
            return
        if row["status"] in (Status.CANCELLED, Status.OPEN):
            counts[str(row["status"])] += 1
            return
        counts["returns" if row["kind"] == Kind.RETURN else "parcels"] += 1
        counts["interrupted"] += row["status"] == Status.INTERRUPTED
        for fact in ("incomplete", "mismatch"):
            counts[fact] += int(row[fact])
        opened, ended = int(row["opened_ms"]), max(int(row["opened_ms"]), int(row["ended_ms"]))
        if row["status"] == Status.SEALED:
            self.seconds.append((ended - opened) / 1000)
        within = list(_within(gaps, opened, ended))
        counts["gaps"] += len(within)
        self.gap_ms += sum(last - first for first, last in within)
        self.whole_ms += ended - opened
        self.covered_ms += _covered(_within(clips, opened, ended))

    def work(self, bench: str, packer: str) -> Work:
        """The sums."""
        counts = self.counts
        return Work(
            bench=bench,
            packer=packer,
            parcels=counts["parcels"],
            returns=counts["returns"],
            median_s=median(self.seconds) if self.seconds else None,
            incomplete=counts["incomplete"],
            mismatch=counts["mismatch"],
            interrupted=counts["interrupted"],
            gaps=counts["gaps"],
            gap_s=self.gap_ms / 1000,
            coverage=self.covered_ms / self.whole_ms if self.whole_ms else None,
            cancelled=counts[Status.CANCELLED],
            tests=counts["tests"],
            still_open=counts[Status.OPEN],
            bytes=counts["bytes"],
        )


def _within(spans: Iterable[Span], opened: int, ended: int) -> Iterator[Span]:
    for first, last in spans:
        if last >= opened and first <= ended:
            yield max(first, opened), max(first, opened, min(last, ended))


def _covered(spans: Iterable[Span]) -> int:
    """How long at least one of the stretches lasts."""
    covered, until = 0, -_FOR_EVER
    for first, last in sorted(spans):
        covered += max(0, last - max(first, until))
        until = max(until, last)
    return covered


def _ms(moment: dt.datetime) -> int:
    return (moment - EPOCH) // MILLISECOND
