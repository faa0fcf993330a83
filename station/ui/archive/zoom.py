"""One picture over the whole window: larger, moved about, and the next one.

What is shown comes from a function that is called on another thread: a photo, a document's page, a
picture out of a video. Knows none of them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from station.ui.archive.keys import KeyLine
from station.ui.archive.pictures import PictureBox, PictureUnreadable
from station.ui.archive.player import CannotOpen
from station.ui.labels import Line

if TYPE_CHECKING:
    from textual.events import MouseDown, MouseMove, MouseScrollDown, MouseScrollUp, MouseUp

    from station.ui.archive.pictures import Bgr
    from station.ui.archive.words import Words

LARGEST: Final = 16.0
_STEP: Final = 1.5
_PAN: Final = 0.25
_CELL_SHAPE: Final = 2.0
"""A cell is so much higher than it is wide."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture: what it is, how it is made (blocks; ends early when the event is set; raises
    PictureUnreadable), how it is opened in another program (blocks; gives its name; raises
    CannotOpen), and who is told before it is shown: False when it must not be."""

    title: str
    load: Callable[[threading.Event], Bgr]
    open: Callable[[], str] | None = None
    told: Callable[[], Awaitable[bool]] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a picture is seen: how much larger than the window, and the middle as shares of
    its width and height."""

    scale: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def zoomed(self, factor: float) -> View:
        """Larger or smaller around the middle."""
        return replace(self, scale=min(LARGEST, max(1.0, self.scale * factor))).kept()

    def moved(self, across: float, down: float) -> View:
        """Moved by shares of what is seen."""
        return replace(self, x=self.x + across / self.scale, y=self.y + down / self.scale).kept()

    def kept(self) -> View:
        """Within the picture."""
        half = 0.5 / self.scale
        return replace(self, x=min(1 - half, max(half, self.x)), y=min(1 - half, max(half, self.y)))

    def of(self, bgr: Bgr, columns: int, rows: int) -> Bgr:
        """The part of the picture that fills a window of so many cells."""
        high, wide = bgr.shape[:2]
        shape = columns / max(1.0, rows * _CELL_SHAPE)
        # The part has the window's shape, so that a larger picture uses all of it.
        part_w = min(wide, max(wide, high * shape) / self.scale)
        part_h = min(high, max(high, wide / shape) / self.scale)
        left = min(wide - part_w, max(0.0, self.x * wide - part_w / 2))
        top = min(high - part_h, max(0.0, self.y * high - part_h / 2))
        right, bottom = round(left + max(1, part_w)), round(top + max(1, part_h))
        return bgr[int(top) : max(int(top) + 1, bottom), int(left) : max(int(left) + 1, right)]


