"""What carriers tell is filed once however often it is told, and comes to the same in any order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.archive import Archive
from storage.errors import Refused
from storage.trace import Trace, TraceEvent, TracesFiled, TraceStatus
from tests.storage.desk import NOON, NUMBER
from tests.storage.later_clock import SetClock

S = TraceStatus
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON + 100 * HOUR)


@pytest.fixture
def archive(tmp_path: Path, clock: SetClock) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive", clock=clock) as archive:
        yield archive


def seen(hours: int, status: TraceStatus, text: str = "seen", place: str = "") -> TraceEvent:
    return TraceEvent(NOON + hours * HOUR, status, text, place, f"csv {status}")


WAY = (
    seen(0, S.INFO_RECEIVED),
    seen(5, S.IN_TRANSIT, place="Graz"),
    seen(9, S.OUT_FOR_DELIVERY),
    seen(12, S.DELIVERED, "on the porch"),
)


def test_a_trace_is_told_with_its_events_oldest_first(archive: Archive) -> None:
    told = Trace(
        NUMBER.lower(), WAY[::-1], "ups", S.DELIVERED, expected_at=NOON, origin="AT",
        destination="US",
    )  # fmt: skip
    assert archive.file_traces([told]).result() == TracesFiled(1, 4, 0)
    assert archive.trace_of(f" {NUMBER} ") == replace(
        told,
        number=NUMBER,
        events=WAY,
        moved_at=WAY[3].at,
        delivered_at=WAY[3].at,
        told_at=NOON + 100 * HOUR,
    )
    assert archive.trace_of("OTHER") is None


def test_the_same_told_again_is_no_news(archive: Archive, clock: SetClock) -> None:
    told = Trace(NUMBER, WAY, "ups", S.DELIVERED)
    archive.file_traces([told, told]).result()
    before = archive.trace_of(NUMBER)
    clock.pass_(days=1)
    assert archive.file_traces([told]).result() == TracesFiled(1, 0, 4)
    after = archive.trace_of(NUMBER)
    assert before is not None
    assert after == replace(before, told_at=NOON + 124 * HOUR)


def test_files_may_come_in_any_order(archive: Archive) -> None:
    parts = [Trace("", (WAY[0],), status=S.INFO_RECEIVED), Trace("", WAY[1:3]),
             Trace("", WAY[2:], status=S.DELIVERED)]  # fmt: skip
    found = set()
    for nr, order in enumerate(permutations(parts)):
        for part in order:
            archive.file_traces([replace(part, number=f"PARCEL{nr}")]).result()
        trace = archive.trace_of(f"PARCEL{nr}")
        assert trace is not None
        found.add(replace(trace, number=""))
    assert len(found) == 1


def test_only_a_movement_moves(archive: Archive) -> None:
    still = (seen(0, S.INFO_RECEIVED), seen(1, S.PENDING), seen(30, S.EXPIRED, "no news"))
    archive.file_traces([Trace("STILL001", still), Trace("MOVED001", (*still, WAY[1]))]).result()
    trace, moved = archive.trace_of("STILL001"), archive.trace_of("MOVED001")
    assert trace is not None
    assert moved is not None
    assert trace.moved_at is None
    assert moved.moved_at == WAY[1].at
    assert moved.handed_over
    # Words that nobody understands are a movement: the carrier saw it.
    archive.file_traces([Trace("STILL001", (seen(40, S.UNKNOWN, "Origin Scan"),))]).result()
    trace = archive.trace_of("STILL001")
    assert trace is not None
    assert trace.moved_at == NOON + 40 * HOUR


def test_the_first_promise_counts(archive: Archive) -> None:
    """Carriers move theirs when they are late."""
    for days in (1, 5):
        expected = NOON + dt.timedelta(days=days)
        archive.file_traces([Trace(NUMBER, WAY[:2], expected_at=expected)]).result()
    trace = archive.trace_of(NUMBER)
    assert trace is not None
    assert trace.expected_at == NOON + dt.timedelta(days=1)


def test_one_that_is_delivered_without_an_event_was_so_by_its_last(archive: Archive) -> None:
    archive.file_traces([Trace(NUMBER, WAY[:3], status=S.DELIVERED)]).result()
    trace = archive.trace_of(NUMBER)
    assert trace is not None
    assert (trace.status, trace.delivered_at) == (S.DELIVERED, WAY[2].at)


def test_a_trace_without_a_number_is_refused_and_nothing_is_filed(archive: Archive) -> None:
    with pytest.raises(Refused):
        archive.file_traces([Trace(NUMBER, WAY), Trace(" ")]).result()
    assert archive.trace_of(NUMBER) is None


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=700), st.text(max_size=50))
def test_hostile_text_is_filed_harmless(archive: Archive, text: str, place: str) -> None:
    event = TraceEvent(NOON, S.IN_TRANSIT, text, place, "csv \x1b[2J\x00")
    archive.file_traces([Trace("HOSTILE1", (event,), carrier=text, origin=place)]).result()
    trace = archive.trace_of("HOSTILE1")
    assert trace is not None
    for each in (trace.carrier, trace.origin, *(e.text + e.place + e.source for e in trace.events)):
        assert each.isprintable()
        assert len(each) <= 800
