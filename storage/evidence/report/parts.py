"""What several parts of a report are made of: photos with their captions, what was said later, and
small questions about a recording. Pure; every text from outside is made harmless.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.evidence.report.glyphs import shown
from storage.evidence.report.pictures import Fault, Picture, Pictures
from storage.evidence.report.sheet import cameras_of
from storage.evidence.report.words import Words, moment
from storage.later import Amendment, Change

if TYPE_CHECKING:
    from storage.evidence.contents import Contents
    from storage.records import Clip, Session, Shot

Draw = Callable[[Picture, bool], str]
"""Gives a picture's name on the page; True for one whose lines matter (a label, a document)."""


@dataclass(frozen=True, slots=True)
class About:
    """What a report is about and how it is told. `names` are what files are called in the package,
    by the id of their session and their path in the archive. `room` says how many pictures of the
    video of the first camera, and of each other one, there is room for; `papers`, whether for those
    of documents."""

    contents: Contents
    names: Mapping[tuple[str, str], str]
    pictures: Pictures
    words: Words
    draw: Draw
    room: tuple[int, int]
    papers: bool

    def name(self, session: Session, item: Clip | Shot) -> str:
        """What a file is called in the package; as in the archive where it is not in it."""
        name = self.names.get((session.id, item.path), item.path)
        return shown(name.rpartition("/")[2])

    def deletion(self, session: Session) -> Amendment | None:
        """What says that the files of a recording were deleted by policy, or None."""
        return next(iter(standing(self.contents.amended(session.id), Change.DELETED)), None)


def photo(about: About, session: Session, shot: Shot) -> dict[str, Any]:
    """A photo with its caption, or why it is not shown."""
    words, slot = about.words, about.words.slot(shot.slot)
    found = about.pictures.photos.get(shot.path, Fault.MISSING)
    seen = found if isinstance(found, Picture) else None
    last = {each.slot: each for each in session.shots}[shot.slot]
    return {
        "image": about.draw(seen, shot.label_check is not None) if seen else None,
        "size": [seen.width, seen.height] if seen else [4, 3],
        "fault": None if seen else words.said(f"fault_{found}"),
        "slot": slot if shot is last else words.said("earlier", slot=slot),
        "alt": words.said("photo_alt", slot=slot, at=moment(shot.taken_at))[0],
        "lines": [
            moment(shot.taken_at),
            f"{shown(shot.camera)} · {shot.width}×{shot.height} · {about.name(session, shot)}",
        ],
    }


def amendment(about: About, said: Amendment) -> dict[str, Any]:
    """What was said later of a recording or a document."""
    words = about.words
    group = words.said(f"group_{said.group}") if said.group else words.said("none")
    undone = {each.undoes for each in about.contents.amended(said.subject)}
    return {
        "at": moment(said.at),
        "by": shown(said.by),
        "role": words.said(f"role_{said.role}"),
        "what": words.said(
            f"change_{said.change}", number=said.number, group=group, undone=said.undoes
        ),
        "undone": words.said("taken_back") if said.id in undone else None,
        "text": shown(said.text),
    }


def standing(said: Iterable[Amendment], change: Change) -> list[Amendment]:
    """The amendments of one kind that were not taken back, oldest first."""
    each = list(said)
    undone = {one.undoes for one in each if one.change is Change.UNDONE}
    return [one for one in each if one.change is change and one.id not in undone]


def by_camera(session: Session) -> list[Clip]:
    """The clips, those of the camera that has most first."""
    order = cameras_of(session)
    return sorted(session.clips, key=lambda clip: (order.index(clip.camera), clip.part))


def lasted_ms(start: dt.datetime, end: dt.datetime | None) -> int:
    """From one moment to another, in milliseconds; 0 where there is no other."""
    return 0 if end is None else max(0, round((end - start) / dt.timedelta(milliseconds=1)))
