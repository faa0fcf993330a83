"""An archive with two parcels and a real inbox folder, for the tests of what files it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2

from station.inbox import Inbox, Look
from station.inbox_watch import InboxWatch
from station.waybill import WaybillRules
from storage.archive import Archive
from storage.later import EvidenceGroup
from tests.capture.codes import scene
from tests.storage.arrivals import ANN
from tests.storage.desk import NUMBER, Desk

OTHER = "9400111206206406260787"
SETTLE_S = 0.2
PATIENCE_S = 20.0


class InboxWorld:
    """The archive, its inbox, and the looks that were taken at it."""

    def __init__(self, root: Path, *, settle_s: float = SETTLE_S) -> None:
        self.archive = Archive.open(root)
        desk = Desk(self.archive)
        desk.pack()
        desk.pack(OTHER)
        self.folder = root / "inbox"
        self.folder.mkdir()
        self.settle_s = settle_s
        self.inbox = Inbox(self.archive, self.folder, ANN, WaybillRules(), settle_s=settle_s)
        self.looks: list[Look] = []

    def drop(self, name: str, content: bytes) -> Path:
        """Put a whole file into the inbox."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def settled(self) -> Look:
        """A look at what was there before and has stopped changing."""
        self.inbox.look()
        time.sleep(self.settle_s + 0.05)
        return self.inbox.look()

    def watch(self, rescan_s: float = 3_600) -> InboxWatch:
        """A watch that is at work; it collects its looks."""
        watch = InboxWatch(
            self.inbox, rescan_s=rescan_s, settle_s=self.settle_s, on_look=self.looks.append
        )
        watch.start()
        return watch

    def names(self, number: str = NUMBER) -> list[str]:
        """What the documents of a parcel were called outside."""
        return sorted(each[0].name for each in self.archive.documents_of(number))

    def groups(self, number: str = NUMBER) -> list[EvidenceGroup]:
        return [group for _, _, group in self.archive.documents_of(number)]


def until(holds: Callable[[], bool]) -> None:
    """Return when `holds`, or fail."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def labelled(number: str = NUMBER, ending: str = ".png") -> bytes:
    """A photo of a label with the number's barcode."""
    return bytes(cv2.imencode(ending, scene(number))[1])
