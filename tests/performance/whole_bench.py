"""A whole bench in real time, by hand, on a quiet machine:

    python -m tests.performance.whole_bench --cameras 2 --mode encode --minutes 10
    python -m tests.performance.whole_bench --cameras 4 --mode copy --minutes 10

The real app in a real pseudo-terminal of 120x34, its cameras, barcode reading and an archive; each
camera is a 1080p30 film of the simulated bench played by the clock, as Motion JPEG 4:2:2 (what USB
cameras send) or as H.264 with a key frame each second (what network cameras send). Parcels are
packed one after the other and keys typed twice a second, through the terminal. Counts what is lost,
and says where the CPU went.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

import av
import cv2
import numpy as np
import psutil

from capture.sim import scene
from capture.source import open_source, parse_source
from station.config import load_config
from station.simulated import ups_numbers
from station.soak import soak
from station.soak_packer import PROBE

SIZE, FPS, FILM_S = (1920, 1080), 30, 10
SEED = 11
VIEWS = ("overhead", "side")
ROOT = Path(__file__).parents[2]
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]  # fmt: skip
H264 = {"preset": "veryfast", "bf": "0", "b": "6M", "maxrate": "6M", "bufsize": "6M"}
KEYS = {"enter": b"\r", "f1": b"\x1bOP", "f12": b"\x1b[24~", PROBE: b"\x1b[23~"}
KEY_GOAL_MS = 20.0
CPU_S = 5.0
"""For so long threads are told apart, when most of the time is over."""
NAMES_THREADS = """
import threading
begin = threading.Thread._bootstrap_inner
def named(thread):
    with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as comm:
        comm.write(thread.name[:15])
    begin(thread)
threading.Thread._bootstrap_inner = named
"""
"""Python tells the system the names of its threads only from 3.14 on."""


# ---------------------------------------------------------------------------- films


def film_jpegs(view: str) -> list[bytes]:
    """FILM_S of a parcel that comes, is packed, labelled, and leaves."""
    source = open_source(parse_source(f"sim:?seed={SEED}&view={view}"), *SIZE, FPS)
    bench, jpegs = scene(SEED), list[bytes]()
    number = next(ups_numbers(SEED))
    while len(jpegs) < FILM_S * FPS:
        if len(jpegs) == FPS // 2:
            bench.show(number)
        if len(jpegs) == (FILM_S - 1) * FPS:
            bench.clear()
        sample = source.read()
        if sample is None or not isinstance(sample.picture, np.ndarray):
            raise SystemExit("the simulated bench gives no picture")
        jpegs.append(cv2.imencode(".jpg", sample.picture, JPEG)[1].tobytes())
    source.close()
    return jpegs


def write_mjpeg(jpegs: list[bytes], path: Path) -> None:
    """The pictures as a USB camera sends them."""
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj422p"
        for index, jpeg in enumerate(jpegs):
            packet = av.Packet(jpeg)
            packet.stream = stream
            packet.time_base = Fraction(1, FPS)
            packet.pts = packet.dts = index
            packet.is_keyframe = True
            container.mux(packet)


def write_h264(jpegs: list[bytes], path: Path) -> None:
    """The pictures as a network camera codes them."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={**H264, "g": str(FPS)})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for jpeg in jpegs:
            bgr = np.asarray(
                cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8
            )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(bgr, "bgr24")))
        container.mux(stream.encode())


def films(folder: Path, mode: str) -> list[Path]:
    """A film of each view in `folder`, made unless it is there."""
    paths = [folder / f"{view}.{'avi' if mode == 'encode' else 'mp4'}" for view in VIEWS]
    for view, path in zip(VIEWS, paths, strict=True):
        if not path.exists():
            print(f"making {path.name}: {FILM_S} s of 1080p{FPS}", file=sys.stderr)
            (write_mjpeg if mode == "encode" else write_h264)(film_jpegs(view), path)
    return paths


# ---------------------------------------------------------------------------- inside the terminal


class TerminalKeys:
    """Keys written into the other end of this program's own terminal."""

    def __init__(self, master: int) -> None:
        self._master = master

    def press(self, key: str, character: str | None) -> None:
        os.write(self._master, KEYS.get(key) or (character or "").encode())


