"""A database that is lost, damaged or old is made anew, or caught up, from the files alone."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from storage import files, schema
from storage.archive import Archive
from storage.errors import ArchiveBusy, ArchiveCorrupt, ArchiveMissing
from storage.evidence.verify import verify
from storage.rebuild import rebuild
from storage.records import Status
from tests.storage.desk import NOON, Desk

LATER = NOON + dt.timedelta(days=1)


def pack_three(root: Path, *, checkpoint: bool = True) -> list[str]:
    """The ids of three sealed sessions in a new archive, which is closed again."""
    with Archive.open(root) as archive:
        desk = Desk(archive)
        sessions = [desk.pack(f"1Z999AA1012345678{n}").id for n in range(3)]
        if checkpoint:
            archive.checkpoint().result()
    return sessions


def database_gone(root: Path) -> None:
    for path in root.glob(f"{schema.DATABASE}*"):
        path.unlink()


def rows_of(root: Path) -> dict[str, list[tuple[object, ...]]]:
    db = sqlite3.connect(root / schema.DATABASE)
    try:
        return {
            table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608
            for table in ("sessions", "clips", "shots", "gaps", "notes", "ledger")
        }
    finally:
        db.close()


def test_a_deleted_database_comes_back_row_for_row(root: Path) -> None:
    pack_three(root)
    before = rows_of(root)
    database_gone(root)
    with pytest.raises(ArchiveCorrupt, match="packwitness rebuild"):
        Archive.open(root)
    told = rebuild(root, LATER)
    after = rows_of(root)
    assert told.sessions == 3
    assert not told.doubtful
    assert after.pop("ledger")[: len(before["ledger"])] == before.pop("ledger")
    assert after == before
    assert verify(root) == []


def test_without_any_segment_the_ledger_begins_anew_and_says_so(root: Path) -> None:
    sessions = pack_three(root, checkpoint=False)
    shutil.rmtree(root / "ledger", ignore_errors=True)
    database_gone(root)
    rebuild(root, LATER)
    assert verify(root) == []
    with Archive.open(root) as archive:
        events = [json.loads(entry.body) for _, entry in archive.ledger_of(sessions[0])]
    assert [event.get("rebuilt") for event in events] == [True, True]


def test_the_newest_entries_and_the_archives_name_come_from_a_readable_old_database(
    root: Path,
) -> None:
    pack_three(root, checkpoint=False)
    before = rows_of(root)["ledger"]
    with Archive.open(root, read_only=True) as archive:
        name = archive.archive_id
    told = rebuild(root, LATER)
    assert rows_of(root)["ledger"][: len(before)] == before
    assert (root / told.kept_as).is_file()
    with Archive.open(root, read_only=True) as archive:
        assert archive.archive_id == name
        assert len(archive.find("345678")) == 0
        assert len(archive.find("1Z999AA10123456781")) == 1


def test_orders_are_taken_over(root: Path) -> None:
    with Archive.open(root) as archive:
        Desk(archive).pack()
        archive.link_orders([("ORDER-7", "1Z999AA10123456784")]).result()
    told = rebuild(root, LATER)
    assert told.salvaged >= 2
    with Archive.open(root, read_only=True) as archive:
        assert len(archive.find("order-7")) == 1


def test_a_damaged_database_is_rebuilt_and_kept(root: Path) -> None:
    pack_three(root)
    path = root / schema.DATABASE
    content = bytearray(path.read_bytes())
    content[100:9000] = bytes(8900)
    path.write_bytes(content)
    told = rebuild(root, LATER)
    assert told.sessions == 3
    assert verify(root) == []
    assert (root / told.kept_as).read_bytes() == bytes(content)


def test_a_changed_manifest_is_not_believed(root: Path) -> None:
    sessions = pack_three(root)
    (manifest,) = root.glob(f"media/*/*/*/{sessions[1]}/{files.MANIFEST}")
    manifest.write_bytes(manifest.read_bytes().replace(b"Ann", b"Eve"))
    database_gone(root)
    told = rebuild(root, LATER)
    assert told.sessions == 2
    assert [sessions[1] in line for line in told.doubtful] == [True]
    assert manifest.is_file()
    assert any(sessions[1] in problem.path for problem in verify(root))


def test_a_session_that_lost_its_signature_is_not_believed_against_the_ledger(root: Path) -> None:
    sessions = pack_three(root)
    (manifest,) = root.glob(f"media/*/*/*/{sessions[1]}/{files.MANIFEST}")
    manifest.write_bytes(manifest.read_bytes().replace(b"Ann", b"Eve"))
    (manifest.parent / files.SIGNATURE).unlink()
    database_gone(root)
    told = rebuild(root, LATER)
    assert told.sessions == 2


def test_an_open_session_survives_the_loss_of_the_database(root: Path) -> None:
    archive = Archive.open(root)
    desk = Desk(archive)
    session = desk.draft("1Z999AA10123456784")
    archive.open_session(session).result()
    archive.close()
    database_gone(root)
    rebuild(root, LATER)
    with Archive.open(root) as archive:
        (closed,) = archive.recover()
    assert (closed.id, closed.waybill.number) == (session.id, "1Z999AA10123456784")
    assert closed.status is Status.INTERRUPTED
    assert verify(root) == []


def test_a_rebuild_that_is_stopped_changes_nothing(root: Path) -> None:
    pack_three(root)
    before = rows_of(root)

    def stop(done: int, everything: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(root, LATER, stop)
    assert rows_of(root) == before
    assert rebuild(root, LATER).sessions == 3


def test_an_archive_that_is_open_elsewhere_is_not_rebuilt(root: Path) -> None:
    pack_three(root)
    with Archive.open(root), pytest.raises(ArchiveBusy):
        rebuild(root, LATER)


def test_a_folder_without_files_is_no_archive(root: Path) -> None:
    with pytest.raises(ArchiveMissing):
        rebuild(root, LATER)


@pytest.mark.parametrize("checkpoint", [True, False])
def test_sessions_newer_than_a_backup_are_taken_in_again(root: Path, *, checkpoint: bool) -> None:
    with Archive.open(root) as archive:
        Desk(archive).pack("1Z999AA10123456780")
    backup = (root / schema.DATABASE).read_bytes()
    with Archive.open(root) as archive:
        newer = Desk(archive, NOON + dt.timedelta(hours=1)).pack("1Z999AA10123456781")
        if checkpoint:
            archive.checkpoint().result()
    database_gone(root)
    (root / schema.DATABASE).write_bytes(backup)
    with Archive.open(root) as archive:
        archive.recover()
        assert [session.id for session in archive.find("1Z999AA10123456781")] == [newer.id]
    assert verify(root) == []
    assert not list((root / files.LOST).glob("*")) if (root / files.LOST).exists() else True
