"""The checklist says what is there, what is missing, and what to do about it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from storage.claims.checklist import Need, checklist, complete
from storage.claims.claim import ClaimStatus, ClaimType
from storage.claims.moments import moments_of
from storage.claims.rules import Start
from storage.later import Actor, EvidenceGroup
from storage.order import Order
from storage.records import Kind, LabelCheck
from storage.trace import Trace, TraceEvent, TraceStatus
from tests.storage.desk import NOON, NUMBER, Desk

DAY = dt.timedelta(days=1)
REQUIRED = {
    ClaimType.LOSS: {"trace", "before", "label", "value", "form"},
    ClaimType.DAMAGE: {"before", "label", "after", "value", "correspondence", "form"},
    ClaimType.DELAY: {"trace", "correspondence", "form"},
    ClaimType.THEFT: {"trace", "before", "label", "value", "form"},
    ClaimType.MISSING_CONTENTS: {"before", "label", "after", "value", "correspondence", "form"},
    ClaimType.DELIVERED_NOT_RECEIVED: {
        "trace", "before", "label", "value", "correspondence", "form",
    },
}  # fmt: skip


@pytest.fixture
def sue(desk: Desk) -> Actor:
    actor = desk.archive.nobody()
    assert actor is not None
    return actor


def by_key(needs: tuple[Need, ...]) -> dict[str, Need]:
    return {need.key: need for need in needs}


def filed(desk: Desk, sue: Actor, folder: Path, group: EvidenceGroup, name: str) -> None:
    path = folder / name
    path.write_bytes(name.encode())
    desk.archive.file_document(sue, path, NUMBER, group).result()


def an_order(desk: Desk) -> None:
    desk.archive.file_orders([Order("1", (NUMBER,))]).result()


@pytest.mark.parametrize("type_", ClaimType)
def test_each_type_has_its_groups(desk: Desk, sue: Actor, type_: ClaimType) -> None:
    an_order(desk)
    claim = desk.archive.open_claim(sue, NUMBER, type_).result()
    needs = checklist(desk.archive, claim)
    assert {need.key for need in needs if need.required} == REQUIRED[type_]
    assert not any(need.there for need in needs)
    assert all(need.how.en and need.how.zh and need.text.zh for need in needs)
    order = list(EvidenceGroup)
    assert [order.index(need.group) for need in needs] == sorted(
        order.index(need.group) for need in needs
    )


def test_what_was_recorded_and_filed_is_found(desk: Desk, sue: Actor, tmp_path: Path) -> None:
    desk.pack()
    archive = desk.archive
    claim = archive.open_claim(sue, NUMBER, ClaimType.DAMAGE).result()
    needs = by_key(checklist(archive, claim))
    assert {key for key, need in needs.items() if need.there} == {"before", "video", "label"}
    assert needs["before"].how.en == "1 clip, 2 photos"
    filed(desk, sue, tmp_path, EvidenceGroup.MEDIA, "dent.jpg")
    filed(desk, sue, tmp_path, EvidenceGroup.PROOF_OF_VALUE, "invoice.pdf")
    filed(desk, sue, tmp_path, EvidenceGroup.CLAIM_FORM, "form.pdf")
    assert not complete(checklist(archive, claim))
    archive.log_claim(sue, claim.id, "note", "said nothing to anybody").result()
    assert not by_key(checklist(archive, claim))["correspondence"].there
    archive.log_claim(sue, claim.id, "correspondence", "They ask for photos").result()
    needs = by_key(checklist(archive, claim))
    assert needs["correspondence"].how.zh == "1 条沟通记录"
    assert complete(needs.values())
    assert not needs["trace"].there
    assert not needs["unboxing"].there
    submitted = archive.move_claim(sue, claim.id, ClaimStatus.SUBMITTED).result()
    assert submitted.complete


def test_what_was_submitted_without_evidence_stays_known_as_that(
    desk: Desk, sue: Actor, tmp_path: Path
) -> None:
    an_order(desk)
    claim = desk.archive.open_claim(sue, NUMBER, ClaimType.DELAY).result()
    claim = desk.archive.move_claim(sue, claim.id, ClaimStatus.SUBMITTED).result()
    for group in EvidenceGroup:
        filed(desk, sue, tmp_path, group, f"{group}.pdf")
    assert complete(checklist(desk.archive, claim))
    claim = desk.archive.move_claim(sue, claim.id, ClaimStatus.IN_REVIEW).result()
    assert not claim.complete


def test_what_is_filed_instead_of_a_recording_is_found_as_the_list_says(
    desk: Desk, sue: Actor, tmp_path: Path
) -> None:
    an_order(desk)
    claim = desk.archive.open_claim(sue, NUMBER, ClaimType.DAMAGE).result()
    needs = by_key(checklist(desk.archive, claim))
    for key in ("before", "label"):
        word = needs[key].how.en.split('"')[1]
        assert needs[key].how.zh.count("“") == 1
        filed(desk, sue, tmp_path, EvidenceGroup.MEDIA, f"{word.title()} 1.jpg")
        needs = by_key(checklist(desk.archive, claim))
        assert (needs[key].there, needs[key].how.en) == (True, "1 document")
        # What is from before shipping shows nothing of what came in.
        assert needs["after"].there is (key == "label")
    filed(desk, sue, tmp_path, EvidenceGroup.CORRESPONDENCE, "Before shipping label.txt")
    assert by_key(checklist(desk.archive, claim))["before"].how.en == "1 document"


def test_a_return_that_was_opened_shows_what_came_back(desk: Desk, sue: Actor) -> None:
    desk.pack(kind=Kind.RETURN)
    claim = desk.archive.open_claim(sue, NUMBER, ClaimType.MISSING_CONTENTS).result()
    needs = by_key(checklist(desk.archive, claim))
    assert needs["after"].there
    assert needs["unboxing"].there
    assert not needs["before"].there
    assert not needs["label"].there


def test_poor_or_unwanted_recordings_are_no_evidence(desk: Desk, sue: Actor) -> None:
    session, folder = desk.open()
    desk.clip(session, folder, "side")
    desk.gap(session, "side")
    desk.shot(session, folder, "label", check=LabelCheck.MISMATCH)
    desk.seal(session)
    claim = desk.archive.open_claim(sue, NUMBER, ClaimType.LOSS).result()
    needs = by_key(checklist(desk.archive, claim))
    assert needs["before"].there
    assert not needs["video"].there
    assert not needs["label"].there
    desk.archive.mark_test(sue, session, "a try").result()
    assert not by_key(checklist(desk.archive, claim))["before"].there


def test_the_profile_adds_what_its_portal_asks_for(desk: Desk, sue: Actor, tmp_path: Path) -> None:
    desk.pack()
    open_ = desk.archive.open_claim
    ups = open_(sue, NUMBER, ClaimType.DAMAGE, portal="UPS Damage").result()
    needs = by_key(checklist(desk.archive, ups))
    slots = {key: need.there for key, need in needs.items() if key.startswith("slot:")}
    assert len(slots) == 7
    assert [key for key, there in slots.items() if there] == ["slot:label"]
    filed(desk, sue, tmp_path, EvidenceGroup.MEDIA, "Cushioning 2.JPG")
    assert by_key(checklist(desk.archive, ups))["slot:cushioning"].there
    shopee = open_(sue, NUMBER, ClaimType.LOSS, profile="shopee").result()
    assert by_key(checklist(desk.archive, shopee))["video"].required
    bare = open_(sue, NUMBER, ClaimType.THEFT).result()
    assert not by_key(checklist(desk.archive, bare))["video"].required


def test_the_moments_of_a_parcel_are_the_earliest_told(desk: Desk, sue: Actor) -> None:
    session = desk.pack()
    archive = desk.archive
    claim = archive.open_claim(sue, NUMBER, ClaimType.LOSS).result()
    assert session.sealed_at is not None
    known = moments_of(archive, claim)
    assert known == {Start.SHIPPED: session.sealed_at, Start.OPENED: claim.created_at}
    events = (
        TraceEvent(NOON, TraceStatus.INFO_RECEIVED, "told"),
        TraceEvent(NOON + 2 * DAY, TraceStatus.IN_TRANSIT, "picked up"),
        TraceEvent(NOON + 5 * DAY, TraceStatus.DELIVERED, "there"),
    )
    archive.file_traces([Trace(NUMBER, events, "ups", expected_at=NOON + 4 * DAY)]).result()
    known = moments_of(archive, claim)
    assert known[Start.SHIPPED] == known[Start.HANDED_OVER] == NOON + 2 * DAY
    assert known[Start.DELIVERED] == known[Start.LAST_STATUS] == NOON + 5 * DAY
    assert known[Start.EXPECTED] == NOON + 4 * DAY
    assert by_key(checklist(archive, claim))["trace"].how.en == "3 tracking events"
    archive.file_orders(
        [Order("1", (NUMBER,), ordered_at=NOON - DAY, shipped_at=NOON + DAY)]
    ).result()
    known = moments_of(archive, claim)
    assert (known[Start.ORDERED], known[Start.SHIPPED]) == (NOON - DAY, NOON + DAY)
    claim = archive.move_claim(sue, claim.id, ClaimStatus.SUBMITTED).result()
    claim = archive.move_claim(sue, claim.id, ClaimStatus.REJECTED).result()
    assert moments_of(archive, claim)[Start.REJECTED] == claim.status_at
