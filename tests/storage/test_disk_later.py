"""A disk that fills up while something is said later, signed, repaired or made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from storage import files, schema
from storage.archive import Archive
from storage.disclosures import DisclosedFile
from storage.errors import ArchiveFull, StorageFailed
from storage.evidence.verify import verify
from storage.later import EvidenceGroup
from storage.rebuild import rebuild
from storage.records import Waybill
from tests.storage.desk import NUMBER, Desk, photo
from tests.storage.shift import AFTER, ANN
from tests.storage.test_disk import disk_of, fill

DISK_MB = 4
ROOMS = (0, 4096, 8192, 16384, 32768)
"""What is left of the disk, in bytes: what is done fails at another step each time."""

FULL = (ArchiveFull, StorageFailed)
"""SQLite calls it an I/O error where it finds no room for the memory that programs share."""

Doing = Callable[[Archive, str, Path], Future[Any]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    with disk_of(DISK_MB, tmp_path / "disk") as disk:
        yield disk


def document(archive: Archive, session: str, source: Path) -> Future[Any]:
    return archive.file_document(ANN, source, NUMBER, EvidenceGroup.MEDIA)


def correction(archive: Archive, session: str, source: Path) -> Future[Any]:
    return archive.rebind(ANN, session, Waybill(f"NEW000{source.stem}", ""), "printed late")


def hold(archive: Archive, session: str, source: Path) -> Future[Any]:
    return archive.hold(ANN, session, "a claim is open")


def checkpoint(archive: Archive, session: str, source: Path) -> Future[Any]:
    return archive.checkpoint()


def export(archive: Archive, session: str, source: Path) -> Future[Any]:
    files = [DisclosedFile(f"data/{number}.jpg", 1, "a" * 64) for number in range(200)]
    return archive.disclose(
        ANN, sessions=[session], profile="x", package="x", digest="d" * 64, files=files
    )


@pytest.mark.parametrize("do", [document, correction, hold, export, checkpoint])
def test_what_finds_no_room_is_told_and_succeeds_when_there_is_some(
    disk: Path, tmp_path: Path, do: Doing
) -> None:
    root = disk / "archive"
    failed = 0
    with Archive.open(root) as archive:
        packed = Desk(archive).pack().id
        for number, room in enumerate(ROOMS):
            source = tmp_path / f"{number}.jpg"
            source.write_bytes(photo(number) + bytes(16384))
            archive.note(ANN, packed, f"note {number}").result()
            ballast = fill(disk, room)
            try:
                do(archive, packed, source).result()
            except FULL as error:
                assert error.path == root
                failed += 1
            ballast.unlink()
            do(archive, packed, source).result()
            assert verify(root) == []
        assert archive.recover() == []
    assert failed
    assert verify(root) == []
    assert not [*root.rglob("*.part")]


def test_a_rebuild_without_room_leaves_the_old_database(disk: Path) -> None:
    root = disk / "archive"
    with Archive.open(root) as archive:
        desk = Desk(archive)
        for number in range(3):
            desk.pack(f"PARCEL{number}")
    before = (root / schema.DATABASE).read_bytes()
    for room in (0, 65_536, 131_072):
        ballast = fill(disk, room)
        with pytest.raises(FULL):
            rebuild(root, AFTER)
        assert (root / schema.DATABASE).read_bytes() == before
        ballast.unlink()
        assert verify(root) == []
    assert rebuild(root, AFTER).sessions == 3
    assert verify(root) == []


def test_a_new_archive_on_a_full_disk_is_none_and_begins_when_there_is_room(disk: Path) -> None:
    root = disk / "archive"
    ballast = fill(disk, 16_384)
    with pytest.raises(FULL):
        Archive.open(root)
    ballast.unlink()
    with Archive.open(root) as archive:
        packed = Desk(archive).pack()
        assert (root / files.MEDIA).is_dir()
    assert archive.root == root.resolve()
    assert packed.shots
    assert verify(root) == []
