"""What orders ask of a session: what must not leave, what is dear, which items, which weight."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rules import orders
from station.rules.commands import (
    BindSession,
    Command,
    FileNote,
    LookUp,
    OpenSession,
    Say,
    SealSession,
    TakeShot,
)
from station.rules.events import BindFailed, Bound, ItemScanned, LookedUp, Scanned, Weighed
from station.rules.orders import ItemCheck, Policy
from station.rules.state import Phase, Rules, Slot, initial
from station.session import step
from storage.order import Item, Order, OrderStatus
from storage.records import LabelCheck
from tests.station.playbook import (
    FINISH,
    OK,
    RETURN,
    RULES,
    Told,
    at,
    clip_ended,
    clip_started,
    down,
    opened,
    photo,
    prior,
    scan,
    taken,
    up,
    waybill,
)

MUGS = Order(
    "1001", ("A",), (Item("MUG-1", "Blue mug", 2, ean="0400638133393"), Item(name="Card")),
    currency="EUR", value_cents=50_000, weight_g=900,
)  # fmt: skip
DEAR = Policy(high_cents=(("EUR", 50_000),))


class Talk:
    """The rules, told one thing after another; `said` is all they answered."""

    def __init__(self, policy: Policy = orders.NO_POLICY, rules: Rules = RULES) -> None:
        self.state = initial(replace(rules, policy=policy), "Kim")
        self.said: list[Command] = []
        self.ms = 0

    def tell(self, *told: Told) -> Talk:
        for each in told:
            self.ms += 3_000
            self.state, said = step(self.state, each(at(self.ms)))
            self.said += said
        return self

    def pack(self, *carried: Order, number: str = "A") -> Talk:
        """Scan the waybill, and record."""
        self.tell(up(), scan(number), looked(number, *carried))
        return self.tell(opened(f"s-{number}"), clip_started(f"s-{number}"))

    def photos(self, *slots: str) -> Talk:
        for slot in slots:
            count = self.state.shot_count + 1
            check = LabelCheck.MATCH if slot == "label" else None
            active = self.state.active
            assert active is not None
            self.tell(photo(slot), taken(active.session, count, slot, check))
        return self

    def says(self) -> list[str]:
        return [each.key for each in self.said if isinstance(each, Say)]

    def notes(self) -> dict[str, str]:
        return {each.note.what: each.note.text for each in self.said if isinstance(each, FileNote)}

    def did(self, kind: type[Command]) -> list[Command]:
        return [each for each in self.said if isinstance(each, kind)]

    @property
    def alarms(self) -> list[str]:
        return [alarm.key for alarm in self.state.alarms]


def looked(number: str, *carried: Order, order: Order | None = None) -> Told:
    return lambda now: LookedUp(now, number, None, carried, order)


def item(raw: str, key: str = "") -> Told:
    return lambda now: ItemScanned(now, raw, key)


def weighed(grams: int) -> Told:
    return lambda now: Weighed(now, grams)


# ---------------------------------------------------------------------------- what must not leave


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REFUNDED])
def test_a_cancelled_order_is_not_opened(status: OrderStatus) -> None:
    fine = replace(MUGS, id="1000")
    gone = replace(MUGS, status=status, status_text="已取消")
    talk = Talk().tell(up(), scan("A"), looked("A", fine, gone))
    assert talk.alarms == ["do_not_ship"]
    assert dict(talk.state.alarms[0].params) == {
        "number": "A", "orders": "1001", "status": "已取消",
    }  # fmt: skip
    assert talk.state.phase is Phase.IDLE
    assert talk.did(OpenSession) == []
    talk.tell(OK, scan("A"))
    assert talk.did(LookUp) == [LookUp("A"), LookUp("A")]  # it may be scanned again at once


def test_a_cancelled_order_comes_back_and_is_opened() -> None:
    gone = replace(MUGS, status=OrderStatus.REFUNDED)
    talk = Talk().tell(up(), RETURN, scan("A"), looked("A", gone))
    assert talk.alarms == []
    assert talk.did(OpenSession) != []


def test_where_it_is_only_announced_a_cancelled_order_is_recorded() -> None:
    gone = replace(MUGS, status=OrderStatus.CANCELLED)
    talk = Talk(Policy(stop_cancelled=False)).pack(gone)
    assert talk.alarms == ["order_cancelled"]
    assert talk.notes()["order_cancelled"] == "packed although 1001: cancelled"
    assert talk.state.phase is Phase.RECORDING


# ---------------------------------------------------------------------------- what is dear


def test_a_high_value_makes_every_photo_compulsory_and_asks_for_insurance() -> None:
    rules = replace(RULES, slots=(Slot("item", "top", required=False), Slot("label", "top")))
    talk = Talk(DEAR, rules).pack(MUGS)
    (command,) = talk.did(OpenSession)
    assert isinstance(command, OpenSession)
    assert command.required_slots == ("item", "label")
    assert talk.alarms == ["uninsured"]
    assert dict(talk.state.alarms[0].params)["value"] == "500.00 EUR"
    talk.tell(FINISH)
    assert talk.says()[-1] == "acknowledge_first"
    talk.tell(OK).photos("label")
    assert talk.notes()["uninsured_acknowledged"] == "acknowledged by Kim: is not insured"
    talk.tell(FINISH, FINISH, FINISH)
    assert talk.says()[-1] == "missing_shots_forbidden"
    talk.photos("item").tell(FINISH, clip_ended("s-A"))
    assert talk.did(SealSession) != []


@pytest.mark.parametrize(
    ("carried", "high"),
    [
        ([replace(MUGS, value_cents=49_999)], False),
        ([replace(MUGS, value_cents=25_000), replace(MUGS, id="2", value_cents=25_000)], True),
        ([replace(MUGS, currency="USD")], False),
        ([replace(MUGS, value_cents=None)], False),
        ([], False),
    ],
)
def test_what_a_high_value_is(carried: list[Order], high: bool) -> None:
    talk = Talk(DEAR).pack(*carried)
    assert talk.state.active is not None
    assert talk.state.active.high_value is high
    assert ("uninsured" in talk.alarms) is high


def test_an_insured_order_and_a_site_that_does_not_care_hear_nothing() -> None:
    assert Talk(DEAR).pack(replace(MUGS, insured_cents=50_000)).alarms == []
    assert Talk(replace(DEAR, announce_uninsured=False)).pack(MUGS).alarms == []


def test_without_a_camera_nothing_dear_is_packed() -> None:
    talk = Talk(DEAR).tell(scan("A"), looked("A", MUGS))
    assert talk.alarms == ["no_camera"]
    assert talk.did(OpenSession) == []
    assert Talk(DEAR).tell(scan("A"), looked("A")).did(OpenSession) != []
    # A camera that fails to record is noticed a moment later, and nothing leaves either.
    talk = Talk(DEAR).tell(
        up(), scan("A"), looked("A", MUGS), down(), clip_ended("s-A", kept=False)
    )
    talk.tell(opened("s-A"))
    assert "no_camera" in talk.alarms
    assert talk.state.phase is not Phase.RECORDING


# ---------------------------------------------------------------------------- items


def test_items_are_counted_and_told_and_noted() -> None:
    talk = Talk(Policy(items=ItemCheck.CHECK)).pack(MUGS).photos("item", "label")
    talk.tell(item("MUG-1", "MUG-1"), FINISH)
    assert talk.says()[-2:] == ["item_scanned", "missing_items"]
    said = next(each for each in talk.said if isinstance(each, Say) and each.key == "missing_items")
    assert dict(said.params)["items"] == "1 x Blue mug, 1 x Card"
    talk.tell(item("4006381333931", "MUG-1"), item("Card", "CARD"))
    assert talk.says()[-1] == "items_complete"
    talk.tell(FINISH, clip_ended("s-A"))
    assert talk.did(SealSession) != []
    assert talk.notes()["items"] == "scanned: 2 x Blue mug, 1 x Card; not scanned: none"
    assert "item" in talk.notes()


def test_a_second_finish_goes_on_without_items_unless_they_are_required() -> None:
    talk = Talk(Policy(items=ItemCheck.CHECK)).pack(MUGS).photos("item", "label")
    talk.tell(FINISH, FINISH, clip_ended("s-A"))
    assert talk.did(SealSession) != []
    assert talk.notes()["items"] == "scanned: none; not scanned: 2 x Blue mug, 1 x Card"
    talk = Talk(Policy(items=ItemCheck.REQUIRE)).pack(MUGS).photos("item", "label")
    talk.tell(FINISH, FINISH, FINISH)
    assert talk.says()[-1] == "missing_items_forbidden"
    assert talk.did(SealSession) == []


def test_a_wrong_item_and_one_too_many_stop_the_parcel() -> None:
    talk = Talk(Policy(items=ItemCheck.CHECK)).pack(MUGS)
    talk.tell(item("5901234123457"))
    assert talk.alarms == ["wrong_item"]
    talk.tell(FINISH)
    assert talk.says()[-1] == "acknowledge_first"
    talk.tell(OK, *[item("MUG-1", "MUG-1")] * 3)
    assert talk.alarms == ["wrong_item"]
    assert talk.notes()["wrong_item"] == "MUG-1 is one more than the 2 that were ordered"
    assert talk.state.active is not None
    assert talk.state.active.scanned == (("MUG-1", 2),)


def test_a_return_and_a_site_that_does_not_check_need_no_items() -> None:
    assert Talk().pack(MUGS).state.missing_items == ()
    talk = Talk(Policy(items=ItemCheck.REQUIRE)).tell(up(), RETURN, scan("A"), looked("A", MUGS))
    assert talk.state.missing_items == ()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("mug-1", "MUG-1"), ("MUG-1 ", "MUG-1"), ("400638133393", "MUG-1"),
        ("00400638133393", "MUG-1"), ("card", None), ("", None), ("0", None), ("MUG-2", None),
    ],
)  # fmt: skip
def test_a_code_names_its_article_in_every_length(text: str, key: str | None) -> None:
    found = orders.piece_of(text, orders.pieces((MUGS,)))
    assert (found and found.key) == key


def test_the_same_article_of_two_orders_is_one() -> None:
    both = orders.pieces((MUGS, replace(MUGS, id="1002", items=(Item("mug-1", ean="77"),))))
    assert [(piece.key, piece.quantity) for piece in both] == [("MUG-1", 3), ("CARD", 1)]
    assert orders.piece_of("77", both) == both[0]


# ---------------------------------------------------------------------------- weight


def test_a_weight_that_is_off_is_told_once_and_noted() -> None:
    talk = Talk().pack(MUGS).photos("item", "label")
    talk.tell(weighed(1_200), weighed(0), FINISH)
    assert talk.says()[-1] == "weight_off"
    talk.tell(FINISH, clip_ended("s-A"))
    assert talk.did(SealSession) != []
    assert talk.notes()["weight"] == (
        "1200 g on the scale; its orders say 900 g, which is beyond the tolerance"
    )


def test_the_weight_of_the_last_look_counts() -> None:
    talk = Talk().pack(MUGS).photos("item", "label")
    talk.tell(weighed(1_200), weighed(910), FINISH, clip_ended("s-A"))
    assert talk.notes()["weight"] == "910 g on the scale; its orders say 900 g"


def test_what_lies_on_the_scale_before_the_scan_is_the_next_parcel_s() -> None:
    talk = Talk().tell(weighed(900)).pack(MUGS).photos("item", "label")
    talk.tell(FINISH, clip_ended("s-A"))
    assert talk.notes()["weight"] == "900 g on the scale; its orders say 900 g"
    # What was weighed for one parcel, and left there, is not the weight of the next one.
    talk.tell(scan("B"), looked("B"))
    assert talk.state.active is not None
    assert talk.state.active.weight_g is None
    assert Talk().tell(weighed(900), weighed(0)).pack(MUGS).state.active.weight_g is None  # type: ignore[union-attr]


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 100), st.integers(0, 500))
def test_the_tolerance_is_exact(grams: int, expected: int, percent: int, least: int) -> None:
    policy = Policy(tolerance_percent=Fraction(percent), tolerance_g=least)
    off = abs(grams - expected)
    assert orders.weighs_off(grams, expected, policy) is (
        off > least and 100 * off > percent * expected
    )


def test_an_order_in_several_parcels_says_no_weight() -> None:
    assert orders.weight_g((MUGS,)) == 900
    assert orders.weight_g((MUGS, replace(MUGS, id="2"))) == 1_800
    assert orders.weight_g((MUGS, Order("2"))) is None
    assert orders.weight_g((replace(MUGS, numbers=("A", "B")),)) is None
    assert orders.weight_g(()) is None


# ---------------------------------------------------------------------------- the label comes last


def order_scan(number: str = "1001") -> Told:
    return lambda now: Scanned(now, replace(waybill(number), carrier=None), "s-A", is_order=True)


def begun(*numbers: str) -> Talk:
    """A session of an order whose parcel may have these numbers."""
    order = replace(MUGS, numbers=numbers)
    talk = Talk().tell(up(), order_scan(), looked("1001", order=order))
    return talk.tell(opened("s-A"), clip_started("s-A"))


def test_a_session_begins_with_an_order_and_is_bound_to_its_label() -> None:
    talk = begun()
    assert talk.state.active is not None
    assert talk.state.active.unlabelled
    assert "unlisted" not in talk.says()
    talk.tell(photo("label"))
    assert talk.says()[-1] == "label_to_come"
    talk.tell(scan("B", session="s-other"))
    assert talk.did(BindSession) == [BindSession("s-A", waybill("B"))]
    talk.tell(lambda now: Bound(now, "s-A", 1, (replace(MUGS, id="1002"),)))
    assert talk.says()[-1] == "bound"
    active = talk.state.active
    assert active is not None
    assert [order.id for order in active.orders] == ["1001", "1002"]
    talk.photos("item", "label")
    shot = talk.did(TakeShot)[-1]
    assert isinstance(shot, TakeShot)
    assert shot.number == "B"
    talk.tell(FINISH, clip_ended("s-A"))
    assert talk.did(SealSession) != []
    assert talk.state.handed_over[0].number == "B"
    assert "unlabelled" not in talk.notes()


def test_a_label_of_another_order_is_an_alarm_and_binds_nothing() -> None:
    talk = begun("C", "D").tell(scan("B"))
    assert talk.alarms == ["label_mismatch"]
    assert talk.did(BindSession) == []
    talk.tell(OK, scan("D"))
    assert talk.did(BindSession) == [BindSession("s-A", waybill("D"))]


def test_a_camera_binds_only_what_the_order_is_known_to_have() -> None:
    assert begun().tell(scan("B", via="top")).did(BindSession) == []
    assert begun("B").tell(scan("B", via="top")).did(BindSession) != []
    assert begun("C").tell(scan("B", via="top")).alarms == []


def test_without_a_label_it_is_filed_under_the_order_when_asked_twice() -> None:
    talk = begun().photos("item").tell(FINISH, FINISH)
    assert "unlabelled" not in talk.says()  # the photo of the label is missing first
    talk = Talk(rules=replace(RULES, slots=(Slot("item", "top"),)))
    talk.tell(up(), order_scan(), looked("1001", order=MUGS), opened("s-A"), clip_started("s-A"))
    talk.photos("item").tell(FINISH)
    assert talk.says()[-1] == "unlabelled"
    talk.tell(FINISH, clip_ended("s-A"))
    assert talk.did(SealSession) != []
    assert talk.notes()["unlabelled"] == "no label was scanned for the order 1001"


def test_what_the_archive_could_not_bind_stays_the_order_s() -> None:
    talk = begun().tell(scan("B"), lambda now: BindFailed(now, "s-A", "disk full"))
    assert talk.alarms == ["bind_failed"]
    assert talk.state.active is not None
    assert talk.state.active.unlabelled
    talk.tell(OK, scan("B"))
    assert len(talk.did(BindSession)) == 2


def test_a_number_that_parcels_have_is_no_order() -> None:
    talk = Talk().tell(up(), scan("A"), looked("A", MUGS, order=Order("A")))
    assert talk.state.active is not None
    assert not talk.state.active.unlabelled
    talk = Talk().tell(up(), scan("A"), lambda now: LookedUp(now, "A", prior(), (), MUGS))
    assert talk.state.phase is Phase.DECIDING
