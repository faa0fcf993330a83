"""The moments of a parcel's life that deadlines count from, as the archive knows them today.

Of several that are told the earlier one is taken: a deadline is rather too early. Writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from storage.claims.claim import Claim, ClaimStatus
from storage.claims.rules import Start
from storage.records import Kind, Status

if TYPE_CHECKING:
    from storage.archive import Archive

_AGAINST: Final = (ClaimStatus.REJECTED, ClaimStatus.APPROVED_PARTIAL)


def moments_of(archive: Archive, claim: Claim) -> dict[Start, dt.datetime]:
    """What is known of the parcel and of the claim; what nobody told is not in it.

    Where no order and no carrier tells when the parcel was shipped, the moment at which its packing
    was sealed stands for it, which is before. Raises ArchiveError.
    """
    orders = archive.orders_in(claim.tracking_number)
    trace = archive.trace_of(claim.tracking_number)
    events = trace.events if trace else ()
    moved = _first(each.at for each in events if each.moved)
    sealed = (
        each.sealed_at
        for each in archive.claimable(claim.tracking_number)
        if each.kind is Kind.PACKING and each.status is Status.SEALED
    )
    told = {
        Start.ORDERED: _first(each.ordered_at for each in orders),
        Start.SHIPPED: _first((*(each.shipped_at for each in orders), moved)) or _first(sealed),
        Start.HANDED_OVER: moved,
        Start.EXPECTED: trace.expected_at if trace else None,
        Start.DELIVERED: _first(
            (trace.delivered_at if trace else None, *(each.delivered_at for each in orders))
        ),
        Start.LAST_STATUS: max((each.at for each in events), default=None),
        Start.HAPPENED: claim.happened_at,
        Start.OPENED: claim.created_at,
        Start.REJECTED: claim.status_at if claim.status in _AGAINST else None,
    }
    return {start: at for start, at in told.items() if at is not None}


def _first(moments: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return min((each for each in moments if each is not None), default=None)
