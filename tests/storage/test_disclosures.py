"""Who got what: told before it leaves, found again, never taken back."""

# ruff: noqa: S608 (the statements are made here, to do harm)
from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from storage import check_archive, disclosing, ledger, schema
from storage.archive import Archive
from storage.check_disclosures import disclosure_problems
from storage.disclosures import (
    DisclosedFile,
    disclosure_to_json,
)
from storage.errors import ArchiveNotWritable, NotAllowed, Refused, UnknownSession
from storage.evidence.verify import verify
from storage.later import Actor, Role
from storage.records import Waybill
from tests.storage.arrivals import ANN, PAT
from tests.storage.desk import NUMBER, Desk
from tests.storage.later_clock import SetClock
from tests.storage.leaving import FILE, exports, leave
from tests.storage.test_schema import change

HOSTILE = "a\x00b\x1b[2J\u202e\r\n\udc80 \U0001f4e6 =HYPERLINK(1)"


# ---------------------------------------------------------------------------- telling


def test_what_leaves_is_told_in_rows_and_in_one_entry_for_each_session(
    desk: Desk, root: Path
) -> None:
    packed, back = desk.pack(), desk.pack(pass_no=2)
    told = leave(desk.archive, packed, back, recipient=" Allianz ", reason="claim 7")
    assert (told.by, told.role, told.profile) == ("Ann", Role.SUPERVISOR, "complete")
    assert (told.recipient, told.reason, told.files) == ("Allianz", "claim 7", (FILE,))
    assert told.sessions == (packed.id, back.id)
    with Archive.open(root, read_only=True) as other:
        assert other.disclosures() == [told]
        assert other.disclosures_of(packed.id) == other.disclosures_of(back.id) == [told]
        assert other.disclosures_of("nothing") == []
    first, second = (ledger.facts(entry) for entry in exports(root))
    assert first["files"] == [["data/x.mp4", 12, "a" * 64]]
    assert first["recipient"] == "Allianz"
    assert (second["session"], second["disclosure"]) == (back.id, told.id)
    assert (second["by"], second["package"], second["digest"]) == ("Ann", "p.zip", "d" * 64)
    assert "files" not in second
    assert json.loads(json.dumps(disclosure_to_json(told)))["files"][0]["name"] == "data/x.mp4"
    assert verify(root) == []


def test_what_cannot_be_told_is_refused_and_nothing_of_it_stays(desk: Desk, root: Path) -> None:
    packed = desk.pack()
    open_session, _ = desk.open("OPEN1")
    unknown = replace(packed, id="0" * 26)
    stays = replace(packed, id=open_session)
    archive = desk.archive
    for sessions, told, why in (
        ((), {}, "at least one session"),
        ((stays,), {}, "still open"),
        ((packed, stays), {}, "still open"),
        ((packed, unknown), {}, "has no session 0000"),
        ((packed,), {"profile": " "}, "has a profile"),
        ((packed,), {"digest": "D" * 64}, "no SHA-256"),
        ((packed,), {"files": [DisclosedFile("x", 1, "a" * 63)]}, "no SHA-256"),
        ((packed,), {"files": [DisclosedFile("x", -1, "a" * 64)]}, "less than nothing"),
    ):
        with pytest.raises((Refused, UnknownSession), match=why):
            leave(archive, *sessions, **told)
    for actor in (PAT, Actor("Eve", Role.SUPERVISOR, verified=True)):
        with pytest.raises(NotAllowed):
            archive.disclose(
                actor, sessions=[packed.id], profile="x", package="x", digest="d" * 64, files=()
            ).result()
    assert exports(root) == []
    assert archive.disclosures() == []
    with Archive.open(root, read_only=True) as other, pytest.raises(ArchiveNotWritable):
        leave(other, packed)


