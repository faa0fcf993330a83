"""The simulated bench: what its pictures show, to the eyes of the real decoders."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
import zxingcpp
from pyzbar import pyzbar

from capture.sim import Scene, scene
from capture.source import Source, SourceError, SourceLost, open_source, parse_source
from tests.capture.parts import Picture, next_picture

UPS = "1Z999AA10123456784"
_fresh_seed = itertools.count(1000)


@pytest.fixture
def seed() -> int:
    """A seed whose scene no other test has seen."""
    return next(_fresh_seed)


def codes(picture: Picture | None) -> list[str]:
    assert picture is not None
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def codes_by_zbar(picture: Picture | None) -> list[str]:
    assert picture is not None
    return [code.data.decode() for code in pyzbar.decode(picture)]


def look_until(source: Source, seen: Callable[[Picture], bool], timeout_s: float) -> Picture:
    """Reads on until a picture is as wanted."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        picture = next_picture(source)
        assert picture is not None
        if seen(picture):
            return picture
    pytest.fail(f"not seen within {timeout_s} s")


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)], ids=str)
@pytest.mark.parametrize("view", ["overhead", "side"])
@pytest.mark.parametrize(
    "number",
    [UPS, "420787459400111206206406260787", "JJD000123456789012345678", "SPXVN0123456789012",
     "9622001900000000000000776632517510"],
)  # fmt: skip
def test_a_label_at_rest_is_read_by_both_decoders(
    number: str, view: str, size: tuple[int, int]
) -> None:
    scene(7).show(number, head_start_s=4)
    source = open_source(parse_source(f"sim:?seed=7&view={view}"), *size)
    picture = next_picture(source)
    assert picture is not None
    assert picture.shape == (size[1], size[0], 3)
    assert codes(picture) == [number]
    assert codes_by_zbar(picture) == [number]


@pytest.mark.parametrize("seed", range(2000, 2008))
def test_it_is_read_on_any_bench(seed: int) -> None:
    scene(seed).show(UPS, head_start_s=4)
    picture = next_picture(open_source(parse_source(f"sim:?seed={seed}"), 1280, 720))
    assert codes(picture) == codes_by_zbar(picture) == [UPS]


def test_a_module_of_the_label_is_wide_enough_for_any_reader(seed: int) -> None:
    scene(seed).show(UPS, head_start_s=4)
    source = open_source(parse_source(f"sim:?seed={seed}"), 1280, 720)
    (code,) = zxingcpp.read_barcodes(next_picture(source))
    corners = code.position
    width_px = np.hypot(
        corners.top_right.x - corners.top_left.x, corners.top_right.y - corners.top_left.y
    )
    bars = zxingcpp.write_barcode_to_image(
        zxingcpp.create_barcode(UPS, zxingcpp.BarcodeFormat.Code128), add_quiet_zones=False
    )
    assert width_px / np.array(bars).shape[1] >= 2.2


def test_a_parcel_comes_is_labelled_gives_way_to_the_next_and_leaves(seed: int) -> None:
    bench = scene(seed)
    source = open_source(parse_source(f"sim:?seed={seed}"), 1280, 720)
    empty = next_picture(source)
    assert codes(empty) == []
    assert bench.tracking == ""

    bench.show(UPS)
    began = time.monotonic()
    look_until(source, lambda picture: codes(picture) == [UPS], 6)
    assert time.monotonic() - began > 1.5  # it is packed first
    assert bench.tracking == UPS

    bench.show("TBA123456789012")
    look_until(source, lambda picture: codes(picture) == [], 2)
    look_until(source, lambda picture: codes(picture) == ["TBA123456789012"], 6)

    bench.clear()
    time.sleep(0.5)
    look_until(source, lambda picture: _alike(picture, empty), 2)
    assert bench.tracking == ""


def _alike(picture: Picture, other: Picture | None) -> bool:
    assert other is not None
    return float(np.mean(np.abs(picture.astype(int) - other.astype(int)))) < 6


def test_a_parcel_named_in_the_source_is_there_from_the_start(seed: int) -> None:
    source = open_source(parse_source(f"sim:?seed={seed}&tracking={UPS}"), 1280, 720)
    look_until(source, lambda picture: codes(picture) == [UPS], 4)
    assert scene(seed).tracking == UPS
    # Opening again, as after a fault, does not pack the parcel anew.
    again = open_source(parse_source(f"sim:?seed={seed}&tracking={UPS}"), 1280, 720)
    assert codes(next_picture(again)) == [UPS]


