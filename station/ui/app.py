"""The terminal app of one bench: takes every key first, and shows what the bench tells.

Scans are taken in `on_event`, before focus, bindings and dialogs (an `Input` loses them: 18 of 60
while the screen was busy). Starts without OpenCV: the first picture of the screen does not wait.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.app import App
from textual.message import Message
from textual.screen import ModalScreen

from station.bench import Bench
from station.rules.commands import Cue, Say
from station.rules.events import (
    Acknowledged,
    Answered,
    CancelAsked,
    CheckAsked,
    FinishAsked,
    KindChosen,
    ShotAsked,
)
from station.rules.state import Alarm, Question, State
from station.scanner.reader import Code, Here, ScannerThread, Told, opener
from station.ui import pixels
from station.ui.bell import Bell
from station.ui.bench_screen import BenchScreen
from station.ui.big import Big
from station.ui.dialogs import REASON_KEYS, Dialog, HelpScreen
from station.ui.driver import bench_driver
from station.ui.labels import KeyLabel
from station.ui.messages import Catalogue, chosen, languages
from station.ui.parser import OPAQUE
from station.ui.picture import colors
from station.ui.shot_tile import ShotTile
from station.ui.wedge import Scan, Taken, Wedge
from storage.records import parse_utc

if TYPE_CHECKING:
    from textual.timer import Timer

    from station.config import Config
    from storage.archive import Archive

log = logging.getLogger(__name__)

QUIT_TWICE_S: Final = 5.0
CLICKS: Final = (
    events.MouseDown,
    events.MouseUp,
    events.MouseScrollDown,
    events.MouseScrollUp,
    events.MouseScrollLeft,
    events.MouseScrollRight,
)
"""What a mouse does that moves or presses something. Where it points only is no part of it."""


class Settle(Message):
    """Posted behind the keys that wait in the queue: has the burst really ended?"""


class ScannerTold(Message):
    """The thread of a scanner that does not type has read a code, or found or lost its scanner."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.told = told


class RasterLoaded(Message):
    """Scripts without a bitmap font can be drawn large from now on."""


