"""By when a claim that is only proposed would have to be made, by the rules of its carrier.

Of no portal: which one it goes to is known when it is opened. Reads the archive; writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from storage.claims.claim import Claim
from storage.claims.deadlines import Deadline, deadlines_for, earliest
from storage.claims.moments import moments_of
from storage.claims.rules import Rule, Start

if TYPE_CHECKING:
    from storage.archive import Archive
    from storage.claims.proposals import Proposal


def deadline_of(
    archive: Archive,
    proposal: Proposal,
    now: dt.datetime,
    tz: dt.tzinfo,
    rules: Mapping[str, Rule] | None = None,
) -> Deadline | None:
    """The deadline that counts, or None where no rule of the carrier's has one. Raises
    ArchiveError."""
    number = proposal.number
    told = (order.carrier for order in archive.orders_in(number) if order.carrier)
    carrier = proposal.carrier or next(told, "")
    draft = Claim("", "", number, proposal.type, now, now, now, carrier=carrier)
    facts = moments_of(archive, draft)
    del facts[Start.OPENED]  # nobody has
    return earliest(deadlines_for((proposal.type, "", carrier), facts, tz, rules))
