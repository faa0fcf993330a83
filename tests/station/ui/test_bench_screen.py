"""The running app on a headless terminal: what a packer sees, presses, scans and clicks."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from rich.color import ColorSystem
from textual.events import Paste
from textual.geometry import Region

from capture.frame import Frame, freeze
from station.diskspace import DiskView
from station.rules.commands import SealSession
from station.rules.events import (
    Acknowledged,
    CameraDown,
    CameraUp,
    Disk,
    DiskChanged,
    Prior,
    Refused,
    SealFailed,
    ShotTaken,
    ShutdownAsked,
)
from station.rules.state import Phase
from station.ui import look, pixels
from station.ui.big import Big
from station.ui.dialogs import Dialog, HelpScreen
from station.ui.picture import CameraTile
from storage.records import Kind, LabelCheck, Status, Waybill
from tests.station.ui.solo import NUMBER, OTHER, Desk, desk, key_of

SIZES = [(80, 24), (120, 34), (200, 60)]


def banner(d: Desk) -> str:
    """The word on the banner, as the key line repeats it in plain text."""
    return str(d.app.screen_stack[1].query_one("#plain-word").render()).split(": ")[1]


async def pack(d: Desk, number: str = NUMBER) -> None:
    await d.scan(number)
    await d.press("f1", "f1", "f1", "f1")


# ---------------------------------------------------------------------------- one parcel


async def test_a_parcel_from_scan_to_seal_is_told_at_every_step() -> None:
    async with desk() as d:
        assert banner(d) == "READY"
        await d.scan(NUMBER)
        assert banner(d) == "RECORDING"
        assert NUMBER in d.text()
        assert "NOW" in d.text()
        await d.press("f1")
        assert "DONE" in d.text()
        await d.press("f1", "f1", "f1", "f4")
        assert banner(d) == "SEALED"
        assert f"{NUMBER} is saved" in d.text()
        assert f"…{NUMBER[-5:]} 4/4" in d.text()
        assert d.text().count("DONE") == 4
        assert d.bench.scans == [NUMBER]


async def test_the_result_stands_for_a_while_and_goes_with_the_next_scan() -> None:
    async with desk() as d:
        await pack(d)
        await d.press("f4")
        assert banner(d) == "SEALED"
        await d.scan(OTHER)
        assert banner(d) == "RECORDING"
        assert OTHER in d.text()


async def test_after_the_result_the_bench_is_ready_and_the_slots_are_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(look, "SEALED_SHOWN_S", 0.2)
    async with desk() as d:
        await pack(d)
        await d.press("f4")
        await asyncio.sleep(0.7)
        assert banner(d) == "READY"
        assert d.text().count("TO DO") == 4


async def test_missing_photos_are_named_and_a_second_finish_seals() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        await d.press("f1", "f4")
        assert banner(d) == "CHECK"
        assert d.text().count("MISSING") == 3
        assert "PACKAGING, SEALED BOX, LABEL" in d.text()
        await d.press("f4")
        assert d.state.handed_over[0].shots == 1


async def test_a_wrong_label_stays_on_the_screen_after_it_was_acknowledged() -> None:
    async with desk() as d:
        d.bench.label = LabelCheck.MISMATCH
        await pack(d)
        await d.press("f12")
        assert banner(d) == "CHECK"
        assert "WRONG LABEL" in d.text()


async def test_a_seal_that_failed_stops_the_bench_in_words() -> None:
    async with desk() as d:
        d.bench.held = {SealSession}
        await pack(d)
        await d.press("f4")
        d.bench.send(SealFailed, session=d.state.handed_over[0].session, why="disk I/O error")
        await d.settle()
        assert isinstance(d.app.screen, Dialog)
        assert "DISK I/O ERROR" in d.text() or "disk I/O error" in d.text() or large(d)
        await d.press("f12")
        assert banner(d) == "STOP"


def large(d: Desk) -> str:
    """What the dialog says in pixels."""
    return " ".join(big._text for big in d.app.screen.query(Big))


# ---------------------------------------------------------------------------- hands


@pytest.mark.parametrize("by", ["key", "card", "mouse"])
async def test_photo_retake_finish_by_key_card_and_mouse(by: str) -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        for action in ("photo", "retake", "finish"):
            await act(d, by, action)
        assert d.bench.count(ShotTaken) == 2
        assert {shot.slot for shot in d.state.active.shots} == {"item"}  # type: ignore[union-attr]
        assert d.state.active.finish_warned  # type: ignore[union-attr]


@pytest.mark.parametrize("by", ["key", "card", "mouse"])
async def test_return_by_key_card_and_mouse(by: str) -> None:
    async with desk() as d:
        await act(d, by, "return")
        assert d.state.next_kind is Kind.RETURN
        assert banner(d) == "RETURN"
        await d.scan(NUMBER)
        assert banner(d) == "RETURN"
        assert d.state.active is not None
        assert d.state.active.kind is Kind.RETURN


@pytest.mark.parametrize("by", ["key", "card", "mouse"])
@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_a_duplicate_is_asked_and_answered(by: str, answer: str) -> None:
    async with desk() as d:
        d.bench.prior = Prior(
            "s", 1, dt.datetime.now(dt.UTC), "bench-2", "Bo", Kind.PACKING, Status.SEALED
        )
        await d.scan(NUMBER)
        assert isinstance(d.app.screen, Dialog)
        assert "PACK AGAIN?" in large(d)
        await act(d, by, answer)
        assert not isinstance(d.app.screen, Dialog)
        assert d.state.phase is (Phase.RECORDING if answer == "yes" else Phase.IDLE)


@pytest.mark.parametrize("by", ["key", "card", "mouse"])
async def test_cancel_is_asked_and_answered(by: str) -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        await act(d, by, "cancel")
        assert "CANCEL?" in large(d)
        await act(d, by, "yes")
        assert d.state.handed_over[0].status is Status.CANCELLED


@pytest.mark.parametrize("by", ["key", "mouse"])
async def test_a_reason_for_cancelling_is_chosen(by: str) -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        d.bench.held = {SealSession}
        await d.press("f8")
        await (d.press("f2") if by == "key" else d.click("Dialog #key-f2"))
        seal = next(c for c in d.bench.owed if isinstance(c, SealSession))
        assert seal.reason == "wrong item"


@pytest.mark.parametrize("by", ["key", "card", "mouse"])
async def test_an_alarm_is_acknowledged_by_key_card_and_mouse(by: str) -> None:
    async with desk() as d:
        await alarm(d)
        await act(d, by, "acknowledge")
        assert not d.state.alarms
        assert not isinstance(d.app.screen, Dialog)


async def test_a_click_on_a_slot_takes_its_photo() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        await d.click("#slot-sealed_box")
        assert [shot.slot for shot in d.state.active.shots] == ["sealed_box"]  # type: ignore[union-attr]


async def test_a_pedal_takes_photos_and_finishes() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        await d.press("pagedown", "pagedown", "pagedown", "pagedown", "pageup")
        assert d.state.handed_over[0].shots == 4


async def act(d: Desk, by: str, action: str) -> None:
    """Do `action` as a packer can."""
    keys = {
        "photo": "f1", "retake": "f2", "finish": "f4", "yes": "f5", "return": "f6", "no": "f7",
        "cancel": "f8", "acknowledge": "f12",
    }  # fmt: skip
    if by == "key":
        await d.press(keys[action])
    elif by == "card":
        await d.scan(f"PW:{'OK' if action == 'acknowledge' else action.upper()}")
    else:
        await d.click(f"#key-{action}")


# ---------------------------------------------------------------------------- alarms


async def alarm(d: Desk) -> None:
    await d.scan(NUMBER)
    d.bench.send(CameraDown, camera="side", cause="no frame for 2.0 s")
    await d.settle()
    assert isinstance(d.app.screen, Dialog)
    assert "CAMERA" in large(d)


@pytest.mark.parametrize(
    "end", ["enter", "tab", "ctrl+j"], ids=["carriage return", "tab", "line feed"]
)
async def test_the_scanner_cannot_acknowledge_an_alarm(end: str) -> None:
    async with desk() as d:
        await alarm(d)
        for code in ("", "garbage!", "../../etc", "=1+1", "4006381333931", NUMBER):
            await d.scan(code, end)
            assert len(d.state.alarms) == 1, code
            assert isinstance(d.app.screen, Dialog)


async def test_no_other_key_acknowledges_an_alarm() -> None:
    async with desk() as d:
        await alarm(d)
        await d.press("enter", "space", "escape", "f1", "f5", "f7", "y", "backspace", "tab")
        assert len(d.state.alarms) == 1


async def test_alarms_stand_one_after_the_other() -> None:
    async with desk() as d:
        await alarm(d)
        d.bench.send(CameraDown, camera="overhead", cause="the cable is out")
        await d.settle()
        await d.press("f12")
        assert isinstance(d.app.screen, Dialog)
        assert "OVERHEAD" in large(d).upper()
        await d.press("f12")
        assert not isinstance(d.app.screen, Dialog)


async def test_scans_are_routed_while_the_help_is_open() -> None:
    async with desk() as d:
        await d.press("f10")
        assert isinstance(d.app.screen, HelpScreen)
        await d.scan(NUMBER)
        assert d.bench.scans == [NUMBER]
        await d.press("escape")
        assert banner(d) == "RECORDING"


# ---------------------------------------------------------------------------- entry, scans


async def test_a_typed_number_is_shown_mended_and_entered() -> None:
    async with desk() as d:
        await d.press(*"SF139", "backspace", *"8")
        assert "Typed: SF138" in d.text()
        await d.press("escape")
        assert "Typed" not in d.text()
        await d.press(*"1Z5R89390357567127", "enter")
        assert d.bench.scans == [OTHER]
        assert "Typed" not in d.text()


async def test_a_scanner_without_a_terminator_is_understood() -> None:
    async with desk() as d:
        await d.scan(NUMBER, end="")
        await asyncio.sleep(0.4)
        assert d.bench.scans == [NUMBER]


async def test_keys_that_wait_behind_a_busy_screen_are_part_of_the_burst() -> None:
    """The screen hangs in the middle of a scan; the rest is handed over as the driver does it."""
    async with desk() as d:
        loop = asyncio.get_running_loop()
        for character in NUMBER[:9]:
            d.app.post_message(key_of(character))
        await d.pilot.pause()
        time.sleep(0.3)
        for character in NUMBER[9:] + "\r":
            asyncio.run_coroutine_threadsafe(d.app._post_message(key_of(character)), loop)
        d.app.look_again()
        await d.settle()
        assert d.bench.scans == [NUMBER]


async def test_a_paste_of_lines_is_a_scan_for_each() -> None:
    async with desk() as d:
        d.app.post_message(Paste(f"{NUMBER}\r\nPW:PHOTO\n"))
        await d.settle()
        assert d.bench.scans == [NUMBER, "PW:PHOTO"]


async def test_scans_that_are_no_waybill_are_refused_in_words() -> None:
    hostile = [
        "X" * 500, "../../etc", "=1+1", "4006381333931", "[bold]1Z[/bold]", "[/]", "{raw}",
        "\x1b[31mred\x1b[0m", "１２３", "\x11\x03", "$(reboot)", "<script>",
    ]  # fmt: skip
    async with desk() as d:
        for place, code in enumerate(hostile, 1):
            await d.scan(code)
            assert d.state.active is None
            assert d.app.is_running
            assert d.bench.count(Refused) == place, code
        assert d.bench.count(ShutdownAsked) == 0


async def test_a_card_for_a_packer_shows_who_packs() -> None:
    async with desk() as d:
        await d.scan("PW:PACKER:Zoë")
        assert "Packer: Zoë" in d.text()
        assert d.state.packer == "Zoë"


# ---------------------------------------------------------------------------- language, help, end


async def test_the_language_changes_at_any_moment() -> None:
    async with desk() as d:
        await alarm(d)
        await d.press("f9")
        assert "摄像头" in large(d)
        await d.press("f12")
        assert banner(d) == "录像中"
        assert "商品" in d.text().replace(" ", "") or large(d)
        await d.press("f9")
        assert banner(d) == "RECORDING"


async def test_the_help_names_every_key_and_each_can_be_clicked() -> None:
    async with desk() as d:
        await d.press("f10")
        text = d.text()
        for key in ("F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F12", "Ctrl+Q"):
            assert re.search(rf"{re.escape(key)}\s", text), key
        await d.click("#help-language")
        assert "按键与指令卡" in d.text()
        await d.click("#help-help")
        assert not isinstance(d.app.screen, HelpScreen)
        assert banner(d) == "就绪"
        await d.click("#key-help")
        assert isinstance(d.app.screen, HelpScreen)


async def test_quit_asks_while_a_parcel_is_open() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        await d.press("ctrl+q")
        assert d.bench.count(ShutdownAsked) == 0
        assert "Ctrl+Q again" in d.text()
        await d.press("ctrl+q")
        assert d.bench.count(ShutdownAsked) == 1


async def test_quit_leaves_an_idle_bench_at_once() -> None:
    async with desk() as d:
        await d.press("ctrl+q")
        assert d.bench.count(ShutdownAsked) == 1


# ---------------------------------------------------------------------------- sizes and colours


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_screen_says_all_at_every_size(size: tuple[int, int], language: str) -> None:
    async with desk(size=size, language=language) as d:
        await d.scan(NUMBER)
        await asyncio.sleep(0.3)
        screen = d.app.screen
        for selector in ("#word", "#clock", "#tail", "#slot-label", "#camera-overhead", "#disk"):
            widget = screen.query_one(selector)
            assert widget.region.area > 0, selector
            assert screen.region.contains_region(widget.region), selector
        drawn = screen.query_one("#word", Big)
        assert drawn.region.width >= drawn._cells()[0]
        clock = screen.query_one("#clock", Big)
        assert clock.region.width >= clock._cells()[0]


@pytest.mark.parametrize("size", [(10, 3), (20, 6), (40, 12), (59, 17), (79, 23)], ids=str)
async def test_a_tiny_terminal_still_says_the_most_important(size: tuple[int, int]) -> None:
    async with desk(size=size) as d:
        await d.scan(NUMBER)
        assert d.app.screen.query_one("#word", Big).region.area > 0
        if size[1] >= 12:
            assert NUMBER in d.text()


async def test_a_tiny_terminal_asks_for_a_larger_window() -> None:
    async with desk(size=(50, 14)) as d:
        assert "Make this window larger" in d.text()


async def test_a_storm_of_resizes_ends_in_the_right_picture() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        for width, height in [(80, 24), (10, 3), (200, 60), (1, 1), (59, 17), (120, 34)]:
            await d.pilot.resize_terminal(width, height)
        await d.settle()
        assert NUMBER in d.text()
        assert banner(d) == "RECORDING"


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_number_is_shown_whole(size: tuple[int, int]) -> None:
    async with desk(size=size) as d:
        await d.scan(NUMBER)
        active = d.state.active
        assert active is not None
        for digits in (8, 12, 18, 22, 34, 40):
            number = "".join(str(place % 10) for place in range(digits))
            d.bench.show(active=replace(active, waybill=Waybill(number, number, None)))
            await d.settle()
            parts = [d.app.screen.query_one(f"#{name}", Big) for name in ("first", "head", "tail")]
            drawn = [part for part in parts if part.display]
            assert "".join(part._text for part in drawn) == number
            for part in drawn:
                assert part.region.right <= size[0]
                assert part.region.width >= part._cells()[0]
                assert part.region.height >= 3 or digits > 34


async def test_sixteen_colours_are_enough_to_tell_the_states_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    monkeypatch.setenv("TERM", "linux")

    def ground(d: Desk) -> int | None:
        color = d.app.screen.query_one("#banner").rich_style.bgcolor
        assert color is not None
        return color.downgrade(ColorSystem.STANDARD).number

    async with desk() as d:
        seen = [ground(d)]
        await d.scan(NUMBER)
        seen.append(ground(d))
        await d.press("f4")
        seen.append(ground(d))
        await d.press("f1", "f1", "f1", "f1", "f4")
        seen.append(ground(d))
        d.bench.held = {SealSession}
        await d.scan(OTHER)
        await d.press("f4", "f4")
        d.bench.send(SealFailed, session=d.state.handed_over[0].session, why="disk I/O error")
        await d.settle()
        await d.press("f12")
        seen.append(ground(d))
        assert len(set(seen)) == 5, seen


async def test_no_color_shows_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with desk() as d:
        await d.scan(NUMBER)
        await film(d, "overhead")
        for strip in d.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                for color in (style.color, style.bgcolor) if style else ():
                    red, green, blue = color.get_truecolor() if color else (0, 0, 0)
                    assert red == green == blue


# ---------------------------------------------------------------------------- pictures


def picture() -> Frame:
    bgr = np.zeros((90, 160, 3), np.uint8)
    bgr[:, 80:] = (40, 200, 240)
    return Frame(0, time.monotonic_ns(), dt.datetime.now(dt.UTC), freeze(bgr))


async def test_a_camera_tile_shows_the_newest_picture_and_nothing_when_it_is_lost() -> None:
    async with desk() as d:
        await film(d, "overhead")
        d.bench.send(CameraDown, camera="overhead", cause="no frame for 2.0 s")
        d.bench.send(Acknowledged)
        await d.settle()
        assert "NO PICTURE" in d.text()
        assert "no frame for 2.0 s" in d.text()
        d.bench.send(CameraUp, camera="overhead")
        await d.settle()
        assert not shows_picture(d.app.screen.query_one("#camera-overhead", CameraTile))


async def film(d: Desk, camera: str) -> None:
    """Until the tile of `camera` shows `picture`."""
    tile = d.app.screen.query_one(f"#camera-{camera}", CameraTile)
    for _ in range(100):
        await asyncio.to_thread(d.bench.takers[camera], picture())
        await asyncio.sleep(0.02)
        if shows_picture(tile):
            return
    pytest.fail("the tile shows no picture")


def shows_picture(tile: CameraTile) -> bool:
    (row,) = tile.render_lines(Region(0, 2, tile.size.width, 1))
    return len({segment.style.bgcolor for segment in row if segment.style}) > 1


async def test_the_disk_is_told_in_days_and_by_a_banner() -> None:
    async with desk() as d:
        assert "DISK 23 d 3 h of packing left" in d.text()
        d.bench.disk_view = DiskView(30_000_000_000, 0.6, Disk.LOW)
        d.bench.send(DiskChanged, level=Disk.LOW)
        await d.settle()
        assert "DISK LOW: 4 h of packing left. Pack on, tell the supervisor" in d.text()
        assert banner(d) == "READY"
        d.bench.send(DiskChanged, level=Disk.FULL)
        await d.settle()
        assert "DISK FULL: no new parcel. Call the supervisor" in d.text()
        assert banner(d) == "STOP"
        d.bench.send(DiskChanged, level=Disk.OK)
        await d.settle()
        assert "DISK FULL" not in d.text()
        assert banner(d) == "READY"


async def test_the_simulated_bench_says_so() -> None:
    async with desk() as d:
        assert "SIMULATED BENCH" in d.text()


# ---------------------------------------------------------------------------- sound, start-up


async def test_bells_ring_by_cue_and_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk() as d:
        rung: list[float] = []
        monkeypatch.setattr(d.app, "bell", lambda: rung.append(time.monotonic()))
        for _ in range(20):
            d.bench.send(Refused, raw="x", reason="scan_too_short")
        await asyncio.sleep(0.5)
        assert 1 <= len(rung) <= 2
        rung.clear()
        await alarm(d)
        await asyncio.sleep(0.5)
        assert len(rung) >= 3


async def test_a_silent_bench_rings_no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(sound=False) as d:
        rung: list[int] = []
        monkeypatch.setattr(d.app, "bell", lambda: rung.append(1))
        await alarm(d)
        assert not rung


def test_the_screen_loads_without_opencv() -> None:
    """The first picture must not wait for it."""
    code = (
        "import sys, station.ui.app\n"
        "print(*(m for m in ('cv2', 'av', 'zxingcpp', 'pyzbar', 'capture.camera') "
        "if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_printable_character_has_pixels() -> None:
    for code in range(0x20, 0x7F):
        for size in ("small", "medium", "bold", "large"):
            drawn = pixels.grid(chr(code), size)
            assert drawn is not None
            assert code == 0x20 or any(any(row) for row in drawn), chr(code)


@pytest.mark.parametrize("size", ["small", "medium", "bold"])
def test_letters_and_digits_cannot_be_taken_for_one_another(size: pixels.Size) -> None:
    characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-:./?!%"
    assert len({pixels.grid(c, size) for c in characters}) == len(characters)


def test_chinese_is_drawn_once_the_font_is_loaded() -> None:
    pixels.load_raster()
    drawn = pixels.grid("录像中", "bold")
    assert drawn is not None
    assert pixels.rows("录像中", "bold") == 8
    assert 40 <= pixels.cells("录像中", "bold") <= 60
    assert any(0 < value < 255 for row in drawn for value in row)
