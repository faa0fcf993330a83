"""What is gathered about a parcel: its sessions, what was said of them, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from station.dossier import Dossier, Manifest, Record, broken, gather, media_of, media_path
from storage.archive import Archive
from storage.later import EvidenceGroup
from storage.ledger import LedgerEvent
from storage.records import Kind, Session, Waybill
from tests.storage.arrivals import ANN, picture
from tests.storage.desk import NUMBER, Desk
from tests.storage.everything import disclose

OTHER = "1Z999AA10123456785"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


@pytest.fixture
def desk(archive: Archive) -> Desk:
    return Desk(archive)


def only(archive: Archive, number: str = NUMBER) -> Record:
    (record,) = gather(archive, number).records
    return record


def folder(archive: Archive, session: Session) -> Path:
    return (archive.root / session.clips[0].path).parent


def test_all_sessions_of_the_number_are_there_oldest_first(archive: Archive, desk: Desk) -> None:
    first = desk.pack()
    desk.pack(OTHER)
    again = desk.pack(pass_no=2)
    back = desk.pack(kind=Kind.RETURN)
    found = gather(archive, f" {NUMBER.lower()} ")
    assert [record.session for record in found.records] == [first, again, back]
    assert found.number == NUMBER


def test_nothing_is_found_by_a_part_of_the_number_or_an_order(archive: Archive, desk: Desk) -> None:
    desk.pack()
    archive.link_orders([("A-1", NUMBER)]).result()
    assert gather(archive, NUMBER[-6:]).records == ()
    assert gather(archive, "A-1").records == ()
    assert [order.id for order in gather(archive, NUMBER).orders] == ["A-1"]


def test_it_says_who_got_each_session(archive: Archive, desk: Desk) -> None:
    packed, again = desk.pack(), desk.pack(pass_no=2)
    both = disclose(archive, [packed.id, again.id])
    one = disclose(archive, [packed.id])
    first, second = gather(archive, NUMBER).records
    assert first.disclosures == (both, one)
    assert second.disclosures == (both,)


def test_a_rebound_session_belongs_to_its_right_number(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    stays = desk.pack(pass_no=2)
    archive.rebind(ANN, session.id, Waybill(OTHER, OTHER, "UPS"), "wrong label").result()
    old, new = gather(archive, NUMBER), gather(archive, OTHER)
    assert [record.session.id for record in old.records] == [stays.id]
    assert old.elsewhere == ((session.id, OTHER),)
    (moved,) = new.records
    assert (moved.number, moved.session.waybill.number) == (OTHER, NUMBER)
    assert new.elsewhere == ()


def test_documents_come_with_what_was_said_of_them(
    archive: Archive, desk: Desk, tmp_path: Path
) -> None:
    desk.pack()
    source = tmp_path / "damage.png"
    source.write_bytes(picture("PNG"))
    document = archive.file_document(ANN, source, NUMBER, EvidenceGroup.MEDIA).result()
    archive.refile(ANN, document.id, NUMBER, EvidenceGroup.CLAIM_FORM, "a form").result()
    (paper,) = gather(archive, NUMBER).papers
    assert (paper.document, paper.group, paper.present) == (
        document,
        EvidenceGroup.CLAIM_FORM,
        True,
    )
    assert [each.text for each in paper.amendments] == ["a form"]
    assert paper.told[0].event == LedgerEvent.DOCUMENT_FILED
    (archive.root / document.path).unlink()
    assert not gather(archive, NUMBER).papers[0].present


def test_of_several_corrections_the_last_one_counts(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    for number in (OTHER, NUMBER, OTHER):
        archive.rebind(ANN, session.id, Waybill(number, number, "UPS"), "once more").result()
    assert gather(archive, NUMBER).records == ()
    assert gather(archive, OTHER).records[0].number == OTHER


# ---------------------------------------------------------------------------- what is wrong


def test_a_sealed_session_is_signed_by_the_archives_key(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    record = only(archive)
    assert (record.manifest, record.key) == (Manifest.SIGNED, archive.signer.id)
    assert record.sha256 == archive.manifest_sha256(session.id)
    assert record.absent == frozenset()


def test_an_open_session_is_not_sealed_yet(archive: Archive, desk: Desk) -> None:
    desk.open()
    assert only(archive).manifest is Manifest.OPEN


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        (lambda path: (path / "session.json").unlink(), Manifest.MISSING),
        (lambda path: (path / "session.sig").unlink(), Manifest.UNSIGNED),
        (lambda path: (path / "session.sig").write_bytes(b"\0" * 64), Manifest.FORGED),
        (
            lambda path: (path / "session.sig").write_bytes(
                (path / "session.sig").read_bytes() + b"\0"
            ),
            Manifest.FORGED,
        ),
        (lambda path: _say_another_packer(path / "session.json"), Manifest.CHANGED),
    ],
)
def test_what_was_done_to_the_manifest_is_named(
    archive: Archive, desk: Desk, do: object, expected: Manifest
) -> None:
    session = desk.pack()
    assert callable(do)
    do(folder(archive, session))
    record = only(archive)
    assert (record.manifest, record.key) == (expected, "")


def _say_another_packer(path: Path) -> None:
    told = json.loads(path.read_text())
    told["packer"] = "Bob"
    path.write_text(json.dumps(told))


def test_files_that_are_gone_or_shorter_are_named(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    gone, short = session.clips[0].path, session.shots[0].path
    (archive.root / gone).unlink()
    (archive.root / short).write_bytes(b"x")
    assert only(archive).absent == {gone, short}


def test_a_path_is_only_followed_inside_the_archive(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    outside = archive.root.parent / "secret.jpg"
    outside.write_bytes(b"secret")
    link = folder(archive, session) / "link.jpg"
    link.symlink_to(outside)
    assert media_path(archive.root, session.shots[0].path) is not None
    for path in ("../secret.jpg", str(outside), archive.relative(link.parent) + "/link.jpg"):
        assert media_path(archive.root, path) is None
    assert media_path(archive.root, "media") is None
    assert media_path(archive.root, "no\0name") is None


def test_a_changed_byte_is_found_by_reading_all(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    read: list[int] = []
    assert broken(archive.root, only(archive), read.append) == []
    assert sum(read) == sum(each.size_bytes for each in media_of(session))
    path = archive.root / session.shots[1].path
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    (archive.root / session.clips[0].path).unlink()
    assert only(archive).absent == {session.clips[0].path}
    assert broken(archive.root, only(archive)) == [
        (session.clips[0].path, "missing"),
        (session.shots[1].path, "changed"),
    ]


def test_what_was_undone_no_longer_stands(archive: Archive, desk: Desk) -> None:
    from storage.later import Change

    session = desk.pack()
    first = archive.hold(ANN, session.id, "claim 1").result()
    second = archive.hold(ANN, session.id, "claim 2").result()
    archive.undo(ANN, first.id, "paid").result()
    record = only(archive)
    assert record.standing(Change.HELD) == (second,)
    assert len(record.amendments) == 3
    assert record.deleted is None


def test_an_unknown_number_gives_an_empty_dossier(archive: Archive) -> None:
    assert gather(archive, NUMBER) == Dossier(NUMBER, (), (), (), ())
