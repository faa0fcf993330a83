"""The half of `archive.py` that amends: what is said after the seal, and by whom.

Nothing that was sealed changes: each amendment is a signed file, a row, and an entry of the ledger
under the id of what it speaks of. `file_amendment` is the one way in which any comes to be; what a
crash leaves of one is `amendment_repair.py`'s.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlite_utils import Database
from ulid import ULID

from storage import amendment_rows, catalogue, files, ledger, people, rows, signed
from storage.errors import ArchiveBusy, Refused, UnknownSession
from storage.intake.orders import NUMBER_FORM
from storage.keys import Signer
from storage.later import Actor, Amendment, Change, Right, amendment_to_json
from storage.ledger import LedgerEvent
from storage.reads import Readers
from storage.records import Status, Waybill, parse_utc, utc_text
from storage.signing_in import SigningIn
from storage.transaction import immediate

LOCK = "amendments.lock"
LOCK_TIMEOUT_S = 60.0
TEXT_CHARS = 2_000
LOOK_AGAIN = dt.timedelta(minutes=15)
"""A look at the same thing by the same person within this time is the same look."""
UNDOABLE = {Change.TEST: Right.CORRECT, Change.HELD: Right.HOLD}


class Amending(SigningIn):
    """Part of `Archive`."""

    _readers: Readers

    def rebind(
        self, actor: Actor, session: str, waybill: Waybill, reason: str
    ) -> Future[Amendment]:
        """Say that a closed session belongs to another tracking number.

        Fails with NotAllowed, UnknownSession, Refused (it is open, no number, no reason, nothing
        new).
        """
        number = rows.search_key(waybill.number)

        def rebind(db: Database, now: dt.datetime) -> Amendment:
            _require_closed(db, session)
            if not NUMBER_FORM.fullmatch(number):
                raise Refused(f"{number[:40]!r} is no tracking number: nothing was changed")
            if effective_number(db, session) == number:
                raise Refused(f"session {session} belongs to {number} already")
            carrier = None if waybill.carrier is None else rows.storable(waybill.carrier)
            return _said(
                db, actor, session, Change.REBOUND, reason, now, number=number, carrier=carrier
            )

        return self._amend(actor, Right.CORRECT, rebind, reason)

    def note(self, actor: Actor, subject: str, text: str) -> Future[Amendment]:
        """Add a note to a session or a document. Fails with NotAllowed, UnknownSession, Refused
        (it says nothing)."""

        def note(db: Database, now: dt.datetime) -> Amendment:
            _require_known(db, subject)
            return _said(db, actor, subject, Change.NOTED, text, now)

        return self._amend(actor, Right.FILE, note, text)

    def mark_test(self, actor: Actor, session: str, reason: str) -> Future[Amendment]:
        """Say that a closed session was a test and shows no parcel.

        Fails with NotAllowed, UnknownSession, Refused (it is open, no reason, marked already).
        """

        def mark(db: Database, now: dt.datetime) -> Amendment:
            _require_closed(db, session)
            if amendment_rows.standing(db, session, Change.TEST):
                raise Refused(f"session {session} is marked as a test already")
            return _said(db, actor, session, Change.TEST, reason, now)

        return self._amend(actor, Right.CORRECT, mark, reason)

    def hold(self, actor: Actor, session: str, reason: str) -> Future[Amendment]:
        """Keep retention from deleting a session, until each hold on it is undone.

        Fails with NotAllowed, UnknownSession, Refused (no reason, deleted by policy already).
        """

        def hold(db: Database, now: dt.datetime) -> Amendment:
            rows.session_row(db, session)
            if amendment_rows.standing(db, session, Change.DELETED):
                raise Refused(f"session {session} was deleted by policy: nothing is left to hold")
            return _said(db, actor, session, Change.HELD, reason, now)

        return self._amend(actor, Right.HOLD, hold, reason)

    def undo(self, actor: Actor, amendment: str, reason: str) -> Future[Amendment]:
        """Say that a hold or the mark of a test no longer holds.

        Fails with NotAllowed, UnknownAmendment, Refused (no reason, another kind, undone already).
        """

        def undo(db: Database, now: dt.datetime) -> Amendment:
            before = amendment_rows.one(db, amendment)
            if before.change not in UNDOABLE:
                raise Refused(f"what was {before.change.value} is not undone: say what is right")
            people.require(db, actor, UNDOABLE[before.change])
            if before not in amendment_rows.standing(db, before.subject, before.change):
                raise Refused(f"{amendment} was undone already")
            return _said(db, actor, before.subject, Change.UNDONE, reason, now, undoes=before.id)

        return self._amend(actor, Right.HOLD, undo, reason)

    def _amend(
        self,
        actor: Actor,
        right: Right,
        say: Callable[[Database, dt.datetime], Amendment],
        text: str,
    ) -> Future[Amendment]:
        def amend(db: Database) -> Amendment:
            people.require(db, actor, right)
            if not text.strip():
                raise Refused("say why: what is amended needs a reason")
            with alone(self.root):
                return put(db, self.root, self.signer, say(db, self._clock()))

        return self._submit(amend, "filing an amendment")

    def amendments_of(self, subject: str) -> list[Amendment]:
        """What was said later of a session or a document, oldest first."""
        with self._readers.lent() as db:
            return amendment_rows.of_subject(db, subject)

    def holds_on(self, session: str) -> list[Amendment]:
        """The holds on a session that nobody has undone, oldest first."""
        with self._readers.lent() as db:
            return amendment_rows.standing(db, session, Change.HELD)

    def number_of(self, session: str) -> str:
        """The tracking number that a session belongs to today. Raises UnknownSession."""
        with self._readers.lent() as db:
            return effective_number(db, session)

    def looked(self, actor: Actor, session: str, what: str) -> Future[None]:
        """Tell the ledger that somebody looked at what a session holds; `what` is "photos" or the
        like. Looking again within a quarter of an hour is the same look.

        Fails with NotAllowed, UnknownSession.
        """
        seen = {"what": rows.storable(what[:100]), "by": rows.storable(actor.name)}

        def look(db: Database) -> None:
            now = self._clock()
            people.require(db, actor, Right.LOOK)
            _require_known(db, session)
            with immediate(db):
                for _, entry in reversed(ledger.excerpt(db, session)):
                    told = ledger.facts(entry)
                    same = told.get("event") == LedgerEvent.LOOKED and seen.items() <= told.items()
                    if same and abs(now - parse_utc(told["at"])) < LOOK_AGAIN:
                        return
                ledger.append(db, LedgerEvent.LOOKED, now, session, **seen, role=actor.role.value)

        return self._submit(look, "telling the ledger of a look")


# ---------------------------------------------------------------------------- the one way


def file_amendment(db: Database, root: Path, signer: Signer, amendment: Amendment) -> Amendment:
    """The amendment as it is filed, durable: a signed file, then its row, the ledger's entry and
    the catalogue in one transaction.

    Who may say it, and whether it makes sense, is the caller's to know. Raises Refused for an id
    that is no ULID or is taken, ArchiveBusy, OSError, sqlite3.Error.
    """
    with alone(root):
        return put(db, root, signer, amendment)


def put(db: Database, root: Path, signer: Signer, amendment: Amendment) -> Amendment:
    """`file_amendment` for one who is `alone` already: what they asked of the archive before is
    still so."""
    amendment = replace(
        amendment,
        at=parse_utc(utc_text(amendment.at)),
        by=rows.storable(amendment.by),
        text=short(amendment.text),
        number=rows.storable(amendment.number),
    )
    folder = root / files.dated_folder(files.AMENDMENTS, amendment.id, amendment.at)
    if folder.exists() or amendment_rows.known(db, amendment.id):
        raise Refused(f"{amendment.id} was said before")
    try:
        files.make_folders(folder)
        signed.write(folder / files.AMENDMENT_MANIFEST, manifest_bytes(amendment), signer)
        acknowledge(db, root, amendment, LedgerEvent.AMENDED, amendment.at, signer.id)
    except BaseException:
        with contextlib.suppress(OSError):  # what stays is taken in or away by the next repair
            if not amendment_rows.known(db, amendment.id):
                _discard(folder)
        raise
    return amendment


@contextmanager
def alone(root: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Be the one program that files amendments: a folder without a row is then a crash's.

    Raises ArchiveBusy.
    """
    lock = FileLock(root / LOCK)
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout as error:
        raise ArchiveBusy(root, "another program that is filing an amendment") from error
    try:
        yield
    finally:
        lock.release()


