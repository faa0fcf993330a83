"""Another program gets a copy that it cannot change, and begins at the right moment."""

from __future__ import annotations

import stat
import sys
import time
from pathlib import Path

import pytest

from station.ui.archive import player
from station.ui.archive.player import CannotOpen, open_copy, plain_name

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="programs are found as on Linux")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs; each one that is put there writes down how it was started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DISPLAY", ":9")
    return folder


def install(programs: Path, name: str) -> Path:
    told = programs / f"{name}.told"
    program = programs / name
    program.write_text(
        f'#!/bin/sh\nfor each in "$@"; do echo "$each"; done > {told}.new\n'
        f"/bin/mv {told}.new {told}\n"
    )
    program.chmod(0o755)
    return told


def started(told: Path) -> list[str]:
    for _ in range(100):
        if told.exists():
            return told.read_text().splitlines()
        time.sleep(0.05)
    raise AssertionError("it was not started")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "overhead-01.mp4"
    path.write_bytes(b"evidence")
    return path


@ON_LINUX
def test_mpv_begins_at_the_moment_with_a_copy(programs: Path, clip: Path) -> None:
    told = install(programs, "mpv")
    install(programs, "xdg-open")
    assert open_copy(clip, "1Z999-overhead", 12.5) == "mpv"
    *options, path = started(told)
    assert "--start=12.500" in options
    copy = Path(path)
    assert copy.name == "1Z999-overhead.mp4"
    assert copy.read_bytes() == b"evidence"
    assert not copy.samefile(clip)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o400
    assert stat.S_IMODE(copy.parent.parent.stat().st_mode) == 0o700
    player.remove(copy.parent)
    assert not copy.exists()
    assert clip.read_bytes() == b"evidence"


@ON_LINUX
def test_vlc_is_taken_where_there_is_no_mpv(programs: Path, clip: Path) -> None:
    told = install(programs, "vlc")
    assert open_copy(clip, "clip", 3.0) == "vlc"
    assert "--start-time=3.000" in started(told)


@ON_LINUX
def test_what_is_no_video_goes_to_the_desktops_own_program(programs: Path, tmp_path: Path) -> None:
    install(programs, "mpv")
    told = install(programs, "xdg-open")
    form = tmp_path / "document.pdf"
    form.write_bytes(b"%PDF")
    assert open_copy(form, "claim form.exe", 0) == "xdg-open"
    (path,) = started(told)
    assert Path(path).name == "claim_form.pdf"


@ON_LINUX
def test_without_a_program_or_a_desktop_it_is_said(
    programs: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotOpen, match="mpv, vlc"):
        open_copy(clip, "clip")
    install(programs, "mpv")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(CannotOpen, match="desktop"):
        open_copy(clip, "clip")


@ON_LINUX
def test_a_file_that_is_gone_is_said(programs: Path, tmp_path: Path) -> None:
    install(programs, "mpv")
    with pytest.raises(CannotOpen):
        open_copy(tmp_path / "gone.mp4", "clip")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("invoice.pdf", "invoice.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("a b;rm -rf.exe", "a_b_rm_-rf.jpg"),
        ("--start=5", "start_5.jpg"),
        ("\x1b[2J", "2J.jpg"),
        ("发票.png", "evidence.jpg"),
        ("", "evidence.jpg"),
        ("n" * 5_000, "n" * 80 + ".jpg"),
    ],
)
def test_a_copys_name_is_plain_and_its_ending_the_archives(name: str, expected: str) -> None:
    assert plain_name(name, ".jpg") == expected
