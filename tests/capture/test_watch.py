"""When pictures count as frozen or black, told by their own time."""

from __future__ import annotations

import datetime as dt

import numpy as np

from capture.frame import Frame, Yuv, freeze
from capture.watch import Sight, Watch
from tests.capture.parts import Picture

UTC = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def noisy(seed: int, level: int = 90) -> Picture:
    rng = np.random.default_rng(seed)
    return rng.integers(level - 3, level + 4, (180, 320, 3)).astype(np.uint8)


def at(seconds: float, picture: Picture) -> Frame:
    return Frame(0, int(seconds * 1e9), UTC, freeze(picture.copy()))


def test_equal_pictures_are_frozen_after_their_time_until_one_differs() -> None:
    watch = Watch(freeze_s=3, black_s=2)
    assert watch.look(at(10, noisy(1))) is Sight.GOOD
    assert watch.look(at(12.9, noisy(1))) is Sight.GOOD
    assert watch.look(at(13.0, noisy(1))) is Sight.FROZEN
    assert watch.look(at(13.1, noisy(2))) is Sight.GOOD
    assert watch.look(at(16.0, noisy(2))) is Sight.GOOD
    assert watch.look(at(16.2, noisy(2))) is Sight.FROZEN


def test_sensor_noise_alone_is_life_enough() -> None:
    watch = Watch(freeze_s=3, black_s=2)
    assert {watch.look(at(second / 10, noisy(second))) for second in range(200)} == {Sight.GOOD}


def test_the_time_without_frames_does_not_count_as_frozen() -> None:
    watch = Watch(freeze_s=3, black_s=2)
    watch.look(at(10, noisy(1)))
    assert watch.look(at(60, noisy(1)), reopened=True) is Sight.GOOD
    assert watch.look(at(62, noisy(1))) is Sight.GOOD
    assert watch.look(at(63, noisy(1))) is Sight.FROZEN


def test_a_frozen_camera_that_was_reopened_must_show_something_new() -> None:
    watch = Watch(freeze_s=3, black_s=2)
    watch.look(at(10, noisy(1)))
    watch.look(at(13, noisy(1)))
    assert watch.look(at(15, noisy(1)), reopened=True) is Sight.FROZEN
    assert watch.look(at(15.1, noisy(1))) is Sight.FROZEN
    assert watch.look(at(15.2, noisy(2))) is Sight.GOOD


def test_black_is_told_after_its_time_and_light_ends_it() -> None:
    watch = Watch(freeze_s=3, black_s=2)
    assert watch.look(at(10, noisy(1))) is Sight.GOOD
    assert watch.look(at(11.9, noisy(2, level=4))) is Sight.GOOD
    assert watch.look(at(12.1, noisy(3, level=4))) is Sight.BLACK
    assert watch.look(at(12.2, noisy(4, level=30))) is Sight.GOOD


def test_each_judgement_can_be_switched_off() -> None:
    watch = Watch(freeze_s=0, black_s=0)
    black = np.zeros((180, 320, 3), np.uint8)
    assert {watch.look(at(second, black)) for second in range(100)} == {Sight.GOOD}


def test_black_is_judged_by_the_range_that_the_stream_is_coded_in() -> None:
    def luma(second: int, level: int, *, full: bool) -> Frame:
        planes = np.full((270, 320), level, np.uint8)
        planes[:180] += np.random.default_rng(second).integers(0, 3, (180, 320), np.uint8)
        return Frame(0, second * 1_000_000_000, UTC, Yuv(planes, full_range=full))

    def last(level: int, *, full: bool) -> Sight:
        watch = Watch(freeze_s=3, black_s=2)
        return [watch.look(luma(second, level, full=full)) for second in range(4)][-1]

    assert last(18, full=False) is Sight.BLACK  # 16 is black there
    assert last(18, full=True) is Sight.GOOD
    assert last(30, full=False) is Sight.GOOD
    assert last(5, full=True) is Sight.BLACK
