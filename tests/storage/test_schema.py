"""The tables refuse what must not happen, whoever asks, and only a database that fits is opened."""

# ruff: noqa: S608 (the statements are made here, to do harm)
from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from ulid import ULID

from storage import catalogue, reads, schema
from storage.archive import Archive
from storage.errors import ArchiveCorrupt, ArchiveTooNew
from storage.evidence.verify import verify
from storage.transaction import immediate
from tests.storage.desk import NUMBER, Desk


def change(root: Path, *statements: str) -> None:
    """Do something to the database as any other program would: without our settings."""
    other = sqlite3.connect(root / "archive.db")
    try:
        with other:
            for statement in statements:
                other.execute(statement)
    finally:
        other.close()


def new_row(session: str, number: str = "X") -> str:
    return (
        f"VALUES ('{session}', '{number}', 'X', '', NULL, 'packing', 1, '', '', '', '', '[]', "
        "'open', NULL, NULL, '', NULL, '', NULL)"
    )


def test_a_closed_session_its_media_and_the_ledger_refuse_every_change(
    desk: Desk, root: Path
) -> None:
    packed = desk.pack()
    session, folder = desk.open(number="OPEN1")
    desk.clip(session, folder)
    media = "'codec', 1, 1, 't', 1, 1, 1, 1, 1, '" + "0" * 64 + "', 0, 0"
    checked = desk.check()[0].id
    seen = "'', '', '', 'c', 1, 1, 1, 1, 1, 1, NULL, 'good', '', '', 0, ''"
    for statement in (
        f"UPDATE sessions SET packer = 'Eve' WHERE id = '{packed.id}'",
        f"UPDATE sessions SET status = 'open' WHERE id = '{packed.id}'",
        f"DELETE FROM sessions WHERE id = '{packed.id}'",
        f"DELETE FROM sessions WHERE id = '{session}'",
        f"INSERT OR REPLACE INTO sessions {new_row(packed.id)}",
        f"INSERT OR REPLACE INTO sessions {new_row(str(ULID()), NUMBER)}",
        f"UPDATE OR REPLACE sessions SET id = '{packed.id}' WHERE id = '{session}'",
        f"UPDATE OR REPLACE sessions SET tracking_number = '{NUMBER}' WHERE id = '{session}'",
        f"INSERT INTO sessions {new_row(str(ULID())).replace('open', 'sealed')}",
        f"UPDATE clips SET sha256 = '{'0' * 64}' WHERE session_id = '{packed.id}'",
        f"DELETE FROM clips WHERE session_id = '{packed.id}'",
        f"INSERT OR REPLACE INTO clips VALUES ('{packed.id}', 1, 'c', 1, 'p', {media})",
        f"INSERT INTO clips VALUES ('{packed.id}', 9, 'c', 1, 'p', {media})",
        f"INSERT INTO clips VALUES ('{ULID()}', 9, 'c', 1, 'p', {media})",
        f"UPDATE OR REPLACE clips SET session_id = '{packed.id}' WHERE session_id = '{session}'",
        f"UPDATE shots SET label_check = 'match' WHERE session_id = '{packed.id}'",
        f"DELETE FROM shots WHERE session_id = '{packed.id}'",
        f"INSERT INTO notes VALUES ('{packed.id}', 9, '', '', '')",
        f"INSERT INTO gaps VALUES ('{packed.id}', 9, '', '', NULL, '')",
        "UPDATE checks SET folder = 'x'",
        "DELETE FROM checks",
        f"INSERT OR REPLACE INTO checks VALUES ('{checked}', '', '{'0' * 64}')",
        f"UPDATE OR REPLACE checks SET id = '{checked}'",
        "UPDATE camera_checks SET verdict = 'good'",
        "DELETE FROM camera_checks",
        f"INSERT INTO camera_checks VALUES ('{checked}', 9, {seen})",
        f"INSERT OR REPLACE INTO camera_checks VALUES ('{checked}', 1, {seen})",
        f"UPDATE OR REPLACE camera_checks SET check_id = '{ULID()}'",
        "UPDATE ledger SET body = '{}' WHERE seq = 1",
        "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)",
        f"INSERT OR REPLACE INTO ledger VALUES (1, NULL, '{{}}', '{'0' * 64}')",
        f"INSERT INTO ledger VALUES (99, NULL, '{{}}', '{'0' * 64}')",
        "INSERT INTO sessions (id) VALUES (3)",
        f"UPDATE sessions SET raw_hex = '' WHERE id = '{packed.id}'",
        f"UPDATE sessions SET raw_hex = 'xy' WHERE id = '{session}'",
        f"UPDATE sessions SET check_digit = 'maybe' WHERE id = '{session}'",
        f"UPDATE shots SET label_read = 'X' WHERE session_id = '{packed.id}'",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            change(root, statement)
    assert desk.archive.get(packed.id) == packed
    assert [check.verdict for check in desk.archive.checks()] == ["poor", "good"]
    desk.seal(session)
    assert verify(root) == []


def test_a_lost_guard_is_noticed_at_opening_and_by_verify(desk: Desk, root: Path) -> None:
    desk.archive.close()
    change(root, "DROP TRIGGER clips_update")
    with pytest.raises(ArchiveCorrupt, match="clips_update"):
        Archive.open(root)
    assert any("clips_update" in problem.what for problem in verify(root))
    change(root, "CREATE TRIGGER clips_update BEFORE UPDATE ON clips BEGIN SELECT 1; END")
    with pytest.raises(ArchiveCorrupt, match="clips_update"):
        Archive.open(root)


def test_a_newer_archive_is_refused_untouched(desk: Desk, root: Path) -> None:
    desk.archive.close()
    change(root, "PRAGMA user_version = 7")
    before = (root / "archive.db").read_bytes()
    for read_only in (False, True):
        with pytest.raises(ArchiveTooNew, match="version 7") as caught:
            Archive.open(root, read_only=read_only)
        assert (caught.value.version, caught.value.known) == (7, schema.SCHEMA_VERSION)
    assert (root / "archive.db").read_bytes() == before
    assert any("version 7" in problem.what for problem in verify(root))


def test_what_is_no_archive_is_refused(root: Path) -> None:
    root.mkdir()
    (root / "archive.db").write_bytes(b"this is a letter, not a database. " * 100)
    with pytest.raises(ArchiveCorrupt):
        Archive.open(root)
    (root / "archive.db").unlink()
    change(root, "CREATE TABLE theirs (x)")
    with pytest.raises(ArchiveCorrupt, match="another program"):
        Archive.open(root)


def test_an_empty_database_left_by_a_crash_is_finished(root: Path) -> None:
    root.mkdir()
    (root / "archive.db").touch()
    with Archive.open(root) as archive:
        assert archive.recent(1) == []


def test_the_writer_syncs_every_commit(desk: Desk, root: Path) -> None:
    db = schema.connect(root / "archive.db")
    try:
        settings = {
            name: db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    finally:
        db.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_every_look_up_uses_an_index_at_a_hundred_thousand_rows(desk: Desk, root: Path) -> None:
    db = schema.connect(root / "archive.db")
    try:
        with immediate(db):
            numbers = (f"{n:022d}" for n in range(100_000))
            db.conn.executemany(
                "INSERT INTO sessions VALUES (?, ?, ?, '', NULL, 'packing', 1, '', '', "
                "'2026-01-01T00:00:00.000Z', '', '[]', 'open', NULL, NULL, '', NULL, '', NULL)",
                ((f"{n:026d}", number, number[::-1]) for n, number in enumerate(numbers)),
            )
            catalogue.fill(db)
        for sql, parameters, index in (
            (reads.BY_SUFFIX, {"start": "987", "end": "987z"}, "catalogue_by_suffix"),
            (reads.BY_SUFFIX, {"start": "987", "end": "987z"}, "catalogue_by_original_suffix"),
            (reads.BY_NUMBER, {"key": "X"}, "catalogue_by_number"),
            (reads.BY_NUMBER, {"key": "X"}, "catalogue_by_original"),
            (reads.BY_ORDER, {"key": "X"}, "catalogue_by_number"),
            (reads.CHECKS, {"since": "", "limit": 9}, "camera_checks_by_time"),
            (
                reads.CHECK_BEFORE,
                {"bench": "b", "since": "", "until": "z"},
                "camera_checks_by_bench",
            ),
        ):
            plan = db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
            steps = [step[-1] for step in plan]
            assert any(index in step for step in steps), steps
            assert not any(step.startswith(("SCAN", "MATERIALIZE")) for step in steps), steps
    finally:
        db.close()
    assert [found.id for found in desk.archive.find("0054321")] == [f"{54321:026d}"]
