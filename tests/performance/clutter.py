"""What lies around a parcel on a bench, drawn from a seed: boxes, tape, print, product codes, and
textures that look like bars (corrugated board, slats, keys). No number of a waybill is in it.
"""

from __future__ import annotations

import math
import random

import cv2
import numpy as np

from tests.performance.labels import Grey, product

_TEXTURES_PX = ((5, 9), (12, 30), (90, 160))  # speckles, stains, light, by pixels of a spot


def bench(rng: random.Random, width: int, height: int) -> Grey:
    """A bench of that size, H×W grey."""
    noise = np.random.default_rng(rng.randrange(1 << 32))
    scene: Grey = np.full((height, width), rng.randint(70, 170), np.uint8)
    if rng.random() < 0.3:  # slats of the bench itself
        _stripes(scene, rng, (0, 0, width, height), rng.randint(60, 160), 10)
    for _ in range(rng.randint(5, 12)):
        _box(scene, rng)
    for _ in range(rng.randint(1, 4)):
        _tape(scene, rng)
    for _ in range(rng.randint(0, 2)):
        _paste(scene, product(rng).picture, rng)
    for _ in range(rng.randint(2, 5)):
        wide, tall = rng.randint(80, 420), rng.randint(40, 260)
        x, y = rng.randint(0, width - wide), rng.randint(0, height - tall)
        rng.choice((_stripes, _keys, _words))(
            scene, rng, (x, y, wide, tall), rng.randint(6, 26), rng.randint(15, 90)
        )
    for coarse, level in zip(_TEXTURES_PX, (5, 6, 14), strict=True):
        spot_px = rng.randint(*coarse)
        spots = noise.normal(128, level, (height // spot_px + 2, width // spot_px + 2))
        spots = np.clip(spots, 0, 255).astype(np.uint8)
        smooth = cv2.resize(spots, (width, height), interpolation=cv2.INTER_LINEAR)
        scene = cv2.addWeighted(scene, 1, smooth, 1, -128)
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), 0.7), np.uint8)


def _corners(rng: random.Random, x: float, y: float, wide: float, tall: float) -> Grey:
    """The corners of a box turned by any angle, as cv2's filling takes them."""
    box = cv2.boxPoints(((x, y), (wide, tall), rng.uniform(0, 360)))
    return np.asarray(box.round().astype(np.int32))


def _box(scene: Grey, rng: random.Random) -> None:
    height, width = scene.shape
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    corners = _corners(rng, x, y, rng.uniform(80, 700), rng.uniform(60, 500))
    shade = rng.randint(40, 225)
    cv2.fillConvexPoly(scene, corners, (shade,), cv2.LINE_AA)
    cv2.polylines(scene, [corners], True, (max(0, shade - 40),), rng.randint(1, 4), cv2.LINE_AA)
    if rng.random() < 0.6:  # its seam, and tape over it
        seam = (corners[0] + corners[1]) // 2, (corners[2] + corners[3]) // 2
        one, two = ([int(at) for at in end] for end in seam)
        cv2.line(scene, one, two, (min(255, shade + 25),), rng.randint(12, 40), cv2.LINE_AA)
        cv2.line(scene, one, two, (max(0, shade - 50),), 1, cv2.LINE_AA)


def _tape(scene: Grey, rng: random.Random) -> None:
    height, width = scene.shape
    angle, x, y = rng.uniform(0, math.pi), rng.randint(0, width), rng.randint(0, height)
    reach = rng.randint(150, 900)
    one, two = (
        (x + round(sign * reach * math.cos(angle)), y + round(sign * reach * math.sin(angle)))
        for sign in (-1, 1)
    )
    cv2.line(scene, one, two, (rng.randint(120, 235),), rng.randint(20, 60), cv2.LINE_AA)


def _paste(scene: Grey, picture: Grey, rng: random.Random) -> None:
    """A printed face onto the bench, small, turned by a quarter or not."""
    scale = rng.uniform(0.25, 0.7)
    face = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    face = np.rot90(face, rng.randrange(4))
    tall, wide = face.shape
    x, y = rng.randint(0, scene.shape[1] - wide), rng.randint(0, scene.shape[0] - tall)
    scene[y : y + tall, x : x + wide] = face


Place = tuple[int, int, int, int]
"""x, y, width, height."""


def _stripes(scene: Grey, rng: random.Random, place: Place, every_px: int, contrast: int) -> None:
    x, y, wide, tall = place
    part = scene[y : y + tall, x : x + wide].astype(np.int16)
    if rng.random() < 0.5:
        part = part.T
    part[:, np.arange(part.shape[1]) % every_px < every_px // 2] -= contrast
    part = part if part.shape == (tall, wide) else part.T
    scene[y : y + tall, x : x + wide] = np.clip(part, 0, 255)


def _keys(scene: Grey, rng: random.Random, place: Place, every_px: int, contrast: int) -> None:
    x, y, wide, tall = place
    side = every_px + 6
    shade = max(10, 120 - contrast)
    for top in range(y, y + tall - side, side + 4):
        for left in range(x, x + wide - side, side + 4):
            cv2.rectangle(scene, (left, top), (left + side, top + side), (shade,), -1)
            cv2.putText(
                scene, chr(rng.randint(65, 90)), (left + 3, top + side - 4), 0, 0.4, (220,), 1
            )


def _words(scene: Grey, rng: random.Random, place: Place, every_px: int, contrast: int) -> None:
    x, y, wide, tall = place
    cv2.rectangle(scene, (x, y), (x + wide, y + tall), (200 + contrast // 3,), -1)
    for line in range(y + 18, y + tall - 4, every_px + 12):
        text = "".join(rng.choice("EHILMNTW 10 ") for _ in range(wide // 14))
        cv2.putText(scene, text, (x + 4, line), 0, 0.5, (rng.randint(20, 90),), 1)
