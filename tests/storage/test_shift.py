"""The figures of a shift are those of its sessions, counted by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from storage import catalogue, rows, schema, shift
from storage.records import EndReason, Gap, Kind, LabelCheck, Session, Status
from storage.transaction import immediate
from tests.storage.desk import NOON, Desk

DAY = dt.timedelta(days=1)


def media_bytes(session: Session) -> int:
    return sum(item.size_bytes for item in rows.media_of(session))


def test_the_figures_of_a_shift(desk: Desk) -> None:
    start = desk.now
    session, folder = desk.open("A1")  # 10 s, of which 2 have video
    opened = desk.now
    desk.clip(session, folder)
    desk.shot(session, folder, "item")
    desk.shot(session, folder, "label", check=LabelCheck.MISMATCH)
    desk.archive.add_gap(
        session, Gap("side", opened - DAY, opened + dt.timedelta(seconds=3), "gone")
    ).result()
    desk.archive.add_gap(session, Gap("top", desk.now, None, "gone")).result()
    desk.now = opened + dt.timedelta(seconds=9)
    first = desk.seal(session)
    session, folder = desk.open("A2", kind=Kind.RETURN)  # no video
    desk.tick(18)
    desk.seal(session)
    session, _ = desk.open("A3")
    desk.seal(session, Status.INTERRUPTED, EndReason.RECOVERY)
    session, _ = desk.open("A4")
    desk.seal(session, Status.CANCELLED, EndReason.CANCEL)
    desk.open("A5")
    desk.now = start + DAY
    session, _ = desk.open("B1")
    desk.seal(session)

    found = desk.archive.shift(start, start + DAY)
    total = found.total
    assert (total.parcels, total.returns, total.interrupted, total.cancelled) == (2, 1, 1, 1)
    assert (total.still_open, total.tests) == (1, 0)
    assert (total.incomplete, total.mismatch) == (2, 1)
    assert total.median_s == pytest.approx((10 + 19) / 2)
    assert total.gaps == 2
    ended = first.sealed_at
    assert ended is not None
    assert total.gap_s == pytest.approx(3 + (ended - first.gaps[1].started_at).total_seconds())
    assert total.coverage == pytest.approx(2 / (10 + 19 + 1))
    assert total.bytes == media_bytes(first)
    (ann,) = found.work
    assert (ann.bench, ann.packer) == ("bench 1", "Ann")
    assert ann.parcels == total.parcels
    assert desk.archive.shift(start + DAY, start + 2 * DAY).total.parcels == 1
    assert desk.archive.shift(start - DAY, start).work == ()
    assert desk.archive.shift(start - DAY, start).total.median_s is None


def test_a_test_recording_counts_only_as_one(desk: Desk) -> None:
    packed = desk.pack()
    db = schema.connect(desk.archive.root / schema.DATABASE)
    try:
        with immediate(db):
            db.execute(
                "INSERT INTO amendments VALUES (?, ?, 'test', '', '', '', '', '', '', NULL, NULL, "
                "'', '', ?)",
                ["0" * 26, packed.id, "0" * 64],
            )
            catalogue.refresh(db, packed.id)
        total = shift.summary(db, NOON, NOON + DAY).total
    finally:
        db.close()
    assert (total.tests, total.parcels, total.coverage) == (1, 0, None)


@pytest.mark.parametrize(
    ("spans", "covered"),
    [([], 0), ([(0, 5), (3, 9)], 9), ([(4, 6), (0, 2)], 4), ([(0, 10), (2, 3)], 10)],
)
def test_overlapping_clips_cover_their_time_once(spans: list[shift.Span], covered: int) -> None:
    assert shift._covered(spans) == covered


def test_bytes_by_day_are_those_of_local_days(desk: Desk) -> None:
    assert desk.archive.bytes_by_day() == {}
    one = desk.pack(number="A1")
    desk.now = NOON + dt.timedelta(hours=20)
    two = desk.pack(number="A2")
    sizes = [media_bytes(one), media_bytes(two)]
    assert desk.archive.bytes_by_day() == {
        NOON.date(): sizes[0],
        NOON.date() + DAY: sizes[1],
    }
    east = dt.timezone(dt.timedelta(hours=14))
    assert desk.archive.bytes_by_day(tz=east) == {NOON.date() + DAY: sum(sizes)}
    assert desk.archive.bytes_by_day(days=1) == {NOON.date() + DAY: sizes[1]}
