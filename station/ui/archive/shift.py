"""How a day went: by bench and packer, what was packed and what it lacks; as a file too.

The ledger's head stands below: written down elsewhere, it shows later that nothing was cut off.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen

from station.local_time import LOCAL
from station.ui.archive.keys import KeyLine
from station.ui.archive.row import fit, size_text
from station.ui.labels import Line
from station.ui.messages import shown
from storage.errors import ArchiveError

if TYPE_CHECKING:
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.ledger import Head
    from storage.shift import Shift, Work

DAYS: Final = 30
"""So many days are drawn below the table."""
_BARS: Final = "·▁▂▃▄▅▆▇█"
_GOOD, _POOR = "#56e0b0", "#ffc04d"
_FULL_SHARE: Final = 0.995


@dataclass(frozen=True, slots=True)
class _Figure:
    """One column of the table: its message key, its cells, and what stands in it."""

    name: str
    cells: int
    of: Callable[[Work], str]
    bad: Callable[[Work], bool] = lambda _: False


def _median(work: Work) -> str:
    if work.median_s is None:
        return "–"
    minutes, seconds = divmod(round(work.median_s), 60)
    return f"{minutes}:{seconds:02}"


def _coverage(work: Work) -> str:
    # Rounded down: what was not wholly covered is never shown as 100.
    return "–" if work.coverage is None else f"{math.floor(1000 * work.coverage) / 10:g} %"


def _uncovered(work: Work) -> bool:
    return work.coverage is not None and work.coverage < _FULL_SHARE


_FIGURES: Final = (
    _Figure("bench", 10, lambda work: shown(work.bench)),
    _Figure("packer", 10, lambda work: shown(work.packer) or "·"),
    _Figure("parcels", 7, lambda work: str(work.parcels)),
    _Figure("returns", 7, lambda work: str(work.returns)),
    _Figure("median", 6, _median),
    _Figure("incomplete", 10, lambda work: str(work.incomplete), lambda work: work.incomplete > 0),
    _Figure("mismatch", 8, lambda work: str(work.mismatch), lambda work: work.mismatch > 0),
    _Figure("gaps", 4, lambda work: str(work.gaps), lambda work: work.gaps > 0),
    _Figure("coverage", 8, _coverage, _uncovered),
    _Figure("cancelled", 9, lambda work: str(work.cancelled)),
    _Figure("open", 5, lambda work: str(work.still_open)),
)
_TILES: Final = ("parcels", "median", "incomplete", "coverage")


class ShiftScreen(Screen[None]):
    """One day at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "day(-1)", "key.day_before", priority=True),
        Binding("right", "day(1)", "key.day_after", priority=True),
        Binding("pageup", "day(-7)", "key.week_before", show=False, priority=True),
        Binding("pagedown", "day(7)", "key.week_after", show=False, priority=True),
        Binding("t", "today", "key.today"),
        Binding("c", "save('csv')", "key.csv"),
        Binding("x", "save('xlsx')", "key.xlsx"),
        Binding("f5", "again", "key.again"),
        Binding("escape,f6", "back", "key.back"),
    ]

    def __init__(self, archive: Archive, words: Words, day: dt.date | None = None) -> None:
        super().__init__()
        self._archive = archive
        self._words = words
        self._day = day or _today()
        self._shift: Shift | None = None
        self._head = ""

    def compose(self) -> ComposeResult:
        words = self._words
        with Horizontal(id="top"):
            yield Line(words.text("shift.title"), id="title")
            yield Line(id="day")
        with Horizontal(id="tiles"):
            for name in _TILES:
                yield Line(id=f"tile-{name}", classes="tile")
        yield Line(self._headings(), id="headings")
        yield VerticalScroll(Line(id="table"))
        yield Line(id="days")
        yield Line(id="head")
        yield KeyLine(words, id="keys")

    def on_mount(self) -> None:
        self._load()

    @work(exclusive=True)
    async def _load(self) -> None:
        """Count on another thread, then show it."""
        day, words = self._day, self._words
        self._show_day()
        try:
            counted, bytes_by_day, head = await asyncio.to_thread(self._counted, day)
        except ArchiveError as error:
            self._shift = None
            self.query_one("#table", Line).show(Text(shown(str(error)), "bold #ff8f7a"))
            return
        self._shift, self._head = counted, str(head)
        for name in _TILES:
            self.query_one(f"#tile-{name}", Line).show(self._tile(name, counted.total))
        self.query_one("#table", Line).show(self._table(counted))
        self.query_one("#days", Line).show(self._drawn(bytes_by_day))
        self.query_one("#head", Line).show(words.text("shift.head", [("head", self._head)]))

    def _counted(self, day: dt.date) -> tuple[Shift, dict[dt.date, int], Head]:
        start, end = _bounds(day)
        archive = self._archive
        return archive.shift(start, end), archive.bytes_by_day(DAYS, LOCAL), archive.head()

    # ------------------------------------------------------------------ drawing

    def _show_day(self) -> None:
        weekday = self._words.text(f"weekday.{self._day.isoweekday()}")
        today = " · " + self._words.text("shift.today") if self._day == _today() else ""
        self.query_one("#day", Line).show(f"◀ {weekday} {self._day}{today} ▶")

    def _headings(self) -> Text:
        cells = [
            fit(self._words.text(f"figure.{figure.name}"), figure.cells, right=at > 1)
            for at, figure in enumerate(_FIGURES)
        ]
        return Text(" ".join(cells), "#9aa7b2", no_wrap=True, overflow="crop")

    def _tile(self, name: str, total: Work) -> Text:
        figure = next(figure for figure in _FIGURES if figure.name == name)
        ink = _POOR if figure.bad(total) else _GOOD
        value = (figure.of(total), f"bold {ink}")
        return Text.assemble(value, "\n", (self._words.text(f"tile.{name}"), "#9aa7b2"))

    def _table(self, counted: Shift) -> Text:
        if not counted.work:
            return Text(self._words.text("shift.empty"), "#9aa7b2")
        lines = [self._line(work, counted.total) for work in counted.work]
        if len(counted.work) > 1:
            lines.append(self._line(counted.total, counted.total, "bold"))
        return Text("\n", no_wrap=True, overflow="crop").join(lines)

    def _line(self, work: Work, total: Work, style: str = "") -> Text:
        line = Text(style=style)
        for at, figure in enumerate(_FIGURES):
            said = figure.of(work)
            if work is total and at < 2:
                said = self._words.text("shift.all") if at == 0 else ""
            ink = f"bold {_POOR}" if figure.bad(work) else ("#7d8a96" if said == "0" else "")
            line.append(fit(said, figure.cells, right=at > 1) + " ", ink)
        return line

    def _drawn(self, bytes_by_day: dict[dt.date, int]) -> Text:
        """A bar for each of the last days, up to the one that is shown."""
        if not bytes_by_day:
            return Text("")
        last = max(bytes_by_day)
        days = [last - dt.timedelta(days=back) for back in reversed(range(DAYS))]
        most = max(bytes_by_day.values()) or 1
        text = Text()
        for day in days:
            share = bytes_by_day.get(day, 0) / most
            bar = _BARS[math.ceil(share * (len(_BARS) - 1))]
            ink = "#6cb6ff" if day in bytes_by_day else "#7d8a96"
            text.append(bar, "bold #ffd866" if day == self._day else ink)
        params = [("first", f"{days[0]:%m-%d}"), ("last", f"{last:%m-%d}")]
        said = self._words.text("shift.days", [*params, ("most", size_text(most))])
        return Text.assemble(text, "  ", (said, "#9aa7b2"))

    # ------------------------------------------------------------------ keys

    def action_day(self, days: int) -> None:
        self._day = min(self._day + dt.timedelta(days=days), _today())
        self._load()

    def action_today(self) -> None:
        self._day = _today()
        self._load()

    def action_again(self) -> None:
        self._load()

    def action_back(self) -> None:
        self.dismiss()

    @work(exclusive=True, group="save")
    async def action_save(self, ending: str) -> None:
        """Write the day as a file into the archive's exports."""
        if self._shift is None:
            return
        path = self._archive.root / "exports" / f"shift-{self._day}.{ending}"
        try:
            await asyncio.to_thread(_write, self._shift, path, self._head)
        except OSError as error:
            why = [("why", error.strerror or str(error)), ("path", str(path))]
            text = self._words.text("shift.not_saved", why)
            self.notify(text, severity="error", markup=False)
            return
        self.notify(self._words.text("shift.saved", [("path", str(path))]), markup=False)


def _write(counted: Shift, path: Path, head: str) -> None:
    """On another thread. Raises OSError."""
    from station import shift_sheet

    path.parent.mkdir(parents=True, exist_ok=True)
    write = shift_sheet.write_csv if path.suffix == ".csv" else shift_sheet.write_xlsx
    write(counted, path, head)


def _today() -> dt.date:
    return dt.datetime.now(LOCAL).date()


def _bounds(day: dt.date) -> Sequence[dt.datetime]:
    """The first moment of the day here, and the first after it."""
    return [
        dt.datetime.combine(each, dt.time(), LOCAL).astimezone(dt.UTC)
        for each in (day, day + dt.timedelta(days=1))
    ]
