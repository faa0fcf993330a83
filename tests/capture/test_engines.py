"""The engines: what one look of zxing-cpp or ZBar reads, and what is not wanted of it."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from capture.engines import (
    DEFAULT_SYMBOLOGIES,
    SYMBOLOGIES,
    ZBAR,
    ZXING,
    Grey,
    check_symbologies,
    engines,
    read_zbar,
    read_zxing,
    to_grey,
)
from tests.capture.codes import NUMBER, desk, grainy, middle, put, scene, symbol, texts

needs_libzbar = pytest.mark.skipif(not engines()[1].available, reason="no libzbar here")


@pytest.mark.parametrize(
    "symbology", ["Code128", "Code39", "Codabar", "QRCode", "DataMatrix", "Aztec", "PDF417"]
)
def test_what_waybills_carry_is_read(symbology: str) -> None:
    text = "12345678901234" if symbology == "Codabar" else NUMBER
    code = symbol(f"A{text}B" if symbology == "Codabar" else text, symbology, 2)
    (reading,) = read_zxing(put(desk(), code, 300, 250), DEFAULT_SYMBOLOGIES, 42)
    assert (reading.text, reading.symbology) == (text, symbology)
    assert (reading.engine, reading.mono_ns, reading.look) == (ZXING, 42, "")
    there = (300 + code.shape[1] / 2, 250 + code.shape[0] / 2)
    assert np.abs(middle(reading.polygon) - there).max() < 12


@pytest.mark.parametrize(
    ("content", "symbology", "text"),
    [
        ("590123412345", "EAN13", "5901234123457"),
        ("01234567890", "UPCA", "0012345678905"),
        ("1234567", "EAN8", "12345670"),
    ],
)
def test_product_codes_are_read_where_they_are_asked_for(
    content: str, symbology: str, text: str
) -> None:
    picture = scene(content, symbology)
    assert read_zxing(picture, DEFAULT_SYMBOLOGIES) == []
    (reading,) = read_zxing(picture, ["QRCode", "EANUPC"])
    assert (reading.text, reading.symbology) == (text, "EANUPC")


@pytest.mark.parametrize(
    ("symbology", "long_enough", "short"),
    [
        ("ITF", "12345678", "123456"),
        ("Code39", "AB-123", "AB-12"),
        ("Codabar", "A123456B", "A12345B"),
    ],
)
def test_short_bars_without_a_check_sum_are_no_reading(
    symbology: str, long_enough: str, short: str
) -> None:
    text = long_enough[1:-1] if symbology == "Codabar" else long_enough
    for read in (read_zxing, read_zbar) if engines()[1].available else (read_zxing,):
        assert texts(read(scene(long_enough, symbology), SYMBOLOGIES)) == [text]
        assert read(scene(short, symbology), SYMBOLOGIES) == []


@pytest.mark.parametrize(
    ("ends", "text"), [("AB", "40156-7+8"), ("CD", "11:22/33"), ("DA", "123456")]
)
def test_the_start_and_stop_letters_of_codabar_are_no_data(ends: str, text: str) -> None:
    picture = scene(f"{ends[0]}{text}{ends[1]}", "Codabar")
    assert texts(read_zxing(picture, ["Codabar"])) == [text]
    if engines()[1].available:
        assert texts(read_zbar(picture, ["Codabar"])) == [text]


def test_letters_at_the_ends_of_other_bars_are_data() -> None:
    assert texts(read_zxing(scene("A1234567B"), SYMBOLOGIES)) == ["A1234567B"]
    assert texts(read_zxing(scene("A1234567B", "Code39"), SYMBOLOGIES)) == ["A1234567B"]


@pytest.mark.parametrize("kind", ["MicroQRCode", "RMQRCode", "MicroPDF417"])
def test_small_relatives_that_no_waybill_carries_are_no_reading(kind: str) -> None:
    assert read_zxing(scene("12345678", kind, 4), SYMBOLOGIES, thorough=True) == []


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
    assert texts(read_zxing(picture, DEFAULT_SYMBOLOGIES)) == [payload]


@pytest.mark.parametrize(
    "payload", [bytes(range(256)), b"\xff\xfe\x80 1Z", b"\xed\xa0\x80 surrogate", b"\xc3\x28"]
)
def test_bytes_that_are_no_text_do_not_raise(payload: bytes) -> None:
    (reading,) = read_zxing(scene(payload, "QRCode"), DEFAULT_SYMBOLOGIES)
    assert reading.text
    reading.text.encode("utf-8")


def test_white_on_black_and_lying_bars_are_read_by_the_looks_that_try_them() -> None:
    negative = 255 - scene(NUMBER, "QRCode")
    assert read_zxing(negative, ["QRCode"]) == []
    assert texts(read_zxing(negative, ["QRCode"], thorough=True)) == [NUMBER]
    lying = np.ascontiguousarray(scene().T)
    assert texts(read_zxing(lying, ["Code128"])) == [NUMBER]
    assert read_zxing(lying, ["Code128"], upright=True) == []


def test_one_threshold_reads_what_noise_hides_from_each_places_own() -> None:
    noisy = grainy(scene(NUMBER, "QRCode", 5), 120)
    assert read_zxing(noisy, ["QRCode"], thorough=True) == []
    assert texts(read_zxing(noisy, ["QRCode"], thorough=True, even_light=True)) == [NUMBER]


def test_nothing_asked_for_is_nothing_read() -> None:
    assert read_zxing(scene(), []) == []
    assert read_zbar(scene(), []) == []


def test_what_cannot_be_asked_for_is_named() -> None:
    assert check_symbologies(["QRCode", "EANUPC"]) == ("QRCode", "EANUPC")
    assert check_symbologies(SYMBOLOGIES) == SYMBOLOGIES
    with pytest.raises(ValueError, match="unknown symbology Morse: allowed are Code128"):
        check_symbologies(["Code128", "Morse"])
    with pytest.raises(ValueError, match="no symbology"):
        check_symbologies([])


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
def test_what_is_no_picture_is_refused(bad: Grey, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        to_grey(bad)


def test_a_picture_that_is_a_part_of_another_is_read() -> None:
    wide = np.repeat(np.repeat(scene(), 2, axis=0), 2, axis=1)
    assert texts(read_zxing(to_grey(wide[::2, ::2]), ["Code128"])) == [NUMBER]
    coloured = cv2.cvtColor(scene(), cv2.COLOR_GRAY2BGR)
    assert np.array_equal(to_grey(coloured), scene())


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (7, 3)])
def test_a_picture_of_any_size_is_searched(size: tuple[int, int]) -> None:
    picture = np.full(size, 128, np.uint8)
    assert read_zxing(picture, SYMBOLOGIES, thorough=True) == []
    assert read_zbar(picture, SYMBOLOGIES) == []


# ---------------------------------------------------------------------------- ZBar


@needs_libzbar
def test_zbar_reads_bars_and_nothing_else() -> None:
    picture = put(scene(), symbol("MATRIX-1", "QRCode", 3), 900, 400)
    picture = put(picture, symbol("590123412345", "EAN13", 2), 300, 500)
    found = read_zbar(picture, SYMBOLOGIES, 42)
    assert {(each.text, each.symbology, each.engine) for each in found} == {
        (NUMBER, "Code128", ZBAR)
    }
    assert found[0].mono_ns == 42
    assert read_zbar(picture, ["QRCode", "EANUPC"]) == []


def test_no_engine_writes_to_the_terminal() -> None:
    """ZBar's decoders of QR and DataBar print assertions."""
    program = (
        "import cv2, numpy, sys\n"
        "from capture.barcode import read_still\n"
        "from capture.live import LiveReader\n"
        "data = numpy.frombuffer(sys.stdin.buffer.read(), 'uint8')\n"
        "picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)\n"
        "reader = LiveReader(duty=1.0)\n"
        "for index in range(9):\n"
        "    reader.look(picture, index * 33_000_000)\n"
        "print(len(read_still(picture)))\n"
    )
    picture = scene()
    for at, content in enumerate(("1Z-A", "1Z-B" * 30, "\x1b[31m")):
        picture = put(picture, symbol(content, "QRCode", 2), 100 + 350 * at, 450)
    picture = put(picture, symbol("0112345678901231", "DataBarOmni", 2), 900, 100)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=cv2.imencode(".png", picture)[1].tobytes(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout) == 4
    assert done.stderr == b""


def test_a_machine_without_libzbar_goes_on_with_zxing() -> None:
    program = (
        "import ctypes.util\n"
        "ctypes.util.find_library = lambda name: None\n"
        "import cv2, numpy, sys\n"
        "from capture.barcode import read_still\n"
        "from capture.engines import engines, read_zbar\n"
        "from capture.live import LiveReader\n"
        "data = numpy.frombuffer(sys.stdin.buffer.read(), 'uint8')\n"
        "picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)\n"
        "print(read_zbar(picture, ['Code128']))\n"
        "print([(reading.engine, reading.text) for reading in read_still(picture)])\n"
        "reader = LiveReader(['Code128'])\n"
        "seen = [each for index in range(4) for each in reader.look(picture, index)]\n"
        "print([(each.reading.engine, each.reading.text) for each in seen])\n"
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
    of_zbar, *found, last = done.stdout.decode().splitlines()
    assert of_zbar == "[]"
    assert found == [str([("zxing", NUMBER)])] * 2
    assert last.startswith("True False Unable to find zbar shared library.")
    assert "apt install libzbar0" in last
