"""Letters of pixels, legible from 1.5 m: two pixels a cell, drawn with half blocks.

Latin text has two bitmap fonts of our own (3x5 and 5x7), so the first picture needs no font file.
Every other script is rasterised by OpenCV's built-in font, once `load_raster` has run in a worker;
until then `grid` gives None and the caller shows plain text. Knows no widget.
"""

from __future__ import annotations

import functools
from typing import Any, Final, Literal

from rich.cells import cell_len

Size = Literal["plain", "small", "medium", "bold", "large"]
"""Plain is the terminal's own text, in bold."""
Grid = tuple[tuple[int, ...], ...]
"""Rows of coverage, 0 to 255."""

RASTER_PX: Final = 16
"""Height of a rasterised character: 8 rows; below 14 px the strokes of 錯 run together."""
SMALL_RASTER_PX: Final = 12
"""The same on a screen of 24 rows, which has no eight to give: dense, but it can be told apart."""
RASTER_WEIGHT: Final = 500

# Columns, the least significant bit on top.
_TALL: Final = """
20:0000000000 21:00005f0000 25:2313086462 2b:08083e0808 2d:0808080808 2e:0060600000 2f:2010080402
30:3e5149453e 31:00427f4000 32:4261514946 33:2141454b31 34:1814127f10 35:2745454539 36:3c4a494930
37:0171090503 38:3649494936 39:064949291e 3a:0036360000 3f:0201510906 41:7e1111117e 42:7f49494936
43:3e41414122 44:7f4141221c 45:7f49494941 46:7f09090901 47:3e4149497a 48:7f0808087f 49:00417f4100
4a:2040413f01 4b:7f08142241 4c:7f40404040 4d:7f020c027f 4e:7f0408107f 4f:3e4141413e 50:7f09090906
51:3e4151215e 52:7f09192946 53:4649494931 54:01017f0101 55:3f4040403f 56:1f2040201f 57:3f4038403f
58:6314081463 59:0708700807 5a:6151494543 2c:0050300000 5f:4040404040 28:001c224100 29:0041221c00
22:0007000700 23:147f147f14 24:242a7f2a12 26:3649552250 27:0005030000 2a:14083e0814 3b:0056360000
3c:0814224100 3d:1414141414 3e:0041221408 40:324979413e 5b:007f414100 5c:0204081020 5d:0041417f00
5e:0402010204 60:0001020400 7b:0008364100 7c:00007f0000 7d:0041360800 7e:0804081008
"""
# Rows of three pixels as octal digits; N, M and W are wider.
_SMALL: Final = """
0:75557 1:26227 2:71747 3:71717 4:55711 5:74717 6:74757 7:71111 8:75757 9:75717 A:25755 B:65656
C:34443 D:65556 E:74647 F:74644 G:34553 H:55755 I:72227 J:11152 K:55655 L:44447 M:57755 N:65555
O:25552 P:65644 Q:25563 R:65655 S:34216 T:72222 U:55557 V:55552 W:55775 X:55255 Y:55222 Z:71247
-:00700 /:11244 .:00002 ?:71202 !:22202 ,:00024 +:02720 _:00007 %:51245 ":55000 #:57575 $:36263
&:25253 ':22000 (:12221 ):42224 *:05250 ;:02024 <:12421 =:07070 >:42124 @:25743 [:64446 \\:44211
]:31113 ^:25000 `:42000 {:32623 |:22222 }:62326 ~:03600
"""
_WIDE: Final = {
    "N": "1001 1101 1011 1001 1001",
    "M": "10001 11011 10101 10001 10001",
    "W": "10001 10001 10101 11011 10001",
}
_SHAPES: Final = {
    "record": "..XXX.. .XXXXX. XXXXXXX XXXXXXX XXXXXXX .XXXXX. ..XXX..",
    "ready": "X...... XXX.... XXXXX.. XXXXXXX XXXXX.. XXX.... X......",
    "done": "......X .....XX X...XX. XX.XX.. .XXX... ..X.... .......",
    "stop": "XX...XX XXX.XXX .XXXXX. ..XXX.. .XXXXX. XXX.XXX XX...XX",
    "wait": "XXXXXXX .XXXXX. ..XXX.. ...X... ..X.X.. .X.X.X. XXXXXXX",
    "check": "...X... ..XXX.. ..X.X.. .XX.XX. .XXXXX. XXX.XXX XXXXXXX",
    "return": "..X.... .XX.... XXXXXX. .XX...X ..X...X ......X ..XXXX.",
}

