"""What could be a hand scanner on this computer: serial ports, and input devices of Linux.

Behind `packwitness scanner --list`. Opens nothing that it does not close again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from station.scanner.input_device import INSTALL

BY_ID = Path("/dev/input/by-id")
SERIAL_BY_ID = Path("/dev/serial/by-id")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device: the value for `[scanner] device`, and what it calls itself."""

    setting: str
    what: str


def candidates() -> tuple[list[Candidate], list[str]]:
    """The devices, and what could not be looked at and why."""
    inputs, notes = _inputs()
    return [*_ports(), *inputs], notes


def _ports() -> list[Candidate]:
    from serial.tools import list_ports

    lasting = _by_id(SERIAL_BY_ID)
    return [
        Candidate(f"serial:{lasting.get(Path(port.device), port.device)}", port.description)
        for port in sorted(list_ports.comports())
    ]


def _inputs() -> tuple[list[Candidate], list[str]]:
    if sys.platform != "linux":
        return [], []
    try:
        import evdev
    except ImportError:
        return [], [f"input devices: {INSTALL}"]
    lasting, found, refused = _by_id(BY_ID), [], 0
    for path in sorted(Path("/dev/input").glob("event*")):
        try:
            device = evdev.InputDevice(str(path))
        except OSError:
            refused += 1
            continue
        try:
            if evdev.ecodes.KEY_ENTER in device.capabilities().get(evdev.ecodes.EV_KEY, ()):
                found.append(Candidate(f"evdev:{lasting.get(path, path)}", device.name))
        finally:
            device.close()
    notes = [f"input devices: {refused} refused; add this user to the group input"] * bool(refused)
    return found, notes


def _by_id(folder: Path) -> dict[Path, Path]:
    """The names in `folder` that stay the same when a device is plugged in elsewhere."""
    return {link.resolve(): link for link in folder.glob("*")} if folder.is_dir() else {}