class ZoomScreen(Screen[int]):
    """Gives the index of the picture that was looked at last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign,z", "zoom(1)", "parcel.key.larger", key_display="+"),
        Binding("minus,x", "zoom(-1)", "parcel.key.smaller", key_display="-"),
        Binding("0", "fit", "parcel.key.fit"),
        Binding("left", "pan(-1, 0)", "parcel.key.pan", key_display="←↑↓→"),
        Binding("right", "pan(1, 0)", show=False),
        Binding("up", "pan(0, -1)", show=False),
        Binding("down", "pan(0, 1)", show=False),
        Binding("pageup,p", "step(-1)", "parcel.key.before"),
        Binding("pagedown,n,space", "step(1)", "parcel.key.next"),
        Binding("o", "open", "parcel.key.player"),
        Binding("escape,q,enter", "back", "key.back"),
    ]
    DEFAULT_CSS = """
    ZoomScreen { background: #101418; }
    ZoomScreen #zoom-top { height: 1; background: #1b2127; padding: 0 1; }
    ZoomScreen #zoom-title { width: 1fr; text-style: bold; color: #ffd866; text-wrap: nowrap; text-overflow: ellipsis; }
    ZoomScreen #zoom-state { width: auto; color: #9aa7b2; }
    """  # noqa: E501 - one rule in a line

    def __init__(self, words: Words, items: Sequence[Item], index: int = 0) -> None:
        super().__init__()
        self._words = words
        self._items = items
        self._index = index
        self._view = View()
        self._bgr: Bgr | None = None
        self._stop = threading.Event()
        self._drag: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="zoom-top"):
            yield Line(id="zoom-title")
            yield Line(id="zoom-state")
        yield PictureBox(id="zoom-picture")
        yield KeyLine(self._words)

    def on_mount(self) -> None:
        self._load()

    def on_unmount(self) -> None:
        self._stop.set()

    def on_resize(self) -> None:
        self._show()

    @property
    def index(self) -> int:
        """The picture that is looked at."""
        return self._index

    @property
    def view(self) -> View:
        """The part of it that is seen."""
        return self._view

    @property
    def _box(self) -> PictureBox:
        return self.query_one("#zoom-picture", PictureBox)

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        """Show the picture at hand; one that was begun before is not waited for."""
        self._stop.set()
        stop = self._stop = threading.Event()
        item, self._bgr, self._view = self._items[self._index], None, View()
        self._title()
        self._box.show(None, self._words.text("parcel.picture.loading"))
        if item.told is not None and not await item.told():
            self._box.show(None, self._words.text("parcel.picture.withheld"))
            return
        try:
            bgr = await asyncio.to_thread(item.load, stop)
        except PictureUnreadable as error:
            self._box.show(None, self._words.text(f"parcel.picture.{error}"))
            return
        if not stop.is_set():
            self._bgr = bgr
            self._show()

    def _title(self) -> None:
        self.query_one("#zoom-title", Line).show(self._items[self._index].title)
        place = f"{self._index + 1}/{len(self._items)}"
        self.query_one("#zoom-state", Line).show(f"{place}  {round(100 * self._view.scale)} %")

    def _show(self) -> None:
        size = self._box.size
        if self._bgr is not None and size.width and size.height:
            self._box.show(self._view.of(self._bgr, size.width, size.height))
            self._title()

    # ------------------------------------------------------------------ keys and the mouse

    def _look(self, view: View) -> None:
        if view != self._view:
            self._view = view
            self._show()

    def action_zoom(self, way: int) -> None:
        self._look(self._view.zoomed(_STEP if way > 0 else 1 / _STEP))

    def action_fit(self) -> None:
        self._look(View())

    def action_pan(self, across: int, down: int) -> None:
        self._look(self._view.moved(_PAN * across, _PAN * down))

    def action_step(self, way: int) -> None:
        index = min(len(self._items) - 1, max(0, self._index + way))
        if index != self._index:
            self._index = index
            self._load()

    @work(group="open")
    async def action_open(self) -> None:
        """Show it in another program."""
        await open_elsewhere(self, self._words, self._items[self._index])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "open" or self._items[self._index].open is not None

    def action_back(self) -> None:
        self.dismiss(self._index)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self.action_zoom(1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self.action_zoom(-1)

    def on_mouse_down(self, event: MouseDown) -> None:
        self._drag = (event.screen_x, event.screen_y)

    def on_mouse_up(self, event: MouseUp) -> None:
        self._drag = None

    def on_mouse_move(self, event: MouseMove) -> None:
        """The picture follows the mouse while its button is held."""
        if self._drag is None or not event.button:
            return
        size = self._box.size
        across = (self._drag[0] - event.screen_x) / max(1, size.width)
        down = (self._drag[1] - event.screen_y) / max(1, size.height)
        self._drag = (event.screen_x, event.screen_y)
        self._look(self._view.moved(across, down))


async def open_elsewhere(screen: Screen[Any], words: Words, item: Item) -> None:
    """Show an item in the system's program for it, and say so."""
    if item.open is None:
        screen.notify(words.text("parcel.picture.missing"), severity="error", markup=False)
        return
    if item.told is not None and not await item.told():
        screen.notify(words.text("parcel.picture.withheld"), severity="error", markup=False)
        return
    try:
        program = await asyncio.to_thread(item.open)
    except CannotOpen as error:
        text = words.text("parcel.player.failed", [("why", str(error))])
        screen.notify(text, severity="error", markup=False)
    else:
        text = words.text("parcel.player.opened", [("program", program)])
        screen.notify(text, markup=False)
