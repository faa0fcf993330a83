"""Any changed, missing or added byte under a sealed session is found, and named."""

# ruff: noqa: S608 (the statements are made here, to do harm)
from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.evidence.verify import verify
from storage.keys import signer_of
from storage.records import Session, Status
from tests.storage.desk import Desk


@pytest.fixture
def packed(desk: Desk, root: Path) -> Session:
    """One sealed parcel in a closed archive."""
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.shot(session, folder, "label", 1)
    desk.gap(session)
    desk.note(session)
    sealed = desk.seal(session)
    desk.archive.close()
    assert verify(root) == []
    return sealed


def flip(path: Path, at: int | None = None) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 0x01
    path.write_bytes(content)


def other(column: str) -> str:
    """SQL for the hash in a column with its first digit changed, whatever that is."""
    return f"iif({column} LIKE 'a%', 'b', 'a') || substr({column}, 2)"


def edit(root: Path, *statements: str) -> None:
    """Change rows as somebody would who knows how: without the guards, which are put back."""
    db = sqlite3.connect(root / "archive.db")
    try:
        with db:
            guards = db.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'")
            kept = guards.fetchall()
            for name, _ in kept:
                db.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                db.execute(statement)
            for _, sql in kept:
                db.execute(sql)
    finally:
        db.close()


@pytest.mark.parametrize("name", ["overhead-01.mp4", "label-01.jpg", "session.json"])
@pytest.mark.parametrize("how", ["first", "middle", "last", "longer", "missing", "link"])
def test_a_touched_file_is_named(packed: Session, root: Path, name: str, how: str) -> None:
    path = (root / packed.clips[0].path).with_name(name)
    if how == "longer":
        path.write_bytes(path.read_bytes() + b"\n")
    elif how == "missing":
        path.unlink()
    elif how == "link":
        path.symlink_to(path.rename(root / "elsewhere"))
    else:
        flip(path, {"first": 0, "middle": None, "last": -1}[how])
    for given in (root, path.parent):
        problems = verify(given)
        assert [problem.path for problem in problems] == [f"media/2026/11/22/{packed.id}/{name}"], (
            problems
        )
        word = {"longer": ("bytes", "changed"), "missing": ("missing",), "link": ("missing",)}
        assert any(each in problems[0].what for each in word.get(how, ("changed",)))


def test_added_swapped_and_renamed_files_are_named(packed: Session, root: Path) -> None:
    folder = (root / packed.clips[0].path).parent
    (folder / "extra.jpg").write_bytes(b"x")
    (root / "media/2026/stray.mp4").write_bytes(b"x")
    stray = root / "media/2026/11/22/01M81J19F8PXFR07JWW2X3HRAF"
    stray.mkdir()
    assert {problem.path for problem in verify(root)} == {
        f"media/2026/11/22/{packed.id}/extra.jpg",
        "media/2026/stray.mp4",
    }
    (folder / "extra.jpg").unlink()
    (root / "media/2026/stray.mp4").unlink()
    (folder / "label-01.jpg").rename(folder / "label-02.jpg")
    whats = {problem.path.rsplit("/")[-1]: problem.what for problem in verify(root)}
    assert whats == {"label-01.jpg": "was renamed: it is called label-02.jpg now"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sessions SET packer = 'Eve'",
        "UPDATE sessions SET tracking_number = '1Z999AA10123456785'",
        "UPDATE sessions SET number_reversed = 'X'",
        "UPDATE sessions SET raw_scan = 'other'",
        "UPDATE sessions SET raw_hex = '6f74686572'",
        "UPDATE sessions SET raw_scan = 'other', raw_hex = '6f74686572'",
        "UPDATE sessions SET raw_hex = NULL, raw_scan = 'other'",
        "UPDATE sessions SET raw_hex = 'ff'",
        "UPDATE sessions SET check_digit = 'failed'",
        "UPDATE sessions SET check_digit = NULL",
        "UPDATE shots SET label_read = 'X'",
        "UPDATE sessions SET required = '[]'",
        "UPDATE sessions SET status = 'cancelled'",
        "UPDATE sessions SET opened_at = '2026-11-22T12:00:00.999Z'",
        "UPDATE sessions SET opened_at = 'yesterday'",
        "UPDATE sessions SET folder = '../../../etc'",
        f"UPDATE sessions SET manifest_sha256 = {other('manifest_sha256')}",
        "UPDATE sessions SET status = 'open', sealed_at = NULL, end_reason = NULL, "
        "manifest_sha256 = NULL",
        "UPDATE clips SET frames = frames + 1",
        "UPDATE clips SET path = '../../../../../etc/passwd'",
        "UPDATE clips SET path = replace(path, 'overhead', 'label')",
        f"UPDATE clips SET sha256 = {other('sha256')}",
        "UPDATE shots SET label_check = 'mismatch'",
        "UPDATE shots SET label_check = NULL",
        "DELETE FROM shots",
        "DELETE FROM gaps",
        "UPDATE gaps SET cause = ''",
        "DELETE FROM notes",
        "INSERT INTO notes SELECT id, 9, opened_at, 'x', 'x' FROM sessions",
        "UPDATE ledger SET body = replace(body, 'Ann', 'Eve') WHERE seq = 3",
        f"UPDATE ledger SET hash = {other('hash')} WHERE seq = 1",
        "UPDATE ledger SET session_id = NULL WHERE seq = 3",
        "UPDATE ledger SET session_id = (SELECT id FROM sessions) WHERE seq = 1",
        "UPDATE ledger SET seq = 30 WHERE seq = 4",
        "DELETE FROM ledger WHERE seq = 1",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 3",
        "DELETE FROM ledger WHERE seq = 4",
    ],
)
def test_an_edited_row_is_found(packed: Session, root: Path, statement: str) -> None:
    edit(root, statement)
    problems = verify(root)
    assert problems
    assert {problem.path for problem in problems} & {"archive.db"} or "label" in statement


