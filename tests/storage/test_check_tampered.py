"""Whatever somebody changes who owns the PC is found, and called what it is.

The files and rows of an archive that holds one of everything are changed as somebody would who
knows how: guards are taken off and put back, and an edited ledger is chained anew where that is
what is tried.
"""

# ruff: noqa: S608 (the statements are made here, to do harm)
from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage import check_archive, files, keys, ledger
from storage.evidence.verify import verify
from storage.records import Session
from tests.storage.checkpointing import rechain
from tests.storage.everything import fill

EVIDENCE = (files.MEDIA, files.DOCUMENTS, files.AMENDMENTS, files.CHECKPOINTS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Session]]:
    """The archive that every test takes a copy of, and its sessions."""
    base = tmp_path_factory.mktemp("everything")
    (base / "spare").mkdir()
    sessions = fill(base / "archive", base / "spare")
    assert verify(base / "archive") == []
    return base / "archive", sessions


@pytest.fixture
def root(
    whole: tuple[Path, list[Session]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setattr(check_archive, "BEING_FILED_S", 0.0)
    return Path(shutil.copytree(whole[0], tmp_path / "archive"))


@pytest.fixture
def sealed(whole: tuple[Path, list[Session]]) -> list[Session]:
    """The sessions: one whose files policy has deleted, then three that have theirs."""
    return whole[1]


def edit(root: Path, statement: str) -> None:
    """Change rows without the guards, which are put back; all of it or, with an error, nothing."""
    db = sqlite3.connect(root / "archive.db", isolation_level=None)
    try:
        db.execute("BEGIN")
        kept = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            db.execute(f"DROP TRIGGER {name}")
        changed = db.execute(statement).rowcount
        for _, sql in kept:
            db.execute(sql)
        db.execute("COMMIT")
    finally:
        db.close()
    assert changed, statement


def found(root: Path) -> list[str]:
    return [f"{problem.path}: {problem.what}" for problem in verify(root)]


def each_file(root: Path) -> Iterator[Path]:
    """Every file that is evidence or tells of some."""
    for kind in EVIDENCE:
        yield from (path for path in sorted((root / kind).rglob("*")) if path.is_file())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


# ---------------------------------------------------------------------------- files


@pytest.mark.parametrize("how", ["changed", "removed", "emptied", "longer"])
def test_each_file_is_named_when_it_is(root: Path, how: str) -> None:
    for path in list(each_file(root)):
        before = path.read_bytes()
        if how == "changed":
            flip(path)
        elif how == "removed":
            path.unlink()
        else:
            path.write_bytes(b"" if how == "emptied" else before + b"\n")
        (named,) = {problem.path for problem in verify(root)}
        where = path.relative_to(root)
        if where.parts[0] == files.CHECKPOINTS and named.endswith(".json"):
            where = where.with_suffix(".json")  # which of head and signature changed, nobody knows
        assert named == where.as_posix()
        path.write_bytes(before)
    assert verify(root) == []


@pytest.mark.parametrize("kind", EVIDENCE)
@pytest.mark.parametrize("depth", range(5))
def test_an_added_file_is_named_wherever_it_lies(root: Path, kind: str, depth: int) -> None:
    folder = root / kind
    for _ in range(depth if kind != files.CHECKPOINTS else 0):
        folder = sorted(path for path in folder.iterdir() if path.is_dir())[-1]
    (folder / "extra.jpg").write_bytes(b"x")
    assert [line.partition(":")[0] for line in found(root)] == [
        (folder / "extra.jpg").relative_to(root).as_posix()
    ]


def test_the_files_of_two_sessions_that_were_swapped_are_named(
    root: Path, sealed: list[Session]
) -> None:
    one, two = (root / session.shots[0].path for session in sealed[1:3])
    flip(two)  # the desk's photos are alike
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert [line.partition(":")[0] for line in found(root)] == [sealed[1].shots[0].path]


def test_two_folders_that_changed_places_are_named(root: Path, sealed: list[Session]) -> None:
    one, two = ((root / session.clips[0].path).parent for session in sealed[1:3])
    spare = one.with_name("spare")
    one.rename(spare)
    two.rename(one)
    spare.rename(two)
    lines = found(root)
    for folder in (one, two):
        manifest = (folder / files.MANIFEST).relative_to(root).as_posix()
        assert f"{manifest}: was changed: its SHA-256 is not the sealed one" in lines


def test_what_policy_has_deleted_must_stay_away(root: Path, sealed: list[Session]) -> None:
    clip = sealed[0].clips[0].path
    shutil.copy(root / sealed[1].clips[0].path, root / clip)
    assert found(root) == [f"{clip}: was deleted by policy, and is there"]


def test_a_manifest_that_another_key_has_signed_is_found(
    root: Path, sealed: list[Session], tmp_path: Path
) -> None:
    stranger = keys.signer_of(tmp_path / "other")
    manifest = (root / sealed[1].clips[0].path).with_name(files.MANIFEST)
    manifest.with_name(files.SIGNATURE).write_bytes(stranger.sign(manifest.read_bytes()))
    (line,) = found(root)
    assert "session.sig: is not the signature of session.json by key" in line


# ---------------------------------------------------------------------------- rows


PLACES = (
    "id", "session_id", "check_id", "disclosure_id", "seq", "folder", "subject", "status", "change",
    "number_reversed", "manifest_sha256",
)  # fmt: skip
"""What says whose row it is: with another value other things than this column do not fit."""

LAST = "substr({0}, 1, length({0}) - 1) || iif({0} LIKE '%0', '1', '0')"
ANOTHER_ID = "substr(id, 1, 11) || iif(substr(id, 12, 1) = 'Z', 'Y', 'Z') || substr(id, 13)"
CHOICES = {
    **{
        (table, "id"): ANOTHER_ID
        for table in ("sessions", "checks", "documents", "amendments", "disclosures")
    },
    ("sessions", "kind"): "iif(kind = 'return', 'packing', 'return')",
    ("sessions", "status"): "iif(status = 'sealed', 'interrupted', 'sealed')",
    ("sessions", "raw_hex"): "replace(raw_hex, '3', '4')",
    ("sessions", "check_digit"): "'failed'",
    ("sessions", "required"): """replace(required, ', ', ',')""",
    ("sessions", "opened_at"): "replace(opened_at, 'T', ' ')",
    ("sessions", "sealed_at"): "replace(sealed_at, 'T', ' ')",
    ("shots", "label_check"): "'unreadable'",
    ("clips", "copied"): "1 - copied",
    ("camera_checks", "verdict"): "iif(verdict = 'good', 'poor', 'good')",
    ("camera_checks", "path"): "replace(path, '.jpg', '.png')",
    ("amendments", "change"): "'noted'",
    ("amendments", "evidence_group"): "'media'",
    **{
        (table, "sha256"): f"iif(sha256 = '', '', {LAST.format('sha256')})"
        for table in ("clips", "shots", "camera_checks", "documents", "disclosed_files")
    },
    **{
        (table, "manifest_sha256"): LAST.format("manifest_sha256")
        for table in ("sessions", "checks", "documents", "amendments")
    },
}
"""Other values of the columns that do not take any."""


def columns() -> list[tuple[str, str]]:
    """Each column of each table that tells of evidence."""
    from storage.check_rows import OWNED, _scratch

    tables = [table for owner in OWNED for table in (owner, *OWNED[owner])]
    db = _scratch()
    return [(table, column.name) for table in tables for column in db[table].columns]


@pytest.mark.parametrize(("table", "column"), columns())
def test_an_edited_column_is_found(root: Path, table: str, column: str) -> None:
    other = (
        CHOICES.get((table, column))
        or {
            "INTEGER": f"coalesce({column}, 0) + 10",
            "REAL": f"coalesce({column}, 0) + 0.5",
            "TEXT": f"coalesce({column}, '') || 'x'",
        }[type_of(root, table, column)]
    )
    edit(root, f"UPDATE {table} SET {column} = {other}")
    lines = [line for line in found(root) if line.startswith("archive.db: ")]
    told = any(column in line or "cannot be understood" in line for line in lines)
    assert told if column not in PLACES else lines, lines


def type_of(root: Path, table: str, column: str) -> str:
    db = sqlite3.connect(root / "archive.db")
    sql = "SELECT type FROM pragma_table_info(?) WHERE name = ?"
    (kind,) = db.execute(sql, [table, column]).fetchone()
    db.close()
    return str(kind)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE clips SET frames = frames + 1 WHERE seq = 1", "clips 1 frames"),
        ("UPDATE shots SET label_check = 'match', sharpness = 1.0 WHERE seq = 2", "shots 2"),
        ("UPDATE sessions SET packer = 'Eve', bench = 'x'", "was changed: bench, packer"),
        ("UPDATE meta SET value = 'x' WHERE key = 'created_at'", "names another archive"),
        ("UPDATE clips SET started_at = replace(started_at, 'T', ' ')", "clips 1 started_at"),
        ("DELETE FROM gaps", "0 gaps where 1 were sealed"),
        ("UPDATE documents SET name = 'x'", "was changed: name"),
        ("UPDATE amendments SET by = 'Eve'", "was changed: by"),
        ("UPDATE camera_checks SET verdict = 'good'", "camera_checks 2 verdict"),
        ("UPDATE disclosures SET recipient = 'nobody'", "was changed: recipient"),
        ("UPDATE disclosed_files SET name = 'x' WHERE seq = 2", "disclosed_files 2 name"),
        ("DELETE FROM disclosed_sessions WHERE seq % 2", "disclosed_sessions where"),
        ("DELETE FROM disclosures", "is in the ledger, its row is gone"),
        (
            "INSERT INTO disclosures SELECT '01AAAAAAAAAAAAAAAAAAAAAAAA', 1, at, by, role, "
            "recipient, reason, profile, package, digest FROM disclosures LIMIT 1",
            "the ledger does not tell of it",
        ),
        (
            "INSERT INTO disclosures SELECT '01AAAAAAAAAAAAAAAAAAAAAAAA', 999, at, by, role, "
            "recipient, reason, profile, package, digest FROM disclosures LIMIT 1",
            "the ledger does not tell of it",
        ),
        ("DELETE FROM amendments WHERE change = 'held'", "is in the ledger, its row is gone"),
        ("DELETE FROM documents", "is in the ledger, its row is gone"),
        ("DELETE FROM checks", "is in the ledger, its row is gone"),
        ("UPDATE catalogue SET number = 'X', reversed = 'X'", "is not in the catalogue as it is"),
        ("DELETE FROM catalogue", "is not in the catalogue as it is"),
        ("DELETE FROM checkpoints WHERE seq = 4", "the checkpoint of entries 1 to 4 is gone"),
        ("UPDATE meta SET value = 'x' WHERE key = 'archive_id'", "names another archive"),
        ("CREATE TRIGGER x AFTER INSERT ON clips BEGIN DELETE FROM notes; END", "the trigger x"),
        ("DROP INDEX catalogue_by_number", "the table or index catalogue_by_number"),
    ],
)
def test_what_was_done_to_the_rows_is_told(root: Path, statement: str, told: str) -> None:
    edit(root, statement)
    assert any(told in line for line in found(root)), found(root)


