"""What is said about a photo: the limits, on pictures of the simulated bench."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from capture.quality import Grey, brightness, eighth, glare, motion, sharpness
from capture.scenery import Stage, paint
from station.photo import fault


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
