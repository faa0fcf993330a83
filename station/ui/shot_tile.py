"""One shot slot on the bench screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from station.ui import look, pixels
from station.ui.big import Big
from station.ui.labels import Line
from station.ui.messages import Catalogue
from station.ui.picture import Thumb

if TYPE_CHECKING:
    from textual.events import Click

MARKS: Final = {"done": "■", "now": "▶", "missing": "▲", "unreadable": "▲", "mismatch": "✖"}
"""Beside each state's word and colour: its shape. The others have an open circle."""


class ShotTile(Horizontal):
    """A sign or its number, its name, how it stands, and the photo; a click takes it."""

    class Picked(Message):
        """The tile was clicked."""

        def __init__(self, slot: str) -> None:
            super().__init__()
            self.slot = slot

    def __init__(self, number: int, slot: str) -> None:
        super().__init__(id=f"slot-{slot}")
        self._number = number
        self._slot = slot
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="facts"):
            yield Big(str(self._number), "small", classes="sign")
            yield Line(classes="name")
            yield Line(classes="state")
        yield Thumb()

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Picked(self._slot))

    def show(
        self, words: Catalogue, slot: look.SlotLook, picture: Any, *, short: bool, room: int
    ) -> None:
        """Show how the slot stands. `room`: cells across for the name of the one that is next."""
        wanted = (words.language, slot, id(picture), short, room, pixels.can_raster())
        if wanted == self._shown:
            return
        self._shown = wanted
        name, number = words.slot(slot.name), str(self._number)
        drawn = pixels.grid(name, "small") if slot.state == "now" and not short else None
        large = drawn is not None and len(drawn[0]) + (0 if name.isascii() else 8) <= room
        sign = "" if short else slot.sign
        classes = {
            slot.state: True,
            "poor": slot.poor,
            "pictured": picture is not None,
            "signed": bool(sign),
            "named": large and not name.isascii(),
        }
        self.set_classes(" ".join(name for name, on in classes.items() if on))
        self.query_one(Big).show(
            name if large else number, "medium" if sign else "small", sign=sign
        )
        self.query_one(".name", Line).show(number if large else name)
        mark = "▲" if slot.poor else MARKS.get(slot.state, "○")
        taken = "" if picture is not None else slot.time  # the picture leaves it no room
        state = f"{mark} {words.text(f'slot.{slot.state}')} {taken}"
        self.query_one(".state", Line).show(state.rstrip())
        self.query_one(Thumb).show(picture)
