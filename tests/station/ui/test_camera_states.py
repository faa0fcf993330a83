"""What the bench screen says of cameras that work, but not as they should, and of other trouble."""

from __future__ import annotations

import asyncio
import datetime as dt

import numpy as np
import pytest
from textual.geometry import Region

from capture.frame import Frame, freeze
from station.rules.commands import CheckCameras
from station.rules.events import (
    CameraDown,
    CameraUp,
    CameraWarned,
    Checked,
    CheckFailed,
    Disk,
    DiskChanged,
    Recovered,
    RepairFailed,
    ShotTaken,
)
from station.rules.state import Camera, Hole
from station.ui import look
from station.ui.big import Big
from station.ui.camera_frame import CameraFrame
from station.ui.dialogs import Dialog
from station.ui.picture import CameraTile
from storage.records import Gap
from tests.station.playbook import camera_check
from tests.station.ui.solo import NUMBER, OTHER, Desk, desk
from tests.station.ui.test_bench_screen import banner, large, pack

SIZES = [(80, 24), (120, 34), (200, 60)]
WARNING = "delivers 1280x720 at 15 fps; 1920x1080 at 30 fps was asked for"
SLOW = "the disk was too slow"


def frame(d: Desk, camera: str = "overhead") -> CameraFrame:
    return d.app.screen_stack[1].query_one(f"#frame-{camera}", CameraFrame)


def warning(d: Desk, camera: str = "overhead") -> str:
    """What stands on the tile of the camera, as far as it is seen."""
    region = frame(d, camera).query_one(".warning").region
    rows = d.text().splitlines()[region.y : region.bottom]
    return " ".join(" ".join(row[region.x : region.right] for row in rows).split())


def holes(seconds: float) -> tuple[Gap, ...]:
    now = dt.datetime.now(dt.UTC)
    return (Gap("", now, now + dt.timedelta(seconds=seconds), SLOW),)


# ---------------------------------------------------------------------------- the check


async def check(d: Desk, by: str) -> None:
    if by == "key":
        await d.press("f3")
    elif by == "card":
        await d.scan("PW:CHECK")
    else:
        await d.click("#key-check")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("by", ["key", "card", "mouse"])
async def test_the_cameras_are_checked_by_key_card_and_mouse(
    by: str, size: tuple[int, int]
) -> None:
    async with desk(size=size) as d:
        d.bench.held = {CheckCameras}
        await check(d, by)
        assert banner(d) == "CAMERAS"
        assert "Checking the cameras: hold the test card still" in d.text()
        d.bench.send(Checked, results=d.bench.checks)
        await d.settle()
        assert banner(d) == "READY"
        assert "These cameras see well: overhead 0.25 mm, side 0.25 mm" in d.text()
        assert "overhead ● 24 fps ✔ 0.25 mm" in d.text()
        assert "side" in d.text()


async def test_a_scan_while_a_check_runs_records_at_once() -> None:
    async with desk() as d:
        d.bench.held = {CheckCameras}
        await d.press("f3")
        await d.scan(NUMBER)
        assert banner(d) == "RECORDING"
        d.bench.send(Checked, results=d.bench.checks)
        await d.settle()
        assert banner(d) == "RECORDING"
        await d.press("f3")
        assert "Finish this parcel first" in d.text()


async def test_a_camera_that_sees_badly_is_an_alarm_and_stays_on_its_tile() -> None:
    async with desk() as d:
        d.bench.checks = (camera_check(), camera_check("side", None, "clean the lens"))
        await d.press("f3")
        assert isinstance(d.app.screen, Dialog)
        assert "clean the lens" in large(d)
        assert "check again with F3" in d.text() or "CHECK AGAIN WITH F3" in large(d).upper()
        await d.press("f12")
        assert frame(d, "side").has_class("warned")
        assert warning(d, "side") == "▲ Camera check: clean the lens"
        d.bench.checks = tuple(camera_check(name) for name in ("overhead", "side"))
        await d.press("f3")
        assert not frame(d, "side").has_class("warned")
        assert warning(d, "side") == ""


async def test_a_check_that_failed_says_why_and_what_to_do() -> None:
    async with desk() as d:
        d.bench.held = {CheckCameras}
        await d.press("f3")
        d.bench.send(CheckFailed, why="no room on the disk")
        await d.settle()
        assert "were not checked: no room on the disk. F3 tries again" in d.text()
        assert banner(d) == "READY"


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_keys_that_matter_now_fit_into_80_columns(language: str) -> None:
    async with desk(size=(80, 24), language=language) as d:
        screen = d.app.screen
        for at_work, keys in ((False, ("photo", "check")), (True, ("photo", "retake"))):
            if at_work:
                await d.scan(NUMBER)
            for key in (*keys, "finish", "return", "cancel", "help", "quit"):
                region = screen.query_one(f"#key-{key}").region
                assert region.area > 0, key
                assert region.right <= 80, key


# ---------------------------------------------------------------------------- warnings, holes


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_camera_that_is_not_as_asked_says_so_until_it_is(
    size: tuple[int, int],
) -> None:
    async with desk(size=size) as d:
        d.bench.send(CameraWarned, camera="overhead", what=WARNING)
        await d.settle()
        assert f"Camera overhead {WARNING}"[: size[0] - 6] in d.text()
        assert "overhead ▲ 24 fps" in d.text()
        assert warning(d).startswith("▲ delivers 1280x720 at 15 fps; 1920x1080 at 30")
        assert frame(d).query_one(".warning").region.area > 0
        d.bench.send(CameraWarned, camera="overhead", what="")
        await d.settle()
        assert "overhead ● 24 fps" in d.text()
        assert not frame(d).query_one(".warning").display


