"""The archive's promises, verified from end to end: `packwitness check` and `verify` on an archive.

Goes through database, checkpoints, sessions, camera checks, amendments, documents and folders, in
this order. Reads only, page by page, so that its memory does not grow with the archive; a run may
begin where another was stopped. What is wrong with one thing is told by the rooms beside this one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from storage import (
    camera_checks,
    check_disclosures,
    check_later,
    check_rows,
    check_sessions,
    checkpoints,
    files,
    keys,
    ledger,
    rows,
    schema,
)
from storage.check import Meter, Progress
from storage.check_sessions import Known
from storage.ledger import LedgerEvent
from storage.problem import Problem

DATABASE = schema.DATABASE
PAGE_ROWS = 500
BEING_FILED_S = 2.0
"""What is being filed while the check looks has its row after this time at the latest."""

Look = Callable[[Database, Path, str, Meter, Known], Iterator[Problem]]
LOOKS: dict[str, Look] = {
    "sessions": check_sessions.session_problems,
    "checks": check_sessions.camera_check_problems,
    "amendments": check_later.amendment_problems,
    "documents": check_later.document_problems,
}
"""The tables that are gone through, in this order."""
OLD_TABLES = {"amendments": 4, "documents": 4, "checks": 2}
"""The first schema that has each table."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a check has come: all of `table` up to the id `after`, with the tables before it."""

    table: str = ""
    after: str = ""


def archive_problems(
    root: Path,
    progress: Progress | None = None,
    *,
    begin: Place | None = None,
    reached: Callable[[Place], None] | None = None,
    tsa_certificates: Path | None = None,
) -> Iterator[Problem]:
    """Everything that is not as the archive promises, from the place `begin` on.

    A session that is open is at work: only its rows are checked. `progress` is told bytes,
    `reached` each place behind which nothing is left to look at.
    """
    try:
        db = schema.connect(root / DATABASE, read_only=True)
    except (sqlite3.Error, OSError) as error:
        yield Problem(DATABASE, f"cannot be read: {error}")
        return
    try:
        yield from readable(database_problems(db))
        if schema.version_of(db) >= schema.FIRST_WITH_CATALOGUE:
            yield from readable(checkpoints.problems(db, root, tsa_certificates))
        if schema.has_disclosures(db):
            yield from readable(check_disclosures.disclosure_problems(db))
        yield from readable(_each_problems(db, root, progress, begin or Place(), reached))
        yield from readable(_tree_problems(db, root))
        yield from readable(_key_file_problems(db, root))
    finally:
        db.close()


def readable(problems: Iterator[Problem]) -> Iterator[Problem]:
    """The problems; where they cannot all be found, because something cannot be read, that, too."""
    try:
        yield from problems
    except (sqlite3.Error, UnicodeDecodeError) as error:
        yield Problem(DATABASE, f"is damaged: {error}")
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        # Columns that are called otherwise, numbers where texts should be.
        yield Problem(DATABASE, f"is damaged: it holds what cannot be understood ({error})")
    except OSError as error:
        where = error.filename or DATABASE
        yield Problem(str(where), f"cannot be read: {error.strerror or error}")


def _each_problems(
    db: Database,
    root: Path,
    progress: Progress | None,
    begin: Place,
    reached: Callable[[Place], None] | None,
) -> Iterator[Problem]:
    """What is wrong with each session, camera check, amendment and document."""
    known = ledger.known_keys(db)
    tables = [table for table in LOOKS if schema.version_of(db) >= OLD_TABLES.get(table, 1)]
    meter = Meter(_bytes_from(db, tables, begin), progress)
    for table in tables[tables.index(begin.table) if begin.table else 0 :]:
        after = begin.after if table == begin.table else ""
        for each in _ids(db, table, after):
            if any(readable(LOOKS[table](db, root, each, meter, known))):
                # It may have been sealed, amended or deleted meanwhile: what is wrong stays wrong.
                known = ledger.known_keys(db)
                yield from readable(LOOKS[table](db, root, each, Meter(0, None), known))
            if reached is not None:
                reached(Place(table, each))


