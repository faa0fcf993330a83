"""What is written out of the archive is there whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.evidence.unfinished import sweep, unfinished


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.zip"
    with unfinished(path) as part:
        part.write_bytes(b"half")
        assert not path.exists()
        part.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert names(path.parent) == ["a.zip"]


def test_a_folder_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "kit"
    with unfinished(path) as part:
        part.mkdir()
        (part / "one").write_bytes(b"1")
        assert not path.exists()
    assert names(path) == ["one"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt(), SystemExit(1)])
def test_what_fails_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), unfinished(tmp_path / "kit") as part:
        part.mkdir()
        (part / "one").write_bytes(b"1")
        raise error
    assert names(tmp_path) == []


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(FileExistsError), unfinished(path) as part:
        part.write_bytes(b"new")
        path.write_bytes(b"came meanwhile")
    assert path.read_bytes() == b"came meanwhile"
    assert names(tmp_path) == ["a.zip"]


KILLED = """
import os, pathlib, signal, sys
from storage.evidence.unfinished import unfinished
with unfinished(pathlib.Path(sys.argv[1])) as part:
    part.mkdir()
    (part / "one").write_bytes(b"1")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_program_left_goes_with_the_next(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "kit")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 1
    others = [".hidden.part", f".kit.{'0' * 8}-{os.getpid()}.part", ".kit.part", "my.part"]
    for name in others:
        (tmp_path / name).write_bytes(b"not ours")
    with unfinished(tmp_path / "a.zip") as part:
        running = part.name
        part.write_bytes(b"")
        assert names(tmp_path) == sorted([running, *others]), "the killed one's is gone already"
        sweep(tmp_path)
        assert part.exists()
    assert running not in names(tmp_path)
    assert names(tmp_path) == sorted(["a.zip", *others])
