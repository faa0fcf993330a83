"""The rules about scans and the look-up: what a waybill means in each phase.

The waybill of the session at hand, another one that ends it, or one that waits for the bench to be
free. Knows no reader: `station.waybill` has understood the text before.
"""

from __future__ import annotations

from dataclasses import replace

from station.rules import ending, goods, labels, opening, questions, unlisted, waiting
from station.rules.commands import Cue
from station.rules.events import HAND, Answered, CodeSeen, Disk, LookedUp, LookUpFailed, Scanned
from station.rules.state import Phase, State, Wanted
from station.rules.turn import Turn
from storage.records import CheckDigit, EndReason, Kind


def scanned(turn: Turn, event: Scanned) -> None:
    """A waybill was read: whose it is and what it means now."""
    state, waybill = turn.state, event.waybill
    number, by_hand = waybill.number, _is_by_hand(event)
    wanted = Wanted(waybill, event.session, event.at, is_order=event.is_order)
    if state.closing:
        turn.say("closing", Cue.WARN)
    elif _is_repeat(state, event):
        turn.log(f"{number} was scanned a moment ago")
    elif state.active is not None and state.active.waybill.number == number:
        _scanned_own(turn, event)
    elif not by_hand and (waybill.carrier is None or waybill.check is CheckDigit.FAILED):
        turn.log(f"camera {event.via} sees {number}, which is no sure number of a carrier")
    elif state.blocked:
        turn.say("acknowledge_first", Cue.WARN)
    elif state.disk is Disk.FULL:
        turn.alarm("disk_full")
    elif state.active is not None and labels.awaits(turn, event):
        labels.seen(turn, waybill, by_hand=by_hand)
    elif not unlisted.vouched_for(state, wanted):
        _scanned_unlisted(turn, wanted)
    elif state.unlisted is not None and not by_hand:
        turn.say("answer_first", Cue.WARN)
    else:
        unlisted.drop(turn)
        _go_on(turn, wanted, by_hand=by_hand)


def code_seen(turn: Turn, event: CodeSeen) -> None:
    """A camera read what opens nothing: shown all the same, for whoever wonders why."""
    active = turn.state.active
    if active is not None and event.number == active.waybill.number:
        turn.log(f"camera {event.camera} sees {event.number} again")
    else:
        key = f"seen_{event.reason.removeprefix('scan_')}"
        turn.say(key, quiet=True, camera=event.camera, raw=event.raw)


def answered(turn: Turn, event: Answered) -> None:
    """Yes or no to the question on the screen."""
    state = turn.state
    if state.question is not None or state.unlisted is None:
        questions.answered(turn, event)
    elif not unlisted.is_shown(state):
        turn.say("acknowledge_first", Cue.WARN)
    elif event.yes:
        _accept(turn, "answered YES")
    else:
        unlisted.drop(turn)


def _is_repeat(state: State, event: Scanned) -> bool:
    if state.last_scan is None:
        return False
    number, mono_ms = state.last_scan
    return (
        number == event.waybill.number and event.at.mono_ms - mono_ms < state.rules.repeat_scan_ms
    )


def _is_by_hand(event: Scanned) -> bool:
    """False for a reading from a camera: a label that passes through the picture confirms
    nothing, ends nothing and answers nothing."""
    return event.via == HAND


def _scanned_own(turn: Turn, event: Scanned) -> None:
    """The waybill of the session at hand, again."""
    number = event.waybill.number
    if not _is_by_hand(event):
        turn.log(f"camera {event.via} sees {number} again")
        return
    turn.set(last_scan=(number, event.at.mono_ms))
    if turn.state.phase is Phase.SEALING:
        turn.say("already_ending", Cue.WARN, number=number)
    elif turn.state.rules.rescan_finishes:
        ending.finish_asked(turn)
    else:
        turn.say("already_recording", Cue.OK, number=number)


# ---------------------------------------------------------------------------- no listed carrier


def _scanned_unlisted(turn: Turn, wanted: Wanted) -> None:
    """A number that no listed carrier has: asked about, unless this is the answer."""
    state = turn.state
    same = state.unlisted is not None and state.unlisted.number == wanted.waybill.number
    if state.question is not None:
        turn.say("answer_first", Cue.WARN)
    elif not same:
        unlisted.ask(turn, wanted)
    elif unlisted.is_shown(state):
        _accept(turn, "scanned it a second time")
    else:
        turn.say("acknowledge_first", Cue.WARN)


