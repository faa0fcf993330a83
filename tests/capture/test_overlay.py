"""The burnt-in line: what it says, where it stands, and that no text can harm it."""

from __future__ import annotations

import datetime as dt
import sys
import time
import unicodedata
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.overlay import Overlay, Picture, harmless

UTC = dt.datetime(2026, 11, 22, 13, 4, 7, 123_456, tzinfo=dt.UTC)


def picture(width: int = 1280, height: int = 720) -> Picture:
    return np.full((height, width, 3), 128, np.uint8)


def plate(overlay: Overlay, utc: dt.datetime, width: int = 1280, height: int = 720) -> Picture:
    """The line as it stands in a grey picture."""
    bgr = picture(width, height)
    overlay.draw(bgr, utc)
    return bgr[-height // 12 :]


def says(shown: Picture, text: str, font_px: int) -> float:
    """How well `text`, written anew, is found in the picture: 1 is exactly."""
    wanted = np.full((font_px * 2, 2000), 16, np.uint8)
    font = cv2.FontFace("uni")
    (right, _), _ = cv2.putText(wanted, text, (2, font_px), (235,), font, font_px, 600)
    grey = cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY)
    rows = slice(font_px // 6, font_px * 5 // 4)
    return float(cv2.matchTemplate(grey, wanted[rows, :right], cv2.TM_CCOEFF_NORMED).max())


@pytest.fixture
def taipei(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if sys.platform == "win32":
        pytest.skip("Windows takes its time zone from the system alone")
    monkeypatch.setenv("TZ", "UTC-8")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("taipei")
def test_it_says_local_time_with_offset_number_and_place() -> None:
    overlay = Overlay("包装台 1", "overhead")
    overlay.text = "1Z999AA10123456784"
    shown = plate(overlay, UTC)
    assert says(shown, "2026-11-22 21:04:07.1 +08:00", 22) > 0.98
    assert says(shown, "1Z999AA10123456784", 22) > 0.995
    assert says(shown, "包装台 1 · overhead", 22) > 0.995
    assert says(shown, "1Z999AA10123456734", 22) < 0.99
    assert says(shown, "2026-11-22 13:04:07.1 +08:00", 22) < 0.99


def test_every_tenth_second_and_number_shows() -> None:
    overlay = Overlay("Bench 1", "overhead")
    shown = plate(overlay, UTC)
    assert np.array_equal(plate(overlay, UTC), shown)
    for later_ms in (100, 900, 1_000, 60_000):
        later = plate(overlay, UTC + dt.timedelta(milliseconds=later_ms))
        assert not np.array_equal(later, shown)
    overlay.text = "1Z9"
    with_number = plate(overlay, UTC)
    assert not np.array_equal(with_number, shown)
    overlay.text = ""
    assert np.array_equal(plate(overlay, UTC), shown)


@pytest.mark.parametrize(
    ("size", "font_px"),
    [
        ((640, 480), 15),
        ((1280, 720), 22),
        ((1920, 1080), 33),
        ((3840, 2160), 67),
        ((720, 1280), 16),
    ],
)
def test_the_longest_waybill_number_fits_at_every_size(size: tuple[int, int], font_px: int) -> None:
    overlay = Overlay("", "")
    overlay.text = "4201002334249200190132607600833457"
    shown = plate(overlay, UTC, *size)
    assert says(shown, overlay.text, font_px) > 0.97


def test_it_covers_a_corner_and_nothing_else() -> None:
    overlay = Overlay("Bench 1", "overhead")
    bgr = picture()
    overlay.draw(bgr, UTC)
    rows, columns = np.nonzero((bgr != 128).any(axis=2))
    assert rows.min() > 720 * 0.94 and rows.max() == 719
    assert columns.min() == 0 and columns.max() < 900


def test_in_planes_it_looks_as_in_the_picture() -> None:
    overlay = Overlay("Bench 1", "overhead")
    overlay.text = "1Z999AA10123456784"
    noise = np.random.default_rng(2).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    i420 = cv2.cvtColor(noise, cv2.COLOR_BGR2YUV_I420).astype(np.uint8)
    before = cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420)
    overlay.draw_i420(i420, UTC)
    after = cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420)
    overlay.draw(noise, UTC)
    grey = cv2.cvtColor(after, cv2.COLOR_BGR2GRAY)[-20:, :500].astype(int)
    wanted = cv2.cvtColor(noise, cv2.COLOR_BGR2GRAY)[-20:, :500].astype(int)
    # The same letters; black and white are 16 and 235 in one and 0 and 255 in the other.
    assert np.abs(grey - wanted).max() <= 21
    assert np.array_equal(after[:440], before[:440])
    assert np.ptp(after[-20:, :500].astype(int), axis=2).max() == 0  # no colour is left


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_text_is_more_than_one_printable_line(text: str) -> None:
    line = harmless(text)
    assert len(line) <= 60
    assert not any(unicodedata.category(sign)[0] == "C" for sign in line)
    assert line == " ".join(line.split())
    overlay = Overlay(text, text)
    overlay.text = text
    for width, height in ((64, 48), (640, 480)):
        bgr = picture(width, height)
        overlay.draw(bgr, UTC)
        assert (bgr[: height // 2] == 128).all()


def test_control_characters_become_visible() -> None:
    assert harmless("1Z\x1b[31m9\n\u202e7\x00\ue000") == "1Z?[31m9??7??"
    assert harmless("a\u2028b   c ") == "ab c"
    assert harmless("x" * 61) == "x" * 59 + "…"
