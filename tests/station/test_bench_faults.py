"""The bench when something around it breaks: every command is answered, and nothing is lost."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import capture.barcode
from capture import events as told
from capture.remote import CameraProcess
from capture.sim import scene
from station import bench as bench_module
from station.bench import Bench
from station.config import Config
from station.diskspace import DiskWatch
from station.footage import Footage, NoStill
from station.rules import events, timeouts
from station.rules.commands import Cue
from station.rules.state import ClipPhase, Phase
from storage.archive import Archive
from storage.errors import ArchiveFull
from storage.evidence.verify import verify
from storage.records import LabelCheck, Status
from tests.station.packing import NUMBERS, SEED, Watched, config, found, running
from tests.storage.test_disk import disk_of, fill

DISK_MB = 24
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="its signals are not known here")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk_of(DISK_MB, tmp_path / "disk") as disk:
        yield disk


@pytest.fixture(autouse=True)
def scene_mended() -> Iterator[None]:
    yield
    scene(SEED).mend()


def without_shots(root: Path, **session: object) -> Config:
    return config(root, **session).model_copy(update={"shot": ()})


def workers(at: Watched) -> dict[str, int]:
    """The process of each camera."""
    cameras = at.bench._footage._cameras
    return {name: camera.pid for name, camera in cameras.items() if camera.pid is not None}


def alarms(at: Watched) -> list[str]:
    return [alarm.key for alarm in at.bench.state.alarms]


async def test_a_seal_that_a_full_disk_refused_comes_true_when_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_module, "REPAIR_S", 0.5)
    root = small_disk / "archive"
    async with running(without_shots(root)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        scene(SEED).fail("lost", view="side")
        await at.until(lambda: not at.bench.state.cameras[1].up, "the loss")
        await asyncio.sleep(1.0)
        ballast = fill(small_disk)
        at.bench.scan("PW:FINISH")
        await at.until(lambda: "seal_failed" in alarms(at), "the alarm")
        ballast.unlink()
        await at.sealed()

    (session,) = found(root, NUMBERS[0])
    assert session.status is Status.SEALED
    assert {clip.camera for clip in session.clips} == {"overhead", "side"}
    causes = {gap.camera: gap.cause for gap in session.gaps}
    assert "unplugged" in causes.pop("side")
    # What the camera above gave between the last write and the full disk is missing as well.
    assert all("disk full" in cause for cause in causes.values())
    assert verify(root) == []


async def test_a_session_that_could_not_be_opened_leaves_nothing_behind(small_disk: Path) -> None:
    root = small_disk / "archive"
    async with running(without_shots(root)) as at:
        await at.until(lambda: at.bench.started, "the start")
        ballast = fill(small_disk)
        at.bench.scan(NUMBERS[0])
        await at.until(lambda: "open_failed" in alarms(at), "the alarm")
        assert at.bench.state.phase is Phase.IDLE
        assert not [path for path in (root / "media").rglob("*") if path.is_file()]
        ballast.unlink()
        at.bench.scan("PW:OK")
        await at.until(lambda: at.bench.state.disk is events.Disk.OK, "room")
        await asyncio.sleep(2.0)
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        at.bench.scan("PW:FINISH")
        await at.sealed()
    assert [session.pass_no for session in found(root, NUMBERS[0])] == [1]
    assert verify(root) == []


async def test_a_camera_whose_source_is_wrong_leaves_the_others_at_work(tmp_path: Path) -> None:
    settings = without_shots(tmp_path)
    wrong = settings.camera[1].model_copy(update={"source": "sim:?seed=none"})
    settings = settings.model_copy(update={"camera": (settings.camera[0], wrong)})
    archive = Archive.open(tmp_path)
    at = Watched(Bench(settings, archive))
    at.bench.scan(NUMBERS[0])
    await at.phase(Phase.RECORDING)
    await at.until(lambda: at.active.has_clip(ClipPhase.ROLLING), "a clip")
    assert "seed" in at.bench.state.cameras[1].cause
    await at.bench.close()
    archive.close()
    assert [clip.camera for clip in found(tmp_path, NUMBERS[0])[0].clips] == ["overhead"]


async def test_a_photo_that_cannot_be_read_is_filed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> list[object]:
        raise RuntimeError("decoder broken")

    monkeypatch.setattr(capture.barcode, "read_still", broken)
    async with running(config(tmp_path)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        await at.shoot("label")
    (session,) = found(tmp_path, NUMBERS[0])
    assert [shot.label_check for shot in session.shots] == [LabelCheck.UNREADABLE]


async def test_a_camera_that_refuses_clip_and_photo_does_not_stop_packing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError("driver broken")

    monkeypatch.setattr(CameraProcess, "start_clip", refuses)
    monkeypatch.setattr(CameraProcess, "take_still", refuses)
    async with running(config(tmp_path)) as at:
        began = time.monotonic()
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        at.bench.send(events.ShotAsked, slot="item")
        await at.until(lambda: not at.active.pending, "the answer about the photo")
        assert time.monotonic() - began < timeouts.OPEN_LIMIT_MS / 1000
        assert "no_video" in alarms(at)
        assert "shot_failed" in [say.key for say in at.said]


@POSIX
async def test_nothing_is_sealed_while_a_file_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeouts, "SEAL_LIMIT_MS", 300)
    async with running(without_shots(tmp_path)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        await asyncio.sleep(0.5)
        pids = workers(at).values()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # neither of them finishes its file for now
        at.bench.scan("PW:FINISH")
        await at.until(lambda: at.bench.state.phase is Phase.IDLE, "the rules to go on")
        await asyncio.sleep(0.3)
        assert not at.bench.state.handed_over[0].confirmed
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[0])
    assert len(session.clips) == 2
    assert "clip_found" not in [note.what for note in session.notes]
    assert verify(tmp_path) == []


@POSIX
async def test_a_camera_program_that_crashes_is_a_gap_and_a_second_part(tmp_path: Path) -> None:
    async with running(without_shots(tmp_path)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        await asyncio.sleep(1.0)
        os.kill(workers(at)["overhead"], signal.SIGSEGV)
        await at.until(lambda: not at.bench.state.cameras[0].up, "the loss")
        assert "its program crashed (SIGSEGV)" in at.bench.state.cameras[0].cause
        assert at.bench.state.cameras[1].up
        await at.cameras_up()
        await asyncio.sleep(1.0)
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[0])
    parts = sorted((clip.camera, clip.part) for clip in session.clips)
    assert parts == [("overhead", 1), ("overhead", 2), ("side", 1)]
    assert all(clip.frames > 5 for clip in session.clips)
    (gap,) = session.gaps
    assert gap.camera == "overhead"
    assert gap.ended_at is not None
    assert "its program crashed" in gap.cause
    assert verify(tmp_path) == []


async def test_a_hole_in_a_clip_is_a_gap_in_its_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = dt.datetime(2026, 11, 22, 8, tzinfo=dt.UTC)
    hole = told.Hole(began, began + dt.timedelta(seconds=1), 30, "the disk was too slow")
    from_camera = Footage._from_camera

    def with_a_hole(self: Footage, event: told.CaptureEvent) -> None:
        if isinstance(event, told.ClipEnded) and event.camera == "side":
            event = replace(event, info=replace(event.info, holes=(hole,)))
        from_camera(self, event)

    monkeypatch.setattr(Footage, "_from_camera", with_a_hole)
    async with running(without_shots(tmp_path)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[0])
    (gap,) = session.gaps
    assert (gap.camera, gap.cause) == ("side", "the disk was too slow")
    assert (gap.started_at, gap.ended_at) == (hole.started_at, hole.ended_at)


async def test_a_camera_that_is_not_as_asked_is_said(tmp_path: Path) -> None:
    async with running(without_shots(tmp_path)) as at:
        warned = told.CameraWarned("side", "delivers 640x360 at 5 fps; 10 fps were asked for")
        at.bench._footage._from_camera(warned)
        await at.until(lambda: "camera_warned" in [say.key for say in at.said], "the warning")


async def test_a_still_for_no_session_answers_or_says_why_not(tmp_path: Path) -> None:
    async with running(without_shots(tmp_path)) as at:
        footage = at.bench._footage
        assert footage.cameras == ("overhead", "side")
        first, second = await asyncio.gather(
            footage.still("overhead", tmp_path / "1.jpg"), footage.still("side", tmp_path / "2.jpg")
        )
        assert (first.path, first.width) == (tmp_path / "1.jpg", 960)
        assert (second.path, second.width) == (tmp_path / "2.jpg", 640)
        scene(SEED).fail("lost", view="side")
        await at.until(lambda: not at.bench.state.cameras[1].up, "the loss")
        with pytest.raises(NoStill, match="unplugged"):
            await footage.still("side", tmp_path / "3.jpg")
        with pytest.raises(NoStill, match="camera top is not open"):
            await footage.still("top", tmp_path / "4.jpg")


async def test_a_close_that_is_cancelled_seals_all_the_same(tmp_path: Path) -> None:
    async with running(without_shots(tmp_path)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        first = asyncio.create_task(at.bench.close())
        await asyncio.sleep(0)
        first.cancel()
    (session,) = found(tmp_path, NUMBERS[0])
    assert session.status is Status.INTERRUPTED
    assert session.clips


async def test_closing_before_it_has_started_leaves_no_camera_open(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        at = Watched(Bench(config(tmp_path), archive))
        await at.bench.close()
        assert at.bench.statuses() == ()


async def test_a_disk_that_cannot_be_looked_at_stops_neither_scans_nor_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: DiskWatch) -> None:
        raise OSError("the disk was unplugged")

    monkeypatch.setattr(DiskWatch, "look", gone)
    monkeypatch.setattr(bench_module, "LOOK_S", 0.1)
    async with running(without_shots(tmp_path, question_timeout_s=2.0)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        await asyncio.sleep(0.5)
        at.bench.scan("PW:CANCEL")
        await at.until(lambda: at.bench.state.active is None, "time to answer the question")


async def test_a_repair_that_fails_is_tried_again_and_holds_up_no_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive.open(tmp_path) as archive:
        at = Watched(Bench(without_shots(tmp_path), archive))
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        at.bench._replies.pool.shutdown(wait=False, cancel_futures=True)
        await at.bench._replies.close()  # the program is gone, the session still open
        await at.bench._footage.close()

    recover = Archive.recover
    tries = []

    def full_at_first(self: Archive) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise ArchiveFull(self.root, "repairing the archive")
        return recover(self)

    monkeypatch.setattr(Archive, "recover", full_at_first)
    monkeypatch.setattr(bench_module, "REPAIR_S", 0.5)
    async with running(without_shots(tmp_path)) as at:
        at.bench.scan(NUMBERS[1])
        await at.phase(Phase.RECORDING)
        await at.until(lambda: "recovered" in [say.key for say in at.said], "the repair")
        assert at.active.waybill.number == NUMBERS[1]
    assert [s.status for s in found(tmp_path, NUMBERS[0])] == [Status.INTERRUPTED]
    assert verify(tmp_path) == []


async def test_goods_in_the_picture_are_told_without_a_sound(tmp_path: Path) -> None:
    async with running(without_shots(tmp_path)) as at:
        await at.until(lambda: at.bench.started, "the start")
        before = len(at.said)
        for text in ("6901234567892", "../../etc", "X" * 500):
            at.bench.scan(text, via="overhead")
        assert [say.quiet for say in at.said[before:]] == [True] * 3
        assert {say.cue for say in at.said[before:]} == {Cue.NONE}
        assert at.bench.state.phase is Phase.IDLE


async def test_a_camera_that_hangs_in_its_driver_is_let_go_of_at_the_end(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        at = Watched(Bench(without_shots(tmp_path), archive))
        await at.cameras_up()
        scene(SEED).fail("hang", view="side")
        await asyncio.sleep(0.3)
        pids = workers(at).values()
        assert await at.bench.close() is True
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        scene(SEED).mend()


async def test_early_scans_are_taken_once_and_in_order(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        at = Watched(Bench(without_shots(tmp_path), archive))
        for text in ("PW:PACKER:Bo", NUMBERS[0]):
            at.bench.scan(text)
        await at.phase(Phase.RECORDING)
        assert at.active.packer == "Bo"
        await at.bench.close()
    assert len(found(tmp_path, NUMBERS[0])) == 1


async def test_a_clock_that_is_set_back_is_noted_in_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_module, "LOOK_S", 0.1)
    offset = bench_module._offset_ms
    async with running(without_shots(tmp_path)) as at:
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        await asyncio.sleep(0.3)
        monkeypatch.setattr(bench_module, "_offset_ms", lambda: offset() - 3_600_000)
        await asyncio.sleep(0.5)
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[0])
    assert [note.what for note in session.notes] == ["clock_jump"]


@pytest.mark.parametrize("view", ["overhead", "side"])
async def test_a_camera_that_is_lost_while_it_is_asked_leaves_no_parcel_behind(
    tmp_path: Path, view: str
) -> None:
    """Lost before opening, between opening and the clip's start, during a shot, while sealing."""
    async with running(config(tmp_path)) as at:
        await asyncio.sleep(0.5)
        for number, when in zip(NUMBERS, ("before", "opening", "shot", "sealing"), strict=False):
            if when == "before":
                scene(SEED).fail("lost", view=view)
            at.bench.scan(number)
            if when == "opening":
                scene(SEED).fail("lost", view=view)
            await at.phase(Phase.RECORDING)
            at.bench.send(events.ShotAsked, slot="item")
            if when == "shot":
                scene(SEED).fail("lost", view=view)
            await at.until(lambda: not at.active.pending, "the answer about the photo")
            at.bench.scan("PW:FINISH")
            at.bench.scan("PW:FINISH")
            if when == "sealing":
                scene(SEED).fail("lost", view=view)
            await at.sealed()
            scene(SEED).mend()
            while at.bench.state.alarms:
                at.bench.scan("PW:OK")
            await at.cameras_up()
    for number in NUMBERS[:4]:
        (session,) = found(tmp_path, number)
        assert session.status is Status.SEALED
        for camera in ("overhead", "side"):
            told = {clip.camera for clip in session.clips} | {gap.camera for gap in session.gaps}
            assert camera in told
    assert verify(tmp_path) == []
