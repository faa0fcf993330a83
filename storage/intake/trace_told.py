"""What a file of tracking events tells, gathered: good events by parcel, bad ones by their place.

Between the shapes of files (`trace_json.py`, `trace_sheet.py`) and `traces.py`. One bad event never
costs the others. Knows times and numbers, no shape and no archive.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Final

from storage.intake.moments import has_zone, moment_of, two_ways
from storage.intake.orders import NUMBER_FORM, SCIENTIFIC
from storage.intake.sheets import ROUNDED
from storage.intake.trace_words import status_in, status_of
from storage.rows import search_key
from storage.trace import Trace, TraceEvent, TraceStatus

AHEAD: Final = dt.timedelta(days=2)
"""An event may be so far ahead of the clock: a zone that was guessed wrong makes that of one that
has just happened. Further ahead nothing can have been seen."""
TEXT_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class BadEvent:
    """Something that was left out. `place` says where it stands: `line 7`, or a path of JSON."""

    place: str
    why: str


@dataclass(slots=True)
class Told:
    """Gathers. `zone` is that of times without one, of which `assumed` counts the events; `now` is
    the moment that nothing can have been seen after; `order` how days such as 03/04/2026 are
    written, as `moments.py` has it."""

    zone: dt.tzinfo
    now: dt.datetime
    order: str = ""
    traces: dict[str, Trace] = field(default_factory=dict)
    events: dict[str, list[TraceEvent]] = field(default_factory=dict)
    bad: list[BadEvent] = field(default_factory=list)
    assumed: int = 0

    def parcel(self, place: str, number: str) -> str | None:
        """The key of the parcel with this tracking number, which is known from now on; None, and
        told as bad, for what is no number."""
        key = search_key(number)
        if SCIENTIFIC.fullmatch(key):
            self.leave(place, ROUNDED)
        elif not NUMBER_FORM.fullmatch(key):
            named = f"has a tracking number that is none: {number[:40]!r}"
            self.leave(place, named if number.strip() else "has no tracking number")
        else:
            self.traces.setdefault(key, Trace(key))
            return key
        return None

    def event(
        self,
        place: str,
        key: str,
        at: str,
        words: tuple[str, ...],
        text: str,
        where: str,
        shape: str,
    ) -> None:
        """Add an event of the parcel `key`. `words` are the status as it was told, the plainest
        first; the first one that is there is kept with the `shape`, and where none is understood
        the text may tell."""
        moment = self.moment(at)
        if moment is None:
            why = "a day that can be read two ways" if two_ways(at) else "a time that is none"
            self.leave(place, f"has {why}: {at[:40]!r}" if at.strip() else "has no time")
            return
        if moment > self.now + AHEAD:
            self.leave(place, f"is at a time that cannot be: {at[:40]!r}")
            return
        if not text.strip() and not any(words):
            self.leave(place, "says nothing")
            return
        self.assumed += not has_zone(at)
        known = (status_of(word) for word in words)
        status = next((each for each in known if each is not TraceStatus.UNKNOWN), None)
        raw = next((word for word in reversed(words) if word), "")
        event = TraceEvent(
            at=moment,
            status=status or status_in(text),
            text=text.strip()[:TEXT_CHARS] or raw[:TEXT_CHARS],
            place=where[:TEXT_CHARS],
            source=f"{shape} {raw[:TEXT_CHARS]}".strip(),
        )
        self.events.setdefault(key, []).append(event)

    def moment(self, text: str, *, day_ends: bool = False) -> dt.datetime | None:
        """The moment (UTC) that a text names, in the site's zone where it names none itself; None
        for what is no moment. A day is its first moment, or its last where `day_ends`."""
        return moment_of(text, self.zone, self.order, day_ends=day_ends)

    def tell(self, key: str, **facts: object) -> None:
        """Say something of a parcel besides its events; None and '' say nothing."""
        said = {name: value for name, value in facts.items() if value not in (None, "")}
        self.traces[key] = replace(self.traces[key], **said)  # type: ignore[arg-type]

    def done(self) -> tuple[Trace, ...]:
        """The parcels with their events, in the order in which they were told."""
        return tuple(
            replace(trace, events=tuple(self.events.get(key, ())))
            for key, trace in self.traces.items()
        )

    def leave(self, place: str, why: str) -> None:
        """Say that something was left out."""
        self.bad.append(BadEvent(place, why))
