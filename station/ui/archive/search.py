"""The first screen of the archive: a line to type in, and what it finds while it is typed.

No key waits for the archive: the line is read here, and answered by the `Searcher`'s thread. What
is packed meanwhile appears by itself while the newest are looked at.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from station.console import harmless
from station.local_time import LOCAL
from station.ui.archive.keys import KeyLine
from station.ui.archive.leading import LeadingScreen
from station.ui.archive.results import Headings, Results
from station.ui.archive.row import about, size_text
from station.ui.archive.searcher import LIMIT, Answer, Question, Searcher
from station.ui.archive.understood import understood, unfinished
from station.ui.labels import Line
from station.ui.messages import shown
from storage.errors import QueryError
from storage.query import LONGEST, Query, parse

if TYPE_CHECKING:
    from textual.events import Key, ScreenResume

    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor
    from storage.search import Hit

NEWS_S: Final = 2.0
"""How often it is asked whether something was packed, while the newest are looked at."""
CLAIMS_S: Final = 60.0
"""How often it is asked whether claims are due."""


class Answered(Message):
    """The searching thread has answered."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class SearchLine(Input):
    """The line to type in. Keys that move go to the table, before the next key is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.open", "key.open"),
        Binding("down", "screen.table('move(1)')", "key.table", priority=True),
        Binding("up", "screen.table('move(-1)')", show=False, priority=True),
        Binding("pagedown", "screen.table('leap(1)')", show=False, priority=True),
        Binding("pageup", "screen.table('leap(-1)')", show=False, priority=True),
        Binding("shift+down", "screen.table('mark_to(1)')", show=False, priority=True),
        Binding("shift+up", "screen.table('mark_to(-1)')", show=False, priority=True),
    ]


class SearchScreen(LeadingScreen):
    """Finds sessions, and leads to everything else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "filters", "key.filters"),
        Binding("f3", "claims", "claims.key.claims"),
        Binding("f4", "export", "key.export"),
        Binding("f5", "again", "key.again"),
        Binding("f6", "shift", "key.shift"),
        Binding("f7", "inbox", "key.inbox"),
        Binding("ctrl+o", "coverage", "claims.key.coverage"),
        Binding("ctrl+r", "review", "claims.key.review"),
        Binding("f8", "sign_out", "key.sign_out"),
        Binding("escape", "clear", "key.clear"),
    ]

    def __init__(self, archive: Archive, config: Config, actor: Actor, words: Words) -> None:
        super().__init__(archive, config, actor, words)
        self._query = Query()
        self._text = ""
        self._search = 0
        self._trouble = ""
        self._exact = True
        self._answered = 0
        self._opening: str | None = None
        self._searcher = Searcher(archive.search_connection, self._told)

    # ------------------------------------------------------------------ what stands on it

    def compose(self) -> ComposeResult:
        words = self._words
        with Horizontal(id="top"):
            yield Line(words.text("app.title"), id="title")
            yield Line(str(self._archive.root), id="where")
            role = words.text(f"role.{self._actor.role.value}")
            yield Line(f"{shown(self._actor.name)} · {role}", id="who")
        yield Line(words.text("app.read_only"), id="read-only")
        yield self.urgent_line()
        yield SearchLine(
            self._text,
            placeholder=words.text("search.placeholder"),
            id="line",
            max_length=LONGEST,
            select_on_focus=False,
        )
        yield Line(id="understood")
        yield Headings(words, id="headings")
        yield Results(words, id="results")
        yield Line(id="empty")
        yield Line(id="about")
        yield KeyLine(words, id="keys")

    def on_mount(self) -> None:
        self.set_focus(self._line)
        self.set_class(not self._archive.writable, "-read-only")
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        """After the first picture."""
        self._searcher.start()
        self._ask()
        self.set_interval(NEWS_S, self._ask_for_news)
        self.look_for_claims()
        self.set_interval(CLAIMS_S, self.look_for_claims)

    def on_unmount(self) -> None:
        self._searcher.stop()

    @property
    def _line(self) -> SearchLine:
        return self.query_one(SearchLine)

    @property
    def _results(self) -> Results:
        return self.query_one(Results)

    # ------------------------------------------------------------------ asking

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value != self._text:
            self._text = event.value
            self._ask()

    def _ask(self) -> None:
        """Search for what stands in the line; whatever was searched for before is forgotten."""
        try:
            self._query = parse(self._text, dt.datetime.now(dt.UTC), LOCAL)
        except QueryError as error:
            self._trouble = f"{self._words.text('search.not_understood')} {error}"
            self._show_about()
            return
        self._trouble = ""
        self._search += 1
        self._searcher.ask(Question(self._search, self._query))

    def _ask_for_news(self) -> None:
        """Look again, unless somebody has gone down the list."""
        idle = self.is_current and self._results.scroll_offset.y == 0 and not self._trouble
        if idle and self._results.pages.count <= LIMIT:
            self._searcher.ask(Question(self._search, self._query, quietly=True))

    def _told(self, answer: Answer) -> None:
        """On the searcher's thread."""
        self.post_message(Answered(answer))

    @on(Results.More)
    def _more(self, event: Results.More) -> None:
        wanted = event.wanted
        limit = wanted.limit or LIMIT
        self._searcher.ask(Question(self._search, self._query, wanted.after, limit))

    @on(Answered)
    def _shown(self, event: Answered) -> None:
        answer = event.answer
        question, page = answer.question, answer.page
        if question.search != self._search:
            return
        if page is None:
            self._trouble = str(answer.error)
        else:
            results = self._results
            self._answered = question.search
            if question.after is not None:
                results.take(question.after, page)
            elif not page.hits and unfinished(self._text):
                pass  # what was found stays while a word such as packer: is being typed
            elif not question.quietly:
                self._exact = page.exact
                results.show(page, self._query.text)
            elif page.hits != tuple(results.pages.here()):
                results.show(page, self._query.text, keep=True)
        self._show_about()
        if self._opening is not None and not question.quietly:
            self._open_awaited()

    # ------------------------------------------------------------------ telling

    def _show_about(self) -> None:
        """Write the lines around the table anew."""
        words, results = self._words, self._results
        count, current = results.pages.count, results.current
        told = self.query_one("#understood", Line)
        told.set_class(bool(self._trouble), "-trouble")
        told.show(self._understood(count))
        empty = self._answered > 0 and count == 0
        self.set_class(empty, "-empty")
        if empty:
            asked = self._query != Query()
            key = "search.nothing" if asked else "search.no_sessions"
            self.query_one("#empty", Line).show(words.text(key, [("text", self._text)]))
        self.query_one("#about", Line).show(about(current, words) if current else "")

    def _understood(self, count: int) -> Text:
        words = self._words
        if self._trouble:
            return Text(harmless(self._trouble), "bold #ff8f7a")
        said = understood(self._query, words, LOCAL) or words.text("understood.everything")
        more = "" if self._results.pages.complete else "+"
        tail = words.text("search.count", [("count", f"{count}{more}")]) if self._answered else ""
        if not self._exact:
            tail += " · " + words.text("search.type_on")
        line = Text.assemble((shown(said), "#d5dde4"), "  ", (tail, "#9aa7b2"))
        if marked := self._results.marked:
            size = size_text(sum(hit.bytes for hit in marked.values()))
            params = [("count", str(len(marked))), ("size", size)]
            line.append("  " + words.text("search.marked", params), "bold #ffd866")
        return line

    @on(Results.Moved)
    def _moved(self) -> None:
        self._show_about()

    # ------------------------------------------------------------------ keys

    def on_key(self, event: Key) -> None:
        """Whatever is typed belongs into the line, also when the table has the focus."""
        line = self._line
        if self.focused is line or event.key in self.active_bindings:
            return
        if not (event.is_printable or event.key == "backspace"):
            return
        event.stop()
        self.set_focus(line)
        if event.key == "backspace":
            line.action_delete_left()
        elif event.character is not None:
            line.insert_text_at_cursor(event.character)

    async def action_table(self, action: str) -> None:
        """A key that moves: the table has the focus from now on."""
        results = self._results
        self.set_focus(results)
        await results.run_action(action)

    def action_clear(self) -> None:
        """Take the marks away, then what was typed."""
        if self._results.marked:
            self._results.unmark()
        else:
            self._line.value = ""
        self.set_focus(self._line)

    def action_again(self) -> None:
        self._ask()

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Back from a parcel: what was corrected there is seen here."""
        if self._answered:
            self._searcher.ask(Question(self._search, self._query, quietly=True))
            self.look_for_claims()

    def search_for(self, text: str) -> None:
        """Put `text` into the line."""
        self._line.value = text
        self._line.action_end()
        self.set_focus(self._line)

    # ------------------------------------------------------------------ where it leads

    def action_open(self) -> None:
        """Open the session at hand; a number that was just typed or scanned is waited for."""
        self._opening = self._line.value
        self._open_awaited()

    def _open_awaited(self) -> None:
        """Open what was found for the line as it stood when it was asked for."""
        if self._opening != self._line.value:
            self._opening = None
        elif self._opening == self._text and self._answered == self._search:
            self._opening = None
            if self._results.current is not None:
                self._open(self._results.current)

    @on(Results.Opened)
    def _opened(self, event: Results.Opened) -> None:
        self._open(event.hit)

    def _open(self, hit: Hit) -> None:
        from station.ui.archive.parcel import ParcelScreen

        here = (self._archive, self._config, self._actor, self._words)
        self.app.push_screen(ParcelScreen(*here, hit.number, hit.session_id))

    def action_filters(self) -> None:
        from station.ui.archive.filters import FilterMenu

        menu = FilterMenu(self._archive, self._words, self._text)
        self.app.push_screen(menu, lambda text: None if text is None else self.search_for(text))

    def action_export(self) -> None:
        """Export what is marked, else the session under the cursor."""
        from station.ui.archive.export import ExportScreen

        results = self._results
        hits = list(results.marked.values()) or [hit for hit in [results.current] if hit]
        if hits:
            here = (self._archive, self._config, self._actor, self._words)
            self.app.push_screen(ExportScreen(*here, hits))
