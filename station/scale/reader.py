"""The thread that reads a serial scale, asks it where it wants to be asked, and finds it again.

It tells on its own thread; whoever shows or files a weight takes it to his loop. Knows no parcel.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from station.scale.protocols import Parser, Protocol
from station.scale.steady import Steady
from station.scale.weight import Reading, Spoken, Weight
from station.scanner.device import SerialPort, parse_device
from station.scanner.reader import DeviceThread, Gone, Here
from station.scanner.serial_port import LOOK_S, BytePort

if TYPE_CHECKING:
    from station.config_trade import ScaleConfig

QUIET_S: Final = 0.2
"""No scale pauses so long inside a message: at 300 baud a byte takes 33 ms."""
ASK_AFTER_S: Final = 0.2
"""A scale that is asked is asked again so long after it answered."""
ASK_AGAIN_S: Final = 1.0
"""One that does not answer is asked so often."""
MUTE_S: Final = 5.0
FLOWS: Final = 10
"""A scale that said so much without a pause of a second does not fall silent by itself, as one does
that speaks at the press of its key."""
STRANGE_BYTES: Final = 256
ASKED: Final[dict[Protocol, bytes]] = {"sics": b"SI\r\n", "and": b"Q\r\n", "auto": b"SI\r\n"}
"""How to ask for the weight now. MT-SICS 11780711 and A&D's list of commands (FZ-i 15-1) both know
SI, so that it finds either; a scale that streams is never asked."""
_WHICH: Final = "see port and protocol in [scale], and the scale's own settings"
MUTE: Final = f"it says nothing: is it on, is its cable in? Else {_WHICH}"
STRANGE: Final = f"what it sends is not understood: {_WHICH}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """The port is open, but the scale brings no weights."""

    why: str


Told = Weight | Trouble | Spoken


def serial_port(text: str) -> SerialPort:
    """The port that `[scale] port` names. Raises ValueError with what is allowed."""
    match parse_device(text):
        case SerialPort() as port:
            return port
        case _:
            raise ValueError("serial:/dev/ttyUSB0?baud=9600 or serial:COM3")


class OpenScale:
    """A scale on an open port. Raises ScannerFault where that cannot be opened."""

    def __init__(self, port: SerialPort, protocol: Protocol) -> None:
        self._port = BytePort(port)
        self._protocol: Protocol = protocol
        self._parser = Parser(protocol)
        self._steady = Steady()
        self._spoken: Spoken | None = None
        self._quiet_looks = 0
        self._answered = False
        self._flowing = 0
        self._asked_s = float("-inf")
        self._strange_bytes = 0
        self._trouble: Trouble | None = None

    def read(self) -> list[Told]:
        """What the next 50 ms bring. Raises ScannerFault when the scale is unplugged."""
        self._ask()
        data = self._port.read()
        if data and self._quiet_s >= ASK_AGAIN_S:
            self._flowing = 0
        # Silence is counted in looks that found nothing, not by the clock: when this computer
        # stalls, the bytes of one message arrive far apart.
        self._quiet_looks = 0 if data else self._quiet_looks + 1
        readings = self._parser.take(data)
        if self._quiet_s >= QUIET_S:
            readings += self._parser.quiet()
        told: list[Told] = []
        for reading in readings:
            told += self._understood(reading)
        self._strange_bytes = 0 if readings else self._strange_bytes + len(data)
        return [*told, *self._steady.quiet(self._quiet_s), *self._troubled()]

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()

    @property
    def _quiet_s(self) -> float:
        return self._quiet_looks * LOOK_S

    def _ask(self) -> None:
        unknown = self._protocol == "auto" and self._spoken is None
        ask = ASKED.get(self._protocol if unknown else self._spoken or self._protocol)
        quiet_s = ASK_AGAIN_S if unknown else ASK_AFTER_S
        pause_s = ASK_AFTER_S if self._answered else ASK_AGAIN_S
        now_s = time.monotonic()
        if ask and self._quiet_s >= quiet_s and now_s - self._asked_s >= pause_s:
            self._asked_s = now_s
            self._answered = False
            self._port.write(ask)

    def _understood(self, reading: Reading) -> list[Told]:
        self._answered = True
        self._flowing += 1
        told: list[Told] = list(self._steady.take(reading))
        if self._trouble is not None:
            self._trouble = None
            told.insert(0, Trouble(""))
        if reading.spoken != self._spoken:
            self._spoken = reading.spoken
            told.insert(0, reading.spoken)
        return told

    def _troubled(self) -> list[Told]:
        """Why no weights come although the port is open, once."""
        flows = self._protocol == "sics" or self._flowing >= FLOWS
        if self._quiet_s >= MUTE_S and flows:
            trouble = Trouble(MUTE)
            self._steady = Steady()  # what it says when it is back is told, whatever it was
        elif self._strange_bytes >= STRANGE_BYTES:
            trouble = Trouble(STRANGE)
        else:
            return []
        if trouble == self._trouble:
            return []
        self._trouble = trouble
        return [trouble]


class ScaleReader:
    """Reads the configured scale until it is closed.

    `on_weight` gets each weight at rest that is not the one before, the first reading of each
    phase that is not at rest, and each fault once; after the scale was away, its weight again.
    `on_state` gets '' when the scale is there, and what is wrong and what to do when it is not or
    is not understood. Both are called on the reader's thread.

    Raises ValueError where `config.port` names no serial port.
    """

    def __init__(
        self,
        config: ScaleConfig,
        on_weight: Callable[[Weight], None],
        on_state: Callable[[str], None],
    ) -> None:
        port = serial_port(config.port)
        self._on_weight = on_weight
        self._on_state = on_state
        self._spoken: Spoken | None = None
        self._thread: DeviceThread[Told] = DeviceThread(
            "scale", port.path, lambda: OpenScale(port, config.protocol), self._told
        )

    @property
    def spoken(self) -> Spoken | None:
        """The protocol of the newest reading; None before the first one."""
        return self._spoken

    def start(self) -> None:
        """Begin reading."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to let the scale go and end. Returns at once: a port may hang."""
        self._thread.stop()

    def _told(self, told: Told | Here | Gone) -> None:
        match told:
            case Weight():
                self._on_weight(told)
            case Here():
                self._on_state("")
            case Gone() | Trouble():
                self._on_state(told.why)
            case _:
                self._spoken = told
