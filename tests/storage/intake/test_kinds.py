"""A file is what its first bytes say, under an ending from this program's list."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import files
from storage.intake.kinds import kind_of


def boxed(*brands: bytes) -> bytes:
    content = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(content) + 4).to_bytes(4, "big") + content


@pytest.mark.parametrize(
    ("head", "name", "media_type", "ending"),
    [
        (b"\xff\xd8\xff\xe0", "x.exe", "image/jpeg", "jpg"),
        (boxed(b"heic", b"mif1"), "x.jpg", "image/heic", "heic"),
        (boxed(b"mif1", b"heic"), "x", "image/heic", "heic"),
        (boxed(b"mif1", b"avif"), "x", "image/avif", "avif"),
        (boxed(b"mif1"), "x", "image/heif", "heif"),
        (boxed(b"isom", b"avc1"), "x.heic", "video/mp4", "mp4"),
        (boxed(b"qt  "), "x.mp4", "video/quicktime", "mov"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "x", "image/webp", "webp"),
        (b"RIFF\0\0\0\0????", "x.webp", "application/octet-stream", "bin"),
        (b"PK\x03\x04rest", "x.docx",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        (b"PK\x03\x04rest", "x.jar", "application/zip", "zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Re: x.msg", "application/vnd.ms-outlook", "msg"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.exe", "application/x-ole-storage", "ole"),
        (b"X-Spam: no\r\n folded\r\nReceived: by x\r\n\r\n", "x", "message/rfc822", "eml"),
        (b"<!DOCTYPE HTML><p>", "x.txt", "text/html", "html"),
        (b"a;b\n1;2\n", "x.CSV", "text/csv", "csv"),
        (b"hello", "x.sh", "text/plain", "txt"),
        (b"MZ\x90\0", "x.pdf", "application/octet-stream", "bin"),
        (b"", "x.pdf", "application/octet-stream", "bin"),
    ],
)  # fmt: skip
def test_the_first_bytes_tell(head: bytes, name: str, media_type: str, ending: str) -> None:
    found = kind_of(head, name)
    assert (found.media_type, found.ending) == (media_type, ending)


@given(st.binary(max_size=5_000), st.text(max_size=50))
def test_no_content_and_no_name_gives_another_ending(head: bytes, name: str) -> None:
    ending = kind_of(head, name).ending
    assert re.fullmatch(r"[a-z0-9]{2,5}", ending)
    assert ending not in ("json", "sig", "part")
    assert files.plain_name(f"document.{ending}")
