"""A row of small pictures that is scrolled sideways: photos, documents, the frames of a film."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import HorizontalScroll, Vertical
from textual.message import Message

from station.ui.archive.pictures import PictureBox
from station.ui.labels import Line

if TYPE_CHECKING:
    from textual.events import Click

    from station.ui.archive.pictures import Bgr


class Tile(Vertical):
    """A picture and what it is. A click chooses it, a second one opens it."""

    def __init__(self, index: int, caption: Text) -> None:
        super().__init__()
        self.index = index
        self.picture = PictureBox()
        self._caption = Line(caption, classes="caption")

    def compose(self) -> ComposeResult:
        yield self.picture
        yield self._caption

    def name_anew(self, caption: Text) -> None:
        """Stand for something else, whose picture is still to come."""
        self._caption.show(caption)
        self.picture.show(None)

    def on_click(self, event: Click) -> None:
        row = self.parent
        if isinstance(row, TileRow):
            event.stop()
            row.post_message(TileRow.Chosen(row, self.index, opened=event.chain > 1))


class TileRow(HorizontalScroll):
    """Tiles, one of which may be marked."""

    can_focus = False
    DEFAULT_CSS: ClassVar[str] = """
    TileRow { height: 8; width: 1fr; scrollbar-size-horizontal: 0; overflow-y: hidden; }
    TileRow Tile { width: 18; height: 1fr; margin: 0 1 0 0; background: #1b2127; }
    TileRow Tile PictureBox { height: 1fr; color: #9aa7b2; background: #1b2127; }
    TileRow Tile .caption { height: 1; text-wrap: nowrap; text-overflow: ellipsis; color: #9aa7b2; }
    TileRow Tile.-marked .caption { background: #0059a8; color: #ffffff; text-style: bold; }
    """

    class Chosen(Message):
        """A tile was clicked; `opened` by a double click."""

        def __init__(self, row: TileRow, index: int, *, opened: bool) -> None:
            super().__init__()
            self.row = row
            self.index = index
            self.opened = opened

        @property
        def control(self) -> TileRow:
            return self.row

    async def put(self, captions: Sequence[Text]) -> None:
        """Stand for these from now on, without their pictures.

        Tiles that are there are used again: to make twenty anew takes 0.2 s of keys.
        """
        tiles = self.tiles
        for tile, caption in zip(tiles, captions, strict=False):
            tile.name_anew(caption)
        for tile in tiles[len(captions) :]:
            await tile.remove()
        new = range(len(tiles), len(captions))
        await self.mount_all(Tile(index, captions[index]) for index in new)
        self.scroll_to(x=0, animate=False)

    @property
    def tiles(self) -> list[Tile]:
        return list(self.query_children(Tile))

    def show(self, index: int, bgr: Bgr | None, text: str = "") -> None:
        """Put a picture, or a text in its place, into a tile."""
        tiles = self.tiles
        if 0 <= index < len(tiles):
            tiles[index].picture.show(bgr, text)

    def mark(self, index: int | None) -> None:
        """Mark one tile, or none, and bring it into view."""
        for tile in self.tiles:
            marked = tile.index == index
            tile.set_class(marked, "-marked")
            if marked:
                tile.scroll_visible(animate=False)