def test_two_cameras_see_the_same_parcel_differently(seed: int) -> None:
    scene(seed).show(UPS, head_start_s=4)
    above = next_picture(open_source(parse_source(f"sim:?seed={seed}"), 1280, 720))
    beside = next_picture(open_source(parse_source(f"sim:?seed={seed}&view=side"), 1280, 720))
    assert above is not None
    assert codes(above) == codes(beside) == [UPS]
    assert not _alike(above, beside)


def test_no_picture_equals_the_one_before(seed: int) -> None:
    source = open_source(parse_source(f"sim:?seed={seed}&fps=120"), 320, 180)
    last = b""
    for _ in range(240):
        picture = next_picture(source)
        assert picture is not None
        assert picture.tobytes() != last
        last = picture.tobytes()


def test_it_is_as_fast_as_asked_for_and_no_faster(seed: int) -> None:
    spec = parse_source(f"sim:?seed={seed}")
    assert open_source(spec).fps == 30
    assert open_source(spec, fps=12).fps == 12
    source = open_source(parse_source(f"sim:?seed={seed}&fps=20"), 320, 180, fps=30)
    assert source.fps == 20
    began = time.monotonic()
    for _ in range(21):
        next_picture(source)
    assert time.monotonic() - began >= 0.99


@pytest.mark.parametrize("text", ["", "x" * 41, "Ünïcode", "1Z\x1b[2J"])
def test_no_label_bears_such_a_text(text: str) -> None:
    with pytest.raises(ValueError, match="not a text for a label"):
        Scene().show(text)


@pytest.mark.parametrize("by", ["option", "scene"])
def test_its_faults(seed: int, by: str) -> None:
    def faulty(fault: str) -> Source:
        if by == "option":
            return open_source(parse_source(f"sim:?seed={seed}&fault={fault}&after=0.15"), 320, 180)
        source = open_source(parse_source(f"sim:?seed={seed}"), 320, 180)
        threading.Timer(0.15, scene(seed).fail, [fault]).start()
        return source

    source = faulty("black")
    look_until(source, lambda picture: bool(picture.mean() < 8), 2)
    scene(seed).mend()

    source = faulty("freeze")
    pictures: list[bytes] = []

    def repeats(picture: Picture) -> bool:
        pictures.append(picture.tobytes())
        return len(pictures) > 3 and len(set(pictures[-3:])) == 1

    look_until(source, repeats, 2)
    scene(seed).mend()

    source = faulty("lost")
    with pytest.raises(SourceLost, match="unplugged"):
        look_until(source, lambda _: False, 2)
    if by == "scene":
        with pytest.raises(SourceError, match="no such camera"):
            faulty("lost")
    time.sleep(0.2)  # the timer of the last one
    scene(seed).mend()

    source = faulty("hang")
    reads: list[float] = []

    def read_on() -> None:
        while next_picture(source) is not None and not stop.is_set():
            reads.append(time.monotonic())

    stop = threading.Event()
    thread = threading.Thread(target=read_on, daemon=True)
    thread.start()
    time.sleep(0.8)
    assert reads, "it hung from the beginning"
    assert time.monotonic() - reads[-1] > 0.4, "it did not hang"
    stop.set()
    scene(seed).mend()
    source.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_fault_may_hit_one_camera_of_two(seed: int) -> None:
    scene(seed).fail("black", view="side")
    above = next_picture(open_source(parse_source(f"sim:?seed={seed}"), 320, 180))
    beside = next_picture(open_source(parse_source(f"sim:?seed={seed}&view=side"), 320, 180))
    assert above is not None
    assert beside is not None
    assert above.mean() > 50
    assert beside.mean() < 8


@pytest.mark.parametrize("size", [(64, 2048), (2048, 64), (64, 64)])
def test_a_picture_of_an_unusual_shape_is_painted(size: tuple[int, int]) -> None:
    source = open_source(parse_source("sim:?seed=3"), *size, 30.0)
    picture = next_picture(source)
    source.close()
    assert picture is not None
    assert picture.shape == (size[1], size[0], 3)
