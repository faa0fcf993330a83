"""Where the files of each open session go, and which of them are still being written.

`station.filing` opens and gives up the places, `station.footage` and `station.stills` write there.
Knows no camera, no archive and no rules.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(slots=True)
class Place:
    """Where the files of a session go, once the archive has made its folder."""

    folder: asyncio.Future[Path]
    thumbs: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    writing: set[str | int] = field(default_factory=set)
    """Clips and stills that a camera was asked for and has not answered for."""
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever `writing` becomes empty."""


class Places:
    """The places of the sessions that are not over. Every method is called on the loop but `get`,
    which any thread may call."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def expect(self, session: str) -> asyncio.Future[Path]:
        """A session is being opened: its folder is to be set on the future, or cancelled."""
        place = Place(asyncio.get_running_loop().create_future())
        self._places[session] = place
        return place.folder

    def get(self, session: str) -> Place | None:
        """The session's place, or None when it is over."""
        return self._places.get(session)

    def is_quiet(self, session: str) -> bool:
        """True when no file of the session is being written any more."""
        place = self._places.get(session)
        return place is None or not place.writing

    def forget(self, session: str) -> None:
        """The session is over."""
        self._places.pop(session, None)

    def begun(self, session: str, file: str | int) -> None:
        """A camera was asked for the file."""
        if place := self._places.get(session):
            place.writing.add(file)
            place.quiet.clear()

    def over(self, session: str, file: str | int) -> None:
        """The camera has answered for the file, or never will."""
        if place := self._places.get(session):
            place.writing.discard(file)
            if not place.writing:
                place.quiet.set()

    def thumb(self, session: str, slot: str) -> npt.NDArray[np.uint8] | None:
        """A small H×W×3 uint8 BGR picture of the newest shot of `slot`, or None."""
        place = self._places.get(session)
        return place.thumbs.get(slot) if place else None
