"""A parcel's whole way as one list: sold, packed and sealed, handed over, delivered. Pure but for
`gather`, which reads the archive and blocks.

What others told (orders, carriers) stands beside what was sealed, and is marked as theirs. Knows no
widget.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from storage.claims.claim import WON_STATUSES, ClaimStatus
from storage.errors import UnknownSession
from storage.records import Kind, LabelCheck, Status
from storage.rows import search_key
from storage.trace import TraceStatus

if TYPE_CHECKING:
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.claims.claim import Claim
    from storage.order import Order
    from storage.records import Session
    from storage.trace import Trace, TraceEvent

Params = tuple[tuple[str, str], ...]
_ENDS: Final = {
    Status.SEALED: ("✔", "done"),
    Status.INTERRUPTED: ("▲", "check"),
    Status.CANCELLED: ("○", "quiet"),
}
_SEEN: Final = {
    TraceStatus.UNKNOWN: ("→", "work"),
    TraceStatus.PENDING: ("·", "quiet"),
    TraceStatus.INFO_RECEIVED: ("·", "quiet"),
    TraceStatus.IN_TRANSIT: ("→", "work"),
    TraceStatus.OUT_FOR_DELIVERY: ("⇢", "work"),
    TraceStatus.ATTEMPT_FAIL: ("▲", "check"),
    TraceStatus.DELIVERED: ("✔", "done"),
    TraceStatus.AVAILABLE_FOR_PICKUP: ("◉", "check"),
    TraceStatus.EXCEPTION: ("✖", "stop"),
    TraceStatus.EXPIRED: ("✖", "stop"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a parcel: `key` and `params` say it, `sign` and `tone` mark it.
    `told` is who says so: `shop`, `bench`, `carrier` or `claims`; `text` and `place` are the
    carrier's own words."""

    at: dt.datetime
    told: str
    key: str
    params: Params
    sign: str
    tone: str
    text: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """One parcel: what it carries, what was packed, where it was seen, and all of that as `steps`,
    oldest first."""

    number: str
    orders: tuple[Order, ...]
    sessions: tuple[Session, ...]
    trace: Trace | None
    steps: tuple[Step, ...]

    @property
    def sealed(self) -> bool:
        """True when a packing of it was sealed, however well."""
        return any(
            session.kind is Kind.PACKING and session.status in (Status.SEALED, Status.INTERRUPTED)
            for session in self.sessions
        )

    @property
    def known(self) -> bool:
        """False when nothing in the archive speaks of this number."""
        return bool(self.orders or self.sessions or self.trace)


def gather(archive: Archive, number: str, *, with_claims: bool = False) -> Way:
    """Everything that happened to the parcel with this tracking number; its claims too, where who
    asks may see them. Raises ArchiveError."""
    wanted = search_key(number)
    orders = archive.orders_in(wanted)
    sessions = tuple(
        session
        for session in reversed(archive.find(wanted))
        if _number_of(archive, session.id) == wanted
    )
    trace = archive.trace_of(wanted)
    steps = [
        *(step for order in orders for step in _sold(order)),
        *(step for session in sessions for step in _packed(session)),
        *(() if trace is None else _carried(trace)),
    ]
    if with_claims:
        steps += [step for claim in archive.claims_of(wanted) for step in _claimed(claim)]
    return Way(wanted, orders, sessions, trace, tuple(sorted(steps, key=lambda step: step.at)))


def said(step: Step, words: Words) -> str:
    """What happened, in the person's language, without the carrier's own words."""
    named = [
        (name, words.text(key) if words.has(key := f"claims.{name}.{value}") else value)
        for name, value in step.params
    ]
    return words.text(step.key, named)


def _number_of(archive: Archive, session: str) -> str:
    try:
        return archive.number_of(session)
    except UnknownSession:  # it went meanwhile
        return ""


def _sold(order: Order) -> Iterator[Step]:
    params = (("order", order.id), ("shop", order.shop or order.platform or "·"))
    for name, moment, sign in (
        ("ordered", order.ordered_at, "◇"),
        ("shipped", order.shipped_at, "◈"),
        ("arrived", order.delivered_at, "◆"),
    ):
        if moment is not None:
            yield Step(moment, "shop", f"trace.step.{name}", params, sign, "quiet")


def _packed(session: Session) -> Iterator[Step]:
    who: Params = (("packer", session.packer or "·"), ("bench", session.bench))
    opened = f"trace.step.opened_{session.kind.value}"
    yield Step(session.opened_at, "bench", opened, who, "▶", "work")
    if session.sealed_at is None or session.status not in _ENDS:
        return
    sign, tone = _ENDS[session.status]
    key, params = f"trace.step.{session.status.value}", who
    labels = [shot.label_check for shot in session.shots if shot.label_check is not None]
    if session.status is not Status.CANCELLED and labels[-1:] == [LabelCheck.MISMATCH]:
        key, sign, tone = "trace.step.mismatch", "✖", "stop"
    elif session.status is not Status.CANCELLED and not session.complete:
        lacks = ", ".join((*(() if session.clips else ("video",)), *session.missing))
        key, sign, tone, params = "trace.step.incomplete", "▲", "check", (*who, ("lacks", lacks))
    yield Step(session.sealed_at, "bench", key, params, sign, tone)


def _carried(trace: Trace) -> Iterator[Step]:
    params = (("carrier", trace.carrier or "·"),)
    first = next((event for event in trace.events if event.moved), None)
    for event in trace.events:
        yield _seen(event, params, handed_over=event is first)
    if trace.expected_at is not None:
        late = trace.delivered_at is None or trace.delivered_at > trace.expected_at
        tone = "check" if late else "quiet"
        yield Step(trace.expected_at, "carrier", "trace.step.expected", params, "◷", tone)


def _seen(event: TraceEvent, params: Params, *, handed_over: bool) -> Step:
    sign, tone = _SEEN[event.status]
    key = f"trace.status.{event.status.value or 'unknown'}"
    if handed_over and event.status in (TraceStatus.UNKNOWN, TraceStatus.IN_TRANSIT):
        key = "trace.step.handed_over"
    return Step(event.at, "carrier", key, params, sign, tone, event.text, event.place)


def _claimed(claim: Claim) -> Iterator[Step]:
    params = (("reference", claim.reference), ("type", claim.type.value))
    yield Step(claim.created_at, "claims", "trace.step.claimed", params, "§", "work")
    if claim.status is not ClaimStatus.DRAFT:
        lost = claim.status in (ClaimStatus.REJECTED, ClaimStatus.CANCELLED)
        tone = "done" if claim.status in WON_STATUSES else "stop" if lost else "work"
        stands = (("reference", claim.reference), ("status", claim.status.value))
        yield Step(claim.status_at, "claims", "trace.step.claim_stands", stands, "§", tone)
