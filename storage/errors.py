"""What can go wrong in the archive, told so that a packer or a supervisor can act on it.

Each error carries its facts as fields; the message says what happened, to which file or session,
and what to do. `told` turns what SQLite and the system raise into these. Knows no camera, no
screen, and no other room of the archive.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable
from pathlib import Path


class ArchiveError(Exception):
    """The root of everything that the archive raises on purpose."""


class ArchiveMissing(ArchiveError):
    """There is no archive where one was expected."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"there is no archive in {path}: check the folder's name and that its disk is there"
        )


class ArchiveTooNew(ArchiveError):
    """A newer PackWitness made this archive. `version` is its schema, `known` the newest here."""

    def __init__(self, path: Path, version: int, known: int) -> None:
        self.path = path
        self.version = version
        self.known = known
        super().__init__(
            f"the archive {path} has schema version {version}, this PackWitness knows up to "
            f"{known}: install the newer PackWitness on this PC; the archive was not touched"
        )


class ArchiveNotWritable(ArchiveError):
    """The archive can be read at most."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(
            f"the archive {path} cannot be written ({why}): give this user the right to write "
            "there, or choose another folder"
        )


class ArchiveCorrupt(ArchiveError):
    """The database is damaged, is none, or lost the triggers that guard it."""

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self.what = what
        super().__init__(
            f"the archive's database {path} is damaged: {what}. The evidence under media/ is "
            "untouched: close every PackWitness on it and run `packwitness rebuild`"
        )


class ArchiveFull(ArchiveError):
    """The disk has no room for `doing`."""

    def __init__(self, path: Path, doing: str) -> None:
        self.path = path
        self.doing = doing
        super().__init__(
            f"the disk of {path} is full while {doing}: make room on it; what is recorded is kept "
            "and finished later"
        )


class ArchiveBusy(ArchiveError):
    """Somebody else holds the archive. `who` names them as far as it is known."""

    def __init__(self, path: Path, who: str) -> None:
        self.path = path
        self.who = who
        super().__init__(f"the archive {path} is in use by {who}: close that one first")


class ArchiveClosed(ArchiveError):
    """Something was asked of an archive that had been closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"the archive {path} is closed")


class StorageFailed(ArchiveError):
    """The disk or the database refused, for a reason that fits no other error here."""

    def __init__(self, path: Path, doing: str, why: str) -> None:
        self.path = path
        self.doing = doing
        self.why = why
        super().__init__(f"{path}: {why}, while {doing}: check the disk")


class UnknownSession(ArchiveError):
    """No session has this id."""

    def __init__(self, session: str) -> None:
        self.session = session
        super().__init__(f"the archive has no session {session}")


class SessionClosed(ArchiveError):
    """The session is not open any more, so nothing in it can change."""

    def __init__(self, session: str, status: str) -> None:
        self.session = session
        self.status = status
        super().__init__(f"session {session} is {status}: nothing in it can change any more")


class Refused(ArchiveError):
    """What was handed over cannot go into the archive. `what` says which and why."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class ChecksumMismatch(ArchiveError):
    """A file is not what the archive recorded. `expected` and `found` are SHA-256, in hex; `found`
    is '' for no file at all."""

    def __init__(self, path: Path, expected: str, found: str) -> None:
        self.path = path
        self.expected = expected
        self.found = found
        what = (
            f"is not the file that was sealed (SHA-256 {found[:12]}…, recorded {expected[:12]}…)"
            if found
            else "is missing"
        )
        super().__init__(
            f"{path} {what}: nothing was exported; run `packwitness verify` on the archive"
        )


class KeyUnusable(ArchiveError):
    """The key that signs what the archive says cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(
            f"the archive's key {path} cannot be used: {why}. Put it back from a backup, or move "
            "it away: a new one is made, and the ledger says so"
        )


