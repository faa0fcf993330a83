"""A ZIP file (APPNOTE 6.3.3) whose files are stored as they are, with every byte accounted for.

Written in one pass; names are ASCII, all files have one time and the same permissions. Because
nothing is left to choose, the headers follow from names, sizes, CRCs and the time alone: a single
byte that is another one is found. Knows nothing of evidence.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

FULL_32 = 0xFFFFFFFF
FULL_16 = 0xFFFF
NEEDS, NEEDS_64 = 20, 45
"""The version of the format that a reader needs: 2.0, or 4.5 for more than 4 GiB."""
MADE_BY_UNIX = 3 << 8
PERMISSIONS = 0o100644 << 16
EARLIEST, LATEST = 1980, 2107
"""The years that a ZIP can say."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its name, its size in bytes, its CRC-32, and where its header begins."""

    name: str
    size_bytes: int
    crc: int
    at: int


def dos_time(moment: Sequence[int]) -> int:
    """A moment (year, month, day, hour, minute, second) as a ZIP says it, to two seconds."""
    year, month, day, hour, minute, second = moment
    date = (min(max(year, EARLIEST), LATEST) - EARLIEST) << 9 | month << 5 | day
    return date << 16 | hour << 11 | minute << 5 | second // 2


class Writer:
    """Writes such a file into `file`, which is empty and can be sought in, with this `dos_time`."""

    def __init__(self, file: BinaryIO, time: int) -> None:
        self._file = file
        self._time = time
        self._members: list[Member] = []
        self._at = 0

    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        """Append a file. Raises ValueError for content of another size, OSError."""
        member = Member(name, size_bytes, 0, self._at)
        blank = _local(member, self._time)
        self._file.write(blank)
        crc = written = 0
        for block in blocks:
            crc = zlib.crc32(block, crc)
            written += len(block)
            self._file.write(block)
        if written != size_bytes:
            raise ValueError(f"{name} has {written} bytes instead of {size_bytes}")
        member = Member(name, size_bytes, crc, self._at)
        self._file.seek(self._at)
        self._file.write(_local(member, self._time))
        self._at = self._file.seek(self._at + len(blank) + size_bytes)
        self._members.append(member)

    def close(self) -> None:
        """Write the directory, which makes the file whole. Raises OSError."""
        for part in _directory(self._members, self._at, self._time):
            self._file.write(part)


def is_exact(file: BinaryIO, members: Sequence[Member], time: int, size_bytes: int) -> bool:
    """True when a file of this size is to the byte what `Writer` makes of members like these, given
    in the order of its directory; their contents and CRCs are not looked at."""
    at = 0
    for member in members:
        header = _local(member, time)
        file.seek(at)
        if member.at != at or file.read(len(header)) != header:
            return False
        at += len(header) + member.size_bytes
    file.seek(at)
    for part in _directory(members, at, time):
        if file.read(len(part)) != part:
            return False
        at += len(part)
    return at == size_bytes


def _local(member: Member, time: int) -> bytes:
    size, extra = member.size_bytes, b""
    if size >= FULL_32:
        extra, size = struct.pack("<HHQQ", 1, 16, size, size), FULL_32
    name = member.name.encode("ascii")
    needs = NEEDS_64 if extra else NEEDS
    fields = (needs, 0, 0, time & FULL_16, time >> 16, member.crc, size, size, len(name))
    return struct.pack("<4sHHHHHIIIHH", b"PK\3\4", *fields, len(extra)) + name + extra


def _central(member: Member, time: int) -> bytes:
    big = [member.size_bytes] * 2 if member.size_bytes >= FULL_32 else []
    size = FULL_32 if big else member.size_bytes
    big += [member.at] if member.at >= FULL_32 else []
    at = FULL_32 if member.at >= FULL_32 else member.at
    extra = struct.pack(f"<HH{len(big)}Q", 1, 8 * len(big), *big) if big else b""
    name = member.name.encode("ascii")
    needs = NEEDS_64 if big else NEEDS
    fields = (MADE_BY_UNIX | needs, needs, 0, 0, time & FULL_16, time >> 16, member.crc, size, size)
    rest = (len(name), len(extra), 0, 0, 0, PERMISSIONS, at)
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", *fields, *rest) + name + extra


def _directory(members: Sequence[Member], at: int, time: int) -> Iterator[bytes]:
    """The directory of a file whose members end `at` that byte, and the record at the very end."""
    size = 0
    for member in members:
        entry = _central(member, time)
        size += len(entry)
        yield entry
    count = len(members)
    if count >= FULL_16 or at >= FULL_32 or size >= FULL_32:
        made = MADE_BY_UNIX | NEEDS_64
        yield struct.pack(
            "<4sQHHIIQQQQ", b"PK\6\6", 44, made, NEEDS_64, 0, 0, count, count, size, at
        )
        yield struct.pack("<4sIQI", b"PK\6\7", 0, at + size, 1)
    told = (min(count, FULL_16), min(count, FULL_16), min(size, FULL_32), min(at, FULL_32), 0)
    yield struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, *told)
