"""Ten thousand flipped bits, one at a time, in an archive that holds one of everything.

A bit in a file must be found, and the file named. A bit in the database must be found unless it
changes nothing that any table of evidence holds, byte for byte: most of a small database's pages
are room that nobody uses yet. A seed makes each run the same.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlite_utils import Database

from storage import check_archive, check_later, check_sessions, checkpoints, files, ledger, schema
from storage.check import Meter
from storage.evidence.verify import verify
from storage.problem import Problem
from tests.storage.everything import fill

FILE_FLIPS = {files.MEDIA: 3_000, files.DOCUMENTS: 1_000, files.AMENDMENTS: 1_500}
LEDGER_FLIPS = 1_500
DATABASE_FLIPS = 3_000
NO_EVIDENCE = (
    "orders", "order_items", "order_waybills", "people", "saved_filters", "column_mappings",
    "traces", "trace_events", "claims", "claim_events", "review_groups", "review_contents",
    "review_parcels",
)  # fmt: skip
"""What is said of parcels and people elsewhere, and sealed nowhere; and the list of migrations is a
library's."""

Look = Callable[[Database, Path], Iterator[Problem]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("flips")
    (base / "spare").mkdir()
    fill(base / "archive", base / "spare")
    assert verify(base / "archive") == []
    return base / "archive"


@contextmanager
def flipped(path: Path, at: int, bit: int) -> Iterator[None]:
    """One bit of the file is the other one meanwhile."""
    fd = os.open(path, os.O_RDWR)
    try:
        os.lseek(fd, at, os.SEEK_SET)
        before = os.read(fd, 1)
        os.lseek(fd, at, os.SEEK_SET)
        os.write(fd, bytes([before[0] ^ 1 << bit]))
        yield
        os.lseek(fd, at, os.SEEK_SET)
        os.write(fd, before)
    finally:
        os.close(fd)


def places(paths: list[Path], count: int, seed: int) -> Iterator[tuple[Path, int, int]]:
    """So many bits of these files, each file as often as the others."""
    rng = random.Random(seed)
    for number in range(count):
        path = paths[number % len(paths)]
        yield path, rng.randrange(path.stat().st_size), rng.randrange(8)


def owner_of(db: Database, path: Path) -> Callable[..., Iterator[Problem]]:
    """What verifies the thing in whose folder the file lies."""
    kind, name = path.parents[4].name, path.parent.name
    if kind == files.DOCUMENTS:
        return check_later.document_problems
    if kind == files.AMENDMENTS:
        return check_later.amendment_problems
    if db.execute("SELECT 1 FROM checks WHERE id = ?", [name]).fetchone():
        return check_sessions.camera_check_problems
    return check_sessions.session_problems


@pytest.mark.parametrize("kind", FILE_FLIPS)
def test_every_bit_of_a_sealed_file_counts(root: Path, kind: str) -> None:
    db = schema.connect(root / schema.DATABASE, read_only=True)
    known = ledger.known_keys(db)
    paths = sorted(path for path in (root / kind).rglob("*") if path.is_file())
    for path, at, bit in places(paths, FILE_FLIPS[kind], seed=1):
        look = owner_of(db, path)
        with flipped(path, at, bit):
            found = list(look(db, root, path.parent.name, Meter(0, None), known))
        assert [one.path for one in found] == [path.relative_to(root).as_posix()], (path, at, bit)
    db.close()
    assert verify(root) == []


def test_every_bit_of_a_checkpoint_counts(root: Path) -> None:
    db = schema.connect(root / schema.DATABASE, read_only=True)
    paths = sorted(path for path in (root / files.CHECKPOINTS).iterdir() if path.is_file())
    for path, at, bit in places(paths, LEDGER_FLIPS, seed=2):
        with flipped(path, at, bit):
            (found,) = checkpoints.problems(db, root)
        # Which of head and signature was changed, the two do not tell.
        assert Path(found.path).stem == path.stem, (path, at, bit, found)
    db.close()
    assert verify(root) == []


def content(path: Path) -> dict[str, list[tuple[object, ...]]] | None:
    """Everything that the tables hold which tell of evidence, and how they are made; None for what
    cannot be read."""
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    db.text_factory = bytes
    try:
        sql = "SELECT type, name, sql FROM sqlite_master WHERE lower(name) <> '_sqlite_migrations'"
        made = db.execute(sql).fetchall()
        told = {"": made, "version": db.execute("PRAGMA user_version").fetchall()}
        for kind, name, _ in made:
            table = name.decode("utf-8", "replace")
            if kind == b"table" and table not in NO_EVIDENCE:
                told[table] = sorted(db.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)  # noqa: S608
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    else:
        return told
    finally:
        db.close()


def test_every_bit_of_the_database_that_means_something_counts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_archive, "BEING_FILED_S", 0.0)
    database = root / schema.DATABASE
    whole = content(database)
    assert whole is not None
    meant = 0
    for path, at, bit in places([database], DATABASE_FLIPS, seed=3):
        with flipped(path, at, bit):
            if content(database) != whole:
                meant += 1
                assert verify(root), (at, bit)
    assert meant > DATABASE_FLIPS // 20
    assert verify(root) == []
