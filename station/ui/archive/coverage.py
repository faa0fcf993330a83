"""Parcels that left without evidence, those that can still be mended first; what share of each day
and bench is covered.

Counts on another thread. Looks only: what is done about a parcel is done at a bench.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import OptionList

from station.coverage_sheet import percent, write_csv
from station.local_time import LOCAL
from station.ui.archive.keys import KeyLine
from station.ui.archive.parcel_look import DIM, TONES
from station.ui.archive.row import fit_number, local
from station.ui.labels import Line
from station.ui.messages import shown
from storage.covered import Coverage, Covered, Lack, Uncovered
from storage.errors import ArchiveError

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor

SPANS: Final = (1, 3, 7, 30, 90)
"""Days that one key's press goes to, beside those of the configuration."""
PARTS_SHOWN: Final = 7
_SHOWN: Final = 1_000
_TONE: Final = {Lack.NONE: "stop", Lack.NO_VIDEO: "stop", Lack.MISMATCH: "stop"}
_GOOD_PERMILLE: Final = 995


class GapList(OptionList):
    """The parcels; the days change by the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "screen.span(-1)", "coverage.key.fewer"),
        Binding("right", "screen.span(1)", "coverage.key.more"),
        Binding("enter", "select", "coverage.key.look"),
    ]


class CoverageScreen(Screen[None]):
    """What left in the last days, beside what was packed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "save", "key.csv"),
        Binding("f5", "again", "key.again"),
        Binding("escape", "back", "key.back"),
    ]
    DEFAULT_CSS = """
    CoverageScreen #coverage-total, CoverageScreen #coverage-also { height: auto; padding: 0 1; }
    CoverageScreen .coverage-parts { height: auto; max-height: 2; padding: 0 1; color: #9aa7b2; }
    CoverageScreen #coverage-gaps { text-wrap: nowrap; text-overflow: ellipsis; height: 1fr; border: none; padding: 0 1; background: #101418; scrollbar-size-vertical: 1; }
    CoverageScreen #coverage-gaps > .option-list--option { text-wrap: nowrap; text-overflow: ellipsis; padding: 0; }
    CoverageScreen #coverage-gaps > .option-list--option-highlighted { background: #0059a8; color: #ffffff; text-style: bold; }
    """  # noqa: E501 - one rule in a line

    def __init__(self, archive: Archive, config: Config, actor: Actor, words: Words) -> None:
        super().__init__()
        self._archive = archive
        self._config = config
        self._actor = actor
        self._words = words
        self._spans = tuple(sorted({*SPANS, config.coverage.days}))
        self._days = config.coverage.days
        self._found: Coverage | None = None

    def compose(self) -> ComposeResult:
        words = self._words
        with Horizontal(id="top"):
            yield Line(words.text("coverage.title"), id="title")
            yield Line(id="where")
            yield Line(shown(self._actor.name), id="who")
        yield Line(words.text("coverage.loading"), id="coverage-total")
        yield GapList(id="coverage-gaps", markup=False)
        yield Line(id="coverage-also")
        yield Line(id="coverage-days", classes="coverage-parts")
        yield Line(id="coverage-benches", classes="coverage-parts")
        yield KeyLine(words)

    def on_mount(self) -> None:
        self.query_one(GapList).focus()
        self._load()

    @work(exclusive=True)
    async def _load(self) -> None:
        """Count on another thread, then show it."""
        try:
            found = await asyncio.to_thread(self._counted, self._days)
        except ArchiveError as error:
            if self.is_attached:
                self._found = None
                text = Text(shown(str(error)), TONES["stop"])
                self.query_one("#coverage-total", Line).show(text)
            return
        if self.is_attached:
            self._found = found
            self._show(found)

    def _counted(self, days: int) -> Coverage:
        now = dt.datetime.now(dt.UTC)
        grace = dt.timedelta(hours=self._config.coverage.grace_h)
        return self._archive.coverage(now - dt.timedelta(days=days), now - grace, LOCAL)

    def _show(self, found: Coverage) -> None:
        words = self._words
        params = [("days", str(self._days)), ("until", local(found.until))]
        self.query_one("#where", Line).show(words.text("coverage.span", params))
        self.query_one("#coverage-total", Line).show(total_text(found, words))
        gaps = self.query_one(GapList)
        at = gaps.highlighted
        gaps.clear_options()
        gaps.add_options(gap_text(gap, words) for gap in found.uncovered[:_SHOWN])
        if found.uncovered:
            gaps.highlighted = min(at or 0, gaps.option_count - 1)
        self.query_one("#coverage-also", Line).show(also_text(found, words))
        for name, parts, said in (
            ("days", found.days[-PARTS_SHOWN:], lambda part: f"{part.day:%m-%d}"),
            ("benches", found.benches, lambda part: shown(part.bench)),
        ):
            text = parts_text(name, parts, said, words)
            self.query_one(f"#coverage-{name}", Line).show(text)

    # ------------------------------------------------------------------ keys

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        """The page of its sessions, or its way where it has none."""
        if self._found is None:
            return
        gap = self._found.uncovered[event.option_index]
        if gap.session:
            from station.ui.archive.parcel import ParcelScreen

            page: Screen[None] = ParcelScreen(
                self._archive, self._config, self._actor, self._words, gap.number, gap.session
            )
        else:
            from station.ui.archive.trace import TraceScreen

            page = TraceScreen(self._archive, self._config, self._actor, self._words, gap.number)
        self.app.push_screen(page)

    def action_span(self, way: int) -> None:
        """Fewer days, or more."""
        at = self._spans.index(self._days) + way
        if 0 <= at < len(self._spans):
            self._days = self._spans[at]
            self._load()

    def action_again(self) -> None:
        self._load()

    def action_back(self) -> None:
        self.dismiss()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Write the parcels as a file into the archive's exports."""
        if self._found is None:
            return
        day = f"{self._found.until.astimezone(LOCAL):%Y-%m-%d}"
        path = self._archive.root / "exports" / f"coverage-{day}.csv"
        try:
            await asyncio.to_thread(_write, self._found, path)
        except OSError as error:
            why = [("why", error.strerror or str(error)), ("path", str(path))]
            text = self._words.text("coverage.not_saved", why)
            self.notify(text, severity="error", markup=False)
            return
        self.notify(self._words.text("coverage.saved", [("path", str(path))]), markup=False)


