"""Consensus: what is believed of readings that come frame by frame."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.consensus import Consensus
from capture.engines import ZBAR, ZXING
from capture.events import Reading

RIGHT, WRONG = "1Z999AA10123456784", "1Z999AA10128456784"
MS = 1_000_000


def bars(text: str, *, engine: str = ZXING, x: int = 100, y: int = 100) -> Reading:
    return Reading(
        text, "Code128", ((x, y), (x + 400, y), (x + 400, y + 80), (x, y + 80)), engine, 0
    )


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
