"""Thumbnails are made of what has a picture; what breaks a decoder costs nothing but itself."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from storage.intake import pictures, raster, thumbnails
from storage.later import EvidenceGroup
from tests.storage.arrivals import ANN, EML, heic, picture
from tests.storage.desk import NUMBER, Desk, video


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60,000 pixels square."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(
            ">I", zlib.crc32(kind + content)
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def large() -> bytes:
    """A PNG of 121 megapixels, which is whole."""
    made = io.BytesIO()
    Image.new("1", (11_000, 11_000)).save(made, "PNG")
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((f"a.{form}", picture(form)) for form in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")),
        ("a.pdf", picture("PDF")),
        ("a.heic", heic()),
        ("a.avif", picture("AVIF")),
    ],
)
def test_pictures_and_first_pages_have_a_thumbnail(
    desk: Desk, root: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    document = desk.archive.file_document(ANN, source, NUMBER, EvidenceGroup.MEDIA).result()
    thumbnail = thumbnails.of(root, document)
    assert thumbnail == root / "thumbnails" / f"{document.id}.jpg"
    with Image.open(thumbnail) as shown:
        red, green, blue = shown.convert("RGB").getpixel((shown.width // 2, shown.height // 2))  # type: ignore[misc]
        assert red > 200 and green < 60 and blue < 60
        assert max(shown.size) <= thumbnails.EDGE_PX
    source.unlink()
    assert thumbnails.of(root, document) == thumbnail


def test_a_video_shows_its_first_picture_and_a_large_photo_is_made_small(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(video())
    thumbnail = thumbnails.of(tmp_path, film)
    assert thumbnail is not None and Image.open(thumbnail).size == (160, 120)
    large = tmp_path / "large.jpg"
    large.write_bytes(picture("JPEG", (4000, 3000)))
    thumbnail = thumbnails.of(tmp_path, large)
    assert thumbnail is not None and Image.open(thumbnail).size == (512, 384)
    before = thumbnails.of(tmp_path, film)
    os.utime(film, (1, 1))
    assert thumbnails.of(tmp_path, film) not in (None, before)


def test_a_photo_stands_upright(tmp_path: Path) -> None:
    turned = Image.new("RGB", (300, 200), "red")
    exif = turned.getexif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    turned.save(path, exif=exif)
    made = pictures.picture(path, 512, "jpeg")
    assert made is not None and Image.open(io.BytesIO(made)).size == (200, 300)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.eml", EML),
        ("bomb.png", bomb()),
        ("large.png", large()),
        ("torn.jpg", picture("JPEG")[:20]),
        ("torn.pdf", b"%PDF-1.7\n1 0 obj <<"),
        ("torn.mp4", video()[:100]),
        ("torn.heic", heic()[:200]),
        ("script.ps", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        ("noise.jpg", b"\xff\xd8\xff" + os.urandom(5_000)),
    ],
)
def test_what_has_no_picture_has_none_and_harms_nothing(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert thumbnails.of(tmp_path, path) is None
    assert thumbnails.of(tmp_path, path) is None
    assert pictures.picture(path, 512, "grey") is None


def test_a_decoder_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "hanging.py"
    hanging.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(raster, "__file__", str(hanging))
    monkeypatch.setattr(pictures, "TIME_LIMIT_S", 0.5)
    path = tmp_path / "a.jpg"
    path.write_bytes(picture("JPEG"))
    assert pictures.picture(path, 512, "jpeg") is None


def test_links_and_missing_files_have_no_thumbnail(tmp_path: Path) -> None:
    path, link = tmp_path / "a.jpg", tmp_path / "link.jpg"
    path.write_bytes(picture("JPEG"))
    link.symlink_to(path)
    assert thumbnails.of(tmp_path, link) is None
    assert thumbnails.of(tmp_path, tmp_path / "nowhere.jpg") is None
