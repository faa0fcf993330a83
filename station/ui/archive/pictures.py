"""Pictures in the archive's screens: real pixels where the terminal can, half blocks elsewhere.

A JPEG of the archive is unpacked and drawn on other threads; the screen swaps what is finished.
What the terminal can was asked before the app began (`terminal.run`); where it was not, half blocks
are right everywhere. Knows no archive.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from rich.cells import set_cell_size
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.style import Style
from textual import work
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.strip import Strip

from station.ui.picture import Picture, PictureStrip, colors, grey

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from textual.events import Resize

    Bgr = npt.NDArray[np.uint8]

Way = Literal["cells", "sixel", "kitty"]
MOST_PIXELS: Final = 120_000_000
GROUND: Final = 0x101418


class PictureUnreadable(Exception):
    """A file that gives no picture. The message is a key below `parcel.picture`."""


def load(path: Path | None, edge_px: int) -> Bgr:
    """The JPEG at `path` as H×W×3 uint8 BGR, at least `edge_px` on its longer side where it has as
    many. Blocks. Raises PictureUnreadable."""
    import numpy as np
    from PIL import Image

    if path is None:
        raise PictureUnreadable("missing")
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise PictureUnreadable("damaged")
            image.draft("RGB", (edge_px, edge_px))
            return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()
    except FileNotFoundError as error:
        raise PictureUnreadable("missing") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureUnreadable("damaged") from error


def way() -> Way:
    """How this terminal shows pictures, as far as it was asked."""
    asked: Any = sys.modules.get("textual_image.renderable")
    name = "" if asked is None else asked.Image.__module__.rpartition(".")[2]
    ways: dict[str, Way] = {"sixel": "sixel", "tgp": "kitty"}
    return ways.get(name, "cells")


class PictureBox(Picture):
    """One picture, as large as it fits, or a line of text in its place."""

    DEFAULT_CSS = """
    PictureBox { width: 1fr; height: 1fr; layout: vertical; }
    PictureBox TGPImage { width: 1fr; height: 1fr; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._bgr: Bgr | None = None
        self._text = ""
        self._way = way()
        self._sixels = ""

    def compose(self) -> ComposeResult:
        if self._way == "kitty":
            from textual_image.widget import TGPImage

            yield TGPImage()

    def show(self, bgr: Bgr | None, text: str = "") -> None:
        """Show `bgr` (H×W×3 uint8), or `text` where there is none."""
        if bgr is not self._bgr or text != self._text:
            self._bgr, self._text = bgr, text
            if self.is_mounted:
                self._draw()

    def on_resize(self, event: Resize) -> None:
        self._draw()

    @property
    def text(self) -> str:
        """What stands here in a picture's place."""
        return self._text

    @property
    def pictured(self) -> bool:
        """True when a picture stands here, and no text."""
        return self._bgr is not None and bool(self._rows or self._sixels or self._way == "kitty")

    @work(exclusive=True, group="draw")
    async def _draw(self) -> None:
        size, bgr = self.size, self._bgr
        if not size.width or not size.height:
            return
        if bgr is None:
            self._rows, self._sixels = _lettered(self._text, size, self.rich_style), ""
        elif self._way == "cells":
            bgr = await asyncio.to_thread(grey, bgr) if self.app.no_color else bgr
            self._rows = await asyncio.to_thread(_rows, bgr, size)
        else:
            await self._draw_pixels(bgr, size)
        self.refresh()

    async def _draw_pixels(self, bgr: Bgr, size: Size) -> None:
        image = await asyncio.to_thread(_padded, bgr, size)
        if self._way == "kitty":
            from textual_image.widget import TGPImage

            self.query_one(TGPImage).image = image
        else:
            self._rows = {}
            self._sixels = await asyncio.to_thread(_sixels, image)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows; as sixels only when nothing cuts or covers them."""
        whole = crop == Region(0, 0, *self.size)
        if not self._sixels or not self.screen.is_active or not whole:
            return super().render_lines(crop)
        place = self.content_region
        blank = Segment(" " * crop.width, self.rich_style)
        last = [
            blank,
            Segment(Control.move_to(place.x, place.y).segment.text),
            Segment(self._sixels, Style(), ((ControlType.CURSOR_FORWARD, 0),)),
            Segment(Control.move_to(place.right, place.bottom - 1).segment.text),
        ]
        lines = [Strip([blank], crop.width) for _ in range(crop.height - 1)]
        return [*lines, Strip(last, crop.width)]


def _rows(bgr: Bgr, size: Size) -> dict[int, Strip]:
    from capture.preview import PreviewEncoder

    encoder = PreviewEncoder(size.width, size.height, colors=colors(), background=GROUND)
    return {y: PictureStrip(row) for y, row in encoder.rows(bgr).items()}


def _padded(bgr: Bgr, size: Size) -> Any:
    """The picture with bars, in as many pixels as the cells have."""
    from PIL import Image, ImageOps
    from textual_image._terminal import get_cell_size

    cell = get_cell_size()
    image = Image.fromarray(bgr[:, :, ::-1].copy())
    ground = (GROUND >> 16, GROUND >> 8 & 255, GROUND & 255)
    box = (size.width * cell.width, size.height * cell.height)
    return ImageOps.pad(image, box, color=ground)


def _sixels(image: Any) -> str:
    from textual_image._sixel import image_to_sixels

    return str(image_to_sixels(image, None, None))


def _lettered(text: str, size: Size, style: Style) -> dict[int, Strip]:
    """The text in the middle."""
    if not text:
        return {}
    lines = [text[at : at + size.width] for at in range(0, len(text), size.width)][: size.height]
    first = (size.height - len(lines)) // 2
    return {
        first + y: Strip([Segment(set_cell_size(line.center(size.width), size.width), style)])
        for y, line in enumerate(lines)
    }
