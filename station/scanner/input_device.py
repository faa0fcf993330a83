"""A scanner that types, read from the Linux input layer whichever window has the focus.

Taken exclusively (EVIOCGRAB), so that its keys reach no other window. The computer's keyboard
layout has no part in it: the keys are read as a US keyboard's, which is what scanners are set to
when they are new (the `layout` setting's first half names another one).
"""

from __future__ import annotations

import errno
import select
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from station.scanner.device import InputDevice
from station.scanner.key_codes import EventLike, KeyCodes
from station.scanner.reader import ScannerFault
from station.scanner.settings import HandScanner

LOOK_S: Final = 0.05
INSTALL: Final = "install what reads it: pip install 'packwitness[evdev]'"


class Grabbable(Protocol):
    """What is needed of `evdev.InputDevice`."""

    def fileno(self) -> int:
        """The open file."""

    def read(self) -> Iterator[EventLike]:
        """What has happened since; raises BlockingIOError where nothing has."""

    def grab(self) -> None:
        """Keep its keys from everybody else."""

    def close(self) -> None:
        """Let go of it."""


class OpenInput:
    """An input device that is read exclusively. Raises ScannerFault if it cannot be."""

    def __init__(self, place: str, device: Grabbable, scanner: HandScanner) -> None:
        self._place = place
        self._device = device
        self._keys = KeyCodes(scanner.terminator, scanner.quiet_s, scanner.keyboard)
        try:
            device.grab()
        except OSError as error:
            device.close()
            raise ScannerFault(place, _why(error)) from error

    def read(self) -> list[str]:
        """The codes of the next 50 ms. Raises ScannerFault when the scanner is unplugged."""
        try:
            ready, _, _ = select.select([self._device.fileno()], [], [], LOOK_S)
            events: Iterable[EventLike] = self._device.read() if ready else ()
            return self._keys.take(events, time.monotonic())
        except BlockingIOError:
            return []
        except (OSError, ValueError) as error:
            raise ScannerFault(self._place, "unplugged? It is looked for every second") from error

    def close(self) -> None:
        """Let go of the device; its keys go to the focused window again."""
        self._device.close()


def open_input(device: InputDevice, scanner: HandScanner) -> OpenInput:
    """Open the device that `device` names. Raises ScannerFault."""
    if sys.platform != "linux":
        raise ScannerFault(device.place, "evdev is Linux's: use serial, or let the scanner type")
    try:
        import evdev
    except ImportError as error:
        raise ScannerFault(device.place, INSTALL) from error
    place = device.place if device.is_path else _named(device.place)
    try:
        return OpenInput(place, evdev.InputDevice(place), scanner)
    except OSError as error:
        raise ScannerFault(place, _why(error)) from error


def _named(name: str) -> str:
    """The path of the device that calls itself `name`. Raises ScannerFault."""
    import evdev

    for path in evdev.list_devices():
        found = evdev.InputDevice(path)
        try:
            if found.name == name:
                return path
        finally:
            found.close()
    raise ScannerFault(name, "no input device that this user may read has that name: plug it in")


def _why(error: OSError) -> str:
    """What to do about a device that cannot be opened or grabbed."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            "no permission: add this user to the group input (a udev rule is in docs/scanners.md)"
        )
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "not there: plug it in, or see 'packwitness scanner --list'"
    if error.errno == errno.EBUSY:
        return "another program reads it: close that one"
    return error.strerror or str(error)
