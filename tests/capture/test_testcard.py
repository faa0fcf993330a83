"""The test card: what is read off pictures of it, near and far, turned, blurred, dark, glaring."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
import zxingcpp

from capture import testcard
from capture.scenery import paint
from capture.testcard import BARS, MARKS, PrintedCode, read_card
from tests.capture.card import seen

FULL_HD, FOUR_K = (1920, 1080), (3840, 2160)


@pytest.mark.parametrize(
    ("px_per_mm", "size", "finest_mm"),
    [(2.0, (1280, 720), 0.66), (3.0, FULL_HD, 0.4), (4.5, FULL_HD, 0.33), (7.0, FOUR_K, 0.2)],
)
def test_the_closer_the_camera_the_finer_the_bars_that_it_reads(
    px_per_mm: float, size: tuple[int, int], finest_mm: float
) -> None:
    card = read_card(seen(px_per_mm, size=size))
    assert card is not None
    assert card.module_mm is not None
    assert card.module_mm <= finest_mm
    assert card.px_per_mm == pytest.approx(px_per_mm, rel=0.02)
    assert 0.6 < card.px_per_module < 2
    assert card.glare < 0.02
    assert card.brightness == pytest.approx(230, abs=8)


@pytest.mark.parametrize("degrees", [3, 17, 45, 90, 137, 180, 270])
def test_it_is_read_however_it_lies(degrees: float) -> None:
    card = read_card(seen(3.0, degrees=degrees, lean=0.15, size=FULL_HD))
    assert card is not None
    assert card.module_mm is not None
    assert card.module_mm <= 0.4
    assert card.px_per_mm == pytest.approx(3.0, rel=0.05)


def test_the_blurrier_the_picture_the_coarser_what_is_read() -> None:
    cards = [read_card(seen(3.0, blur_px=blur, size=FULL_HD)) for blur in (0, 1, 1.5, 2.2)]
    read = [card.module_mm or 9.9 for card in cards if card is not None]
    assert len(read) == 4
    assert read == sorted(read)
    assert read[-1] > 0.8
    sharp = [card.sharpness for card in cards if card is not None]
    assert sharp == sorted(sharp, reverse=True)
    out_of_focus = read_card(seen(3.0, blur_px=3, size=FULL_HD))
    assert out_of_focus is not None
    assert out_of_focus.module_mm is None
    assert out_of_focus.px_per_module == float("inf")


def test_a_card_in_the_dark_says_how_dark_its_paper_is() -> None:
    card = read_card(seen(3.0, light=0.2, size=FULL_HD))
    assert card is not None
    assert card.brightness == pytest.approx(46, abs=5)
    assert card.glare == 0


def test_a_reflection_is_seen_on_the_black_print_and_not_on_the_white_paper() -> None:
    glaring = read_card(seen(3.0, lamp_px=60, size=FULL_HD))
    bright = read_card(seen(3.0, light=1.5, size=FULL_HD))
    assert glaring is not None
    assert bright is not None
    assert glaring.glare > 0.1
    assert bright.brightness == 255
    assert bright.glare == 0


def test_a_part_of_the_card_is_enough() -> None:
    picture = seen(3.0, degrees=10, size=FULL_HD)
    picture[:, 1050:] = 110  # an arm covers the two marks on the right
    card = read_card(picture)
    assert card is not None
    assert card.px_per_mm == pytest.approx(3.0, rel=0.05)
    assert card.module_mm is not None
    assert card.module_mm <= 0.66


@pytest.mark.parametrize("seed", [1, 7])
def test_a_bench_without_a_card_shows_none(seed: int) -> None:
    scenery = paint(seed, "overhead", 1280, 720)
    picture = scenery.table.copy()
    scenery.label("1Z999AA10123456784").lay_over(picture)
    assert read_card(picture) is None
    assert read_card(np.full((720, 1280), 200, np.uint8)) is None


def test_bars_that_are_not_the_cards_own_or_stand_elsewhere_do_not_count() -> None:
    picture = seen(3.0, blur_px=3, size=FULL_HD)
    alone = read_card(picture)
    assert alone is not None
    assert alone.module_mm is None
    # The finest bars of the card, as a large barcode beside it and over its largest ones.
    for text, at in (
        ("PWCARD-017", (20, 20)),
        ("PWCARD-017", (700, 420)),
        ("PWCARD-99", (20, 900)),
    ):
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
        bars = np.array(code.to_image(scale=3))[:90]
        x, y = at
        picture[y : y + bars.shape[0], x : x + bars.shape[1]] = bars
    found = read_card(picture)
    assert found is not None
    assert found.module_mm is None


def test_no_code_of_the_card_stands_in_the_quiet_zone_of_another() -> None:
    def box(code: PrintedCode, quiet: int) -> tuple[float, float, float, float]:
        aside = quiet * code.module_mm
        right, bottom = code.x_mm + code.width_mm, code.y_mm + code.height_mm
        return code.x_mm - aside, code.y_mm, right + aside, bottom

    for one, other in itertools.permutations((*MARKS, *BARS), 2):
        left, top, right, bottom = box(one, 10)
        x, y, x_end, y_end = box(other, 0)
        apart = x >= right or x_end <= left or y >= bottom + 1 or y_end <= top - 1
        assert apart, (one.text, other.text)
    assert all(code.x_mm >= 0 and code.x_mm + code.width_mm <= testcard.WIDTH_MM for code in BARS)
    assert len({code.text for code in (*MARKS, *BARS)}) == len(MARKS) + len(BARS)


def test_a_picture_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        read_card(np.zeros((10, 10), np.float32))
    with pytest.raises(ValueError, match="empty"):
        read_card(np.zeros((0, 0, 3), np.uint8))


def test_colour_and_grey_pictures_are_read_alike() -> None:
    grey = seen(3.0, size=FULL_HD)
    assert read_card(grey) == read_card(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)))
