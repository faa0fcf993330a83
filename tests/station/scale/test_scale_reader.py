"""A scale at the end of a real port (a pseudo terminal): read, asked, lost and found again."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo terminals are POSIX's", allow_module_level=True)

from station.config_trade import ScaleConfig
from station.scale import reader as reader_module
from station.scale.protocols import Protocol
from station.scale.reader import MUTE, QUIET_S, STRANGE, ScaleReader
from station.scale.simulated import EMPTY, Shown, SimulatedScale
from station.scale.weight import NO_UNIT, OVER, SPOKEN, UNDER, Weight

PATIENCE_S = 15.0


def until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


class Told:
    """A reader at `path`, and what it told."""

    def __init__(self, path: str | Path, protocol: Protocol = "auto") -> None:
        self.weights: list[Weight] = []
        self.states: list[str] = []
        config = ScaleConfig(port=f"serial:{path}", protocol=protocol)
        self.reader = ScaleReader(config, self.weights.append, self.states.append)

    def __enter__(self) -> Told:
        self.reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.stop()

    def at(self, weight: Weight) -> bool:
        return self.weights[-1:] == [weight]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    until(lambda: not any(one.name == "scale" for one in threading.enumerate()))


def test_every_protocol_is_read_and_recognised() -> None:
    """All of them at once, each by a reader that knows the protocol and by one that does not."""
    with contextlib.ExitStack() as opened:
        pairs: list[tuple[SimulatedScale, Told]] = []
        for spoken in SPOKEN:
            for protocol in (spoken, "auto"):
                scale = opened.enter_context(SimulatedScale(spoken))
                pairs.append((scale, opened.enter_context(Told(scale.path, protocol))))
        until(lambda: all(told.at(Weight(0, True)) for _, told in pairs))
        for scale, _ in pairs:
            scale.show(Shown(Decimal("0.871"), stable=False))
        # What does not say that it moves is at rest when it repeats itself.
        until(lambda: all(told.weights[-1].grams == 871 for _, told in pairs))
        for scale, _ in pairs:
            scale.show(Shown(Decimal("1.234")))
        until(lambda: all(told.at(Weight(1_234, True)) for _, told in pairs))
        assert [told.reader.spoken for _, told in pairs] == [one for one in SPOKEN for _ in "12"]
        for _, told in pairs:
            assert told.states == [""]
            if told.reader.spoken != "simple":
                assert told.weights == [Weight(0, True), Weight(871, False), Weight(1_234, True)]


def test_a_scale_is_found_again_and_its_weight_told_again(tmp_path: Path) -> None:
    link = tmp_path / "ttyUSB0"
    with Told(link, "cas") as told:
        until(lambda: bool(told.states))
        assert "plug it in" in told.states[0]
        with SimulatedScale("cas", link) as scale:
            until(lambda: told.at(Weight(0, True)))
            assert told.states[1:] == [""]
            scale.show(Shown(Decimal("2.500")))
            until(lambda: told.at(Weight(2_500, True)))
            scale.unplug()
            until(lambda: "plug it in" in told.states[-1])
            assert "unplugged" in told.states[2]
            told.weights.clear()
            scale.plug_in()
            until(lambda: told.at(Weight(2_500, True)))
            assert told.states[-1] == ""
            assert told.weights == [Weight(2_500, True)]


def test_less_than_nothing_tare_overload_and_a_change_of_unit() -> None:
    shown = [
        (Shown(Decimal("-0.250")), Weight(-250, True)),
        (Shown(Decimal("1.000"), tare=Decimal("0.250")), Weight(1_000, True)),
        (Shown(Decimal("0"), fault="overload"), OVER),
        (Shown(Decimal("0"), fault="underload"), UNDER),
        (Shown(Decimal("2.500"), unit="lb"), Weight(1_134, True)),
        (Shown(Decimal("12"), unit="%"), NO_UNIT),
        (EMPTY, Weight(0, True)),
    ]
    with (
        SimulatedScale("cas") as cas,
        SimulatedScale("and") as other,
        Told(cas.path) as first,
        Told(other.path) as second,
    ):
        for display, weight in shown:
            cas.show(display)
            other.show(display)
            until(partial(first.at, weight))
            until(partial(second.at, weight))


def test_one_message_at_the_press_of_a_key_is_a_weight() -> None:
    with SimulatedScale("cas", streams=False) as scale, Told(scale.path, "cas") as told:
        until(lambda: told.states == [""])
        scale.show(Shown(Decimal("3.210")))
        scale.say()
        until(lambda: told.weights == [Weight(3_210, True)])


def test_a_line_without_a_header_is_whole_only_after_silence() -> None:
    with SimulatedScale("simple", streams=False) as scale, Told(scale.path, "simple") as told:
        until(lambda: told.states == [""])
        scale.say(b"345 kg\r\n  1")
        time.sleep(3 * QUIET_S)
        scale.say(b"  0.500 kg\r\n")
        until(lambda: told.at(Weight(500, True)) or len(told.weights) > 2)
        assert told.weights == [Weight(500, False), Weight(500, True)]


def test_a_scale_that_is_not_understood_or_does_not_answer_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader_module, "MUTE_S", 0.5)
    with SimulatedScale("cas", streams=False) as scale, Told(scale.path, "sics") as told:
        until(lambda: told.states == ["", MUTE])
        scale.say(b"\xfe\x81\r\n" * 100)
        until(lambda: told.states[-1] == STRANGE)
        scale.say(b"S S      12.345 kg\r\n")
        until(lambda: told.at(Weight(12_345, True)))
        assert "" in told.states[-2:]


def test_a_scale_that_falls_silent_is_said_and_its_weight_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader_module, "MUTE_S", 0.5)
    monkeypatch.setattr(reader_module, "FLOWS", 3)
    with SimulatedScale("cas") as scale, Told(scale.path, "cas") as told:
        until(lambda: told.at(Weight(0, True)))
        time.sleep(0.3)
        scale.streams = False  # switched off, or its cable pulled: the port stays
        until(lambda: told.states == ["", MUTE])
        scale.streams = True
        until(lambda: told.weights == [Weight(0, True)] * 2)
        assert told.states == ["", MUTE, ""]


def test_a_reader_outlives_whom_it_tells(tmp_path: Path) -> None:
    link, calls = tmp_path / "ttyUSB0", list[object]()

    def fails(what: object) -> None:
        calls.append(what)
        raise RuntimeError("the screen is gone")

    config = ScaleConfig(port=f"serial:{link}", protocol="cas")
    reader = ScaleReader(config, fails, fails)
    reader.start()
    until(lambda: bool(calls))
    with SimulatedScale("cas", link):
        until(lambda: "" in calls)
        before_s = time.monotonic()
        reader.stop()
        assert time.monotonic() - before_s < 0.1


@pytest.mark.parametrize("port", ["", "evdev:Scale", "serial:ttyUSB0", "serial:/dev/x?baud=fast"])
def test_what_is_no_serial_port_is_refused_before_anything_is_opened(port: str) -> None:
    config = ScaleConfig.model_construct(port=port)
    with pytest.raises(ValueError, match=r"serial:|baud="):
        ScaleReader(config, print, print)
