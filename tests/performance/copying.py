"""What recording a camera's own H.264 costs, against the ffmpeg program; by hand, when it is quiet:

    python -m tests.performance.copying --seconds 60

The stream is the simulated bench with a sensor's noise as a network camera codes it: 1080p30,
5 Mbit/s, no B-frames, a key frame each second or each two. Every way gets the same file as fast as
it takes it, because a program that waits spends CPU on waiting and not on copying; the figure is
CPU seconds for a second of video. Ours is the whole path: demuxer, Annex B, key frames decoded,
ring, MP4 with subtitles, synced. Bare copying decodes nothing, so ours stands in the table also
without its decoder, and the ffmpeg program also with key frames decoded. The program's start counts
as its own: the longer the video, the less that is. Last comes what a camera's process takes in real
time, waiting and heartbeat included, beside `ffmpeg -re`. Exits with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import psutil

from capture.clip import Recorder
from capture.codecs import LIBX264
from capture.coded import Copying
from capture.events import CameraUp, CaptureEvent, ClipEnded, ClipFailed
from capture.frame import Frame, Yuv
from capture.overlay import Overlay
from capture.remote import CameraProcess
from capture.settings import CameraSettings
from capture.source import Pace, SourceLost, SourceSpec, parse_source
from capture.stream import FileSource
from tests.performance.recording import cpu_of
from tests.performance.scenes import FPS, bench_pictures

SIZE = (1920, 1080)
SECOND = 1_000_000_000
SCENE_S = 6
CAMERA = {"preset": "veryfast", "bf": "0", "b": "5M", "maxrate": "5M", "bufsize": "5M",
          "sc_threshold": "0"}  # fmt: skip
OURS, BLIND = "copied, key frames decoded", "  the same, nothing decoded"
BARE, SEEING = "ffmpeg -c copy", "  the same, key frames decoded"
AGAIN = "encoded again"
CPU_GOAL, RATIO_GOAL = 0.02, 3.0
PATIENCE_S = 60.0
# Pictures and packets that wait for the recorder: threads that wake each other for every packet
# measure the waking.
MOST_WAITING = (3, 100)
BACKLOG_BYTES = 1 << 30  # faster than any camera: nothing may be lost for that


class Unpaced(Pace):
    """No time passes: everything is due."""

    def wait(self, due_s: float, period_s: float) -> bool:
        return True

    def late(self, due_s: float, period_s: float) -> bool:
        return False


def film_scene(path: Path, key_every_s: int) -> None:
    """SCENE_S of the bench, as a camera codes it."""
    options = {**CAMERA, "g": str(key_every_s * FPS), "keyint_min": str(key_every_s * FPS)}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        for bgr in bench_pictures(*SIZE, SCENE_S, "noisy"):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(bgr, "bgr24")))
        container.mux(stream.encode())


def ffmpeg(*words: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, words)], check=True)


def spec_of(path: Path) -> SourceSpec:
    return parse_source(f"file:{path}")


def record(source: FileSource, path: Path, most: int) -> None:
    """All that the source gives, at most so many samples, through the recorder into a clip."""
    ended = threading.Event()

    def tell(event: CaptureEvent) -> None:
        if isinstance(event, ClipEnded | ClipFailed):
            if isinstance(event, ClipFailed) or event.why or event.info.dropped:
                print(f"not what was to be measured: {event}")
            ended.set()

    recorder = Recorder(
        "overhead", tell, fps=FPS, pre_roll_s=10, overlay=Overlay("Bench 1", "overhead"),
        encoder=LIBX264, backlog_bytes=BACKLOG_BYTES,
    )  # fmt: skip
    recorder.start("c", path, 0, "1Z999AA10123456784")
    begin = dt.datetime.now(dt.UTC)
    try:
        for index in range(most):
            sample = source.read()
            if sample is None:
                break
            mono_ns, utc = index * SECOND // FPS, begin + dt.timedelta(seconds=index / FPS)
            while recorder.queue_depth > MOST_WAITING[sample.packet is not None]:
                time.sleep(0.002)
            if sample.packet is not None:
                recorder.offer_packet(sample.packet, mono_ns, utc)
            elif sample.picture is not None:
                recorder.offer(Frame(index, mono_ns, utc, sample.picture))
    except SourceLost as lost:
        if not lost.final:
            raise
    recorder.stop("c")
    ended.wait(PATIENCE_S)
    recorder.close()
    source.close()


def copy(film: Path, path: Path, *, blind: bool) -> None:
    source = FileSource(spec_of(film), "copy", None)
    source._pace = Unpaced()
    if blind:
        handing = source._handing
        assert isinstance(handing, Copying)
        decode, first = handing._picture, list[Yuv | None]()

        def only_the_first(data: bytes) -> Yuv | None:
            if not first:
                first.append(decode(data))
            return first[0]

        handing._picture = only_the_first  # type: ignore[method-assign]
    record(source, path, sys.maxsize)


def encode(film: Path, path: Path) -> None:
    source = FileSource(spec_of(film), "encode", None)
    source._pace = Unpaced()
    record(source, path, SCENE_S * FPS)


def in_real_time(film: Path, folder: Path, seconds: float) -> float:
    """CPU seconds for each second of a camera's process that records by the clock."""
    up, ended = threading.Event(), threading.Event()

    def tell(event: CaptureEvent) -> None:
        if isinstance(event, CameraUp):
            up.set()
        if isinstance(event, ClipEnded | ClipFailed):
            ended.set()

    source = parse_source(f"file:{film}?loop=1")
    camera = CameraProcess(CameraSettings("overhead", source, record="copy"), tell)
    camera.start()
    if not up.wait(PATIENCE_S) or camera.pid is None:
        raise SystemExit(f"the camera does not come up: {camera.status.cause}")
    camera.start_clip("c", folder / "camera.mp4", time.monotonic_ns(), "1Z999AA10123456784")
    time.sleep(2)
    worker = psutil.Process(camera.pid)
    before, begin_s = worker.cpu_times(), time.monotonic()
    time.sleep(seconds)
    after, spent_s = worker.cpu_times(), time.monotonic() - begin_s
    camera.stop_clip("c")
    ended.wait(PATIENCE_S)
    camera.close()
    return float(after.user + after.system - before.user - before.system) / spent_s


