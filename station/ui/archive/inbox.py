"""The inbox's screen: what could not be filed by itself, with a proposal for each file.

Looks and files happen on the watch's thread and on workers, pictures are made on another; the
screen shows the newest look and hands decisions over. Closing it ends the watching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import DataTable, Input, Static

from station.inbox import Look, Waiting
from station.inbox_watch import InboxWatch, inbox_of
from station.orders_watch import OrdersFolder
from station.ui.archive.inbox_group import GROUPS, GroupChoice
from station.ui.archive.inbox_picture import Thumbnail
from station.ui.archive.keys import KeyLine
from station.ui.messages import shown
from storage.errors import ArchiveError
from storage.intake import thumbnails

if TYPE_CHECKING:
    from pathlib import Path

    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor, EvidenceGroup

MOST_ROWS: Final = 1_000
NAME_CELLS: Final = 34
"""The end of a name tells more than its beginning: the folder is on the right."""


class InboxScreen(Screen[None]):
    """Files of the inbox that wait for a person."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "file", "inbox.key.file"),
        Binding("a", "file_folder", "inbox.key.folder"),
        Binding("c", "candidate", "inbox.key.candidate"),
        Binding("n", "number", "inbox.key.number"),
        Binding("1", "group(0)", "inbox.key.group", key_display="1-5"),
        *(
            Binding(str(place + 1), f"group({place})", "inbox.key.group", show=False)
            for place in range(1, len(GROUPS))
        ),
        Binding("r", "look", "inbox.key.look"),
        Binding("escape", "back", "inbox.key.back"),
    ]
    DEFAULT_CSS = """
    InboxScreen #inbox-title { height: 1; background: $primary; color: $text; padding: 0 1; }
    InboxScreen #inbox-body { height: 1fr; }
    InboxScreen #inbox-table { width: 3fr; height: 1fr; }
    InboxScreen #inbox-empty { width: 3fr; height: 1fr; padding: 1 2; display: none; }
    InboxScreen #inbox-side { width: 2fr; min-width: 34; padding: 0 1; border-left: tall $panel; }
    InboxScreen #inbox-picture { height: 1fr; min-height: 4; }
    InboxScreen #inbox-facts { height: auto; max-height: 5; }
    InboxScreen #inbox-number { height: 3; }
    InboxScreen #inbox-said { height: auto; max-height: 3; padding: 0 1; text-style: bold; }
    InboxScreen.-none #inbox-table { display: none; }
    InboxScreen.-none #inbox-empty { display: block; }
    """

    @dataclass
    class Looked(Message):
        """The inbox was looked through."""

        look: Look

    @dataclass
    class Told(Message):
        """Something was filed, or not. `again` is what another press of the key confirms."""

        key: str
        params: tuple[tuple[str, str], ...]
        again: str = ""

    @dataclass
    class Pictured(Message):
        """The thumbnail of a waiting file, a path or None."""

        waiting: Waiting
        path: Path | None

    def __init__(self, archive: Archive, config: Config, actor: Actor, words: Words) -> None:
        super().__init__()
        self._archive = archive
        self._words = words
        self._look: Look | None = None
        self._waiting: tuple[Waiting, ...] = ()
        self._filed = 0
        self._confirmed = ""
        self._shown: Waiting | None = None
        self._watch = InboxWatch(
            inbox_of(archive, config, actor),
            rescan_s=config.inbox.rescan_s,
            settle_s=config.inbox.settle_s,
            on_look=self._looked,
            orders=OrdersFolder(archive, config),
        )

    def compose(self) -> ComposeResult:
        words = self._words
        yield Static(words.text("inbox.title"), id="inbox-title", markup=False)
        with Horizontal(id="inbox-body"):
            table: DataTable[Text] = DataTable(
                id="inbox-table", cursor_type="row", zebra_stripes=True
            )
            for column in ("file", "why", "number", "size"):
                table.add_column(words.text(f"inbox.column.{column}"), key=column)
            yield table
            yield Static(words.text("inbox.looking"), id="inbox-empty", markup=False)
            with Vertical(id="inbox-side"):
                yield Thumbnail(id="inbox-picture")
                yield Static("", id="inbox-facts", markup=False)
                yield Input(placeholder=words.text("inbox.field.number"), id="inbox-number")
                yield Static(words.text("inbox.field.group"), markup=False)
                yield GroupChoice(words)
        yield Static("", id="inbox-said", markup=False)
        yield KeyLine(words, classes="keys")
        self.call_after_refresh(self._show_again)

    def _looked(self, look: Look) -> None:
        self.post_message(self.Looked(look))

    def on_mount(self) -> None:
        self._watch.start()

    def on_unmount(self) -> None:
        self._watch.stop(timeout_s=0)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#inbox-table", DataTable)

    # ------------------------------------------------------------------ what is shown

    def _show_again(self) -> None:
        """What is known, after the screen was made (anew, in another language)."""
        if self._look is None:
            self.set_class(True, "-none")
        else:
            self._shown, self._waiting = None, ()
            self._show_folder(self._look)
        self.query_one(KeyLine).show()
        self._table.focus()

    @on(Looked)
    def _show_look(self, message: Looked) -> None:
        self._look = look = message.look
        self._show_folder(look)
        if look.filed:
            self._filed += len(look.filed)
            last = look.filed[-1]
            self._say(
                "inbox.filed_itself",
                (("count", str(self._filed)), ("name", last.name), ("number", last.number)),
            )

    def _show_folder(self, look: Look) -> None:
        folder = str(self._watch.inbox.folder)
        told = (("count", str(len(look.waiting))), ("folder", folder))
        title = f"{self._words.text('inbox.title')} · {self._words.text('inbox.watching', told)}"
        self.query_one("#inbox-title", Static).update(title)
        empty = shown(look.trouble) if look.trouble else self._words.text("inbox.empty", told)
        self.query_one("#inbox-empty", Static).update(empty)
        self.set_class(not look.waiting, "-none")
        if look.waiting != self._waiting:
            self._waiting = look.waiting
            self._fill()

    def _fill(self) -> None:
        """The rows of what waits; the one that was looked at stays it."""
        table, at = self._table, self._shown.parts if self._shown is not None else None
        row = table.cursor_row
        table.clear()
        for each in self._waiting[:MOST_ROWS]:
            name, why, numbers = shown(each.name), self._why(each), _numbers(each)
            name = name if len(name) <= NAME_CELLS else f"…{name[1 - NAME_CELLS :]}"
            table.add_row(*map(Text, (name, why, numbers, _size(each.size_bytes))))
        if len(self._waiting) > MOST_ROWS:
            more = (("count", str(len(self._waiting) - MOST_ROWS)),)
            table.add_row(Text(self._words.text("inbox.more", more)))
        places = {each.parts: place for place, each in enumerate(self._waiting[:MOST_ROWS])}
        table.move_cursor(row=places.get(at, row) if at is not None else 0)
        self._show_file()

    def _why(self, waiting: Waiting) -> str:
        if waiting.trouble or waiting.proposal is None:
            return shown(waiting.trouble) or self._words.text("inbox.why.changing")
        why = waiting.proposal.why
        told = self._words.text(f"inbox.why.{'ready' if why is None else why.value}")
        how = waiting.proposal.how
        return f"{told} ({self._words.text(f'inbox.how.{how}')})" if how else told

    @on(DataTable.RowHighlighted)
    def _show_file(self) -> None:
        """The file under the cursor, with what is proposed for it."""
        row = self._table.cursor_row
        waiting = self._waiting[row] if 0 <= row < min(len(self._waiting), MOST_ROWS) else None
        before, self._shown = self._shown, waiting
        if waiting is None:
            self.query_one("#inbox-facts", Static).update("")
            self.query_one(Thumbnail).show(None)
            return
        proposal = waiting.proposal
        found = ", ".join(proposal.candidates[:5]) if proposal else ""
        facts = [f"{waiting.media_type} · {_size(waiting.size_bytes)}", shown(waiting.name)]
        if found:
            facts.append(self._words.text("inbox.field.found", (("numbers", found),)))
        self.query_one("#inbox-facts", Static).update("\n".join(facts))
        if before is not None and (before.parts, before.proposal) == (waiting.parts, proposal):
            return  # the same file, still: what was typed for it stays
        likeliest = proposal.candidates[0] if proposal and proposal.candidates else ""
        self.query_one("#inbox-number", Input).value = likeliest
        # A group that was chosen for another file must not slip onto this one.
        likely = None if proposal is None else proposal.group or proposal.likely
        self.query_one(GroupChoice).chosen = likely
        self.query_one(Thumbnail).show(None)
        self._picture(waiting)

    @work(thread=True, exclusive=True, group="inbox-picture")
    def _picture(self, waiting: Waiting) -> None:
        path = thumbnails.of(self._archive.root, waiting.path)
        self.post_message(self.Pictured(waiting, path))

    @on(Pictured)
    def _show_picture(self, message: Pictured) -> None:
        if self._shown is not None and message.waiting.parts == self._shown.parts:
            text = self._words.text("inbox.no_picture")
            self.query_one(Thumbnail).show(message.path, text)

    @on(Told)
    def _tell(self, message: Told) -> None:
        self._confirmed = message.again
        self._say(message.key, message.params)

    def _say(self, key: str, params: tuple[tuple[str, str], ...] = ()) -> None:
        self.query_one("#inbox-said", Static).update(self._words.text(key, params))

    # ------------------------------------------------------------------ what is decided

    def action_group(self, place: int) -> None:
        """Choose the evidence group."""
        self.query_one(GroupChoice).chosen = GROUPS[place]

    def action_candidate(self) -> None:
        """Take the next of the numbers that were found."""
        proposal = self._shown.proposal if self._shown is not None else None
        if proposal is not None and proposal.candidates:
            field = self.query_one("#inbox-number", Input)
            numbers = proposal.candidates
            at = numbers.index(field.value) + 1 if field.value in numbers else 0
            field.value = numbers[at % len(numbers)]

    def action_number(self) -> None:
        """Type the number."""
        self.query_one("#inbox-number", Input).focus()

    def action_look(self) -> None:
        """Look through the folder now."""
        self._watch.wake()

    def action_back(self) -> None:
        """Leave the field, then the screen."""
        if self.query_one("#inbox-number", Input).has_focus:
            self._table.focus()
        else:
            self.dismiss()

    @on(DataTable.RowSelected)
    @on(Input.Submitted)
    def action_file(self) -> None:
        """File the shown file as it is proposed, or as it was corrected."""
        if self._shown is not None:
            self._decide((self._shown,))

    def action_file_folder(self) -> None:
        """File everything that waits in the same folder as the shown file the same way."""
        if self._shown is not None:
            folder = self._shown.parts[:-1]
            self._decide(tuple(each for each in self._waiting if each.parts[:-1] == folder))

    def _decide(self, waiting: tuple[Waiting, ...]) -> None:
        number = "".join(self.query_one("#inbox-number", Input).value.upper().split())
        group = self.query_one(GroupChoice).chosen
        if not number:
            self._say("inbox.need_number")
            self.action_number()
        elif group is None:
            self._say("inbox.need_group")
        else:
            self._file(waiting, number, group, number == self._confirmed)

    @work(thread=True, group="inbox-file")
    def _file(
        self, waiting: tuple[Waiting, ...], number: str, group: EvidenceGroup, sure: bool
    ) -> None:
        """File them, on a worker's thread; stop at the first that cannot be."""
        told = (("number", number),)
        try:
            if not sure and not self._archive.numbers_known(number):
                self.post_message(self.Told("inbox.unknown", told, again=number))
                return
            for each in waiting:
                self._watch.file(each, number, group)
        except FileNotFoundError:
            self.post_message(self.Told("inbox.gone", ()))
        except (ArchiveError, OSError) as error:
            self.post_message(self.Told("inbox.failed", (("why", str(error)),)))
        else:
            if len(waiting) == 1:
                self.post_message(self.Told("inbox.filed", (*told, ("name", waiting[0].name))))
            else:
                count = ("count", str(len(waiting)))
                self.post_message(self.Told("inbox.filed_many", (*told, count)))


def _numbers(waiting: Waiting) -> str:
    """The number that is proposed, or the likeliest, and how many more there are."""
    if waiting.proposal is None or not waiting.proposal.candidates:
        return ""
    candidates = waiting.proposal.candidates
    more = f" +{len(candidates) - 1}" if len(candidates) > 1 else ""
    return waiting.proposal.number or candidates[0] + more


def _size(size_bytes: int) -> str:
    """A size for people."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1_000:
            return f"{size:.0f} {unit}"
        size /= 1_000
    return f"{size:.1f} GB"