def threads_cpu(processes: dict[int, str]) -> dict[tuple[str, int, str], float]:
    """CPU seconds of each thread, by process, thread id and name."""
    spent = {}
    for pid, name in processes.items():
        try:
            for thread in psutil.Process(pid).threads():
                comm = Path(f"/proc/{pid}/task/{thread.id}/comm").read_text().strip()
                spent[(name, thread.id, comm)] = thread.user_time + thread.system_time
        except (psutil.Error, OSError):
            continue
    return spent


def inside(given: argparse.Namespace) -> None:
    """Run the bench in this terminal and write the report."""
    log: TextIO = Path(given.report).with_suffix(".log").open("w", buffering=1, encoding="utf-8")
    os.set_inheritable(given.keyboard, False)
    measured = soak(
        load_config(Path(given.inside)),
        60 * given.minutes,
        lambda line: print(line, file=log),
        make_fingers=lambda app: TerminalKeys(given.keyboard),
        headless=False,
    )
    Path(given.report).write_text(json.dumps(measured.to_json()), encoding="utf-8")


# ---------------------------------------------------------------------------- outside


def write_config(folder: Path, sources: list[Path], given: argparse.Namespace) -> Path:
    lines = ["[archive]", f'path = "{folder / "archive"}"', "[disk]", "low_gb = 0.1",
             "full_gb = 0.05"]  # fmt: skip
    for place in range(given.cameras):
        source = sources[place % len(sources)]
        lines += ["[[camera]]", f'name = "camera-{place + 1}"', f'source = "file:{source}?loop=1"',
                  f'record = "{given.mode}"', "scan = true"]  # fmt: skip
    path = folder / "config.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def drain(master: int) -> None:
    """Read whatever the program prints, as a terminal does."""
    while True:
        try:
            if not os.read(master, 65_536):
                return
        except OSError:
            return


