"""The watched folder of order exports: what is dropped there is imported by itself.

One `look` at a time, by one thread (`inbox_watch.py`'s). A file that has stopped changing is taken
in and moves to `done/`, one that is no order file to `failed/`, each with a report beside it; none
is ever deleted, and no name overwritten. What the archive could not take (a full disk) stays and is
tried again. Looks into no sub-folder and follows no link.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from station import orders_import
from station.config import Config
from station.config_archive import inbox_folder
from station.inbox_settled import being_written
from storage.archive import Archive
from storage.errors import ArchiveError, OrderFileError
from storage.intake.inbox import ignored
from storage.order_filing import Filed

log = logging.getLogger(__name__)

FOLDER: Final = "orders"
DONE: Final = "done"
FAILED: Final = "failed"
RETRY_S: Final = 60.0
REPORTED: Final = 10_000
"""So many bad rows stand in a report."""

Stamp = tuple[int, int, int]
"""Size, time of the last change and identity of a file: one that differs is another file."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: `line` for people; `filed` is None for one that could not be taken."""

    name: str
    line: str
    filed: Filed | None = None
    bad: int = 0


@dataclass(frozen=True, slots=True)
class OrdersLook:
    """What one look found and did. `unsettled` files want another look soon; `trouble` is why the
    folder could not be looked at, else ''."""

    imported: tuple[Imported, ...] = ()
    unsettled: int = 0
    trouble: str = ""


def orders_folder(archive: Archive, config: Config) -> Path:
    """The folder that is watched: `[orders] path`, else `orders/` in the inbox."""
    base = config.path.parent if config.path is not None else archive.root
    if config.orders.path:
        return base / Path(config.orders.path).expanduser()
    return inbox_folder(config.inbox, archive.root, base) / FOLDER


@dataclass(slots=True)
class _Seen:
    """What is remembered of a file while it lies there unchanged."""

    stamp: Stamp
    since_s: float
    retry_s: float = 0.0


class OrdersFolder:
    """The watched folder of an archive. One thread at a time may look."""

    def __init__(
        self,
        archive: Archive,
        config: Config,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = orders_folder(archive, config)
        self._archive = archive
        self._config = config
        self._settle_s = config.inbox.settle_s
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def make(self) -> None:
        """Make the folder, where it is the archive's own. Raises OSError."""
        if not self._config.orders.path and self.folder.parent.is_dir() and self._archive.writable:
            self.folder.mkdir(exist_ok=True)

    def look(self, stopping: Callable[[], bool] = lambda: False) -> OrdersLook:
        """Look through the folder once, and import what has stopped changing."""
        try:
            found = dict(_files(self.folder))
        except FileNotFoundError:
            return OrdersLook(trouble=f"{self.folder} is not there")
        except OSError as error:
            return OrdersLook(trouble=f"{self.folder}: {error.strerror or error}")
        now = self._clock()
        self._seen = {name: self._noticed(name, found[name], now) for name in found}
        imported, unsettled = [], 0
        for name, seen in list(self._seen.items()):
            path = self.folder / name
            if now - seen.since_s < self._settle_s or being_written(path):
                unsettled += 1
            elif seen.retry_s <= now and not stopping():
                try:
                    imported.append(self._take(path))
                except (ArchiveError, OSError) as error:
                    seen.retry_s = now + RETRY_S
                    why = (error.strerror if isinstance(error, OSError) else "") or str(error)
                    imported.append(Imported(name, f"{name}: is tried again: {why}"))
        return OrdersLook(tuple(imported), unsettled)

    def _noticed(self, name: str, stamp: Stamp, now: float) -> _Seen:
        seen = self._seen.get(name)
        return seen if seen is not None and seen.stamp == stamp else _Seen(stamp, now)

    def _take(self, path: Path) -> Imported:
        """Import a file and move it away. Raises ArchiveError, OSError: it stays, then."""
        try:
            found = orders_import.read(self._config, self._archive, path)
        except OrderFileError as error:
            if isinstance(error.__cause__, OSError) or not path.exists():
                raise
            self._move(path, FAILED, [error.why])
            return Imported(path.name, f"{path.name}: is no order file: {error.why}")
        filed = orders_import.file(self._archive, path, found)
        line = orders_import.counted(filed, found)
        lost = found.bad and not found.orders
        report = [line, *orders_import.faults(found, REPORTED)]
        self._move(path, FAILED if lost else DONE, report)
        return Imported(path.name, f"{path.name}: {line}", filed, len(found.bad))

    def _move(self, path: Path, where: str, report: list[str]) -> None:
        """Move a file below `where`, with its report beside it, under names that are free."""
        folder = self.folder / where
        folder.mkdir(exist_ok=True)
        taken = _free(folder, path.name)
        try:
            path.replace(taken)
        except OSError:
            taken.unlink()
            raise
        plain = "\n".join("".join(c if c.isprintable() else "?" for c in each) for each in report)
        _free(folder, f"{taken.name}.txt").write_text(plain + "\n", encoding="utf-8")


def _free(folder: Path, name: str) -> Path:
    """A new, empty file of this name, or one with a number where that is taken. Raises OSError."""
    wanted = Path(name)
    for number in range(1, 10_000):
        more = "" if number == 1 else f" ({number})"
        path = folder / f"{wanted.stem}{more}{wanted.suffix}"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, "too many files of this name", name)


def _files(folder: Path) -> Iterator[tuple[str, Stamp]]:
    """The plain files in the folder, by name."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not ignored(entry.name) and entry.is_file(follow_symlinks=False):
                told = Path(entry.path).lstat()
                yield entry.name, (told.st_size, told.st_mtime_ns, told.st_ino)
