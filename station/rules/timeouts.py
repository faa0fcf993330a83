"""What only time does: the limits on every wait, looked at on each tick.

Nothing here reads a clock; the `Tick` brings the time. Each limit leads to a step that another room
of the rules takes.
"""

from __future__ import annotations

from station.rules import checks, clips, ending, opening, questions, shots, unlisted
from station.rules.commands import Cue
from station.rules.state import Phase
from station.rules.turn import Turn
from storage.records import EndReason

OPEN_LIMIT_MS = 10_000
"""A clip that has not replied this long after the session opened holds up packing no longer."""
SHOT_LIMIT_MS = 30_000
"""A shot without a reply for this long is given up, with a note."""
SEAL_LIMIT_MS = 30_000
"""A clip without a reply this long after the end was asked for is given up, with a note."""
RETRY_MS = 60_000
"""How often a camera that is up but cannot record is tried again, and its alarm renewed."""


def tick(turn: Turn) -> None:
    """What only time does. Each rule looks at the phase that the one before it left."""
    questions.time_out(turn)
    unlisted.time_out(turn)
    checks.time_out(turn)
    if turn.state.phase is Phase.OPENING:
        _time_out_opening(turn)
    if turn.state.phase is Phase.RECORDING:
        _time_out_shots(turn)
    if turn.state.phase is Phase.RECORDING:
        for camera in turn.state.cameras:
            clips.start_next_part(turn, camera.name, RETRY_MS)
        _time_out_session(turn)
    if turn.state.phase is Phase.SEALING:
        _time_out_sealing(turn)


def _time_out_opening(turn: Turn) -> None:
    if turn.at.mono_ms - turn.active.last_activity.mono_ms >= OPEN_LIMIT_MS:
        opening.begin_recording(turn, without=())


def _time_out_shots(turn: Turn) -> None:
    late = tuple(
        shot
        for shot in turn.active.pending
        if turn.at.mono_ms - shot.asked.mono_ms >= SHOT_LIMIT_MS
    )
    if late:
        shots.give_up(turn, late)


def _time_out_session(turn: Turn) -> None:
    rules, active = turn.state.rules, turn.active
    limit_ms = min(
        active.last_activity.mono_ms + rules.idle_timeout_ms,
        active.trigger.mono_ms + rules.max_ms,
    )
    left_ms = limit_ms - turn.at.mono_ms
    if left_ms <= 0:
        turn.say("timed_out", Cue.WARN, number=active.waybill.number)
        ending.end(turn, EndReason.TIMEOUT)
    elif left_ms <= rules.warn_before_ms and not active.timeout_warned:
        turn.edit(timeout_warned=True)
        turn.say("timeout_soon", Cue.WARN, seconds=str(-(-left_ms // 1000)))


def _time_out_sealing(turn: Turn) -> None:
    """Go on without what never answered: one dead camera must not keep a parcel for ever."""
    active = turn.active
    ended = active.ended_at or turn.at
    if not active.opened or turn.at.mono_ms - ended.mono_ms < SEAL_LIMIT_MS:
        return
    shots.give_up(turn, active.pending)
    clips.give_up(turn)
