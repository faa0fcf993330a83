"""Two sessions of one parcel side by side: what went out, and what came back.

Photos of the same slot stand beside one another, then the films at the same share of their length.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from station.ui.archive import film
from station.ui.archive.facts import tab
from station.ui.archive.keys import KeyLine
from station.ui.archive.pictures import PictureBox, PictureUnreadable
from station.ui.archive.timeline import named
from station.ui.labels import Line
from station.ui.messages import shown
from storage.records import Kind

if TYPE_CHECKING:
    from station.dossier import Record
    from station.ui.archive.pictures import Bgr
    from station.ui.archive.viewing import Viewing
    from station.ui.archive.words import Words
    from station.ui.archive.zoom import Item

FILM_STEPS: Final = 9


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands side by side: a photo's slot, or a share of the films' length."""

    slot: str = ""
    share: float = 0.0


def pairs(left: Record, right: Record) -> tuple[Pair, ...]:
    """What there is to compare: each slot that either has, then the films."""
    shots = (*left.shots, *right.shots)
    slots = [Pair(slot=slot) for slot in dict.fromkeys(shot.slot for shot in shots)]
    filmed = bool(left.session.clips or right.session.clips)
    steps = [Pair(share=step / (FILM_STEPS - 1)) for step in range(FILM_STEPS)] if filmed else []
    return (*slots, *steps)


def counterpart(records: Sequence[Record], at: int) -> int:
    """Which session stands beside the one at `at`: the nearest of the other kind, else the one
    before or after it."""
    kind = records[at].session.kind
    others = [index for index, each in enumerate(records) if each.session.kind is not kind]
    if others:
        return min(others, key=lambda index: abs(index - at))
    return at - 1 if at else at + 1


class CompareScreen(Screen[None]):
    """What went out on the left, what came back on the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,pagedown,n,space", "step(1)", "parcel.key.next", key_display="↓"),
        Binding("up,pageup,p", "step(-1)", "parcel.key.before", key_display="↑"),
        Binding("left", "other(0)", "parcel.key.left_session"),
        Binding("right", "other(1)", "parcel.key.right_session"),
        Binding("enter", "zoom", "parcel.key.zoom"),
        Binding("escape,q,m", "dismiss", "key.back"),
    ]
    DEFAULT_CSS = """
    CompareScreen { background: #101418; color: #d5dde4; }
    CompareScreen #compare-title { height: 1; background: #1b2127; color: #ffd866; text-style: bold; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    CompareScreen #compare-sides { height: 1fr; }
    CompareScreen .side { width: 1fr; height: 1fr; padding: 0 1; }
    CompareScreen .side .about { height: 1; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    CompareScreen .side .when { height: 1; color: #9aa7b2; text-wrap: nowrap; text-overflow: ellipsis; }
    """  # noqa: E501 - one rule in a line

    def __init__(self, words: Words, viewing: Viewing, records: Sequence[Record], at: int) -> None:
        """Raises ValueError for fewer than two sessions."""
        super().__init__()
        if len(records) < 2:
            raise ValueError("there is nothing to compare")
        self._words = words
        self._viewing = viewing
        self._records = records
        two = [at, counterpart(records, at)]
        # What went out stands on the left, of two alike the older one.
        self._shown = sorted(two, key=lambda index: (_kind_order(records[index]), index))
        self._at = 0
        self._stop = threading.Event()

    def compose(self) -> ComposeResult:
        yield Line(id="compare-title")
        with Horizontal(id="compare-sides"):
            for side in range(2):
                with Vertical(classes="side", id=f"side-{side}"):
                    yield Line(classes="about")
                    yield PictureBox()
                    yield Line(classes="when")
        yield KeyLine(self._words)

    def on_mount(self) -> None:
        self._show()

    def on_unmount(self) -> None:
        self._stop.set()

    @property
    def sides(self) -> tuple[Record, Record]:
        """The session on the left, and the one on the right."""
        left, right = self._shown
        return self._records[left], self._records[right]

    @property
    def pair(self) -> Pair | None:
        """What is compared."""
        found = pairs(*self.sides)
        return found[min(self._at, len(found) - 1)] if found else None

    @work(exclusive=True, group="pair")
    async def _show(self) -> None:
        """Write both sides anew; pictures that were begun before are let go."""
        self._stop.set()
        stop = self._stop = threading.Event()
        pair, words = self.pair, self._words
        title = f"{words.text('parcel.compare.title')}  {shown(self.sides[0].number)}"
        if pair is not None:
            what = named("slot", pair.slot, words) if pair.slot else words.text("parcel.video")
            share = "" if pair.slot else f" {round(100 * pair.share)} %"
            title += f"  {self._at + 1}/{len(pairs(*self.sides))}  {shown(what)}{share}"
        self.query_one("#compare-title", Line).show(title)
        for side, record in enumerate(self.sides):
            self._about(side, record)
            if not stop.is_set():
                await self._picture(side, record, stop)

    def _about(self, side: int, record: Record) -> None:
        about = self.query_one(f"#side-{side} .about", Line)
        about.show(f"{tab(record, self._words)} · {shown(record.session.packer)}")

    async def _picture(self, side: int, record: Record, stop: threading.Event) -> None:
        item, words = self._item(record), self._words
        box = self.query_one(f"#side-{side} PictureBox", PictureBox)
        when = self.query_one(f"#side-{side} .when", Line)
        when.show("" if item is None else item.title)
        if item is None:
            box.show(None, words.text("parcel.compare.no"))
            return
        if item.told is not None and not await item.told():
            box.show(None, words.text("parcel.picture.withheld"))
            return
        try:
            found: Bgr = await asyncio.to_thread(item.load, stop)
        except PictureUnreadable as error:
            why = "deleted" if record.deleted is not None else str(error)
            box.show(None, words.text(f"parcel.picture.{why}"))
        else:
            if not stop.is_set():
                box.show(found)

    def _item(self, record: Record) -> Item | None:
        """The picture of one side."""
        pair = self.pair
        if pair is None:
            return None
        if pair.slot:
            shots = [shot for shot in record.shots if shot.slot == pair.slot]
            return self._viewing.photo_item(record, shots[-1]) if shots else None
        moment = film.at_share(record, pair.share)
        return None if moment is None else self._viewing.film_item(record, moment)

    def action_step(self, way: int) -> None:
        """The pair before, or after."""
        last = len(pairs(*self.sides)) - 1
        at = max(0, min(last, self._at + way))
        if at != self._at:
            self._at = at
            self._show()

    def action_other(self, side: int) -> None:
        """The next session on one side, never the one that stands on the other."""
        count = len(self._records)
        step = (self._shown[side] + 1) % count
        if step == self._shown[1 - side]:
            step = (step + 1) % count
        self._shown[side] = step
        self._at = max(0, min(self._at, len(pairs(*self.sides)) - 1))
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "other" or len(self._records) > 2

    def action_zoom(self) -> None:
        """Both pictures over the whole window, one after the other."""
        from station.ui.archive.zoom import ZoomScreen

        items = [item for record in self.sides if (item := self._item(record)) is not None]
        if items:
            self.app.push_screen(ZoomScreen(self._words, items))


def _kind_order(record: Record) -> bool:
    return record.session.kind is Kind.RETURN