def acknowledge(
    db: Database,
    root: Path,
    amendment: Amendment,
    event: LedgerEvent,
    now: dt.datetime,
    key: str,
    **facts: Any,
) -> None:
    """The last step: row, ledger and catalogue, for an amendment whose signed file is on the
    disk. `key` is the id of the one that it is signed with."""
    folder = files.dated_folder(files.AMENDMENTS, amendment.id, amendment.at)
    manifest = files.measure(root / folder / files.AMENDMENT_MANIFEST)
    with immediate(db):
        amendment_rows.add(db, amendment, folder, manifest.sha256)
        ledger.append(
            db,
            event,
            now,
            amendment.subject,
            amendment=amendment.id,
            change=amendment.change.value,
            by=amendment.by,
            role=amendment.role.value,
            manifest_sha256=manifest.sha256,
            key=key,
            **facts,
        )
        catalogue.refresh(db, amendment.subject)


def manifest_bytes(amendment: Amendment) -> bytes:
    """The content of `amendment.json`: ASCII, as that of a session."""
    return json.dumps(amendment_to_json(amendment), indent=1).encode("ascii") + b"\n"


def next_id(db: Database, subject: str, now: dt.datetime) -> str:
    """An id that sorts after all that was said of the subject, even when the clock was set back or
    stands still: of several statements the one with the highest id counts."""
    last = db.execute("SELECT max(id) FROM amendments WHERE subject = ?", [subject]).fetchone()[0]
    new = ULID.from_datetime(now)
    if last is not None and str(new) <= last:
        new = ULID.from_timestamp(ULID.from_str(last).milliseconds + 1)
    return str(new)


