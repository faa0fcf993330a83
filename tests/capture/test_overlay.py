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
MONO_NS = 5_000_000_000_000


def planes(width: int = 1280, height: int = 720) -> Picture:
    return np.full((height * 3 // 2, width), 128, np.uint8)


def plate(
    overlay: Overlay,
    utc: dt.datetime,
    width: int = 1280,
    height: int = 720,
    mono_ns: int | None = None,
) -> Picture:
    """The luma of the line in a grey picture; the capture clock goes as the wall clock does."""
    i420 = planes(width, height)
    since = round((utc - UTC).total_seconds() * 1e9)
    overlay.draw_i420(i420, utc, MONO_NS + since if mono_ns is None else mono_ns)
    return i420[height - height // 12 : height]


def says(shown: Picture, text: str, font_px: int) -> float:
    """How well `text`, written anew, is found in the picture: 1 is exactly."""
    wanted = np.full((font_px * 2, 2000), 16, np.uint8)
    font = cv2.FontFace("uni")
    (right, _), _ = cv2.putText(wanted, text, (2, font_px), (235,), font, font_px, 600)
    rows = slice(font_px // 6, font_px * 5 // 4)
    return float(cv2.matchTemplate(shown, wanted[rows, :right], cv2.TM_CCOEFF_NORMED).max())


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
    assert says(shown, f"Δ{UTC.timestamp() - MONO_NS / 1e9:.3f}", 22) > 0.98


def test_the_clocks_difference_stands_still_until_somebody_sets_the_clock() -> None:
    overlay = Overlay("", "")
    second = dt.timedelta(seconds=1)
    first = plate(overlay, UTC)
    # Two clocks cannot be read in the same instant: now and then the second one is late.
    for late_us in (0, 40, 900, 25_000, 300, 0):
        shown = plate(overlay, UTC + late_us * second / 1_000_000, mono_ns=MONO_NS)
        assert np.array_equal(shown, first), late_us
    for set_by_s in (-3600, 7200):
        overlay = Overlay("", "")
        plate(overlay, UTC)
        for frame in range(10):
            at = frame * second / 30
            now = UTC + at + set_by_s * second
            shown = plate(overlay, now, mono_ns=MONO_NS + frame * 1_000_000_000 // 30)
        assert says(shown, f"Δ{UTC.timestamp() + set_by_s - MONO_NS / 1e9:.3f}", 22) > 0.98


def test_where_the_line_is_short_the_clocks_difference_goes_then_the_place() -> None:
    def fit(number: str, place: str) -> tuple[bool, bool, bool]:
        overlay = Overlay(place, "")
        overlay.text = number
        shown = plate(overlay, UTC, 640, 360)
        difference = f"Δ{UTC.timestamp() - MONO_NS / 1e9:.3f}"
        return (
            says(shown, number, 14) > 0.97,
            says(shown, place, 14) > 0.97,
            says(shown, difference, 14) > 0.97,
        )

    longest = "4201002334249200190132607600833457"
    assert fit("1Z999AA10123456784", "Bench 1 · overhead") == (True, True, True)
    assert fit(longest, "Bench 1 · overhead") == (True, True, False)
    assert fit(longest, "The packing bench beside the door · overhead") == (True, False, False)


@pytest.mark.parametrize(
    ("size", "font_px"),
    [
        ((640, 360), 14),
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
    i420 = np.random.default_rng(2).integers(0, 255, (720 * 3 // 2, 1280), np.uint8)
    before = i420.copy()
    overlay.draw_i420(i420, UTC, MONO_NS)
    rows, columns = np.nonzero(i420[:720] != before[:720])
    assert rows.min() > 720 * 0.94 and rows.max() == 719
    assert columns.min() == 0 and columns.max() < 1100
    below = slice(int(rows.min()), 720), slice(0, int(columns.max()))
    colour = cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420)
    assert np.ptp(colour[below].astype(int), axis=2).max() == 0  # none is left
    unchanged = cv2.cvtColor(before, cv2.COLOR_YUV2BGR_I420)
    assert np.array_equal(colour[: rows.min()], unchanged[: rows.min()])


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
        i420 = planes(width, height)
        overlay.draw_i420(i420, UTC, MONO_NS)
        assert (i420[: height // 2] == 128).all()


def test_control_characters_become_visible() -> None:
    assert harmless("1Z\x1b[31m9\n\u202e7\x00\ue000") == "1Z?[31m9??7??"
    assert harmless("a\u2028b   c ") == "ab c"
    assert harmless("x" * 61) == "x" * 59 + "…"
