"""The sessions that a search has found so far, page by page. Pure.

How many there are is unknown until the last page has come. Pages far from what is looked at are
let go and asked for anew, so that hours of scrolling through millions stay small.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from storage.search import Hit, Key, Page

KEPT: Final = 40
"""Pages that are held at once."""


@dataclass(slots=True)
class _Place:
    """Where a page stands, and what was in it unless it was let go."""

    after: Key | None
    first: int
    count: int
    hits: tuple[Hit, ...] | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page that must be asked for: `limit` 0 is as many as a page has."""

    after: Key | None
    limit: int = 0


class Pages:
    """The found sessions by their row, 0 first."""

    def __init__(self) -> None:
        self.count = 0
        self.complete = False
        self._places: list[_Place] = []
        self._firsts: list[int] = []
        self._by_key: dict[Key | None, _Place] = {}
        self._held: set[int] = set()
        self._next: Key | None = None

    def put(self, after: Key | None, page: Page) -> bool:
        """Take a page in where it belongs; False when it belongs nowhere."""
        place = self._by_key.get(after)
        if place is not None:
            if place.hits is not None:
                return False
            place.hits = page.hits[: place.count]
        elif self.complete or after != self._next:
            return False
        else:
            place = _Place(after, self.count, len(page.hits), page.hits)
            self._by_key[after] = place
            self._places.append(place)
            self._firsts.append(self.count)
            self.count += place.count
            self._next = page.next
            self.complete = page.next is None
        self._held.add(self._at(place.first))
        return True

    def hit(self, row: int) -> Hit | None:
        """The session in this row; None where its page is not here."""
        if not 0 <= row < self.count:
            return None
        place = self._places[self._at(row)]
        inside = row - place.first
        return place.hits[inside] if place.hits and inside < len(place.hits) else None

    def here(self) -> Iterator[Hit]:
        """The sessions whose pages are here, in their order."""
        for at in sorted(self._held):
            yield from self._places[at].hits or ()

    def wanted(self, first: int, last: int) -> Wanted | None:
        """The page to ask for so that the rows from `first` to `last` can be shown, if one lacks.

        Lets go of pages that are far from them.
        """
        if not self._places:
            return Wanted(None)
        begin, end = self._at(max(0, first)), self._at(max(0, last))
        for at in [at for at in self._held if not begin - KEPT // 2 <= at <= end + KEPT // 2]:
            self._places[at].hits = None
            self._held.discard(at)
        for place in self._places[begin : end + 1]:
            if place.hits is None:
                return Wanted(place.after, place.count)
        return None if self.complete or last < self.count else Wanted(self._next)

    def _at(self, row: int) -> int:
        """The page that the row is in; the last one for rows behind it."""
        return bisect_right(self._firsts, row) - 1
