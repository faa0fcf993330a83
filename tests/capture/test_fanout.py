"""One frame for many takers: what each policy promises, under threads."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time

import numpy as np
import pytest

from capture.fanout import FanOut, Newest
from capture.frame import Frame, freeze


def frame(index: int) -> Frame:
    bgr = freeze(np.zeros((2, 2, 3), np.uint8))
    return Frame(index, index, dt.datetime(2026, 11, 22, tzinfo=dt.UTC), bgr)


def test_every_taker_gets_the_same_frame_until_it_is_removed() -> None:
    fan_out, left, right = FanOut(), list[Frame](), list[Frame]()
    fan_out.add(left.append)
    remove = fan_out.add(right.append)
    first, second = frame(0), frame(1)
    fan_out.offer(first)
    remove()
    fan_out.offer(second)
    assert left == [first, second]
    assert left[0].bgr is right[0].bgr
    assert right == [first]


def test_a_taker_that_fails_loses_its_place_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fan_out, taken = FanOut(), list[Frame]()
    calls = []

    def broken(_: Frame) -> None:
        calls.append(1)
        raise RuntimeError("broken preview")

    fan_out.add(broken)
    fan_out.add(taken.append)
    with caplog.at_level(logging.ERROR):
        fan_out.offer(frame(0))
        fan_out.offer(frame(1))
    assert [one.index for one in taken] == [0, 1]
    assert len(calls) == 1
    assert "broken preview" in caplog.text


def test_the_newest_frame_displaces_older_ones() -> None:
    slot = Newest()
    assert slot.take(0) is None
    for index in range(5):
        slot.offer(frame(index))
    newest = slot.take(0)
    assert newest is not None
    assert newest.index == 4
    assert slot.replaced == 4
    assert slot.take(0) is None


def test_a_waiting_taker_is_woken_by_a_frame_and_by_closing() -> None:
    slot = Newest()
    got: list[Frame | None] = []
    thread = threading.Thread(target=lambda: got.extend([slot.take(10), slot.take(10)]))
    thread.start()
    time.sleep(0.05)
    slot.offer(frame(7))
    time.sleep(0.05)
    slot.close()
    thread.join(5)
    assert not thread.is_alive()
    assert [one and one.index for one in got] == [7, None]
    slot.offer(frame(8))
    assert slot.take(0) is None


def test_no_frame_is_lost_unaccounted_between_two_threads() -> None:
    slot = Newest()
    taken: list[int] = []

    def drain() -> None:
        while (one := slot.take(5)) is not None:
            taken.append(one.index)

    thread = threading.Thread(target=drain)
    thread.start()
    total = 5000
    for index in range(total):
        slot.offer(frame(index))
    until = time.monotonic() + 5
    while total - 1 not in taken and time.monotonic() < until:
        time.sleep(0.005)
    slot.close()
    thread.join(5)
    assert len(taken) + slot.replaced == total
    assert taken == sorted(taken)
    assert taken[-1] == total - 1
