"""A ZIP that other programs read, and in which no byte can be another one."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from storage.evidence import stored_zip
from storage.evidence.stored_zip import Member, Writer

TIME = stored_zip.dos_time((2026, 11, 22, 12, 30, 59))


def members_of(opened: zipfile.ZipFile) -> list[Member]:
    return [
        Member(each.filename, each.file_size, each.CRC, each.header_offset)
        for each in opened.infolist()
    ]


def is_exact(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        time = stored_zip.dos_time(opened.infolist()[0].date_time)
        return stored_zip.is_exact(io.BytesIO(content), members_of(opened), time, len(content))


def three() -> bytes:
    file = io.BytesIO()
    writer = Writer(file, TIME)
    writer.add("top/one.txt", 3, [b"one"])
    writer.add("top/data/none", 0, [])
    writer.add("top/two.bin", 2000, [b"2" * 1000, b"3" * 1000])
    writer.close()
    return file.getvalue()


def test_other_programs_read_it() -> None:
    with zipfile.ZipFile(io.BytesIO(three())) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["top/one.txt", "top/data/none", "top/two.bin"]
        assert opened.read("top/two.bin") == b"2" * 1000 + b"3" * 1000
        assert opened.infolist()[0].date_time == (2026, 11, 22, 12, 30, 58)
        assert opened.infolist()[0].external_attr >> 16 == 0o100644
    assert is_exact(three())


def test_the_same_files_give_the_same_bytes() -> None:
    assert three() == three()


def test_every_byte_of_the_frame_counts() -> None:
    """Each byte but those of the contents, changed in each of its bits' places once."""
    content = three()
    contents = {*range(41, 44)}
    start = content.index(b"2" * 1000)
    contents |= {*range(start, start + 2000)}
    dice, missed = random.Random(5), []
    for at in set(range(len(content))) - contents:
        changed = bytearray(content)
        changed[at] ^= 1 << dice.randrange(8)
        try:
            if is_exact(bytes(changed)):
                missed.append(at)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, IndexError):
            continue
    assert missed == []


def test_what_is_put_before_between_or_behind_is_seen() -> None:
    content = three()
    for changed in (b"x" + content, content + b"x", content[:-2] + b"\x01\x00x"):
        assert not is_exact(changed)


def test_a_file_of_another_size_is_refused() -> None:
    writer = Writer(io.BytesIO(), TIME)
    with pytest.raises(ValueError, match="has 2 bytes instead of 3"):
        writer.add("a", 3, [b"ab"])


def test_more_than_four_gigabytes(tmp_path: Path) -> None:
    """Sparse: the holes are not written, and the headers are those that other programs expect."""
    big = 5 << 30
    path = tmp_path / "big.zip"
    with path.open("w+b") as file:
        writer = Writer(file, TIME)
        writer.add("top/small", 1, [b"s"])

        def hole() -> list[bytes]:
            file.seek(big - 1, io.SEEK_CUR)
            return [Hole(big), b""]

        class Hole(bytes):
            """Says that it is `big` long, and writes its last byte only."""

            def __new__(cls, size: int) -> Hole:
                return super().__new__(cls, b"\0")

            def __len__(self) -> int:
                return big

        writer.add("top/big", big, hole())
        writer.add("top/behind", 2, [b"no"])
        writer.close()
        size = file.seek(0, io.SEEK_END)
        with zipfile.ZipFile(file) as opened:
            assert [each.file_size for each in opened.infolist()] == [1, big, 2]
            assert opened.read("top/behind") == b"no"
            assert opened.infolist()[2].header_offset > big
            assert stored_zip.is_exact(file, members_of(opened), TIME, size)


def test_more_files_than_sixteen_bits_count() -> None:
    file = io.BytesIO()
    writer = Writer(file, TIME)
    for number in range(70_000):
        writer.add(f"t/{number}", 0, [])
    writer.close()
    with zipfile.ZipFile(io.BytesIO(file.getvalue())) as opened:
        assert len(opened.infolist()) == 70_000
    assert is_exact(file.getvalue())
