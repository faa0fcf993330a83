"""Deletion by policy: only what is sealed and whole goes, and all that was written of it stays."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from storage import files
from storage.archive import Archive
from storage.errors import ArchiveError, NotAllowed, NotDeleted
from storage.evidence.verify import verify
from storage.later import Actor, Change, Role
from storage.records import Session
from storage.retention import Doomed, Policy, Rule, Why
from tests.storage.desk import NOON, NUMBER, Desk
from tests.storage.later_clock import SetClock

USER = Actor("ops", Role.SUPERVISOR, verified=False)
POLICY = Policy(days=180, floor_days=90)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON + dt.timedelta(days=200))


@pytest.fixture
def archive(root: Path, clock: SetClock) -> Iterator[Archive]:
    with Archive.open(root, clock=clock) as opened:
        yield opened


@pytest.fixture
def session(archive: Archive) -> Session:
    """A parcel that is 200 days old."""
    return Desk(archive).pack()


def folder_of(archive: Archive, session: Session) -> Path:
    return archive.root / files.session_folder(session.id, session.opened_at)


def doomed(archive: Archive) -> Doomed:
    """The one session that may go."""
    (only,) = archive.retention_plan(POLICY, 1 << 50).deletes
    return only


def test_the_files_go_and_all_that_was_written_down_stays(
    archive: Archive, session: Session, root: Path
) -> None:
    folder = folder_of(archive, session)
    manifest = (folder / "session.json").read_bytes()
    plan = archive.retention_plan(POLICY, 1 << 50)
    went = archive.delete(USER, plan.deletes[0], POLICY).result()
    assert sorted(path.name for path in folder.iterdir()) == ["session.json", "session.sig"]
    assert (folder / "session.json").read_bytes() == manifest
    assert archive.find(NUMBER) == [session]
    assert went.freed_bytes == plan.frees_bytes and went.left == ()
    said = archive.amendments_of(session.id)
    assert said == [went.amendment]
    assert (said[0].change, said[0].by, said[0].text) == (
        Change.DELETED, "ops", "default: over its time",
    )  # fmt: skip
    told = json.loads(archive.ledger_of(session.id)[-1][1].body)
    assert (told["event"], told["change"], told["amendment"]) == ("amended", "deleted", said[0].id)
    (gone,) = archive.gone()
    assert (gone.session, gone.number, gone.by) == (session.id, NUMBER, "ops")
    assert gone.bytes == went.freed_bytes
    assert archive.gone(since=gone.deleted_at + dt.timedelta(seconds=1)) == []
    assert archive.retention_plan(POLICY, 1 << 50).deletes == ()
    archive.close()
    assert verify(root) == []


def test_the_archive_deletes_by_itself_in_the_policys_name(
    archive: Archive, session: Session
) -> None:
    archive.admit(USER, "Sue", Role.SUPERVISOR, "2468").result()
    went = archive.delete(None, doomed(archive), POLICY).result()
    assert (went.amendment.by, went.amendment.subject) == ("policy", session.id)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def edit(archive: Archive, sql: str) -> None:
    """What somebody with the database in their hands may do, who covers their tracks."""
    db = sqlite3.connect(archive.root / "archive.db")
    guards = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    dropped = db.execute(guards).fetchall()
    for name, _ in dropped:
        db.execute(f"DROP TRIGGER {name}")
    db.execute(sql)
    for _, guard in dropped:
        db.execute(guard)
    db.commit()
    db.close()


DAMAGE: dict[str, Callable[[Archive, Path], None]] = {
    "a changed video": lambda archive, folder: flip(folder / "overhead-01.mp4"),
    "a changed photo": lambda archive, folder: flip(folder / "item-01.jpg"),
    "a missing photo": lambda archive, folder: (folder / "item-01.jpg").unlink(),
    "a file too many": lambda archive, folder: (folder / "x.jpg").touch(),
    "a changed manifest": lambda archive, folder: flip(folder / "session.json"),
    "a changed signature": lambda archive, folder: flip(folder / "session.sig"),
    "no signature": lambda archive, folder: (folder / "session.sig").unlink(),
    "a changed row": lambda archive, folder: edit(archive, "UPDATE sessions SET packer = 'Eve'"),
    "a changed media row": lambda archive, folder: edit(
        archive, "UPDATE clips SET path = 'archive.db'"
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_not_as_it_was_sealed_is_never_deleted(
    archive: Archive, session: Session, damage: str
) -> None:
    folder, chosen = folder_of(archive, session), doomed(archive)
    DAMAGE[damage](archive, folder)
    left = sorted(folder.iterdir())
    with pytest.raises(NotDeleted, match=session.id):
        archive.delete(USER, chosen, POLICY).result()
    assert sorted(folder.iterdir()) == left
    assert archive.amendments_of(session.id) == []


def test_what_changed_since_the_plan_is_asked_again(archive: Archive, session: Session) -> None:
    chosen = doomed(archive)
    hold = archive.hold(USER, session.id, "claim").result()
    with pytest.raises(NotDeleted, match="held"):
        archive.delete(USER, chosen, POLICY).result()
    archive.undo(USER, hold.id, "paid").result()
    longer = Policy(days=180, rules=(Rule("all", 365),))
    with pytest.raises(NotDeleted, match="kept longer"):
        archive.delete(USER, chosen, longer).result()
    with pytest.raises(NotDeleted, match="floor"):
        archive.delete(USER, replace(chosen, why=Why.DISK), Policy(floor_days=201)).result()
    archive.delete(USER, chosen, POLICY).result()
    with pytest.raises(NotDeleted):
        archive.delete(USER, chosen, POLICY).result()
    with pytest.raises(ArchiveError, match="nothing is left to hold"):
        archive.hold(USER, session.id, "too late").result()


def test_an_open_session_never_goes(archive: Archive) -> None:
    session, folder = Desk(archive).open()
    (folder / "overhead-01.mp4").write_bytes(b"video")
    made_up = Doomed(session, NUMBER, "packing", 0, 0, 5, "default", Why.TIME)
    with pytest.raises(NotDeleted):
        archive.delete(USER, made_up, POLICY).result()
    assert (folder / "overhead-01.mp4").exists()


def test_only_who_may_delete_deletes(archive: Archive, session: Session) -> None:
    archive.admit(USER, "Sue", Role.SUPERVISOR, "2468").result()
    sue = archive.sign_in("Sue", "2468")
    archive.admit(sue, "Kim", Role.CLAIMS, "2468").result()
    for who in (USER, archive.sign_in("Kim", "2468")):
        with pytest.raises(NotAllowed):
            archive.delete(who, doomed(archive), POLICY).result()
    assert len(list(folder_of(archive, session).iterdir())) == 5
    archive.delete(sue, doomed(archive), POLICY).result()


def test_a_hold_at_the_same_moment_comes_first_or_too_late(root: Path, clock: SetClock) -> None:
    with (
        Archive.open(root, clock=clock) as bench,
        Archive.open(root, clock=clock) as office,
        ThreadPoolExecutor(2) as pool,
    ):
        for number in range(8):
            session = Desk(bench, NOON + dt.timedelta(hours=number)).pack(f"PW{number:010}")
            chosen = doomed(bench)
            deletion = pool.submit(lambda each: bench.delete(USER, each, POLICY).result(), chosen)
            hold = pool.submit(lambda each: office.hold(USER, each, "x").result(), session.id)
            failures = [each.exception() for each in (deletion, hold)]
            there = (folder_of(bench, session) / "overhead-01.mp4").exists()
            assert [failures[0] is None, failures[1] is None] in ([True, False], [False, True])
            assert there is (failures[1] is None)


def test_repair_finishes_a_deletion_that_was_cut_short(
    archive: Archive, session: Session, root: Path, tmp_path: Path, clock: SetClock
) -> None:
    folder = folder_of(archive, session)
    shutil.copytree(folder, tmp_path / "copy")
    archive.delete(USER, doomed(archive), POLICY).result()
    archive.close()
    for path in (tmp_path / "copy").glob("*.*"):
        if not (folder / path.name).exists():
            shutil.copy(path, folder)  # as if the power had failed before the first unlink
    assert verify(root) != []
    with Archive.open(root, clock=clock) as again:
        again.recover()
    assert sorted(path.name for path in folder.iterdir()) == ["session.json", "session.sig"]
    assert verify(root) == []


@pytest.mark.parametrize("forged", ["session.json", "session.sig", "../../../../../../archive.db"])
def test_a_forged_row_has_repair_delete_nothing_else(
    archive: Archive, session: Session, root: Path, clock: SetClock, forged: str
) -> None:
    archive.delete(USER, doomed(archive), POLICY).result()
    archive.close()
    folder = folder_of(archive, session)
    relative = folder.relative_to(root).as_posix()
    edit(archive, f"UPDATE shots SET path = '{relative}/{forged}'")  # noqa: S608
    with Archive.open(root, clock=clock) as again:
        again.recover()
        assert again.find(NUMBER)
    assert sorted(path.name for path in folder.iterdir()) == ["session.json", "session.sig"]


def test_a_deletion_that_came_back_from_a_backup_is_finished_too(
    archive: Archive, session: Session, root: Path, tmp_path: Path, clock: SetClock
) -> None:
    db = sqlite3.connect(root / "archive.db")
    db.execute("VACUUM INTO ?", [str(tmp_path / "before.db")])
    db.close()
    folder = folder_of(archive, session)
    shutil.copytree(folder, tmp_path / "copy")
    archive.delete(USER, doomed(archive), POLICY).result()
    clock.pass_(days=30)
    archive.recover()  # which moves on what is looked at
    archive.close()
    shutil.copy(tmp_path / "before.db", root / "archive.db")
    shutil.copytree(tmp_path / "copy", folder, dirs_exist_ok=True)
    with Archive.open(root, clock=clock) as again:
        again.recover()
        assert [each.change for each in again.amendments_of(session.id)] == [Change.DELETED]
    assert sorted(path.name for path in folder.iterdir()) == ["session.json", "session.sig"]
