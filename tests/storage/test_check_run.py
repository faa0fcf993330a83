"""A check of the whole archive can be stopped, goes on where it was, and tells how it ended."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import check_run, files, schema
from storage.archive import Archive
from storage.check_run import UNFINISHED, Checked, check, last
from storage.errors import ArchiveMissing
from tests.storage.desk import NOON, Desk

LATER = NOON + dt.timedelta(hours=1)
PARCELS = 8


@pytest.fixture
def packed(root: Path) -> list[str]:
    """The ids of eight sealed sessions, oldest first, in a closed archive."""
    with Archive.open(root) as archive:
        desk = Desk(archive)
        return [desk.pack(f"1Z999AA1012345678{n}").id for n in range(PARCELS)]


@pytest.fixture
def always_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place is kept after everything that was looked at."""
    monkeypatch.setattr(check_run, "SAVE_S", 0.0)


def clock() -> dt.datetime:
    return LATER


def spoil(root: Path, session: str) -> None:
    """Change one bit of a session's label photo."""
    (path,) = root.glob(f"media/*/*/*/{session}/label-*.jpg")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def stopped_after(root: Path, seen: int) -> None:
    """A check that is stopped by its user when so many sessions were looked at."""

    class Stop(Exception):
        pass

    done: set[int] = set()

    def progress(bytes_done: int, everything: int) -> None:
        done.add(bytes_done)
        state = unfinished(root)
        if state is not None and state["looked_at"] >= seen:
            raise Stop

    with pytest.raises(Stop):
        check(root, clock, progress=progress)


def unfinished(root: Path) -> dict[str, Any] | None:
    db = sqlite3.connect(root / "archive.db")
    try:
        row = db.execute("SELECT value FROM meta WHERE key = ?", [UNFINISHED]).fetchone()
    finally:
        db.close()
    return None if row is None else json.loads(row[0])


def names(found: Checked) -> list[str]:
    return [Path(problem.path).parent.name for problem in found.problems]


