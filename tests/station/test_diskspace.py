"""The time left comes from what was really recorded, and errs to too little."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from station.config import DiskConfig
from station.diskspace import (
    ENGLISH,
    ENOUGH_DAYS,
    FEWEST_RECORDED_MS,
    FEWEST_SESSIONS,
    GB,
    SHIFT_HOURS,
    Day,
    DiskView,
    DiskWatch,
    Use,
    at_this_rate,
    foresee,
    said,
    time_left,
    usual,
)
from station.rules.events import Disk
from station.ui.messages import Catalogue
from storage.archive import Archive
from storage.records import Clip, Kind, Session, Shot, Waybill

TODAY = dt.date(2026, 11, 20)
HOUR_MS = 3_600_000


def day(size: int, *, sessions: int = 200, hours: float = 8.0, recorded_ms: int = 0) -> Day:
    begun = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
    return Day(size, recorded_ms, sessions, begun, begun + dt.timedelta(hours=hours))


def before(*days: Day) -> dict[dt.date, Day]:
    """The days before today, the oldest first."""
    first = TODAY - dt.timedelta(days=len(days))
    return {first + dt.timedelta(days=place): day for place, day in enumerate(days)}


# ---------------------------------------------------------------------------- the forecast


def test_nothing_recorded_says_nothing() -> None:
    assert foresee({}, TODAY, 2) is None
    assert usual([]) is None
    assert usual([day(0)]) is None


def test_the_mean_of_working_days_and_their_hours() -> None:
    days = before(day(100, hours=6), day(200, hours=8), day(300, hours=10))
    assert foresee(days, TODAY, 2) == Use(200, 8)


def test_a_first_hour_and_a_sunday_do_not_stretch_the_forecast() -> None:
    assert usual([day(100), day(100), day(3, hours=0.5)]) == Use(100, 8)


def test_old_days_are_forgotten() -> None:
    assert foresee(before(*[day(1000)] * 5, *[day(100)] * 14), TODAY, 2) == Use(100, 8)


def test_the_first_hour_of_the_first_day_is_not_taken_for_a_day() -> None:
    """200 parcels of an hour would else promise eight times too much."""
    today = {TODAY: day(1_000, sessions=200, hours=1, recorded_ms=2 * HOUR_MS)}
    use = foresee(today, TODAY, cameras=2)
    assert use == Use(1_000 * SHIFT_HOURS, SHIFT_HOURS)


def test_a_day_that_takes_more_than_usual_counts_before_it_is_over() -> None:
    days = before(day(100), day(100))
    assert foresee({**days, TODAY: day(50)}, TODAY, 2) == Use(100, 8)
    assert foresee({**days, TODAY: day(400)}, TODAY, 2) == Use(200, 8)


def test_the_rate_is_that_of_one_camera_times_the_cameras() -> None:
    recorded = day(600, recorded_ms=HOUR_MS)
    assert at_this_rate(recorded, 1) == Use(600 * SHIFT_HOURS, SHIFT_HOURS)
    assert at_this_rate(recorded, 4) == Use(4 * 600 * SHIFT_HOURS, SHIFT_HOURS)
    assert at_this_rate(day(600, recorded_ms=FEWEST_RECORDED_MS - 1), 1) is None


def test_a_few_parcels_on_finished_days_leave_it_to_the_rate() -> None:
    days = before(day(100, sessions=FEWEST_SESSIONS - 1, recorded_ms=HOUR_MS))
    assert foresee(days, TODAY, 1) == Use(800, SHIFT_HOURS)


# ---------------------------------------------------------------------------- the watch


def packed(at: dt.datetime, size_bytes: int, minutes: float = 2.0) -> Session:
    """A session of one camera whose clip and photo take `size_bytes` together."""
    clip = Clip(
        "overhead",
        1,
        "a.mp4",
        "h264",
        64,
        48,
        at,
        int(minutes * 60_000),
        0,
        1,
        0,
        size_bytes - 1,
        "",
    )
    shot = Shot("label", "label.jpg", "overhead", at, None, 64, 48, 1, "0" * 64)
    waybill = Waybill("1Z999AA10123456784", "1Z999AA10123456784")
    sealed_at = at + dt.timedelta(minutes=minutes)
    return Session(
        "01", waybill, Kind.PACKING, 1, "bench", "", at, sealed_at=sealed_at, clips=(clip,),
        shots=(shot,),
    )  # fmt: skip


class Free:
    """The disk of a `DiskWatch`."""

    def __init__(self, free_bytes: float) -> None:
        self.bytes = int(free_bytes)

    def __call__(self) -> int:
        return self.bytes


def watch(archive: Archive, free: Free, *, low_gb: float = 0, full_gb: float = 0) -> DiskWatch:
    return DiskWatch(archive, DiskConfig(low_gb=low_gb, full_gb=full_gb), 2, free)


def test_the_present_rate_foretells_until_days_are_known(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    with Archive.open(tmp_path) as archive:
        disk = watch(archive, Free(102 * GB), low_gb=4, full_gb=4)
        disk.look()
        assert disk.view == DiskView(102 * GB, None, Disk.OK)
        disk.count(packed(now, 100_000_000, minutes=2))  # two cameras: 6 GB an hour
        disk.look()
        assert disk.view.days_left == pytest.approx(98 / 48)
        assert said(disk.view) == "2 d 0 h of packing left"
        for days_ago in (3, 2):
            for _ in range(FEWEST_SESSIONS):
                disk.count(packed(now - dt.timedelta(days=days_ago), 1 * GB))
        disk.look()
        assert disk.view.days_left == pytest.approx(98 / FEWEST_SESSIONS)


@pytest.mark.parametrize(
    ("free_gb", "low_gb", "full_gb", "level"),
    [
        (50, 0, 0, Disk.OK),
        (50, 50, 0, Disk.OK),
        (50, 51, 0, Disk.LOW),
        (50, 60, 50, Disk.LOW),
        (50, 60, 51, Disk.FULL),
    ],
)
def test_the_level_follows_the_limits(
    tmp_path: Path, free_gb: float, low_gb: float, full_gb: float, level: Disk
) -> None:
    with Archive.open(tmp_path) as archive:
        disk = watch(archive, Free(free_gb * GB), low_gb=low_gb, full_gb=full_gb)
        disk.look()
        assert disk.view.level is level


def test_less_than_a_day_is_low_and_stays_so_until_there_is_more(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        free = Free(47 * GB)
        disk = watch(archive, free)
        disk.count(packed(dt.datetime.now(dt.UTC), 100_000_000, minutes=2))  # 48 GB a day
        levels = []
        for free_gb in (49, 47, 49, 48 * ENOUGH_DAYS + 1, 49):
            free.bytes = int(free_gb * GB)
            disk.look()
            levels.append(disk.view.level)
        assert levels == [Disk.OK, Disk.LOW, Disk.LOW, Disk.OK, Disk.OK]


def test_the_disk_of_the_archive_is_measured(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        disk = DiskWatch(archive, DiskConfig(low_gb=100_000.0, full_gb=100_000.0), 1)
        disk.look()
        assert disk.view.free_bytes > 0
        assert disk.view.level is Disk.FULL


# ---------------------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("days_left", "told"),
    [
        (None, "300 GB free"),
        (2.625, "2 d 5 h of packing left"),
        (1.0, "1 d 0 h of packing left"),
        (0.99, "7 h of packing left"),
        (0.125, "1 h of packing left"),
        (0.0625, "30 min of packing left"),
        (0.0, "0 min of packing left"),
        (5_000.0, "over 999 d of packing left"),
    ],
)
def test_the_time_left_is_told_in_days_and_hours_of_packing(
    days_left: float | None, told: str
) -> None:
    assert said(DiskView(300 * GB, days_left, Disk.OK, 8.0)) == told


def test_a_short_shift_has_fewer_hours() -> None:
    assert said(DiskView(0, 1.5, Disk.OK, 5.0)) == "1 d 2 h of packing left"


def test_the_screen_and_the_doctor_say_the_same() -> None:
    words = Catalogue("en")
    for days_left in (None, 2.6, 0.9, 0.01, 5_000.0):
        view = DiskView(300 * GB, days_left, Disk.OK)
        key, params = time_left(view)
        assert words.text(f"disk.{key}", params) == said(view)
    assert {f"disk.{key}" for key in ENGLISH} == {k for k in words.texts if k.startswith("disk.")}
