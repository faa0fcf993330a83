"""The rules about what goes into the parcel: orders that must not leave, items, weight, value.

An order that was cancelled stops the packer; a dear one that is not insured is announced; each item
that is scanned is compared with the orders, and what was scanned and weighed is noted in the
session's record. Knows no clip and no photo, and ends nothing.
"""

from __future__ import annotations

from station.rules import orders
from station.rules.commands import Cue
from station.rules.events import ItemScanned, Weighed
from station.rules.orders import ItemCheck, Piece
from station.rules.state import Alarm
from station.rules.turn import Turn
from storage.amounts import worded
from storage.order import Order
from storage.records import Kind

SHOWN = 5
"""So many orders or items are named in one message."""


def must_stay(turn: Turn, carried: tuple[Order, ...]) -> bool:
    """True when the parcel of the waybill that is wanted must not be packed: an alarm says why."""
    state, stopped = turn.state, orders.stopped(carried)
    wanted = state.wanted
    goes_out = state.next_kind is Kind.PACKING and state.rules.policy.stop_cancelled
    if not stopped or not goes_out or wanted is None:
        return False
    turn.alarm("do_not_ship", number=wanted.waybill.number, **_about(stopped))
    return True


def announce(turn: Turn) -> None:
    """Say what the packer must know of the orders before packing."""
    active, policy = turn.active, turn.state.rules.policy
    if active.kind is Kind.RETURN:
        return
    number, stopped = active.waybill.number, orders.stopped(active.orders)
    if stopped:
        about = _about(stopped)
        turn.note("order_cancelled", f"packed although {about['orders']}: {about['status']}")
        turn.alarm("order_cancelled", number=number, **about)
    if not active.high_value:
        return
    turn.note("high_value", f"video and all photos are compulsory: worth {_worth(active.orders)}")
    bare = orders.uninsured(active.orders)
    if bare and policy.announce_uninsured:
        turn.alarm("uninsured", number=number, orders=_listed(bare), value=_worth(active.orders))


# ---------------------------------------------------------------------------- items


def item_scanned(turn: Turn, event: ItemScanned) -> None:
    """Count an item of the orders; one that does not belong in the parcel is an alarm."""
    active = turn.state.active
    if active is None or not turn.recording:
        turn.log(f"an item was scanned while no session records: {event.raw}")
        return
    pieces = {piece.key: piece for piece in orders.pieces(active.orders)}
    piece = pieces.get(event.key)
    seen = dict(active.scanned)
    if piece is None:
        _wrong(turn, event.raw, "belongs in none of the orders")
    elif seen.get(piece.key, 0) >= piece.quantity:
        _wrong(turn, event.raw, f"is one more than the {piece.quantity} that were ordered")
    else:
        seen[piece.key] = seen.get(piece.key, 0) + 1
        turn.edit(scanned=tuple(seen.items()), finish_warned=False)
        count, whole = str(seen[piece.key]), str(piece.quantity)
        turn.note("item", f"{event.raw} is {piece.name}: {count} of {whole}")
        left = sum(times for _, times in turn.active.unscanned)
        key = "item_scanned" if left else "items_complete"
        turn.say(key, Cue.OK, name=piece.name, count=count, whole=whole, left=str(left))


def _wrong(turn: Turn, raw: str, why: str) -> None:
    turn.note("wrong_item", f"{raw} {why}")
    turn.alarm("wrong_item", raw=raw, number=turn.active.waybill.number)


# ---------------------------------------------------------------------------- weight


def weighed(turn: Turn, event: Weighed) -> None:
    """The scale is at rest: what it says last, while something lies on it, is the parcel's. What is
    laid on it between two sessions is the next parcel's."""
    grams = event.grams if event.grams > 0 else None
    if turn.state.active is None or not turn.recording:
        turn.set(on_scale=grams)
        turn.log(f"{event.grams} g on the scale")
        return
    turn.set(on_scale=None)
    if grams is None:
        turn.log("nothing lies on the scale")
        return
    turn.edit(weight_g=grams)
    turn.say("weighed", quiet=True, grams=str(event.grams))


# ---------------------------------------------------------------------------- the end


def holds_up(turn: Turn, *, confirmed: bool) -> bool:
    """True when the session must not end yet: items are missing, or its weight is not what its
    orders say. Each is said; who asks a second time is believed, where the site allows it."""
    state, missing = turn.state, turn.state.missing_items
    if missing and state.rules.policy.items is ItemCheck.REQUIRE:
        turn.say("missing_items_forbidden", Cue.WARN, items=_pieces(missing))
        return True
    if confirmed:
        return False
    if turn.active.unlabelled:
        turn.say("unlabelled", Cue.WARN, order=turn.active.waybill.number)
    if missing:
        turn.say("missing_items", Cue.WARN, items=_pieces(missing))
    expected_g, grams = orders.weight_g(turn.active.orders), turn.active.weight_g
    off = (
        expected_g is not None
        and grams is not None
        and orders.weighs_off(grams, expected_g, state.rules.policy)
    )
    if off:
        turn.say("weight_off", Cue.WARN, grams=str(grams), expected=str(expected_g))
    return bool(missing) or off or turn.active.unlabelled


def note_what_went_in(turn: Turn) -> None:
    """What was scanned and weighed, for the session's record."""
    active, policy = turn.active, turn.state.rules.policy
    if active.unlabelled:
        turn.note("unlabelled", f"no label was scanned for the order {active.waybill.number}")
    if active.scanned or (policy.items is not ItemCheck.OFF and active.orders):
        names = {piece.key: piece.name for piece in orders.pieces(active.orders)}
        went = ", ".join(f"{count} x {names[key]}" for key, count in active.scanned) or "none"
        left = _pieces(active.unscanned, most=len(active.unscanned)) or "none"
        turn.note("items", f"scanned: {went}; not scanned: {left}")
    if active.weight_g is not None:
        expected_g = orders.weight_g(active.orders)
        said = "" if expected_g is None else f"; its orders say {expected_g} g"
        if expected_g is not None and orders.weighs_off(active.weight_g, expected_g, policy):
            said += ", which is beyond the tolerance"
        turn.note("weight", f"{active.weight_g} g on the scale{said}")


def note_acknowledged(turn: Turn, alarm: Alarm) -> None:
    """Who has seen that a dear parcel is not insured: part of the session's record."""
    active = turn.state.active
    about = dict(alarm.params)
    if active is None or alarm.key not in ("uninsured", "wrong_item"):
        return
    if about.get("number") != active.waybill.number:
        return
    by = f" by {turn.state.packer}" if turn.state.packer else ""
    what = "is not insured" if alarm.key == "uninsured" else f"{about['raw']} does not belong in it"
    turn.note(f"{alarm.key}_acknowledged", f"acknowledged{by}: {what}")


def _about(stopped: tuple[Order, ...]) -> dict[str, str]:
    first = stopped[0]
    return {
        "orders": _listed(tuple(order.id for order in stopped)),
        "status": first.status_text or first.status.value,
    }


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" +{more}" if more > 0 else "")


def _pieces(missing: tuple[tuple[Piece, int], ...], most: int = SHOWN) -> str:
    more = len(missing) - most
    told = ", ".join(f"{times} x {piece.name}" for piece, times in missing[:most])
    return told + (f" +{more}" if more > 0 else "")


def _worth(carried: tuple[Order, ...]) -> str:
    return ", ".join(worded(cents, currency) for currency, cents in orders.worth(carried).items())
