"""The half of `archive.py` about claims: opened, changed, moved on, and never taken back.

Each step is a row and an entry of the claim's history, in one transaction. Opening a claim holds
the sessions of its parcel, so that retention leaves its evidence alone. Knows no deadline and no
portal: those are `deadlines.py` and `checklist.py`, which only read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final

from sqlite_utils import Database
from ulid import ULID

from storage import amending, amendment_rows, document_rows, order_rows, people, rows, schema
from storage.amending import Amending
from storage.claims import claim_rows
from storage.claims.claim import (
    ENDED_STATUSES,
    NEXT,
    Claim,
    ClaimEvent,
    ClaimQuery,
    ClaimStatus,
    ClaimType,
)
from storage.errors import Refused
from storage.intake.money import CURRENCY_FORM, MOST_CENTS
from storage.later import Actor, Amendment, Change, Right
from storage.records import parse_utc, utc_text
from storage.transaction import immediate

TEXTS: Final = (
    "carrier", "portal", "profile", "claim_number", "description", "recipient_name",
    "contact_email", "currency", "deadline_rule", "order_id",
)  # fmt: skip
AMOUNTS: Final = ("requested_cents", "insured_cents", "salvage_cents")
TIMES: Final = ("happened_at", "deadline_at")
CHANGEABLE: Final = (*TEXTS, *AMOUNTS, *TIMES, "complete")
"""What `change_claim` may change; the rest follows from its status."""
LOGGED: Final = ("correspondence", "note", "exported", "form")


class Claiming(Amending):
    """Part of `Archive`."""

    def open_claim(
        self,
        actor: Actor,
        number: str,
        type: ClaimType,
        *,
        again: bool = False,
        **facts: Any,
    ) -> Future[Claim]:
        """Open a claim for a tracking number, as a draft; every session of the parcel is held.

        What `facts` (of `CHANGEABLE`) leaves out is taken from the parcel's session and orders.
        Fails with NotAllowed, Refused (nothing is known of the number, there is an open claim of
        this type and not `again`, a fact that is none).
        """
        key = rows.search_key(number)

        def open_(db: Database) -> Claim:
            people.require(db, actor, Right.CLAIM)
            now = parse_utc(utc_text(self._clock()))
            if key not in document_rows.numbers_known(db, key):
                raise Refused(f"nothing is known of {number[:40]!r}: a claim needs a known parcel")
            before = [each for each in claim_rows.of_number(db, key) if each.open]
            same = next((each for each in before if each.type is type), None)
            if same is not None and not again:
                raise Refused(f"{key} has an open {type} claim already: {same.reference}")
            claim = Claim(
                str(ULID.from_datetime(now)),
                claim_rows.next_reference(db, now.year),
                key,
                type,
                now,
                now,
                now,
            )
            claim = _changed(replace(claim, **_known(db, key)), facts)
            # The holds come first: one too many harms nothing.
            self._hold_all(db, actor, claim, now)
            with immediate(db):
                claim_rows.add(db, claim)
                _tell(db, actor, claim, now, "opened", type.value)
            return claim

        return self._submit(open_, "opening a claim")

    def change_claim(self, actor: Actor, claim: str, **facts: Any) -> Future[Claim]:
        """Change what a claim tells (`CHANGEABLE`); its history tells the new values.

        Fails with NotAllowed, Refused (no such claim, a fact that is none).
        """

        def change(db: Database, before: Claim, now: dt.datetime) -> Claim:
            after = _changed(before, facts)
            told = {
                name: _text(getattr(after, name))
                for name in CHANGEABLE
                if getattr(after, name) != getattr(before, name)
            }
            if told:
                after = replace(after, updated_at=now)
                claim_rows.change(db, after)
                _tell(db, actor, after, now, "changed", "", told)
            return after

        return self._step(actor, claim, change)

    def move_claim(
        self,
        actor: Actor,
        claim: str,
        status: ClaimStatus,
        *,
        detail: str = "",
        approved_cents: int | None = None,
        paid_cents: int | None = None,
        release: bool = False,
    ) -> Future[Claim]:
        """Move a claim on to another status. `release`: at its end, the holds that it made end.

        What is approved is all that was asked for where nobody says otherwise, and what is paid is
        what was approved. Fails with NotAllowed, Refused (no such claim, a status that cannot
        follow, an amount that is missing or none).
        """

        def move(db: Database, before: Claim, now: dt.datetime) -> Claim:
            if status not in NEXT[before.status]:
                allowed = ", ".join(sorted(NEXT[before.status])) or "nothing"
                raise Refused(
                    f"{before.reference} is {before.status}: it cannot become {status}, "
                    f"only {allowed}"
                )
            after = _moved(before, status, now, approved_cents, paid_cents)
            after = replace(after, status_detail=amending.short(detail))
            claim_rows.change(db, after)
            told = {"from": before.status.value, "to": status.value}
            if status is ClaimStatus.PAID:
                told["paid"] = f"{_text(after.paid_cents)} cents {after.currency}"
            elif after.approved_cents != before.approved_cents:
                told["approved"] = f"{_text(after.approved_cents)} cents {after.currency}"
            _tell(db, actor, after, now, "status", after.status_detail, told)
            return after

        def and_release(db: Database) -> Claim:
            after = self._stepped(db, actor, claim, move)
            if release and not after.open:
                self._release(db, actor, after)
            return after

        return self._submit(and_release, "moving a claim")

    def log_claim(
        self, actor: Actor, claim: str, what: str, text: str, **facts: str
    ) -> Future[ClaimEvent]:
        """Add to a claim's history: `what` is one of `LOGGED`.

        Fails with NotAllowed, Refused (no such claim, it says nothing).
        """

        def log(db: Database) -> ClaimEvent:
            people.require(db, actor, Right.CLAIM)
            if what not in LOGGED or not text.strip():
                raise Refused("say what is to be kept of the claim")
            found = _claim(db, claim)
            now = parse_utc(utc_text(self._clock()))
            kept = {name: amending.short(value) for name, value in facts.items() if value}
            with immediate(db):
                claim_rows.change(db, replace(found, updated_at=now))
                return _tell(db, actor, found, now, what, text, kept)

        return self._submit(log, "keeping what was said of a claim")

    # ------------------------------------------------------------------ asked

    def claim(self, text: str) -> Claim | None:
        """The claim with this id, reference, or number of the other side; None for none, or where
        the other side's number is that of several."""
        with self._readers.lent() as db:
            found = claim_rows.named(db, text) if schema.has_sold(db) else []
        return found[0] if len(found) == 1 else None

    def claims(self, query: ClaimQuery = ClaimQuery()) -> list[Claim]:  # noqa: B008 - frozen
        """The claims that fit: open ones first, by their deadline."""
        with self._readers.lent() as db:
            return claim_rows.listed(db, query) if schema.has_sold(db) else []

    def claims_of(self, number: str) -> list[Claim]:
        """The claims for a tracking number, oldest first."""
        with self._readers.lent() as db:
            return claim_rows.of_number(db, number) if schema.has_sold(db) else []

    def claim_events(self, claim: str) -> list[ClaimEvent]:
        """The history of a claim, oldest first."""
        with self._readers.lent() as db:
            return claim_rows.events(db, claim) if schema.has_sold(db) else []

    # ------------------------------------------------------------------ steps

    def _step(
        self, actor: Actor, claim: str, step: Callable[[Database, Claim, dt.datetime], Claim]
    ) -> Future[Claim]:
        return self._submit(lambda db: self._stepped(db, actor, claim, step), "changing a claim")

    def _stepped(
        self,
        db: Database,
        actor: Actor,
        claim: str,
        step: Callable[[Database, Claim, dt.datetime], Claim],
    ) -> Claim:
        people.require(db, actor, Right.CLAIM)
        with immediate(db):
            return step(db, _claim(db, claim), parse_utc(utc_text(self._clock())))

    def _hold_all(self, db: Database, actor: Actor, claim: Claim, now: dt.datetime) -> None:
        found = db.execute(
            "SELECT session_id FROM catalogue WHERE number = ? AND deleted = 0",
            [claim.tracking_number],
        ).fetchall()
        with amending.alone(self.root):
            for (session,) in found:
                self._say(db, actor, session, Change.HELD, _held_for(claim), now)

    def _release(self, db: Database, actor: Actor, claim: Claim) -> None:
        """End the holds that this claim made, and no others."""
        found = db.execute(
            "SELECT session_id FROM catalogue WHERE number = ?", [claim.tracking_number]
        ).fetchall()
        with amending.alone(self.root):
            for (session,) in found:
                for hold in amendment_rows.standing(db, session, Change.HELD):
                    if hold.text == _held_for(claim):
                        text = f"claim {claim.reference} is {claim.status.value}"
                        self._say(db, actor, session, Change.UNDONE, text, self._clock(), hold.id)

    def _say(
        self,
        db: Database,
        actor: Actor,
        session: str,
        change: Change,
        text: str,
        now: dt.datetime,
        undoes: str = "",
    ) -> Amendment:
        amendment = Amendment(
            id=amending.next_id(db, session, now),
            subject=session,
            change=change,
            at=now,
            by=actor.name,
            role=actor.role,
            text=text,
            undoes=undoes,
        )
        return amending.put(db, self.root, self.signer, amendment)


