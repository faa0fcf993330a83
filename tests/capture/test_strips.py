"""Bars found in a picture, turned upright and brought back into focus."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture import strips
from capture.engines import Grey, read_zxing
from capture.strips import BANDS, BLURS, Blur, Region, deblur, locate, read_strip, rectify, refine
from tests.capture.codes import (
    NUMBER,
    PAPER,
    desk,
    grainy,
    put,
    scene,
    symbol,
    texts,
    thin_bars,
    tilted,
)

BARS = ["Code128"]
ANGLES = range(0, 180, 15)


def label(degrees: float, module_px: float = 2.0, noise: float = 3) -> Grey:
    """Bars of 378 by 90 px at 2 px a module, their middle that of the picture."""
    code = thin_bars(module_px)
    high, wide = code.shape
    flat = put(desk(), code, 640 - wide // 2, 360 - high // 2)
    return grainy(tilted(flat, -degrees), noise)  # clockwise, as the picture's y goes down


def off_degrees(region: Region, degrees: float) -> float:
    """How far the bars of `region` point away from `degrees`; their direction has no sense."""
    angle = math.degrees(math.atan2(region.across[1], region.across[0]))
    return (angle - degrees + 90) % 180 - 90


# ---------------------------------------------------------------------------- places


@pytest.mark.parametrize("degrees", ANGLES)
def test_bars_are_found_at_any_angle(degrees: int) -> None:
    picture = label(degrees)
    region = locate(picture)[0]
    assert math.hypot(region.center_x - 640, region.center_y - 360) < 24
    assert 440 < region.length_px < 560  # 189 modules of bars, and quiet zones
    assert 50 < region.height_px < 130
    assert abs(off_degrees(region, degrees)) < 6
    assert math.hypot(*region.across) == pytest.approx(1)
    assert abs(off_degrees(refine(picture, region), degrees)) < 0.3


@pytest.mark.parametrize("wrong_by", [-2.5, -1, 1, 2.5])
def test_an_angle_is_corrected(wrong_by: float) -> None:
    for degrees in (0, 30, 75):
        picture = label(degrees)
        angle = math.radians(degrees + wrong_by)
        wrong = Region(640, 360, 480, 90, (math.cos(angle), math.sin(angle)), 1.0)
        assert abs(off_degrees(refine(picture, wrong), degrees)) < 0.3


def test_what_is_no_bars_corrects_nothing() -> None:
    lying = Region(640, 360, 480, 90, (0.0, 1.0), 1.0)
    assert refine(label(0), lying) == lying
    assert refine(np.full((720, 1280), 90, np.uint8), lying) == lying


@pytest.mark.parametrize("module_px", [1.2, 2.0, 4.0])
def test_thin_and_wide_bars_are_found(module_px: float) -> None:
    region = locate(label(30, module_px))[0]
    assert math.hypot(region.center_x - 640, region.center_y - 360) < 10 + 12 * module_px


def test_the_strongest_come_first_and_no_more_than_asked_for() -> None:
    picture = put(scene(), symbol("REF12345678", module_px=2)[:50], 300, 550)
    found = locate(picture, 9)
    assert len(found) >= 2
    strengths = [region.strength for region in found]
    assert strengths == sorted(strengths, reverse=True)
    assert abs(found[0].center_y - 320) < 40
    assert locate(picture, 1) == found[:1]


def test_one_label_is_one_place_and_two_are_two() -> None:
    assert len([each for each in locate(label(20), 9) if each.strength > 5_000]) == 1
    code = symbol("REF12345678", module_px=2)[:60]
    for degrees in (0, 30):
        flat = put(put(desk(), code, 500, 250), code, 500, 390)
        found = locate(tilted(flat, degrees), 2)
        assert math.dist(*((each.center_x, each.center_y) for each in found)) == pytest.approx(
            140, abs=12
        )


def test_print_is_no_bars() -> None:
    strongest = max((region.strength for region in locate(desk())), default=0.0)
    assert strongest < 0.1 * locate(label(0))[0].strength


def test_corners_are_those_of_the_bars_clockwise() -> None:
    region = Region(100, 200, 80, 40, (1.0, 0.0), 1.0)
    assert region.corners == ((60, 180), (140, 180), (140, 220), (60, 220))
    lying = Region(100, 200, 80, 40, (0.0, 1.0), 1.0)
    assert lying.corners == ((120, 160), (120, 240), (80, 240), (80, 160))
    assert region.scaled(2).corners == ((120, 360), (280, 360), (280, 440), (120, 440))


# ---------------------------------------------------------------------------- strips


@pytest.mark.parametrize("degrees", ANGLES)
def test_a_strip_shows_the_bars_upright(degrees: int) -> None:
    picture = label(degrees)
    strip = rectify(picture, refine(picture, locate(picture)[0]))
    assert strip.dtype == np.uint8
    assert strip.shape[1] > 2 * 189 * 2  # twice as long as the bars
    down = cv2.absdiff(strip[4:-4], strip[2:-6]).mean()
    across = cv2.absdiff(strip[:, 4:], strip[:, :-4]).mean()
    assert down < 0.25 * across
    assert texts(read_zxing(strip, BARS, upright=True)) == [NUMBER]


def test_a_strip_never_grows_beyond_reason() -> None:
    far = Region(2000, 1000, 4000, 900, (1.0, 0.0), 1.0)
    assert rectify(np.zeros((2160, 3840), np.uint8), far, 4.0).shape == (200, 3600)
    tiny = Region(5, 5, 0.5, 0.5, (1.0, 0.0), 1.0)
    assert rectify(np.zeros((10, 10), np.uint8), tiny).shape == (8, 8)


def test_a_strip_is_read_as_it_is_or_in_bands() -> None:
    picture = label(30)
    region = refine(picture, locate(picture)[0])
    plain = read_strip(rectify(picture, region), region, BARS, 42)
    assert [(each.text, each.look, each.mono_ns) for each in plain] == [(NUMBER, "strip", 42)]
    assert plain[0].polygon == region.corners
    banded = read_strip(rectify(picture, region), region, BARS, blurs=BLURS)
    assert {each.look for each in banded} == {"band 0", "band 1", "band 2"}
    only = read_strip(rectify(picture, region), region, BARS, blurs=BLURS[:1], bands=(2,))
    assert [(each.text, each.look) for each in only] == [(NUMBER, "band 2")]
    assert read_strip(rectify(picture, region), region, ["Codabar"], blurs=BLURS) == []


def test_bands_of_high_bars_need_the_right_angle() -> None:
    picture = grainy(put(desk(), thin_bars(1.4, high=200), 500, 260), 3)
    region = refine(picture, locate(picture)[0])
    assert read_strip(rectify(picture, region), region, BARS, blurs=BLURS[:1]) != []
    x, y = math.cos(math.radians(6)), math.sin(math.radians(6))
    crooked = replace(region, across=(x, y))
    assert read_strip(rectify(picture, crooked), crooked, BARS, blurs=BLURS[:1]) == []
    straight = refine(picture, crooked)
    assert read_strip(rectify(picture, straight), straight, BARS, blurs=BLURS[:1]) != []


# ---------------------------------------------------------------------------- blur


def soft_strip(sigma_px: float, noise: float = 2.0) -> tuple[Grey, Grey]:
    """A strip of bars in focus, and one of the same seen by a camera out of focus: `sigma_px` of
    its picture, of which a strip is twice the size."""
    code = thin_bars(6.0)
    sharp = cv2.copyMakeBorder(code, 0, 0, 60, 60, cv2.BORDER_CONSTANT, value=(PAPER,))
    soft = cv2.GaussianBlur(sharp, (0, 0), 2 * sigma_px, borderType=cv2.BORDER_REPLICATE)
    return sharp, grainy(soft, noise)


def likeness(one: Grey, other: Grey) -> float:
    return float(np.corrcoef(one.mean(axis=0), other.mean(axis=0))[0, 1])


@pytest.mark.parametrize("band", range(len(BANDS)))
@pytest.mark.parametrize(
    ("sigma_px", "blur"), [(1.6, BLURS[1]), (1.6, BLURS[2]), (2.2, Blur(2.2, 0.001))]
)
def test_a_lenss_blur_is_taken_out(sigma_px: float, blur: Blur, band: int) -> None:
    sharp, soft = soft_strip(sigma_px)
    restored = deblur(soft, band, blur)
    assert restored.dtype == np.uint8
    assert restored.shape[1] == soft.shape[1]
    levelled = deblur(soft, band, Blur(0.0, 0.0))  # the levels evened, no blur taken out
    assert likeness(restored, sharp) > likeness(soft, sharp) + 0.01
    assert likeness(restored, sharp) > likeness(levelled, sharp) + 0.01


def test_bars_are_read_once_the_blur_is_taken_out() -> None:
    _, soft = soft_strip(2.1)
    assert read_zxing(soft, BARS, upright=True) == []
    assert texts(read_zxing(deblur(soft, 1, BLURS[1]), BARS, upright=True)) == [NUMBER]


def test_each_blur_is_a_look_of_its_own() -> None:
    assert len(set(BLURS)) == len(BLURS)
    assert all(blur.noise > 0 for blur in BLURS)


def test_a_band_is_a_part_of_the_bars() -> None:
    strip = np.full((120, 400), 120, np.uint8)
    for row, left in ((20, 40), (60, 180), (100, 320)):
        strip[row - 10 : row + 10, left : left + 40] = 255
    for band, left in enumerate((40, 180, 320)):
        level = deblur(strip, band, BLURS[0]).mean(axis=0)
        assert left <= int(level.argmax()) < left + 40


def test_a_shadow_along_the_bars_is_levelled() -> None:
    code = thin_bars(4.0)
    shaded = (code * np.linspace(1, 0.1, code.shape[1])).astype(np.uint8)
    level = deblur(shaded, 1, BLURS[0]).mean(axis=0)
    third = len(level) // 3
    assert abs(level[:third].mean() - level[-third:].mean()) < 25
    assert np.ptp(level[-third:]) > 150


# ---------------------------------------------------------------------------- odd pictures


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 500), (500, 1), (3, 3), (23, 900), (24, 24), (25, 3000), (3000, 25)]
)
def test_a_picture_of_any_size_is_searched(size: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        assert locate(np.full(size, level, np.uint8)) == []
    stripes = np.zeros(size, np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    for region in locate(stripes):
        straight = refine(stripes, region)
        read_strip(rectify(stripes, straight), straight, BARS, blurs=BLURS, zbar=True)


def test_a_place_outside_the_picture_is_blank() -> None:
    outside = Region(-5000, 9000, 300, 80, (0.6, 0.8), 1.0)
    picture = label(0)
    assert refine(picture, outside) == outside
    assert np.ptp(rectify(picture, outside)) < 10
    assert read_strip(rectify(picture, outside), outside, BARS, blurs=BLURS, zbar=True) == []


@st.composite
def pictures(draw: st.DrawFn) -> Grey:
    high, wide = draw(st.integers(1, 160)), draw(st.integers(1, 160))
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    match draw(st.sampled_from(["noise", "stripes", "blocks"])):
        case "noise":
            return random.integers(0, 256, (high, wide), np.uint8)
        case "blocks":
            blocks = random.integers(0, 256, (high // 6 + 1, wide // 6 + 1), np.uint8)
            return np.kron(blocks, np.ones((6, 6), np.uint8))[:high, :wide]
    y, x = np.mgrid[:high, :wide]
    angle, period = draw(st.floats(0, math.pi)), draw(st.floats(1.5, 20))
    wave = np.sin((x * math.cos(angle) + y * math.sin(angle)) * 2 * math.pi / period)
    return np.asarray(127 + 120 * wave, np.uint8)


@given(pictures(), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_whatever_is_seen_every_place_can_be_read(picture: Grey, most: int) -> None:
    before = picture.copy()
    found = locate(picture, most)
    assert len(found) <= most
    high, wide = picture.shape
    for region in found:
        assert 0 <= region.center_x <= wide + strips._CELL_PX
        assert 0 <= region.center_y <= high + strips._CELL_PX
        straight = refine(picture, region)
        assert math.hypot(*straight.across) == pytest.approx(1)
        assert all(abs(each) < 1_000 for point in straight.corners for each in point)
        read_strip(rectify(picture, straight), straight, BARS, blurs=BLURS, zbar=True)
    assert np.array_equal(picture, before)
