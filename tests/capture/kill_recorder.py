"""A program that records until it is killed: `python -m tests.capture.kill_recorder FILE`.

Frames of 640x360 at 30 a second in real time, each with its number; the number of every frame that
was offered goes to standard output.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

from capture.clip import Recorder
from capture.events import CaptureEvent
from capture.frame import Frame, freeze
from capture.overlay import Overlay
from tests.capture.numbered import numbered


def tell(event: CaptureEvent) -> None:
    print(type(event).__name__, flush=True)


def main(path: Path) -> None:
    recorder = Recorder("overhead", tell, fps=30, pre_roll_s=1, overlay=Overlay("Bench 1", "cam"))
    begin_ns = time.monotonic_ns()
    index = 0
    while True:
        due_ns = begin_ns + index * 1_000_000_000 // 30
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        picture = freeze(numbered(index, 640, 360))
        recorder.offer(Frame(index, time.monotonic_ns(), dt.datetime.now(dt.UTC), picture))
        print(index, flush=True)
        if index == 20:
            recorder.start("c", path, time.monotonic_ns(), "1Z999")
        index += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
