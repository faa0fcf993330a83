"""A camera in a process of its own: what its owner is told, and what lies on the disk, when the
process crashes, hangs or is killed, or the owner is."""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import zxingcpp

from capture import wire
from capture.events import (
    CameraDown,
    CameraUp,
    ClipEnded,
    ClipFailed,
    ClipStarted,
    StillFailed,
    StillTaken,
)
from capture.frame import Frame
from capture.remote import CameraProcess
from capture.settings import CameraSettings
from capture.sim import scene
from capture.source import parse_source
from tests.capture.numbered import decode
from tests.capture.parts import Ear

ROOT = Path(__file__).parents[2]
UPS = "1Z999AA10123456784"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="its signals are not known here")
_fresh_seed = itertools.count(8000)

Open = Callable[..., CameraProcess]


@pytest.fixture
def seed() -> Iterator[int]:
    seed = next(_fresh_seed)
    yield seed
    scene(seed).mend()


@pytest.fixture
def open_camera(ear: Ear, seed: int) -> Iterator[Open]:
    opened: list[CameraProcess] = []

    def start(text: str = "", *, name: str = "overhead", **settings: Any) -> CameraProcess:
        wanted: dict[str, Any] = {"width": 320, "height": 180, "pre_roll_s": 1.0, **settings}
        source = parse_source(text or f"sim:?seed={seed}&fps=20")
        opened.append(CameraProcess(CameraSettings(name, source, **wanted), ear))
        opened[-1].start()
        return opened[-1]

    yield start
    for camera in opened:
        camera.close()


def pid_of(camera: CameraProcess) -> int:
    pid = camera.pid
    assert pid is not None
    return pid


def gone(pid: int, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@POSIX
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("SIGSEGV", "its program crashed (SIGSEGV); it is started again"),
        ("SIGSTOP", "its program did not answer for 1.8 s; it is started again"),
    ],
)
def test_a_worker_that_dies_or_hangs_costs_its_camera_two_seconds_and_the_other_one_nothing(
    open_camera: Open, ear: Ear, seed: int, tmp_path: Path, name: str, cause: str
) -> None:
    camera = open_camera()
    other = open_camera(f"sim:?seed={seed}&view=side&fps=20", name="side")
    ear.wait(CameraUp)
    ear.wait(CameraUp)
    for one in (camera, other):
        one.start_clip(one.name, tmp_path / f"{one.name}.mp4", time.monotonic_ns(), UPS)
        ear.wait(ClipStarted)
    time.sleep(1.0)
    pid, frames = pid_of(camera), camera.status.frames
    os.kill(pid, getattr(signal, name))
    began = time.monotonic()
    down = ear.wait(CameraDown)
    assert (down.camera, down.cause) == ("overhead", cause)
    assert time.monotonic() - began < 4
    assert not camera.status.up
    ended = ear.wait(ClipEnded)
    assert (ended.clip_id, ended.why) == ("overhead", cause)
    shown = decode(ended.info.path)
    assert len(shown) == ended.info.frames > 5  # up to half a second of its end is lost
    ear.wait(CameraUp)
    assert gone(pid, 1)
    assert camera.status.up
    assert camera.status.frames > frames, "the count goes on"

    camera.start_clip("2", tmp_path / "2.mp4", time.monotonic_ns(), UPS)
    ear.wait(ClipStarted)
    camera.stop_clip("2")
    assert ear.wait(ClipEnded).why == ""
    assert other.status.up
    other.stop_clip("side")
    whole = ear.wait(ClipEnded)
    assert (whole.why, whole.info.dropped, whole.info.holes) == ("", 0, ())
    assert ear.count(CameraDown) == 1


@POSIX
def test_every_request_is_answered_once_whatever_becomes_of_the_worker(
    open_camera: Open, ear: Ear, tmp_path: Path
) -> None:
    """Asked at any moment of three lives: while it starts, records, dies, is dead."""
    camera = open_camera()
    ear.wait(CameraUp)
    asked: Counter[str | int] = Counter()
    over = threading.Event()

    def ask() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            clip_id = f"clip {number}"
            asked[clip_id] += 1
            asked[number] += 1
            camera.start_clip(clip_id, tmp_path / f"{number}.mp4", time.monotonic_ns(), UPS)
            camera.take_still(number, tmp_path / f"{number}.jpg")
            if number % 2:
                camera.stop_clip(clip_id)
            time.sleep(0.1)

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(2):
        time.sleep(0.7)
        os.kill(pid_of(camera), signal.SIGKILL)
        assert "its program was killed (SIGKILL)" in ear.wait(CameraDown).cause
        ear.wait(CameraUp)
    time.sleep(0.5)
    over.set()
    asking.join()
    os.kill(pid_of(camera), signal.SIGKILL)
    assert camera.close()
    answers = Counter(
        event.clip_id if isinstance(event, ClipEnded | ClipFailed) else event.still_id
        for event in ear.events
        if isinstance(event, ClipEnded | ClipFailed | StillTaken | StillFailed)
    )
    assert answers == asked
    for event in ear.events:
        match event:
            case ClipEnded():
                assert decode(event.info.path)
            case StillTaken():
                assert cv2.imread(str(event.info.path)) is not None
            case StillFailed():
                assert not (tmp_path / f"{event.still_id}.jpg").exists()


