"""Files in the inbox become documents of their parcel; what is undecided stays where it is."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.inbox import Inbox, Waiting
from station.waybill import WaybillRules
from storage.errors import Refused
from storage.intake.inbox import Why
from storage.later import EvidenceGroup
from tests.station.inbox_world import OTHER, SETTLE_S, InboxWorld, labelled
from tests.storage.arrivals import ANN, PAT, heic, picture
from tests.storage.desk import NUMBER

MEDIA = EvidenceGroup.MEDIA


@pytest.fixture
def world(tmp_path: Path) -> Iterator[InboxWorld]:
    made = InboxWorld(tmp_path / "archive")
    yield made
    made.archive.close()


def why(waiting: tuple[Waiting, ...]) -> dict[str, Why | str | None]:
    return {
        each.name: each.trouble or (each.proposal.why if each.proposal else "changing")
        for each in waiting
    }


def test_decided_files_are_filed_and_leave_the_inbox(world: InboxWorld) -> None:
    content = heic()
    world.drop(f"{NUMBER}/photos/IMG_1.HEIC", content)
    world.drop(f"invoices/{OTHER} invoice.pdf", picture("PDF"))
    world.drop("photos/label.png", labelled())
    look = world.settled()
    assert len(look.filed) == 3 and look.waiting == () and look.unsettled == 0
    assert world.names() == [f"{NUMBER}/photos/IMG_1.HEIC", "photos/label.png"]
    assert {each[0].how for each in world.archive.documents_of(NUMBER)} == {"folder", "barcode"}
    ((document, _, group),) = world.archive.documents_of(OTHER)
    assert (document.how, document.source, document.by) == ("file name", "inbox", "Ann")
    assert group is EvidenceGroup.PROOF_OF_VALUE
    first = world.archive.documents_of(NUMBER)[0][0]
    assert (world.archive.root / first.path).read_bytes() == content
    assert not [path for path in world.folder.rglob("*") if path.is_file()]


def test_undecided_files_stay_and_say_why(world: InboxWorld) -> None:
    world.drop("IMG_1.jpg", picture("JPEG"))
    world.drop(f"{NUMBER}.pdf", picture("PDF"))
    world.drop(f"{NUMBER}/{OTHER}.pdf", picture("PDF"))
    world.drop("1Z999AA10123456785/photos/x.jpg", picture("JPEG"))
    look = world.settled()
    assert look.filed == ()
    assert why(look.waiting) == {
        "IMG_1.jpg": Why.NO_NUMBER,
        f"{NUMBER}.pdf": Why.NO_GROUP,
        f"{NUMBER}/{OTHER}.pdf": Why.SEVERAL,
        "1Z999AA10123456785/photos/x.jpg": Why.NO_NUMBER,
    }
    assert all(each.path.is_file() for each in look.waiting)


def test_a_person_files_what_waits(world: InboxWorld) -> None:
    path = world.drop("IMG_1.jpg", picture("JPEG"))
    (waiting,) = world.settled().waiting
    assert waiting.proposal is not None and waiting.proposal.likely is MEDIA
    document = world.inbox.file(waiting, NUMBER, MEDIA)
    assert (document.how, document.source) == ("person", "inbox")
    assert not path.exists()
    assert world.settled().waiting == ()
    with pytest.raises(OSError):
        world.inbox.file(waiting, NUMBER, MEDIA)


def test_the_barcode_of_a_pdf_and_an_order_id_tell_the_parcel(world: InboxWorld) -> None:
    import io

    from PIL import Image

    page = io.BytesIO()
    Image.open(io.BytesIO(labelled())).save(page, "PDF", resolution=150)
    world.drop("photos/scan.pdf", page.getvalue())
    world.archive.link_orders([("SHOP-2026-77", OTHER)]).result()
    world.drop("photos/order.png", labelled("SHOP-2026-77"))
    assert len(world.settled().filed) == 2
    assert (world.names(), world.names(OTHER)) == (["photos/scan.pdf"], ["photos/order.png"])


def test_the_same_content_twice_is_filed_once(world: InboxWorld) -> None:
    world.drop(f"{NUMBER}/photos/a.jpg", picture("JPEG"))
    world.drop(f"{NUMBER}/photos/b.jpg", picture("JPEG"))
    look = world.settled()
    assert len(world.archive.documents_of(NUMBER)) == 1
    assert {each.id for each in look.filed} == {world.archive.documents_of(NUMBER)[0][0].id}
    assert look.waiting == ()


def test_links_and_rubbish_are_left_alone(world: InboxWorld, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / f"{NUMBER}.jpg"
    secret.write_bytes(picture("JPEG"))
    photos = world.folder / NUMBER / "photos"
    photos.mkdir(parents=True)
    (photos / "link.jpg").symlink_to(secret)
    (world.folder / "photos").symlink_to(outside)
    (photos / "loop").symlink_to(world.folder)
    os.mkfifo(photos / "pipe.jpg")
    for name in ("a.jpg.part", ".DS_Store", "Thumbs.db", "x.crdownload"):
        (photos / name).write_bytes(b"x")
    look = world.settled()
    assert (look.filed, look.waiting, look.trouble) == ((), (), "")
    assert secret.is_file() and len(list(photos.iterdir())) == 7


def test_a_file_is_taken_only_once_it_has_stopped_changing(world: InboxWorld) -> None:
    path = world.drop(f"{NUMBER}/photos/slow.bin", b"a")
    assert why(world.inbox.look().waiting) == {f"{NUMBER}/photos/slow.bin": "changing"}
    for _ in range(3):
        path.write_bytes(path.read_bytes() + b"b")
        look = world.inbox.look()
        assert (look.filed, look.unsettled) == ((), 1)
    assert len(world.settled().filed) == 1


def test_a_copy_that_pauses_is_not_taken_while_it_is_open(world: InboxWorld) -> None:
    path = world.folder / NUMBER / "photos"
    path.mkdir(parents=True)
    with (path / "film.bin").open("wb") as file:
        file.write(b"first half")
        file.flush()
        look = world.settled()
        assert (look.filed, look.unsettled) == ((), 1)
        file.write(b"second half")
    look = world.settled()
    assert [each.size_bytes for each in look.filed] == [21]


def test_a_file_that_takes_the_place_of_the_one_that_is_filed_stays(world: InboxWorld) -> None:
    path = world.drop(f"{NUMBER}/photos/a.bin", bytes(5_000_000))
    new = world.drop("new.tmp", b"new")
    world.inbox.look()
    time.sleep(SETTLE_S)

    def replace() -> None:
        while not any(world.archive.root.glob("documents/*/*/*/*/document.bin")):
            pass
        new.replace(path)

    replacing = threading.Thread(target=replace)
    replacing.start()
    look = world.inbox.look()
    replacing.join()
    assert [each.size_bytes for each in look.filed] == [5_000_000]
    assert path.read_bytes() == b"new"
    assert len(world.settled().filed) == 1


def test_hostile_names_are_text(world: InboxWorld) -> None:
    raw = os.fsencode(world.folder) + b"/" + NUMBER.encode() + b"/photos"
    os.makedirs(raw)  # noqa: PTH103 - bytes
    for name in (b"\xff\xfe.jpg", b"=1+1\x1b[2J\n.jpg", b"-rf.jpg", b"\xe2\x80\xae.jpg"):
        with open(raw + b"/" + name, "wb") as file:  # noqa: PTH123 - bytes
            file.write(b"\xff\xd8\xff" + name)
    look = world.settled()
    assert len(look.filed) == 4 and look.waiting == ()
    assert all(document.path.endswith("/document.jpg") for document in look.filed)


def test_a_file_that_cannot_be_filed_stays_with_its_trouble(world: InboxWorld) -> None:
    path = world.drop(f"{NUMBER}/photos/a.jpg", picture("JPEG"))
    inbox = Inbox(world.archive, world.folder, PAT, WaybillRules(), settle_s=0)
    look = inbox.look()
    assert look.filed == () and path.is_file()
    assert "may not" in look.waiting[0].trouble
    assert world.archive.documents_of(NUMBER) == []
    with pytest.raises(Refused):
        Inbox(world.archive, world.folder, ANN, WaybillRules()).file(look.waiting[0], "", MEDIA)
    assert path.is_file()


def test_a_number_that_is_packed_later_is_found_later(tmp_path: Path) -> None:
    now = [0.0]
    world = InboxWorld(tmp_path / "archive")
    try:
        inbox = Inbox(
            world.archive, world.folder, ANN, WaybillRules(), settle_s=1, clock=lambda: now[0]
        )
        world.drop("A1234567890/photos/a.jpg", picture("JPEG"))
        inbox.look()
        for moment, filed in ((2, 0), (30, 0), (100, 1)):
            now[0] = moment
            assert len(inbox.look().filed) == filed
            world.archive.link_orders([("late", "A1234567890")]).result()
    finally:
        world.archive.close()


def test_a_folder_that_is_away_is_told(world: InboxWorld) -> None:
    world.folder.rename(world.folder.with_name("gone"))
    look = world.inbox.look()
    assert look.trouble and look.waiting == ()
    assert world.inbox.preview().trouble
    world.folder.with_name("gone").rename(world.folder)
    assert not world.inbox.look().trouble


def test_a_preview_files_nothing(world: InboxWorld) -> None:
    path = world.drop("photos/label.png", labelled())
    look = world.inbox.preview()
    assert look.filed == () and path.is_file()
    (waiting,) = look.waiting
    assert waiting.proposal is not None
    assert (waiting.proposal.number, waiting.proposal.group) == (NUMBER, MEDIA)
