"""How a label is held before a camera and seen by it: where it is in each frame, how large, how
sharp. Numbers alone; `film` draws them.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np

from tests.performance import labels
from tests.performance.labels import Label, Points

WIDTH, HEIGHT, FPS, FRAMES = 1920, 1080, 30, 75
_HELD_FROM, _LEAVES_FROM = round(FRAMES * 0.24), round(FRAMES * 0.84)
_AWAY_PX = 1300
_EYE_PX = 1500
"""The camera's distance from the label, in pixels of the picture."""
_MARGIN_PX = 8
_EXPOSURES_S = (1 / 250, 1 / 120, 1 / 60, 1 / 30)


@dataclass(frozen=True, slots=True)
class Shake:
    """How one sequence is taken: angles in degrees, lengths in pixels of the picture. `area` is
    the label's share of the picture when it is held flat, `noise` the deviation in grey levels."""

    area: float
    turn: float
    tilt: float
    tilt_axis: float
    x: float
    y: float
    comes_from: float
    jitter_px: float
    defocus_px: float
    exposure_s: float
    noise: float
    gain: float
    glare: bool


@dataclass(frozen=True, slots=True)
class View:
    """Of one frame: whether all of the main code is in the picture, how large a module of it is,
    how far out of focus it is (sigma), how far it went during the exposure."""

    in_view: bool
    module_px: float
    blur_px: float
    smear_px: float


def draw_shake(rng: random.Random) -> Shake:
    """The ranges of the hand-held sequences that the reader was designed with."""
    nearly_square = rng.random() < 0.6
    return Shake(
        area=math.exp(rng.uniform(math.log(0.045), math.log(0.5))),
        turn=rng.choice((0, 90, 180, 270)) + rng.uniform(-15, 15)
        if nearly_square
        else rng.uniform(0, 360),
        tilt=min(abs(rng.gauss(0, 18)), 50),
        tilt_axis=rng.uniform(0, 360),
        x=WIDTH * rng.uniform(0.35, 0.65),
        y=HEIGHT * rng.uniform(0.4, 0.6),
        comes_from=rng.uniform(0, 360),
        jitter_px=rng.uniform(0, 5),
        defocus_px=abs(rng.gauss(0, 0.9)),
        exposure_s=rng.choice(_EXPOSURES_S),
        noise=rng.uniform(1.5, 9),
        gain=rng.choice((0.45, 0.7, 1, 1, 1.25)),
        glare=rng.random() < 0.3,
    )


def place_at(shake: Shake, index: int) -> tuple[float, float]:
    """Where the middle of the label is in frame `index`: it comes, rests but for the hand's
    trembling, goes on the other side."""
    if index < _HELD_FROM:
        away_px = (1 - index / _HELD_FROM) ** 2 * _AWAY_PX
    elif index > _LEAVES_FROM:
        away_px = -(((index - _LEAVES_FROM) / (FRAMES - _LEAVES_FROM)) ** 2) * _AWAY_PX
    else:
        away_px = 0
    angle = math.radians(shake.comes_from)
    tremble_x = math.sin(index * 0.9) + 0.5 * math.sin(index * 2.3)
    return (
        shake.x + math.cos(angle) * away_px + shake.jitter_px * tremble_x,
        shake.y + math.sin(angle) * away_px + shake.jitter_px * math.cos(index * 0.7),
    )


def project(points: Points, size: tuple[int, int], shake: Shake, index: int) -> Points:
    """Where `points` of a label of `size` (width, height) stand in frame `index`, N×2 pixels."""
    scale = math.sqrt(shake.area * WIDTH * HEIGHT / (size[0] * size[1]))
    turn = math.radians(shake.turn + 2 * math.sin(index * 0.15))
    axis, tilt = math.radians(shake.tilt_axis), math.radians(shake.tilt)
    cos, sin = math.cos(turn), math.sin(turn)
    flat = (points - np.array(size) / 2) * scale @ np.array([[cos, sin], [-sin, cos]])
    along = np.array([math.cos(axis), math.sin(axis)])
    across = np.array([-along[1], along[0]])
    on_axis, off_axis = flat @ along, flat @ across
    nearer = _EYE_PX / (_EYE_PX + off_axis * math.sin(tilt))
    tilted = np.outer(on_axis, along) + np.outer(off_axis * math.cos(tilt), across)
    seen = tilted * nearer[:, np.newaxis] + place_at(shake, index)
    return np.asarray(seen, np.float32)


def view(label: Label, shake: Shake, index: int) -> View:
    quad = project(label.quad, labels.SIZE_PX, shake, index)
    inside = (quad > _MARGIN_PX).all() and (quad < (WIDTH - _MARGIN_PX, HEIGHT - _MARGIN_PX)).all()
    width_px = float(np.linalg.norm(quad[1] - quad[0]))
    smear = math.dist(place_at(shake, index), place_at(shake, index - 1)) if index else 0.0
    return View(
        in_view=bool(inside),
        module_px=round(width_px / label.modules, 2) if label.modules else 0.0,
        # The lens hunts for a second when something new comes near.
        blur_px=round(shake.defocus_px + 3.5 * math.exp(-index / FPS / 0.35), 2),
        smear_px=round(smear * FPS * shake.exposure_s, 1),
    )
