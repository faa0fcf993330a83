"""The order of the parcel at hand, as the bench shows it: its value, items, and note.

Pure: makes the lines, in the room there is. Every text in them came from a shop and is hostile.
"""

from __future__ import annotations

from typing import Final

from rich.text import Text

from station.rules.orders import ItemCheck, Piece, pieces, worth
from station.rules.state import State
from station.ui.messages import Catalogue, shown
from storage.amounts import worded

_DONE: Final = "bold #56e0b0"
_DIM: Final = "#9aa7b2"
NOTE_CHARS: Final = 300


def title(state: State, words: Catalogue) -> str:
    """The name of the panel: the orders at hand and what they are worth; '' where there is none."""
    orders = state.active.orders if state.active else ()
    if not orders:
        return ""
    more = f" +{len(orders) - 1}" if len(orders) > 1 else ""
    values = "".join(
        f"  {worded(cents, shown(currency))}" for currency, cents in worth(orders).items()
    )
    return f"{words.text('label.order')} {shown(orders[0].id)}{more}{values}"


def lines(state: State, words: Catalogue, rows: int) -> Text:
    """What goes into the parcel, in at most so many rows: what is not scanned yet first, and what
    finds no row of its own in the last of them; then the note."""
    active = state.active
    if active is None:
        return Text()
    seen = dict(active.scanned)
    checks = state.rules.policy.items is not ItemCheck.OFF
    parts = sorted(
        pieces(active.orders), key=lambda piece: seen.get(piece.key, 0) >= piece.quantity
    )
    notes = [order.note[:NOTE_CHARS] for order in active.orders if order.note]
    room = max(1, rows - bool(notes))
    each = [_line(piece, seen.get(piece.key, 0), checks=checks) for piece in parts]
    found = each[:room]
    if len(each) > room:
        more = Text(f"+{len(each) - room}  ", _DIM)
        found[-1] = Text.assemble(more, Text("   ").join(each[room - 1 :]))
    if notes:
        found.append(Text(f"{words.text('label.note')}: {shown('; '.join(notes))}", "bold #ffd866"))
    for line in found:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Text("\n", no_wrap=True, overflow="ellipsis").join(found[: max(1, rows)])


def _line(piece: Piece, count: int, *, checks: bool) -> Text:
    done = checks and count >= piece.quantity
    return Text.assemble(
        ("✔ " if done else "", _DONE),
        (f"{count}/{piece.quantity}" if checks else f"{piece.quantity}", "bold"),
        " × ",
        (shown(piece.name), _DIM if done else ""),
    )
