"""How fast a two-minute clip of 1080p is fitted to a marketplace, beside real time and FFmpeg.

    python -m tests.performance.export_fit [--seconds 120]

The clip is the simulated bench with a sensor's noise, coded as the bench codes it. A minute of it
is wanted. What the camera coded itself must be coded again, because the line of time and number is
written into it; so must a clip that does not fit as it is, twice. FFmpeg's own program does the
same work without a line, in the same run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import subprocess
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame

from capture.codecs import LIBX264, X264_OPTIONS
from storage.evidence.kit import clip_text
from storage.evidence.kit.clip_fit import CRF, HEIGHT_PX, fit
from storage.evidence.kit.clip_wanted import Wanted
from tests.performance.scenes import FPS, bench_pictures

LOOP_S = 4
WIDTH, HEIGHT = 1920, 1080
MOST_MS = 60_000
NUMBER = "1Z999AA10123456784"
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def record(path: Path, seconds: int) -> None:
    """A clip of so many seconds: the same few again and again, which the coder does not know."""
    pictures = bench_pictures(WIDTH, HEIGHT, LOOP_S, "noisy")
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream(LIBX264, rate=FPS, options=dict(X264_OPTIONS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, FPS)
        stream.codec_context.gop_size = FPS
        stream.codec_context.max_b_frames = 0
        coded: list[Any] = []
        for number, picture in enumerate(pictures):
            frame = VideoFrame.from_ndarray(picture, "bgr24")
            frame.pts = number
            coded += stream.encode(frame)
        coded += stream.encode(None)
        for turn in range(seconds // LOOP_S):
            for each in coded:
                packet = av.Packet(bytes(each))
                packet.stream, packet.time_base = stream, Fraction(1, FPS)
                packet.pts = packet.dts = (each.pts or 0) + turn * len(coded)
                packet.is_keyframe = each.is_keyframe
                container.mux(packet)


def ffmpeg(clip: Path, made: Path, bits_per_second: int | None) -> float:
    """Seconds that FFmpeg's program takes for a minute at the same size: once at our quality, or
    twice at this bitrate."""
    command = ["ffmpeg", "-y", "-v", "error", "-ss", "10", "-i", str(clip), "-t", "60", "-an"]
    command += ["-vf", f"scale=-2:{HEIGHT_PX}:flags=bicubic", "-c:v", "libx264"]
    command += ["-preset", "veryfast", "-aq-mode", "0"]
    ways = [["-crf", str(CRF), str(made)]]
    if bits_per_second is not None:
        rate = ["-b:v", str(bits_per_second), "-passlogfile", str(made.with_suffix(".log"))]
        ways = [[*rate, "-pass", "1", "-f", "null", "-"], [*rate, "-pass", "2", str(made)]]
    begun = time.perf_counter()
    for way in ways:
        subprocess.run([*command, *way], check=True)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    seconds = parser.parse_args().seconds
    cues = clip_text.cues_from(NOON, seconds * 1000, NUMBER)
    print(f"{os.cpu_count()} cores; a minute of {seconds} s of {WIDTH}x{HEIGHT}, {FPS} fps")
    print(f"{'what':32} {'made':46} {'MB':>5} {'s':>6} {'of real time':>12} {'ffmpeg s':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        clip, made = folder / "clip.mp4", folder / "made.mp4"
        record(clip, seconds)
        for name, most_bytes, text in (
            ("the bench's coding, 30 MB", 30_000_000, None),
            ("the camera's own, 30 MB", 30_000_000, cues),
            ("the bench's coding, 8 MB", 8_000_000, None),
        ):
            made.unlink(missing_ok=True)
            wanted = Wanted(10_000, 70_000, MOST_MS, most_bytes, cues=text)
            begun = time.perf_counter()
            fitted = fit(clip, made, wanted, lambda share: None)
            took = time.perf_counter() - begun
            peer = ""
            if fitted.settings and shutil.which("ffmpeg"):
                bits = fitted.settings.get("bits_per_second")
                took_peer = ffmpeg(clip, folder / "peer.mp4", None if bits is None else int(bits))
                peer = f"{took_peer:8.1f}"
            size = made.stat().st_size / 1e6
            print(
                f"{name:32} {fitted.made:46} {size:5.1f} {took:6.1f} {took / 60:12.2f} {peer:>8}",
                flush=True,
            )


if __name__ == "__main__":
    main()