def test_an_index_that_says_something_else_than_its_table_is_found(root: Path) -> None:
    db = sqlite3.connect(root / "archive.db")
    sql = "SELECT rootpage FROM sqlite_master WHERE name = 'catalogue_by_number'"
    (page,) = db.execute(sql).fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    content = (root / "archive.db").read_bytes()
    at = content.index(b"1Z999AA1", (page - 1) * size, page * size)
    (root / "archive.db").write_bytes(content[:at] + b"2" + content[at + 1 :])
    assert any("is damaged" in line and "catalogue_by_number" in line for line in found(root))


def test_a_column_that_is_called_otherwise_is_a_problem_not_an_exception(root: Path) -> None:
    db = sqlite3.connect(root / "archive.db")
    db.execute("ALTER TABLE sessions RENAME COLUMN manifest_sha256 TO manifest")
    db.close()
    lines = found(root)
    assert "archive.db: the table or index sessions is gone or was changed" in lines
    assert any("cannot be understood" in line for line in lines)


# ---------------------------------------------------------------------------- ledger


def removed(bodies: list[str]) -> list[str]:
    return bodies[:6] + bodies[7:]


def reordered(bodies: list[str]) -> list[str]:
    return [*bodies[:6], bodies[7], bodies[6], *bodies[8:]]


