"""Which readings of a scale are told."""

from __future__ import annotations

from station.scale.steady import ALONE_S, Steady
from station.scale.weight import NO_UNIT, OVER, Reading, Spoken, Weight


def reading(grams: int, stable: bool = True, spoken: Spoken = "cas") -> Reading:
    return Reading(spoken, Weight(grams, stable))


def told(steady: Steady, *readings: Reading) -> list[Weight]:
    return [weight for one in readings for weight in steady.take(one)]


def test_only_what_is_new_is_told() -> None:
    steady = Steady()
    at_rest, moves = reading(1_234), reading(900, stable=False)
    assert told(steady, at_rest, at_rest, at_rest) == [Weight(1_234, True)]
    assert told(steady, moves, reading(1_000, stable=False)) == [Weight(900, False)]
    assert told(steady, at_rest, at_rest) == [Weight(1_234, True)]
    assert told(steady, reading(1_235), reading(1_235)) == [Weight(1_235, True)]


def test_a_weight_that_was_said_once_in_a_stream_is_not_believed() -> None:
    steady = Steady()
    assert told(steady, *[reading(1_234)] * 3, reading(234), *[reading(1_234)] * 3) == [
        Weight(1_234, True)
    ]


def test_a_scale_that_speaks_once_is_believed_when_it_says_no_more() -> None:
    steady = Steady()
    assert told(steady, reading(1_234)) == []
    assert steady.quiet(ALONE_S / 2) == []
    assert steady.quiet(ALONE_S) == [Weight(1_234, True)]
    assert steady.quiet(2 * ALONE_S) == []


def test_one_that_does_not_say_so_is_at_rest_when_it_repeats_itself() -> None:
    steady = Steady()
    assert told(steady, *(reading(grams, False, "simple") for grams in (1, 2, 3, 3))) == [
        Weight(1, False)
    ]
    assert told(steady, *[reading(3, False, "simple")] * 2) == [Weight(3, True)]
    assert told(steady, *[reading(3, False, "simple")] * 2) == []


def test_one_that_is_cut_off_while_it_moves_is_not_at_rest_but_a_lone_print_is() -> None:
    steady = Steady()
    assert told(steady, *(reading(grams, False, "simple") for grams in (1, 2))) == [
        Weight(1, False)
    ]
    assert steady.quiet(ALONE_S) == []
    assert told(steady, reading(1_234, False, "simple")) == []
    assert steady.quiet(ALONE_S) == [Weight(1_234, True)]


def test_faults_are_told_once_and_end_what_was_before() -> None:
    steady = Steady()
    over, unit = Reading("cas", OVER), Reading("cas", NO_UNIT)
    at_rest = reading(5)
    assert told(steady, at_rest, at_rest, over, over, unit, over) == [
        Weight(5, True), OVER, NO_UNIT, OVER,
    ]  # fmt: skip
    assert told(steady, reading(7, stable=False), at_rest, at_rest) == [
        Weight(7, False), Weight(5, True),
    ]  # fmt: skip
