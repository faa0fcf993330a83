"""What the ring keeps of a camera's coded frames, and where a clip may begin in them."""

from __future__ import annotations

import pytest

from capture.encoder import Encoded
from capture.ring import Ring
from tests.capture.numbered import SECOND
from tests.capture.parts import write_video
from tests.capture.reel import FPS, coded, packets_of


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Encoded:
    """Any coded key frame."""
    path = tmp_path_factory.mktemp("ring") / "some.mp4"
    return coded(packets_of(write_video(path, [0], size=(64, 48))))[0]


def frames(some: Encoded, seconds: float, gop_s: float, size: int = 1000) -> list[Encoded]:
    """Coded frames at 25 a second, one key frame each `gop_s`; the n-th has the number n."""
    gop = round(gop_s * FPS)
    return [
        Encoded(bytes(size), at % gop == 0, at * SECOND // FPS, some.utc, at, some.stream)
        for at in range(round(seconds * FPS))
    ]


@pytest.mark.parametrize("gop_s", [0.2, 1, 2, 10])
@pytest.mark.parametrize("seconds", [10.4, 25.0, 29.96, 31.0])
def test_every_length_of_gop_gives_the_wished_pre_roll(
    gop_s: float, seconds: float, some: Encoded
) -> None:
    ring = Ring(10 * SECOND)
    given = frames(some, seconds, gop_s)
    for frame in given:
        ring.add(frame)
    now_ns = given[-1].mono_ns
    for late_ns in (0, SECOND):  # the trigger may be a second old when it arrives
        cut = ring.cut(now_ns - late_ns - 10 * SECOND)
        assert cut[0].key
        assert cut == given[cut[0].seq :]
        begin_ns = max(0, now_ns - late_ns - 10 * SECOND)
        assert begin_ns - gop_s * SECOND < cut[0].mono_ns <= begin_ns


@pytest.mark.parametrize("gop_s", [0.2, 1, 10])
def test_what_no_clip_needs_any_more_is_forgotten(gop_s: float, some: Encoded) -> None:
    ring = Ring(3 * SECOND)
    for frame in frames(some, 60, gop_s):
        ring.add(frame)
        assert len(ring) <= (3 + 1 + 2 * gop_s) * FPS


def test_a_stream_without_key_frames_ends_at_the_bound_and_the_next_key_frame_begins_anew(
    some: Encoded,
) -> None:
    ring = Ring(10 * SECOND, most_bytes=100_000)
    given = frames(some, 20, 15)
    held = []
    for frame in given:
        ring.add(frame)
        held.append(sum(len(one.data) for one in ring.cut(0)))
        assert held[-1] == len(ring) * 1000
    assert max(held) == 100_000
    assert ring.cut(0) == []  # of its first key frame nothing is left that can be decoded
    again = [one for one in given if one.seq >= 15 * FPS]
    ring.clear()
    for frame in again[:100]:
        ring.add(frame)
    assert ring.cut(0) == again[:100]


def test_large_frames_shorten_the_pre_roll_at_key_frames(some: Encoded) -> None:
    ring = Ring(10 * SECOND, most_bytes=100_000)
    given = frames(some, 20, 1)
    for frame in given:
        ring.add(frame)
    cut = ring.cut(given[-1].mono_ns - 10 * SECOND)
    assert cut[0].key
    assert cut == given[-len(cut) :]
    assert 100 - FPS < len(cut) <= 100


def test_nothing_before_the_first_key_frame_is_kept(some: Encoded) -> None:
    ring = Ring(10 * SECOND)
    given = frames(some, 3, 1)[10:]  # we came in the middle
    for frame in given:
        ring.add(frame)
    assert [one.seq for one in ring.cut(0)] == list(range(25, 75))
    ring.clear()
    ring.add(given[0])
    assert ring.cut(0) == []
    assert len(ring) == 0


def test_a_cut_does_not_begin_on_the_far_side_of_a_camera_loss(some: Encoded) -> None:
    ring = Ring(10 * SECOND)
    before = frames(some, 3, 1)
    for frame in before:
        ring.add(frame)
    lost_ns = before[-1].mono_ns
    assert ring.cut(lost_ns + SECOND) == before[50:]  # that is no loss, only late
    assert ring.cut(lost_ns + 3 * SECOND) == []

    gone = 5 * FPS
    after = [one for one in frames(some, 12, 1) if one.seq >= 75 + gone]
    for frame in after:
        ring.add(frame)
    assert ring.cut(lost_ns + 3 * SECOND) == after  # behind the hole
    assert ring.cut(lost_ns) == before[50:] + after  # the wish lies before it
    assert ring.cut(lost_ns + SECOND) == before[50:] + after
