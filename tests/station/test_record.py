"""`packwitness record` on true parts: what it writes plays, and it overwrites nothing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from capture.source import SourceError
from station.record import RecordError, Wish, record
from storage.records import parse_utc

SIM = "sim:?seed=7&tracking=1Z999AA10123456784&fps=15"


def frames_of(path: Path) -> list[float]:
    """The times of the clip's pictures in seconds, in the order in which they are decoded."""
    with av.open(path) as container:
        return [float(frame.time) for frame in container.decode(video=0) if frame.time is not None]


def quiet(line: str) -> None:
    """Nobody watches."""


def test_the_clip_begins_before_its_trigger_and_is_what_is_told(tmp_path: Path) -> None:
    out = tmp_path / "test.mp4"
    lines: list[str] = []
    wish = Wish(SIM, 1.5, out, tracking="1ZTEST", pre_roll_s=1.0, width=320, height=240)
    recorded = record(wish, lines.append)
    told = recorded.to_json()
    assert recorded.why == ""
    assert told["path"] == str(out)
    assert told["codec"] == "h264"
    assert (told["width"], told["height"]) == (320, 240)
    assert told["pre_roll_ms"] >= 1_000
    assert told["duration_ms"] >= 1_400 + told["pre_roll_ms"]
    assert told["size_bytes"] == out.stat().st_size
    assert told["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert parse_utc(told["started_at"])
    times = frames_of(out)
    assert len(times) == told["frames"]
    assert times == sorted(set(times))
    assert any(str(out) in line for line in lines)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "kept.mp4"
    out.write_bytes(b"evidence")
    lines: list[str] = []
    with pytest.raises(RecordError, match="exists already"):
        record(Wish(SIM, 1.0, out), lines.append)
    assert lines == []  # it is told at once, before any camera is opened
    assert out.read_bytes() == b"evidence"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="does not exist: make it first"):
        record(Wish(SIM, 1.0, tmp_path / "no" / "a.mp4"), quiet)


def test_a_source_that_cannot_be_opened_leaves_no_file(tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    with pytest.raises(RecordError, match=r"absent\.mp4: .*check the path"):
        record(Wish(f"file:{tmp_path / 'absent.mp4'}", 1.0, out), quiet)
    with pytest.raises(SourceError, match="no such kind of source"):
        record(Wish("nonsense", 1.0, out), quiet)
    assert not out.exists()


def test_a_source_that_ends_gives_what_there_was(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    record(Wish(SIM, 1.5, film, width=320, height=240), quiet)
    out = tmp_path / "copy.mp4"
    recorded = record(Wish(f"file:{film}", 30.0, out), quiet)
    assert recorded.why
    assert not recorded.by_hand
    assert len(frames_of(out)) == recorded.clip.frames > 5


def test_interrupting_ends_the_clip_playable(tmp_path: Path) -> None:
    out = tmp_path / "stopped.mp4"
    new_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    command = [sys.executable, "-m", "station.cli", "record", "--source", SIM, "--seconds", "60"]
    with subprocess.Popen(
        [*command, "--width", "320", "--height", "240", "--out", str(out), "--json"],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        creationflags=new_group,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "recorded 1" in line:
                break
        process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)  # type: ignore[attr-defined]
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    assert "stopped by hand" in stderr
    told = json.loads(stdout)
    assert len(frames_of(out)) == told["frames"] > 5
    assert told["duration_ms"] < 30_000


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals do not hang up here")
def test_a_closing_terminal_while_the_pre_roll_fills_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "none.mp4"
    command = [sys.executable, "-m", "station.cli", "record", "--source", SIM, "--seconds", "60"]
    with subprocess.Popen(
        [*command, "--preroll", "60", "--out", str(out)],
        cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "pre-roll" in line:
                break
        started = time.monotonic()
        process.send_signal(signal.SIGHUP)
        _, stderr = process.communicate(timeout=30)
    assert time.monotonic() - started < 20
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert not out.exists()
