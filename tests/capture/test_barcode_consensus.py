"""Consensus: what is believed of readings that come frame by frame."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capture.consensus
from capture.consensus import Consensus
from capture.engines import ZBAR, ZXING
from capture.events import Reading

RIGHT, WRONG = "1Z999AA10123456784", "1Z999AA10128456784"
MS = 1_000_000


def bars(text: str, *, engine: str = ZXING, x: int = 100, y: int = 100, look: str = "") -> Reading:
    corners = ((x, y), (x + 400, y), (x + 400, y + 80), (x, y + 80))
    return Reading(text, "Code128", corners, engine, 0, look)


def aslant(text: str, beside: int, symbology: str = "Code128") -> Reading:
    """Bars of 500 by 100 px at an angle of 37 degrees, `beside` px away from the first ones."""
    x, y = 300 - beside * 3 // 5, 100 + beside * 4 // 5
    corners = ((x, y), (x + 400, y + 300), (x + 340, y + 380), (x - 60, y + 80))
    return Reading(text, symbology, corners, ZXING, 0)


def qr(text: str) -> Reading:
    return Reading(text, "QRCode", ((800, 100), (900, 100), (900, 200), (800, 200)), ZXING, 0)


def accepted(frames: list[tuple[int, list[Reading]]], **settings: float) -> list[tuple[int, str]]:
    """When, in ms, and what is accepted of frames given as (ms, readings)."""
    consensus = Consensus(
        window_s=settings.get("window_s", 0.5), away_s=settings.get("away_s", 1.5)
    )
    return [
        (at_ms, reading.text)
        for at_ms, readings in frames
        for reading in consensus.see(readings, at_ms * MS)
    ]


def test_bars_need_two_frames() -> None:
    assert accepted([(0, [bars(RIGHT)])]) == []
    assert accepted([(0, [bars(RIGHT)]), (125, [bars(RIGHT)])]) == [(125, RIGHT)]


def test_two_engines_on_one_frame_are_two_votes() -> None:
    assert accepted([(0, [bars(RIGHT), bars(RIGHT, engine=ZBAR)])]) == [(0, RIGHT)]


def test_one_engine_twice_on_one_frame_is_one_vote() -> None:
    assert accepted([(0, [bars(RIGHT), bars(RIGHT)])]) == []


def test_two_parts_of_one_code_on_one_frame_are_two_votes() -> None:
    parts = [bars(RIGHT, look="band 0"), bars(RIGHT, look="band 2")]
    assert accepted([(0, parts)]) == [(0, RIGHT)]
    assert accepted([(0, [parts[0], parts[0]])]) == []


def test_one_deblurred_band_is_not_believed_however_often() -> None:
    band = bars(WRONG, look="band 1")
    assert accepted([(0, [band]), (33, [band]), (66, [band])]) == []
    assert accepted([(0, [band]), (33, [bars(WRONG, look="band 2")])]) == [(33, WRONG)]
    assert accepted([(0, [band]), (33, [bars(WRONG, look="strip")])]) == [(33, WRONG)]


def test_a_part_that_reads_otherwise_is_a_rival() -> None:
    parts = [bars(RIGHT, look="band 0"), bars(WRONG, look="band 1"), bars(RIGHT, look="strip")]
    assert accepted([(0, parts)]) == []
    assert accepted([(0, [*parts, bars(RIGHT, look="band 2")])]) == [(0, RIGHT)]


def test_zbar_alone_is_never_believed() -> None:
    frames = [(at, [bars(RIGHT, engine=ZBAR)]) for at in range(0, 1000, 100)]
    assert accepted(frames) == []


def test_the_text_is_that_of_the_main_engine() -> None:
    frames = [(0, [bars("\x1d00123456", engine=ZXING)]), (100, [bars("00123456", engine=ZBAR)])]
    assert accepted(frames) == [(100, "\x1d00123456")]


def test_votes_that_are_too_far_apart_do_not_count() -> None:
    assert accepted([(0, [bars(RIGHT)]), (501, [bars(RIGHT)])]) == []
    assert accepted([(0, [bars(RIGHT)]), (500, [bars(RIGHT)])]) == [(500, RIGHT)]
    assert accepted([(0, [bars(RIGHT)]), (900, [bars(RIGHT)])], window_s=1.0) == [(900, RIGHT)]


def test_a_code_that_corrects_its_errors_needs_one() -> None:
    assert accepted([(0, [qr("TRACK-1")])]) == [(0, "TRACK-1")]


def test_a_rival_with_half_the_votes_blocks() -> None:
    frames = [(0, [bars(RIGHT)]), (100, [bars(WRONG)]), (200, [bars(RIGHT)])]
    assert accepted(frames) == []
    assert accepted([*frames, (300, [bars(RIGHT)])]) == [(300, RIGHT)]


def test_a_misread_of_another_length_in_the_same_place_is_a_rival() -> None:
    assert accepted([(0, [bars(RIGHT)]), (100, [bars("99AA1")]), (200, [bars(RIGHT)])]) == []


def test_a_misread_is_a_rival_though_the_hand_has_moved() -> None:
    frames = [(0, [bars(RIGHT)]), (100, [bars(WRONG, x=700, y=500)]), (200, [bars(RIGHT)])]
    assert accepted(frames) == []


def test_halves_of_one_code_that_read_differently_are_rivals() -> None:
    halves = [bars(RIGHT), bars(WRONG, y=190)]
    assert accepted([(0, halves), (100, halves), (200, halves)]) == []


def test_codes_side_by_side_are_no_rivals() -> None:
    both = [bars(RIGHT), bars(WRONG, x=100, y=400), bars("REF-12345678", y=185)]
    got = accepted([(0, both), (100, both)])
    assert got == [(100, RIGHT), (100, WRONG), (100, "REF-12345678")]


def test_codes_side_by_side_are_no_rivals_however_the_label_is_held() -> None:
    """The boxes around codes that lie aslant overlap; the codes do not."""
    both = [aslant(RIGHT, 0), aslant("REF-12345678", 130)]
    assert accepted([(0, both), (100, both)]) == [(100, RIGHT), (100, "REF-12345678")]
    touching = [aslant(RIGHT, 0), aslant("REF-12345678", 90)]
    assert accepted([(0, touching), (100, touching)]) == []
    alternating = [(0, both[:1]), (50, both[1:]), (100, both[:1])]
    assert accepted(alternating) == []  # nearer than the hand moves, and never seen together


def test_what_lies_far_off_is_no_rival_whatever_it_says() -> None:
    frames = [(0, [bars(RIGHT)]), (50, [bars("REF-12345678", x=900)]), (100, [bars(RIGHT)])]
    assert accepted(frames) == [(100, RIGHT)]


def test_a_point_or_a_line_for_a_place_is_weighed_as_any_other() -> None:
    point = Reading(WRONG, "Code128", ((150, 150),) * 4, ZXING, 0)
    line = Reading(RIGHT, "Code128", ((100, 150), (500, 150), (500, 150), (100, 150)), ZXING, 0)
    assert accepted([(0, [point, line]), (100, [point, line])]) == []
    far = Reading(WRONG, "Code128", ((150, 900),) * 4, ZXING, 0)
    got = accepted([(0, [far, line]), (100, [far, line])])
    assert got == [(100, WRONG), (100, RIGHT)]


def test_bars_that_wait_are_named() -> None:
    consensus = Consensus()
    readings = [bars(RIGHT), qr("TRACK-1")]
    consensus.see(readings, 0)
    assert consensus.waiting(readings) == [readings[0]]
    consensus.see(readings, 100 * MS)
    assert consensus.waiting(readings) == []


def test_a_long_dispute_takes_no_longer_than_its_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    near = capture.consensus._near

    def counted(*given: Any) -> bool:
        nonlocal looked
        looked += 1
        return near(*given)

    monkeypatch.setattr(capture.consensus, "_near", counted)
    parts = [
        bars(text, look=f"band {band}") for text in (RIGHT, WRONG) for band in range(3)
    ] * 4  # of four blurs
    assert accepted([(at, parts) for at in range(0, 1000, 33)]) == []
    assert looked < 30 * 500


def test_a_code_in_view_counts_once() -> None:
    frames = [(at, [bars(RIGHT)]) for at in range(0, 20_000, 125)]
    assert accepted(frames) == [(125, RIGHT)]


def test_a_code_counts_again_after_it_was_away() -> None:
    there = [(at, [bars(RIGHT)]) for at in (0, 125, 250)]
    blinked = [(at, [bars(RIGHT)]) for at in (1_700, 1_825)]
    back = [(at, [bars(RIGHT)]) for at in (3_400, 3_525)]
    assert accepted([*there, *blinked]) == [(125, RIGHT)]
    assert accepted([*there, *blinked, *back]) == [(125, RIGHT), (3_525, RIGHT)]
    assert accepted([*there, *blinked], away_s=1.0) == [(125, RIGHT), (1_825, RIGHT)]


def test_a_flickering_misread_is_not_accepted_beside_an_accepted_code() -> None:
    frames = [(at, [bars(RIGHT)]) for at in range(0, 500, 100)]
    frames += [(500, [bars(WRONG)]), (600, [bars(RIGHT)]), (700, [bars(WRONG)])]
    assert accepted(frames) == [(100, RIGHT)]


TEXTS = st.sampled_from([RIGHT, WRONG, "REF-12345678"])
READINGS = st.builds(
    lambda text, engine, x: bars(text, engine=engine, x=x),
    TEXTS,
    st.sampled_from([ZXING, ZBAR]),
    st.sampled_from([100, 120, 900]),
)
STORIES = st.lists(st.tuples(st.integers(1, 2_000), st.lists(READINGS, max_size=3)), max_size=30)


@given(STORIES)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_nothing_is_believed_without_votes_nor_twice(
    story: list[tuple[int, list[Reading]]],
) -> None:
    consensus = Consensus()
    now_ms = 0
    seen: list[tuple[int, str, str]] = []
    last: dict[str, int] = {}
    told: set[str] = set()
    for gap_ms, readings in story:
        now_ms += gap_ms
        for reading in readings:
            if now_ms - last.get(reading.text, now_ms) >= 1_500:
                told.discard(reading.text)
            seen.append((now_ms, reading.engine, reading.text))
            last[reading.text] = now_ms
        for reading in consensus.see(readings, now_ms * MS):
            votes = {
                (at, engine)
                for at, engine, text in seen
                if text == reading.text and now_ms - at <= 500
            }
            assert len(votes) >= 2
            assert any(engine == ZXING for _, engine in votes)
            assert reading.engine == ZXING
            assert reading.text not in told
            told.add(reading.text)
