"""A camera's frames -> readings, each told once, as soon as it is beyond doubt.

Behind a camera's fan-out, beside the recorder. Knows no waybill and no database: what a text means
is the station's business.

One frame is rarely enough and the next one comes in 33 ms, so no frame gets everything. Looks take
turns: at all places where bars stand, each as an upright strip; at the whole picture, blurred, for
the codes that are no bars. Bars that were read once are followed: the next look is at their place
alone, which costs a tenth and brings the second vote.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from capture.barcode import LONGEST_PX, blurred, fit, mapped
from capture.consensus import NANOSECONDS, Consensus, bounds, vote_key
from capture.engines import (
    DEFAULT_SYMBOLOGIES,
    LINEAR,
    Grey,
    check_symbologies,
    read_zxing,
)
from capture.events import CaptureEvent, Reading, ReadingSeen
from capture.frame import Frame
from capture.strips import BLURS, Region, locate, read_strip, rectify, refine

log = logging.getLogger(__name__)

DEFAULT_DUTY: Final = 0.27
"""Of one core: 9 ms for each frame at 30 a second."""
_COSTLY: Final = frozenset({"DataMatrix", "Aztec", "PDF417"})
"""On 1080p QR costs 1.5 ms, with these it is 9."""
_OTHERS_EVERY, _COSTLY_EVERY = 3, 2
"""Every third look is for codes that are no bars, every second of these for the costly ones too."""
_REGIONS, _FEWER_REGIONS = 16, 6
_AMPLE_DUTY: Final = 0.5
"""From here on a look reads all regions that it finds, each without every blur. With less it reads
those that were looked at least, so that the next frame is not missed meanwhile."""
_MOVED: Final = 0.25
"""Of the smaller of two sizes: what lies farther from where it was is something else."""
_ROOM: Final = 0.3
"""Of a code's longer side: how far it may have moved since it was read."""
_LEAST_ROOM_PX: Final = 64
_FOLLOWED_NS: Final = NANOSECONDS // 3
_SAME_VIEW_NS: Final = NANOSECONDS * 3 // 4
"""What was not seen for longer has come into view anew."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A reading that is beyond doubt, and since when its code has been in view (capture clock)."""

    reading: Reading
    in_view_ns: int


@dataclass(slots=True, eq=False)
class _Place:
    """Something that looks like a code, from look to look, in pixels of the whole picture."""

    x: float
    y: float
    size_px: float
    since_ns: int
    last_ns: int
    looks: int = 0
    text: str = ""
    """What was read there last."""


