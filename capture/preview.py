"""A frame as a terminal-sized picture: rows of half blocks, ready to be written.

Stands behind a camera's newest-only slot and in front of the screen's camera tile. Runs on the
capture thread, so that the UI thread only swaps finished rows. Knows no screen toolkit, no
waybill and no database.

A cell shows two square pixels, `▀` in the colour of the upper one on a background of the lower
one. Only rows that changed by more than `TOLERANCE` are made again: camera noise alone must not
keep a terminal busy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

Colors = Literal["true", "256", "16"]
Fit = Literal["contain", "cover"]

TOLERANCE: Final = 14
"""Grey levels by which a pixel must differ from what the terminal shows. Measured: noise of 6
levels on each camera pixel (a dim room) then makes no row again; 5-bit colour steps by 8."""

RESET: Final = "\x1b[0m"
HALF_BLOCK: Final = "▀"

_STAGED_FACTOR: Final = 4
"""Source pixels kept along each side of a preview pixel before averaging. Measured from 1080p:
INTER_AREA of every pixel 5.1 ms, of every 8th 0.2 ms, the two pictures 1.4 levels apart."""

# The xterm defaults. A terminal may theme the first sixteen, but keeps their order.
# fmt: off
_ANSI_16: Final = np.array([
    0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
    0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
], np.int32)
# fmt: on
_ANSI_16_BGR: Final = np.stack([_ANSI_16 & 255, _ANSI_16 >> 8 & 255, _ANSI_16 >> 16], axis=1)
_CUBE_LEVELS: Final = np.array([0, 95, 135, 175, 215, 255], np.int32)
_GREY_LEVELS: Final = np.arange(8, 239, 10, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row of cells.

    `ansi` is the whole row for the terminal, reset at its end. `top` and `bottom` are the colours
    of the upper and lower pixel of each cell as 0xRRGGBB, exactly those that `ansi` shows, for a
    screen that must cut the row (a dialog over it, a screenshot).
    """

    ansi: str
    top: tuple[int, ...]
    bottom: tuple[int, ...]


class PreviewEncoder:
    """Turns frames into changed rows of a picture of `width` x `height` cells.

    `contain` shows the whole frame between bars of `background` (0xRRGGBB), so that nothing of
    the bench is hidden; `cover` fills the picture and cuts what is over. `colors` is what the
    terminal can show. Not thread safe: one encoder belongs to one thread.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        fit: Fit = "contain",
        colors: Colors = "true",
        background: int = 0x000000,
    ) -> None:
        """Raises ValueError for a picture without cells."""
        if width < 1 or height < 1:
            raise ValueError(f"a preview of {width}x{height} cells shows nothing")
        self.width = width
        self.height = height
        self._fit: Fit = fit
        self._paint, self._codes = _PALETTES[colors]
        bgr = (background & 255, background >> 8 & 255, background >> 16 & 255)
        self._canvas = np.full((2 * height, width, 3), bgr, np.uint8)
        self._background = self._canvas[0, 0].copy()
        self._shown: npt.NDArray[np.int16] | None = None
        self._frame_size = (0, 0)

    def rows(self, bgr: npt.NDArray[np.uint8]) -> dict[int, PreviewRow]:
        """The rows that changed since the last call, by their number from the top.

        `bgr` is H×W×3 uint8 and is left as it is; its size may change between calls. Raises
        ValueError for anything else.
        """
        if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8 or not bgr.size:
            raise ValueError(f"not a BGR picture: shape {bgr.shape}, {bgr.dtype}")
        self._draw(bgr)
        changed = self._changed()
        if not changed:
            return {}
        pixels, codes = self._paint(self._canvas)
        upper, lower = self._codes
        made = {}
        for row in changed:
            top, bottom = pixels[2 * row].tolist(), pixels[2 * row + 1].tolist()
            ansi = _ansi(codes[2 * row].tolist(), codes[2 * row + 1].tolist(), upper, lower)
            made[row] = PreviewRow(ansi, tuple(top), tuple(bottom))
        return made

    def forget(self) -> None:
        """Make every row again at the next frame, for a screen that lost what it showed."""
        self._shown = None

    def _draw(self, bgr: npt.NDArray[np.uint8]) -> None:
        """Scale the frame onto the canvas."""
        high, wide = bgr.shape[:2]
        if (wide, high) != self._frame_size:
            self._frame_size = (wide, high)
            self._canvas[:] = self._background
        columns, lines = self.width, 2 * self.height
        if self._fit == "cover":
            scale = max(columns / wide, lines / high)
            keep_x, keep_y = min(wide, round(columns / scale)), min(high, round(lines / scale))
            left, over = (wide - keep_x) // 2, (high - keep_y) // 2
            bgr = bgr[over : over + max(1, keep_y), left : left + max(1, keep_x)]
            self._canvas[:] = _shrink(bgr, columns, lines)
            return
        scale = min(columns / wide, lines / high)
        across = min(columns, max(1, round(wide * scale)))
        down = min(lines, max(1, round(high * scale)))
        left, over = (columns - across) // 2, (lines - down) // 2
        self._canvas[over : over + down, left : left + across] = _shrink(bgr, across, down)

    def _changed(self) -> list[int]:
        """The rows whose canvas differs from what is shown, which is then counted as shown."""
        if self._shown is None:
            self._shown = self._canvas.astype(np.int16)
            return list(range(self.height))
        apart = np.abs(self._canvas - self._shown).max(axis=(1, 2)).reshape(self.height, 2)
        changed: list[int] = np.nonzero(apart.max(axis=1) > TOLERANCE)[0].tolist()
        for row in changed:
            self._shown[2 * row : 2 * row + 2] = self._canvas[2 * row : 2 * row + 2]
        return changed


def _shrink(bgr: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[Any]:
    """`bgr` at `width` x `height`: thinned to a few pixels a preview pixel, then averaged."""
    high, wide = bgr.shape[:2]
    step = min(wide // (width * _STAGED_FACTOR), high // (height * _STAGED_FACTOR))
    if step > 1:
        half = step // 2
        bgr = np.ascontiguousarray(bgr[half::step, half::step])
    return cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)


def _ansi(
    top: Sequence[int],
    bottom: Sequence[int],
    upper: Callable[[int], str],
    lower: Callable[[int], str],
) -> str:
    """One row as terminal text: a colour is written only where it changes."""
    parts: list[str] = []
    foreground = background = -1
    for above, below in zip(top, bottom, strict=True):
        if below != background:
            parts.append(lower(below))
            background = below
        if above == below:
            parts.append(" ")
            continue
        if above != foreground:
            parts.append(upper(above))
            foreground = above
        parts.append(HALF_BLOCK)
    parts.append(RESET)
    return "".join(parts)


# ---------------------------------------------------------------------------- palettes
# A painter takes the canvas and gives, for each pixel, the colour that will be seen (0xRRGGBB)
# and the code that the terminal is told.

Painted = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def _packed(bgr: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    wide = bgr.astype(np.int32)
    return wide[..., 2] << 16 | wide[..., 1] << 8 | wide[..., 0]


def _paint_true(canvas: npt.NDArray[np.uint8]) -> Painted:
    """Five bits a channel: half the bytes of eight, and no eye tells at this size."""
    pixels = _packed(canvas & 0xF8)
    return pixels, pixels


def _nearest(levels: npt.NDArray[np.int32], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The index of the level nearest to each value. `levels` rise."""
    return np.searchsorted((levels[1:] + levels[:-1]) / 2, values)


