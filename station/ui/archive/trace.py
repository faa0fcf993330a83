"""The way of one parcel on one screen: what the shop, the benches and the carrier tell of it,
oldest first.

Looks only, and tells nobody: what it shows of a session is that it was packed, never its pictures.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from station.ui.archive.keys import KeyLine
from station.ui.archive.parcel_look import DIM, TONES
from station.ui.archive.row import local
from station.ui.archive.trace_steps import Step, Way, gather, said
from station.ui.labels import Line
from station.ui.messages import shown
from storage.errors import ArchiveError
from storage.later import Right
from storage.people import RIGHTS
from storage.trace import TraceStatus

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor
    from storage.trace import Trace

_A_DAY = dt.timedelta(days=1)


class TraceScreen(Screen[None]):
    """The way of one tracking number."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "again", "key.again"),
        Binding("escape", "back", "key.back"),
    ]
    DEFAULT_CSS = """
    TraceScreen #trace-summary { height: auto; padding: 1 1 0 1; }
    TraceScreen VerticalScroll { height: 1fr; padding: 1 1; scrollbar-size-vertical: 1; }
    TraceScreen #trace-table { width: 1fr; height: auto; }
    """

    def __init__(
        self, archive: Archive, config: Config, actor: Actor, words: Words, number: str
    ) -> None:
        super().__init__()
        self._archive = archive
        self._quiet = dt.timedelta(days=config.claims.quiet_days)
        self._actor = actor
        self._words = words
        self._number = number

    def compose(self) -> ComposeResult:
        words = self._words
        with Horizontal(id="top"):
            yield Line(words.text("trace.title"), id="title")
            yield Line(shown(self._number), id="where")
            yield Line(shown(self._actor.name), id="who")
        yield Line(words.text("trace.loading"), id="trace-summary")
        with VerticalScroll():
            yield Static(id="trace-table", markup=False)
        yield KeyLine(words)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._load()

    @work(exclusive=True)
    async def _load(self) -> None:
        """Look everything up on another thread, then show it."""
        try:
            seen = Right.CLAIM in RIGHTS[self._actor.role]
            way = await asyncio.to_thread(gather, self._archive, self._number, with_claims=seen)
        except ArchiveError as error:
            if self.is_attached:
                self.query_one("#trace-summary", Line).show(Text(shown(str(error)), TONES["stop"]))
            return
        if self.is_attached:
            summary = summed_up(way, self._words, dt.datetime.now(dt.UTC), self._quiet)
            self.query_one("#trace-summary", Line).show(summary)
            self.query_one("#trace-table", Static).update(table(way, self._words))

    def action_again(self) -> None:
        self._load()

    def action_back(self) -> None:
        self.dismiss()


def summed_up(way: Way, words: Words, now: dt.datetime, quiet: dt.timedelta) -> Text:
    """What a supervisor asks first: where it is, whether it is late, whether there is evidence."""
    if not way.known:
        return Text(words.text("trace.nothing", [("number", way.number)]), TONES["check"])
    lines: list[tuple[str, str]] = []
    if not way.sealed:
        lines.append((words.text("trace.no_evidence"), "stop"))
    if way.trace is None:
        lines.append((words.text("trace.untold"), "quiet"))
    else:
        lines += _state(way.trace, words, now, quiet)
    parts = [Text(text, TONES[tone]) for text, tone in lines]
    return Text("\n").join(parts)


def _state(
    trace: Trace, words: Words, now: dt.datetime, quiet: dt.timedelta
) -> list[tuple[str, str]]:
    status = words.text(f"trace.status.{trace.status.value or 'unknown'}")
    params = [("status", status), ("carrier", trace.carrier or "·")]
    first = words.text("trace.state", params)
    if trace.origin or trace.destination:
        ends = [("origin", trace.origin or "·"), ("destination", trace.destination or "·")]
        first += " · " + words.text("trace.route", ends)
    if trace.told_at is not None:
        first += " · " + words.text("trace.told", [("when", local(trace.told_at))])
    lines = [(first, ""), *_moved(trace, words, now, quiet)]
    if trace.expected_at is not None and trace.delivered_at is None:
        late = now > trace.expected_at and trace.status is not TraceStatus.DELIVERED
        key, tone = ("overdue", "check") if late else ("promised", "quiet")
        lines.append((words.text(f"trace.{key}", [("when", local(trace.expected_at))]), tone))
    return lines


def _moved(
    trace: Trace, words: Words, now: dt.datetime, quiet: dt.timedelta
) -> list[tuple[str, str]]:
    if trace.delivered_at is not None:
        when = ("when", local(trace.delivered_at))
        late = dt.timedelta(0)
        if trace.expected_at is not None:
            late = trace.delivered_at - trace.expected_at
        if late >= _A_DAY:
            return [(words.text("trace.delivered_late", [when, ("days", str(late.days))]), "check")]
        return [(words.text("trace.delivered", [when]), "done")]
    if not trace.handed_over:
        return [(words.text("trace.waiting"), "check")]
    if trace.moved_at is None:
        return []
    passed = now - trace.moved_at
    when = ("when", local(trace.moved_at))
    tone = "stop" if passed >= quiet else ""
    if passed < _A_DAY:
        return [(words.text("trace.moved_today", [when]), tone)]
    return [(words.text("trace.moved", [when, ("days", str(passed.days))]), tone)]


def table(way: Way, words: Words) -> Table:
    """The steps, a row each: when, whose word it is, what."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, width=16)
    grid.add_column(no_wrap=True, width=8)
    grid.add_column(no_wrap=True, width=1)
    grid.add_column(ratio=1, overflow="fold")
    grid.expand = True
    for step in way.steps:
        by = words.text(f"trace.by.{step.told}")
        grid.add_row(
            Text(local(step.at), DIM), Text(by, DIM), Text(step.sign, TONES[step.tone]),
            _line(step, words),
        )  # fmt: skip
    return grid


def _line(step: Step, words: Words) -> Text:
    """What happened, and in the carrier's own words."""
    text = Text(said(step, words), TONES[step.tone])
    told = " · ".join(shown(part) for part in (step.text, step.place) if part)
    return text.append(f"  {told}", DIM) if told else text
