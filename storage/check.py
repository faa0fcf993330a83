"""The archive's promises, verified: files against rows, rows against manifests, the ledger's chain.

Reads only, and believes nothing that it reads: paths are computed, not followed, and what cannot be
read is a problem, not an exception. `evidence/verify.py` is its front door. Knows no camera.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlite_utils import Database

from storage import camera_checks, files, ledger, rows, schema
from storage.errors import Refused, UnknownSession
from storage.raw_scan import spelled
from storage.records import (
    CameraCheck,
    Clip,
    Session,
    Shot,
    Status,
    check_from_json,
    check_to_json,
    session_from_json,
    session_to_json,
)

DATABASE = schema.DATABASE
Evidence = Clip | Shot | CameraCheck
"""A record that names a file."""

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


def size_of(items: Iterable[Evidence]) -> int:
    """The bytes of all these files."""
    return sum(item.size_bytes for item in items)


def read_manifest(path: Path, shown: str) -> bytes | Problem:
    """The content of a manifest, or why it cannot be one."""
    try:
        if path.stat().st_size > MANIFEST_LIMIT_BYTES:
            return Problem(shown, "is far too big for a manifest")
        return path.read_bytes()
    except OSError as error:
        return Problem(shown, f"cannot be read: {error.strerror}")


def parsed_manifest(content: bytes, shown: str) -> tuple[dict[str, Any], Session] | Problem:
    """The content of a manifest as JSON and as a session, or why it is none."""
    try:
        data = json.loads(content)
        session = session_from_json(data)
        _refuse_untyped(rows.media_of(session))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Problem(shown, "is no manifest of a session")
    return data, session


def parsed_check(
    content: bytes, shown: str
) -> tuple[dict[str, Any], tuple[CameraCheck, ...]] | Problem:
    """The content of a check's manifest as JSON and as its cameras, or why it is none."""
    try:
        data = json.loads(content)
        checks = check_from_json(data)
        _refuse_untyped(checks)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Problem(shown, "is no manifest of a camera check")
    return data, checks


def _refuse_untyped(items: Iterable[Evidence]) -> None:
    """Raises TypeError for a forged record whose file cannot be looked for."""
    for item in items:
        told = (item.path, item.size_bytes, item.sha256)
        if tuple(map(type, told)) != (str, int, str):
            raise TypeError(f"{told!r} names no file")


def pictures_of(checks: Iterable[CameraCheck]) -> list[CameraCheck]:
    """Those of the cameras that gave a picture."""
    return [check for check in checks if check.path]


def media_problems(
    items: Iterable[Evidence], folder: Path, shown: str, meter: Meter
) -> Iterator[Problem]:
    """What is wrong with the files that a session or a check names and `folder` should hold."""
    seen: set[str] = set()
    for item in items:
        name = PurePosixPath(item.path).name
        at = f"{shown}/{name}"
        if not files.plain_name(name) or name in seen:
            yield Problem(at, "has a name that no file of a session has, or has it twice")
            continue
        seen.add(name)
        yield from file_problems(item, folder / name, at, meter)


def file_problems(item: Evidence, path: Path, shown: str, meter: Meter) -> Iterator[Problem]:
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


def unlisted_problems(
    items: Iterable[Evidence], manifest: str, folder: Path, shown: str
) -> Iterator[Problem]:
    """What lies in the folder of a closed session or a check without belonging to it."""
    known = {
        manifest,
        files.SIGNATURES[manifest],
        *(PurePosixPath(item.path).name for item in items),
    }
    whose = "session" if manifest == files.MANIFEST else "camera check"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in known:
            yield Problem(f"{shown}/{path.name}", f"does not belong to the {whose}")


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
        tables = ["clips", "shots"] + ["camera_checks"] * schema.has_checks(db)
        sizes = (f"SELECT total(size_bytes) FROM {table}" for table in tables)  # noqa: S608
        meter = Meter(int(sum(db.execute(sql).fetchone()[0] for sql in sizes)), progress)
        for session in _ids(db, "sessions"):
            yield from session_problems(db, root, session, meter)
        for check_id in _ids(db, "checks") if schema.has_checks(db) else ():
            yield from check_problems(db, root, check_id, meter)
        yield from _tree_problems(db, root)
    except sqlite3.Error as error:
        yield Problem(DATABASE, f"is damaged: {error}")
    finally:
        db.close()


def _database_problems(db: Database) -> Iterator[Problem]:
    version = schema.version_of(db)
    if not 1 <= version <= schema.SCHEMA_VERSION:
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
    for (owner,) in orphans:
        told = {ledger.facts(entry).get("event") for _, entry in ledger.excerpt(db, owner)}
        if ledger.LedgerEvent.KEY_CHANGED in told:
            continue
        if ledger.LedgerEvent.CHECK_BEGUN not in told:
            yield Problem(DATABASE, f"session {owner} is in the ledger, its row is gone")
        elif ledger.LedgerEvent.CAMERAS_CHECKED in told and rows.check_of(db, owner) is None:
            yield Problem(DATABASE, f"camera check {owner} is in the ledger, its row is gone")


