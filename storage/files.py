"""Files that are on the disk when a function here has returned, as far as a system can promise.

The lowest room of the archive: creates without overwriting, hashes while writing, syncs file and
folder, and makes the folders of sessions. Nothing that comes from outside becomes a path here:
folders are ULIDs below a date. Knows no database, no session beyond its id and day.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.errors import Refused

BLOCK_BYTES = 1 << 20
MEDIA = "media"
LOST = "lost+found"
MANIFEST = "session.json"
SIGNATURE = "session.sig"
CHECK_MANIFEST = "check.json"
CHECK_SIGNATURE = "check.sig"
SIGNATURES = {MANIFEST: SIGNATURE, CHECK_MANIFEST: CHECK_SIGNATURE}
DOCUMENTS = "documents"
DOCUMENT_MANIFEST = "document.json"
AMENDMENTS = "amendments"
AMENDMENT_MANIFEST = "amendment.json"
CHECKPOINTS = "ledger"
INBOX = "inbox"
PART = ".part"
"""The ending of a file that is still being written by this room; recovery removes such files."""

ULID_FORM = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
PLAIN_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:.][^\x00-\x1f\x7f/\\:]{0,199}")

Advance = Callable[[int], None]
"""Told how many more bytes are done."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds: its size in bytes and its SHA-256 in hex."""

    size_bytes: int
    sha256: str


def sync(fd: int) -> None:
    """Return when the file is on the disk. macOS needs its own call to reach the platter."""
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # a network volume knows no F_FULLFSYNC
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Return when the folder's entries are on the disk; a no-op where folders cannot be synced."""
    if os.name == "nt":  # NTFS journals entries itself, and a folder cannot be opened there
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(fd)


def write_new(path: Path, blocks: Iterable[bytes]) -> Written:
    """Create `path`, which must not exist, from `blocks`; on disk when it returns.

    Raises FileExistsError, OSError. The folder's entry is for the caller to sync.
    """
    digest = hashlib.sha256()
    size = 0
    with path.open("xb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            size += len(block)
        file.flush()
        sync(file.fileno())
    return Written(size, digest.hexdigest())


def write_over(path: Path, content: bytes) -> Written:
    """Put `content` at `path` at once or not at all: a crash leaves the old file or the new."""
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    written = write_new(part, (content,))
    part.replace(path)
    sync_folder(path.parent)
    return written


def blocks_of(path: Path, advance: Advance | None = None) -> Iterator[bytes]:
    """The content of `path`, block by block."""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
            if advance is not None:
                advance(len(block))


def measure(path: Path, advance: Advance | None = None) -> Written:
    """The size and SHA-256 of the file as it is now."""
    digest = hashlib.sha256()
    size = 0
    for block in blocks_of(path, advance):
        digest.update(block)
        size += len(block)
    return Written(size, digest.hexdigest())


def digest_of(content: bytes) -> str:
    """The SHA-256 of `content`, in hex."""
    return hashlib.sha256(content).hexdigest()


def sync_file(path: Path) -> None:
    """Sync a file that somebody else wrote and may not have synced."""
    with path.open("rb+") as file:
        sync(file.fileno())


def make_folders(folder: Path) -> None:
    """Make `folder` and what is missing above it, each entry synced. It may exist already."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


def dated_folder(kind: str, id_: str, at: dt.datetime) -> str:
    """The folder of what has this id, relative to the archive: `kind`/YYYY/MM/DD/id, of UTC.

    Raises Refused for an id that is no ULID: an id is a path's last part.
    """
    if not ULID_FORM.fullmatch(id_):
        raise Refused(f"{id_!r} is no id (a ULID is 26 letters and digits)")
    return f"{kind}/{at.astimezone(dt.UTC):%Y/%m/%d}/{id_}"


def session_folder(session: str, opened_at: dt.datetime) -> str:
    """The folder of a session, relative to the archive, with forward slashes.

    Raises Refused for an id that is no ULID.
    """
    return dated_folder(MEDIA, session, opened_at)


def plain_name(name: str) -> bool:
    """True for a name that is one part of a path on every system and does not hide."""
    return PLAIN_NAME.fullmatch(name) is not None


def set_aside(root: Path, path: Path, under: str) -> Path:
    """Where `path` lies now: moved, never overwriting, to `lost+found/<under>/`."""
    folder = root / LOST / under
    make_folders(folder)
    target = folder / path.name
    count = 1
    while target.exists() or target.is_symlink():
        count += 1
        target = folder / f"{path.stem}~{count}{path.suffix}"
    path.replace(target)
    sync_folder(folder)
    sync_folder(path.parent)
    return target


def free_bytes(path: Path) -> int:
    """How much this user may still write to the disk of `path`."""
    return shutil.disk_usage(path).free
