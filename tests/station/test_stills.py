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
from station.stills import Stills, label_check
from station.waybill import WaybillRules
from storage.archive import Archive
from storage.records import Kind, LabelCheck, Session, Shot, Waybill
from tests.capture.test_legible import bench as label_on_bench
from tests.capture.test_legible import glared, photo, table

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


def label(number: str = NUMBER) -> Bgr:
    scenery = paint(7, "overhead", 1280, 720)
    picture = scenery.table.copy()
    scenery.parcel[Stage.TAPED].lay_over(picture)
    scenery.label(number).lay_over(picture)
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


# ---------------------------------------------------------------------------- the label check

OTHER = "1Z5R89390357567127"
FEDEX = "1027590111820004833500785458233610"


@pytest.mark.parametrize(
    ("texts", "expected", "carriers", "answer"),
    [
        ([NUMBER], NUMBER, (), (LabelCheck.MATCH, NUMBER)),
        ([OTHER], NUMBER, (), (LabelCheck.MISMATCH, OTHER)),
        # labels carry several codes, and other carriers' numbers too
        (["ORD-000123456", "https://carrier.example/x", NUMBER], NUMBER, (), "match"),
        ([OTHER, NUMBER], NUMBER, (), "match"),
        (["ORD-000123456"], NUMBER, (), "unreadable"),
        ([], NUMBER, (), "unreadable"),
        # the same number, however the carrier writes it
        (["420787459400111206206406260787"], "9400111206206406260787", (), "match"),
        (["420100233424" + "9200190132607600833457"], "9200190132607600833457", (), "match"),
        ([FEDEX], "785458233610", ("fedex",), "match"),
        (["]C1420787459400111206206406260787"], "9400111206206406260787", (), "match"),
        (["1z 999 aa1 01 2345 6784"], NUMBER, (), "match"),
        # as a field of a two-dimensional code, whole
        (["[)>\x1e01\x1d0290210\x1d" + NUMBER + "\x1dUPSN\x1e\x04"], NUMBER, (), "match"),
        (["https://carrier.example/track?n=" + NUMBER + "&x=1"], NUMBER, (), "match"),
        (["https://carrier.example/track?n=" + NUMBER.lower()], NUMBER, (), "match"),
        (["X" + NUMBER + "7"], NUMBER, (), "unreadable"),
        ([NUMBER.replace("Z", "\u017b") + "\x1d1"], NUMBER, (), "unreadable"),
        # what may be anything accuses nobody
        (["1Z5R89390357567128"], NUMBER, (), "unreadable"),
        (["6901234567892"], NUMBER, (), "unreadable"),
        (["776632517510"], NUMBER, (), "unreadable"),
        (["785458233610"], "776632517510", ("fedex",), (LabelCheck.MISMATCH, "785458233610")),
        # what was scanned, and no carrier knows, may stand on the label as well
        (["ABC12345678"], "ABC12345678", (), "match"),
        # two other parcels' labels: the surest is named
        ([OTHER, "9400111206206406260787"], NUMBER, (), (LabelCheck.MISMATCH, OTHER)),
        # hostile
        (["A" * 7000, "\x00\x1b]0;x\x07", "\udc80", NUMBER * 300], NUMBER, (), "unreadable"),
    ],
)
def test_what_a_label_proves(
    texts: list[str], expected: str, carriers: tuple[str, ...], answer: object
) -> None:
    told = label_check(texts, expected, WaybillRules(carriers=carriers))
    if isinstance(answer, str):
        answer = (LabelCheck(answer), expected if answer == "match" else "")
    assert told == answer


@pytest.mark.parametrize("symbology", ["Code128", "Code39", "QRCode", "DataMatrix", "PDF417"])
def test_a_label_is_read_in_whatever_symbology_a_carrier_prints(
    tmp_path: Path, symbology: str
) -> None:
    shot, fault, _, _ = take(tmp_path, Cam(coloured(label_of(symbology))), check_label=True)
    assert (shot.label_check, fault, shot.label_read) == (LabelCheck.MATCH, "", "")


def test_a_wrong_label_is_named_and_filed(tmp_path: Path) -> None:
    shot, fault, _, filed = take(tmp_path, Cam(label(OTHER)), check_label=True)
    assert (shot.label_check, shot.label_read, fault) == (LabelCheck.MISMATCH, OTHER, "")
    assert filed == [shot]


def test_an_unread_label_gets_advice_by_its_bars(tmp_path: Path) -> None:
    light = label_on_bench()
    spoilt = {
        "label_small": photo(label_on_bench(0.9)),
        "label_blurred": photo(cv2.GaussianBlur(light, (0, 0), 5.0)),
        "label_glaring": photo(glared(light, 110)),
        "label_none": photo(table().astype(np.float32)),
    }
    for advice, picture in spoilt.items():
        shot, fault, _, filed = take(tmp_path / advice, Cam(coloured(picture)), check_label=True)
        assert (shot.label_check, fault, shot.label_read) == (LabelCheck.UNREADABLE, advice, "")
        assert filed == [shot]
    shot, fault, _, _ = take(tmp_path / "good", Cam(coloured(photo(light))), check_label=True)
    assert (shot.label_check, fault) == (LabelCheck.MATCH, "")


def test_a_legible_order_number_is_no_waybill(tmp_path: Path) -> None:
    picture = photo(label_on_bench(text="ORD-12345"))
    shot, fault, _, _ = take(tmp_path, Cam(coloured(picture)), check_label=True)
    assert (shot.label_check, fault) == (LabelCheck.UNREADABLE, "label_other")


def label_of(symbology: str) -> Any:
    return photo(label_on_bench(3.0, symbology=symbology))


def coloured(grey: Any) -> Bgr:
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
