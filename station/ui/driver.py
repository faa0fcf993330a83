"""Textual's driver of this system, reading the terminal with `ScanParser`.

Differs from Textual's in what a barcode must not do: no bracketed paste (a paste comes as keys, as
a scan does), bytes that are no UTF-8 become `�` instead of ending the program, and an unfinished
sequence is decided when its time is over, not at the next look a tenth of a second later.
"""

from __future__ import annotations

import os
import selectors
import sys
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Final

from textual import constants

from station.ui.parser import ScanParser

if TYPE_CHECKING:
    from textual.driver import Driver

LOOK_S: Final = 0.1
"""How long the end of the program may go unnoticed by the input thread."""
READ_BYTES: Final = 4_096


def bench_driver() -> type[Driver] | None:
    """The driver of a bench on this system; None where the environment names one of its own."""
    if constants.DRIVER is not None:
        return None
    if sys.platform == "win32":
        return _windows_driver()
    return _posix_driver()


def _posix_driver() -> type[Driver]:
    from textual.drivers.linux_driver import LinuxDriver

    class PosixDriver(LinuxDriver):
        """Linux and macOS."""

        def _enable_bracketed_paste(self) -> None:
            """Not asked for: a barcode could begin a paste that never ends."""

        def run_input_thread(self) -> None:
            parser = ScanParser(self._debug)
            decoder = getincrementaldecoder("utf-8")("replace")
            # select, not epoll: standard input may become /dev/null when the window is closed.
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    due_s = parser.due_s
                    ready = selector.select(LOOK_S if due_s is None else min(LOOK_S, due_s))
                    if not ready and decoder.getstate()[0]:
                        decoder.reset()
                        for event in parser.broken_off():
                            self.process_message(event)
                    if ready:
                        try:
                            data = os.read(self.fileno, READ_BYTES)
                        except OSError:  # the terminal is gone
                            data = b""
                        if not data:
                            self.exit_event.wait(LOOK_S)
                            continue
                        if text := decoder.decode(data):
                            for event in parser.feed(text):
                                self.process_message(event)
                    for event in parser.tick():
                        self.process_message(event)

    return PosixDriver


def _windows_driver() -> type[Driver]:
    from importlib import import_module

    # Its input thread names the parser's class in its module, and has no other place for another.
    win32 = import_module("textual.drivers.win32")
    win32.__dict__["XTermParser"] = ScanParser
    base: type[Driver] = import_module("textual.drivers.windows_driver").WindowsDriver

    def no_bracketed_paste(self: Driver) -> None:
        """Not asked for: a barcode could begin a paste that never ends."""

    return type("WindowsBenchDriver", (base,), {"_enable_bracketed_paste": no_bracketed_paste})
