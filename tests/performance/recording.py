"""What recording costs, as ratios against peers in the same run; by hand, on a quiet machine:

    python -m tests.performance.recording --size 1920x1080 --seconds 6 --scene noisy

Each peer gets the same pictures (`scenes`), as fast as it takes them, turn by turn: the recorder
(overlay, ring and file included) fed with BGR, with the planes that a decoded stream or MJPEG
camera gives, and with larger planes that it scales down; the ffmpeg program with the same x264
settings fed with I420 and with BGR from a raw file; and cv2.VideoWriter with mp4v.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from capture.clip import Recorder
from capture.codecs import LIBX264, X264_OPTIONS
from capture.events import CaptureEvent, ClipEnded, ClipFailed
from capture.frame import Bgr, Frame, Picture, Yuv
from capture.overlay import Overlay
from tests.performance.scenes import FPS, SCENES, Grey, bench_pictures, legibility

SECOND = 1_000_000_000
_EVERY = 7  # so many pictures apart are looked at; the key frames are 30 apart


def cpu_of(work: Callable[[], None]) -> float:
    """CPU seconds that `work` took in this process and in the programs that it ran."""
    programs, begin_s = os.times(), time.process_time()
    work()
    spent_s, after = time.process_time() - begin_s, os.times()
    return spent_s + sum(after[2:4]) - sum(programs[2:4])


def record(pictures: Sequence[Picture], path: Path, video_height: int | None = None) -> None:
    done = threading.Event()

    def tell(event: CaptureEvent) -> None:
        if isinstance(event, ClipEnded | ClipFailed):
            if isinstance(event, ClipFailed) or event.why or event.info.dropped:
                print(f"not what was to be measured: {event}")
            done.set()

    recorder = Recorder(
        "overhead",
        tell,
        fps=FPS,
        pre_roll_s=10,
        overlay=Overlay("Bench 1", "overhead"),
        video_height=video_height,
        encoder=LIBX264,
    )
    begin = dt.datetime.now(dt.UTC)
    recorder.start("c", path, 0, "1Z999AA10123456784")
    for index, picture in enumerate(pictures):
        while recorder.queue_depth > 3:
            time.sleep(0.002)
        utc = begin + dt.timedelta(seconds=index / FPS)
        recorder.offer(Frame(index, index * SECOND // FPS, utc, picture))
    recorder.stop("c")
    done.wait(60)
    recorder.close()


def overlay_alone(pictures: Sequence[Bgr]) -> None:
    overlay = Overlay("Bench 1", "overhead")
    overlay.text = "1Z999AA10123456784"
    height, width = pictures[0].shape[:2]
    i420 = np.zeros((height * 3 // 2, width), np.uint8)
    begin = dt.datetime.now(dt.UTC)
    for index in range(len(pictures)):
        utc = begin + dt.timedelta(seconds=index / FPS)
        overlay.draw_i420(i420, utc, index * SECOND // FPS)


def ffmpeg(raw: Path, pixels: str, width: int, height: int, path: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", pixels]
    command += ["-s", f"{width}x{height}", "-r", str(FPS), "-i", str(raw)]
    command += ["-c:v", "libx264", "-threads", "1", "-g", str(FPS), "-pix_fmt", "yuv420p"]
    for key, value in X264_OPTIONS.items():
        command += [f"-{key}", value]
    subprocess.run([*command, str(path)], check=True)


def video_writer(pictures: Sequence[Bgr], path: Path) -> None:
    height, width = pictures[0].shape[:2]
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), fourcc, FPS, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()


def luma_of(path: Path) -> dict[int, Grey]:
    """What is to be looked at of a file."""
    with av.open(str(path)) as container:
        return {
            index: np.asarray(shown.to_ndarray(format="yuv420p"), np.uint8)[: shown.height]
            for index, shown in enumerate(container.decode(video=0))
            if index % _EVERY == 0
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1920x1080", help="of the picture, like 1280x720")
    parser.add_argument("--seconds", type=int, default=6, help="of video")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--scene", choices=SCENES, default=SCENES[0])
    given = parser.parse_args()
    cv2.setNumThreads(1)  # as in the process of a camera
    width, height = (int(part) for part in given.size.split("x"))
    pictures = bench_pictures(width, height, given.seconds, given.scene)
    yuv = [Yuv(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)) for bgr in pictures]
    # Three quarters, as 1080p is kept at 810 lines: both the scaling and a smaller picture.
    lower = height * 3 // 4

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raw_bgr, raw_i420 = folder / "bgr.raw", folder / "i420.raw"
        with raw_bgr.open("wb") as bgr_file, raw_i420.open("wb") as i420_file:
            for bgr, planes in zip(pictures, yuv, strict=True):
                bgr_file.write(bgr.tobytes())
                i420_file.write(planes.i420.tobytes())
        ways: dict[str, Callable[[Path], None]] = {
            "recorder": lambda path: record(pictures, path),
            "recorder from YUV": lambda path: record(yuv, path),
            f"YUV down to {lower}": lambda path: record(yuv, path, lower),
            "its overlay": lambda path: overlay_alone(pictures),
            "ffmpeg from I420": lambda path: ffmpeg(raw_i420, "yuv420p", width, height, path),
            "ffmpeg from BGR": lambda path: ffmpeg(raw_bgr, "bgr24", width, height, path),
            "cv2 mp4v": lambda path: video_writer(pictures, path),
        }
        seconds: dict[str, float] = {}
        for turn in range(given.rounds):
            for name, way in ways.items():
                path = folder / f"{name} {turn}.mp4"
                seconds[name] = min(cpu_of(partial(way, path)), seconds.get(name, math.inf))

        wanted = {at: yuv[at].i420[:height] for at in range(0, len(yuv), _EVERY)}
        print(f"{given.size}, {FPS} fps, {given.seconds} s, {given.scene}, best of {given.rounds}")
        print(f"{'':18}    CPU  recorder      MB    PSNR   label  moving   bars   dots  codes")
        print(f"{'':18}s per s        is   a min      dB      dB      dB     px     px   read")
        rows = {name: folder / f"{name} 0.mp4" for name in seconds}
        for name, cpu_s in seconds.items():
            line = f"{name:18}{cpu_s / given.seconds:7.3f}{seconds['recorder'] / cpu_s:9.2f}x"
            if rows[name].exists():
                line += f"{rows[name].stat().st_size / 1e6 * 60 / given.seconds:7.1f}"
                shown = luma_of(rows[name])
                if shown[0].shape == wanted[0].shape:
                    found = legibility(wanted, shown)
                    line += f"{found.all_db:8.1f}{found.rest_db:8.1f}{found.moving_db:8.1f}"
                    line += f"{found.bars_px:7.2f}{found.dots_px:7.2f}{found.codes:7.1f}"
            print(line)
        unharmed = legibility(wanted, wanted)
        print(f"{'as recorded':66}{unharmed.bars_px:7.2f}{unharmed.dots_px:7.2f}", end="")
        print(f"{unharmed.codes:7.1f}")


if __name__ == "__main__":
    main()
