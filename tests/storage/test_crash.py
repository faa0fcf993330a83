"""Killed between any two steps, the archive comes back whole with all that it acknowledged."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.evidence.verify import verify
from storage.records import Status
from storage.rows import media_of

HERE = Path(__file__).resolve()
KILLS = int(os.environ.get("PACKWITNESS_KILLS", "4"))
"""How many in each part of the code; set it to some hundred for a long look."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is how a POSIX process dies")


def run(root: Path, what: str, kill_at: int = 0, code: str = ".py") -> list[list[str]]:
    """What the program told before it died, line by line, in words."""
    done = subprocess.run(
        [sys.executable, str(HERE.with_name("shift.py")), str(root), what, code, str(kill_at)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[2])},
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    assert done.returncode == -9 or kill_at == 0 or done.stdout.splitlines()[-1].startswith("lines")
    return [line.split() for line in done.stdout.splitlines()]


def points(lines: int, count: int, seed: int) -> list[int]:
    """Lines to be killed at: spread over the whole run, each at a random place of its stretch."""
    rng, count = random.Random(seed), min(count, lines // 2)
    return [rng.randrange(lines * n // count + 1, lines * (n + 1) // count) for n in range(count)]


def promises_hold(root: Path, told: list[list[str]]) -> None:
    """After a repair: nothing is open, everything verifies, everything acknowledged is there."""
    with Archive.open(root) as archive:
        archive.recover()
        assert archive.recover() == []
        assert archive.counts()[Status.OPEN] == 0
        for words in told:
            if words[0] == "lines":
                continue
            if words[0] == "checked":
                (check,) = archive.checks()
                assert [check.id, check.path, check.sha256] == words[1:]
                continue
            session = archive.get(words[1])
            assert session is not None
            if words[0] == "media":
                media = {item.path: item.sha256 for item in media_of(session)}
                assert media[words[2]] == words[3]
            if words[0] == "closed":
                assert session.status == words[2]
        assert verify(root) == []
    assert verify(root) == []
    for package in root.glob("exports/*.zip"):
        assert verify(package) == []
    if (root / "media").exists():
        assert not list((root / "media").rglob("*.part"))


@pytest.mark.parametrize(
    "code", [".py", "sealing.py", "filing.py", "files.py", "package.py", "camera_checks.py"]
)
def test_a_shift_killed_anywhere_loses_nothing_acknowledged(tmp_path: Path, code: str) -> None:
    whole = run(tmp_path / "whole", "shift", code=code)
    promises_hold(tmp_path / "whole", whole)
    for kill_at in points(int(whole[-1][1]), KILLS, seed=1):
        root = tmp_path / f"killed-{kill_at}"
        told = run(root, "shift", kill_at, code)
        promises_hold(root, told)


@pytest.mark.parametrize("code", [".py", "recover.py", "sealing.py", "camera_checks.py"])
def test_a_repair_killed_anywhere_is_finished_by_the_next(tmp_path: Path, code: str) -> None:
    left = tmp_path / "left"
    told = run(left, "shift")
    whole = tmp_path / "whole"
    shutil.copytree(left, whole)
    repaired = run(whole, "recover", code=code)
    assert [words[2] for words in repaired if words[0] == "closed"] == ["interrupted"]
    for kill_at in points(int(repaired[-1][1]), KILLS, seed=2):
        root = tmp_path / f"killed-{kill_at}"
        shutil.copytree(left, root)
        promises_hold(root, told + run(root, "recover", kill_at, code))


def test_a_killed_program_leaves_no_lock_behind(tmp_path: Path) -> None:
    lines = int(run(tmp_path / "whole", "shift")[-1][1])
    run(tmp_path / "killed", "shift", lines - 100)
    with Archive.open(tmp_path / "killed") as archive:
        archive.hold_bench_lock()