def _bytes_from(db: Database, tables: list[str], place: Place) -> int:
    """The bytes of the files that are still to be looked at."""
    sizes = {
        "sessions": "SELECT (SELECT total(size_bytes) FROM clips WHERE session_id > :after) + "
        "(SELECT total(size_bytes) FROM shots WHERE session_id > :after)",
        "checks": "SELECT total(size_bytes) FROM camera_checks WHERE check_id > :after",
        "documents": "SELECT total(size_bytes) FROM documents WHERE id > :after",
    }
    total = 0.0
    for table in tables[tables.index(place.table) if place.table else 0 :]:
        if table in sizes:
            after = place.after if table == place.table else ""
            total += db.execute(sizes[table], {"after": after}).fetchone()[0]
    return int(total)


def database_problems(db: Database) -> Iterator[Problem]:
    """What is wrong with the database as such: its pages, its guards, the ledger's chain."""
    version = schema.version_of(db)
    if not 1 <= version <= schema.SCHEMA_VERSION:
        yield Problem(DATABASE, f"has schema version {version}, not {schema.SCHEMA_VERSION}")
    for (what,) in db.execute("PRAGMA integrity_check(20)").fetchall():
        if what != "ok":
            yield Problem(DATABASE, f"is damaged: {what}")
    for row in db.execute("PRAGMA foreign_key_check").fetchmany(20):
        yield Problem(DATABASE, f"a row of {row[0]} belongs to nothing in {row[2]}")
    if version == schema.SCHEMA_VERSION:
        for name in check_rows.shape_changes(db):
            yield Problem(DATABASE, f"the table or index {name} is gone or was changed")
        for name in check_rows.strange_triggers(db):
            yield Problem(DATABASE, f"the trigger {name} does not belong there")
    for name in schema.lost_guards(db):
        yield Problem(DATABASE, f"the guard {name} was removed or changed")
    for broken in ledger.breaks(ledger.entries(db)):
        yield Problem(DATABASE, f"ledger entry {broken.seq}: {broken.what}")
    yield from _origin_problems(db)
    yield from _orphan_problems(db)


def _origin_problems(db: Database) -> Iterator[Problem]:
    """Which archive it is, by its first entry."""
    first = db.execute("SELECT body FROM ledger WHERE seq = 1").fetchone()
    told = ledger.facts(ledger.Entry(1, None, first[0], "")) if first else {}
    meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
    if told.get("event") != LedgerEvent.CREATED:
        yield Problem(DATABASE, "the ledger does not begin with the archive's creation")
    elif (meta.get("archive_id"), meta.get("created_at")) != (told.get("archive"), told.get("at")):
        yield Problem(DATABASE, "meta was changed: it names another archive than the ledger")


def _orphan_problems(db: Database) -> Iterator[Problem]:
    """What the ledger tells of, and has no row any more."""
    kinds = {
        LedgerEvent.CAMERAS_CHECKED: ("camera check", "checks"),
        LedgerEvent.DOCUMENT_FILED: ("document", "documents"),
        LedgerEvent.OPENED: ("session", "sessions"),
    }
    owners = db.execute(
        "SELECT DISTINCT session_id FROM ledger WHERE session_id IS NOT NULL "
        "AND length(session_id) = 26 AND session_id NOT IN (SELECT id FROM sessions)"
    )
    for (owner,) in owners:
        told = {ledger.facts(entry).get("event") for _, entry in ledger.excerpt(db, owner)}
        for event, (kind, table) in kinds.items():
            if (
                event in told
                and not db.execute(
                    f"SELECT 1 FROM {table} WHERE id = ?",  # noqa: S608
                    [owner],
                ).fetchone()
            ):
                yield Problem(DATABASE, f"{kind} {owner} is in the ledger, its row is gone")
    amended = db.execute(
        "SELECT seq, body FROM ledger WHERE body LIKE '%\"amendment\":%' ESCAPE '\\'"
    )
    for seq, body in amended:
        amendment = ledger.facts(ledger.Entry(seq, None, body, "")).get("amendment")
        known = db.execute("SELECT 1 FROM amendments WHERE id = ?", [amendment]).fetchone()
        if isinstance(amendment, str) and known is None:
            yield Problem(DATABASE, f"amendment {amendment} is in the ledger, its row is gone")


