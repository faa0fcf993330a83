"""Pictures in cells: the live camera tile and the small picture of a shot.

A row is a `Strip` that carries its terminal text ready-made; segments are made only where
something cuts it (a dialog above it, a screenshot). Measured: 8% of a core at 120x34 and 10 frames
a second, against 58% with a segment for each cell. The camera's thread encodes; the screen swaps
finished rows.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rich.console import Console
    from textual.events import Resize

    from capture.frame import Frame
    from capture.preview import Colors, PreviewEncoder, PreviewRow

PREVIEW_FPS = 10.0
HALF_BLOCK = "▀"


def colors() -> Colors:
    """How many colours this terminal shows."""
    if os.environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return "true"
    term = os.environ.get("TERM", "")
    if "256" in term or os.name == "nt":
        return "256" if "256" in term else "true"
    return "16" if term in {"linux", "vt100", "xterm", "ansi"} else "256"


def grey(bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`bgr` (H×W×3 uint8) without colour, for a terminal that is to show none (NO_COLOR)."""
    import cv2

    level = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    return level.astype(bgr.dtype)[:, :, None].repeat(3, axis=2)


class PictureStrip(Strip):
    """A row whose terminal text is ready. Segments are made when something asks for them."""

    __slots__ = ("_cells", "_row")

    def __init__(self, row: PreviewRow) -> None:
        self._row = row
        self._cells: list[Segment] = []
        super().__init__((), len(row.top))

    def render(self, console: Console) -> str:
        return self._row.ansi

    @property
    def _segments(self) -> list[Segment]:
        if not self._cells:
            self._cells = [
                Segment(HALF_BLOCK, Style(color=_color(top), bgcolor=_color(bottom)))
                for top, bottom in zip(self._row.top, self._row.bottom, strict=True)
            ]
        return self._cells

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        """What `Strip` begins with is not kept: the row says it all."""

    def crop(self, start: int, end: int | None = None) -> Strip:
        whole = start == 0 and (end is None or end >= self.cell_length)
        return self if whole else super().crop(start, end)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        cuts = list(cuts)
        return [self] if cuts == [self.cell_length] else super().divide(cuts)


def _color(rgb: int) -> Color:
    return Color.from_rgb(rgb >> 16, rgb >> 8 & 255, rgb & 255)


class Picture(Widget):
    """Rows of cells. They go to the terminal as they are: the usual way (`render_line`) would take
    each apart into segments and put it together again."""

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rows: dict[int, Strip] = {}

    def render_lines(self, crop: Region) -> list[Strip]:
        blank = Strip.blank(self.size.width, self.rich_style)
        return [
            self._rows.get(y, blank).crop(crop.x, crop.right) for y in range(crop.y, crop.bottom)
        ]


class CameraTile(Picture):
    """The newest picture of one camera. `offer` may be called from any thread."""

    def __init__(self, camera: str) -> None:
        super().__init__(id=f"camera-{camera}")
        self.camera = camera
        self._encoder: PreviewEncoder | None = None
        self._fresh: dict[int, PreviewRow] | None = None
        self._fresh_for: PreviewEncoder | None = None
        self._lock = threading.Lock()
        self._next_s = 0.0
        self.dark = False
        """True while the camera gives no picture: the last one must not look alive."""

    def offer(self, frame: Frame) -> None:
        """Take a frame on the camera's thread; never blocks. The newest picture wins."""
        encoder, now_s = self._encoder, time.monotonic()
        if encoder is None or self.dark or now_s < self._next_s or self._writer_is_busy():
            return
        # In step, not from now on: pictures come 12 times a second, and every other one was lost.
        self._next_s = max(self._next_s + 1 / PREVIEW_FPS, now_s)
        rows = encoder.rows(grey(frame.bgr) if self.app.no_color else frame.bgr)
        if not rows:
            return
        with self._lock:
            if self._fresh is not None and self._fresh_for is encoder:
                self._fresh.update(rows)
                return
            self._fresh, self._fresh_for = dict(rows), encoder
        loop = self.app._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._take)

    def _writer_is_busy(self) -> bool:
        """True while the terminal has not yet taken the last picture: keys come first."""
        writer = getattr(self.app._driver, "_writer_thread", None)
        pending = getattr(writer, "_queue", None)
        return pending is not None and pending.qsize() > 1

    def _take(self) -> None:
        with self._lock:
            rows, owner, self._fresh = self._fresh, self._fresh_for, None
        if rows is None or owner is not self._encoder or not self.is_attached or self.dark:
            return
        width, height = self.size
        self._rows |= {y: PictureStrip(row) for y, row in rows.items()}
        self.refresh(*(Region(0, y, width, 1) for y in rows if y < height))

    def on_resize(self, event: Resize) -> None:
        self._prepare()

    def darken(self, dark: bool) -> None:
        """Show nothing while the camera is down."""
        if dark != self.dark:
            self.dark = dark
            self._prepare()

    def _prepare(self) -> None:
        width, height = self.size
        self._rows = {}
        self._encoder = None
        if width and height and not self.dark:
            self.run_worker(self._make_encoder, thread=True, exclusive=True)
        self.refresh()

    def _make_encoder(self) -> None:
        """In a worker: the first one loads OpenCV."""
        from capture.preview import PreviewEncoder

        width, height = self.size
        if width and height:
            self._encoder = PreviewEncoder(width, height, colors=colors())


class Thumb(Picture):
    """A small picture that stands still."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._bgr: npt.NDArray[np.uint8] | None = None

    def show(self, bgr: npt.NDArray[np.uint8] | None) -> None:
        """Show `bgr` (H×W×3 uint8), or nothing."""
        if bgr is not self._bgr:
            self._bgr = bgr
            self._draw()

    def on_resize(self, event: Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        self._rows = {}
        width, height = self.size
        if self._bgr is not None and width and height:
            from capture.preview import PreviewEncoder

            encoder = PreviewEncoder(width, height, fit="cover", colors=colors())
            bgr = grey(self._bgr) if self.app.no_color else self._bgr
            self._rows = {y: PictureStrip(row) for y, row in encoder.rows(bgr).items()}
        self.refresh()
