"""The report tells everything in two languages, shows nothing but what was sealed, and fits."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from itertools import chain
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
import typst
import zxingcpp
from PIL import Image

from storage.archive import Archive
from storage.errors import ReportTooLarge
from storage.evidence.contents import Contents, contents_of
from storage.evidence.events import What
from storage.evidence.kit.redact import Box
from storage.evidence.report.glyphs import FAMILIES, drawn, font_folder, shown
from storage.evidence.report.pictures import Fault
from storage.evidence.report.report import Layout, report
from storage.evidence.report.words import Language
from storage.evidence.stated import Stated
from storage.later import Change, EvidenceGroup, Role
from storage.records import Clip, EndReason, LabelCheck, Session, Shot, Status, Waybill
from tests.storage.arrivals import ANN, EML, picture
from tests.storage.desk import NUMBER, Desk
from tests.storage.everything import fill

DIGEST = "9c" * 32
ROOT = "0123456789abcdef" * 4
STRANGER = "1Z999AA10123456795"
HOSTILE = "<b>#panic()</b> $x$ \\ *a* _b_ @c `d` \u202egpj.exe \x00\x1b[31m \U0001f600 " + "z" * 400


def told(contents: Contents) -> Stated:
    return Stated("", DIGEST, contents.as_of, "Seller GmbH", ROOT)


def made(
    archive: Archive,
    *sessions: Session,
    layout: Layout | None = None,
    language: Language = "both",
) -> bytes:
    contents = contents_of(archive, sessions)
    return report(archive.root, contents, told(contents), layout or Layout(), language)


def text_of(pdf: bytes) -> str:
    """All text of a PDF, without what only breaks lines."""
    with pypdfium2.PdfDocument(pdf) as document:
        found = " ".join(page.get_textpage().get_text_range() for page in document)
    return re.sub(r"\s+", " ", found.replace("\u200b", ""))


def squeezed(text: str) -> str:
    """A text without what a line break may have added or taken."""
    return re.sub(r"[\s\u200b\ufffe-]+", "", text)


def pages_of(pdf: bytes, scale: float = 2.0) -> list[Image.Image]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=scale).to_pil().convert("RGB") for page in document]


def images_in(pdf: bytes) -> Iterator[Image.Image]:
    """Every picture that a PDF holds."""
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            for each in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]):
                yield each.get_bitmap().to_pil().convert("RGB")


def blue(image: Image.Image) -> bool:
    """True where the desk's parcel is seen, which is blue."""
    pixels = np.asarray(image)
    return bool(((pixels[:, :, 2] > 150) & (pixels[:, :, 0] < 100)).any())


@pytest.fixture
def packed(desk: Desk) -> Session:
    return desk.pack()


# ---------------------------------------------------------------------------- what it tells


def test_the_cover_has_the_facts_an_adjuster_asks_for(desk: Desk, packed: Session) -> None:
    text = text_of(made(desk.archive, packed))
    for fact in (NUMBER, "UPS", "Ann", "bench 1", "2026-11-22 12:00:01 – 12:00:05 UTC"):
        assert fact in text
    for english, chinese in (
        ("Complete: 2 of 2", "完整：2/2"),
        ("Matches the tracking number", "与运单号一致"),
        ("No gap in 2.0 s, cameras: 1", "无中断，相机：1"),
        ("Sealed 12:00:05 UTC", "已封存"),
    ):
        assert english in text
        assert chinese in text


def test_number_and_digest_are_read_from_the_printed_cover(desk: Desk, packed: Session) -> None:
    cover = pages_of(made(desk.archive, packed), scale=3)[0]
    read = {found.format.name: found.text for found in zxingcpp.read_barcodes(cover)}
    assert read.get("Code128") == NUMBER
    qr = next(text for name, text in read.items() if name.startswith("QR"))
    assert qr.split("\n") == ["manifest.json SHA-256", DIGEST, "root certificate SHA-256", ROOT]


def test_digest_fingerprint_and_site_stand_there_in_letters(desk: Desk, packed: Session) -> None:
    text = text_of(made(desk.archive, packed))
    assert DIGEST in text
    assert "Seller GmbH" in text
    assert " ".join(["0123 4567 89AB CDEF"] * 4) in text


