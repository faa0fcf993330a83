"""A bench at work with a shop's orders: real cameras, a real archive, real scans in a row."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

from station.config import Config
from station.config_trade import ScaleConfig
from station.rules.state import Phase
from station.scale.simulated import Shown, SimulatedScale
from storage import files
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.order import Item, Order, OrderStatus
from storage.records import Session
from tests.station.packing import NUMBERS, Watched, config, found, running

MUGS = Order(
    "#1001", (NUMBERS[0],), (Item("MUG-1", "Blue mug", 2, ean="4006381333931"),),
    note="gift wrap", currency="EUR", value_cents=60_000,
)  # fmt: skip


def with_policy(root: Path, **policy: object) -> Config:
    settings = config(root)
    return Config.model_validate({**settings.model_dump(), "policy": policy})


def sold(root: Path, *orders: Order) -> None:
    with Archive.open(root) as archive:
        archive.file_orders(orders).result()


def noted(session: Session) -> dict[str, str]:
    return {note.what: note.text for note in session.notes}


def said(at: Watched) -> list[str]:
    return [each.key for each in at.said]


async def test_an_order_is_shown_checked_and_sealed_with_its_items(tmp_path: Path) -> None:
    sold(tmp_path, MUGS)
    settings = with_policy(tmp_path, high_value=["500.00 EUR"], items="require")
    async with running(settings) as at:
        await at.cameras_up()
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        assert at.active.orders == (MUGS,)
        assert at.active.high_value
        assert [alarm.key for alarm in at.bench.state.alarms] == ["uninsured"]
        at.bench.scan("PW:OK")
        for code in ("mug-1", "5901234123457", "PW:OK", "04006381333931"):
            at.bench.scan(code)  # in a row: each keeps its turn although the archive is asked
        await at.until(lambda: "items_complete" in said(at), "all items")
        assert said(at).count("wrong_item") == 1
        assert at.bench.state.alarms == ()
        await at.shoot("item", "packaging", "sealed_box", "label")
        at.bench.scan("PW:OK")
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[0])
    notes = noted(session)
    assert notes["items"] == "scanned: 2 x Blue mug; not scanned: none"
    assert notes["wrong_item"] == "5901234123457 belongs in none of the orders"
    assert notes["uninsured_acknowledged"] == "acknowledged by Ana: is not insured"
    assert verify(tmp_path) == []


async def test_a_cancelled_order_opens_nothing(tmp_path: Path) -> None:
    sold(tmp_path, Order("#1002", (NUMBERS[1],), status=OrderStatus.CANCELLED))
    async with running(config(tmp_path)) as at:
        at.bench.scan(NUMBERS[1])
        await at.until(lambda: "do_not_ship" in said(at), "the alarm")
        assert at.bench.state.phase is Phase.IDLE
    assert found(tmp_path, NUMBERS[1]) == []


async def test_an_order_begins_and_its_label_ends_what_is_not_known(tmp_path: Path) -> None:
    sold(tmp_path, Order("#1003", note="fragile"))
    async with running(config(tmp_path)) as at:
        await at.cameras_up()
        at.bench.scan("#1003")
        await at.phase(Phase.RECORDING)
        assert at.active.unlabelled
        (folder,) = (tmp_path / files.MEDIA).glob("*/*/*/*")
        assert json.loads((folder / files.MANIFEST).read_text())["tracking_number"] == "#1003"
        at.bench.scan(NUMBERS[2])
        await at.until(lambda: "bound" in said(at), "the number")
        # What a lost database leaves behind knows the number, too.
        assert json.loads((folder / files.MANIFEST).read_text())["tracking_number"] == NUMBERS[2]
        await at.shoot("item")
        at.bench.scan("PW:FINISH")
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[2])
    assert session.waybill.carrier == "ups"
    assert noted(session)["bound"] == f"opened for the order #1003; the label shows {NUMBERS[2]}"
    with Archive.open(tmp_path) as archive:
        assert archive.orders_of(NUMBERS[2]) == ["#1003"]
        assert [each.id for each in archive.find("#1003")] == [session.id]
    assert verify(tmp_path) == []


async def test_what_the_scale_says_is_sealed_with_the_parcel(tmp_path: Path) -> None:
    sold(tmp_path, Order("#1004", (NUMBERS[3],), weight_g=1_200))
    with SimulatedScale("cas") as scale:
        settings = with_policy(tmp_path)
        chosen = ScaleConfig(port=f"serial:{scale.path}")
        async with running(settings.model_copy(update={"scale": chosen, "shot": ()})) as at:
            at.bench.scan(NUMBERS[3])
            await at.phase(Phase.RECORDING)
            scale.show(Shown(Decimal("1.234")))
            await at.until(lambda: at.active.weight_g == 1_234, "the weight")
            scale.unplug()
            await at.until(lambda: at.bench.scale_lost != "", "word of its loss")
            at.bench.scan("PW:FINISH")
            await at.sealed()
    (session,) = found(tmp_path, NUMBERS[3])
    assert noted(session)["weight"] == "1234 g on the scale; its orders say 1200 g"


async def test_the_bench_says_that_parcels_left_without_evidence(tmp_path: Path) -> None:
    left = dt.datetime.now(dt.UTC) - dt.timedelta(hours=5)
    sold(
        tmp_path,
        Order("#1005", (NUMBERS[4],), status=OrderStatus.SHIPPED, shipped_at=left),
        Order("#1006", (NUMBERS[5],), status=OrderStatus.OPEN),
    )
    async with running(config(tmp_path).model_copy(update={"shot": ()})) as at:
        await at.until(lambda: at.bench.uncovered.count == 1, "the look")
        await at.cameras_up()
        at.bench.scan(NUMBERS[4])
        await at.phase(Phase.RECORDING)
        at.bench.scan("PW:FINISH")
        await at.sealed()
        at.bench.uncovered.look()
        assert at.bench.uncovered.count == 0
