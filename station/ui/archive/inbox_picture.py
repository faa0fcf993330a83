"""A thumbnail in half cells: two pixels in each character, in any terminal that has colours.

Knows no archive: it is given a JPEG that this program made, and paints it as large as it fits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

UPPER: Final = "▀"


class Thumbnail(Widget):
    """Shows one picture, or a line of text in its place."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Image.Image | None = None
        self._text = ""
        self._strips: list[Strip] = []
        self._drawn_for = Size(0, 0)

    def show(self, path: Path | None, text: str = "") -> None:
        """Show the JPEG at `path`; `text` where there is none or it cannot be read."""
        self._picture, self._text = None, text
        self._drawn_for = Size(0, 0)
        if path is not None:
            try:
                with Image.open(path, formats=["JPEG"]) as opened:
                    self._picture = opened.convert("RGB")
            except (OSError, ValueError):
                self._picture = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of characters."""
        if self._drawn_for != self.size:
            self._drawn_for = self.size
            self._strips = self._drawn()
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    def _drawn(self) -> list[Strip]:
        columns, rows = self.size
        if self._picture is None:
            text = self._text[:columns].center(columns)
            return [Strip([Segment(text, self.rich_style)])] if self._text else []
        picture = self._picture.copy()
        picture.thumbnail((columns, 2 * rows))
        pixels = picture.tobytes()
        wide, high = picture.size
        left = Segment(" " * ((columns - wide) // 2), self.rich_style)
        right = Segment(" " * (columns - wide - (columns - wide) // 2), self.rich_style)

        def colour(x: int, y: int) -> Color | None:
            at = 3 * (y * wide + x)
            return Color.from_rgb(*pixels[at : at + 3]) if y < high else None

        return [
            Strip(
                [
                    left,
                    *(
                        Segment(UPPER, Style(color=colour(x, y), bgcolor=colour(x, y + 1)))
                        for x in range(wide)
                    ),
                    right,
                ]
            )
            for y in range(0, high, 2)
        ]
