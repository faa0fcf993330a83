"""Scanners that are no keyboard: a serial port (a pseudo terminal) and Linux's input layer."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.scanner.device import InputDevice, SerialPort, parse_device
from station.scanner.input_device import INSTALL, OpenInput, open_input
from station.scanner.key_codes import EV_KEY, EV_SYN, PLACES, SYN_DROPPED, KeyCodes
from station.scanner.layouts import ASCII, Level, layouts
from station.scanner.lines import LONGEST_BYTES, Lines
from station.scanner.reader import Code, Gone, Here, ScannerFault, ScannerThread, Told, opener
from station.scanner.settings import HandScanner, Terminator

NUMBER = "1Z999AA10123456784"
PATIENCE_S = 10.0


# ---------------------------------------------------------------------------- the setting


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("", None),
        ("serial:/dev/ttyACM0", SerialPort("/dev/ttyACM0")),
        ("serial:/dev/ttyACM0?baud=115200", SerialPort("/dev/ttyACM0", 115_200)),
        (
            "serial:COM3?bits=7&parity=even&stop=2&baud=9600",
            SerialPort("COM3", 9600, 7, "E", 2),
        ),
        ("COM3", SerialPort("COM3")),
        ("evdev:/dev/input/by-id/x-event-kbd", InputDevice("/dev/input/by-id/x-event-kbd")),
        ("evdev:Honeywell 1900", InputDevice("Honeywell 1900")),
    ],
)
def test_devices_are_understood(text: str, device: SerialPort | InputDevice | None) -> None:
    assert parse_device(text) == device


@pytest.mark.parametrize(
    "text",
    ["serial:", "serial:ttyACM0", "usb:1", "evdev:", "serial:/dev/x?baud=fast", "/dev/ttyACM0",
     "serial:/dev/x?speed=9600", "serial:/dev/x?baud=9600&&", "evdev:a\x1b[2J"],
)  # fmt: skip
def test_what_is_no_device_is_answered_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"serial:|baud="):
        parse_device(text)


# ---------------------------------------------------------------------------- bytes


@given(
    st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=0x10FFFF, exclude_categories=["Cs"]),
                min_size=1, max_size=60),
        max_size=6,
    ),
    st.sampled_from([b"\r", b"\n", b"\r\n", b"\t", b"\x00"]),
    st.integers(1, 9),
)  # fmt: skip
def test_codes_arrive_as_they_were_however_they_are_cut(
    codes: list[str], end: bytes, piece: int
) -> None:
    data = b"".join(code.encode() + end for code in codes)
    lines, found = Lines("auto", 0.12), []
    for place in range(0, len(data), piece):
        found += lines.take(data[place : place + piece], place * 0.001)
    assert found == codes


def test_what_is_no_utf8_is_latin_1() -> None:
    assert Lines("auto", 0.12).take(b"caf\xe9\r", 0.0) == ["café"]


def test_a_code_without_an_end_is_ended_by_silence_and_one_with_an_end_is_not_cut() -> None:
    lines = Lines("auto", 0.12)
    assert lines.take(b"12345", 0.0) == []
    assert lines.settle(0.1) == []
    assert lines.settle(0.13) == ["12345"]
    assert lines.take(b"1\r", 1.0) == ["1"]
    lines.take(b"123", 2.0)
    assert lines.settle(2.9) == []
    assert lines.take(b"45\r", 2.95) == ["12345"]


@pytest.mark.parametrize(("terminator", "found"), [("enter", ["a\tb"]), ("tab", ["a", "b"])])
def test_a_tab_ends_a_code_unless_the_setting_says_enter(
    terminator: Terminator, found: list[str]
) -> None:
    assert Lines(terminator, 0.12).take(b"\x02a\tb\r", 0.0) == found


def test_a_port_that_never_ends_a_code_fills_no_memory() -> None:
    lines = Lines("enter", 0.12)
    for _ in range(100):
        lines.take(b"x" * 1_000, 0.0)
    assert [len(code) for code in lines.take(b"\r" + NUMBER.encode() + b"\r", 0.1)] == [
        LONGEST_BYTES,
        len(NUMBER),
    ]


# ---------------------------------------------------------------------------- a serial port

if sys.platform != "win32":
    import pty

    class Port:
        """A pseudo terminal under a name that stays, as a scanner's is: it can be unplugged."""

        def __init__(self, path: Path) -> None:
            self.path = path
            self.plug_in()

        def plug_in(self) -> None:
            self._master, slave = pty.openpty()
            self.path.unlink(missing_ok=True)
            self.path.symlink_to(os.ttyname(slave))
            self._slave = slave

        def unplug(self) -> None:
            self.path.unlink()
            os.close(self._slave)
            os.close(self._master)

        def send(self, data: bytes) -> None:
            os.write(self._master, data)

    @pytest.fixture
    def port(tmp_path: Path) -> Port:
        return Port(tmp_path / "ttyACM0")

    def reading(port: Port, told: list[Told]) -> ScannerThread:
        found = opener(HandScanner(device=SerialPort(str(port.path))))
        assert found is not None
        thread = ScannerThread(*found, told.append)
        thread.start()
        return thread

    def until(true: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline_s
            time.sleep(0.01)

    def test_a_serial_scanner_is_read_and_found_again(port: Port) -> None:
        told: list[Told] = []
        thread = reading(port, told)
        until(lambda: Here(str(port.path)) in told)
        for count in range(50):
            port.send(f"{NUMBER}{count}\r\n".encode())
        until(lambda: Code(f"{NUMBER}49") in told)
        assert [one.text for one in told if isinstance(one, Code)] == [
            f"{NUMBER}{count}" for count in range(50)
        ]
        port.unplug()
        until(lambda: isinstance(told[-1], Gone))
        assert "every second" in str(told[-1])
        until(lambda: "not there" in str(told[-1]))
        count = len(told)
        time.sleep(2.2)
        assert len(told) == count  # said once, not every second
        port.plug_in()
        until(lambda: isinstance(told[-1], Here))
        port.send(f"{NUMBER}\r".encode())
        until(lambda: told[-1] == Code(NUMBER))
        thread.stop()
        until(lambda: not any(one.name == "scanner" for one in threading.enumerate()))

    def test_half_a_code_of_a_scanner_that_is_unplugged_is_no_part_of_the_next(port: Port) -> None:
        told: list[Told] = []
        thread = reading(port, told)
        until(lambda: bool(told))
        port.send(b"1Z999")
        time.sleep(0.03)
        port.unplug()
        until(lambda: "not there" in str(told[-1]))
        port.plug_in()
        until(lambda: isinstance(told[-1], Here))
        port.send(f"{NUMBER}\r".encode())
        until(lambda: told[-1] == Code(NUMBER))
        thread.stop()

    def test_a_port_that_another_program_reads_is_refused(port: Port) -> None:
        first = opener(HandScanner(device=SerialPort(str(port.path))))
        assert first is not None
        held = first[1]()
        with pytest.raises(ScannerFault, match="another program reads it"):
            first[1]()
        held.close()


# ---------------------------------------------------------------------------- Linux's input layer


@dataclass
class Event:
    type: int
    code: int
    value: int


def strokes(text: str) -> Iterator[Event]:
    """The events of a US scanner that types `text` and Enter."""
    us = layouts()["us"]
    for sign in text:
        if sign == "\x1d":
            for code, value in ((29, 1), (27, 1), (27, 0), (29, 0)):
                yield Event(EV_KEY, code, value)
            continue
        pressed = us.press(sign)
        code, shifted = (57, False) if pressed is None else (PLACES[pressed[0]], pressed[1] > 0)
        keys = [(42, 1), (code, 1), (code, 0), (42, 0)] if shifted else [(code, 1), (code, 0)]
        for key, value in keys:
            yield Event(4, 4, 458_756)  # MSC_SCAN, as real keyboards send it
            yield Event(EV_KEY, key, value)
            yield Event(EV_SYN, 0, 0)
    yield Event(EV_KEY, 28, 1)
    yield Event(EV_KEY, 28, 0)


@given(st.lists(st.text(alphabet=[*ASCII, " ", "\x1d"], min_size=1, max_size=50), max_size=5))
def test_keys_of_the_input_layer_are_the_codes(codes: list[str]) -> None:
    keys = KeyCodes("auto", 0.12, layouts()["us"])
    assert keys.take([one for code in codes for one in strokes(code)], 1.0) == codes


def test_a_scanner_set_to_another_keyboard_is_read_by_it() -> None:
    german = layouts()["de"]
    place, level = german.press("Z") or (0, Level.PLAIN)
    assert level is Level.SHIFT
    keys = KeyCodes("auto", 0.12, german)
    pressed = [(42, 1), (PLACES[place], 1), (42, 0), (28, 1)]
    assert keys.take([Event(EV_KEY, *one) for one in pressed], 0.0) == ["Z"]


def test_a_key_of_the_input_layer_that_is_no_character_spoils_the_code() -> None:
    keys = KeyCodes("auto", 0.12, layouts()["us"])
    for odd in (59, 103, 200, 511):
        events = [Event(EV_KEY, odd, 1), *strokes(NUMBER)]
        assert keys.take(events, 0.0) == [f"\x1b{NUMBER}"]
    lost = [*list(strokes(NUMBER))[:20], Event(EV_SYN, SYN_DROPPED, 0), Event(EV_KEY, 28, 1)]
    assert "\x1b" in keys.take(lost, 0.0)[0]


def test_codes_of_the_input_layer_without_an_end_are_ended_by_silence() -> None:
    keys = KeyCodes("none", 0.12, layouts()["us"])
    assert keys.take(list(strokes(NUMBER))[:-2], 0.0) == []
    assert keys.take([], 0.1) == []
    assert keys.take([], 0.13) == [NUMBER]


@dataclass
class Pipe:
    """An input device whose file is a pipe: real `struct input_event`s, read by evdev itself."""

    refuses: int = 0
    grabbed: bool = False
    ends: tuple[int, int] = field(default_factory=os.pipe)

    def __post_init__(self) -> None:
        os.set_blocking(self.ends[0], False)

    def fileno(self) -> int:
        return self.ends[0]

    def read(self) -> Iterator[Event]:
        read_many = importlib.import_module("evdev._input").device_read_many
        for _, _, kind, code, value in read_many(self.ends[0]):
            yield Event(kind, code, value)

    def grab(self) -> None:
        if self.refuses:
            raise OSError(self.refuses, os.strerror(self.refuses))
        self.grabbed = True

    def close(self) -> None:
        os.close(self.ends[0])

    def send(self, events: Iterator[Event]) -> None:
        packed = [struct.pack("llHHi", 0, 0, one.type, one.code, one.value) for one in events]
        os.write(self.ends[1], b"".join(packed))


has_evdev = pytest.mark.skipif(
    importlib.util.find_spec("evdev") is None, reason="evdev is not installed"
)


@has_evdev
def test_an_input_device_is_taken_exclusively_and_read() -> None:
    device, told = Pipe(), list[Told]()
    thread = ScannerThread("kbd", lambda: OpenInput("kbd", device, HandScanner()), told.append)
    thread.start()
    until(lambda: bool(told))
    assert device.grabbed
    device.send(strokes("PW:SLOT:sealed_box"))
    device.send(strokes(NUMBER))
    until(lambda: told[1:] == [Code("PW:SLOT:sealed_box"), Code(NUMBER)])
    thread.stop()


@pytest.mark.parametrize(
    ("number", "why"),
    [(errno.EACCES, "group input"), (errno.EBUSY, "another program"), (errno.ENODEV, "plug it in")],
)
def test_an_input_device_that_cannot_be_had_says_what_to_do(number: int, why: str) -> None:
    with pytest.raises(ScannerFault, match=why):
        OpenInput("kbd", Pipe(refuses=number), HandScanner())


@pytest.mark.skipif(sys.platform != "linux", reason="evdev is Linux's")
def test_without_the_library_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "evdev", None)
    with pytest.raises(ScannerFault) as fault:
        open_input(InputDevice("/dev/input/event0"), HandScanner())
    assert fault.value.why == INSTALL


@has_evdev
def test_an_input_device_that_is_not_there_says_so() -> None:
    for place in ("/dev/input/event999", "No such scanner"):
        with pytest.raises(ScannerFault, match="plug it in"):
            open_input(InputDevice(place), HandScanner())
