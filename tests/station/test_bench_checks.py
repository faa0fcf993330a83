"""The bench looks at its cameras, its clock and its archive: what it finds is said and filed."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.sim import scene
from station import bench as bench_module
from station.bench import Bench
from station.config import Config
from station.rules.events import CameraWarned
from station.rules.state import Phase
from storage.archive import Archive
from storage.errors import ArchiveBusy
from storage.records import CameraCheck, Session
from tests.station.packing import NUMBERS, SEED, Watched, config, found, running


@pytest.fixture(autouse=True)
def scene_mended() -> Iterator[None]:
    yield
    scene(SEED).mend()


def without_shots(root: Path) -> Config:
    return config(root).model_copy(update={"shot": ()})


def checks(root: Path) -> list[CameraCheck]:
    with Archive.open(root, read_only=True) as archive:
        return archive.checks()


def said(at: Watched) -> list[str]:
    return [say.key for say in at.said]


async def test_a_check_is_filed_with_its_pictures_and_holds_up_no_scan(tmp_path: Path) -> None:
    async with running(without_shots(tmp_path)) as at:
        await at.until(lambda: at.bench.started, "the start")
        at.bench.scan("PW:CHECK")
        assert at.bench.state.checking is not None
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        await at.until(lambda: at.bench.state.checking is None, "the check")
        at.bench.scan("PW:FINISH")
        await at.sealed()
        assert all(camera.check is not None for camera in at.bench.state.cameras)
        assert {"check_good", "check_poor"} & set(said(at))
    filed = checks(tmp_path)
    assert {check.camera for check in filed} == {"overhead", "side"}
    for check in filed:
        assert (check.bench, check.packer) == ("bench-t", "Ana")
        picture = (tmp_path / check.path).read_bytes()
        assert hashlib.sha256(picture).hexdigest() == check.sha256
        assert check.fps > 0
    assert len(found(tmp_path, NUMBERS[0])) == 1


async def test_a_check_that_the_archive_refuses_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise ArchiveBusy(tmp_path, "another program")

    monkeypatch.setattr(Archive, "begin_check", refuses)
    async with running(without_shots(tmp_path)) as at:
        await at.until(lambda: at.bench.started, "the start")
        at.bench.scan("PW:CHECK")
        await at.until(lambda: "check_failed" in said(at), "the failure")
        assert at.bench.state.checking is None
    assert checks(tmp_path) == []


async def session_with(at: Watched, root: Path, number: str) -> Session:
    """The sealed session of the parcel that is being recorded."""
    at.bench.scan("PW:FINISH")
    await at.sealed()
    (session,) = found(root, number)
    return session


async def test_a_clock_that_jumps_stands_in_the_record_with_both_offsets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_module, "LOOK_S", 0.2)
    lead_ms = 1_000_000
    monkeypatch.setattr(bench_module, "_offset_ms", lambda: lead_ms)
    async with running(without_shots(tmp_path)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        lead_ms += 3_600_000
        await asyncio.sleep(0.6)
        session = await session_with(at, tmp_path, NUMBERS[0])
    (note,) = [note for note in session.notes if note.what == "clock_jump"]
    assert "3600000 ms" in note.text
    assert "1000000 ms" in note.text
    assert "4600000 ms" in note.text


async def test_a_camera_that_is_not_as_asked_stands_in_the_record(tmp_path: Path) -> None:
    async with running(without_shots(tmp_path)) as at:
        at.bench.send(CameraWarned, camera="side", what="delivers 5 fps")
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        session = await session_with(at, tmp_path, NUMBERS[0])
    assert [(note.what, note.text) for note in session.notes] == [
        ("camera_warning", "side delivers 5 fps")
    ]


async def test_a_gap_of_an_earlier_run_is_marked_in_the_list_of_last_parcels(
    tmp_path: Path,
) -> None:
    for fail in (False, True):
        async with running(without_shots(tmp_path)) as at:
            number = NUMBERS[int(fail)]
            at.bench.scan(number)
            await at.phase(Phase.RECORDING)
            if fail:
                scene(SEED).fail("lost", view="side")
                await at.until(lambda: not at.bench.state.cameras[1].up, "the loss")
            await session_with(at, tmp_path, number)
        scene(SEED).mend()
    async with running(without_shots(tmp_path)) as at:
        await at.until(lambda: at.bench.started, "the start")
        assert [done.had_gap for done in at.bench.state.handed_over] == [True, False]


@pytest.mark.parametrize("error", [ArchiveBusy, sqlite3.OperationalError])
async def test_a_repair_that_fails_at_the_start_is_told_and_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr(bench_module, "LOOK_S", 0.1)
    monkeypatch.setattr(bench_module, "REPAIR_S", 0.2)
    repair, broken = Archive.recover, True

    def recover(archive: Archive) -> list[Session]:
        if broken:
            raise ArchiveBusy(tmp_path, "x") if error is ArchiveBusy else error("locked")
        return repair(archive)

    monkeypatch.setattr(Archive, "recover", recover)
    archive = Archive.open(tmp_path)
    at = Watched(Bench(without_shots(tmp_path), archive))
    await at.until(lambda: at.bench.started, "the start")
    assert at.bench.state.unrepaired
    assert said(at).count("repair_failed") == 1
    at.bench.scan(NUMBERS[0])
    await at.phase(Phase.RECORDING)
    broken = False
    await at.until(lambda: not at.bench.state.unrepaired, "the repair")
    assert "repaired" in said(at)
    await at.bench.close()
    archive.close()
