"""The files of a package, be it a folder or a ZIP, as names, sizes and blocks.

A ZIP may be forged in every byte: names that climb out, two entries of one name, sizes beyond the
file, bytes that no entry accounts for. All that is refused here, before a content is read. Knows
nothing of evidence.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from storage import files
from storage.evidence import stored_zip
from storage.problem import Problem

ENTRY_LIMIT = 100_000
LOCAL_HEADER_BYTES = 30
STORED = zipfile.ZIP_STORED
END_RECORD = b"PK\x05\x06"
END_RECORD_BYTES = 22


class Tree(Protocol):
    """The files of a package. `problems` are those of the container itself."""

    problems: list[Problem]
    is_exact: bool
    """True when no byte of the container but those of the contents could be another one."""

    def sizes(self) -> dict[str, int]:
        """The size in bytes of each file, by name with forward slashes."""

    def blocks(self, name: str) -> Iterator[bytes]:
        """The content of a file. Raises OSError."""


class FolderTree:
    """An unpacked package."""

    is_exact = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[Problem] = []
        self._sizes: dict[str, int] = {}
        for path, folders, names in os.walk(folder):
            for name in (*folders, *names):
                item = Path(path, name)
                relative = item.relative_to(folder).as_posix()
                if item.is_symlink() or not (item.is_file() or item.is_dir()):
                    self.problems.append(Problem(relative, "is a link or a device"))
                elif item.is_file():
                    self._sizes[relative] = item.stat().st_size

    def sizes(self) -> dict[str, int]:
        """The size in bytes of each file, by name with forward slashes."""
        return self._sizes

    def blocks(self, name: str) -> Iterator[bytes]:
        """The content of a file. Raises OSError."""
        return files.blocks_of(self._folder / name)


class ZipTree:
    """A package as it was exported: a ZIP whose entries are stored below one folder."""

    is_exact = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._zip: zipfile.ZipFile | None = None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self.problems: list[Problem] = []
        try:
            self._zip = zipfile.ZipFile(self._file)
            self.problems = list(self._container_problems(self._zip, path))
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
            self.problems = [Problem(path.name, f"is no whole ZIP file: {error}")]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def sizes(self) -> dict[str, int]:
        """The size in bytes of each file, by name with forward slashes, without the top folder."""
        return {name: entry.file_size for name, entry in self._entries.items()}

    def blocks(self, name: str) -> Iterator[bytes]:
        """The content of a file. Raises OSError, also for one that fails its CRC."""
        assert self._zip is not None  # noqa: S101
        try:
            with self._zip.open(self._entries[name]) as member:
                while block := member.read(files.BLOCK_BYTES):
                    yield block
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            raise OSError(str(error)) from error

    def _container_problems(self, opened: zipfile.ZipFile, path: Path) -> Iterator[Problem]:
        entries = opened.infolist()
        if len(entries) > ENTRY_LIMIT:
            yield Problem(path.name, f"has {len(entries)} entries, which no package has")
            return
        size_bytes = path.stat().st_size
        if any(entry.flag_bits & 1 or entry.compress_type != STORED for entry in entries):
            yield Problem(
                path.name,
                "was repacked, and says nothing any more: unpack it and verify its folder",
            )
            return
        if sum(entry.file_size for entry in entries) > size_bytes:
            yield Problem(path.name, "claims to hold more than its own size")
            return
        seen: set[str] = set()
        top = entries[0].filename.partition("/")[0] if entries else ""
        for entry in entries:
            name = entry.orig_filename
            inside = name.removeprefix(f"{top}/")
            if not safe_name(name) or inside == name:
                yield Problem(repr(name), "is no name that a package has")
            elif name.casefold() in seen:
                yield Problem(inside, "is there twice")
            elif entry.file_size != entry.compress_size:
                yield Problem(inside, "has a size that cannot be")
            seen.add(name.casefold())
            self._entries[inside] = entry
        if not _accounted_for(self._file, entries, opened.start_dir, size_bytes):
            yield Problem(path.name, "has bytes that belong to none of its files")
        elif entries and all(name.isascii() for name in self._entries):
            members = [
                stored_zip.Member(each.orig_filename, each.file_size, each.CRC, each.header_offset)
                for each in entries
            ]
            time = stored_zip.dos_time(entries[0].date_time)
            self.is_exact = stored_zip.is_exact(self._file, members, time, size_bytes)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Tree]:
    """The files of the package at `path`, a folder or a ZIP. Raises OSError."""
    if path.is_dir():
        yield FolderTree(path)
        return
    tree = ZipTree(path)
    try:
        yield tree
    finally:
        tree.close()


def safe_name(name: str) -> bool:
    """True for a relative path that stays below its folder on every system."""
    return all(part not in ("", ".", "..") and files.plain_name(part) for part in name.split("/"))


def _accounted_for(
    file: BinaryIO, entries: list[zipfile.ZipInfo], directory_at: int, size_bytes: int
) -> bool:
    """True when the entries follow each other without a gap, from the first byte to the directory,
    and the file ends with the end of the directory."""
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset != at:
            return False
        file.seek(at)
        header = file.read(LOCAL_HEADER_BYTES)
        if len(header) < LOCAL_HEADER_BYTES:
            return False
        name_bytes, extra_bytes = struct.unpack_from("<HH", header, 26)
        at += LOCAL_HEADER_BYTES + name_bytes + extra_bytes + entry.compress_size
    file.seek(size_bytes - END_RECORD_BYTES)
    return at == directory_at and file.read(len(END_RECORD)) == END_RECORD
