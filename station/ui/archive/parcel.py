"""One parcel: everything that the archive knows of it on one screen, its pictures and its film.

Rows, manifests, pictures and videos are read on other threads; a key never waits for them. What is
shown is told to the ledger first, and what is said here becomes an amendment: nothing here changes
what was sealed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import OptionList, Static

from station.dossier import Record, gather
from station.ui.archive import amend, film
from station.ui.archive.evidence import Evidence
from station.ui.archive.facts import facts
from station.ui.archive.keys import KeyLine
from station.ui.archive.parcel_leading import ParcelLeading
from station.ui.archive.parcel_look import PARCEL_CSS, event_line, fact_table, tabs
from station.ui.archive.proof import Proof
from station.ui.archive.timeline import Event, events
from station.ui.archive.viewing import Viewing
from station.ui.archive.zoom import open_elsewhere
from station.ui.labels import Line
from station.ui.messages import shown
from storage.errors import ArchiveError
from storage.later import Change, Right
from storage.people import RIGHTS
from storage.records import Status

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor, Amendment

_NEEDED: Final = {
    "export": Right.EXPORT,
    "verify": Right.CHECK,
    "claim": Right.CLAIM,
    "claims": Right.CLAIM,
    "trace": Right.FIND,
}


class Timeline(OptionList):
    """What happened; the session's keys work here, too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "screen.session(-1)", "parcel.key.session", key_display="←→"),
        Binding("right", "screen.session(1)", show=False),
        Binding("enter", "screen.zoom", "parcel.key.zoom"),
    ]


