"""What cameras, disk, clock and shutdown do to a packing session, told as conversations."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from station.rules.commands import Cue, Exit, FileGap, FileNote, LookUp, StartClip
from station.rules.events import ClockJumped, Disk, Event, Moment, Recovered, SealFailed
from station.rules.state import Phase, State
from storage.records import (
    EndReason,
    Gap,
    Note,
    Status,
)
from tests.station.playbook import (
    FINISH,
    LOG,
    NOON,
    OK,
    RULES,
    SHUTDOWN,
    TWO,
    Playbook,
    alarm,
    at,
    clip_ended,
    clip_started,
    disk,
    down,
    gap,
    later,
    looked_up,
    open_session,
    opened,
    phase,
    photo,
    photographed,
    prior,
    question,
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
)

# ---------------------------------------------------------------------------- cameras


def test_a_camera_that_drops_out_makes_a_gap_and_a_second_part() -> None:
    play = recording()
    assert (
        play
        >> later(5_000)
        >> down()
        << stop("A")
        << alarm("camera_lost", camera="top", cause="unplugged")
        >> clip_ended("s-A")
        >> later(3_000)
        >> up()
        << start("A", 8_000, part=2)
        >> later(40)
        >> clip_started("s-A", part=2)
        << gap("A", "top", 5_000, 8_000, "unplugged")
        << say("camera_back", Cue.OK, camera="top")
        >> OK
        >> FINISH
        << say("missing_shots", slots="item,label")
        >> FINISH
        << stop("A", part=2)
        >> clip_ended("s-A", part=2)
        << seal("A", 8_040)
    )


def test_a_camera_that_is_back_before_its_part_has_ended_waits_for_it() -> None:
    play = recording()
    play >> down() << stop("A") << alarm("camera_lost", camera="top", cause="unplugged")
    play >> up() >> later(700) >> clip_ended("s-A") << start("A", 700, part=2)
    play >> clip_started("s-A", part=2) << gap("A", "top", 0, 700, "unplugged")
    play << say("camera_back", Cue.OK, camera="top")
    assert play


def test_a_gap_begins_where_the_video_ends_not_where_that_was_noticed() -> None:
    play = recording()
    play >> later(5_000) >> down(cause="no picture for 2 s") << stop("A")
    play << alarm("camera_lost", camera="top", cause="no picture for 2 s")
    play >> later(50) >> clip_ended("s-A", until_ms=3_000) >> later(2_950) >> up()
    play << start("A", 8_000, part=2) >> clip_started("s-A", part=2)
    play << gap("A", "top", 3_000, 8_000, "no picture for 2 s")
    assert play << say("camera_back", Cue.OK, camera="top")


def test_a_gap_begins_behind_a_hole_that_the_clip_ends_with() -> None:
    play = recording()
    hole = Gap("top", utc(8_000), utc(8_600), "disk full")
    play >> later(9_000) >> clip_ended("s-A", why="disk full", until_ms=8_030, holes=(hole,))
    play << FileGap("s-A", hole) << say("video_hole", camera="top", seconds="0.6", why="disk full")
    play << start("A", 9_000, part=2) << say("clip_restarted", camera="top", why="disk full")
    play >> clip_started("s-A", part=2) << gap("A", "top", 8_600, 9_000, "disk full")
    assert play << say("camera_back", Cue.OK, camera="top")


def test_a_clock_that_is_set_makes_no_gap_longer() -> None:
    play = recording()
    play >> later(5_000)
    play >> (lambda now: replace(clip_ended("s-A", until_ms=4_000)(now), at=an_hour_on(now)))
    play << StartClip("s-A", "top", 2, an_hour_on(at(5_000)), "A")
    play << say("clip_restarted", camera="top", why="the clip ended by itself")
    since = Gap("top", utc(4_000 + 3_600_000), None, "the clip ended by itself")
    assert play
    assert play.state.active is not None
    assert play.state.active.gaps == (since,)


def an_hour_on(moment: Moment) -> Moment:
    return Moment(moment.utc + dt.timedelta(hours=1), moment.mono_ms)


def test_a_camera_that_dies_while_its_last_part_ends_leaves_a_gap_to_the_end() -> None:
    play = photographed()
    play >> later(5_000) >> FINISH << stop("A") >> later(1_000)
    play >> clip_ended("s-A", why="its program was killed", until_ms=4_200)
    play << gap("A", "top", 4_200, None, "its program was killed") << seal("A", 5_000)
    assert play


def test_a_last_part_that_is_whole_has_no_gap_whatever_became_of_its_camera() -> None:
    play = photographed()
    play >> later(5_000) >> FINISH << stop("A") >> later(1_000)
    play >> clip_ended("s-A", why="its program was killed", until_ms=5_010) << seal("A", 5_000)
    assert play


def test_a_gap_that_never_ends_is_filed_before_the_seal() -> None:
    play = photographed()
    play >> later(1_000) >> down() << stop("A")
    play << alarm("camera_lost", camera="top", cause="unplugged") >> clip_ended("s-A")
    play >> down(cause="no such device") >> down(cause="no such device") << LOG
    play >> FINISH << gap("A", "top", 1_000, None, "unplugged") << seal("A", 1_000)
    assert play


def test_a_camera_that_drops_out_while_its_clip_starts_is_stopped_when_it_has_started() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    play >> opened("s-A") >> down() << alarm("camera_lost", camera="top", cause="unplugged")
    play >> clip_started("s-A") << stop("A") << alarm("no_video", number="A")
    assert phase(play) is Phase.RECORDING


def test_one_camera_down_at_the_scan_is_a_gap_from_the_scan_on() -> None:
    play = Playbook(TWO)
    play >> up("top") >> down("side", "no such device") >> scan("A") << LookUp("A")
    play >> later(50) >> looked_up("A") << open_session("A") << start("A")
    play >> opened("s-A") >> clip_started("s-A")
    play << say("recording_with_gap", number="A", cameras="side")
    play >> later(950) >> up("side") << start("A", 1_000, camera="side")
    play >> clip_started("s-A", "side") << gap("A", "side", 0, 1_000, "no such device")
    play << say("camera_back", Cue.OK, camera="side")
    assert play


def test_without_any_camera_packing_goes_on_with_an_alarm() -> None:
    play = Playbook()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A")
    play >> opened("s-A") << alarm("no_video", number="A")
    assert phase(play) is Phase.RECORDING
    play >> FINISH << say("missing_shots", slots="item,label")
    play >> FINISH << gap("A", "top", 0, None, "starting") << seal("A")
    assert phase(play) is Phase.IDLE


def test_where_a_camera_is_compulsory_nothing_is_opened_without_one() -> None:
    play = Playbook(replace(RULES, allow_without_camera=False))
    play >> scan("A") << LookUp("A") >> looked_up("A") << alarm("no_camera", number="A")
    assert phase(play) is Phase.IDLE


def test_where_a_camera_is_compulsory_one_of_two_will_do() -> None:
    play = Playbook(replace(TWO, allow_without_camera=False))
    play >> up("top") >> scan("A") << LookUp("A") >> looked_up("A")
    play << open_session("A") << start("A") >> opened("s-A") >> clip_started("s-A")
    assert play << say("recording_with_gap", number="A", cameras="side")


def test_where_a_camera_is_compulsory_a_session_whose_clips_all_fail_is_cancelled() -> None:
    play = ready(replace(RULES, allow_without_camera=False))
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    play >> opened("s-A") >> clip_ended("s-A", kept=False, why="no encoder")
    play << alarm("clip_lost", camera="top", cause="no encoder") << alarm("no_camera", number="A")
    play << gap("A", "top", 0, None, "no encoder")
    play << seal("A", 0, EndReason.CANCEL, Status.CANCELLED, "no camera recorded")
    assert phase(play) is Phase.IDLE


def test_a_clip_that_does_not_start_is_a_gap_and_is_tried_again_every_minute() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> later(9_000)
    play >> looked_up("A") << open_session("A") << start("A")
    play >> opened("s-A") >> clip_ended("s-A", kept=False, why="no encoder")
    play << alarm("clip_lost", camera="top", cause="no encoder")
    play << alarm("no_video", number="A")
    assert phase(play) is Phase.RECORDING
    play >> disk(Disk.LOW) << say("disk_low") >> disk(Disk.LOW) << LOG
    play >> later(50_999) >> later(1) << start("A", 60_000, part=2)
    play >> clip_started("s-A", part=2) << gap("A", "top", 0, 60_000, "no encoder")
    play << say("camera_back", Cue.OK, camera="top")
    assert play


def test_a_clip_that_ends_by_itself_is_followed_by_a_new_part() -> None:
    play = recording()
    play >> later(9_000) >> clip_ended("s-A", why="the size changed")
    play << start("A", 9_000, part=2)
    play << say("clip_restarted", camera="top", why="the size changed")
    play >> clip_started("s-A", part=2) << gap("A", "top", 9_000, 9_000, "the size changed")
    play << say("camera_back", Cue.OK, camera="top")
    assert play


def test_replies_that_fit_no_clip_change_nothing() -> None:
    play = recording()
    play >> clip_started("s-A") << LOG >> clip_started("s-A", part=2) << LOG
    play >> clip_started("s-A", "side") << LOG >> clip_ended("s-A", part=2) << LOG
    play >> down() << stop("A") << alarm("camera_lost", camera="top", cause="unplugged")
    play >> clip_ended("s-A") >> clip_ended("s-A", kept=False) << LOG
    assert play


def test_a_clip_that_ends_by_itself_without_a_word_has_a_cause_too() -> None:
    play = recording()
    play >> later(1_000) >> clip_ended("s-A")
    assert play << alarm("clip_lost", camera="top", cause="the clip ended by itself")


def test_a_part_that_starts_while_sealing_is_stopped_and_closes_its_gap() -> None:
    play = photographed()
    play >> down() << stop("A") << alarm("camera_lost", camera="top", cause="unplugged")
    play >> clip_ended("s-A") >> later(1_000) >> up() << start("A", 1_000, part=2)
    play >> FINISH >> clip_started("s-A", part=2)
    play << gap("A", "top", 0, 1_000, "unplugged") << stop("A", part=2)
    assert play >> clip_ended("s-A", part=2) << seal("A", 1_000)


def test_a_clip_that_keeps_ending_does_not_spin() -> None:
    play = recording()
    play >> later(1_000) >> clip_ended("s-A", why="broken")
    play << alarm("clip_lost", camera="top", cause="broken") >> later(58_999)
    assert play >> later(1) << start("A", 60_000, part=2)


def test_a_clip_of_which_nothing_was_kept_is_a_gap_from_its_start() -> None:
    play = photographed()
    play >> later(5_000) >> FINISH << stop("A")
    play >> clip_ended("s-A", kept=False, why="disk error")
    play << alarm("clip_lost", camera="top", cause="disk error")
    play << gap("A", "top", 0, None, "disk error") << seal("A", 5_000)
    assert play


def test_the_alarm_about_a_camera_blocks_nothing_and_does_not_pile_up() -> None:
    play = photographed(TWO)
    for part in range(1, 4):
        play >> down() << stop("A", part=part)
        play << alarm("camera_lost", camera="top", cause="unplugged")
        play >> clip_ended("s-A", part=part) >> up() << start("A", part=part + 1)
        play >> clip_started("s-A", part=part + 1) << gap("A", "top", 0, 0, "unplugged")
        play << say("camera_back", Cue.OK, camera="top")
    assert play
    assert play.alarms == ["camera_lost"]
    play >> FINISH << stop("A", part=4) << stop("A", "side")
    assert phase(play) is Phase.SEALING


def test_between_sessions_a_camera_only_changes_its_tile() -> None:
    play = ready()
    play >> down() >> up() >> up() << LOG
    assert play
    assert play.alarms == []


# ---------------------------------------------------------------------------- disk and clock


def test_a_full_disk_refuses_new_sessions_and_leaves_the_open_one_alone() -> None:
    play = photographed()
    play >> disk(Disk.LOW) << say("disk_low") >> disk(Disk.FULL) << say("disk_full")
    play >> scan("B") << alarm("disk_full")
    assert phase(play) is Phase.RECORDING
    play >> FINISH << stop("A") >> clip_ended("s-A") << seal("A")
    play >> scan("B") << alarm("disk_full")
    assert phase(play) is Phase.IDLE
    assert play.state.wanted is None
    play >> OK >> disk(Disk.OK) << say("disk_ok", Cue.NONE) >> scan("B") << LookUp("B")
    assert play


def test_a_disk_that_fills_up_while_a_waybill_waits_is_told() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> disk(Disk.FULL) << say("disk_full")
    play >> looked_up("A") << alarm("disk_full")
    assert phase(play) is Phase.IDLE


def test_a_clip_that_the_disk_cut_short_goes_on_when_there_is_room_again() -> None:
    play = recording()
    play >> disk(Disk.FULL) << say("disk_full")
    play >> later(9_000) >> clip_ended("s-A", why="disk full")
    play << alarm("clip_lost", camera="top", cause="disk full") >> later(61_000)
    play >> disk(Disk.LOW) << say("disk_low") << start("A", 70_000, part=2)
    play >> clip_started("s-A", part=2) << gap("A", "top", 9_000, 70_000, "disk full")
    play << say("camera_back", Cue.OK, camera="top")
    assert play


def test_a_camera_that_comes_back_may_use_the_last_bytes() -> None:
    play = recording()
    play >> disk(Disk.FULL) << say("disk_full") >> down() << stop("A")
    play << alarm("camera_lost", camera="top", cause="unplugged")
    play >> clip_ended("s-A") >> up() << start("A", part=2)
    assert play


def test_a_clock_that_jumps_is_noted_in_the_open_session() -> None:
    def jump(now: Moment) -> Event:
        return ClockJumped(now, -3_600_000, offset_ms=1_000_000)

    text = (
        "the clock was moved by -3600000 ms: its offset to the bench's steady clock "
        "was 4600000 ms and is 1000000 ms from now on"
    )
    assert ready() >> jump << LOG
    assert recording() >> jump << LOG << FileNote("s-A", Note(NOON, "clock_jump", text))


# ---------------------------------------------------------------------------- start and stop


def test_what_was_repaired_at_the_start_is_told() -> None:
    play = Playbook()
    play >> (lambda now: Recovered(now, ("A", "B")))
    play << say("recovered", count="2", numbers="A,B")
    assert play >> (lambda now: Recovered(now, ())) << LOG


def test_shutdown_seals_what_is_open_as_interrupted_and_leaves_once() -> None:
    play = recording()
    assert (
        play
        >> SHUTDOWN
        << stop("A")
        >> SHUTDOWN
        << LOG
        >> scan("B")
        << say("closing")
        >> clip_ended("s-A")
        << seal("A", 0, EndReason.SHUTDOWN, Status.INTERRUPTED)
        >> sealed("s-A", Status.INTERRUPTED)
        << say("interrupted", number="A")
        << Exit()
        >> sealed("s-A", Status.INTERRUPTED)
        << LOG
        >> (lambda now: SealFailed(now, "s-A", "disk error"))
        << LOG
        >> later(1_000)
    )


def test_shutdown_does_not_wait_for_photos_that_no_camera_was_asked_for() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    play >> photo() >> SHUTDOWN << LOG >> clip_ended("s-A", kept=False, why="no folder")
    play << alarm("clip_lost", camera="top", cause="no folder") >> opened("s-A")
    play << gap("A", "top", 0, None, "no folder")
    assert play << seal("A", 0, EndReason.SHUTDOWN, Status.INTERRUPTED)


def test_shutdown_with_nothing_open_leaves_at_once() -> None:
    assert ready() >> SHUTDOWN << Exit()


def test_shutdown_waits_for_the_archive_or_its_failure() -> None:
    play = photographed()
    play >> FINISH << stop("A") >> clip_ended("s-A") << seal("A") >> SHUTDOWN
    assert play
    play >> (lambda now: SealFailed(now, "s-A", "disk error"))
    assert play << alarm("seal_failed", number="A", why="disk error") << Exit()


@pytest.mark.parametrize("asked", [False, True])
def test_shutdown_drops_a_waybill_that_waits(asked: bool) -> None:
    play = ready()
    play >> scan("A") << LookUp("A")
    if asked:
        play >> looked_up("A", prior()) << question("A")
    play >> SHUTDOWN << LOG << Exit()
    play >> looked_up("A") << LOG
    assert phase(play) is Phase.IDLE


def test_the_list_of_last_parcels_never_forgets_one_that_is_not_confirmed() -> None:
    play = ready(replace(RULES, slots=()))
    for count in range(60):
        number = f"N{count}"
        play.ms += 3_000
        play >> scan(number) << LookUp(number) >> looked_up(number)
        play << open_session(number, play.ms, required=()) << start(number, play.ms)
        play >> opened(f"s-{number}") >> clip_started(f"s-{number}")
        play << say("recording", Cue.OK, number=number) >> FINISH << stop(number)
        play >> clip_ended(f"s-{number}") << seal(number, play.ms)
        if count:
            play >> sealed(f"s-{number}") << say("sealed", Cue.SEALED, number=number)
    assert play
    kept = [finished.number for finished in play.state.handed_over]
    assert len(kept) == 51
    assert (kept[0], kept[-1]) == ("N59", "N0")
    assert play.state.session_count == 60


def test_a_state_is_a_value() -> None:
    """The screen may keep an old state: a step changes none."""
    play = ready()
    before: State = play.state
    copy = replace(before)
    assert play >> scan("A") << LookUp("A")
    assert before == copy