_raster: Any = None
"""OpenCV and its font face, once loaded."""


def load_raster() -> None:
    """Load the font for scripts that have no bitmap here. Slow: call it from a worker."""
    global _raster
    import cv2

    _raster = (cv2, cv2.FontFace("uni"))


def can_raster() -> bool:
    """True once `load_raster` has run."""
    return _raster is not None


def cells(text: str, size: Size) -> int:
    """How many columns of the terminal `text` takes."""
    drawn = grid(text, size)
    return cell_len(text) if drawn is None else len(drawn[0])


def rows(text: str, size: Size) -> int:
    """How many rows of the terminal `text` takes."""
    drawn = grid(text, size)
    return 1 if drawn is None else (len(drawn) + 1) // 2


def grid(text: str, size: Size) -> Grid | None:
    """`text` as pixels, or None where it is plain or its script cannot be drawn yet."""
    if size == "plain" or not text:
        return None
    if text.isascii():
        return _ascii("".join(c if c.isprintable() else "?" for c in text.upper()), size)
    height_px = RASTER_PX if size in ("bold", "large") else SMALL_RASTER_PX
    return None if _raster is None else _rasterised(text, height_px)


@functools.cache
def shape(name: str) -> Grid:
    """A sign of 7x7 pixels."""
    return tuple(tuple(255 * (mark == "X") for mark in row) for row in _SHAPES[name].split())


def doubled(pixels: Grid) -> Grid:
    """Each pixel as four."""
    return tuple(
        tuple(value for value in row for _ in range(2)) for row in pixels for _ in range(2)
    )


def half_blocks(pixels: Grid) -> list[list[tuple[int, int]]]:
    """Rows of cells: coverage of the upper and the lower pixel of each."""
    if len(pixels) % 2:
        pixels = (*pixels, (0,) * len(pixels[0]))
    return [
        list(zip(pixels[row], pixels[row + 1], strict=True)) for row in range(0, len(pixels), 2)
    ]


@functools.lru_cache(maxsize=512)
def _ascii(text: str, size: Size) -> Grid:
    glyphs = [_glyph(character, size) for character in text] or [_glyph(" ", size)]
    rows = tuple(
        tuple(value for glyph in glyphs for value in (*glyph[y], 0)) for y in range(len(glyphs[0]))
    )
    return doubled(rows) if size == "large" else rows


@functools.cache
def _glyph(character: str, size: Size) -> Grid:
    if size == "small":
        if character in _WIDE:
            bits = [[mark == "1" for mark in row] for row in _WIDE[character].split()]
        else:
            rows = _small()[character]
            bits = [[bool(int(row) >> (2 - x) & 1) for x in range(3)] for row in rows]
    else:
        columns = _tall()[character]
        bits = [[bool(columns[x] >> y & 1) for x in range(5)] for y in range(7)]
        if size == "bold":
            bits = [
                [here or before for here, before in zip([*row, False], [False, *row], strict=True)]
                for row in bits
            ]
    return tuple(tuple(255 * bit for bit in row) for row in bits)


@functools.cache
def _small() -> dict[str, str]:
    rows = dict(entry.split(":") for entry in _SMALL.split())
    return {**rows, " ": "00000", ":": "02020"}


@functools.cache
def _tall() -> dict[str, bytes]:
    pairs = (entry.split(":") for entry in _TALL.split())
    return {chr(int(code, 16)): bytes.fromhex(columns) for code, columns in pairs}


@functools.lru_cache(maxsize=128)
def _rasterised(text: str, height_px: int) -> Grid:
    import numpy as np

    cv2, face = _raster
    canvas = np.zeros((height_px + 4, (height_px + 4) * len(text) + 8, 3), np.uint8)
    cv2.putText(canvas, text, (0, height_px), (255, 255, 255), face, height_px, RASTER_WEIGHT)
    grey = canvas[2 : 2 + height_px, :, 0]
    used = np.flatnonzero(grey.any(axis=0))
    width = int(used[-1]) + 2 if used.size else 1
    return tuple(tuple(int(value) for value in row) for row in grey[:, :width])
