"""The commands that FORMAT.md gives to somebody without this software do what it says."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from storage import archive
from tests.storage.desk import Desk

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "sqlite3", "sha256sum"))),
    reason="needs bash, sqlite3 and sha256sum",
)


def blocks() -> list[str]:
    """The blocks of commands, in their order: files, then the ledger."""
    text = Path(archive.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")
    found = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return [block.removeprefix("cd archive\n") for block in found if "sqlite3 " in block]


def said(root: Path, block: str) -> str:
    """What a block prints in the archive's folder."""
    done = subprocess.run(
        ["bash", "-c", block], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_the_commands_find_a_changed_file_and_a_broken_chain(desk: Desk, root: Path) -> None:
    packed = desk.pack()
    desk.pack(pass_no=2)
    desk.archive.close()
    files, chain = blocks()
    assert said(root, files) == said(root, chain) == ""
    clip = root / packed.clips[0].path
    whole = clip.read_bytes()
    clip.write_bytes(whole[:-1] + b"x")
    assert packed.clips[0].path in said(root, files)
    clip.write_bytes(whole)
    db = sqlite3.connect(root / "archive.db")
    with db:
        db.execute("DROP TRIGGER ledger_update")
        db.execute("UPDATE ledger SET body = replace(body, 'Ann', 'Eve') WHERE seq = 2")
    db.close()
    assert "Eve" in said(root, chain)
