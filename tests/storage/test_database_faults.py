"""A database that is locked, damaged, gone or newer: told, and brought back by a rebuild."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage import schema
from storage.archive import Archive
from storage.errors import (
    ArchiveBusy,
    ArchiveCorrupt,
    ArchiveTooNew,
)
from storage.evidence.verify import verify
from storage.later import Change, EvidenceGroup
from storage.rebuild import rebuild
from storage.records import Session, Waybill
from tests.storage.desk import NUMBER, Desk, photo
from tests.storage.shift import AFTER, ANN

PARCELS = 12


@pytest.fixture
def packed(root: Path, tmp_path: Path) -> list[Session]:
    """The sessions of a closed archive; the first was corrected and has a document."""
    source = tmp_path / "photo.jpg"
    source.write_bytes(photo())
    with Archive.open(root) as archive:
        desk = Desk(archive)
        sessions = [desk.pack(f"PARCEL{number}") for number in range(PARCELS)]
        archive.rebind(ANN, sessions[0].id, Waybill(NUMBER, ""), "printed late").result()
        archive.file_document(ANN, source, NUMBER, EvidenceGroup.MEDIA).result()
        archive.checkpoint().result()
    return sessions


def all_is_there(root: Path, packed: list[Session]) -> None:
    """The archive can be worked with and holds what it held."""
    assert verify(root) == []
    with Archive.open(root) as archive:
        assert archive.recover() == []
        assert [archive.get(session.id) for session in packed] == packed
        assert [each.id for each in archive.find(NUMBER)] == [packed[0].id]
        (amendment,) = archive.amendments_of(packed[0].id)
        assert amendment.change is Change.REBOUND
        assert len(archive.documents_of(NUMBER)) == 1
    assert verify(root) == []


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Another program writes, and does not end."""
    other = sqlite3.connect(root / schema.DATABASE, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def test_a_locked_database_is_told_and_nothing_is_half_done(
    packed: list[Session], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT_S", 0.2)
    source = tmp_path / "second.jpg"
    source.write_bytes(photo(1))
    with Archive.open(root) as archive:
        session, folder = Desk(archive, AFTER).open("OPEN1")
        with locked(root):
            for work in (
                archive.note(ANN, packed[1].id, "x"),
                archive.hold(ANN, packed[1].id, "x"),
                archive.file_document(ANN, source, NUMBER, EvidenceGroup.MEDIA),
                archive.checkpoint(),
            ):
                with pytest.raises(ArchiveBusy):
                    work.result()
            with pytest.raises(ArchiveBusy):
                Desk(archive, AFTER).open("OPEN2")
            with pytest.raises(ArchiveBusy):
                Desk(archive, AFTER).seal(session)
            assert archive.get(packed[1].id) == packed[1]
            assert archive.amendments_of(packed[1].id) == []
        assert Desk(archive, AFTER).seal(session).id == session
        assert archive.note(ANN, packed[1].id, "x").result().text == "x"
        assert folder.is_dir()
    all_is_there(root, packed)


def test_a_locked_database_is_not_rebuilt(packed: list[Session], root: Path) -> None:
    with locked(root), pytest.raises(ArchiveBusy):
        rebuild(root, AFTER)
    all_is_there(root, packed)


def header(content: bytearray) -> None:
    content[:100] = bytes(100)


def half(content: bytearray) -> None:
    del content[len(content) // 2 :]


def nothing(content: bytearray) -> None:
    content.clear()


def pages(content: bytearray) -> None:
    chance = random.Random(8)
    for page in chance.sample(range(1, len(content) // 4096), 12):
        content[page * 4096 : (page + 1) * 4096] = chance.randbytes(4096)


def letter(content: bytearray) -> None:
    content[:] = b"this is a letter, not a database. " * 1000


@pytest.mark.parametrize("harm", [header, half, nothing, pages, letter])
def test_a_damaged_database_is_offered_a_rebuild_which_brings_all_back(
    packed: list[Session], root: Path, harm: Callable[[bytearray], None]
) -> None:
    path = root / schema.DATABASE
    content = bytearray(path.read_bytes())
    harm(content)
    path.write_bytes(content)
    try:
        with Archive.open(root) as archive:
            archive.recent(100)
    except ArchiveCorrupt as error:
        assert "packwitness rebuild" in str(error)
    else:
        # Pages that nobody has asked for yet are found by the check.
        assert harm is pages
    assert verify(root)
    told = rebuild(root, AFTER)
    assert (told.sessions, told.documents, told.amendments) == (PARCELS, 1, 1)
    assert told.doubtful == ()
    all_is_there(root, packed)


def test_a_deleted_database_whose_log_stayed_behind(packed: list[Session], root: Path) -> None:
    live = Archive.open(root)
    live.note(ANN, packed[1].id, "not yet in the database").result()
    log = (root / "archive.db-wal").read_bytes()
    live.close()
    assert log
    (root / schema.DATABASE).unlink()
    (root / "archive.db-wal").write_bytes(log)
    with pytest.raises(ArchiveCorrupt, match="packwitness rebuild"):
        Archive.open(root)
    assert rebuild(root, AFTER).doubtful == ()
    with Archive.open(root) as archive:
        (note,) = archive.amendments_of(packed[1].id)
        assert note.change is Change.NOTED
    all_is_there(root, packed)


def test_a_newer_database_is_neither_opened_nor_rebuilt(packed: list[Session], root: Path) -> None:
    db = sqlite3.connect(root / schema.DATABASE)
    db.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    db.close()
    before = (root / schema.DATABASE).read_bytes()
    with pytest.raises(ArchiveTooNew):
        Archive.open(root)
    with pytest.raises(ArchiveTooNew):
        rebuild(root, AFTER)
    assert (root / schema.DATABASE).read_bytes() == before
    assert len(verify(root)) == 1
