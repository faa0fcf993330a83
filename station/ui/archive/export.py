"""The export of what is marked: what for, for whom, where to, how far, and what came of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, ProgressBar
from textual.widgets.option_list import Option

from station.exporting import way_out
from station.ui.archive.keys import KeyLine
from station.ui.archive.packing import Packed, by_number, pack
from station.ui.archive.row import fit, size_text
from station.ui.labels import Line
from station.ui.messages import shown
from storage.errors import ArchiveError
from storage.records import Status

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.evidence.kit.profiles import Profile
    from storage.later import Actor
    from storage.search import Hit

STEP: Final = 1_000
"""The bar moves in thousandths: not every buffer of bytes is worth a picture."""
NAME_CELLS: Final = 20
LONGEST_TEXT: Final = 500


class ExportScreen(ModalScreen[Packed | None]):
    """Asks what for, for whom and where to, then exports on another thread; Escape stops it and
    leaves nothing half. Gives what was exported, None where it never began. `reason` stands in its
    field already."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "key.begin", priority=True),
        Binding("tab", "next_field", "key.next_field", priority=True),
        Binding("escape", "stop", "key.stop"),
    ]

    class Moved(Message):
        """So many thousandths are done."""

        def __init__(self, thousandths: int, number: str) -> None:
            super().__init__()
            self.thousandths = thousandths
            self.number = number

    def __init__(
        self,
        archive: Archive,
        config: Config,
        actor: Actor,
        words: Words,
        hits: Sequence[Hit],
        *,
        reason: str = "",
    ) -> None:
        super().__init__()
        self._archive = archive
        self._config = config
        self._actor = actor
        self._words = words
        self._hits = [hit for hit in hits if hit.status is not Status.OPEN]
        self._open = len(hits) - len(self._hits)
        self._profiles: list[Profile] = []
        self._stop = threading.Event()
        self._state = "asking"
        self._told = -1
        self._reason = reason
        self._done: Packed | None = None

    def compose(self) -> ComposeResult:
        words, hits = self._words, self._hits
        with VerticalScroll(classes="sheet", can_focus=False):
            yield Line(words.text("export.title"), classes="title")
            size = size_text(sum(hit.bytes for hit in hits))
            counts = (("parcels", str(len(by_number(hits)))), ("sessions", str(len(hits))))
            yield Line(words.text("export.what", (*counts, ("size", size))))
            if self._open:
                yield Line(words.text("export.open", [("count", str(self._open))]), classes="bad")
            yield OptionList(id="profile", markup=False)
            yield Line("", id="about")
            for name, value in (
                ("folder", str(self._archive.root / "exports")),
                ("recipient", self._config.evidence.recipient),
                ("reason", self._reason),
            ):
                with Horizontal(classes="field"):
                    yield Line(words.text(f"export.{name}"), classes="label")
                    yield Input(value, id=name, max_length=LONGEST_TEXT)
            yield ProgressBar(total=STEP, show_eta=True, id="progress")
            yield Line(words.text("export.told"), id="said")
            yield VerticalScroll(id="paths")
        yield KeyLine(words, classes="keys")

    def on_mount(self) -> None:
        self.set_focus(self.query_one(OptionList))
        self._load()

    def on_unmount(self) -> None:
        self._stop.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        asking = self._state == "asking"
        return action not in ("begin", "next_field") or (asking and bool(self._hits))

    @work
    async def _load(self) -> None:
        """Show what can be exported for."""
        from storage.evidence.kit.profiles import load

        try:
            known = await asyncio.to_thread(load, self._config.profiles_file)
        except ArchiveError as error:
            self.query_one("#said", Line).show(shown(str(error)))
            return
        self._profiles = list(known.values())
        listed = self.query_one(OptionList)
        listed.add_options([Option(self._option(profile)) for profile in self._profiles])
        names = [profile.name for profile in self._profiles]
        chosen = self._config.evidence.profile
        listed.highlighted = names.index(chosen) if chosen in names else 0

    def _option(self, profile: Profile) -> Text:
        title = shown(profile.title.said(self._words.language))
        return Text.assemble(fit(profile.name, NAME_CELLS), "  ", (title, "#9aa7b2"))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what the profile makes, and how sure its limits are."""
        profile = self._profiles[event.option_index]
        sure = self._words.text(f"certainty.{profile.certainty.value}")
        about = shown(profile.about.said(self._words.language))
        self.query_one("#about", Line).show(f"{about} ({sure})")

    def action_begin(self) -> None:
        """Export what is marked."""
        folder = self.query_one("#folder", Input).value.strip()
        place = self.query_one(OptionList).highlighted
        if self._state == "asking" and self._hits and folder and place is not None:
            self._go("packing")
            for field in self.query("Input, OptionList"):
                field.disabled = True
            self._pack(self._profiles[place].name, Path(folder).expanduser())

    @work
    async def _pack(self, profile: str, folder: Path) -> None:
        recipient, reason = (self.query_one(f"#{name}", Input) for name in ("recipient", "reason"))
        told = (profile, recipient.value.strip(), reason.value.strip())
        try:
            packed = await asyncio.to_thread(self._packed, *told, folder)
        except ArchiveError as error:
            packed = Packed(failed=[("", str(error))])
        self._over(packed)

    def _packed(self, profile: str, recipient: str, reason: str, folder: Path) -> Packed:
        """On the packing thread. Raises ArchiveError."""
        way = way_out(self._config, self._archive, self._actor, profile, recipient, reason)
        packed = pack(
            self._archive, self._actor, way, self._hits, folder, self._tell, self._stop,
            self._words.language,
        )  # fmt: skip
        self._archive.checkpoint().result()
        return packed

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
        self._done = packed
        self._go("over")
        count = ("count", str(len(packed.paths)))
        if packed.stopped:
            self._say("export.stopped", (count,))
        elif packed.failed:
            self._say("export.failed", (count, ("failed", str(len(packed.failed)))))
        else:
            self._say("export.done", (count,))
        said = [(str(path), "good") for path in packed.paths]
        said += [(f"{shown(number)}: {shown(why)}", "doubt") for number, why in packed.lacking]
        said += [(f"{shown(number)}: {shown(why)}", "bad") for number, why in packed.failed]
        paths = self.query_one("#paths")
        paths.mount_all(Line(text, classes=tone) for text, tone in said)
        self.set_focus(paths)
        self.call_after_refresh(paths.scroll_visible, animate=False)

    def action_next_field(self) -> None:
        """Go to the next field."""
        self.focus_next()

    def action_stop(self) -> None:
        """Stop the export, else leave."""
        if self._state == "packing":
            self._stop.set()
            self._say("export.stopping")
        else:
            self.dismiss(self._done)

    def _go(self, state: str) -> None:
        self._state = state
        self.set_classes(f"-{state}")
        self.refresh_bindings()

    def _say(self, key: str, params: tuple[tuple[str, str], ...] = ()) -> None:
        self.query_one("#said", Line).show(self._words.text(key, params))
