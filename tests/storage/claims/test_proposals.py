"""Parcels that stand still are proposed as losses, late ones as delays, and nothing else is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.claims.claim import ClaimType
from storage.claims.proposals import Proposal, Why
from storage.records import Kind, utc_text
from storage.trace import Trace, TraceEvent, TraceStatus
from tests.storage.desk import NOON, Desk
from tests.storage.later_clock import SetClock
from tests.storage.leaving_parcels import shipped

S = TraceStatus
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive", clock=SetClock(NOON)) as archive:
        yield archive


def told(
    archive: Archive,
    number: str,
    *events: tuple[dt.timedelta, TraceStatus],
    promised: dt.timedelta | None = None,
) -> None:
    """Tell of a parcel: events so long before noon, promised so long before noon."""
    found = tuple(
        TraceEvent(NOON - ago, status, f"told {status}", "Graz") for ago, status in events
    )
    expected = None if promised is None else NOON - promised
    archive.file_traces([Trace(number, found, "ups", expected_at=expected)]).result()


def found(archive: Archive) -> dict[str, tuple[str, Why]]:
    return {each.number: (each.type, each.why) for each in archive.proposals(10, 3)}


def claimed(archive: Archive, number: str, claim_type: str, status: str) -> None:
    """A claim as the table holds it."""
    at = utc_text(NOON)
    archive._submit(
        lambda db: db.execute(
            "INSERT INTO claims (id, reference, tracking_number, type, status, status_at, "
            "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [f"{number:0<26}"[:26], number, number, claim_type, status, at, at, at],
        ),
        "opening a claim",
    ).result()


def test_one_that_has_not_moved_is_a_loss(archive: Archive) -> None:
    told(archive, "QUIET001", (12 * DAY, S.INFO_RECEIVED), (10 * DAY, S.IN_TRANSIT))
    told(archive, "MOVES001", (10 * DAY - SECOND, S.IN_TRANSIT))
    told(archive, "THERE001", (40 * DAY, S.DELIVERED))
    told(archive, "EXPIRED1", (20 * DAY, S.IN_TRANSIT), (DAY, S.EXPIRED))
    told(archive, "ANCIENT1", (401 * DAY, S.IN_TRANSIT))
    assert found(archive) == {"EXPIRED1": ("loss", Why.QUIET), "QUIET001": ("loss", Why.QUIET)}


def test_one_that_was_never_handed_over_is_told_apart(archive: Archive) -> None:
    told(archive, "NEVER001", (12 * DAY, S.INFO_RECEIVED), (11 * DAY, S.PENDING), promised=9 * DAY)
    told(archive, "NEW00001", (DAY, S.INFO_RECEIVED))
    assert found(archive) == {}
    [waiting] = archive.not_handed_over(10)
    assert (waiting.number, waiting.since) == ("NEVER001", NOON - 12 * DAY)


def test_one_that_is_overdue_or_came_late_is_a_delay(archive: Archive) -> None:
    told(archive, "OVERDUE1", (DAY, S.IN_TRANSIT), promised=3 * DAY)
    told(archive, "SOON0001", (DAY, S.IN_TRANSIT), promised=3 * DAY - SECOND)
    told(archive, "LATE0001", (DAY, S.DELIVERED), promised=5 * DAY)
    told(archive, "ALITTLE1", (DAY, S.DELIVERED), promised=3 * DAY)
    told(archive, "INTIME01", (5 * DAY, S.DELIVERED), promised=4 * DAY)
    told(archive, "LOST0001", (11 * DAY, S.IN_TRANSIT), promised=20 * DAY)
    assert found(archive) == {
        "LATE0001": ("delay", Why.LATE),
        "OVERDUE1": ("delay", Why.OVERDUE),
        "LOST0001": ("loss", Why.QUIET),
    }


@pytest.mark.parametrize(
    ("claim_type", "status", "left"),
    [
        ("loss", "draft", []),
        ("loss", "paid", []),
        ("loss", "rejected", []),
        ("loss", "cancelled", ["DELAYED1", "QUIET001"]),
        ("damage", "submitted", ["DELAYED1", "QUIET001"]),
        ("delay", "submitted", ["QUIET001"]),
    ],
)
def test_what_is_claimed_is_not_proposed(
    archive: Archive, claim_type: str, status: str, left: list[str]
) -> None:
    told(archive, "QUIET001", (12 * DAY, S.IN_TRANSIT))
    told(archive, "DELAYED1", (DAY, S.IN_TRANSIT), promised=5 * DAY)
    for number in ("QUIET001", "DELAYED1"):
        claimed(archive, number, claim_type, status)
    assert sorted(found(archive)) == left


def test_what_came_back_to_a_bench_is_not_lost(archive: Archive) -> None:
    told(archive, "BACK0001", (12 * DAY, S.EXCEPTION))
    assert found(archive) == {"BACK0001": ("loss", Why.QUIET)}
    Desk(archive).pack("BACK0001", kind=Kind.RETURN)
    assert found(archive) == {}


def test_a_proposal_says_what_a_person_needs_to_decide(archive: Archive) -> None:
    told(archive, "QUIET001", (12 * DAY, S.IN_TRANSIT))
    shipped(archive, "1", "QUIET001", at=NOON - 13 * DAY, value_cents=12_345)
    shipped(archive, "2", "QUIET001", at=NOON - 13 * DAY, value_cents=55)
    assert archive.proposals(10, 3) == [
        Proposal(
            "QUIET001",
            ClaimType.LOSS,
            Why.QUIET, NOON - 12 * DAY, 12, NOON, False, "ups", S.IN_TRANSIT,
            "told InTransit", "Graz", 12_400, "EUR",
        )
    ]  # fmt: skip


def test_silence_after_an_old_import_proves_little_and_says_so(tmp_path: Path) -> None:
    clock = SetClock(NOON - 8 * DAY)
    with Archive.open(tmp_path / "archive", clock=clock) as archive:
        told(archive, "QUIET001", (12 * DAY, S.IN_TRANSIT))
        clock.pass_(days=8)
        assert [each.stale for each in archive.proposals(10, 3)] == [True]
        told(archive, "QUIET001", (12 * DAY, S.IN_TRANSIT))
        assert [each.stale for each in archive.proposals(10, 3)] == [False]
