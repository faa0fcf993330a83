"""One run of a camera's worker program, seen from its owner: started, fed, heard, killed.

Below `capture.remote`, which decides; this starts the process, owns its three pipes and a thread
for each, and says in words how it ended. Knows no clip and no event.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from capture import wire

_log = logging.getLogger(__name__)

_PROGRAM: Final = "from capture.worker import main; main()"
_LAST_LINES: Final = 150
_TELL_WHERE_S: Final = 0.2
"""So long a worker may write where it hangs, before it is killed."""


class Process:
    """A worker program. `hear` gets its reports on a thread of its own, and must not block.

    A program of its own (and not `multiprocessing`): nothing of the caller's `__main__` is loaded
    or run in it, whatever started that; no signal that a terminal sends to the whole group reaches
    it, from its first moment; and not a line of it reaches the terminal, whose screen it would
    spoil.
    """

    def __init__(self, camera: str, hear: Callable[[Process, Any], None]) -> None:
        """Raises OSError or RuntimeError when the system starts no further program or thread."""
        self._camera = camera
        self._hear = hear
        self.ended = threading.Event()
        """It is over, and every report that it sent was heard."""
        self.heard_s = time.monotonic()
        """When it said something last."""
        self._orders: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        # -P: a file called cv2.py in the folder where the bench was started is not OpenCV.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-X", "faulthandler", "-c", _PROGRAM, camera],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": _python_path()},
            **_apart(),
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr  # noqa: S101
        try:
            for run, pipe, what in (
                (self._give, self._process.stdin, "orders"),
                (self._take, self._process.stdout, "reports"),
                (self._listen, self._process.stderr, "words"),
            ):
                threading.Thread(
                    target=run, args=(pipe,), name=f"{what} {camera}", daemon=True
                ).start()
        except RuntimeError:
            self._process.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, order: object) -> None:
        """Gives an order, in turn; returns at once."""
        self._orders.put(order)

    def kill(self, *, asking_where: bool = False) -> None:
        """Ends it at once; `asking_where`: it is given a moment to write where it hangs."""
        if asking_where and sys.platform != "win32":
            self._process.send_signal(signal.SIGUSR1)
            self.ended.wait(_TELL_WHERE_S)
        self._process.kill()

    def dead(self, timeout_s: float) -> bool:
        """Whether it is gone, at the latest after `timeout_s`. A process that waits in the kernel
        for its device goes only when the device answers."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.returncode is not None

    @property
    def last_words(self) -> str:
        """The last lines that it wrote: where each thread was, what libraries said."""
        return "\n".join(line for line in self._last if not line.startswith("Extension modules"))

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    def how_it_ended(self) -> str:
        """One line, such as `its program crashed (SIGSEGV)`."""
        code = self.exit_code
        if code == wire.HUNG:
            return "a read hung in its driver"
        if code is None or code == 0:
            return "its program ended"
        if sys.platform == "win32" and code >= 0xC0000000:
            return f"its program crashed (0x{code:08X})"
        if code > 0:
            return f"its program ended with code {code}"
        name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
        return f"its program {'was killed' if name == 'SIGKILL' else 'crashed'} ({name})"

    # -- a thread for each pipe ----------------------------------------------------------------

    def _give(self, pipe: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError), pipe:  # it died: `_take` notices
            while (order := self._orders.get()) is not None:
                wire.send(pipe, order)

    def _take(self, pipe: BinaryIO) -> None:
        try:
            with pipe:
                while True:
                    report = wire.receive(pipe)
                    self.heard_s = time.monotonic()
                    self._hear(self, report)
        except EOFError:
            pass
        except Exception:
            _log.exception("camera %s: its reports cannot be taken", self._camera)
        finally:
            self._orders.put(None)
            self.ended.set()

    def _listen(self, pipe: BinaryIO) -> None:
        with pipe:
            while line := pipe.readline(4096):
                self._last.append(line.decode(errors="replace").rstrip())


def _python_path() -> str:
    """Where this program's modules are; an empty entry means the folder at hand."""
    return os.pathsep.join(entry or str(os.getcwd()) for entry in sys.path)  # noqa: PTH109


def _apart() -> dict[str, Any]:
    """A session of its own: Ctrl-C and a closing terminal are for the owner to hear."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
