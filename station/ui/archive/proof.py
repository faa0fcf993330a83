"""Whether the files of a session are still those that were sealed: every byte is read for it.

Reads on a thread of its own and stops when the screen is left. Remembers what it found for as long
as the screen stands.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from station.dossier import broken, media_of
from station.ui.archive.facts import Fact
from station.ui.archive.row import size_text

if TYPE_CHECKING:
    from station.dossier import Record
    from station.ui.archive.words import Words


class _Stopped(Exception):
    """The screen was left."""


class Proof:
    """What was read and found, session by session. `tell` is called on the reading thread, not more
    often than there is something new to show."""

    def __init__(self, root: Path, words: Words, tell: Callable[[], None]) -> None:
        self._root = root
        self._words = words
        self._tell = tell
        self._stop = threading.Event()
        self._done: dict[str, int] = {}
        self._found: dict[str, list[tuple[str, str]]] = {}

    def stop(self) -> None:
        """Let go of what is being read."""
        self._stop.set()

    def read(self, record: Record) -> None:
        """Read every byte of the session's files. Blocks."""
        session = record.session.id
        if record.deleted is not None or session in self._done:
            return
        self._done[session] = 0
        step = max(1 << 22, _bytes(record) // 50)

        def advance(count: int) -> None:
            if self._stop.is_set():
                raise _Stopped
            before, now = self._done[session], self._done[session] + count
            self._done[session] = now
            if now // step > before // step:
                self._tell()

        self._tell()
        try:
            self._found[session] = broken(self._root, record, advance)
        except _Stopped:
            return
        finally:
            del self._done[session]
        self._tell()

    def said(self, record: Record) -> Fact | None:
        """What is known of the session's bytes; None before anybody has asked."""
        session, words = record.session.id, self._words
        if record.session.id in self._done:
            params = [
                ("done", size_text(self._done[session])),
                ("all", size_text(_bytes(record))),
            ]
            return Fact("parcel.fact.checked", words.text("parcel.verify.running", params), "work")
        found = self._found.get(session)
        if found is None:
            return None
        if not found:
            params = [("count", str(len(media_of(record.session))))]
            return Fact("parcel.fact.checked", words.text("parcel.verify.good", params), "done")
        names = ", ".join(path.rpartition("/")[2] for path, _ in found)
        params = [("count", str(len(found))), ("names", names)]
        return Fact("parcel.fact.checked", words.text("parcel.verify.bad", params), "stop")


def _bytes(record: Record) -> int:
    return sum(each.size_bytes for each in media_of(record.session))
