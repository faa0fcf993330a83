"""The rules of a packing session: one pure function, `step(state, event) -> (state, commands)`.

Nothing here reads a clock, a file, a camera or a database. Time arrives on each event, effects
leave as commands that `station.bench` carries out, and replies come back as events that name the
session they answer, so that a late one is recognised and dropped with a `Log`. This module says
which rule answers which event, and what is settled after each; the rules themselves stand by theme
in `station.rules`, and know only `storage.records`.

    phase       event                          next         what is done
    ----------  -----------------------------  -----------  ---------------------------------------
    idle        scan                           looking_up   look up
    looking_up  new, or another kind           opening      open session, start clips with pre-roll
    looking_up  packed before                  deciding     ask `duplicate`
    deciding    yes                            opening      as pass n + 1
    deciding    no, CANCEL, time is up         idle         -
    opening     row durable, every clip        recording    alarm if nothing records; cancelled if
                replied                                     the site forbids that
    opening     row failed                     idle         stop clips, alarm
    recording   PHOTO                          recording    take a shot into the next open slot
    recording   label shot shows another one   recording    alarm; FINISH waits for the OK
    recording   FINISH, or another waybill     sealing      stop clips; asked again if shots are
                                                            missing, held while shots are pending
    recording   the same waybill               recording    beep, or FINISH if so configured
    recording   CANCEL, then yes or time is up sealing      ask `cancel`, stop clips, keep files
    recording   idle or open for too long      sealing      warn first
    sealing     last clip and shot are in      idle         seal; the waybill that waits is next
    idle        CHECK                          idle         look at a test card with every camera;
                                                            a scan opens a session all the same
    any         a number of no listed carrier  same         ask `unlisted`; yes, or the same scan
                                                            again: as any other waybill
    any         camera down, then up           same         end the part, mark the gap; a new part
    any         disk full                      same         no new session; the open one goes on
    any         shutdown                       sealing      interrupted; exit when handed over

An end that was asked for while OPENING, or while shots are pending, is kept in
`Active.finish_asked` and decided when they are in: a wrong label found by the last shot still
stops the parcel. `SealSession` leaves only when every clip has ended, or is `SEAL_LIMIT_MS` late.
"""

from __future__ import annotations

from station.rules import (
    checks,
    clips,
    ending,
    events,
    goods,
    labels,
    opening,
    questions,
    scans,
    shots,
    timeouts,
)
from station.rules.commands import Command, Cue, Exit
from station.rules.state import Phase, State
from station.rules.turn import Turn
from storage.records import Kind

BY_HAND = (
    events.Scanned,
    events.Refused,
    events.ItemScanned,
    events.ShotAsked,
    events.ShotTaken,
    events.FinishAsked,
    events.CancelAsked,
    events.Answered,
    events.Acknowledged,
    events.KindChosen,
    events.PackerChosen,
    events.CheckAsked,
)
"""Events that show somebody at the bench: the idle time begins anew."""


def step(state: State, event: events.Event) -> tuple[State, list[Command]]:
    """The next state and what must be done, in order. Total: no event raises."""
    turn = Turn(state, event.at)
    if isinstance(event, BY_HAND):
        _begin_idle_time_anew(turn)
    _dispatch(turn, event)
    _settle(turn)
    if _may_exit(turn.state) and not _may_exit(state):
        turn.do(Exit())
    return turn.state, turn.commands


