"""This computer's time zone, as a `tzinfo` that knows summer from winter.

`datetime.astimezone()` alone gives today's offset, by which a day in the other half of the year
would begin an hour off.
"""

from __future__ import annotations

import datetime as dt
from typing import Final


class _Local(dt.tzinfo):
    """What the system says of each moment."""

    def utcoffset(self, moment: dt.datetime | None, /) -> dt.timedelta | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, moment: dt.datetime | None, /) -> dt.timedelta | None:
        return None

    def tzname(self, moment: dt.datetime | None, /) -> str | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, moment: dt.datetime, /) -> dt.datetime:
        return moment.replace(tzinfo=dt.UTC).astimezone().replace(tzinfo=self)


LOCAL: Final = _Local()
