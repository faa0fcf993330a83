"""Whether a camera gives what it was asked for."""

from __future__ import annotations

import pytest

from capture.asked import AsAsked, Asked

FULL_HD = (1920, 1080)


def judge_for(asked: AsAsked, fps: float, from_s: float, to_s: float) -> str:
    """The judgement at `to_s` when the camera has been as fast as `fps` since `from_s`."""
    said = ""
    for tenth in range(round(from_s * 10), round(to_s * 10) + 1):
        said = asked.judge(FULL_HD, fps, tenth / 10)
    return said


@pytest.mark.parametrize("fps", [30.0, 29.1, 24.0, 60.0])
def test_nothing_is_said_about_what_comes_as_asked(fps: float) -> None:
    assert judge_for(AsAsked(Asked(1920, 1080, 30.0)), fps, 0, 10) == ""


def test_whatever_comes_suits_whom_asked_for_nothing() -> None:
    asked = AsAsked(Asked(None, None, None))
    assert asked.judge((640, 480), 3.0, 0.0) == ""
    assert asked.judge((640, 480), 3.0, 60.0) == ""


def test_another_size_is_told_at_once() -> None:
    asked = AsAsked(Asked(1920, 1080, 30.0))
    assert asked.judge((1280, 720), 30.0, 0.0) == "delivers 1280x720; 1920x1080 was asked for"
    assert asked.judge(FULL_HD, 30.0, 0.1) == ""


def test_one_side_may_be_left_to_the_camera() -> None:
    assert AsAsked(Asked(None, 1080, None)).judge(FULL_HD, 30.0, 0.0) == ""
    assert AsAsked(Asked(None, 720, None)).judge(FULL_HD, 30.0, 0.0) != ""


def test_a_slow_camera_is_told_after_three_seconds_and_not_for_a_hiccup() -> None:
    asked = AsAsked(Asked(1920, 1080, 30.0))
    assert judge_for(asked, 15.0, 0, 2.9) == ""
    assert judge_for(asked, 30.0, 2.9, 3.0) == ""
    assert judge_for(asked, 15.0, 3.1, 6.0) == ""
    said = judge_for(asked, 15.0, 6.0, 6.2)
    assert said == "delivers 1920x1080 at 15 fps; 1920x1080 at 30 fps was asked for"


def test_it_is_right_again_only_when_it_is_clearly_fast_enough() -> None:
    asked = AsAsked(Asked(1920, 1080, 30.0))
    assert judge_for(asked, 15.0, 0, 4) != ""
    assert judge_for(asked, 25.0, 4, 9) != ""
    assert judge_for(asked, 28.0, 9, 11.9) != ""
    assert judge_for(asked, 28.0, 12, 12.2) == ""
