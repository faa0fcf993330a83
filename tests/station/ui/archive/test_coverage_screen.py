"""Parcels without evidence, on a terminal of 80 by 24."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding

from station.config import load_config
from station.ui.archive.coverage import CoverageScreen, GapList
from station.ui.archive.parcel import ParcelScreen
from station.ui.archive.trace import TraceScreen
from station.ui.archive.words import Words
from station.ui.labels import Line
from storage.archive import Archive
from storage.covered import Lack
from storage.trace import TraceStatus
from tests.station.ui.archive.parcel_world import until
from tests.station.ui.archive.way_world import lines, on_terminal
from tests.storage.arrivals import ANN
from tests.storage.desk import Desk
from tests.storage.leaving_parcels import HOUR, packed, shipped


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        yield archive


@pytest.fixture
def left(archive: Archive) -> None:
    now = dt.datetime.now(dt.UTC)
    desk = Desk(archive, now - 30 * HOUR)
    packed(desk, "GOOD0001")
    packed(desk, "POOR0001", video=False)
    shipped(archive, "1", "GOOD0001", at=now - 29 * HOUR)
    shipped(archive, "2", "POOR0001", at=now - 29 * HOUR)
    shipped(archive, "=1+1\x1b[2J", "NONE0001", at=now - 5 * HOUR)
    shipped(archive, "4", "OLDER001", at=now - 100 * HOUR)


def page(archive: Archive, language: str = "en") -> CoverageScreen:
    return CoverageScreen(archive, load_config(None), ANN, Words(language))


def ready(screen: CoverageScreen) -> bool:
    said = str(screen.query_one("#coverage-total", Line).content)
    return bool(said) and said != screen._words.text("coverage.loading")


@pytest.mark.usefixtures("left")
async def test_what_can_be_mended_stands_first(archive: Archive) -> None:
    screen = page(archive)
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        found = lines(pilot)
        text = "\n".join(found)
        assert "1 of 3 parcels left with good evidence (33.3 %)" in " ".join(text.split())
        assert "1 can still be mended" in text
        first, second = (line for line in found if "0001 " in line)
        assert first.split()[0] == "NONE0001"
        assert "PACK IT AGAIN" in first
        assert "order =1+1" in first
        assert "no video  bench 1 · Ann" in second
        assert "bench 1 50.0 % of 2" in text
        assert all(len(line) <= 80 for line in found)


async def test_a_long_number_keeps_its_end(archive: Archive) -> None:
    now = dt.datetime.now(dt.UTC)
    shipped(archive, "1", "9400111899223197428490", at=now - 5 * HOUR)
    shipped(archive, "2", "L" * 20 + "12345678", at=now - 5 * HOUR)
    screen = page(archive)
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        text = "\n".join(lines(pilot))
    assert "9400111899223197428490 " in text
    assert "…" + "L" * 13 + "12345678 " in text


@pytest.mark.usefixtures("left")
async def test_more_days_show_more_and_the_list_leads_on(archive: Archive) -> None:
    screen = page(archive)
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        assert "OLDER001" not in "\n".join(lines(pilot))
        await pilot.press("right")
        await until(pilot, lambda: "OLDER001" in "\n".join(lines(pilot)))
        await pilot.press("left", "left")
        await until(pilot, lambda: "POOR0001" not in "\n".join(lines(pilot)))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TraceScreen))
        await pilot.press("escape")
        await pilot.press("right")
        await until(pilot, lambda: "POOR0001" in "\n".join(lines(pilot)))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParcelScreen))


@pytest.mark.usefixtures("left")
async def test_it_is_written_as_csv(archive: Archive) -> None:
    screen = page(archive, "zh")
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        assert "请重新打包" in "\n".join(lines(pilot))
        await pilot.press("c")
        await until(pilot, lambda: any((archive.root / "exports").glob("coverage-*.csv")))
        await pilot.pause(0.2)
    [path] = (archive.root / "exports").glob("coverage-*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [row["tracking_number"] for row in csv.DictReader(file)] == ["NONE0001", "POOR0001"]


async def test_an_archive_without_orders_says_what_to_do(archive: Archive) -> None:
    screen = page(archive)
    async with on_terminal(screen, lambda: ready(screen)) as pilot:
        assert "packwitness import FILE" in "\n".join(lines(pilot))


def test_every_key_and_whatever_a_parcel_lacks_has_words() -> None:
    words = Words("en")
    wanted = [f"coverage.lack.{lack}" for lack in Lack]
    wanted += [f"trace.status.{status or 'unknown'}" for status in TraceStatus]
    for screen in (CoverageScreen, GapList, TraceScreen):
        wanted += [each.description for each in screen.BINDINGS if isinstance(each, Binding)]
    assert not [key for key in wanted if not words.has(key)]
