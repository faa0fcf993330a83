"""Retention beside packing: when it deletes, and when it leaves the archive alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from station.bench import Bench, session_rules
from station.config import Config, load_config, with_archive
from station.replies import Replies
from station.retaining import Retaining, policy_of
from station.rules.events import Disk
from station.rules.state import Phase, State, initial
from storage.archive import Archive
from storage.later import Actor, Role
from storage.records import Kind, Session
from storage.retention import Policy, Rule
from storage.rows import media_of
from tests.storage.desk import NOON, Desk
from tests.storage.later_clock import SetClock

RETENTION = """
[retention]
automatic = {automatic}
days = 100
floor_days = 50
budget_gb = 1.5
rule = [
  {{ name = "dear", days = 730, min_value = "99.995", currency = "USD" }},
  {{ name = "returns", days = 365, kind = "return" }},
]
[disk]
low_gb = {low_gb}
full_gb = 0.001
"""


def configured(folder: Path, automatic: str = "true", low_gb: float = 0.002) -> Config:
    path = folder / "config.toml"
    path.write_text(RETENTION.format(automatic=automatic, low_gb=low_gb))
    return with_archive(load_config(path), folder / "archive")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive", clock=SetClock(NOON)) as opened:
        yield opened


def packed(archive: Archive, days_ago: float) -> Session:
    number = f"PW{int(days_ago * 100):010}"
    return Desk(archive, NOON - dt.timedelta(days=days_ago)).pack(number)


def there(archive: Archive, *sessions: Session) -> list[bool]:
    """Whether the videos of these sessions are there."""
    return [(archive.root / each.clips[0].path).exists() for each in sessions]


def state_of(config: Config, phase: Phase = Phase.IDLE, disk: Disk = Disk.OK) -> State:
    return replace(initial(session_rules(config), "Ann"), phase=phase, disk=disk)


def test_the_policy_is_what_the_configuration_says(tmp_path: Path) -> None:
    assert policy_of(configured(tmp_path)) == Policy(
        days=100,
        floor_days=50,
        budget_bytes=1_500_000_000,
        keep_free_bytes=2_000_000,
        rules=(
            Rule("dear", 730, least_cents=10_000, currency="USD"),
            Rule("returns", 365, kind=Kind.RETURN),
        ),
    )


async def test_one_session_goes_at_a_time_oldest_first(archive: Archive, tmp_path: Path) -> None:
    config = configured(tmp_path)
    old, older, young = packed(archive, 101), packed(archive, 150), packed(archive, 20)
    retaining = Retaining(config, archive, lambda: state_of(config))
    replies = Replies()
    expected = ([True, False, True], [False, False, True], [False, False, True])
    for left in expected:
        await retaining.step(replies)
        assert there(archive, old, older, young) == left
    assert {each.by for each in archive.gone()} == {"policy"}
    await replies.close()


@pytest.mark.parametrize(
    ("phase", "disk", "goes"),
    [
        (Phase.IDLE, Disk.OK, True),
        (Phase.RECORDING, Disk.OK, False),
        (Phase.OPENING, Disk.LOW, False),
        (Phase.SEALING, Disk.LOW, False),
        (Phase.RECORDING, Disk.LOW, True),
        (Phase.IDLE, Disk.FULL, True),
    ],
)
async def test_it_waits_while_somebody_needs_the_archive(
    archive: Archive, tmp_path: Path, phase: Phase, disk: Disk, goes: bool
) -> None:
    config = configured(tmp_path)
    old, _ = packed(archive, 150), packed(archive, 20)
    retaining = Retaining(config, archive, lambda: state_of(config, phase, disk))
    replies = Replies()
    await retaining.step(replies)
    assert there(archive, old) == [not goes]
    await replies.close()


async def test_by_hand_nothing_goes_but_a_low_disk_is_told_what_could(
    archive: Archive, tmp_path: Path
) -> None:
    config = configured(tmp_path, automatic="false")
    old, younger, young = packed(archive, 150), packed(archive, 60), packed(archive, 20)
    retaining = Retaining(config, archive, lambda: state_of(config, disk=Disk.LOW))
    replies = Replies()
    for _ in range(3):
        await retaining.step(replies)
    assert there(archive, old, younger, young) == [True, True, True]
    size = sum(item.size_bytes for item in media_of(old))
    assert retaining.could_free_bytes == 2 * size
    await replies.close()


async def test_a_disk_that_lacks_room_takes_those_above_the_floor(
    archive: Archive, tmp_path: Path
) -> None:
    config = configured(tmp_path, low_gb=100_000)
    above, below = packed(archive, 60), packed(archive, 20)
    retaining = Retaining(config, archive, lambda: state_of(config, disk=Disk.LOW))
    replies = Replies()
    for _ in range(3):
        await retaining.step(replies)
    assert there(archive, above, below) == [False, True]
    await replies.close()


async def test_a_damaged_session_is_left_and_the_next_one_goes(
    archive: Archive, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = configured(tmp_path)
    damaged, old, _ = packed(archive, 150), packed(archive, 140), packed(archive, 20)
    clip = archive.root / damaged.clips[0].path
    clip.write_bytes(clip.read_bytes()[:-1])
    retaining = Retaining(config, archive, lambda: state_of(config))
    replies = Replies()
    for _ in range(4):
        await retaining.step(replies)
    assert there(archive, damaged, old) == [True, False]
    assert caplog.text.count("was not deleted") == 1, "it is not read over and over"
    await replies.close()


async def test_a_held_session_or_a_leap_of_the_clock_deletes_nothing(
    archive: Archive, tmp_path: Path
) -> None:
    config = configured(tmp_path)
    held = packed(archive, 150)
    retaining = Retaining(config, archive, lambda: state_of(config))
    replies = Replies()
    await retaining.step(replies)  # nothing was packed for months: the clock is doubted
    assert there(archive, held) == [True]
    packed(archive, 20)
    archive.hold(Actor("ops", Role.SUPERVISOR, verified=False), held.id, "claim").result()
    again = Retaining(config, archive, lambda: state_of(config))
    await again.step(replies)
    assert there(archive, held) == [True]
    await replies.close()


async def test_before_the_bench_takes_scans_nothing_goes(archive: Archive, tmp_path: Path) -> None:
    config = configured(tmp_path)
    old, _ = packed(archive, 150), packed(archive, 20)
    replies = Replies()
    await Retaining(config, archive, lambda: None).step(replies)
    assert there(archive, old) == [True]
    assert Bench(config, archive).retaining.could_free_bytes == 0
    await replies.close()
