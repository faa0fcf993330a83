"""The part of `archive.py` that deletes by policy: video and photos go, what was sealed stays told.

A session is verified first, byte by byte and on the caller's thread; only a whole one may go. Then
its deletion is an amendment, durable before the first file is unlinked: what a crash leaves of the
files, `finish` removes. Manifest, signature, rows and ledger stay. What may go is `retention.py`'s.
"""

from __future__ import annotations

import datetime as dt
import logging
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from sqlite_utils import Database
from ulid import ULID

from storage import check_sessions, files, ledger, people, retention, rows, schema
from storage.amending import alone, next_id, put
from storage.check import Meter
from storage.errors import NotDeleted
from storage.later import Actor, Amendment, Change, Right, Role
from storage.reads import Readers
from storage.records import parse_utc
from storage.retention import Doomed, Plan, Policy
from storage.transaction import immediate
from storage.writing import Writing

log = logging.getLogger(__name__)

FINISHED: Final = "deletions_finished"
BY_ITSELF: Final = "policy"
"""Who deletes when the archive does so by itself, as its configuration says."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A session whose files went. `left` are the names of those that could not be removed yet
    (somebody has them open): the next start tries again."""

    amendment: Amendment
    freed_bytes: int
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """One line of the report: which session went, when, by whom, and why."""

    session: str
    number: str
    kind: str
    ended_at: dt.datetime
    deleted_at: dt.datetime
    by: str
    why: str
    bytes: int


class Deleting(Writing):
    """Part of `Archive`."""

    _readers: Readers

    def retention_plan(
        self, policy: Policy, free_bytes: int | None = None, *, most: int | None = None
    ) -> Plan:
        """What may go now and why the rest stays; of a disk with `free_bytes` left, by default the
        archive's own. Deletes nothing."""
        free = files.free_bytes(self.root) if free_bytes is None else free_bytes
        with self._readers.lent() as db:
            return retention.plan(db, policy, self._clock(), free, most=most)

    def could_free(self, policy: Policy) -> int:
        """About how many bytes retention could make room for on a full disk."""
        with self._readers.lent() as db:
            return retention.could_free(db, policy, self._clock())

    def delete(self, actor: Actor | None, doomed: Doomed, policy: Policy) -> Future[Deleted]:
        """Delete the video and photos of a session that the policy gives up. Reads all of them
        first, on this thread. Without an `actor` the archive does it by itself.

        Raises NotDeleted for a session that is not as it was sealed; fails with NotAllowed,
        NotDeleted (held meanwhile, or no longer over its time).
        """
        found = problem_with(self.root, doomed.session)
        if found:
            raise NotDeleted(doomed.session, found)

        def delete(db: Database) -> Deleted:
            now = self._clock()
            with alone(self.root):  # a hold that is filed at this moment comes before, or too late
                if actor is not None:
                    people.require(db, actor, Right.DELETE)
                why = retention.stays(db, policy, doomed, now)
                if why:
                    raise NotDeleted(doomed.session, why)
                amendment = put(
                    db,
                    self.root,
                    self.signer,
                    Amendment(
                        id=next_id(db, doomed.session, now),
                        subject=doomed.session,
                        change=Change.DELETED,
                        at=now,
                        by=BY_ITSELF if actor is None else actor.name,
                        role=Role.SUPERVISOR if actor is None else actor.role,
                        text=f"{doomed.rule}: {doomed.why.value}",
                    ),
                )
            return Deleted(amendment, doomed.bytes, unlink(db, self.root, doomed.session))

        return self._submit(delete, "deleting by policy")

    def gone(self, since: dt.datetime | None = None) -> list[Gone]:
        """What was deleted by policy, oldest first: the report of what went and why."""
        after = "" if since is None else str(ULID.from_datetime(since))[:10]
        with self._readers.lent() as db:
            found = db.query(
                "SELECT a.*, c.number AS bound, c.kind, c.ended_ms, c.bytes FROM amendments AS a "
                "JOIN catalogue AS c ON c.session_id = a.subject "
                "WHERE a.change = 'deleted' AND a.id >= ? ORDER BY a.id",
                [after],
            )
            return [
                Gone(
                    session=row["subject"],
                    number=row["bound"],
                    kind=row["kind"],
                    ended_at=dt.datetime.fromtimestamp(row["ended_ms"] / 1000, dt.UTC),
                    deleted_at=parse_utc(row["at"]),
                    by=row["by"],
                    why=row["text"],
                    bytes=row["bytes"],
                )
                for row in found
            ]


def problem_with(root: Path, session: str) -> str:
    """Why a session is not as it was sealed, or '': its row, ledger, manifest, signature, files."""
    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        meter, known = Meter(0, None), ledger.known_keys(db)
        for problem in check_sessions.session_problems(db, root, session, meter, known):
            return f"{problem.path} {problem.what}"
    finally:
        db.close()
    return ""


def unlink(db: Database, root: Path, session: str) -> tuple[str, ...]:
    """Remove the media files of a session that policy has deleted; the names of those that stay."""
    row = rows.session_row(db, session)
    folder, left = root / row["folder"], []
    for item in rows.media_of(rows.one(db, session)):
        name = PurePosixPath(item.path).name
        if name in (files.MANIFEST, files.SIGNATURE) or not files.plain_name(name):
            continue  # a forged row deletes neither what stays nor what belongs to others
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s was deleted by policy, but stays for now: %s", item.path, error)
            left.append(name)
    if folder.is_dir():
        files.sync_folder(folder)
    return tuple(left)


def finish(db: Database, root: Path, now: dt.datetime) -> None:
    """Remove what a crash left of sessions that policy has deleted.

    Looks at what was deleted since the last time only. Raises OSError, sqlite3.Error.
    """
    row = db.execute("SELECT value FROM meta WHERE key = ?", [FINISHED]).fetchone()
    since = row[0] if row else ""
    found = db.execute(
        "SELECT a.subject FROM amendments AS a JOIN sessions AS s ON s.id = a.subject "
        "WHERE a.change = 'deleted' AND a.id >= ?",
        [since],
    ).fetchall()
    if any([unlink(db, root, session) for (session,) in found]):
        return
    until = str(ULID.from_datetime(now - dt.timedelta(days=2)))[:10]
    with immediate(db):
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [FINISHED, max(since, until)],
        )
