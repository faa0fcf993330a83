"""The photos of a packing session, and the label check, told as conversations."""

from __future__ import annotations

from station.rules.commands import Cue, FileNote, LookUp
from station.rules.events import PackerChosen
from station.rules.state import Alarm, Phase
from storage.records import (
    EndReason,
    LabelCheck,
    Note,
    Status,
)
from tests.station.playbook import (
    CANCEL,
    FINISH,
    LOG,
    OK,
    Playbook,
    alarm,
    answer,
    clip_ended,
    down,
    later,
    looked_up,
    note,
    open_session,
    opened,
    phase,
    photo,
    photographed,
    ready,
    recording,
    say,
    scan,
    seal,
    shot_failed,
    start,
    stop,
    take,
    taken,
    utc,
)

# ---------------------------------------------------------------------------- photos


def test_a_photo_asked_for_while_opening_is_taken_once_open() -> None:
    play = ready()
    play >> scan("A") << LookUp("A") >> looked_up("A") << open_session("A") << start("A")
    play >> photo() >> photo() >> opened("s-A")
    play << take("A", 1, "item") << take("A", 2, "label")
    assert play


def test_photos_go_to_the_next_slot_that_has_none_or_to_the_one_named() -> None:
    play = recording()
    assert (
        play
        >> photo("label")
        << take("A", 1, "label")
        >> photo("label")
        << LOG
        >> photo()
        << take("A", 2, "item")
        >> photo()
        << say("all_shots_taken")
        >> photo("lid")
        << say("unknown_slot", slot="lid")
    )


def test_retake_takes_the_newest_slot_again() -> None:
    play = recording()
    assert play >> photo(again=True) << say("nothing_to_retake")
    play = photographed()
    assert play >> photo(again=True) << take("A", 3, "label")


def test_a_photo_that_fails_leaves_its_slot_open() -> None:
    play = recording()
    assert (
        play
        >> photo()
        << take("A", 1, "item")
        >> shot_failed("s-A", 1)
        << say("shot_failed", slot="item", why="no frame")
        >> photo()
        << take("A", 2, "item")
    )


def test_a_photo_without_an_answer_is_given_up_after_half_a_minute() -> None:
    play = recording()
    assert (
        play
        >> photo()
        << take("A", 1, "item")
        >> later(30_000)
        << FileNote(
            "s-A",
            Note(utc(30_000), "shot_unanswered", "no answer from the camera to the item photo"),
        )
        << say("shot_failed", slot="item", why="no answer")
        >> taken("s-A", 1, "item")
        << say("shot_taken", Cue.SHOT, slot="item")
    )


def test_no_photo_is_asked_of_a_camera_that_is_down() -> None:
    play = recording()
    play >> down() << stop("A") << alarm("camera_lost", camera="top", cause="unplugged")
    play >> photo() << say("shot_failed", slot="item", why="unplugged")
    assert play


def test_a_blurred_photo_counts_and_is_told() -> None:
    play = recording()
    play >> photo() << take("A", 1, "item") >> taken("s-A", 1, "item", fault="photo_blurred")
    play << say("shot_taken", Cue.SHOT, slot="item") << say("photo_blurred", slot="item")
    assert play


def test_an_unreadable_label_asks_for_another_photo() -> None:
    play = recording()
    play >> photo("label") << take("A", 1, "label")
    play >> taken("s-A", 1, "label", LabelCheck.UNREADABLE)
    assert play << say("label_unreadable", number="A")
    assert play.state.alarms == ()


def test_a_late_photo_lands_in_no_other_session() -> None:
    play = photographed()
    play >> FINISH << stop("A") >> clip_ended("s-A") << seal("A")
    play >> scan("B") << LookUp("B") >> looked_up("B") << open_session("B") << start("B")
    play >> taken("s-A", 1, "item") << LOG
    assert play
    assert play.state.active is not None
    assert play.state.active.shots == ()


# ---------------------------------------------------------------------------- the wrong label


SEEN = "the wrong label was acknowledged"
SHOWS = "it shows Z, scanned was A"


def mismatched() -> Playbook:
    play = photographed()
    assert (
        play
        >> photo(again=True)
        << take("A", 3, "label")
        >> taken("s-A", 3, "label", LabelCheck.MISMATCH, "Z")
        << alarm("label_mismatch", expected="A", read="Z")
    )
    return play


def test_the_wrong_label_lets_nothing_pass_until_it_is_acknowledged() -> None:
    play = mismatched()
    play >> FINISH << say("acknowledge_first")
    play >> scan("B") << say("acknowledge_first")
    assert play
    assert play.state.alarms == (Alarm("label_mismatch", (("expected", "A"), ("read", "Z"))),)
    play >> OK << note("A", 0, "label_acknowledged", f"{SEEN} by Kim: {SHOWS}")
    assert phase(play) is Phase.RECORDING
    assert play.alarms == []
    play >> scan("B") << stop("A")
    assert phase(play) is Phase.SEALING


def test_a_wrong_label_found_after_finish_still_stops_the_parcel() -> None:
    play = recording()
    play >> photo() << take("A", 1, "item") >> photo() << take("A", 2, "label")
    play >> taken("s-A", 1, "item") << say("shot_taken", Cue.SHOT, slot="item")
    play >> scan("B")
    assert phase(play) is Phase.RECORDING
    play >> taken("s-A", 2, "label", LabelCheck.MISMATCH, "Z")
    play << alarm("label_mismatch", expected="A", read="Z") << say("acknowledge_first")
    assert phase(play) is Phase.RECORDING
    play >> OK << note("A", 0, "label_acknowledged", f"{SEEN} by Kim: {SHOWS}")
    play >> scan("B") << stop("A")
    assert phase(play) is Phase.SEALING, "the scan counts again, though it came soon after"


def test_a_wrong_label_found_while_sealing_keeps_the_next_waybill_out() -> None:
    play = recording()
    play >> photo("label") << take("A", 1, "label") >> CANCEL << say("cancel", number="A")
    play >> answer(True) << stop("A") >> clip_ended("s-A")
    play >> scan("B") << say("next_noted", Cue.OK, number="B")
    play >> taken("s-A", 1, "label", LabelCheck.MISMATCH, "Z")
    play << alarm("label_mismatch", expected="A", read="Z")
    text = f"the session ended before the wrong label was acknowledged: {SHOWS}"
    play << note("A", 0, "label_unacknowledged", text)
    play << seal("A", 0, EndReason.CANCEL, Status.CANCELLED)
    play << say("acknowledge_first")
    assert phase(play) is Phase.IDLE
    play >> scan("B") << say("acknowledge_first") >> OK >> scan("B") << LookUp("B")
    assert play


def test_who_acknowledged_the_wrong_label_is_the_packer_of_that_moment() -> None:
    for packer, by in (("Bo", " by Bo"), ("", "")):
        play = mismatched()
        play >> (lambda now, packer=packer: PackerChosen(now, packer))  # type: ignore[misc]
        play << say("packer_chosen", Cue.OK, packer=packer)
        play >> later(700)
        assert play >> OK << note("A", 700, "label_acknowledged", f"{SEEN}{by}: {SHOWS}")


def test_another_alarm_is_acknowledged_without_a_note() -> None:
    play = mismatched()
    play >> down() << stop("A") << alarm("camera_lost", camera="top", cause="unplugged")
    play >> OK << note("A", 0, "label_acknowledged", f"{SEEN} by Kim: {SHOWS}")
    assert play >> OK
    assert play.alarms == []
