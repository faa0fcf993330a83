"""The rules about a label that is printed last: a session that began with an order's id is bound to
the waybill that its label shows.

Knows no photo: the label's photo is taken once the number is known.
"""

from __future__ import annotations

from dataclasses import replace

from station.rules.commands import BindSession, Cue
from station.rules.events import BindFailed, Bound, Scanned
from station.rules.turn import Turn
from storage.records import Waybill


def awaits(turn: Turn, event: Scanned) -> bool:
    """True when the session at hand waits for its label, and this may be one."""
    active = turn.state.active
    waits = active is not None and active.unlabelled and turn.recording
    return waits and not event.is_order


def seen(turn: Turn, waybill: Waybill, *, by_hand: bool) -> None:
    """A label was scanned. One that a camera sees counts only if the order is known to have that
    number: what lies about on a bench is nobody's label."""
    active, number = turn.active, waybill.number
    known = {each for order in active.orders for each in order.numbers}
    if not by_hand and number not in known:
        turn.log(f"{number} passes through the picture while a label is awaited")
    elif known and number not in known:
        turn.note("label_of_another", f"the label shows {number}, which is not the order's")
        turn.alarm("label_mismatch", expected=min(known), read=number)
    else:
        turn.edit(waybill=waybill, finish_warned=False)
        turn.set(last_scan=(number, turn.at.mono_ms))
        turn.do(BindSession(active.session, waybill))


def bound(turn: Turn, event: Bound) -> None:
    """The archive has it under its number."""
    active = turn.at_hand(event.session)
    if active is None:
        turn.log(f"session {event.session} was bound after its end")
        return
    orders = {order.id: order for order in (*active.orders, *event.orders)}
    turn.edit(pass_no=event.pass_no, orders=tuple(orders.values()))
    number = active.waybill.number
    if event.pass_no > 1:
        turn.say("bound_again", Cue.WARN, number=number, passes=str(event.pass_no))
    else:
        turn.say("bound", Cue.OK, number=number)


def bind_failed(turn: Turn, event: BindFailed) -> None:
    """It stays the order's: nothing that is sealed says what the archive does not know."""
    active = turn.at_hand(event.session)
    if active is None or active.order is None:
        turn.log(f"session {event.session} was not bound: {event.why}")
        return
    number = active.waybill.number
    turn.set(active=replace(active, waybill=active.order), last_scan=None)
    turn.alarm("bind_failed", number=number, why=event.why)
