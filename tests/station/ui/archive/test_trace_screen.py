"""The way of a parcel, on a terminal of 80 by 24."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.config import load_config
from station.ui.archive.trace import TraceScreen
from station.ui.archive.words import Words
from station.ui.labels import Line
from storage.archive import Archive
from storage.claims.claim import ClaimType
from storage.records import Waybill
from storage.trace import Trace, TraceEvent, TraceStatus
from tests.station.ui.archive.way_world import lines, on_terminal
from tests.storage.arrivals import ANN, PAT
from tests.storage.desk import NUMBER, Desk
from tests.storage.leaving_parcels import HOUR, packed, shipped

S = TraceStatus
DAY = dt.timedelta(days=1)
LONG = "left with a neighbour whose name nobody wrote down, although it was asked for twice "


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        yield archive


@pytest.fixture
def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def page(archive: Archive, number: str = NUMBER, language: str = "en") -> TraceScreen:
    return TraceScreen(archive, load_config(None), ANN, Words(language), number)


def ready(screen: TraceScreen) -> bool:
    said = str(screen.query_one("#trace-summary", Line).content)
    return bool(said) and said != screen._words.text("trace.loading")


def told(archive: Archive, *events: TraceEvent, expected: dt.datetime | None = None) -> None:
    trace = Trace(NUMBER, events, "UPS", origin="CN", destination="US", expected_at=expected)
    archive.file_traces([trace]).result()


async def test_shop_bench_and_carrier_stand_on_one_timeline(
    archive: Archive, now: dt.datetime
) -> None:
    Desk(archive, now - 14 * DAY).pack()
    shipped(archive, "order 7", NUMBER, ordered_at=now - 15 * DAY, at=now - 14 * DAY)
    told(
        archive,
        TraceEvent(now - 13 * DAY, S.IN_TRANSIT, "picked up", "Shenzhen"),
        TraceEvent(now - 12 * DAY, S.EXCEPTION, f"\x1b[2J[red]{LONG}", "Graz"),
        expected=now - 2 * DAY,
    )
    screen = page(archive)
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        text = "\n".join(found := lines(pilot))
        whos = [line.split()[2] for line in found if line.startswith(" 20")]
        assert whos == ["shop", "shop", "bench", "bench", "carrier", "carrier", "carrier"]
        for said in ("Sealed at bench 1, complete", "Handed over to the carrier", "CN → US",
                     "EXCEPTION", "?[2J[red]left with", "asked for", "twice · Graz", "12 days ago",
                     "Overdue"):  # fmt: skip
            assert said in text, said
        assert "NO EVIDENCE" not in text
        assert all(len(line) <= 80 for line in found)
        await pilot.press("escape")
        assert not screen.is_attached or pilot.app.screen is not screen


async def test_one_that_nobody_packed_says_so_and_one_that_came_late(
    archive: Archive, now: dt.datetime
) -> None:
    told(archive, TraceEvent(now - DAY, S.DELIVERED, "there"), expected=now - 5 * DAY)
    screen = page(archive)
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        text = "\n".join(lines(pilot))
        assert "NO EVIDENCE" in text
        assert "4 days after it was promised" in text


async def test_what_is_wrong_with_the_evidence_is_said(archive: Archive, now: dt.datetime) -> None:
    desk = Desk(archive, now - 2 * HOUR)
    packed(desk, NUMBER, video=False)
    screen = page(archive)
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        text = "\n".join(lines(pilot))
        assert "INCOMPLETE: no video" in text
        assert "No carrier's trace was imported" in text
        told(archive, TraceEvent(now, S.INFO_RECEIVED, "announced"))
        await pilot.press("f5")
        await pilot.pause(0.5)
        assert "Not handed over" in "\n".join(lines(pilot))


async def test_a_session_that_belongs_to_another_number_is_not_on_its_way(
    archive: Archive, now: dt.datetime
) -> None:
    session = Desk(archive, now - DAY).pack()
    archive.rebind(ANN, session.id, Waybill("RIGHT0001", ""), "label").result()
    shipped(archive, "1", NUMBER, at=now)
    wrong, right = page(archive), page(archive, "RIGHT0001")
    async with on_terminal(wrong, lambda: ready(wrong)) as pilot:
        assert "NO EVIDENCE" in "\n".join(lines(pilot))
    async with on_terminal(right, lambda: ready(right)) as pilot:
        assert "Sealed at bench 1" in "\n".join(lines(pilot))


async def test_claims_stand_on_it_for_those_who_may_claim(
    archive: Archive, now: dt.datetime
) -> None:
    Desk(archive, now - DAY).pack()
    claim = archive.open_claim(ANN, NUMBER, ClaimType.LOSS).result()
    for actor, seen in ((ANN, True), (PAT, False)):
        screen = TraceScreen(archive, load_config(None), actor, Words("en"), NUMBER)
        async with on_terminal(screen, functools.partial(ready, screen)) as pilot:
            assert (f"Claim {claim.reference} opened: loss" in "\n".join(lines(pilot))) is seen


async def test_a_long_way_scrolls_by_keys_in_chinese(archive: Archive, now: dt.datetime) -> None:
    events = [
        TraceEvent(now - n * HOUR, S.IN_TRANSIT, f"站点 {n}", "深圳") for n in range(60, 0, -1)
    ]
    told(archive, *events)
    screen = page(archive, language="zh")
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        assert "已交运给承运商" in "\n".join(lines(pilot))
        await pilot.press("end")
        await pilot.pause(0.5)
        text = "\n".join(lines(pilot))
        assert "站点 1 " in text
        assert "站点 60" not in text


async def test_an_unknown_number_says_what_to_do(archive: Archive) -> None:
    screen = page(archive, "NOWHERE1")
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        assert "packwitness trace import FILE" in " ".join(lines(pilot))
