"""Days left come from what was really recorded, and err to too few."""

from __future__ import annotations

import datetime as dt

from station.diskspace import bytes_per_day

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
