"""What is dropped into the watched folder is imported, told, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from station.config import Config, load_config
from station.inbox_watch import inbox_of
from station.orders_watch import OrdersFolder, orders_folder
from storage.archive import Archive
from storage.order_filing import Filed
from tests.storage.arrivals import ANN, picture
from tests.storage.desk import NUMBER, Desk

GOOD = f"order id,tracking number\nA-1,{NUMBER}\n"
LATER_S = 10.0


class World:
    """An archive, its watched folder, and a clock that is turned by hand."""

    def __init__(self, root: Path, config: Config) -> None:
        self.archive = Archive.open(root)
        Desk(self.archive).pack()
        (root / "inbox").mkdir()
        self.now_s = 0.0
        self.orders = OrdersFolder(self.archive, config, clock=lambda: self.now_s)
        self.orders.make()
        self.folder = self.orders.folder

    def drop(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content)
        return path

    def look(self) -> list[str]:
        """What became of the files that had stopped changing."""
        first = self.orders.look()
        self.now_s += LATER_S
        return [each.line for each in (*first.imported, *self.orders.look().imported)]

    def names(self) -> list[str]:
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*"))
        return sorted(path.as_posix() for path in found if (self.folder / path).is_file())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "archive", load_config(None))
    yield made
    made.archive.close()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_file_is_imported_once_it_has_stopped_changing(world: World) -> None:
    path = world.drop("shop.csv", "order id,tracking number\n")
    assert world.orders.look().unsettled == 1
    world.now_s += 1
    path.write_text(GOOD)
    world.now_s += 2.5  # since the first look, not since the change
    assert world.orders.look() == world.orders.look()
    assert world.names() == ["shop.csv"]
    assert world.look() == ["shop.csv: 1 orders new, 0 changed, 0 known; 1 links new; 0 bad"]
    assert world.names() == ["done/shop.csv", "done/shop.csv.txt"]
    assert [each.id for each in world.archive.orders_in(NUMBER)] == ["A-1"]
    assert world.look() == []


def test_nothing_is_deleted_and_no_name_overwritten(world: World) -> None:
    for n in range(2):
        world.drop("shop.csv", GOOD + f",{n}\n")
        assert len(world.look()) == 1
    world.drop("shop.csv", "no orders\n")
    world.drop("all-bad.csv", "order id,sku\n1.5E+17,x\n")
    (line, other) = sorted(world.look())
    assert line.startswith("all-bad.csv: 0 orders new")
    assert "is no order file" in other
    assert world.names() == [
        "done/shop (2).csv", "done/shop (2).csv.txt", "done/shop.csv", "done/shop.csv.txt",
        "failed/all-bad.csv", "failed/all-bad.csv.txt", "failed/shop.csv", "failed/shop.csv.txt",
    ]  # fmt: skip
    assert (world.folder / "done/shop.csv").read_text().endswith(",0\n")
    report = (world.folder / "done/shop (2).csv.txt").read_text().splitlines()
    assert report == [
        "0 orders new, 0 changed, 1 known; 0 links new; 1 bad",
        "line 3 has no order id",
    ]


def test_what_the_archive_cannot_take_stays_and_is_tried_again(world: World) -> None:
    world.drop("shop.csv", GOOD)
    world.orders.look()
    world.now_s += LATER_S
    world.archive.close()
    (tried,) = world.orders.look().imported
    assert tried.filed is None and "is tried again" in tried.line
    assert world.names() == ["shop.csv"]
    assert world.orders.look().imported == (), "not at once"
    with Archive.open(world.archive.root) as archive:
        world.orders._archive = archive
        world.now_s += 100
        (done,) = world.orders.look().imported
    assert done.filed == Filed(new=1, links=1)


def test_links_hidden_files_and_folders_are_left_alone(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(GOOD)
    (world.folder / "link.csv").symlink_to(secret)
    world.drop(".hidden.csv", GOOD)
    world.drop("coming.csv.part", GOOD)
    (world.folder / "sub").mkdir()
    (world.folder / "sub" / "x.csv").write_text(GOOD)
    assert world.look() == []
    assert secret.read_text() == GOOD


def test_documents_and_orders_take_nothing_from_each_other(world: World, tmp_path: Path) -> None:
    world.drop(f"{NUMBER}.csv", GOOD)
    photo = world.archive.root / "inbox" / NUMBER / "photos" / "a.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(picture("JPEG"))
    config = load_config(None)
    assert [each.name for each in inbox_of(world.archive, config, ANN).look().waiting] == [
        f"{NUMBER}/photos/a.jpg"
    ]
    assert len(world.look()) == 1
    assert photo.exists()
    path = tmp_path / "config.toml"
    path.write_text('[orders]\npath = "drop"\n')
    elsewhere = load_config(path)
    assert orders_folder(world.archive, elsewhere) == tmp_path / "drop"
    absent = OrdersFolder(world.archive, elsewhere)
    absent.make()  # a share that is not there is not invented
    assert absent.look().trouble == f"{tmp_path / 'drop'} is not there"
