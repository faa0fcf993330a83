"""Exporting marked sessions: what a profile makes of each tracking number, one after the other.

Runs on the caller's thread; an export that is stopped half-way is not there. Knows no widget.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import ArchiveError

if TYPE_CHECKING:
    from station.exporting import Way
    from storage.archive import Archive
    from storage.evidence.kit.kit import Kit
    from storage.later import Actor
    from storage.search import Hit

Told = Callable[[int, int, str], None]
"""How much of everything is done, and the number at hand."""


class Stopped(Exception):
    """The person has stopped the export."""


@dataclass(slots=True)
class Packed:
    """What came of it: what was made, what each lacks, what failed with why, and whether it was
    stopped."""

    kits: list[Kit] = field(default_factory=list)
    lacking: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False

    @property
    def paths(self) -> list[Path]:
        """The packages and folders."""
        return [kit.path for kit in self.kits]


def by_number(hits: Iterable[Hit]) -> dict[str, list[Hit]]:
    """The sessions of each tracking number, in the order in which the numbers come."""
    found: dict[str, list[Hit]] = {}
    for hit in hits:
        found.setdefault(hit.number, []).append(hit)
    return found


def pack(
    archive: Archive,
    actor: Actor,
    way: Way,
    hits: Iterable[Hit],
    target: Path,
    tell: Told,
    stop: threading.Event,
    language: str = "en",
) -> Packed:
    """Export below the folder `target`. What fails does not hold up the others."""
    packed, numbers = Packed(), by_number(hits)
    everything = max(1, sum(hit.bytes for each in numbers.values() for hit in each))
    before = 0
    for number, each in numbers.items():
        size = sum(hit.bytes for hit in each)

        def progress(
            done: int, whole: int, number: str = number, before: int = before, size: int = size
        ) -> None:
            if stop.is_set():
                raise Stopped
            tell(before + size * done // max(1, whole), everything, number)

        tell(before, everything, number)
        try:
            if stop.is_set():
                raise Stopped  # noqa: TRY301 - as from within the export
            sessions = [session for hit in each if (session := archive.get(hit.session_id))]
            kit = way.out(archive, actor, sessions, target, progress)
            packed.kits.append(kit)
            packed.lacking += [(number, lack.said(language)) for lack in kit.shortfalls]
        except Stopped:
            packed.stopped = True
            return packed
        except (ArchiveError, OSError) as error:
            packed.failed.append((number, str(error)))
        before += size
    tell(everything, everything, "")
    return packed
