"""A claim is opened, moved on and told of, and never loses a step."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.claims.claim import (
    ENDED_STATUSES,
    NEXT,
    OPEN_STATUSES,
    Claim,
    ClaimQuery,
    ClaimStatus,
    ClaimType,
)
from storage.errors import ArchiveError, NotAllowed, Refused
from storage.later import Actor, Role
from storage.order import Order
from storage.trace import Trace, TraceEvent, TraceStatus
from tests.storage.desk import NUMBER, Desk

OTHER = "9400111206206406260787"
S = ClaimStatus


@pytest.fixture
def sue(desk: Desk) -> Actor:
    """Claims staff of an archive that knows nobody else."""
    actor = desk.archive.nobody()
    assert actor is not None
    return actor


@pytest.fixture
def claim(desk: Desk, sue: Actor) -> Claim:
    desk.pack()
    order = Order("77", (NUMBER,), currency="EUR", value_cents=12_050, insured_cents=10_000)
    desk.archive.file_orders([order]).result()
    return desk.archive.open_claim(sue, NUMBER.lower(), ClaimType.DAMAGE).result()


def test_an_open_claim_knows_its_parcel_and_holds_its_sessions(
    desk: Desk, sue: Actor, claim: Claim
) -> None:
    assert claim.reference == f"C-{claim.created_at.year}-0001"
    assert (claim.tracking_number, claim.order_id, claim.status) == (NUMBER, "77", S.DRAFT)
    assert (claim.requested_cents, claim.insured_cents, claim.currency) == (12_050, 10_000, "EUR")
    (session,) = desk.archive.find(NUMBER)
    (hold,) = desk.archive.holds_on(session.id)
    assert hold.text == f"claim {claim.reference}"
    for text in (claim.id, claim.reference.lower(), f" {claim.reference} "):
        assert desk.archive.claim(text) == claim
    assert desk.archive.claim("C-1999-0001") is None
    assert desk.archive.claims_of(NUMBER) == [claim]


def test_amounts_of_another_currency_are_not_taken_for_the_claims_own(
    desk: Desk, sue: Actor, claim: Claim
) -> None:
    open_ = desk.archive.open_claim
    other = open_(sue, NUMBER, ClaimType.LOSS, currency="USD", requested_cents=900).result()
    assert (other.requested_cents, other.insured_cents, other.currency) == (900, None, "USD")


def test_a_parcel_that_only_a_carrier_told_of_can_be_claimed(desk: Desk, sue: Actor) -> None:
    seen = TraceEvent(dt.datetime(2026, 11, 1, tzinfo=dt.UTC), TraceStatus.IN_TRANSIT, "seen")
    desk.archive.file_traces([Trace(OTHER, (seen,), "usps")]).result()
    claim = desk.archive.open_claim(sue, OTHER, ClaimType.LOSS).result()
    assert (claim.carrier, claim.requested_cents) == ("usps", None)


def test_no_two_claims_get_one_reference(desk: Desk, sue: Actor, root: Path) -> None:
    desk.pack()
    with Archive.open(root) as other:
        opened = [
            archive.open_claim(sue, NUMBER, type_)
            for type_ in ClaimType
            for archive in (desk.archive, other)
        ]
        failed = [each for each in opened if isinstance(each.exception(), Refused)]
        made = [each.result().reference[-4:] for each in opened if each not in failed]
    assert sorted(made) == ["0001", "0002", "0003", "0004", "0005", "0006"]
    assert len(failed) == 6  # one claim of each type: the second was refused


def test_a_move_may_be_told_later_but_not_before_it_came(
    desk: Desk, sue: Actor, claim: Claim
) -> None:
    yesterday = claim.created_at - dt.timedelta(days=1)
    moved = desk.archive.move_claim(sue, claim.id, S.SUBMITTED, at=yesterday).result()
    assert (moved.submitted_at, moved.status_at) == (yesterday, yesterday)
    assert moved.updated_at >= claim.created_at
    tomorrow = claim.created_at + dt.timedelta(days=1)
    with pytest.raises(Refused, match="not come yet"):
        desk.archive.move_claim(sue, claim.id, S.REJECTED, at=tomorrow).result()


def test_what_is_not_known_or_claimed_already_is_refused_and_changes_nothing(
    desk: Desk, sue: Actor, claim: Claim
) -> None:
    archive = desk.archive
    with pytest.raises(Refused, match="nothing is known of"):
        archive.open_claim(sue, "NOWHERE12345", ClaimType.LOSS).result()
    with pytest.raises(Refused, match=claim.reference):
        archive.open_claim(sue, NUMBER, ClaimType.DAMAGE).result()
    for facts, why in (
        ({"currency": "euro"}, "no currency"),
        ({"requested_cents": -1}, "no amount"),
        ({"requested_cents": 12.5}, "no amount"),
        ({"requested_cents": True}, "no amount"),
        ({"status": "paid"}, "not changed"),
    ):
        with pytest.raises(Refused, match=why):
            archive.change_claim(sue, claim.id, **facts).result()
        with pytest.raises(Refused, match=why):
            archive.open_claim(sue, NUMBER, ClaimType.LOSS, **facts).result()
    assert archive.claims() == [claim]
    assert [event.what for event in archive.claim_events(claim.id)] == ["opened"]
    again = archive.open_claim(sue, NUMBER, ClaimType.DAMAGE, again=True).result()
    assert again.reference.endswith("-0002")


def test_every_status_is_reached_and_only_from_where_it_may_be(desk: Desk, sue: Actor) -> None:
    desk.pack()
    archive = desk.archive
    ways: dict[ClaimStatus, tuple[ClaimStatus, ...]] = {S.DRAFT: ()}
    while len(ways) < len(S):
        ways |= {
            after: (*ways[before], after)
            for before in tuple(ways)
            for after in NEXT[before]
            if after not in ways
        }
    for status, way in ways.items():
        opened = archive.open_claim(
            sue, NUMBER, ClaimType.LOSS, again=True, currency="EUR", requested_cents=500
        ).result()
        for step in way:
            approved = 200 if step is S.APPROVED_PARTIAL else None
            opened = archive.move_claim(sue, opened.id, step, approved_cents=approved).result()
        assert opened.status is status
        assert (opened.closed_at is not None) is (status in ENDED_STATUSES)
        for wrong in set(S) - NEXT[status]:
            with pytest.raises(Refused, match="cannot become"):
                archive.move_claim(sue, opened.id, wrong).result()
        told = [each.facts["to"] for each in archive.claim_events(opened.id)[1:]]
        assert told == [step.value for step in way]


@pytest.mark.parametrize("type_", ClaimType)
def test_each_type_goes_from_open_to_paid(desk: Desk, sue: Actor, type_: ClaimType) -> None:
    desk.pack()
    archive = desk.archive
    claim = archive.open_claim(
        sue, NUMBER, type_, currency="USD", requested_cents=1_999, description="=1+1\x1b[2J"
    ).result()
    for status in (S.SUBMITTED, S.NEEDS_ACTION, S.IN_REVIEW):
        claim = archive.move_claim(sue, claim.id, status, detail="as told").result()
    with pytest.raises(Refused, match="how much"):
        archive.move_claim(sue, claim.id, S.APPROVED_PARTIAL).result()
    with pytest.raises(Refused, match="less than"):
        archive.move_claim(sue, claim.id, S.APPROVED_PARTIAL, approved_cents=1_999).result()
    claim = archive.move_claim(sue, claim.id, S.APPROVED_PARTIAL, approved_cents=999).result()
    claim = archive.move_claim(sue, claim.id, S.PAID).result()
    assert (claim.approved_cents, claim.paid_cents, claim.open) == (999, 999, False)
    assert archive.claim_events(claim.id)[-1].facts["paid"] == "9.99 USD"


def test_a_release_ends_the_claim_s_own_holds_alone(desk: Desk, sue: Actor, claim: Claim) -> None:
    archive = desk.archive
    (session,) = archive.find(NUMBER)
    archive.hold(sue, session.id, "the court asked").result()
    archive.move_claim(sue, claim.id, S.CANCELLED, release=True).result()
    assert [hold.text for hold in archive.holds_on(session.id)] == ["the court asked"]


def test_the_history_tells_every_change_and_never_changes(
    desk: Desk, sue: Actor, claim: Claim, root: Path
) -> None:
    archive = desk.archive
    due = dt.datetime(2027, 1, 31, 23, 59, tzinfo=dt.UTC)
    changed = archive.change_claim(
        sue, claim.id, claim_number="UPS-9", deadline_at=due, deadline_rule="ups", complete=True
    ).result()
    assert archive.claim("ups-9") == changed
    assert changed.deadline_at == due
    archive.change_claim(sue, claim.id, claim_number="UPS-9").result()
    archive.log_claim(
        sue, claim.id, "correspondence", "They ask for photos", direction="in", party="UPS"
    ).result()
    with pytest.raises(Refused):
        archive.log_claim(sue, claim.id, "note", "  ").result()
    events = archive.claim_events(claim.id)
    assert [(each.seq, each.what) for each in events] == [
        (1, "opened"), (2, "changed"), (3, "correspondence"),
    ]  # fmt: skip
    assert events[1].facts["claim_number"] == "UPS-9"
    assert events[2].facts == {"direction": "in", "party": "UPS"}
    other = sqlite3.connect(root / "archive.db")
    for statement in (
        "DELETE FROM claims",
        "DELETE FROM claim_events",
        "UPDATE claim_events SET text = ''",
        "UPDATE claims SET reference = 'X'",
        f"INSERT INTO claim_events VALUES ('{claim.id}', 9, '', '', '', 'note', '', '{{}}')",  # noqa: S608
    ):
        with pytest.raises(sqlite3.IntegrityError):
            other.execute(statement)
    other.close()


def test_the_most_pressing_claims_come_first(desk: Desk, sue: Actor, claim: Claim) -> None:
    archive = desk.archive
    desk.pack(OTHER)

    def opened(type_: ClaimType, day: int | None) -> Claim:
        due = None if day is None else dt.datetime(2027, 1, day, tzinfo=dt.UTC)
        return archive.open_claim(sue, OTHER, type_, deadline_at=due, carrier="dhl").result()

    late, early = opened(ClaimType.LOSS, 20), opened(ClaimType.THEFT, 3)
    ended = opened(ClaimType.DELAY, 1)
    ended = archive.move_claim(sue, ended.id, S.CANCELLED).result()
    assert archive.claims() == [early, late, claim, ended]
    query: Callable[..., list[Claim]] = lambda **given: archive.claims(ClaimQuery(**given))  # noqa: E731
    assert query(open_only=True) == [early, late, claim]
    assert query(status=S.CANCELLED) == [ended]
    assert query(type=ClaimType.THEFT) == [early]
    assert query(carrier="dhl", open_only=True) == [early, late]
    assert query(number=OTHER, limit=1) == [early]
    assert query(due_before=dt.datetime(2027, 1, 5, tzinfo=dt.UTC), open_only=True) == [early]
    assert query(text=early.reference[-4:].lower()) == [early]
    assert query(text="0787") == [early, late, ended]
    assert query(text="%") == []
    assert set(S) == OPEN_STATUSES | ENDED_STATUSES


def test_only_claims_staff_and_supervisors_may(desk: Desk, sue: Actor, claim: Claim) -> None:
    archive = desk.archive
    archive.admit(sue, "Sue", Role.SUPERVISOR, "2468").result()
    boss = archive.sign_in("Sue", "2468")
    archive.admit(boss, "Kim", Role.PACKER, "13579").result()
    kim = archive.sign_in("Kim", "13579")
    for refused in (
        lambda: archive.open_claim(kim, NUMBER, ClaimType.LOSS),
        lambda: archive.change_claim(kim, claim.id, portal="x"),
        lambda: archive.move_claim(kim, claim.id, S.SUBMITTED),
        lambda: archive.log_claim(kim, claim.id, "note", "x"),
    ):
        with pytest.raises(NotAllowed):
            refused().result()
    assert archive.claims() == [claim]


def test_a_claim_survives_a_rebuild(desk: Desk, sue: Actor, claim: Claim, root: Path) -> None:
    from storage.rebuild import rebuild

    desk.archive.close()
    rebuild(root, dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    with Archive.open(root) as archive:
        assert archive.claims() == [claim]
        assert [event.what for event in archive.claim_events(claim.id)] == ["opened"]
        with pytest.raises(ArchiveError):
            archive.open_claim(sue, "NOWHERE12345", ClaimType.LOSS).result()
