"""The database made anew from the files alone: `packwitness rebuild`.

Reads every signed manifest below `media/`, and the segments of the ledger; what only a database
holds (who may do what, orders, saved filters, the newest entries of the ledger) is taken from the
old one as far as it can be read. Works beside the old database and swaps the new one in at its end,
so that a rebuild that is stopped has changed nothing. Hashes no media: that is the check's work.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from filelock import FileLock, Timeout
from sqlite_utils import Database

from storage import (
    adopting,
    amendment_repair,
    catalogue,
    checkpoints,
    disclosure_rows,
    documents,
    files,
    keys,
    ledger,
    schema,
)
from storage.adopting import Sealed
from storage.archive import OPEN_LOCK
from storage.benchlock import BenchLock
from storage.claims import review_rows
from storage.errors import ArchiveBusy, ArchiveMissing, Refused, told
from storage.ledger import LedgerEvent
from storage.records import Session
from storage.tables_later import CATALOGUE_INDEXES
from storage.transaction import immediate

NEW = "archive.db.new"
BATCH = 500
"""Folders that one worker reads at a time, and that are one step of the progress."""
WORKERS = min(4, os.cpu_count() or 1)
SALVAGED = (
    "people", "saved_filters", "orders", "order_items", "order_waybills", "column_mappings",
    "traces", "trace_events", "claims", "claim_events",
)  # fmt: skip
"""What is in no file, in an order that keeps what refers to another behind it."""

Progress = Callable[[int, int], None]
"""Told the folders that are done and those that there are."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the new database holds. `doubtful` names each folder that was not believed, and why;
    `unsigned` counts those that were sealed before manifests were signed."""

    sessions: int = 0
    checks: int = 0
    documents: int = 0
    amendments: int = 0
    disclosures: int = 0
    entries: int = 0
    salvaged: int = 0
    unsigned: int = 0
    doubtful: tuple[str, ...] = ()
    kept_as: str = ""


def rebuild(root: Path, now: dt.datetime, progress: Progress | None = None) -> Rebuilt:
    """Make the database anew; what it holds then. The old one lies in lost+found/ afterwards.

    Raises ArchiveMissing where there are no files either, ArchiveBusy when another program has the
    archive open, ArchiveTooNew, ArchiveFull, ArchiveError.
    """
    if not (root / files.MEDIA).is_dir():
        raise ArchiveMissing(root)
    try:
        with _alone(root):
            return _swapped_in(root, now, progress)
    except (OSError, sqlite3.Error) as error:
        raise told(error, root, "making the database anew") from error


def _swapped_in(root: Path, now: dt.datetime, progress: Progress | None) -> Rebuilt:
    with _old(root) as old:
        if old is not None:
            schema.refuse_newer(old, root / schema.DATABASE)
    new = root / NEW
    _remove(new)
    db = schema.connect(new)
    try:
        found = _filled(db, root, now, progress)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
    kept = _set_old_aside(root, now)
    for ending in ("-wal", "-shm"):
        new.with_name(new.name + ending).unlink(missing_ok=True)
    new.replace(root / schema.DATABASE)
    files.sync_folder(root)
    return replace(found, kept_as=kept)


# ---------------------------------------------------------------------------- the new database


def _filled(db: Database, root: Path, now: dt.datetime, progress: Progress | None) -> Rebuilt:
    schema.migrate(db, root / NEW)
    guards = {trigger.name: trigger.sql for trigger in db.triggers}
    indexes = [part for part in CATALOGUE_INDEXES.split(";") if "CREATE INDEX" in part]
    # Nobody else has this database yet: rows go in many times faster without guards and indexes.
    for name in guards:
        db.execute(f"DROP TRIGGER {name}")
    for index in indexes:
        db.execute(f"DROP INDEX {index.split()[2]}")
    db.execute("PRAGMA synchronous = OFF")
    entries, salvaged = _ledger(db, root)
    with immediate(db):
        disclosures = disclosure_rows.follow(db)
    signer = keys.signer_of(root)
    told = Rebuilt(salvaged=salvaged + _salvaged(db, root), disclosures=disclosures)
    known = ledger.known_keys(db)
    if not known:  # no segment was ever made: the key that lies there is all there is to go by
        known = {signer.id: signer.public}
    told = _read(db, root, known, now, told, progress)
    with immediate(db):
        catalogue.fill(db)
    for sql in (*indexes, *guards.values()):
        db.execute(sql)
    with immediate(db):
        review_rows.fill(db)
    with immediate(db):
        if signer.id not in ledger.known_keys(db):
            ledger.append(db, LedgerEvent.KEY_CHANGED, now, signer.id, public=signer.public.hex())
    checkpoints.catch_up(db, root)
    filed = documents.recover(db, root, now, signer)
    amended = amendment_repair.recover(db, root, now, signer)
    told = replace(told, documents=len(filed), amendments=len(amended), entries=entries)
    with immediate(db):
        ledger.append(
            db,
            LedgerEvent.REBUILT,
            now,
            sessions=told.sessions,
            checks=told.checks,
            documents=told.documents,
            amendments=told.amendments,
            disclosures=told.disclosures,
            unsigned=told.unsigned,
            doubtful=len(told.doubtful),
        )
    db.execute("PRAGMA synchronous = FULL")
    return told


def _ledger(db: Database, root: Path) -> tuple[int, int]:
    """How many entries came back from segments, and how many more from the old database."""
    own = db.execute("SELECT body FROM ledger ORDER BY seq").fetchall()
    with immediate(db):
        db.execute("DELETE FROM ledger")
        count = ledger.replay(db, checkpoints.segments(root))
        tail = ledger.replay(db, _tail(root, ledger.head(db)))
        if count + tail == 0:
            ledger.replay(db, (body for (body,) in own))
        first = db.execute("SELECT body FROM ledger WHERE seq = 1").fetchone()
        told = ledger.facts(ledger.Entry(1, None, first[0], ""))
        for key, fact in (("archive_id", "archive"), ("created_at", "at")):
            if isinstance(told.get(fact), str):
                db.execute("UPDATE meta SET value = ? WHERE key = ?", [told[fact], key])
    return count, tail


def _tail(root: Path, at: ledger.Head) -> Iterator[str]:
    """The entries of the old database that continue the ledger, as far as they hold."""
    with _old(root) as old:
        if old is None:
            return
        sql = "SELECT seq, session_id, body, hash FROM ledger WHERE seq > ? ORDER BY seq"
        with contextlib.suppress(sqlite3.Error):
            for row in old.execute(sql, [at.seq]):
                entry = ledger.Entry(*row)
                held = ledger.chained(at.hash, entry.body) == entry.hash
                if entry.seq != at.seq + 1 or not held or next(ledger.disagreements(entry), None):
                    return
                yield entry.body
                at = ledger.Head(entry.seq, entry.hash)


@contextmanager
def _old(root: Path) -> Iterator[Database | None]:
    """The old database as far as it can be read; None where it cannot be opened."""
    old = None
    with contextlib.suppress(sqlite3.Error, OSError):
        if (root / schema.DATABASE).is_file():
            old = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        yield old
    finally:
        if old is not None:
            old.close()


def _salvaged(db: Database, root: Path) -> int:
    """How many rows of what is in no file were taken over from the old database."""
    count = 0
    with _old(root) as old:
        for table in SALVAGED if old is not None else ():
            assert old is not None  # noqa: S101 - the loop is empty without it
            with contextlib.suppress(sqlite3.Error), immediate(db):
                for row in old.query(f"SELECT * FROM {table}"):  # noqa: S608
                    columns = db[table].columns_dict
                    kept = {key: value for key, value in row.items() if key in columns}
                    marks = ", ".join(f":{key}" for key in kept)
                    sql = f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})"  # noqa: S608
                    db.execute(sql, kept)
                    count += 1
    return count


# ---------------------------------------------------------------------------- folders


def _read(
    db: Database,
    root: Path,
    known: dict[str, bytes],
    now: dt.datetime,
    told: Rebuilt,
    progress: Progress | None,
) -> Rebuilt:
    folders = sorted(
        path.relative_to(root).as_posix()
        for path in (root / files.MEDIA).glob("*/*/*/*")
        if path.is_dir() and not path.is_symlink()
    )
    doubtful: list[str] = []
    sessions = checks = unsigned = done = 0
    for batch, found in _batches(root, folders, known):
        with immediate(db):
            for folder, sealed in zip(batch, found, strict=True):
                why = sealed if isinstance(sealed, str) else _put(db, sealed, now)
                if why:
                    doubtful.append(f"{folder}: {why}")
                    continue
                assert not isinstance(sealed, str)  # noqa: S101 - told above
                sessions += isinstance(sealed.told, Session)
                checks += not isinstance(sealed.told, Session)
                unsigned += not sealed.key
        done += len(batch)
        if progress is not None:
            progress(done, len(folders))
    return replace(
        told, sessions=sessions, checks=checks, unsigned=unsigned, doubtful=tuple(doubtful)
    )


def _put(db: Database, sealed: Sealed, now: dt.datetime) -> str:
    """Why the rows of a folder were not put into the database, or ''."""
    db.execute("SAVEPOINT folder")
    try:
        adopting.add(db, sealed)
        adopting.tell(db, sealed, now)
    except (Refused, sqlite3.Error, ValueError, TypeError, KeyError) as error:
        db.execute("ROLLBACK TO folder")
        return str(error)
    finally:
        db.execute("RELEASE folder")
    return ""


def _batches(
    root: Path, folders: list[str], known: dict[str, bytes]
) -> Iterator[tuple[list[str], list[Sealed | str]]]:
    """The folders with what they say, batch by batch, in their order. Many are read by several
    processes, never more than a few batches ahead."""
    batches = [folders[at : at + BATCH] for at in range(0, len(folders), BATCH)]
    if len(batches) < 2 * WORKERS:
        for batch in batches:
            yield batch, _read_back(root, batch, known)
        return
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        waiting = iter(batches)
        running = [(b, pool.submit(_read_back, root, b, known)) for b in islice(waiting, WORKERS)]
        while running:
            batch, future = running.pop(0)
            running += [(b, pool.submit(_read_back, root, b, known)) for b in islice(waiting, 1)]
            yield batch, future.result()


def _read_back(root: Path, batch: list[str], known: dict[str, bytes]) -> list[Sealed | str]:
    return [adopting.read_back(root, root / folder, known) for folder in batch]


# ---------------------------------------------------------------------------- locks and swap


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Be the only program that has the archive open for writing. Raises ArchiveBusy."""
    bench = BenchLock(root)
    with ExitStack() as held:
        try:
            held.enter_context(FileLock(root / OPEN_LOCK, timeout=0))
        except Timeout as error:
            raise ArchiveBusy(root, "another program that is opening it") from error
        bench.hold()
        held.callback(bench.release)
        _refuse_open(root)
        yield


