"""The inbox: files that lie in a folder, taken into the archive as documents of their parcels.

One `look` at a time, by one thread: what has stopped changing and is decided (`storage.intake.
inbox`) is filed, and leaves the folder once its bytes are durable in the archive. Everything else
stays where it is: the folder is the queue, and nothing is kept of it but what is known of each
file. Follows no link. Watches nothing; `inbox_watch.py` says when to look.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from station.inbox_settled import being_written
from station.inbox_texts import texts_of
from station.waybill import WaybillRules
from storage.archive import Archive
from storage.document_copy import described
from storage.errors import ArchiveError
from storage.intake.inbox import Proposal, ignored, propose
from storage.intake.kinds import pictured
from storage.later import Actor, Document, EvidenceGroup

log = logging.getLogger(__name__)

DEEPEST: Final = 8
"""Sub-folders below this are not looked into."""
BARCODES_AT_ONCE: Final = 20
"""So many pictures are searched for barcodes in one look, lest files that are decided wait."""
RETRY_S: Final = 60.0

Stamp = tuple[int, int, int]
"""Size, time of the last change and identity of a file: one that differs is another file."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file in the inbox that was not filed. `parts` is its path below the inbox; `proposal` is
    None while it is still changing or unread, `trouble` why filing it failed, else ''."""

    parts: tuple[str, ...]
    path: Path
    size_bytes: int
    changed_s: float
    media_type: str = ""
    proposal: Proposal | None = None
    trouble: str = ""

    @property
    def name(self) -> str:
        """How it is called, as text."""
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the inbox found and did. `unsettled` files want another look soon;
    `trouble` is why the folder could not be looked at, else ''."""

    filed: tuple[Document, ...]
    waiting: tuple[Waiting, ...]
    unsettled: int
    trouble: str = ""


@dataclass(slots=True)
class _Seen:
    """What is remembered of a file while it lies there unchanged."""

    stamp: Stamp
    since_s: float
    waiting: Waiting
    read: bool = False
    texts: tuple[str, ...] = ()
    retry_s: float = 0.0


