"""A program in a pseudo terminal of ours: what it prints is read and dated, keys are typed."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


class Terminal:
    """The other end of the program's terminal."""

    def __init__(self, master: int, program: subprocess.Popen[bytes], log: Path) -> None:
        self.program = program
        self._master = master
        self._log = log
        self.printed: list[tuple[int, bytes]] = []
        """What the program wrote, with the monotonic ns at which it arrived."""
        threading.Thread(target=self._read, daemon=True).start()

    def type(self, data: bytes) -> int:
        """Type as fast as the terminal takes it; the monotonic ns at which the last byte was in."""
        while data:
            data = data[os.write(self._master, data) :]
        return time.monotonic_ns()

    def notes(self, what: str) -> list[tuple[int, Any]]:
        """The program's log: monotonic ns and value of each `what`."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        read = [json.loads(line) for line in lines if line.endswith("]")]
        return [(at, value) for kind, at, value in read if kind == what]

    def wait_for(self, what: str, count: int = 1, patience_s: float = 60.0) -> None:
        deadline_s = time.monotonic() + patience_s
        while len(self.notes(what)) < count:
            if time.monotonic() > deadline_s or self.program.poll() is not None:
                tail = b"".join(chunk for _, chunk in self.printed[-40:]).decode(errors="replace")
                found = len(self.notes(what))
                raise AssertionError(
                    f"waited in vain for {count} {what}, got {found}: {tail[-800:]!r}"
                )
            time.sleep(0.02)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._master, 65_536)
            except OSError:
                return
            if not chunk:
                return
            self.printed.append((time.monotonic_ns(), chunk))


@contextmanager
def terminal(log: Path, *options: str, size: tuple[int, int] = (120, 34)) -> Iterator[Terminal]:
    """`bench_program` in a terminal of `size` cells, ready."""
    master, slave = pty.openpty()
    columns, rows = size
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.station.ui.bench_program", str(log), *options],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    os.close(slave)
    running = Terminal(master, program, log)
    try:
        running.wait_for("ready")
        yield running
        running.type(b"QUIT\r")
        program.wait(20)
    finally:
        program.kill()
        program.wait()
        os.close(master)