def _held_for(claim: Claim) -> str:
    return f"claim {claim.reference}"


def _claim(db: Database, claim: str) -> Claim:
    found = claim_rows.one(db, claim)
    if found is None:
        raise Refused(f"there is no claim {claim[:40]!r}")
    return found


def _known(db: Database, number: str) -> dict[str, Any]:
    """What the parcel's newest session and its orders tell of a new claim."""
    carrier = db.execute(
        "SELECT carrier FROM catalogue WHERE number = ? ORDER BY opened_ms DESC LIMIT 1", [number]
    ).fetchone()
    told: dict[str, Any] = {"carrier": carrier[0] if carrier else ""}
    orders = order_rows.of_number(db, number)
    if not orders:
        return told
    dearest = max(orders, key=lambda order: order.value_cents or 0)
    told |= {"order_id": dearest.id, "currency": dearest.currency}
    for name, wanted in (("requested_cents", "value_cents"), ("insured_cents", "insured_cents")):
        amounts = [
            cents
            for order in orders
            if order.currency == dearest.currency and (cents := getattr(order, wanted)) is not None
        ]
        told[name] = sum(amounts) if amounts else None
    told["carrier"] = told["carrier"] or dearest.carrier
    return told


def _changed(claim: Claim, facts: dict[str, Any]) -> Claim:
    """The claim with these facts. Raises Refused for one that is none."""
    told: dict[str, Any] = {}
    for name, value in facts.items():
        if name not in CHANGEABLE:
            raise Refused(f"{name!r} of a claim is not changed: only {', '.join(CHANGEABLE)}")
        if name in TEXTS:
            value = amending.short(str(value or ""))
        elif name in AMOUNTS and value is not None:
            _require_amount(value)
        told[name] = value
    after = replace(claim, **told)
    if after.currency and not CURRENCY_FORM.fullmatch(after.currency):
        raise Refused(f"{after.currency[:20]!r} is no currency: name its code of three letters")
    return after


