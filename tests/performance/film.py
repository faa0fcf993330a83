"""The frames of a hand-held sequence, drawn as `motion` says: the label laid over its bench, out of
focus, blurred by its way, lit, noisy, and through JPEG.
"""

from __future__ import annotations

import functools
import math
import random

import cv2
import numpy as np

from tests.performance import labels
from tests.performance.labels import Grey, Label
from tests.performance.motion import FPS, HEIGHT, WIDTH, Shake, View, place_at, project

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 85)
_SHARPEST_SIGMA_PX, _SHORTEST_SMEAR_PX = 0.3, 1.5
_GLARE, _GLARE_PX = 110, 120
_SHEET_NOISE, _SHEET_ROOM_PX = 12, 256


class Scene:
    """Draws the frames of one sequence."""

    def __init__(self, bench: Grey, label: Label | None, shake: Shake, noise_seed: int) -> None:
        self._bench, self._shake, self._noise_seed = bench, shake, noise_seed
        self._label: Grey | None = None
        if label is not None:
            # Warping averages nothing: a label that stands small needs a smaller picture of it.
            scale = math.sqrt(shake.area * WIDTH * HEIGHT / label.picture.size)
            self._label = label.picture
            while scale < 0.6 and self._label.shape[0] > label.picture.shape[0] // 8:
                half = (self._label.shape[1] // 2, self._label.shape[0] // 2)
                self._label = np.asarray(
                    cv2.resize(self._label, half, interpolation=cv2.INTER_AREA), np.uint8
                )
                scale *= 2

    def frame(self, index: int, seen: View) -> bytes:
        """JPEG, grey."""
        scene = self._bench
        if self._label is not None:
            scene = scene.copy()
            self._put_label(scene, self._label, index, seen)
        if seen.blur_px > _SHARPEST_SIGMA_PX:
            scene = cv2.GaussianBlur(scene, (0, 0), seen.blur_px)
        gain = self._shake.gain
        gain += (1 - gain) * 0.4 * min(1.0, index / FPS)  # the camera makes up for some of it
        if self._shake.glare:
            scene = cv2.convertScaleAbs(scene, alpha=gain)
            gain = 1
            self._put_glare(scene, index)
        noise = random.Random(self._noise_seed + index)
        x, y = (noise.randrange(_SHEET_ROOM_PX) for _ in range(2))
        sheet = _noise_sheet()[y : y + HEIGHT, x : x + WIDTH]
        share = self._shake.noise / _SHEET_NOISE
        scene = cv2.addWeighted(scene, gain, sheet, share, -128 * share)
        return bytes(cv2.imencode(".jpg", scene, _JPEG)[1].tobytes())

    def _put_label(self, scene: Grey, label: Grey, index: int, seen: View) -> None:
        tall, wide = label.shape
        size = labels.SIZE_PX
        outline = project(
            np.array([[0, 0], [size[0], 0], size, [0, size[1]]], np.float32),
            size,
            self._shake,
            index,
        )
        now, before = place_at(self._shake, index), place_at(self._shake, index - 1)
        way = [
            (one - two) * FPS * self._shake.exposure_s for one, two in zip(now, before, strict=True)
        ]
        if seen.smear_px <= _SHORTEST_SMEAR_PX:
            way = [0, 0]
        reach = math.ceil(max(abs(part) for part in way)) + 2
        left, top = (int(max(0, at)) for at in np.floor(outline.min(0)) - reach)
        right, bottom = (
            int(min(most, at))
            for most, at in zip((WIDTH, HEIGHT), np.ceil(outline.max(0)) + reach, strict=True)
        )
        # Its way into the picture begins outside, so that the margin is drawn as well.
        left, top = left - reach, top - reach
        room = (right + reach - left, bottom + reach - top)
        if min(room) <= 2 * reach:
            return
        corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
        warp = cv2.getPerspectiveTransform(corners, outline - np.array([left, top], np.float32))
        drawn = cv2.warpPerspective(label, warp, room, flags=cv2.INTER_LINEAR)
        mask = cv2.warpPerspective(np.full_like(label, 255), warp, room, flags=cv2.INTER_LINEAR)
        (drawn, mask), moved = smear([drawn, mask], way[0], way[1])
        _lay(scene, drawn, mask, left + moved[0], top + moved[1])

    def _put_glare(self, scene: Grey, index: int) -> None:
        blob = _glare_blob()
        half = blob.shape[0] // 2
        x = round(self._shake.x + 60 * math.sin(index * 0.05))
        y = round(self._shake.y) - 40
        left, top = max(0, x - half), max(0, y - half)
        part = scene[top : y + half, left : x + half]
        shone = blob[top - y + half :, left - x + half :][: part.shape[0], : part.shape[1]]
        cv2.add(part, shone, dst=part)


def smear(pictures: list[Grey], x: float, y: float) -> tuple[list[Grey], tuple[int, int]]:
    """`pictures` averaged along a way of (x, y) pixels, smaller by that, and how far their origin
    moved into the old ones. Halving steps make 2^n places of it in n additions."""
    origin = [0.0, 0.0]
    step_x, step_y = x, y
    while math.hypot(step_x, step_y) > 1:
        step_x, step_y = step_x / 2, step_y / 2
        across, down = round(step_x), round(step_y)
        if not across and not down:
            break
        pictures = [
            cv2.addWeighted(_cut(one, across, down), 0.5, _cut(one, -across, -down), 0.5, 0)
            for one in pictures
        ]
        origin = [origin[0] + abs(across) / 2, origin[1] + abs(down) / 2]
    return pictures, (round(origin[0]), round(origin[1]))


def _cut(picture: Grey, across: int, down: int) -> Grey:
    tall, wide = picture.shape
    return picture[max(0, down) : tall + min(0, down), max(0, across) : wide + min(0, across)]


def _lay(scene: Grey, drawn: Grey, mask: Grey, left: int, top: int) -> None:
    """`drawn` onto `scene`, in place, as far as `mask` (0-255) covers it. `drawn` is black where
    nothing of it is."""
    cut_x, cut_y = max(0, -left), max(0, -top)
    drawn, mask = drawn[cut_y:, cut_x:], mask[cut_y:, cut_x:]
    left, top = left + cut_x, top + cut_y
    part = scene[top : top + drawn.shape[0], left : left + drawn.shape[1]]
    if not part.size:
        return
    drawn, mask = drawn[: part.shape[0], : part.shape[1]], mask[: part.shape[0], : part.shape[1]]
    cv2.multiply(part, cv2.bitwise_not(mask), dst=part, scale=1 / 255)
    cv2.add(part, drawn, dst=part)


@functools.cache
def _noise_sheet() -> Grey:
    shape = (HEIGHT + _SHEET_ROOM_PX, WIDTH + _SHEET_ROOM_PX)
    sheet = np.random.default_rng(1).normal(128, _SHEET_NOISE, shape)
    return np.clip(sheet.round(), 0, 255).astype(np.uint8)


@functools.cache
def _glare_blob() -> Grey:
    at = np.arange(-4 * _GLARE_PX, 4 * _GLARE_PX)
    slope = np.exp(-(at**2) / (2 * _GLARE_PX**2))
    return (np.outer(slope, slope) * _GLARE).round().astype(np.uint8)