def test_a_whole_archive_is_ok_and_the_ledger_says_so(root: Path, packed: list[str]) -> None:
    found = check(root, clock)
    assert (found.problems, found.looked_at) == ([], PARCELS)
    assert found.bytes == sum(
        path.stat().st_size
        for path in root.glob("media/*/*/*/*/*")
        if path.suffix in (".jpg", ".mp4")
    )
    assert last(root) == {
        "at": "2026-11-22T13:00:00.000Z",
        "problems": 0,
        "looked_at": PARCELS,
        "bytes": found.bytes,
    }
    db = sqlite3.connect(root / "archive.db")
    (body,) = db.execute("SELECT body FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    db.close()
    assert json.loads(body)["event"] == "checked"
    assert check(root, clock).problems == []


def test_a_stopped_check_goes_on_where_it_was_and_keeps_what_it_found(
    root: Path, packed: list[str], always_saving: None
) -> None:
    spoil(root, packed[0])
    spoil(root, packed[-1])
    stopped_after(root, 4)
    state = unfinished(root)
    assert state is not None
    assert state["after"] == packed[3]
    found = check(root, clock)
    assert found.resumed_at == LATER
    assert names(found) == [packed[0], packed[-1]]
    assert found.looked_at == PARCELS
    assert found.bytes < sum(path.stat().st_size for path in root.glob("media/*/*/*/*/*.mp4"))
    assert unfinished(root) is None


def test_what_was_looked_at_before_the_stop_is_not_looked_at_again(
    root: Path, packed: list[str], always_saving: None
) -> None:
    stopped_after(root, 4)
    spoil(root, packed[0])
    assert check(root, clock).problems == []
    assert names(check(root, clock)) == [packed[0]]


@pytest.mark.parametrize("later", [dt.timedelta(days=8), dt.timedelta(days=-1)])
def test_a_stopped_check_of_another_week_begins_anew(
    root: Path, packed: list[str], always_saving: None, later: dt.timedelta
) -> None:
    stopped_after(root, 4)
    spoil(root, packed[0])
    assert names(check(root, lambda: LATER + later)) == [packed[0]]


def test_again_begins_anew(root: Path, packed: list[str], always_saving: None) -> None:
    stopped_after(root, 4)
    spoil(root, packed[0])
    assert names(check(root, clock, again=True)) == [packed[0]]


@pytest.mark.parametrize(
    "forged",
    ["", "{}", '{"begun_at": 1}', "[1]", '{"begun_at": "2026-11-22T13:00:00.000Z", "table": "x", '
     '"after": "", "looked_at": 1, "problems": []}'],
)  # fmt: skip
def test_a_forged_place_is_not_believed(root: Path, packed: list[str], forged: str) -> None:
    db = sqlite3.connect(root / "archive.db")
    db.execute("INSERT INTO meta VALUES (?, ?)", [UNFINISHED, forged])
    db.commit()
    db.close()
    found = check(root, clock)
    assert (found.problems, found.looked_at, found.resumed_at) == ([], PARCELS, None)


def test_a_place_that_the_bench_did_not_sign_hides_nothing(
    root: Path, packed: list[str], always_saving: None
) -> None:
    stopped_after(root, 2)
    state = unfinished(root)
    assert state is not None
    db = sqlite3.connect(root / "archive.db")
    forged = json.dumps({**state, "after": packed[-1]})
    db.execute("UPDATE meta SET value = ? WHERE key = ?", [forged, UNFINISHED])
    db.commit()
    db.close()
    spoil(root, packed[4])
    found = check(root, clock)
    assert (names(found), found.resumed_at) == ([packed[4]], None)


def test_what_was_cut_off_the_ledger_can_still_be_put_back(root: Path, packed: list[str]) -> None:
    with Archive.open(root) as archive:
        head = archive.checkpoint().result().head
    edited = sqlite3.connect(root / "archive.db")
    sql = "SELECT sql FROM sqlite_master WHERE name = 'ledger_delete'"
    (guard,) = edited.execute(sql).fetchone()
    edited.execute("DROP TRIGGER ledger_delete")
    edited.execute("DELETE FROM ledger WHERE seq > ?", [head.seq - 2])
    edited.execute("DELETE FROM checkpoints")  # as in a database put back from a backup
    edited.execute(guard)
    edited.commit()
    edited.close()
    assert any("cut short" in problem.what for problem in check(root, clock).problems)
    assert any("cut short" in problem.what for problem in check(root, clock).problems)
    with Archive.open(root) as archive:
        assert archive.head() == head
    assert check(root, clock).problems == []


def test_more_than_can_be_kept_is_looked_for_again(
    root: Path, packed: list[str], always_saving: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_run, "PROBLEMS_KEPT", 1)
    for session in packed[:3]:
        spoil(root, session)
    stop = iter(range(100))

    def progress(bytes_done: int, everything: int) -> None:
        if next(stop) == 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(root, clock, progress=progress)
    state = unfinished(root)
    assert state is not None
    assert state["after"] == packed[0]
    assert names(check(root, clock)) == packed[:3]


@pytest.fixture
def read_only(root: Path, packed: list[str]) -> Iterator[Path]:
    """The archive in folders that refuse writing."""
    if os.geteuid() == 0:
        pytest.skip("root writes where nobody may")
    root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield root
    root.chmod(stat.S_IRWXU)


def test_an_archive_that_cannot_be_written_is_checked_all_the_same(
    read_only: Path, packed: list[str]
) -> None:
    assert check(read_only, clock).problems == []


def test_an_older_archive_is_checked_and_left_as_it_is(root: Path, packed: list[str]) -> None:
    db = sqlite3.connect(root / "archive.db")
    db.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    db.commit()
    db.close()
    assert [problem.path for problem in check(root, clock).problems]
    assert last(root) is None


def test_without_an_archive_it_says_so(root: Path) -> None:
    with pytest.raises(ArchiveMissing):
        check(root, clock)


def test_renamed_and_swapped_files_are_called_so(root: Path, packed: list[str]) -> None:
    (folder,) = root.glob(f"media/*/*/*/{packed[2]}")
    (label,) = folder.glob("label-*.jpg")
    label.rename(folder / "other.jpg")
    (other,) = root.glob(f"media/*/*/*/{packed[3]}")
    one, two = sorted(path for path in other.iterdir() if path.suffix in (".jpg", ".mp4"))[:2]
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    told = {root / problem.path: problem.what for problem in check(root, clock).problems}
    assert told[label] == "was renamed: it is called other.jpg now"
    assert told[one] == f"was swapped with {two.name}"
    assert told[two] == f"was swapped with {one.name}"
    assert len(told) == 3


def test_a_signature_that_is_gone_or_another_is_named(root: Path, packed: list[str]) -> None:
    paths = [next(root.glob(f"media/*/*/*/{packed[n]}/{files.SIGNATURE}")) for n in (0, 1, 2)]
    paths[0].unlink()
    paths[1].write_bytes(paths[2].read_bytes())
    told = {Path(p.path).parent.name: p.what for p in check(root, clock).problems}
    assert told[packed[0]] == "is missing"
    assert told[packed[1]].startswith("is not the signature of session.json by key")
    assert len(told) == 2
