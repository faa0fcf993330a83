"""What is put into the archive comes out again, in order, and nothing else does."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storage.archive import Archive
from storage.errors import (
    ArchiveBusy,
    ArchiveClosed,
    ArchiveCorrupt,
    ArchiveMissing,
    ArchiveNotWritable,
    Refused,
    SessionClosed,
    UnknownSession,
)
from storage.evidence.verify import verify
from storage.records import (
    EndReason,
    Gap,
    Kind,
    Note,
    Session,
    Status,
    Waybill,
    session_from_json,
)
from tests.storage.desk import NOON, NUMBER, Desk

UNKNOWN = "01HZZZZZZZZZZZZZZZZZZZZZZZ"


def test_a_sealed_session_reads_back_whole_from_rows_and_from_its_manifest(
    desk: Desk, root: Path
) -> None:
    session, folder = desk.open()
    assert folder == root.resolve() / f"media/2026/11/22/{session}"
    clip = desk.clip(session, folder)
    shot = desk.shot(session, folder)
    desk.gap(session)
    desk.note(session)
    sealed = desk.seal(session, reason="done")
    assert sealed.clips == (clip,)
    assert sealed.shots == (shot,)
    assert len(sealed.gaps) == len(sealed.notes) == 1
    assert (sealed.status, sealed.reason) == (Status.SEALED, "done")
    assert sealed.missing == ("item",)
    assert desk.archive.get(session) == sealed
    assert session_from_json(json.loads((folder / "session.json").read_bytes())) == sealed
    assert verify(root) == []


def test_media_is_in_the_rows_before_the_seal(desk: Desk, root: Path) -> None:
    session, folder = desk.open()
    clip = desk.clip(session, folder)
    desk.archive.close()
    with Archive.open(root) as again:
        found = again.get(session)
        assert found is not None
        assert found.status is Status.OPEN
        assert found.clips == (clip,)


def test_find_takes_whole_numbers_suffixes_and_order_ids(desk: Desk) -> None:
    first = desk.pack("1Z999AA10123456784")
    other = desk.pack("9400111206206406260787")
    second = desk.pack("1Z999AA10123456784", pass_no=2)
    desk.archive.link_orders([("Order-77", "9400 1112 0620 6406 2607 87")]).result()

    def ids(text: str) -> list[str]:
        return [session.id for session in desk.archive.find(text)]

    assert ids(" 1z999aa1 0123456784\n") == [second.id, first.id]
    assert ids("456784") == ids("6784") == [second.id, first.id]
    assert ids("0787") == ids("order-77") == [other.id]
    short = desk.pack("10123456784")
    assert ids("10123456784") == [short.id]
    assert ids("784") == ids("999AA1") == ids("") == ids("   ") == []
    assert ids("*784") == ids("%6784") == ids("[6]784") == ids("__6784") == []


def test_prior_is_the_newest_that_was_not_cancelled(desk: Desk) -> None:
    assert desk.archive.prior(NUMBER) is None
    packed = desk.pack()
    returned = desk.pack(kind=Kind.RETURN)
    session, _ = desk.open(pass_no=2)
    desk.seal(session, Status.CANCELLED, EndReason.CANCEL)
    assert desk.archive.prior(NUMBER) == returned
    assert desk.archive.prior(NUMBER, Kind.PACKING) == packed
    assert [found.id for found in desk.archive.recent(2)] == [session, returned.id]
    assert desk.archive.counts()[Status.CANCELLED] == 1


def test_a_cancelled_pass_is_free_again_and_a_taken_one_is_corrected(desk: Desk) -> None:
    cancelled, _ = desk.open()
    desk.seal(cancelled, Status.CANCELLED, EndReason.CANCEL)
    first, _ = desk.open(pass_no=1)
    second, _ = desk.open(pass_no=1)
    returned, _ = desk.open(pass_no=1, kind=Kind.RETURN)
    found = {session.id: session for session in desk.archive.recent(10)}
    assert [found[id_].pass_no for id_ in (cancelled, first, second, returned)] == [1, 1, 2, 1]
    assert [note.what for note in found[second].notes] == ["pass_corrected"]
    assert found[first].notes == ()


def test_a_closed_session_takes_nothing_more(desk: Desk) -> None:
    session, folder = desk.open()
    sealed = desk.seal(session)
    gap = Gap("overhead", NOON, None, "late")
    with pytest.raises(SessionClosed):
        desk.archive.add_gap(session, gap).result()
    with pytest.raises(SessionClosed):
        desk.archive.add_note(session, Note(NOON, "late", "late")).result()
    with pytest.raises(SessionClosed):
        desk.shot(session, folder)
    with pytest.raises(SessionClosed):
        desk.seal(session, Status.CANCELLED, EndReason.CANCEL)
    assert desk.seal(session) == sealed
    assert desk.archive.get(session) == sealed


def test_what_is_no_file_of_the_session_is_refused(desk: Desk, tmp_path: Path) -> None:
    session, folder = desk.open()
    shot = desk.shot(session, folder)
    other, other_folder = desk.open(pass_no=2)
    others = desk.shot(other, other_folder)
    with pytest.raises(Refused, match="not in the folder"):
        desk.archive.add_shot(session, others).result()
    elsewhere = tmp_path / "label-01.jpg"
    elsewhere.write_bytes(b"x")
    with pytest.raises(Refused, match="filed before"):
        desk.archive.add_shot(session, shot).result()
    for path in (
        f"media/2026/11/22/{session}/../../../../../../label-01.jpg",
        shot.path.replace(session, UNKNOWN),
        "/etc/passwd",
        shot.path.replace("label", "nothing"),
        shot.path.replace("label-01.jpg", "session.json"),
    ):
        with pytest.raises(Refused):
            desk.archive.add_shot(session, replace(shot, path=path)).result()
    with pytest.raises(Refused):
        desk.clip(session, tmp_path)
    (folder / "other-01.jpg").write_bytes(b"not what was taken")
    with pytest.raises(Refused, match="SHA-256"):
        wrong = replace(shot, path=shot.path.replace("label", "other"))
        desk.archive.add_shot(session, wrong).result()
    with pytest.raises(UnknownSession):
        desk.seal(UNKNOWN)


@pytest.mark.parametrize("number", ["", "lower", "WITH SPACE", "TAB\t"])
def test_a_session_without_a_normal_number_is_refused(desk: Desk, number: str) -> None:
    with pytest.raises(Refused):
        desk.open(number)


@pytest.mark.parametrize("session", ["../../../../etc", "", "x", "01HZZZZZZZZZZZZZZZZZZZZZZ/"])
def test_an_id_that_is_no_ulid_never_becomes_a_path(desk: Desk, root: Path, session: str) -> None:
    before = sorted(root.rglob("*"))
    with pytest.raises(Refused):
        desk.archive.open_session(replace(desk.draft(), id=session)).result()
    assert [path for path in root.rglob("*") if path not in before and path.is_dir()] == []


HOSTILE = st.text(
    st.characters() | st.sampled_from("\x00\x1b\x9b\u202e'\"`;%_*[]=\u4e2d\U0001f4e6"),
    max_size=40,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(HOSTILE, HOSTILE, HOSTILE)
@example("half \ud800", "\udfff", "\udc80")  # st.text() makes none of these
def test_hostile_text_comes_back_as_it_was(desk: Desk, raw: str, packer: str, note: str) -> None:
    def kept(text: str) -> str:
        return text.encode("utf-8", "backslashreplace").decode()

    draft = desk.draft()
    draft = replace(draft, waybill=Waybill(NUMBER, raw, None), packer=packer)
    folder = desk.archive.open_session(draft).result()
    desk.note(draft.id, note)
    sealed = desk.seal(draft.id, reason=note)
    assert sealed.waybill.raw == raw
    assert desk.archive.get(draft.id) == sealed
    assert sealed.packer == kept(packer)
    assert sealed.notes[-1].text == sealed.reason == kept(note)
    manifest = (folder / "session.json").read_bytes()
    assert manifest.isascii()
    assert session_from_json(json.loads(manifest)) == sealed
    assert json.loads(manifest)["raw_scan"].isprintable()


def test_a_hostile_archive_verifies(desk: Desk, root: Path) -> None:
    draft = desk.draft("../../ETC")
    desk.archive.open_session(replace(draft, packer="'; DROP TABLE sessions; --\x00")).result()
    desk.seal(draft.id, reason="\x1b]0;owned\x07")
    assert [session.id for session in desk.archive.find("../../etc")] == [draft.id]
    assert verify(root) == []


def test_writes_are_carried_out_in_order_without_waiting(desk: Desk) -> None:
    session = desk.draft()
    opened = desk.archive.open_session(session)
    notes = [desk.archive.add_note(session.id, Note(NOON, "n", str(n))) for n in range(50)]
    sealed = desk.archive.seal(session.id, Status.SEALED, EndReason.FINISH, desk.tick())
    assert [note.text for note in sealed.result().notes] == [str(n) for n in range(50)]
    assert opened.done()
    assert all(future.done() for future in notes)


def test_a_write_cannot_be_cancelled(desk: Desk) -> None:
    future = desk.archive.open_session(desk.draft())
    assert not future.cancel()
    assert future.result().is_dir()


def test_close_finishes_what_was_handed_over(desk: Desk, root: Path) -> None:
    session = desk.draft()
    desk.archive.open_session(session)
    sealed = desk.archive.seal(session.id, Status.SEALED, EndReason.FINISH, desk.tick())
    desk.archive.close()
    assert sealed.result().status is Status.SEALED
    with pytest.raises(ArchiveClosed):
        desk.archive.open_session(desk.draft()).result()
    with pytest.raises(ArchiveClosed):
        desk.archive.get(session.id)
    # One file again: the write-ahead log was emptied.
    assert [path.name for path in root.glob("archive.db*")] == ["archive.db"]


def test_one_program_records_and_others_may_read_and_link_orders(desk: Desk, root: Path) -> None:
    desk.pack()
    with Archive.open(root) as other:
        with pytest.raises(ArchiveBusy, match="process"):
            other.hold_bench_lock()
        with pytest.raises(ArchiveBusy):
            other.open_session(desk.draft()).result()
        with pytest.raises(ArchiveBusy):
            other.recover()
        assert len(other.find(NUMBER)) == 1
        pairs = [("A1", NUMBER), ("A1", NUMBER), ("A2", NUMBER)]
        assert other.link_orders(pairs).result().links == 2
        assert other.link_orders([("A1", NUMBER)]).result().links == 0
        assert desk.archive.orders_of(NUMBER) == ["A1", "A2"]
    desk.archive.close()
    with Archive.open(root) as other:
        other.hold_bench_lock()


WRITER = """
import sys
from pathlib import Path
from storage.archive import Archive
with Archive.open(Path(sys.argv[1])) as archive:
    for n in range(100):
        archive.link_orders([(f"order {sys.argv[2]} {n}", "1Z999AA10123456784")]).result()
        archive.tell_clock_jump(1).result()
