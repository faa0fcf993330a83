"""Frames -> readings: which engine looks at which picture, and when.

Behind a camera's fan-out, beside the recorder; its readings leave as `ReadingSeen`. Knows no
waybill and no database: what a text means is the station's business. Never looks at a whole 4K
frame: it reads worse than 1920 pixels and costs five times as much (measured).

A live camera gets cheap looks, plain and blurred in turn, and at a duty of one in N a dear one.
A still gets everything.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from capture.consensus import Consensus, same_place, vote_key
from capture.engines import (
    DEFAULT_SYMBOLOGIES,
    LINEAR,
    ZBAR,
    ZXING,
    Grey,
    check_symbologies,
    read_zbar,
    read_zxing,
    to_grey,
)
from capture.events import CaptureEvent, Reading, ReadingSeen
from capture.frame import Frame

log = logging.getLogger(__name__)

LONGEST_PX: Final = 1920
_VOTER_PX: Final = 1280
"""ZBar on a cluttered 1080p picture: 92 ms; at 1280 pixels 29 ms, reading the same photographs."""
_COSTLY: Final = frozenset({"DataMatrix", "Aztec", "PDF417"})
"""Searched at the dear looks only. On 1080p Code128 and QR cost 5 ms, DataMatrix adds 10."""
_STILL_TILTS_DEGREES: Final = (22.5, -22.5, 45.0)
"""The engines read bars along rows and columns; these angles fill the gaps between."""
_STILL_LONGEST_PX: Final = 4096

Affine = npt.NDArray[Any]
"""3x3, from the pixels of one picture to those of another."""


def decode(
    image: npt.NDArray[Any],
    symbologies: Collection[str] = DEFAULT_SYMBOLOGIES,
    engines: Collection[str] = (ZXING,),
    *,
    mono_ns: int = 0,
) -> list[Reading]:
    """All that one plain look at `image` reads, unjudged, in pixels of `image`.

    `image` is H×W grey or H×W×3 BGR, uint8. Raises ValueError for another picture, an unknown
    symbology or an unknown engine.
    """
    if unknown := set(engines) - {ZXING, ZBAR}:
        raise ValueError(f"unknown engine {', '.join(sorted(unknown))}: allowed are zxing, zbar")
    wanted = check_symbologies(symbologies)
    small, back = _fit(to_grey(image), LONGEST_PX)
    readings = []
    if ZXING in engines:
        readings += read_zxing(small, wanted, mono_ns, thorough=True)
    if ZBAR in engines:
        readings += read_zbar(small, wanted, mono_ns)
    return [_mapped(reading, back) for reading in readings]


def read_live(
    image: npt.NDArray[Any],
    symbologies: Collection[str],
    *,
    blurred: bool = False,
    dear: bool = False,
    mono_ns: int = 0,
) -> list[Reading]:
    """One look of a live camera, unjudged.

    The cheap look (5 ms on 1080p) searches bars and QR, plain or `blurred`: the plain picture
    keeps thin bars, the blurred one loses noise, and neither reads all that the other does. The
    `dear` one (40 ms) searches all symbologies in the blurred picture and has ZBar vote.
    """
    small, back = _fit(to_grey(image), LONGEST_PX)
    wanted = [name for name in symbologies if dear or name not in _COSTLY]
    picture = _blurred(small) if blurred or dear else small
    readings = [_mapped(found, back) for found in read_zxing(picture, wanted, mono_ns)]
    if dear:
        voter, voter_back = _fit(small, _VOTER_PX)
        votes = read_zbar(voter, wanted, mono_ns)
        readings += [_mapped(vote, back @ voter_back) for vote in votes]
    return readings


# ---------------------------------------------------------------------------- stills


def read_still(
    bgr: npt.NDArray[Any],
    symbologies: Collection[str] = DEFAULT_SYMBOLOGIES,
    *,
    mono_ns: int = 0,
) -> list[Reading]:
    """All codes of one picture, the surest first: several scales, blurs and tilts, and ZBar.

    For a label photo, off the UI thread: 0.2 to 0.5 s. Each look that reads a text is a vote for
    it. Of bars that several looks read differently in one place, only a text with more than twice
    the votes of each other is returned; what ZBar alone reads is not returned. Raises ValueError
    like `decode`.
    """
    wanted = check_symbologies(symbologies)
    grey = to_grey(bgr)
    linear = [name for name in wanted if name in LINEAR]
    votes: dict[str, list[Reading]] = {}
    for picture, back, only_bars in _looks(grey):
        searched = linear if only_bars else wanted
        for reading in read_zxing(picture, searched, mono_ns, thorough=True):
            mapped = _mapped(reading, back)
            votes.setdefault(vote_key(mapped), []).append(mapped)
    small, back = _fit(grey, LONGEST_PX)
    for reading in read_zbar(small, linear, mono_ns):
        mapped = _mapped(reading, back)
        votes.setdefault(vote_key(mapped), []).append(mapped)
    surest = sorted(votes.values(), key=len, reverse=True)
    return [
        main
        for readings in surest
        if (main := _main(readings)) is not None and not _disputed(main, readings, surest)
    ]


def _looks(grey: Grey) -> Iterator[tuple[Grey, Affine, bool]]:
    """The pictures to search in a still, each with its way back to the still's own pixels, and
    whether it is only good for bars."""
    small, back = _fit(grey, LONGEST_PX)
    yield small, back, False
    yield _blurred(small), back, False
    half, half_back = _fit(grey, LONGEST_PX // 2)
    if half.shape != small.shape:
        yield half, half_back, False
    # Thin bars: at twice the size, or at the size that the camera gave.
    enlarged = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    yield enlarged, back @ _scaling(0.5), max(small.shape) > LONGEST_PX // 2
    if max(grey.shape) > LONGEST_PX:
        whole, whole_back = _fit(grey, _STILL_LONGEST_PX)
        yield whole, whole_back, True
    # Along the bars noise and scratches are averaged away and the bars stay.
    yield cv2.blur(small, (1, 9)), back, True
    yield cv2.blur(small, (9, 1)), back, True
    tilting, tilting_back = _fit(grey, _VOTER_PX)
    for angle in _STILL_TILTS_DEGREES:
        tilted, untilt = _tilted(tilting, angle)
        yield tilted, tilting_back @ untilt, True


def _main(readings: list[Reading]) -> Reading | None:
    return next((reading for reading in readings if reading.engine == ZXING), None)


def _disputed(main: Reading, readings: list[Reading], votes: list[list[Reading]]) -> bool:
    """True where bars were read otherwise in the same place at least half as often."""
    if main.symbology not in LINEAR:
        return False
    return any(
        others is not readings
        and 2 * len(others) >= len(readings)
        and others[0].symbology in LINEAR
        and any(same_place(main, other) for other in others)
        for others in votes
    )


# ---------------------------------------------------------------------------- pictures


def _fit(grey: Grey, longest_px: int) -> tuple[Grey, Affine]:
    """`grey` with its longer side at most `longest_px`, and the way back to its own pixels."""
    scale = longest_px / max(grey.shape)
    if scale >= 1:
        return grey, np.eye(3)
    height, width = grey.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return small, np.diag([width / size[0], height / size[1], 1.0])


def _scaling(factor: float) -> Affine:
    return np.diag([factor, factor, 1.0])


def _blurred(grey: Grey) -> Grey:
    return cv2.blur(grey, (3, 3))


def _tilted(grey: Grey, degrees: float) -> tuple[Grey, Affine]:
    """`grey` turned about its centre on a white ground that holds all of it, and the way back."""
    height, width = grey.shape
    turn = np.eye(3)
    turn[:2] = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(height * sin + width * cos) + 1, int(height * cos + width * sin) + 1)
    turn[:2, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    tilted = cv2.warpAffine(grey, turn[:2], size, borderValue=(255,))
    return tilted, np.linalg.inv(turn)


def _mapped(reading: Reading, back: Affine) -> Reading:
    """`reading` with its polygon in the pixels that `back` leads to."""
    corners = np.array([(*point, 1.0) for point in reading.polygon]) @ back.T
    polygon = tuple((round(float(x)), round(float(y))) for x, y, _ in corners)
    return Reading(reading.text, reading.symbology, polygon, reading.engine, reading.mono_ns)


# ---------------------------------------------------------------------------- live


class ReaderThread:
    """Reads the codes that a camera sees and tells each accepted one once, as `ReadingSeen`.

    `offer` takes a frame from the camera's thread and never blocks: the newest waits, an older
    one that was not looked at is dropped. Looks happen `rate_hz` times a second at most, and never
    fill more than half of a core; every `dear_every`-th is a dear one. `on_event` is called on
    this thread.
    """

    def __init__(
        self,
        camera: str,
        on_event: Callable[[CaptureEvent], None],
        *,
        symbologies: Collection[str] = DEFAULT_SYMBOLOGIES,
        rate_hz: float = 8.0,
        dear_every: int = 4,
        consensus: Consensus | None = None,
    ) -> None:
        """Raises ValueError for an unknown symbology, a rate or a duty that is not positive."""
        if rate_hz <= 0 or dear_every < 1:
            raise ValueError(f"{rate_hz} looks a second, one in {dear_every} dear: not positive")
        self._camera = camera
        self._on_event = on_event
        self._symbologies = check_symbologies(symbologies)
        self._pause_s = 1 / rate_hz
        self._dear_every = dear_every
        self._consensus = consensus or Consensus()
        self._newest: Frame | None = None
        self._arrived = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"read {camera}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """Have `frame` looked at unless a newer one comes first."""
        with self._arrived:
            self._newest = frame
            self._arrived.notify()

    def close(self, timeout_s: float = 2.0) -> None:
        """Stop. A look that has begun is finished, which takes a fraction of a second."""
        self._closing.set()
        with self._arrived:
            self._newest = None
            self._arrived.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        look = 0
        while (frame := self._next()) is not None:
            began = time.monotonic()
            try:
                self._look(frame, look)
            except Exception:
                log.exception("camera %s: reading barcodes failed on a frame", self._camera)
            look += 1
            spent_s = time.monotonic() - began
            self._closing.wait(max(spent_s, self._pause_s - spent_s))

    def _next(self) -> Frame | None:
        """The newest frame, once there is one that was not looked at. None when closing."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None or self._closing.is_set())
            frame, self._newest = self._newest, None
        return None if self._closing.is_set() else frame

    def _look(self, frame: Frame, look: int) -> None:
        readings = read_live(
            frame.bgr,
            self._symbologies,
            blurred=look % 2 == 1,
            dear=look % self._dear_every == self._dear_every - 1,
            mono_ns=frame.mono_ns,
        )
        for reading in self._consensus.see(readings, frame.mono_ns):
            self._on_event(ReadingSeen(self._camera, reading))
