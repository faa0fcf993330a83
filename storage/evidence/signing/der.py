"""DER, the one way to write ASN.1: just enough of it to write signatures and to read them strictly.

Values are read only as they have to be written (X.690, 8.1 and 10.1): one-byte tags, definite
lengths in the fewest bytes, nothing behind. Knows no certificate and no signature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT = 0x02, 0x03, 0x04, 0x05, 0x06
SEQUENCE, SET = 0x30, 0x31
CONTEXT = 0xA0
"""Constructed and context-specific: `CONTEXT + n` is the tag [n]."""
_HIGH_TAG = 0x1F
_LONG_FORM = 0x80
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its tag's byte, what is in it, and all of its bytes."""

    tag: int
    content: bytes
    encoded: bytes

    def inside(self, count: int | None = None) -> list[Value]:
        """The values that this one consists of, which must be so many. Raises ValueError."""
        found = values(self.content)
        if count is not None and len(found) != count:
            raise ValueError(f"the number of values in a value is {len(found)}, not {count}")
        return found


def tlv(tag: int, *parts: bytes) -> bytes:
    """The value with this tag that consists of `parts`."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_FORM:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + content


def set_of(tag: int, parts: Iterable[bytes]) -> bytes:
    """A SET OF under this tag, in the one order that DER allows."""
    return tlv(tag, *sorted(parts))


def oid(dotted: str) -> bytes:
    """The OBJECT IDENTIFIER of this name, such as `1.2.840.113549.1.7.2`."""
    first, second, *others = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *others):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        content += bytes(reversed(digits))
    return tlv(OBJECT, bytes(content))


def values(data: bytes) -> list[Value]:
    """The values that `data` consists of, one after the other. Raises ValueError."""
    found, at = list[Value](), 0
    while at < len(data):
        start = at
        tag, size, at = _header(data, at)
        end = at + size
        if end > len(data):
            raise ValueError("a value is longer than the bytes that are there")
        found.append(Value(tag, data[at:end], data[start:end]))
        at = end
    return found


def one(data: bytes) -> Value:
    """The only value of `data`. Raises ValueError for more, less or none."""
    found = values(data)
    if len(found) != 1:
        raise ValueError(f"the number of values is {len(found)}, not 1")
    return found[0]


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """A value's tag, the length of its content, and where that begins."""
    if at + 2 > len(data):
        raise ValueError("a value ends before its length")
    tag, size = data[at], data[at + 1]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise ValueError("a tag has more than one byte")
    at += 2
    if size < _LONG_FORM:
        return tag, size, at
    count = size - _LONG_FORM
    length = data[at : at + count]
    if not 0 < count <= _LENGTH_BYTES or len(length) < count:
        raise ValueError("a length is not written as DER wants it")
    size = int.from_bytes(length, "big")
    if size < _LONG_FORM or not length[0]:
        raise ValueError("a length is longer than it needs to be")
    return tag, size, at + count
