"""Image files that no library here writes: made byte by byte, as the formats' standards say."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

Picture = npt.NDArray[Any]
NUMBER = "1Z999AA10123456784"


def label(
    content: str | bytes = NUMBER, symbology: str = "Code128", scale: int = 3, **options: Any
) -> Picture:
    """A code with white around it, upright, at 60, 60."""
    kind = getattr(zxingcpp.BarcodeFormat, symbology)
    code = zxingcpp.create_barcode(content, kind, **options)
    drawn = np.array(zxingcpp.write_barcode_to_image(code, scale=scale))
    return cv2.copyMakeBorder(drawn, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=(255,))


def exif(orientation: int) -> bytes:
    """A block that says nothing but how to turn the picture."""
    return struct.pack(">2sHIHHHIHxxI", b"MM", 42, 8, 1, 0x112, 3, 1, orientation, 0)


def with_exif(coded: bytes, orientation: int) -> bytes:
    """A JPEG or PNG file with an EXIF block put in."""
    block = exif(orientation)
    if coded.startswith(b"\x89PNG"):
        return coded[:33] + chunk(b"eXIf", block) + coded[33:]
    block = b"Exif\0\0" + block
    return coded[:2] + struct.pack(">HH", 0xFFE1, 2 + len(block)) + block + coded[2:]


def chunk(name: bytes, content: bytes) -> bytes:
    """Of a PNG file."""
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def png(width: int, height: int, colours: int, *chunks: bytes, depth: int = 8) -> bytes:
    """A PNG file of these chunks after its header. `colours`: 0 grey, 3 palette, ..."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", header), *chunks, chunk(b"IEND", b"")])


def palette_png(grey: Picture) -> bytes:
    """Black where `grey` is dark; the rest is a black that is transparent."""
    height, width = grey.shape
    indices = np.where(grey < 128, 0, 1).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in indices)
    return png(
        width, height, 3,
        chunk(b"PLTE", bytes(6)),
        chunk(b"tRNS", b"\xff\x00"),
        chunk(b"IDAT", zlib.compress(rows)),
    )  # fmt: skip


def bomb_png(side: int = 60_000) -> bytes:
    """A tiny file that claims `side` x `side` pixels."""
    return png(side, side, 0, chunk(b"IDAT", zlib.compress(bytes(1000))))


def tiny_webp(width: int) -> bytes:
    """A lossless WebP file of one black row (RFC 9649): no transforms, five codes of one symbol."""
    bits = int("".join(reversed("000" + 5 * "1000")), 2)
    content = b"\x2f" + struct.pack("<I", width - 1) + bits.to_bytes(3, "little")
    body = b"WEBPVP8L" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


def cmyk_jpeg(grey: Picture) -> bytes:
    """A baseline JPEG of four colours as Adobe writes it, `grey` printed with black ink alone.

    Each block of 8x8 pixels has one level, that of its upper left pixel.
    """
    rows, columns = grey.shape[0] // 8, grey.shape[1] // 8
    no_ink = np.full((rows, columns), 255, np.uint8)
    planes = [no_ink, no_ink, no_ink, grey[: rows * 8 : 8, : columns * 8 : 8]]
    bits = []
    before = [0, 0, 0, 0]
    for row in range(rows):
        for column in range(columns):
            for at, plane in enumerate(planes):
                level = int(plane[row, column]) - 128  # the only coefficient, quantised by 8
                bits.append(_difference(level - before[at]) + "0")  # and the end of the block
                before[at] = level
    coded = "".join(bits)
    coded += "1" * (-len(coded) % 8)
    data = int(coded, 2).to_bytes(len(coded) // 8, "big").replace(b"\xff", b"\xff\x00")
    size = struct.pack(">BHHB", 8, rows * 8, columns * 8, 4)
    parts = b"".join(bytes((number, 0x11, 0)) for number in range(1, 5))
    scan = bytes((4,)) + b"".join(bytes((number, 0)) for number in range(1, 5)) + b"\x00\x3f\x00"
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)),
            _segment(0xDB, b"\0" + bytes([8] * 64)),
            _segment(0xC0, size + parts),
            _segment(0xC4, b"\x00" + bytes(_DC_LENGTHS) + bytes(range(12))),
            _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0"),
            _segment(0xDA, scan),
            data,
            b"\xff\xd9",
        )
    )


_DC_LENGTHS = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
"""How many codes have so many bits: the standard's own table (ISO 10918-1, K.3)."""


def _difference(value: int) -> str:
    """A difference of levels as its Huffman code and bits."""
    size = abs(value).bit_length()
    code, coded = 0, []
    for length, count in enumerate(_DC_LENGTHS, start=1):
        for _ in range(count):
            coded.append(f"{code:0{length}b}")
            code += 1
        code <<= 1
    low = value if value >= 0 else value + (1 << size) - 1
    return coded[size] + (f"{low:0{size}b}" if size else "")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content
