"""The export of what is marked: where to, how far, and what came of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, ProgressBar

from station.ui.archive.keys import KeyLine
from station.ui.archive.packing import Packed, by_number, pack
from station.ui.archive.row import size_text
from station.ui.labels import Line
from station.ui.messages import shown
from storage.records import Status

if TYPE_CHECKING:
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor
    from storage.search import Hit

STEP = 1_000
"""The bar moves in thousandths: not every buffer of bytes is worth a picture."""


class ExportScreen(ModalScreen[None]):
    """Asks where to, then packs on another thread; Escape stops it and leaves no half package."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "key.begin", priority=True),
        Binding("escape", "stop", "key.stop"),
    ]

    class Moved(Message):
        """So many thousandths are packed."""

        def __init__(self, thousandths: int, number: str) -> None:
            super().__init__()
            self.thousandths = thousandths
            self.number = number

    def __init__(self, archive: Archive, actor: Actor, words: Words, hits: Sequence[Hit]) -> None:
        super().__init__()
        self._archive = archive
        self._actor = actor
        self._words = words
        self._hits = [hit for hit in hits if hit.status is not Status.OPEN]
        self._open = len(hits) - len(self._hits)
        self._stop = threading.Event()
        self._state = "asking"
        self._told = -1

    def compose(self) -> ComposeResult:
        words, hits = self._words, self._hits
        with Vertical(classes="sheet"):
            yield Line(words.text("export.title"), classes="title")
            size = size_text(sum(hit.bytes for hit in hits))
            counts = (("parcels", str(len(by_number(hits)))), ("sessions", str(len(hits))))
            yield Line(words.text("export.what", (*counts, ("size", size))))
            if self._open:
                yield Line(words.text("export.open", [("count", str(self._open))]), classes="bad")
            yield Line(words.text("export.where"), classes="label")
            yield Input(str(self._archive.root / "exports"), id="folder")
            yield ProgressBar(total=STEP, show_eta=True, id="bar")
            yield Line(words.text("export.told"), id="said")
            yield VerticalScroll(id="paths")
        yield KeyLine(words, classes="keys")

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#folder"))

    def on_unmount(self) -> None:
        self._stop.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "begin" or (self._state == "asking" and bool(self._hits))

    def action_begin(self) -> None:
        """Pack what is marked."""
        folder = self.query_one("#folder", Input).value.strip()
        if self._state == "asking" and self._hits and folder:
            self._go("packing")
            self.query_one("#folder", Input).disabled = True
            self._pack(Path(folder).expanduser())

    @work
    async def _pack(self, folder: Path) -> None:
        packed = await asyncio.to_thread(
            pack, self._archive, self._actor, self._hits, folder, self._tell, self._stop
        )
        self._over(packed)

    def _tell(self, done: int, everything: int, number: str) -> None:
        """On the packing thread."""
        thousandths = STEP * done // everything
        if thousandths != self._told:
            self._told = thousandths
            self.post_message(self.Moved(thousandths, number))

    @on(Moved)
    def _moved(self, event: Moved) -> None:
        self.query_one(ProgressBar).update(progress=event.thousandths)
        if event.number and self._state == "packing":
            self._say("export.packing", (("number", event.number),))

    def _over(self, packed: Packed) -> None:
        self._go("over")
        if packed.stopped:
            self._say("export.stopped", (("count", str(len(packed.paths))),))
        elif packed.failed:
            counts = (("count", str(len(packed.paths))), ("failed", str(len(packed.failed))))
            self._say("export.failed", counts)
        else:
            self._say("export.done", (("count", str(len(packed.paths))),))
        paths = self.query_one("#paths")
        paths.mount_all(Line(str(path), classes="good") for path in packed.paths)
        paths.mount_all(
            Line(f"{shown(number)}: {why}", classes="bad") for number, why in packed.failed
        )

    def action_stop(self) -> None:
        """Stop the packing, else leave."""
        if self._state == "packing":
            self._stop.set()
            self._say("export.stopping")
        else:
            self.dismiss()

    def _go(self, state: str) -> None:
        self._state = state
        self.set_classes(f"-{state}")
        self.refresh_bindings()

    def _say(self, key: str, params: tuple[tuple[str, str], ...] = ()) -> None:
        self.query_one("#said", Line).show(self._words.text(key, params))