class SigningFailed(ArchiveError):
    """A package got no signature that holds. `why` says why, `remedy` what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        self.why = why
        self.remedy = remedy
        super().__init__(f"nothing was signed: {why}. {remedy}")


class SiteKeysUnusable(SigningFailed):
    """The keys of the site, which sign evidence packages, cannot be used."""

    def __init__(self, path: Path, why: str, remedy: str = "") -> None:
        self.path = path
        super().__init__(
            f"the site's keys in {path} cannot be used: {why}",
            remedy
            or "Put that folder back from a backup, or begin anew with "
            "`packwitness keys make --replace`",
        )


class LedgerBroken(ArchiveError):
    """No checkpoint is made of a ledger that does not hold. `seq` is the entry."""

    def __init__(self, seq: int, why: str) -> None:
        self.seq = seq
        super().__init__(
            f"the ledger was not signed: entry {seq} {why}; run `packwitness check` on the archive"
        )


class NoStamp(ArchiveError):
    """A time-stamping authority gave no time stamp."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        self.why = why
        super().__init__(f"{address} gave no time stamp: {why}. It is asked again later")


class NoHead(ArchiveError):
    """What was given as the head of a ledger is none."""

    def __init__(self, given: str, why: str) -> None:
        super().__init__(
            f"{given} is no head of a ledger: {why}. Give number:hash, a checkpoint's .json file "
            "or an evidence package"
        )


class NotAllowed(ArchiveError):
    """Somebody asked for what their role may not do. `right` is what it would take."""

    def __init__(self, name: str, role: str, right: str) -> None:
        self.name = name
        self.role = role
        self.right = right
        super().__init__(f"{name} ({role}) may not do this: it takes the right to {right}")


class SignInFailed(ArchiveError):
    """A name or a PIN is wrong; which of them is not said."""

    def __init__(self) -> None:
        super().__init__("nobody here has this name with this PIN: try again, or ask a supervisor")


class SignInLocked(ArchiveError):
    """Too many wrong PINs: not even the right one is taken for `seconds`."""

    def __init__(self, name: str, seconds: int) -> None:
        self.name = name
        self.seconds = seconds
        super().__init__(f"too many wrong PINs for {name}: wait {seconds} s, then try again")


class UnknownAmendment(ArchiveError):
    """No amendment has this id."""

    def __init__(self, amendment: str) -> None:
        self.amendment = amendment
        super().__init__(f"nothing was said later under {amendment}: see `packwitness history`")


class NotDeleted(ArchiveError):
    """A session that retention wanted to delete was kept. `why` is the reason."""

    def __init__(self, session: str, why: str) -> None:
        self.session = session
        self.why = why
        super().__init__(f"session {session} was not deleted: {why}")


class UnknownDocument(ArchiveError):
    """No document has this id."""

    def __init__(self, document: str) -> None:
        self.document = document
        super().__init__(f"the archive has no document {document}")


class NothingToExport(ArchiveError):
    """No session was given that is sealed, cancelled or interrupted."""

    def __init__(self) -> None:
        super().__init__("nothing to export: no finished session was found")


class NoCertificate(ArchiveError):
    """What was given as a root certificate is none."""

    def __init__(self, given: str, why: str) -> None:
        super().__init__(f"{given[:120]!r} is no root certificate: {why}")


class NoContentCredentials(ArchiveError):
    """No C2PA sidecar could be made for the file at `path`."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"no C2PA sidecar was made for {path.name}: {why}")


class ExportFailed(ArchiveError):
    """The package could not be written at `path`."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"the evidence package {path} was not written: {why}")


class SiteFileUnreadable(ArchiveError):
    """A file that a site wrote says something that is not allowed, at `place` in it."""

    def __init__(self, path: Path, place: str, why: str) -> None:
        self.path = path
        self.place = place
        self.why = why
        super().__init__(f"{path}: {place + ' ' if place else ''}{why}")


class ProfilesUnreadable(SiteFileUnreadable):
    """A file of export profiles."""


class DeadlinesUnreadable(SiteFileUnreadable):
    """A file of rules about deadlines."""


