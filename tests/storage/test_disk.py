"""A disk that is full, and one that cannot be written: told clearly, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.errors import ArchiveFull, ArchiveNotWritable, ExportFailed
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.rebuild import rebuild
from storage.records import Status
from tests.storage.desk import NUMBER, Desk
from tests.storage.shift import AFTER, ANN

DISK_MB = 3


def _mount(*options: str) -> bool:
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0


@contextmanager
def disk_of(megabytes: int, disk: Path) -> Iterator[Path]:
    """A disk of so many megabytes, mounted at the new folder `disk`."""
    disk.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    if not _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)):
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    with disk_of(DISK_MB, tmp_path / "disk") as disk:
        yield disk


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """Take all room but `leave_bytes`."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass
    if leave_bytes:
        os.truncate(ballast, ballast.stat().st_size - leave_bytes)
    return ballast


def test_a_full_disk_delays_the_seal_and_loses_nothing(small_disk: Path) -> None:
    root = small_disk / "archive"
    with Archive.open(root) as archive:
        desk = Desk(archive)
        packed = desk.pack()
        session, folder = desk.open(pass_no=2)
        clip = desk.clip(session, folder)
        ballast = fill(small_disk)
        with pytest.raises(ArchiveFull, match="sealing") as caught:
            desk.seal(session)
        assert caught.value.path == root
        with pytest.raises(ArchiveFull):
            desk.open(pass_no=3)
        assert archive.recover() == []
        found = archive.get(session)
        assert found is not None
        assert found.status is Status.OPEN
        assert archive.get(packed.id) == packed
        ballast.unlink()
        (repaired,) = archive.recover()
        assert (repaired.id, repaired.status) == (session, Status.SEALED)
        assert repaired.clips == (clip,)
        assert desk.open(pass_no=3)
        desk.seal(archive.recent(1)[0].id)
    assert verify(root) == []


def test_a_second_seal_succeeds_once_there_is_room(small_disk: Path) -> None:
    root = small_disk / "archive"
    with Archive.open(root) as archive:
        desk = Desk(archive)
        for leave_bytes in (0, 4096, 8192, 16384):  # fails at another step each time
            session, folder = desk.open(pass_no=9)
            desk.clip(session, folder)
            ballast = fill(small_disk, leave_bytes)
            if leave_bytes == 0:
                with pytest.raises(ArchiveFull):
                    desk.seal(session)
            ballast.unlink()
            assert desk.seal(session).status is Status.SEALED
    assert verify(root) == []


def test_an_export_without_room_leaves_nothing(small_disk: Path, desk: Desk) -> None:
    desk.pack()
    fill(small_disk)
    with pytest.raises(ExportFailed, match="0 MB free"):
        export(desk.archive, desk.archive.find(NUMBER), small_disk / "x.zip")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


@pytest.fixture
def read_only(desk: Desk, root: Path) -> Iterator[Path]:
    """An archive with one parcel on a disk that refuses writing, as root and as anybody."""
    desk.pack()
    desk.archive.close()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        bound = _mount("--bind", str(root), str(root)) and _mount(
            "-o", "remount,ro,bind", str(root)
        )
        if not bound:
            pytest.skip("this machine lets root not mount read-only")
        yield root
        subprocess.run(["umount", str(root)], check=True)
        return
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for path in root.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    for path in folders:
        path.chmod(0o555)
    yield root
    for path in folders:
        path.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_told_and_can_be_read(read_only: Path) -> None:
    with pytest.raises(ArchiveNotWritable, match="another folder"):
        Archive.open(read_only)
    with Archive.open(read_only, read_only=True) as archive:
        assert len(archive.find(NUMBER)) == 1
        with pytest.raises(ArchiveNotWritable):
            export(archive, archive.find(NUMBER), read_only.parent / "x.zip")
    assert verify(read_only) == []


def test_where_nothing_can_be_written_nothing_is_said_later_or_made_anew(read_only: Path) -> None:
    with Archive.open(read_only, read_only=True) as archive:
        (packed,) = archive.find(NUMBER)
        for work in (archive.note(ANN, packed.id, "x"), archive.checkpoint()):
            with pytest.raises(ArchiveNotWritable):
                work.result()
    with pytest.raises(ArchiveNotWritable):
        rebuild(read_only, AFTER)
    assert verify(read_only) == []


def test_a_new_archive_where_nothing_can_be_written(read_only: Path) -> None:
    with pytest.raises(ArchiveNotWritable):
        Archive.open(read_only / "new" / "archive")
