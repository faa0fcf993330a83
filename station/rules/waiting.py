"""The waybill that waits: looked up when the bench is free, or let go.

What is scanned ahead stands in `State.wanted`; `station.rules.scans` puts it there. Knows no clip,
no shot and no session at hand.
"""

from __future__ import annotations

from station.rules.commands import LookUp
from station.rules.state import Phase
from station.rules.turn import Turn


def look_up(turn: Turn) -> None:
    """Ask the archive about the waybill that is wanted."""
    if turn.state.wanted is None:
        return
    turn.set(phase=Phase.LOOKING_UP, question=None)
    turn.do(LookUp(turn.state.wanted.waybill.number))


def drop(turn: Turn) -> None:
    """Back to idle: the waybill may be scanned again at once."""
    turn.set(phase=Phase.IDLE, wanted=None, question=None, last_scan=None, vouched=None)


def decline(turn: Turn) -> None:
    """The waybill that was scanned is not packed."""
    if turn.state.wanted is not None:
        turn.say("not_packed", number=turn.state.wanted.waybill.number)
    drop(turn)
