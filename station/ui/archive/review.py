"""The loss review on the screen: a period, a dimension, and its bars or one of its tables; as files
too.

Counts on another thread: no key waits for the archive, and what was asked before it was done is
dropped.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen

from station.local_time import LOCAL
from station.review_period import Period, month, moved, year
from station.ui.archive.keys import KeyLine
from station.ui.archive.row import fit
from station.ui.labels import Line
from station.ui.messages import shown
from storage.claims.review import MOST_PRODUCTS, Asked, By
from storage.claims.review_tables import Bar, Table, bars, rate_text, tables
from storage.errors import ArchiveError

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.claims.review import Review
    from storage.later import Actor

MOST_GROUPS: Final = 500
"""Groups that the screen lists; files hold all of them."""
LABEL_CELLS: Final = 20
_KINDS: Final = ("month", "year", "ever")
_DIM, _BRIGHT, _BAD = "#9aa7b2", "bold #ffd866", "bold #ff8f7a"


class ReviewScreen(Screen[None]):
    """One period and one dimension at a time; `day` lies in the period that is shown first."""

    DEFAULT_CSS = """
    ReviewScreen #period { width: 1fr; text-align: right; text-style: bold; }
    ReviewScreen #dimensions { height: auto; max-height: 2; padding: 0 1; }
    ReviewScreen #total { height: auto; max-height: 4; padding: 0 1; margin: 1 0 0 0; }
    ReviewScreen VerticalScroll { height: 1fr; padding: 0 1; margin: 1 0 0 0; }
    ReviewScreen #body { width: 1fr; height: auto; text-wrap: nowrap; text-overflow: clip; }
    ReviewScreen #note { height: auto; max-height: 3; padding: 0 1; color: #9aa7b2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "by(1)", "review.key.by_next", priority=True),
        Binding("shift+tab", "by(-1)", "review.key.by_before", show=False, priority=True),
        *(
            Binding(str(place), f"by_number({place - 1})", f"review.by.{by}", show=False)
            for place, by in enumerate(By, start=1)
        ),
        Binding("left", "move(-1)", "review.key.earlier", priority=True),
        Binding("right", "move(1)", "review.key.later", priority=True),
        Binding("p", "period", "review.key.period"),
        Binding("t", "table", "review.key.table"),
        Binding("c", "save('csv')", "key.csv"),
        Binding("x", "save('xlsx')", "review.key.xlsx"),
        Binding("d", "save('pdf')", "review.key.pdf"),
        Binding("f5", "again", "key.again"),
        Binding("escape", "back", "key.back"),
    ]

    def __init__(
        self,
        archive: Archive,
        config: Config,
        actor: Actor,
        words: Words,
        day: dt.date | None = None,
    ) -> None:
        super().__init__()
        self._archive = archive
        self._percent = Decimal(str(config.claims.premium_percent))
        self._actor = actor
        self._words = words
        self._first = moved(day or dt.datetime.now(LOCAL).date(), 0)
        self._kind = "month"
        self._by = By.CARRIER
        self._table = 0
        self._review: Review | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Line(self._say("title"), id="title")
            yield Line(id="period")
        yield Line(id="dimensions")
        yield Line(id="total")
        with VerticalScroll():
            yield Line(id="body")
        yield Line(id="note")
        yield KeyLine(self._words, id="keys")

    def on_mount(self) -> None:
        self.set_focus(self.query_one(VerticalScroll))
        self._load()

    def on_resize(self) -> None:
        self._show()

    def _say(self, key: str) -> str:
        return self._words.text(f"review.{key}")

    # ------------------------------------------------------------------ what is asked

    def _period(self) -> Period:
        if self._kind == "month":
            return month(f"{self._first:%Y-%m}")
        return year(self._first.year) if self._kind == "year" else Period()

    def _asked(self, *by: By) -> Asked:
        period = self._period()
        return Asked(period.start, period.end, by, "", self._percent, LOCAL)

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        """Count on another thread, then show it."""
        self._review = None
        self._show()
        try:
            found = await asyncio.to_thread(self._archive.review, self._asked(self._by))
        except ArchiveError as error:
            if self.is_attached:
                self.query_one("#body", Line).show(Text(shown(str(error)), _BAD))
            return
        if self.is_attached:
            self._review = found
            self._show()

    # ------------------------------------------------------------------ drawing

    def _show(self) -> None:
        period = self._period().name or self._say("ever")
        self.query_one("#period", Line).show(f"◀ {period} ▶")
        self.query_one("#dimensions", Line).show(self._dimensions())
        found = self._review
        if found is None:
            self.query_one("#body", Line).show(Text(self._say("counting"), _DIM))
            return
        self.query_one("#total", Line).show(self._total(found))
        self.query_one("#body", Line).show(self._body(found))
        self.query_one("#note", Line).show(self._note(found))

    def _dimensions(self) -> Text:
        """Their names, in lines that break between two of them only."""
        strip, used = Text(), 0
        for place, by in enumerate(By, start=1):
            name, chosen = self._say(f"by.{by}"), by is self._by
            said = (f"[{name}]" if chosen else f" {name} ", _BRIGHT if chosen else "")
            item = Text.assemble((f"{place} ", _DIM), said, " ")
            if used + item.cell_len > self._room():
                strip.append("\n")
                used = 0
            strip.append(item)
            used += item.cell_len
        return strip

    def _total(self, found: Review) -> Text:
        total, words = found.total, self._words
        counts = [("parcels", f"{total.parcels:,}"), ("shipped", f"{found.shipped:,}")]
        lines = [Text(words.text("review.parcels", counts))]
        claimed = f"{self._say('claimed')}: {rate_text(total.any_rate, counts=True)}"
        lines.append(Text(claimed, "bold"))
        won = " · ".join(
            f"{self._say(name)} {rate_text(rate, counts=True)}"
            for name, rate in (("complete", total.complete), ("incomplete", total.incomplete))
        )
        lines.append(Text(f"{self._say('won')}: {won}"))
        if found.homeless:
            count = [("count", f"{found.homeless:,}")]
            lines.append(Text(words.text("review.homeless", count), _BAD))
        return Text("\n").join(lines)

    def _body(self, found: Review) -> Text:
        if not found.total.parcels:
            return Text(self._say("empty"), _DIM)
        groups = found.groups[self._by][:MOST_GROUPS]
        made = tables(found, groups, self._say)
        self._table %= len(made) + 1
        if self._table:
            return self._drawn_table(made[self._table - 1])
        return self._drawn_bars(bars(groups, self._say))

    def _drawn_bars(self, drawn: tuple[Bar, ...]) -> Text:
        said_cells = max((len(bar.said) for bar in drawn), default=0)
        cells = max(10, self._room() - LABEL_CELLS - said_cells - 2)
        lines = [Text(self._say("chart"), _DIM)]
        for bar in drawn:
            line = Text(fit(shown(bar.label), LABEL_CELLS) + " ")
            line.append(bar.drawn(cells).ljust(cells), "#7d8a96" if bar.few else "#6cb6ff")
            lines.append(line.append(f" {bar.said}"))
        return Text("\n").join(lines)

    def _drawn_table(self, table: Table) -> Text:
        """Columns as wide as they need, names in what is left."""
        rows = [table.headings, *([shown(cell) for cell in row] for row in table.rows)]
        widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
        room = self._room() - sum(each + 1 for each in widths[1:])
        widths[0] = max(8, min(widths[0], room))
        lines = [Text(table.name, _DIM)]
        for place, row in enumerate(rows):
            cells = (
                fit(cell, widths[column], right=column >= table.texts)
                for column, cell in enumerate(row)
            )
            lines.append(Text(" ".join(cells), _DIM if place == 0 else ""))
        return Text("\n").join(lines)

    def _note(self, found: Review) -> str:
        words, params = self._words, [("most", str(MOST_PRODUCTS))]
        params.append(("percent", str(found.asked.percent)))
        notes = [self._say("note.few")] if self._table else [self._say("note.bar")]
        if self._table == 3:
            notes = [words.text("review.note.money", params)]
        if self._by is By.PRODUCT:
            notes.append(words.text("review.note.product", params))
        return "\n".join(notes)

    def _room(self) -> int:
        return max(40, self.size.width - 4)

    # ------------------------------------------------------------------ keys

    def action_by(self, step: int) -> None:
        known = list(By)
        self.action_by_number((known.index(self._by) + step) % len(known))

    def action_by_number(self, place: int) -> None:
        self._by = list(By)[place]
        self._load()

    def action_move(self, step: int) -> None:
        if self._kind != "ever":
            self._first = moved(self._first, step * (12 if self._kind == "year" else 1))
            self._load()

    def action_period(self) -> None:
        self._kind = _KINDS[(_KINDS.index(self._kind) + 1) % len(_KINDS)]
        self._load()

    def action_table(self) -> None:
        self._table += 1
        self._show()

    def action_again(self) -> None:
        self._load()

    def action_back(self) -> None:
        self.dismiss()

    @work(exclusive=True, group="save")
    async def action_save(self, ending: str) -> None:
        """Write the period, in every dimension, into the archive's exports."""
        period = self._period()
        path = self._archive.root / "exports" / f"review-{period.name or 'all'}.{ending}"
        try:
            await asyncio.to_thread(self._write, path, period)
        except (ArchiveError, OSError) as error:
            why = getattr(error, "strerror", None) or str(error)
            told = [("why", why), ("path", str(path))]
            text = self._words.text("review.not_saved", told)
            self.notify(text, severity="error", markup=False)
            return
        self.notify(self._words.text("review.saved", [("path", str(path))]), markup=False)

    def _write(self, path: Path, period: Period) -> None:
        """On another thread. Raises OSError, ArchiveError."""
        from station import review_page, review_sheet

        found = self._archive.review(self._asked(*By))
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".pdf":
            review_page.write_pdf(found, period, path, self._words)
        elif path.suffix == ".csv":
            review_sheet.write_csv(found, path)
        else:
            review_sheet.write_xlsx(found, path)
