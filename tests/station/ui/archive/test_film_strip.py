"""The filmstrip shows even steps and each event, and says where nothing was recorded."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest

from station.dossier import Record, gather
from station.ui.archive import film
from station.ui.archive.evidence import Evidence
from station.ui.archive.keys import KeyLine
from station.ui.archive.timeline import Event, events
from station.ui.messages import flat
from storage.archive import Archive
from storage.retention import Policy
from tests.station.ui.archive.parcel_world import facts, opened, pictured, tiles, until
from tests.storage.arrivals import ANN
from tests.storage.desk import NOON, NUMBER, Desk

LATER = NOON + dt.timedelta(days=400)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


def packed(archive: Archive) -> tuple[Record, tuple[Event, ...]]:
    """A session whose clip begins two seconds after it was opened, with photos behind it."""
    Desk(archive).pack()
    dossier = gather(archive, NUMBER)
    (record,) = dossier.records
    return record, events(dossier, record)


def long_clip(record: Record, seconds: int) -> Record:
    """The session with a clip of so many seconds around it."""
    clip = replace(
        record.session.clips[0],
        started_at=record.session.opened_at - dt.timedelta(seconds=3),
        duration_ms=1000 * seconds,
    )
    return replace(record, session=replace(record.session, clips=(clip,)))


def test_there_are_even_steps_from_the_beginning_to_the_end(archive: Archive) -> None:
    record, _ = packed(archive)
    record = long_clip(record, 70)
    found = film.moments(record, "overhead", ())
    assert [moment.at_ms for moment in found] == [10_000 * step for step in range(8)]
    assert film.position(record, found[0]) == "-0:03"
    assert film.position(record, found[7]) == "+1:07"


def test_each_event_has_a_picture_at_its_own_moment(archive: Archive) -> None:
    record, happened = packed(archive)
    record = long_clip(record, 20)
    found = film.moments(record, "overhead", happened)
    for index, event in enumerate(happened):
        (own,) = [moment for moment in found if moment.event == index]
        assert own.at == event.at
        assert own.at_ms == round((event.at - record.session.opened_at).total_seconds() * 1000) + (
            3_000
        )
        assert film.nearest(found, index, event.at) == found.index(own)
    assert [moment.at for moment in found] == sorted(moment.at for moment in found)
    steps = [moment.at for moment in found if moment.event is None]
    assert all(abs(step - event.at) > film.APART for step in steps for event in happened)


def test_parts_follow_one_another_and_the_time_between_is_said(archive: Archive) -> None:
    record, happened = packed(archive)
    first = long_clip(record, 4).session.clips[0]
    begins = first.started_at + dt.timedelta(seconds=10)
    second = replace(first, part=2, started_at=begins)
    record = replace(record, session=replace(record.session, clips=(first, second)))
    between = replace(happened[0], at=first.started_at + dt.timedelta(seconds=7))
    found = film.moments(record, "overhead", (between,))
    assert [moment.clip for moment in found if moment.event == 0] == [None]
    assert {moment.clip for moment in found if moment.event is None} == {first, second}
    at_end = replace(between, at=first.started_at + dt.timedelta(seconds=4, milliseconds=300))
    (own,) = [m for m in film.moments(record, "overhead", (at_end,)) if m.event == 0]
    assert (own.clip, own.at_ms) == (first, 4_000)
    assert film.at_share(record, 0.75) is not None
    assert film.at_share(record, 0.75) == film.Moment(
        begins + dt.timedelta(seconds=2), None, second, 2_000
    )


def test_a_thousand_events_do_not_make_a_thousand_pictures(archive: Archive) -> None:
    record, happened = packed(archive)
    record = long_clip(record, 3_600)
    many = [replace(happened[0], at=happened[0].at + dt.timedelta(seconds=n)) for n in range(999)]
    found = film.moments(record, "overhead", many)
    assert len(found) <= film.MOST
    assert film.nearest(found, 998, many[998].at) is not None


def test_a_session_without_video_has_no_film(archive: Archive) -> None:
    session, folder = (desk := Desk(archive)).open()
    desk.shot(session, folder)
    desk.seal(session)
    (record,) = gather(archive, NUMBER).records
    assert film.moments(record, "overhead", ()) == ()
    assert film.at_share(record, 0.5) is None
    assert film.nearest((), 0, NOON) is None


# ---------------------------------------------------------------------------- deleted, large


async def test_what_was_deleted_by_policy_is_said(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive", clock=lambda: LATER) as archive:
        session = Desk(archive).pack()
        policy = Policy(days=30, floor_days=10)
        (doomed,) = archive.retention_plan(policy, 1 << 40).deletes
        archive.delete(ANN, doomed, policy).result()
        assert not (archive.root / session.clips[0].path).exists()
        async with opened(archive) as (screen, pilot):
            assert "deleted by policy on" in facts(screen)
            assert "missing or not as long" not in facts(screen)
            assert session.clips[0].sha256 in facts(screen)
            await until(
                pilot, lambda: {t.text for t in tiles(screen, "photos")} == {"deleted by policy"}
            )
            await until(
                pilot, lambda: {t.text for t in tiles(screen, "film")} == {"deleted by policy"}
            )
            assert "Hold" not in str(screen.query_one(KeyLine).content)


async def test_a_picture_of_a_film_that_was_left_is_let_go(archive: Archive) -> None:
    Desk(archive).pack()
    async with opened(archive) as (screen, pilot):
        await until(pilot, lambda: pictured(screen, "film"))
        screen.query_one(Evidence).post_message(Evidence.Developed(0, 0, "damaged"))
        await pilot.pause()
        assert tiles(screen, "film")[0].text == ""
        assert tiles(screen, "film")[0].pictured


async def test_the_next_camera_and_leaving_stop_a_film(archive: Archive) -> None:
    desk = Desk(archive)
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.clip(session, folder, "side")
    desk.seal(session)
    async with opened(archive) as (screen, pilot):
        heading = screen.query_one("#parcel-film-heading")
        await until(pilot, lambda: "overhead  1/2" in str(heading.render()))
        await pilot.press("c")
        assert "side  2/2" in str(heading.render())
        await until(
            pilot,
            lambda: (
                sum(tile.pictured for tile in tiles(screen, "film")) >= film.STEPS // 2
                and all(t.pictured or t.text == "no video here" for t in tiles(screen, "film"))
            ),
        )
        await pilot.press("c", "c", "c", "escape")
        assert pilot.app.screen is not screen


# ---------------------------------------------------------------------------- words


def test_every_word_of_the_page_is_in_both_languages() -> None:
    folder = resources.files("station.ui.archive") / "locales"
    english, chinese = (
        flat(tomllib.loads((folder / f"parcel.{language}.toml").read_text(encoding="utf-8")))
        for language in ("en", "zh")
    )
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert _fields(text) == _fields(chinese[key]), key


def _fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}
