"""What is said after the seal: it shows everywhere, changes nothing, lies signed on disk."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from storage import files, keys
from storage.archive import Archive
from storage.errors import ArchiveError, NotAllowed, Refused, UnknownAmendment, UnknownSession
from storage.later import Actor, Amendment, Change, Role, amendment_from_json
from storage.records import Waybill
from tests.storage.desk import NUMBER, Desk
from tests.storage.later_clock import SetClock

USER = Actor("ops", Role.SUPERVISOR, verified=False)
RIGHT = Waybill("JD014600006281230000", "", "DHL")
HOSTILE = "=1+1 \x1b[31m ../../x \ud800 " + "x" * 1_000_000


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a session's folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def events_of(archive: Archive, session: str) -> list[dict[str, object]]:
    """What the ledger tells of a session."""
    return [json.loads(entry.body) for _, entry in archive.ledger_of(session)]


def test_a_rebound_session_is_found_by_both_numbers_and_its_files_stay(desk: Desk) -> None:
    session = desk.pack()
    folder = desk.archive.root / files.session_folder(session.id, session.opened_at)
    before = bytes_of(folder)
    said = desk.archive.rebind(USER, session.id, RIGHT, "label printed late").result()
    assert [each.id for each in desk.archive.find(RIGHT.number)] == [session.id]
    assert [each.id for each in desk.archive.find(NUMBER)] == [session.id]
    assert desk.archive.get(session.id) == session
    assert desk.archive.number_of(session.id) == RIGHT.number
    assert bytes_of(folder) == before
    assert desk.archive.amendments_of(session.id) == [said]
    assert (said.number, said.carrier, said.by) == (RIGHT.number, "DHL", "ops")
    told = events_of(desk.archive, session.id)[-1]
    assert (told["event"], told["change"], told["amendment"]) == ("amended", "rebound", said.id)


def test_the_newest_binding_counts_even_when_the_clock_went_back(root: Path) -> None:
    clock = SetClock()
    with Archive.open(root, clock=clock) as archive:
        session = Desk(archive).pack().id
        for number in ("AAAA11111111", "BBBB22222222", "CCCC33333333", NUMBER, "DDDD44444444"):
            archive.rebind(USER, session, Waybill(number, "", None), "mis-scan").result()
            assert archive.number_of(session) == number
            assert [each.id for each in archive.find(number)] == [session]
            clock.pass_(days=-1)


def test_each_amendment_lies_signed_on_the_disk(desk: Desk) -> None:
    session = desk.pack().id
    said = desk.archive.hold(USER, session, HOSTILE).result()
    folder = desk.archive.root / files.dated_folder(files.AMENDMENTS, said.id, said.at)
    assert sorted(path.name for path in folder.iterdir()) == ["amendment.json", "amendment.sig"]
    content = (folder / "amendment.json").read_bytes()
    assert amendment_from_json(json.loads(content)) == said
    public = keys.signer_of(desk.archive.root).public
    assert keys.holds(public, content, (folder / "amendment.sig").read_bytes())
    assert len(said.text) <= 2_000 and content.isascii()
    assert desk.archive.amendments_of(session) == [said]


def test_holds_count_until_each_is_undone(desk: Desk) -> None:
    session = desk.pack().id
    one = desk.archive.hold(USER, session, "claim 1").result()
    two = desk.archive.hold(USER, session, "claim 2").result()
    assert desk.archive.holds_on(session) == [one, two]
    undone = desk.archive.undo(USER, one.id, "paid").result()
    assert (undone.subject, undone.undoes) == (session, one.id)
    assert desk.archive.holds_on(session) == [two]
    desk.archive.undo(USER, two.id, "paid").result()
    assert desk.archive.holds_on(session) == []
    assert [each.change for each in desk.archive.amendments_of(session)] == [
        Change.HELD, Change.HELD, Change.UNDONE, Change.UNDONE,
    ]  # fmt: skip


Say = Callable[[Archive, str], Future[Amendment]]
REFUSED: dict[str, Say] = {
    "no reason": lambda archive, session: archive.hold(USER, session, " \n"),
    "no note": lambda archive, session: archive.note(USER, session, ""),
    "no number": lambda archive, session: archive.rebind(USER, session, Waybill("", "", None), "x"),
    "a path": lambda archive, session: archive.rebind(
        USER, session, Waybill("../../etc/x", "", None), "x"
    ),
    "the same number": lambda archive, session: archive.rebind(
        USER, session, Waybill(NUMBER.lower(), "", None), "x"
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_says_nothing_is_refused_and_leaves_nothing(desk: Desk, what: str) -> None:
    session = desk.pack().id
    with pytest.raises(Refused):
        REFUSED[what](desk.archive, session).result()
    assert desk.archive.amendments_of(session) == []
    assert not (desk.archive.root / files.AMENDMENTS).exists()


def test_a_statement_is_made_once_and_of_something_there(desk: Desk) -> None:
    archive, session = desk.archive, desk.pack().id
    test = archive.mark_test(USER, session, "training").result()
    with pytest.raises(Refused, match="already"):
        archive.mark_test(USER, session, "training").result()
    archive.undo(USER, test.id, "it was none").result()
    with pytest.raises(Refused, match="undone already"):
        archive.undo(USER, test.id, "again").result()
    note = archive.note(USER, session, "box was wet").result()
    with pytest.raises(Refused, match="not undone"):
        archive.undo(USER, note.id, "no").result()
    with pytest.raises(UnknownAmendment):
        archive.undo(USER, session, "no").result()
    for unknown in ("", "../x", "01M81J19F83C4M57QYX1WWY41N"):
        with pytest.raises(UnknownSession):
            archive.hold(USER, unknown, "x").result()
        with pytest.raises(UnknownSession):
            archive.note(USER, unknown, "x").result()


def test_an_open_session_is_neither_rebound_nor_a_test(desk: Desk) -> None:
    session, _ = desk.open()
    with pytest.raises(Refused, match="still open"):
        desk.archive.rebind(USER, session, RIGHT, "x").result()
    with pytest.raises(Refused, match="still open"):
        desk.archive.mark_test(USER, session, "x").result()


def test_a_look_is_told_once_in_a_quarter_of_an_hour_for_each_person_and_thing(root: Path) -> None:
    clock = SetClock()
    with Archive.open(root, clock=clock) as archive:
        session = Desk(archive).pack().id
        for what in ("photos", "video", "photos"):
            archive.looked(USER, session, what).result()
        clock.pass_(minutes=14, seconds=59)
        archive.looked(USER, session, "photos").result()
        clock.pass_(seconds=1)
        archive.looked(USER, session, "photos").result()
        archive.looked(Actor("eve", Role.SUPERVISOR, verified=False), session, "photos").result()
        looks = [told for told in events_of(archive, session) if told["event"] == "looked"]
    assert [(told["by"], told["what"]) for told in looks] == [
        ("ops", "photos"), ("ops", "video"), ("ops", "photos"), ("eve", "photos"),
    ]  # fmt: skip


def test_every_statement_asks_what_the_person_may_do(desk: Desk) -> None:
    archive, session = desk.archive, desk.pack().id
    test = archive.mark_test(USER, session, "x").result()
    archive.admit(USER, "Sue", Role.SUPERVISOR, "2468").result()
    sue = archive.sign_in("Sue", "2468")
    for name, role in (("Pat", Role.PACKER), ("Kim", Role.CLAIMS)):
        archive.admit(sue, name, role, "2468").result()
    pat, kim = archive.sign_in("Pat", "2468"), archive.sign_in("Kim", "2468")
    made_up = Actor("Pat", Role.SUPERVISOR, verified=True)
    hold = archive.hold(kim, session, "claim").result()
    archive.note(kim, session, "customer called").result()
    archive.looked(kim, session, "photos").result()
    says: dict[str, Callable[[Actor], Future[Any]]] = {
        "rebind": lambda actor: archive.rebind(actor, session, RIGHT, "x"),
        "note": lambda actor: archive.note(actor, session, "x"),
        "mark": lambda actor: archive.mark_test(actor, session, "x"),
        "hold": lambda actor: archive.hold(actor, session, "x"),
        "release": lambda actor: archive.undo(actor, hold.id, "x"),
        "unmark": lambda actor: archive.undo(actor, test.id, "x"),
        "look": lambda actor: archive.looked(actor, session, "x"),
    }
    asked = [(who, what) for who in (pat, USER, made_up) for what in says]
    asked += [(kim, what) for what in ("rebind", "mark", "unmark")]
    before = archive.amendments_of(session)
    for who, what in asked:
        with pytest.raises(NotAllowed):
            says[what](who).result()
    assert archive.amendments_of(session) == before
    archive.undo(kim, hold.id, "closed").result()
    archive.undo(sue, test.id, "none").result()


def test_repair_takes_in_what_was_signed_and_sets_the_rest_aside(desk: Desk, root: Path) -> None:
    session = desk.pack().id
    with contextlib.closing(sqlite3.connect(root / "archive.db")) as db:
        db.execute("VACUUM INTO ?", [str(root.parent / "before.db")])
    said = desk.archive.hold(USER, session, "claim").result()
    desk.archive.close()
    shutil.copy(root.parent / "before.db", root / "archive.db")  # put back from a backup
    for suffix in ("-wal", "-shm"):
        (root / f"archive.db{suffix}").unlink(missing_ok=True)
    whole = root / files.dated_folder(files.AMENDMENTS, said.id, said.at)
    forged = whole.with_name("01M81J19F83C4M57QYX1WWY41N")
    shutil.copytree(whole, forged)
    torn = whole.with_name("01M81J19F83C4M57QYX1WWY41P")
    torn.mkdir()
    (torn / "amendment.sig").write_bytes(b"x" * 64)
    (torn / "amendment.json.part").write_bytes(b"{")
    changed = whole.with_name("01M81J19F83C4M57QYX1WWY41Q")
    text = (whole / "amendment.json").read_text().replace(said.id, changed.name)
    changed.mkdir()
    (changed / "amendment.json").write_text(text)
    (changed / "amendment.sig").write_bytes((whole / "amendment.sig").read_bytes())
    (whole / "stray.txt").write_text("x")
    with Archive.open(root) as archive:
        archive.recover()
        assert archive.holds_on(session) == [said]
        assert events_of(archive, session)[-1]["event"] == "adopted"
        archive.recover()
        assert [each["event"] for each in events_of(archive, session)].count("adopted") == 1
    assert [path.name for path in whole.parent.iterdir()] == [said.id]
    assert {path.name for path in (root / files.LOST).rglob("*.*")} == {
        "stray.txt", "amendment.json", "amendment.sig",
    }  # fmt: skip


def test_an_archive_that_is_only_read_is_not_amended(desk: Desk, root: Path) -> None:
    session = desk.pack().id
    with Archive.open(root, read_only=True) as reading:
        for future in (
            reading.hold(USER, session, "x"),
            reading.note(USER, session, "x"),
            reading.looked(USER, session, "x"),
        ):
            with pytest.raises(ArchiveError, match="opened for reading"):
                future.result()
