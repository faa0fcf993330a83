"""The simulated bench: a camera over a table on which parcels are packed, without a camera.

A `Source` like the others, for the demo, for tests and for a first look. `sim:` takes options:

    seed=7            which bench: its clutter, its goods; default 1
    tracking=1Z…      a parcel with this number on its label is there from the start
    fps=30            how fast the camera is; default what is asked for, else 30
    view=overhead     or side: two cameras over the same bench
    fault=freeze      from `after` seconds after each opening the camera …
    after=5           … freeze: repeats one picture; hang: never answers a read; lost: is gone;
                      black: sees nothing

All sources of one seed in a process look at one `Scene`, which says what lies on the table; who
listens to it can keep the scene of another process the same. Its label bears a real Code128 that
settles about 2.5 s after `show`. Noise goes on for ever: no picture equals the one before it. Knows
no waybill: the text on the label is only a text.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from capture.frame import Bgr
from capture.scenery import MARGIN_PX, NOISE_ROOM_PX, Sprite, Stage, paint
from capture.source import (
    SIM_FAULTS,
    Pace,
    Sample,
    SimOptions,
    SourceError,
    SourceLost,
    SourceSpec,
    label_text_ok,
)

_LEAVE_S = 0.4
_ARRIVE_S = (0.35, 0.75)
_STAGES_S = (  # seconds after show(): from then on the parcel is this far
    (1.85, Stage.TAPED),
    (1.65, Stage.CLOSED),
    (1.45, Stage.FILLED),
    (1.20, Stage.SECOND_ITEM),
    (0.95, Stage.FIRST_ITEM),
    (0.00, Stage.OPEN),
)
_LABEL_S = (1.9, 2.35)
_WITHDRAW_S = 0.5
_HEAD_START_S = 0.9  # a parcel that is there "from the start" has its label after 1.5 s


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a hand's finger tips are, in parts of the picture's width and height."""

    right: bool
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be seen.

    A parcel (`stage` None: none) that is `slide` picture widths off its place, a label that has
    done the part `label` of its way (0 = not there, 1 = at rest), hands.
    """

    stage: Stage | None
    tracking: str = ""
    slide: float = 0.0
    label: float = 0.0
    hands: tuple[Reach, ...] = ()


@dataclass(frozen=True, slots=True)
class SceneState:
    """All that a scene knows. Its times are of the monotonic clock, which processes share."""

    tracking: str
    shown_s: float
    leaving: tuple[Moment, float] | None
    faults: tuple[tuple[str, str], ...]


class Scene:
    """What happens on one simulated bench, for all cameras over it. Any thread may call."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._listeners: list[Callable[[SceneState], None]] = []
        self._tracking = ""
        self._shown_s = 0.0
        self._leaving: tuple[Moment, float] | None = None
        self._faults: dict[str, str] = {}

    @property
    def tracking(self) -> str:
        """The number on the parcel that is there or coming, '' for none."""
        with self._changed:
            return self._tracking

    def show(self, tracking: str, *, head_start_s: float = 0.0) -> None:
        """A new parcel comes, in place of one that is there; its label lies still after 2.4 s.

        With a head start it is there at once, as it is that many seconds after it came.
        Raises ValueError for a text that no label can bear.
        """
        if not label_text_ok(tracking):
            raise ValueError(f"not a text for a label: {tracking!r}")
        with self._changed:
            now = time.monotonic()
            if not head_start_s:
                self._leave(now)
            self._tracking = tracking
            self._shown_s = now - head_start_s
            self._tell()

    def clear(self) -> None:
        """The parcel leaves, within half a second."""
        with self._changed:
            self._leave(time.monotonic())
            self._tracking = ""
            self._tell()

    def fail(self, fault: str, *, view: str = "") -> None:
        """From now on the cameras with this view (''= all) freeze, hang, are lost or see black."""
        if fault not in SIM_FAULTS:
            raise ValueError(f"no such fault: {fault}")
        with self._changed:
            self._faults[view] = fault
            self._tell()

    def mend(self) -> None:
        """Ends what `fail` began; reads that hang go on."""
        with self._changed:
            self._faults.clear()
            self._changed.notify_all()
            self._tell()

    def listen(self, hear: Callable[[SceneState], None]) -> Callable[[], None]:
        """`hear` gets the state, now and after each change, in order, and must not block; the
        result ends it."""
        with self._changed:
            self._listeners.append(hear)
            hear(self._state())

        def remove() -> None:
            with self._changed:
                self._listeners = [one for one in self._listeners if one is not hear]

        return remove

    def become(self, state: SceneState) -> None:
        """From now on show what another process's scene of this seed shows."""
        with self._changed:
            self._tracking, self._shown_s = state.tracking, state.shown_s
            self._leaving, self._faults = state.leaving, dict(state.faults)
            self._changed.notify_all()

    def _state(self) -> SceneState:
        return SceneState(self._tracking, self._shown_s, self._leaving, tuple(self._faults.items()))

    def _tell(self) -> None:
        for hear in self._listeners:
            hear(self._state())

    def fault(self, view: str) -> str:
        with self._changed:
            return self._faults.get(view) or self._faults.get("", "")

    def wait_until_mended(self, view: str, closed: threading.Event) -> None:
        with self._changed:
            while not closed.is_set() and (self._faults.get(view) or self._faults.get("")):
                self._changed.wait(0.2)

    def moment(self, now_s: float) -> Moment:
        """What is to be seen at `now_s` of the monotonic clock."""
        with self._changed:
            return self._moment(now_s)

    def _leave(self, now_s: float) -> None:
        gone = self._moment(now_s)
        if gone.stage is not None:
            self._leaving = (gone, now_s)

    def _moment(self, now_s: float) -> Moment:
        if self._leaving is not None:
            parcel, since_s = self._leaving
            part = (now_s - since_s) / _LEAVE_S
            if part < 1:
                slide = parcel.slide + 1.1 * part * part
                label = 1.0 if parcel.label == 1 else 0.0
                return Moment(parcel.stage, parcel.tracking, slide, label)
            self._leaving = None
        if not self._tracking:
            return Moment(None)
        t = now_s - self._shown_s
        if t < _ARRIVE_S[0]:
            return Moment(None)
        stage = next(stage for since, stage in _STAGES_S if t >= since)
        slide = _ease(t, *_ARRIVE_S) - 1
        return Moment(stage, self._tracking, slide, _ease(t, *_LABEL_S), _hands(t))


