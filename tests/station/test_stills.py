"""Shots of a real archive: what is read off the written photo, filed, and said about it."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from capture.events import StillTaken
from capture.frame import Bgr, Frame, freeze
from capture.scenery import Stage, paint
from capture.still import choose, write_still
from station.desk import Write
from station.places import Places
from station.replies import Replies
from station.rules import commands, events
from station.stills import Stills
from station.waybill import WaybillRules
from storage.archive import Archive
from storage.records import Kind, LabelCheck, Session, Shot, Waybill

NUMBER = "1Z999AA10123456784"
NOW = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
SESSION = (Kind.PACKING, 1, "bench-1", "Ana", NOW)


class Asked:
    """A desk that keeps what it is told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[type[events.Event], dict[str, Any]]] = asyncio.Queue()

    def send(self, event_type: type[events.Event], **fields: Any) -> None:
        self.told.put_nowait((event_type, fields))

    def scan(self, text: str, via: str = "", at: events.Moment | None = None) -> None:
        raise AssertionError

    def file_later(self, session: str, write: Write) -> None:
        raise AssertionError


class Cam:
    """A camera that shows these pictures, the last of which is the one to be taken."""

    def __init__(self, *pictures: Bgr) -> None:
        step = 66_000_000
        self._frames = [Frame(i, i * step, NOW, freeze(p)) for i, p in enumerate(pictures)]
        self.answer: StillTaken | None = None

    def take_still(self, still_id: int, path: Path) -> None:
        self.answer = StillTaken("top", still_id, write_still(choose(self._frames), path))


def label() -> Bgr:
    scenery = paint(7, "overhead", 1280, 720)
    picture = scenery.table.copy()
    scenery.parcel[Stage.TAPED].lay_over(picture)
    scenery.label(NUMBER).lay_over(picture)
    return picture


def take(
    tmp_path: Path, camera: Cam, *, check_label: bool = False
) -> tuple[Shot, str, Any, list[Shot]]:
    """The shot as the rules are told, the fault, the thumb, and what the archive has filed."""

    async def run() -> tuple[Shot, str, Any, list[Shot]]:
        desk, places, replies = Asked(), Places(), Replies()
        with Archive.open(tmp_path / "archive") as archive:
            opened = Session("01ARZ3NDEKTSV4RRFFQ69G5FAV", Waybill(NUMBER, NUMBER), *SESSION)
            folder = await asyncio.wrap_future(archive.open_session(opened))
            places.expect(opened.id).set_result(folder)
            stills = Stills(archive, desk, WaybillRules(), places)
            stills.start(replies)
            stills.take(
                commands.TakeShot(opened.id, 3, "label", "top", NUMBER, check_label),
                folder,
                camera,
            )
            assert camera.answer is not None
            stills.taken(camera.answer)
            kind, told = await asyncio.wait_for(desk.told.get(), 10)
            assert kind is events.ShotTaken, told
            thumb = places.thumb(opened.id, "label")
            await replies.close()
            (found,) = archive.find(NUMBER)
            return told["shot"], told["fault"], thumb, list(found.shots)

    return asyncio.run(run())


def test_a_good_label_photo_is_read_off_the_file_and_filed_with_its_figures(tmp_path: Path) -> None:
    shot, fault, thumb, filed = take(tmp_path, Cam(label(), label()), check_label=True)
    assert (shot.label_check, fault) == (LabelCheck.MATCH, "")
    assert filed == [shot]
    assert shot.sharpness is not None
    assert shot.sharpness > 100
    assert shot.brightness == pytest.approx(label().mean(), abs=5)
    assert shot.motion == 0
    assert thumb.shape[1] == 96


@pytest.mark.parametrize("fault", ["photo_dark", "photo_blurred", "photo_glaring", "photo_moving"])
def test_a_photo_that_shows_nothing_is_filed_and_said_at_once(tmp_path: Path, fault: str) -> None:
    good = label()
    smeared = cv2.GaussianBlur(good, (31, 1), 9)
    pictures: dict[str, list[Any]] = {
        "photo_dark": [good // 12],
        "photo_blurred": [cv2.GaussianBlur(good, (0, 0), 7)],
        "photo_glaring": [np.clip(good.astype(int) * 9, 0, 255)],
        "photo_moving": [np.roll(smeared, 60, axis=1), smeared],
    }
    shown = [np.asarray(picture, np.uint8) for picture in pictures[fault]]
    shot, told, _, filed = take(tmp_path, Cam(*shown))
    assert told == fault
    assert filed == [shot]


def test_a_label_that_was_read_is_legible_whatever_the_figures_say(tmp_path: Path) -> None:
    moved = np.roll(label(), 40, axis=1)
    shot, fault, _, _ = take(tmp_path, Cam(moved, label()), check_label=True)
    assert (shot.label_check, fault) == (LabelCheck.MATCH, "")
    assert shot.motion is not None
    assert shot.motion > 4
    assert take(tmp_path / "b", Cam(moved, label()))[1] == "photo_moving"
