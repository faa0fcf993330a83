"""Retention beside packing: a session at a time, and only while nobody waits for the archive.

The bench runs it as a task of its own. What may go and why is `storage.retention`'s to say; this
only chooses the moments. Deletes nothing unless the configuration says that it may.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from station.diskspace import GB
from station.replies import Replies
from station.rules.events import Disk
from station.rules.state import Phase
from storage.errors import NotDeleted
from storage.records import Kind
from storage.retention import Doomed, Policy, Rule

if TYPE_CHECKING:
    from station.config import Config
    from station.rules.state import State
    from storage.archive import Archive

log = logging.getLogger(__name__)

STEP_S: Final = 15.0
"""Between two sessions: a few a minute free far more than a bench records in it."""
PLAN_S: Final = 6 * 3_600.0
"""How often it is asked anew what may go; at once when the disk turns low."""
AT_ONCE: Final = 1_000
"""Sessions in one plan."""


def policy_of(config: Config) -> Policy:
    """The retention policy as the configuration has it."""
    chosen = config.retention
    return Policy(
        days=chosen.days,
        floor_days=chosen.floor_days,
        budget_bytes=int(chosen.budget_gb * GB) if chosen.budget_gb else None,
        keep_free_bytes=int(config.disk.low_gb * GB),
        rules=tuple(
            Rule(
                name=rule.name,
                days=rule.days,
                kind=Kind(rule.kind) if rule.kind else None,
                least_cents=None if rule.least is None else math.ceil(rule.least * 100),
                currency=rule.currency,
            )
            for rule in chosen.rule
        ),
    )


class Retaining:
    """Frees the disk in small steps. `free_bytes` is what retention could make room for, as last
    looked at while the disk was low; 0 before."""

    def __init__(
        self,
        config: Config,
        archive: Archive,
        state: Callable[[], State | None],
        step_s: float = STEP_S,
    ) -> None:
        """`state` tells that of the bench; None before it takes scans."""
        self.could_free_bytes = 0
        self._archive = archive
        self._policy = policy_of(config)
        self._automatic = config.retention.automatic
        self._state = state
        self._step_s = step_s
        self._doomed: deque[Doomed] = deque()
        self._planned_s = -math.inf
        self._was_low = False
        self._kept: set[str] = set()
        """Those that could not go: looked at again after the next start only."""

    async def run(self, replies: Replies) -> None:
        """Go on until it is cancelled."""
        while True:
            await asyncio.sleep(self._step_s)
            await self.step(replies)

    async def step(self, replies: Replies) -> None:
        """Delete at most one session, if this is a moment for it."""
        state = self._state()
        low = state is not None and state.disk is not Disk.OK
        # On a low disk it suffices that nobody waits for the archive at this moment.
        moments = (Phase.IDLE, Phase.RECORDING) if low else (Phase.IDLE,)
        if state is None or state.phase not in moments:
            return
        due = time.monotonic() - self._planned_s >= PLAN_S or (low and not self._was_low)
        self._was_low = low
        if due:
            self._planned_s = time.monotonic()
            if low:
                self.could_free_bytes = await replies.attempt(
                    "asking what retention could free", 0, self._archive.could_free, self._policy
                )
            if self._automatic:
                self._doomed = deque(await replies.attempt("planning retention", (), self._plan))
        if self._doomed:
            await replies.attempt("deleting by policy", None, self._delete, self._doomed.popleft())
            if not self._doomed:
                self._planned_s = -math.inf  # more than one plan holds may be over its time

    def _plan(self) -> tuple[Doomed, ...]:
        most = AT_ONCE + len(self._kept)
        plan = self._archive.retention_plan(self._policy, most=most)
        if plan.doubt:
            log.warning("nothing is deleted by policy: %s", plan.doubt)
            return ()
        return tuple(each for each in plan.deletes if each.session not in self._kept)

    def _delete(self, doomed: Doomed) -> None:
        try:
            self._archive.delete(None, doomed, self._policy).result()
        except NotDeleted as error:
            self._kept.add(doomed.session)
            log.warning("%s", error)
        else:
            log.info("session %s of %s was deleted by policy", doomed.session, doomed.number)