class Inbox:
    """The inbox of an archive, filed in the name of `actor`. One thread at a time may look; what
    lies below the folder `apart` is somebody else's."""

    def __init__(
        self,
        archive: Archive,
        folder: Path,
        actor: Actor,
        rules: WaybillRules,
        *,
        group: EvidenceGroup | None = None,
        settle_s: float = 3.0,
        apart: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._apart = apart
        self._archive = archive
        self._actor = actor
        self._rules = rules
        self._group = group
        self._settle_s = settle_s
        self._clock = clock
        self._seen: dict[tuple[str, ...], _Seen] = {}

    def look(self, stopping: Callable[[], bool] = lambda: False) -> Look:
        """Look through the folder once, and file what can be filed."""
        try:
            found = dict(_files(self.folder, self._apart))
        except OSError as error:
            return Look((), (), 0, f"{self.folder}: {_plainly(error)}")
        now = self._clock()
        self._seen = {parts: self._noticed(parts, *found[parts], now) for parts in found}
        settled = [
            seen
            for seen in self._seen.values()
            if now - seen.since_s >= self._settle_s and not being_written(seen.waiting.path)
        ]
        filed: list[Document] = []
        for seen in settled:
            if seen.retry_s <= now and not stopping():
                filed += self._decided(seen, now)
        unread = [seen for seen in settled if not seen.read and seen.retry_s <= now]
        for seen in unread[:BARCODES_AT_ONCE]:
            if not stopping():
                seen.texts = texts_of(seen.waiting.path, self._rules)
                seen.read = True
                filed += self._decided(seen, now)
        left = [seen.waiting for seen in list(self._seen.values())]
        unsettled = len(found) - len(settled) + max(0, len(unread) - BARCODES_AT_ONCE)
        return Look(tuple(filed), tuple(left), unsettled)

    def preview(self) -> Look:
        """What a look would find, with every barcode read; nothing is filed."""
        try:
            found = dict(_files(self.folder, self._apart))
        except OSError as error:
            return Look((), (), 0, f"{self.folder}: {_plainly(error)}")
        noticed = [self._noticed(parts, *file, self._clock()) for parts, file in found.items()]
        for seen in noticed:
            try:
                self._proposed(seen)
                if not seen.read:
                    seen.texts = texts_of(seen.waiting.path, self._rules)
                    self._proposed(seen)
            except (ArchiveError, OSError) as error:
                seen.waiting = replace(seen.waiting, trouble=_plainly(error))
        return Look((), tuple(seen.waiting for seen in noticed), 0)

    def file(self, waiting: Waiting, number: str, group: EvidenceGroup) -> Document:
        """File a waiting file as a person decided. Raises ArchiveError; it stays there then."""
        how = "person"
        if waiting.proposal is not None and waiting.proposal.number == number:
            how = waiting.proposal.how
        return self._file(waiting, number, group, how)

    def _noticed(self, parts: tuple[str, ...], path: Path, stamp: Stamp, now: float) -> _Seen:
        seen = self._seen.get(parts)
        if seen is None or seen.stamp != stamp:
            waiting = Waiting(parts, path, stamp[0], stamp[1] / 1e9)
            return _Seen(stamp, now, waiting)
        return seen

    def _decided(self, seen: _Seen, now: float) -> list[Document]:
        """The document that the file has become, or nothing: it waits."""
        try:
            proposal = self._proposed(seen)
            if proposal.number is not None and proposal.group is not None:
                return [self._file(seen.waiting, proposal.number, proposal.group, proposal.how)]
            if seen.read:  # the archive may learn its number later
                seen.retry_s = now + RETRY_S
        except (ArchiveError, OSError) as error:
            seen.waiting = replace(seen.waiting, trouble=_plainly(error))
            seen.retry_s = now + RETRY_S
        return []

    def _proposed(self, seen: _Seen) -> Proposal:
        """What is known of the file, which is remembered. Raises ArchiveError, OSError."""
        waiting = seen.waiting
        media_type = waiting.media_type or described(waiting.path, waiting.parts[-1]).media_type
        proposal = propose(
            waiting.parts,
            seen.texts,
            self._archive.numbers_known,
            group=self._group,
            media_type=media_type,
        )
        seen.waiting = replace(waiting, media_type=media_type, proposal=proposal, trouble="")
        # What its path tells the parcel of is not searched for barcodes, nor what has no picture.
        seen.read = seen.read or proposal.number is not None or not pictured(media_type)
        return proposal

    def _file(self, waiting: Waiting, number: str, group: EvidenceGroup, how: str) -> Document:
        """File it, and take it out of the folder if it is still the file that was filed."""
        before = _stamp(waiting.path.lstat())
        document = self._archive.file_document(
            self._actor,
            waiting.path,
            number,
            group,
            source_name=waiting.name,
            how=how,
            way="inbox",
        ).result()
        try:
            if _stamp(waiting.path.lstat()) == before:
                waiting.path.unlink()
            self._seen.pop(waiting.parts, None)
        except OSError as error:
            # It is filed, and filed once however often it is found here.
            log.warning("%s is filed but stays in the inbox: %s", waiting.name, error)
        return document


def _plainly(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _stamp(now: os.stat_result) -> Stamp:
    return now.st_size, now.st_mtime_ns, now.st_ino


def _files(
    folder: Path, apart: Path | None, parts: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[Path, Stamp]]]:
    """The plain files below the inbox, by their path's parts. A sub-folder that cannot be read is
    left out; links are."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if ignored(entry.name):
            continue
        try:
            if entry.is_dir(follow_symlinks=False) and not _is_junction(entry):
                if len(parts) < DEEPEST and Path(entry.path) != apart:
                    yield from _files(Path(entry.path), apart, (*parts, entry.name))
            elif entry.is_file(follow_symlinks=False):
                stamp = _stamp(Path(entry.path).lstat())
                yield (*parts, entry.name), (Path(entry.path), stamp)
        except OSError as error:
            log.info("%s is not looked at: %s", entry.path, error)


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """True for Windows' link to a folder, which counts as none of its own."""
    return bool(getattr(entry, "is_junction", lambda: False)())
