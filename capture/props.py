"""Flat pictures of the things on the simulated bench: cardboard, table tops, tools, a label, hands.

Each function paints one BGR or BGRA picture; `capture.scenery` puts them into space. Knows no lens
and no clock. Nothing here is meant to be exact but the label's barcode, which is a real Code128.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Placed = tuple[float, float, float, Picture]

KRAFT: Colour = (104, 150, 190)
_FACE = cv2.FontFace("sans")


def flat(colour: Colour, size: tuple[int, int] = (8, 8)) -> Picture:
    return np.asarray(np.full((size[1], size[0], 3), colour), np.uint8)


def lit(picture: Picture, light: float) -> Picture:
    """A brighter or darker copy; the alpha of a BGRA picture stays."""
    out = cv2.convertScaleAbs(picture, alpha=light)
    if picture.shape[2] == 4:
        out[..., 3] = picture[..., 3]
    return np.asarray(out, np.uint8)


def opaque(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA), np.uint8)


def premultiplied(bgr: Picture, alpha: Picture) -> Picture:
    """BGRA whose colours are already scaled by alpha (uint8 H×W)."""
    out = cv2.multiply(bgr, cv2.merge([alpha] * 3), scale=1 / 255)
    return np.asarray(cv2.merge([*cv2.split(out), alpha]), np.uint8)


def write(picture: Picture, text: str, at: tuple[int, int], size: int, colour: Colour,
          weight: int = 600) -> int:  # fmt: skip
    """Writes `text` with its base line's left end at `at`; returns the x where it ends."""
    (x, _y), _ = cv2.putText(picture, text, at, colour, _FACE, size, weight)
    return int(x)