class ParcelScreen(ParcelLeading):
    """The page of one tracking number; `session` is the one that is shown first."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 - Textual's own form
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "film", "parcel.key.film"),
        Binding("c", "camera", "parcel.key.camera"),
        Binding("o", "open", "parcel.key.player"),
        Binding("m", "compare", "parcel.key.compare"),
        Binding("d", "details", "parcel.key.details"),
        Binding("y", "verify", "parcel.key.verify"),
        Binding("n", "amend('note')", "parcel.key.note"),
        Binding("h", "amend('hold')", "parcel.key.hold"),
        Binding("l", "amend('release')", "parcel.key.release"),
        Binding("b", "amend('rebind')", "parcel.key.rebind"),
        Binding("t", "amend('test')", "parcel.key.test"),
        Binding("u", "amend('untest')", "parcel.key.untest"),
        Binding("r", "trace", "claims.key.trace"),
        Binding("k", "claim", "claims.key.new"),
        Binding("f3", "claims", "claims.key.of_parcel"),
        Binding("f4", "export", "key.export"),
        Binding("f5", "again", "key.again"),
        Binding("escape", "back", "key.back"),
    ]
    DEFAULT_CSS = PARCEL_CSS

    def __init__(
        self,
        archive: Archive,
        config: Config,
        actor: Actor,
        words: Words,
        number: str,
        session: str | None = None,
    ) -> None:
        super().__init__(archive, config, actor, words, number)
        self._wanted = session
        self._at = 0
        self._events: tuple[Event, ...] = ()
        self._viewing = Viewing(archive, actor, words, self._failed)
        self._proof = Proof(archive.root, words, self._proven)

    # ------------------------------------------------------------------ what stands on it

    def compose(self) -> ComposeResult:
        words = self._words
        with Horizontal(id="parcel-top"):
            yield Line(shown(self._number), id="parcel-number")
            yield Line(id="parcel-tabs")
            yield Line(f"{shown(self._actor.name)}", id="parcel-who")
        with Horizontal(id="parcel-body"):
            with VerticalScroll(id="parcel-facts", can_focus=False):
                yield Static(words.text("parcel.loading"), id="parcel-table", markup=False)
            with Vertical(id="parcel-right"):
                yield Evidence(self._viewing, words)
                yield Line(words.text("parcel.timeline"), classes="heading")
                yield Timeline(id="parcel-timeline", markup=False)
        yield KeyLine(words)

    def on_mount(self) -> None:
        self._timeline.focus()
        self._load()

    def on_unmount(self) -> None:
        self._proof.stop()

    async def recompose(self) -> None:
        """After another language was chosen."""
        await super().recompose()
        self._timeline.focus()
        self._show()

    @property
    def _timeline(self) -> Timeline:
        return self.query_one(Timeline)

    @property
    def _evidence(self) -> Evidence:
        return self.query_one(Evidence)

    @property
    def record(self) -> Record | None:
        """The session that is shown."""
        found = self._dossier
        return found.records[self._at] if found is not None and found.records else None

    def _failed(self, error: BaseException) -> None:
        self.notify(shown(str(error)), severity="error", markup=False)

    # ------------------------------------------------------------------ gathering

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        """Look everything up anew; the session that is shown stays the same."""
        try:
            found = await asyncio.to_thread(gather, self._archive, self._number)
        except ArchiveError as error:
            if self.is_attached:
                self._say_instead(shown(str(error)))
            return
        if not self.is_attached:
            return
        ids = [record.session.id for record in found.records]
        before = self.record.session.id if self.record else self._wanted
        self._dossier = found
        self._at = ids.index(before) if before in ids else max(0, len(ids) - 1)
        if ids:
            self._show()
        else:
            self._say_instead(self._words.text("parcel.unknown", [("number", self._number)]))

    def _say_instead(self, text: str) -> None:
        """There is no session to show."""
        self._dossier, self._events = None, ()
        self._timeline.clear_options()
        self.query_one("#parcel-table", Static).update(text)
        self.refresh_bindings()

    def _show(self) -> None:
        """Write the session at hand, and begin with its pictures."""
        dossier, record, words = self._dossier, self.record, self._words
        if dossier is None or record is None:
            return
        self._events = events(dossier, record)
        self.query_one("#parcel-tabs", Line).show(tabs(dossier, self._at, words))
        self._show_facts()
        first = record.session.opened_at
        timeline, at = self._timeline, self._timeline.highlighted
        timeline.clear_options()
        timeline.add_options(event_line(event, first, words) for event in self._events)
        if self._events:
            timeline.highlighted = min(at or 0, len(self._events) - 1)
        self._evidence.show(dossier, record, self._events)
        self._moved()
        self.refresh_bindings()

    def _show_facts(self) -> None:
        dossier, record, words = self._dossier, self.record, self._words
        if dossier is not None and record is not None:
            proven = self._proof.said(record)
            found = facts(dossier, record, words)
            table = fact_table((*([proven] if proven else ()), *found), words)
            self.query_one("#parcel-table", Static).update(table)

    # ------------------------------------------------------------------ moving about

    @property
    def event(self) -> Event | None:
        """What is chosen in the timeline."""
        at = self._timeline.highlighted
        return self._events[at] if at is not None and at < len(self._events) else None

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        if self.event is not None:
            self._evidence.mark(self.event)

    @on(Evidence.Picked)
    def _picked(self, message: Evidence.Picked) -> None:
        self._timeline.highlighted = self._events.index(message.event)

    def action_session(self, way: int) -> None:
        """The session before, or after."""
        found = self._dossier
        if found is None or not 0 <= self._at + way < len(found.records):
            return
        self._at += way
        self._timeline.highlighted = None
        self._show()

    def action_camera(self) -> None:
        """The film of the next camera."""
        self._evidence.next_camera()

    def action_details(self) -> None:
        """Down to hashes and ledger entries, and up again."""
        column = self.query_one("#parcel-facts", VerticalScroll)
        if column.scroll_y >= column.max_scroll_y:
            column.scroll_home(animate=False)
        else:
            column.scroll_page_down(animate=False)

    def action_again(self) -> None:
        self._load()

    def action_back(self) -> None:
        self.dismiss()

    # ------------------------------------------------------------------ looking closely

    def action_zoom(self) -> None:
        """What is chosen over the whole window: its photo, its document, its moment in the film."""
        if self.event is not None:
            self._evidence.look(self.event)

    def action_film(self) -> None:
        """The film over the whole window, from the chosen event on."""
        if self.event is not None:
            self._evidence.look_at_film(self.event)

    @work(group="open")
    async def action_open(self) -> None:
        """Open the chosen event in the system's player, or its document in its program."""
        item = None if self.event is None else self._evidence.item(self.event)
        if item is None:
            self.notify(self._words.text("parcel.no_video"), severity="error", markup=False)
        else:
            await open_elsewhere(self, self._words, item)

    def action_compare(self) -> None:
        from station.ui.archive.compare import CompareScreen

        dossier, record = self._dossier, self.record
        if dossier is not None and record is not None and len(dossier.records) > 1:
            self.app.push_screen(
                CompareScreen(self._words, self._viewing, dossier.records, self._at)
            )

    # ------------------------------------------------------------------ saying and proving

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What the role may not do, or what makes no sense here, is not offered."""
        record, dossier = self.record, self._dossier
        rights = RIGHTS[self._actor.role]
        if action in ("film", "zoom", "open", "compare", "camera") and not self._viewing.allowed:
            return False
        if action in _NEEDED and _NEEDED[action] not in rights:
            return False
        if action in ("export", "claim") and not self._archive.writable:
            return False
        if action == "amend":
            return self._may_say(str(parameters[0]), record)
        if record is None or dossier is None:
            return action in ("back", "again", "help", "claim", "trace")
        if action == "claims":
            return bool(dossier.claims)
        if action == "compare":
            return len(dossier.records) > 1
        if action == "session":
            return len(dossier.records) > 1
        if action == "camera":
            return len(film.cameras(record)) > 1
        return True

    def _may_say(self, name: str, record: Record | None) -> bool:
        if record is None or not self._archive.writable:
            return False
        if amend.RIGHTS[name] not in RIGHTS[self._actor.role]:
            return False
        still_open = record.session.status is Status.OPEN
        match name:
            case "hold":
                return record.deleted is None
            case "release":
                return bool(record.standing(Change.HELD))
            case "test":
                return not still_open and not record.standing(Change.TEST)
            case "untest":
                return bool(record.standing(Change.TEST))
            case "rebind":
                return not still_open
            case _:
                return True

    def action_amend(self, name: str) -> None:
        """Ask for what is to be said of the session."""
        record = self.record
        if record is not None and self._may_say(name, record):
            asked = amend.ask(self._archive, self._actor, record, name)
            rules = self._config.scanner.waybills
            self.app.push_screen(amend.AmendScreen(asked, self._words, rules), self._amended)

    def _amended(self, filed: Amendment | None) -> None:
        if filed is None:
            return
        if filed.change is Change.REBOUND:
            # The page follows its session to the right number.
            self._wanted, self._number, self._dossier = filed.subject, filed.number, None
            self.query_one("#parcel-number", Line).show(shown(self._number))
        self._load()

    @work(group="proof")
    async def action_verify(self) -> None:
        """Read every byte of the session."""
        record = self.record
        if record is None:
            return
        if record.deleted is not None:
            self.notify(self._words.text("parcel.verify.gone"), markup=False)
            return
        await asyncio.to_thread(self._proof.read, record)

    def _proven(self) -> None:
        """On the reading thread."""
        self.call_later(self._show_facts)