def _write(found: Coverage, path: Path) -> None:
    """On another thread. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(found, path)


# ---------------------------------------------------------------------------- text


def total_text(found: Coverage, words: Words) -> Text:
    """What is asked first: how many left how well, and what can still be done."""
    total = found.total
    if not total.parcels:
        return Text(words.text("coverage.nothing"), DIM)
    params = [(name, str(getattr(total, name))) for name in ("good", "parcels", "poor", "none")]
    text = Text(words.text("coverage.total", [*params, ("share", percent(total))]), _tone(total))
    mendable = sum(gap.mendable for gap in found.uncovered)
    if mendable:
        said = words.text("coverage.mendable", [("count", str(mendable))])
        text.append("\n" + said, TONES["check"] + " bold")
    elif not found.uncovered:
        text.append("\n" + words.text("coverage.all_good"), TONES["done"])
    return text


def gap_text(gap: Uncovered, words: Words) -> Text:
    """One parcel in one line."""
    tone = TONES[_TONE.get(gap.lack, "check")]
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(fit_number(shown(gap.number), 22) + " ")
    when = gap.shipped_at.astimezone()
    text.append(f"{when:%m-%d %H:%M}  " if gap.dated else f"{when:%m-%d}  ?      ", DIM)
    if gap.mendable:
        text.append(words.text("coverage.mend") + "  ", TONES["check"] + " bold")
    text.append(words.text(f"coverage.lack.{gap.lack.value}") + "  ", tone)
    if gap.bench:
        params = [("bench", gap.bench), ("packer", gap.packer or "·")]
        text.append(words.text("coverage.by", params) + "  ")
    elif gap.likely:
        text.append(words.text("coverage.likely", [("benches", ", ".join(gap.likely))]) + "  ", DIM)
    orders = ", ".join(gap.orders[:3])
    return text.append(words.text("coverage.order", [("orders", orders)]), DIM)


def also_text(found: Coverage, words: Words) -> Text:
    """What the list does not show."""
    left = found.total.poor + found.total.none - min(len(found.uncovered), _SHOWN)
    counts = (
        ("more", left),
        ("unlisted", found.unlisted),
        ("numberless", found.numberless),
        ("undated", found.undated),
    )
    said = [words.text(f"coverage.{name}", [("count", str(n))]) for name, n in counts if n]
    return Text(" · ".join(said), DIM)


def parts_text(
    name: str, parts: tuple[Covered, ...], said: Callable[[Covered], str], words: Words
) -> Text:
    """The figures of days, or of benches, in one line: parcels of no bench last."""
    text = Text(words.text(f"coverage.{name}") + "  ", DIM) if parts else Text()
    for part in sorted(parts, key=lambda part: part.day is None and not part.bench):
        params = [
            ("name", said(part) or words.text("coverage.no_bench")),
            ("share", percent(part)),
            ("parcels", str(part.parcels)),
        ]
        text.append(words.text("coverage.part", params) + "   ", _tone(part))
    return text


def _tone(part: Covered) -> str:
    return TONES["done" if part.permille >= _GOOD_PERMILLE else "check"]
