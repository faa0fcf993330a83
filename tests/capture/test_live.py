"""The live reader: what a row of looks at a camera's pictures tells, and since when it was there.

Time is given with each picture; the thread around it has `test_reader_thread`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from capture import live, strips
from capture.engines import ZXING, Grey, engines
from capture.events import Reading
from capture.frame import Frame, Yuv
from capture.live import LiveReader, Seen
from tests.capture.codes import (
    NUMBER,
    OTHER,
    desk,
    grainy,
    middle,
    put,
    scene,
    symbol,
    texts,
    thin_bars,
    tilted,
)

FRAME_NS = 33_333_333
needs_libzbar = pytest.mark.skipif(not engines()[1].available, reason="no libzbar here")


class Camera:
    """Shows pictures to a reader, 30 a second."""

    def __init__(self, symbologies: Iterable[str] = (), duty: float = 0.27) -> None:
        given = {"symbologies": tuple(symbologies)} if symbologies else {}
        self.reader = LiveReader(duty=duty, **given)
        self.now_ns = 5_000_000_000

    def show(self, picture: Grey, looks: int) -> list[Seen]:
        seen: list[Seen] = []
        for index in range(looks):
            seen += self.reader.look(grainy(picture, 2, index), self.now_ns)
            self.now_ns += FRAME_NS
        return seen

    def wait(self, seconds: float) -> None:
        """Nothing comes."""
        self.now_ns += round(seconds * 1e9)


def told(seen: list[Seen]) -> list[str]:
    return texts([each.reading for each in seen])


def low_bars(degrees: float) -> Grey:
    """So low that no row or column crosses all of them."""
    return tilted(put(desk(), symbol(NUMBER)[:130], 320, 290), degrees)


def soft(picture: Grey, sigma_px: float) -> Grey:
    return cv2.GaussianBlur(picture, (0, 0), sigma_px)


# ---------------------------------------------------------------------------- what is read


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_bars_are_read_at_any_angle(degrees: int) -> None:
    camera = Camera()
    (seen,) = camera.show(low_bars(degrees), 6)
    assert seen.reading.text == NUMBER
    assert np.abs(middle(seen.reading.polygon) - (640, 360)).max() < 40


def test_a_blurred_label_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    blurred = soft(put(desk(), thin_bars(3.0), 300, 250), 0.7 * 3)
    assert told(Camera().show(blurred, 9)) == [NUMBER]
    assert told(Camera(duty=1.0).show(blurred, 9)) == [NUMBER]
    monkeypatch.setattr(strips, "deblur", lambda strip, band, blur: strip[:1])
    assert Camera().show(blurred, 30) == []


def test_qr_is_read_at_every_look_for_codes_that_are_no_bars() -> None:
    (seen,) = Camera().show(scene(NUMBER, "QRCode"), 4)
    assert (seen.reading.text, seen.in_view_ns) == (NUMBER, 5_000_000_000)


@pytest.mark.parametrize("kind", ["DataMatrix", "Aztec", "PDF417"])
def test_the_others_are_read_at_every_second_one(kind: str) -> None:
    picture = scene(NUMBER, kind)
    assert Camera().show(picture, 3) == []
    assert told(Camera().show(picture, 8)) == [NUMBER]
    assert told(Camera([kind]).show(picture, 1)) == [NUMBER]


def test_without_bars_asked_for_every_look_is_for_the_others() -> None:
    picture = put(scene(), symbol("ROUTE 42", "QRCode"), 900, 400)
    assert told(Camera(["QRCode"]).show(picture, 1)) == ["ROUTE 42"]
    assert told(Camera(["QRCode", "Aztec"]).show(picture, 9)) == ["ROUTE 42"]
    assert told(Camera(["Code128"]).show(picture, 9)) == [NUMBER]


def test_noise_is_blurred_away_for_codes_that_are_no_bars() -> None:
    picture = grainy(scene(NUMBER, "QRCode", 4), 90)
    assert told(Camera().show(picture, 4)) == [NUMBER]


def test_product_codes_are_told_only_where_they_are_asked_for() -> None:
    picture = scene("590123412345", "EAN13")
    assert Camera().show(picture, 12) == []
    assert told(Camera(["EANUPC"]).show(picture, 12)) == ["5901234123457"]


def test_nothing_is_read_where_nothing_is() -> None:
    assert Camera(duty=1.0).show(desk(), 12) == []


def test_two_codes_of_a_label_held_aslant_are_both_told() -> None:
    """The boxes around them overlap; they do not."""
    picture = put(desk(), symbol(NUMBER)[:100], 320, 250)
    picture = put(picture, symbol("REF12345678")[:70], 360, 400)
    for degrees in (0, 30, 45, 70):
        assert sorted(told(Camera().show(tilted(picture, degrees), 12))) == [NUMBER, "REF12345678"]


def test_a_4k_frame_is_searched_at_1920_and_told_in_its_own_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[int] = []
    locate = strips.locate

    def watched(grey: Grey, most: int = 5) -> list[strips.Region]:
        searched.append(max(grey.shape))
        return locate(grey, most)

    monkeypatch.setattr(live, "locate", watched)
    large = cv2.resize(scene(), (3840, 2160), interpolation=cv2.INTER_CUBIC)
    (seen,) = Camera().show(large, 6)
    there = (3 * (300 + symbol(NUMBER).shape[1] / 2), 3 * (250 + symbol(NUMBER).shape[0] / 2))
    assert np.abs(middle(seen.reading.polygon) - there).max() < 40
    assert max(searched) < 3000  # the whole at 1920, and the place of the code
    assert 1920 in searched


def test_planes_of_limited_range_are_read() -> None:
    luma = 16 + scene().astype(np.float64) * (219 / 255)
    planes = np.full((1080, 1280), 128, np.uint8)
    planes[:720] = luma.round()
    frame = Frame(1, 0, utc_now(), Yuv(planes))
    assert told(Camera().show(frame.grey, 6)) == [NUMBER]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


# ---------------------------------------------------------------------------- votes


def test_one_frame_suffices_where_two_parts_of_the_bars_agree() -> None:
    camera = Camera(["Code128"])
    assert told(camera.show(soft(scene(), 1.5), 1)) == [NUMBER]


def scratched() -> Grey:
    """Bars of which one frame shows one part: a scratch goes through the rest."""
    code = symbol(NUMBER)[:150].copy()
    code[60:, 200:300] = 130
    return soft(put(desk(), code, 300, 250), 1.8)


def test_one_part_alone_never_suffices() -> None:
    camera = Camera(["Code128"])
    assert camera.show(scratched(), 1) == []
    assert list(camera.reader._consensus._votes) == [NUMBER], "one vote and no more"
    assert told(camera.show(scratched(), 6)) == [NUMBER]


@needs_libzbar
def test_the_look_that_follows_brings_the_second_vote_from_its_place_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    camera = Camera(["Code128"])
    assert camera.show(scratched(), 1) == []
    followed: list[tuple[int, ...]] = []
    locate = strips.locate

    def watched(grey: Grey, most: int = 5) -> list[strips.Region]:
        followed.append(grey.shape)
        return locate(grey, most)

    monkeypatch.setattr(live, "locate", watched)
    (seen,) = camera.show(scratched(), 1)
    assert len(followed) == 1
    assert followed[0][0] < 720
    assert np.abs(middle(seen.reading.polygon) - (300 + 313, 250 + 75)).max() < 40


def test_it_follows_for_a_third_of_a_second_only(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = Camera(["Code128"])
    assert camera.show(scratched(), 1) == []
    camera.wait(0.4)
    shapes: list[tuple[int, ...]] = []
    locate = strips.locate

    def watched(grey: Grey, most: int = 5) -> list[strips.Region]:
        shapes.append(grey.shape)
        return locate(grey, most)

    monkeypatch.setattr(live, "locate", watched)
    camera.show(scene(), 1)
    assert shapes == [(720, 1280)]


def test_bars_that_contradict_themselves_are_not_told() -> None:
    upper, lower = symbol(NUMBER), symbol(OTHER)
    half = upper.shape[0] // 2
    both = put(desk(), np.vstack([upper[:half], lower[half:]]), 300, 250)
    assert Camera().show(both, 30) == []
    assert Camera().show(soft(both, 1.5), 30) == []


# ---------------------------------------------------------------------------- appearances


def test_a_label_is_told_once_and_again_after_it_was_away() -> None:
    camera = Camera()
    assert told(camera.show(scene(), 60)) == [NUMBER]
    camera.show(desk(), 20)
    assert camera.show(scene(), 10) == []  # away for less than 1.5 s
    camera.show(desk(), 60)
    assert told(camera.show(scene(), 10)) == [NUMBER]


def came_ms(seen: list[Seen], camera_ns: int) -> list[tuple[str, int]]:
    return [(each.reading.text, (each.in_view_ns - camera_ns) // 1_000_000) for each in seen]


@pytest.mark.parametrize("times", [1, 3])
def test_bars_are_in_view_before_they_can_be_read(times: int) -> None:
    def large(picture: Grey) -> Grey:
        return cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR)

    camera = Camera()
    camera.show(large(desk()), 7)
    began_ns = camera.now_ns
    assert camera.show(large(soft(scene(), 3.5)), 15) == []
    ((text, since_ms),) = came_ms(camera.show(large(scene()), 6), began_ns)
    assert text == NUMBER
    assert 0 <= since_ms <= 100


def test_a_label_that_was_away_is_in_view_since_it_came_back() -> None:
    camera = Camera()
    camera.show(scene(), 10)
    camera.show(desk(), 60)
    began_ns = camera.now_ns
    ((_, since_ms),) = came_ms(camera.show(scene(), 10), began_ns)
    assert 0 <= since_ms <= 100


@pytest.mark.parametrize("kinds", [("QRCode",), ("QRCode", "Code128")])
def test_a_code_that_is_no_bars_is_in_view_since_it_came_back(kinds: tuple[str, ...]) -> None:
    camera = Camera(kinds)
    camera.show(scene(NUMBER, "QRCode"), 6)
    camera.wait(3)  # not a frame: the camera was unplugged
    began_ns = camera.now_ns
    ((_, since_ms),) = came_ms(camera.show(scene(NUMBER, "QRCode"), 4), began_ns)
    assert since_ms == 0


def test_a_label_that_replaces_another_at_its_place_has_only_just_come() -> None:
    camera = Camera()
    assert told(camera.show(scene(), 30)) == [NUMBER]
    began_ns = camera.now_ns
    ((text, since_ms),) = came_ms(camera.show(scene("1Z12345E0205271688"), 30), began_ns)
    assert text == "1Z12345E0205271688"
    assert 0 <= since_ms <= 100


def test_codes_close_together_are_in_view_since_they_came() -> None:
    label = put(desk(), symbol(NUMBER)[:100], 300, 250)
    label = put(label, symbol("REF12345678")[:60], 340, 400)
    label = put(label, symbol("ROUTE 42", "QRCode", 3), 560, 500)
    camera = Camera()
    camera.show(desk(), 7)
    began_ns = camera.now_ns
    since_ms = dict(came_ms(camera.show(label, 12), began_ns))
    assert since_ms.keys() == {NUMBER, "REF12345678", "ROUTE 42"}
    assert since_ms[NUMBER] == since_ms["REF12345678"] <= 34


def test_dots_close_to_bars_do_not_make_the_bars_new() -> None:
    reader = LiveReader()
    bars = Reading(NUMBER, "Code128", ((300, 250), (900, 250), (900, 310), (300, 310)), ZXING, 0)
    dots = Reading("ROUTE 42", "QRCode", ((560, 340), (660, 340), (660, 440), (560, 440)), ZXING, 0)
    assert [reader._says(each, now_ns) for now_ns, each in enumerate((bars, dots, bars))] == [
        0,
        1,
        0,
    ]


def test_bars_one_above_the_other_have_places_of_their_own() -> None:
    label = put(desk(), symbol("REF12345679")[:60], 300, 250)
    label = put(label, symbol("REF12345678")[:60], 300, 340)
    camera = Camera(["Code128"])
    camera.show(label, 1)
    ours = [place for place in camera.reader._places if 280 < place.x < 800 and place.y < 420]
    assert len(ours) == 2


# ---------------------------------------------------------------------------- a busy bench


def stripes(picture: Grey) -> Grey:
    """Twelve things with bars on them that are no code, such as the edges of stacked cardboard."""
    random = np.random.default_rng(7)
    for index in range(12):
        x, y = 40 + 310 * (index % 4), (30, 480, 600)[index // 4]
        bars = np.repeat(random.integers(0, 2, 90) * 200 + 20, 3)[:260].astype(np.uint8)
        picture[y : y + 90, x : x + 260] = bars
    return picture


def test_clutter_does_not_starve_a_label() -> None:
    camera = Camera(["Code128"])
    bench = stripes(desk())
    assert camera.show(bench, 60) == []
    small = thin_bars(1.8, "TBA123456789012", 60)
    assert told(camera.show(put(bench.copy(), small, 480, 250), 5)) == ["TBA123456789012"]


def test_an_hour_of_a_busy_bench_leaves_nothing_behind() -> None:
    camera = Camera(["Code128", "QRCode"])
    random = np.random.default_rng(1)
    for index in range(40):
        x, y = int(random.integers(30, 700)), int(random.integers(60, 500))
        kind = "Code128" if index % 2 else "QRCode"
        picture = put(desk(), symbol(f"REF{index:08d}", kind), x, y)
        assert told(camera.show(picture, 6)) == [f"REF{index:08d}"]
        camera.wait(90)
    reader = camera.reader
    camera.show(desk(), 4)
    assert len(reader._places) <= 8
    assert len(reader._consensus._votes) + len(reader._consensus._last_seen_ns) == 0


def test_without_bars_asked_for_no_places_pile_up() -> None:
    camera = Camera(["QRCode"])
    for index in range(10):
        camera.show(put(desk(), symbol("ROUTE", "QRCode"), 40 + 120 * index, 300), 1)
        camera.wait(2)
    assert len(camera.reader._places) == 1


# ---------------------------------------------------------------------------- odd pictures


@pytest.mark.parametrize(
    "size", [(1, 1), (3, 3), (1, 4000), (4000, 1), (24, 24), (8000, 100), (100, 8000)]
)
def test_a_picture_of_any_size_is_looked_at(size: tuple[int, int]) -> None:
    camera = Camera(duty=1.0)
    for level in (0, 128, 255):
        assert camera.show(np.full(size, level, np.uint8), 4) == []


def test_a_picture_that_shrinks_while_bars_are_followed_is_looked_at() -> None:
    camera = Camera(["Code128"])
    assert camera.show(scratched(), 1) == []
    assert camera.show(np.full((40, 40), 128, np.uint8), 1) == []
    assert told(camera.show(scene(), 6)) == [NUMBER]


def test_bars_that_fill_the_picture_and_hundreds_of_codes_are_read() -> None:
    assert told(Camera().show(symbol(NUMBER, module_px=4), 6)) == [NUMBER]
    codes = [symbol(f"QR{index:06d}", "QRCode") for index in range(80)]
    sheet = np.vstack([np.hstack(codes[row : row + 16]) for row in range(0, 80, 16)])
    camera = Camera()
    assert len(set(told(camera.show(sheet, 9)))) == 80


@pytest.mark.parametrize("duty", [0, -0.1, 1.1, float("nan")])
def test_a_duty_that_cannot_be_is_refused(duty: float) -> None:
    with pytest.raises(ValueError, match=r"a duty of .*: it must be above 0, at most 1"):
        LiveReader(duty=duty)


def test_symbologies_that_cannot_be_asked_for_are_named() -> None:
    with pytest.raises(ValueError, match="unknown symbology Morse: allowed are Code128"):
        LiveReader(["Morse"])
    with pytest.raises(ValueError, match="no symbology"):
        LiveReader([])


def test_the_shared_frame_is_left_as_it_is() -> None:
    picture = scene()
    before = picture.copy()
    picture.flags.writeable = False
    reader = LiveReader()
    assert [seen for index in range(6) for seen in reader.look(picture, index * FRAME_NS)]
    assert np.array_equal(picture, before)
