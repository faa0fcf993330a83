"""Days left come from what was really recorded, and err to too few."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from station.config import DiskConfig
from station.diskspace import FEWEST_SESSIONS, DiskWatch, bytes_per_day
from station.rules.events import Disk
from storage.archive import Archive
from storage.records import Kind, Session, Shot, Waybill

DAY = dt.date(2026, 11, 2)


def days(*sizes: int) -> dict[dt.date, int]:
    return {DAY + dt.timedelta(days=n): size for n, size in enumerate(sizes)}


def test_nothing_recorded_says_nothing() -> None:
    assert bytes_per_day({}) is None
    assert bytes_per_day(days(0)) is None


def test_the_mean_of_working_days() -> None:
    assert bytes_per_day(days(100, 200, 300)) == 200


def test_a_first_hour_and_a_sunday_do_not_stretch_the_forecast() -> None:
    assert bytes_per_day(days(100, 100, 3)) == 100


def test_old_days_are_forgotten() -> None:
    assert bytes_per_day(days(*[1000] * 5, *[100] * 14)) == 100


def packed(size_bytes: int) -> Session:
    """A session whose one photo takes `size_bytes`."""
    at = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
    shot = Shot("label", "media/label.jpg", "overhead", at, None, 64, 48, size_bytes, "0" * 64)
    waybill = Waybill("1Z999AA10123456784", "1Z999AA10123456784")
    return Session("01", waybill, Kind.PACKING, 1, "bench", "", at, shots=(shot,))


def test_a_few_sessions_foretell_nothing(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        watch = DiskWatch(archive, DiskConfig(low_gb=0, full_gb=0))
        for _ in range(FEWEST_SESSIONS - 1):
            watch.count(packed(1_000_000))
        watch.look()
        assert watch.view.days_left is None
        watch.count(packed(1_000_000))
        watch.look()
        per_day = FEWEST_SESSIONS * 1_000_000
        assert watch.view.days_left == pytest.approx(watch.view.free_bytes / per_day, rel=1e-6)


@pytest.mark.parametrize(
    ("low_gb", "full_gb", "level"),
    [(0.0, 0.0, Disk.OK), (100_000.0, 0.0, Disk.LOW), (100_000.0, 100_000.0, Disk.FULL)],
)
def test_the_level_follows_the_limits(
    tmp_path: Path, low_gb: float, full_gb: float, level: Disk
) -> None:
    with Archive.open(tmp_path) as archive:
        watch = DiskWatch(archive, DiskConfig(low_gb=low_gb, full_gb=full_gb))
        watch.look()
        assert watch.view.level is level