def _moved(
    claim: Claim,
    status: ClaimStatus,
    now: dt.datetime,
    approved_cents: int | None,
    paid_cents: int | None,
) -> Claim:
    after = replace(claim, status=status, status_at=now, updated_at=now)
    after = replace(after, closed_at=now if status in ENDED_STATUSES else None)
    for amount in (approved_cents, paid_cents):
        if amount is not None:
            _require_amount(amount)
    if status is ClaimStatus.SUBMITTED:
        return replace(after, submitted_at=claim.submitted_at or now)
    if status is ClaimStatus.APPROVED:
        whole = claim.requested_cents if approved_cents is None else approved_cents
        return replace(after, approved_cents=whole)
    if status is ClaimStatus.APPROVED_PARTIAL:
        if approved_cents is None:
            raise Refused(f"{claim.reference}: say how much of it was approved")
        if claim.requested_cents is not None and approved_cents >= claim.requested_cents:
            raise Refused(f"{claim.reference}: a part is less than what was asked for")
        return replace(after, approved_cents=approved_cents)
    if status is ClaimStatus.PAID:
        paid = claim.approved_cents if paid_cents is None else paid_cents
        if paid is None:
            raise Refused(f"{claim.reference}: say how much was paid")
        return replace(after, paid_cents=paid)
    return after


def _require_amount(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= MOST_CENTS:
        raise Refused(f"{value!r} is no amount: whole cents, from 0 on")


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return utc_text(value)
    return "" if value is None else str(value)


def _tell(
    db: Database,
    actor: Actor,
    claim: Claim,
    now: dt.datetime,
    what: str,
    text: str,
    facts: dict[str, str] | None = None,
) -> ClaimEvent:
    event = ClaimEvent(
        0, now, rows.storable(actor.name), actor.role.value, what, amending.short(text), facts or {}
    )
    return claim_rows.tell(db, claim.id, event)