def test_a_removed_session_is_missed_by_the_ledger(packed: Session, root: Path) -> None:
    edit(
        root,
        *(f"DELETE FROM {table}" for table in ("clips", "shots", "gaps", "notes", "sessions")),
    )
    shutil.rmtree((root / packed.clips[0].path).parent)
    assert any(packed.id in problem.what for problem in verify(root))


def test_a_manifest_and_row_changed_together_are_found_by_the_ledger(
    packed: Session, root: Path
) -> None:
    path = (root / packed.clips[0].path).with_name("session.json")
    data = json.loads(path.read_bytes())
    data["packer"] = "Eve"
    path.write_text(json.dumps(data, indent=1) + "\n")
    path.with_name("session.sig").write_bytes(signer_of(root).sign(path.read_bytes()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(root, f"UPDATE sessions SET packer = 'Eve', manifest_sha256 = '{digest}'")
    whats = [problem.what for problem in verify(root)]
    assert any("different manifests" in what for what in whats)
    assert any("catalogue" in what for what in whats)
    assert len(whats) == 2


def test_flipped_bytes_in_the_database_never_raise_nor_change_evidence_unseen(
    packed: Session, root: Path
) -> None:
    database = root / "archive.db"
    whole = database.read_bytes()
    rng = random.Random(3)
    for _ in range(60):
        flip(database, rng.randrange(len(whole)))
        if verify(root) == []:
            # Whatever the byte was for, it was not for what the archive says of the session.
            with Archive.open(root, read_only=True) as archive:
                assert archive.get(packed.id) == packed
        database.write_bytes(whole)


def test_an_open_session_is_no_problem(desk: Desk, root: Path) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    (folder / "side-01.mp4").write_bytes(b"growing")
    assert verify(root) == []
    found = desk.archive.get(session)
    assert found is not None
    assert found.status is Status.OPEN


def test_a_row_that_leads_out_of_an_open_session_is_found(desk: Desk, root: Path) -> None:
    packed = desk.pack()
    session, folder = desk.open(pass_no=2)
    desk.clip(session, folder)
    desk.archive.close()
    edit(root, f"UPDATE clips SET path = '{packed.clips[0].path}' WHERE session_id = '{session}'")
    assert [problem.path for problem in verify(root)] == ["archive.db"]


def test_the_ledger_can_be_checked_with_nothing_but_sqlite_and_a_hash(
    packed: Session, root: Path
) -> None:
    db = sqlite3.connect(root / "archive.db")
    rows = db.execute("SELECT body, hash FROM ledger ORDER BY seq").fetchall()
    (manifest_sha256,) = db.execute("SELECT manifest_sha256 FROM sessions").fetchone()
    db.close()
    previous = "0" * 64
    for body, digest in rows:
        assert hashlib.sha256(previous.encode() + body.encode()).hexdigest() == digest
        previous = digest
    events = [json.loads(body)["event"] for body, _ in rows]
    assert events == ["created", "key_changed", "opened", "sealed"]
    manifest = (root / packed.clips[0].path).with_name("session.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == manifest_sha256
    assert json.loads(rows[-1][0])["manifest_sha256"] == manifest_sha256


def test_a_session_folder_alone_verifies_and_tells(
    packed: Session, root: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    shutil.copytree((root / packed.clips[0].path).parent, alone)
    assert verify(alone) == []
    flip(alone / "label-01.jpg")
    (alone / "extra").touch()
    assert [problem.path for problem in verify(alone)] == ["label-01.jpg", "extra"]
    (alone / "session.json").write_bytes(b"[" * 100_000)
    assert [problem.path for problem in verify(alone)] == ["session.json"]


def test_what_is_no_evidence_is_a_problem_not_an_exception(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 not really")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    for name in ("a.zip", "empty", "folder", "nowhere"):
        assert len(verify(tmp_path / name)) == 1, name


def test_progress_ends_with_everything(packed: Session, root: Path) -> None:
    told: list[tuple[int, int]] = []
    verify(root, lambda done, total: told.append((done, total)))
    size_bytes = packed.clips[0].size_bytes + packed.shots[0].size_bytes
    assert told[-1] == (size_bytes, size_bytes)
    assert told == sorted(told)


@pytest.mark.skipif(os.name == "nt", reason="no path is that long there")
def test_folders_without_end_are_told_and_do_not_raise(tmp_path: Path) -> None:
    (tmp_path / "bagit.txt").touch()
    folders = [tmp_path]
    for _ in range(1_100):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    problems = verify(tmp_path)
    for folder in reversed(folders[1:]):  # deeper than pytest can remove
        folder.rmdir()
    assert problems