def grain(rng: np.random.Generator, w: int, h: int, sigma: float, stretch: int) -> Picture:
    """Grey fibres around 128, drawn out along x by `stretch`."""
    noise = rng.normal(0, 1, (h, max(1, w // stretch))).astype(np.float32)
    drawn = cv2.resize(noise, (w, h), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(128 + sigma * drawn, 0, 255), np.uint8)


def tinted(grey: Picture, colour: Colour) -> Picture:
    """A grey picture around 128 as variation of a colour."""
    factor = grey.astype(np.float32)[..., None] / 128
    return np.asarray(np.clip(factor * np.array(colour, np.float32), 0, 255), np.uint8)


def cardboard(rng: np.random.Generator, w: int, h: int) -> Picture:
    fibres = grain(rng, w, h, 2.6, 9).astype(np.int16) + grain(rng, w, h, 2.4, 1) - 128
    blotches = cv2.resize(rng.normal(0, 3, (h // 60 + 2, w // 60 + 2)).astype(np.float32), (w, h),
                          interpolation=cv2.INTER_CUBIC)  # fmt: skip
    flutes = 1.6 * np.sin(np.arange(h) * 2 * np.pi / 9)[:, None]
    return tinted(np.clip(fibres + blotches + flutes, 0, 255).astype(np.uint8), KRAFT)


def table_top(rng: np.random.Generator, wooden: bool) -> Picture:
    w, h = 2200, 1280
    if not wooden:
        return tinted(grain(rng, w, h, 2.2, 2), (172, 174, 170))
    top = np.zeros((h, w, 3), np.uint8)
    plank = 160
    for y in range(0, h, plank):
        tone = float(rng.uniform(0.86, 1.06))
        veins = grain(rng, w, plank, 5.5, 70)
        veins = veins + grain(rng, w, plank, 3.0, 12) - np.uint8(128)
        top[y : y + plank] = lit(tinted(veins, (92, 130, 166)), tone)
        cv2.line(top, (0, y), (w, y), (52, 76, 100), 3)
    return top


def cutting_mat() -> Picture:
    mat = flat((74, 92, 46), (1040, 675))
    for x in range(20, 1040, 25):
        cv2.line(mat, (x, 15), (x, 660), (96, 118, 66) if (x - 20) % 125 else (140, 164, 112), 1)
    for y in range(20, 675, 25):
        cv2.line(mat, (15, y), (1025, y), (96, 118, 66) if (y - 20) % 125 else (140, 164, 112), 1)
    cv2.rectangle(mat, (12, 12), (1027, 662), (150, 176, 122), 2)
    for i, x in enumerate(range(20, 1040, 125)):
        write(mat, str(i * 10), (x + 4, 658), 15, (150, 176, 122))
    return mat


def pegboard(rng: np.random.Generator) -> Picture:
    """A wall with a shelf of bins, for the view from the side."""
    wall = tinted(grain(rng, 1600, 480, 1.5, 2), (150, 156, 152))
    for y in range(16, 480, 26):
        for x in range(14, 1600, 26):
            cv2.circle(wall, (x, y), 3, (96, 100, 98), -1, cv2.LINE_AA)
    for i, x in enumerate(range(60, 1560, 150)):
        hue = ((168, 96, 30), (40, 70, 190), (60, 150, 190))[i % 3]
        cv2.rectangle(wall, (x, 270), (x + 124, 410), hue, -1)
        cv2.rectangle(wall, (x, 270), (x + 124, 300), (40, 40, 40), -1)
        cv2.rectangle(wall, (x + 30, 330), (x + 94, 370), (225, 230, 232), -1)
    cv2.rectangle(wall, (0, 410), (1600, 428), (70, 74, 78), -1)
    return wall


def printer_top() -> Picture:
    top = flat((74, 70, 68), (190, 170))
    cv2.rectangle(top, (10, 10), (180, 110), (88, 84, 82), -1)
    cv2.rectangle(top, (24, 118), (166, 170), (238, 240, 240), -1)
    for i in range(7):
        cv2.line(top, (40 + 16 * i, 140), (40 + 16 * i, 164), (60, 60, 60), 3 + i % 3)
    cv2.circle(top, (168, 24), 4, (90, 220, 90), -1, cv2.LINE_AA)
    return top


def product(colour: Colour, name: str, size: tuple[int, int]) -> Picture:
    """A retail box seen from above: a band, a name, a picture of sorts."""
    w, h = size
    box = lit(flat(colour, size), 1.15)
    cv2.rectangle(box, (0, int(h * 0.62)), (w, int(h * 0.88)), (236, 238, 238), -1)
    write(box, name, (14, int(h * 0.81)), int(w * 0.11), (40, 40, 40), 800)
    centre = (int(w * 0.5), int(h * 0.32))
    cv2.circle(box, centre, int(h * 0.2), (226, 230, 232), -1, cv2.LINE_AA)
    cv2.circle(box, centre, int(h * 0.13), colour, -1, cv2.LINE_AA)
    cv2.rectangle(box, (0, 0), (w - 1, h - 1), tuple(int(c * 0.6) for c in colour), 3)
    return box


def crumpled(rng: np.random.Generator, w: int, h: int) -> Picture:
    """Crumpled packing paper with holes at its border through which the goods show."""
    # Facets: every point belongs to its nearest fold, which has a tone and a slope of its own.
    tone = np.zeros((h, w), np.float32)
    for count, weight in ((46, 0.65), (210, 0.35)):
        seeds = np.full((h, w), 255, np.uint8)
        seeds[rng.integers(0, h, count), rng.integers(0, w, count)] = 0
        _, facet = cv2.distanceTransformWithLabels(
            seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        folds = int(facet.max()) + 1
        lean = rng.normal(0, 0.16, (2, folds)).astype(np.float32)
        base = rng.uniform(104, 140, folds).astype(np.float32)
        yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
        swing = (xx - w / 2) * 0.3 * lean[0][facet] + (yy - h / 2) * 0.3 * lean[1][facet]
        tone += weight * (base[facet] + np.clip(swing, -16, 16))
    soft = cv2.GaussianBlur(tone, (0, 0), 1.6)
    paper = opaque(tinted(np.clip(soft, 60, 190).astype(np.uint8), (122, 164, 198)))
    rough = cv2.resize(rng.normal(0, 1, (9, 13)).astype(np.float32), (w, h),
                       interpolation=cv2.INTER_CUBIC)  # fmt: skip
    y, x = np.mgrid[0:h, 0:w]
    edge = np.minimum.reduce([x, w - 1 - x, y, h - 1 - y]).astype(np.float32)
    alpha = np.clip((edge - 26 - 16 * rough) / 3, 0, 1)
    return np.asarray(np.clip(paper * alpha[..., None], 0, 255), np.uint8)


def label(text: str, density: float, size: tuple[int, int]) -> Picture:
    """A shipping label with `text` as Code128 and as letters.

    `size` is in units and `density` in pixels a unit. Raises ValueError for text that is empty or
    not Code128.
    """
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    bars = np.array(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False))
    modules = bars.shape[1]
    w, h = size
    # The bars are drawn whole pixels wide, the label around them; then all is scaled at once. ZBar
    # insists on the ten modules of quiet zone between the bars and the printed frame.
    module = 6
    unit = (modules + 21) * module / (w - 12)
    big = flat((244, 246, 246), (round(w * unit), round(h * unit)))

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * unit), round(y * unit)

    def say(words: str, x: float, y: float, size_units: float, weight: int = 500) -> None:
        write(big, words, at(x, y), round(size_units * unit), (28, 26, 26), weight)

    cv2.rectangle(big, at(4, 4), at(w - 4, h - 4), (40, 38, 38), round(2 * unit))
    say("SHIPPER  Example Goods Ltd", 14, 24, 13)
    say("4 Harbour Lane, Exampleton", 14, 40, 13)
    say("SHIP TO", 14, 68, 13, 800)
    say("R. SAMPLE", 84, 68, 19, 700)
    say("27 MILL ROAD, FLAT 3", 84, 90, 19, 700)
    say("ANYTOWN  AB1 2CD", 84, 112, 19, 700)
    cv2.rectangle(big, at(w - 150, 14), at(w - 14, 84), (28, 26, 26), -1)
    write(big, "E1", at(w - 120, 72), round(58 * unit), (246, 246, 246), 800)
    say("1 OF 1   2.4 KG", w - 148, 108, 15, 700)
    cv2.line(big, at(4, 128), at(w - 4, 128), (40, 38, 38), round(4 * unit))
    top, bottom = at(22, 148)[1], at(22, h - 62)[1]
    left = (big.shape[1] - modules * module) // 2
    big[top:bottom, left : left + modules * module] = cv2.cvtColor(
        np.repeat(np.repeat(bars[:1], module, axis=1), bottom - top, axis=0), cv2.COLOR_GRAY2BGR
    )
    letters = round(min(30.0, 1.45 * (w - 60) / max(8, len(text))) * unit)
    box = cv2.getTextSize((0, 0), text, (0, 0), _FACE, letters, 700)
    write(big, text, ((big.shape[1] - box[2]) // 2, at(0, h - 26)[1]), letters, (20, 20, 20), 700)
    small = (max(1, round(w * density)), max(1, round(h * density)))
    return np.asarray(cv2.resize(big, small, interpolation=cv2.INTER_AREA), np.uint8)


def clutter(rng: np.random.Generator) -> list[Placed]:
    """Small things that lie about: x, y, turn in degrees, BGRA with its own soft shadow."""

    def about(x: float, y: float, turn: float, patch: Picture) -> Placed:
        dx, dy = rng.uniform(-14, 14, 2)
        return x + float(dx), y + float(dy), turn + float(rng.uniform(-14, 14)), patch

    return [
        about(-560, 20, 80, _solid(_bubble_wrap())),
        about(-545, 250, 20, _solid(_tape_roll())),
        about(560, -70, -60, _solid(_scissors())),
        about(565, 130, 8, _solid(_packing_list())),
        about(-400, -322, 5, _solid(_marker((38, 38, 190)))),
        about(330, -318, -8, _solid(_cutter())),
        about(575, 305, 65, _solid(_marker((44, 44, 44)))),
    ]


def hand(scale: float) -> Picture:
    """A right arm in a blue glove, reaching up from below, finger tips at the upper edge; BGRA."""
    w, h = 300, 760
    s = 2
    mask = np.zeros((h * s, w * s), np.uint8)
    sleeve = np.zeros_like(mask)

    def limb(a: tuple[int, int], b: tuple[int, int], width: int, on: Picture) -> None:
        cv2.line(on, (a[0] * s, a[1] * s), (b[0] * s, b[1] * s), 255, width * s, cv2.LINE_AA)

    for tip, knuckle in (((96, 34), (112, 128)), ((132, 20), (136, 124)), ((166, 26), (160, 126)),
                         ((196, 52), (182, 134))):  # fmt: skip
        limb(tip, knuckle, 29, mask)
        limb(knuckle, (146, 190), 36, mask)
    limb((64, 138), (104, 196), 32, mask)
    limb((104, 196), (140, 236), 40, mask)
    cv2.ellipse(mask, (146 * s, 190 * s), (56 * s, 66 * s), 0, 0, 360, 255, -1, cv2.LINE_AA)
    limb((148, 230), (160, 300), 74, mask)
    arm = np.array([(112, 292), (206, 286), (290, h), (150, h)], np.int32) * s
    cv2.fillPoly(sleeve, [arm], 255, cv2.LINE_AA)
    glove = _rounded(mask, (168, 108, 44), 7 * s)
    cloth = _rounded(sleeve, (74, 62, 54), 26 * s)
    hole = cv2.merge([255 - glove[..., 3]] * 4)
    both = cv2.add(cv2.multiply(cloth, hole, scale=1 / 255), glove)
    size = (round(w * scale), round(h * scale))
    return np.asarray(cv2.resize(both, size, interpolation=cv2.INTER_AREA), np.uint8)


def noise(seed: int, w: int, h: int) -> Picture:
    """What a sensor adds: mean 7, sigma about 1.8, mostly grey; the taker cuts a random window."""
    rng = np.random.default_rng(seed + 1)
    grey = rng.standard_normal((h, w), np.float32) * np.float32(1.6)
    hue = rng.standard_normal((h // 2 + 1, w // 2 + 1, 3), np.float32) * np.float32(1.1)
    full = cv2.resize(hue, (w, h), interpolation=cv2.INTER_LINEAR)
    return np.clip(full + grey[..., None] + np.float32(7.5), 0, 15).astype(np.uint8)


def vignette(picture: Picture) -> Picture:
    """Lit by a lamp above: brighter in the middle, darker in the corners."""
    h, w = picture.shape[:2]
    y, x = np.mgrid[-1:1:24j, -1:1:24j]
    light = (1.06 - 0.26 * (0.7 * x * x + 0.6 * y * y)).astype(np.float32)
    field = cv2.resize(light, (w, h), interpolation=cv2.INTER_CUBIC)
    out = cv2.multiply(picture, cv2.merge([field] * 3), dtype=cv2.CV_8U)
    return np.asarray(out, np.uint8)


def arrows(picture: Picture, at: tuple[int, int]) -> None:
    """The two "this side up" arrows as printed on cartons."""
    ink = (62, 88, 112)
    for x in (at[0], at[0] + 26):
        points = np.array([(x, at[1]), (x - 11, at[1] + 17), (x + 11, at[1] + 17)], np.int32)
        cv2.fillPoly(picture, [points], ink, cv2.LINE_AA)
        cv2.line(picture, (x, at[1] + 16), (x, at[1] + 44), ink, 6)
    cv2.line(picture, (at[0] - 12, at[1] + 52), (at[0] + 38, at[1] + 52), ink, 4)


def _rounded(mask: Picture, colour: Colour, roundness: int) -> Picture:
    """A shape of one colour that looks round: lit from the upper left. Premultiplied BGRA."""
    small = cv2.resize(mask, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    body = cv2.GaussianBlur(small.astype(np.float32), (0, 0), max(1.0, roundness / 4))
    slope = cv2.Sobel(body, cv2.CV_32F, 1, 0, ksize=3) + cv2.Sobel(body, cv2.CV_32F, 0, 1, ksize=3)
    light = 0.62 + 0.0020 * body + 0.0016 * slope
    shaded = np.clip(light[..., None] * np.array(colour, np.float32), 0, 255)
    full = cv2.resize(shaded.astype(np.uint8), mask.shape[::-1])
    return premultiplied(full, mask)


def _solid(patch: Picture, pad: int = 16) -> Picture:
    """The patch with a soft shadow to the lower right; premultiplied BGRA in, and out."""
    wide = cv2.copyMakeBorder(patch, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    shadow = cv2.GaussianBlur(np.roll(wide[..., 3], (5, 4), (0, 1)), (0, 0), 5)
    alpha = wide[..., 3].astype(np.float32)
    wide[..., 3] = np.clip(alpha + (255 - alpha) / 255 * shadow * 0.5, 0, 255)
    return np.asarray(wide, np.uint8)


def _blank(w: int, h: int) -> Picture:
    return np.zeros((h, w, 4), np.uint8)


def _tape_roll() -> Picture:
    roll = _blank(150, 150)
    for radius, colour in ((70, (88, 142, 188)), (64, (104, 160, 204)), (56, (96, 150, 196)),
                           (42, (150, 190, 214)), (36, (70, 90, 104))):  # fmt: skip
        cv2.circle(roll, (75, 75), radius, (*colour, 255), -1, cv2.LINE_AA)
    cv2.circle(roll, (75, 75), 34, (0, 0, 0, 0), -1)
    cv2.ellipse(roll, (75, 75), (62, 62), 0, 200, 250, (170, 208, 232, 255), 5, cv2.LINE_AA)
    return roll


def _scissors() -> Picture:
    tool = _blank(230, 130)
    for y0, y1 in ((46, 84), (84, 46)):
        cv2.line(tool, (84, y0), (222, y1), (186, 186, 182, 255), 13, cv2.LINE_AA)
        cv2.line(tool, (88, y0), (218, y1), (214, 216, 214, 255), 4, cv2.LINE_AA)
    for y in (34, 96):
        cv2.ellipse(tool, (52, y), (42, 26), 0, 0, 360, (32, 88, 224, 255), 13, cv2.LINE_AA)
    cv2.circle(tool, (144, 65), 6, (110, 110, 108, 255), -1, cv2.LINE_AA)
    return tool


def _marker(cap: Colour) -> Picture:
    pen = _blank(190, 30)
    cv2.line(pen, (16, 15), (172, 15), (222, 226, 226, 255), 19, cv2.LINE_AA)
    cv2.line(pen, (126, 15), (174, 15), (*cap, 255), 21, cv2.LINE_AA)
    cv2.line(pen, (20, 10), (168, 10), (248, 250, 250, 255), 3, cv2.LINE_AA)
    return pen


def _cutter() -> Picture:
    knife = _blank(210, 40)
    cv2.line(knife, (24, 20), (150, 20), (28, 178, 236, 255), 29, cv2.LINE_AA)
    cv2.rectangle(knife, (60, 14), (130, 24), (46, 46, 46, 255), -1)
    blade = np.array([(164, 10), (190, 10), (204, 30), (164, 30)], np.int32)
    cv2.fillPoly(knife, [blade], (196, 198, 196, 255), cv2.LINE_AA)
    return knife


def _packing_list() -> Picture:
    sheet = opaque(flat((240, 242, 242), (190, 260)))
    words = np.ascontiguousarray(sheet[..., :3])
    write(words, "PACKING LIST", (16, 34), 18, (40, 40, 40), 800)
    for i, y in enumerate(range(62, 236, 20)):
        cv2.line(words, (16, y), (96 + 23 * (i * 7 % 4), y), (120, 120, 118), 4)
        cv2.rectangle(words, (164, y - 6), (174, y + 4), (120, 120, 118), 1)
    sheet[..., :3] = words
    return sheet


def _bubble_wrap() -> Picture:
    sheet = opaque(flat((208, 206, 200), (270, 170)))
    for row, y in enumerate(range(10, 170, 17)):
        for x in range(10 + 9 * (row % 2), 270, 19):
            cv2.circle(sheet, (x, y), 8, (190, 187, 180, 255), -1, cv2.LINE_AA)
            cv2.circle(sheet, (x - 2, y - 2), 4, (236, 236, 232, 255), -1, cv2.LINE_AA)
    return sheet