def test_every_file_stands_there_with_its_hash(desk: Desk, packed: Session) -> None:
    text = text_of(made(desk.archive, packed))
    for item in contents_of(desk.archive, [packed]).payload:
        assert item.name in text
        assert item.sha256 in text
    assert f"{packed.clips[0].size_bytes:,}" in text


def test_the_timeline_says_when_and_where_in_the_video(desk: Desk, packed: Session) -> None:
    text = text_of(made(desk.archive, packed))
    assert "12:00:03.000 Photo: Item 拍照：商品 overhead-01.mp4 0:01.0" in text
    assert "12:00:05.000 Sealed 封存" in text


def test_what_is_not_good_is_said_on_the_cover(desk: Desk) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.shot(session, folder, "label", check=LabelCheck.MISMATCH, read=STRANGER)
    desk.gap(session)
    bad = desk.seal(session, Status.INTERRUPTED, EndReason.RECOVERY, "power cut")
    pdf = made(desk.archive, bad)
    with pypdfium2.PdfDocument(pdf) as document:
        cover = " ".join(document[0].get_textpage().get_text_range().split())
    for fact in (
        "INTERRUPTED",
        "Missing: Item",
        f"Does NOT match: shows {STRANGER}",
        "GAPS: 1, 2.0 s",
    ):
        assert fact in cover
    text = text_of(pdf)
    assert "side 12:00:03.000 12:00:05.000 2.0 s no frame for 2.0 s" in text
    assert "closed at the next start after a crash" in text
    assert "power cut" in text


def test_a_recording_without_anything_says_so(desk: Desk) -> None:
    session, _ = desk.open()
    empty = desk.seal(session, Status.CANCELLED, EndReason.CANCEL)
    text = text_of(made(desk.archive, empty))
    for fact in (
        "CANCELLED",
        "Missing: Item, Label",
        "No photo of the label",
        "There is no video.",
    ):
        assert fact in text
    assert "None: no camera" not in text


def test_corrections_stand_beside_what_was_sealed(desk: Desk, packed: Session) -> None:
    desk.archive.rebind(ANN, packed.id, Waybill(STRANGER, STRANGER, "UPS"), "printed late").result()
    desk.archive.note(ANN, packed.id, "the customer called").result()
    test = desk.archive.mark_test(ANN, packed.id, "a try").result()
    text = text_of(made(desk.archive, packed))
    assert f"{NUMBER} → {STRANGER}" in text
    assert "printed late" in text
    assert "the customer called" in text
    assert "Marked as a test recording:" in text
    desk.archive.undo(ANN, test.id, "no").result()
    text = text_of(made(desk.archive, packed))
    assert "Marked as a test recording:" not in text
    assert "(taken back later)" in text


def test_documents_are_told_and_pictured(desk: Desk, packed: Session, tmp_path: Path) -> None:
    for name, content, group in (
        ("invoice.pdf", picture("PDF"), EvidenceGroup.PROOF_OF_VALUE),
        ("mail.eml", EML, EvidenceGroup.CORRESPONDENCE),
    ):
        (tmp_path / name).write_bytes(content)
        desk.archive.file_document(ANN, tmp_path / name, NUMBER, group).result()
    pdf = made(desk.archive, packed)
    text = text_of(pdf)
    for fact in ("2 (proof of value, correspondence)", "invoice.pdf", "mail.eml", "no picture"):
        assert fact in text
    red = [image for image in images_in(pdf) if np.asarray(image)[:, :, 1].max() < 30]
    assert len(red) == 1


def test_what_the_cameras_could_see_is_told(desk: Desk) -> None:
    desk.check()
    text = text_of(made(desk.archive, desk.pack()))
    for fact in ("0.25 mm", "-12 ms", "good 良好", "gives no picture: plug it in"):
        assert fact in text


def test_one_of_everything_is_told(root: Path, tmp_path: Path) -> None:
    sessions = fill(root, tmp_path)
    with Archive.open(root, clock=lambda: dt.datetime(2027, 7, 1, tzinfo=dt.UTC)) as archive:
        text = text_of(made(archive, *sessions))
    for fact in (
        "Photos and video deleted by policy:",
        "in the subtitles",
        "a corner was dented",
        "held: must not be deleted",
    ):
        assert fact in text
    assert "Missing in the archive:" not in text
    for session in sessions:
        assert session.id in text


