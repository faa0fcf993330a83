"""What is covered is covered for good, and never less than what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storage.errors import RedactionRefused
from storage.evidence.kit.redact import Box, cover, cover_planes, on, parsed, plate

fractions = st.floats(0, 0.99)
sizes = st.floats(0.001, 1)


def test_a_box_is_said_in_fractions() -> None:
    box = parsed(" label:0.1,0.2,.5,0.15 ")
    assert box == Box("label", 0.1, 0.2, 0.5, 0.15) and parsed(str(box)) == box
    assert on([box, Box("item", 0, 0, 1, 1)], "label", "label-01.jpg") == (box,)


@pytest.mark.parametrize(
    "text",
    [
        "", "label", "label:0.1,0.2,0.5", "label:0.1,0.2,0.5,0", "label:1.1,0,1,1", "label:1,0,1,1",
        ":0,0,1,1", "label:0,0,nan,1", "label:0,0,1e9,1", "label:0,0,-1,1", "label:10,20,300,400",
        "label:0.1.2,0,1,1", "label:.,0,1,1", " :0,0,1,1", "label:0,0,1,1,1", "label:٠,0,1,1",
    ],
)  # fmt: skip
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(RedactionRefused):
        parsed(text)


@given(x=fractions, y=fractions, w=sizes, h=sizes, size=st.tuples(*[st.integers(2, 4_000)] * 2))
def test_a_box_is_rounded_outwards_and_stays_inside(
    x: float, y: float, w: float, h: float, size: tuple[int, int]
) -> None:
    width, height = size[0] & ~1, size[1] & ~1
    for grid in (1, 2):
        left, top, right, bottom = Box("a", x, y, w, h).pixels(width, height, grid)
        assert 0 <= left <= x * width and min(1, x + w) * width <= right + 1e-6 and right <= width
        assert 0 <= top <= y * height and min(1, y + h) * height <= bottom + 1e-6
        assert bottom <= height and left % grid == right % grid == top % grid == bottom % grid == 0


@settings(max_examples=60, deadline=None)
@given(x=fractions, y=fractions, w=sizes, h=sizes, mode=st.sampled_from(["L", "RGB"]))
def test_nothing_of_the_region_is_left_and_the_rest_is_untouched(
    x: float, y: float, w: float, h: float, mode: str
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)
    first, second = Image.fromarray(noise).convert(mode), Image.new(mode, (160, 90), "white")
    box = Box("label", x, y, w, h)
    left, top, right, bottom = box.pixels(160, 90)
    before = np.array(first)
    for image in (first, second):
        cover(image, [box])
    inside = np.array(first)[top:bottom, left:right]
    assert np.array_equal(inside, np.array(second)[top:bottom, left:right]), "whatever was there"
    after = np.array(first)
    after[top:bottom, left:right] = before[top:bottom, left:right]
    assert np.array_equal(after, before)


@settings(max_examples=60, deadline=None)
@given(x=fractions, y=fractions, w=sizes, h=sizes)
def test_so_it_is_in_a_video(x: float, y: float, w: float, h: float) -> None:
    shapes = ((90, 160), (45, 80), (45, 80))
    noise = np.random.default_rng(1)
    planes = [noise.integers(0, 256, shape, np.uint8) for shape in shapes]
    others = [np.full(shape, 200, np.uint8) for shape in shapes]
    box = Box("side", x, y, w, h)
    before = [plane.copy() for plane in planes]
    cover_planes(planes, [box])
    cover_planes(others, [box])
    corners = box.pixels(160, 90, grid=2)
    for plane, other, old, scale in zip(planes, others, before, (1, 2, 2), strict=True):
        left, top, right, bottom = (edge // scale for edge in corners)
        region = np.s_[top:bottom, left:right]
        assert np.array_equal(plane[region], other[region])
        plane[region] = old[region]
        assert np.array_equal(plane, old)


def test_it_says_that_something_is_covered() -> None:
    image = Image.new("RGB", (800, 600), (90, 90, 90))
    cover(image, [Box("label", 0.1, 0.1, 0.5, 0.3)])
    inside = np.array(image)[60:240, 80:480]
    assert np.median(inside) == 0 and 0.01 < (inside > 200).mean() < 0.4
    assert (plate(400, 180) > 200).mean() > 0.01
    assert plate(6, 4).max() == 16, "where no word fits it is black alone"
