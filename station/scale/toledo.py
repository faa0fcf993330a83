"""Frames of Mettler-Toledo's continuous output: bytes in, weights out. Pure; knows no port.

STX, status words A B C, 6 digits of weight, 6 of tare, CR and, where the scale is set so, a
checksum: Mettler-Toledo IND445/ICS4x5 user manual 22013194B 5.2 and KERN FTC manual 5.2.2. The
short form leaves the tare out (Cardinal 225 manual 8200-M698-O1, "TOLEDO"). The bits of the status
words: Mettler-Toledo Wildcat user's manual, tables 6-9 to 6-11. What they do not settle is not
guessed but told as the fault "unit": the dummy zeros of scales with steps of 10 and more, expanded
display, and units other than kg, lb and g.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from station.scale.weight import NO_UNIT, OVER, UNDER, Weight, weight_of

STX: Final = 0x02
CR: Final = 0x0D
LONGEST_BYTES: Final = 17
# Bit 5 of each status word is always 1; bit 6 of A and C always 0, of B "not zeroed since power-up"
_FRAME: Final = re.compile(rb"\x02([ -?])([ -?`-\x7f])([ -?])([ 0-9]{6})(?:[ 0-9]{6})?\r")
_DIGITS: Final = re.compile(rb" *[0-9]+")
_NEGATIVE, _OUT_OF_RANGE, _MOTION, _KG, _NOT_ZEROED = 0x02, 0x04, 0x08, 0x10, 0x40
_EXPANDED: Final = 0x10
_POINT: Final = 0x07
_NO_DUMMY_ZEROS: Final = 2
"""Status word A, bits 0 to 2: 2 is XXXXXX, 3 is XXXXX.X and so on to 7."""


class Frames:
    """Collects bytes into frames.

    One is believed when it is as long as the one before, for a broken one may look like the short
    form, and when what follows it fits: its checksum, or the next frame where the scale sends none.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._held: Weight | None = None
        self._sum = 0
        self._sums = False
        self._length = 0

    def take(self, data: bytes) -> list[Weight]:
        """The weights of the frames that are complete and believed by `data`."""
        weights: list[Weight] = []
        for byte in data:
            held, self._held = self._held, None
            if held is not None:
                fits = (self._sum + byte) & 0x7F == 0
                if fits or (byte == STX and not self._sums):
                    weights.append(held)
                self._sums |= fits and byte != STX
            if byte == STX:
                self._bytes[:] = b"\x02"
            elif self._bytes:
                self._bytes.append(byte)
                if byte == CR:
                    self._end()
                elif len(self._bytes) > LONGEST_BYTES:
                    self._bytes.clear()
        return weights

    def quiet(self) -> list[Weight]:
        """Nothing follows: the frame that was begun is forgotten, one that is whole is believed
        unless its checksum is missing."""
        held, self._held = self._held, None
        self._bytes.clear()
        return [] if held is None or self._sums else [held]

    def _end(self) -> None:
        frame = bytes(self._bytes)
        self._bytes.clear()
        self._sum = sum(byte & 0x7F for byte in frame)
        found = _FRAME.fullmatch(frame)
        as_before, self._length = len(frame) == self._length, len(frame)
        if as_before and found is not None and _DIGITS.fullmatch(found[4]):
            self._held = _weight(found[1][0], found[2][0], found[3][0], found[4])


def _weight(a: int, b: int, c: int, digits: bytes) -> Weight:
    if b & _OUT_OF_RANGE:
        return UNDER if b & _NEGATIVE else OVER
    decimals = (a & _POINT) - _NO_DUMMY_ZEROS
    unit = {0: "kg" if b & _KG else "lb", 1: "g"}.get(c & 0x07)
    if unit is None or decimals < 0 or c & _EXPANDED:
        return NO_UNIT
    figure = Decimal(digits.decode()).scaleb(-decimals)
    return weight_of(
        -figure if b & _NEGATIVE else figure, unit, stable=not b & (_MOTION | _NOT_ZEROED)
    )
