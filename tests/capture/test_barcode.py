"""Reading codes: real engines on pictures that the tests draw."""

from __future__ import annotations

import datetime as dt
import queue
import subprocess
import sys
import threading
import time
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import zxingcpp

from capture.barcode import ReaderThread, decode, read_live, read_still
from capture.consensus import Consensus
from capture.engines import ZBAR, ZXING, engines
from capture.events import CaptureEvent, Reading, ReadingSeen
from capture.frame import Frame

Picture = npt.NDArray[Any]
NUMBER = "1Z999AA10123456784"
needs_libzbar = pytest.mark.skipif(not engines()[1].available, reason="no libzbar here")


def symbol(content: str | bytes, symbology: str = "Code128", module_px: int = 3) -> Picture:
    """A barcode with its quiet zone, black on white."""
    code = zxingcpp.create_barcode(content, getattr(zxingcpp.BarcodeFormat, symbology))
    return np.array(code.to_image(scale=module_px))


def thin_bars(module_px: float) -> Picture:
    """A Code128 whose modules are no whole number of pixels."""
    code = symbol(NUMBER, module_px=8)
    size = (round(code.shape[1] * module_px / 8), 90)
    return cv2.resize(code, size, interpolation=cv2.INTER_AREA)


def desk(width: int = 1280, height: int = 720, seed: int = 3) -> Picture:
    """A grey picture of a cluttered bench: boxes, lines of fine print, sensor noise."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width), 120, np.uint8)
    for _ in range(20):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        far = (x + int(random.integers(20, 300)), y + int(random.integers(20, 200)))
        cv2.rectangle(picture, (x, y), far, int(random.integers(40, 230)), -1)
    for line in range(20, height, 60):
        words = "".join(random.choice(list("abcdefghij KLMNOP 0123"), 60))
        cv2.putText(picture, words, (5, line), cv2.FONT_HERSHEY_PLAIN, 1.0, 20, 1)
    noise = random.normal(0, 5, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def put(picture: Picture, code: Picture, x: int, y: int) -> Picture:
    """`code` on a white label in `picture`, its upper left corner at x, y."""
    high, wide = code.shape
    picture[y - 20 : y + high + 20, x - 20 : x + wide + 20] = 245
    picture[y : y + high, x : x + wide] = code
    return picture


def scene(content: str | bytes = NUMBER, symbology: str = "Code128", module_px: int = 3) -> Picture:
    return put(desk(), symbol(content, symbology, module_px), 300, 250)


def tilted(picture: Picture, degrees: float) -> Picture:
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(picture, turn, (width, height), borderValue=(128,))


def texts(readings: list[Reading]) -> list[str]:
    return [reading.text for reading in readings]


# ---------------------------------------------------------------------------- one look


@pytest.mark.parametrize("symbology", ["Code128", "QRCode", "DataMatrix"])
def test_what_waybills_carry_is_read(symbology: str) -> None:
    code = symbol(NUMBER, symbology, 4)
    grey = put(desk(), code, 300, 250)
    (reading,) = decode(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), mono_ns=42)
    assert (reading.text, reading.symbology) == (NUMBER, symbology)
    assert (reading.engine, reading.mono_ns) == (ZXING, 42)
    centre = np.mean(reading.polygon, axis=0)
    middle = (300 + code.shape[1] / 2, 250 + code.shape[0] / 2)
    assert np.abs(centre - middle).max() < 12


def test_a_4k_picture_is_read_small_and_told_in_its_own_pixels() -> None:
    picture = cv2.resize(scene(module_px=4), (3840, 2160), interpolation=cv2.INTER_CUBIC)
    (reading,) = decode(picture)
    code = symbol(NUMBER, module_px=4)
    middle = (3 * (300 + code.shape[1] / 2), 3 * (250 + code.shape[0] / 2))
    assert np.abs(np.mean(reading.polygon, axis=0) - middle).max() < 36


@pytest.mark.parametrize(
    ("content", "symbology", "text"),
    [
        ("590123412345", "EANUPC", "5901234123457"),
        ("12345678901231", "ITF", "12345678901231"),
        ("AB-123456", "Code39", "AB-123456"),
    ],
)
def test_other_symbologies_are_read_where_they_are_asked_for(
    content: str, symbology: str, text: str
) -> None:
    made = "EAN13" if symbology == "EANUPC" else symbology
    picture = scene(content, made)
    assert decode(picture) == []
    assert read_still(picture) == []
    (reading,) = decode(picture, ["QRCode", symbology])
    assert (reading.text, reading.symbology) == (text, symbology)


def test_short_bars_without_a_check_sum_are_no_reading() -> None:
    assert decode(scene("123456", "ITF"), ["ITF"]) == []
    assert decode(scene("AB12", "Code39"), ["Code39"]) == []


@pytest.mark.parametrize(
    "payload",
    [
        "\x1b[31mred\x1b]0;title\x07",
        "420787459400\x1d9400111206206406260787",
        "a\u202eb\u0000c\r\n=1+1",
        "数字 ½ \U0001f4e6",
        "x" * 1500,
    ],
)
def test_a_payload_is_returned_exactly(payload: str) -> None:
    picture = put(desk(), symbol(payload, "QRCode", 2), 300, 250)
    assert texts(decode(picture)) == [payload]


@pytest.mark.parametrize(
    "payload", [bytes(range(256)), b"\xff\xfe\x80 1Z", b"\xed\xa0\x80 surrogate", b"\xc3\x28"]
)
def test_bytes_that_are_no_text_do_not_raise(payload: bytes) -> None:
    (reading,) = decode(scene(payload, "QRCode"))
    assert reading.text
    reading.text.encode("utf-8")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (np.zeros((0, 0), np.uint8), "empty"),
        (np.zeros((0, 5, 3), np.uint8), "empty"),
        (np.zeros((5, 5), np.float32), "uint8, not float32"),
        (np.zeros((5, 5, 3), np.uint16), "uint8, not uint16"),
        (np.zeros((5, 5, 4), np.uint8), "neither grey nor BGR"),
        (np.zeros((5,), np.uint8), "neither grey nor BGR"),
    ],
)
def test_what_is_no_picture_is_refused(bad: Picture, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode(bad)
    with pytest.raises(ValueError, match=told):
        read_still(bad)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (7, 3)])
def test_a_picture_of_any_size_is_searched(size: tuple[int, int]) -> None:
    picture = np.full(size, 128, np.uint8)
    assert decode(picture, engines=[ZXING, ZBAR]) == []
    assert read_still(picture) == []


def test_what_cannot_be_asked_for_is_named() -> None:
    with pytest.raises(ValueError, match="unknown symbology Morse: allowed are Code128"):
        decode(desk(), ["Code128", "Morse"])
    with pytest.raises(ValueError, match="no symbology"):
        decode(desk(), [])
    with pytest.raises(ValueError, match="unknown engine cv2"):
        decode(desk(), engines=["cv2"])


def test_the_shared_frame_is_left_as_it_is() -> None:
    picture = cv2.cvtColor(scene(), cv2.COLOR_GRAY2BGR)
    before = picture.copy()
    picture.flags.writeable = False
    assert decode(picture)
    assert read_live(picture, ["Code128"], dear=True)
    assert read_still(picture)
    assert np.array_equal(picture, before)


# ---------------------------------------------------------------------------- engines


@needs_libzbar
def test_zbar_seconds_bars_only() -> None:
    picture = put(scene(), symbol(NUMBER, "QRCode", 3), 900, 400)
    found = decode(picture, engines=[ZXING, ZBAR])
    by_engine = {(reading.engine, reading.symbology, reading.text) for reading in found}
    assert by_engine == {
        (ZXING, "Code128", NUMBER),
        (ZXING, "QRCode", NUMBER),
        (ZBAR, "Code128", NUMBER),
    }


def test_a_machine_without_libzbar_goes_on_with_zxing() -> None:
    program = (
        "import ctypes.util\n"
        "ctypes.util.find_library = lambda name: None\n"
        "import cv2, numpy, sys\n"
        "from capture.barcode import decode, read_live, read_still\n"
        "from capture.engines import engines\n"
        "data = numpy.frombuffer(sys.stdin.buffer.read(), 'uint8')\n"
        "picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)\n"
        "for readings in (decode(picture, engines=['zxing', 'zbar']), read_still(picture),\n"
        "                 read_live(picture, ['Code128'], dear=True)):\n"
        "    print([(reading.engine, reading.text) for reading in readings])\n"
        "zxing, zbar = engines()\n"
        "print(zxing.available, zbar.available, zbar.why)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=cv2.imencode(".png", scene())[1].tobytes(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    *found, last = done.stdout.decode().splitlines()
    assert found == [str([("zxing", NUMBER)])] * 3
    assert last.startswith("True False Unable to find zbar shared library.")
    assert "apt install libzbar0" in last


# ---------------------------------------------------------------------------- live looks


def test_the_cheap_look_leaves_the_dear_symbologies_out() -> None:
    picture = put(scene(), symbol("MATRIX-1", "DataMatrix", 4), 900, 400)
    wanted = ["Code128", "DataMatrix"]
    assert texts(read_live(picture, wanted, dear=False)) == [NUMBER]
    assert set(texts(read_live(picture, wanted, dear=True))) == {NUMBER, "MATRIX-1"}
    assert read_live(picture, ["DataMatrix"], dear=False) == []


@needs_libzbar
def test_the_dear_look_brings_the_second_vote() -> None:
    cheap, dear = (read_live(scene(), ["Code128"], dear=dear) for dear in (False, True))
    assert [reading.engine for reading in cheap] == [ZXING]
    assert [reading.engine for reading in dear] == [ZXING, ZBAR]


def test_the_blurred_look_reads_through_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 45, (720, 1280))
    picture = np.clip(scene() + noise, 0, 255).astype(np.uint8)
    assert read_live(picture, ["Code128"]) == []
    assert texts(read_live(picture, ["Code128"], blurred=True)) == [NUMBER]
    assert NUMBER in texts(read_live(picture, ["Code128"], dear=True))


def test_the_plain_look_reads_thin_bars() -> None:
    picture = put(desk(), thin_bars(1.8), 300, 250)
    assert texts(read_live(picture, ["Code128"])) == [NUMBER]
    assert read_live(picture, ["Code128"], blurred=True) == []


# ---------------------------------------------------------------------------- stills


@pytest.mark.parametrize("degrees", [28, 45, -33, 60])
def test_a_still_is_read_at_any_tilt(degrees: float) -> None:
    low = symbol(NUMBER)[:130]  # so low that no row or column crosses all bars
    picture = tilted(put(desk(), low, 320, 290), degrees)
    assert decode(picture) == []
    (reading,) = read_still(picture)
    assert (reading.text, reading.engine) == (NUMBER, ZXING)
    centre = np.mean(reading.polygon, axis=0)
    turn = cv2.getRotationMatrix2D((640, 360), degrees, 1.0)
    middle = turn @ (320 + low.shape[1] / 2, 290 + 65, 1)
    assert np.abs(centre - middle).max() < 15


@pytest.mark.parametrize(
    ("code", "noise", "what_reads_it"),
    [
        (symbol(NUMBER, "QRCode", 4), 100, "blurred"),
        (symbol(NUMBER, "QRCode", 3), 60, "half the size"),
        (thin_bars(1.4), 25, "twice the size"),
        (thin_bars(1.8), 40, "averaged along upright bars"),
        (thin_bars(1.8).T, 40, "averaged along lying bars"),
    ],
)
def test_a_still_is_read_that_a_plain_look_does_not_read(
    code: Picture, noise: float, what_reads_it: str
) -> None:
    grain = np.random.default_rng(1).normal(0, noise, (720, 1280))
    picture = np.clip(put(desk(), code, 300, 250) + grain, 0, 255).astype(np.uint8)
    assert decode(picture) == []
    (reading,) = read_still(picture)
    assert reading.text == NUMBER, what_reads_it
    middle = (300 + code.shape[1] / 2, 250 + code.shape[0] / 2)
    assert np.abs(np.mean(reading.polygon, axis=0) - middle).max() < 15


def test_a_still_of_4k_shows_bars_that_1920_pixels_lose() -> None:
    picture = put(desk(3840, 2160), thin_bars(2.2), 1001, 801)
    assert decode(picture) == []
    assert texts(read_still(picture)) == [NUMBER]


def test_all_codes_of_a_label_are_read_once() -> None:
    picture = put(scene(), symbol("ROUTE 42", "QRCode", 3), 900, 400)
    picture = put(picture, symbol("REF12345678", module_px=2), 300, 550)
    assert sorted(texts(read_still(picture))) == [NUMBER, "REF12345678", "ROUTE 42"]


def test_bars_that_contradict_themselves_are_not_believed() -> None:
    upper, lower = symbol(NUMBER), symbol("1Z999AA10128456784")
    assert upper.shape == lower.shape
    half = upper.shape[0] // 2
    both = np.vstack([upper[:half], lower[half:]])
    picture = put(desk(), both, 300, 250)
    assert len(texts(decode(picture))) >= 1
    assert read_still(picture) == []


def test_nothing_is_read_where_nothing_is() -> None:
    assert read_still(desk(1920, 1080)) == []


# ---------------------------------------------------------------------------- the thread


class Bench:
    """A reader whose events are collected."""

    def __init__(self, **settings: Any) -> None:
        self.events: queue.Queue[CaptureEvent] = queue.Queue()
        self.reader = ReaderThread("overhead", self.events.put, rate_hz=40, **settings)
        self.index = 0

    def show(self, picture: Picture, seconds: float) -> None:
        """Offer moving frames of `picture` for a while, as a 30 fps camera would."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.index += 1
            moved = np.roll(picture, self.index % 9, axis=1)
            self.reader.offer(frame_of(moved, self.index))
            time.sleep(1 / 30)

    def show_until_told(self, picture: Picture) -> list[str]:
        """Show `picture` until something is told of it, then a little longer."""
        until = time.monotonic() + 20
        while self.events.empty() and time.monotonic() < until:
            self.show(picture, 0.1)
        self.show(picture, 0.5)
        return self.told()

    def told(self) -> list[str]:
        found = []
        while not self.events.empty():
            event = self.events.get()
            assert isinstance(event, ReadingSeen)
            assert event.camera == "overhead"
            found.append(event.reading.text)
        return found


