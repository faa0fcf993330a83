"""From a key to its result on the archive's search screen, while a bench seals on the same archive.

    python -m tests.performance.archive_screen [--archive DIR] [--waybills 1000000] [--seal-every 2]

Without an archive one is made first (see `archive_made`); the bench seals real parcels into it. The
real app runs without a terminal. Each number is typed key by key; timed is from the key's arrival
until what it finds is drawn, until the line shows the key, and, as the peer, the search alone on a
connection of its own in the same run. Absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from station.cli_archive import FRAMES

os.environ.update(FRAMES)  # read when Textual is imported

from textual.events import Key
from textual.message import Message

from station.config import Config
from station.local_time import LOCAL
from station.ui.archive.app import ArchiveApp
from station.ui.archive.search import Answered, SearchLine, SearchScreen
from storage.archive import Archive
from storage.later import Actor, Role
from storage.query import Query, parse
from tests.performance.archive_made import make
from tests.performance.tables import Section, percentile, spread
from tests.storage.desk import Desk

GOAL_MS: Final = 60.0
BETWEEN_S: Final = 0.12
"""A brisk typist."""
BURST_S: Final = 0.01
PATIENCE_S: Final = 30.0


@dataclass
class Times:
    """Milliseconds of every key."""

    echo: list[float] = field(default_factory=list)
    result: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    burst_echo: list[float] = field(default_factory=list)
    burst_result: list[float] = field(default_factory=list)


class Watch:
    """Sees each answer reach the screen, and when it is drawn."""

    def __init__(self) -> None:
        self.app: ArchiveApp | None = None
        self.drawn: dict[str, float] = {}

    def hook(self, message: Message) -> None:
        if isinstance(message, Answered) and self.app is not None and message.answer.page:
            question = message.answer.question
            if question.after is None and not question.quietly:
                text = question.query.text
                self.app.screen.call_after_refresh(self._drawn, text)

    def _drawn(self, text: str) -> None:
        self.drawn.setdefault(text, time.perf_counter())


def numbers(archive: Archive, count: int, chance: random.Random) -> list[str]:
    """What is typed: whole numbers, beginnings, last digits."""
    hits = archive.page(Query(), limit=2_000).hits
    typed = []
    for hit in chance.sample(hits, count):
        number = hit.number
        typed.append(chance.choice((number, number[:9], number[-6:], number[-8:])))
    return typed


async def measure(archive: Archive, texts: list[str]) -> Times:
    times, watch = Times(), Watch()
    config = Config.model_validate({
        "archive": {"path": str(archive.root)},
        "camera": [{"name": "overhead", "source": "sim:"}],
    })  # fmt: skip
    app = ArchiveApp(config, archive, Actor("Ann", Role.SUPERVISOR, verified=False))
    connection = archive.search_connection()
    async with app.run_test(size=(120, 34), message_hook=watch.hook) as pilot:
        watch.app = app
        await pilot.pause(1)
        screen = app.screen
        assert isinstance(screen, SearchScreen)
        line = screen.query_one(SearchLine)
        for number, text in enumerate(texts):
            await _clear(line, watch)
            for typed in range(1, len(text) + 1):
                burst = number % 4 == 3 and typed < len(text)
                began = time.perf_counter()
                app.post_message(Key(text[typed - 1].lower(), text[typed - 1]))
                await _until(partial(_says, line, text[:typed]))
                echo = 1000 * (time.perf_counter() - began)
                (times.burst_echo if number % 4 == 3 else times.echo).append(echo)
                if burst:
                    await asyncio.sleep(BURST_S)
                    continue
                query = parse(text[:typed], dt.datetime.now(dt.UTC), LOCAL)
                await _until(partial(watch.drawn.__contains__, query.text))
                result = 1000 * (watch.drawn[query.text] - began)
                (times.burst_result if number % 4 == 3 else times.result).append(result)
                alone = time.perf_counter()
                await asyncio.to_thread(connection.page, query)
                times.alone.append(1000 * (time.perf_counter() - alone))
                await asyncio.sleep(BETWEEN_S)
    return times


def _says(line: SearchLine, text: str) -> bool:
    return line.value == text


async def _clear(line: SearchLine, watch: Watch) -> None:
    line.value = ""
    await asyncio.sleep(0.3)
    watch.drawn.clear()


async def _until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline_s:
            raise SystemExit("a key was never answered")
        await asyncio.sleep(0.0005)


def seal(root: Path, every_s: float) -> None:
    """Pack parcels until this process is ended: the bench."""
    with Archive.open(root) as archive:
        desk = Desk(archive, dt.datetime.now(dt.UTC))
        while True:
            began = time.monotonic()
            desk.pack(f"1Z{random.randrange(10**15):016}")
            print(f"{1000 * (time.monotonic() - began):.1f}", flush=True)
            time.sleep(max(0.0, every_s - (time.monotonic() - began)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--waybills", type=int, default=1_000_000)
    parser.add_argument("--texts", type=int, default=40)
    parser.add_argument("--seal-every", type=float, default=2.0)
    parser.add_argument("--seal", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seal is not None:
        seal(options.seal, options.seal_every)
        return
    with tempfile.TemporaryDirectory() as made:
        root = options.archive or Path(made) / "archive"
        if options.archive is None:
            make(root, options.waybills, lean=True)
        bench = subprocess.Popen(
            [sys.executable, "-m", "tests.performance.archive_screen", "--seal", str(root),
             "--seal-every", str(options.seal_every)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            with Archive.open(root, create=False) as archive:
                texts = numbers(archive, options.texts, random.Random(5))
                times = asyncio.run(measure(archive, texts))
        finally:
            bench.terminate()
            sealed = (bench.communicate()[0] or "").split()
    print(report(times, [float(each) for each in sealed]).markdown())


def report(times: Times, sealed: list[float]) -> Section:
    """What was measured, as a table."""
    result, alone = percentile(times.result, 95), percentile(times.alone, 95)
    measured = (
        ("key to result", times.result),
        ("the search alone (peer)", times.alone),
        ("key to the line", times.echo),
        ("key to the line, 100 keys a second", times.burst_echo),
        ("last of those keys to result", times.burst_result),
        ("sealing a parcel meanwhile, its files too", sealed),
    )
    rows = [(name, str(len(each)), spread(each, (50, 95, 99))) for name, each in measured]
    met = "met" if result <= GOAL_MS else "missed"
    notes = (
        f"Key to result, p95: {result:.1f} ms; the goal of {GOAL_MS:g} ms is {met}. "
        f"Ratio to the search alone: {result / alone:.1f}.",
    )
    header = ("", "count", "ms p50 / p95 / p99")
    return Section("Search screen while a bench seals", header, tuple(rows), notes)


if __name__ == "__main__":
    main()
