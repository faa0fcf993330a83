"""The thread that reads a hand scanner which is no keyboard, and finds it again when it was away.

What it reads and how the scanner stands is told to the caller on that thread; `station.ui.app`
takes it to its loop. Knows no screen and no rule: a code from here is a scan like any other. What
else is plugged in at a bench (`station.scale`) is read by the same loop.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from station.scanner.settings import HandScanner

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ScannerFault(Exception):
    """A scanner cannot be opened, or is gone: `device`, what happened and what to do."""

    def __init__(self, device: str, why: str) -> None:
        self.device = device
        self.why = why
        super().__init__(f"scanner {device}: {why}")


@dataclass(frozen=True, slots=True)
class Code:
    """One code, as the scanner sent it."""

    text: str


@dataclass(frozen=True, slots=True)
class Here:
    """The scanner is open."""

    device: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The scanner is not there; it is looked for once a second."""

    device: str
    why: str


Told = Code | Here | Gone


class Open(Protocol[T_co]):
    """A scanner, or another device, that is being read."""

    def read(self) -> Sequence[T_co]:
        """What the next moment brings; waits at most a tenth of a second. Raises ScannerFault."""

    def close(self) -> None:
        """Let go of it."""


def opener(scanner: HandScanner) -> tuple[str, Callable[[], Open[str]]] | None:
    """The name of the configured device and what opens it; None for a scanner that types."""
    from station.scanner.device import InputDevice, SerialPort

    match scanner.device:
        case SerialPort() as port:
            from station.scanner.serial_port import OpenPort

            return port.path, lambda: OpenPort(port, scanner)
        case InputDevice() as device:
            from station.scanner.input_device import open_input

            return device.place, lambda: open_input(device, scanner)
        case None:
            return None


class DeviceThread(Generic[T]):
    """Reads one device until it is closed. `name` is what it is: "scanner"."""

    def __init__(
        self,
        name: str,
        device: str,
        open_it: Callable[[], Open[T]],
        tell: Callable[[T | Here | Gone], None],
    ) -> None:
        self._name = name
        self._device = device
        self._open_it = open_it
        self._tell = tell
        self._leaving = threading.Event()
        self._was_open = False
        self._said = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin reading."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to let the device go and end. Returns at once: a port may hang."""
        self._leaving.set()

    def _run(self) -> None:
        while not self._leaving.is_set():
            try:
                self._until_gone()
            except Exception:  # the top of this thread: whom it tells has failed
                log.exception("the %s's thread could not tell that it is gone", self._name)
            self._leaving.wait(RETRY_S)

    def _until_gone(self) -> None:
        """Read until the device is gone or the thread is to end, and tell why it is gone."""
        try:
            self._read()
        except ScannerFault as fault:
            why = fault.why
        except Exception as error:  # whatever a driver, or whom it tells, raises
            log.exception("the %s's thread met what it does not know", self._name)
            why = f"{type(error).__name__}: {error}"
        else:
            return
        if why != self._said or self._was_open:
            self._said = why
            self._tell(Gone(self._device, why))

    def _read(self) -> None:
        """Read until the device is gone or the thread is to end. Raises ScannerFault."""
        self._was_open = False
        device = self._open_it()
        self._was_open = True
        try:
            self._tell(Here(self._device))
            while not self._leaving.is_set():
                for what in device.read():
                    self._tell(what)
        finally:
            with contextlib.suppress(OSError):
                device.close()


class ScannerThread(DeviceThread[str]):
    """Reads one scanner until it is closed."""

    def __init__(
        self, device: str, open_it: Callable[[], Open[str]], tell: Callable[[Told], None]
    ) -> None:
        super().__init__(
            "scanner",
            device,
            open_it,
            lambda told: tell(Code(told) if isinstance(told, str) else told),
        )