@pytest.mark.parametrize(
    ("language", "there", "absent"),
    [("en", "How to verify", "[\u4e00-\u9fff]"), ("zh", "如何核验", "Tracking|Sealed|Photo")],
)
def test_it_can_speak_one_language(
    desk: Desk, packed: Session, language: Language, there: str, absent: str
) -> None:
    text = text_of(made(desk.archive, packed, language=language))
    assert there in text
    assert NUMBER in text
    assert re.search(absent, text) is None


def test_everything_that_can_be_said_has_its_words() -> None:
    read = resources.files("storage.evidence.report").joinpath("words.toml").read_text("utf-8")
    words = tomllib.loads(read)
    for key, each in words.items():
        assert set(each) == {"en", "zh"}
        english, chinese = (set(re.findall(r"{(\w+)}", each[it])) for it in ("en", "zh"))
        assert english == chinese, key
    wanted = chain(
        (f"status_{each}" for each in Status),
        (f"end_{each}" for each in EndReason),
        (f"{each}" for each in LabelCheck),
        (f"label_{each}" for each in LabelCheck),
        (f"change_{each}" for each in Change),
        (f"role_{each}" for each in Role),
        (f"group_{each}" for each in EvidenceGroup),
        (f"fault_{each}" for each in Fault),
        (f"event_{each}" for each in What if each not in (What.ENDED,)),
        (f"event_{each}" for each in Status if each is not Status.OPEN),
    )
    assert [key for key in wanted if key not in words] == []


# ---------------------------------------------------------------------------- what it shows


def test_it_shows_the_photos_and_what_the_video_saw(desk: Desk, packed: Session) -> None:
    pdf = made(desk.archive, packed)
    text = text_of(pdf)
    assert "Waybill scanned 扫描运单" in text.split("Pictures from camera overhead")[1]
    shown_here = [image for image in images_in(pdf) if blue(image)]
    # Two on the cover, the item, the label, and at least four moments of two seconds.
    assert len(shown_here) >= 8


def media_of(session: Session) -> list[Shot | Clip]:
    return [*session.shots, *session.clips]


def damaged(
    desk: Desk, packed: Session, item: int, content: bytes | None
) -> tuple[str, list[Image.Image]]:
    """The text and pictures of the report after a file of the archive was changed or removed."""
    path = desk.archive.root / media_of(packed)[item].path
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    pdf = made(desk.archive, packed)
    return text_of(pdf), list(images_in(pdf))


def test_a_photo_with_one_changed_bit_is_not_shown(desk: Desk, packed: Session) -> None:
    before = len(list(images_in(made(desk.archive, packed))))
    content = bytearray((desk.archive.root / packed.shots[1].path).read_bytes())
    content[-40] ^= 1
    text, images = damaged(desk, packed, 1, bytes(content))
    assert "Not as it was sealed, and therefore not shown:" in text
    assert f"{packed.id}/label-02.jpg" in text
    assert len(images) == before - 2  # nor on the cover


@pytest.mark.parametrize(
    ("item", "content", "said"),
    [
        (0, None, "Missing in the archive:"),
        (0, b"short", "Not as it was sealed, and therefore not shown:"),
        (2, None, "Missing in the archive:"),
        (2, b"short", "Not as it was sealed, and therefore not shown:"),
    ],
)
def test_damaged_media_are_told_and_stop_nothing(
    desk: Desk, packed: Session, item: int, content: bytes | None, said: str
) -> None:
    text, _ = damaged(desk, packed, item, content)
    name = media_of(packed)[item].path.rpartition("/")[2]
    assert f"{said} " in text
    assert f"{packed.id}/{name}" in text


def test_a_clip_that_cannot_be_decoded_is_told(desk: Desk, packed: Session) -> None:
    size = packed.clips[0].size_bytes
    text, images = damaged(desk, packed, 2, b"\x5a" * size)
    assert "Cannot be read, in whole or in part:" in text
    assert "overhead-01.mp4: This file cannot be read" in text
    assert "Pictures from camera" not in text
    assert images  # the photos


def test_a_link_is_not_followed(desk: Desk, packed: Session, tmp_path: Path) -> None:
    path = desk.archive.root / packed.shots[0].path
    (tmp_path / "elsewhere.jpg").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere.jpg")
    assert "Missing in the archive:" in text_of(made(desk.archive, packed))


