"""What a picture's file says of itself before anybody unpacks it: kind, size, transparency.

Stands before `capture.picture`, so that a file of a few bytes that claims to hold gigabytes of
pixels is refused unopened. Trusts nothing that it reads and decodes nothing. Byte layouts are those
of the formats' own specifications: ISO 10918-1, PNG (ISO 15948), GIF89a, TIFF 6.0, RFC 9649.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


class HeaderError(Exception):
    """A file that is no picture, or none of ours. The message says what it is and what to do."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file claims. `see_through`: it may have transparent pixels."""

    kind: str
    width: int
    height: int
    see_through: bool = False


_BEGINNING: Final = 4096
"""Bytes in which a file tells what it is."""
_ORIENTATION: Final = 0x112
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_COLOURS, _TIFF_SAMPLES, _TIFF_EXTRA = 256, 257, 262, 277, 338
_TIFF_CMYK: Final = 5
_NO_PICTURE: Final = "is no picture that can be read here; save it as JPEG or PNG"
_CUT_SHORT: Final = "is cut short; copy it again from where it came"


def header_of(data: bytes) -> Header:
    """What the file whose bytes are `data` claims to be. Raises HeaderError."""
    if not data:
        raise HeaderError("is empty; copy it again from where it came")
    try:
        for begins, parse in _KINDS:
            if begins.match(data):
                header = parse(data)
                break
        else:
            raise HeaderError(_what_else(data))
    except (struct.error, IndexError, OverflowError):
        raise HeaderError(_CUT_SHORT) from None
    if header.width <= 0 or header.height <= 0:
        raise HeaderError("is damaged: it holds no pixels; copy it again from where it came")
    return header


def exif_orientation(exif: bytes) -> int:
    """How the pixels must be turned to be upright, 1 (not at all) to 8. 1 for what is no EXIF."""
    try:
        orientation = _first_directory(exif.removeprefix(b"Exif\0\0")).get(_ORIENTATION, 1)
    except (struct.error, IndexError, OverflowError):
        return 1
    return orientation if 1 <= orientation <= 8 else 1


# ---------------------------------------------------------------------------- the kinds


def _jpeg(data: bytes) -> Header:
    at = 2
    while True:
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 4)
            return Header("JPEG", width, height)
        alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
        at += 1 if alone else 1 + struct.unpack_from(">H", data, at + 1)[0]
        if data[at] != 0xFF:
            raise HeaderError("is damaged; copy it again from where it came")


def _png(data: bytes) -> Header:
    width, height, _, colours = struct.unpack_from(">IIBB", data, 16)
    at, see_through = 8, colours in (4, 6)
    while not see_through:  # a palette's transparency stands before its pixels
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            break
        see_through = name == b"tRNS"
        at += 12 + length
    return Header("PNG", width, height, see_through)


def _gif(data: bytes) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    return Header("GIF", width, height, see_through=True)


def _bmp(data: bytes) -> Header:
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    if header_bytes == 12:
        return Header("BMP", *struct.unpack_from("<HH", data, 18))
    width, height, _, depth, coding = struct.unpack_from("<iiHHI", data, 18)
    # Only a BITFIELDS header of 56 bytes and more can tell where its alpha is.
    return Header("BMP", width, abs(height), depth == 32 and coding == 3 and header_bytes >= 56)


def _webp(data: bytes) -> Header:
    match data[12:16]:
        case b"VP8X":
            flags = data[20]
            width = 1 + int.from_bytes(data[24:27], "little")
            height = 1 + struct.unpack("<I", data[27:30] + b"\0")[0]
            return Header("WebP", width, height, bool(flags & 0x10))
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
            return Header("WebP", width, height, bool(bits >> 28 & 1))
        case _:
            width, height = struct.unpack_from("<HH", data, 26)
            return Header("WebP", width & 0x3FFF, height & 0x3FFF)


def _tiff(data: bytes) -> Header:
    tags = _first_directory(data)
    width, height = tags.get(_TIFF_WIDTH, 0), tags.get(_TIFF_HEIGHT, 0)
    # Some programs, OpenCV among them, add alpha without saying what the extra sample is.
    even = tags.get(_TIFF_SAMPLES, 1) in (2, 4) and tags.get(_TIFF_COLOURS) != _TIFF_CMYK
    return Header("TIFF", width, height, even or _TIFF_EXTRA in tags)


def _first_directory(data: bytes) -> dict[int, int]:
    """The tags of the first directory of a TIFF or an EXIF block, those that hold one integer."""
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    big = version == 43
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at += 8 if big else 2
    tags = {}
    for entry in range(at, at + min(count, 4096) * (20 if big else 12), 20 if big else 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        value_at = entry + (12 if big else 8)
        form = {3: "H", 4: "I", 16: "Q"}.get(kind, "H")
        (tags[tag],) = struct.unpack_from(order + form, data, value_at)
    return tags


def _jpeg_2000(data: bytes) -> Header:
    at = data.find(b"\xff\x4f\xff\x51")  # the codestream's first two markers
    right, bottom, left, top = struct.unpack_from(">IIII", data, max(at, 0) + 8)
    return Header("JPEG 2000", right - left, bottom - top)


def _avif(data: bytes) -> Header:
    sizes = [
        struct.unpack_from(">II", data, found.end() + 4)
        for found in re.finditer(b"ispe", data[: 16 * _BEGINNING])
    ]
    # A thumbnail has a size of its own: the largest is the picture's.
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return Header("AVIF", width, height, b"auxiliary:alpha" in data[: 16 * _BEGINNING])


def _pnm(data: bytes) -> Header:
    between = rb"(?:\s|#[^\n]*\n)+"
    found = re.match(
        rb"P[1-6]" + between + rb"(\d{1,9})" + between + rb"(\d{1,9})", data[:_BEGINNING]
    )
    return Header("PNM", int(found[1]), int(found[2])) if found else Header("PNM", 0, 0)


_KINDS: Final[tuple[tuple[re.Pattern[bytes], Callable[[bytes], Header]], ...]] = (
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), _tiff),
    (re.compile(rb"BM"), _bmp),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), _avif),
    (re.compile(rb"\xff\x4f\xff\x51|....jP  \r\n\x87\n", re.DOTALL), _jpeg_2000),
    (re.compile(rb"P[1-6][\s#]"), _pnm),
)

_OTHERS: Final = (
    (
        re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL),
        "is a HEIC photo, which cannot be read here; save it as JPEG",
    ),
    (re.compile(rb"%PDF-"), "is a PDF, not a picture; save its page as PNG"),
    (
        re.compile(rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI |OggS|\0\0\x01[\xb3\xba]", re.DOTALL),
        "is a video, not a picture; read it with --live",
    ),
)


def _what_else(data: bytes) -> str:
    for begins, what in _OTHERS:
        if begins.match(data):
            return what
    return _NO_PICTURE
