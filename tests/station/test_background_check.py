"""The bench checks its whole archive when it is due: really, in a process of its own."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from station.background_check import BackgroundCheck, command
from station.bench import session_rules
from station.config import Config, with_archive
from station.config_archive import CheckConfig
from station.doctor import last_check
from station.findings import Level
from station.rules.state import Phase, State, initial
from storage.archive import Archive
from storage.check_run import FINISHED, last
from tests.storage.desk import Desk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive of three parcels."""
    with Archive.open(tmp_path / "archive") as archive:
        desk = Desk(archive)
        for number in range(3):
            desk.pack(f"1Z999AA1012345678{number}")
    return tmp_path / "archive"


def config(root: Path, every_days: int = 7) -> Config:
    chosen = with_archive(Config(), root)
    return chosen.model_copy(update={"check": CheckConfig(every_days=every_days)})


def idle() -> State:
    return initial(session_rules(Config()))


def spoil(root: Path) -> None:
    path = next(root.glob("media/*/*/*/*/label-*.jpg"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def finished_at(root: Path, at: str) -> None:
    db = sqlite3.connect(root / "archive.db")
    told = {"at": at, "problems": 0, "looked_at": 3, "bytes": 1}
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [FINISHED, json.dumps(told)])
    db.commit()
    db.close()


async def test_it_checks_and_tells_what_is_not_as_sealed(root: Path) -> None:
    checking = BackgroundCheck(config(root), idle)
    assert checking.due()
    await checking.check()
    assert checking.problems == 0
    assert not checking.due()
    spoil(root)
    await checking.check()
    assert checking.problems == 1
    later = BackgroundCheck(config(root), idle)
    assert not later.due()
    assert later.problems == 1


async def test_it_runs_by_itself_when_no_parcel_is_open(root: Path) -> None:
    state = idle()
    open_one = BackgroundCheck(
        config(root), lambda: replace(state, phase=Phase.RECORDING), look_s=0.01
    )
    task = asyncio.create_task(open_one.run())
    await asyncio.sleep(0.3)
    assert last(root) is None
    task.cancel()
    none_open = BackgroundCheck(config(root), lambda: state, look_s=0.01)
    task = asyncio.create_task(none_open.run())
    for _ in range(600):
        if last(root) is not None:
            break
        await asyncio.sleep(0.05)
    task.cancel()
    told = last(root)
    assert told is not None
    assert told["problems"] == 0


async def test_never_is_never(root: Path) -> None:
    await asyncio.wait_for(BackgroundCheck(config(root, 0), idle, look_s=0.01).run(), 5)
    assert last(root) is None


async def test_it_ends_with_the_bench(root: Path) -> None:
    checking = BackgroundCheck(config(root), idle)
    task = asyncio.create_task(checking.check())
    children: list[psutil.Process] = []
    for _ in range(200):
        children = [each for each in psutil.Process().children() if "check" in each.cmdline()]
        if children:
            break
        await asyncio.sleep(0.01)
    assert children
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


@pytest.mark.parametrize(
    ("age_days", "due"), [(6.9, False), (7.1, True), (-6.9, False), (-7.1, True)]
)
def test_it_is_due_by_the_configured_days(root: Path, age_days: float, *, due: bool) -> None:
    at = dt.datetime.now(dt.UTC) - dt.timedelta(days=age_days)
    finished_at(root, at.isoformat())
    assert BackgroundCheck(config(root), idle).due() == due


def test_the_command_is_this_program(root: Path) -> None:
    assert command(root, None)[1:] == (
        "-m", "station.cli", "check", "--background", "--archive", str(root),
    )  # fmt: skip
    assert command(root, root / "config.toml")[-2:] == ("--config", str(root / "config.toml"))


def test_doctor_tells_of_the_last_check(root: Path) -> None:
    assert "never" in last_check(config(root)).what
    finished_at(root, dt.datetime.now(dt.UTC).isoformat())
    assert last_check(config(root)).level is Level.OK
    finished_at(root, (dt.datetime.now(dt.UTC) - dt.timedelta(days=15)).isoformat())
    assert last_check(config(root)).level is Level.WARN