_scenes: dict[int, Scene] = {}
_scenes_lock = threading.Lock()


def scene(seed: int) -> Scene:
    """The one scene of this process for all sources with this seed."""
    with _scenes_lock:
        return _scenes.setdefault(seed, Scene())


def scene_of(options: SimOptions) -> Scene:
    """The scene that a source with these options looks at, with the parcel that they name."""
    bench = scene(options.seed)
    if options.tracking and bench.tracking != options.tracking:
        bench.show(options.tracking, head_start_s=_HEAD_START_S)
    return bench


class SimSource:
    """A simulated camera; see the module's head for its options."""

    codec = ""

    def __init__(
        self, spec: SourceSpec, width: int | None, height: int | None, fps: float | None
    ) -> None:
        self._options = spec.sim or SimOptions()
        self._scene = scene(self._options.seed)
        if self._scene.fault(self._options.view) == "lost":
            raise SourceError(spec.safe_text, "there is no such camera (simulated); check its plug")
        self.width, self.height = width or 1280, height or 720
        self.fps = self._options.fps or fps or 30.0
        self._scenery = paint(self._options.seed, self._options.view, self.width, self.height)
        self._rng = np.random.default_rng()
        self._closed = threading.Event()
        self._pace = Pace()
        self._frame = 0
        self._window = (0, 0)
        self._label: tuple[str, Sprite] | None = None
        self._plate: tuple[tuple[Stage, str], Bgr] | None = None
        self._last: Bgr | None = None
        self._opened_s = time.monotonic()
        scene_of(self._options)

    def read(self) -> Sample | None:
        period_s = 1 / self.fps
        while not self._pace.wait(self._frame * period_s, period_s):
            self._frame += 1  # lost: the reader was too late
        self._frame += 1
        match self._fault():
            case "lost":
                raise SourceLost("the camera was unplugged (simulated)")
            case "hang":
                self._hang()
            case "freeze" if self._last is not None:
                return Sample(self._last.copy())
            case "black":
                return Sample(np.asarray(cv2.convertScaleAbs(self._noise(), alpha=0.3), np.uint8))
        self._last = self._look(self._scene.moment(time.monotonic()))
        return Sample(self._last)

    def close(self) -> None:
        self._closed.set()

    def _fault(self) -> str:
        options = self._options
        if options.fault and time.monotonic() - self._opened_s >= options.after_s:
            return options.fault
        return self._scene.fault(options.view)

    def _hang(self) -> None:
        if self._options.fault == "hang":
            self._closed.wait()
        self._scene.wait_until_mended(self._options.view, self._closed)

    def _look(self, moment: Moment) -> Bgr:
        if moment.stage is not None and not moment.slide and moment.label in (0, 1):
            whole = self._still_life(moment.stage, moment.tracking if moment.label else "")
            if moment.hands:
                whole = whole.copy()
        else:
            whole = self._in_motion(moment)
        for hand in moment.hands:
            sprite = self._scenery.right_hand if hand.right else self._scenery.left_hand
            sprite.lay_over(whole, round(hand.x * self.width), round(hand.y * self.height))
        # The bench trembles while somebody works at it.
        swing = 2.4 if moment.hands or moment.slide else 1.2
        t = time.monotonic()
        x = MARGIN_PX + round(swing * math.sin(2.3 * t))
        y = MARGIN_PX + round(swing * math.sin(1.7 * t + 1))
        view = whole[y : y + self.height, x : x + self.width]
        return np.asarray(cv2.add(view, self._noise()), np.uint8)

    def _still_life(self, stage: Stage, label: str) -> Bgr:
        """Table and parcel at rest, kept for the next frames. Not to be written to."""
        if self._plate is None or self._plate[0] != (stage, label):
            whole = self._scenery.table.copy()
            self._scenery.parcel[stage].lay_over(whole)
            if label:
                self._label_sprite(label).lay_over(whole)
            self._plate = ((stage, label), whole)
        return self._plate[1]

    def _in_motion(self, moment: Moment) -> Bgr:
        if moment.stage is None:
            return self._scenery.table
        if moment.slide:
            whole = self._scenery.table.copy()
            dx = round(moment.slide * self.width)
            self._scenery.parcel[moment.stage].lay_over(whole, dx)
            if moment.label:
                self._label_sprite(moment.tracking).lay_over(whole, dx)
            return whole
        whole = self._still_life(moment.stage, "").copy()
        sprite = self._label_sprite(moment.tracking)
        left = 1 - moment.label
        dx, dy = round(0.55 * self.width * left), round(0.5 * self.height * left * left)
        sprite.lay_over(whole, dx, dy)
        return whole

    def _label_sprite(self, text: str) -> Sprite:
        if self._label is None or self._label[0] != text:
            self._label = (text, self._scenery.label(text))
        return self._label[1]

    def _noise(self) -> Bgr:
        """A window into the noise, never the same twice running."""
        while True:
            x, y = (int(one) for one in self._rng.integers(0, NOISE_ROOM_PX, 2))
            if (x, y) != self._window:
                self._window = (x, y)
                return self._scenery.noise[y : y + self.height, x : x + self.width]


