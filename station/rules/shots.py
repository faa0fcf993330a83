"""The rules about photos and the label check: which slot is next, and what a photo has shown.

A shot is pending from the moment it is asked for until it is taken, has failed, or is given up.
Knows no clip and ends nothing: `station.rules.ending` waits until none is pending.
"""

from __future__ import annotations

from station.rules.commands import Cue, TakeShot
from station.rules.events import ShotAsked, ShotFailed, ShotTaken
from station.rules.state import Active, Alarm, PendingShot, Slot
from station.rules.turn import Turn
from storage.records import LabelCheck


def shot_asked(turn: Turn, event: ShotAsked) -> None:
    """PHOTO by key or card: the next open slot, the one that is named, or the last again."""
    state, active = turn.state, turn.state.active
    if active is None:
        turn.say("answer_first" if turn.state.asking else "no_session", Cue.WARN)
    elif not turn.recording:
        turn.say("already_ending", Cue.WARN, number=active.waybill.number)
    elif event.slot is not None:
        slot = next((slot for slot in state.rules.slots if slot.name == event.slot), None)
        if slot is None:
            turn.say("unknown_slot", Cue.WARN, slot=event.slot)
        else:
            _take(turn, slot)
    else:
        _take_next(turn, active, again=event.again)


def _take_next(turn: Turn, active: Active, *, again: bool) -> None:
    """Take the first open slot, or the newest one again."""
    taken = [shot.slot for shot in active.shots] + [shot.slot for shot in active.pending]
    slots = turn.state.rules.slots
    if again:
        slot = next((slot for slot in slots if slot.name in taken[-1:]), None)
    else:
        slot = next((slot for slot in slots if slot.name not in taken), None)
    if slot is not None:
        _take(turn, slot)
    else:
        turn.say("nothing_to_retake" if again else "all_shots_taken", Cue.WARN)


def _take(turn: Turn, slot: Slot) -> None:
    camera = turn.state.camera(slot.camera)
    if slot.name == turn.state.rules.label_slot and turn.active.unlabelled:
        turn.say("label_to_come", Cue.WARN, order=turn.active.waybill.number)
    elif any(shot.slot == slot.name for shot in turn.active.pending):
        turn.log(f"the {slot.name} photo is being taken already")
    elif camera is None or not camera.up:
        why = "there is no such camera" if camera is None else camera.cause
        turn.say("shot_failed", Cue.WARN, slot=slot.name, why=why)
    else:
        shot = PendingShot(turn.state.shot_count + 1, slot.name, turn.at)
        turn.set(shot_count=shot.shot_id)
        # Whoever takes another photo goes on with this parcel: the warning starts over, and a
        # waybill that only waited for its second scan is forgotten.
        turn.edit(pending=(*turn.active.pending, shot), finish_warned=False)
        if turn.active.finish_asked is None:
            turn.set(wanted=None)
        if turn.active.opened:
            order(turn, shot)


def order(turn: Turn, shot: PendingShot) -> None:
    """Have the camera take the photo."""
    state, active = turn.state, turn.active
    camera = next(slot.camera for slot in state.rules.slots if slot.name == shot.slot)
    is_label = shot.slot == state.rules.label_slot
    turn.do(
        TakeShot(active.session, shot.shot_id, shot.slot, camera, active.waybill.number, is_label)
    )


def shot_taken(turn: Turn, event: ShotTaken) -> None:
    """A shot of this session counts even after its time was up: the archive has it."""
    active, shot = turn.at_hand(event.session), event.shot
    if active is None:
        turn.log(f"late {shot.slot} photo of session {event.session}")
        return
    faults = {**dict(active.faults), shot.slot: event.fault}
    turn.edit(
        shots=(*active.shots, shot),
        pending=_without(active, event.shot_id),
        faults=tuple((slot, fault) for slot, fault in faults.items() if fault),
    )
    number = active.waybill.number
    match shot.label_check:
        case LabelCheck.MISMATCH:
            turn.alarm("label_mismatch", expected=number, read=event.read)
        case LabelCheck.UNREADABLE if not event.fault:
            turn.say("label_unreadable", Cue.WARN, number=number)
        case LabelCheck.UNREADABLE:
            pass  # what is said of the fault below is what to do about it
        case LabelCheck.MATCH:
            turn.say("label_ok", Cue.OK, number=number)
        case None:
            turn.say("shot_taken", Cue.SHOT, slot=shot.slot)
    if event.fault:
        turn.say(event.fault, Cue.WARN, slot=shot.slot)


def shot_failed(turn: Turn, event: ShotFailed) -> None:
    """The photo was not taken: say why, and let it be asked for again."""
    active = turn.at_hand(event.session)
    pending = () if active is None else active.pending
    shot = next((shot for shot in pending if shot.shot_id == event.shot_id), None)
    if active is None or shot is None:
        turn.log(f"late failure of photo {event.shot_id} of session {event.session}: {event.why}")
        return
    turn.edit(pending=_without(active, event.shot_id))
    turn.say("shot_failed", Cue.WARN, slot=shot.slot, why=event.why)


def give_up(turn: Turn, shots: tuple[PendingShot, ...]) -> None:
    """Go on without the photos that never came."""
    for shot in shots:
        turn.edit(pending=_without(turn.active, shot.shot_id))
        turn.note("shot_unanswered", f"no answer from the camera to the {shot.slot} photo")
        turn.say("shot_failed", Cue.WARN, slot=shot.slot, why="no answer")


def _without(active: Active, shot_id: int) -> tuple[PendingShot, ...]:
    return tuple(shot for shot in active.pending if shot.shot_id != shot_id)


# ---------------------------------------------------------------------------- a wrong label


def note_acknowledged(turn: Turn, alarm: Alarm) -> None:
    """Who has seen that the label is wrong, and when: part of the session's record."""
    if _is_about_this_label(turn, alarm):
        by = f" by {turn.state.packer}" if turn.state.packer else ""
        turn.note("label_acknowledged", f"the wrong label was acknowledged{by}: {_shows(alarm)}")


def note_unacknowledged(turn: Turn, alarm: Alarm) -> None:
    """The session is over, and nobody has said that they saw the wrong label."""
    if _is_about_this_label(turn, alarm):
        text = f"the session ended before the wrong label was acknowledged: {_shows(alarm)}"
        turn.note("label_unacknowledged", text)


def _is_about_this_label(turn: Turn, alarm: Alarm) -> bool:
    active = turn.state.active
    wrong = alarm.key == "label_mismatch" and active is not None
    return wrong and dict(alarm.params)["expected"] == turn.active.waybill.number


def _shows(alarm: Alarm) -> str:
    about = dict(alarm.params)
    return f"it shows {about['read']}, scanned was {about['expected']}"
