"""The bench screen: readable from 1.5 m, by word, shape and colour.

Shows what `station.ui.look` makes of the state; asks the app for what a click means. Decides
nothing. The banner is painted first and the rest after that refresh: what the packer waits for
after a scan is the colour.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from station.diskspace import GB, time_left
from station.rules.events import Disk
from station.rules.state import Finished, State
from station.ui import look, order_lines, pixels
from station.ui.big import Big
from station.ui.camera_frame import CameraFrame, in_a_line
from station.ui.labels import KEYS, KeyLabel, Line, key_text
from station.ui.messages import Catalogue, shown
from station.ui.picture import CameraTile
from station.ui.shot_tile import ShotTile
from station.ui.sightings import Sightings
from storage.records import Kind, Status

if TYPE_CHECKING:
    from textual.events import Resize

    from station.bench import Bench

TAIL = 5
"""Characters at the end of a tracking number that people compare."""
FULL_COLUMNS, FULL_ROWS = 80, 24
"""The smallest terminal that has room for everything."""


class BenchScreen(Screen[None]):
    """The one screen of the bench."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-mid"), (150, "-wide")]  # noqa: RUF012 - Textual's form
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-medium"), (44, "-tall")]  # noqa: RUF012 - Textual's form

    def __init__(self, bench: Bench, words: Catalogue) -> None:
        super().__init__()
        self._bench = bench
        self.words = words
        self._said = ""
        self.scanner_lost: tuple[tuple[str, str], ...] = ()
        self._sightings = Sightings()
        self._result_s = float("-inf")
        self._result = ""
        self._rest_due = False

    def compose(self) -> ComposeResult:
        yield Line(id="notice")
        yield Line(id="trouble")
        with Horizontal(id="banner"):
            yield Big(id="sign", size="medium")
            yield Big(id="word")
            yield Line(id="space")
            yield Big(id="clock")
        yield Line(id="small")
        with Vertical(id="waybill"):
            yield Line(id="about")
            yield Big(id="first")
            with Horizontal(id="number"):
                yield Big(id="head")
                yield Big(id="tail")
        with Horizontal(id="shots"):
            for number, slot in enumerate(self._bench.state.rules.slots, 1):
                yield ShotTile(number, slot.name)
        with Horizontal(id="middle"):
            for place, camera in enumerate(self._bench.config.camera):
                yield CameraFrame(camera.name, extra=place > 0)
            with Vertical(id="side"):
                yield Line(id="last")
                yield Line(id="others")
                yield Line(id="disk")
        yield Line(id="said")
        yield Line(id="entry")
        with Horizontal(id="next"):
            yield Big(id="next-step", size="small")
        with Horizontal(id="keys"):
            for key, shown_key, name in KEYS:
                words = self.words.text(f"key.{name}")
                yield KeyLabel(key, key_text(shown_key, words), id=f"key-{name}")
            yield Line(id="plain-word")

    def on_mount(self) -> None:
        for tile in self.query(CameraTile):
            self._bench.watch(tile.camera, tile.offer)
        self.set_interval(0.25, self._beat)
        self.apply()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < 60 or event.size.height < 18, "-tiny")
        self.call_after_refresh(self.apply)

    def speak(self, words: Catalogue) -> None:
        """Change the language."""
        self.words = words
        for _, shown_key, name in KEYS:
            self.query_one(f"#key-{name}", KeyLabel).update(
                key_text(shown_key, words.text(f"key.{name}"))
            )
        self._said = ""
        self.apply()

    def say(self, text: str) -> None:
        """Show one line about what has just happened."""
        self._said = text

    def show_scanner(self, lost: tuple[tuple[str, str], ...]) -> None:
        """Show which scanner is gone and why, as long as it is; () when it is back."""
        self.scanner_lost = lost

    def mention(self, text: str) -> None:
        """Show beside that line, where it leaves room, what a camera has read."""
        self._sightings.tell(text, time.monotonic())

    def show_entry(self, entry: str) -> None:
        """Show what has been typed so far."""
        line = self.query_one("#entry", Line)
        line.set_class(bool(entry), "on")
        if entry:
            line.show(f"{self.words.text('label.typed')}: {shown(entry)}▏")

    def apply(self) -> None:
        """Paint the state: the banner now, the rest after this refresh."""
        if not self.is_mounted:
            return
        self._paint_banner()
        if not self._rest_due:
            self._rest_due = True
            self.call_after_refresh(self._paint_rest)

    def _beat(self) -> None:
        """Four times a second: the clock, and whatever only time changes."""
        self._paint_banner()
        self._paint_slots(self._bench.state)
        self._paint_cameras(self._bench.state)
        self._paint_trouble(self._bench.state)
        self._paint_disk()
        self._paint_said()

    # ------------------------------------------------------------------ painting

    @property
    def _short(self) -> bool:
        return self.size.height < 30

    @property
    def _tall(self) -> bool:
        return self.size.width >= 150 and self.size.height >= 44

    def _look(self) -> look.Look:
        state = self._bench.state
        newest = state.handed_over[0].session if state.handed_over else ""
        if newest != self._result and self._bench.started:
            self._result = newest
            self._result_s = time.monotonic() if state.session_count else float("-inf")
        return look.banner(
            state,
            time.monotonic_ns() // 1_000_000,
            time.monotonic() - self._result_s,
            started=self._bench.started,
        )

    def _paint_banner(self) -> None:
        now = self._look()
        banner = self.query_one("#banner", Horizontal)
        if now.tone not in banner.classes:
            banner.set_classes(now.tone)  # on the banner alone: the rest need not be styled anew
        room = self.size.width - (16 if not self._tall else 26)
        word, drawn, clock_drawn = self._fit_banner(now, room)
        clock = look.clock(now.elapsed_ms)
        self.query_one("#sign", Big).show(sign=now.sign, size="large" if self._tall else "medium")
        self.query_one("#word", Big).show(word, drawn)
        self.query_one("#clock", Big).show(clock, clock_drawn)
        bench, packer = self._bench.config.bench.name, shown(self._bench.state.packer)
        # Once in plain letters, for whoever reads the screen with a program.
        self.query_one("#space", Line).show("" if clock else f"{bench}: {word}\n{packer}")
        self.query_one("#plain-word", Line).show(f"{bench}: {word}")
        self._paint_number(now.number)
        self._paint_next(now)

    def _fit_banner(self, now: look.Look, room: int) -> tuple[str, pixels.Size, pixels.Size]:
        """The word, how large it is drawn, and how large the clock: the largest that fit."""
        clock = look.clock(now.elapsed_ms)
        word = self.words.text(f"banner.{now.word}")
        brief = f"banner_short.{now.word}"
        words = (word, self.words.text(brief) if self.words.has(brief) else word)
        sizes: tuple[pixels.Size, ...] = ("large", "bold", "medium")
        if not self._tall:
            sizes = sizes[1:] if word.isascii() or not self._short else sizes[2:]
        for text in words:
            for size in sizes:
                for clock_size in (size, "medium", "small"):
                    if pixels.cells(text, size) + pixels.cells(clock, clock_size) + 2 <= room:
                        return text, size, clock_size
        small = pixels.cells(words[1], "small") + 7 <= room + 4
        return words[1], "small" if small else "plain", "plain"

    def _paint_number(self, number: str) -> None:
        """The tracking number, in two lines where it is too long for one."""
        self.query_one("#waybill").display = bool(number)
        room = self.size.width - 8
        first, rest = "", number
        sizes: tuple[pixels.Size, ...] = ("large", "bold", "medium", "small")
        fitting = [s for s in sizes if pixels.cells(number, s) <= room][0 if self._tall else -3 :]
        size = fitting[0] if fitting else "small"
        if not self._tall and size == "large":
            size = "bold"
        if not fitting:
            half = len(number) // 2
            first, rest = number[:half], number[half:]
            if pixels.cells(rest, "small") > room:
                first, rest, size = "", number, "plain"
        head, tail = rest[:-TAIL], rest[-TAIL:]
        line = self.query_one("#first", Big)
        line.display = bool(first)
        line.show(first, size)
        self.query_one("#head", Big).show(head, size)
        self.query_one("#tail", Big).show(tail, size)

    def _paint_next(self, now: look.Look) -> None:
        params = [
            (key, self.words.slot(value) if key == "slot" else value)
            for key, value in now.next_params
        ]
        text = self.words.text(f"next.{now.next}", params)
        size: pixels.Size = "bold" if self._tall else "small"
        room_for_tall = self._tall or (not now.number and self.size.height >= 38)
        if self._short or not (text.isascii() or room_for_tall):
            size = "plain"  # a drawn line of Chinese takes eight rows
        if pixels.cells(text, size) + 4 > self.size.width:
            size = (
                "small"
                if size == "bold" and pixels.cells(text, "small") + 4 <= self.size.width
                else "plain"
            )
        self.query_one("#next-step", Big).show(text, size)
        self.query_one("#small", Line).show(
            f"{now.number}\n{text}\n{self.words.text('label.too_small')}"
        )

    def _paint_rest(self) -> None:
        self._rest_due = False
        state = self._bench.state
        self._paint_about(state)
        self._paint_slots(state)
        self._paint_notices(state)
        self._paint_cameras(state)
        self._paint_last(state)
        self._paint_disk()
        # Where there is no room for all keys, those that mean nothing now give way.
        self.query_one("#keys").set_class(state.active is None, "idle")
        self._paint_said()

    def _paint_said(self) -> None:
        """What has happened; and at the line's end, dimmed, what a camera has read."""
        cramped = self.size.width < FULL_COLUMNS or self.size.height < FULL_ROWS
        said = Text(self._said or (self.words.text("label.too_small") if cramped else ""))
        room = self.size.width - 4 - said.cell_len - (3 if said else 0)
        seen = Text(self._sightings.text(time.monotonic(), room), "not bold #9aa7b2")
        if seen:
            seen.truncate(room, overflow="ellipsis")
            said.append(" " * (3 * bool(said) + room - seen.cell_len))
            said.append_text(seen)
        self.query_one("#said", Line).show(said)

    def _paint_slots(self, state: State) -> None:
        if state.active is None and self._look().elapsed_ms is not None:
            return  # the result on the banner is about the photos that stand here
        room = 2 * (self.size.width - 2) // (len(state.rules.slots) + 1) - 4
        for slot in look.slots(state):
            tile = self.query_one(f"#slot-{slot.name}", ShotTile)
            picture = self._bench.shot_thumb(slot.name) if state.active else None
            tile.show(self.words, slot, picture, short=self._short, room=room)

    def _paint_about(self, state: State) -> None:
        words, active = self.words, state.active
        doubts: tuple[str, ...] = ()
        facts = [words.text("label.waybill")]
        if active is not None:
            facts.append(active.waybill.number)
            doubts = look.doubts(active) + (("high_value",) if active.high_value else ())
            facts += [words.text(f"label.{doubt}") for doubt in doubts]
            if active.kind is Kind.RETURN:
                facts.append(words.text("label.return"))
            if active.waybill.carrier:
                facts.append(active.waybill.carrier.upper())
            if active.pass_no > 1:
                facts.append(words.text("label.pass", [("n", str(active.pass_no))]))
        if state.packer:
            facts.append(f"{words.text('label.packer')} {shown(state.packer)}")
        line = Text("   ".join(facts))
        for doubt in doubts:
            line.highlight_words([words.text(f"label.{doubt}")], "bold #000000 on #f0b400")
        self.query_one("#about", Line).show(line)

    def _paint_notices(self, state: State) -> None:
        notice = self.query_one("#notice", Line)
        notice.set_class(self._bench.simulated, "on")
        if self._bench.hint:
            text = self.words.text("label.simulated", [("number", self._bench.hint)])
        else:
            text = self.words.text("label.simulated_plain")
        notice.show(text)
        self._paint_trouble(state)

    def _paint_trouble(self, state: State) -> None:
        """One line for what a supervisor must see to, the most urgent first."""
        line, words = self.query_one("#trouble", Line), self.words
        line.set_class(state.disk is Disk.FULL, "full")
        bench = self._bench
        troubled = (
            state.unrepaired
            or self.scanner_lost
            or bench.scale_lost
            or bench.checking.problems
            or bench.uncovered.count
        )
        line.set_class(state.disk is Disk.LOW or bool(troubled), "low")
        if state.disk is Disk.FULL:
            line.show(words.text("notice.disk_full"))
        elif state.disk is Disk.LOW:
            free, left = self._bench.retaining.could_free_bytes, ("left", self._time_left())
            if free >= GB:
                room = ("gb", f"{free / GB:.0f}")
                line.show(words.text("notice.disk_low_retention", [left, room]))
            else:
                line.show(words.text("notice.disk_low", [left]))
        elif state.unrepaired:
            line.show(words.text("notice.unrepaired", [("why", state.unrepaired)]))
        elif self._bench.checking.problems:
            count = ("count", str(self._bench.checking.problems))
            line.show(words.text("notice.check_failed", [count]))
        elif self.scanner_lost:
            line.show(words.text("notice.scanner_lost", self.scanner_lost))
        elif self._bench.scale_lost:
            line.show(words.text("notice.scale_lost", [("why", self._bench.scale_lost)]))
        elif bench.uncovered.count:
            count = ("count", str(bench.uncovered.count))
            line.show(words.text("notice.uncovered", [count]))

    def _paint_cameras(self, state: State) -> None:
        rates = {status.name: status.fps for status in self._bench.statuses()}
        for camera in state.cameras:
            frame = self.query_one(f"#frame-{camera.name}", CameraFrame)
            frame.show(self.words, camera, rates.get(camera.name, 0.0))
        others = [in_a_line(self.words, camera) for camera in state.cameras[1:]]
        self.query_one("#others", Line).show("\n".join(others))

    def _paint_last(self, state: State) -> None:
        """The order of the parcel at hand; without one, the last parcels."""
        side = self.query_one("#side", Vertical)
        name = order_lines.title(state, self.words)
        if side.border_title != (name or self.words.text("label.last")):
            side.border_title = name or self.words.text("label.last")
        if name:
            last = self.query_one("#last", Line)
            last.show(order_lines.lines(state, self.words, max(1, last.size.height)))
            return
        rows = [
            self._parcel(finished) for finished in state.handed_over[: max(1, side.size.height)]
        ]
        nothing = Text(self.words.text("label.none_yet"), "#9aa7b2")
        self.query_one("#last", Line).show(Text("\n").join(rows) if rows else nothing)

    def _parcel(self, finished: Finished) -> Text:
        sign, color = "✔", "#56e0b0"
        if finished.status is not Status.SEALED or finished.failed:
            sign, color = "✖", "#ffb199"
        elif finished.shots < finished.slots or finished.had_gap:
            sign, color = "▲", "#ffb000"
        at = finished.at.astimezone().strftime("%H:%M")
        row = Text.assemble(
            (sign, f"bold {color}"),
            f" {at} ",
            (f"…{finished.number[-TAIL:]}", "bold"),
            f" {finished.shots}/{finished.slots} ",
            (look.clock(finished.duration_ms), "#9aa7b2"),
            (" ↩" if finished.kind is Kind.RETURN else ""),
        )
        row.no_wrap = True
        return row

    def _time_left(self) -> str:
        key, params = time_left(self._bench.disk)
        return self.words.text(f"disk.{key}", params)

    def _paint_disk(self) -> None:
        tone = {"check": "bold #f0b400", "stop": "bold #ffb199"}.get(
            look.disk_tone(self._bench.disk.level), "bold"
        )
        text = Text.assemble(f"{self.words.text('label.disk')} ", (self._time_left(), tone))
        text.truncate(max(1, self.query_one("#disk").size.width or cell_len(text.plain)))
        self.query_one("#disk", Line).show(text)
