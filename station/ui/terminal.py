"""The process around the app: archive, lock, log, signals, and an end that always comes.

The bench must not outlive its terminal (its lock would refuse the next start), and nothing that is
open may be lost with it: when the window is closed, the screen's writer blocks on a terminal that
is gone, so the bench seals and leaves without the screen.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from station.ui.app import BenchApp, show
from storage.archive import Archive

if TYPE_CHECKING:
    from station.config import Config

log = logging.getLogger(__name__)

HUNG_UP: Final = 129
"""128 + SIGHUP, as a shell tells it."""
LAST_S: Final = 30.0
"""A bench without a terminal that has not sealed by then leaves it to the next start."""


def run(config: Config) -> int:
    """Open the bench in this terminal until it is closed; the exit code. Raises ArchiveError."""
    with Archive.open(config.archive.path) as archive:
        archive.hold_bench_lock()
        _log_to(archive.root / "bench.log")
        app = BenchApp(config, archive)
        asyncio.run(_serve(app, archive))
    return app.return_code or 0


async def _serve(app: BenchApp, archive: Archive) -> None:
    """Run the app until it is closed, by its packer or by a signal."""
    held: list[asyncio.Task[NoReturn]] = []  # the loop holds its tasks only weakly
    if sys.platform != "win32":
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, app.close_bench)
        loop.add_signal_handler(signal.SIGHUP, lambda: held.append(_hang_up(app, archive)))
    await show(app)


def _hang_up(app: BenchApp, archive: Archive) -> asyncio.Task[NoReturn]:
    """The terminal is gone: write to nowhere from now on, seal, and leave without the screen."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    last = threading.Timer(LAST_S, _leave, [HUNG_UP])
    last.daemon = True
    last.start()
    return asyncio.get_running_loop().create_task(_seal_and_leave(app, archive))


async def _seal_and_leave(app: BenchApp, archive: Archive) -> NoReturn:
    log.info("the terminal is gone")
    await app.bench.close()
    await asyncio.to_thread(archive.close)
    _leave(HUNG_UP)


def _leave(code: int) -> NoReturn:
    """End at once: the screen is not waited for."""
    logging.shutdown()
    os._exit(code)


def _log_to(path: Path) -> None:
    """One file beside the archive's database; the terminal belongs to the screen."""
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