def effective_number(db: Database, session: str) -> str:
    """The tracking number that a session belongs to now. Raises UnknownSession."""
    bound = amendment_rows.standing(db, session, Change.REBOUND)
    return bound[-1].number if bound else str(rows.session_row(db, session)["tracking_number"])


def short(text: str) -> str:
    """`text` as an amendment keeps it: without space around it, and no longer than may be read."""
    return rows.storable(text.strip()[:TEXT_CHARS])[:TEXT_CHARS]


def _said(
    db: Database,
    actor: Actor,
    subject: str,
    change: Change,
    text: str,
    now: dt.datetime,
    *,
    number: str = "",
    carrier: str | None = None,
    undoes: str = "",
) -> Amendment:
    return Amendment(
        id=next_id(db, subject, now),
        subject=subject,
        change=change,
        at=now,
        by=actor.name,
        role=actor.role,
        text=text,
        number=number,
        carrier=carrier,
        undoes=undoes,
    )


def _require_closed(db: Database, session: str) -> None:
    if rows.session_row(db, session)["status"] == Status.OPEN:
        raise Refused(f"session {session} is still open: amend it when it is sealed")


def _require_known(db: Database, subject: str) -> None:
    found = db.execute(
        "SELECT 1 FROM sessions WHERE id = :id UNION SELECT 1 FROM documents WHERE id = :id",
        {"id": subject},
    ).fetchone()
    if found is None:
        raise UnknownSession(subject)


def _discard(folder: Path) -> None:
    """Remove the folder of an amendment that does not come to be."""
    for path in folder.iterdir() if folder.is_dir() else ():
        path.unlink()
    folder.rmdir()
