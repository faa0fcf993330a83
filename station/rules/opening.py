"""The rules from the waybill that is wanted to a session that records.

`open_session` starts the clips and asks for the row at once; `begin_recording` goes on when both
have answered. Knows no scan: it opens what `State.wanted` holds.
"""

from __future__ import annotations

from dataclasses import replace

from station.rules import clips, ending, goods, shots, waiting
from station.rules.commands import Cue, OpenSession
from station.rules.events import Disk, Opened, OpenFailed
from station.rules.state import Active, ClipPhase, Phase
from station.rules.turn import Turn
from storage.records import CheckDigit, EndReason, Kind


def open_session(turn: Turn, pass_no: int) -> None:
    """Open the session of the waybill that is wanted, or say why not."""
    state, wanted = turn.state, turn.state.wanted
    if wanted is None:
        return
    if state.disk is Disk.FULL:
        turn.alarm("disk_full")
        waiting.drop(turn)
        return
    high_value = state.is_high(wanted.orders)
    needs_video = high_value or not state.rules.allow_without_camera
    if needs_video and not any(camera.up for camera in state.cameras):
        turn.alarm("no_camera", number=wanted.waybill.number)
        waiting.drop(turn)
        return
    active = Active(
        session=wanted.session,
        waybill=wanted.waybill,
        kind=state.next_kind,
        pass_no=pass_no,
        packer=state.packer,
        trigger=wanted.trigger,
        last_activity=turn.at,
        orders=wanted.orders,
        order=wanted.waybill if wanted.is_order else None,
        high_value=high_value,
        weight_g=state.on_scale,
    )
    vouched = turn.state.vouched
    turn.set(phase=Phase.OPENING, active=active, wanted=None, question=None, next_kind=Kind.PACKING)
    turn.set(vouched=None, on_scale=None)
    turn.do(
        OpenSession(
            active.session,
            active.waybill,
            active.kind,
            pass_no,
            active.packer,
            active.trigger.utc,
            state.required(active),
        )
    )
    for camera in state.cameras:
        if camera.up:
            clips.start(turn, camera.name, active.trigger)
        else:
            clips.open_gap(turn, camera.name, active.trigger, camera.cause)
    _note_what_stands(turn, active)
    if wanted.is_order:
        turn.note("order_scanned", "opened for an order: its parcel had no label yet")
    elif wanted.waybill.carrier is None:
        _, how = vouched or ("", "unknown")
        who = f"{state.packer or 'the packer'} {how}"
        turn.note("unlisted", f"no listed carrier has such a number; recorded because {who}")
    if wanted.waybill.check is CheckDigit.FAILED:
        turn.note("check_digit", "the check digit of the tracking number is wrong")
    goods.announce(turn)


def _note_what_stands(turn: Turn, active: Active) -> None:
    """Note what happened before the session, and is true of its video."""
    for camera in turn.state.cameras:
        if camera.warning:
            clips.note_warning(turn, camera.name, camera.warning)
    jumped, text = turn.state.clock_jump or (None, "")
    if jumped and active.trigger.mono_ms - jumped.mono_ms <= turn.state.rules.pre_roll_ms:
        turn.note("clock_jump", text)


def opened(turn: Turn, event: Opened) -> None:
    """The row is durable: photos that were asked for meanwhile are taken."""
    active = turn.at_hand(event.session)
    if active is None or active.opened:
        turn.log(f"late word that session {event.session} is open")
        return
    pending = tuple(replace(shot, asked=turn.at) for shot in active.pending)
    turn.edit(opened=True, pending=pending)
    for shot in pending:
        shots.order(turn, shot)


def open_failed(turn: Turn, event: OpenFailed) -> None:
    """There is no row, so there is no session."""
    active = turn.at_hand(event.session)
    if active is None or active.opened:
        turn.log(f"late word that session {event.session} did not open: {event.why}")
        return
    clips.stop_all(turn)
    turn.alarm("open_failed", number=active.waybill.number, why=event.why)
    ending.leave(turn)


def begin_recording(turn: Turn, without: tuple[ClipPhase, ...] = (ClipPhase.STARTING,)) -> None:
    """OPENING -> RECORDING when the row is durable and no clip is in a phase of `without`."""
    active, number = turn.active, turn.active.waybill.number
    if not active.opened or active.has_clip(*without):
        return
    records = active.has_clip(ClipPhase.ROLLING, ClipPhase.STARTING)
    if not records and (active.high_value or not turn.state.rules.allow_without_camera):
        turn.alarm("no_camera", number=number)
        ending.end(turn, EndReason.CANCEL, "no camera recorded")
        return
    turn.set(phase=Phase.RECORDING)
    turn.edit(last_activity=turn.at)
    if not records:
        turn.alarm("no_video", number=number)
    elif active.gaps:
        cameras = ",".join(gap.camera for gap in active.gaps)
        turn.say("recording_with_gap", Cue.WARN, number=number, cameras=cameras)
    elif active.waybill.check is CheckDigit.FAILED:
        turn.say("recording_doubtful", Cue.WARN, number=number)
    else:
        turn.say("recording", Cue.OK, number=number)
