"""The pictures of a parcel's page: a row of photos and documents, and a filmstrip.

They come one after the other from other threads; those of a session that was left are let go. Knows
no row and no file: what is seen comes from `viewing.py`, which tells the ledger first.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from station.ui.archive import film
from station.ui.archive.parcel_look import caption
from station.ui.archive.pictures import PictureUnreadable
from station.ui.archive.tiles import TileRow
from station.ui.archive.viewing import DOCUMENT, PHOTOS, TILE_PX, VIDEO
from station.ui.archive.zoom import Item, ZoomScreen
from station.ui.labels import Line
from station.ui.messages import shown

if TYPE_CHECKING:
    from station.dossier import Dossier, Paper, Record
    from station.ui.archive.pictures import Bgr
    from station.ui.archive.timeline import Event
    from station.ui.archive.viewing import Viewing
    from station.ui.archive.words import Words
    from storage.records import Shot


class Evidence(Vertical):
    """The pictures of one session, and of its parcel's documents."""

    @dataclass
    class Picked(Message):
        """A picture was clicked that belongs to this event."""

        event: Event

    @dataclass
    class Developed(Message):
        """A picture of the film `run`, or why there is none."""

        run: int
        index: int
        found: Bgr | str

    def __init__(self, viewing: Viewing, words: Words) -> None:
        super().__init__(id="parcel-evidence")
        self._viewing = viewing
        self._words = words
        self._dossier: Dossier | None = None
        self._record: Record | None = None
        self._events: Sequence[Event] = ()
        self._moments: tuple[film.Moment, ...] = ()
        self._marked: Event | None = None
        self._camera = ""
        self._run = 0
        self._stop = threading.Event()

    def compose(self) -> ComposeResult:
        yield Line(self._words.text("parcel.pictures"), classes="heading")
        yield TileRow(id="parcel-photos")
        yield Line(self._words.text("parcel.video"), id="parcel-film-heading", classes="heading")
        yield TileRow(id="parcel-film")

    def on_unmount(self) -> None:
        self._stop.set()

    @property
    def _photos(self) -> TileRow:
        return self.query_one("#parcel-photos", TileRow)

    @property
    def _film(self) -> TileRow:
        return self.query_one("#parcel-film", TileRow)

    def show(self, dossier: Dossier, record: Record, events: Sequence[Event]) -> None:
        """Show the pictures of this session from now on."""
        self._dossier, self._record, self._events = dossier, record, events
        cameras = film.cameras(record)
        self._camera = self._camera if self._camera in cameras else next(iter(cameras), "")
        self._show_pictures(dossier, record)
        self._begin_film(record)

    # ------------------------------------------------------------------ photos, documents

    @work(exclusive=True, group="photos")
    async def _show_pictures(self, dossier: Dossier, record: Record) -> None:
        """Photos, then documents, each as it is ready."""
        row, viewing = self._photos, self._viewing
        items: tuple[Shot | Paper, ...] = (*record.shots, *dossier.papers)
        await row.put([caption(item, self._words) for item in items])
        self._mark_again()
        session = record.session.id
        told = bool(record.shots) and await viewing.told(session, PHOTOS)
        for index, shot in enumerate(record.shots):
            if not told or record.deleted is not None:
                self._instead(row, index, "withheld" if not told else "deleted")
            else:
                await self._develop(row, index, partial(viewing.photo, shot))
        for index, paper in enumerate(dossier.papers, len(record.shots)):
            if not await viewing.told(paper.document.id, DOCUMENT):
                self._instead(row, index, "withheld")
            else:
                await self._develop(row, index, partial(viewing.page, paper))

    async def _develop(self, row: TileRow, index: int, make: Callable[[], Bgr]) -> None:
        try:
            row.show(index, await asyncio.to_thread(make))
        except PictureUnreadable as error:
            self._instead(row, index, str(error))

    def _instead(self, row: TileRow, index: int, why: str) -> None:
        row.show(index, None, self._words.text(f"parcel.picture.{why}"))

    # ------------------------------------------------------------------ the film

    @work(exclusive=True, group="film")
    async def _show_film(self, record: Record, moments: tuple[film.Moment, ...], run: int) -> None:
        """The tiles of the film, then its pictures as they come."""
        captions = []
        for moment in moments:
            sign = " " if moment.event is None else self._events[moment.event].sign
            captions.append(
                Text.assemble((f"{sign} ", "bold #ffd866"), film.position(record, moment))
            )
        await self._film.put(captions)
        self._mark_again()
        if not moments:
            return
        stop = self._stop = threading.Event()
        if record.deleted is None and await self._viewing.told(record.session.id, VIDEO):
            await asyncio.to_thread(self._run_film, moments, run, stop)
            return
        why = "withheld" if record.deleted is None else "deleted"
        for index in range(len(moments)):
            self._instead(self._film, index, why)

    def _run_film(self, moments: tuple[film.Moment, ...], run: int, stop: threading.Event) -> None:
        """On a thread: picture after picture, until the session is left."""
        for index, found in self._viewing.film(moments, TILE_PX, stop):
            if stop.is_set():
                return
            self.post_message(self.Developed(run, index, found))

    @on(Developed)
    def _developed(self, event: Developed) -> None:
        event.stop()
        if event.run == self._run:
            if isinstance(event.found, str):
                self._instead(self._film, event.index, event.found)
            else:
                self._film.show(event.index, event.found)

    def next_camera(self) -> None:
        """The film of the next camera."""
        record = self._record
        cameras = () if record is None else film.cameras(record)
        if record is not None and cameras:
            self._camera = cameras[(cameras.index(self._camera) + 1) % len(cameras)]
            self._begin_film(record)

    def _begin_film(self, record: Record) -> None:
        """Let go of the film that was shown, and begin with that of the camera at hand."""
        self._stop.set()
        self._run += 1
        self._moments = film.moments(record, self._camera, self._events)
        cameras = film.cameras(record)
        heading = [f"{self._words.text('parcel.video')}  {shown(self._camera)}"]
        if len(cameras) > 1:
            heading.append(f"{cameras.index(self._camera) + 1}/{len(cameras)}")
        self.query_one("#parcel-film-heading", Line).show("  ".join(heading))
        self._show_film(record, self._moments, self._run)

    # ------------------------------------------------------------------ what is chosen

    def _places(self, event: Event) -> tuple[int | None, int | None]:
        """The picture and the moment of the film that belong to an event."""
        record, dossier = self._record, self._dossier
        if record is None or dossier is None or event not in self._events:
            return None, None
        picture = None
        if event.shot is not None:
            picture = record.shots.index(event.shot)
        elif event.paper is not None:
            picture = len(record.shots) + dossier.papers.index(event.paper)
        return picture, film.nearest(self._moments, self._events.index(event), event.at)

    def mark(self, event: Event) -> None:
        """Mark the pictures of an event, those too that are still to come."""
        self._marked = event
        self._mark_again()

    def _mark_again(self) -> None:
        if self._marked is not None:
            picture, moment = self._places(self._marked)
            self._photos.mark(picture)
            self._film.mark(moment)

    @on(TileRow.Chosen)
    def _chosen(self, message: TileRow.Chosen) -> None:
        """A click marks, a second one shows it large."""
        message.stop()
        filmed = message.row is self._film
        if message.opened:
            self._zoom(self._moment_items() if filmed else self._picture_items(), message.index)
            return
        message.row.mark(message.index)
        found = self._of_moment(message.index) if filmed else self._of_picture(message.index)
        if found is not None:
            self.post_message(self.Picked(found))

    def _of_moment(self, index: int) -> Event | None:
        event = self._moments[index].event
        return None if event is None else self._events[event]

    def _of_picture(self, index: int) -> Event | None:
        return next((each for each in self._events if self._places(each)[0] == index), None)

    # ------------------------------------------------------------------ looking closely

    def look(self, event: Event) -> None:
        """An event's photo or document over the whole window, else its moment in the film."""
        picture, _ = self._places(event)
        if picture is None:
            self.look_at_film(event)
        else:
            self._zoom(self._picture_items(), picture)

    def look_at_film(self, event: Event) -> None:
        """The film over the whole window, from an event on."""
        self._zoom(self._moment_items(), self._places(event)[1] or 0)

    def item(self, event: Event) -> Item | None:
        """What is opened in another program for an event: its document, else the film at it."""
        if event.paper is not None:
            return self._viewing.paper_item(event.paper)
        at = self._places(event)[1]
        if at is None or self._record is None:
            return None
        return self._viewing.film_item(self._record, self._moments[at])

    def _picture_items(self) -> list[Item]:
        record, dossier = self._record, self._dossier
        if record is None or dossier is None:
            return []
        items = [self._viewing.photo_item(record, shot) for shot in record.shots]
        return items + [self._viewing.paper_item(paper) for paper in dossier.papers]

    def _moment_items(self) -> list[Item]:
        record = self._record
        if record is None:
            return []
        return [self._viewing.film_item(record, moment) for moment in self._moments]

    def _zoom(self, items: list[Item], index: int) -> None:
        if items and self._viewing.allowed:
            self.app.push_screen(ZoomScreen(self._words, items, min(index, len(items) - 1)))
