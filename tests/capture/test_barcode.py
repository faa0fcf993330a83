"""Reading one still: each look for what only it reads, and nothing without two of them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from capture import barcode, strips
from capture.barcode import read_still
from capture.engines import DEFAULT_SYMBOLOGIES, ZBAR, ZXING, Grey, engines
from capture.events import Reading
from tests.capture.codes import (
    NUMBER,
    OTHER,
    desk,
    grainy,
    middle,
    put,
    scene,
    symbol,
    texts,
    thin_bars,
    tilted,
)

needs_libzbar = pytest.mark.skipif(not engines()[1].available, reason="no libzbar here")

PLAIN, STRIPS, BAND_0, BAND_1, BAND_2, EVEN_LIGHT, LARGER, BLURRED, SOFT = range(9)
TURNED, TURNED_MORE, TURNED_MOST = range(9, 12)
"""The looks in their order."""


def low_bars(degrees: float) -> Grey:
    """So low that no row or column crosses all of them."""
    return tilted(put(desk(), symbol(NUMBER)[:130], 320, 290), degrees)


def soft_bars(module_px: float, modules: float) -> Grey:
    """Out of focus: a blur of so many modules."""
    picture = put(desk(), thin_bars(module_px), 300, 250)
    return grainy(cv2.GaussianBlur(picture, (0, 0), modules * module_px), 2)


def in_the_shade() -> Grey:
    """Small dots, noise, and light that falls off to the right."""
    shaded = scene(NUMBER, "QRCode", 2) * np.linspace(1, 0.15, 1280)
    return grainy(shaded.astype(np.uint8), 25)


def tilted_417(degrees: float) -> Grey:
    return tilted(put(desk(), symbol(NUMBER, "PDF417"), 520, 290), degrees)


# ---------------------------------------------------------------------------- looks

HARD: dict[str, tuple[set[int], Grey]] = {
    "plain": ({PLAIN, TURNED_MOST}, in_the_shade()),
    "strips, bars at an angle": ({STRIPS}, low_bars(45)),
    "strips, thin bars": ({STRIPS}, grainy(put(desk(), thin_bars(1.6), 300, 250), 25)),
    "bands": ({BAND_0, BAND_1, BAND_2}, soft_bars(3.0, 0.7)),
    "bands, thin bars": ({BAND_0, BAND_1, BAND_2}, soft_bars(2.0, 0.7)),
    "even light": ({EVEN_LIGHT}, grainy(scene(NUMBER, "QRCode", 5), 130)),
    "twice the size": ({LARGER}, grainy(put(desk(), thin_bars(1.6), 300, 250), 25)),
    "blurred": ({BLURRED}, grainy(scene(NUMBER, "QRCode", 4), 100)),
    "soft": ({SOFT}, grainy(scene(NUMBER, "QRCode", 6), 160)),
    "turned": ({TURNED}, tilted_417(-22.5)),
    "turned more": ({TURNED_MORE}, tilted_417(45)),
    "turned most": ({TURNED_MOST}, tilted_417(-67.5)),
}
"""What is not read without these looks."""


@pytest.mark.parametrize("name", HARD)
def test_each_look_reads_what_the_others_do_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    off, picture = HARD[name]
    assert texts(read_still(picture)) == [NUMBER]
    all_looks = barcode._looks

    def without(*given: Any) -> Iterator[tuple[list[Reading], Any]]:
        for index, (readings, back) in enumerate(all_looks(*given)):
            yield ([] if index in off else readings), back

    monkeypatch.setattr(barcode, "_looks", without)
    assert read_still(picture) == []


@needs_libzbar
def test_zbars_vote_counts_where_no_other_look_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = low_bars(45)
    assert texts(read_still(picture)) == [NUMBER]
    monkeypatch.setattr(strips, "read_zbar", lambda *given: [])
    assert read_still(picture) == []


def test_zbar_alone_is_no_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks(*given: Any) -> Iterator[tuple[list[Reading], Any]]:
        for _ in range(4):
            yield [replace(bars(NUMBER), engine=ZBAR)], np.eye(3)

    monkeypatch.setattr(barcode, "_looks", looks)
    assert read_still(desk()) == []


@pytest.mark.parametrize("degrees", [28, 45, -33, 60])
def test_bars_at_any_tilt_are_told_where_they_stand(degrees: float) -> None:
    (reading,) = read_still(low_bars(degrees))
    assert (reading.text, reading.engine) == (NUMBER, ZXING)
    turn = cv2.getRotationMatrix2D((640, 360), degrees, 1.0)
    there = turn @ (320 + symbol(NUMBER).shape[1] / 2, 290 + 65, 1)
    assert np.abs(middle(reading.polygon) - there).max() < 30


@pytest.mark.parametrize("name", HARD)
def test_every_look_tells_the_place_in_pixels_of_the_picture(name: str) -> None:
    (reading,) = read_still(HARD[name][1])
    turned = "turned" in name or "angle" in name
    low, high = ((480, 200), (800, 520)) if turned else ((300, 250), (700, 400))
    assert all(np.less(low, middle(reading.polygon)) & np.less(middle(reading.polygon), high))


def test_a_small_picture_is_enlarged_before_bars_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = tilted(put(desk(640, 480), thin_bars(1.1, high=50), 200, 201), 30)
    (reading,) = read_still(picture)
    assert reading.text == NUMBER
    assert np.abs(middle(reading.polygon) - (320, 240)).max() < 60
    monkeypatch.setattr(barcode, "_SMALL_PX", 0)
    assert read_still(picture) == []


def test_what_is_read_at_twice_the_size_is_told_where_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    all_looks = barcode._looks

    def only_larger(*given: Any) -> Iterator[tuple[list[Reading], Any]]:
        yield list(all_looks(*given))[LARGER]

    monkeypatch.setattr(barcode, "_looks", only_larger)
    (reading,) = read_still(put(desk(640, 480), symbol(NUMBER, "QRCode", 2), 400, 300))
    assert np.abs(middle(reading.polygon) - (400 + 33, 300 + 33)).max() < 10


def test_4k_shows_bars_that_1920_pixels_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = grainy(put(desk(3840, 2160), thin_bars(1.8), 1001, 801), 15)
    (reading,) = read_still(picture)
    assert reading.text == NUMBER
    assert np.abs(middle(reading.polygon) - (1001 + 150, 801 + 45)).max() < 60
    monkeypatch.setattr(barcode, "_OWN_SIZE_PX", 1920)
    assert read_still(picture) == []


def test_a_large_code_in_4k_is_told_in_its_own_pixels() -> None:
    picture = cv2.resize(scene(module_px=4), (3840, 2160), interpolation=cv2.INTER_CUBIC)
    (reading,) = read_still(picture)
    code = symbol(NUMBER, module_px=4)
    there = (3 * (300 + code.shape[1] / 2), 3 * (250 + code.shape[0] / 2))
    assert np.abs(middle(reading.polygon) - there).max() < 36


# ---------------------------------------------------------------------------- what is asked for


def test_product_codes_are_told_only_where_they_are_asked_for() -> None:
    picture = scene("590123412345", "EAN13")
    assert read_still(picture) == []
    (reading,) = read_still(picture, ["EANUPC"])
    assert (reading.text, reading.symbology) == ("5901234123457", "EANUPC")
    assert read_still(scene(), ["EANUPC", "QRCode"]) == []


@pytest.mark.parametrize(
    ("content", "symbology"),
    [("123456", "ITF"), ("AB12", "Code39"), ("A12345B", "Codabar"), ("12345", "MicroQRCode")],
)
def test_what_no_waybill_carries_is_not_told(content: str, symbology: str) -> None:
    assert read_still(scene(content, symbology)) == []


@pytest.mark.parametrize(
    ("content", "symbology", "text"),
    [
        ("12345678901231", "ITF", "12345678901231"),
        ("AB-123456", "Code39", "AB-123456"),
        ("A40156789B", "Codabar", "40156789"),
    ],
)
def test_other_bars_that_waybills_carry_are_told(content: str, symbology: str, text: str) -> None:
    (reading,) = read_still(tilted(scene(content, symbology), 45), mono_ns=42)
    assert (reading.text, reading.symbology, reading.mono_ns) == (text, symbology, 42)


def test_without_bars_asked_for_none_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barcode, "locate", pytest.fail)
    picture = put(scene(), symbol("ROUTE 42", "QRCode"), 900, 400)
    assert texts(read_still(picture, ["QRCode"])) == ["ROUTE 42"]


def test_what_cannot_be_asked_for_is_named() -> None:
    with pytest.raises(ValueError, match="unknown symbology Morse: allowed are Code128"):
        read_still(desk(), ["Code128", "Morse"])
    with pytest.raises(ValueError, match="no symbology"):
        read_still(desk(), [])
    with pytest.raises(ValueError, match="empty"):
        read_still(np.zeros((0, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8, not float32"):
        read_still(np.zeros((5, 5), np.float32))


# ---------------------------------------------------------------------------- votes


def test_one_look_is_not_enough_for_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks(*given: Any) -> Iterator[tuple[list[Reading], Any]]:
        yield [bars(NUMBER), bars(NUMBER)], np.eye(3)

    monkeypatch.setattr(barcode, "_looks", looks)
    assert read_still(desk()) == []


def test_looks_that_read_otherwise_in_the_same_place_drop_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looks(votes: Collection[str], y: int) -> list[str]:
        def of_those(*given: Any) -> Iterator[tuple[list[Reading], Any]]:
            for text in votes:
                yield [bars(text, y if text != NUMBER else 100)], np.eye(3)

        monkeypatch.setattr(barcode, "_looks", of_those)
        return texts(read_still(desk()))

    assert looks([NUMBER, OTHER, NUMBER, OTHER], 110) == []
    assert looks([NUMBER, OTHER, NUMBER], 110) == []
    assert looks([NUMBER, "99AA1", NUMBER], 110) == []
    assert looks([NUMBER, OTHER, NUMBER, NUMBER], 110) == [NUMBER]
    assert looks([NUMBER, OTHER, NUMBER, OTHER], 600) == [NUMBER, OTHER]


def bars(text: str, y: int = 100) -> Reading:
    corners = ((100, y), (500, y), (500, y + 80), (100, y + 80))
    return Reading(text, "Code128", corners, ZXING, 0)


def test_bars_that_contradict_themselves_are_not_believed() -> None:
    upper, lower = symbol(NUMBER), symbol(OTHER)
    assert upper.shape == lower.shape
    half = upper.shape[0] // 2
    picture = put(desk(), np.vstack([upper[:half], lower[half:]]), 300, 250)
    assert read_still(picture) == []


def test_one_vote_for_a_code_that_corrects_its_errors_survives_bars_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dots = Reading("ROUTE 42", "QRCode", bars("").polygon, ZXING, 0)

    def looks(*given: Any) -> Iterator[tuple[list[Reading], Any]]:
        yield [dots, bars(NUMBER)], np.eye(3)
        yield [bars(NUMBER)], np.eye(3)

    monkeypatch.setattr(barcode, "_looks", looks)
    assert texts(read_still(desk())) == [NUMBER, "ROUTE 42"]


def test_all_codes_of_a_label_are_told_once_the_surest_first() -> None:
    picture = put(scene(), symbol("ROUTE 42", "QRCode", 3), 900, 400)
    picture = put(picture, symbol("REF12345678", module_px=2), 300, 550)
    found = texts(read_still(picture))
    assert sorted(found) == [NUMBER, "REF12345678", "ROUTE 42"]
    assert found[-1] == "ROUTE 42"


def test_nothing_is_read_where_nothing_is() -> None:
    assert read_still(desk(1920, 1080)) == []


# ---------------------------------------------------------------------------- enough


def test_it_stops_as_soon_as_what_is_believed_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    all_looks = barcode._looks

    def counted(*given: Any) -> Iterator[tuple[list[Reading], Any]]:
        nonlocal looks
        for look in all_looks(*given):
            looks += 1
            yield look

    monkeypatch.setattr(barcode, "_looks", counted)
    asked: list[str] = []

    def enough(reading: Reading) -> bool:
        asked.append(reading.text)
        return reading.text == NUMBER

    assert texts(read_still(scene(), enough=enough)) == [NUMBER]
    assert looks == 2  # one vote is not enough, two are
    assert asked == [NUMBER]
    looks = 0
    assert texts(read_still(scene(), enough=lambda reading: False)) == [NUMBER]
    assert looks == 8  # without those for pictures in which nothing was read
    looks = 0
    assert read_still(desk(), enough=enough) == []
    assert looks == 12


def test_enough_saves_time() -> None:
    def spent_s(enough: bool) -> float:
        began_s = time.process_time()
        read_still(scene(), enough=lambda reading: enough)
        return time.process_time() - began_s

    spent_s(True)
    assert spent_s(True) < 0.7 * spent_s(False)


# ---------------------------------------------------------------------------- odd pictures


@pytest.mark.parametrize(
    "size", [(1, 1), (3, 3), (1, 4000), (4000, 1), (7, 3), (100, 8000), (8000, 30)]
)
def test_a_picture_of_any_size_is_searched(size: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        assert read_still(np.full(size, level, np.uint8)) == []
    noise = np.random.default_rng(1).integers(0, 256, size, np.uint8)
    assert read_still(noise, DEFAULT_SYMBOLOGIES) == []


def test_bars_that_fill_the_picture_are_read() -> None:
    code = symbol(NUMBER, module_px=4)
    assert texts(read_still(code)) == [NUMBER]
    assert texts(read_still(code[20:-20])) == [NUMBER]


def test_the_shared_frame_is_left_as_it_is() -> None:
    picture = cv2.cvtColor(scene(), cv2.COLOR_GRAY2BGR)
    before = picture.copy()
    picture.flags.writeable = False
    assert read_still(picture)
    assert np.array_equal(picture, before)