def _accept(turn: Turn, how: str) -> None:
    """Record it all the same, as if a carrier's number had been scanned."""
    if turn.state.disk is Disk.FULL:
        turn.alarm("disk_full")
        return
    wanted = unlisted.accept(turn, how)
    if wanted is None:
        return
    waited_ms = turn.at.mono_ms - wanted.trigger.mono_ms
    if turn.state.active is not None or waited_ms > turn.state.rules.pre_roll_ms:
        # The session at hand has the video until now, or no camera has it any more.
        wanted = replace(wanted, trigger=turn.at)
    _go_on(turn, wanted, by_hand=True)


# ---------------------------------------------------------------------------- the next waybill


def _go_on(turn: Turn, wanted: Wanted, *, by_hand: bool) -> None:
    if turn.recording:
        _scanned_next(turn, wanted, by_hand=by_hand)
    else:
        _scanned_ahead(turn, wanted, by_hand=by_hand)


def _scanned_ahead(turn: Turn, wanted: Wanted, *, by_hand: bool) -> None:
    """A waybill while no session records: it is looked up now, or after sealing."""
    state, number = turn.state, wanted.waybill.number
    same = state.wanted is not None and state.wanted.waybill.number == number
    if state.phase is Phase.DECIDING and same == by_hand:
        turn.say("answer_first", Cue.WARN)
    elif same:
        turn.log(f"{number} is waiting already")
    elif _wants(turn, wanted, by_hand=by_hand) and state.phase is not Phase.SEALING:
        waiting.look_up(turn)


def _scanned_next(turn: Turn, wanted: Wanted, *, by_hand: bool) -> None:
    """Another waybill while a session records: it ends that session."""
    state, active, number = turn.state, turn.active, wanted.waybill.number
    same = state.wanted is not None and state.wanted.waybill.number == number
    if active.finish_asked is not None and same:
        turn.log(f"{number} is waiting already")
    elif active.finish_asked is not None:
        _wants(turn, wanted, by_hand=by_hand)
    elif state.question is not None and by_hand:
        # Whoever packs the next parcel has given up this one.
        turn.set(wanted=None)
        _wants(turn, wanted, by_hand=by_hand)
        ending.end(turn, EndReason.CANCEL, keep_wanted=True)
    elif state.question is not None:
        turn.say("answer_first", Cue.WARN)
    elif state.missing and not by_hand:
        ending.say_missing(turn)
    else:
        turn.set(wanted=wanted, last_scan=(number, turn.at.mono_ms))
        ending.finish(turn, EndReason.NEXT_SCAN, confirmed=same)


def _wants(turn: Turn, wanted: Wanted, *, by_hand: bool) -> bool:
    """Keep the waybill as the one that waits; False if it may not replace another one."""
    before, number = turn.state.wanted, wanted.waybill.number
    if before is not None and not by_hand:
        turn.log(f"{number} passes through the picture while {before.waybill.number} waits")
        return False
    if before is not None:
        turn.say("scan_replaced", Cue.WARN, number=number, dropped=before.waybill.number)
    elif turn.state.active is not None:
        turn.say("next_noted", Cue.OK, number=number)
    turn.set(wanted=wanted, last_scan=(number, turn.at.mono_ms))
    return True


# ---------------------------------------------------------------------------- the archive's answer


def looked_up(turn: Turn, event: LookedUp) -> None:
    """The archive's answer: open the session, or ask because it was packed before."""
    state, prior = turn.state, event.prior
    if not _awaited(turn, event.number) or state.wanted is None:
        turn.log(f"late answer about {event.number}")
        return
    is_order = event.order is not None and not event.orders
    carried = (event.order,) if event.order is not None and is_order else event.orders
    wanted = replace(state.wanted, orders=carried, is_order=is_order)
    turn.set(wanted=wanted)
    if goods.must_stay(turn, carried):
        waiting.drop(turn)
    elif prior is None or (state.next_kind is Kind.RETURN and prior.kind is Kind.PACKING):
        opening.open_session(turn, pass_no=1)
    else:
        questions.ask_duplicate(turn, wanted, prior)


def look_up_failed(turn: Turn, event: LookUpFailed) -> None:
    """The archive cannot tell: the parcel is packed as a first pass, with a note."""
    if not _awaited(turn, event.number):
        turn.log(f"late answer about {event.number}: {event.why}")
        return
    turn.say("look_up_failed", Cue.WARN, number=event.number, why=event.why)
    opening.open_session(turn, pass_no=1)
    if turn.state.active is not None:
        turn.note("look_up_failed", f"not known whether this is the first pass: {event.why}")


def _awaited(turn: Turn, number: str) -> bool:
    """True when an answer about `number` is the one that is awaited."""
    wanted = turn.state.wanted
    return (
        turn.state.phase is Phase.LOOKING_UP
        and wanted is not None
        and wanted.waybill.number == number
    )
