"""What a packer sees of numbers that are not sure, and of codes that only a camera has read."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from station.rules.events import CameraDown, Tick
from station.rules.state import Phase
from station.ui import sightings
from station.ui.big import Big
from station.ui.dialogs import Dialog
from station.ui.look import doubts
from station.ui.sightings import Sightings
from storage.records import CheckDigit, LabelCheck, Waybill
from tests.station.ui.solo import NUMBER, OTHER, Desk, desk

UNLISTED = "QX20260731A7"
WRONG = "1Z999AA10123456785"
SIZES = [(80, 24), (120, 34), (200, 60)]


def asked(d: Desk) -> str:
    """What the question on the screen says, drawn and plain; '' for none."""
    if not isinstance(d.app.screen, Dialog):
        return ""
    drawn = " ".join(big._text for big in d.app.screen.query(Big))
    return f"{drawn} {d.text()}"


async def wait(d: Desk, ms: int) -> None:
    """Let the bench believe that `ms` have passed, then tick."""
    shift: dict[str, Any] = {}
    state = d.state
    if state.last_scan is not None:
        shift["last_scan"] = (state.last_scan[0], state.last_scan[1] - ms)
    if state.unlisted is not None:
        since = state.unlisted.asked
        shift["unlisted"] = replace(
            state.unlisted, asked=replace(since, mono_ms=since.mono_ms - ms)
        )
    d.bench.show(**shift)
    d.bench.send(Tick)
    await d.settle()


# ---------------------------------------------------------------------------- the question


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_question_shows_the_number_and_both_answers(
    size: tuple[int, int], language: str
) -> None:
    async with desk(size=size, language=language) as d:
        await d.scan(UNLISTED)
        shown = asked(d)
        assert UNLISTED in shown
        assert "F5" in shown
        assert "F7" in shown
        assert ("No listed carrier has" if language == "en" else "没有这种单号") in " ".join(
            shown.split()
        )
        assert d.state.phase is Phase.IDLE


@pytest.mark.parametrize("by", ["key", "card", "mouse", "again"])
async def test_yes_by_key_card_mouse_or_a_second_scan(by: str) -> None:
    async with desk() as d:
        await d.scan(UNLISTED)
        assert UNLISTED in asked(d)
        if by == "key":
            await d.press("f5")
        elif by == "card":
            await d.scan("PW:YES")
        elif by == "mouse":
            await d.click("#key-yes")
        else:
            await d.scan(UNLISTED)
            assert asked(d), "the scanner's double read is no answer"
            await wait(d, 2_100)
            await d.scan(UNLISTED)
        assert asked(d) == ""
        assert d.state.phase is Phase.RECORDING
        assert d.state.active is not None
        assert d.state.active.waybill.number == UNLISTED
        assert "NO LISTED CARRIER" in d.text()


@pytest.mark.parametrize("by", ["key", "card", "mouse", "time", "cancel", "listed"])
async def test_no_by_key_card_mouse_time_cancel_or_a_listed_scan(by: str) -> None:
    async with desk() as d:
        await d.scan(UNLISTED)
        await d.press("enter")
        assert UNLISTED in asked(d), "the scanner's Enter is no answer"
        if by == "key":
            await d.press("f7")
        elif by == "card":
            await d.scan("PW:NO")
        elif by == "mouse":
            await d.click("#key-no")
        elif by == "cancel":
            await d.press("f8")
        elif by == "time":
            await wait(d, 19_000)
            assert UNLISTED in asked(d)
            await wait(d, 1_500)
        else:
            await d.scan(NUMBER)
        assert asked(d) == ""
        if by == "listed":
            assert d.state.active is not None
            assert d.state.active.waybill.number == NUMBER
        else:
            assert d.state.phase is Phase.IDLE
            assert f"{UNLISTED} is not recorded" in d.text()
        assert not any(done.number == UNLISTED for done in d.state.handed_over)


async def test_the_parcel_at_hand_goes_on_under_the_question() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        await d.scan(UNLISTED)
        assert UNLISTED in asked(d)
        await d.press("f1", "f1", "f1", "f1", "f4")
        assert d.state.handed_over[0].number == NUMBER
        assert d.state.handed_over[0].shots == 4
        assert UNLISTED in asked(d)
        await d.press("f5")
        assert d.state.active is not None
        assert d.state.active.waybill.number == UNLISTED


async def test_an_alarm_stands_before_the_question() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        await d.scan(UNLISTED)
        d.bench.send(CameraDown, camera="side", cause="unplugged")
        await d.settle()
        assert UNLISTED not in asked(d)
        await d.press("f5")
        assert d.state.unlisted is not None
        await d.press("f12")
        assert UNLISTED in asked(d)
        await d.press("f7")
        assert asked(d) == ""


# ---------------------------------------------------------------------------- the check digit


async def test_a_wrong_check_digit_is_marked_until_a_label_shows_the_number() -> None:
    async with desk() as d:
        await d.scan(WRONG)
        assert d.state.phase is Phase.RECORDING
        assert "CHECK DIGIT WRONG" in d.text()
        assert "its check digit is wrong" in d.text()
        active = d.state.active
        assert active is not None
        assert doubts(active) == ("check_digit",)
        banner = str(d.app.screen_stack[1].query_one("#plain-word").render())
        assert banner.endswith("CHECK")
        await d.press("f1", "f1", "f1", "f1")
        assert d.state.active is not None
        assert d.state.active.shots[-1].label_check is LabelCheck.MATCH
        assert "CHECK DIGIT WRONG" not in d.text()


async def test_a_right_check_digit_is_not_worth_a_word() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        assert "CHECK DIGIT" not in d.text()
        active = d.state.active
        assert active is not None
        assert active.waybill.check in (CheckDigit.OK, None)
        assert doubts(replace(active, waybill=Waybill("A", "A", "ups", CheckDigit.OK))) == ()


# ---------------------------------------------------------------------------- read by a camera


async def test_what_a_camera_read_is_shown_beside_what_was_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sightings, "SHOWN_S", 1.0)
    async with desk() as d:
        await d.scan(NUMBER)
        d.bench.scan("6901234567892", via="overhead")
        await asyncio.sleep(0.3)
        await d.settle()
        assert "read 6901234567892: a product code (overhead)" in d.text()
        assert f"Recording {NUMBER}" in d.text(), "what was said stays"
        assert d.state.phase is Phase.RECORDING
        await asyncio.sleep(1.5)
        await d.settle()
        assert "6901234567892" not in d.text()
        assert f"Recording {NUMBER}" in d.text()


@pytest.mark.parametrize("text", [UNLISTED, WRONG, "6901234567892", "hello\x1b[2J", "PW:WHAT"])
async def test_a_camera_opens_nothing_that_is_not_sure_and_says_why(text: str) -> None:
    async with desk() as d:
        d.bench.scan(text, via="overhead")
        await asyncio.sleep(0.3)
        await d.settle()
        assert d.state.phase is Phase.IDLE
        assert asked(d) == ""
        assert "(overhead)" in d.text()
        assert "\x1b" not in d.text()


async def test_a_sure_number_that_a_camera_reads_opens_as_before() -> None:
    async with desk() as d:
        d.bench.scan(OTHER, via="overhead")
        await d.settle()
        assert d.state.phase is Phase.RECORDING
        assert "(overhead)" not in d.text()


async def test_a_long_line_is_never_cut_for_what_a_camera_read() -> None:
    async with desk(size=(80, 24)) as d:
        await d.scan(NUMBER)
        await d.press("f4")
        line = next(line for line in d.text().splitlines() if "Photos missing" in line)
        d.bench.scan("6901234567892", via="overhead")
        await asyncio.sleep(0.4)
        await d.settle()
        shown = next(each for each in d.text().splitlines() if "Photos missing" in each)
        assert shown.startswith(line)


def test_each_code_stands_long_enough_and_none_for_ever() -> None:
    line = Sightings()
    assert line.text(0, 80) == ""
    line.tell("one", 0)
    line.tell("one", 0)
    assert line.text(0, 80) == "one"
    line.tell("one", 0.5)
    line.tell("two", 0.6)
    line.tell("three", 0.7)
    assert line.text(1.4, 80) == "one"
    assert line.text(1.6, 80) == "two"
    assert line.text(3.0, 80) == "two"
    assert line.text(3.2, 80) == "three"
    assert line.text(9.1, 80) == "three"
    assert line.text(9.3, 80) == ""


def test_without_room_codes_wait_but_not_until_nobody_knows_what_they_were() -> None:
    line = Sightings()
    line.tell("one", 0)
    assert line.text(0, 10) == ""
    assert line.text(5, 80) == "one"
    line.tell("two", 6)
    assert line.text(17, 80) == ""


def test_a_box_full_of_codes_keeps_the_newest() -> None:
    line = Sightings()
    for number in range(1_000):
        line.tell(f"code {number}", time.monotonic())
    assert line.text(time.monotonic(), 80) == "code 992"
