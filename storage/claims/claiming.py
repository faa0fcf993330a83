"""The half of `archive.py` about claims: opened, changed, moved on, and never taken back.

Each step is a row and an entry of the claim's history, in one transaction. Opening a claim holds
the sessions of its parcel, so that retention leaves its evidence alone. Knows no deadline: whoever
opens or moves a claim looks for it (`deadlines.py`) and says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from sqlite_utils import Database
from ulid import ULID

from storage import amending, amendment_rows, people, rows, schema
from storage.amending import Amending
from storage.amounts import worded
from storage.claims import claim_rows
from storage.claims.checklist import checklist, complete
from storage.claims.claim import (
    NEXT,
    Claim,
    ClaimEvent,
    ClaimQuery,
    ClaimStatus,
    ClaimType,
)
from storage.claims.known import is_known, told_of
from storage.claims.steps import CHANGEABLE, as_of, changed, moved
from storage.errors import Refused
from storage.later import Actor, Amendment, Change, Right
from storage.records import Session, parse_utc, utc_text
from storage.transaction import immediate

if TYPE_CHECKING:
    from storage.archive import Archive
    from storage.evidence.kit.profiles import Profile

_CLAIMABLE: Final = (
    "SELECT s.* FROM catalogue AS c JOIN sessions AS s ON s.id = c.session_id "
    "WHERE c.number = :number AND c.status IN ('sealed', 'interrupted') AND c.test = 0 "
    "AND c.deleted = 0 ORDER BY c.opened_ms, c.n"
)
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
            if not is_known(db, key):
                raise Refused(f"nothing is known of {number[:40]!r}: a claim needs a known parcel")
            # Whoever opens a claim is alone, so that no two get one reference. The row comes first:
            # retention keeps what is claimed even where a crash left a session without its hold.
            with amending.alone(self.root):
                if not again:
                    _refuse_second(db, key, type)
                reference = claim_rows.next_reference(db, now.year)
                claim = Claim(str(ULID.from_datetime(now)), reference, key, type, now, now, now)
                claim = changed(replace(claim, **told_of(db, key, facts.get("currency"))), facts)
                with immediate(db):
                    claim_rows.add(db, claim)
                    _tell(db, actor, claim, now, "opened", type.value)
                self._hold_all(db, actor, claim, now)
            return claim

        return self._submit(open_, "opening a claim")

    def change_claim(self, actor: Actor, claim: str, **facts: Any) -> Future[Claim]:
        """Change what a claim tells (`CHANGEABLE`); its history tells the new values.

        Fails with NotAllowed, Refused (no such claim, a fact that is none).
        """

        def change(db: Database, before: Claim, now: dt.datetime) -> Claim:
            after = changed(before, facts)
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
        at: dt.datetime | None = None,
        release: bool = False,
        profiles: Mapping[str, Profile] | None = None,
    ) -> Future[Claim]:
        """Move a claim on to another status, now or as of `at`, which is not after now. `release`:
        at its end, the holds that it made end. What is submitted is held against its checklist, by
        the site's `profiles` (the built-in ones, if none are given): `complete` is what it was.

        What is approved is all that was asked for where nobody says otherwise, and what is paid is
        what was approved. Fails with NotAllowed, Refused (no such claim, a status that cannot
        follow, an amount that is missing or none).
        """

        def move(db: Database, before: Claim, now: dt.datetime) -> Claim:
            if status not in NEXT[before.status]:
                allowed = ", ".join(sorted(NEXT[before.status]))
                raise Refused(
                    f"{before.reference} is {before.status}: it cannot become {status}, "
                    + (f"only {allowed}" if allowed else "it has ended")
                )
            when = as_of(before, at, now)
            after = moved(before, status, when, approved_cents, paid_cents)
            after = replace(after, status_detail=amending.short(detail), updated_at=now)
            if status is ClaimStatus.SUBMITTED:
                after = replace(
                    after, complete=complete(checklist(cast("Archive", self), after, profiles))
                )
            claim_rows.change(db, after)
            told = {"from": before.status.value, "to": status.value}
            if at is not None:
                told["as_of"] = utc_text(when)
            if status is ClaimStatus.PAID:
                told["paid"] = worded(after.paid_cents, after.currency)
            elif after.approved_cents != before.approved_cents:
                told["approved"] = worded(after.approved_cents, after.currency)
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

    def claimable(self, number: str) -> list[Session]:
        """The closed sessions of a tracking number that a claim can be built on, oldest first: no
        tests, and none that was cancelled or whose files were deleted by policy."""
        with self._readers.lent() as db:
            found = db.query(_CLAIMABLE, {"number": rows.search_key(number)})
            return rows.whole(db, list(found))

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


def _refuse_second(db: Database, number: str, type_: ClaimType) -> None:
    for each in claim_rows.of_number(db, number):
        if each.open and each.type is type_:
            raise Refused(f"{number} has an open {type_} claim already: {each.reference}")


def _held_for(claim: Claim) -> str:
    return f"claim {claim.reference}"


def _claim(db: Database, claim: str) -> Claim:
    found = claim_rows.one(db, claim)
    if found is None:
        raise Refused(f"there is no claim {claim[:40]!r}")
    return found


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
