"""The table of found sessions: draws only the lines on the screen, and asks for more as it scrolls.

How many there are is not known before the last page has come. Knows no search: it posts `More` with
the page that lacks, and is given pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from station.ui.archive.pages import Pages, Wanted
from station.ui.archive.row import (
    MARK_CELLS,
    SIGNS,
    cell,
    columns,
    fit,
    flag_texts,
    tone,
)

if TYPE_CHECKING:
    from textual.events import Click, Resize

    from station.ui.archive.words import Words
    from storage.search import Hit, Key, Page

AHEAD_SCREENS: Final = 3
"""So many screens ahead of what is looked at are asked for: scrolling does not run into the end."""
_TONES: Final = {
    "stop": Style.parse("bold #ff8f7a"),
    "check": Style.parse("#ffc04d"),
    "work": Style.parse("bold #6cb6ff"),
    "quiet": Style.parse("#7d8a96"),
    "done": Style.parse("#56e0b0"),
}
_PLAIN: Final = Style.parse("#d5dde4 on #101418")
_DIM: Final = Style.parse("#9aa7b2")
_MARK: Final = Style.parse("bold #ffd866")
_MATCH: Final = Style.parse("bold #ffd866")
_MARKED: Final = Style.parse("on #2b2a1c")
_CURSOR: Final = Style.parse("bold #ffffff on #0059a8")
_CURSOR_AWAY: Final = Style.parse("#ffffff on #27405a")


class Results(ScrollView, can_focus=True):
    """The found sessions, one line each, with a cursor and marks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "key.open"),
        Binding("space", "mark", "key.mark"),
        Binding("ctrl+a", "mark_all", "key.mark_all"),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("shift+up", "mark_to(-1)", show=False),
        Binding("shift+down", "mark_to(1)", "key.mark_to", show=False),
        Binding("pageup", "leap(-1)", show=False),
        Binding("pagedown", "leap(1)", show=False),
        Binding("home", "first", "key.first", show=False),
        Binding("end", "last", "key.last", show=False),
    ]

    class More(Message):
        """A page is wanted for what is looked at."""

        def __init__(self, wanted: Wanted) -> None:
            super().__init__()
            self.wanted = wanted

    class Opened(Message):
        """This session is to be shown."""

        def __init__(self, hit: Hit) -> None:
            super().__init__()
            self.hit = hit

    class Moved(Message):
        """The cursor or a mark has changed."""

    def __init__(self, words: Words, **options: Any) -> None:
        super().__init__(**options)
        self._words = words
        self._pages = Pages()
        self._needle = ""
        self.cursor = 0
        self.marked: dict[str, Hit] = {}

    # ------------------------------------------------------------------ what it is given

    @property
    def pages(self) -> Pages:
        return self._pages

    @property
    def current(self) -> Hit | None:
        """The session under the cursor."""
        return self._pages.hit(self.cursor)

    def show(self, page: Page, needle: str = "", *, keep: bool = False) -> None:
        """Begin anew with the first page of a search; `needle` is shown bright in the numbers.

        `keep`: the cursor stays on its session if that is on the page.
        """
        held = self.current.session_id if keep and self.current else None
        before = self.scroll_offset.y
        self._pages, self._needle = Pages(), needle
        self._pages.put(None, page)
        row = next((at for at, hit in enumerate(page.hits) if hit.session_id == held), None)
        self.cursor = row or 0
        self._measure()
        self.scroll_to(y=before if row else 0, animate=False, immediate=True)
        self._look()
        self.refresh()
        self.post_message(self.Moved())

    def take(self, after: Key | None, page: Page) -> None:
        """A further page has come."""
        if self._pages.put(after, page):
            self._measure()
            self._look()
            self.refresh()

    def unmark(self) -> None:
        """Take every mark away."""
        self.marked.clear()
        self.refresh()
        self.post_message(self.Moved())

    # ------------------------------------------------------------------ moving

    def on_resize(self, event: Resize) -> None:
        self._measure()
        self._look()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def _measure(self) -> None:
        waiting = 0 if self._pages.complete else 1
        size = Size(self.size.width, self._pages.count + waiting)
        if size != self.virtual_size:
            self.virtual_size = size

    def _look(self) -> None:
        """Ask for what is looked at and not here."""
        top, rows = self.scroll_offset.y, max(1, self.size.height)
        wanted = self._pages.wanted(top, top + rows - 1) or self._pages.wanted(
            max(0, top - rows), top + AHEAD_SCREENS * rows
        )
        if wanted is not None and self._pages.count:
            self.post_message(self.More(wanted))

    def go(self, row: int) -> None:
        """Put the cursor on a row, as near as there is one."""
        row = max(0, min(row, self._pages.count - 1))
        if row != self.cursor:
            old, self.cursor = self.cursor, row
            for each in (old, row):
                self.refresh_lines(each)
            self.post_message(self.Moved())
        self.scroll_to_region(Region(0, row, 1, 1), animate=False, immediate=True, force=True)

    def action_move(self, rows: int) -> None:
        self.go(self.cursor + rows)

    def action_leap(self, screens: int) -> None:
        self.go(self.cursor + screens * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.go(0)

    def action_last(self) -> None:
        self.go(self._pages.count - 1)

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self.current))

    # ------------------------------------------------------------------ marks

    def _set_mark(self, row: int, *, on: bool) -> None:
        hit = self._pages.hit(row)
        if hit is not None:
            if on:
                self.marked[hit.session_id] = hit
            else:
                self.marked.pop(hit.session_id, None)
            self.refresh_lines(row)
            self.post_message(self.Moved())

    def toggle(self, row: int) -> None:
        """Mark a row, or take its mark away."""
        hit = self._pages.hit(row)
        if hit is not None:
            self._set_mark(row, on=hit.session_id not in self.marked)

    def action_mark(self) -> None:
        self.toggle(self.cursor)
        self.go(self.cursor + 1)

    def action_mark_to(self, rows: int) -> None:
        """Mark the row at hand and the one that is gone to."""
        self._set_mark(self.cursor, on=True)
        self.go(self.cursor + rows)
        self._set_mark(self.cursor, on=True)

    def action_mark_all(self) -> None:
        """Mark all that have come so far; none when all of them are."""
        here = {hit.session_id: hit for hit in self._pages.here()}
        if here.keys() <= self.marked.keys():
            for session in here:
                del self.marked[session]
        else:
            self.marked |= here
        self.refresh()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        row = self.scroll_offset.y + event.y
        if not 0 <= row < self._pages.count:
            return
        self.go(row)
        if event.x < MARK_CELLS - 2 or event.ctrl:
            self.toggle(row)
        elif event.chain == 2:
            self.action_open()

    # ------------------------------------------------------------------ drawing

    def refresh_lines(self, y_start: int, line_count: int = 1) -> None:
        """Draw some rows anew; rows, not lines of the window."""
        top = self.scroll_offset.y
        self.refresh(Region(0, y_start - top, max(1, self.size.width), line_count))

    def render_line(self, y: int) -> Strip:
        row, cells = self.scroll_offset.y + y, self.size.width
        hit = self._pages.hit(row)
        if hit is None:
            waiting = row < self._pages.count + (not self._pages.complete)
            text = " " * MARK_CELLS + self._words.text("results.more") if waiting else ""
            return Strip([Segment(fit(text, cells), _PLAIN + _DIM)], cells)
        return self._drawn(hit, row == self.cursor, cells)

    def _drawn(self, hit: Hit, at_cursor: bool, cells: int) -> Strip:
        marked = hit.session_id in self.marked
        ground = _PLAIN
        if marked:
            ground += _MARKED
        if at_cursor:
            ground += _CURSOR if self.has_focus else _CURSOR_AWAY
        kind = tone(hit)
        ink = Style.null() if at_cursor else _TONES[kind]
        dim = Style.null() if at_cursor else _DIM
        mark = "›" if at_cursor else " "
        segments = [
            Segment(mark, ground + _MARK),
            Segment("✓ " if marked else "  ", ground + _MARK),
            Segment(SIGNS[kind] + " ", ground + ink),
        ]
        left = cells - MARK_CELLS
        for column in columns(cells):
            text = fit(cell(hit, column.name), column.cells, right=column.right) + "  "
            style = ground + (dim if column.name != "number" or kind == "quiet" else Style.null())
            left -= column.cells + 2
            if column.name == "number":
                segments += self._with_needle(text, style)
            else:
                segments.append(Segment(text, style))
        said = fit(" · ".join(flag_texts(hit, self._words)), left)
        segments.append(Segment(said, ground + (dim if kind == "done" else ink)))
        return Strip(segments).adjust_cell_length(cells, ground)

    def _with_needle(self, text: str, style: Style) -> list[Segment]:
        """The text, with what was searched for in it made bright."""
        at = text.find(self._needle) if self._needle else -1
        if at < 0:
            return [Segment(text, style)]
        end = at + len(self._needle)
        parts = [
            Segment(text[:at], style),
            Segment(text[at:end], style + _MATCH),
            Segment(text[end:], style),
        ]
        return [part for part in parts if part.text]


class Headings(Widget):
    """The names of the columns above the table."""

    def __init__(self, words: Words, **options: Any) -> None:
        super().__init__(**options)
        self._words = words

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        text = " " * MARK_CELLS
        for column in columns(cells):
            name = self._words.text(f"column.{column.name}")
            text += fit(name, column.cells, right=column.right) + "  "
        text += self._words.text("column.flags")
        return Strip([Segment(fit(text, cells), _PLAIN + _DIM)], cells)
