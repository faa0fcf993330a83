"""The picture of the simulated bench: a table, what lies on it, a parcel in its stages, hands.

Painted once for each seed, point of view and size, from one description in space (x to the right,
y towards the packer, z up; the unit is a pixel of a 1280-wide overhead picture), then only copied:
`capture.sim` lays the ready parts over each other frame by frame. Knows no clock, no camera and no
waybill: the label bears whatever text it is given.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from capture import props
from capture.props import KRAFT, Colour, Picture

NOISE_ROOM_PX = 64  # the noise is larger than the picture by this: room for its random window
MARGIN_PX = 6  # painted beyond each edge, so that the camera may tremble

_BOX_W, _BOX_D, _BOX_H = 690, 440, 150
_LABEL_W, _LABEL_D = 530, 350
_LIGHT = {"top": 1.0, "front": 0.84, "left": 0.74, "right": 0.9, "back": 0.7}


class Stage(IntEnum):
    """How far the parcel is packed."""

    OPEN = 0
    FIRST_ITEM = 1
    SECOND_ITEM = 2
    FILLED = 3
    CLOSED = 4
    TAPED = 5


@dataclass(frozen=True, slots=True)
class Sprite:
    """A part to lay over a picture: premultiplied colour, 255 - alpha, and its home position."""

    bgr: Picture
    hole: Picture
    x: int
    y: int

    def lay_over(self, picture: Picture, dx: int = 0, dy: int = 0) -> None:
        """Lays it over `picture`, moved by `dx`, `dy` pixels from home; what sticks out is cut."""
        x, y = self.x + dx, self.y + dy
        left, top = max(0, -x), max(0, -y)
        right = min(self.bgr.shape[1], picture.shape[1] - x)
        bottom = min(self.bgr.shape[0], picture.shape[0] - y)
        if left >= right or top >= bottom:
            return
        under = picture[y + top : y + bottom, x + left : x + right]
        cv2.multiply(under, self.hole[top:bottom, left:right], dst=under, scale=1 / 255)
        cv2.add(under, self.bgr[top:bottom, left:right], dst=under)


@dataclass(frozen=True, slots=True)
class Scenery:
    """Everything that does not depend on the label. Pictures are `MARGIN_PX` larger all round."""

    seed: int
    view: str
    lens: _Lens
    table: Picture
    parcel: tuple[Sprite, ...]  # by Stage
    left_hand: Sprite  # home: finger tips at the picture's origin
    right_hand: Sprite
    noise: Picture

    def label(self, text: str) -> Sprite:
        """The shipping label with `text` as Code128 and in letters, as it lies on the box."""
        rng = np.random.default_rng(self.seed + 77)
        turn = np.deg2rad(rng.uniform(1.5, 4.0) * rng.choice([-1, 1]))
        cx, cy = rng.uniform(-25, 25), rng.uniform(-12, 12)
        along = np.array([np.cos(turn), np.sin(turn), 0.0])
        down = np.array([-np.sin(turn), np.cos(turn), 0.0])
        middle = np.array([cx, cy, _BOX_H + 1.0])
        half_w, half_d = along * _LABEL_W / 2, down * _LABEL_D / 2
        corners = np.array(
            [
                middle - half_w - half_d,
                middle + half_w - half_d,
                middle + half_w + half_d,
                middle - half_w + half_d,
            ]
        )
        canvas = _Canvas(self.lens)
        canvas.shade(corners, reach=5, depth=0.35)
        # Twice the size on the screen: bars must not be thinned unevenly by the last step.
        width_px = float(np.linalg.norm(np.subtract(*self.lens.project(corners)[:2])))
        texture = props.label(text, 2 * width_px / _LABEL_W, (_LABEL_W, _LABEL_D))
        canvas.quad(corners, texture, fine=True)
        return canvas.sprite()


@functools.lru_cache(maxsize=4)
def paint(seed: int, view: str, width: int, height: int) -> Scenery:
    """The scenery of one bench; the same arguments give the same picture. Takes about 0.3 s."""
    lens = _Lens.of(view, width, height)
    rng = np.random.default_rng(seed)
    things = _Things(rng, lens)
    hand = props.hand(lens.scale)
    return Scenery(
        seed,
        view,
        lens,
        things.table(),
        tuple(things.parcel(stage) for stage in Stage),
        _hand(np.ascontiguousarray(hand[:, ::-1])),
        _hand(hand),
        props.noise(seed, lens.size[0] + NOISE_ROOM_PX, lens.size[1] + NOISE_ROOM_PX),
    )


@dataclass(frozen=True)
class _Lens:
    """A pinhole camera; `scale` is pixels a unit at the table, `size` includes the margin."""

    eye: npt.NDArray[np.float64]
    matrix: npt.NDArray[np.float64]
    scale: float
    size: tuple[int, int]

    @classmethod
    def of(cls, view: str, width: int, height: int) -> _Lens:
        scale = max(width / 1280, height / 720)
        if view == "side":
            eye, target = np.array([170.0, 1010.0, 1130.0]), np.array([10.0, -25.0, 60.0])
        else:
            eye, target = np.array([0.0, 24.0, 1500.0]), np.array([0.0, 0.0, 0.0])
        ahead = (target - eye) / np.linalg.norm(target - eye)
        right = np.array([-ahead[1], ahead[0], 0.0])
        right /= np.linalg.norm(right)
        down = np.cross(right, ahead)
        if down[2] > 0 or down[1] < 0:
            down = -down
        focal = scale * float(np.linalg.norm(target - eye))
        rotation = np.stack([right, down, ahead])
        middle = (width / 2 + MARGIN_PX, height / 2 + MARGIN_PX)
        inner = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1.0]])
        matrix = inner @ np.hstack([rotation, (-rotation @ eye)[:, None]])
        return cls(eye, matrix, scale, (width + 2 * MARGIN_PX, height + 2 * MARGIN_PX))

    def project(self, points: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """N×3 points in space to N×2 pixels."""
        at = np.asarray(points, np.float64)
        image = self.matrix @ np.hstack([at, np.ones((len(at), 1))]).T
        return np.asarray((image[:2] / image[2]).T, np.float32)


class _Canvas:
    """A premultiplied BGRA picture under a lens, painted from far to near."""

    def __init__(self, lens: _Lens, ground: Picture | None = None) -> None:
        self._lens = lens
        width, height = lens.size
        self.bgra: Picture = np.zeros((height, width, 4), np.uint8)
        if ground is not None:
            self.bgra = props.opaque(ground)

    def quad(
        self, corners: npt.ArrayLike, texture: Picture, *, both: bool = False, fine: bool = False
    ) -> None:
        """Paints `texture` (BGR or BGRA) on the four corners: clockwise as seen from its front.

        A quad seen from behind is not painted unless `both`. `fine` paints at twice the size and
        averages.
        """
        at = self._lens.project(corners)
        area = cv2.contourArea(at, oriented=True)
        if area <= 0 and not both:
            return
        left, top = np.floor(at.min(axis=0)).astype(int) - 1
        right, bottom = np.ceil(at.max(axis=0)).astype(int) + 2
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, self._lens.size[0]), min(bottom, self._lens.size[1])
        if left >= right or top >= bottom:
            return
        times = 2 if fine else 1
        source = texture if texture.shape[2] == 4 else props.opaque(texture)
        h, w = source.shape[:2]
        frame = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
        target = ((at - np.array([left, top], np.float32)) * times).astype(np.float32)
        warp = cv2.getPerspectiveTransform(frame, target)
        size = ((right - left) * times, (bottom - top) * times)
        part = cv2.warpPerspective(source, warp, size, flags=cv2.INTER_LINEAR)
        if fine:
            part = cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        self._lay(np.asarray(part, np.uint8), left, top)

    def shade(self, corners: npt.ArrayLike, *, reach: float, depth: float) -> None:
        """A soft shadow in the shape of the corners; `reach` is its blur in units."""
        # Drawn at a quarter of the size: a shadow holds no detail.
        points = self._lens.project(corners) / 4
        blur = max(0.6, reach * self._lens.scale / 8)
        start = np.maximum(np.floor(points.min(axis=0) - 3 * blur), 0).astype(int)
        end = np.ceil(points.max(axis=0) + 3 * blur).astype(int)
        w, h = np.minimum(end, np.array(self._lens.size) // 4) - start
        if w <= 0 or h <= 0:  # outside of a picture of an unusual shape
            return
        mask = np.zeros((h, w), np.uint8)
        cv2.fillConvexPoly(mask, ((points - start) * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), blur)
        alpha = cv2.convertScaleAbs(cv2.resize(mask, (4 * w, 4 * h)), alpha=depth)
        black = np.zeros((4 * h, 4 * w, 4), np.uint8)
        black[..., 3] = alpha
        self._lay(black, 4 * int(start[0]), 4 * int(start[1]))

    def cuboid(
        self,
        middle: tuple[float, float],
        size: tuple[float, float, float],
        top: Picture,
        side: Colour,
        *,
        floor: float = 0.0,
        shadow: bool = True,
    ) -> None:
        """A block standing at `floor`; `size` is width, depth, height."""
        (x, y), (w, d, h) = middle, size
        x0, x1, y0, y1, z0, z1 = x - w / 2, x + w / 2, y - d / 2, y + d / 2, floor, floor + h
        if shadow:
            self.shade(_flat_on(x0 - 6, x1 + 18, y0, y1 + 22, z0), reach=22, depth=0.42)
        for name, face in _sides(x0, x1, y0, y1, z0, z1).items():
            self.quad(face, props.lit(props.flat(side), _LIGHT[name]))
        self.quad(_flat_on(x0, x1, y0, y1, z1), top)

    def sprite(self) -> Sprite:
        """What was painted, cut to what is not transparent."""
        x, y, w, h = cv2.boundingRect(self.bgra[..., 3])
        return _sprite(self.bgra[y : y + h, x : x + w], x, y)

    def _lay(self, part: Picture, x: int, y: int) -> None:
        under = self.bgra[y : y + part.shape[0], x : x + part.shape[1]]
        hole = cv2.cvtColor(255 - part[..., 3], cv2.COLOR_GRAY2BGRA)
        hole[..., 3] = hole[..., 0]
        cv2.multiply(under, hole, dst=under, scale=1 / 255)
        cv2.add(under, part, dst=under)


class _Things:
    """The objects of one bench, dressed by the seed."""

    def __init__(self, rng: np.random.Generator, lens: _Lens) -> None:
        self._lens = lens
        self._rng = rng
        self._card = props.cardboard(rng, 900, 600)
        self._inside = props.lit(props.cardboard(rng, 300, 200), 0.72)
        hues = [(168, 92, 38), (60, 48, 176), (88, 138, 44), (150, 60, 120), (40, 40, 44)]
        pick = rng.permutation(len(hues))
        self._goods = [hues[int(i)] for i in pick[:2]]
        self._wood = bool(rng.integers(0, 2))

    def table(self) -> Picture:
        """The empty table with its clutter, H×W×3."""
        rng, lens = self._rng, self._lens
        canvas = _Canvas(lens, props.lit(props.flat((62, 60, 58), lens.size), 1.0))
        span_x, y0, y1 = 1100.0, -520.0, 760.0
        canvas.quad(_wall(-1500, 1500, y0, -40, 900), props.pegboard(rng), both=True)
        canvas.quad(_flat_on(-span_x, span_x, y0, y1), props.table_top(rng, self._wood))
        canvas.quad(_flat_on(-520, 520, -330, 345, 1), props.cutting_mat())
        for x, y, turn, patch in props.clutter(rng):
            h, w = patch.shape[:2]
            canvas.quad(_turned(x, y, w / 2, h / 2, turn), patch)
        canvas.cuboid((-560, -330), (190, 170, 120), props.printer_top(), (66, 62, 60))
        canvas.cuboid((575, -300), (170, 190, 95), props.lit(self._card[:190, :170], 1.0), KRAFT)
        upper = props.lit(self._card[200:330, :120], 0.96)
        canvas.cuboid((566, -306), (120, 130, 60), upper, KRAFT, floor=95, shadow=False)
        return props.vignette(np.ascontiguousarray(canvas.bgra[..., :3]))

    def parcel(self, stage: Stage) -> Sprite:
        canvas = _Canvas(self._lens)
        x0, x1 = -_BOX_W / 2, _BOX_W / 2
        y0, y1 = -_BOX_D / 2, _BOX_D / 2
        h = float(_BOX_H)
        canvas.shade(_flat_on(x0 - 14, x1 + 34, y0 - 4, y1 + 40), reach=40, depth=0.55)
        if stage < Stage.CLOSED:
            self._open_box(canvas, stage, x0, x1, y0, y1, h)
        else:
            self._outside(canvas, x0, x1, y0, y1, h)
            top = self._lid(taped=stage is Stage.TAPED)
            canvas.quad(_flat_on(x0, x1, y0, y1, h), top)
        return canvas.sprite()

    def _outside(
        self, canvas: _Canvas, x0: float, x1: float, y0: float, y1: float, h: float
    ) -> None:
        for name, face in _sides(x0, x1, y0, y1, 0, h).items():
            texture = props.lit(self._card[: int(h) * 2], _LIGHT[name])
            if name == "front":
                props.write(texture, "HANDLE WITH CARE", (60, 190), 54, (70, 96, 122))
            canvas.quad(face, texture)

    def _open_box(
        self, canvas: _Canvas, stage: Stage, x0: float, x1: float, y0: float, y1: float, h: float
    ) -> None:
        canvas.quad(_flat_on(x0, x1, y0, y1, 2), props.lit(self._inside, 0.8))
        for name, face in _sides(x0, x1, y0, y1, 2, h).items():
            seen_inside = [face[1], face[0], face[3], face[2]]
            canvas.quad(seen_inside, props.lit(self._inside, _LIGHT[name] + 0.1))
        canvas.shade(_flat_on(x0, x1, y0, y0 + 60, 3), reach=40, depth=0.3)
        if stage >= Stage.FIRST_ITEM:
            one = props.product(self._goods[0], "KETTLE 1.7 L", (300, 240))
            canvas.cuboid((-140, -20), (300, 240, 90), one, self._goods[0], floor=3)
        if stage >= Stage.SECOND_ITEM:
            two = props.product(self._goods[1], "CUP SET", (210, 200))
            canvas.cuboid((165, 30), (210, 200, 105), two, self._goods[1], floor=3)
        if stage >= Stage.FILLED:
            paper = props.crumpled(np.random.default_rng(5), 660, 410)
            canvas.quad(_flat_on(x0 + 14, x1 - 14, y0 + 14, y1 - 14, 112), paper)
        self._outside(canvas, x0, x1, y0, y1, h)
        out, drop = 122.0, 108.0  # a flap hangs outwards, half as long as the box is deep
        low = h - drop
        flaps = {
            "back": [(x0, y0 - out, low), (x1, y0 - out, low), (x1, y0, h), (x0, y0, h)],
            "left": [(x0 - out, y0, low), (x0, y0, h), (x0, y1, h), (x0 - out, y1, low)],
            "right": [(x1, y0, h), (x1 + out, y0, low), (x1 + out, y1, low), (x1, y1, h)],
            "front": [(x0, y1, h), (x1, y1, h), (x1, y1 + out, low), (x0, y1 + out, low)],
        }
        light = {"back": 0.86, "left": 0.93, "right": 0.98, "front": 1.04}
        for name, flap in flaps.items():
            canvas.quad(flap, props.lit(self._card[40:400], light[name]), both=True)

    def _lid(self, *, taped: bool) -> Picture:
        lid: Picture = np.asarray(cv2.resize(self._card, (_BOX_W, _BOX_D)), np.uint8)
        middle = _BOX_D // 2
        cv2.line(lid, (0, middle), (_BOX_W, middle), (58, 92, 124), 3)
        cv2.line(lid, (0, middle + 2), (_BOX_W, middle + 2), (128, 174, 212), 1)
        for x in (4, _BOX_W - 5):
            cv2.line(lid, (x, 0), (x, _BOX_D), (86, 128, 166), 2)
        props.arrows(lid, (_BOX_W - 62, 40))
        if taped:
            under = lid[middle - 34 : middle + 34]
            gloss = np.linspace(1.12, 0.96, under.shape[0])[:, None, None]
            band = (under * 0.45 + np.array([96, 152, 196]) * 0.55) * gloss
            lid[middle - 34 : middle + 34] = np.clip(band, 0, 255)
            for y in (middle - 34, middle + 34):
                cv2.line(lid, (0, y), (_BOX_W, y), (150, 196, 226), 1)
        return lid


def _sides(
    x0: float, x1: float, y0: float, y1: float, z0: float, z1: float
) -> dict[str, list[tuple[float, float, float]]]:
    """The four upright faces of a block from far to near, corners clockwise as seen outside."""
    return {
        "back": [(x1, y0, z1), (x0, y0, z1), (x0, y0, z0), (x1, y0, z0)],
        "left": [(x0, y0, z1), (x0, y1, z1), (x0, y1, z0), (x0, y0, z0)],
        "right": [(x1, y1, z1), (x1, y0, z1), (x1, y0, z0), (x1, y1, z0)],
        "front": [(x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)],
    }


def _flat_on(
    x0: float, x1: float, y0: float, y1: float, z: float = 0
) -> list[tuple[float, float, float]]:
    return [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]


def _wall(x0: float, x1: float, y: float, z0: float, z1: float) -> list[tuple[float, float, float]]:
    return [(x0, y, z1), (x1, y, z1), (x1, y, z0), (x0, y, z0)]


def _turned(
    x: float, y: float, half_w: float, half_h: float, degrees: float
) -> list[tuple[float, float, float]]:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    corners = ((-half_w, -half_h), (half_w, -half_h), (half_w, half_h), (-half_w, half_h))
    return [(x + u * c - v * s, y + u * s + v * c, 1.5) for u, v in corners]


def _sprite(bgra: Picture, x: int, y: int) -> Sprite:
    hole = cv2.cvtColor(255 - bgra[..., 3], cv2.COLOR_GRAY2BGR)
    bgr = np.ascontiguousarray(bgra[..., :3])
    return Sprite(bgr, np.asarray(hole, np.uint8), x, y)


def _hand(picture: Picture) -> Sprite:
    return _sprite(picture, -picture.shape[1] // 2, 0)
