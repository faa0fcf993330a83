"""A parcel's page shows everything about it, and tells the ledger who looked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import App

from station.config import load_config
from station.dossier import media_of
from station.ui.archive.keys import KeyLine
from station.ui.archive.parcel import ParcelScreen
from station.ui.archive.words import Words
from station.ui.archive.zoom import ZoomScreen
from storage.archive import Archive
from storage.later import Actor, EvidenceGroup, Role
from storage.records import EndReason, Kind, LabelCheck, Status, Waybill
from tests.station.ui.archive.parcel_world import (
    facts,
    happened,
    instead,
    looks,
    opened,
    pictured,
    settled,
    spoil,
    tiles,
    until,
)
from tests.storage.arrivals import ANN, picture
from tests.storage.desk import NUMBER, Desk

OTHER = "1Z999AA10123456785"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


@pytest.fixture
def desk(archive: Archive) -> Desk:
    return Desk(archive)


async def test_everything_stands_on_one_screen(archive: Archive, desk: Desk) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.shot(session, folder, "item", 1)
    desk.shot(session, folder, "label", 2)
    desk.gap(session)
    sealed = desk.seal(session)
    archive.link_orders([("A-1", NUMBER)]).result()
    async with opened(archive) as (screen, pilot):
        text = facts(screen)
        for said in (
            "sealed · complete · finished",
            "bench 1 · Ann",
            "A-1",
            "check digit right",
            "✔ item  ✔ label",
            "shows this number",
            "overhead 0:02 · 160×120",
            "side 0:02 · no frame for 2.0 s",
            "3 there",
            f"signed by key {archive.signer.id}",
            session,
            f"]C1{NUMBER}",
            archive.manifest_sha256(session),
        ):
            assert str(said) in text
        for each in media_of(sealed):
            assert each.sha256 in text
        assert happened(screen) == [
            "▶ Packing began: Ann, bench 1",
            "● overhead records",
            "◆ Photo: item",
            "◆ Photo: label, shows this number",
            "▲ side gives no video: no frame for 2.0 s",
            "△ side is back",
            "✔ Sealed: finished.",
        ]
        await until(pilot, lambda: pictured(screen, "photos"))
        assert len(tiles(screen, "photos")) == 2


@pytest.mark.parametrize(("columns", "rows"), [(120, 34), (80, 24)])
async def test_state_photos_film_and_events_fit_the_window(
    archive: Archive, desk: Desk, columns: int, rows: int
) -> None:
    desk.pack()
    async with opened(archive, size=(columns, rows)) as (screen, pilot):
        await until(pilot, lambda: pictured(screen, "photos"))
        await until(pilot, lambda: any(box.pictured for box in tiles(screen, "film")))
        for place in ("#parcel-table", "#parcel-photos", "#parcel-film", "#parcel-timeline"):
            region = screen.query_one(place).region
            assert region.height >= 3
            assert region.width >= 28
            assert screen.region.contains_region(region) or place == "#parcel-table"
        assert screen.query_one("#parcel-timeline").region.height >= 6


async def test_the_ledger_knows_who_looked_at_photos_and_video_once(
    archive: Archive, desk: Desk, tmp_path: Path
) -> None:
    session = desk.pack()
    source = tmp_path / "form.png"
    source.write_bytes(picture("PNG"))
    document = archive.file_document(ANN, source, NUMBER, EvidenceGroup.CLAIM_FORM).result()
    for _ in range(2):
        async with opened(archive) as (screen, pilot):
            await until(pilot, lambda: pictured(screen, "photos"))
            await until(pilot, lambda: pictured(screen, "film"))
            assert len(tiles(screen, "photos")) == 3
    assert sorted(looks(archive, session.id)) == [("Ann", "photos"), ("Ann", "video")]
    assert looks(archive, document.id) == [("Ann", "document")]


async def test_a_packer_sees_facts_and_no_picture_and_tells_no_look(
    archive: Archive, desk: Desk
) -> None:
    session = desk.pack()
    desk.pack(pass_no=2)
    pat = Actor("Pat", Role.PACKER, verified=False)
    async with opened(archive, pat, session=session.id) as (screen, pilot):
        await until(pilot, lambda: len(tiles(screen, "photos")) == 2)
        await settled()
        await pilot.pause()
        assert not any(box.pictured for box in (*tiles(screen, "photos"), *tiles(screen, "film")))
        assert "signed by key" in facts(screen)
        for key in ("enter", "v", "m", "n", "h", "b", "t", "f4"):
            await pilot.press(key)
            assert pilot.app.screen is screen
        await until(pilot, lambda: "Verify bytes" in str(screen.query_one(KeyLine).content))
        line = str(screen.query_one(KeyLine).content)
        for word in ("Hold", "Note", "Right number", "Export", "Look closely", "Compare", "Play"):
            assert word not in line
    assert looks(archive, session.id) == []


async def test_what_cannot_be_told_is_not_shown(archive: Archive, desk: Desk) -> None:
    desk.pack()
    stranger = Actor("Mallory", Role.SUPERVISOR, verified=True)
    async with opened(archive, stranger) as (screen, pilot):
        await until(pilot, lambda: len(tiles(screen, "photos")) == 2)
        await settled()
        await pilot.pause()
        assert not any(box.pictured for box in (*tiles(screen, "photos"), *tiles(screen, "film")))


async def test_an_archive_that_can_only_be_read_is_shown(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    archive.close()
    with Archive.open(archive.root, create=False, read_only=True) as reading:
        async with opened(reading) as (screen, pilot):
            await until(pilot, lambda: pictured(screen, "photos"))
            assert "Hold" not in str(screen.query_one(KeyLine).content)
        assert looks(reading, session.id) == []


# ---------------------------------------------------------------------------- sessions


async def test_arrows_go_from_session_to_session(archive: Archive, desk: Desk) -> None:
    first = desk.pack()
    last = desk.pack(kind=Kind.RETURN)
    async with opened(archive) as (screen, pilot):
        assert screen.record is not None
        assert screen.record.session.id == last.id
        await pilot.press("left")
        assert (screen.record.session.id, first.id in facts(screen)) == (first.id, True)
        await pilot.press("left")
        assert screen.record.session.id == first.id
        await pilot.press("right")
        assert screen.record.session.id == last.id
        assert happened(screen)[0] == "▶ Return opened: Ann, bench 1"


async def test_the_session_that_was_asked_for_is_shown_first(archive: Archive, desk: Desk) -> None:
    first = desk.pack()
    desk.pack(pass_no=2)
    async with opened(archive, session=first.id) as (screen, _):
        assert screen.record is not None
        assert screen.record.session.id == first.id


async def test_a_correction_and_the_original_are_both_seen(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    desk.pack(pass_no=2)
    archive.rebind(ANN, session.id, Waybill(OTHER, OTHER, "UPS"), "label printed late").result()
    async with opened(archive, number=OTHER) as (screen, _):
        assert f"sealed as {NUMBER}: label printed late — Ann" in facts(screen)
        assert f"⇄ Bound to {OTHER} by Ann: label printed late" in happened(screen)
    async with opened(archive) as (screen, _):
        assert f"{OTHER}: was sealed as this number" in facts(screen)


# ---------------------------------------------------------------------------- what is wrong


async def test_what_is_missing_or_damaged_is_said(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    (archive.root / session.shots[0].path).unlink()
    (archive.root / session.shots[1].path).write_bytes(b"\xff\xd8 no picture")
    (archive.root / session.clips[0].path).write_bytes(b"no video")
    async with opened(archive) as (screen, pilot):
        assert "3 of 3 missing or not as long as sealed" in facts(screen)
        said = ["the file is not there", "the file is damaged"]
        await until(pilot, lambda: instead(screen, "photos") == said)
        await until(pilot, lambda: set(instead(screen, "film")) == {"the file is damaged"})


async def test_every_byte_is_read_when_it_is_asked_for(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    async with opened(archive) as (screen, pilot):
        await pilot.press("y")
        await until(pilot, lambda: "3 files read: every byte as sealed" in facts(screen))
        spoil(archive.root / session.shots[0].path)
        await pilot.press("y")
        await until(pilot, lambda: "1 files are not as sealed: item-01.jpg" in facts(screen))


async def test_a_changed_manifest_is_said(archive: Archive, desk: Desk) -> None:
    session = desk.pack()
    spoil((archive.root / session.clips[0].path).parent / "session.json")
    async with opened(archive) as (screen, _):
        assert "CHANGED SINCE IT WAS SEALED" in facts(screen)


async def test_a_wrong_label_and_missing_photos_stand_out(archive: Archive, desk: Desk) -> None:
    session, folder = desk.open()
    desk.shot(session, folder, "label", 1, LabelCheck.MISMATCH, OTHER)
    desk.note(session, "evil \x1b[2J")
    desk.seal(session, Status.INTERRUPTED, EndReason.RECOVERY)
    async with opened(archive) as (screen, _):
        text = facts(screen)
        assert "interrupted · INCOMPLETE · bench died, repaired" in text
        assert "✖ item  ✔ label" in text
        assert f"SHOWS {OTHER}" in text
        assert "no video" in text
        assert f"◆ Photo: label, SHOWS {OTHER}" in happened(screen)
        assert "✎ clock: evil \\x1b[2J" in happened(screen)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_who_got_it_stands_on_the_page(archive: Archive, desk: Desk, language: str) -> None:
    packed, other = desk.pack(), desk.pack("OTHER0001")
    for number in range(7):
        archive.disclose(
            ANN,
            sessions=[packed.id, other.id] if number else [other.id],
            profile="bank-pdf",
            package=f"out-{number}",
            digest="d" * 64,
            files=(),
            recipient="" if number == 1 else f"Allianz {number}\x1b[2J",
            reason="claim 7",
        ).result()
    async with opened(archive, language=language) as (screen, _):
        page = facts(screen)
        given = [line for line in page.splitlines() if "claim 7" in line]
        assert len(given) == 3
        for number, line in zip((6, 5, 4), given, strict=True):
            assert f"Allianz {number}\\x1b[2J: claim 7" in line
        assert page.count("Ann · bank-pdf") == 3
        assert ("Given to" if language == "en" else "提供给") in page
        assert ("exported 6×, last by Ann" if language == "en" else "导出 6 次，最近 Ann") in page
        assert ("and 3 more" if language == "en" else "另有 3 次") in page
        lines = happened(screen)
        left = [line for line in lines if "out-" in line]
        assert len(left) == 6
        assert "Allianz" not in left[0]
        assert "Allianz 2\\x1b[2J" in left[1]
        assert "claim 7" in left[1]
        assert not [line for line in lines if "out-0" in line]


async def test_an_open_session_can_be_looked_at(archive: Archive, desk: Desk) -> None:
    desk.open()
    async with opened(archive) as (screen, _):
        assert "recording now" in facts(screen)
        assert "not sealed yet" in facts(screen)


async def test_a_number_that_nothing_is_filed_under(archive: Archive) -> None:
    async with opened(archive) as (screen, pilot):
        assert f"Nothing is filed under {NUMBER} any more" in facts(screen)
        for key in ("enter", "left", "v", "c", "o", "y", "n", "d", "m"):
            await pilot.press(key)
        assert pilot.app.screen is screen


# ---------------------------------------------------------------------------- looking closely


async def test_enter_shows_the_photo_of_the_chosen_event(archive: Archive, desk: Desk) -> None:
    desk.pack()
    async with opened(archive) as (screen, pilot):
        await pilot.press("down", "down", "down", "enter")
        zoom = pilot.app.screen
        assert isinstance(zoom, ZoomScreen)
        assert zoom.index == 1
        await pilot.press("escape")
        assert pilot.app.screen is screen
        await pilot.press("home", "enter")
        film = pilot.app.screen
        assert isinstance(film, ZoomScreen)


async def test_whoever_is_in_a_hurry_breaks_nothing(archive: Archive, desk: Desk) -> None:
    for number in range(1, 4):
        desk.pack(pass_no=number)
    app: App[None] = App()
    async with app.run_test() as pilot:
        for wait_s in (0.0, 0.3, 0.0, 0.3):
            screen = ParcelScreen(archive, load_config(None), ANN, Words("en"), NUMBER)
            await app.push_screen(screen)
            await asyncio.sleep(wait_s)
            await pilot.press("left", "c", "left", "f5", "right", "c", "y", "f5", "escape")
            assert app.screen is not screen
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers))


async def test_another_language_is_spoken_at_once(archive: Archive, desk: Desk) -> None:
    desk.pack()
    async with opened(archive) as (screen, pilot):
        screen._words.speak("zh")
        await screen.recompose()
        assert "已封存 · 完整 · 正常结束" in facts(screen)
        assert happened(screen)[0] == "▶ 开始打包：Ann，bench 1"
        await until(pilot, lambda: pictured(screen, "photos"))


async def test_the_page_speaks_chinese(archive: Archive, desk: Desk) -> None:
    desk.pack()
    async with opened(archive, language="zh") as (screen, _):
        assert "已封存 · 完整 · 正常结束" in facts(screen)
        assert happened(screen)[0] == "▶ 开始打包：Ann，bench 1"