def frame_of(picture: Picture, index: int = 1) -> Frame:
    bgr: Picture = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return Frame(index, time.monotonic_ns(), dt.datetime.now(dt.UTC), bgr)


def test_a_label_held_into_view_is_told_once_and_again_after_it_was_away() -> None:
    bench = Bench(consensus=Consensus(away_s=1.0))
    bench.reader.start()
    try:
        bench.show(desk(), 0.2)
        assert bench.show_until_told(scene()) == [NUMBER]
        bench.show(desk(), 1.5)
        assert bench.told() == []
        assert bench.show_until_told(scene()) == [NUMBER]
    finally:
        bench.reader.close()


def test_a_label_in_a_dim_room_is_told() -> None:
    noise = np.random.default_rng(1).normal(0, 45, (720, 1280))
    bench = Bench(dear_every=1000)
    bench.reader.start()
    try:
        dim = np.clip(scene() + noise, 0, 255).astype(np.uint8)
        assert bench.show_until_told(dim) == [NUMBER]
    finally:
        bench.reader.close()


def test_a_bad_frame_does_not_end_the_reading(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.reader.start()
    try:
        until = time.monotonic() + 20
        while not caplog.records and time.monotonic() < until:
            bench.show(np.zeros((20, 20, 3), np.float32), 0.1)
        assert "camera overhead: reading barcodes failed on a frame" in caplog.text
        assert bench.show_until_told(scene()) == [NUMBER]
    finally:
        bench.reader.close()


def test_offering_never_blocks_while_the_reader_is_busy() -> None:
    stuck, release = threading.Event(), threading.Event()

    def hold(event: CaptureEvent) -> None:
        stuck.set()
        release.wait(20)

    reader = ReaderThread("overhead", hold, rate_hz=100)
    reader.start()
    try:
        picture = scene()
        until = time.monotonic() + 10
        while not stuck.is_set() and time.monotonic() < until:
            reader.offer(frame_of(picture))
            time.sleep(0.02)
        assert stuck.is_set()
        began = time.monotonic()
        for index in range(1000):
            reader.offer(frame_of(picture[:10, :10], index))
        assert time.monotonic() - began < 5
    finally:
        release.set()
        reader.close()


def test_of_the_frames_that_came_meanwhile_the_newest_is_read() -> None:
    told: queue.Queue[str] = queue.Queue()
    release = threading.Event()

    def hold(event: CaptureEvent) -> None:
        assert isinstance(event, ReadingSeen)
        told.put(event.reading.text)
        release.wait(20)

    reader = ReaderThread("overhead", hold, rate_hz=100)
    reader.start()
    try:
        reader.offer(frame_of(scene("FIRST", "QRCode")))
        assert told.get(timeout=20) == "FIRST"
        reader.offer(frame_of(scene("OLD", "QRCode")))
        reader.offer(frame_of(scene("NEW", "QRCode")))
        release.set()
        assert told.get(timeout=20) == "NEW"
    finally:
        release.set()
        reader.close()
    assert told.empty()


def test_closing_ends_the_thread_with_or_without_frames() -> None:
    for frames in (0, 1):
        reader = ReaderThread("closing", lambda event: None)
        reader.start()
        if frames:
            reader.offer(frame_of(scene()))
        reader.close()
        assert not any(thread.name == "read closing" for thread in threading.enumerate())
    ReaderThread("never started", lambda event: None).close()


@pytest.mark.parametrize("wrong", [{"rate_hz": 0}, {"dear_every": 0}, {"symbologies": ["Morse"]}])
def test_a_reader_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"positive|unknown symbology"):
        ReaderThread("overhead", lambda event: None, **wrong)
