"""Says when to look at the inbox: at start, when the system tells of a change, and at intervals.

A network share tells nothing of what other computers do, and a watcher may miss what happens while
it starts, so the folder is looked through every `rescan_s` whatever was told. One plain thread; it
ends with its program, and a fault of one look is a line in the log and the next look.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from station.config import Config
from station.config_archive import inbox_folder
from station.inbox import Inbox, Look, Waiting
from station.orders_watch import OrdersFolder, OrdersLook, orders_folder
from storage.archive import Archive
from storage.errors import ArchiveError
from storage.later import Actor, Document, EvidenceGroup

log = logging.getLogger(__name__)

SHORTEST_S: Final = 0.5
"""The least time between two looks: a folder that fills up tells of every block."""
_READS: Final = frozenset({"opened", "closed_no_write"})
"""Events that our own looks cause; heard, they would never end."""


def inbox_of(archive: Archive, config: Config, actor: Actor) -> Inbox:
    """The inbox that the configuration describes. Makes its folder where it is the archive's own.

    Raises OSError.
    """
    base = config.path.parent if config.path is not None else archive.root
    folder = inbox_folder(config.inbox, archive.root, base)
    if not config.inbox.path and archive.writable:
        folder.mkdir(exist_ok=True)
    return Inbox(
        archive,
        folder,
        actor,
        config.scanner.waybills,
        group=EvidenceGroup(config.inbox.group) if config.inbox.group else None,
        settle_s=config.inbox.settle_s,
        apart=orders_folder(archive, config),
    )


class _Wakes(FileSystemEventHandler):
    """Sets `woken` for whatever may have changed the folder."""

    def __init__(self, woken: threading.Event) -> None:
        self._woken = woken

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in _READS:
            self._woken.set()


class InboxWatch:
    """Looks at an inbox on a thread of its own; `on_look` is called there after each look. With
    `orders`, also at that folder of order exports, of which `on_orders` is told."""

    def __init__(
        self,
        inbox: Inbox,
        *,
        rescan_s: float,
        settle_s: float,
        on_look: Callable[[Look], None],
        orders: OrdersFolder | None = None,
        on_orders: Callable[[OrdersLook], None] = lambda _: None,
    ) -> None:
        self.inbox = inbox
        self._orders = orders
        self._on_orders = on_orders
        self._rescan_s = rescan_s
        self._settle_s = settle_s
        self._on_look = on_look
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._observer: BaseObserver | None = None
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End after the file that is being filed."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(timeout_s)

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    def file(self, waiting: Waiting, number: str, group: EvidenceGroup) -> Document:
        """File a waiting file as a person decided, and look again. Raises ArchiveError, OSError."""
        try:
            return self.inbox.file(waiting, number, group)
        finally:
            self.wake()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._observe()
            self._woken.clear()
            unsettled = False
            try:
                look = self.inbox.look(self._stopping.is_set)
                unsettled = look.unsettled > 0
                self._on_look(look)
                if self._orders is not None:
                    exports = self._orders.look(self._stopping.is_set)
                    unsettled = unsettled or exports.unsettled > 0
                    self._on_orders(exports)
            except Exception:  # the top of a thread: the next look tries again
                log.exception("the inbox was not looked through")
            self._stopping.wait(SHORTEST_S)
            pause = max(SHORTEST_S, self._settle_s / 2) if unsettled else self._rescan_s
            self._woken.wait(pause)
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(SHORTEST_S)

    def _observe(self) -> None:
        """Have the system tell of changes, where it can; a share that was away is tried again."""
        if self._observer is not None and self._observer.is_alive():
            return
        observer = Observer()
        try:
            wakes = _Wakes(self._woken)
            observer.schedule(wakes, str(self.inbox.folder), recursive=True)
            orders = self._orders
            if (
                orders is not None
                and self.inbox.folder not in orders.folder.parents
                and orders.folder.is_dir()
            ):
                observer.schedule(wakes, str(orders.folder))
            observer.start()
        except (OSError, ArchiveError) as error:
            log.info("%s tells of no changes: %s", self.inbox.folder, error)
            return
        self._observer = observer
