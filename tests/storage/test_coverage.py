"""Parcels that left are held against what was packed: whatever lacks good evidence is told."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from storage.archive import Archive
from storage.covered import Coverage, Covered, Lack
from storage.order import OrderStatus
from storage.records import Kind, LabelCheck, Status, Waybill
from storage.trace import Trace, TraceEvent, TraceStatus
from tests.storage.arrivals import ANN
from tests.storage.desk import NOON, Desk
from tests.storage.later_clock import SetClock
from tests.storage.leaving_parcels import HOUR, packed, shipped

VIENNA = ZoneInfo("Europe/Vienna")
DAY = dt.timedelta(days=1)
FOURTH = Path(__file__).with_name("fourth_archive") / "archive.zip"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive", clock=SetClock(NOON + 3 * HOUR)) as archive:
        yield archive


@pytest.fixture
def desk(archive: Archive) -> Desk:
    return Desk(archive)


def covered(archive: Archive, since: dt.datetime = NOON - DAY) -> Coverage:
    return archive.coverage(since, NOON + DAY, VIENNA)


def lacking(archive: Archive) -> dict[str, Lack]:
    return {each.number: each.lack for each in covered(archive).uncovered}


def test_a_parcel_with_good_evidence_is_covered_and_others_say_what_they_lack(
    archive: Archive, desk: Desk
) -> None:
    packed(desk, "GOOD0001")
    packed(desk, "INTERRUPTED01", status=Status.INTERRUPTED)
    packed(desk, "NOVIDEO1", video=False)
    packed(desk, "NOLABEL1", label=False)
    packed(desk, "WRONG001", check=LabelCheck.MISMATCH)
    packed(desk, "CANCEL01", status=Status.CANCELLED)
    packed(desk, "OPEN0001", status=None)
    desk.pack("RETURN01", kind=Kind.RETURN)
    test = desk.pack("TEST0001")
    archive.mark_test(ANN, test.id, "try").result()
    numbers = ["GOOD0001", "INTERRUPTED01", "NOVIDEO1", "NOLABEL1", "WRONG001", "CANCEL01",
               "OPEN0001", "RETURN01", "TEST0001", "NOTHING1"]  # fmt: skip
    for number in numbers:
        shipped(archive, f"order of {number}", number.lower(), at=NOON + HOUR)
    assert lacking(archive) == {
        "NOVIDEO1": Lack.NO_VIDEO,
        "NOLABEL1": Lack.INCOMPLETE,
        "WRONG001": Lack.MISMATCH,
        "CANCEL01": Lack.CANCELLED,
        "OPEN0001": Lack.OPEN,
        "RETURN01": Lack.NONE,
        "TEST0001": Lack.TEST,
        "NOTHING1": Lack.NONE,
    }
    total = covered(archive).total
    assert (total.good, total.poor, total.none) == (2, 6, 2)
    assert total.permille == 200
    assert archive.open_gaps(NOON - DAY, NOON + DAY) == 8
    assert archive.open_gaps(NOON + 2 * HOUR, NOON + DAY) == 0


def test_the_best_of_several_sessions_counts(archive: Archive, desk: Desk) -> None:
    packed(desk, "TWICE001", status=Status.CANCELLED)
    packed(desk, "TWICE001")
    shipped(archive, "1", "TWICE001", at=NOON)
    assert lacking(archive) == {}


def test_an_order_of_two_parcels_and_two_orders_in_one(archive: Archive, desk: Desk) -> None:
    packed(desk, "FIRST001")
    shipped(archive, "one", "FIRST001", "SECOND01", at=NOON)
    shipped(archive, "two", "SECOND01", at=NOON + HOUR)
    found = covered(archive)
    assert found.total.parcels == 2
    [gap] = found.uncovered
    assert (gap.number, gap.orders, gap.shipped_at) == ("SECOND01", ("one", "two"), NOON)


def test_the_bench_is_that_of_the_session_or_those_that_packed_about_then(
    archive: Archive, desk: Desk
) -> None:
    session = packed(desk, "POOR0001", video=False)
    packed(desk, "NEAR0001")
    desk.now = NOON + 2 * HOUR
    for order, number, at in (
        ("1", "POOR0001", NOON),
        ("2", "NONE0001", NOON + dt.timedelta(minutes=20)),
        ("3", "FAR00001", NOON + HOUR),
    ):
        shipped(archive, order, number, at=at)
    gaps = {gap.number: gap for gap in covered(archive).uncovered}
    assert not isinstance(session, str)
    poor, near, far = (gaps[number] for number in ("POOR0001", "NONE0001", "FAR00001"))
    assert (poor.bench, poor.packer, poor.session) == ("bench 1", "Ann", session.id)
    assert (near.bench, near.likely) == ("", ("bench 1",))
    assert far.likely == ()


def test_a_session_that_was_rebound_speaks_for_both_names_of_a_parcel(
    archive: Archive, desk: Desk
) -> None:
    session = desk.pack("LP000001")
    archive.rebind(ANN, session.id, Waybill("CARRIER1", ""), "label").result()
    shipped(archive, "1", "LP000001", at=NOON)
    assert lacking(archive) == {}
    # Another order's parcel has that number: what was sealed is that one's.
    shipped(archive, "2", "CARRIER1", at=NOON)
    assert lacking(archive) == {"LP000001": Lack.REBOUND}


def test_it_can_be_mended_until_a_carrier_has_it_or_a_day_has_passed(archive: Archive) -> None:
    now = NOON + 3 * HOUR
    for order, number, at in (
        ("1", "STILL001", now - 5 * HOUR),
        ("2", "LABEL001", now - HOUR),
        ("3", "MOVED001", now - HOUR),
        ("4", "OLD00001", now - 25 * HOUR),
    ):
        shipped(archive, order, number, at=at)
    shipped(archive, "5", "THERE001", at=now - HOUR, status=OrderStatus.DELIVERED)
    archive.file_traces(
        [
            Trace(number, (TraceEvent(now, status, "seen"),))
            for number, status in (
                ("LABEL001", TraceStatus.INFO_RECEIVED),
                ("MOVED001", TraceStatus.IN_TRANSIT),
            )
        ]
    ).result()
    gaps = covered(archive, NOON - 2 * DAY).uncovered
    assert [(gap.number, gap.mendable) for gap in gaps] == [
        ("LABEL001", True),
        ("STILL001", True),
        ("MOVED001", False),
        ("THERE001", False),
        ("OLD00001", False),
    ]


def test_days_and_benches_are_summed_up_where_the_site_is(archive: Archive, desk: Desk) -> None:
    packed(desk, "GOOD0001")
    late = dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.UTC)  # the 23rd in Vienna
    shipped(archive, "1", "GOOD0001", at=NOON)
    shipped(archive, "2", "NONE0001", at=late)
    found = covered(archive)
    assert found.days == (
        Covered(dt.date(2026, 11, 22), "", good=1),
        Covered(dt.date(2026, 11, 23), "", none=1),
    )
    assert found.benches == (Covered(None, "", none=1), Covered(None, "bench 1", good=1))


def test_what_no_file_tells_is_counted_and_never_guessed(archive: Archive, desk: Desk) -> None:
    packed(desk, "UNLISTED1")
    packed(desk, "ORDER7")
    shipped(archive, "numberless", at=NOON)
    shipped(archive, "order 7", at=NOON)  # was packed under its own id
    shipped(archive, "undated", "UNDATED1")
    shipped(archive, "placed", "PLACED01", ordered_at=NOON)
    shipped(archive, "not yet", "NOTYET01", ordered_at=NOON, status=OrderStatus.OPEN)
    found = covered(archive)
    assert (found.numberless, found.undated, found.unlisted) == (1, 1, 2)
    [gap] = found.uncovered
    assert (gap.number, gap.dated, gap.mendable, gap.likely) == ("PLACED01", False, False, ())


def test_an_older_archive_that_is_only_read_knows_of_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(FOURTH) as made:
        made.extractall(tmp_path / "old")
    with Archive.open(tmp_path / "old", read_only=True) as archive:
        assert covered(archive).total.parcels == 0
        assert archive.open_gaps(NOON - DAY, NOON + DAY) == 0
        assert archive.trace_of("SF4444000011112") is None
        assert (archive.proposals(10, 3), archive.not_handed_over(10)) == ([], [])


def test_where_nothing_left_nothing_is_missing(archive: Archive) -> None:
    found = covered(archive)
    assert (found.total.parcels, found.total.permille, found.uncovered) == (0, 1000, ())