def _ids(db: Database, table: str) -> Iterator[str]:
    after = ""
    sql = f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
    while page := db.execute(sql, [after, PAGE_ROWS]).fetchall():
        for (each,) in page:
            yield each
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
    if row.get("raw_hex") is not None and row["raw_scan"] != spelled(session.waybill.raw):
        yield Problem(DATABASE, f"{in_row} was changed: raw_scan and raw_hex tell different scans")
        return
    if row["number_reversed"] != session.waybill.number[::-1]:
        yield Problem(DATABASE, f"{in_row} was changed: the number's reverse is another")
    shown, folder = row["folder"], root / row["folder"]
    for item in rows.media_of(session):
        if str(PurePosixPath(item.path).parent) != shown:
            yield Problem(DATABASE, f"{in_row} was changed: {item.path!r} is not its file")
    yield from _ledger_problems(session, row["manifest_sha256"], entries)
    media = rows.media_of(session)
    yield from media_problems(media, folder, shown, meter)
    if session.status is not Status.OPEN:
        yield from _manifest_problems(session, row["manifest_sha256"], folder, shown)
        yield from unlisted_problems(media, files.MANIFEST, folder, shown)


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
    at = f"{shown}/{files.MANIFEST}"
    content = _sealed_manifest(folder / files.MANIFEST, manifest_sha256, at)
    read = content if isinstance(content, Problem) else parsed_manifest(content, at)
    if isinstance(read, Problem):
        yield read
        return
    # A manifest of an older version lacks keys: what it tells is compared as the records tell it.
    sealed, found = session_to_json(read[1]), session_to_json(session)
    changed = [key for key, value in found.items() if sealed[key] != value]
    if changed:
        yield Problem(
            DATABASE, f"the row of session {session.id} was changed: {', '.join(changed)}"
        )


def _sealed_manifest(path: Path, manifest_sha256: str | None, shown: str) -> bytes | Problem:
    """The content of a manifest that is the sealed one, or why it is not."""
    if path.is_symlink() or not path.is_file():
        return Problem(shown, "is missing")
    if files.measure(path).sha256 != manifest_sha256:
        return Problem(shown, "was changed: its SHA-256 is not the sealed one")
    return read_manifest(path, shown)


def check_problems(db: Database, root: Path, check_id: str, meter: Meter) -> Iterator[Problem]:
    """What is wrong with one filed camera check: its rows, its manifest, the ledger, its files."""
    in_row = f"the row of camera check {check_id}"
    db.execute("BEGIN")  # one state of the database for all that is compared
    try:
        row = rows.check_of(db, check_id)
        checks = rows.cameras_of(db, check_id)
        told = [ledger.facts(entry) for _, entry in ledger.excerpt(db, check_id)]
        shown = camera_checks.folder_of(check_id)
    except (ValueError, TypeError, KeyError, Refused) as error:
        yield Problem(DATABASE, f"{in_row} cannot be understood: {error}")
        return
    finally:
        db.rollback()
    if row is None or row["folder"] != shown:
        yield Problem(DATABASE, f"{in_row} was changed: it names another folder")
        return
    folder, pictures = root / shown, pictures_of(checks)
    begun = [facts for facts in told if facts.get("event") == ledger.LedgerEvent.CHECK_BEGUN]
    ends = [facts for facts in told if facts.get("event") == ledger.LedgerEvent.CAMERAS_CHECKED]
    if len(begun) != 1 or len(ends) != 1:
        yield Problem(DATABASE, f"camera check {check_id}: the ledger does not tell of it once")
    elif ends[0].get("manifest_sha256") != row["manifest_sha256"]:
        yield Problem(DATABASE, f"camera check {check_id}: row and ledger name different manifests")
    yield from media_problems(pictures, folder, shown, meter)
    at = f"{shown}/{files.CHECK_MANIFEST}"
    content = _sealed_manifest(folder / files.CHECK_MANIFEST, row["manifest_sha256"], at)
    read = content if isinstance(content, Problem) else parsed_check(content, at)
    if isinstance(read, Problem):
        yield read
    elif check_to_json(check_id, read[1]) != check_to_json(check_id, checks):
        yield Problem(DATABASE, f"{in_row} was changed: its manifest tells something else")
    yield from unlisted_problems(pictures, files.CHECK_MANIFEST, folder, shown)


def _tree_problems(db: Database, root: Path) -> Iterator[Problem]:
    """Files below media/ that lie in the folder of no session and of no camera check."""
    media = root / files.MEDIA
    for path in sorted(media.glob("*")) + sorted(media.glob("*/*")) + sorted(media.glob("*/*/*")):
        if path.is_symlink() or not path.is_dir():
            yield Problem(
                path.relative_to(root).as_posix(), "belongs to no session or camera check"
            )
    for folder in media.glob("*/*/*/*"):
        relative = folder.relative_to(root).as_posix()
        owned = db.execute(
            "SELECT 1 FROM sessions WHERE id = ? AND folder = ?", [folder.name, relative]
        ).fetchone()
        if owned is None and not _is_check(db, folder.name, relative):
            # An empty folder is a session that is just being opened, or never was.
            inside = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
            for path in inside:
                yield Problem(
                    path.relative_to(root).as_posix(), "belongs to no session or camera check"
                )


def _is_check(db: Database, check_id: str, relative: str) -> bool:
    """True for the folder of a check that was filed or is at work."""
    row = rows.check_of(db, check_id)
    if row is not None:
        return bool(row["folder"] == relative)
    at_work = files.ULID_FORM.fullmatch(check_id) and camera_checks.at_work(db, check_id)
    return bool(at_work) and relative == camera_checks.folder_of(check_id)