def cut(bodies: list[str]) -> list[str]:
    return bodies[:-3]


def reworded(bodies: list[str]) -> list[str]:
    return [body.replace("Ann", "Eve") for body in bodies]


@pytest.mark.parametrize("change", [removed, reordered, cut, reworded])
def test_a_ledger_that_was_changed_and_chained_anew_is_found(
    root: Path, change: Callable[[list[str]], list[str]]
) -> None:
    rechain(root, change)
    lines = found(root)
    assert any("ledger was" in line or "ledger lacks" in line for line in lines), lines


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM ledger WHERE seq = 7", "ledger entry 8: entry 7 is missing before it"),
        ("DELETE FROM ledger WHERE seq > 20", "ledger was cut short: it ends with entry 20"),
        ("UPDATE ledger SET body = replace(body, 'Ann', 'Eve') WHERE seq = 3", "ledger entry 3: "),
        (
            "UPDATE ledger SET body = (SELECT body FROM ledger AS o WHERE o.seq = 15 - ledger.seq) "
            "WHERE seq IN (7, 8)",
            "ledger entry 7: holds what was entry 8",
        ),
    ],
)
def test_what_was_done_to_the_ledger_is_told(root: Path, statement: str, told: str) -> None:
    edit(root, statement)
    assert any(told in line for line in found(root)), found(root)


def test_a_session_that_was_sealed_without_the_key_is_found(
    root: Path, sealed: list[Session]
) -> None:
    def unsigned(bodies: list[str]) -> list[str]:
        told = [json.loads(body) for body in bodies]
        for each in told:
            if each["event"] == ledger.LedgerEvent.SEALED and each["session"] == sealed[1].id:
                del each["key"]
        return [json.dumps(each, separators=(",", ":")) for each in told]

    rechain(root, unsigned)
    (root / sealed[1].clips[0].path).with_name(files.SIGNATURE).unlink()
    assert any("session.sig: is missing" in line for line in found(root))


def test_a_public_key_of_somebody_else_is_found(root: Path, tmp_path: Path) -> None:
    stranger = keys.signer_of(tmp_path / "other")
    (root / keys.KEYS / keys.PUBLIC).write_bytes(keys.pem(stranger.public))
    assert found(root) == ["keys/bench.pub: is no key that the ledger tells of"]
