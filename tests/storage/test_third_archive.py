"""An archive of the third version is brought up to date, and nothing that was sealed changes.

`third_archive/` was made by that version, before manifests were signed: sessions of the first two
versions that it had migrated, and its own, one with a raw scan that is no text, one returned, one
cancelled; one was open when the bench stopped.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from storage import schema, tables_later
from storage.amending import Amending
from storage.archive import Archive
from storage.errors import StorageFailed
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.later import Actor, Role
from storage.rebuild import rebuild
from storage.records import CheckDigit, Kind, Status, Waybill
from tests.storage.desk import NUMBER, Desk

MADE = Path(__file__).with_name("third_archive") / "archive.zip"
HOSTILE = "1Z999AA10123456792"
RAW = f"]C1\x00\x1b[2J\udcff{HOSTILE}"
PARCEL = "SF1234567890123"
OPEN = "OPEN0003"
ANN = Actor("Ann", Role.SUPERVISOR, verified=False)
AFTER = dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC)

CLOSED = "SELECT id, raw_scan, raw_hex, manifest_sha256 FROM sessions WHERE status <> 'open'"
LEDGER = "SELECT seq, session_id, body, hash FROM ledger ORDER BY seq"


@pytest.fixture
def third(root: Path) -> Path:
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


def test_what_was_sealed_stays_as_it_was_and_verifies(third: Path) -> None:
    files, closed, told = manifests(third), rows(third, CLOSED), rows(third, LEDGER)
    assert verify(third) == []
    with Archive.open(third) as archive:
        assert verify(third) == []
        (recovered,) = archive.recover()
        assert (recovered.waybill.number, recovered.status) == (OPEN, Status.INTERRUPTED)
        (hostile,) = archive.find(HOSTILE)
        assert hostile.waybill.raw == RAW
        assert hostile.waybill.check is CheckDigit.FAILED
        assert hostile.shots[1].label_read == NUMBER
        assert {each.kind for each in archive.find("ORD-3")} == {Kind.PACKING, Kind.RETURN}
    assert verify(third) == []
    assert rows(third, "PRAGMA user_version") == [(schema.SCHEMA_VERSION,)]
    assert set(closed) <= set(rows(third, CLOSED))
    assert files.items() <= manifests(third).items()
    assert rows(third, LEDGER)[: len(told)] == told
    db = schema.connect(third / "archive.db")
    try:
        assert schema.lost_guards(db) == []
    finally:
        db.close()


def test_only_what_is_sealed_from_now_on_is_signed(third: Path) -> None:
    before = manifests(third)
    with Archive.open(third) as archive:
        archive.recover()
        packed = Desk(archive, AFTER).pack(PARCEL, pass_no=2)
    signed = {path.parent.name for path in third.glob("media/*/*/*/*/session.sig")}
    assert packed.id in signed
    assert len(signed) == 2
    assert signed.isdisjoint(before)


def test_it_reads_without_being_touched(third: Path) -> None:
    before = (third / "archive.db").read_bytes()
    with Archive.open(third, read_only=True) as archive:
        assert [each.waybill.raw for each in archive.find(HOSTILE)] == [RAW]
        assert len(archive.recent(99)) == 11
        assert archive.amendments_of(archive.recent(1)[0].id) == []
    assert verify(third) == []
    assert (third / "archive.db").read_bytes() == before
    assert not (third / "keys").exists()


def test_what_was_sealed_then_is_corrected_and_held_now(third: Path) -> None:
    with Archive.open(third, clock=lambda: AFTER) as archive:
        archive.recover()
        (hostile,) = archive.find(HOSTILE)
        corrected(archive, hostile.id)
        (found,) = archive.find("CORRECTED1")
        assert found.waybill.number == HOSTILE
        package = export(archive, [hostile], third / "new").path
    assert verify(third) == verify(package) == []


def corrected(archive: Amending, session: str) -> None:
    """Say that the session belongs elsewhere, and keep it."""
    archive.rebind(ANN, session, Waybill("CORRECTED1", ""), "a wrong label").result()
    archive.hold(ANN, session, "a claim is open").result()


@pytest.mark.parametrize("name", ["evidence.zip", "old-sessions.zip", "third.zip"])
def test_its_packages_verify_and_a_changed_one_does_not(
    third: Path, tmp_path: Path, name: str
) -> None:
    package = third / "exports" / name
    assert verify(package) == []
    content = bytearray(package.read_bytes())
    content[content.index(b"photo") + 6] ^= 1
    (tmp_path / "changed.zip").write_bytes(content)
    assert verify(tmp_path / "changed.zip")


def test_a_lost_database_comes_back_from_manifests_without_signatures(third: Path) -> None:
    closed = rows(third, CLOSED)
    db = third / "archive.db"
    db.rename(third.parent / "lost.db")
    told = rebuild(third, AFTER)
    assert (told.sessions, told.checks, told.unsigned) == (10, 2, 12)
    # The one that was open lies there without a manifest: of that version nothing told of it.
    (doubtful,) = told.doubtful
    assert "no manifest" in doubtful
    assert {row[0] for row in rows(third, CLOSED)} == {row[0] for row in closed}
    assert {row[3] for row in rows(third, CLOSED)} == {row[3] for row in closed}


def test_a_migration_that_fails_leaves_the_old_archive(
    third: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        broken = tables_later.CATALOGUE_INDEXES + "CREATE TRIGGER nonsense;"
        patched.setattr(schema, "CATALOGUE_INDEXES", broken)
        with pytest.raises(StorageFailed, match="opening"):
            Archive.open(third)
    assert rows(third, "PRAGMA user_version") == [(3,)]
    assert rows(third, "SELECT count(*) FROM sqlite_master WHERE name = 'amendments'") == [(0,)]
    assert verify(third) == []
    Archive.open(third).close()
    assert verify(third) == []
    assert json.loads(str(rows(third, LEDGER)[-1][2]))["event"] == "key_changed"