def ffmpeg_in_real_time(film: Path, path: Path, seconds: float) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ffmpeg("-re", "-i", film, "-t", str(seconds), "-c", "copy", path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / seconds


def measure(folder: Path, key_every_s: int, given: argparse.Namespace) -> bool:
    """One table. Whether the goals are met."""
    scene, film = folder / f"scene{key_every_s}.mp4", folder / f"film{key_every_s}.mp4"
    film_scene(scene, key_every_s)
    rounds = math.ceil(given.seconds / SCENE_S)
    ffmpeg("-stream_loop", str(rounds - 1), "-i", scene, "-c", "copy", film)
    seconds = rounds * SCENE_S
    ways: dict[str, Callable[[Path], None]] = {
        OURS: lambda path: copy(film, path, blind=False),
        BLIND: lambda path: copy(film, path, blind=True),
        BARE: lambda path: ffmpeg("-i", film, "-c", "copy", path),
        SEEING: lambda path: ffmpeg(
            "-threads", "1", "-skip_frame", "nokey", "-i", film,
            "-map", "0:v", "-c", "copy", path,
            "-map", "0:v", "-fps_mode", "passthrough", "-f", "null", "-",
        ),
        AGAIN: lambda path: encode(scene, path),
    }  # fmt: skip
    spent = dict.fromkeys(ways, math.inf)
    for turn in range(given.rounds):
        for name, way in ways.items():
            path = folder / f"out{turn}.mp4"
            cpu_s = cpu_of(partial(way, path)) / (SCENE_S if name == AGAIN else seconds)
            spent[name] = min(cpu_s, spent[name])
            path.unlink()
    mbit = film.stat().st_size * 8e-6 / seconds
    print(
        f"1080p{FPS} H.264, {mbit:.1f} Mbit/s, a key frame every {key_every_s} s, {seconds} s, "
        f"best of {given.rounds}"
    )
    print(f"{'':34}CPU s per s   of ffmpeg -c copy   of it with key frames decoded")
    for name, cpu_s in spent.items():
        print(f"{name:34}{cpu_s:11.4f}{cpu_s / spent[BARE]:17.2f}x{cpu_s / spent[SEEING]:20.2f}x")
    camera = in_real_time(film, folder, given.real_time)
    peer = ffmpeg_in_real_time(film, folder / "peer.mp4", given.real_time)
    print(f"{'a camera in real time, all of it':34}{camera:11.4f}")
    print(f"{'  ffmpeg -re -c copy':34}{peer:11.4f}")
    goals = [
        (f"copied, at most {CPU_GOAL:g} CPU s per s", spent[OURS] <= CPU_GOAL),
        (f"in real time, at most {CPU_GOAL:g} CPU s per s", camera <= CPU_GOAL),
        (
            f"copying alone, at most {RATIO_GOAL:g}x ffmpeg -c copy",
            spent[BLIND] <= RATIO_GOAL * spent[BARE],
        ),
        (
            f"key frames decoded, at most {RATIO_GOAL:g}x ffmpeg doing the same",
            spent[OURS] <= RATIO_GOAL * spent[SEEING],
        ),
    ]
    for what, met in goals:
        print(f"  {'met   ' if met else 'MISSED'}  {what}")
    return all(met for _, met in goals)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="of video")
    parser.add_argument("--real-time", type=float, default=15, help="seconds by the clock")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="copying-") as temporary:
        good = all([measure(Path(temporary), key_every_s, given) for key_every_s in (1, 2)])
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
