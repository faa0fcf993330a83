"""An archive of the first version is brought up to date, and nothing that was sealed changes.

`first_archive/` was made by that version: the dump of its database, and its media with an evidence
package. One session is sealed, one cancelled, one was open when the bench stopped.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest

from storage import schema
from storage.archive import Archive
from storage.errors import StorageFailed
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.records import Clip, Session, Shot, Status, session_from_json
from tests.storage.desk import Desk

MADE = Path(__file__).with_name("first_archive")
NUMBER = "1Z999AA10123456784"


@pytest.fixture
def first(root: Path) -> Path:
    """The folder of the old archive."""
    root.mkdir()
    with zipfile.ZipFile(MADE / "files.zip") as made:
        made.extractall(root)
    db = sqlite3.connect(root / "archive.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript((MADE / "archive.sql").read_text(encoding="utf-8"))
    db.close()
    return root


def manifests(root: Path) -> dict[str, str]:
    """The SHA-256 of every manifest, by session."""
    found = root.glob("media/*/*/*/*/session.json")
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def columns(root: Path, sql: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(root / "archive.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


SEALED = "SELECT id, status, manifest_sha256 FROM sessions WHERE status <> 'open' ORDER BY id"
LEDGER = "SELECT seq, session_id, body, hash FROM ledger ORDER BY seq"


def test_what_was_sealed_stays_as_it_was_and_verifies(first: Path) -> None:
    files, rows, told = manifests(first), columns(first, SEALED), columns(first, LEDGER)
    assert len(files) == len(rows) == 2
    with Archive.open(first) as archive:
        assert verify(first) == []
        (recovered,) = archive.recover()
        assert recovered.status is Status.INTERRUPTED
        for session in archive.recent(9):
            assert all((clip.clock_offset_ms, clip.copied) == (0, False) for clip in session.clips)
            assert all(shot.sharpness is shot.motion is None for shot in session.shots)
    assert verify(first) == []
    assert columns(first, "PRAGMA user_version") == [(schema.SCHEMA_VERSION,)]
    assert columns(first, SEALED)[: len(rows)] == rows
    assert {name: files[name] for name in files} == {
        name: digest for name, digest in manifests(first).items() if name in files
    }
    assert columns(first, LEDGER)[: len(told)] == told


def test_the_guards_of_both_versions_stand(first: Path) -> None:
    Archive.open(first).close()
    db = schema.connect(first / "archive.db")
    try:
        assert schema.lost_guards(db) == []
        assert {trigger.name for trigger in db.triggers} == schema.guards().keys()
        assert len(schema.guards()) == len(schema.guards(1)) + 35
        for table in ("clips", "shots"):
            with pytest.raises(sqlite3.IntegrityError, match="never changes"):
                db.execute(f"UPDATE {table} SET width = 1")  # noqa: S608
    finally:
        db.close()


def test_it_works_on_like_a_new_one(first: Path) -> None:
    with Archive.open(first) as archive:
        archive.recover()
        desk = Desk(archive)
        checks = desk.check()
        packed = desk.pack(NUMBER, pass_no=2)
        assert archive.checks()[-1] == checks[0]
        assert archive.get(packed.id) == packed
        assert packed.clips[0].clock_offset_ms == 1_700_000_000_123
        package = export(archive, archive.find(NUMBER), first / "new").path
    assert verify(first) == verify(package) == []


def test_it_reads_and_verifies_without_being_touched(first: Path) -> None:
    before = (first / "archive.db").read_bytes()
    assert verify(first) == []
    with Archive.open(first, read_only=True) as archive:
        assert len(archive.find(NUMBER)) == 3
        assert archive.checks() == []
        assert archive.check_before("bench 1", archive.recent(1)[0].opened_at) == ()
    assert (first / "archive.db").read_bytes() == before
    path = next(first.glob("media/*/*/*/*/label-01.jpg"))
    path.write_bytes(b"changed\n")
    assert [problem.path for problem in verify(first)] == [path.relative_to(first).as_posix()]


def test_a_migration_that_fails_leaves_the_old_archive(
    first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "CHECK_GUARDS", "CREATE TRIGGER nonsense")
        with pytest.raises(StorageFailed, match="opening"):
            Archive.open(first)
    assert columns(first, "PRAGMA user_version") == [(1,)]
    assert "copied" not in str(columns(first, "SELECT sql FROM sqlite_master WHERE name = 'clips'"))
    assert verify(first) == []
    Archive.open(first).close()
    assert verify(first) == []


def test_an_edited_new_column_of_an_old_session_is_found(first: Path) -> None:
    Archive.open(first).close()
    db = sqlite3.connect(first / "archive.db")
    with db:
        (guard,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'clips_update'")
        db.execute("DROP TRIGGER clips_update")
        db.execute("UPDATE clips SET copied = 1")
        db.execute(guard[0])
    db.close()
    assert len([problem for problem in verify(first) if "clips" in problem.what]) == 2


def test_a_package_of_the_first_version_verifies(first: Path, tmp_path: Path) -> None:
    package = first / "exports/evidence.zip"
    assert verify(package) == []
    content = bytearray(package.read_bytes())
    content[content.index(b"photo 0")] ^= 1
    changed = tmp_path / "changed.zip"
    changed.write_bytes(content)
    assert verify(changed)


def test_an_old_manifest_alone_is_read(first: Path, tmp_path: Path) -> None:
    manifest = next(first.glob("media/*/*/*/*/session.json"))
    session = session_from_json(json.loads(manifest.read_bytes()))
    assert isinstance(session, Session)
    assert [type(item) for item in (*session.clips, *session.shots)] == [Clip, Shot]
    alone = tmp_path / "alone"
    shutil.copytree(manifest.parent, alone)
    assert verify(alone) == []
