"""Which stretch of which clip shows most of what happened to a parcel. Pure.

A portal takes one uncut video of a minute or so. Of each clip the stretch is found that shows the
events that count, the closed parcel and its label above all; the best one of them is the video's.
Knows no file and no encoder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from storage.evidence.events import Event, What, events_of, position_ms
from storage.records import Clip, Session

LEAD_MS, TAIL_MS = 3_000, 3_000
"""What should be seen before and after an event."""
CLOSED_PARCEL, ITS_LABEL = "sealed_box", "label"
_WEIGHTS: Final = {
    What.OPENED: 3,
    What.SHOT: 4,
    What.ENDED: 3,
    What.NOTE: 1,
    What.GAP: 0,
    What.GAP_OVER: 0,
}
_HEAVIEST: Final = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a clip, in milliseconds after its first frame; `shown` are the events in it, each
    with its position in the clip, `outside` those of the session that it does not show."""

    clip: Clip
    start_ms: int
    end_ms: int
    shown: tuple[tuple[int, Event], ...]
    outside: tuple[Event, ...]

    @property
    def weight(self) -> int:
        """How much it shows; more is better."""
        last = _last_shots(event for _, event in self.shown)
        return sum(_weight(event, last) for _, event in self.shown)


def stretches(session: Session, most_ms: int | None) -> list[Stretch]:
    """The best stretch of each clip of the session, at most `most_ms` long, the best one first: the
    one that shows most, then the one with the most pixels, then by the camera's name and part."""
    events = events_of(session)
    found = [_best(clip, events, most_ms) for clip in session.clips]
    return sorted(
        found,
        key=lambda each: (
            -each.weight,
            -(each.clip.width * each.clip.height),
            each.clip.camera,
            each.clip.part,
        ),
    )


def cover_ms(stretch: Stretch) -> int:
    """The moment of the clip that a cover picture shows: the heaviest event, the last one of these;
    without one the middle."""
    last = _last_shots(event for _, event in stretch.shown)
    heaviest = max(
        ((_weight(event, last), at_ms) for at_ms, event in stretch.shown),
        default=(0, (stretch.start_ms + stretch.end_ms) // 2),
    )
    return heaviest[1]


def _best(clip: Clip, events: tuple[Event, ...], most_ms: int | None) -> Stretch:
    seen = [(at, event) for event in events if (at := position_ms(clip, event.at)) is not None]
    length = clip.duration_ms if most_ms is None else min(clip.duration_ms, most_ms)
    last = _last_shots(event for _, event in seen)
    latest = clip.duration_ms - length
    starts = {0, latest}
    for at_ms, _ in seen:
        starts |= {at_ms - LEAD_MS, at_ms, at_ms - length, at_ms + TAIL_MS - length}

    def worth(start: int) -> tuple[int, int, int]:
        inside = [(at, event) for at, event in seen if start <= at <= start + length]
        around = sum(
            min(at - start, LEAD_MS) + min(start + length - at, TAIL_MS) for at, _ in inside
        )
        return sum(_weight(event, last) for _, event in inside), around, -start

    start = max((min(max(0, each), latest) for each in starts), key=worth)
    shown = tuple((at, event) for at, event in seen if start <= at <= start + length)
    inside = {id(event) for _, event in shown}
    outside = tuple(event for event in events if id(event) not in inside)
    return Stretch(clip, start, start + length, shown, outside)


def _last_shots(events: Iterable[Event]) -> frozenset[str]:
    """The paths of the photos that count: of each slot the last one."""
    last = {event.shot.slot: event.shot.path for event in events if event.shot is not None}
    return frozenset(last.values())


def _weight(event: Event, last: frozenset[str]) -> int:
    if event.shot is None:
        return _WEIGHTS[event.what]
    if event.shot.path not in last:
        return 1
    return _HEAVIEST if event.shot.slot in {CLOSED_PARCEL, ITS_LABEL} else _WEIGHTS[event.what]
