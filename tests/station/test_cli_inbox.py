"""`packwitness inbox` and `packwitness file`, as programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.later import Role
from tests.station.inbox_world import InboxWorld, labelled, until
from tests.storage.arrivals import picture
from tests.storage.desk import NUMBER


@pytest.fixture
def world(tmp_path: Path) -> InboxWorld:
    """A closed archive with two parcels."""
    made = InboxWorld(tmp_path / "archive")
    made.archive.close()
    (tmp_path / "config.toml").write_text("[inbox]\nsettle_s = 0.5\n")
    return made


def run(world: InboxWorld, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    root = world.folder.parent
    site = ["--archive", str(root), "--config", str(root.with_name("config.toml"))]
    return subprocess.run(
        [sys.executable, "-m", "station.cli", *arguments, *site],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **more},
    )


def test_the_list_files_nothing_and_once_files_all(world: InboxWorld) -> None:
    world.drop("photos/label.png", labelled())
    world.drop("a\x1b[2J.txt", b"a")
    listed = run(world, "inbox")
    assert listed.returncode == 0
    assert "photos/label.png: 1Z999AA10123456784 media (by barcode), to be filed" in listed.stdout
    assert "a?[2J.txt: no tracking number of this archive is in it" in listed.stdout
    filed = run(world, "inbox", "--once", "--json")
    told = json.loads(filed.stdout)
    assert [each["name"] for each in told["filed"]] == ["photos/label.png"]
    assert [each["path"] for each in told["waiting"]] == ["a\x1b[2J.txt"]
    with Archive.open(world.folder.parent, read_only=True) as archive:
        assert len(archive.documents_of(NUMBER)) == 1
    assert run(world, "inbox", "--once", "--watch").returncode == 2


def test_a_file_is_filed_by_hand_and_stays(world: InboxWorld, tmp_path: Path) -> None:
    source = tmp_path / "trace.pdf"
    source.write_bytes(picture("PDF"))
    done = run(world, "file", str(source), "--number", NUMBER, "--group", "tracking_trace")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{NUMBER} tracking_trace trace.pdf\n"
    unknown = run(world, "file", str(source), "--number", "9X", "--group", "media")
    assert unknown.returncode == 1 and "no tracking number" in unknown.stderr
    other = run(world, "file", str(source), "--number", "1Z000AA1", "--group", "media", "--json")
    assert json.loads(other.stdout)["source"] == "by hand"
    assert "no session" in other.stderr
    assert run(world, "file", str(source), "--number", NUMBER, "--group", "x").returncode == 2
    assert source.read_bytes() == picture("PDF")


def test_a_watch_files_what_arrives_until_it_is_stopped(world: InboxWorld) -> None:
    root = world.folder.parent
    site = ["--archive", str(root), "--config", str(root.with_name("config.toml"))]
    program = subprocess.Popen(
        [sys.executable, "-m", "station.cli", "inbox", "--watch", *site],
        stdout=subprocess.PIPE,
        text=True,
        # A program that was started in the background has Ctrl-C ignored, and so have its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert program.stdout is not None
    assert program.stdout.readline() == f"watching {world.folder}\n"
    assert program.stdout.readline() == f"watching {world.folder / 'orders'} for orders\n"
    path = world.drop(f"{NUMBER}/invoice/a.pdf", picture("PDF"))
    until(lambda: not path.exists())
    assert program.stdout.readline() == f"{NUMBER} proof_of_value {NUMBER}/invoice/a.pdf\n"
    path = world.drop("orders/shop.csv", f"order id,tracking number\nA-7,{NUMBER}\n".encode())
    until(lambda: not path.exists())
    counted = "1 orders new, 0 changed, 0 known; 1 links new; 0 bad"
    assert program.stdout.readline() == f"shop.csv: {counted}\n"
    program.send_signal(signal.SIGINT)
    assert program.wait(20) == 130
    program.stdout.close()


def test_only_who_may_file_files(world: InboxWorld, tmp_path: Path) -> None:
    root = world.folder.parent
    with Archive.open(root) as archive:
        first = archive.nobody()
        assert first is not None
        archive.admit(first, "Ann", Role.SUPERVISOR, "482915").result()
        ann = archive.sign_in("Ann", "482915")
        archive.admit(ann, "Pat", Role.PACKER, "739164").result()
    path = world.drop(f"{NUMBER}/photos/a.jpg", picture("JPEG"))
    for arguments in (
        ("inbox", "--once"),
        ("file", str(path), "--number", NUMBER, "--group", "media"),
    ):
        for who in ((), ("--as", "Pat")):
            refused = run(world, *arguments, *who, PACKWITNESS_PIN="739164")
            assert refused.returncode != 0, refused.stdout
    with Archive.open(root, read_only=True) as archive:
        assert archive.documents_of(NUMBER) == []
    assert run(world, "inbox", "--once", "--as", "Ann", PACKWITNESS_PIN="482915").returncode == 0
    with Archive.open(root, read_only=True) as archive:
        ((document, _, _),) = archive.documents_of(NUMBER)
    assert (document.by, document.role) == ("Ann", Role.SUPERVISOR)
