"""What a person sees of a parcel's evidence, and that the ledger is told of it first.

Makes the pictures of photos, documents and films, for tiles and for the whole window, and opens
them in other programs. What cannot be told is not shown; an archive that can only be read tells
nobody, as a copy of its files would not. Knows no screen.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from station.dossier import media_path
from station.local_time import LOCAL
from station.ui.archive import player
from station.ui.archive.film import Moment, position
from station.ui.archive.pictures import PictureUnreadable, load
from station.ui.archive.timeline import named
from station.ui.archive.zoom import Item
from station.ui.messages import shown
from storage.errors import ArchiveError
from storage.later import Right
from storage.people import RIGHTS

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from station.dossier import Paper, Record
    from station.ui.archive.pictures import Bgr
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor
    from storage.records import Clip, Shot

log = logging.getLogger(__name__)

TILE_PX: Final = 360
WHOLE_PX: Final = 4_096
PAGE_PX: Final = 2_000
PHOTOS, VIDEO, DOCUMENT = "photos", "video", "document"


class Viewing:
    """Shows one person the evidence of one archive. `fail` is told what could not be done, on the
    screen's thread."""

    def __init__(
        self,
        archive: Archive,
        actor: Actor,
        words: Words,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._archive = archive
        self._actor = actor
        self._words = words
        self._fail = fail

    @property
    def allowed(self) -> bool:
        """Whether the person's role may look at evidence at all."""
        return Right.LOOK in RIGHTS[self._actor.role]

    async def told(self, subject: str, what: str) -> bool:
        """True when the ledger knows that the person looks at this, so that it may be shown."""
        if not self.allowed:
            return False
        if not self._archive.writable:
            return True
        try:
            await asyncio.wrap_future(self._archive.looked(self._actor, subject, what))
        except ArchiveError as error:
            log.warning("a look at %s could not be told: %s", subject, error)
            self._fail(error)
            return False
        return True

    # ------------------------------------------------------------------ on other threads

    def photo(self, shot: Shot, edge_px: int = TILE_PX) -> Bgr:
        """The photo. Raises PictureUnreadable."""
        return load(media_path(self._archive.root, shot.path), edge_px)

    def page(self, paper: Paper) -> Bgr:
        """What a document looks like, small. Raises PictureUnreadable."""
        from storage.intake import thumbnails

        if not paper.present:
            raise PictureUnreadable("missing")
        made = thumbnails.of(self._archive.root, paper.document)
        if made is None:
            raise PictureUnreadable("none")
        return load(made, TILE_PX)

    def whole_page(self, paper: Paper) -> Bgr:
        """What a document looks like, as large as it is read. Raises PictureUnreadable."""
        import io

        import numpy as np
        from PIL import Image

        from storage.intake.pictures import picture

        path = media_path(self._archive.root, paper.document.path)
        if path is None:
            raise PictureUnreadable("missing")
        content = picture(path, PAGE_PX, "jpeg")
        if content is None:
            raise PictureUnreadable("none")
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()

    def film(
        self, moments: Sequence[Moment], width_px: int, stop: threading.Event
    ) -> Iterator[tuple[int, Bgr | str]]:
        """The pictures of the moments by their index, clip by clip; a key below `parcel.picture`
        where there is none."""
        from storage.evidence.film import FilmUnreadable, frames

        for clip in dict.fromkeys(moment.clip for moment in moments):
            wanted = [at for at, moment in enumerate(moments) if moment.clip == clip]
            path = None if clip is None else media_path(self._archive.root, clip.path)
            if path is None:
                why = "no_video" if clip is None else "missing"
                yield from ((at, why) for at in wanted)
                continue
            left = set(wanted)
            try:
                for index, bgr in frames(
                    path, [moments[at].at_ms for at in wanted], width_px, stop
                ):
                    left.discard(wanted[index])
                    yield wanted[index], bgr
            except FilmUnreadable as error:
                log.warning("%s", error)
            if stop.is_set():
                return
            yield from ((at, "damaged") for at in sorted(left))

    def frame(self, moment: Moment, stop: threading.Event) -> Bgr:
        """One picture of a film, as large as it was recorded. Raises PictureUnreadable."""
        for _, found in self.film((moment,), WHOLE_PX, stop):
            if isinstance(found, str):
                raise PictureUnreadable(found)
            return found
        raise PictureUnreadable("none")

    # ------------------------------------------------------------------ over the whole window

    def photo_item(self, record: Record, shot: Shot) -> Item:
        """A photo, to be looked at."""
        slot = named("slot", shot.slot, self._words)
        path = media_path(self._archive.root, shot.path)
        return Item(
            f"{shown(record.number)} · {shown(slot)} · {_when(shot.taken_at)}",
            lambda _: self.photo(shot, WHOLE_PX),
            self._opener(path, f"{record.number}-{shot.slot}", 0.0),
            lambda: self.told(record.session.id, PHOTOS),
        )

    def paper_item(self, paper: Paper) -> Item:
        """A document, to be looked at."""
        document = paper.document
        path = media_path(self._archive.root, document.path)
        group = named("group", paper.group.value, self._words)
        return Item(
            f"{shown(document.number)} · {group} · {shown(document.name)}",
            lambda _: self.whole_page(paper),
            self._opener(path, document.name, 0.0),
            lambda: self.told(document.id, DOCUMENT),
        )

    def film_item(self, record: Record, moment: Moment) -> Item:
        """A moment of a film, to be looked at."""
        clip = moment.clip
        camera = "" if clip is None else f" · {shown(clip.camera)}"
        opened = None if clip is None else self._clip_opener(record, clip, moment.at_ms / 1000)
        return Item(
            f"{shown(record.number)}{camera} · {position(record, moment)} · {_when(moment.at)}",
            lambda stop: self.frame(moment, stop),
            opened,
            lambda: self.told(record.session.id, VIDEO),
        )

    def _clip_opener(self, record: Record, clip: Clip, at_s: float) -> Callable[[], str] | None:
        path = media_path(self._archive.root, clip.path)
        return self._opener(path, f"{record.number}-{clip.camera}-{clip.part}", at_s)

    def _opener(self, path: Path | None, name: str, at_s: float) -> Callable[[], str] | None:
        return None if path is None else lambda: player.open_copy(path, name, at_s)


def _when(moment: dt.datetime) -> str:
    return f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}"
