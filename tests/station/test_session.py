"""The rules of a packing session, told as conversations: see `tests.station.playbook`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.rules.commands import Cue, Exit, FileNote, LookUp
from station.rules.events import LookUpFailed, OpenFailed, PackerChosen, Refused, SealFailed
from station.rules.state import Phase
from storage.records import (
    EndReason,
    Kind,
    LabelCheck,
    Note,
    Status,
)
from tests.station.playbook import (
    CANCEL,
    FINISH,
    LOG,
    NOON,
    OK,
    RETURN,
    RULES,
    SHUTDOWN,
    TWO,
    Later,
    Told,
    alarm,
    answer,
    clip_ended,
    clip_started,
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
    shot_failed,
    start,
    stop,
    take,
    taken,
    utc,
)

# ---------------------------------------------------------------------------- the main road


def test_a_parcel_from_the_scan_to_the_seal() -> None:
    play = ready()
    assert (
        play
        >> scan("A")
        << LookUp("A")
        >> looked_up("A")
        << open_session("A")
        << start("A")
        >> opened("s-A")
        >> clip_started("s-A")
        << say("recording", Cue.OK, number="A")
        >> later(4_000)
        >> photo()
        << take("A", 1, "item")
        >> taken("s-A", 1, "item")
        << say("shot_taken", Cue.SHOT, slot="item")
        >> photo()
        << take("A", 2, "label")
        >> taken("s-A", 2, "label", LabelCheck.MATCH, "A")
        << say("label_ok", Cue.OK, number="A")
        >> later(1_000)
        >> FINISH
        << stop("A")
        >> later(200)
        >> clip_ended("s-A")
        << seal("A", 5_000)
        >> sealed("s-A")
        << say("sealed", Cue.SEALED, number="A")
    )
    assert play.state.phase is Phase.IDLE
    finished = play.state.handed_over[0]
    assert (finished.number, finished.duration_ms, finished.shots, finished.slots) == (
        "A",
        5_000,
        2,
        2,
    )
    assert finished.confirmed


def test_the_pre_roll_counts_from_the_scan_even_after_a_question() -> None:
    play = ready()
    assert (
        play
        >> scan("A")
        << LookUp("A")
        >> later(80)
        >> looked_up("A", prior())
        << question("A")
        >> later(3_000)
        >> answer(True)
        << open_session("A", 0, pass_no=2)
        << start("A", 0)
    )


def test_recording_begins_when_the_row_and_every_clip_replied_in_any_order() -> None:
    play = ready(TWO)
    play >> scan("A") << LookUp("A") >> looked_up("A")
    play << open_session("A") << start("A", camera="top") << start("A", camera="side")
    play >> clip_started("s-A", "side") >> clip_started("s-A", "top")
    assert phase(play) is Phase.OPENING
    play >> opened("s-A") << say("recording", Cue.OK, number="A")
    assert phase(play) is Phase.RECORDING


def test_a_clip_that_never_replies_holds_up_packing_for_ten_seconds_at_most() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    play >> opened("s-A") >> later(9_999)
    assert phase(play) is Phase.OPENING
    play >> later(1) << say("recording", Cue.OK, number="A")
    assert phase(play) is Phase.RECORDING


def test_a_row_that_cannot_be_written_stops_the_clips_and_alarms() -> None:
    play = ready()
    assert (
        play
        >> scan("A")
        << LookUp("A")
        >> looked_up("A")
        << open_session("A")
        << start("A")
        >> clip_started("s-A")
        >> (lambda now: OpenFailed(now, "s-A", "disk error"))
        << stop("A")
        << alarm("open_failed", number="A", why="disk error")
        >> clip_ended("s-A")
        << LOG
    )
    assert play.state.phase is Phase.IDLE
    assert play.state.handed_over == ()


def test_a_clip_that_starts_after_its_session_failed_is_stopped() -> None:
    play = ready()
    assert (
        play
        >> scan("A")
        << LookUp("A")
        >> looked_up("A")
        << open_session("A")
        << start("A")
        >> (lambda now: OpenFailed(now, "s-A", "disk error"))
        << alarm("open_failed", number="A", why="disk error")
        >> clip_started("s-A")
        << LOG
        << stop("A")
    )


def test_impatience_does_not_prolong_the_wait_for_a_clip() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    play >> opened("s-A") >> later(9_999) >> photo("lid") << say("unknown_slot", slot="lid")
    assert play >> later(1) << say("recording", Cue.OK, number="A")


def test_a_camera_scans_like_a_scanner() -> None:
    play = ready()
    play >> scan("A", via="top") << LookUp("A") >> scan("A") << LOG
    play >> later(2_000) >> scan("A") << LOG
    assert play >> looked_up("A") << open_session("A") << start("A")


def test_a_badge_counts_from_the_next_session_on() -> None:
    play = ready()
    play >> (lambda now: PackerChosen(now, "Bo")) << say("packer_chosen", Cue.OK, packer="Bo")
    play >> scan("A") << LookUp("A") >> looked_up("A")
    play << replace(open_session("A"), packer="Bo") << start("A")
    play >> (lambda now: PackerChosen(now, "Cy")) << say("packer_chosen", Cue.OK, packer="Cy")
    assert play
    assert play.state.active is not None
    assert play.state.active.packer == "Bo"


# ---------------------------------------------------------------------------- packed before


@pytest.mark.parametrize("no", [answer(False), CANCEL, later(20_000)])
def test_a_duplicate_that_nobody_confirms_is_not_packed(no: Told | Later) -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A", prior()) << question("A")
    assert phase(play) is Phase.DECIDING
    play >> no << say("not_packed", Cue.NONE, number="A")
    assert phase(play) is Phase.IDLE
    assert play.state.question is None


def test_after_a_no_the_same_waybill_may_be_scanned_at_once() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A", prior()) << question("A")
    play >> answer(False) << say("not_packed", Cue.NONE, number="A")
    assert play >> scan("A") << LookUp("A")


def test_the_return_of_a_packed_parcel_needs_no_question() -> None:
    play = ready()
    play >> RETURN << say("kind_chosen", Cue.OK, kind="return")
    play >> scan("A") << LookUp("A") >> looked_up("A", prior())
    play << open_session("A", kind=Kind.RETURN, required=()) << start("A")
    assert play
    assert play.state.next_kind is Kind.PACKING, "the card is good for one scan"


def test_the_return_card_is_a_toggle() -> None:
    play = ready()
    play >> RETURN << say("kind_chosen", Cue.OK, kind="return")
    assert play >> RETURN << say("kind_chosen", Cue.OK, kind="packing")


def test_a_second_return_asks_and_is_pass_two() -> None:
    play = ready()
    play >> RETURN << say("kind_chosen", Cue.OK, kind="return")
    play >> scan("A") << LookUp("A") >> looked_up("A", prior(Kind.RETURN))
    play << question("A", kind="return") >> answer(True)
    play << open_session("A", pass_no=2, kind=Kind.RETURN, required=()) << start("A")
    assert play


def test_packing_a_returned_parcel_asks_first() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A", prior(Kind.RETURN, 3))
    play << question("A", 3, "return") >> answer(True) << open_session("A") << start("A")
    assert play


def test_a_look_up_that_fails_does_not_stop_packing() -> None:
    play = ready()
    assert (
        play
        >> scan("A")
        << LookUp("A")
        >> (lambda now: LookUpFailed(now, "A", "database is locked"))
        << say("look_up_failed", number="A", why="database is locked")
        << open_session("A")
        << start("A")
        << FileNote(
            "s-A",
            Note(
                NOON,
                "look_up_failed",
                "not known whether this is the first pass: database is locked",
            ),
        )
    )


def test_another_waybill_takes_the_place_of_the_one_that_is_asked_about() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A", prior()) << question("A")
    play >> scan("A") << LOG
    play >> FINISH << say("answer_first") >> photo() << say("answer_first")
    play >> later(2_000) >> scan("A") << say("answer_first")
    play >> scan("B", via="top") << say("answer_first")
    play >> scan("B") << say("scan_replaced", number="B", dropped="A") << LookUp("B")
    play >> looked_up("A") << LOG
    play >> looked_up("B") << open_session("B", 2_000) << start("B", 2_000)
    assert play


# ---------------------------------------------------------------------------- the end


def test_finish_with_photos_missing_names_them_and_seals_when_asked_twice() -> None:
    play = recording()
    assert (
        play
        >> FINISH
        << say("missing_shots", slots="item,label")
        >> FINISH
        << stop("A")
        >> clip_ended("s-A")
        << seal("A")
        >> sealed("s-A", missing=("item", "label"))
        << say("sealed_incomplete", number="A", slots="item,label")
    )


def test_taking_a_photo_starts_the_warning_over() -> None:
    play = recording()
    assert (
        play
        >> FINISH
        << say("missing_shots", slots="item,label")
        >> photo()
        << take("A", 1, "item")
        >> taken("s-A", 1, "item")
        << say("shot_taken", Cue.SHOT, slot="item")
        >> FINISH
        << say("missing_shots", slots="label")
    )


def test_taking_a_photo_forgets_the_waybill_that_had_to_wait() -> None:
    play = recording(replace(RULES, slots=RULES.slots[1:]))
    play >> scan("B") << say("missing_shots", slots="label") >> photo() << take("A", 1, "label")
    play >> taken("s-A", 1, "label", LabelCheck.MATCH) << say("label_ok", Cue.OK, number="A")
    play >> FINISH << stop("A") >> clip_ended("s-A") << seal("A")
    assert phase(play) is Phase.IDLE


def test_a_waybill_that_waits_for_a_photo_still_waits_after_another_photo() -> None:
    play = recording(replace(RULES, slots=RULES.slots[1:]))
    play >> photo() << take("A", 1, "label") >> scan("B")
    play >> taken("s-Z", 1, "label") << LOG >> shot_failed("s-A", 7) << LOG
    play >> CANCEL << say("cancel", number="A")
    play >> taken("s-A", 1, "label", LabelCheck.MATCH) << say("label_ok", Cue.OK, number="A")
    play >> photo(again=True) << take("A", 2, "label")
    play >> answer(False) << say("not_cancelled", Cue.OK, number="A")
    play >> taken("s-A", 2, "label", LabelCheck.MATCH)
    play << say("label_ok", Cue.OK, number="A") << stop("A")
    assert play >> clip_ended("s-A") << seal("A", 0, EndReason.NEXT_SCAN) << LookUp("B")


def test_where_incomplete_is_forbidden_asking_twice_does_not_help() -> None:
    play = recording(replace(RULES, allow_incomplete=False))
    for _ in range(2):
        play >> FINISH << say("missing_shots_forbidden", slots="item,label")
        play >> later(2_000) >> scan("B") << say("missing_shots_forbidden", slots="item,label")
    assert phase(play) is Phase.RECORDING


def test_finish_waits_for_photos_on_their_way() -> None:
    play = recording()
    play >> photo() << take("A", 1, "item") >> photo() << take("A", 2, "label")
    play >> FINISH >> FINISH << LOG
    play >> taken("s-A", 1, "item") << say("shot_taken", Cue.SHOT, slot="item")
    play >> taken("s-A", 2, "label", LabelCheck.MATCH)
    play << say("label_ok", Cue.OK, number="A") << stop("A")
    assert phase(play) is Phase.SEALING


def test_the_newest_waybill_is_next_when_the_end_waits_for_a_photo() -> None:
    play = recording(replace(RULES, slots=RULES.slots[1:]))
    play >> photo() << take("A", 1, "label")
    play >> scan("B") >> later(2_000) >> scan("B") << LOG
    play >> scan("C", via="top") << LOG
    play >> scan("C") << say("scan_replaced", number="C", dropped="B")
    play >> taken("s-A", 1, "label", LabelCheck.MATCH) << say("label_ok", Cue.OK, number="A")
    play << stop("A") >> clip_ended("s-A") << seal("A", 2_000, EndReason.NEXT_SCAN)
    assert play << LookUp("C")


def test_finish_that_waited_for_a_photo_that_failed_names_it() -> None:
    play = recording()
    play >> photo() << take("A", 1, "item") >> photo() << take("A", 2, "label")
    play >> taken("s-A", 1, "item") << say("shot_taken", Cue.SHOT, slot="item") >> FINISH
    play >> shot_failed("s-A", 2) << say("shot_failed", slot="label", why="no frame")
    play << say("missing_shots", slots="label")
    assert phase(play) is Phase.RECORDING


def test_finish_while_opening_is_decided_when_the_clips_roll() -> None:
    play = ready(replace(RULES, slots=()))
    play >> scan("A") << LookUp("A") >> looked_up("A")
    play << open_session("A", required=()) << start("A")
    play >> FINISH >> opened("s-A") >> clip_started("s-A")
    play << say("recording", Cue.OK, number="A") << stop("A")
    assert phase(play) is Phase.SEALING


def test_another_waybill_ends_this_one_and_is_opened_as_soon_as_it_is_handed_over() -> None:
    play = photographed()
    assert (
        play
        >> later(3_000)
        >> scan("B")
        << stop("A")
        >> later(500)
        >> clip_ended("s-A")
        << seal("A", 3_000, EndReason.NEXT_SCAN)
        << LookUp("B")
        >> looked_up("B")
        << open_session("B", 3_000)
        << start("B", 3_000)
        >> sealed("s-A")
        << say("sealed", Cue.SEALED, number="A")
    )


def test_another_waybill_with_photos_missing_switches_when_it_is_scanned_twice() -> None:
    play = recording()
    play >> scan("B") << say("missing_shots", slots="item,label")
    play >> later(500) >> scan("B") << LOG
    play >> later(1_500) >> scan("B") << stop("A")
    play >> clip_ended("s-A") << seal("A", 2_000, EndReason.NEXT_SCAN) << LookUp("B")
    play >> looked_up("B") << open_session("B", 2_000) << start("B", 2_000)
    assert play


def test_another_waybill_with_photos_missing_switches_when_finish_confirms_it() -> None:
    play = recording()
    play >> scan("B") << say("missing_shots", slots="item,label")
    play >> later(60_000) >> FINISH << stop("A")
    play >> clip_ended("s-A") << seal("A", 60_000) << LookUp("B")
    play >> looked_up("B") << open_session("B", 60_000) << start("B", 60_000)
    assert play


def test_a_third_waybill_confirms_nothing() -> None:
    play = recording()
    play >> scan("B") << say("missing_shots", slots="item,label")
    play >> later(5_000) >> scan("C") << say("missing_shots", slots="item,label")
    play >> later(5_000) >> scan("C") << stop("A")
    assert phase(play) is Phase.SEALING


def test_a_label_that_a_camera_sees_confirms_nothing() -> None:
    play = recording()
    for _ in range(3):
        play >> later(5_000) >> scan("B", via="top") << say("missing_shots", slots="item,label")
    play >> FINISH << say("missing_shots", slots="item,label")
    play >> later(5_000) >> scan("A", via="top") << LOG
    assert phase(play) is Phase.RECORDING


def test_a_camera_may_scan_the_next_parcel_of_a_finished_one() -> None:
    play = photographed()
    assert play >> scan("B", via="top") << stop("A")


def test_the_same_waybill_beeps_or_finishes() -> None:
    play = photographed()
    play >> scan("A") << LOG
    play >> later(2_000) >> scan("A") << say("already_recording", Cue.OK, number="A")
    assert phase(play) is Phase.RECORDING
    play = photographed(replace(RULES, rescan_finishes=True))
    play >> later(2_000) >> scan("A", via="top") << LOG
    play >> scan("A") << stop("A")
    assert phase(play) is Phase.SEALING


def test_a_scanner_that_fires_twice_confirms_nothing() -> None:
    play = recording(replace(RULES, rescan_finishes=True))
    play >> later(2_000) >> scan("A") << say("missing_shots", slots="item,label")
    play >> later(300) >> scan("A") << LOG
    assert phase(play) is Phase.RECORDING


def test_while_sealing_the_newest_waybill_waits_and_the_one_before_is_told() -> None:
    play = photographed()
    play >> FINISH << stop("A")
    play >> FINISH << say("already_ending", number="A")
    play >> photo() << say("already_ending", number="A")
    play >> CANCEL << say("already_ending", number="A")
    play >> later(3_000) >> scan("A") << say("already_ending", number="A")
    play >> scan("B") << say("next_noted", Cue.OK, number="B")
    play >> later(2_000) >> scan("B") << LOG
    play >> scan("C") << say("scan_replaced", number="C", dropped="B")
    play >> clip_ended("s-A") << seal("A") << LookUp("C")
    assert play


def test_sealing_goes_on_without_what_never_answers() -> None:
    play = photographed()
    assert (
        play
        >> FINISH
        << stop("A")
        >> later(29_999)
        >> later(1)
        << FileNote(
            "s-A", Note(utc(30_000), "clip_unanswered", "top part 1 did not say that it ended")
        )
        << alarm("camera_lost", camera="top", cause="no answer")
        << gap("A", "top", 0, None, "no answer from the camera")
        << seal("A")
        >> clip_ended("s-A")
        << LOG
    )


def test_a_session_is_not_sealed_before_its_row_is_known() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    play >> clip_started("s-A") >> SHUTDOWN << stop("A") >> clip_ended("s-A")
    assert phase(play) is Phase.SEALING
    assert (
        play
        >> opened("s-A")
        << seal("A", 0, EndReason.SHUTDOWN, Status.INTERRUPTED)
        >> sealed("s-A", Status.INTERRUPTED)
        << say("interrupted", number="A")
        << Exit()
    )


def test_a_seal_that_fails_alarms_and_is_kept() -> None:
    play = photographed()
    play >> FINISH << stop("A") >> clip_ended("s-A") << seal("A")
    play >> (lambda now: SealFailed(now, "s-A", "disk error"))
    play << alarm("seal_failed", number="A", why="disk error")
    assert play
    assert play.state.handed_over[0].failed == "disk error"
    play >> scan("B") << LookUp("B")
    assert play, "the alarm blocks nothing"


def test_a_return_has_no_photos_that_must_be_taken() -> None:
    play = ready()
    play >> RETURN << say("kind_chosen", Cue.OK, kind="return")
    play >> scan("A") << LookUp("A") >> looked_up("A", prior())
    play << open_session("A", kind=Kind.RETURN, required=()) << start("A")
    play >> RETURN << say("kind_not_now")
    play >> opened("s-A") >> clip_started("s-A") << say("recording", Cue.OK, number="A")
    play >> photo() << take("A", 1, "item") >> taken("s-A", 1, "item")
    play << say("shot_taken", Cue.SHOT, slot="item") >> FINISH << stop("A")
    assert phase(play) is Phase.SEALING


# ---------------------------------------------------------------------------- cancel


def test_cancel_asks_why_while_the_clip_rolls_on() -> None:
    play = recording()
    assert (
        play
        >> CANCEL
        << say("cancel", number="A")
        >> CANCEL
        << say("answer_first")
        >> FINISH
        << say("answer_first")
        >> later(4_000)
        >> answer(True, "wrong item")
        << stop("A")
        >> clip_ended("s-A")
        << seal("A", 4_000, EndReason.CANCEL, Status.CANCELLED, "wrong item")
        >> sealed("s-A", Status.CANCELLED)
        << say("cancelled", Cue.OK, number="A")
    )


def test_no_to_cancel_goes_on_recording() -> None:
    play = recording()
    play >> CANCEL << say("cancel", number="A")
    play >> answer(False) << say("not_cancelled", Cue.OK, number="A")
    assert phase(play) is Phase.RECORDING
    assert play.state.question is None


def test_cancel_that_nobody_explains_is_cancelled_without_a_reason() -> None:
    play = recording()
    play >> CANCEL << say("cancel", number="A") >> later(20_000) << stop("A")
    play >> clip_ended("s-A") << seal("A", 20_000, EndReason.CANCEL, Status.CANCELLED)
    assert play


def test_the_next_waybill_answers_cancel_with_yes() -> None:
    play = recording()
    play >> CANCEL << say("cancel", number="A")
    play >> scan("B", via="top") << say("answer_first")
    play >> scan("B") << say("next_noted", Cue.OK, number="B") << stop("A")
    play >> clip_ended("s-A") << seal("A", 0, EndReason.CANCEL, Status.CANCELLED) << LookUp("B")
    assert play


def test_a_cancelled_session_lets_the_waybill_in_that_waited_for_its_photo() -> None:
    play = recording(replace(RULES, slots=RULES.slots[1:]))
    play >> photo() << take("A", 1, "label") >> scan("B")
    play >> CANCEL << say("cancel", number="A") >> answer(True) << stop("A")
    play >> shot_failed("s-A", 1) << say("shot_failed", slot="label", why="no frame")
    play >> clip_ended("s-A") << seal("A", 0, EndReason.CANCEL, Status.CANCELLED) << LookUp("B")
    assert play


def test_the_next_waybill_that_had_to_wait_answers_cancel_too() -> None:
    play = recording()
    play >> scan("B") << say("missing_shots", slots="item,label")
    play >> CANCEL << say("cancel", number="A") >> later(2_000)
    assert play >> scan("B") << say("next_noted", Cue.OK, number="B") << stop("A")


def test_there_may_be_nothing_to_do() -> None:
    play = ready()
    assert (
        play
        >> CANCEL
        << say("nothing_to_cancel")
        >> FINISH
        << say("no_session")
        >> photo()
        << say("no_session")
        >> OK
        << LOG
        >> answer(True)
        << LOG
        >> (lambda now: Refused(now, "4006381333931", "scan_is_product"))
        << say("scan_is_product", raw="4006381333931")
    )


# ---------------------------------------------------------------------------- time


def test_nobody_at_the_bench_warns_once_then_seals() -> None:
    play = recording()
    assert (
        play
        >> later(269_999)
        >> later(1)
        << say("timeout_soon", seconds="30")
        >> later(29_999)
        >> later(1)
        << say("timed_out", number="A")
        << stop("A")
        >> clip_ended("s-A")
        << seal("A", 300_000, EndReason.TIMEOUT)
    )


def test_anything_done_by_hand_begins_the_idle_time_anew() -> None:
    play = recording()
    play >> later(280_000) << say("timeout_soon", seconds="20")
    play >> FINISH << say("missing_shots", slots="item,label")
    play >> later(269_999) >> later(1) << say("timeout_soon", seconds="30")
    assert phase(play) is Phase.RECORDING


def test_a_session_that_times_out_lets_no_waybill_in_that_had_to_wait() -> None:
    play = recording()
    play >> scan("B") << say("missing_shots", slots="item,label")
    play >> later(300_000) << say("timed_out", number="A") << stop("A") >> clip_ended("s-A")
    play << seal("A", 300_000, EndReason.TIMEOUT)
    assert phase(play) is Phase.IDLE


def test_the_longest_session_is_warned_about_once_and_ends() -> None:
    play = recording(replace(RULES, max_ms=100_000))
    play >> later(70_000) << say("timeout_soon", seconds="30")
    play >> photo("lid") << say("unknown_slot", slot="lid") >> later(29_999)
    play >> later(1) << say("timed_out", number="A") << stop("A")
    assert phase(play) is Phase.SEALING


def test_what_is_done_by_hand_just_before_the_warning_does_not_swallow_it() -> None:
    play = recording(replace(RULES, max_ms=100_000))
    play.ms += 70_000
    play >> photo("lid") << say("unknown_slot", slot="lid")
    assert play >> later(1_000) << say("timeout_soon", seconds="29")
