"""The copy of a file from outside: whole and synced, or not there at all.

A name outside is only read, never followed: no link, no pipe, no device. Knows neither rows nor
what a document is for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from storage import files
from storage.errors import Refused
from storage.intake.kinds import HEAD_BYTES, FileKind, kind_of

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe in the place of the file must not hang the archive
    | getattr(os, "O_BINARY", 0)
)


def opened(source: Path) -> BinaryIO:
    """The plain file, opened for reading. Raises Refused for anything else, OSError."""
    if source.is_symlink() or not source.is_file():
        raise Refused(f"{source} is no plain file: nothing was filed")
    file = os.fdopen(os.open(source, _FLAGS), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Refused(f"{source} is no plain file: nothing was filed")
    return file


def described(source: Path, name: str) -> FileKind:
    """What the file is, by its first bytes. Raises Refused, OSError."""
    with opened(source) as file:
        return kind_of(file.read(HEAD_BYTES), name)


def copied(source: Path, target: Path) -> files.Written:
    """Copy `source` to `target`, which must not exist; on disk, with its folder, when it returns.

    Raises Refused when the source changes meanwhile, OSError; nothing is at `target` then, and what
    was copied is left beside it for the caller to remove.
    """
    part = target.with_name(target.name + files.PART)
    with opened(source) as file:
        before = os.fstat(file.fileno())
        written = files.write_new(part, _blocks(file))
        after = os.fstat(file.fileno())
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if not same or written.size_bytes != after.st_size:
        raise Refused(f"{source} is still being written: it is filed once it has stopped changing")
    part.rename(target)
    files.sync_folder(target.parent)
    return written


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(files.BLOCK_BYTES):
        yield block
