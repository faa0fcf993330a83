"""Files of tracking events give their parcels, whatever shape they have; what is bad in them is
named by its place and harms nothing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xlsxwriter import Workbook

from storage.errors import TraceFileError
from storage.intake.trace_words import status_in, status_of
from storage.intake.traces import TraceFile, read_traces
from storage.trace import Trace, TraceStatus
from tests.storage.intake.trackings import AFTERSHIP, FIRST_SEVENTEEN, SEVENTEEN, own

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
ZONE = ZoneInfo("America/Los_Angeles")
S = TraceStatus


def read(tmp_path: Path, content: Any, name: str = "traces.json") -> TraceFile:
    path = tmp_path / name
    content = content if isinstance(content, (str, bytes)) else json.dumps(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_traces(path, ZONE, NOW)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def one(found: TraceFile) -> Trace:
    assert len(found.traces) == 1
    return found.traces[0]


def test_an_answer_of_aftership_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, AFTERSHIP)
    trace = one(found)
    assert (trace.number, trace.carrier, trace.status) == (
        "9434936105536968782556", "usps", S.IN_TRANSIT,
    )  # fmt: skip
    assert (trace.origin, trace.destination) == ("AFG", "USA")
    # A day was promised: to its end, where the site is. What AfterShip foretells is no promise.
    assert trace.expected_at == utc("2023-12-25T07:59:59")
    first, second = trace.events
    assert (first.at, first.status) == (utc("2023-12-20T08:12:00"), S.INFO_RECEIVED)
    assert first.source == "aftership InfoReceived_001"
    assert first.place.startswith("FAYETTEVILLE, TX")
    # Without an offset: the site's zone.
    assert (second.at, second.place) == (utc("2023-12-21T17:30:00"), "VINELAND, NJ, USA")
    assert (found.bad, found.assumed) == ((), 1)


@pytest.mark.parametrize("envelope", ["single", "list", "tracking", "webhook", "utf-16"])
def test_aftership_is_read_whole_and_taken_apart(tmp_path: Path, envelope: str) -> None:
    tracking = AFTERSHIP["data"]["trackings"][0]
    content: dict[str, Any] = {
        "single": tracking,
        "list": [tracking],
        "tracking": {"meta": {}, "data": {"tracking": tracking}},
        "webhook": {"event": "tracking_update", "msg": tracking},
        "utf-16": json.dumps(tracking).encode("utf-16"),
    }
    assert one(read(tmp_path, content[envelope])) == one(read(tmp_path, AFTERSHIP))


def test_an_answer_of_17track_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, SEVENTEEN)
    trace = one(found)
    assert (trace.number, trace.carrier, trace.status) == (
        "RR123456789CN",
        "China Post",
        "Delivered",
    )
    assert (trace.origin, trace.destination) == ("CN", "US")
    assert trace.expected_at == utc("2022-04-30T00:00:00")
    assert [(event.at, event.status, event.source, event.place) for event in trace.events] == [
        (utc("2022-05-02T18:34:00"), S.DELIVERED, "17track Delivered", "LOS ANGELES, CA"),
        (utc("2022-04-26T06:30:00"), S.IN_TRANSIT, "17track InTransit_PickedUp", "SHENZHEN, CN"),
        (utc("2022-04-25T02:00:00"), S.INFO_RECEIVED, "17track InfoReceived", "SHENZHEN"),
    ]
    assert found.assumed == 0
    [bad] = found.bad
    assert bad.place == "data.rejected[0]"
    assert "not registered yet" in bad.why


def test_17tracks_last_event_stands_in_where_the_others_are_left_out(tmp_path: Path) -> None:
    content = own(SEVENTEEN)
    content["data"]["accepted"][0]["track_info"]["tracking"] = None
    assert [event.text for event in one(read(tmp_path, content)).events] == ["Package delivered"]


def test_an_answer_of_17tracks_first_api_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, FIRST_SEVENTEEN)
    trace = one(found)
    assert (trace.number, trace.status) == ("1Z81W1R70310597371", S.DELIVERED)
    assert [(event.at, event.status, event.place) for event in trace.events] == [
        (utc("2019-08-08T18:20:00"), S.DELIVERED, "MORENO VALLEY, CA, US"),
        (utc("2019-08-07T21:42:00"), S.UNKNOWN, "Ontario, CA"),
        (utc("2019-07-31T12:01:00"), S.INFO_RECEIVED, "United States"),
    ]
    assert found.assumed == 3
    pushed = {"event": "TRACKING_UPDATED", "data": {**FIRST_SEVENTEEN["dat"][0], "number": "A1234"}}
    assert one(read(tmp_path, pushed)).number == "A1234"


@pytest.mark.parametrize(
    "content",
    [
        "tracking_number,time,status,description,location\n"
        "RR1 2345,2026-11-20T10:00:00+08:00,Delivered,on the porch,Graz\n",
        "Location\tTracking No\tTag\tCheckpoint-Time\tMessage\n"
        "Graz\trr12345\tdelivered\t2026/11/20 02:00:00 UTC\ton the porch\n",
        "运单号;时间;状态;轨迹内容;地点\n"
        "RR12345;2026年11月20日 10:00+0800;已签收;on the porch;Graz\n",
        (
            "物流单号,轨迹时间,轨迹,地点,状态\nRR12345,2026-11-19 18:00:00,on the porch,Graz,签收\n"
        ).encode("gbk"),
    ],
)
def test_a_sheet_has_an_event_in_each_row(tmp_path: Path, content: str | bytes) -> None:
    found = read(tmp_path, content, "traces.csv")
    [event] = one(found).events
    assert one(found).number == "RR12345"
    assert event.at == utc("2026-11-20T02:00:00")
    assert (event.status, event.text, event.place) == (S.DELIVERED, "on the porch", "Graz")
    assert not found.bad


def test_a_bad_row_is_named_by_its_line_and_leaves_the_others(tmp_path: Path) -> None:
    rows = [
        "number,time,status,text",
        "OK0001,2026-11-20 10:00,InTransit,fine",
        ",2026-11-20 10:00,InTransit,no number",
        "4.2E+21,2026-11-20 10:00,InTransit,rounded",
        "../../etc,2026-11-20 10:00,InTransit,path",
        "OK0001,yesterday,InTransit,no time",
        "OK0001,2026-13-45 10:00,InTransit,no such day",
        "OK0001,2026-11-20 10:00+99:99,InTransit,no such zone",
        "OK0001,2079-01-01 00:00,InTransit,not yet",
        "OK0001,2026-11-20 11:00,,",
        "OK0001",
        f"OK0001,2026-11-20 12:00,InTransit,{'x' * 200_000}",
        '=HYPERLINK("x"),2026-11-20 10:00,InTransit,formula',
        "OK0002,2026-11-20 13:00,Delivered,\x1b[2J=1+1\x00",
    ]
    found = read(tmp_path, "\n".join(rows), "traces.csv")
    assert [trace.number for trace in found.traces] == ["OK0001", "OK0002"]
    assert [bad.place for bad in found.bad] == [f"line {line}" for line in (*range(3, 12), 13)]
    assert all(len(bad.why) < 120 and bad.why.isprintable() for bad in found.bad)


def test_a_workbook_is_read_and_what_it_rounded_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "traces.xlsx"
    with Workbook(path) as book:
        book.add_worksheet("about").write_row(0, 0, ("Report of", "November"))
        sheet = book.add_worksheet("events")
        sheet.write_row(0, 0, ("Tracking number", "Time", "Status", "Location"))
        at = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for row, number in enumerate(("9434936105536968782556", 9434936105536968782556), 1):
            sheet.write(row, 0, number)
            sheet.write_datetime(row, 1, NOW.replace(tzinfo=None), at)
            sheet.write_row(row, 2, ("Delivered", "Graz"))
    found = read_traces(path, ZONE, NOW)
    assert one(found).number == "9434936105536968782556"
    [event] = one(found).events
    assert event.at == utc("2026-11-22T20:00:00")
    assert (event.status, event.place) == (S.DELIVERED, "Graz")
    [bad] = found.bad
    assert (bad.place, "rounded" in bad.why) == ("line 3", True)


def test_days_are_read_as_the_whole_file_writes_them(tmp_path: Path) -> None:
    head, rows = "number,time,status\n", ("A1234,03/11/2026 10:00,InTransit", "A1234,{},InTransit")
    for second, day in (("13/11/2026 11:00", "2026-11-03"), ("10/13/2026 11:00", "2026-03-11")):
        found = read(tmp_path, head + "\n".join(rows).format(second), "traces.csv")
        assert not found.bad
        assert f"{one(found).events[0].at:%Y-%m-%d}" == day
    unsure = head + "\n".join(rows).format("04/11/2026 11:00")
    found = read(tmp_path, unsure, "traces.csv")
    assert [bad.why for bad in found.bad] == [
        f"has a day that can be read two ways: '0{day}/11/2026 1{day - 3}:00'" for day in (3, 4)
    ]
    known = read_traces(tmp_path / "traces.csv", ZONE, NOW, "dmy")
    assert [f"{event.at:%m-%d}" for event in one(known).events] == ["11-03", "11-04"]


def test_what_is_wrong_in_json_is_named_by_its_path(tmp_path: Path) -> None:
    content = own(AFTERSHIP)
    good = content["data"]["trackings"][0]
    good["checkpoints"][0]["checkpoint_time"] = ["2023"]
    good["checkpoints"].append("nothing")
    content["data"]["trackings"] += [7, {"tracking_number": 1.5}, {"tracking_number": None}]
    found = read(tmp_path, content)
    assert len(one(found).events) == 1
    assert [bad.place for bad in found.bad] == [
        "data.trackings[0].checkpoints[0]",
        "data.trackings[0].checkpoints[2]",
        "data.trackings[1]",
        "data.trackings[2]",
        "data.trackings[3]",
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"[1, 2]", b"{", b"[" * 100_000, b'{"data": {"trackings": []}}',
     b"a,b\n1,2\n", b"number,time\nA1234,2026-11-20\n", b"PK\3\4" + bytes(100), bytes(100),
     b"[" + b"9" * 5000 + b"]"],
)  # fmt: skip
def test_a_file_that_holds_no_events_says_why(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TraceFileError) as refused:
        read(tmp_path, content)
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(TraceFileError):
        read_traces(tmp_path / "nowhere.json", ZONE, NOW)


def test_words_are_only_taken_for_what_they_cannot_but_mean() -> None:
    assert status_of("InTransit_PickedUp") is S.IN_TRANSIT
    assert status_of("Delivery Failure") is S.ATTEMPT_FAIL
    assert status_of("gone fishing") is S.UNKNOWN
    for text, status in (
        ("DELIVERED", S.DELIVERED),
        ("Your package was delivered at the front door", S.DELIVERED),
        ("Delivered to local carrier", S.UNKNOWN),
        ("Will be delivered tomorrow", S.UNKNOWN),
        ("Could not be delivered: business closed", S.ATTEMPT_FAIL),
        ("未妥投", S.ATTEMPT_FAIL),
        ("快件已签收", S.DELIVERED),
        ("快件待签收", S.UNKNOWN),
        ("Shipping Label Created, USPS Awaiting Item", S.INFO_RECEIVED),
        ("Returning to sender", S.EXCEPTION),
        ("Departure Scan", S.UNKNOWN),
    ):
        assert status_in(text) is status, text


_NAMES = (
    "data", "accepted", "trackings", "tracking_number", "number", "track", "track_info", "events",
    "checkpoints", "tracking", "providers", "z0", "z1", "a", "z", "e", "checkpoint_time", "tag",
    "latest_status", "time_iso",
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_JSON, st.binary(max_size=100), st.text(max_size=100))
def test_no_content_breaks_the_reader(tmp_path: Path, value: Any, raw: bytes, text: str) -> None:
    for content in (
        json.dumps(value),
        raw,
        b"number,time,status\n" + text.encode("utf-8", "replace"),
    ):
        try:
            found = read(tmp_path, content)
        except TraceFileError:
            continue
        assert all(bad.place and bad.why for bad in found.bad)
