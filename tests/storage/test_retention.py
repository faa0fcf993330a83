"""What may go by policy: classes, floor, budget, disk; and what never goes."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.claims.claim import ClaimStatus, ClaimType
from storage.later import Actor, EvidenceGroup, Role
from storage.order import Order
from storage.records import Kind, Session, Waybill
from storage.retention import CLAIM_DAYS, DAY_MS, Plan, Policy, Rule, Why
from storage.rows import media_of
from tests.storage.desk import NOON, Desk
from tests.storage.later_clock import SetClock

USER = Actor("ops", Role.SUPERVISOR, verified=False)
PLENTY = 1 << 50
TIME = Policy(days=180, floor_days=90)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def archive(root: Path, clock: SetClock) -> Iterator[Archive]:
    with Archive.open(root, clock=clock) as opened:
        yield opened


def packed(
    archive: Archive, days_ago: float, number: str = "", kind: Kind = Kind.PACKING
) -> Session:
    """A parcel that was packed so long before the desk's noon."""
    desk = Desk(archive, NOON - dt.timedelta(days=days_ago))
    return desk.pack(number or f"PW{random.randrange(10**10):010}", kind=kind)


def named(plan: Plan) -> list[str]:
    """The ids of the sessions that may go, in their order."""
    return [each.session for each in plan.deletes]


def test_what_is_over_its_time_goes_oldest_first(archive: Archive) -> None:
    young, old, oldest = (packed(archive, days) for days in (179, 181, 400))
    plan = archive.retention_plan(TIME, PLENTY)
    assert named(plan) == [oldest.id, old.id]
    assert {each.why for each in plan.deletes} == {Why.TIME}
    assert plan.kept == {"within its time": 1}
    assert plan.frees_bytes == sum(
        item.size_bytes for each in (old, oldest) for item in media_of(each)
    )
    assert young.id not in named(plan)


def test_the_time_runs_from_the_seal_to_the_millisecond(archive: Archive, clock: SetClock) -> None:
    sealed = packed(archive, 0).sealed_at
    assert sealed is not None
    clock.now = sealed + dt.timedelta(days=180, milliseconds=-1)
    assert not archive.retention_plan(TIME, PLENTY).deletes
    clock.pass_(milliseconds=1)
    (doomed,) = archive.retention_plan(TIME, PLENTY).deletes
    assert doomed.due_ms - doomed.ended_ms == 180 * DAY_MS
    floor = Policy(days=180, floor_days=180)
    assert archive.retention_plan(floor, PLENTY).deletes == (doomed,)
    clock.pass_(milliseconds=-1)
    assert archive.retention_plan(floor, PLENTY).kept == {"below the floor": 1}


def valued(archive: Archive, session: Session, cents: int, currency: str, order: str = "") -> None:
    """Link an order of this value to the session's parcel."""
    archive.file_orders(
        [Order(order or f"O-{session.id}", (session.waybill.number,), value_cents=cents,
               currency=currency)]
    ).result()  # fmt: skip


def test_the_first_rule_that_fits_counts(archive: Archive) -> None:
    policy = Policy(
        days=180,
        rules=(
            Rule("dear", 730, least_cents=20_000, currency="USD"),
            Rule("returns", 100, kind=Kind.RETURN),
            Rule("any dear return", 10_000, kind=Kind.RETURN, least_cents=1, currency="USD"),
        ),
    )
    plain, dear, other, almost, two, mostly = (packed(archive, 200) for _ in range(6))
    valued(archive, dear, 20_000, "USD")
    valued(archive, other, 20_000, "EUR")
    valued(archive, almost, 19_999, "USD")
    valued(archive, two, 19_000, "USD", "O-1")
    valued(archive, two, 1_000, "USD", "O-2")
    valued(archive, two, 90_000, "EUR", "O-3")
    valued(archive, mostly, 19_999, "USD", "O-4")
    valued(archive, mostly, 90_000, "EUR", "O-5")
    back = packed(archive, 101, kind=Kind.RETURN)
    plan = archive.retention_plan(policy, PLENTY)
    assert set(named(plan)) == {plain.id, other.id, almost.id, mostly.id, back.id}
    assert {each.session: each.rule for each in plan.deletes}[back.id] == "returns"
    assert {each.session: each.rule for each in plan.deletes}[plain.id] == "default"


def test_what_was_rebound_counts_by_its_right_number(archive: Archive) -> None:
    policy = Policy(rules=(Rule("dear", 730, least_cents=100, currency="USD"),))
    session = packed(archive, 200)
    archive.file_orders([Order("O-1", ("RIGHT1234567",), value_cents=100, currency="USD")]).result()
    assert named(archive.retention_plan(policy, PLENTY)) == [session.id]
    archive.rebind(USER, session.id, Waybill("RIGHT1234567", "", None), "x").result()
    assert not archive.retention_plan(policy, PLENTY).deletes


