"""The check of the whole archive that the bench runs beside packing, in a process of its own.

`packwitness check --background` gives way to everything else; it is begun when it is due and no
parcel is open, and goes on by itself while others are packed. Stopped with the bench, it goes on
where it was the next time. What it looks at is `storage.check_run`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from station.rules.state import Phase
from storage.check_run import last
from storage.records import parse_utc

if TYPE_CHECKING:
    from station.config import Config
    from station.rules.state import State

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
"""How often it is looked whether one is due."""
FAILED_S: Final = 3_600.0
"""After one that could not run."""


class BackgroundCheck:
    """Checks every so many days. `problems` is how many the last finished one found; 0 before."""

    def __init__(
        self, config: Config, state: Callable[[], State | None], look_s: float = LOOK_S
    ) -> None:
        """`state` tells that of the bench; None before it takes scans."""
        self.problems = 0
        self._root = config.archive.path
        self._config = config.path
        self._every = dt.timedelta(days=config.check.every_days)
        self._state = state
        self._look_s = look_s

    async def run(self) -> None:
        """Go on until it is cancelled."""
        while self._every:
            await asyncio.sleep(self._look_s)
            state = self._state()
            if (
                state is not None
                and state.phase is Phase.IDLE
                and await asyncio.to_thread(self.due)
            ):
                await self.check()

    def due(self) -> bool:
        """True when the last finished check is too old, or there was none. Reads the archive."""
        told = last(self._root)
        if told is None:
            return True
        try:
            self.problems, at = int(told["problems"]), parse_utc(str(told["at"]))
        except (KeyError, TypeError, ValueError):
            return True
        age = dt.datetime.now(dt.UTC) - at
        return age >= self._every or age < -self._every

    async def check(self) -> None:
        """Run one to its end; it ends with this task."""
        process = await asyncio.create_subprocess_exec(
            *command(self._root, self._config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        told = await asyncio.to_thread(last, self._root)
        self.problems = int(told["problems"]) if told else 0
        if self.problems:
            log.error("the archive is not as it was sealed: %d problems, see `packwitness check`",
                      self.problems)  # fmt: skip
        elif code:
            log.warning("the check of the archive ended with %s", code)
            await asyncio.sleep(FAILED_S)


def command(root: Path, config: Path | None) -> tuple[str, ...]:
    """What is run: this very program."""
    chosen = () if config is None else ("--config", str(config.absolute()))
    program = (sys.executable, "-m", "station.cli", "check", "--background")
    return (*program, "--archive", str(root), *chosen)