class BenchApp(App[None]):
    """The bench in a terminal. `bench` is the bench that it shows."""

    CSS_PATH = Path(__file__).with_name("bench.tcss")
    TITLE = "PackWitness"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = []

    def __init__(
        self,
        config: Config,
        archive: Archive,
        make_bench: Callable[[Config, Archive], Bench] = Bench,
    ) -> None:
        super().__init__(driver_class=bench_driver())
        self.bench = make_bench(config, archive)
        self._bell = Bell(self, on=config.bench.sound)
        self._words = Catalogue(chosen(config.bench.language))
        scanner = config.scanner.hand
        self._burst_s = scanner.burst_s
        self._wedge = Wedge(self._burst_s, scanner.terminator, scanner.quiet_s)
        self._translate = scanner.translation
        device = opener(scanner)
        self._scanner = ScannerThread(*device, self._scanner_told) if device else None
        self._clicks: list[events.MouseEvent] = []
        """Clicks that wait for one burst gap: a code may spell one."""
        self._settling: Timer | None = None
        self._question: asyncio.Task[None] | None = None
        """Held here because the loop holds its tasks only weakly."""
        self.set_class(colors() == "16", "-sixteen")
        self._bench_screen = BenchScreen(self.bench, self._words)
        self._shown: Alarm | Question | None = None
        self._leaving = False
        self._quit_asked_s = float("-inf")

    # ------------------------------------------------------------------ life

    async def on_mount(self) -> None:
        await self.push_screen(self._bench_screen)
        self._bench_screen.call_after_refresh(self._start)

    def _start(self) -> None:
        """After the first picture: everything that takes time."""
        self.bench.start(self._changed)
        if self._scanner:
            self._scanner.start()
        self.run_worker(self._load_raster, thread=True)

    def _load_raster(self) -> None:
        pixels.load_raster()
        self.post_message(RasterLoaded())

    def on_raster_loaded(self) -> None:
        for screen in self.screen_stack:
            for big in screen.query(Big):
                big.refresh(layout=True)
        self._bench_screen.apply()
        if not self.is_headless:
            # What is loaded by now stays. Walking it again and again held a key back by up to
            # 60 ms (p95 26 ms with two live tiles, 6 ms since).
            gc.collect()
            gc.freeze()

    def close_bench(self) -> None:
        """Seal what is open as interrupted, then leave."""
        if not self._leaving:
            self._leaving = True
            self.run_worker(self._close(), exit_on_error=False)

    async def _close(self) -> None:
        self.let_scanner_go()
        await self.bench.close()
        self.exit()

    def let_scanner_go(self) -> None:
        """Read the scanner that does not type no more."""
        if self._scanner:
            self._scanner.stop()

    # ------------------------------------------------------------------ keys and scans

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            if self._clicks and event.time - self._clicks[-1].time < self._burst_s:
                self._clicks.clear()  # they began a burst: data
                self._act(self._wedge.key(OPAQUE, None, event.time))
            self._act(self._wedge.key(event.key, event.character, event.time))
            if not self._wedge.entry:
                self._bench_screen.show_entry("")
            self._settle_later()
            return
        if isinstance(event, events.Paste) and not event.is_forwarded:
            self._act(self._wedge.paste(event.text))
            return
        if isinstance(event, CLICKS) and not event.is_forwarded:
            if not self._wedge.interrupt(event.time):
                self._clicks.append(event)
                self._settle_later()
            return
        await super().on_event(event)

    def _settle_later(self) -> None:
        """Look again after a burst's gap; one timer at a time, however many keys come."""
        waiting = self._wedge.waiting or self._wedge.entry or self._clicks
        if self._settling is None and waiting:
            self._settling = self.set_timer(self._burst_s, self.look_again, name="settle")

    def look_again(self) -> None:
        """Ask whether the burst is over, behind every key that has arrived by now.

        The driver's thread hands each key to the loop as a callback that makes a task that fills
        the queue. A question that took the short way overtook them while the screen was busy, and
        a scan was cut in two.
        """
        loop, settle = asyncio.get_running_loop(), Settle()

        async def ask() -> None:
            self.post_message(settle)

        def follow() -> None:
            self._question = loop.create_task(ask())

        loop.call_soon(follow)

    async def on_settle(self, message: Settle) -> None:
        self._settling = None
        while self._clicks and message.time - self._clicks[0].time >= self._burst_s:
            await super().on_event(self._clicks.pop(0))
        self._act(self._wedge.settle(message.time))
        if self._wedge.is_quiet(message.time):
            self._bench_screen.show_entry(self._wedge.entry)
            if not self._wedge.waiting and not self._clicks:
                return
        self._settle_later()

    def _act(self, taken: Taken) -> None:
        for item in taken:
            if isinstance(item, Scan):
                self.bench.scan(self._translate(item.text) if item.keyed else item.text)
            else:
                self.command(item.key)

    def _scanner_told(self, told: Told) -> None:
        """On the scanner's thread."""
        self.post_message(ScannerTold(told))

    def on_scanner_told(self, message: ScannerTold) -> None:
        """What a scanner that does not type sends is a scan by hand, like any other."""
        told = message.told
        if isinstance(told, Code):
            self.bench.scan(told.text)
        elif isinstance(told, Here):
            log.info("scanner %s is there", told.device)
            if self._bench_screen.scanner_lost:
                self._say("scanner_back", (("device", told.device),), Cue.OK)
            self._bench_screen.show_scanner(())
        else:
            log.warning("scanner %s: %s", told.device, told.why)
            about = (("device", told.device), ("why", told.why))
            self._say("scanner_lost", about, Cue.WARN)
            self._bench_screen.show_scanner(about)
        self._bench_screen.apply()

    def on_key_label_pressed(self, message: KeyLabel.Pressed) -> None:
        self.command(message.key)

    def on_shot_tile_picked(self, message: ShotTile.Picked) -> None:
        self.bench.send(ShotAsked, slot=message.slot)

    def command(self, key: str) -> None:
        """Do what `key` stands for, pressed or clicked."""
        state = self.bench.state
        if key in REASON_KEYS and state.question and state.question.key == "cancel":
            reason = self._words.reasons[REASON_KEYS.index(key)]
            self.bench.send(Answered, yes=True, text=reason)
            return
        action = self._actions.get(key)
        if action is not None:
            action()

    @property
    def _actions(self) -> dict[str, Callable[[], None]]:
        send = self.bench.send
        return {
            "f1": lambda: send(ShotAsked),
            "pagedown": lambda: send(ShotAsked),
            "f2": lambda: send(ShotAsked, again=True),
            "f3": lambda: send(CheckAsked),
            "f4": lambda: send(FinishAsked),
            "pageup": lambda: send(FinishAsked),
            "f5": lambda: send(Answered, yes=True),
            "f6": lambda: send(KindChosen),
            "f7": lambda: send(Answered, yes=False),
            "f8": lambda: send(CancelAsked),
            "f9": self._next_language,
            "f10": self._help,
            "escape": self._leave_help,
            "f12": lambda: send(Acknowledged),
            "ctrl+q": self._quit,
            "ctrl+c": self._quit,
        }

    def _quit(self) -> None:
        """Close; while a parcel is open only when asked twice."""
        now_s = time.monotonic()
        if self.bench.state.active and now_s - self._quit_asked_s > QUIT_TWICE_S:
            self._quit_asked_s = now_s
            self._say("quit_again", (), Cue.WARN)
            self._bench_screen.apply()
        else:
            self.close_bench()

    # ------------------------------------------------------------------ what the bench tells

    def _changed(self, state: State, says: tuple[Say, ...]) -> None:
        for say in says:
            self._say(say.key, say.params, say.cue, quiet=say.quiet)
        self._bench_screen.apply()
        self._show_dialog(state)

    def _say(
        self, key: str, params: tuple[tuple[str, str], ...], cue: Cue, *, quiet: bool = False
    ) -> None:
        if self._words.has(f"say.{key}"):
            text = self._words.text(f"say.{key}", self._translated(params))
            if quiet:
                self._bench_screen.mention(text)
            else:
                self._bench_screen.say(text)
        self._bell.ring(cue)

    def _translated(self, params: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Parameters that are names of ours, in the packer's language."""
        words, out = self._words, []
        for name, value in params:
            if name == "slot":
                out.append((name, words.slot(value)))
            elif name == "slots":
                out.append((name, ", ".join(words.slot(slot) for slot in value.split(","))))
            elif name == "kind" and words.has(f"kind.{value}"):
                out.append((name, words.text(f"kind.{value}")))
            elif name == "when":
                at = parse_utc(value).astimezone()
                out.append((name, at.strftime("%Y-%m-%d %H:%M")))
            else:
                out.append((name, value))
        return tuple(out)

    def _show_dialog(self, state: State) -> None:
        """The oldest alarm stands on the screen, else the question, else the bench."""
        wanted = state.alarms[0] if state.alarms else state.asking
        if wanted == self._shown:
            return
        self._shown = wanted
        self._drop_modal()
        if wanted is not None:
            group = "alarm" if isinstance(wanted, Alarm) else "question"
            about = dict(wanted.params)
            number = about.get("number") or about.get("expected") or ""
            params = self._translated(wanted.params)
            self.push_screen(Dialog(self._words, f"{group}.{wanted.key}", params, number))

    def _drop_modal(self) -> None:
        while isinstance(self.screen, ModalScreen):
            self.pop_screen()

    # ------------------------------------------------------------------ help, language

    def _help(self) -> None:
        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
        elif not isinstance(self.screen, ModalScreen):
            self.push_screen(HelpScreen(self._words))

    def _leave_help(self) -> None:
        if isinstance(self.screen, HelpScreen):
            self.pop_screen()

    def _next_language(self) -> None:
        known = languages()
        self._words = Catalogue(known[(known.index(self._words.language) + 1) % len(known)])
        self._bench_screen.speak(self._words)
        helping = isinstance(self.screen, HelpScreen)
        self._shown = None
        self._drop_modal()
        self._show_dialog(self.bench.state)
        if helping:
            self._help()


async def show(
    app: BenchApp,
    *,
    headless: bool = False,
    drive: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run `app`, with `drive` beside it; whatever ends it, the session at hand is sealed before
    this returns."""

    async def pilot(_: object) -> None:
        if drive is not None:
            await drive()

    try:
        await app.run_async(
            headless=headless, size=(120, 34) if headless else None, auto_pilot=pilot
        )
    finally:
        app.let_scanner_go()
        await app.bench.close()
