"""An archive of the second version is brought up to date, and nothing that was sealed changes.

`second_archive/` was made by that version: sessions of the first version that it had migrated, and
its own, one of them with a hostile scan; one was open when the bench stopped. Of its packages one
holds sessions of the first version.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from storage import schema, tables
from storage.archive import Archive
from storage.errors import StorageFailed
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.records import CheckDigit, Status, session_from_json
from tests.storage.desk import NUMBER, Desk
from tests.storage.packages import remanifest

MADE = Path(__file__).with_name("second_archive") / "archive.zip"
HOSTILE = "1Z5R89390357567127"
RAW = f"]C1\x00{HOSTILE}\x1b[31m\u202e\\udcff\x1d"
"""As that version kept it: only the half surrogate was spelled out."""


@pytest.fixture
def second(root: Path) -> Path:
    """The folder of the old archive."""
    with zipfile.ZipFile(MADE) as made:
        made.extractall(root)
    db = sqlite3.connect(root / "archive.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    return root


def rows(root: Path, sql: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(root / "archive.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def manifests(root: Path) -> dict[str, str]:
    """The SHA-256 of every manifest, by session or check."""
    found = root.glob("media/*/*/*/*/*.json")
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


CLOSED = "SELECT id, raw_scan, carrier, manifest_sha256 FROM sessions WHERE sealed_at < '2027'"
LEDGER = "SELECT seq, session_id, body, hash FROM ledger ORDER BY seq"


def test_what_was_sealed_stays_as_it_was_and_verifies(second: Path) -> None:
    files, closed, told = manifests(second), rows(second, CLOSED), rows(second, LEDGER)
    assert verify(second) == []
    with Archive.open(second) as archive:
        assert verify(second) == []
        (recovered,) = archive.recover()
        assert recovered.status is Status.INTERRUPTED
        sealed = archive.find(HOSTILE)[-1]
        assert sealed.waybill.raw == RAW
        assert sealed.waybill.check is None
        assert [shot.label_read for shot in sealed.shots] == ["", ""]
    assert verify(second) == []
    assert rows(second, "PRAGMA user_version") == [(schema.SCHEMA_VERSION,)]
    assert set(closed) <= set(rows(second, CLOSED))
    assert rows(second, "SELECT count(*) FROM sessions WHERE raw_hex IS NOT NULL") == [(0,)]
    assert files.items() <= manifests(second).items()
    assert rows(second, LEDGER)[: len(told)] == told
    db = schema.connect(second / "archive.db")
    try:
        assert schema.lost_guards(db) == []
    finally:
        db.close()


def test_the_session_that_was_open_gets_a_manifest_of_today(second: Path) -> None:
    with Archive.open(second) as archive:
        (recovered,) = archive.recover()
    manifest = next(second.glob(f"media/*/*/*/{recovered.id}/session.json"))
    data = json.loads(manifest.read_bytes())
    assert bytes.fromhex(data["raw_scan_hex"]).decode() == recovered.waybill.raw == f"]C1{HOSTILE}"
    assert session_from_json(data) == recovered


def test_it_reads_without_being_touched(second: Path) -> None:
    before = (second / "archive.db").read_bytes()
    with Archive.open(second, read_only=True) as archive:
        assert archive.find(HOSTILE)[-1].waybill.raw == RAW
        assert len(archive.recent(9)) == 6
    assert verify(second) == []
    assert (second / "archive.db").read_bytes() == before


def test_it_works_on_like_a_new_one(second: Path) -> None:
    with Archive.open(second) as archive:
        archive.recover()
        packed = Desk(archive).pack(NUMBER, pass_no=2)
        assert archive.get(packed.id) == packed
        assert packed.waybill.check is CheckDigit.OK
        package = export(archive, archive.recent(9), second / "new").path
    assert verify(second) == verify(package) == []


@pytest.mark.parametrize("name", ["evidence.zip", "old-sessions.zip"])
def test_its_packages_verify_and_a_changed_one_does_not(
    second: Path, tmp_path: Path, name: str
) -> None:
    package = second / "exports" / name
    assert verify(package) == []
    content = bytearray(package.read_bytes())
    content[content.index(b"photo 0" if b"photo 0" in content else b"photo 1")] ^= 1
    (tmp_path / "changed.zip").write_bytes(content)
    assert verify(tmp_path / "changed.zip")


def test_a_hostile_scan_told_by_a_version_that_wrote_fewer_keys_verifies(
    second: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(second / "exports" / "evidence.zip") as opened:
        opened.extractall(tmp_path)
    folder = next(path.parent for path in tmp_path.rglob("bagit.txt"))
    path = folder / "manifest.json"
    facts = json.loads(path.read_bytes())
    for session in facts["sessions"]:
        assert "raw_scan_hex" not in session
    hostile = next(session for session in facts["sessions"] if session["clips"])
    assert hostile["raw_scan"] == RAW
    del hostile["clips"][0]["copied"]
    path.write_text(json.dumps(facts))
    remanifest(folder)
    assert verify(folder) == []
    hostile["raw_scan"] = "other"
    path.write_text(json.dumps(facts))
    remanifest(folder)
    assert verify(folder)


def test_a_migration_that_fails_leaves_the_old_archive(
    second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "SCANS", tables.SCANS + "CREATE TRIGGER nonsense;")
        with pytest.raises(StorageFailed, match="opening"):
            Archive.open(second)
    assert rows(second, "PRAGMA user_version") == [(2,)]
    shape = "SELECT sql FROM sqlite_master WHERE name = 'sessions'"
    assert "raw_hex" not in str(rows(second, shape))
    assert verify(second) == []
    Archive.open(second).close()
    assert verify(second) == []
