"""The half of `archive.py` that proves: heads and checkpoints, and what the ledger is told.

Checkpoints are jobs of the writer's thread; time stamps are asked for on the caller's thread, which
may wait for a network, and only their receipt is the writer's.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from storage import checkpoint_files, checkpoints, files, ledger, timestamps
from storage.checkpoint_files import Checkpoint
from storage.errors import ArchiveError, LedgerBroken
from storage.ledger import Head, KeyChange, LedgerEvent
from storage.problem import Problem
from storage.reads import Readers
from storage.transaction import immediate
from storage.writing import Writing

log = logging.getLogger(__name__)

STAMPS_AT_ONCE = 50


class Proving(Writing):
    """Part of `Archive`."""

    _readers: Readers
    checkpoint_every = 0
    """A checkpoint is made by itself after so many entries; 0 for never. The bench sets it."""

    def head(self) -> Head:
        """The ledger's newest entry: kept elsewhere, it shows one that was cut or rewritten."""
        with self._readers.lent() as db:
            return ledger.head(db)

    def key_changes(self) -> list[KeyChange]:
        """Each key that this archive has signed with, oldest first."""
        with self._readers.lent() as db:
            return ledger.key_changes(db)

    def checkpoint(self) -> Future[Checkpoint]:
        """Sign the ledger's head as it is when this runs; the newest checkpoint, durable.

        Where nothing has happened since the newest one, it is that one. Fails with LedgerBroken
        (what does not hold is not signed), ArchiveError.
        """

        def sign(db: Database) -> Checkpoint:
            made = None
            until = ledger.head(db).seq
            while checkpoints.last_seq(db) < until:
                made = checkpoints.make(db, self.root, self.signer, self._clock())
            made = made or checkpoints.newest(db, self.root)
            if made is None:
                raise LedgerBroken(until, "has a checkpoint that does not hold")
            return made

        return self._submit(sign, "signing the ledger")

    def checkpoint_when_due(self, db: Database) -> None:
        """Have a checkpoint made, as a job of its own, when there is enough to sign.

        For the writer's thread, after what it was asked to do is done.
        """
        if self.checkpoint_every and checkpoints.due(db) >= self.checkpoint_every:
            self._submit(self._checkpoint_quietly, "signing the ledger")

    def _checkpoint_quietly(self, db: Database) -> None:
        try:
            checkpoints.make(db, self.root, self.signer, self._clock())
        except (ArchiveError, OSError) as error:
            log.error("no checkpoint of the ledger was made: %s", error)  # noqa: TRY400

    def stamp_pending(
        self, tsa: str, timeout_s: float = timestamps.TIMEOUT_S, at_once: int = STAMPS_AT_ONCE
    ) -> int:
        """Ask the authority at the address `tsa` for the time stamps that checkpoints lack, oldest
        first; how many there are now. Waits for the network, and never keeps the writer waiting.

        Raises NoStamp (those that came before it stay), ArchiveError.
        """
        with self._readers.lent() as db:
            pending = checkpoints.unstamped(db, at_once)
        count = 0
        for seq in pending:
            found = checkpoint_files.read_head(self.root, seq)
            if isinstance(found, Problem):
                log.error("checkpoint %d is not stamped: %s %s", seq, found.path, found.what)
                continue
            content = checkpoint_files.head_bytes(found)
            path = checkpoint_files.stamp_path(self.root, seq)
            if not _is_stamped(path, content):
                files.write_over(path, timestamps.stamp(content, tsa, timeout_s))
            digest = files.measure(path).sha256
            mark = partial(checkpoints.mark_stamped, seq=seq, stamp_sha256=digest)
            self._submit(mark, "filing a time stamp").result()
            count += 1
        return count

    def tell_clock_jump(self, by_ms: int) -> Future[None]:
        """Tell the ledger that the computer's clock was moved."""

        def tell(db: Database) -> None:
            with immediate(db):
                ledger.append(db, LedgerEvent.CLOCK_JUMPED, self._clock(), by_ms=by_ms)

        return self._submit(tell, "telling of the clock")


def _is_stamped(path: Path, content: bytes) -> bool:
    """True for a time stamp that a crash kept from its row."""
    try:
        stamp = checkpoint_files.read_small(path, checkpoint_files.STAMP_LIMIT_BYTES)
    except OSError:
        return False
    return not timestamps.fault(stamp, content)
