"""A bench with its scanner set up: other keyboards, a serial scanner beside the keys, clicks."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.events import MouseDown, MouseMove, MouseUp

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminal", allow_module_level=True)

from station.rules.events import FinishAsked, Opened, ShotAsked
from station.scanner.layouts import CapsLock, arrives, layouts
from tests.station.scanner.test_devices import Port
from tests.station.ui.solo import NUMBER, OTHER, Desk, desk, key_of

PATIENCE_S = 10.0


async def until(desk: Desk, true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, desk.text()
        await asyncio.sleep(0.02)
    await desk.settle()


def mistyped(text: str, computer: str) -> str:
    """What a US scanner's `text` becomes on such a computer."""
    known = layouts()
    return "".join(arrives(known["us"], known[computer], CapsLock.OFF, sign) for sign in text)


@pytest.mark.parametrize("computer", ["de", "fr", "es"])
async def test_a_scan_and_a_card_are_translated_and_what_a_person_types_is_not(
    computer: str,
) -> None:
    async with desk(scanner={"layout": f"us-{computer}"}) as d:
        await d.scan(mistyped(NUMBER, computer))
        await d.scan(mistyped("PW:PHOTO", computer))
        assert d.bench.scans == [NUMBER, "PW:PHOTO"]
        assert d.bench.count(ShotAsked) == 1
        await d.press(*"zy123")
        await d.press("enter")
        assert d.bench.scans[-1] == "zy123"


async def test_characters_of_a_sites_own_are_translated() -> None:
    async with desk(scanner={"characters": {"~": "\x1d", "W": "Z"}}) as d:
        await d.scan("1W999~A10")
        assert d.bench.scans == ["1Z999\x1dA10"]


async def test_a_code_scanned_with_two_devices_is_one_scan(tmp_path: Path) -> None:
    port = Port(tmp_path / "ttyACM0")
    async with desk(scanner={"device": f"serial:{port.path}"}) as d:
        await d.scan(NUMBER)
        port.send(f"{NUMBER}\r\n".encode())
        await until(d, lambda: len(d.bench.scans) == 2)
        assert d.bench.scans == [NUMBER, NUMBER]
        assert d.state.active is not None
        assert d.state.active.waybill.number == NUMBER
        assert "is being recorded already" not in d.text()
        assert d.bench.count(Opened) == 1
        # Another number is by hand as well: it ends the parcel, as a keyed one does.
        await d.press("f1", "f1", "f1", "f1")
        port.send(f"{OTHER}\r".encode())
        await until(d, lambda: d.bench.count(Opened) == 2)
        assert d.state.active is not None
        assert d.state.active.waybill.number == OTHER


async def test_a_serial_scanner_that_goes_and_comes_back_is_told(tmp_path: Path) -> None:
    port = Port(tmp_path / "ttyACM0")
    async with desk(scanner={"device": f"serial:{port.path}"}) as d:
        await asyncio.sleep(0.3)
        assert "NO SCANNER" not in d.text()
        port.unplug()
        await until(d, lambda: "NO SCANNER" in d.text())
        await d.scan(OTHER)  # packing goes on with the keys
        assert d.state.active is not None
        port.plug_in()
        await until(d, lambda: "NO SCANNER" not in d.text())
        assert "is back" in d.text()
        port.send(b"PW:PHOTO\r")
        await until(d, lambda: d.bench.count(ShotAsked) == 1)


async def test_a_click_that_begins_a_code_presses_nothing() -> None:
    async with desk() as d:
        await d.scan(NUMBER)
        place = d.app.screen.query_one("#key-finish").region

        def mouse(kind: type[MouseDown] | type[MouseUp] | type[MouseMove]) -> None:
            x, y = place.x + 1, place.y
            d.app.post_message(
                kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y)
            )

        mouse(MouseDown)
        mouse(MouseUp)
        for sign in f"{OTHER}\r":
            d.app.post_message(key_of(sign))
        await d.settle()
        assert d.bench.count(FinishAsked) == 0
        assert not d.bench.scans[-1].isalnum()  # and the code is no number
        await d.click("#key-finish")
        assert d.bench.count(FinishAsked) == 1
