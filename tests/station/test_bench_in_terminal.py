"""`packwitness bench` as a packer has it: a real terminal, keys at scanner speed, a pulled plug."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import psutil
import pytest

from capture.barcode import read_still
from station.simulated import ups_numbers
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.records import CheckDigit, EndReason, LabelCheck, Session, Status, Waybill

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

NUMBERS = list(islice(ups_numbers(99), 4))
PATIENCE_S = 40.0
Picture = npt.NDArray[np.uint8]
ROOT = Path(__file__).parents[2]

CONFIG = """
[bench]
name = "打包台-1"
packer = "Ana"
language = "{language}"
[archive]
path = "archive"
[recording]
pre_roll_s = 2.0
[disk]
low_gb = 0.001
full_gb = 0.0005
[[camera]]
name = "overhead"
source = "sim:?seed=5&view=overhead&tracking={tracking}"
width = 1280
height = 720
fps = 15
"""


class Terminal:
    """A bench in a tmux window of its own."""

    def __init__(self, folder: Path, *arguments: str, size: tuple[int, int] = (120, 34)) -> None:
        self._socket = f"pw-{uuid.uuid4().hex[:8]}"
        self._folder = folder
        command = [sys.executable, "-m", "station.cli", "bench", *arguments]
        line = " ".join(f"'{word}'" for word in command)
        self._tmux(
            "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]),
            f"cd '{folder}' && env -u COLUMNS -u LINES PYTHONPATH='{ROOT}' LC_ALL=C.UTF-8 {line};"
            " echo CLOSED $?; sleep 60",
        )  # fmt: skip

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *words],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def type(self, text: str) -> None:
        """Type a text in one burst, as a scanner does, and its Enter."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}:\n{self.screen()}")
            time.sleep(0.1)

    def until_shown(self, text: str) -> None:
        self.until(lambda: text in self.screen(), f"{text!r} on the screen")

    def pid(self) -> int:
        """The process of the bench."""
        shell = int(self._tmux("list-panes", "-F", "#{pane_pid}"))
        return psutil.Process(shell).children()[0].pid

    def close(self) -> None:
        subprocess.run(
            ["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str, language: str = "en", tracking: str = NUMBERS[0]) -> Terminal:
        config = CONFIG.format(language=language, tracking=tracking)
        (tmp_path / "config.toml").write_text(config, encoding="utf-8")
        opened.append(Terminal(tmp_path, *arguments))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def found(folder: Path, text: str) -> list[Session]:
    if not (folder / "archive" / "archive.db").exists():
        return []
    with Archive.open(folder / "archive", read_only=True, create=False) as archive:
        return archive.find(text)


def pictures(path: Path) -> list[tuple[float, Picture]]:
    """Every frame of a clip: its time in seconds and its picture."""
    with av.open(str(path)) as container:
        return [
            (float(frame.time or 0), frame.to_ndarray(format="bgr24").astype(np.uint8))
            for frame in container.decode(video=0)
        ]


def test_two_waybills_from_scan_to_archive(bench: Callable[..., Terminal], tmp_path: Path) -> None:
    terminal = bench()
    terminal.until_shown("READY")
    time.sleep(3.5)  # the simulated label settles, the pre-roll fills
    terminal.type(NUMBERS[0])
    terminal.until(lambda: bool(found(tmp_path, NUMBERS[0])), "the open session")
    for count in range(1, 5):
        terminal.press("F1")
        terminal.until(
            lambda count=count: len(found(tmp_path, NUMBERS[0])[0].shots) == count,  # type: ignore[misc]
            f"photo {count}",
        )
    terminal.press("F4")
    terminal.until(lambda: found(tmp_path, NUMBERS[0])[0].status is Status.SEALED, "the seal")
    terminal.type(NUMBERS[1])
    terminal.until(lambda: bool(found(tmp_path, NUMBERS[1])), "the next session")
    terminal.press("C-q")
    time.sleep(0.5)
    terminal.press("C-q")
    terminal.until_shown("CLOSED 0")

    (session,) = found(tmp_path, NUMBERS[0])
    assert session.waybill == Waybill(NUMBERS[0], NUMBERS[0], "ups", CheckDigit.OK)
    assert session.bench == "打包台-1"
    assert session.complete
    assert session.end_reason is EndReason.FINISH
    assert session.shots[-1].label_check is LabelCheck.MATCH
    (second,) = found(tmp_path, NUMBERS[1])
    assert second.status is Status.INTERRUPTED
    assert verify(tmp_path / "archive") == []

    (clip,) = session.clips
    assert (session.opened_at - clip.started_at).total_seconds() >= 2.0
    frames = pictures(tmp_path / "archive" / clip.path)
    times = [at for at, _ in frames]
    assert len(frames) == clip.frames
    assert all(later > earlier for earlier, later in pairwise(times))
    last = frames[-1][1]
    assert NUMBERS[0] in {reading.text for reading in read_still(last)}
    # The number is burnt in from the scan on: the plate grows by it.
    assert 0 < plate_width(frames[0][1]) < plate_width(last) - 150


def test_a_number_of_no_listed_carrier_is_asked_about(
    bench: Callable[..., Terminal], tmp_path: Path
) -> None:
    unlisted, hatch = "QX20260731A7", "▞▞▞▞▞▞"
    terminal = bench()
    terminal.until_shown("READY")
    terminal.type(unlisted)
    terminal.until_shown(hatch)
    terminal.press("F7")
    terminal.until(lambda: hatch not in terminal.screen(), "the bench after NO")
    terminal.until_shown(f"{unlisted} is not recorded")
    assert found(tmp_path, unlisted) == []
    terminal.type(unlisted)
    terminal.until_shown(hatch)
    time.sleep(2.2)
    terminal.type(unlisted)
    terminal.until(lambda: bool(found(tmp_path, unlisted)), "the session after the second scan")
    terminal.until_shown("NO LISTED CARRIER")
    terminal.press("C-q")
    time.sleep(0.5)
    terminal.press("C-q")
    terminal.until_shown("CLOSED 0")
    (session,) = found(tmp_path, unlisted)
    assert [note.what for note in session.notes] == ["unlisted"]


def plate_width(picture: Picture) -> int:
    """How far the burnt-in plate reaches from the left, in pixels: black below its text."""
    row = picture[-3, :, :].max(axis=1)
    return int(np.argmax(row > 60))


def test_the_plug_is_pulled_while_recording(bench: Callable[..., Terminal], tmp_path: Path) -> None:
    terminal = bench()
    terminal.until_shown("READY")
    time.sleep(2.5)
    terminal.type(NUMBERS[2])
    terminal.until(lambda: bool(found(tmp_path, NUMBERS[2])), "the session")
    terminal.press("F1")
    terminal.until(lambda: bool(found(tmp_path, NUMBERS[2])[0].shots), "a photo")
    time.sleep(2.0)
    os.kill(terminal.pid(), signal.SIGKILL)
    terminal.until_shown("CLOSED 137")
    assert found(tmp_path, NUMBERS[2])[0].status is Status.OPEN

    again = bench()
    again.until_shown("READY")
    again.until(
        lambda: found(tmp_path, NUMBERS[2])[0].status is Status.INTERRUPTED, "the start-up repair"
    )
    (session,) = found(tmp_path, NUMBERS[2])
    assert session.end_reason is EndReason.RECOVERY
    assert len(session.shots) == 1
    (clip,) = session.clips
    assert clip.duration_ms >= 3_000
    assert len(pictures(tmp_path / "archive" / clip.path)) == clip.frames
    assert verify(tmp_path / "archive") == []


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_closed_terminal_seals_at_once(
    bench: Callable[..., Terminal], tmp_path: Path, name: str
) -> None:
    terminal = bench()
    terminal.until_shown("READY")
    terminal.type(NUMBERS[3])
    terminal.until(lambda: bool(found(tmp_path, NUMBERS[3])), "the session")
    time.sleep(1.0)
    pid = terminal.pid()
    if name == "SIGHUP":
        terminal.close()  # the window itself goes away
    else:
        os.kill(pid, getattr(signal, name))
    deadline = time.monotonic() + PATIENCE_S
    while found(tmp_path, NUMBERS[3])[0].status is Status.OPEN and time.monotonic() < deadline:
        time.sleep(0.1)
    (session,) = found(tmp_path, NUMBERS[3])
    assert session.status is Status.INTERRUPTED
    assert session.end_reason is EndReason.SHUTDOWN
    assert verify(tmp_path / "archive") == []
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the bench still runs without a terminal")


def test_a_second_bench_on_the_archive_is_refused(
    bench: Callable[..., Terminal], tmp_path: Path
) -> None:
    first = bench()
    first.until_shown("READY")
    second = bench()
    second.until_shown("CLOSED 1")
    assert "packwitness: " in second.screen()
    assert "Traceback" not in second.screen()
    first.type(NUMBERS[1])
    first.until(lambda: bool(found(tmp_path, NUMBERS[1])), "the first bench going on")


def test_a_camera_that_does_not_exist_holds_up_nothing(
    bench: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = bench("--source", "file:nowhere.mp4")
    terminal.until_shown("READY")
    terminal.until_shown("No such file")
    terminal.type(NUMBERS[1])
    terminal.until(lambda: bool(found(tmp_path, NUMBERS[1])), "the session")

    def sealed() -> bool:
        for key in ("F12", "F4"):  # the alarm first, then FINISH, twice as photos are missing
            terminal.press(key)
            time.sleep(0.5)
        return found(tmp_path, NUMBERS[1])[0].status is Status.SEALED

    terminal.until(sealed, "the seal")
    (session,) = found(tmp_path, NUMBERS[1])
    assert not session.complete
    assert session.gaps
    assert verify(tmp_path / "archive") == []


def test_in_chinese(bench: Callable[..., Terminal]) -> None:
    terminal = bench(language="zh")
    terminal.until_shown("就绪")
