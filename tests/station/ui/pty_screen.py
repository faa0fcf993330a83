"""A program in a pseudo terminal of ours: what it has printed so far, as text, and keys for it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
PATIENCE_S: Final = 30.0
_CONTROL: Final = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\x1b[=>]")


class Screen:
    """One program, from its start to its end."""

    def __init__(self, command: list[str], folder: Path, size: tuple[int, int] = (140, 40)) -> None:
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._program = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)},
        )
        os.close(slave)
        self._printed = b""
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._program.pid

    @property
    def text(self) -> str:
        """Everything that was printed, without what moves and colours it."""
        return _CONTROL.sub(b"", self._printed).decode(errors="replace")

    def type(self, data: bytes) -> None:
        """Type as fast as the terminal takes it."""
        os.write(self._master, data)

    def until(self, text: str) -> None:
        """Wait until `text` was printed."""
        deadline_s = time.monotonic() + PATIENCE_S
        while text not in self.text:
            assert time.monotonic() < deadline_s, f"no {text!r} in:\n{self.text[-4000:]}"
            time.sleep(0.05)

    def ended(self, patience_s: float = 10.0) -> int | None:
        """The exit code; None while it still runs after that time."""
        try:
            return self._program.wait(patience_s)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._master, 65_536)
            except OSError:
                return
            if not chunk:
                return
            self._printed += chunk
