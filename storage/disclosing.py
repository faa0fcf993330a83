"""The half of `archive.py` that discloses: what left the archive is told before it appears.

A disclosure is entries of the ledger and the rows that follow from them, in one transaction.
Nobody may take one back. A database that is older than the rows, and only read, is answered from
its ledger. Knows no file: what was written, and that it was written, is the exporter's to say.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Any

from sqlite_utils import Database
from ulid import ULID

from storage import disclosure_rows, ledger, people, rows, schema
from storage.amending import short
from storage.disclosures import (
    DIGEST_FORM,
    DisclosedFile,
    Disclosure,
    Misread,
    first_facts,
    further_facts,
    told_by,
)
from storage.errors import Refused
from storage.later import Actor, Right, Role
from storage.ledger import LedgerEvent
from storage.proving import Proving
from storage.records import Status, parse_utc, utc_text
from storage.transaction import immediate

FILES_LIMIT_BYTES = 8 << 20
"""The list of files is one line of the ledger, which is read whole."""


class Disclosing(Proving):
    """Part of `Archive`."""

    def disclose(
        self,
        actor: Actor,
        *,
        sessions: Iterable[str],
        profile: str,
        package: str,
        digest: str,
        files: Iterable[DisclosedFile],
        recipient: str = "",
        reason: str = "",
    ) -> Future[Disclosure]:
        """Tell that these closed sessions leave the archive in the file or folder `package`, whose
        SHA-256 (hex) is `digest`; the disclosure as it is kept, durable.

        Texts are kept without space around them and to 2,000 characters. Fails with NotAllowed,
        UnknownSession, Refused (a session is open or none is given, no profile, a hash that is
        none, more files than one line of the ledger takes).
        """
        ids, given = list(dict.fromkeys(sessions)), tuple(files)

        def disclose(db: Database) -> Disclosure:
            people.require(db, actor, Right.EXPORT)
            now = self._clock()
            wanted = Disclosure(
                id=str(ULID.from_datetime(now)),
                at=parse_utc(utc_text(now)),
                by=rows.storable(actor.name),
                role=actor.role,
                recipient=short(recipient),
                reason=short(reason),
                profile=short(profile),
                package=short(package),
                digest=digest,
                sessions=tuple(ids),
                files=tuple(
                    DisclosedFile(rows.storable(each.name), each.size_bytes, each.sha256)
                    for each in given
                ),
            )
            _refuse_unfit(wanted)
            with immediate(db):
                for session in ids:
                    _refuse_open(db, session)
                _tell(db, wanted)
            self.checkpoint_when_due(db)
            return wanted

        return self._submit(disclose, "recording an export")

    def disclosures_of(self, session: str) -> list[Disclosure]:
        """The disclosures that show a session, oldest first."""
        with self._readers.lent() as db:
            if not schema.has_disclosures(db):
                return [each for each in _in_ledger(db) if session in each.sessions]
            sql = (
                "SELECT * FROM disclosures WHERE id IN (SELECT disclosure_id "
                "FROM disclosed_sessions WHERE session_id = ?) ORDER BY seq"
            )
            return _whole(db, list(db.query(sql, [session])))

    def disclosures(
        self,
        number: str = "",
        since: dt.datetime | None = None,
        limit: int = 100,
        before: str = "",
        *,
        sha256: str = "",
    ) -> list[Disclosure]:
        """The newest disclosures, newest first, at most `limit`.

        Of the sessions that belong to the tracking number `number` or were sealed under it, where
        one is given; made at or after `since`; told before the disclosure with the id `before`
        (the last of the page before); of a package with the digest `sha256`, or with a file in it
        that has this SHA-256. Raises Refused for a `before` that nobody knows.
        """
        with self._readers.lent() as db:
            sessions = _sessions_of(db, number) if number else None
            if not schema.has_disclosures(db):
                return _page_of_ledger(db, sessions, since, limit, before, sha256)
            return _page(db, sessions, since, limit, before, sha256)


# ---------------------------------------------------------------------------- telling


def _refuse_unfit(wanted: Disclosure) -> None:
    """Raises Refused for what cannot be told."""
    if not wanted.sessions:
        raise Refused("an export shows at least one session: nothing was told, nothing leaves")
    if not wanted.profile:
        raise Refused("an export has a profile: nothing was told, nothing leaves")
    for digest in (wanted.digest, *(file.sha256 for file in wanted.files)):
        if not DIGEST_FORM.fullmatch(digest):
            raise Refused(f"{digest[:80]!r} is no SHA-256 in hex: nothing was told, nothing leaves")
    if any(file.size_bytes < 0 for file in wanted.files):
        raise Refused("a file has less than nothing in it: nothing was told, nothing leaves")
    if len(json.dumps(first_facts(wanted)["files"])) > FILES_LIMIT_BYTES:
        raise Refused(
            f"{len(wanted.files)} files are more than one export can tell of: export fewer "
            "sessions at once"
        )


def _refuse_open(db: Database, session: str) -> None:
    """Raises Refused, UnknownSession."""
    if rows.session_row(db, session)["status"] == Status.OPEN:
        raise Refused(f"session {session} is still open: export it when it is sealed")


def _tell(db: Database, wanted: Disclosure) -> None:
    """The entries and, made from them as ever, the rows; part of the caller's transaction."""
    entries: list[ledger.Entry] = []
    for session in wanted.sessions:
        told = further_facts(wanted) if entries else first_facts(wanted)
        entries.append(ledger.append(db, LedgerEvent.EXPORTED, wanted.at, session, **told))
    for each in told_by(entries):
        if isinstance(each, Misread) or each.disclosure != wanted:
            raise Refused(f"the export of {wanted.package!r} cannot be told: report this")
        disclosure_rows.add(db, each)


