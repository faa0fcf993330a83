"""A serial or USB-CDC scanner, read with pyserial."""

from __future__ import annotations

import errno
import sys
import time
from typing import Final

import serial

from station.scanner.device import SerialPort
from station.scanner.lines import Lines
from station.scanner.reader import ScannerFault
from station.scanner.settings import HandScanner

LOOK_S: Final = 0.05
READ_BYTES: Final = 4_096


class OpenPort:
    """An open port. Raises ScannerFault where it cannot be opened."""

    def __init__(self, port: SerialPort, scanner: HandScanner) -> None:
        self._path = port.path
        self._lines = Lines(scanner.terminator, scanner.quiet_s)
        try:
            self._serial = serial.Serial(
                port.path,
                port.baud,
                bytesize=port.bits,
                parity=port.parity,
                stopbits=port.stop,
                timeout=LOOK_S,
                # Two benches on one port would take codes from each other.
                exclusive=None if sys.platform == "win32" else True,
            )
        except (OSError, ValueError) as error:  # pyserial's own is an OSError
            raise ScannerFault(port.path, _why(error)) from error

    def read(self) -> list[str]:
        """The codes of the next 50 ms. Raises ScannerFault when the scanner is unplugged."""
        try:
            data = self._serial.read(1)
            if data:
                data += self._serial.read(min(READ_BYTES, self._serial.in_waiting))
        except (OSError, TypeError) as error:  # TypeError: pyserial, when closed under its feet
            raise ScannerFault(self._path, "unplugged? It is looked for every second") from error
        now_s = time.monotonic()
        return self._lines.take(data, now_s) if data else self._lines.settle(now_s)

    def close(self) -> None:
        """Let go of the port."""
        self._serial.close()


def _why(error: Exception) -> str:
    """What to do about a port that cannot be opened."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT or "FileNotFoundError" in str(error):
        return "not there: plug it in, or see 'packwitness scanner --list'"
    if number in (errno.EACCES, errno.EPERM) or "PermissionError" in str(error):
        group = "" if sys.platform == "win32" else ": add this user to the group dialout"
        return f"no permission, or another program has it{group}"
    if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        return "another program reads it: close that one"
    return str(error)
