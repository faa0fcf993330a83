"""The commands that FORMAT.md gives to somebody without this software do what it says."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from storage import archive
from storage.archive import Archive
from storage.evidence.package import export
from storage.later import EvidenceGroup
from storage.records import Session
from tests.storage.arrivals import ANN
from tests.storage.desk import NUMBER, Desk
from tests.storage.packages import unpacked_at

TOOLS = ("bash", "sqlite3", "sha256sum", "openssl", "xxd")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"
)


def block(told: str) -> str:
    """The one block of commands that holds these words."""
    text = Path(archive.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")
    found = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    (commands,) = (str(each) for each in found if told in each)
    return commands.removeprefix("cd archive\n").removeprefix("cd package\n")


FILES, SIGNATURES, KEYS = "sha256sum --check --quiet\nsqlite3", "find media", "key $key"
CHAIN, HEAD, CHECKPOINTS = "broken at", "${HEAD:-0:0}", "another past"
PACKAGE = "cd package"


def said(folder: Path, told: str, **environment: str) -> str:
    """What a block prints in a folder."""
    done = subprocess.run(
        ["bash", "-c", block(told)],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **environment},
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.fixture
def packed(desk: Desk, tmp_path: Path) -> Session:
    """A parcel with all that the archive can hold; the archive is closed."""
    desk.check()
    session = desk.pack()
    desk.pack(pass_no=2)
    desk.archive.checkpoint().result()
    trace = tmp_path / "trace.txt"
    trace.write_bytes(b"delivered\n")
    desk.archive.file_document(ANN, trace, NUMBER, EvidenceGroup.TRACKING_TRACE).result()
    desk.archive.note(ANN, session.id, "it's \\ late").result()
    desk.archive.checkpoint().result()
    desk.open(pass_no=3)
    return session


def touch(path: Path) -> bytes:
    """Change a byte in the middle of a file; what it held."""
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    return whole


def test_the_files_and_manifests(packed: Session, desk: Desk, root: Path) -> None:
    desk.archive.close()
    assert said(root, FILES) == ""
    names = ("session.json", "check.json", "document.json", "amendment.json", "document.txt")
    for name in (*names, "overhead-01.mp4", "label-02.jpg"):
        # The manifest of the open session is not the last word on it.
        path = next(
            each for each in root.rglob(name) if b'"status": "open"' not in each.read_bytes()
        )
        whole = touch(path)
        assert path.relative_to(root).as_posix() in said(root, FILES)
        path.write_bytes(whole)
    assert said(root, FILES) == ""


def test_the_signatures(packed: Session, desk: Desk, root: Path) -> None:
    desk.archive.close()
    assert said(root, SIGNATURES) == ""
    for path in sorted(root.rglob("*.sig")):
        for touched in (path, path.with_suffix(".json")):
            whole = touch(touched)
            assert path.relative_to(root).as_posix() in said(root, SIGNATURES)
            touched.write_bytes(whole)
    assert said(root, SIGNATURES) == ""


def test_the_keys(desk: Desk, root: Path) -> None:
    desk.archive.close()
    public = (root / "keys" / "bench.pub").read_text()
    (root / "keys" / "bench.key").rename(root / "keys" / "former.key")
    with Archive.open(root) as opened:
        told = "".join(f"key {change.key}\n" for change in opened.key_changes())
    printed = said(root, KEYS)
    assert public in printed
    assert (root / "keys" / "bench.pub").read_text() in printed
    assert re.sub(r"-----BEGIN.*?END PUBLIC KEY-----\n", "", printed, flags=re.DOTALL) == told


def test_the_chain_and_a_head_that_was_noted(packed: Session, desk: Desk, root: Path) -> None:
    head = str(desk.archive.head())
    desk.archive.close()
    assert said(root, CHAIN) == ""
    assert said(root, HEAD, HEAD=head) == "1\n"
    db = sqlite3.connect(root / "archive.db")
    with db:
        db.execute("DROP TRIGGER ledger_update")
        db.execute("UPDATE ledger SET body = replace(body, 'Ann', 'Eve')")
        db.execute("UPDATE ledger SET hash = substr(hash, 2) || 'x' WHERE seq > 5")
    db.close()
    assert "Eve" in said(root, CHAIN)
    assert said(root, HEAD, HEAD=head) == "0\n"


def test_the_checkpoints(packed: Session, desk: Desk, root: Path) -> None:
    desk.archive.close()
    assert said(root, CHECKPOINTS) == ""
    segments = sorted((root / "ledger").glob("*.jsonl"))
    assert len(segments) == 2
    for segment in segments:
        whole = touch(segment)
        assert f"broken: ledger/*-{segment.stem.split('-')[1]}" in said(root, CHECKPOINTS)
        segment.write_bytes(whole)
    db = sqlite3.connect(root / "archive.db")
    with db:
        db.execute("DROP TRIGGER ledger_delete")
        db.execute("DELETE FROM ledger WHERE seq > 3")
    db.close()
    assert "the database has another past" in said(root, CHECKPOINTS)


def test_the_package(packed: Session, desk: Desk, tmp_path: Path) -> None:
    package = export(desk.archive, [packed], tmp_path / "out").path
    folder = unpacked_at(package, tmp_path)
    assert said(folder, PACKAGE) == ""
    facts = json.loads((folder / "manifest.json").read_bytes())
    kinds = ("sessions", "camera_checks", "documents", "amendments")
    assert [len(facts[kind]) for kind in kinds] == [1, 1, 1, 1]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = touch(path)
        assert said(folder, PACKAGE) != "", path.name
        path.write_bytes(whole)
    assert said(folder, PACKAGE) == ""


def test_every_table_is_told_of(packed: Session, root: Path) -> None:
    told = Path(archive.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")
    db = sqlite3.connect(root / "archive.db")
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.close()
    assert "review_contents" in tables
    assert {name for name in tables if f"`{name}`" not in told} <= {"sqlite_sequence"}