"""


def test_two_programs_write_at_once_from_the_first_moment(root: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(n)]) for n in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    with Archive.open(root) as archive:
        assert len(archive.orders_of("1Z999AA10123456784")) == 200
    assert verify(root) == []


def test_an_archive_opened_for_reading_writes_nothing(desk: Desk, root: Path) -> None:
    session = desk.pack()
    desk.archive.close()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    with Archive.open(root, read_only=True) as archive:
        assert archive.get(session.id) == session
        with pytest.raises(ArchiveNotWritable):
            archive.open_session(desk.draft()).result()
        with pytest.raises(ArchiveNotWritable):
            archive.recover()
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before


def test_a_missing_archive_is_told_and_not_made(tmp_path: Path) -> None:
    for create, read_only in ((False, False), (True, True)):
        with pytest.raises(ArchiveMissing):
            Archive.open(tmp_path / "none", create=create, read_only=read_only)
    assert not (tmp_path / "none").exists()


def test_paths_are_told_relative_to_the_archive(desk: Desk, root: Path, tmp_path: Path) -> None:
    assert desk.archive.relative(root / "media" / "x" / "y.mp4") == "media/x/y.mp4"
    with pytest.raises(Refused):
        desk.archive.relative(tmp_path / "elsewhere")
    assert desk.archive.free_bytes() > 0


def test_moments_keep_their_milliseconds_in_any_time_zone(desk: Desk) -> None:
    east = dt.timezone(dt.timedelta(hours=14))
    moment = dt.datetime(2026, 1, 1, 5, 0, 0, 123456, tzinfo=east)
    draft = replace(desk.draft(), opened_at=moment)
    folder = desk.archive.open_session(draft).result()
    assert folder.parts[-4:-1] == ("2025", "12", "31")
    found = desk.archive.get(draft.id)
    assert isinstance(found, Session)
    assert found.opened_at == moment.replace(microsecond=123000)


@pytest.mark.parametrize("lost", ["gone", "empty"])
def test_a_lost_database_is_not_replaced_while_there_are_sessions(
    desk: Desk, root: Path, lost: str
) -> None:
    desk.pack()
    desk.archive.close()
    for file in root.glob("archive.db*"):
        file.unlink()
    if lost == "empty":
        (root / "archive.db").touch()
    with pytest.raises(ArchiveCorrupt, match="packwitness rebuild"):
        Archive.open(root)
    assert list(root.glob("media/*/*/*/*/session.json"))


def test_a_search_for_bytes_that_are_no_text_finds_nothing(desk: Desk) -> None:
    assert desk.archive.find("\udcff\udcfe1Z99") == []
