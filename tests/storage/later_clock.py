"""A clock that a test sets by hand, and an archive that goes by it."""

from __future__ import annotations

import datetime as dt

from tests.storage.desk import NOON


class SetClock:
    """Says what it was last set to, beginning at the desk's noon."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        """Let so much time pass: `days=3`, `seconds=-1`."""
        self.now += dt.timedelta(**span)
