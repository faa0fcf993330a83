"""The loss review on the screen: dimensions, periods, tables and files by keys."""

from __future__ import annotations

import csv
import datetime as dt
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from textual.binding import Binding

from station.ui.archive.review import ReviewScreen
from station.ui.archive.words import Words
from storage.archive import Archive
from storage.claims.claim import ClaimType
from storage.claims.review import By, Review
from storage.claims.review_rates import Worth
from tests.station.ui.archive.shelf import ANN, Shown, config, shown
from tests.storage.claims.reviewed import START, chance_made, claim, database, pack

JANUARY = dt.date(2026, 1, 31)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("review") / "archive"
    db = database(root)
    chance_made(db, root, seed=3, sessions=400)
    pack(db, 999, "MINE", START, carrier="\x1b[2J=1+1")
    claim(db, "MINE", requested_cents=5, currency="USD")
    db.close()
    return root


async def opened(there: Shown, archive: Archive, day: dt.date = JANUARY) -> ReviewScreen:
    words = there.app.words
    screen = ReviewScreen(archive, config(archive.root), ANN, words, day)
    await there.app.push_screen(screen)
    await there.until(lambda: ready(there, screen))
    return screen


def ready(there: Shown, screen: ReviewScreen) -> bool:
    counting = there.app.words.text("review.counting")
    return bool(screen.query("#body")) and there.said("#body") not in ("", counting)


async def pressed(there: Shown, screen: ReviewScreen, *keys: str) -> str:
    await there.pilot.press(*keys)
    await there.pilot.pause()
    await there.until(lambda: ready(there, screen))
    return there.said("#body")


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_it_shows_what_was_lost_by_each_dimension(root: Path, language: str) -> None:
    with Archive.open(root, read_only=True) as archive:
        async with shown(archive, language=language, size=(80, 24)) as there:
            screen = await opened(there, archive)
            assert "2026-01" in there.said("#period")
            first = there.said("#body")
            assert "\x1b" not in first
            assert "UPS" in first
            assert "█" in first or "░" in first
            seen = {first}
            for _ in list(By)[1:]:
                body = await pressed(there, screen, "tab")
                assert all(len(line) <= 80 for line in body.splitlines())
                seen.add(body)
            assert len(seen) == len(By)
            assert await pressed(there, screen, "tab") == first
            assert await pressed(there, screen, "5") in seen
            strip = there.said("#dimensions").splitlines()
            assert all(len(line) <= 76 for line in strip)
            for by in By:  # no line breaks within a name
                name = there.app.words.text(f"review.by.{by}")
                assert any(name in line for line in strip)


async def test_the_tables_and_the_periods(root: Path) -> None:
    with Archive.open(root, read_only=True) as archive:
        async with shown(archive, size=(80, 24)) as there:
            screen = await opened(there, archive)
            titles = [(await pressed(there, screen, "t")).splitlines()[0] for _ in range(5)]
            words = there.app.words
            names = ("rates", "types", "money", "won", "chart")
            assert titles == [words.text(f"review.{name}") for name in names]
            await pressed(there, screen, "left")
            assert "2025-12" in there.said("#period")
            assert there.said("#body") == words.text("review.empty")
            await pressed(there, screen, "right", "right")
            assert "2026-02" in there.said("#period")
            await pressed(there, screen, "p")
            assert "2026 " in there.said("#period")
            await pressed(there, screen, "p")
            assert words.text("review.ever") in there.said("#period")
            await there.pilot.press("escape")
            assert there.app.screen is there.search


def written(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


async def test_files_hold_every_dimension(root: Path) -> None:
    with Archive.open(root, read_only=True) as archive:
        async with shown(archive) as there:
            await opened(there, archive)
            exports = root / "exports"
            for key, name in (("c", "csv"), ("x", "xlsx"), ("d", "pdf")):
                await there.pilot.press(key)
                path = exports / f"review-2026-01.{name}"
                await there.until(partial(written, path))
            with (exports / "review-2026-01.csv").open(encoding="utf-8-sig", newline="") as file:
                found = {row["by"] for row in csv.DictReader(file)}
            assert found == {"all", *By}


async def test_the_screen_answers_while_the_archive_counts(root: Path) -> None:
    class Slow(Archive):
        gate = threading.Event()

        def review(self, asked: object) -> Review:
            self.gate.wait(10)
            return super().review(asked)  # type: ignore[arg-type]

    with Slow.open(root, read_only=True) as archive:
        async with shown(archive) as there:
            screen = ReviewScreen(archive, config(root), ANN, there.app.words, JANUARY)
            await there.app.push_screen(screen)
            began = time.monotonic()
            await there.pilot.press("tab", "left", "3")
            assert time.monotonic() - began < 5
            assert "2025-12" in there.said("#period")
            assert there.said("#body") == there.app.words.text("review.counting")
            Slow.gate.set()
            await there.until(lambda: ready(there, screen))
            assert there.said("#body") == there.app.words.text("review.empty")


def test_everything_has_words() -> None:
    words = Words("en")
    wanted = [f"by.{by}" for by in By] + [f"column.{kind}" for kind in ClaimType]
    wanted += [f"worth.{worth}" for worth in Worth]
    assert not [key for key in wanted if not words.has(f"review.{key}")]
    for binding in ReviewScreen.BINDINGS:
        assert isinstance(binding, Binding)
        assert words.has(binding.description)
