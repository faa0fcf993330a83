"""`packwitness scanner` in a terminal: scan the set-up card, see what arrived, write the settings.

Shows each key as the terminal tells it. What it means is `station.scanner.setup_card`'s; nothing is
written before the user has asked for it with a key of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from station.scanner.reader import Code, Gone, Here, ScannerThread, Told
from station.scanner.report import report_lines, strokes_of
from station.scanner.setup_card import CARD_TEXT, Setup, Stroke, diagnose
from station.ui.driver import bench_driver
from station.ui.labels import Line
from station.ui.messages import shown

SILENCE_S: Final = 0.8
"""A scan is over after it: what one key alone says counts as a command only then."""
SHOWN_KEYS: Final = 14
HELP: Final = (
    "Scan the set-up card ('packwitness cards' prints it), or this code with a 2D scanner.   "
    "F5 write the settings   Esc leave"
)

Write = Callable[[Setup], list[str]]
MakeThread = Callable[[Callable[[Told], None]], ScannerThread]


class ScannerSetup(App[None]):
    """Shows one scan after the other, until the user leaves. `write` writes what was found."""

    CSS = """
    #help { background: #0059a8; color: #ffffff; padding: 0 1; height: auto; }
    #code { width: auto; padding: 0 1; }
    #keys { height: auto; max-height: 18; padding: 0 1; }
    #found { height: auto; padding: 1; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = []

    def __init__(self, write: Write, make_thread: MakeThread | None = None) -> None:
        super().__init__(driver_class=bench_driver())
        self._write = write
        self._thread = make_thread(self._told_by_thread) if make_thread else None
        self._strokes: list[Stroke] = []
        self._silence: Timer | None = None
        self.setup: Setup | None = None
        """What the newest scan said."""

    def compose(self) -> ComposeResult:
        yield Line(HELP, id="help")
        with Horizontal():
            yield Line(card_picture(), id="code")
            with Vertical():
                yield Line("Waiting for the card", id="found")
                yield Line(id="keys")

    def on_mount(self) -> None:
        if self._thread:
            self._thread.start()

    def on_unmount(self) -> None:
        if self._thread:
            self._thread.stop()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._strokes.append(Stroke(event.key, event.character, event.time))
            if self._silence:
                self._silence.stop()
            self._silence = self.set_timer(SILENCE_S, self._silent)
            return
        if isinstance(event, events.MouseEvent | events.Paste):
            return
        await super().on_event(event)

    def _silent(self) -> None:
        """The scan is over, or the user has pressed one key."""
        strokes, self._strokes = self._strokes, []
        if len(strokes) == 1:
            self._command(strokes[0].key)
        else:
            self._show(strokes, diagnose(strokes))

    def _command(self, key: str) -> None:
        if key in ("escape", "ctrl+q", "ctrl+c"):
            self.exit()
        elif key == "f5" and self.setup is not None and not self.setup.why:
            try:
                lines = self._write(self.setup)
            except Exception as error:  # the top of this screen: the user reads why
                lines = [f"NOT WRITTEN. {error}"]
            self._tell(lines)
        elif key == "f5":
            self._tell(["Nothing to write yet: scan the set-up card first"])

    def _show(self, strokes: list[Stroke], setup: Setup) -> None:
        self.setup = setup
        self._tell(report_lines(setup))
        gaps_s = [0.0, *(later.at_s - before.at_s for before, later in pairwise(strokes))]
        cells = [
            f"{shown(stroke.character or '') or '·':2} {shown(stroke.key)[:24]:24} "
            f"{gap_s * 1000:6.1f} ms"
            for stroke, gap_s in zip(strokes, gaps_s, strict=True)
        ]
        head = f"{len(strokes)} keys arrived, the last {min(SHOWN_KEYS, len(strokes))} of them:"
        self.query_one("#keys", Line).show("\n".join([head, *cells[-SHOWN_KEYS:]]))

    def _tell(self, lines: list[str]) -> None:
        self.query_one("#found", Line).show("\n".join(lines))

    def _told_by_thread(self, told: Told) -> None:
        """On the scanner's thread."""
        self.call_later(self._hear, told)

    def _hear(self, told: Told) -> None:
        match told:
            case Code():
                strokes = strokes_of(told.text)
                self._show(strokes, diagnose(strokes))
            case Here():
                self._tell([f"The scanner {told.device} is there. Scan the card"])
            case Gone():
                self._tell([f"The scanner {told.device}: {told.why}"])


def card_picture() -> Text:
    """The card as a QR code of half blocks, black on white with its quiet zone."""
    import numpy as np
    import zxingcpp

    code = zxingcpp.create_barcode(CARD_TEXT, zxingcpp.BarcodeFormat.QRCode)
    dark = np.array(code.to_image(scale=1, add_quiet_zones=False)) < 128
    dark = np.pad(dark, 2)
    if dark.shape[0] % 2:
        dark = np.pad(dark, ((0, 1), (0, 0)))
    signs = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    rows = [
        "".join(signs[bool(top), bool(low)] for top, low in zip(upper, lower, strict=True))
        for upper, lower in zip(dark[::2], dark[1::2], strict=True)
    ]
    return Text("\n".join(rows), style="#000000 on #ffffff", no_wrap=True)
