"""The rules about the end of a session: FINISH, the missing shots, sealing, shutdown.

`finish` asks whether the session may end, `end` stops its clips, `seal_if_ready` hands it over to
the archive when everything is in, and `leave` turns to the waybill that waits.
"""

from __future__ import annotations

from dataclasses import replace

from station.rules import clips, goods, shots, unlisted, waiting
from station.rules.commands import Cue, FileGap, SealSession
from station.rules.events import Sealed, SealFailed
from station.rules.state import Active, ClipPhase, Finished, Phase
from station.rules.turn import Turn
from storage.records import EndReason, Status

HANDED_OVER_MAX = 50
STATUS_AFTER = {
    EndReason.CANCEL: Status.CANCELLED,
    EndReason.SHUTDOWN: Status.INTERRUPTED,
}
"""Any other end seals the session."""


# ---------------------------------------------------------------------------- asked to end


def finish_asked(turn: Turn) -> None:
    """FINISH by key, card or the same waybill."""
    active, wanted = turn.state.active, turn.state.wanted
    if active is None:
        turn.say("answer_first" if turn.state.asking else "no_session", Cue.WARN)
    elif not turn.recording:
        turn.say("already_ending", Cue.WARN, number=active.waybill.number)
    elif turn.state.question is not None:
        turn.say("answer_first", Cue.WARN)
    elif active.finish_asked is not None:
        turn.log("FINISH is waiting already")
    else:
        if wanted is not None:
            # The pre-roll of the waybill that waited counts from the moment that lets it in.
            turn.set(wanted=replace(wanted, trigger=turn.at))
        finish(turn, EndReason.FINISH, confirmed=active.finish_warned)


def finish(turn: Turn, reason: EndReason, *, confirmed: bool) -> None:
    """End the session if its shots and its label allow it; `confirmed` was asked twice."""
    state, active = turn.state, turn.active
    if state.blocked:
        turn.set(wanted=None, last_scan=None)
        turn.edit(finish_asked=None)
        turn.say("acknowledge_first", Cue.WARN)
    elif state.missing and not (confirmed and state.allows_missing_shots):
        turn.edit(finish_asked=None, finish_warned=True)
        say_missing(turn)
    elif goods.holds_up(turn, confirmed=confirmed):
        turn.edit(finish_asked=None, finish_warned=True)
    elif state.phase is Phase.OPENING or active.pending:
        turn.edit(finish_asked=reason)
    else:
        end(turn, reason, keep_wanted=True)


def say_missing(turn: Turn) -> None:
    """Name the required photos that are not there, and whether a second FINISH goes on."""
    key = "missing_shots" if turn.state.allows_missing_shots else "missing_shots_forbidden"
    turn.say(key, Cue.WARN, slots=",".join(turn.state.missing))


def finish_if_asked(turn: Turn) -> None:
    """Decide about an end that waited for the clips or the shots, once they are in."""
    reason = turn.active.finish_asked
    if reason is not None and not turn.active.pending and turn.state.question is None:
        finish(turn, reason, confirmed=turn.active.finish_warned)


def end(turn: Turn, reason: EndReason, text: str = "", *, keep_wanted: bool = False) -> None:
    """Stop the clips and wait for them. `keep_wanted`: the waybill that waits is the next one."""
    active = turn.active
    if not keep_wanted and active.finish_asked is None:
        turn.set(wanted=None)
    turn.set(phase=Phase.SEALING, question=None)
    turn.edit(ending=reason, ended_at=turn.at, end_text=text, finish_asked=None)
    if not active.opened and active.pending:
        turn.log(f"{len(active.pending)} photos were asked for before the session was open")
        turn.edit(pending=())
    clips.stop_all(turn)


