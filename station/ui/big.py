"""Text drawn large, as a widget."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size as CellSize
from textual.strip import Strip
from textual.widget import Widget

from station.ui import pixels

_BLOCKS = " ▀▄█"


class Big(Widget):
    """A word, a number or a sign in pixels, in the colours of its style.

    Falls back to plain bold text where the script cannot be drawn yet.
    """

    DEFAULT_CSS = "Big { width: auto; height: auto; }"

    def __init__(self, text: str = "", size: pixels.Size = "bold", **options: Any) -> None:
        super().__init__(**options)
        self._text = text
        self._pixels: pixels.Size = size
        self._sign = ""

    def show(self, text: str = "", size: pixels.Size | None = None, *, sign: str = "") -> None:
        """Show `text`, or the `sign` of that name."""
        wanted = (text, size or self._pixels, sign)
        if wanted != (self._text, self._pixels, self._sign):
            before = self._cells()
            self._text, self._pixels, self._sign = wanted
            self.refresh(layout=self._cells() != before)

    def _grid(self) -> pixels.Grid | None:
        if self._sign:
            drawn = pixels.shape(self._sign)
            return pixels.doubled(drawn) if self._pixels == "large" else drawn
        return pixels.grid(self._text, self._pixels)

    def _cells(self) -> tuple[int, int]:
        """Columns and rows that it takes."""
        drawn = self._grid()
        return (len(drawn[0]), (len(drawn) + 1) // 2) if drawn else (cell_len(self._text), 1)

    def get_content_width(self, container: CellSize, viewport: CellSize) -> int:
        return self._cells()[0]

    def get_content_height(self, container: CellSize, viewport: CellSize, width: int) -> int:
        return self._cells()[1]

    def render_line(self, y: int) -> Strip:
        style, width = self.rich_style, self.size.width
        drawn = self._grid()
        if drawn is None:
            text = self._text if y == 0 else ""
            return Strip([Segment(text, style + Style(bold=True))]).adjust_cell_length(width, style)
        rows = pixels.half_blocks(drawn)
        if y >= len(rows):
            return Strip.blank(width, style)
        return Strip(_segments(rows[y], style)).adjust_cell_length(width, style)


def _segments(cells: list[tuple[int, int]], style: Style) -> list[Segment]:
    """Full and empty pixels as blocks; smooth edges as a half block of two mixed colours."""
    segments = []
    for top, bottom in cells:
        if top in (0, 255) and bottom in (0, 255):
            block = _BLOCKS[(top > 0) + 2 * (bottom > 0)]
            segments.append(Segment(block, style))
        else:
            mixed = Style(color=_mix(style, top), bgcolor=_mix(style, bottom))
            segments.append(Segment("▀", mixed))
    return segments


def _mix(style: Style, coverage: int) -> Color:
    ink = (style.color or Color.parse("white")).get_truecolor()
    paper = (style.bgcolor or Color.parse("black")).get_truecolor()
    red, green, blue = (
        round(p + (i - p) * coverage / 255) for i, p in zip(ink, paper, strict=True)
    )
    return Color.from_rgb(red, green, blue)
