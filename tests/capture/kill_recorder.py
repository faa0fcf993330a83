"""A program that records until it is killed: `python -m tests.capture.kill_recorder FILE [FILM]`.

Frames of 640x360 at 30 a second in real time, each with its number, or the packets of FILM as their
camera coded them, 25 a second; the number of each that was offered goes to standard output.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from pathlib import Path

from capture.clip import Recorder
from capture.events import CaptureEvent
from capture.frame import Frame, freeze
from capture.overlay import Overlay
from tests.capture.numbered import numbered
from tests.capture.reel import packets_of


def tell(event: CaptureEvent) -> None:
    print(type(event).__name__, flush=True)


def pictures(recorder: Recorder) -> Callable[[int], None]:
    def offer(index: int) -> None:
        picture = freeze(numbered(index, 640, 360))
        recorder.offer(Frame(index, time.monotonic_ns(), dt.datetime.now(dt.UTC), picture))

    return offer


def copies(recorder: Recorder, film: Path) -> Callable[[int], None]:
    packets = packets_of(film)

    def offer(index: int) -> None:
        recorder.offer_packet(packets[index], time.monotonic_ns(), dt.datetime.now(dt.UTC))

    return offer


def main(path: Path, film: Path | None) -> None:
    fps = 25 if film else 30
    recorder = Recorder("overhead", tell, fps=fps, pre_roll_s=1, overlay=Overlay("Bench 1", "cam"))
    offer = copies(recorder, film) if film else pictures(recorder)
    begin_ns = time.monotonic_ns()
    index = 0
    while True:
        due_ns = begin_ns + index * 1_000_000_000 // fps
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        offer(index)
        print(index, flush=True)
        if index == 20:
            recorder.start("c", path, time.monotonic_ns(), "1Z999")
        index += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
