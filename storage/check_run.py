"""The check of a whole archive as `packwitness check` runs it: it can be stopped and goes on later.

Keeps its place and what it has found in the database's `meta`, a few times a minute, and tells the
ledger how it ended. What is looked at, and what is wrong, is `check_archive.py`'s.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from storage import check_archive, files, keys, ledger, schema
from storage.check import Progress
from storage.check_archive import LOOKS, Place
from storage.errors import ArchiveMissing, KeyUnusable
from storage.keys import Signer
from storage.ledger import KeyChange, LedgerEvent
from storage.problem import Problem
from storage.records import parse_utc, utc_text
from storage.transaction import immediate

UNFINISHED = "check_unfinished"
FINISHED = "check_finished"
SAVE_S = 5.0
STALE = dt.timedelta(days=7)
"""A check that was stopped longer ago begins anew: too much has happened since."""
PROBLEMS_KEPT = 1_000
_LEDGERS = (schema.DATABASE, f"{files.CHECKPOINTS}/")
"""Where the problems lie that may be the ledger's."""

Clock = Callable[[], dt.datetime]


@dataclass(slots=True)
class Checked:
    """How a check ended. `resumed_at` is when the part was begun that this run went on with."""

    at: dt.datetime
    problems: list[Problem] = field(default_factory=list)
    looked_at: int = 0
    bytes: int = 0
    seconds: float = 0.0
    resumed_at: dt.datetime | None = None
    keys: list[KeyChange] = field(default_factory=list)
    """Each key that the archive has signed with, oldest first."""


@dataclass(slots=True)
class _Saved:
    """What a stopped run has left behind."""

    begun_at: dt.datetime
    place: Place
    looked_at: int
    problems: list[Problem]


def check(
    root: Path,
    clock: Clock,
    *,
    again: bool = False,
    progress: Progress | None = None,
    tsa_certificates: Path | None = None,
) -> Checked:
    """Verify the archive, from where the last run was stopped unless `again`; what is wrong.

    `progress` is told bytes. Raises ArchiveMissing. Whatever is found, and a database that cannot
    be written, is no exception.
    """
    if not (root / schema.DATABASE).is_file():
        raise ArchiveMissing(root)
    started_s, notes = time.monotonic(), _Notes(root)
    try:
        saved = None if again else notes.load(clock())
        begun_at = saved.begun_at if saved else clock()
        found = Checked(clock(), resumed_at=saved.begun_at if saved else None)
        if saved:
            found.problems, found.looked_at = list(saved.problems), saved.looked_at
        seen = {(problem.path, problem.what) for problem in found.problems}

        def counted(done: int, everything: int) -> None:
            found.bytes = done
            if progress is not None:
                progress(done, everything)

        def reached(place: Place) -> None:
            found.looked_at += 1
            notes.save(begun_at, place, found)

        for problem in check_archive.archive_problems(
            root,
            counted,
            begin=saved.place if saved else None,
            reached=reached,
            tsa_certificates=tsa_certificates,
        ):
            if (problem.path, problem.what) not in seen:
                seen.add((problem.path, problem.what))
                found.problems.append(problem)
        found.seconds = time.monotonic() - started_s
        found.at, found.keys = clock(), _keys(root)
        notes.finish(found)
        return found
    finally:
        notes.close()


def _keys(root: Path) -> list[KeyChange]:
    try:
        db = schema.connect(root / schema.DATABASE, read_only=True)
    except (sqlite3.Error, OSError):
        return []
    try:
        return ledger.key_changes(db)
    except (sqlite3.Error, UnicodeDecodeError):
        return []
    finally:
        db.close()


def last(root: Path) -> dict[str, Any] | None:
    """How the last finished check ended: at, problems, looked_at, bytes; None for never."""
    try:
        db = schema.connect(root / schema.DATABASE, read_only=True)
    except (sqlite3.Error, OSError):
        return None
    try:
        row = db.execute("SELECT value FROM meta WHERE key = ?", [FINISHED]).fetchone()
        told = json.loads(row[0]) if row else None
    except (sqlite3.Error, ValueError):
        return None
    finally:
        db.close()
    return told if isinstance(told, dict) else None


class _Notes:
    """What a run keeps in the database; an archive that cannot be written is checked without."""

    def __init__(self, root: Path) -> None:
        self._saved_s = time.monotonic()
        self._db: Database | None = None
        self._signer: Signer | None = None
        with contextlib.suppress(sqlite3.Error, OSError, KeyUnusable):
            db = schema.connect(root / schema.DATABASE)
            # An older database is brought up to date by the bench, a newer one by nobody here.
            if schema.version_of(db) == schema.SCHEMA_VERSION:
                self._db = db
                if (root / keys.KEYS / keys.PRIVATE).is_file():
                    self._signer = keys.signer_of(root)
            else:
                db.close()

    def load(self, now: dt.datetime) -> _Saved | None:
        """What a run that was stopped has left, unless it is too old or was changed."""
        if self._db is None:
            return None
        try:
            sql = "SELECT value FROM meta WHERE key = ?"
            row = self._db.execute(sql, [UNFINISHED]).fetchone()
            told = json.loads(row[0]) if row else {}
            if told.pop("signature", "") != self._signature(told):
                return None
            saved = _Saved(
                parse_utc(told["begun_at"]),
                Place(told["table"], told["after"]),
                int(told["looked_at"]),
                [Problem(str(path), str(what)) for path, what in told["problems"]],
            )
        except (sqlite3.Error, ValueError, KeyError, TypeError, AttributeError):
            return None
        fresh = dt.timedelta(0) <= now - saved.begun_at < STALE
        return saved if fresh and saved.place.table in LOOKS else None

    def save(self, begun_at: dt.datetime, place: Place, found: Checked) -> None:
        """Keep the place, every few seconds, as long as all that was found can be kept with it."""
        early = time.monotonic() - self._saved_s < SAVE_S
        if early or len(found.problems) > PROBLEMS_KEPT or self._signer is None:
            return
        self._saved_s = time.monotonic()
        told = {
            "begun_at": utc_text(begun_at),
            "table": place.table,
            "after": place.after,
            "looked_at": found.looked_at,
            "problems": [[problem.path, problem.what] for problem in found.problems],
        }
        self._put(UNFINISHED, {**told, "signature": self._signature(told)})

    def _signature(self, told: dict[str, Any]) -> str | None:
        """The bench's signature of a place, in hex: one that is forged could hide what lies before
        it. None without a key."""
        return None if self._signer is None else self._signer.sign(json.dumps(told).encode()).hex()

    def finish(self, found: Checked) -> None:
        """Tell the ledger, and forget the place."""
        count = len(found.problems)
        told = {"problems": count, "looked_at": found.looked_at, "bytes": found.bytes}
        self._put(FINISHED, {"at": utc_text(found.at), **told})
        if self._db is None:
            return
        with contextlib.suppress(sqlite3.Error), immediate(self._db):
            self._db.execute("DELETE FROM meta WHERE key = ?", [UNFINISHED])
            if any(problem.path.startswith(_LEDGERS) for problem in found.problems):
                return  # what was cut off the ledger can be put back only where it ends now
            ledger.append(
                self._db,
                LedgerEvent.CHECKED,
                found.at,
                problems=count,
                looked_at=found.looked_at,
            )

    def _put(self, key: str, told: dict[str, Any]) -> None:
        if self._db is None:
            return
        sql = (
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        )
        with contextlib.suppress(sqlite3.Error), immediate(self._db):
            self._db.execute(sql, [key, json.dumps(told)])

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
