"""A small bench in a real terminal, for tests and benchmarks: `python -m` this, LOG [options].

The real app and its screen, on a bench that answers itself. What reaches the bench is written to
LOG, one JSON line each: what, monotonic ns, value. `scan` has the text, `key` the key's name,
`ready` nothing; at the end `dialog` says whether one stands over the bench, and `offers` the
seconds that each picture kept the camera's thread. A scan of `QUIT` ends the program, one of
`RESET` stands the bench idle.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import threading
import time
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
import numpy.typing as npt
from textual import events

from station.bench import Bench
from station.config import Config
from station.rules.events import CameraDown, Moment
from station.rules.state import Camera, initial
from station.ui.app import BenchApp
from station.ui.dialogs import Dialog
from storage.archive import Archive
from tests.station.ui.solo import NUMBER, SoloBench, config

STALL_EVERY_S = 0.4
STALL_S = 0.25
PREVIEW_FPS = 30.0
"""What the cameras give; a tile takes ten of them."""


class Notes:
    """The program's log."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", buffering=1, encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, what: str, value: Any = None) -> None:
        with self._lock:
            self._file.write(json.dumps([what, time.monotonic_ns(), value]) + "\n")


class ProgramBench(SoloBench):
    """Notes every scan as it arrives."""

    notes: Notes

    def scan(self, text: str, via: str = "wedge", at: Moment | None = None) -> None:
        if text == "RESET":
            idle = initial(self.state.rules)
            cameras = tuple(Camera(camera.name, True) for camera in idle.cameras)
            self.show(**{name: getattr(idle, name) for name in ("phase", "active", "alarms")})
            self.show(cameras=cameras, last_scan=None, handed_over=(), question=None)
        else:
            super().scan(text, via, at)
        self.notes.write("scan", text)


class ProgramApp(BenchApp):
    """Notes every key as it is handled, and stalls when told to."""

    notes: Notes
    stall: bool
    alarm: bool

    async def on_event(self, event: events.Event) -> None:
        await super().on_event(event)
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.notes.write("key", event.key)
            if isinstance(self.bench, SoloBench) and self.bench.scans[-1:] == ["QUIT"]:
                self.notes.write("dialog", isinstance(self.screen, Dialog))
                self.exit()

    def _start(self) -> None:
        super()._start()
        if self.stall:
            self.set_interval(STALL_EVERY_S, lambda: time.sleep(STALL_S))
        if self.alarm:
            Bench.scan(self.bench, NUMBER)
            self.bench.send(CameraDown, camera="side", cause="the cable is out")
        self.set_timer(1.0, lambda: self.notes.write("ready"))


def noisy_pictures(count: int = 12) -> list[npt.NDArray[np.uint8]]:
    """A bench on which hands move, with a camera's noise: most rows change, as in life."""
    chance = np.random.default_rng(3)
    pictures = []
    for place in range(count):
        bgr = np.full((720, 1280, 3), (70, 90, 110), np.uint8)
        left = 100 + 70 * place
        bgr[150:600, left : left + 260] = (90, 150, 210)
        bgr[300:420, left + 60 : left + 180] = 235
        noise = chance.integers(0, 6, bgr.shape, dtype=np.uint8)
        picture = bgr + noise
        picture.flags.writeable = False
        pictures.append(picture)
    return pictures


def film(bench: SoloBench, offers: list[float]) -> None:
    """The camera's thread: offer moving pictures to every tile at the cameras' pace, for ever."""
    from capture.frame import Frame

    pictures, index = noisy_pictures(), 0
    next_s = time.monotonic()
    while True:
        frame = Frame(
            index,
            time.monotonic_ns(),
            dt.datetime.now(dt.UTC),
            pictures[index // 3 % len(pictures)],
        )
        for offer in tuple(bench.takers.values()):
            begin_s = time.monotonic()
            offer(frame)
            offers.append(time.monotonic() - begin_s)
        index += 1
        next_s += 1 / PREVIEW_FPS
        time.sleep(max(0.0, next_s - time.monotonic()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--stall", action="store_true", help="the screen hangs again and again")
    parser.add_argument("--alarm", action="store_true", help="a dialog stands over the bench")
    parser.add_argument("--film", action="store_true", help="both cameras give pictures")
    chosen = parser.parse_args()
    notes = Notes(chosen.log)
    made: list[ProgramBench] = []

    def make(config: Config, archive: Archive) -> Bench:
        ProgramBench.notes = notes
        made.append(ProgramBench(config, archive))
        return made[0]

    app = ProgramApp(config(sound=False), cast("Archive", None), make)
    app.notes, app.stall, app.alarm = notes, chosen.stall, chosen.alarm
    offers: list[float] = []
    if chosen.film:
        threading.Thread(target=film, args=(made[0], offers), daemon=True).start()
    app.run()
    notes.write("offers", offers)


if __name__ == "__main__":
    main()
