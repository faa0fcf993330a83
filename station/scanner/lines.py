"""Bytes of a serial scanner in, codes out. Pure: times are seconds of one monotonic clock.

Knows no port. A code is ended by CR, LF, NUL or ETX (Tab too, where the setting does not say
Enter), or by silence where the scanner sends none of them.
"""

from __future__ import annotations

from typing import Final

from station.scanner.settings import QUIET_AFTER_TERMINATOR_S, Terminator

ENDS: Final = b"\r\n\x00\x03"
STX: Final = 0x02
LONGEST_BYTES: Final = 4_096
"""What is longer is cut here, so that a port that sends for ever fills no memory."""


class Lines:
    """Collects bytes into codes."""

    def __init__(self, terminator: Terminator, quiet_s: float) -> None:
        self._ends = ENDS if terminator == "enter" else ENDS + b"\t"
        self._quiet_s = quiet_s
        self._ended_before = terminator in ("enter", "tab")
        self._may_learn = terminator == "auto"
        self._bytes = bytearray()
        self._last_s = float("-inf")

    def take(self, data: bytes, at_s: float) -> list[str]:
        """The codes that are complete by `data`."""
        codes = self.settle(at_s)
        for byte in data:
            if byte in self._ends:
                if self._bytes:
                    codes.append(self._end())
                    self._ended_before |= self._may_learn
            elif byte != STX and len(self._bytes) < LONGEST_BYTES:
                self._bytes.append(byte)
        self._last_s = at_s
        return codes

    def settle(self, now_s: float) -> list[str]:
        """The code that silence has ended by `now_s`."""
        quiet_s = QUIET_AFTER_TERMINATOR_S if self._ended_before else self._quiet_s
        if not self._bytes or now_s - self._last_s < quiet_s:
            return []
        self._ended_before &= not self._may_learn
        return [self._end()]

    def _end(self) -> str:
        data = bytes(self._bytes)
        self._bytes.clear()
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("latin-1")