# ---------------------------------------------------------------------------- hostile texts


def test_outside_text_is_data_and_harmless(desk: Desk, tmp_path: Path) -> None:
    session, folder = desk.open()
    desk.note(session, HOSTILE)
    desk.shot(session, folder, "label")
    sealed = desk.seal(session, Status.CANCELLED, EndReason.CANCEL, HOSTILE)
    desk.archive.note(ANN, sealed.id, HOSTILE).result()
    (tmp_path / "a.eml").write_bytes(EML)
    document = desk.archive.file_document(
        ANN, tmp_path / "a.eml", NUMBER, EvidenceGroup.CORRESPONDENCE
    ).result()
    contents = contents_of(desk.archive, [sealed])
    waybill = replace(sealed.waybill, raw=HOSTILE)
    names = ("../../etc/passwd", "CON", "x" * 300, "发票\u202e.pdf", "a\nb\x00c")
    contents = replace(
        contents,
        sessions=[replace(sealed, bench=HOSTILE, packer=HOSTILE, waybill=waybill)],
        documents=[replace(document, name=name) for name in names],
        orders={NUMBER: [HOSTILE]},
    )  # fmt: skip
    pdf = report(desk.archive.root, contents, told(contents))
    text = squeezed(text_of(pdf))
    literal = squeezed(shown(HOSTILE))
    assert "#panic()" in literal
    assert "\\u{202E}gpj.exe\\u{0}\\u{1B}[31m\\u{1F600}" in literal
    assert text.count(literal) >= 5
    for name in names:
        assert squeezed(shown(name)) in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("slot", ["other", "{slot}", "slot_item", "破损", "=1+1", "a\x00b"])
def test_a_slot_may_be_called_anything(desk: Desk, packed: Session, slot: str) -> None:
    shots = tuple(replace(shot, slot=slot) for shot in packed.shots)
    contents = contents_of(desk.archive, [packed])
    contents = replace(
        contents, sessions=[replace(packed, shots=shots, required_slots=(slot, "x"))]
    )
    text = text_of(report(desk.archive.root, contents, told(contents)))
    assert f"Photo: {shown(slot)} 拍照：{shown(slot)}" in text
    assert f"{shown(slot)} (taken again later)" in text


@pytest.mark.parametrize("number", ["9" * 500, "运单\u202e号", "1Z 999", "\x1b[2J", "1,2", "…"])
def test_a_strange_number_is_shown_and_never_encoded(
    desk: Desk, packed: Session, number: str
) -> None:
    contents = contents_of(desk.archive, [packed])
    contents = replace(contents, numbers={packed.id: number})
    pdf = report(desk.archive.root, contents, told(contents))
    assert squeezed(shown(number, 200)) in squeezed(text_of(pdf))
    found = zxingcpp.read_barcodes(pages_of(pdf)[0])
    assert [each.text for each in found if each.format.name == "Code128"] == []


def test_whatever_is_shown_can_be_typeset() -> None:
    codes = [code for code in sorted(drawn()) if code < 0x3000 or code % 9 == 0]
    text = shown("".join(map(chr, codes)), longest=1_000_000)
    made = typst.compile(
        b"#set document(title: [x], date: datetime(year: 2026, month: 1, day: 1))\n"
        b"#set text(font: json(bytes(sys.inputs.fonts)), fallback: false)\n#sys.inputs.text",
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[font_folder()]),
        format="pdf",
        pdf_standards=["a-2a", "ua-1"],
        sys_inputs={"text": text, "fonts": json.dumps(FAMILIES)},
    )
    assert made


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("Łódź ěšč ığş Ưỡữợ Ёж άλφα 中文，。", "Łódź ěšč ığş Ưỡữợ Ёж άλφα 中文，。"),
        ("e\u0301", "é"),
        ("Z\u0300\u0301", "Z\\u{300}\\u{301}"),
        ("ภ한\U0001f600", "\\u{E20}\\u{D55C}\\u{1F600}"),
        ("\u200b\u00ad\u2028\ud800", "\\u{200B}\\u{AD}\\u{2028}\\u{D800}"),
    ],
)
def test_only_what_the_fonts_have_is_drawn(given: str, wanted: str) -> None:
    assert shown(given) == wanted


# ---------------------------------------------------------------------------- how it is made