async def test_a_camera_that_is_down_shows_its_cause_and_no_picture() -> None:
    async with desk() as d:
        d.bench.send(CameraWarned, camera="side", what=WARNING)
        d.bench.send(CameraDown, camera="side", cause="no frame for 2.0 s")
        await d.settle()
        assert frame(d, "side").has_class("down")
        assert not frame(d, "side").has_class("warned")
        assert "no frame for 2.0 s" in d.text()
        d.bench.send(CameraUp, camera="side")
        await d.settle()
        assert frame(d, "side").has_class("warned")


async def test_where_there_is_room_for_one_picture_the_others_are_told_in_words() -> None:
    async with desk(size=(80, 24)) as d:
        assert "● side" in d.text()
        d.bench.send(CameraDown, camera="side", cause="no frame for 2.0 s")
        await d.settle()
        assert "✖ side no frame for 2.0 s" in d.text()


async def test_a_hole_in_the_video_is_said_and_stands_with_the_parcel_and_the_camera() -> None:
    async with desk() as d:
        d.bench.holes = holes(1.2)
        await pack(d)
        await d.press("f4")
        assert not isinstance(d.app.screen, Dialog)
        assert banner(d) == "SEALED"
        assert d.app.screen.query_one("#banner").has_class("check")
        assert "Saved with a gap" in large(d)
        assert warning(d) == f"▲ 1.2 s of the last video are missing: {SLOW}"
        assert "▲ " in next(line for line in d.text().splitlines() if f"…{NUMBER[-5:]}" in line)


async def test_a_long_hole_must_be_acknowledged_and_holds_up_nothing() -> None:
    async with desk() as d:
        d.bench.holes = holes(7.2)
        await pack(d)
        await d.press("f4")
        assert isinstance(d.app.screen, Dialog)
        assert "VIDEO HOLE" in large(d)
        assert SLOW in large(d)
        await d.scan(OTHER)
        assert d.state.active is not None
        await d.press("f12", "f12")
        assert banner(d) == "RECORDING"


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_what_an_alarm_draws_large_is_never_cut(size: tuple[int, int]) -> None:
    """Letters are not equally wide."""
    async with desk(size=size) as d:
        advice = "MMM WWWW MWM WMW MMMM WWWWW MMMMMM WWW MMMM WWWWWWWW MMMM"
        d.bench.checks = (camera_check("side", None, advice),)
        await d.press("f3")
        assert isinstance(d.app.screen, Dialog)
        for big in d.app.screen.query(Big):
            assert big.region.width >= big._cells()[0], big._text
            assert big.region.right <= size[0], big._text


# ---------------------------------------------------------------------------- pictures


async def test_a_tile_takes_pictures_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera's process sends small ones, and other ones after the camera has changed its size."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    async with desk() as d:
        tile = frame(d).query_one(CameraTile)
        for width, height in ((480, 270), (270, 480), (1920, 1080), (33, 17), (480, 360)):
            for level in (40, 200):
                bgr = np.full((height, width, 3), level, np.uint8)
                for _ in range(100):
                    shot = Frame(0, 1, dt.datetime.now(dt.UTC), freeze(bgr))
                    await asyncio.to_thread(d.bench.takers["overhead"], shot)
                    await asyncio.sleep(0.02)
                    if abs(shown_level(tile) - level) < 9:
                        break
                else:
                    pytest.fail(f"{width}x{height} was not shown")


def shown_level(tile: CameraTile) -> int:
    """The grey level in the middle of the tile."""
    middle = Region(tile.size.width // 2, tile.size.height // 2, 1, 1)
    ((segment, *_),) = tile.render_lines(middle)
    ground = segment.style.bgcolor if segment.style else None
    return ground.get_truecolor().green if ground else -1


# ---------------------------------------------------------------------------- photos


@pytest.mark.parametrize(
    ("fault", "word", "advice"),
    [
        ("photo_dark", "DARK", "more light, then F2"),
        ("photo_blurred", "BLURRED", "wipe the lens, then F2"),
        ("photo_moving", "MOVED", "hold it still, then F2"),
        ("photo_glaring", "GLARE", "turn the lamp or the box, then F2"),
    ],
)
async def test_a_bad_photo_is_said_at_once_and_marked(fault: str, word: str, advice: str) -> None:
    async with desk(size=(80, 24)) as d:
        await d.scan(NUMBER)
        d.bench.fault = fault
        await d.press("f1")
        assert advice in d.text()
        assert f"▲ {word}" in d.text()
        d.bench.fault = ""
        await d.press("f2")
        assert f"▲ {word}" not in d.text()
        assert "DONE" in d.text()
        assert d.bench.count(ShotTaken) == 2


# ---------------------------------------------------------------------------- the archive


async def test_a_repair_that_failed_is_told_until_it_is_done() -> None:
    async with desk() as d:
        d.bench.send(RepairFailed, why="the archive is locked")
        await d.settle()
        line = "EARLIER PARCELS NOT REPAIRED: pack on, tell the supervisor (the archive is locked)"
        assert line in d.text()
        d.bench.send(DiskChanged, level=Disk.FULL)
        await d.settle()
        assert "DISK FULL" in d.text()
        d.bench.send(DiskChanged, level=Disk.OK)
        d.bench.send(Recovered, numbers=())
        await d.settle()
        assert "NOT REPAIRED" not in d.text()
        assert "Earlier parcels are repaired" in d.text()


def test_the_worst_of_a_camera_is_told_first() -> None:
    poor = camera_check("a", None, "clean the lens")
    camera = Camera("a", True, "", warning=WARNING, hole=Hole(900, SLOW), check=poor)
    assert [key for key, _ in look.camera_look(camera).faults] == ["hole", "check_poor", "warning"]
