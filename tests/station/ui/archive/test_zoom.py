"""A picture is made larger and moved about, and two sessions stand side by side."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.geometry import Region

from station.ui.archive.compare import CompareScreen, Pair, counterpart, pairs
from station.ui.archive.keys import KeyLine
from station.ui.archive.pictures import PictureBox, PictureUnreadable, load, way
from station.ui.archive.words import Words
from station.ui.archive.zoom import LARGEST, Item, View, ZoomScreen
from station.ui.labels import Line
from storage.archive import Archive
from storage.records import Kind
from tests.station.ui.archive.parcel_world import looks, opened, until
from tests.storage.desk import Desk, photo

if TYPE_CHECKING:
    from station.ui.archive.pictures import Bgr

WORDS = Words("en")
MOVES = st.lists(
    st.one_of(
        st.floats(0.3, 3).map(lambda factor: ("zoom", factor, 0.0)),
        st.tuples(st.just("move"), st.floats(-2, 2), st.floats(-2, 2)),
    ),
    max_size=12,
)


@given(MOVES, st.integers(1, 300), st.integers(1, 300), st.integers(1, 200), st.integers(1, 80))
def test_whatever_is_done_a_part_of_the_picture_is_seen(
    moves: list[tuple[str, float, float]], wide: int, high: int, columns: int, rows: int
) -> None:
    view = View()
    for what, first, second in moves:
        view = view.zoomed(first) if what == "zoom" else view.moved(first, second)
    bgr = np.zeros((high, wide, 3), np.uint8)
    part = view.of(bgr, columns, rows)
    assert 1 <= part.shape[0] <= high
    assert 1 <= part.shape[1] <= wide
    assert 1 <= view.scale <= LARGEST


def test_all_of_it_is_seen_first_and_half_of_it_at_twice_the_size() -> None:
    bgr = np.arange(100 * 200 * 3, dtype=np.uint64).astype(np.uint8).reshape(100, 200, 3)
    assert View().of(bgr, 80, 20).shape == (100, 200, 3)
    part = View().zoomed(2).of(bgr, 80, 20)
    assert np.array_equal(part, bgr[25:75, 50:150])
    corner = View().zoomed(2).moved(-9, -9).of(bgr, 80, 20)
    assert np.array_equal(corner, bgr[:50, :100])


def test_a_larger_picture_uses_all_of_a_window_of_another_shape() -> None:
    upright = np.zeros((400, 100, 3), np.uint8)
    part = View().zoomed(4).of(upright, 100, 25)
    assert part.shape[:2] == (100, 100)


async def test_keys_enlarge_move_and_go_on() -> None:
    app: App[None] = App()
    made: list[int] = []

    def item(number: int) -> Item:
        def make(stop: threading.Event) -> Bgr:
            made.append(number)
            if number == 2:
                raise PictureUnreadable("damaged")
            return np.full((90, 160, 3), 60 * number, np.uint8)

        return Item(f"picture {number}", make)

    async with app.run_test(size=(80, 24)) as pilot:
        screen = ZoomScreen(WORDS, [item(0), item(1), item(2)], 1)
        await app.push_screen(screen)
        box = screen.query_one(PictureBox)
        await until(pilot, lambda: box.pictured)
        assert "Play" not in str(screen.query_one(KeyLine).content)
        await pilot.press("plus", "plus")
        assert screen.view.scale == pytest.approx(2.25)
        assert "225 %" in str(screen.query_one("#zoom-state", Line).content)
        before = screen.view
        await pilot.press("right", "down")
        assert screen.view.x > before.x
        assert screen.view.y > before.y
        await pilot.press("0")
        assert screen.view == View()
        await pilot.press("pagedown")
        await until(pilot, lambda: box.text == "the file is damaged")
        await pilot.press("pagedown", "pageup", "pageup")
        assert screen.index == 0
        assert str(screen.query_one("#zoom-title", Line).content) == "picture 0"
        await until(pilot, lambda: box.pictured)
    assert made[0] == 1


async def test_a_picture_that_must_not_be_shown_is_not_made() -> None:
    app: App[None] = App()

    async def refuse() -> bool:
        return False

    def make(stop: threading.Event) -> Bgr:
        raise AssertionError("it was made")

    async with app.run_test() as pilot:
        screen = ZoomScreen(WORDS, [Item("secret", make, told=refuse)])
        await app.push_screen(screen)
        box = screen.query_one(PictureBox)
        await until(pilot, lambda: box.text == WORDS.text("parcel.picture.withheld"))


async def test_keys_are_heard_while_a_picture_takes_its_time() -> None:
    app: App[None] = App()
    stopped = threading.Event()

    def slow(stop: threading.Event) -> Bgr:
        if stop.wait(20):
            stopped.set()
        raise PictureUnreadable("none")

    def quick(stop: threading.Event) -> Bgr:
        return np.zeros((9, 16, 3), np.uint8)

    async with app.run_test() as pilot:
        screen = ZoomScreen(WORDS, [Item("slow", slow), Item("quick", quick)])
        await app.push_screen(screen)
        await pilot.press("pagedown")
        box = screen.query_one(PictureBox)
        await until(pilot, lambda: box.pictured)
        await until(pilot, stopped.is_set)


# ---------------------------------------------------------------------------- side by side


async def test_packing_and_return_stand_side_by_side(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path / "archive")
    desk = Desk(archive)
    first = desk.pack()
    back, folder = desk.open(kind=Kind.RETURN)
    desk.shot(back, folder, "item", 1)
    desk.seal(back)
    async with opened(archive) as (screen, pilot):
        await pilot.press("m")
        compare = pilot.app.screen
        assert isinstance(compare, CompareScreen)
        assert [record.session.id for record in compare.sides] == [first.id, back]
        boxes = [compare.query_one(f"#side-{side} PictureBox", PictureBox) for side in (0, 1)]
        await until(pilot, lambda: all(box.pictured for box in boxes))
        await pilot.press("down")
        assert compare.pair == Pair(slot="label")
        await until(pilot, lambda: boxes[1].text == "no such photo")
        await until(pilot, lambda: boxes[0].pictured)
        await pilot.press("down")
        assert compare.pair == Pair(share=0.0)
        await until(pilot, lambda: boxes[0].pictured)
        await pilot.press("escape")
        assert pilot.app.screen is screen
    assert ("Ann", "video") in looks(archive, first.id)
    assert ("Ann", "photos") in looks(archive, back)


async def test_another_session_takes_a_side_and_never_both(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path / "archive")
    desk = Desk(archive)
    ids = [desk.pack(pass_no=number).id for number in (1, 2, 3)]
    async with opened(archive) as (_, pilot):
        await pilot.press("m")
        compare = pilot.app.screen
        assert isinstance(compare, CompareScreen)
        assert [record.session.id for record in compare.sides] == [ids[1], ids[2]]
        await pilot.press("left")
        assert [record.session.id for record in compare.sides] == [ids[0], ids[2]]
        await pilot.press("right")
        assert [record.session.id for record in compare.sides] == [ids[0], ids[1]]
        assert len(pairs(*compare.sides)) == 11
        assert counterpart(compare.sides, 0) == 1


# ---------------------------------------------------------------------------- pictures


def test_a_photo_is_unpacked_in_blue_green_red(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(3))
    bgr = load(path, 4_000)
    assert bgr.shape == (120, 160, 3)
    blue, green, red = (int(level) for level in bgr[40, 40])
    assert blue > green > red


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", photo()[:200], b"GIF89a" + b"\0" * 50])
def test_what_is_no_photo_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureUnreadable, match="damaged"):
        load(path, 100)
    with pytest.raises(PictureUnreadable, match="missing"):
        load(tmp_path / "gone.jpg", 100)
    with pytest.raises(PictureUnreadable, match="missing"):
        load(None, 100)


async def test_a_terminal_that_can_gets_real_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    import textual_image.renderable
    from textual_image.renderable.sixel import Image

    monkeypatch.setattr(textual_image.renderable, "Image", Image)
    app: App[None] = App()
    async with app.run_test(size=(40, 12)) as pilot:
        box = PictureBox()
        await app.mount(box)
        box.show(np.full((90, 160, 3), 200, np.uint8))
        await until(pilot, lambda: box.pictured)
        whole = Region(0, 0, *box.size)
        assert "\x1bP" in printed(box, whole)
        assert "\x1bP" not in printed(box, Region(0, 1, *box.size))
        box.show(None, "gone")
        await until(pilot, lambda: "gone" in printed(box, whole))
        assert "\x1bP" not in printed(box, whole)


def printed(box: PictureBox, crop: Region) -> str:
    """What the terminal is told of a part of the picture."""
    return "".join(each.text for line in box.render_lines(crop) for each in line)


def test_a_terminal_that_was_not_asked_gets_half_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "textual_image.renderable", raising=False)
    assert way() == "cells"