def _ease(t: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, and softly from one to the other."""
    part = min(1.0, max(0.0, (t - start) / (end - start)))
    return part * part * (3 - 2 * part)


def _hands(t: float) -> tuple[Reach, ...]:
    """Two hands that put goods in, close, tape and label; now and then one rests at the edge."""
    hands = []
    for right, at_s, x in ((False, 0.95, 0.38), (True, 1.2, 0.62), (True, 1.45, 0.5)):
        near = 1 - abs(t - at_s) / 0.26
        if near > 0:
            hands.append(Reach(right, x, 1.02 - 0.55 * _ease(near, 0, 1)))
    if 1.62 < t < 1.88:
        hands.append(Reach(True, 0.2 + 0.6 * _ease(t, 1.62, 1.88), 0.52))
    carried = _ease(t, *_LABEL_S)
    if _LABEL_S[0] <= t < _LABEL_S[1] + _WITHDRAW_S:
        away = _ease(t, _LABEL_S[1], _LABEL_S[1] + _WITHDRAW_S)
        hands.append(Reach(True, 0.68 + 0.55 * (1 - carried) + 0.2 * away,
                           0.72 + 0.5 * (1 - carried) ** 2 + 0.4 * away))  # fmt: skip
    if t > 5:
        rest = math.sin((t - 5) * 0.9)
        if rest > 0:
            hands.append(Reach(False, 0.13 + 0.01 * math.sin(3 * t), 1.0 - 0.14 * rest))
    return tuple(hands)
