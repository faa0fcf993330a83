"""What is said about a photo: the limits, on pictures of the simulated bench.

The labels that cannot be read are those of `tests.capture.test_legible`: each is spoilt in one
known way, so that the advice must name it.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from capture.barcode import read_still
from capture.legible import Legibility, legibility
from capture.quality import Grey, brightness, eighth, glare, motion, sharpness
from capture.scenery import Stage, paint
from station.photo import advice, fault
from tests.capture.test_legible import NUMBER, glared, photo, smeared, table
from tests.capture.test_legible import bench as label_on_bench


def bench(shift_px: int = 0) -> Grey:
    """A parcel with its label on the bench, grey; it lies so far to the right."""
    scenery = paint(7, "overhead", 1280, 720)
    picture = scenery.table.copy()
    parcel = np.zeros_like(picture)
    scenery.parcel[Stage.TAPED].lay_over(parcel)
    scenery.label("1Z999AA10123456784").lay_over(parcel)
    parcel = np.roll(parcel, shift_px, axis=1)
    there = parcel.any(axis=2)
    picture[there] = parcel[there]
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def said(picture: Grey, before: Grey | None = None) -> str:
    grey = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    moved = 0.3 if before is None else motion(eighth(grey), eighth(before))
    return fault(sharpness(grey), brightness(grey), moved, glare(grey))


def test_a_good_photo_is_not_talked_about() -> None:
    assert said(bench()) == ""
    assert said(bench() * 0.5) == ""
    assert said(bench() * 1.3) == ""
    assert said(cv2.GaussianBlur(bench(), (0, 0), 0.8)) == ""


def test_each_fault_has_its_word() -> None:
    assert said(bench() * 0.1) == "photo_dark"
    assert said(bench() * 3.5) == "photo_glaring"
    assert said(cv2.GaussianBlur(bench(), (0, 0), 7)) == "photo_blurred"
    assert said(bench(), bench(24)) == "photo_moving"
    assert said(bench(), bench(0)) == ""


def test_the_cause_is_told_and_not_what_follows_from_it() -> None:
    dark = cv2.GaussianBlur(bench(), (0, 0), 8) * 0.1
    assert said(dark) == "photo_dark"
    assert fault(sharpness=2, brightness=120, motion=9, glare=0) == "photo_moving"


@pytest.mark.parametrize(
    ("measured", "key"),
    [
        ({"brightness": 29.9}, "photo_dark"),
        ({"glare": 0.71}, "photo_glaring"),
        ({"motion": 4.1}, "photo_moving"),
        ({"sharpness": 19.9}, "photo_blurred"),
        ({"brightness": 30.0, "glare": 0.7, "motion": 4.0, "sharpness": 20.0}, ""),
    ],
)
def test_the_limits(measured: dict[str, float], key: str) -> None:
    good = {"sharpness": 200.0, "brightness": 120.0, "motion": 0.3, "glare": 0.0}
    assert fault(**{**good, **measured}) == key


# ---------------------------------------------------------------------------- labels


def advised(picture: Grey, moved: float = 0.3) -> str:
    """What is said about a label that cannot be read."""
    readings = read_still(picture)
    assert NUMBER not in {reading.text for reading in readings}
    return advice(legibility(picture, readings), moved, others=bool(readings))


@pytest.mark.parametrize("tilt", [-8, 3, 40])
@pytest.mark.parametrize(
    ("cause", "key"),
    [
        ("far", "label_small"),
        ("defocused", "label_blurred"),
        ("far out of focus", "label_blurred"),
        ("moved", "label_moving"),
        ("moved far", "label_moving"),
        ("reflection", "label_glaring"),
        ("too much light", "label_glaring"),
        ("dark", "label_dark"),
        ("pitch dark", "label_dark"),
    ],
)
def test_a_label_that_cannot_be_read_gets_the_advice_that_helps(
    cause: str, key: str, tilt: float
) -> None:
    light = label_on_bench(0.9 if cause == "far" else 2.5, tilt)
    pictures = {
        "far": lambda: photo(light),
        "defocused": lambda: photo(cv2.GaussianBlur(light, (0, 0), 5.0)),
        "far out of focus": lambda: photo(cv2.GaussianBlur(light, (0, 0), 14.0)),
        "moved": lambda: photo(smeared(light, 23)),
        "moved far": lambda: photo(smeared(light, 71)),
        "reflection": lambda: photo(glared(light, 110)),
        "too much light": lambda: photo(light * 9),
        "dark": lambda: photo(light, gain=0.05, noise=3.0),
        "pitch dark": lambda: photo(light, gain=0.01),
    }
    assert advised(pictures[cause]()) == key


def test_a_photo_without_a_label_asks_for_one() -> None:
    assert advised(photo(table().astype(np.float32))) == "label_none"


def test_where_other_codes_were_read_the_picture_is_not_to_blame() -> None:
    picture = photo(label_on_bench())
    seen = legibility(picture, read_still(picture))
    assert advice(seen, 0.3, others=True) == "label_other"


GOOD = Legibility(
    region=legibility(photo(label_on_bench())).region,
    runs=80,
    narrow_px=3.0,
    edge_px=0.5,
    smear=1.2,
    paper=180.0,
    ink=30.0,
    glare=0.0,
)


@pytest.mark.parametrize(
    ("measured", "moved", "key"),
    [
        ({}, 0.3, ""),
        ({}, 4.1, ""),
        ({"paper": 49.9}, 0.3, "label_dark"),
        ({"paper": 50.0, "glare": 0.04, "edge_px": 0.68, "narrow_px": 2.4}, 0.3, ""),
        ({"glare": 0.041}, 0.3, "label_glaring"),
        ({"edge_px": 0.69}, 0.3, "label_blurred"),
        ({"edge_px": 0.69, "smear": 1.51}, 0.3, "label_moving"),
        ({"edge_px": 0.69}, 4.1, "label_moving"),
        ({"narrow_px": 2.3}, 0.3, "label_small"),
        ({"region": None, "edge_px": 1.3}, 0.3, "label_none"),
        ({"region": None, "edge_px": 1.3}, 4.1, "label_moving"),
        ({"region": None, "edge_px": 2.3}, 0.3, "label_blurred"),
        ({"region": None, "edge_px": 1.4, "smear": 1.5}, 0.3, "label_moving"),
        ({"region": None, "glare": 0.05}, 0.3, "label_glaring"),
    ],
)
def test_the_limits_of_advice(measured: dict[str, float], moved: float, key: str) -> None:
    assert advice(replace(GOOD, **measured), moved, others=False) == key  # type: ignore[arg-type]


def test_the_cause_is_advised_and_not_what_follows_from_it() -> None:
    seen = replace(GOOD, paper=20.0, edge_px=2.0, narrow_px=1.5)
    assert advice(seen, 9.0, others=False) == "label_dark"
    assert advice(replace(seen, paper=200.0), 0.3, others=False) == "label_blurred"
