"""A line of text means what a supervisor meant, or says what is allowed."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import QueryError
from storage.query import BUILT_IN, LONGEST, Flag, Query, parse, unparse
from storage.records import Kind, Status

VIENNA = ZoneInfo("Europe/Vienna")
NOW = dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.UTC)  # the 23rd in Vienna


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Query()),
        ("1z 999\taa1", Query(text="1Z999AA1")),
        ('"a:b c"', Query(text="A:BC")),
        ("packer:Ann", Query(packer="Ann")),
        ('packer:"Ann  Lee" bench:1', Query(packer="Ann Lee", bench="1")),
        ("PACKER:Ann packer:Ann", Query(packer="Ann")),
        ("carrier：ups　is：held", Query(carrier="ups", flags=frozenset({Flag.HELD}))),
        ("packer:\ud800", Query(packer="\\ud800")),
        ("order:a-1 sku:x customer:c9", Query(order="A-1", sku="X", customer="C9")),
        ("is:no_video is:novideo", Query(flags=frozenset({Flag.NO_VIDEO}))),
        ("is:interrupted status:interrupted", Query(status=Status.INTERRUPTED)),
        ("kind:packing status:sealed", Query(kind=Kind.PACKING, status=Status.SEALED)),
        ("is:return", Query(kind=Kind.RETURN)),
        ("value>=100", Query(least_cents=10_000)),
        ("value>20.5 value<=30.05EUR", Query(least_cents=2051, below_cents=3006, currency="EUR")),
        ("value≥1 value<2 usd", Query(least_cents=100, below_cents=200, currency="USD")),
        ("on:today", Query(start=moment("2026-11-22T23:00"), end=moment("2026-11-23T23:00"))),
        ("on:yesterday", Query(start=moment("2026-11-21T23:00"), end=moment("2026-11-22T23:00"))),
        ("from:2026-07-01", Query(start=moment("2026-06-30T22:00"))),
        ("to:2026-07-01", Query(end=moment("2026-07-01T22:00"))),
        (
            "from:2026-10-25 to:2026-10-25",  # a day of 25 hours
            Query(start=moment("2026-10-24T22:00"), end=moment("2026-10-25T23:00")),
        ),
        (
            "from:2026-11-01T08:30 to:2026-11-01T17:00Z",
            Query(start=moment("2026-11-01T07:30"), end=moment("2026-11-01T17:00")),
        ),
    ],
)
def test_a_line_means(text: str, meant: Query) -> None:
    assert parse(text, NOW, VIENNA) == meant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour:red", "known are packer:, bench:"),
        ("packer:", "nothing stands after packer:"),
        ('packer:" "', "nothing stands after packer:"),
        ('"1Z', "never closed"),
        ("is:late", "known are incomplete, mismatch, novideo"),
        ("status:lost", "known are open, sealed"),
        ("kind:x", "known are packing, return"),
        ("is:open is:cancelled", "one status"),
        ("packer:a packer:b", "packer: stands twice"),
        ("on:13", "write today, yesterday, 2026-11-23"),
        ("from:9999-12-31 to:today", "no day"),
        ("from:2026-02-30", "no day"),
        ("from:today to:yesterday", "later than to:"),
        ("value>=ten", "stands an amount"),
        ("value:10", "stands an amount"),
        ("value>=1EUR value<2USD", "one currency"),
        ("is:\x1b[31m", "is:?[31m is not known"),
        ("x" * (LONGEST + 1), "501 characters"),
    ],
)
def test_what_means_nothing_is_told_with_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text, NOW, VIENNA)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.text(max_size=60) | st.from_regex(r'((is|on|packer|value)[:>="]?[ a"=0-9]{0,4}){1,4}'))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    try:
        query = parse(text, NOW, VIENNA)
    except QueryError:
        return
    assert parse(unparse(query, VIENNA), NOW + dt.timedelta(days=40), VIENNA) == query


NAMES = st.text(st.sampled_from("aB 9.:-ü\u5f20"), min_size=1).map(
    lambda text: " ".join(text.split())
)


@given(
    packer=NAMES, sku=NAMES, flags=st.frozensets(st.sampled_from(Flag)),
    status=st.none() | st.sampled_from(Status), least=st.none() | st.integers(0, 10**12),
    start=st.none() | st.integers(9 * 10**8, 2 * 10**9),
)  # fmt: skip
def test_what_is_written_is_read_the_same(
    packer: str, sku: str, flags: frozenset[Flag], status: Status | None, least: int | None,
    start: int | None,
) -> None:  # fmt: skip
    query = Query(
        packer=packer,
        sku="".join(sku.split()).upper(),
        flags=flags,
        status=status,
        least_cents=least,
        start=None if start is None else dt.datetime.fromtimestamp(start, dt.UTC),
    )
    assert parse(unparse(query, VIENNA), NOW, VIENNA) == query


def test_the_filters_that_every_archive_has_are_searches() -> None:
    for text in BUILT_IN.values():
        assert parse(text, NOW, VIENNA) != Query()
