"""The archive's promises, verified: files against rows, rows against manifests, the ledger's chain.

Reads only, and believes nothing that it reads: paths are computed, not followed, and what cannot be
read is a problem, not an exception. `evidence/verify.py` is its front door. Knows no camera.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlite_utils import Database

from storage import files, ledger, rows, schema
from storage.errors import UnknownSession
from storage.records import Clip, Session, Shot, Status, session_from_json, session_to_json

DATABASE = schema.DATABASE
PAGE_ROWS = 500
MANIFEST_LIMIT_BYTES = 16 << 20
"""No manifest comes near this: a bigger one is a trap for memory."""

Progress = Callable[[int, int], None]
"""Told the bytes that are done and those that there are."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was sealed. `path` is relative to what was verified."""

    path: str
    what: str


class Meter:
    """Adds up the bytes that are done."""

    def __init__(self, total_bytes: int, progress: Progress | None) -> None:
        self._total_bytes = total_bytes
        self._done_bytes = 0
        self._progress = progress

    def __call__(self, done_bytes: int) -> None:
        self._done_bytes += done_bytes
        if self._progress is not None:
            self._progress(self._done_bytes, max(self._total_bytes, self._done_bytes))


# ---------------------------------------------------------------------------- a session's files


def size_of(session: Session) -> int:
    """The bytes of all files that the session names."""
    return sum(item.size_bytes for item in rows.media_of(session))


def read_manifest(path: Path, shown: str) -> tuple[dict[str, Any], Session] | Problem:
    """A manifest as JSON and as a session, or why it is none."""
    try:
        if path.stat().st_size > MANIFEST_LIMIT_BYTES:
            return Problem(shown, "is far too big for a manifest")
        return parsed_manifest(path.read_bytes(), shown)
    except OSError as error:
        return Problem(shown, f"cannot be read: {error.strerror}")


