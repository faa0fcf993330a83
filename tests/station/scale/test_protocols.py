"""What scales say, byte by byte, as their manuals print it; and rubbish, which is no weight."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from station.scale.protocols import LONGEST_BYTES, Parser, Protocol
from station.scale.simulated import Shown, encode
from station.scale.steady import Steady
from station.scale.weight import NO_UNIT, OVER, SPOKEN, UNDER, Reading, Spoken, Weight

EXACT = {"kg": Fraction(1000), "g": Fraction(1), "lb": Fraction("453.59237")}
EXACT["oz"] = EXACT["lb"] / 16


def stable(grams: int) -> Weight:
    return Weight(grams, stable=True)


def moving(grams: int) -> Weight:
    return Weight(grams, stable=False)


def heard(protocol: Protocol, *pieces: bytes) -> list[Reading]:
    """The readings of a scale that was listened to from its first byte on."""
    parser = Parser(protocol)
    found = parser.quiet()
    for piece in pieces:
        found += parser.take(piece)
    return found + parser.quiet()


# ---------------------------------------------------------------------------- as the manuals say


@pytest.mark.parametrize(
    ("spoken", "line", "weight"),
    [
        ("sics", b"S S     100.00 g", stable(100)),
        ("sics", b"S S      12.345 kg", stable(12_345)),
        ("sics", b"S D     129.07 g", moving(129)),
        ("sics", b"S S    -100.00 g", stable(-100)),
        ("sics", b"S S       4.00 lb", stable(1_814)),
        ("sics", b"S S     12 PCS", NO_UNIT),
        ("sics", b"S +", OVER),
        ("sics", b"S -", UNDER),
        ("cas", b"ST,GS,+  1.234kg", stable(1_234)),
        ("cas", b"US,NT,-  0.120kg", moving(-120)),
        ("cas", b"ST,GS,1\xc4,00013.5 kg", stable(13_500)),
        ("cas", b"ST,NT,,\x85,  -0.25 kg", None),
        ("cas", b"ST,GS,+0012.3456  oz", stable(350)),
        ("cas", b"OL,GS,+            ", OVER),
        ("cas", b"OL,GS,-            ", UNDER),
        ("cas", b"ST,TR,+  0.500kg", None),
        ("and", b"ST,+00012.34  g", stable(12)),
        ("and", b"ST,+0001.234 kg", stable(1_234)),
        ("and", b"US,-001234.5  g", moving(-1_235)),
        ("and", b"ST,OK,+0001.234 kg", stable(1_234)),
        ("and", b"ST,+00001.00ozt", NO_UNIT),
        ("and", b"QT,+00012345 PC", NO_UNIT),
        ("and", b"OL,+999999.9  g", OVER),
        ("and", b"OL,-99999999 PC", UNDER),
        ("simple", b"  1.234 kg", moving(1_234)),
        ("simple", b"-0.5lb", moving(-227)),
        ("simple", b"+ 2.0 oz", moving(57)),
        ("simple", b"12 pcs", NO_UNIT),
    ],
)  # fmt: skip
def test_lines_mean_what_the_manuals_say(
    spoken: Spoken, line: bytes, weight: Weight | None
) -> None:
    wanted = [] if weight is None else [Reading(spoken, weight)]
    assert heard(spoken, line + b"\r\n") == wanted
    assert heard("auto", line + b"\r\n") == wanted
    for other in {*SPOKEN} - {spoken}:
        assert heard(other, line + b"\r\n") == []


def frame(a: int, b: int, c: int, weight: bytes, tare: bytes = b"000000") -> bytes:
    return bytes([2, a, b, c]) + weight + tare + b"\r"


@pytest.mark.parametrize(
    ("message", "weight"),
    [
        (frame(0x2D, 0x30, 0x20, b"  1234"), stable(1_234)),
        (frame(0x2D, 0x31, 0x20, b"001234", b"000500"), stable(1_234)),
        (frame(0x2D, 0x32, 0x20, b"000020"), stable(-20)),
        (frame(0x2D, 0x38, 0x20, b"001234"), moving(1_234)),
        (frame(0x2D, 0x70, 0x20, b"001234"), moving(1_234)),
        (frame(0x2C, 0x20, 0x20, b"000400"), stable(1_814)),
        (frame(0x2A, 0x20, 0x21, b"000400"), stable(400)),
        (frame(0x2D, 0x34, 0x20, b"001234"), OVER),
        (frame(0x2D, 0x36, 0x20, b"001234"), UNDER),
        (frame(0x29, 0x30, 0x20, b"001234"), NO_UNIT),
        (frame(0x2D, 0x30, 0x30, b"001234"), NO_UNIT),
        (frame(0x2D, 0x30, 0x23, b"001234"), NO_UNIT),
        (frame(0x2D, 0x30, 0x20, b"001234", b""), stable(1_234)),
    ],
)
def test_frames_of_the_continuous_output_mean_what_the_manual_says(
    message: bytes, weight: Weight
) -> None:
    summed = message + bytes([-sum(message) & 0x7F])
    for sent in (message, summed):
        for spoken in SPOKEN:
            wanted = [Reading(spoken, weight)] * 2 if spoken == "toledo" else []
            assert heard(spoken, sent * 3) == wanted
        assert heard("auto", sent * 3) == [Reading("toledo", weight)] * 2


def test_a_frame_whose_checksum_is_wrong_is_no_weight() -> None:
    right = encode("toledo", Shown(Decimal("1.234")))
    wrong = right.replace(b"1234", b"7234")
    for broken in (wrong, wrong[:-1]):  # altered on the wire; and its checksum lost there, too
        found = heard("toledo", right * 3, broken, right)
        assert found == [Reading("toledo", stable(1_234))] * 3


# ---------------------------------------------------------------------------- there and back


@st.composite
def displays(draw: st.DrawFn, spoken: Spoken) -> Shown:
    decimals = draw(st.integers(0, 3))
    figure = Decimal(draw(st.integers(-99_999, 99_999))).scaleb(-decimals)
    units = ["kg", "lb"] if spoken == "toledo" and decimals else ["kg", "g", "lb", "oz"]
    if spoken == "toledo":
        units = [unit for unit in units if unit != "oz"]
    tare = Decimal(draw(st.sampled_from([0, 500]))).scaleb(-decimals)
    return Shown(figure, draw(st.sampled_from(units)), draw(st.booleans()), tare)


@settings(max_examples=40)
@given(st.data(), st.sampled_from(SPOKEN), st.booleans(), st.integers(1, 40), st.booleans())
def test_what_a_scale_shows_is_what_is_read_however_it_is_cut(
    data: st.DataObject, spoken: Spoken, auto: bool, piece: int, checksum: bool
) -> None:
    shown = data.draw(st.lists(displays(spoken), min_size=1, max_size=5))
    sent = b"".join(encode(spoken, one, checksum=checksum) for one in [shown[0], *shown])
    pieces = [sent[place : place + piece] for place in range(0, len(sent), piece)]
    found = heard("auto" if auto else spoken, *pieces)
    wanted = []
    for one in shown if spoken == "toledo" else [shown[0], *shown]:
        exact = Fraction(one.figure) * EXACT[one.unit]
        rounded = (Decimal(exact.numerator) / exact.denominator).quantize(Decimal(1), ROUND_HALF_UP)
        wanted.append(Reading(spoken, Weight(int(rounded), one.stable and spoken != "simple")))
    assert found == wanted


# ---------------------------------------------------------------------------- rubbish

rubbish = st.one_of(
    st.binary(max_size=80),
    st.lists(
        st.sampled_from([b"S S ", b"ST,", b"GS,", b"+", b"1.2", b"kg", b" ", b"\r", b"\n", b"\x02",
                         b"OL,", b"9", b"\x00", b"\xff", b"---"]), max_size=30,
    ).map(b"".join),
)  # fmt: skip


@settings(max_examples=60)
@given(rubbish, st.sampled_from([*SPOKEN, "auto"]), st.sampled_from(SPOKEN))
def test_after_any_rubbish_the_next_messages_are_understood(
    noise: bytes, protocol: Protocol, spoken: Spoken
) -> None:
    assume(protocol in (spoken, "auto"))
    parser = Parser(protocol)
    parser.take(noise)
    message = encode(spoken, Shown(Decimal("12.345")))
    found = parser.take(b"\r\n" * (spoken != "toledo") + message * 4)
    assert found[-2:] == [Reading(spoken, Weight(12_345, stable=spoken != "simple"))] * 2


@settings(max_examples=60)
@given(st.data(), st.sampled_from(SPOKEN), st.booleans())
def test_a_stream_that_begins_or_breaks_anywhere_never_makes_another_weight(
    data: st.DataObject, spoken: Spoken, checksum: bool
) -> None:
    """The port is opened in the middle of a message, and once bytes are lost on the wire."""
    message = encode(spoken, Shown(Decimal("12.345")), checksum=checksum)
    stream = message * 12
    begin = data.draw(st.integers(0, len(message)))
    cut = data.draw(st.integers(begin, 5 * len(message)))
    lost = data.draw(st.integers(1, 2 * len(message)))
    parser, steady = Parser("auto"), Steady()
    told = []
    for part in (stream[begin:cut], stream[cut + lost :]):
        for reading in parser.take(part):
            told += steady.take(reading)
    told += [one for reading in parser.quiet() for one in steady.take(reading)]
    assert {one for one in told if one.stable} == {stable(12_345)}


@settings(max_examples=60)
@given(st.lists(rubbish, max_size=5), st.sampled_from([*SPOKEN, "auto"]))
def test_no_bytes_are_an_error(pieces: list[bytes], protocol: Protocol) -> None:
    for reading in heard(protocol, *pieces):
        assert re.fullmatch(r"-?\d{1,13}", str(reading.weight.grams))
        assert not (reading.weight.fault and reading.weight.stable)


def test_a_message_that_never_ends_is_none_and_fills_no_memory() -> None:
    parser = Parser("auto")
    parser.quiet()
    for _ in range(100):
        assert parser.take(b"1" * 10_000) == []
    assert parser.take(b"kg\r") == []
    assert parser.take(b" " * (LONGEST_BYTES - 4) + b"1 kg\r") == [Reading("simple", moving(1_000))]
    assert parser.take(b" " * (LONGEST_BYTES - 3) + b"1 kg\r") == []


def test_the_end_of_a_line_whose_beginning_was_not_heard_is_no_weight() -> None:
    parser = Parser("simple")
    assert parser.take(b"345 kg\r\n") == []
    assert parser.take(b"12.") == []
    parser.quiet()  # the cable was pulled
    assert parser.take(b"3 kg\r\n") == [Reading("simple", moving(3_000))]
    assert parser.take(b"12\x023 kg\r\n") == []
