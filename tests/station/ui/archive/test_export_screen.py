"""Exporting what is marked: packages that verify, a bar, and a stop that leaves nothing half."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, ProgressBar

from station.exporting import way_out
from station.ui.archive.export import ExportScreen
from station.ui.archive.packing import pack
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.later import Actor, Role
from storage.query import Query
from storage.records import Session
from tests.station.ui.archive.shelf import Shown, config, mixed, shown
from tests.storage.desk import Desk


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        yield archive


@pytest.fixture
def packed(archive: Archive) -> dict[str, Session]:
    return mixed(archive)


@pytest.fixture
def actor(archive: Archive) -> Actor:
    actor = archive.nobody()
    assert actor is not None
    return actor


async def asked(there: Shown) -> None:
    """The screen is there, and knows what can be exported for."""
    await there.pilot.press("f4")
    await there.until(lambda: isinstance(there.app.screen, ExportScreen))
    listed = there.app.screen.query_one(OptionList)
    await there.until(lambda: listed.highlighted is not None)


async def exported(there: Shown) -> None:
    await asked(there)
    await there.pilot.press("enter")
    await there.until(lambda: there.app.screen.has_class("-over"))


async def test_what_is_marked_is_written_and_verifies(
    archive: Archive, actor: Actor, packed: dict[str, Session]
) -> None:
    async with shown(archive, actor) as there:
        await there.pilot.press("down", "ctrl+a")
        await exported(there)
        assert there.app.screen.query_one(ProgressBar).percentage == 1
        packages = sorted((archive.root / "exports").glob("*.zip"))
        assert len(packages) == len(packed)
        assert not [problem for package in packages for problem in verify(package)]
        assert f"Written: {len(packed)}" in there.said("#said")
        await there.pilot.press("escape")
        assert there.app.screen is there.search


async def test_without_marks_the_row_at_hand_is_exported_where_one_wants(
    archive: Archive, actor: Actor, packed: dict[str, Session], tmp_path: Path
) -> None:
    async with shown(archive, actor) as there:
        await there.type("6784")
        await there.until(lambda: len(there.numbers()) == 1)
        await asked(there)
        there.app.screen.query_one(Input).value = str(tmp_path / "elsewhere")
        await there.pilot.press("enter")
        await there.until(lambda: there.app.screen.has_class("-over"))
        (package,) = (tmp_path / "elsewhere").glob("*.zip")
        assert "6784" in package.name


async def test_the_ledger_knows_who_exported(
    archive: Archive, actor: Actor, packed: dict[str, Session]
) -> None:
    archive.admit(actor, "Eva", Role.SUPERVISOR, "482913").result()
    eva = archive.sign_in("Eva", "482913")
    async with shown(archive, eva) as there:
        await there.type("6784")
        await there.until(lambda: len(there.numbers()) == 1)
        await exported(there)
    told = archive.ledger_of(packed["good"].id)[-1][1]
    assert "exported" in told.body
    assert "Eva" in told.body


async def test_a_folder_that_cannot_be_written_is_told(
    archive: Archive, actor: Actor, packed: dict[str, Session], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    async with shown(archive, actor) as there:
        await asked(there)
        there.app.screen.query_one(Input).value = str(tmp_path / "file")
        await there.pilot.press("enter")
        await there.until(lambda: there.app.screen.has_class("-over"))
        assert "failed: 1" in there.said("#said")


async def test_what_is_being_recorded_stays_here(archive: Archive, actor: Actor) -> None:
    Desk(archive).open()
    async with shown(archive, actor) as there:
        await asked(there)
        await there.pilot.press("enter")
        assert there.app.screen.has_class("-over") is False
        assert not (archive.root / "exports").exists()


def test_a_stopped_export_leaves_the_whole_packages_only(
    archive: Archive, actor: Actor, packed: dict[str, Session], tmp_path: Path
) -> None:
    stop = threading.Event()
    seen: list[str] = []

    def tell(done: int, everything: int, number: str) -> None:
        assert 0 <= done <= everything
        if number and number not in seen:
            seen.append(number)
        if len(seen) == 2:
            stop.set()

    way = way_out(config(archive.root), archive, actor)
    done = pack(archive, actor, way, archive.page(Query()).hits, tmp_path / "out", tell, stop)
    assert done.stopped
    assert len(done.paths) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == [done.paths[0].name]
    assert zipfile.is_zipfile(done.paths[0])


def test_a_damaged_parcel_does_not_hold_up_the_others(
    archive: Archive, actor: Actor, packed: dict[str, Session], tmp_path: Path
) -> None:
    clip = archive.root / packed["good"].clips[0].path
    clip.write_bytes(clip.read_bytes()[:-1] + b"!")
    way, hits = way_out(config(archive.root), archive, actor), archive.page(Query()).hits
    done = pack(archive, actor, way, hits, tmp_path, lambda *_: None, threading.Event())
    assert [number for number, _ in done.failed] == [packed["good"].waybill.number]
    assert len(done.paths) == len(packed) - 1


def test_an_export_stops_in_the_middle_of_a_package(
    archive: Archive, actor: Actor, packed: dict[str, Session], tmp_path: Path
) -> None:
    stop = threading.Event()

    def tell(done: int, everything: int, number: str) -> None:
        if done:
            stop.set()

    hits = archive.page(Query(text=packed["good"].waybill.number)).hits
    way = way_out(config(archive.root), archive, actor)
    done = pack(archive, actor, way, hits, tmp_path / "out", tell, stop)
    assert done.stopped
    assert not done.paths
    assert not list((tmp_path / "out").iterdir())


async def test_a_profile_for_somebody_with_a_reason(
    archive: Archive, actor: Actor, packed: dict[str, Session]
) -> None:
    async with shown(archive, actor) as there:
        await there.type("6784")
        await there.until(lambda: len(there.numbers()) == 1)
        await asked(there)
        listed = there.app.screen.query_one(OptionList)
        while not str(listed.get_option_at_index(listed.highlighted or 0).prompt).startswith(
            "stills-3"
        ):
            await there.pilot.press("down")
        assert "limits" in there.said("#about")
        await there.pilot.press("tab", "tab", *"Carrier", "tab", *"claim7", "enter")
        await there.until(lambda: there.app.screen.has_class("-over"))
        (folder,) = (archive.root / "exports").iterdir()
        assert folder.name == "1Z999AA10123456784-stills-3"
        assert (folder / "export.json").exists()
    (told,) = archive.disclosures("1Z999AA10123456784")
    assert (told.profile, told.recipient, told.reason) == ("stills-3", "Carrier", "claim7")


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_what_is_missing_is_said_when_it_is_done(
    archive: Archive, actor: Actor, packed: dict[str, Session], language: str
) -> None:
    hits = archive.page(Query(text=packed["bare"].waybill.number)).hits
    way = way_out(config(archive.root), archive, actor)
    done = pack(
        archive, actor, way, hits, archive.root / "exports", lambda *_: None, threading.Event(),
        language,
    )  # fmt: skip
    said = " ".join(text for _, text in done.lacking)
    assert "item, label" in said
