"""What is measured of a label that nothing reads: labels on a simulated bench, each spoilt once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import zxingcpp

from capture.barcode import read_still
from capture.legible import Legibility, legibility
from capture.scenery import Stage, paint

Picture = npt.NDArray[Any]

NUMBER = "1Z999AA10123456784"
SIZE = (1920, 1080)
MIDDLE = (960.0, 540.0)
MODULE_PX = 2.5


def table() -> Picture:
    """A bench with a parcel and much clutter, but no label; grey."""
    scenery = paint(7, "overhead", *SIZE)
    picture = scenery.table.copy()
    scenery.parcel[Stage.TAPED].lay_over(picture)
    return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), SIZE)


def bench(
    module_px: float = MODULE_PX,
    tilt: float = 6.0,
    symbology: str = "Code128",
    text: str = NUMBER,
) -> Picture:
    """The same with a label in the middle, its bars so fine, float32 and without noise."""
    code = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, symbology))
    drawn = np.array(zxingcpp.write_barcode_to_image(code, scale=8, add_quiet_zones=False))
    if symbology in ("Code128", "Code39"):
        drawn = np.repeat(drawn[:1], 480, axis=0)
    high, wide = drawn.shape
    label = np.full((high + 400, wide + 320), 190, np.uint8)
    label[80 : 80 + high, 160 : 160 + wide] = drawn // 255 * 160 + 30
    cv2.putText(label, text, (160, high + 260), cv2.FONT_HERSHEY_SIMPLEX, 4.0, (30,), 12)
    way = cv2.getRotationMatrix2D((label.shape[1] / 2, 80 + high / 2), tilt, module_px / 8)
    way[:, 2] += np.array(MIDDLE) - (label.shape[1] / 2, 80 + high / 2)
    fine = cv2.GaussianBlur(
        label.astype(np.float32), (0, 0), 0.45 * 8 / module_px
    )  # as a lens does
    ground = table().astype(np.float32)
    return np.asarray(
        cv2.warpAffine(fine, way, SIZE, ground, borderMode=cv2.BORDER_TRANSPARENT), np.float32
    )


def photo(light: Picture, gain: float = 1.0, noise: float = 1.5) -> Picture:
    """What a sensor makes of it."""
    chance = np.random.default_rng(5)
    seen = light * gain
    seen = seen + chance.normal(0, 1, seen.shape) * np.sqrt(noise**2 + 0.04 * seen)
    return np.asarray(np.clip(np.rint(seen), 0, 255), np.uint8)


def smeared(light: Picture, length_px: int) -> Picture:
    """Moved along the bars' row while the picture was taken."""
    row = np.full((1, length_px), 1 / length_px, np.float32)
    return np.asarray(cv2.filter2D(light, -1, row), np.float32)


def glared(light: Picture, size_px: float) -> Picture:
    """A lamp is reflected in the middle of the bars."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    far = ((x - MIDDLE[0]) ** 2 + (y - MIDDLE[1]) ** 2) / size_px**2
    return np.asarray(light + 500 * np.exp(-far / 2), np.float32)


def unread(picture: Picture) -> Legibility:
    assert not any(reading.text == NUMBER for reading in read_still(picture))
    return legibility(picture)


def at_the_label(found: Legibility) -> bool:
    region = found.region
    return region is not None and (
        np.hypot(region.center_x - MIDDLE[0], region.center_y - MIDDLE[1]) < 60
    )


# ---------------------------------------------------------------------------- where


def test_the_bars_are_found_among_the_clutter_and_measured() -> None:
    found = legibility(photo(bench()))
    assert at_the_label(found)
    assert found.narrow_px == pytest.approx(MODULE_PX, abs=0.5)
    assert found.runs > 70
    assert found.edge_px < 0.65
    assert found.smear < 1.5
    assert found.paper == pytest.approx(190, abs=10)
    assert found.ink == pytest.approx(35, abs=15)
    assert found.glare == 0


@pytest.mark.parametrize("tilt", [0, 12, 33, 90, 101, 137])
def test_bars_are_found_and_measured_at_any_angle(tilt: float) -> None:
    found = legibility(photo(bench(tilt=tilt)))
    assert at_the_label(found)
    assert found.edge_px < 0.65
    assert found.narrow_px == pytest.approx(MODULE_PX, abs=0.5)


def test_a_bench_without_a_label_has_no_bars() -> None:
    found = legibility(photo(table().astype(np.float32)))
    assert found.region is None
    assert (found.runs, found.narrow_px, found.glare) == (0, 0, 0)
    assert 1.0 < found.edge_px < 2.0


def test_bars_that_were_read_are_not_those_that_were_not() -> None:
    picture = photo(bench())
    readings = read_still(picture)
    assert NUMBER in {reading.text for reading in readings}
    assert legibility(picture, readings).region is None


def test_figures_are_in_pixels_of_the_picture_however_large_it_is() -> None:
    small = photo(bench())
    large = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found, larger = legibility(small), legibility(large)
    assert found.region is not None
    assert larger.region is not None
    assert larger.region.center_x == pytest.approx(2 * found.region.center_x, abs=8)
    assert larger.narrow_px == pytest.approx(2 * found.narrow_px, rel=0.1)
    assert larger.edge_px > 1.5 * found.edge_px


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (40, 40), (64, 64)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_nothing_has_no_bars(shape: tuple[int, int], level: int) -> None:
    assert legibility(np.full(shape, level, np.uint8)).region is None


@pytest.mark.parametrize("step_px", [9, 16, 31])
def test_a_grid_or_a_grille_is_no_barcode(step_px: int) -> None:
    picture = np.full((720, 1280), 180, np.float32)
    for left in range(300, 980, step_px):
        picture[260:460, left : left + step_px // 3] = 40
    assert legibility(photo(picture)).region is None


def test_noise_has_no_bars() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (720, 1280))
    assert legibility(noise.astype(np.uint8)).region is None


# ---------------------------------------------------------------------------- why


def test_from_afar_the_bars_are_thin_and_sharp() -> None:
    found = unread(photo(bench(0.9)))
    assert at_the_label(found)
    assert found.narrow_px < 2.2
    assert found.edge_px < 0.65


def test_out_of_focus_edges_are_wide_in_every_direction() -> None:
    found = unread(photo(cv2.GaussianBlur(bench(), (0, 0), 5.0)))
    assert at_the_label(found)
    assert found.edge_px > 1.0
    assert found.smear < 1.4


def test_in_motion_edges_are_wide_in_one_direction() -> None:
    found = unread(photo(smeared(bench(), 17)))
    assert at_the_label(found)
    assert found.edge_px > 0.8
    assert found.smear > 1.8


def test_a_reflection_is_overexposed_at_the_bars() -> None:
    found = unread(photo(glared(bench(), 90)))
    assert found.glare > 0.1


def test_a_reflection_beside_the_label_is_none_on_its_bars() -> None:
    picture = bench()
    picture[:300, :300] = 255
    assert legibility(photo(picture)).glare == 0


def test_in_the_dark_the_bars_are_found_and_their_paper_is_black() -> None:
    found = unread(photo(bench(), gain=0.05, noise=3.0))
    assert at_the_label(found)
    assert found.paper < 20


def test_where_a_blur_leaves_no_bars_the_whole_picture_tells_why() -> None:
    found = unread(photo(cv2.GaussianBlur(bench(), (0, 0), 14)))
    assert found.region is None
    assert found.edge_px > 2.5
    assert found.smear < 1.4
    moved = unread(photo(smeared(bench(), 61)))
    assert moved.region is None
    assert moved.smear > 1.5
