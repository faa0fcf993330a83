"""The hand scanner's settings, as the rooms that read scanners take them.

`station.config` reads them from the file; this room does not know the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from station.scanner.device import InputDevice, SerialPort
from station.scanner.layouts import Layout, Translation, layouts

Terminator = Literal["auto", "enter", "tab", "none"]
QUIET_AFTER_TERMINATOR_S: Final = 1.0
"""A scanner that is known to end its codes may hesitate so long inside one: it is not cut."""


@dataclass(frozen=True, slots=True)
class HandScanner:
    """One bench's hand scanner. `device` None: it types into the terminal.

    `keyboard` is the layout that the scanner is set to.
    """

    device: SerialPort | InputDevice | None = None
    keyboard: Layout = field(default_factory=lambda: layouts()["us"])
    translation: Translation = field(default_factory=lambda: Translation({}))
    terminator: Terminator = "auto"
    burst_s: float = 0.035
    quiet_s: float = 0.12
