"""A start gives a database back what it lost of its ledger, and tidies what a crash left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage import checkpoint_files, ledger, schema
from storage.archive import Archive
from storage.checkpoint_files import head_path, segment_path
from storage.keys import signer_of
from storage.signed import signature_path
from storage.transaction import immediate
from tests.storage.checkpointing import faults, meddle, resign
from tests.storage.desk import Desk


def test_a_database_from_a_backup_gets_its_ledger_back(
    desk: Desk, root: Path, tmp_path: Path
) -> None:
    for pass_no in (1, 2, 3):
        desk.pack(pass_no=pass_no)
        if pass_no == 2:
            desk.archive.checkpoint().result()
    desk.archive.close()
    shutil.copy(root / "archive.db", tmp_path / "backup.db")
    with Archive.open(root) as archive:
        later = Desk(archive, desk.now)
        later.pack(pass_no=4)
        newest = archive.checkpoint().result()
        later.pack(pass_no=5)
        archive.checkpoint().result()
        noted = archive.head()
    for name in ("archive.db-wal", "archive.db-shm"):
        (root / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", root / "archive.db")
    assert any("cut short" in fault for fault in faults(root))
    with Archive.open(root) as archive:
        assert archive.head() == noted
        assert newest.seq < noted.seq
    assert faults(root) == []


def test_entries_that_a_stranger_signed_are_not_taken_in(
    desk: Desk, root: Path, tmp_path: Path
) -> None:
    desk.pack()
    desk.archive.close()
    shutil.copy(root / "archive.db", tmp_path / "backup.db")
    with Archive.open(root) as archive:
        Desk(archive, desk.now).pack(pass_no=2)
        made = archive.checkpoint().result()
    shutil.copy(tmp_path / "backup.db", root / "archive.db")
    resign(root, made.seq, signer_of(tmp_path / "forger"))
    with Archive.open(root) as archive:
        assert archive.head().seq < made.seq
        resign(root, made.seq, archive.signer)
    with Archive.open(root) as archive:
        assert archive.head() == made.head


def test_entries_of_another_past_are_not_taken_in(desk: Desk, root: Path, tmp_path: Path) -> None:
    desk.pack()
    desk.archive.close()
    shutil.copy(root / "archive.db", tmp_path / "backup.db")
    with Archive.open(root) as archive:
        Desk(archive, desk.now).pack(pass_no=2)
        noted = archive.checkpoint().result()
    shutil.copy(tmp_path / "backup.db", root / "archive.db")
    aside = tmp_path / "aside"
    (root / "ledger").rename(aside)
    with Archive.open(root) as archive:
        Desk(archive, desk.now).open(pass_no=7)
        other = archive.head()
    aside.rename(root / "ledger")
    with Archive.open(root) as archive:
        assert archive.head() == other
        assert archive.checkpoint().result().head == other
    assert other.seq < noted.seq
    assert any("cut short" in fault for fault in faults(root))


@pytest.mark.parametrize("left", ["row", "head", "signature"])
def test_what_a_crash_leaves_of_a_checkpoint_is_finished_or_removed(
    desk: Desk, root: Path, left: str
) -> None:
    desk.pack()
    made = desk.archive.checkpoint().result()
    desk.archive.close()
    meddle(root, "DELETE FROM checkpoints")
    if left in ("head", "signature"):
        head_path(root, made.seq).rename(head_path(root, made.seq).with_suffix(".json.part"))
    if left == "signature":
        signature_path(head_path(root, made.seq)).unlink()
    assert faults(root) == []
    with Archive.open(root) as archive:
        assert faults(root) == []
        names = {path.name for path in (root / "ledger").iterdir()}
        assert names == (checkpoint_files.names(1, made.seq) & names if left == "row" else set())
        assert archive.checkpoint().result().head == made.head
    assert faults(root) == []


def test_a_segment_that_tells_of_more_than_the_ledger_is_kept(desk: Desk, root: Path) -> None:
    desk.pack()
    made = desk.archive.checkpoint().result()
    desk.archive.close()
    head_path(root, made.seq).unlink()
    meddle(root, "DELETE FROM checkpoints")
    meddle(root, "DELETE FROM ledger WHERE seq = ?", made.seq)
    with Archive.open(root) as archive:
        archive.checkpoint().result()
        Desk(archive, desk.now).open(pass_no=2)
        archive.checkpoint().result()
    kept = segment_path(root, 1, made.seq)
    assert kept.exists()
    assert any(kept.name in fault for fault in faults(root))


@pytest.mark.parametrize("body", ['{"seq":9}', '{"seq":"2"}', "{}", "[]", "", "[" * 100])
def test_an_entry_that_does_not_come_next_is_not_taken_back(
    desk: Desk, root: Path, body: str
) -> None:
    db = schema.connect(root / schema.DATABASE)
    before = ledger.head(db)
    with pytest.raises(ValueError, match="does not come next"), immediate(db):
        ledger.replay(db, [body])
    assert ledger.head(db) == before
    with immediate(db):
        assert ledger.replay(db, [f'{{"seq":{before.seq + 1},"session":null}}']) == 1
    assert list(ledger.breaks(ledger.entries(db))) == []
    db.close()
