"""The bench's errand to the time-stamping authority: a thread of its own, in no hurry.

Asks for the time stamps that checkpoints lack; while the authority cannot be reached they wait, and
packing never notices. Knows no screen.
"""

from __future__ import annotations

import logging
import threading

from storage.archive import Archive
from storage.errors import ArchiveError

log = logging.getLogger(__name__)

EVERY_S = 60.0
LONGEST_S = 3_600.0
"""After failures the wait doubles up to this."""


class Stamping:
    """Runs from `start` until `stop`."""

    def __init__(self, archive: Archive, tsa: str, every_s: float = EVERY_S) -> None:
        self._archive = archive
        self._tsa = tsa
        self._every_s = every_s
        self._stopped = threading.Event()
        # A network that hangs must not keep the bench from closing.
        self._thread = threading.Thread(target=self._run, name="time-stamps", daemon=True)

    def start(self) -> None:
        """Begin, at once with what is left from before."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for nothing more; what is being asked for now may still arrive."""
        self._stopped.set()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stopped.wait(wait_s):
            try:
                self._archive.stamp_pending(self._tsa)
                wait_s = self._every_s
            except (ArchiveError, OSError) as error:
                wait_s = min(max(wait_s, self._every_s) * 2, LONGEST_S)
                log.warning("%s", error)
            except Exception:
                log.exception("no more time stamps are asked for")
                return