def _paint_256(canvas: npt.NDArray[np.uint8]) -> Painted:
    """The nearer of the 6x6x6 cube and the grey ramp of a 256-colour terminal."""
    wide = canvas.astype(np.int32)
    cube = _nearest(_CUBE_LEVELS, wide)
    grey = _nearest(_GREY_LEVELS, wide.mean(axis=2))
    cube_bgr = _CUBE_LEVELS[cube]
    grey_bgr = np.repeat(_GREY_LEVELS[grey][..., None], 3, axis=2)
    greyer = ((grey_bgr - wide) ** 2).sum(axis=2) < ((cube_bgr - wide) ** 2).sum(axis=2)
    codes = np.where(greyer, 232 + grey, 16 + 36 * cube[..., 2] + 6 * cube[..., 1] + cube[..., 0])
    return _packed(np.where(greyer[..., None], grey_bgr, cube_bgr)), codes


def _paint_16(canvas: npt.NDArray[np.uint8]) -> Painted:
    """The nearest of sixteen colours."""
    apart = canvas.astype(np.int32)[..., None, :] - _ANSI_16_BGR
    codes = (apart**2).sum(axis=3).argmin(axis=2)
    return _ANSI_16[codes], codes


def _remembered(make: Callable[[int], str]) -> Callable[[int], str]:
    """`make` with a memory. At most 32,768 colours exist, so it needs no limit."""
    known: dict[int, str] = {}

    def code(color: int) -> str:
        text = known.get(color)
        if text is None:
            text = known[color] = make(color)
        return text

    return code


def _rgb(color: int) -> str:
    return f"{color >> 16};{color >> 8 & 255};{color & 255}"


_Codes = tuple[Callable[[int], str], Callable[[int], str]]
_PALETTES: Final[dict[Colors, tuple[Callable[[npt.NDArray[np.uint8]], Painted], _Codes]]] = {
    "true": (
        _paint_true,
        (
            _remembered(lambda color: f"\x1b[38;2;{_rgb(color)}m"),
            _remembered(lambda color: f"\x1b[48;2;{_rgb(color)}m"),
        ),
    ),
    "256": (
        _paint_256,
        (
            _remembered(lambda color: f"\x1b[38;5;{color}m"),
            _remembered(lambda color: f"\x1b[48;5;{color}m"),
        ),
    ),
    "16": (
        _paint_16,
        (
            _remembered(lambda color: f"\x1b[{30 + color if color < 8 else 82 + color}m"),
            _remembered(lambda color: f"\x1b[{40 + color if color < 8 else 92 + color}m"),
        ),
    ),
}
