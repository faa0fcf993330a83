"""The half of `archive.py` that proves: heads and checkpoints, and what the ledger is told.

Checkpoints are jobs of the writer's thread; time stamps are asked for on the caller's thread, which
may wait for a network, and only their receipt is the writer's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils import Database

from storage import (
    checkpoint_files,
    checkpoints,
    files,
    ledger,
    ledger_proofs,
    people,
    timestamps,
)
from storage.checkpoint_files import Checkpoint
from storage.errors import ArchiveError, ArchiveNotWritable, LedgerBroken
from storage.later import Actor, Right
from storage.ledger import Head, KeyChange, LedgerEvent
from storage.ledger_proofs import Proof, Witness
from storage.problem import Problem
from storage.reads import Readers
from storage.transaction import immediate
from storage.writing import Writing

if TYPE_CHECKING:
    from cryptography import x509

    from storage.site_folder import SiteFiles
    from storage.site_keys import SiteSigner

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

    def proofs(self, seqs: Iterable[int]) -> tuple[list[Witness], dict[int, Proof]]:
        """The checkpoints that stand for these entries of the ledger, oldest first, and the proof
        of each entry. What no checkpoint stands for yet is signed first.

        Raises LedgerBroken, ArchiveError, OSError.
        """
        wanted = list(seqs)
        with self._readers.lent() as db:
            unsigned = max(wanted, default=0) > checkpoints.last_seq(db)
        if unsigned:
            self.checkpoint().result()
        with self._readers.lent() as db:
            return ledger_proofs.prove(db, self.root, wanted)

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

    def site_signer(
        self, actor: Actor, command: Sequence[str] = (), timeout_s: float | None = None
    ) -> SiteSigner:
        """Who signs evidence packages: the site's own key, or the program outside that `command`
        names. Keys are made where there were none yet; the ledger is told whenever they are others.

        Raises SiteKeysUnusable (also for keys that the ledger knows and that are gone), NotAllowed
        for somebody who may not export, ArchiveBusy, ArchiveNotWritable.
        """
        from storage import site_entries, site_keys

        with self._readers.lent() as db:
            site_entries.require_there(db, self.root)
        limit_s = site_keys.TIMEOUT_S if timeout_s is None else timeout_s
        signer = site_keys.site_signer(self.root, command, limit_s)
        self.tell_site_keys(actor, signer.certificates).result()
        return signer

    def tell_site_keys(
        self, actor: Actor, certificates: Sequence[x509.Certificate], what: str = ""
    ) -> Future[bool]:
        """Tell the ledger who signs evidence packages from now on (signer first, root last), unless
        it knows; True when it did not. With `what`, how it came, it is told in any case.

        Fails with NotAllowed for somebody who may not export.
        """
        from storage import site_entries

        def tell(db: Database) -> bool:
            return site_entries.tell(db, actor, certificates, what, self._clock())

        return self._submit(tell, "telling of the site's keys")

    def change_site_keys(
        self, actor: Actor, what: str, change: Callable[[Path], SiteFiles]
    ) -> SiteFiles:
        """What `change`, called with the archive's folder, makes of the site's keys; the ledger is
        told. Raises NotAllowed, ArchiveNotWritable, and what `change` raises."""
        if not self.writable:
            raise ArchiveNotWritable(self.root, "it was opened for reading, and a change is told")
        with self._readers.lent() as db:
            people.require(db, actor, Right.REKEY)
        changed = change(self.root)
        self.tell_site_keys(actor, changed.certificates, what).result()
        return changed

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
