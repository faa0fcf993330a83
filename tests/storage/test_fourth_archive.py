"""An archive of the fourth version is brought up to date, and nothing that was sealed changes.

`fourth_archive/` was made by that version, which told of exports in the ledger only: what the three
versions before it had left, and its own, signed: a parcel that came back, one that belongs to
another number, a document, checkpoints, packages; one session was open when the bench stopped.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from storage import schema, tables_disclosed
from storage.archive import Archive
from storage.disclosures import Disclosure
from storage.errors import Refused, StorageFailed
from storage.evidence.verify import verify
from storage.later import Role
from storage.rebuild import rebuild
from storage.records import Kind, Status
from tests.storage.everything import disclose

MADE = Path(__file__).with_name("fourth_archive") / "archive.zip"
PARCEL = "SF4444000011112"
REBOUND = ("1Z999AA10000000077", "JD014600006281230000")
AFTER = dt.datetime(2026, 11, 25, 8, tzinfo=dt.UTC)

CLOSED = "SELECT id, raw_hex, manifest_sha256 FROM sessions WHERE status <> 'open'"
LEDGER = "SELECT seq, session_id, body, hash FROM ledger ORDER BY seq"
EXPORTS = (
    "evidence-1Z999AA10123456784-20261122T170913Z.zip",
    "old-sessions.zip",
    "evidence.zip",
    "third.zip",
    "fourth.zip",
    "rebound.zip",
    "packed.zip",
)


@pytest.fixture
def fourth(root: Path) -> Path:
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


def told(archive: Archive) -> list[Disclosure]:
    """All disclosures, oldest first, page by page."""
    found: list[Disclosure] = []
    while page := archive.disclosures(limit=2, before=found[-1].id if found else ""):
        found += page
    return found[::-1]


def test_what_was_sealed_stays_as_it_was_and_verifies(fourth: Path) -> None:
    closed, ledger = rows(fourth, CLOSED), rows(fourth, LEDGER)
    assert verify(fourth) == []
    with Archive.open(fourth) as archive:
        assert verify(fourth) == []
        (recovered,) = archive.recover()
        assert recovered.status is Status.INTERRUPTED
        assert {each.kind for each in archive.find(PARCEL)} == {Kind.PACKING, Kind.RETURN}
    assert verify(fourth) == []
    assert rows(fourth, "PRAGMA user_version") == [(schema.SCHEMA_VERSION,)]
    assert set(closed) <= set(rows(fourth, CLOSED))
    assert rows(fourth, LEDGER)[: len(ledger)] == ledger
    for name in ("fourth.zip", "rebound.zip"):
        assert verify(fourth / "exports" / name) == []


def test_every_export_that_the_ledger_tells_of_is_a_disclosure(fourth: Path) -> None:
    with Archive.open(fourth) as archive:
        found = told(archive)
        assert tuple(each.package for each in found) == EXPORTS
        assert [len(each.sessions) for each in found] == [2, 3, 2, 2, 2, 1, 1]
        assert [(each.by, each.role) for each in found] == [
            *[("", None)] * 4,
            ("Ann", Role.SUPERVISOR),
            ("Zo\u00eb\x1b[31m\u202e", Role.SUPERVISOR),
            ("Ann", Role.SUPERVISOR),
        ]
        packed, back = archive.find(PARCEL)[::-1]
        assert archive.disclosures_of(packed.id) == [found[4], found[6]]
        assert archive.disclosures_of(back.id) == [found[4]]
        assert archive.disclosures(PARCEL) == [found[6], found[4]]
        for number in REBOUND:
            assert archive.disclosures(number) == [found[5]]
        assert archive.disclosures(since=found[5].at) == [found[6], found[5]]
        assert archive.disclosures(sha256=found[4].digest) == [found[4]]
        assert {each.recipient + each.reason + each.profile for each in found} == {""}


def test_the_same_is_read_from_one_that_nobody_may_touch(fourth: Path) -> None:
    before = (fourth / "archive.db").read_bytes()
    with Archive.open(fourth, read_only=True) as archive:
        untouched = told(archive)
        packed = archive.find(PARCEL)[-1]
        asked = (
            archive.disclosures_of(packed.id),
            archive.disclosures(PARCEL),
            archive.disclosures(REBOUND[0], since=untouched[5].at),
            archive.disclosures(sha256=untouched[5].digest),
        )
        with pytest.raises(Refused, match="knows no disclosure"):
            archive.disclosures(before="nothing")
    assert (fourth / "archive.db").read_bytes() == before
    with Archive.open(fourth) as archive:
        assert told(archive) == untouched
        assert asked == (
            archive.disclosures_of(packed.id),
            archive.disclosures(PARCEL),
            archive.disclosures(REBOUND[0], since=untouched[5].at),
            archive.disclosures(sha256=untouched[5].digest),
        )
        with pytest.raises(Refused, match="knows no disclosure"):
            archive.disclosures(before="nothing")


def test_a_lost_database_comes_back_with_the_same_disclosures(fourth: Path) -> None:
    with Archive.open(fourth, clock=lambda: AFTER) as archive:
        archive.recover()
        new = disclose(archive, [each.id for each in archive.find(PARCEL)])
        archive.checkpoint().result()
        before = told(archive)
        assert before[-1] == new
    (fourth / "archive.db").unlink()
    found = rebuild(fourth, AFTER)
    assert (found.disclosures, found.doubtful) == (len(EXPORTS) + 1, ())
    with Archive.open(fourth) as archive:
        assert told(archive) == before
    assert verify(fourth) == []


def test_a_migration_that_fails_leaves_the_old_archive(
    fourth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        broken = tables_disclosed.DISCLOSURE_GUARDS + "CREATE TRIGGER nonsense;"
        patched.setattr(schema, "DISCLOSURE_GUARDS", broken)
        with pytest.raises(StorageFailed, match="opening"):
            Archive.open(fourth)
    assert rows(fourth, "PRAGMA user_version") == [(4,)]
    assert rows(fourth, "SELECT count(*) FROM sqlite_master WHERE name = 'disclosures'") == [(0,)]
    assert verify(fourth) == []
    Archive.open(fourth).close()
    assert verify(fourth) == []
    assert json.loads(str(rows(fourth, LEDGER)[-1][2]))["event"] == "opened"
