"""What the making of a kit is about: its sources in the archive, and what was made of them.

Sources are compared with their seals while they are read. Knows no profile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage import files
from storage.errors import ChecksumMismatch
from storage.evidence.contents import Item
from storage.evidence.kit.redact import SUFFIX, Box

Progress = Callable[[int, int], None]
WHOLE = 1000
"""What an export's progress is told as the whole: its thousandths."""
UNSAFE = re.compile(r"[^a-z0-9_]+")
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the archive that something was made of; `path` is relative to the archive."""

    path: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, item: Item) -> Source:
        """The source that a record names."""
        return cls(item.path, item.size_bytes, item.sha256)


@dataclass(frozen=True, slots=True)
class Made:
    """A file of a kit. `settings` are those of the encoder, `of` tells which part of the source it
    shows, `redacted` which regions are covered."""

    name: str
    made: str
    sources: tuple[Source, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    of: Mapping[str, Any] = field(default_factory=dict)
    redacted: tuple[Box, ...] = ()


class Share:
    """A part of an export's progress, from `begin` to `end` (0..1); never goes back."""

    def __init__(self, progress: Progress | None, begin: float = 0.0, end: float = 1.0) -> None:
        self._progress = progress
        self._begin = begin
        self._end = end
        self._told = -1

    def __call__(self, done: float) -> None:
        """Tells that this share (0..1) of the part is done; raises what the progress raises."""
        if self._progress is None:
            return
        now = round(WHOLE * (self._begin + (self._end - self._begin) * done))
        if now > self._told:
            self._told = now
            self._progress(now, WHOLE)

    def part(self, index: int, count: int) -> Share:
        """The part of one step of so many."""
        step = (self._end - self._begin) / max(1, count)
        begin = self._begin + index * step
        return Share(self._progress, begin, begin + step)


def name_of(count: int, what: str, ending: str, redacted: bool) -> str:
    """The name of the so-manyth file of a kit, safe on every system whatever `what` is."""
    safe = UNSAFE.sub("-", what.lower())[:LONGEST_NAME].strip("-") or "file"
    return f"{count:02}-{safe}{SUFFIX if redacted else ''}.{ending}"


def sealed_path(root: Path, item: Item) -> Path:
    """The file of the archive, which is what was sealed. Raises ChecksumMismatch, OSError."""
    path = root / item.path
    if path.is_symlink() or not path.is_file():
        raise ChecksumMismatch(path, item.sha256, "")
    found = files.measure(path)
    if found != files.Written(item.size_bytes, item.sha256):
        raise ChecksumMismatch(path, item.sha256, found.sha256)
    return path


def sealed_bytes(root: Path, item: Item) -> bytes:
    """The content of a small file of the archive, which is what was sealed. Raises
    ChecksumMismatch, OSError."""
    path = root / item.path
    if path.is_symlink() or not path.is_file():
        raise ChecksumMismatch(path, item.sha256, "")
    content = path.read_bytes() if path.stat().st_size == item.size_bytes else b""
    if files.digest_of(content) != item.sha256:
        raise ChecksumMismatch(path, item.sha256, files.measure(path).sha256)
    return content