def _refuse_open(root: Path) -> None:
    """Raises ArchiveBusy when another program has the old database open. One that is damaged beyond
    opening is open nowhere."""
    path = root / schema.DATABASE
    if not path.is_file():
        return
    with contextlib.suppress(sqlite3.DatabaseError):
        old = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            old.execute("PRAGMA locking_mode = EXCLUSIVE")
            old.execute("BEGIN EXCLUSIVE")
            old.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY:
                raise ArchiveBusy(root, "another program that reads or writes it") from error
        finally:
            old.close()


def _set_old_aside(root: Path, now: dt.datetime) -> str:
    """Where the old database lies now, relative to the archive; '' for none."""
    old = root / schema.DATABASE
    if not old.exists():
        return ""
    under = f"database-{now:%Y%m%dT%H%M%SZ}"
    spare = old.with_name(f"{old.name}.old")
    spare.unlink(missing_ok=True)
    try:
        # It keeps its name, too, until the new one takes it: what only it holds is never in doubt.
        spare.hardlink_to(old)
    except OSError:  # a disk without links
        spare = old
    kept = files.set_aside(root, spare, under)
    for ending in ("-wal", "-shm"):
        beside = old.with_name(old.name + ending)
        if beside.exists():
            files.set_aside(root, beside, under)
    return kept.relative_to(root).as_posix()


def _remove(new: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        new.with_name(new.name + ending).unlink(missing_ok=True)


def rebuilt_to_json(told: Rebuilt) -> str:
    """What was rebuilt, as JSON for scripts."""
    return json.dumps(
        {name: getattr(told, name) for name in Rebuilt.__dataclass_fields__}, indent=2
    )
