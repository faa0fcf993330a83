"""The contact sheet of a session's video: which pictures of it show what happened, and those.

Pictures stand at the events and, where nothing happened, at even steps. Reads clips through
`film.py`; knows no page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from storage.evidence.events import Event, What, events_of, position_ms
from storage.evidence.film import Bgr, near_frames
from storage.records import Clip, Session

EVENTS_SHARE = 0.75
"""What part of a sheet events may take: the rest shows what lies between them."""
OF_ONE_CAMERA = (What.GAP, What.GAP_OVER)


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet: the clip, where in it (milliseconds after its first frame), what
    happened there. `rank`: where room is short, those with the smallest are shown."""

    clip: Clip
    at_ms: int
    events: tuple[Event, ...]
    rank: int


def cameras_of(session: Session) -> tuple[str, ...]:
    """The cameras that have video, the one with the most of it first."""
    length: dict[str, int] = {}
    for clip in session.clips:
        length[clip.camera] = length.get(clip.camera, 0) + clip.duration_ms
    return tuple(sorted(length, key=lambda camera: (-length[camera], camera)))


def cells_of(session: Session, camera: str, most: int) -> tuple[Cell, ...]:
    """At most `most` pictures of what a camera saw, in the order of time."""
    clips = sorted(
        (clip for clip in session.clips if clip.camera == camera), key=lambda clip: clip.part
    )
    chosen = _thinned(_at_events(session, clips), max(1, int(most * EVENTS_SHARE)))
    steps = [place for place in _steps(clips, most) if not _beside(place, chosen, clips, most)]
    ranked = [*chosen, *_spread(steps)][:most]
    ranked = [replace(cell, rank=rank) for rank, cell in enumerate(ranked)]
    return tuple(sorted(ranked, key=lambda cell: (clips.index(cell.clip), cell.at_ms)))


def pictures(
    path: Path, cells: Sequence[Cell], width_px: int, stop: threading.Event
) -> Iterator[tuple[Cell, Bgr | None]]:
    """The pictures of cells of one clip, whose file is `path`: H×W×3 uint8 BGR, at most `width_px`
    wide; None where that part of the file is damaged. Each cell says where its picture really is;
    cells with the same picture are one. Raises FilmUnreadable."""
    moments = [cell.at_ms for cell in cells]
    found = list(near_frames(path, moments, width_px, stop))
    read = {index for index, _, _ in found}
    yield from ((cell, None) for index, cell in enumerate(cells) if index not in read)
    seen = [(replace(cells[index], at_ms=at_ms), picture) for index, at_ms, picture in found]
    for _, same in groupby(seen, key=lambda each: each[0].at_ms):
        merged = list(same)
        events = tuple(event for cell, _ in merged for event in cell.events)
        first, picture = merged[0]
        yield replace(first, events=events, rank=min(cell.rank for cell, _ in merged)), picture


def _at_events(session: Session, clips: Sequence[Clip]) -> list[Cell]:
    """A cell for each moment at which something happened that a clip shows."""
    found: dict[tuple[str, int], Cell] = {}
    for event in events_of(session):
        for clip in clips:
            if event.what in OF_ONE_CAMERA and event.gap and event.gap.camera != clip.camera:
                continue
            at_ms = position_ms(clip, event.at)
            if at_ms is not None:
                cell = found.get((clip.path, at_ms), Cell(clip, at_ms, (), 0))
                found[clip.path, at_ms] = replace(cell, events=(*cell.events, event))
                break
    return list(found.values())


def _thinned(cells: Sequence[Cell], most: int) -> list[Cell]:
    """At most `most` of them, evenly, with the first and the last."""
    if len(cells) <= most:
        return list(cells)
    last = len(cells) - 1
    places = {round(last * place / max(1, most - 1)) for place in range(most)}
    return [cells[place] for place in sorted(places)]


def _steps(clips: Sequence[Clip], count: int) -> list[Cell]:
    """Cells at the middles of `count` equal stretches of all that the clips hold."""
    whole = sum(clip.duration_ms for clip in clips)
    found = []
    for step in range(count):
        at_ms = int(whole * (step + 0.5) / count)
        for clip in clips:
            if at_ms < clip.duration_ms:
                found.append(Cell(clip, at_ms, (), 0))
                break
            at_ms -= clip.duration_ms
    return found


def _beside(place: Cell, chosen: Iterable[Cell], clips: Sequence[Clip], count: int) -> bool:
    """True where an event's picture is closer than half a step."""
    half = sum(clip.duration_ms for clip in clips) / count / 2
    return any(cell.clip == place.clip and abs(cell.at_ms - place.at_ms) < half for cell in chosen)


def _spread(cells: Sequence[Cell]) -> list[Cell]:
    """The same cells so that the first few of them lie far apart: middle, quarters, eighths."""
    found: list[Cell] = []
    stretches = [(0, len(cells))]
    while stretches:
        below: list[tuple[int, int]] = []
        for first, last in stretches:
            if first < last:
                middle = (first + last) // 2
                found.append(cells[middle])
                below += [(first, middle), (middle + 1, last)]
        stretches = below
    return found
