"""A number of no listed carrier is asked about, in every phase, and stands in nobody's way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.rules.commands import Cue, FileNote, LookUp, OpenSession
from station.rules.events import CodeSeen, Disk, Scanned
from station.rules.state import Phase, Slot
from storage.records import CheckDigit, EndReason, LabelCheck, Status, Waybill
from tests.station.playbook import (
    CANCEL,
    FINISH,
    LOG,
    OK,
    RULES,
    SHUTDOWN,
    Playbook,
    Told,
    alarm,
    answer,
    clip_ended,
    clip_started,
    disk,
    down,
    later,
    looked_up,
    note,
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
    take,
    taken,
)

OPTIONAL = replace(RULES, slots=(Slot("item", "top", required=False),))
YES_TEXT = "no listed carrier has such a number; recorded because Kim answered YES"
AGAIN_TEXT = "no listed carrier has such a number; recorded because Kim scanned it a second time"


def unlisted(number: str, via: str = "wedge") -> Told:
    """A scan of a number that no listed carrier has."""
    return lambda now: Scanned(now, Waybill(number, number), f"s-{number}", via)


def opening(number: str, trigger_ms: int = 0) -> OpenSession:
    session = open_session(number, trigger_ms)
    return replace(session, waybill=Waybill(number, number))


def noted(number: str, at_ms: int, text: str = YES_TEXT) -> FileNote:
    return note(number, at_ms, "unlisted", text)


def asked(play: Playbook, number: str = "U") -> Playbook:
    """The same bench, the question about `number` on its screen."""
    assert play >> unlisted(number) << say("unlisted", number=number)
    asking = play.state.asking
    assert asking is not None
    assert (asking.key, asking.params) == ("unlisted", (("number", number),))
    return play


# ---------------------------------------------------------------------------- the answers


def test_yes_records_it_with_a_note() -> None:
    play = asked(ready())
    assert phase(play) is Phase.IDLE
    play >> later(3_000) >> answer(True) << LookUp("U")
    play >> looked_up("U") << opening("U") << start("U") << noted("U", 3_000)
    play >> opened("s-U") >> clip_started("s-U") << say("recording", Cue.OK, number="U")
    assert play
    assert play.state.asking is None


def test_the_same_scan_again_is_a_yes_but_not_at_once() -> None:
    play = asked(ready())
    play >> later(1_999) >> unlisted("U") << LOG
    play >> later(1) >> unlisted("U") << LookUp("U")
    assert play >> looked_up("U") << opening("U") << start("U") << noted("U", 2_000, AGAIN_TEXT)


def test_no_drops_it_and_it_may_be_scanned_again_at_once() -> None:
    play = asked(ready())
    play >> answer(False) << say("not_recorded", Cue.NONE, number="U")
    assert phase(play) is Phase.IDLE
    asked(play)


def test_no_answer_in_time_is_a_no() -> None:
    play = asked(ready())
    play >> later(19_999)
    assert play
    assert play >> later(1) << say("not_recorded", Cue.NONE, number="U")
    assert play >> answer(True) << LOG


def test_cancel_is_a_no_and_leaves_the_session_alone() -> None:
    play = asked(recording())
    play >> CANCEL << say("not_recorded", Cue.NONE, number="U")
    assert phase(play) is Phase.RECORDING
    assert play >> CANCEL << say("cancel", number="A")


def test_yes_to_one_that_was_packed_before_asks_about_that_too() -> None:
    play = asked(ready())
    play >> answer(True) << LookUp("U") >> looked_up("U", prior()) << question("U")
    play >> answer(True) << replace(opening("U"), pass_no=2) << start("U") << noted("U", 0)
    assert play


def test_a_late_yes_has_the_pre_roll_that_cameras_still_have() -> None:
    play = asked(ready())
    play >> later(10_001) >> answer(True) << LookUp("U")
    play >> looked_up("U") << opening("U", 10_001) << start("U", 10_001) << noted("U", 10_001)
    assert play


def test_another_scan_is_a_no_and_goes_on() -> None:
    play = asked(ready())
    play >> scan("B") << say("not_recorded", Cue.NONE, number="U") << LookUp("B")
    assert play >> looked_up("B") << open_session("B") << start("B")


def test_another_unlisted_scan_is_the_question_from_now_on() -> None:
    play = asked(ready())
    play >> later(15_000) >> unlisted("V")
    play << say("not_recorded", Cue.NONE, number="U") << say("unlisted", number="V")
    play >> later(15_000) >> answer(True) << LookUp("V")
    assert play


def test_answers_without_a_question_are_logged() -> None:
    play = ready()
    assert play >> answer(True) << LOG >> answer(False) << LOG


# ---------------------------------------------------------------------------- every phase


def test_while_recording_it_ends_nothing_until_the_yes() -> None:
    play = asked(photographed())
    before = play.state.active
    assert before is not None
    play >> later(5_000) >> photo(again=True) << take("A", 3, "label")
    play >> taken("s-A", 3, "label", LabelCheck.MATCH) << say("label_ok", Cue.OK, number="A")
    assert phase(play) is Phase.RECORDING
    play >> answer(True) << stop("A")
    play >> clip_ended("s-A") << seal("A", 5_000, EndReason.NEXT_SCAN) << LookUp("U")
    play >> looked_up("U") << opening("U", 5_000) << start("U", 5_000) << noted("U", 5_000)
    assert play


def test_while_recording_a_no_changes_nothing() -> None:
    play = asked(photographed())
    play >> answer(False) << say("not_recorded", Cue.NONE, number="U")
    assert phase(play) is Phase.RECORDING
    assert play >> FINISH << stop("A") >> clip_ended("s-A") << seal("A")


def test_finish_does_not_wait_for_the_answer() -> None:
    play = asked(photographed())
    play >> FINISH << stop("A")
    assert phase(play) is Phase.SEALING
    play >> clip_ended("s-A") << seal("A")
    assert phase(play) is Phase.IDLE
    play >> sealed("s-A") << say("sealed", Cue.SEALED, number="A")
    assert play >> answer(True) << LookUp("U")


def test_yes_with_photos_missing_says_so_and_is_not_asked_again() -> None:
    play = asked(recording())
    play >> answer(True) << say("missing_shots", slots="item,label")
    play >> later(3_000) >> unlisted("U") << stop("A")
    play >> clip_ended("s-A") << seal("A", 3_000, EndReason.NEXT_SCAN) << LookUp("U")
    assert play


def test_a_finish_that_waits_for_photos_does_not_wait_for_the_answer() -> None:
    play = recording(OPTIONAL)
    play >> photo() << take("A", 1, "item") >> FINISH
    asked(play)
    play >> taken("s-A", 1, "item") << say("shot_taken", Cue.SHOT, slot="item") << stop("A")
    assert phase(play) is Phase.SEALING


def test_while_looking_up_the_first_waybill_opens_all_the_same() -> None:
    play = ready()
    play >> scan("A") << LookUp("A")
    asked(play)
    play >> looked_up("A") << open_session("A") << start("A")
    play >> opened("s-A") >> clip_started("s-A") << say("recording", Cue.OK, number="A")
    assert play
    assert play.state.asking is not None


def test_behind_the_question_about_a_second_pass_it_waits_for_its_turn() -> None:
    play = ready()
    play >> scan("A") << LookUp("A")
    asked(play)
    play >> looked_up("A", prior()) << question("A")
    play >> later(19_000) >> answer(True) << replace(open_session("A"), pass_no=2) << start("A")
    play >> later(19_000)
    assert play
    assert play.state.asking is not None, "its time began when it came to be seen"
    assert play.state.asking.key == "unlisted"


def test_while_deciding_the_open_question_comes_first() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A", prior()) << question("A")
    play >> unlisted("U") << say("answer_first")
    assert phase(play) is Phase.DECIDING
    assert play.state.unlisted is None


def test_while_cancel_is_asked_it_neither_cancels_nor_asks() -> None:
    play = recording()
    play >> CANCEL << say("cancel", number="A") >> unlisted("U") << say("answer_first")
    play >> answer(False) << say("not_cancelled", Cue.OK, number="A")
    assert phase(play) is Phase.RECORDING
    assert play.state.unlisted is None


def test_while_opening_and_sealing() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    asked(play)
    play >> answer(False) << say("not_recorded", Cue.NONE, number="U")
    play >> opened("s-A") >> clip_started("s-A") << say("recording", Cue.OK, number="A")
    play >> FINISH << say("missing_shots", slots="item,label") >> FINISH << stop("A")
    asked(play)
    play >> answer(True) << say("next_noted", Cue.OK, number="U")
    play >> clip_ended("s-A") << seal("A") << LookUp("U")
    assert play


def test_a_session_that_times_out_leaves_the_question() -> None:
    play = recording(replace(RULES, idle_timeout_ms=60_000, question_timeout_ms=90_000))
    asked(play)
    play >> later(60_000) << say("timed_out", number="A") << stop("A")
    play >> clip_ended("s-A") << seal("A", 60_000, EndReason.TIMEOUT)
    assert play >> answer(True) << LookUp("U")


def test_an_alarm_before_the_question_must_be_acknowledged_first() -> None:
    play = recording()
    play >> down() << stop("A") << alarm("camera_lost", camera="top", cause="unplugged")
    asked(play)
    play >> later(30_000) >> answer(True) << say("acknowledge_first")
    play >> unlisted("U") << say("acknowledge_first")
    play >> OK >> later(19_000)
    assert play
    assert play.state.asking is not None, "its time began when it came to be seen"
    assert play >> answer(True) << say("missing_shots", slots="item,label")


def test_a_wrong_label_comes_first() -> None:
    play = recording()
    play >> photo("label") << take("A", 1, "label")
    play >> taken("s-A", 1, "label", LabelCheck.MISMATCH, "Z")
    play << alarm("label_mismatch", expected="A", read="Z")
    play >> unlisted("U") << say("acknowledge_first")
    assert play
    assert play.state.unlisted is None


def test_a_full_disk_is_told_at_the_scan_and_at_the_yes() -> None:
    play = asked(ready())
    play >> disk(Disk.FULL) << say("disk_full") >> answer(True) << alarm("disk_full")
    play >> OK >> disk(Disk.OK) << say("disk_ok", Cue.NONE) >> answer(True) << LookUp("U")
    assert play
    play = ready()
    play >> disk(Disk.FULL) << say("disk_full")
    assert play >> unlisted("U") << alarm("disk_full")
    assert play.state.unlisted is None


def test_a_bench_that_closes_asks_nothing() -> None:
    play = asked(recording())
    play >> SHUTDOWN << say("not_recorded", Cue.NONE, number="U") << stop("A")
    play >> unlisted("V") << say("closing") >> answer(True) << LOG
    play >> clip_ended("s-A") << seal("A", 0, EndReason.SHUTDOWN, Status.INTERRUPTED)
    assert play


def test_its_own_session_asks_no_more() -> None:
    play = asked(ready())
    play >> answer(True) << LookUp("U") >> looked_up("U") << opening("U") << start("U")
    play << noted("U", 0) >> opened("s-U") >> clip_started("s-U")
    play << say("recording", Cue.OK, number="U")
    play >> later(3_000) >> unlisted("U") << say("already_recording", Cue.OK, number="U")
    play >> later(3_000) >> FINISH << say("missing_shots", slots="item,label")
    play >> FINISH << stop("U") >> clip_ended("s-U") << seal("U", 6_000)
    assert phase(play) is Phase.IDLE
    asked(play)


def test_a_yes_counts_for_one_session_only() -> None:
    play = asked(ready(OPTIONAL))
    play >> answer(True) << LookUp("U") >> looked_up("U")
    play << replace(opening("U"), required_slots=()) << start("U") << noted("U", 0)
    play >> opened("s-U") >> clip_started("s-U") << say("recording", Cue.OK, number="U")
    play >> scan("B") << stop("U") >> clip_ended("s-U")
    play << seal("U", 0, EndReason.NEXT_SCAN) << LookUp("B")
    play >> looked_up("B") << open_session("B", required=()) << start("B")
    play >> later(3_000)
    asked(play)


def test_keys_without_a_session_point_at_the_question() -> None:
    play = asked(ready())
    assert play >> photo() << say("answer_first") >> FINISH << say("answer_first")


# ---------------------------------------------------------------------------- cameras


@pytest.mark.parametrize("check", [None, CheckDigit.FAILED])
def test_a_camera_asks_nothing_and_opens_nothing_that_is_not_sure(
    check: CheckDigit | None,
) -> None:
    waybill = Waybill("U", "U", "ups" if check else None, check)
    seen: Told = lambda now: Scanned(now, waybill, "s-U", "top")  # noqa: E731
    play = ready()
    assert play >> seen << LOG
    play = recording()
    assert play >> seen << LOG
    play = asked(ready())
    assert play >> later(3_000) >> unlisted("U", "top") << LOG


def test_a_camera_answers_nothing() -> None:
    play = asked(ready())
    assert play >> scan("B", via="top") << say("answer_first")
    assert play.state.unlisted is not None


def test_what_a_camera_read_is_shown_quietly_and_moves_nothing() -> None:
    play = recording()
    for told, key in (("scan_product_code", "seen_product_code"), ("unlisted", "seen_unlisted")):
        before = play.state
        play >> (lambda now, told=told: CodeSeen(now, "top", "42", told, "42"))  # type: ignore[misc]
        play << replace(say(key, Cue.NONE, camera="top", raw="42"), quiet=True)
        assert play
        assert play.state == before
    assert play >> (lambda now: CodeSeen(now, "top", "A", "check_digit", "A")) << LOG


# ---------------------------------------------------------------------------- the check digit


def test_a_wrong_check_digit_opens_is_said_and_noted() -> None:
    wrong = Waybill("A", "A", "ups", CheckDigit.FAILED)
    play = ready()
    play >> (lambda now: Scanned(now, wrong, "s-A")) << LookUp("A") >> looked_up("A")
    play << replace(open_session("A"), waybill=wrong) << start("A")
    play << note("A", 0, "check_digit", "the check digit of the tracking number is wrong")
    play >> opened("s-A") >> clip_started("s-A") << say("recording_doubtful", number="A")
    assert play