def shutdown_asked(turn: Turn) -> None:
    """The bench closes: end what is open as interrupted, pack nothing new."""
    if turn.state.closing:
        turn.log("closing already")
        return
    turn.set(closing=True)
    if turn.state.wanted is not None:
        turn.log(f"{turn.state.wanted.waybill.number} is not packed: the bench closes")
        turn.set(wanted=None)
    unlisted.drop(turn)
    if turn.recording:
        end(turn, EndReason.SHUTDOWN)
    elif turn.state.active is None:
        turn.set(phase=Phase.IDLE, question=None)


# ---------------------------------------------------------------------------- sealing


def seal_if_ready(turn: Turn) -> None:
    """Hand the session over when its row, its clips and its shots are all in."""
    active = turn.active
    unfinished = active.has_clip(ClipPhase.STARTING, ClipPhase.ROLLING, ClipPhase.STOPPING)
    if active.opened and not active.pending and not unfinished:
        _hand_over(turn, active)


def _hand_over(turn: Turn, active: Active) -> None:
    state = turn.state
    reason = active.ending or EndReason.FINISH
    ended = active.ended_at or turn.at
    status = STATUS_AFTER.get(reason, Status.SEALED)
    for gap in active.gaps:
        turn.do(FileGap(active.session, gap))
    for alarm in state.alarms:
        shots.note_unacknowledged(turn, alarm)
    goods.note_what_went_in(turn)
    turn.do(SealSession(active.session, status, reason, ended.utc, active.end_text))
    finished = Finished(
        session=active.session,
        number=active.waybill.number,
        at=ended.utc,
        duration_ms=ended.mono_ms - active.trigger.mono_ms,
        shots=len({shot.slot for shot in active.shots}),
        slots=len(state.required(active)),
        kind=active.kind,
        status=status,
        had_gap=active.had_gap,
    )
    known = (finished, *state.handed_over)
    kept = tuple(
        one
        for place, one in enumerate(known)
        if place < HANDED_OVER_MAX or not (one.confirmed or one.failed)
    )
    turn.set(handed_over=kept, session_count=state.session_count + 1)
    leave(turn)


def leave(turn: Turn) -> None:
    """The session is out of hand: look up the waybill that waits, or be idle."""
    turn.set(phase=Phase.IDLE, active=None, question=None)
    if turn.state.wanted is None:
        turn.set(vouched=None)
        return
    if turn.state.blocked:
        turn.say("acknowledge_first", Cue.WARN)
        waiting.drop(turn)
    else:
        waiting.look_up(turn)


def sealed(turn: Turn, event: Sealed) -> None:
    """The archive has sealed a session that was handed over."""
    known = _handed_over(turn, event.session)
    if known is None or known.confirmed:
        turn.log(f"late word that session {event.session} is sealed")
        return
    _put_finished(turn, replace(known, status=event.status, confirmed=True, failed=""))
    if event.status is Status.CANCELLED:
        turn.say("cancelled", Cue.OK, number=known.number)
    elif event.status is Status.INTERRUPTED:
        turn.say("interrupted", Cue.WARN, number=known.number)
    elif event.missing:
        slots = ",".join(event.missing)
        turn.say("sealed_incomplete", Cue.WARN, number=known.number, slots=slots)
    else:
        turn.say("sealed", Cue.SEALED, number=known.number)


def seal_failed(turn: Turn, event: SealFailed) -> None:
    """The archive could not seal it: an alarm, and the bench may close all the same."""
    known = _handed_over(turn, event.session)
    if known is None or known.confirmed:
        turn.log(f"late word that session {event.session} is not sealed: {event.why}")
        return
    _put_finished(turn, replace(known, failed=event.why or "unknown"))
    turn.alarm("seal_failed", number=known.number, why=event.why)


def _handed_over(turn: Turn, session: str) -> Finished | None:
    return next((one for one in turn.state.handed_over if one.session == session), None)


def _put_finished(turn: Turn, finished: Finished) -> None:
    known = turn.state.handed_over
    turn.set(
        handed_over=tuple(finished if one.session == finished.session else one for one in known)
    )