def test_the_same_contents_give_the_same_bytes(desk: Desk, packed: Session) -> None:
    first = made(desk.archive, packed)
    assert made(desk.archive, packed) == first
    with pypdfium2.PdfDocument(first) as document:
        created = document.get_metadata_dict()["CreationDate"]
    as_of = contents_of(desk.archive, [packed]).as_of
    assert created.startswith(f"D:{as_of:%Y%m%d%H%M%S}")


def test_it_is_made_to_be_kept_and_to_be_read_aloud(desk: Desk, packed: Session) -> None:
    pdf = made(desk.archive, packed)
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf


# ---------------------------------------------------------------------------- limits


def facts_in(pdf: bytes) -> set[str]:
    """What a small report must still say: hashes, moments, numbers."""
    return set(re.findall(r"[0-9a-f]{64}|\d\d:\d\d:\d\d\.\d{3}|1Z[0-9A-Z]{16}", text_of(pdf)))


def with_a_large_photo(desk: Desk, pass_no: int) -> Session:
    """A parcel whose photo takes some room on paper, too."""
    session, folder = desk.open(pass_no=pass_no)
    desk.clip(session, folder)
    desk.shot(session, folder, "label", 2)
    grain = np.random.default_rng(pass_no).integers(0, 255, (300, 400, 3), np.uint8)
    path = folder / "item-01.jpg"
    Image.fromarray(grain).resize((1600, 1200)).save(path)
    content = path.read_bytes()
    shot = Shot(
        "item", desk.archive.relative(path), "overhead", desk.tick(), None, 1600, 1200,
        len(content), hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    desk.archive.add_shot(session, shot).result()
    return desk.seal(session)


def test_a_limited_report_says_the_same_with_fewer_and_smaller_pictures(desk: Desk) -> None:
    sessions = [with_a_large_photo(desk, count) for count in (1, 2, 3)]
    whole = made(desk.archive, *sessions)
    with pypdfium2.PdfDocument(whole) as document:
        pages = len(document)
    for layout in (
        Layout(pages=pages - 2),
        Layout(bytes=len(whole) // 2),
        Layout(pages=pages - 2, bytes=len(whole) // 2, black_and_white=True),
    ):
        small = made(desk.archive, *sessions, layout=layout)
        assert len(small) <= (layout.bytes or len(small))
        assert len(pages_of(small, 0.1)) <= (layout.pages or pages)
        assert facts_in(small) == facts_in(whole)


def test_what_cannot_fit_is_said_with_what_does(desk: Desk, packed: Session) -> None:
    with pytest.raises(ReportTooLarge, match=r"does not fit 1 pages and 0\.02 MB") as refused:
        made(desk.archive, packed, layout=Layout(pages=1, bytes=20_000))
    nearest = Layout(pages=refused.value.pages, bytes=refused.value.bytes)
    assert made(desk.archive, packed, layout=nearest)


def test_black_and_white_has_no_colour_and_no_grey(desk: Desk, packed: Session) -> None:
    pdf = made(desk.archive, packed, layout=Layout(black_and_white=True))
    for image in images_in(pdf):
        assert {colour for _, colour in image.getcolors() or ()} <= {(0, 0, 0), (255, 255, 255)}
    for page in pages_of(pdf, 1.0):
        grey = page.convert("L").convert("RGB")
        assert page.tobytes() == grey.tobytes()


# ---------------------------------------------------------------------------- redaction


def test_what_is_covered_is_nowhere_in_the_file(desk: Desk, packed: Session) -> None:
    whole = made(desk.archive, packed)
    covered = made(desk.archive, packed, layout=Layout(redactions=[Box("overhead", 0, 0, 1, 1)]))
    assert any(blue(image) for image in images_in(whole))
    assert not any(blue(image) for image in images_in(covered))
    assert text_of(covered).count("REDACTED COPY") == len(pages_of(covered, 0.1))
    assert "REDACTED COPY" not in text_of(whole)


def test_a_box_covers_its_target_only(desk: Desk, packed: Session) -> None:
    layout = Layout(redactions=[Box("label", 0, 0, 1, 0.9)])
    whole = sum(blue(image) for image in images_in(made(desk.archive, packed)))
    left = sum(blue(image) for image in images_in(made(desk.archive, packed, layout=layout)))
    assert left == whole - 2  # on the cover, and at the label check