def run_inside(config: Path, report: Path, given: argparse.Namespace) -> tuple[int, list[str]]:
    """Run the bench in a terminal of its own: its exit code, and the threads that took most CPU
    near the end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 34, 120, 0, 0))
    errors = report.with_suffix(".err").open("wb")
    customs = config.parent / "customs"
    customs.mkdir()
    (customs / "sitecustomize.py").write_text(NAMES_THREADS, encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.performance.whole_bench", "--inside", str(config),
         "--keyboard", str(master), "--report", str(report), "--minutes", str(given.minutes)],
        stdin=slave, stdout=slave, stderr=errors, cwd=ROOT, start_new_session=True,
        pass_fds=(master,), env={**os.environ, "TERM": "xterm-256color",
                                 "COLORTERM": "truecolor", "PYTHONPATH": str(customs)},
    )  # fmt: skip
    os.close(slave)
    threading.Thread(target=drain, args=(master,), daemon=True).start()
    busiest: list[str] = []
    deadline_s = time.monotonic() + 60 * given.minutes + 120
    at_s = time.monotonic() + 0.7 * 60 * given.minutes
    try:
        while program.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.2)
            if not busiest and time.monotonic() >= at_s:
                busiest = busiest_threads(program.pid)
    finally:
        for child in descendants(program.pid):
            child.kill()
        program.kill()
        code = program.wait()
        errors.close()
        os.close(master)
    return code, busiest


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def busiest_threads(pid: int) -> list[str]:
    """The threads of the bench that take most CPU, over CPU_S."""
    processes = {pid: "bench"}
    for child in descendants(pid):
        processes[child.pid] = (child.cmdline() or ["?"])[-1]  # a camera's program is told its name
    before, idle_s, begin_s = threads_cpu(processes), psutil.cpu_times().idle, time.monotonic()
    time.sleep(CPU_S)
    after, seconds = threads_cpu(processes), time.monotonic() - begin_s
    idle = (psutil.cpu_times().idle - idle_s) / seconds
    shares = {key: (spent - before.get(key, spent)) / seconds for key, spent in after.items()}
    lines = [f"{idle:6.3f} s/s  of the machine's {psutil.cpu_count()} cores idle"]
    for (name, _, comm), share in sorted(shares.items(), key=lambda item: -item[1])[:14]:
        lines.append(f"{share:6.3f} s/s  {name}: {comm}")
    return lines


def goals(told: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Each goal: what, the figure, whether it is met."""
    cameras = told["cameras"]
    dropped = sum(one["dropped"] + one["damaged"] for one in cameras)
    gaps = sum(
        sum(gap["count"] for gap in one["gaps"]) + sum(one["outages"].values()) for one in cameras
    )
    fewest = min(one["frames"] for one in cameras)
    all_of_them = FPS * (told["seconds"] - 1)  # what a camera delivered is told a moment later
    rates = [one["mb_per_hour"] for one in told["processes"] if one["mb_per_hour"] is not None]
    key = told["key_ms"]
    return [
        ("frames dropped by the recorder", str(dropped), dropped == 0),
        (
            "frames delivered, slowest camera",
            f"{fewest} of {FPS * told['seconds']:.0f}",
            fewest >= all_of_them,
        ),
        ("gaps and outages", str(gaps), gaps == 0),
        (
            "memory, steepest process",
            f"{max(rates):.0f} MB/h" if rates else "too short to tell",
            not any("memory" in failed for failed in told["failed"]),
        ),
        ("key p95", f"{key['p95']:.1f} ms of {key['count']}", 0 < key["p95"] <= KEY_GOAL_MS),
        ("failures of any kind", "; ".join(told["failed"])[:600] or "none", told["ok"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--mode", choices=["encode", "copy"], default="encode")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--films", type=Path, help="keep the films in this folder")
    parser.add_argument("--json", action="store_true", help="also print the report as JSON")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--keyboard", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--report", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(given)
        return
    with tempfile.TemporaryDirectory(prefix="whole-bench-") as temporary:
        folder = Path(temporary)
        kept = given.films or folder
        kept.mkdir(parents=True, exist_ok=True)
        config = write_config(folder, films(kept.absolute(), given.mode), given)
        report = folder / "report.json"
        code, busiest = run_inside(config, report, given)
        if not report.exists():
            print((folder / "report.err").read_text(errors="replace")[-3000:], file=sys.stderr)
            raise SystemExit(f"the bench ended with {code} and told nothing")
        told = json.loads(report.read_text(encoding="utf-8"))
        print((folder / "report.log").read_text(encoding="utf-8"), file=sys.stderr)
    show(told, busiest, given)
    if given.json:
        print(json.dumps(told, indent=2))


def show(told: dict[str, Any], busiest: list[str], given: argparse.Namespace) -> None:
    """The goals; and where the CPU went."""
    print(f"{given.cameras} x 1080p{FPS}, {given.mode}, {told['seconds']:.0f} s")
    for what, figure, met in goals(told):
        print(f"  {'met   ' if met else 'MISSED'}  {what:<32} {figure}")
    for camera in told["cameras"]:
        print(
            f"  {camera['name']}: {camera['frames']} frames, {camera['fps']:.2f} fps, "
            f"{camera['recorded']} recorded, {camera['dropped']} dropped, "
            f"{camera['damaged']} damaged, {'/'.join(camera['codecs'])}"
        )
    for one in told["processes"]:
        rss, hourly = one["rss_mb"], one["mb_per_hour"]
        print(
            f"  {one['name']}: {one['cpu_s_per_s']:.3f} CPU s/s, {rss['start']} MB, after a minute "
            f"{rss['minute']}, at the end {rss['end']}, {hourly} MB/h"
        )
    print(f"  everything else on this machine: {told['others_cpu_s_per_s']:.3f} CPU s/s")
    late, key, sessions = told["loop_late_ms"], told["key_ms"], told["sessions"]
    print(
        f"  {sessions['sealed']} sessions, {sessions['readings']} barcodes read, "
        f"{sessions['written_mb_per_minute']:.0f} MB/min; loop late p95 {late['p95']} ms, worst "
        f"{late['worst']}; key median {key['median']} ms, worst {key['worst']}"
    )
    print("  where the CPU goes:")
    for line in busiest:
        print(f"    {line}")


if __name__ == "__main__":
    main()