def _key_file_problems(db: Database, root: Path) -> Iterator[Problem]:
    """What is wrong with the public key that lies there for other programs."""
    path = root / keys.KEYS / keys.PUBLIC
    known = ledger.known_keys(db).values()
    if path.is_file() and path.read_bytes() not in map(keys.pem, known):
        yield Problem(f"{keys.KEYS}/{keys.PUBLIC}", "is no key that the ledger tells of")


def _ids(db: Database, table: str, after: str) -> Iterator[str]:
    sql = f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
    while page := db.execute(sql, [after, PAGE_ROWS]).fetchall():
        for (each,) in page:
            # In a damaged table they may go round and round for ever.
            if not isinstance(each, str) or each <= after:
                raise sqlite3.DatabaseError(f"the rows of {table} are out of order")
            after = each
            yield each


# ---------------------------------------------------------------------------- folders


def _tree_problems(db: Database, root: Path) -> Iterator[Problem]:
    """Files that lie where only evidence lies, and belong to nothing."""
    suspects = [
        (kind, folder)
        for kind in (files.MEDIA, files.DOCUMENTS, files.AMENDMENTS)
        for folder in _folders(root / kind)
        if not _is_owned(db, root, kind, folder)
    ]
    if suspects:
        time.sleep(BEING_FILED_S)
    for kind, folder in suspects:
        gone = not folder.exists() and not folder.is_symlink()  # it was there before: filed twice
        if gone or _is_owned(db, root, kind, folder):
            continue
        # An empty folder is one that is just being made, or never was.
        inside = sorted(folder.rglob("*")) if _is_folder(folder) else [folder]
        for path in inside:
            yield Problem(path.relative_to(root).as_posix(), _BELONGS[kind])


_BELONGS = {
    files.MEDIA: "belongs to no session or camera check",
    files.DOCUMENTS: "belongs to no document",
    files.AMENDMENTS: "belongs to no amendment",
}


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _folders(kind: Path) -> Iterator[Path]:
    """The folders four levels down (YYYY/MM/DD/id), and whatever lies above them and is none."""
    levels = [kind]
    for _ in range(3):
        below = [path for folder in levels for path in sorted(folder.glob("*"))]
        yield from (path for path in below if not _is_folder(path))
        levels = [path for path in below if _is_folder(path)]
    for day in levels:
        yield from sorted(day.glob("*"))


def _is_owned(db: Database, root: Path, kind: str, folder: Path) -> bool:
    relative = folder.relative_to(root).as_posix()
    tables = {files.MEDIA: "sessions", files.DOCUMENTS: "documents", files.AMENDMENTS: "amendments"}
    sql = f"SELECT 1 FROM {tables[kind]} WHERE id = ? AND folder = ?"  # noqa: S608
    if _is_folder(folder) and db.execute(sql, [folder.name, relative]).fetchone():
        return True
    return kind == files.MEDIA and _is_check(db, folder.name, relative)


def _is_check(db: Database, check_id: str, relative: str) -> bool:
    """True for the folder of a check that was filed or is at work."""
    row = rows.check_of(db, check_id)
    if row is not None:
        return bool(row["folder"] == relative)
    at_work = files.ULID_FORM.fullmatch(check_id) and camera_checks.at_work(db, check_id)
    return bool(at_work) and relative == camera_checks.folder_of(check_id)
