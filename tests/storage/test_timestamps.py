"""Checkpoints get time stamps from a real authority, late if need be, and forged ones show."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.stamping import Stamping
from storage import checkpoints, schema, timestamps
from storage.checkpoint_files import head_path, stamp_path
from storage.errors import NoStamp
from tests.storage.desk import Desk
from tests.storage.tsa import Authority

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """A time-stamping authority at work."""
    with Authority(tmp_path / "tsa") as authority:
        yield authority


def faults(root: Path, certificates: Path | None = None) -> list[str]:
    """What is found wrong with the checkpoints."""
    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        found = checkpoints.problems(db, root, certificates)
        return [f"{problem.path} {problem.what}" for problem in found]
    finally:
        db.close()


def unstamped(root: Path) -> int:
    """How many checkpoints wait for a time stamp."""
    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        row = db.execute("SELECT count(*) FROM checkpoints WHERE stamped = 0").fetchone()
        return int(row[0])
    finally:
        db.close()


def test_a_stamp_is_what_openssl_says_it_is(desk: Desk, root: Path, authority: Authority) -> None:
    desk.pack()
    made = desk.archive.checkpoint().result()
    assert desk.archive.stamp_pending(authority.address) == 1
    assert desk.archive.stamp_pending(authority.address) == 0
    assert authority.asked == 1
    stamp = stamp_path(root, made.seq)
    subprocess.run(
        ["openssl", "ts", "-verify", "-data", str(head_path(root, made.seq)), "-in", str(stamp),
         "-CAfile", str(authority.root)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert faults(root) == faults(root, authority.root) == []


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("error", "Service Unavailable"),
        ("refuse", "is a refusal: Bad request format"),
        ("garbage", "no time stamp that can be read"),
        ("replay", "something else"),
        ("hang", "timed out"),
    ],
)
def test_an_authority_that_fails_is_asked_again_later(
    desk: Desk, root: Path, authority: Authority, mood: str, why: str
) -> None:
    desk.pack()
    desk.archive.checkpoint().result()
    desk.archive.stamp_pending(authority.address)
    desk.pack(pass_no=2)
    made = desk.archive.checkpoint().result()
    authority.mood = mood
    with pytest.raises(NoStamp, match=f"{why}.*asked again later"):
        desk.archive.stamp_pending(authority.address, timeout_s=1)
    assert not stamp_path(root, made.seq).exists()
    assert faults(root) == []
    authority.mood = "well"
    assert desk.archive.stamp_pending(authority.address) == 1
    assert faults(root, authority.root) == []


def test_an_answer_to_another_question_is_refused(authority: Authority) -> None:
    answer = timestamps.stamp(b"the same", authority.address)
    assert timestamps.fault(answer, b"the same", authority.root) == ""
    authority.mood = "replay"
    with pytest.raises(NoStamp, match="another question"):
        timestamps.stamp(b"the same", authority.address)
    with pytest.raises(NoStamp, match="something else"):
        timestamps.stamp(b"the other", authority.address)


def test_an_authority_out_of_reach_never_delays_sealing(desk: Desk, root: Path) -> None:
    desk.archive.checkpoint().result()
    stamping = Stamping(desk.archive, "http://192.0.2.1:9/", every_s=0.01)
    stamping.start()
    started = time.monotonic()
    desk.pack()
    assert time.monotonic() - started < 5
    stamping.stop()
    assert unstamped(root) == 1


def test_what_waited_is_stamped_when_the_authority_is_back(
    desk: Desk, root: Path, authority: Authority
) -> None:
    authority.mood = "error"
    for pass_no in (1, 2, 3):
        desk.pack(pass_no=pass_no)
        desk.archive.checkpoint().result()
    before = set(threading.enumerate())
    stamping = Stamping(desk.archive, authority.address, every_s=0.02)
    stamping.start()
    until = time.monotonic() + 30
    while authority.asked < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert unstamped(root) == 3
    authority.mood = "well"
    while unstamped(root) and time.monotonic() < until:
        time.sleep(0.05)
    stamping.stop()
    assert unstamped(root) == 0
    assert faults(root, authority.root) == []
    assert not [t.name for t in set(threading.enumerate()) - before if "stamp" in t.name]


def test_a_stamp_that_a_crash_kept_from_its_row_is_taken(
    desk: Desk, root: Path, authority: Authority
) -> None:
    desk.pack()
    made = desk.archive.checkpoint().result()
    desk.archive.stamp_pending(authority.address)
    db = schema.connect(root / schema.DATABASE)
    db.execute("UPDATE checkpoints SET stamped = 0")
    db.close()
    whole = stamp_path(root, made.seq).read_bytes()
    assert desk.archive.stamp_pending(authority.address) == 1
    assert authority.asked == 1
    assert stamp_path(root, made.seq).read_bytes() == whole


def test_a_stamp_that_is_not_this_heads_is_found(
    desk: Desk, root: Path, authority: Authority, tmp_path: Path
) -> None:
    desk.pack()
    first = desk.archive.checkpoint().result()
    desk.pack(pass_no=2)
    second = desk.archive.checkpoint().result()
    desk.archive.stamp_pending(authority.address)
    one, two = stamp_path(root, first.seq), stamp_path(root, second.seq)
    whole = one.read_bytes()
    one.write_bytes(two.read_bytes())
    assert faults(root) == [f"ledger/{one.name} was changed: its SHA-256 is not the one that came"]
    db = schema.connect(root / schema.DATABASE)
    db.execute("UPDATE checkpoints SET stamp_sha256 = (SELECT max(stamp_sha256) FROM checkpoints)")
    db.execute("UPDATE checkpoints SET stamped = 0")
    assert faults(root) == [f"ledger/{one.name} is the time stamp of something else"]
    one.write_bytes(whole)
    db.close()
    for mark in (first.seq, second.seq):
        assert desk.archive.stamp_pending(authority.address, at_once=1) == 1, mark
    for at in range(0, len(whole), 31):
        one.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert faults(root) == [
            f"ledger/{one.name} was changed: its SHA-256 is not the one that came"
        ], at
    one.unlink()
    assert faults(root) == [f"ledger/{one.name} is missing"]
    one.write_bytes(whole)
    with Authority(tmp_path / "other") as other:
        assert any("trusted" in fault for fault in faults(root, other.root))
    assert faults(root, authority.root) == []
