"""Documents keep their bytes, are filed once, signed and told, and outlive a crash half-way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from storage import documents, files, keys, ledger, schema
from storage.archive import Archive
from storage.document_filing import alone
from storage.errors import ArchiveNotWritable, NotAllowed, Refused, UnknownDocument
from storage.later import Document, EvidenceGroup, document_from_json, document_to_json
from tests.storage.arrivals import ANN, EML, PAT, heic, picture, workbook
from tests.storage.desk import NUMBER, Desk, video

OTHER = "9400111206206406260787"
MEDIA = EvidenceGroup.MEDIA


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "trace.pdf"
    path.write_bytes(picture("PDF"))
    return path


def filed(desk: Desk, source: Path, number: str = NUMBER) -> Document:
    return desk.archive.file_document(ANN, source, number, MEDIA).result()


def recovered(root: Path) -> list[Document]:
    """What a start takes in below documents/."""
    db = schema.connect(root / schema.DATABASE)
    try:
        with Archive.open(root) as archive:
            return documents.recover(db, root, archive._clock(), archive.signer)
    finally:
        db.close()


def forget(root: Path, document: str) -> None:
    """Put the database back to before the document was filed; its folder stays."""
    db = schema.connect(root / schema.DATABASE)
    for guard in ("documents_delete", "ledger_delete"):
        db.execute(f"DROP TRIGGER IF EXISTS {guard}")
    db.execute("DELETE FROM documents WHERE id = ?", [document])
    db.execute("DELETE FROM ledger WHERE session_id = ?", [document])
    db.execute("DELETE FROM meta WHERE key = ?", [documents.SWEPT])
    for name, sql in schema.guards().items():
        if name in ("documents_delete", "ledger_delete"):
            db.execute(sql)
    db.close()


@pytest.mark.parametrize(
    ("name", "content", "media_type", "ending"),
    [
        ("IMG_1.HEIC", heic(), "image/heic", "heic"),
        ("x.jpg", picture("PDF"), "application/pdf", "pdf"),
        ("mail.eml", EML, "message/rfc822", "eml"),
        ("film.MP4", video(), "video/mp4", "mp4"),
        (
            "list.xlsx",
            workbook(),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "xlsx",
        ),
        ("document.json", b'{"a": 1}', "text/plain", "txt"),
        ("empty", b"", "application/octet-stream", "bin"),
    ],
)
def test_a_document_keeps_its_bytes_and_is_named_by_what_it_is(
    desk: Desk, root: Path, tmp_path: Path, name: str, content: bytes, media_type: str, ending: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    document = filed(desk, source)
    path = root / document.path
    assert path.read_bytes() == content == source.read_bytes()
    assert (document.media_type, path.name) == (media_type, f"document.{ending}")
    assert (document.size_bytes, document.sha256) == (
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    assert sorted(each.name for each in path.parent.iterdir()) == sorted(
        {"document.json", "document.sig", path.name}
    )


def test_its_manifest_is_signed_and_the_ledger_holds_its_hash(
    desk: Desk, root: Path, source: Path
) -> None:
    document = desk.archive.file_document(
        ANN, source, "1z 999aa10123456784", MEDIA, source_name="a/b.pdf", how="folder", way="inbox"
    ).result()
    folder = (root / document.path).parent
    content = (folder / "document.json").read_bytes()
    assert document_from_json(json.loads(content)) == document
    assert (document.number, document.name, document.source, document.how) == (
        NUMBER, "a/b.pdf", "inbox", "folder",
    )  # fmt: skip
    assert keys.holds(desk.archive.signer.public, content, (folder / "document.sig").read_bytes())
    ((_, entry),) = desk.archive.ledger_of(document.id)
    told = ledger.facts(entry)
    assert told["event"] == "document_filed"
    assert told["manifest_sha256"] == hashlib.sha256(content).hexdigest()
    assert (told["by"], told["role"], told["key"]) == ("Ann", "supervisor", desk.archive.signer.id)
    assert desk.archive.documents_of(NUMBER.lower()) == [(document, NUMBER, MEDIA)]
    assert desk.archive.document(document.id) == (document, NUMBER, MEDIA)
    assert desk.archive.document("nothing") is None


def test_the_same_content_is_filed_once_for_each_number(
    desk: Desk, root: Path, source: Path
) -> None:
    first = filed(desk, source)
    assert filed(desk, source) == first
    second = filed(desk, source, OTHER)
    assert second.id != first.id
    assert {path.name for path in root.glob("documents/*/*/*/*")} == {first.id, second.id}
    assert len(desk.archive.documents_of(NUMBER)) == 1
    assert len(desk.archive.ledger_of(first.id)) == 1


def test_a_document_that_is_filed_anew_moves_and_stays_what_it_was(
    desk: Desk, root: Path, source: Path
) -> None:
    first = filed(desk, source)
    bytes_before = (root / first.path).with_name("document.json").read_bytes()
    form = EvidenceGroup.CLAIM_FORM
    said = desk.archive.refile(ANN, first.id, OTHER, form, "wrong parcel").result()
    assert (said.subject, said.number, said.text) == (first.id, OTHER, "wrong parcel")
    assert desk.archive.documents_of(NUMBER) == []
    assert desk.archive.documents_of(OTHER) == [(first, OTHER, form)]
    assert (root / first.path).with_name("document.json").read_bytes() == bytes_before
    # Its content belongs to the other number now, so here it is filed as a new document.
    assert filed(desk, source, OTHER) == first
    assert filed(desk, source).id != first.id
    time.sleep(0.002)
    desk.archive.refile(ANN, first.id, NUMBER, MEDIA, "right after all").result()
    assert [each[0].id for each in desk.archive.documents_of(OTHER)] == []
    with pytest.raises(UnknownDocument):
        desk.archive.refile(ANN, "nothing", OTHER, form, "why").result()
    for number, reason in (("", "why"), (OTHER, " "), ("../x", "why")):
        with pytest.raises(Refused):
            desk.archive.refile(ANN, first.id, number, form, reason).result()
    with pytest.raises(Refused):
        desk.archive.refile(ANN, first.id, NUMBER, MEDIA, "the same").result()


def test_who_may_not_file_files_nothing(desk: Desk, root: Path, source: Path) -> None:
    first = filed(desk, source)
    with pytest.raises(NotAllowed):
        desk.archive.file_document(PAT, source, OTHER, MEDIA).result()
    with pytest.raises(NotAllowed):
        desk.archive.refile(PAT, first.id, OTHER, MEDIA, "why").result()
    with Archive.open(root, read_only=True) as other, pytest.raises(ArchiveNotWritable):
        other.file_document(ANN, source, OTHER, MEDIA).result()
    assert len(list(root.glob("documents/*/*/*/*"))) == 1


@pytest.mark.parametrize("number", ["", "../../etc", "1Z\udc80999", "A" * 51, "=1+1"])
def test_what_is_no_number_gets_no_document(desk: Desk, source: Path, number: str) -> None:
    with pytest.raises(Refused):
        filed(desk, source, number)


def test_only_plain_files_are_followed(desk: Desk, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    link, pipe = tmp_path / "link.pdf", tmp_path / "pipe.pdf"
    link.symlink_to(secret)
    os.mkfifo(pipe)
    for source in (link, pipe, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(Refused):
            filed(desk, source)
    assert list(root.glob("documents/*/*/*/*")) == []


def test_a_file_that_changes_while_it_is_copied_is_not_filed(
    desk: Desk, root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "growing.bin"
    source.write_bytes(bytes(40_000_000))
    done = threading.Event()

    def grow() -> None:
        with source.open("ab") as file:
            while not done.is_set():
                file.write(b"more")
                file.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(Refused, match="still being written"):
            filed(desk, source)
    finally:
        done.set()
        writer.join()
    assert list(root.glob("documents/*/*/*/*")) == []
    assert filed(desk, source).size_bytes == source.stat().st_size


def test_a_hostile_name_is_text_and_no_path(desk: Desk, root: Path, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"hello")
    name = "../\x1b[2J\udc80=1+1" + "n" * 1_000_000 + "tail.exe"
    document = desk.archive.file_document(ANN, source, NUMBER, MEDIA, source_name=name).result()
    assert len(document.name) <= 200
    assert document.name.startswith("../\x1b[2J\\udc80=1+1")
    assert document.name.endswith("tail.exe")
    assert Path(document.path).name == "document.txt"
    assert desk.archive.documents_of(NUMBER) == [(document, NUMBER, MEDIA)]


# ---------------------------------------------------------------------------- repair


def test_a_document_that_lacks_its_last_step_is_taken_in(
    desk: Desk, root: Path, source: Path
) -> None:
    document = filed(desk, source)
    desk.archive.close()
    forget(root, document.id)
    stray = (root / document.path).with_name("stray.txt")
    stray.write_bytes(b"stray")
    assert recovered(root) == [document]
    with Archive.open(root) as archive:
        assert archive.documents_of(NUMBER) == [(document, NUMBER, MEDIA)]
        told = [ledger.facts(entry)["event"] for _, entry in archive.ledger_of(document.id)]
        assert told == ["set_aside", "adopted"]
        assert (root / "lost+found" / document.id / "stray.txt").read_bytes() == b"stray"
        assert archive.file_document(ANN, source, NUMBER, MEDIA).result() == document
    assert recovered(root) == []


def test_a_copy_that_was_not_whole_leaves_nothing(desk: Desk, root: Path, source: Path) -> None:
    document = filed(desk, source)
    desk.archive.close()
    forget(root, document.id)
    folder = (root / document.path).parent
    for path in folder.iterdir():
        path.unlink()
    (folder / "document.pdf.part").write_bytes(b"half")
    assert recovered(root) == []
    assert not folder.exists()
    assert not list((root / "lost+found").glob("*"))


@pytest.mark.parametrize("damage", ["file", "manifest", "signature", "key", "moved", "link"])
def test_what_this_archive_did_not_sign_as_it_is_is_set_aside(
    desk: Desk, root: Path, source: Path, tmp_path: Path, damage: str
) -> None:
    document = filed(desk, source)
    desk.archive.close()
    forget(root, document.id)
    path = root / document.path
    folder = path.parent
    manifest, signature = folder / "document.json", folder / "document.sig"
    told = document_to_json(document)
    if damage == "file":
        path.write_bytes(path.read_bytes()[:-1] + b"X")
    elif damage == "manifest":
        manifest.write_bytes(json.dumps({**told, "tracking_number": OTHER}, indent=1).encode())
    elif damage == "signature":
        signature.unlink()
    elif damage == "key":
        signature.write_bytes(keys.signer_of(tmp_path / "forger").sign(manifest.read_bytes()))
    elif damage == "moved":
        folder.rename(folder.with_name("01KZZZZZZZZZZZZZZZZZZZZZZZ"))
        folder = folder.with_name("01KZZZZZZZZZZZZZZZZZZZZZZZ")
    else:
        real = tmp_path / "real.pdf"
        path.rename(real)
        path.symlink_to(real)
    assert recovered(root) == []
    assert not folder.exists()
    assert (root / "lost+found" / folder.parent.name / folder.name).is_dir()
    with Archive.open(root) as archive:
        assert archive.documents_of(NUMBER) == archive.documents_of(OTHER) == []
        db = schema.connect(root / schema.DATABASE, read_only=True)
        told_of = [ledger.facts(entry)["event"] for entry in ledger.entries(db)]
        db.close()
    assert told_of[-1] == "set_aside"


def test_a_copy_of_its_folder_is_no_document(desk: Desk, root: Path, source: Path) -> None:
    document = filed(desk, source)
    desk.archive.close()
    forget(root, document.id)
    for day in ("2000/01/01", "2999/01/01"):
        shutil.copytree((root / document.path).parent, root / "documents" / day / document.id)
    assert recovered(root) == [document]
    assert (root / document.path).is_file()
    assert [path.parent.name for path in root.glob("documents/*/*/*/*/document.json")] == [
        document.id
    ]


def test_repair_leaves_alone_what_another_program_files(
    desk: Desk, root: Path, source: Path
) -> None:
    document = filed(desk, source)
    desk.archive.close()
    forget(root, document.id)
    with alone(root):
        found: list[list[Document]] = []
        other = threading.Thread(target=lambda: found.append(recovered(root)))
        other.start()
        other.join(20)
    assert found == [[]]
    assert (root / document.path).is_file()
    assert recovered(root) == [document]


def test_an_old_day_is_looked_through_once(desk: Desk, root: Path, source: Path) -> None:
    filed(desk, source)
    desk.archive.close()
    assert recovered(root) == []
    old = root / files.DOCUMENTS / "2020" / "01" / "01" / "stray"
    old.mkdir(parents=True)
    assert recovered(root) == []
    assert old.is_dir()
