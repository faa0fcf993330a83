"""The inbox is watched for real: files come whole, slowly, by the thousand, and without a word."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from watchdog.observers import Observer

from station.config import Config, load_config
from station.inbox_settled import being_written
from station.inbox_watch import inbox_of
from storage.archive import Archive
from storage.later import EvidenceGroup
from tests.station.inbox_world import SETTLE_S, InboxWorld, until
from tests.storage.arrivals import ANN, picture
from tests.storage.desk import NUMBER

MANY = 1_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[InboxWorld]:
    made = InboxWorld(tmp_path / "archive")
    yield made
    made.archive.close()


def test_what_lay_there_and_what_arrives_is_filed(world: InboxWorld) -> None:
    world.drop(f"{NUMBER}/photos/before.jpg", picture("JPEG"))
    watch = world.watch()
    try:
        until(lambda: len(world.names()) == 1)
        world.drop(f"{NUMBER}/invoice/later.pdf", picture("PDF"))
        until(lambda: len(world.names()) == 2)
        # A download that is renamed when it is whole.
        part = world.drop(f"{NUMBER}/photos/film.mp4.part", b"film")
        time.sleep(2 * SETTLE_S)
        part.rename(part.with_suffix(""))
        until(lambda: len(world.names()) == 3)
    finally:
        watch.stop()
    assert not [path for path in world.folder.rglob("*") if path.is_file()]


def test_a_slow_copy_arrives_whole(world: InboxWorld) -> None:
    watch = world.watch()
    content = os.urandom(300_000)
    try:
        folder = world.folder / NUMBER / "photos"
        folder.mkdir(parents=True)
        with (folder / "film.bin").open("wb") as file:
            for at in range(0, len(content), 100_000):
                file.write(content[at : at + 100_000])
                file.flush()
                time.sleep(3 * SETTLE_S)  # longer than a file that has stopped changing
        until(lambda: len(world.names()) == 1)
    finally:
        watch.stop()
    ((document, _, _),) = world.archive.documents_of(NUMBER)
    assert (world.archive.root / document.path).read_bytes() == content


def test_a_share_that_tells_nothing_is_looked_through_at_intervals(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(type(Observer()), "schedule", refuse)
    watch = world.watch(rescan_s=1)
    try:
        time.sleep(1)
        world.drop(f"{NUMBER}/photos/a.jpg", picture("JPEG"))
        until(lambda: len(world.names()) == 1)
    finally:
        watch.stop()


def test_a_share_that_goes_away_and_comes_back_is_taken_up_again(world: InboxWorld) -> None:
    away = world.folder.with_name("away")
    watch = world.watch(rescan_s=0.5)
    try:
        until(lambda: bool(world.looks))
        world.folder.rename(away)
        until(lambda: bool(world.looks[-1].trouble))
        (away / NUMBER / "photos").mkdir(parents=True)
        (away / NUMBER / "photos" / "a.jpg").write_bytes(picture("JPEG"))
        away.rename(world.folder)
        until(lambda: len(world.names()) == 1)
    finally:
        watch.stop()
    assert not world.looks[-1].trouble


def test_thousands_at_once_are_all_filed_once(world: InboxWorld) -> None:
    watch = world.watch()
    other = InboxWorld.__new__(InboxWorld)  # a second program on the same folder
    other.archive = Archive.open(world.archive.root)
    other.folder, other.settle_s, other.looks = world.folder, world.settle_s, []
    other.inbox = type(world.inbox)(
        other.archive, world.folder, ANN, world.inbox._rules, settle_s=world.settle_s
    )
    second = other.watch()
    try:
        folder = world.folder / NUMBER / "photos"
        folder.mkdir(parents=True)
        for number in range(MANY):
            (folder / f"{number}.txt").write_bytes(b"content %d" % number)
        end = time.monotonic() + 120
        while any(folder.iterdir()) and time.monotonic() < end:
            time.sleep(0.2)
    finally:
        watch.stop()
        second.stop()
        other.archive.close()
    found = world.archive.documents_of(NUMBER)
    assert len(found) == MANY
    assert len({document.sha256 for document, _, _ in found}) == MANY
    assert not any(folder.iterdir())


def test_a_writer_is_noticed_and_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(b"x")
        assert being_written(path)
    assert not being_written(path)
    assert not being_written(tmp_path / "nowhere")
    reader = path.open("rb")
    assert not being_written(path)
    reader.close()


ASK = """
import fcntl, subprocess, sys, time
from pathlib import Path
from station.inbox_settled import being_written

ask = fcntl.fcntl

def slow(fd, what, how=0):
    answer = ask(fd, what, how)
    if (what, how) == (fcntl.F_SETLEASE, fcntl.F_RDLCK):
        subprocess.Popen(["sh", "-c", "echo more >> " + sys.argv[1]])
        time.sleep(0.5)  # somebody opens the file at the worst moment
    return answer

fcntl.fcntl = slow
being_written(Path(sys.argv[1]))
print("alive")
"""


def test_asking_never_ends_the_program_that_asks(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    done = subprocess.run(
        [sys.executable, "-c", ASK, path], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, "alive\n")
    until(lambda: path.read_text() == "more\n")


def test_the_configuration_says_which_folder_and_group(tmp_path: Path, world: InboxWorld) -> None:
    assert inbox_of(world.archive, Config(), ANN).folder == world.archive.root / "inbox"
    path = tmp_path / "config.toml"
    path.write_text('[inbox]\npath = "drop"\ngroup = "claim_form"\nsettle_s = 0.5\n')
    config = load_config(path)
    filer = inbox_of(world.archive, config, ANN)
    assert filer.folder == tmp_path / "drop"
    assert not filer.folder.exists()  # a share that is not there is not invented
    filer.folder.mkdir()
    (filer.folder / f"{NUMBER}.txt").write_bytes(b"hello")
    filer.look()
    time.sleep(0.6)
    assert len(filer.look().filed) == 1
    assert world.groups() == [EvidenceGroup.CLAIM_FORM]
