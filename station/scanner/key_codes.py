"""Key presses of the Linux input layer in, codes out. Pure: it is given events and times.

The numbers are those of the kernel's `input-event-codes.h`, written out here so that this runs,
and is tested, where no such library is installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from station.scanner.layouts import NOTHING, CapsLock, Layout, Level
from station.scanner.lines import LONGEST_BYTES
from station.scanner.settings import QUIET_AFTER_TERMINATOR_S, Terminator

EV_SYN: Final = 0
EV_KEY: Final = 1
SYN_DROPPED: Final = 3
PRESSED: Final = 1
RELEASED: Final = 0
ENTER: Final = frozenset({28, 96})
TAB: Final = 15
SPACE: Final = 57
CAPS_LOCK: Final = 58
SHIFTS: Final = frozenset({42, 54})
CONTROLS: Final = frozenset({29, 97})
ALTGR: Final = 100
PLACES: Final = (
    41, *range(2, 14),  # grave, 1 to equal
    *range(16, 28),  # q to the right bracket
    *range(30, 41), 43,  # a to the apostrophe, backslash
    86, *range(44, 54),  # the key beside the left Shift, z to slash
)  # fmt: skip
"""The kernel's code of each key of `layouts.toml`, in its order."""
KEYPAD: Final = {
    71: "7", 72: "8", 73: "9", 74: "-", 75: "4", 76: "5", 77: "6", 78: "+",
    79: "1", 80: "2", 81: "3", 82: "0", 83: ".", 55: "*", 98: "/", 117: "=",
}  # fmt: skip
QUIET_KEYS: Final = SHIFTS | CONTROLS | {ALTGR, 56, CAPS_LOCK, 69}
"""Modifiers and locks: no characters."""
STRANGE: Final = "\x1b"
"""Stands for a key that is no character: it makes the code refused."""


class EventLike(Protocol):
    """What is read of an event: `struct input_event` without its time."""

    type: int
    code: int
    value: int


class KeyCodes:
    """Collects key presses into codes. A key that is held down does not repeat."""

    def __init__(self, terminator: Terminator, quiet_s: float, layout: Layout) -> None:
        self._layout = layout
        self._places = {code: place for place, code in enumerate(PLACES)}
        self._quiet_s = quiet_s
        self._ended_before = terminator in ("enter", "tab")
        self._may_learn = terminator == "auto"
        self._tab_ends = terminator != "enter"
        self._down: set[int] = set()
        self._caps_lock = False
        self._text: list[str] = []
        self._last_s = float("-inf")

    def take(self, events: Iterable[EventLike], now_s: float) -> list[str]:
        """The codes that are complete by `events`, which have arrived by `now_s`."""
        codes = self._settle(now_s)
        for event in events:
            if event.type == EV_SYN and event.code == SYN_DROPPED:
                # The kernel's queue ran over: what is missing is unknown, so nothing is a number.
                self._down.clear()
                self._add(STRANGE)
            if event.type != EV_KEY:
                continue
            if event.value == RELEASED:
                self._down.discard(event.code)
            elif event.value == PRESSED:
                self._last_s = now_s
                codes += self._press(event.code)
        return codes

    def _press(self, code: int) -> list[str]:
        if code in QUIET_KEYS:
            self._down.add(code)
            self._caps_lock ^= code == CAPS_LOCK
        elif code in ENTER or (code == TAB and self._tab_ends):
            self._ended_before |= self._may_learn and bool(self._text)
            return self._end()
        else:
            self._add(self._character(code))
        return []

    def _character(self, code: int) -> str:
        if code == SPACE:
            return " "
        if code in KEYPAD:
            return KEYPAD[code]
        place = self._places.get(code)
        if place is None:
            return STRANGE
        level = Level.SHIFT if self._down & SHIFTS else Level.PLAIN
        if ALTGR in self._down:
            level = Level.ALTGR
        caps_lock = CapsLock.LETTERS if self._caps_lock else CapsLock.OFF
        sign = self._layout.gives(place, level, caps_lock)
        if self._down & CONTROLS:
            # Ctrl and a sign from @ to _ is a control character: Ctrl+] is GS.
            return chr(ord(sign.upper()) - 64) if "@" <= sign.upper() <= "_" else STRANGE
        return STRANGE if sign == NOTHING or len(sign) > 1 else sign

    def _add(self, sign: str) -> None:
        if len(self._text) < LONGEST_BYTES:
            self._text.append(sign)

    def _settle(self, now_s: float) -> list[str]:
        quiet_s = QUIET_AFTER_TERMINATOR_S if self._ended_before else self._quiet_s
        if not self._text or now_s - self._last_s < quiet_s:
            return []
        self._ended_before &= not self._may_learn
        return self._end()

    def _end(self) -> list[str]:
        text = "".join(self._text)
        self._text.clear()
        return [text] if text else []
