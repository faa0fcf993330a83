"""Clips with something to see, for what is derived from them: bright bars that move, every second
another grey, a still patch in the middle."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import VideoFrame

FPS = 10
WIDTH, HEIGHT = 640, 360
LINE = "2026-11-22 12:00:{second:02} +00:00   Δ1.000   1Z999AA10123456784   Bench 1"
Picture = npt.NDArray[np.uint8]

needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe")


def picture(number: int, noise: int = 0) -> Picture:
    """What the camera saw: BGR."""
    seen = np.full((HEIGHT, WIDTH, 3), 90 + 10 * (number // FPS % 10), np.uint8)
    seen[40:120, 7 * number % (WIDTH - 60) : 7 * number % (WIDTH - 60) + 60] = (40, 200, 240)
    seen[140:220, 280:360] = (230, 30, 30)
    if noise:
        grain = np.random.default_rng(number).integers(-noise, noise, seen.shape)
        seen = np.clip(seen.astype(int) + grain, 0, 255).astype(np.uint8)
    return seen


@cache
def film(
    seconds: int = 8,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    noise: int = 0,
    text: bool = False,
    sound: bool = False,
    key_every: int = FPS,
) -> bytes:
    """A clip as MP4, with a key frame every so many frames; with a text track, and with sound."""
    from io import BytesIO

    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        container.metadata["title"] = "SECRET-TITLE"
        stream: Any = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        stream.codec_context.gop_size = key_every
        stream.codec_context.max_b_frames = 0
        stream.codec_context.options = {"preset": "ultrafast", "crf": "20"}
        cues: Any = container.add_stream("mov_text") if text else None
        if text:
            cues.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n"
            cues.time_base = Fraction(1, 1000)
        voice: Any = container.add_stream("aac", rate=48_000) if sound else None
        for number in range(seconds * FPS):
            if text and number % FPS == 0:
                line = LINE.format(second=number // FPS).encode()
                packet = av.Packet(len(line).to_bytes(2) + line)
                packet.stream, packet.time_base = cues, Fraction(1, 1000)
                packet.pts = packet.dts = number * 1000 // FPS
                packet.duration = 1000
                container.mux(packet)
            frame = VideoFrame.from_ndarray(picture(number, noise), "bgr24")
            container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))
        if voice is not None:
            for _ in range(seconds * 46):
                tone = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
                tone.sample_rate = 48_000
                container.mux(voice.encode(tone))
            container.mux(voice.encode(None))
    return buffer.getvalue()


def frames(path: Path) -> list[tuple[float, Picture]]:
    """Every picture of a video, grey as it is coded (the Y plane), with its second."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.reformat(format="yuv420p").planes[0]
            luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            found.append((float(frame.time or 0), luma[:, : plane.width].copy()))
    return found


def probe(path: Path) -> dict[str, Any]:
    """What ffprobe says of a file."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    told: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, check=True).stdout
    )
    return told