class FormUnfit(ArchiveError):
    """A form cannot be filled. `path` is the PDF or the mapping that is in the way."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{path}: {why}")


class UnknownProfile(ArchiveError):
    """No export profile has this name. `known` are those that there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"there is no profile {name!r}: choose one of {', '.join(self.known)}")


class NothingFits(ArchiveError):
    """Not one file could be made that a profile takes. `why` says what is in the way of each."""

    def __init__(self, profile: str, why: Iterable[str]) -> None:
        self.profile = profile
        self.why = tuple(why)
        super().__init__(f"nothing was made for {profile}: {'; '.join(self.why)}")


class ReportTooLarge(ArchiveError):
    """A report cannot be made as small as it has to be. `pages` and `bytes` are the fewest that
    hold all its facts, `most_pages` and `most_bytes` what was allowed (None: as it comes)."""

    def __init__(
        self, most_pages: int | None, most_bytes: int | None, pages: int, size_bytes: int
    ) -> None:
        self.most_pages = most_pages
        self.most_bytes = most_bytes
        self.pages = pages
        self.bytes = size_bytes
        wanted = [] if most_pages is None else [f"{most_pages} pages"]
        wanted += [] if most_bytes is None else [f"{most_bytes / 1e6:.2f} MB"]
        super().__init__(
            f"the report does not fit {' and '.join(wanted)}: with all its facts and the smallest "
            f"pictures it has {pages} pages and {size_bytes / 1e6:.2f} MB. Allow that much, or "
            "export fewer sessions at a time"
        )


class RedactionRefused(ArchiveError):
    """A part of a picture cannot be covered as asked for; `given` is how it was said."""

    def __init__(self, given: str, why: str) -> None:
        self.given = given
        self.why = why
        super().__init__(f"{given} cannot be covered: {why}")


class NumbersUnreadable(ArchiveError):
    """A list of tracking numbers cannot be read."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"no tracking numbers were read from {path}: {why}")


class SheetUnreadable(ArchiveError):
    """A file is no table of cells that can be read."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{path} cannot be read as a table: {why}")


class OrderFileError(ArchiveError):
    """A whole order file cannot be read. A single bad row is told in `OrderFile.bad`."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{path} is no order file: {why}")


class ImportInterrupted(ArchiveError):
    """An order file was taken in up to an order only. `done` of `orders` are filed."""

    def __init__(self, path: Path, done: int, orders: int, why: str) -> None:
        self.path = path
        self.done = done
        self.orders = orders
        self.why = why
        super().__init__(
            f"{path}: {done} of {orders} orders are filed, then: {why}; import it again to go on"
        )


class TraceFileError(ArchiveError):
    """A whole file of tracking events cannot be read. A bad event is told in `TraceFile.bad`."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{path} is no file of tracking events: {why}")


class QueryError(ArchiveError):
    """A search that means nothing. The message says what is allowed."""


class SearchInterrupted(ArchiveError):
    """A search was stopped from another thread, because another takes its place."""

    def __init__(self) -> None:
        super().__init__("the search was stopped")


NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
FULL_CODES = (sqlite3.SQLITE_FULL,)
NO_RIGHT_CODES = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)
BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
CORRUPT_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def told(error: Exception, path: Path, doing: str) -> Exception:
    """The error of this room that says what `error` means; any other error is itself."""
    if isinstance(error, OSError):
        if error.errno in NO_ROOM:
            return ArchiveFull(path, doing)
        if error.errno in NO_RIGHT:
            return ArchiveNotWritable(path, error.strerror or str(error))
        return StorageFailed(path, doing, error.strerror or str(error))
    if isinstance(error, sqlite3.Error):
        # The low byte is the primary code; errors that Python makes up itself carry none.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in FULL_CODES:
            return ArchiveFull(path, doing)
        if code in NO_RIGHT_CODES:
            return ArchiveNotWritable(path, str(error))
        if code in BUSY_CODES:
            return ArchiveBusy(path, "another program that is writing to it")
        if code in CORRUPT_CODES:
            return ArchiveCorrupt(path, str(error))
        return StorageFailed(path, doing, str(error))
    return error
