"""`packwitness read --live` on real video in real time: a file, a network camera, the bench."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream

from station.cli import main
from tests.capture.image_files import NUMBER, Picture, label
from tests.capture.parts import RtspServer, why_no_rtsp

COMMAND = [sys.executable, "-m", "station.cli", "read"]
SECOND = "9400111206206406260787"
SIM = f"sim:?seed=7&tracking={NUMBER}"
FPS = 25
COMES_S, GOES_S, NEXT_S, LASTS_S = 1.0, 2.2, 3.2, 4.6


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets a config.toml of this machine."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk; from 1.0 s to 2.2 s one label lies on it, from 3.2 s to the end another."""
    path = tmp_path_factory.mktemp("film") / "packing, 1.mp4"
    random = np.random.default_rng(4)
    desk: Picture = np.clip(random.normal(120, 6, (720, 1280)), 0, 255).astype(np.uint8)
    cv2.rectangle(desk, (700, 80), (1200, 330), 70, -1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=FPS, options={"preset": "ultrafast", "tune": "zerolatency", "g": "25"}
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(round(LASTS_S * FPS)):
            shown = desk.copy()
            at_s = number / FPS
            if COMES_S <= at_s < GOES_S or at_s >= NEXT_S:
                code = label(NUMBER if at_s < GOES_S else SECOND)
                left, top = (100 + number // 4, 150) if at_s < GOES_S else (440, 400)
                shown[top : top + code.shape[0], left : left + code.shape[1]] = code
            frame = av.VideoFrame.from_ndarray(shown, "gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def network_camera(film: Path) -> Iterator[RtspServer]:
    if why := why_no_rtsp():
        pytest.skip(why)
    server = RtspServer(film=film)
    yield server
    server.kill()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `packwitness read --live`."""
    code = main(["read", "--live", *arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_each_code_of_a_video_is_told_when_it_is_read(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    code, out, _ = run(capsys, str(film), "--json")
    took_s = time.monotonic() - began
    assert code == 0
    first, second = objects(out)
    assert set(first) == {
        "text", "symbology", "polygon", "engine", "tracking_number", "carrier", "check", "raw_hex",
        "at_ms", "since_in_view_ms",
    }  # fmt: skip
    assert (first["text"], first["carrier"], first["check"]) == (NUMBER, "ups", "ok")
    assert (second["text"], second["carrier"]) == (SECOND, "usps")
    assert took_s >= LASTS_S  # at the video's own speed
    for read, comes_s, goes_s in ((first, COMES_S, GOES_S), (second, NEXT_S, LASTS_S)):
        assert comes_s - 0.2 <= read["at_ms"] / 1000 <= goes_s + 1.5
        in_view_s = read["since_in_view_ms"] / 1000
        assert in_view_s >= 0
        # When it came into view is told, too, and that is when it did; the reader looks in turns.
        assert comes_s - 0.2 <= read["at_ms"] / 1000 - in_view_s <= comes_s + 1.0
    left, top = np.min(first["polygon"], axis=0)
    assert 100 < left < 300
    assert 180 < top < 260


def test_a_line_is_for_people(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, f"file:{film}")
    assert code == 0
    first, second = out.splitlines()
    assert NUMBER in first
    assert "ups, check digit ok, 0." in first
    assert first.endswith(" s in view")
    assert SECOND in second
    assert err == f"packwitness: file:{film}: 1280x720; Ctrl-C ends it\n"


def test_seconds_end_it(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    code, out, _ = run(capsys, f"file:{film}?loop=1", "--json", "--seconds", "2.2")
    assert code == 0
    assert 2.2 <= time.monotonic() - began < 15
    assert [read["text"] for read in objects(out)] == [NUMBER]


def test_only_the_wished_symbologies_are_read(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, str(film), "--symbology", "QRCode")[:2] == (0, "")


def test_a_network_camera_is_read(
    network_camera: RtspServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, network_camera.url, "--json", "--seconds", "3.8")
    assert code == 0, err
    assert NUMBER in [read["text"] for read in objects(out)]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("absent.mp4", "absent.mp4: there is no such video file; check its name"),
        ("file:absent.mp4", "file:absent.mp4: No such file or directory; check the path"),
        ("nonsense", "nonsense: no such kind of source"),
        ("rtsp://127.0.0.1:9/bench", "rtsp://127.0.0.1:9/bench: "),
        ("http://user:secret@127.0.0.1:9/", "http://…@127.0.0.1:9"),
        ("words.mp4", "file:words.mp4: "),
    ],
)
def test_a_source_that_gives_nothing_is_one_line(
    capsys: pytest.CaptureFixture[str], source: str, told: str
) -> None:
    Path("words.mp4").write_text("no video\n")
    code, out, err = run(capsys, source, "--json")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"packwitness: {told}")
    assert "secret" not in err


def test_a_video_in_the_dark_ends_too(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("dark.mp4")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(3 * FPS):
            black = av.VideoFrame.from_ndarray(np.zeros((240, 320, 3), np.uint8), "bgr24")
            container.mux(stream.encode(black))
        container.mux(stream.encode())
    began = time.monotonic()
    code, out, err = run(capsys, str(path))
    assert (code, out) == (0, "")
    assert "the picture is black" in err
    assert time.monotonic() - began < 15


def test_ctrl_c_ends_it_in_order_and_each_reading_was_there_at_once() -> None:
    with subprocess.Popen(
        [*COMMAND, "--live", SIM, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        first = json.loads(process.stdout.readline())
        assert first["text"] == NUMBER
        assert process.poll() is None
        process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)  # type: ignore[attr-defined] # by system
        assert process.stderr is not None
        rest, stderr = process.stdout.read(), process.stderr.read()
        assert process.wait(30) == 0
        watchdog.cancel()
    assert "Traceback" not in stderr
    objects(rest)


@pytest.mark.skipif(not hasattr(signal, "SIGTERM") or os.name == "nt", reason="no such signal")
def test_nothing_is_left_running() -> None:
    import psutil

    with subprocess.Popen(
        [*COMMAND, "--live", SIM, "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        workers = psutil.Process(process.pid).children(recursive=True)
        assert workers
        process.terminate()
        process.communicate(timeout=30)
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, gone
