"""A period ends when its calendar says so: month ends, leap days, working days, clocks set over."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.claims.periods import Unit, begun_at, over_at, period_of

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
AUCKLAND = ZoneInfo("Pacific/Auckland")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
HAVANA = ZoneInfo("America/Havana")
MS = dt.timedelta(milliseconds=1)
ZONES = (dt.UTC, NEW_YORK, BERLIN, SHANGHAI, AUCKLAND, SAO_PAULO, HAVANA)


def last_day(start: str, period: str, tz: dt.tzinfo = dt.UTC) -> str:
    """The day on which a period ends that began at noon of that day."""
    began = dt.datetime.fromisoformat(f"{start}T12:00").replace(tzinfo=tz)
    return f"{over_at(began, period_of(period), tz).astimezone(tz):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2026-01-31", "1 month", "2026-02-28"),
        ("2028-01-31", "1 month", "2028-02-29"),
        ("2026-05-31", "9 months", "2027-02-28"),
        ("2027-05-31", "9 months", "2028-02-29"),
        ("2026-11-30", "3 months", "2027-02-28"),
        ("2026-03-31", "1 month", "2026-04-30"),
        ("2026-12-15", "1 month", "2027-01-15"),
        ("2026-11-22", "9 months", "2027-08-22"),
        ("2028-02-29", "12 months", "2029-02-28"),
        ("2024-02-29", "48 months", "2028-02-29"),
        ("2100-01-31", "1 month", "2100-02-28"),
        ("2027-12-31", "60 days", "2028-02-29"),
        ("2026-12-31", "60 days", "2027-03-01"),
        ("2026-11-22", "1 day", "2026-11-23"),
        ("2026-11-20", "1 working day", "2026-11-23"),
        ("2026-11-21", "1 working day", "2026-11-23"),
        ("2026-11-22", "1 working day", "2026-11-23"),
        ("2026-11-23", "1 working day", "2026-11-24"),
        ("2026-11-20", "5 working days", "2026-11-27"),
        ("2026-11-26", "2 working days", "2026-11-30"),
    ],
)
def test_periods_end_by_the_calendar(start: str, period: str, end: str) -> None:
    for tz in ZONES:
        assert last_day(start, period, tz) == end


def test_a_day_ends_at_midnight_where_its_clock_is() -> None:
    # 03:00 UTC is still the evening before in New York, and late morning in Shanghai.
    start = dt.datetime(2026, 7, 1, 3, tzinfo=dt.UTC)
    end = {
        dt.UTC: dt.datetime(2026, 7, 4, tzinfo=dt.UTC),
        NEW_YORK: dt.datetime(2026, 7, 3, 4, tzinfo=dt.UTC),
        SHANGHAI: dt.datetime(2026, 7, 3, 16, tzinfo=dt.UTC),
        AUCKLAND: dt.datetime(2026, 7, 3, 12, tzinfo=dt.UTC),
    }
    for tz, midnight in end.items():
        assert over_at(start, period_of("2 days"), tz) == midnight - MS


def test_clocks_that_are_set_over_move_the_end_of_a_day() -> None:
    # In Berlin summer time ends on 25 October 2026: midnight is at 22:00 UTC before, 23:00 after.
    before = dt.datetime(2026, 10, 22, 12, tzinfo=dt.UTC)
    assert over_at(before, period_of("2 days"), BERLIN).hour == 21
    assert over_at(before, period_of("3 days"), BERLIN).hour == 22
    # Hours pass whatever the clock on the wall does.
    assert over_at(before, period_of("96 hours"), BERLIN) == before + dt.timedelta(hours=96)


def test_a_midnight_that_is_missing_or_comes_twice_still_ends_its_day() -> None:
    # On 4 November 2018 São Paulo had no midnight: the day began at 01:00, which is 03:00 UTC.
    start = dt.datetime(2018, 11, 2, 12, tzinfo=SAO_PAULO)
    missing = dt.datetime(2018, 11, 4, 3, tzinfo=dt.UTC)
    assert over_at(start, period_of("1 day"), SAO_PAULO) == missing - MS
    # On 1 November 2026 Havana has midnight twice; the day begins at the first.
    start = dt.datetime(2026, 10, 30, 12, tzinfo=HAVANA)
    assert (
        over_at(start, period_of("1 day"), HAVANA)
        == dt.datetime(2026, 11, 1, 4, tzinfo=dt.UTC) - MS
    )


def test_it_opens_with_the_day_that_ends_the_period() -> None:
    start = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
    opens = begun_at(start, period_of("15 days"), NEW_YORK)
    assert opens == dt.datetime(2026, 11, 16, 5, tzinfo=dt.UTC)
    assert begun_at(start, period_of("2 hours"), NEW_YORK).hour == 14


@pytest.mark.parametrize("text", ["0 days", "60", "60days", "1.5 days", "5 weeks", "4001 days", ""])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it as"):
        period_of(text)


def test_a_moment_past_the_calendar_is_said_so() -> None:
    late = dt.datetime(9999, 12, 30, tzinfo=dt.UTC)
    for period in ("60 days", "2 months", "5 working days", "4000 hours"):
        with pytest.raises(OverflowError):
            over_at(late, period_of(period), dt.UTC)


@given(
    st.integers(0, 90 * 365 * 24 * 60),
    st.integers(1, 400),
    st.sampled_from(Unit),
    st.sampled_from(ZONES),
)
@settings(max_examples=150, deadline=None)
def test_a_longer_period_never_ends_earlier(
    minutes: int, count: int, unit: Unit, tz: dt.tzinfo
) -> None:
    began = dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    end = over_at(began, period_of(f"{count} {unit.value}s"), tz)
    assert began < end < over_at(began, period_of(f"{count + 1} {unit.value}s"), tz)
    if unit is Unit.HOURS:
        return
    local = end.astimezone(tz)
    assert (local + MS).astimezone(tz).date() > local.date()
    if unit is Unit.WORKING_DAYS:
        assert local.weekday() < 5
    if unit is Unit.MONTHS:
        begun = began.astimezone(tz).date()
        months = (local.year - begun.year) * 12 + local.month - begun.month
        assert months == count
        assert local.day <= begun.day