class LiveReader:
    """Looks at one picture after the other; each look is a part of what could be looked for.

    Not thread-safe, reads no clock: `mono_ns` comes with the picture.
    """

    def __init__(
        self,
        symbologies: Collection[str] = DEFAULT_SYMBOLOGIES,
        *,
        duty: float = DEFAULT_DUTY,
    ) -> None:
        """`duty`: the share of one core that its looks will get. Raises ValueError for an unknown
        symbology, or a duty that is not above 0 and up to 1."""
        if not 0 < duty <= 1:
            raise ValueError(f"a duty of {duty}: it must be above 0, at most 1")
        wanted = check_symbologies(symbologies)
        self._bars = [name for name in wanted if name in LINEAR]
        self._others = [name for name in wanted if name not in LINEAR]
        self._cheap = [name for name in self._others if name not in _COSTLY]
        self._consensus = Consensus()
        self._turn = 0
        self._ample = duty > _AMPLE_DUTY
        self._places: list[_Place] = []
        self._read_once: Reading | None = None

    def look(self, grey: Grey, mono_ns: int) -> list[Seen]:
        """What is accepted by this look at `grey` (H×W uint8), in its pixels."""
        self._forget(mono_ns)
        followed, self._read_once = self._read_once, None
        if followed is not None and mono_ns - followed.mono_ns <= _FOLLOWED_NS:
            readings = self._follow(grey, followed, mono_ns)
        else:
            readings = self._search(grey, mono_ns)
        accepted = self._consensus.see(readings, mono_ns)
        since_ns: dict[str, int] = {}
        for reading in readings:
            came_ns, key = self._says(reading, mono_ns), vote_key(reading)
            since_ns[key] = min(came_ns, since_ns.get(key, came_ns))
        waiting = self._consensus.waiting(readings)
        self._read_once = max(waiting, key=_size, default=None)
        return [Seen(reading, since_ns[vote_key(reading)]) for reading in accepted]

    # ------------------------------------------------------------------ looks

    def _search(self, grey: Grey, mono_ns: int) -> list[Reading]:
        """The next of the looks that take turns."""
        small, back = fit(grey, LONGEST_PX)
        turn, self._turn = self._turn, self._turn + 1
        if self._bars and (turn % _OTHERS_EVERY or not self._others):
            readings = self._read_strips(small, float(back[0, 0]), mono_ns)
        else:
            others = turn // _OTHERS_EVERY
            costly = not self._cheap or others % _COSTLY_EVERY == _COSTLY_EVERY - 1
            wanted = self._others if costly else self._cheap
            readings = read_zxing(blurred(small), wanted, mono_ns)
        return [mapped(reading, back) for reading in readings] if small is not grey else readings

    def _read_strips(self, grey: Grey, factor: float, mono_ns: int) -> list[Reading]:
        """The places with bars, those first that were looked at least: what lies about on the bench
        must not take the time of what is being shown. The whole picture is `factor` times `grey`.
        """
        readings = []
        standing: list[tuple[_Place, Region]] = []
        for region in locate(grey, _REGIONS):
            there = region.scaled(factor)
            taken = [place for place, _ in standing]
            place = self._stands(
                (there.center_x, there.center_y), there.length_px, mono_ns, taken=taken
            )
            standing.append((place, region))
        standing.sort(key=lambda pair: -pair[1].strength / (1 + pair[0].looks))
        for place, region in standing if self._ample else standing[:_FEWER_REGIONS]:
            blurs = BLURS if self._ample else BLURS[place.looks % 2 :: 2]
            place.looks += 1
            straight = refine(grey, region)
            strip = rectify(grey, straight)
            readings += read_strip(strip, straight, self._bars, mono_ns)
            readings += read_strip(strip, straight, self._bars, mono_ns, blurs=blurs)
        return readings

    def _follow(self, grey: Grey, once: Reading, mono_ns: int) -> list[Reading]:
        """Bars that were read once, where they were: all engines."""
        left, top, right, bottom = bounds(once)
        room = max(_LEAST_ROOM_PX, round(_ROOM * max(right - left, bottom - top)))
        left, top = max(0, left - room), max(0, top - room)
        crop = grey[top : bottom + room, left : right + room]
        readings = []
        for region in locate(crop, 2):
            straight = refine(crop, region)
            strip = rectify(crop, straight)
            readings += read_strip(strip, straight, self._bars, mono_ns, zbar=True)
            readings += read_strip(strip, straight, self._bars, mono_ns, blurs=BLURS)
        back = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
        return [mapped(reading, back) for reading in readings]

    # ------------------------------------------------------------------ since when

    def _stands(
        self,
        at: tuple[float, float],
        size_px: float,
        mono_ns: int,
        *,
        taken: Collection[_Place] = (),
    ) -> _Place:
        """Something that looks like a code stands there now: the nearest that stood about there
        before, none of those `taken` by others."""
        x, y = at
        near = [
            (apart, place)
            for place in self._places
            if place not in taken
            and (apart := math.hypot(place.x - x, place.y - y))
            <= _MOVED * min(place.size_px, size_px)
        ]
        if not near:
            self._places.append(_Place(x, y, size_px, mono_ns, mono_ns))
            return self._places[-1]
        _, place = min(near, key=lambda pair: pair[0])
        place.x, place.y, place.size_px, place.last_ns = x, y, size_px, mono_ns
        return place

    def _says(self, reading: Reading, mono_ns: int) -> int:
        """Since when the code that was read has stood there. Where another one stood before, this
        one has only just come."""
        place, text = self._stands(_middle(reading), _size(reading), mono_ns), vote_key(reading)
        if place.text and place.text != text:
            place.since_ns = mono_ns
        place.text = text
        return place.since_ns

    def _forget(self, mono_ns: int) -> None:
        self._places = [place for place in self._places if mono_ns - place.last_ns <= _SAME_VIEW_NS]


def _middle(reading: Reading) -> tuple[float, float]:
    left, top, right, bottom = bounds(reading)
    return (left + right) / 2, (top + bottom) / 2


def _size(reading: Reading) -> float:
    left, top, right, bottom = bounds(reading)
    return max(right - left, bottom - top)


# ---------------------------------------------------------------------------- a camera


class ReaderThread:
    """Reads the codes that a camera sees and tells each accepted one once, as `ReadingSeen`.

    `offer` takes a frame from the camera's thread and never blocks: the newest waits, an older
    one that was not looked at is dropped. After each look the thread rests until it has used
    `duty` of one core. `on_event` is called on this thread.
    """

    def __init__(
        self,
        camera: str,
        on_event: Callable[[CaptureEvent], None],
        *,
        symbologies: Collection[str] = DEFAULT_SYMBOLOGIES,
        duty: float = DEFAULT_DUTY,
    ) -> None:
        """Raises ValueError as LiveReader does."""
        self._camera = camera
        self._on_event = on_event
        self._duty = duty
        self._reader = LiveReader(symbologies, duty=duty)
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
        while (frame := self._next()) is not None:
            began_s = time.thread_time()
            try:
                for seen in self._reader.look(frame.grey, frame.mono_ns):
                    self._on_event(ReadingSeen(self._camera, seen.reading, seen.in_view_ns))
            except Exception:
                log.exception("camera %s: reading barcodes failed on a frame", self._camera)
            spent_s = time.thread_time() - began_s
            self._closing.wait(spent_s / self._duty - spent_s)

    def _next(self) -> Frame | None:
        """The newest frame, once there is one that was not looked at. None when closing."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None or self._closing.is_set())
            frame, self._newest = self._newest, None
        return None if self._closing.is_set() else frame
