"""A serial port, opened with pyserial, and a serial or USB-CDC scanner on one."""

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
WRITE_S: Final = 1.0
"""A device that takes no byte for so long hangs."""


class BytePort:
    """An open port. Raises ScannerFault where it cannot be opened."""

    def __init__(self, port: SerialPort) -> None:
        self._path = port.path
        try:
            self._serial = serial.Serial(
                port.path,
                port.baud,
                bytesize=port.bits,
                parity=port.parity,
                stopbits=port.stop,
                timeout=LOOK_S,
                write_timeout=WRITE_S,
                # Two benches on one port would take codes from each other.
                exclusive=None if sys.platform == "win32" else True,
            )
        except (OSError, ValueError) as error:  # pyserial's own is an OSError
            raise ScannerFault(port.path, _why(error)) from error

    def read(self) -> bytes:
        """What arrives within 50 ms. Raises ScannerFault when the device is unplugged."""
        try:
            data: bytes = self._serial.read(1)
            if data:
                data += self._serial.read(min(READ_BYTES, self._serial.in_waiting))
        except (OSError, TypeError) as error:  # TypeError: pyserial, when closed under its feet
            raise ScannerFault(self._path, "unplugged? It is looked for every second") from error
        return data

    def write(self, data: bytes) -> None:
        """Send `data`. Raises ScannerFault when the device is unplugged, or takes nothing."""
        try:
            self._serial.write(data)
        except (OSError, TypeError) as error:
            raise ScannerFault(self._path, "unplugged? It is looked for every second") from error

    def close(self) -> None:
        """Let go of the port."""
        self._serial.close()


class OpenPort:
    """A scanner on an open port. Raises ScannerFault where that cannot be opened."""

    def __init__(self, port: SerialPort, scanner: HandScanner) -> None:
        self._lines = Lines(scanner.terminator, scanner.quiet_s)
        self._port = BytePort(port)

    def read(self) -> list[str]:
        """The codes of the next 50 ms. Raises ScannerFault when the scanner is unplugged."""
        data = self._port.read()
        now_s = time.monotonic()
        return self._lines.take(data, now_s) if data else self._lines.settle(now_s)

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()


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
