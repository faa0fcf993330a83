"""What a file is, by its first bytes: its media type, and the ending that it is kept under.

Names lie, so a name decides only between kinds that begin alike. The endings are a list of this
program's: nothing that comes from outside becomes part of a path. Opens no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 4096
"""How much of a file is looked at."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """A media type, and the ending, without a dot, of a file of it."""

    media_type: str
    ending: str


PDF: Final = FileKind("application/pdf", "pdf")
EML: Final = FileKind("message/rfc822", "eml")
TEXT: Final = FileKind("text/plain", "txt")
BINARY: Final = FileKind("application/octet-stream", "bin")
ZIP: Final = FileKind("application/zip", "zip")
OLE: Final = FileKind("application/x-ole-storage", "ole")
MP4: Final = FileKind("video/mp4", "mp4")

_STARTS: Final = (
    (b"\xff\xd8\xff", FileKind("image/jpeg", "jpg")),
    (b"\x89PNG\r\n\x1a\n", FileKind("image/png", "png")),
    (b"GIF87a", FileKind("image/gif", "gif")),
    (b"GIF89a", FileKind("image/gif", "gif")),
    (b"II*\0", FileKind("image/tiff", "tif")),
    (b"MM\0*", FileKind("image/tiff", "tif")),
    (b"%PDF-", PDF),
    (b"\x1a\x45\xdf\xa3", FileKind("video/x-matroska", "mkv")),
    (b"\0\0\x01\xba", FileKind("video/mpeg", "mpg")),
    (b"{\\rtf", FileKind("application/rtf", "rtf")),
    (b"Rar!\x1a\x07", FileKind("application/vnd.rar", "rar")),
    (b"7z\xbc\xaf\x27\x1c", FileKind("application/x-7z-compressed", "7z")),
    (b"\x1f\x8b\x08", FileKind("application/gzip", "gz")),
    (b"ID3", FileKind("audio/mpeg", "mp3")),
    (b"OggS", FileKind("audio/ogg", "ogg")),
    (b"#!AMR", FileKind("audio/amr", "amr")),
)
_RIFF: Final = {
    b"WEBP": FileKind("image/webp", "webp"),
    b"AVI ": FileKind("video/x-msvideo", "avi"),
    b"WAVE": FileKind("audio/wav", "wav"),
}
_BRANDS: Final = {
    b"heic": FileKind("image/heic", "heic"),
    b"heix": FileKind("image/heic", "heic"),
    b"hevc": FileKind("image/heic", "heic"),
    b"heim": FileKind("image/heic", "heic"),
    b"heis": FileKind("image/heic", "heic"),
    b"mif1": FileKind("image/heif", "heif"),
    b"msf1": FileKind("image/heif", "heif"),
    b"avif": FileKind("image/avif", "avif"),
    b"avis": FileKind("image/avif", "avif"),
    b"qt  ": FileKind("video/quicktime", "mov"),
    b"M4A ": FileKind("audio/mp4", "m4a"),
    b"M4B ": FileKind("audio/mp4", "m4a"),
    b"3gp4": FileKind("video/3gpp", "3gp"),
    b"3gp5": FileKind("video/3gpp", "3gp"),
}
_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument."
_IN_ZIP: Final = {
    "xlsx": FileKind(_OPEN_XML + "spreadsheetml.sheet", "xlsx"),
    "docx": FileKind(_OPEN_XML + "wordprocessingml.document", "docx"),
    "pptx": FileKind(_OPEN_XML + "presentationml.presentation", "pptx"),
    "ods": FileKind("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    "odt": FileKind("application/vnd.oasis.opendocument.text", "odt"),
}
_IN_OLE: Final = {
    "xls": FileKind("application/vnd.ms-excel", "xls"),
    "doc": FileKind("application/msword", "doc"),
    "msg": FileKind("application/vnd.ms-outlook", "msg"),
}
_IN_TEXT: Final = {
    "csv": FileKind("text/csv", "csv"),
    "eml": EML,
    "html": FileKind("text/html", "html"),
    "htm": FileKind("text/html", "html"),
    "xml": FileKind("application/xml", "xml"),
}
_MAIL: Final = re.compile(
    rb"(?:[!-9;-~]+:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*)*?"
    rb"(?:received|return-path|delivered-to|message-id|mime-version|from|date|subject):",
    re.IGNORECASE,
)
_WEB: Final = re.compile(rb"\s*(?:<!doctype html|<html)", re.IGNORECASE)


def kind_of(head: bytes, name: str) -> FileKind:
    """The kind of a file that begins with `head` (up to HEAD_BYTES) and is called `name`."""
    head = head[:HEAD_BYTES]
    suffix = name.rpartition(".")[2].lower()
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], BINARY)
    if head[4:8] == b"ftyp":
        return _boxed(head)
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return _BRANDS[b"qt  "]
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _IN_ZIP.get(suffix, ZIP)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _IN_OLE.get(suffix, OLE)
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return FileKind("image/bmp", "bmp")
    return _text(head, suffix)


def _boxed(head: bytes) -> FileKind:
    """By its brand; one that is compatible with many (`mif1`) by the first that says more."""
    end = max(16, min(int.from_bytes(head[:4], "big"), 256))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
    known = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    if brands[0] in _BRANDS:
        telling = [kind for kind in known if kind != _BRANDS[b"mif1"]]
        return (telling or known)[0]
    return MP4


def _text(head: bytes, suffix: str) -> FileKind:
    if not head or b"\0" in head:
        return BINARY
    if _MAIL.match(head):
        return EML
    if _WEB.match(head):
        return _IN_TEXT["html"]
    return _IN_TEXT.get(suffix, TEXT)


def pictured(media_type: str) -> bool:
    """True for what a picture can be made of: photos, videos, PDF."""
    return media_type.startswith(("image/", "video/")) or media_type == PDF.media_type
