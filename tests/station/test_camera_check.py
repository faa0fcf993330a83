"""The check of the cameras: what is advised, and what is filed."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from capture.engines import Grey
from capture.events import StillInfo
from capture.frame import Frame, freeze
from capture.scenery import paint
from capture.settings import CameraStatus
from capture.still import choose, write_still
from capture.testcard import CardReading
from station import camera_check
from station.camera_check import (
    CLOSER,
    FOCUS,
    GLARE,
    GOOD,
    LIGHT,
    NO_CARD,
    POOR,
    Seen,
    check_cameras,
    judge,
    reading_cameras,
)
from station.config import CameraConfig, Config, ShotConfig
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.records import CameraCheck
from tests.capture.card import seen

CARD = CardReading(module_mm=0.33, px_per_mm=4, sharpness=900, brightness=210, glare=0)
FINE = Seen(CARD, sharpness=900, brightness=130, glare=0.01, reads=True)


def test_a_camera_that_reads_the_card_is_good() -> None:
    assert judge(FINE) == ()
    assert judge(replace(FINE, card=replace(CARD, module_mm=0.4), clock_offset_ms=-1500)) == ()


def test_each_fault_is_answered_by_what_removes_it() -> None:
    def of(**card: float | None) -> tuple[str, ...]:
        return judge(replace(FINE, card=replace(CARD, **card)))  # type: ignore[arg-type]

    assert of(module_mm=0.8, px_per_mm=1.6) == (CLOSER,)
    assert of(module_mm=None, px_per_mm=0.9) == (CLOSER,)
    assert of(module_mm=0.8, px_per_mm=4) == (FOCUS,)
    assert of(module_mm=None, px_per_mm=4) == (FOCUS,)
    assert of(brightness=50) == (LIGHT,)
    assert of(glare=0.3) == (GLARE,)
    # The dark or the lamp is why nothing is read: turning the focus would make it worse.
    assert of(module_mm=None, brightness=50) == (LIGHT,)
    assert of(module_mm=0.8, glare=0.3) == (GLARE,)
    assert of(module_mm=0.8, px_per_mm=1.6, brightness=50) == (LIGHT, CLOSER)


def test_without_a_card_a_reading_camera_is_not_proven_and_another_is_judged_as_it_is() -> None:
    assert judge(replace(FINE, card=None)) == (NO_CARD,)
    other = replace(FINE, card=None, reads=False)
    assert judge(other) == ()
    assert judge(replace(other, brightness=12)) == (LIGHT,)
    assert judge(replace(other, glare=0.9)) == (GLARE,)
    assert judge(replace(other, sharpness=6)) == (FOCUS,)
    coarse = replace(CARD, module_mm=1.0, px_per_mm=1.5)
    assert judge(replace(other, card=coarse)) == ()
    assert judge(replace(FINE, card=coarse)) == (CLOSER,)


def test_a_slow_camera_and_a_wrong_clock_are_told() -> None:
    (slow,) = judge(replace(FINE, warning="delivers 640x480; 1920x1080 was asked for"))
    assert "delivers 640x480; 1920x1080 was asked for" in slow
    assert judge(replace(FINE, clock_offset_ms=61_000)) == (
        "the clock is 61 s fast: switch network time on",
    )
    assert "slow" in judge(replace(FINE, clock_offset_ms=-61_000))[0]


def test_who_must_read_labels() -> None:
    cameras = (
        CameraConfig(name="top", source="0"),
        CameraConfig(name="side", source="1"),
        CameraConfig(name="gate", source="2", scan=True),
    )
    config = Config(camera=cameras)
    assert reading_cameras(config) == {"top", "gate"}
    shots = (ShotConfig(slot="item"), ShotConfig(slot="label", camera="side"))
    assert reading_cameras(Config(camera=cameras, shot=shots)) == {"side", "gate"}


class Shown:
    """Cameras that show these pictures; None: one that gives none."""

    def __init__(self, **pictures: Grey | None) -> None:
        self._pictures = pictures

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(self._pictures)

    async def still(self, camera: str, path: Path) -> StillInfo:
        grey = self._pictures[camera]
        if grey is None:
            raise OSError(f"camera {camera} is down: no picture for 2 s")
        picture = freeze(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
        return write_still(choose([Frame(0, 1, dt.datetime.now(dt.UTC), picture)]), path)

    def statuses(self) -> tuple[CameraStatus, ...]:
        return tuple(
            CameraStatus(name, shown is not None, "", 24.96, 0, 0, 0.0, 0, 0)
            for name, shown in self._pictures.items()
        )


def check(
    archive: Archive, shown: camera_check.Cameras, clock_server: str = "", **options: frozenset[str]
) -> tuple[CameraCheck, ...]:
    return asyncio.run(
        check_cameras(
            shown, archive, bench="bench-1", packer="Ana", clock_server=clock_server, **options
        )
    )


def test_a_check_is_filed_with_its_pictures_as_evidence(tmp_path: Path) -> None:
    table = cv2.cvtColor(paint(7, "side", 1280, 720).table, cv2.COLOR_BGR2GRAY)
    shown = Shown(top=seen(3.5, size=(1920, 1080)), side=table, gone=None)
    with Archive.open(tmp_path / "archive") as archive:
        top, side, gone = check(archive, shown, reads=frozenset({"top", "gone"}))
        assert archive.checks() == [top, side, gone]
    assert (top.verdict, top.advice, top.fps) == (GOOD, "", 25.0)
    assert top.module_mm is not None
    assert top.module_mm <= 0.4
    assert (top.bench, top.packer, top.clock_offset_ms) == ("bench-1", "Ana", None)
    assert (side.verdict, side.module_mm) == (GOOD, None)
    assert side.sharpness > 20
    assert (gone.verdict, gone.path, gone.size_bytes) == (POOR, "", 0)
    assert "no picture for 2 s" in gone.advice
    for one in (top, side):
        picture = tmp_path / "archive" / one.path
        assert picture.stat().st_size == one.size_bytes
        assert cv2.imread(str(picture)) is not None
    assert verify(tmp_path / "archive") == []


def test_a_camera_out_of_focus_is_poor_and_says_what_to_do(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive") as archive:
        (top,) = check(archive, Shown(top=seen(3.5, blur_px=2.5, size=(1920, 1080))))
    assert (top.verdict, top.advice) == (POOR, FOCUS)


def test_a_time_server_that_does_not_answer_delays_nothing_for_long(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive") as archive:
        (top,) = check(archive, Shown(top=seen(3.5, size=(1920, 1080))), "127.0.0.1:9")
    assert top.clock_offset_ms is None
    assert top.verdict == GOOD


def test_a_bench_without_cameras_files_nothing(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive") as archive:
        assert check(archive, Shown()) == ()
        assert archive.checks() == []


@pytest.mark.parametrize("limit_s", [0.05])
def test_a_camera_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit_s: float
) -> None:
    class Mute(Shown):
        async def still(self, camera: str, path: Path) -> StillInfo:
            await asyncio.sleep(60)
            raise AssertionError

    monkeypatch.setattr(camera_check, "STILL_LIMIT_S", limit_s)
    with Archive.open(tmp_path / "archive") as archive:
        (top,) = check(archive, Mute(top=None))
    assert top.verdict == POOR
    assert "no picture within" in top.advice
