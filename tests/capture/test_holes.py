"""Where a clip says that it lacks frames: every pattern of loss, told with its cause."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.encoder import Encoded
from capture.events import Hole
from capture.holes import COMPUTER_TOO_SLOW, DISK_TOO_SLOW, Holes
from tests.capture.numbered import SECOND
from tests.capture.parts import write_video
from tests.capture.reel import FPS, coded, packets_of, utc_of

FULL = "disk full"


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Encoded:
    """Any coded key frame."""
    path = tmp_path_factory.mktemp("holes") / "some.mp4"
    return coded(packets_of(write_video(path, [0], size=(64, 48))))[0]


KEPT, NEVER_CAME, REFUSED = range(3)


def holes_of(
    fates: list[int], some: Encoded, held: int | None = None, cause: str = ""
) -> tuple[tuple[Hole, ...], int]:
    """The holes of a clip whose frames have these fates, the first kept; and how many it lacks.

    The file holds the first `held` of the kept ones, all unless said.
    """
    holes = Holes()
    newest, kept = None, []
    for seq, fate in enumerate(fates):
        at_ns = seq * SECOND // FPS
        frame = Encoded(b"", True, at_ns, utc_of(at_ns), seq, some.stream)
        if fate == KEPT:
            holes.kept(frame)
            kept.append(frame)
        if fate == REFUSED:
            holes.skipped(DISK_TOO_SLOW)
        if fate != NEVER_CAME:
            newest = frame
    assert newest is not None
    kept = kept[:held]
    dropped = len(fates) - len(kept)
    return holes.until(kept[-1].mono_ns, newest, dropped, cause), dropped


@settings(deadline=None, derandomize=True)
@given(
    fates=st.lists(
        st.tuples(st.sampled_from([KEPT, KEPT, NEVER_CAME, REFUSED]), st.integers(1, 40)),
        max_size=160,
    ),
    held=st.integers(1, 200),
    cause=st.sampled_from(["", FULL]),
)
def test_the_holes_hold_all_that_is_dropped(
    fates: list[tuple[int, int]], held: int, cause: str, some: Encoded
) -> None:
    each = [KEPT, *itertools.chain.from_iterable([fate] * times for fate, times in fates)]
    holes, dropped = holes_of(each, some, held, cause)
    assert sum(hole.frames for hole in holes) == dropped
    assert len(holes) <= 50
    for hole in holes:
        assert hole.frames > 0
        assert hole.started_at <= hole.ended_at
        assert hole.cause in {COMPUTER_TOO_SLOW, DISK_TOO_SLOW, FULL}
    for one, after in itertools.pairwise(holes):
        assert one.ended_at <= after.started_at


def test_a_hole_lies_between_the_frames_around_it(some: Encoded) -> None:
    holes, _ = holes_of([KEPT] * 10 + [NEVER_CAME] * 5 + [KEPT] * 10, some)
    begin_ns, end_ns = 9 * SECOND // FPS, 15 * SECOND // FPS
    assert holes == (Hole(utc_of(begin_ns), utc_of(end_ns), 5, COMPUTER_TOO_SLOW),)


@pytest.mark.parametrize(("between_s", "count"), [(0.04, 1), (0.96, 1), (1.08, 2)])
def test_neighbours_within_a_second_are_one(between_s: float, count: int, some: Encoded) -> None:
    between = [KEPT] * (round(between_s * FPS) + 1)
    holes, dropped = holes_of([KEPT, REFUSED, *between, REFUSED, KEPT], some)
    assert len(holes) == count
    assert sum(hole.frames for hole in holes) == dropped == 2


def test_neighbours_of_another_cause_are_told_apart(some: Encoded) -> None:
    holes, _ = holes_of([KEPT, NEVER_CAME, KEPT, REFUSED, REFUSED, KEPT], some)
    assert [(hole.cause, hole.frames) for hole in holes] == [
        (COMPUTER_TOO_SLOW, 1),
        (DISK_TOO_SLOW, 2),
    ]


def test_the_cause_of_one_hole_is_not_that_of_the_next(some: Encoded) -> None:
    holes, _ = holes_of([KEPT, REFUSED, KEPT, *[KEPT] * 60, NEVER_CAME, KEPT], some)
    assert [hole.cause for hole in holes] == [DISK_TOO_SLOW, COMPUTER_TOO_SLOW]


def test_fifty_at_most_and_the_last_takes_the_rest(some: Encoded) -> None:
    holes, dropped = holes_of([KEPT, *([REFUSED] * 2 + [KEPT] * 30) * 120], some)
    assert len(holes) == 50
    assert [hole.frames for hole in holes[:49]] == [2] * 49
    assert sum(hole.frames for hole in holes) == dropped == 240


def test_what_lies_behind_a_full_disk_is_told_with_its_cause(some: Encoded) -> None:
    fates = [KEPT] * 20 + [REFUSED] * 3 + [KEPT] * 60 + [REFUSED] * 4
    holes, dropped = holes_of(fates, some, held=50, cause=FULL)
    assert [(hole.cause, hole.frames) for hole in holes] == [
        (DISK_TOO_SLOW, 3),
        (FULL, dropped - 3),
    ]
    assert holes[-1].started_at == utc_of(52 * SECOND // FPS)
    assert holes[-1].ended_at == utc_of(86 * SECOND // FPS)

    holes, _ = holes_of(fates, some, held=10, cause=FULL)  # cut before the first hole
    assert [(hole.cause, hole.frames) for hole in holes] == [(FULL, 77)]