OWNER = """
import sys, time
from pathlib import Path
from capture.remote import CameraProcess
from capture.settings import CameraSettings
from capture.source import parse_source

def tell(event):
    print(type(event).__name__, flush=True)

print("loaded", flush=True)
camera = CameraProcess(CameraSettings("a", parse_source("sim:?fps=20"), 320, 180), tell)
camera.start()
while not camera.status.up:
    time.sleep(0.05)
camera.start_clip("1", Path(sys.argv[1]), time.monotonic_ns(), "")
time.sleep(0.5)
print(camera.pid, flush=True)
time.sleep(60)
"""


@POSIX
def test_an_owner_that_is_stopped_and_killed_leaves_a_clip_that_plays_and_no_worker(
    tmp_path: Path,
) -> None:
    """Nothing of the owner's program runs a second time in the worker, guarded or not; and while
    he stands still (Ctrl-Z, a sleeping computer), a worker that is not heard is not blamed."""
    clip, program = tmp_path / "1.mp4", tmp_path / "owner.py"
    program.write_text(OWNER)
    with subprocess.Popen(
        [sys.executable, str(program), str(clip)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as owner:  # fmt: skip
        assert owner.stdout is not None
        lines = [owner.stdout.readline().strip() for _ in range(4)]
        pid = int(lines[-1])
        owner.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        owner.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        owner.kill()
        assert lines[:-1] == ["loaded", "CameraUp", "ClipStarted"]
        assert owner.stdout.read() == ""
    left = not gone(pid, 8)
    if left:
        os.kill(pid, signal.SIGKILL)
    assert not left
    assert len(decode(clip)) > 50


def test_what_a_library_prints_is_no_report() -> None:
    """It would break the pipe to the owner, and on the terminal it would spoil the screen."""
    prints = (
        "import os; from capture import wire, worker; _, reports = worker._pipes(); "
        "os.write(1, b'noise'); print('noise', flush=True); wire.send(reports, 'report')"
    )
    done = subprocess.run(
        [sys.executable, "-c", prints], cwd=ROOT, capture_output=True, check=True, timeout=30
    )
    assert wire.receive(io.BytesIO(done.stdout)) == "report"
    assert done.stderr.count(b"noise") == 2


@POSIX
def test_what_is_sent_to_a_whole_terminal_or_service_ends_no_worker(
    open_camera: Open, ear: Ear
) -> None:
    camera = open_camera()
    ear.wait(CameraUp)
    pid = pid_of(camera)
    assert os.getsid(pid) != os.getsid(0)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(pid, number)
    time.sleep(0.5)
    assert (camera.pid, camera.status.up) == (pid, True)


def broken_worker(fault: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are started from now on run `fault` before anything else."""
    (folder / "sitecustomize.py").write_text(fault)
    monkeypatch.syspath_prepend(folder)


@POSIX
def test_native_code_that_keeps_the_interpreter_is_noticed_and_named_in_the_log(
    open_camera: Open,
    ear: Ear,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken_worker(
        "import ctypes, capture.sim\n"
        "read = capture.sim.SimSource.read\n"
        "def sleepy_driver(self):\n"
        "    if self._frame > 10:\n"
        "        ctypes.PyDLL(None).sleep(60)\n"
        "    return read(self)\n"
        "capture.sim.SimSource.read = sleepy_driver\n",
        tmp_path,
        monkeypatch,
    )
    open_camera()
    ear.wait(CameraUp)
    assert "its program did not answer" in ear.wait(CameraDown).cause
    ear.wait(CameraUp)
    assert "in sleepy_driver" in caplog.text


def test_a_camera_that_refuses_says_why(
    open_camera: Open, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_worker(
        "from capture.camera import Camera\n"
        "def refuse(*_):\n"
        "    raise OSError('driver broken')\n"
        "Camera.start_clip = Camera.take_still = refuse\n",
        tmp_path,
        monkeypatch,
    )
    camera = open_camera()
    ear.wait(CameraUp)
    camera.start_clip("1", tmp_path / "1.mp4", time.monotonic_ns(), UPS)
    assert ear.wait(ClipFailed).why == "the camera refused: driver broken"
    camera.take_still(1, tmp_path / "1.jpg")
    assert ear.wait(StillFailed).why == "the camera refused: driver broken"


def test_camera_software_that_cannot_be_loaded_is_told(
    open_camera: Open, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_worker("import sys\nsys.modules['cv2'] = None\n", tmp_path, monkeypatch)
    open_camera()
    assert ear.wait(CameraDown).cause == (
        "the camera software cannot be loaded: run packwitness doctor"
    )


def test_a_read_that_hangs_in_its_driver_is_cured_by_a_new_worker(
    open_camera: Open, ear: Ear, seed: int
) -> None:
    """A driver that never returns keeps its device: only the process's end gives it back."""
    camera = open_camera(stall_s=0.5)
    ear.wait(CameraUp)
    first = camera.pid
    scene(seed).fail("hang")
    assert "no picture" in ear.wait(CameraDown).cause
    until = time.monotonic() + 15
    while camera.pid == first and time.monotonic() < until:
        time.sleep(0.05)
    assert "a read hung in its driver; it is started again" in camera.status.cause
    scene(seed).mend()
    ear.wait(CameraUp)
    assert camera.pid != first
    assert ear.count(CameraDown) == 1


def test_the_simulated_bench_is_the_same_for_all_cameras(
    open_camera: Open, ear: Ear, seed: int, tmp_path: Path
) -> None:
    cameras = [
        open_camera(f"sim:?seed={seed}&view={view}", name=view, width=1280, height=720)
        for view in ("overhead", "side")
    ]
    ear.wait(CameraUp)
    ear.wait(CameraUp)
    scene(seed).show(UPS, head_start_s=4)
    time.sleep(0.7)
    for number, camera in enumerate(cameras):
        camera.take_still(number, tmp_path / f"{number}.jpg")
    infos = [ear.wait(StillTaken).info for _ in cameras]
    for info in infos:
        picture = cv2.imread(str(info.path))
        assert picture is not None
        assert [code.text for code in zxingcpp.read_barcodes(picture)] == [UPS]
    scene(seed).fail("lost", view="side")
    assert ear.wait(CameraDown).camera == "side"
    scene(seed).mend()
    assert ear.wait(CameraUp).camera == "side"


def test_who_watches_gets_the_newest_pictures_small(open_camera: Open, ear: Ear) -> None:
    camera = open_camera(width=1280, height=720)
    frames: list[Frame] = []
    ear.wait(CameraUp)
    stop = camera.watch(frames.append)
    time.sleep(1.0)
    stop()
    stop()
    time.sleep(0.3)
    had = len(frames)
    assert 3 <= had <= 12 * 1.5
    assert {frame.size for frame in frames} == {(480, 270)}
    assert not frames[0].bgr.flags.writeable
    assert all(after.index > before.index for before, after in itertools.pairwise(frames))
    assert time.monotonic_ns() - frames[-1].mono_ns < 3e9
    time.sleep(0.4)
    assert len(frames) == had

    if sys.platform != "win32":
        camera.watch(frames.append)
        os.kill(pid_of(camera), signal.SIGKILL)
        ear.wait(CameraUp)
        del frames[:]
        time.sleep(0.7)
        assert frames, "the next worker shows pictures as well"


def test_the_status_is_that_of_the_camera(open_camera: Open, ear: Ear, seed: int) -> None:
    camera = open_camera()
    assert camera.status.cause == "being opened"
    ear.wait(CameraUp)
    assert camera.status.up
    time.sleep(1.5)
    status = camera.status
    assert (status.name, status.up, status.cause) == ("overhead", True, "")
    assert (status.width, status.height) == (320, 180)
    assert 14 < status.fps < 22
    assert status.frames > 15
    assert status.last_frame_age_s is not None
    assert status.last_frame_age_s < 1
    scene(seed).fail("lost")
    ear.wait(CameraDown)
    status = camera.status
    assert (status.up, status.fps) == (False, 0.0)
    assert "unplugged" in status.cause


def test_closing_is_quick_and_may_come_at_any_time(ear: Ear, seed: int, tmp_path: Path) -> None:
    settings = CameraSettings("overhead", parse_source(f"sim:?seed={seed}"), 320, 180)
    never_started = CameraProcess(settings, ear)
    assert never_started.close()
    loading = CameraProcess(settings, ear)
    loading.start()
    began = time.monotonic()
    assert loading.close()
    assert loading.close()
    assert time.monotonic() - began < 3
    assert loading.status.cause == "closed"

    recording = CameraProcess(settings, ear)
    recording.start()
    ear.wait(CameraUp)
    pid = pid_of(recording)
    recording.start_clip("1", tmp_path / "1.mp4", time.monotonic_ns(), UPS)
    ear.wait(ClipStarted)
    assert recording.close()
    ended = ear.wait(ClipEnded)
    assert ended.why == "closed"
    assert decode(ended.info.path)
    assert ear.count(CameraDown) == 0
    if sys.platform != "win32":
        assert gone(pid, 1)


def test_what_is_asked_of_no_worker_is_answered(ear: Ear, seed: int, tmp_path: Path) -> None:
    camera = CameraProcess(
        CameraSettings("overhead", parse_source(f"sim:?seed={seed}"), 320, 180), ear
    )
    camera.start_clip("1", tmp_path / "1.mp4", time.monotonic_ns(), UPS)
    camera.stop_clip("1")
    camera.take_still(1, tmp_path / "1.jpg")
    assert ear.wait(ClipFailed).why == "the camera is down: being opened"
    assert ear.wait(StillFailed).why == "the camera is down: being opened"
    camera.close()
    assert list(tmp_path.iterdir()) == []
