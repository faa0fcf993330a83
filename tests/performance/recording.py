"""What recording costs, as ratios against peers in the same run; by hand, on a quiet machine:

    python -m tests.performance.recording --size 1920x1080 --seconds 6

The pictures are those of the simulated bench. Each peer gets the same ones, as fast as it takes
them: the recorder (overlay, ring and file included), the ffmpeg program with the same x264
settings fed with I420 and with BGR from a raw file, and cv2.VideoWriter with mp4v.
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
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from capture.clip import Recorder
from capture.encoder import X264_OPTIONS
from capture.events import CaptureEvent, ClipEnded, ClipFailed
from capture.frame import Frame, freeze
from capture.overlay import Overlay, Picture
from capture.source import open_source, parse_source

FPS = 30
SECOND = 1_000_000_000


def bench_pictures(width: int, height: int, seconds: int) -> list[Picture]:
    """So many seconds of the simulated bench, a parcel being packed."""
    source = open_source(
        parse_source("sim:?seed=7&tracking=1Z999AA10123456784"), width, height, FPS
    )
    pictures: list[Picture] = []
    while len(pictures) < seconds * FPS:
        picture = source.read()
        if picture is None:
            raise SystemExit("the simulated bench gives no picture")
        pictures.append(freeze(picture))
    source.close()
    return pictures


def cpu_of(work: Callable[[], None]) -> float:
    """CPU seconds that `work` took in this process and in the programs that it ran."""
    programs, begin_s = os.times(), time.process_time()
    work()
    spent_s, after = time.process_time() - begin_s, os.times()
    return spent_s + sum(after[2:4]) - sum(programs[2:4])


def record(pictures: list[Picture], path: Path) -> None:
    done = threading.Event()

    def tell(event: CaptureEvent) -> None:
        if isinstance(event, ClipEnded | ClipFailed):
            if isinstance(event, ClipFailed) or event.why or event.info.dropped:
                print(f"not what was to be measured: {event}")
            done.set()

    overlay = Overlay("Bench 1", "overhead")
    recorder = Recorder("overhead", tell, fps=FPS, pre_roll_s=10, overlay=overlay)
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


def overlay_alone(pictures: list[Picture]) -> None:
    overlay = Overlay("Bench 1", "overhead")
    overlay.text = "1Z999AA10123456784"
    height, width = pictures[0].shape[:2]
    i420 = np.zeros((height * 3 // 2, width), np.uint8)
    begin = dt.datetime.now(dt.UTC)
    for index in range(len(pictures)):
        overlay.draw_i420(i420, begin + dt.timedelta(seconds=index / FPS))


def ffmpeg(raw: Path, pixels: str, width: int, height: int, path: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", pixels]
    command += ["-s", f"{width}x{height}", "-r", str(FPS), "-i", str(raw)]
    command += ["-c:v", "libx264", "-threads", "1", "-g", str(FPS), "-pix_fmt", "yuv420p"]
    for key, value in X264_OPTIONS.items():
        command += [f"-{key}", value]
    subprocess.run([*command, str(path)], check=True)


def video_writer(pictures: list[Picture], path: Path) -> None:
    height, width = pictures[0].shape[:2]
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), fourcc, FPS, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()


def likeness_db(pictures: list[Picture], path: Path) -> float:
    """PSNR of the luma, every tenth picture, without the burnt-in line."""
    errors = []
    with av.open(str(path)) as container:
        for index, shown in enumerate(container.decode(video=0)):
            if index % 10 == 0:
                rows = pictures[index].shape[0] * 15 // 16
                want = cv2.cvtColor(pictures[index], cv2.COLOR_BGR2YUV_I420)[:rows]
                have = shown.to_ndarray(format="yuv420p")[:rows]
                errors.append(float(np.mean((want.astype(float) - have) ** 2)))
    return float(10 * np.log10(255**2 / np.mean(errors)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1920x1080", help="of the picture, like 1280x720")
    parser.add_argument("--seconds", type=int, default=6, help="of video")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    given = parser.parse_args()
    width, height = (int(part) for part in given.size.split("x"))
    pictures = bench_pictures(width, height, given.seconds)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bgr, i420 = folder / "bgr.raw", folder / "i420.raw"
        with bgr.open("wb") as bgr_file, i420.open("wb") as i420_file:
            for picture in pictures:
                bgr_file.write(picture.tobytes())
                i420_file.write(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())
        ways: dict[str, Callable[[Path], None]] = {
            "recorder": lambda path: record(pictures, path),
            "its overlay": lambda path: overlay_alone(pictures),
            "ffmpeg from I420": lambda path: ffmpeg(i420, "yuv420p", width, height, path),
            "ffmpeg from BGR": lambda path: ffmpeg(bgr, "bgr24", width, height, path),
            "cv2 mp4v": lambda path: video_writer(pictures, path),
        }
        seconds: dict[str, float] = {}
        for turn in range(given.rounds):
            for name, way in ways.items():
                path = folder / f"{name} {turn}.mp4"
                seconds[name] = min(cpu_of(partial(way, path)), seconds.get(name, math.inf))

        print(f"{given.size}, {FPS} fps, {given.seconds} s, best of {given.rounds}")
        print(f"{'':18}CPU s per s   recorder is   MB/min   PSNR dB")
        for name, cpu_s in seconds.items():
            line = f"{name:18}{cpu_s / given.seconds:11.3f}{seconds['recorder'] / cpu_s:13.2f}x"
            path = folder / f"{name} 0.mp4"
            if path.exists():
                mb = path.stat().st_size / 1e6 * 60 / given.seconds
                line += f"{mb:9.1f}{likeness_db(pictures, path):10.1f}"
            print(line)


if __name__ == "__main__":
    main()
