"""Where a hand scanner is: the text of `[scanner] device`, understood but not opened.

Pure. A scanner that types as a keyboard into the terminal is no device here: ''.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

ALLOWED: Final = (
    "'' for a scanner that types, serial:/dev/ttyACM0?baud=9600, serial:COM3, "
    "evdev:/dev/input/by-id/NAME or evdev:NAME"
)
PARITIES: Final = {"none": "N", "even": "E", "odd": "O"}
_COM: Final = re.compile(r"COM\d{1,3}", re.IGNORECASE)
_LINE: Final = {
    "baud": re.compile(r"[1-9]\d{2,6}"),
    "bits": re.compile(r"[78]"),
    "parity": re.compile("|".join(PARITIES)),
    "stop": re.compile(r"[12]"),
}


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial or USB-CDC scanner. `parity` is N, E or O."""

    path: str
    baud: int = 9600
    bits: int = 8
    parity: str = "N"
    stop: int = 1


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A scanner that types, read from the Linux input layer: its path, or its name."""

    place: str

    @property
    def is_path(self) -> bool:
        """False where `place` is what the device calls itself."""
        return self.place.startswith("/")


def parse_device(text: str) -> SerialPort | InputDevice | None:
    """The device that `text` names; None for ''. Raises ValueError with what is allowed."""
    if not text:
        return None
    kind, _, place = text.partition(":")
    if _COM.fullmatch(text):
        kind, place = "serial", text
    if not place or not place.isprintable():
        raise ValueError(ALLOWED)
    if kind == "evdev":
        return InputDevice(place)
    if kind == "serial":
        return _serial(place)
    raise ValueError(ALLOWED)


def _serial(place: str) -> SerialPort:
    path, _, line = place.partition("?")
    if not (path.startswith("/") or _COM.fullmatch(path)):
        raise ValueError(ALLOWED)
    try:
        options = dict(parse_qsl(line, strict_parsing=True)) if line else {}
    except ValueError as error:
        raise ValueError(ALLOWED) from error
    for name, value in options.items():
        if name not in _LINE or not _LINE[name].fullmatch(value):
            raise ValueError(
                f"after '?': baud=300 and more, bits=7 or 8, parity={'/'.join(PARITIES)}, "
                f"stop=1 or 2; not {name}={value}"
            )
    return SerialPort(
        path,
        int(options.get("baud", 9600)),
        int(options.get("bits", 8)),
        PARITIES[options.get("parity", "none")],
        int(options.get("stop", 1)),
    )
