"""The order of the parcel at hand, as the bench shows it: value, items with what was scanned, note.

Pure: makes the lines, in the room there is. Every text in them came from a shop and is hostile.
"""

from __future__ import annotations

from typing import Final

from rich.text import Text

from station.rules.orders import ItemCheck, is_high, pieces, worth
from station.rules.state import State
from station.ui.messages import Catalogue, shown

_DONE: Final = "bold #56e0b0"
_DEAR: Final = "bold #000000 on #f0b400"
_DIM: Final = "#9aa7b2"
NOTE_CHARS: Final = 300


def title(state: State, words: Catalogue) -> str:
    """The name of the panel: the orders at hand, or '' where there is none."""
    orders = state.active.orders if state.active else ()
    if not orders:
        return ""
    more = f" +{len(orders) - 1}" if len(orders) > 1 else ""
    return f"{words.text('label.order')} {shown(orders[0].id)}{more}"


def lines(state: State, words: Catalogue, rows: int) -> Text:
    """What is in the parcel, the dearest news first, in at most so many rows."""
    active = state.active
    if active is None:
        return Text()
    policy, seen = state.rules.policy, dict(active.scanned)
    found: list[Text] = []
    value = "  ".join(
        f"{cents // 100}.{cents % 100:02d} {shown(currency)}"
        for currency, cents in worth(active.orders).items()
    )
    head = Text(value, "bold")
    if is_high(active.orders, policy):
        head = Text.assemble((words.text("label.high_value"), _DEAR), " " * bool(value), head)
    if head:
        found.append(head)
    parts = pieces(active.orders)
    notes = [order.note[:NOTE_CHARS] for order in active.orders if order.note]
    room = max(1, rows - len(found) - bool(notes))
    checks = policy.items is not ItemCheck.OFF
    for piece in parts[: room if len(parts) <= room else room - 1]:
        count = seen.get(piece.key, 0)
        done = checks and count >= piece.quantity
        line = Text.assemble(
            ("✔ " if done else "", _DONE),
            (f"{count}/{piece.quantity}" if checks else f"{piece.quantity}", "bold"),
            " × ",
            (shown(piece.name), _DIM if done else ""),
        )
        found.append(line)
    if len(parts) > room:
        found.append(Text(f"… +{len(parts) - room + 1}", _DIM))
    if notes:
        found.append(Text(f"{words.text('label.note')}: {shown('; '.join(notes))}", "bold #ffd866"))
    for line in found:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Text("\n", no_wrap=True, overflow="ellipsis").join(found[: max(1, rows)])