def _dispatch(turn: Turn, event: events.Event) -> None:
    match event:
        case events.Tick():
            timeouts.tick(turn)
        case events.Scanned():
            scans.scanned(turn, event)
        case events.CodeSeen():
            scans.code_seen(turn, event)
        case events.Refused():
            turn.say(event.reason, Cue.WARN, raw=event.raw)
        case events.ItemScanned():
            goods.item_scanned(turn, event)
        case events.Weighed():
            goods.weighed(turn, event)
        case events.LookedUp():
            scans.looked_up(turn, event)
        case events.LookUpFailed():
            scans.look_up_failed(turn, event)
        case events.Opened():
            opening.opened(turn, event)
        case events.OpenFailed():
            opening.open_failed(turn, event)
        case events.Bound():
            labels.bound(turn, event)
        case events.BindFailed():
            labels.bind_failed(turn, event)
        case events.ClipStarted():
            clips.clip_started(turn, event)
        case events.ClipEnded():
            clips.clip_ended(turn, event)
        case events.ShotAsked():
            shots.shot_asked(turn, event)
        case events.ShotTaken():
            shots.shot_taken(turn, event)
        case events.ShotFailed():
            shots.shot_failed(turn, event)
        case events.FinishAsked():
            ending.finish_asked(turn)
        case events.CancelAsked():
            questions.cancel_asked(turn)
        case events.Answered():
            scans.answered(turn, event)
        case events.Acknowledged():
            _acknowledged(turn)
        case events.KindChosen():
            _kind_chosen(turn)
        case events.PackerChosen():
            turn.set(packer=event.packer)
            turn.say("packer_chosen", Cue.OK, packer=event.packer)
        case events.CameraUp():
            clips.camera_up(turn, event)
        case events.CameraDown():
            clips.camera_down(turn, event)
        case events.CameraWarned():
            clips.camera_warned(turn, event)
        case events.CheckAsked():
            checks.asked(turn)
        case events.Checked():
            checks.checked(turn, event)
        case events.CheckFailed():
            checks.failed(turn, event)
        case events.DiskChanged():
            clips.disk_changed(turn, event)
        case events.ClockJumped():
            _clock_jumped(turn, event)
        case events.Recovered():
            _recovered(turn, event)
        case events.RepairFailed():
            _repair_failed(turn, event)
        case events.Sealed():
            ending.sealed(turn, event)
        case events.SealFailed():
            ending.seal_failed(turn, event)
        case events.ShutdownAsked():
            ending.shutdown_asked(turn)
        case _:
            turn.log(f"no rule for {event!r}")


def _settle(turn: Turn) -> None:
    """Take the steps that wait for several replies, whichever of them came last."""
    if turn.state.phase is Phase.OPENING:
        opening.begin_recording(turn)
    if turn.state.phase is Phase.RECORDING:
        ending.finish_if_asked(turn)
    if turn.state.phase is Phase.SEALING:
        ending.seal_if_ready(turn)


# ---------------------------------------------------------------------------- what is true


def _may_exit(state: State) -> bool:
    return (
        state.closing
        and state.active is None
        and all(finished.confirmed or finished.failed for finished in state.handed_over)
    )


def _begin_idle_time_anew(turn: Turn) -> None:
    state, active = turn.state, turn.state.active
    if active is None or state.phase is not Phase.RECORDING:
        return
    to_the_limit_ms = active.trigger.mono_ms + state.rules.max_ms - turn.at.mono_ms
    still_warned = active.timeout_warned and to_the_limit_ms <= state.rules.warn_before_ms
    turn.edit(last_activity=turn.at, timeout_warned=still_warned)


# ---------------------------------------------------------------------------- the bench itself


def _clock_jumped(turn: Turn, event: events.ClockJumped) -> None:
    """The video's own time goes on; what was written down before and after does not compare."""
    before_ms = event.offset_ms - event.by_ms
    text = (
        f"the clock was moved by {event.by_ms} ms: its offset to the bench's steady clock "
        f"was {before_ms} ms and is {event.offset_ms} ms from now on"
    )
    turn.log(text)
    turn.set(clock_jump=(turn.at, text))
    if turn.state.active is not None:
        turn.note("clock_jump", text)


def _acknowledged(turn: Turn) -> None:
    if turn.state.alarms:
        shots.note_acknowledged(turn, turn.state.alarms[0])
        goods.note_acknowledged(turn, turn.state.alarms[0])
        turn.set(alarms=turn.state.alarms[1:])
    else:
        turn.log("acknowledged, but there is no alarm")


def _kind_chosen(turn: Turn) -> None:
    if turn.state.phase is not Phase.IDLE:
        turn.say("kind_not_now", Cue.WARN)
        return
    kind = Kind.RETURN if turn.state.next_kind is Kind.PACKING else Kind.PACKING
    turn.set(next_kind=kind)
    turn.say("kind_chosen", Cue.OK, kind=kind.value)


def _repair_failed(turn: Turn, event: events.RepairFailed) -> None:
    why = event.why or "unknown"
    if turn.state.unrepaired == why:
        turn.log(f"the repair failed again: {why}")
        return
    turn.set(unrepaired=why)
    turn.say("repair_failed", Cue.WARN, why=why)


def _recovered(turn: Turn, event: events.Recovered) -> None:
    if turn.state.unrepaired:
        turn.set(unrepaired="")
        turn.say("repaired", Cue.OK)
    if event.numbers:
        numbers = ",".join(event.numbers)
        turn.say("recovered", Cue.WARN, count=str(len(event.numbers)), numbers=numbers)
    else:
        turn.log("nothing had to be repaired")