def test_more_files_than_a_line_of_the_ledger_takes_are_refused(
    desk: Desk, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = desk.pack()
    files = [DisclosedFile(f"data/{n}.jpg", n, "a" * 64) for n in range(20)]
    assert leave(desk.archive, packed, files=files).files == tuple(files)
    monkeypatch.setattr(disclosing, "FILES_LIMIT_BYTES", 1_000)
    with pytest.raises(Refused, match="20 files are more"):
        leave(desk.archive, packed, files=files)
    assert len(exports(root)) == 1


def test_hostile_texts_are_kept_and_cut(desk: Desk, root: Path) -> None:
    packed = desk.pack()
    told = leave(
        desk.archive,
        packed,
        recipient=HOSTILE,
        reason="x" * 5_000,
        package=HOSTILE,
        files=[DisclosedFile(HOSTILE, 1, "b" * 64)],
    )
    kept = HOSTILE.replace("\udc80", "\\udc80")
    assert (told.recipient, told.package, told.files[0].name) == (kept, kept, kept)
    assert told.reason == "x" * 2_000
    assert desk.archive.disclosures() == [told]
    assert all(entry.body.isascii() for entry in exports(root))
    assert verify(root) == []


def test_nobody_takes_one_back_or_adds_to_it(desk: Desk, root: Path) -> None:
    packed = desk.pack()
    told = leave(desk.archive, packed)
    (entry,) = exports(root)
    row = f"{entry.seq}, 'at', 'by', NULL, '', '', '', '', ''"
    for statement in (
        *(f"DELETE FROM {table}" for table in TABLES),
        "UPDATE disclosures SET recipient = 'nobody'",
        "UPDATE disclosed_files SET sha256 = sha256",
        "UPDATE disclosed_sessions SET session_id = 'other'",
        f"INSERT OR REPLACE INTO disclosures VALUES ('{told.id}', {row})",
        f"INSERT OR REPLACE INTO disclosures VALUES ('{'0' * 26}', {row})",
        f"INSERT INTO disclosures VALUES ('{'0' * 26}', {row.replace(str(entry.seq), '1')})",
        f"INSERT INTO disclosed_files VALUES ('{told.id}', 9, 'x', 1, '{'a' * 64}')",
        f"INSERT OR REPLACE INTO disclosed_files VALUES ('{told.id}', 1, 'x', 1, '{'a' * 64}')",
        f"INSERT INTO disclosed_sessions VALUES ('{told.id}', 1, '{packed.id}')",
        f"INSERT OR REPLACE INTO disclosed_sessions VALUES ('{told.id}', {entry.seq}, 'other')",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            change(root, statement)
    assert desk.archive.disclosures() == [told]
    assert verify(root) == []


TABLES = ("disclosures", "disclosed_sessions", "disclosed_files")


# ---------------------------------------------------------------------------- asking


def test_they_are_found_by_number_time_and_what_was_given_out(root: Path) -> None:
    clock = SetClock()
    with Archive.open(root, clock=clock) as archive:
        desk = Desk(archive)
        packed, other, wrong = desk.pack(), desk.pack("OTHER0001"), desk.pack("WRONG0001")
        archive.rebind(ANN, wrong.id, Waybill("RIGHT0001", ""), "label").result()
        told = []
        for number, sessions in enumerate(((packed,), (other,), (packed, wrong), (packed,))):
            clock.pass_(minutes=1)
            files = [FILE, DisclosedFile("y", 1, f"{number}" * 64)]
            digest = f"{number + 4}" * 64
            told.append(leave(archive, *sessions, files=files, digest=digest))
        clock.pass_(minutes=-30)  # a clock that is set back does not change the order
        told.append(leave(archive, other, files=[]))
        assert archive.disclosures() == told[::-1]
        assert archive.disclosures(f" {NUMBER.lower()} ") == [told[3], told[2], told[0]]
        assert archive.disclosures(NUMBER[-6:]) == []
        for bound in ("WRONG0001", "RIGHT0001"):
            assert archive.disclosures(bound) == [told[2]]
        assert archive.disclosures(since=told[2].at) == [told[3], told[2]]
        assert archive.disclosures("OTHER0001", since=told[1].at) == [told[1]]
        assert archive.disclosures(sha256="a" * 64) == told[3::-1]
        assert archive.disclosures(sha256="2" * 64) == [told[2]]
        assert archive.disclosures(sha256="6" * 64) == [told[2]]
        assert archive.disclosures(sha256="a" * 64, limit=1, before=told[2].id) == [told[1]]
        pages = [archive.disclosures(limit=2)]
        while page := archive.disclosures(limit=2, before=pages[-1][-1].id):
            pages.append(page)
        assert [len(page) for page in pages] == [2, 2, 1]
        assert [each for page in pages for each in page] == told[::-1]
        assert archive.disclosures_of(packed.id) == [told[0], told[2], told[3]]
        with pytest.raises(Refused, match="knows no disclosure"):
            archive.disclosures(before="0" * 26)


def test_a_list_of_one_parcel_looks_at_its_own_rows_only(desk: Desk, root: Path) -> None:
    told = leave(desk.archive, desk.pack())
    db = schema.connect(root / schema.DATABASE)
    asked: list[str] = []
    try:
        db.conn.set_trace_callback(asked.append)
        for sha256 in ("", "a" * 64):
            assert disclosing._page(db, list(told.sessions), None, 9, "", sha256) == [told]
        db.conn.set_trace_callback(None)
        assert len(asked) >= 6
        for sql in asked:
            plan = [row[-1] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert not [step for step in plan if step.startswith("SCAN disclos")], plan
    finally:
        db.close()


# ---------------------------------------------------------------------------- at once


@pytest.mark.parametrize("before", [0, 1])
def test_people_export_while_it_is_checked(desk: Desk, root: Path, before: int) -> None:
    packed = desk.pack()
    for _ in range(before):
        leave(desk.archive, packed)
    asked: list[str] = []

    def meanwhile(sql: str) -> None:
        """Something leaves before each statement of the check."""
        asked.append(sql)
        leave(desk.archive, packed)

    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        db.conn.set_trace_callback(meanwhile)
        assert list(disclosure_problems(db)) == []
        db.conn.set_trace_callback(None)
        assert list(disclosure_problems(db)) == []
    finally:
        db.close()
    assert len(desk.archive.disclosures()) == before + len(asked) > 2
    assert list(check_archive.archive_problems(root)) == []
