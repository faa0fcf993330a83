"""Cameras that work, but not as they should: holes, warnings, checks; and what else is noted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from station.rules.checks import CHECK_LIMIT_MS
from station.rules.clips import HOLE_ALARM_MS
from station.rules.commands import CheckCameras, Cue, FileGap, LookUp
from station.rules.events import (
    CheckFailed,
    ClockJumped,
    Disk,
    Event,
    Moment,
    Recovered,
    RepairFailed,
)
from station.rules.state import Hole, Phase
from storage.records import EndReason, Gap
from tests.station.playbook import (
    CHECK,
    FINISH,
    LOG,
    OK,
    RULES,
    SHUTDOWN,
    TWO,
    Playbook,
    Told,
    alarm,
    camera_check,
    checked,
    clip_ended,
    clip_started,
    disk,
    down,
    gap,
    later,
    looked_up,
    note,
    open_session,
    opened,
    phase,
    photographed,
    ready,
    recording,
    say,
    scan,
    seal,
    sealed,
    start,
    stop,
    up,
    utc,
    warned,
)

SLOW = "the disk was too slow"
WARNING = "delivers 1280x720; 1920x1080 was asked for"


def hole(start_ms: int, end_ms: int, cause: str = SLOW, camera: str = "top") -> Gap:
    return Gap(camera, utc(start_ms), utc(end_ms), cause)


def filed(hole: Gap, number: str = "A") -> FileGap:
    return FileGap(f"s-{number}", hole)


# ---------------------------------------------------------------------------- holes


def test_a_hole_in_a_clip_is_a_gap_and_is_said_once() -> None:
    one = hole(1_000, 2_200)
    play = photographed()
    play >> FINISH << stop("A") >> clip_ended("s-A", holes=(one,)) << filed(one)
    play << say("video_hole", camera="top", seconds="1.2", why=SLOW) << seal("A")
    assert play
    assert play.alarms == []
    assert play.state.handed_over[0].had_gap


def test_several_holes_are_filed_each_and_said_together() -> None:
    holes = (hole(0, 100, "the encoder was too slow"), hole(500, 1_250), hole(2_000, 2_001))
    play = photographed()
    play >> FINISH << stop("A") >> clip_ended("s-A", holes=holes)
    for one in holes:
        play << filed(one)
    play << say("video_hole", camera="top", seconds="0.9", why=SLOW) << seal("A")
    assert play


@pytest.mark.parametrize("end_ms", [HOLE_ALARM_MS, HOLE_ALARM_MS + 1])
def test_more_than_two_seconds_are_an_alarm_that_holds_up_no_parcel(end_ms: int) -> None:
    one = hole(0, end_ms)
    long = end_ms > HOLE_ALARM_MS
    said = alarm if long else say
    play = photographed()
    play >> scan("B") << stop("A") >> clip_ended("s-A", holes=(one,)) << filed(one)
    play << said("video_hole", camera="top", seconds="2.1" if long else "2.0", why=SLOW)
    play << seal("A", reason=EndReason.NEXT_SCAN) << LookUp("B")
    play >> looked_up("B") << open_session("B") << start("B")
    assert phase(play) is Phase.OPENING
    assert play.alarms == (["video_hole"] if long else [])


def test_a_hole_stays_with_its_camera_until_a_clip_without_one() -> None:
    one = hole(1_000, 2_200)
    play = photographed()
    play >> FINISH << stop("A") >> clip_ended("s-A", holes=(one,)) << filed(one)
    play << say("video_hole", camera="top", seconds="1.2", why=SLOW) << seal("A")
    play >> sealed("s-A") << say("sealed", Cue.SEALED, number="A")
    assert play
    assert play.state.cameras[0].hole == Hole(1_200, SLOW)
    play >> scan("B") << LookUp("B") >> looked_up("B") << open_session("B") << start("B")
    play >> opened("s-B") >> clip_started("s-B") << say("recording", Cue.OK, number="B")
    assert play
    assert play.state.cameras[0].hole is not None
    play >> FINISH << say("missing_shots", slots="item,label") >> FINISH << stop("B")
    play >> clip_ended("s-B") << seal("B")
    assert play
    assert play.state.cameras[0].hole is None
    assert not play.state.handed_over[0].had_gap


def test_holes_of_a_part_that_the_camera_ended_are_filed_beside_its_gap() -> None:
    one = hole(100, 200)
    play = recording(TWO)
    (
        play
        >> down("side")
        << stop("A", "side")
        << alarm("camera_lost", camera="side", cause="unplugged")
    )
    play >> clip_ended("s-A", "side", holes=(one,)) << filed(one)
    play << say("video_hole", camera="side", seconds="0.1", why=SLOW)
    play >> up("side") << start("A", camera="side", part=2)
    play >> clip_started("s-A", "side", 2) << gap("A", "side", 0, 0, "unplugged")
    assert play << say("camera_back", Cue.OK, camera="side")


def test_what_never_became_a_clip_has_no_holes() -> None:
    """It is a gap as a whole."""
    play = photographed()
    play >> FINISH << stop("A") >> clip_ended("s-A", kept=False, why="no", holes=(hole(0, 5),))
    play << alarm("clip_lost", camera="top", cause="no") << gap("A", "top", 0, None, "no")
    assert play << seal("A")


# ---------------------------------------------------------------------------- warnings


def test_a_warning_is_said_and_noted_in_the_session_at_hand() -> None:
    play = recording()
    play >> warned(WARNING) << say("camera_warned", camera="top", what=WARNING)
    play << note("A", 0, "camera_warning", f"top {WARNING}")
    play >> warned(WARNING) << LOG
    play >> warned("") << say("camera_as_asked", Cue.NONE, camera="top")
    assert play << note("A", 0, "camera_warning", "top works as asked again")


def test_a_warning_that_stands_is_noted_in_every_session_that_opens() -> None:
    play = ready(TWO)
    play >> warned(WARNING, "side") << say("camera_warned", camera="side", what=WARNING)
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A")
    play << start("A") << start("A", camera="side")
    assert play << note("A", 0, "camera_warning", f"side {WARNING}")


def test_a_warning_outlives_an_outage() -> None:
    play = ready()
    play >> warned(WARNING) << say("camera_warned", camera="top", what=WARNING)
    play >> down() >> up()
    assert play
    assert play.state.cameras[0].warning == WARNING


def test_a_warning_of_a_camera_that_is_not_here_is_logged() -> None:
    assert ready() >> warned(WARNING, "attic") << LOG


# ---------------------------------------------------------------------------- checks


def checking() -> Playbook:
    play = ready(TWO)
    play >> CHECK << say("check_started", Cue.OK) << CheckCameras("Kim")
    assert play
    assert play.state.checking is not None
    return play


def test_a_good_check_names_what_each_camera_reads() -> None:
    play = checking() >> checked(camera_check(), camera_check("side", 0.5))
    play << say("check_good", Cue.OK, cameras="top 0.25 mm, side 0.5 mm")
    assert play
    assert play.state.checking is None
    assert [camera.check is not None for camera in play.state.cameras] == [True, True]


def test_a_poor_camera_is_an_alarm_with_advice_and_holds_up_nothing() -> None:
    poor = camera_check("side", None, "clean the lens")
    play = checking() >> checked(camera_check(), poor)
    play << alarm("check_poor", camera="side", advice="clean the lens")
    play << say("check_good", Cue.OK, cameras="top 0.25 mm")
    play >> scan("A") << LookUp("A")
    assert phase(play) is Phase.LOOKING_UP
    assert play.alarms == ["check_poor"]


def test_a_better_check_takes_the_alarm_back() -> None:
    play = checking() >> checked(camera_check("side", None, "clean the lens"))
    play << alarm("check_poor", camera="side", advice="clean the lens")
    play >> CHECK << say("check_started", Cue.OK) << CheckCameras("Kim")
    play >> checked(camera_check("side")) << say("check_good", Cue.OK, cameras="side 0.25 mm")
    assert play
    assert play.alarms == []


def test_a_scan_while_a_check_runs_opens_its_session_at_once() -> None:
    play = checking() >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A")
    play << start("A") << start("A", camera="side")
    play >> checked(camera_check()) << say("check_good", Cue.OK, cameras="top 0.25 mm")
    assert phase(play) is Phase.OPENING


@pytest.mark.parametrize("make", [recording, lambda: ready() >> scan("A") << LookUp("A")])
def test_no_check_while_a_parcel_is_at_hand(make: Callable[[], Playbook]) -> None:
    play = make() >> CHECK << say("check_not_now")
    assert play
    assert play.state.checking is None


def test_one_check_at_a_time() -> None:
    assert checking() >> CHECK << say("check_runs")


def test_a_bench_that_closes_checks_nothing() -> None:
    play = photographed() >> FINISH << stop("A") >> clip_ended("s-A") << seal("A")
    assert play >> SHUTDOWN >> CHECK << say("closing")


def test_a_check_that_failed_may_be_asked_for_again() -> None:
    play = checking() >> (lambda now: CheckFailed(now, "disk error"))
    play << say("check_failed", why="disk error")
    assert play >> CHECK << say("check_started", Cue.OK) << CheckCameras("Kim")


def test_a_check_without_cameras_has_failed() -> None:
    assert checking() >> checked() << say("check_failed", why="no camera was looked at")


def test_a_check_that_never_answers_is_given_up_and_counts_when_it_comes() -> None:
    play = checking() >> later(CHECK_LIMIT_MS) << say("check_failed", why="no answer")
    play >> checked(camera_check()) << say("check_good", Cue.OK, cameras="top 0.25 mm")
    assert play


def test_a_full_disk_does_not_forbid_to_ask() -> None:
    """The archive says whether there is room for the pictures."""
    play = ready() >> disk(Disk.FULL) << say("disk_full")
    assert play >> CHECK << say("check_started", Cue.OK) << CheckCameras("Kim")


@pytest.mark.parametrize("level", [Disk.OK, Disk.LOW])
def test_with_room_on_the_disk_the_alarm_goes_and_the_next_scan_is_packed(level: Disk) -> None:
    play = ready() >> disk(Disk.FULL) << say("disk_full")
    play >> scan("A") << alarm("disk_full")
    assert play
    assert play.alarms == ["disk_full"]
    cue = Cue.NONE if level is Disk.OK else Cue.WARN
    play >> disk(level) << say(f"disk_{level.value}", cue)
    assert play
    assert play.alarms == []
    assert play >> scan("A") << LookUp("A")


# ---------------------------------------------------------------------------- the clock, the repair

JUMP = (
    "the clock was moved by -3600000 ms: its offset to the bench's steady clock "
    "was 4600000 ms and is 1000000 ms from now on"
)


def jump(now: Moment) -> Event:
    return ClockJumped(now, -3_600_000, 1_000_000)


@pytest.mark.parametrize(("wait_ms", "noted"), [(9_000, True), (11_000, False)])
def test_a_jump_that_the_pre_roll_holds_is_noted_too(wait_ms: int, noted: bool) -> None:
    assert RULES.pre_roll_ms == 10_000
    play = ready() >> jump << LOG >> later(wait_ms) >> scan("A") << LookUp("A")
    play >> looked_up("A") << open_session("A", wait_ms) << start("A", wait_ms)
    if noted:
        play << note("A", wait_ms, "clock_jump", JUMP)
    assert play


def repair_failed(why: str) -> Told:
    return lambda now: RepairFailed(now, why)


def recovered(*numbers: str) -> Told:
    return lambda now: Recovered(now, numbers)


def test_a_repair_that_failed_is_told_once_and_stands_until_it_is_done() -> None:
    play = Playbook() >> repair_failed("locked") << say("repair_failed", why="locked")
    play >> repair_failed("locked") << LOG
    assert play
    assert play.state.unrepaired == "locked"
    play >> recovered("A") << say("repaired", Cue.OK)
    play << say("recovered", count="1", numbers="A")
    assert play
    assert play.state.unrepaired == ""


def test_an_error_without_words_is_told_all_the_same() -> None:
    play = Playbook() >> repair_failed("") << say("repair_failed", why="unknown")
    assert play


def test_acknowledging_an_alarm_leaves_the_fault_on_its_camera() -> None:
    play = checking() >> checked(camera_check("side", None, "clean the lens"))
    play << alarm("check_poor", camera="side", advice="clean the lens") >> OK
    assert play
    assert play.alarms == []
    check = play.state.cameras[1].check
    assert check is not None
    assert check.verdict == "poor"


def test_a_moment_is_never_rounded_to_nothing() -> None:
    assert Hole(1, SLOW).seconds == "0.1"
    assert Hole(1_200, SLOW).seconds == "1.2"
