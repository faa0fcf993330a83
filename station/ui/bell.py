"""The terminal's bell, in a pattern for each cue."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from station.rules.commands import Cue

if TYPE_CHECKING:
    from textual.app import App

BELLS: Final = {
    Cue.OK: 1,
    Cue.SHOT: 1,
    Cue.SEALED: 1,
    Cue.WARN: 2,
    Cue.ALARM: 3,
}
BELL_GAP_S: Final = 0.15


class Bell:
    """Rings in the terminal of `app`, unless it is not `on`."""

    def __init__(self, app: App[Any], *, on: bool) -> None:
        self._app = app
        self._on = on
        self._quiet_until_s = float("-inf")

    def ring(self, cue: Cue) -> None:
        """Ring; an alarm at once, anything else not into a running pattern."""
        now_s = time.monotonic()
        alarm = cue is Cue.ALARM
        if not self._on or cue is Cue.NONE or (now_s < self._quiet_until_s and not alarm):
            return
        bells = BELLS[cue]
        self._quiet_until_s = now_s + bells * BELL_GAP_S
        self._app.bell()
        for place in range(1, bells):
            self._app.set_timer(place * BELL_GAP_S, self._app.bell)