# ---------------------------------------------------------------------------- asking


def _sessions_of(db: Database, number: str) -> list[str]:
    sql = (
        "SELECT session_id FROM catalogue WHERE number = :number "
        "UNION SELECT session_id FROM catalogue WHERE original = :number"
    )
    return [session for (session,) in db.execute(sql, {"number": rows.search_key(number)})]


def _page(
    db: Database,
    sessions: list[str] | None,
    since: dt.datetime | None,
    limit: int,
    before: str,
    sha256: str,
) -> list[Disclosure]:
    where, wanted = ["at >= :since"], dict[str, Any](limit=limit, sha256=sha256)
    wanted["since"] = "" if since is None else utc_text(since)
    if sessions is not None:
        wanted["sessions"] = json.dumps(sessions)
        where.append(
            "id IN (SELECT disclosure_id FROM disclosed_sessions "
            "WHERE session_id IN (SELECT value FROM json_each(:sessions)))"
        )
    if sha256:
        where.append(
            "id IN (SELECT disclosure_id FROM disclosed_files WHERE sha256 = :sha256 "
            "UNION SELECT id FROM disclosures WHERE digest = :sha256)"
        )
    if before:
        found = db.execute("SELECT seq FROM disclosures WHERE id = ?", [before]).fetchone()
        if found is None:
            raise _unknown(before)
        wanted["before"] = found[0]
        where.append("seq < :before")
    sql = (
        f"SELECT * FROM disclosures WHERE {' AND '.join(where)} "  # noqa: S608
        "ORDER BY seq DESC LIMIT :limit"
    )
    return _whole(db, list(db.query(sql, wanted)))


def _whole(db: Database, found: list[dict[str, Any]]) -> list[Disclosure]:
    sessions: dict[str, list[str]] = {row["id"]: [] for row in found}
    files: dict[str, list[DisclosedFile]] = {row["id"]: [] for row in found}
    of_these = "WHERE disclosure_id IN (SELECT value FROM json_each(?)) ORDER BY disclosure_id, seq"
    ids = [json.dumps(list(sessions))]
    for row in db.query(f"SELECT * FROM disclosed_sessions {of_these}", ids):  # noqa: S608
        sessions[row["disclosure_id"]].append(row["session_id"])
    for row in db.query(f"SELECT * FROM disclosed_files {of_these}", ids):  # noqa: S608
        file = DisclosedFile(row["name"], row["size_bytes"], row["sha256"])
        files[row["disclosure_id"]].append(file)
    return [
        Disclosure(
            id=row["id"],
            at=parse_utc(row["at"]),
            by=row["by"],
            role=None if row["role"] is None else Role(row["role"]),
            recipient=row["recipient"],
            reason=row["reason"],
            profile=row["profile"],
            package=row["package"],
            digest=row["digest"],
            sessions=tuple(sessions[row["id"]]),
            files=tuple(files[row["id"]]),
        )
        for row in found
    ]


# ---------------------------------------------------------------------------- older databases


def _in_ledger(db: Database) -> Iterator[Disclosure]:
    """Oldest first."""
    for told in disclosure_rows.in_ledger(db):
        if not isinstance(told, Misread):
            yield told.disclosure


def _page_of_ledger(
    db: Database,
    sessions: list[str] | None,
    since: dt.datetime | None,
    limit: int,
    before: str,
    sha256: str,
) -> list[Disclosure]:
    newest_first = list(_in_ledger(db))[::-1]
    if before:
        at = next((nr for nr, each in enumerate(newest_first) if each.id == before), None)
        if at is None:
            raise _unknown(before)
        newest_first = newest_first[at + 1 :]
    found = (
        each
        for each in newest_first
        if (since is None or each.at >= since)
        and (sessions is None or not set(sessions).isdisjoint(each.sessions))
        and (not sha256 or each.digest == sha256)
    )
    return list(islice(found, limit))


def _unknown(disclosure: str) -> Refused:
    return Refused(f"the archive knows no disclosure {disclosure[:80]!r}")
