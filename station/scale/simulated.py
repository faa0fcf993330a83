"""A scale that is none, on a pseudo terminal: for trying out the bench, and for tests.

It speaks as the manuals that `station.scale.protocols` names say, and was written from them and
not from the parsers. POSIX only.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, Self

from station.scale.weight import Fault, Spoken

EVERY_S: Final = 0.1
"""Scales that stream do so about ten times a second."""
_QUESTIONS: Final = {"sics": (b"SI", b"S"), "and": (b"Q", b"SI")}


@dataclass(frozen=True, slots=True)
class Shown:
    """The display of a scale: `figure` of `unit`, net where there is a `tare`."""

    figure: Decimal
    unit: str = "kg"
    stable: bool = True
    tare: Decimal = Decimal(0)
    fault: Fault = ""


EMPTY: Final = Shown(Decimal("0.000"))
_PARCEL: Final = (
    EMPTY,
    Shown(Decimal("0.871"), stable=False),
    Shown(Decimal("1.234")),
    Shown(Decimal("0.310"), stable=False),
)
_STEP_S: Final = 1.0


def encode(spoken: Spoken, shown: Shown, *, checksum: bool = True) -> bytes:
    """The message that says so. A scale that speaks "simple" cannot say what is at fault."""
    figure = shown.figure
    sign, size = "-" if figure < 0 else "+", abs(figure)
    over = "+" if shown.fault == "overload" else "-"
    header = "OL" if shown.fault else "ST" if shown.stable else "US"
    match spoken:
        case "sics" if shown.fault:
            text = f"S {over}"
        case "sics":
            text = f"S {'S' if shown.stable else 'D'} {figure:>10f} {shown.unit}"
        case "cas" if shown.fault:
            text = f"OL,GS,{over}         "
        case "cas":
            text = f"{header},{'NT' if shown.tare else 'GS'},{sign}{size:>7f}{shown.unit:>2}"
        case "and" if shown.fault:
            text = f"OL,{over}999999.9{shown.unit:>3}"
        case "and":
            text = f"{header},{sign}{size:08f}{shown.unit:>3}"
        case "simple" if shown.fault:
            return b""
        case "simple":
            text = f"{figure:>7f} {shown.unit}"
        case "toledo":
            return _toledo(shown, checksum=checksum)
    return f"{text}\r\n".encode()


def _toledo(shown: Shown, *, checksum: bool) -> bytes:
    decimals = -int(shown.figure.as_tuple().exponent)
    a = 0b0010_1000 | decimals + 2
    b = 0b0010_0000
    b |= bool(shown.tare) | (shown.figure < 0) << 1 | bool(shown.fault) << 2
    b |= (not shown.stable) << 3 | (shown.unit == "kg") << 4
    b |= (shown.fault == "underload") << 1
    c = 0b0010_0000 | (shown.unit == "g")
    digits = "".join(f"{abs(one).scaleb(decimals):6.0f}" for one in (shown.figure, shown.tare))
    frame = bytes([0x02, a, b, c]) + digits.encode() + b"\r"
    return frame + bytes([-sum(frame) & 0x7F]) if checksum else frame


class SimulatedScale:
    """A scale at the other end of `path`, until the end of the `with` that opened it. It streams,
    or answers where its protocol is one of questions; `streams` says otherwise at any time."""

    def __init__(
        self, spoken: Spoken, link: Path | None = None, *, streams: bool | None = None
    ) -> None:
        self._spoken: Spoken = spoken
        self.streams = spoken != "sics" if streams is None else streams
        self._link = link
        self._shown = EMPTY
        self._asked = bytearray()
        self._ends: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated scale", daemon=True)
        self.path = ""

    def __enter__(self) -> Self:
        self.plug_in()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join()
        self.unplug()

    def plug_in(self) -> None:
        """Connect it; at the same path as before where it has a link."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        with self._lock:
            self._ends = master, slave
            self.path = os.ttyname(slave)
            if self._link is not None:
                self._link.symlink_to(self.path)
                self.path = str(self._link)

    def unplug(self) -> None:
        """Pull its plug."""
        with self._lock:
            ends, self._ends = self._ends, None
            if self._link is not None:
                self._link.unlink(missing_ok=True)
            for end in ends or ():
                os.close(end)

    def show(self, shown: Shown) -> None:
        """What it shows, and says, from now on."""
        self._shown = shown

    def play(self, passed_s: float) -> None:
        """What it shows when for `passed_s` a parcel was put on it and taken off, again and
        again."""
        self.show(_PARCEL[int(passed_s / _STEP_S) % len(_PARCEL)])

    def say(self, data: bytes | None = None) -> None:
        """Send `data`, or what it shows: as at the press of its key."""
        message = encode(self._spoken, self._shown) if data is None else data
        # With nobody at the other end the bytes are lost, as on a wire.
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._ends is not None:
                os.write(self._ends[0], message)

    def _run(self) -> None:
        while not self._leaving.wait(EVERY_S):
            if self.streams:
                self.say()
            for question in self._questions():
                if question in _QUESTIONS.get(self._spoken, ()):
                    self.say()

    def _questions(self) -> list[bytes]:
        with self._lock:
            if self._ends is None or not select.select([self._ends[0]], [], [], 0)[0]:
                return []
            self._asked += os.read(self._ends[0], 4096)
        *asked, rest = self._asked.split(b"\r\n")
        self._asked[:] = rest
        return [bytes(one) for one in asked]