def test_held_open_claimed_and_young_sessions_never_go(archive: Archive, tmp_path: Path) -> None:
    held, claimed, gone = (packed(archive, 300) for _ in range(3))
    packed(archive, 89)
    Desk(archive, NOON - dt.timedelta(days=500)).open("PWOPEN0001")
    hold = archive.hold(USER, held.id, "claim").result()
    form = tmp_path / "claim.txt"
    form.write_text("claim")
    number = claimed.waybill.number
    document = archive.file_document(USER, form, number, EvidenceGroup.CLAIM_FORM).result()
    full = Policy(days=180, floor_days=90, budget_bytes=0, keep_free_bytes=PLENTY)
    plan = archive.retention_plan(full, 0)
    assert named(plan) == [gone.id]
    assert plan.kept == {"held": 1, "claimed": 1, "below the floor": 1, "open": 1}
    archive.undo(USER, hold.id, "paid").result()
    archive.refile(USER, document.id, number, EvidenceGroup.CORRESPONDENCE, "no claim").result()
    assert set(named(archive.retention_plan(full, 0))) == {held.id, claimed.id, gone.id}


def test_what_is_claimed_stays_until_a_year_after_the_claim_ended(
    archive: Archive, clock: SetClock
) -> None:
    session = packed(archive, 300)
    number = session.waybill.number
    claim = archive.open_claim(USER, number, ClaimType.LOSS).result()
    (hold,) = archive.holds_on(session.id)
    archive.undo(USER, hold.id, "to see what the claim alone keeps").result()
    clock.pass_(days=500)
    assert archive.retention_plan(TIME, PLENTY).kept == {"claimed": 1}
    archive.move_claim(USER, claim.id, ClaimStatus.CANCELLED).result()
    for days in (CLAIM_DAYS - 100, 100):
        clock.pass_(days=days)
        assert archive.retention_plan(TIME, PLENTY).kept == {"claimed": 1}
    clock.pass_(milliseconds=1)
    assert named(archive.retention_plan(TIME, PLENTY)) == [session.id]


def test_a_budget_takes_those_nearest_to_their_end_and_stops_when_it_is_kept(
    archive: Archive,
) -> None:
    sessions = [packed(archive, days) for days in (170, 160, 150, 91)]
    returned = packed(archive, 175, kind=Kind.RETURN)
    size = sum(item.size_bytes for item in media_of(sessions[0]))
    rules = (Rule("returns", 365, kind=Kind.RETURN),)
    for budget, go in ((5 * size, 0), (5 * size - 1, 1), (3 * size, 2), (0, 5)):
        plan = archive.retention_plan(Policy(budget_bytes=budget, rules=rules), PLENTY)
        assert named(plan) == [each.id for each in (*sessions, returned)][:go]
        assert all(each.why is Why.BUDGET for each in plan.deletes)


def test_a_low_disk_takes_only_as_much_as_recording_needs(archive: Archive) -> None:
    sessions = [packed(archive, days) for days in (170, 160, 150)]
    size = sum(item.size_bytes for item in media_of(sessions[0]))
    policy = Policy(keep_free_bytes=10 * size)
    for free, go in ((10 * size, 0), (10 * size - 1, 1), (8 * size, 2), (0, 3)):
        plan = archive.retention_plan(policy, free)
        assert named(plan) == [each.id for each in sessions[:go]]
        assert all(each.why is Why.DISK for each in plan.deletes)
    assert archive.could_free(policy) == 3 * size


def test_a_few_at_a_time_are_the_first_of_all(archive: Archive) -> None:
    for days in (300, 250, 200, 170):
        packed(archive, days)
    every = archive.retention_plan(TIME, PLENTY).deletes
    for most in range(5):
        assert archive.retention_plan(TIME, PLENTY, most=most).deletes == every[:most]


def test_a_clock_that_leapt_ahead_is_doubted(archive: Archive, clock: SetClock) -> None:
    for days in (200, 30, 1):
        packed(archive, days)
    assert archive.retention_plan(TIME, PLENTY).doubt == ""
    clock.pass_(days=3_650)
    packed(archive, -3_650)  # the bench packs on with the wrong clock
    assert "clock" in archive.retention_plan(TIME, PLENTY).doubt


def test_the_plan_is_what_the_policy_says_for_many_sessions(archive: Archive) -> None:
    """Against a plain reading of the rules in Python."""
    chance = random.Random(7)
    policy = Policy(
        days=120,
        floor_days=100,
        rules=(
            Rule("dear", 300, least_cents=5_000, currency="USD"),
            Rule("returns", 110, kind=Kind.RETURN),
        ),
    )
    expected = set()
    for _ in range(40):
        kind = chance.choice(list(Kind))
        session = packed(archive, chance.randrange(80, 330), kind=kind)
        cents = chance.choice([None, 4_999, 5_000])
        currency = chance.choice(["USD", "CNY"])
        if cents is not None:
            valued(archive, session, cents, currency)
        dear = cents == 5_000 and currency == "USD"
        days = 300 if dear else 110 if kind is Kind.RETURN else 120
        held = chance.random() < 0.2
        if held:
            archive.hold(USER, session.id, "x").result()
        assert session.sealed_at is not None
        if not held and NOON - session.sealed_at >= dt.timedelta(days=days):
            expected.add(session.id)
    assert expected and set(named(archive.retention_plan(policy, PLENTY))) == expected