def parsed_manifest(content: bytes, shown: str) -> tuple[dict[str, Any], Session] | Problem:
    """The content of a manifest as JSON and as a session, or why it is none."""
    try:
        data = json.loads(content)
        return data, session_from_json(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Problem(shown, "is no manifest of a session")


def media_problems(session: Session, folder: Path, shown: str, meter: Meter) -> Iterator[Problem]:
    """What is wrong with the files that the session names and `folder` should hold."""
    seen: set[str] = set()
    for item in rows.media_of(session):
        name = PurePosixPath(item.path).name
        at = f"{shown}/{name}"
        if not files.plain_name(name) or name in seen:
            yield Problem(at, "has a name that no file of a session has, or has it twice")
            continue
        seen.add(name)
        yield from file_problems(item, folder / name, at, meter)


def file_problems(item: Clip | Shot, path: Path, shown: str, meter: Meter) -> Iterator[Problem]:
    """What is wrong with one file."""
    if path.is_symlink() or not path.is_file():
        yield Problem(shown, "is missing")
        return
    try:
        found = files.measure(path, meter)
    except OSError as error:
        yield Problem(shown, f"cannot be read: {error.strerror}")
        return
    if found.size_bytes != item.size_bytes:
        yield Problem(shown, f"has {found.size_bytes} bytes, sealed were {item.size_bytes}")
    elif found.sha256 != item.sha256:
        yield Problem(shown, f"was changed: SHA-256 {found.sha256}, sealed was {item.sha256}")


def unlisted_problems(session: Session, folder: Path, shown: str) -> Iterator[Problem]:
    """What lies in the folder of a closed session without belonging to it."""
    known = {PurePosixPath(item.path).name for item in rows.media_of(session)}
    known.add(files.MANIFEST)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in known:
            yield Problem(f"{shown}/{path.name}", "does not belong to the session")


# ---------------------------------------------------------------------------- the archive


def archive_problems(root: Path, progress: Progress | None = None) -> Iterator[Problem]:
    """Everything that is not as the archive promises. A session that is open is at work: only its
    rows are checked."""
    try:
        db = schema.connect(root / DATABASE, read_only=True)
    except (sqlite3.Error, OSError) as error:
        yield Problem(DATABASE, f"cannot be read: {error}")
        return
    try:
        yield from _database_problems(db)
        total = db.execute(
            "SELECT (SELECT total(size_bytes) FROM clips) + (SELECT total(size_bytes) FROM shots)"
        ).fetchone()[0]
        meter = Meter(int(total), progress)
        for session in _ids(db):
            yield from session_problems(db, root, session, meter)
        yield from _tree_problems(db, root)
    except sqlite3.Error as error:
        yield Problem(DATABASE, f"is damaged: {error}")
    finally:
        db.close()


def _database_problems(db: Database) -> Iterator[Problem]:
    version = schema.version_of(db)
    if version != schema.SCHEMA_VERSION:
        yield Problem(DATABASE, f"has schema version {version}, not {schema.SCHEMA_VERSION}")
    for (what,) in db.execute("PRAGMA integrity_check(20)").fetchall():
        if what != "ok":
            yield Problem(DATABASE, f"is damaged: {what}")
    for row in db.execute("PRAGMA foreign_key_check").fetchmany(20):
        yield Problem(DATABASE, f"a row of {row[0]} belongs to nothing in {row[2]}")
    for name in schema.lost_guards(db):
        yield Problem(DATABASE, f"the guard {name} was removed or changed")
    for broken in ledger.breaks(ledger.entries(db)):
        yield Problem(DATABASE, f"ledger entry {broken.seq}: {broken.what}")
    orphans = db.execute(
        "SELECT DISTINCT session_id FROM ledger WHERE session_id IS NOT NULL "
        "AND session_id NOT IN (SELECT id FROM sessions)"
    )
    for (session,) in orphans:
        yield Problem(DATABASE, f"session {session} is in the ledger, its row is gone")


def _ids(db: Database) -> Iterator[str]:
    after = ""
    while page := db.execute(
        "SELECT id FROM sessions WHERE id > ? ORDER BY id LIMIT ?", [after, PAGE_ROWS]
    ).fetchall():
        for (session,) in page:
            yield session
        after = page[-1][0]


def session_problems(db: Database, root: Path, session_id: str, meter: Meter) -> Iterator[Problem]:
    """What is wrong with one session: its row, its manifest, its ledger entries, its files."""
    in_row = f"the row of session {session_id}"
    db.execute("BEGIN")  # one state of the database for all that is compared
    try:
        row = rows.session_row(db, session_id)
        session = rows.one(db, session_id)
        entries = [entry for _, entry in ledger.excerpt(db, session_id)]
    except UnknownSession:
        yield Problem(DATABASE, f"session {session_id} is not in it")
        return
    except (ValueError, TypeError, KeyError) as error:
        yield Problem(DATABASE, f"{in_row} cannot be understood: {error}")
        return
    finally:
        db.rollback()
    if not files.ULID_FORM.fullmatch(session_id) or row["folder"] != files.session_folder(
        session_id, session.opened_at
    ):
        yield Problem(DATABASE, f"{in_row} was changed: it names another folder")
        return
    if row["number_reversed"] != session.waybill.number[::-1]:
        yield Problem(DATABASE, f"{in_row} was changed: the number's reverse is another")
    shown, folder = row["folder"], root / row["folder"]
    for item in rows.media_of(session):
        if str(PurePosixPath(item.path).parent) != shown:
            yield Problem(DATABASE, f"{in_row} was changed: {item.path!r} is not its file")
    yield from _ledger_problems(session, row["manifest_sha256"], entries)
    yield from media_problems(session, folder, shown, meter)
    if session.status is not Status.OPEN:
        yield from _manifest_problems(session, row["manifest_sha256"], folder, shown)
        yield from unlisted_problems(session, folder, shown)


def _ledger_problems(
    session: Session, manifest_sha256: str | None, entries: list[ledger.Entry]
) -> Iterator[Problem]:
    """What the ledger should tell of a session, and does not."""
    told = [ledger.facts(entry) for entry in entries]
    events = Counter(str(facts.get("event")) for facts in told)
    name = f"session {session.id}"
    if events[ledger.LedgerEvent.OPENED] != 1:
        yield Problem(DATABASE, f"{name}: the ledger does not tell once that it was opened")
    ends = [facts for facts in told if facts.get("event") in ledger.END_EVENTS.values()]
    if session.status is Status.OPEN:
        if ends:
            yield Problem(DATABASE, f"{name} is open in its row, ended in the ledger")
    elif len(ends) != 1 or ends[0]["event"] != ledger.END_EVENTS[session.status]:
        yield Problem(DATABASE, f"{name} is {session.status} in its row, not so in the ledger")
    elif ends[0].get("manifest_sha256") != manifest_sha256:
        yield Problem(DATABASE, f"{name}: row and ledger name different manifests")


def _manifest_problems(
    session: Session, manifest_sha256: str | None, folder: Path, shown: str
) -> Iterator[Problem]:
    at, path = f"{shown}/{files.MANIFEST}", folder / files.MANIFEST
    if path.is_symlink() or not path.is_file():
        yield Problem(at, "is missing")
        return
    if files.measure(path).sha256 != manifest_sha256:
        yield Problem(at, "was changed: its SHA-256 is not the sealed one")
        return
    read = read_manifest(path, at)
    if isinstance(read, Problem):
        yield read
    elif read[0] != session_to_json(session):
        changed = [key for key, value in session_to_json(session).items() if read[0][key] != value]
        yield Problem(
            DATABASE, f"the row of session {session.id} was changed: {', '.join(changed)}"
        )


def _tree_problems(db: Database, root: Path) -> Iterator[Problem]:
    """Files below media/ that lie in no session's folder."""
    media = root / files.MEDIA
    for path in sorted(media.glob("*")) + sorted(media.glob("*/*")) + sorted(media.glob("*/*/*")):
        if path.is_symlink() or not path.is_dir():
            yield Problem(path.relative_to(root).as_posix(), "belongs to no session")
    for folder in media.glob("*/*/*/*"):
        relative = folder.relative_to(root).as_posix()
        owned = db.execute(
            "SELECT 1 FROM sessions WHERE id = ? AND folder = ?", [folder.name, relative]
        ).fetchone()
        if owned is None:
            # An empty folder is a session that is just being opened, or never was.
            inside = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
            for path in inside:
                yield Problem(path.relative_to(root).as_posix(), "belongs to no session")
