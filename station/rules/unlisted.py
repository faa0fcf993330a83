"""The question about a waybill of no listed carrier: is it a tracking number at all?

Check digits alone let one in seven wrong numbers pass, so what fits no rule of the site is the
packer's to decide, not the archive's. The question stands beside every phase: until it is answered
nothing begins and nothing ends by it, and whoever scans a listed waybill meanwhile has answered no.
Knows no session at hand; what a yes leads to is `station.rules.scans`'.
"""

from __future__ import annotations

from dataclasses import replace

from station.rules.commands import Cue, Say
from station.rules.state import State, Unlisted, Wanted
from station.rules.turn import Turn


def vouched_for(state: State, wanted: Wanted) -> bool:
    """True when no question is needed, or it was answered."""
    if wanted.waybill.carrier is not None or wanted.is_order:
        return True
    return state.vouched is not None and state.vouched[0] == wanted.waybill.number


def is_shown(state: State) -> bool:
    """True while the packer sees the question: an answer to what nobody could read is none."""
    return state.unlisted is not None and state.question is None and not state.alarms


def ask(turn: Turn, wanted: Wanted) -> None:
    """Ask about this waybill, and no more about another one."""
    drop(turn)
    asked = Unlisted(wanted, turn.at)
    turn.set(unlisted=asked, last_scan=(asked.number, turn.at.mono_ms))
    turn.do(Say("unlisted", asked.question.params, Cue.WARN))


def accept(turn: Turn, how: str) -> Wanted | None:
    """The waybill, which counts from now on; None where nobody was asked."""
    unlisted = turn.state.unlisted
    if unlisted is None:
        return None
    turn.set(
        unlisted=None,
        vouched=(unlisted.number, how),
        last_scan=(unlisted.number, turn.at.mono_ms),
    )
    return unlisted.wanted


def drop(turn: Turn) -> None:
    """The waybill is not recorded; it may be scanned again at once."""
    unlisted = turn.state.unlisted
    if unlisted is None:
        return
    scanned, _ = turn.state.last_scan or ("", 0)
    turn.set(
        unlisted=None,
        last_scan=None if scanned == unlisted.number else turn.state.last_scan,
    )
    turn.say("not_recorded", number=unlisted.number)


def time_out(turn: Turn) -> None:
    """No answer in time is a no. Time behind an alarm or another question does not count."""
    unlisted = turn.state.unlisted
    if unlisted is None:
        return
    if not is_shown(turn.state):
        turn.set(unlisted=replace(unlisted, asked=turn.at))
    elif turn.at.mono_ms - unlisted.asked.mono_ms >= turn.state.rules.question_timeout_ms:
        drop(turn)
