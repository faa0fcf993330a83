"""Bytes of a scale in, readings out. Pure; knows no port, no clock and no parcel.

What is not a whole message of a protocol is dropped up to where the next one begins, so that
rubbish, a wrong baud rate or a cable plugged in half-way costs a message and makes no weight.

- "sics", Mettler-Toledo Standard Interface Command Set: reference manual 11780711, MT-SICS levels 0
  and 1, command SI.
- "toledo", Mettler-Toledo continuous output: see `station.scale.toledo`.
- "cas": CAS CI-600D manual 10-1 and 10-3, NT-200 manual 14: the format of 22 bytes and the one of
  18, which many indicators speak (Triner TS-700, KERN KXS-TM manual 14).
- "and", A&D standard format: manuals of the EK-L (9-2), EJ (data format) and GC series (16.2).
- "simple": one number with its unit a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, Literal

from station.scale.toledo import STX, Frames
from station.scale.weight import NO_UNIT, OVER, UNDER, Reading, Spoken, Weight, weight_of

Protocol = Literal["auto", "sics", "toledo", "cas", "and", "simple"]
LONGEST_BYTES: Final = 64
"""No message is longer: what is, is none."""
_ENDS: Final = b"\r\n\x00\x03"
_SPOILT: Final = b"\x02"
"""No message holds it: a line that does is none."""

_FIGURE: Final = rb"(\d{1,9}(?:\.\d{1,7})?)"
_UNIT: Final = rb"([A-Za-z%]{1,4})"
# "S I", a command that cannot be executed now, brings no weight and is left out.
_SICS: Final = re.compile(rb"S (?:([SD]) +(-?)" + _FIGURE + rb" +" + _UNIT + rb" *|([+-]))")
# Device id and lamps, which the format of 18 bytes lacks, may be any bytes; TR is a tare.
_CAS: Final = re.compile(
    rb"(?:(ST|US),(?:GS|NT),(?:[^,][^,],)? *([+-]?) *" + _FIGURE + rb" *" + _UNIT + rb" *"
    rb"|OL,(?:GS|NT),(?:[^,][^,],)? *([+-]?)[^,]*)"
)
# The second header is a comparator's; QT counts pieces.
_AND: Final = re.compile(
    rb"(ST|US|QT|OL),(?:(?:HI|OK|LO|--),)?([+-])" + _FIGURE + rb" {0,3}" + _UNIT
)
_SIMPLE: Final = re.compile(rb" *([+-]?) *" + _FIGURE + rb" *" + _UNIT + rb" *")


def _sics(line: bytes) -> Weight | None:
    found = _SICS.fullmatch(line)
    if found is None:
        return None
    if found[5]:
        return OVER if found[5] == b"+" else UNDER
    return _weight(found[2], found[3], found[4], stable=found[1] == b"S")


def _cas(line: bytes) -> Weight | None:
    found = _CAS.fullmatch(line)
    if found is None:
        return None
    if found[1] is None:
        return UNDER if found[5] == b"-" else OVER
    return _weight(found[2], found[3], found[4], stable=found[1] == b"ST")


def _and(line: bytes) -> Weight | None:
    found = _AND.fullmatch(line)
    if found is None:
        return None
    if found[1] == b"OL":
        return UNDER if found[2] == b"-" else OVER
    if found[1] == b"QT":
        return NO_UNIT
    return _weight(found[2], found[3], found[4], stable=found[1] == b"ST")


def _simple(line: bytes) -> Weight | None:
    found = _SIMPLE.fullmatch(line)
    return None if found is None else _weight(found[1], found[2], found[3], stable=False)


def _weight(sign: bytes, figure: bytes, unit: bytes, *, stable: bool) -> Weight:
    return weight_of(Decimal((sign + figure).decode()), unit.decode(), stable=stable)


_LINES: Final[dict[Spoken, Callable[[bytes], Weight | None]]] = {
    "sics": _sics,
    "cas": _cas,
    "and": _and,
    "simple": _simple,
}
"""No line is a message of two of them: "auto" understands them all at once."""


class Parser:
    """Collects bytes into the readings of one protocol, or of whichever is spoken: "auto"."""

    def __init__(self, protocol: Protocol) -> None:
        self._lines: dict[Spoken, Callable[[bytes], Weight | None]] = {
            spoken: understand
            for spoken, understand in _LINES.items()
            if protocol in (spoken, "auto")
        }
        self._frames = Frames() if protocol in ("toledo", "auto") else None
        self._line = bytearray()
        self._whole = False
        """False until a line's beginning was seen: "345 kg" may be the rest of "12.345 kg". Only
        a line that is "simple" does not show where it begins."""

    def take(self, data: bytes) -> list[Reading]:
        """The readings that are complete by `data`."""
        readings = _told(self._frames.take(data)) if self._frames else []
        for byte in data if self._lines else b"":
            if byte in _ENDS:
                readings += self._end()
            elif byte == STX and not self._line:
                continue  # some begin their lines with it
            elif byte == STX or len(self._line) == LONGEST_BYTES:
                self._line[:] = _SPOILT
            else:
                self._line.append(byte)
        return readings

    def quiet(self) -> list[Reading]:
        """Nothing has come for longer than a scale pauses inside a message: what was begun will
        not be ended, and the next byte begins a message."""
        self._line.clear()
        self._whole = True
        return _told(self._frames.quiet()) if self._frames else []

    def _end(self) -> list[Reading]:
        line, whole = bytes(self._line), self._whole
        self._line.clear()
        self._whole = True
        found = (
            (spoken, understand(line))
            for spoken, understand in self._lines.items()
            if whole or spoken != "simple"
        )
        return [Reading(spoken, weight) for spoken, weight in found if weight is not None]


def _told(weights: list[Weight]) -> list[Reading]:
    return [Reading("toledo", weight) for weight in weights]
