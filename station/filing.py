"""The bench's archive at work: carries out the commands about sessions, gaps and notes.

Looks up, opens, files and seals, files again what a full disk refused, and repairs. The archive
answers from its writer thread, and each answer goes to the rules as an event. A session is sealed
only when `station.footage` writes no file of it any more. Decides nothing and knows no camera.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from station.desk import Desk, Write
from station.diskspace import DiskWatch
from station.footage import Footage
from station.places import Places
from station.replies import Replies
from station.rules import commands, events
from station.rules.state import Finished
from station.waybill import printable
from storage.errors import ArchiveError
from storage.order import Order
from storage.records import Session

if TYPE_CHECKING:
    from storage.archive import Archive

log = logging.getLogger(__name__)

CRASHED = "an error that bench.log tells"


class Filing:
    """What one bench reads from and writes to its archive. Every method is called on the loop."""

    def __init__(
        self,
        bench: str,
        archive: Archive,
        desk: Desk,
        disk: DiskWatch,
        places: Places,
        footage: Footage,
        replies: Replies,
    ) -> None:
        self._bench = bench
        self._archive = archive
        self._desk = desk
        self._disk = disk
        self._places = places
        self._footage = footage
        self._replies = replies
        self._unfiled: list[tuple[str, Write]] = []
        self._unrepaired = False

    def look_up(self, command: commands.LookUp) -> None:
        """Tell the rules the newest session of the number that was not cancelled, if any, and the
        orders that the parcel carries."""

        def good(found: tuple[Session | None, tuple[Order, ...], Order | None]) -> None:
            prior, orders, order = found
            known = None
            if prior is not None:
                known = events.Prior(
                    prior.id,
                    prior.pass_no,
                    prior.opened_at,
                    prior.bench,
                    prior.packer,
                    prior.kind,
                    prior.status,
                )
            self._desk.send(
                events.LookedUp, number=command.number, prior=known, orders=orders, order=order
            )

        self._replies.reply(
            self._replies.pool.submit(self._looked_up, command.number),
            good,
            lambda why: self._desk.send(events.LookUpFailed, number=command.number, why=why),
        )

    def _looked_up(self, number: str) -> tuple[Session | None, tuple[Order, ...], Order | None]:
        """Runs in the pool. An order's id stands for all of its parcels: it was packed before if
        one of them was."""
        orders = self._archive.orders_in(number)
        order = None if orders else self._archive.order(number)
        numbers = (number, *(order.numbers if order else ()))
        priors = [prior for each in numbers if (prior := self._archive.prior(each)) is not None]
        return max(priors, key=lambda prior: prior.opened_at, default=None), orders, order

    def find_order(self, text: str, then: Callable[[Order | None], None]) -> None:
        """Tell whether a scanned text is the id of a known order."""

        def bad(why: str) -> None:
            log.warning("not known whether %s is an order: %s", printable(text), why)
            then(None)

        self._replies.reply(self._replies.pool.submit(self._archive.order, text), then, bad)

    def bind(self, command: commands.BindSession) -> None:
        """Give the session the number of its label, and the rules the orders of that parcel."""

        def good(bound: Session) -> None:
            number = bound.waybill.number
            self._replies.reply(
                self._replies.pool.submit(self._archive.orders_in, number),
                lambda orders: told(bound, orders),
                lambda _: told(bound, ()),
            )

        def told(bound: Session, orders: tuple[Order, ...]) -> None:
            self._desk.send(events.Bound, session=bound.id, pass_no=bound.pass_no, orders=orders)

        self._replies.reply(
            self._archive.bind(command.session, command.waybill),
            good,
            lambda why: self._desk.send(events.BindFailed, session=command.session, why=why),
        )

    def open(self, command: commands.OpenSession) -> None:
        """Make the session's row and its folder, into which its files go from then on."""
        folder = self._places.expect(command.session)
        draft = Session(
            id=command.session,
            waybill=command.waybill,
            kind=command.kind,
            pass_no=command.pass_no,
            bench=self._bench,
            packer=command.packer,
            opened_at=command.opened_at,
            required_slots=command.required_slots,
        )

        def good(path: Path) -> None:
            folder.set_result(path)
            self._desk.send(events.Opened, session=command.session)

        def bad(why: str) -> None:
            folder.cancel()
            self._places.forget(command.session)
            self._desk.send(events.OpenFailed, session=command.session, why=why)

        self._replies.reply(self._archive.open_session(draft), good, bad)

    def seal(self, command: commands.SealSession) -> None:
        """Seal the session once none of its files is being written."""
        if self._places.is_quiet(command.session):
            self._seal_now(command)
        else:
            self._replies.spawn(self._seal_when_quiet(command))

    async def _seal_when_quiet(self, command: commands.SealSession) -> None:
        """A camera that never answered may still be writing: a file that grows is not sealed. If
        it never ends, the session stays open for the next start to repair."""
        log.warning("session %s waits for a file that is being written", command.session)
        await self._footage.settle(command.session)
        self._seal_now(command)

    def _seal_now(self, command: commands.SealSession) -> None:
        def good(sealed: Session) -> None:
            self._places.forget(command.session)
            self._unfiled = [one for one in self._unfiled if one[0] != command.session]
            self._disk.count(sealed)
            self._tell_sealed(sealed)

        def bad(why: str) -> None:
            self._places.forget(command.session)
            self._desk.send(events.SealFailed, session=command.session, why=why)

        self._file_again({command.session})
        future = self._archive.seal(
            command.session, command.status, command.end_reason, command.ended_at, command.reason
        )
        self._replies.reply(future, good, bad)

    def file_gap(self, command: commands.FileGap) -> None:
        """File the gap under its session."""
        self._file(command.session, partial(self._archive.add_gap, command.session, command.gap))

    def file_note(self, command: commands.FileNote) -> None:
        """File the note under its session."""
        self._file(command.session, partial(self._archive.add_note, command.session, command.note))

    def file_later(self, session: str, write: Write) -> None:
        """What a full disk refused: filed again before the session is sealed."""
        self._unfiled.append((session, write))

    def _file(self, session: str, write: Write) -> None:
        self._replies.reply(write(), lambda _: None, lambda _: self.file_later(session, write))

    def _file_again(self, sessions: set[str]) -> None:
        waiting, self._unfiled = self._unfiled, []
        for session, write in waiting:
            if session in sessions:
                self._file(session, write)
            else:
                self._unfiled.append((session, write))

    async def repair(self, failed: set[str]) -> None:
        """Seal what could not be sealed, now that the disk may have room again: the sessions
        `failed`, which the rules wait for, and what an earlier repair could not mend."""
        if not (failed or self._unrepaired) or self._disk.view.level is events.Disk.FULL:
            return
        self._file_again(failed)
        mended = self._unrepaired
        sealed = await self.recover()
        if sealed is None:
            return
        for session in sealed:
            self._disk.count(session)
            if session.id in failed:
                self._tell_sealed(session)
        old = tuple(session.waybill.number for session in sealed if session.id not in failed)
        if old or mended:
            self._desk.send(events.Recovered, numbers=old)

    def _tell_sealed(self, sealed: Session) -> None:
        self._desk.send(
            events.Sealed, session=sealed.id, status=sealed.status, missing=sealed.missing
        )

    async def recover(self) -> list[Session] | None:
        """Seal what a crash left open. The sessions that it sealed; None after an error, of which
        the rules are told."""
        repaired = await self._replies.attempt("the repair of the archive", CRASHED, self._recover)
        self._unrepaired = isinstance(repaired, str)
        if isinstance(repaired, str):
            self._desk.send(events.RepairFailed, why=repaired)
            return None
        return repaired

    def _recover(self) -> list[Session] | str:
        """Runs in the pool: the sessions that were sealed, or why it could not be done."""
        try:
            _mend(self._archive.unfinished())
            return self._archive.recover()
        except ArchiveError as error:
            log.exception("the repair of the archive failed")
            return str(error)

    async def recent(self) -> tuple[Finished, ...]:
        """The newest sessions of the archive, the newest first, for the list of last parcels."""
        nothing: list[Session] = []
        found = await self._replies.attempt(
            "reading the archive", nothing, self._archive.recent, 10
        )
        return tuple(map(_finished, found))


def _mend(files: list[Path]) -> None:
    """Cut the torn end off clips that a power cut left: no player opens a file that breaks off
    within its index. What cannot be mended is left as it lies, for the repair to judge."""
    clips = [path for path in files if path.suffix == ".mp4" and not path.is_symlink()]
    if not clips:
        return
    import av

    from capture.salvage import salvage

    for path in clips:
        try:
            salvage(path)
        except (OSError, av.FFmpegError) as error:
            log.warning("%s cannot be mended: %s", path.name, error)


def _finished(session: Session) -> Finished:
    """An earlier session, for the list of last parcels."""
    ended = session.sealed_at or session.opened_at
    return Finished(
        session=session.id,
        number=session.waybill.number,
        at=ended,
        duration_ms=(ended - session.opened_at) // dt.timedelta(milliseconds=1),
        shots=len({shot.slot for shot in session.shots}),
        slots=len(session.required_slots),
        kind=session.kind,
        status=session.status,
        had_gap=bool(session.gaps),
        confirmed=True,
    )
