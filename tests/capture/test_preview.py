"""The preview: what a terminal would show of a frame, and how little it is told to show it."""

from __future__ import annotations

import re

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from capture.preview import Colors, PreviewEncoder, PreviewRow

Picture = npt.NDArray[np.uint8]
RED, GREEN, BLUE = (0, 0, 248), (0, 248, 0), (248, 0, 0)
# fmt: off
SIXTEEN = (
    0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
    0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
)
# fmt: on


def plain(width: int, height: int, bgr: tuple[int, int, int]) -> Picture:
    return np.full((height, width, 3), bgr, np.uint8)


def bench_scene(seed: int = 0, noise: float = 0.0) -> Picture:
    """A 640x360 table with a few boxes, and sensor noise."""
    picture = plain(640, 360, (70, 110, 140))
    cv2.rectangle(picture, (120, 80), (360, 300), (90, 150, 190), -1)
    cv2.rectangle(picture, (200, 130), (300, 200), (240, 240, 240), -1)
    cv2.circle(picture, (520, 200), 70, (40, 40, 160), -1)
    grain = np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def code_to_rgb(words: list[int]) -> int:
    """The colour of an SGR sequence, as an xterm shows it."""
    if words[:2] in ([38, 2], [48, 2]):
        red, green, blue = words[2:]
        return red << 16 | green << 8 | blue
    if words[:2] in ([38, 5], [48, 5]):
        code = words[2]
        if code >= 232:
            return (8 + 10 * (code - 232)) * 0x010101
        levels = (0, 95, 135, 175, 215, 255)
        code -= 16
        return levels[code // 36] << 16 | levels[code // 6 % 6] << 8 | levels[code % 6]
    (code,) = words
    return SIXTEEN[code % 10 if code < 90 else code % 10 + 8]


def shown_by_terminal(ansi: str) -> list[tuple[int, int]]:
    """What a terminal makes of one row: the upper and lower colour of each cell."""
    cells = []
    foreground = background = -1
    for sequence, char in re.findall(r"\x1b\[([0-9;]*)m|(.)", ansi):
        if char:
            assert char in "▀ "
            cells.append((foreground if char == "▀" else background, background))
            continue
        words = [int(word) for word in sequence.split(";")]
        if words == [0]:
            foreground = background = -1
        elif words[0] in range(30, 39) or words[0] in range(90, 98):
            foreground = code_to_rgb(words)
        else:
            background = code_to_rgb(words)
    return cells


def picture_of(rows: dict[int, PreviewRow]) -> list[tuple[int, ...]]:
    """The pixel lines from top to bottom."""
    return [line for _, row in sorted(rows.items()) for line in (row.top, row.bottom)]


@pytest.mark.parametrize("colors", ["true", "256", "16"])
def test_the_terminal_shows_the_colours_that_the_row_names(colors: Colors) -> None:
    rows = PreviewEncoder(60, 16, colors=colors).rows(bench_scene(noise=40))
    assert sorted(rows) == list(range(16))
    for row in rows.values():
        assert shown_by_terminal(row.ansi) == list(zip(row.top, row.bottom, strict=True))
        assert len(row.top) == 60
        assert row.ansi.endswith("\x1b[0m")


@pytest.mark.parametrize(
    ("colors", "worst"),
    [("true", 8), ("256", 48), ("16", 130)],
)
def test_colours_stay_near_those_of_the_frame(colors: Colors, worst: int) -> None:
    ramp = np.tile(np.linspace(0, 255, 640).astype(np.uint8), (360, 1))
    bgr = np.dstack([ramp, ramp[:, ::-1], np.full_like(ramp, 100)])
    want = cv2.resize(bgr, (60, 32), interpolation=cv2.INTER_AREA)
    encoder = PreviewEncoder(60, 16, fit="cover", colors=colors)
    for line, pixels in enumerate(picture_of(encoder.rows(bgr))):
        for column in (0, 13, 30, 59):
            rgb = pixels[column]
            got = np.array([rgb & 255, rgb >> 8 & 255, rgb >> 16])
            assert np.abs(got - want[line, column]).max() <= worst


def test_only_changed_rows_are_made_again() -> None:
    encoder = PreviewEncoder(40, 12, fit="cover")
    frame = plain(400, 240, (80, 80, 80))
    assert sorted(encoder.rows(frame)) == list(range(12))
    assert encoder.rows(frame) == {}
    frame[100:120] = (200, 200, 200)
    assert sorted(encoder.rows(frame)) == [5]
    assert encoder.rows(frame) == {}


def test_sensor_noise_alone_sends_nothing() -> None:
    encoder = PreviewEncoder(40, 12)
    encoder.rows(bench_scene(seed=1, noise=6))
    assert all(encoder.rows(bench_scene(seed, noise=6)) == {} for seed in range(2, 8))


def test_a_slow_drift_is_shown_in_the_end() -> None:
    encoder = PreviewEncoder(10, 4)
    encoder.rows(plain(100, 80, (60, 60, 60)))
    shown = [encoder.rows(plain(100, 80, (60 + step,) * 3)) for step in range(1, 40, 2)]
    assert any(shown)


def test_a_screen_that_lost_its_picture_gets_all_of_it() -> None:
    encoder = PreviewEncoder(40, 12)
    encoder.rows(bench_scene())
    encoder.forget()
    assert sorted(encoder.rows(bench_scene())) == list(range(12))


def test_contain_hides_nothing_and_keeps_the_shape() -> None:
    frame = plain(400, 300, GREEN)
    frame[:, :40] = RED
    frame[:, -40:] = BLUE
    lines = picture_of(PreviewEncoder(60, 10, background=0x101820).rows(frame))
    row = lines[10]
    # 20 lines high means 4/3 x 20 = 27 columns wide; a cell is two square pixels.
    inside = [rgb for rgb in row if rgb != 0x101820]
    assert len(inside) == 27
    assert row[:16] == (0x101820,) * 16
    assert inside[0] == 0xF80000
    assert inside[-1] == 0x0000F8


def test_contain_puts_bars_above_and_below_a_wide_frame() -> None:
    lines = picture_of(PreviewEncoder(32, 16).rows(plain(1600, 400, GREEN)))
    filled = [index for index, line in enumerate(lines) if 0x00F800 in line]
    assert filled == list(range(12, 20))


def test_cover_leaves_no_bar() -> None:
    frame = plain(400, 300, GREEN)
    frame[:20] = RED
    lines = picture_of(PreviewEncoder(60, 10, fit="cover").rows(frame))
    assert {rgb for line in lines for rgb in line} == {0x00F800}


def test_another_frame_size_leaves_no_rest_of_the_old_picture() -> None:
    encoder = PreviewEncoder(40, 10)
    encoder.rows(plain(400, 200, GREEN))
    lines = picture_of(encoder.rows(plain(200, 400, BLUE)))
    assert {rgb for line in lines for rgb in line} == {0x000000, 0x0000F8}


def test_a_flat_picture_costs_one_colour_a_row() -> None:
    rows = PreviewEncoder(120, 2).rows(plain(1920, 64, GREEN))
    assert rows[0].ansi == "\x1b[48;2;0;248;0m" + " " * 120 + "\x1b[0m"


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (7, 5), (3840, 2160)])
@pytest.mark.parametrize("fit", ["contain", "cover"])
def test_any_frame_size_fits(size: tuple[int, int], fit: str) -> None:
    encoder = PreviewEncoder(30, 9, fit="cover" if fit == "cover" else "contain")
    rows = encoder.rows(plain(*size, (120, 120, 120)))
    assert all(len(row.top) == len(row.bottom) == 30 for row in rows.values())
    assert len(rows) == 9


def test_the_shared_frame_is_left_as_it_is() -> None:
    frame = bench_scene()
    before = frame.copy()
    frame.flags.writeable = False
    PreviewEncoder(60, 16).rows(frame)
    assert np.array_equal(frame, before)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.uint16),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(bad: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="not a BGR picture"):
        PreviewEncoder(4, 4).rows(bad)


def test_a_picture_without_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="0x5 cells"):
        PreviewEncoder(0, 5)
