"""What VERIFY.txt tells a stranger to type works as it stands, and finds what was changed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.evidence.how_to import TEXT
from storage.evidence.package import export
from storage.evidence.verify import verify
from tests.storage.desk import Desk
from tests.storage.packages import unpacked_at
from tests.storage.tsa import Authority

TOOLS = ("bash", "sha256sum", "openssl")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"
)


@pytest.fixture
def folder(desk: Desk, tmp_path: Path) -> Iterator[Path]:
    """An unpacked package with a time stamp, while its authority is at work."""
    with Authority(tmp_path / "tsa") as authority:
        session = desk.pack()
        made = export(desk.archive, [session], tmp_path / "out", tsa=authority.address)
        assert made.unstamped == ""
        assert verify(made.path) == []
        yield unpacked_at(made.path, tmp_path / "unpacked")


def commands() -> list[str]:
    """The commands for a shell, whole: lines that end in a backslash go on."""
    text = TEXT.format(digest="", site="", fingerprint="").replace("\\\n", " ")
    found = re.findall(r"^ {7}((?:openssl|sha256sum|bagit\.py) .*)$", text, re.MULTILINE)
    return [str(each) for each in found]


def failing(folder: Path, tsa: Path) -> list[str]:
    """The commands that say no in a folder."""
    (key,) = (path.stem for path in (folder / "keys").iterdir())
    session = next((folder / "data").rglob("session.json")).parent.name
    found = []
    for command in commands():
        real = command.replace("KEY", key).replace("ID/", f"{session}/")
        real = real.replace("TSA.pem", str(tsa)).replace("-out verified", "-out ../verified")
        done = subprocess.run(
            ["bash", "-c", real],
            cwd=folder, capture_output=True, check=False, timeout=60,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        if done.returncode:
            found.append(command)
    return found


def test_every_command_agrees_with_a_whole_package(folder: Path, tmp_path: Path) -> None:
    assert len(commands()) == 7
    assert failing(folder, tmp_path / "tsa" / "root.pem") == []


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("tagmanifest-sha256.txt", "tagmanifest-sha256.txt.p7s"),
        ("index.html", "sha256sum -c tagmanifest"),
        ("data/*/overhead-01.mp4", "sha256sum -c manifest"),
        ("manifest.json", "manifest.json.p7s"),
        ("manifest.json", "openssl ts"),
        ("data/*/session.json", "openssl pkeyutl"),
        ("report.pdf", "bagit.py"),
    ],
)
def test_the_right_command_says_no(folder: Path, tmp_path: Path, name: str, tool: str) -> None:
    (path,) = folder.glob(name)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said = failing(folder, tmp_path / "tsa" / "root.pem")
    assert any(tool in command for command in said), said
