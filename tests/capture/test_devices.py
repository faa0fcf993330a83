"""Cameras that come back under another index, on a tree like the system's own."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from capture.devices import Known, find, identity


class Machine:
    """A tree like /sys with USB cameras in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "class" / "video4linux"
        self.root.mkdir(parents=True)
        self._devices = folder / "devices"

    def plug(self, index: int, port: str, serial: str = "", name: str = "BRIO") -> None:
        """A camera whose pictures are under `index` and whose metadata is under the next."""
        device = self._devices / "usb1" / port
        function = device / f"{port}:1.0"
        function.mkdir(parents=True, exist_ok=True)
        (device / "idVendor").write_text("046d\n")
        (device / "idProduct").write_text("085e\n")
        if serial:
            (device / "serial").write_text(f"{serial}\n")
        for at in (0, 1):
            node = self.root / f"video{index + at}"
            node.mkdir()
            (node / "name").write_text(f"{name}\n")
            (node / "index").write_text(f"{at}\n")
            (node / "device").symlink_to(function)

    def unplug(self, index: int) -> None:
        shutil.rmtree((self.root / f"video{index}" / "device").resolve().parent)
        for at in (0, 1):
            shutil.rmtree(self.root / f"video{index + at}")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_camera_is_found_by_its_serial_number_at_another_port(machine: Machine) -> None:
    machine.plug(0, "1-2", serial="A1")
    machine.plug(2, "1-3", serial="B2")
    was = identity("0", machine.root)
    assert was is not None
    assert was == identity("/dev/video0", machine.root) != identity("2", machine.root)
    assert find(was, machine.root) == "0"
    machine.unplug(0)
    assert find(was, machine.root) is None
    machine.plug(10, "1-7", serial="A1")
    assert find(was, machine.root) == "10"


@pytest.mark.parametrize("serial", ["", "0001"], ids=["none", "the same for all"])
def test_cameras_without_a_serial_number_of_their_own_are_known_by_their_port(
    machine: Machine, serial: str
) -> None:
    machine.plug(0, "1-2", serial)
    machine.plug(2, "1-3", serial)
    was = identity("0", machine.root)
    assert was is not None
    assert was != identity("2", machine.root)
    machine.unplug(0)
    assert find(was, machine.root) is None  # and is not taken for the other one
    machine.plug(4, "1-2", serial)
    assert find(was, machine.root) == "4"


def test_nodes_that_give_no_pictures_are_no_cameras(machine: Machine) -> None:
    machine.plug(0, "1-2", serial="A1")
    assert identity("1", machine.root) is None
    assert identity("5", machine.root) is None
    assert identity("/dev/v4l/by-id/usb-BRIO", machine.root) is None  # names itself
    assert identity("0", machine.root / "nowhere") is None  # not Linux
    assert find("", machine.root / "nowhere") is None


def test_a_camera_is_followed_to_its_new_index_and_back(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.plug(0, "1-2", serial="A1")
    known = Known(machine.root)
    assert known.place("0") == "0"
    known.opened("0", "0")
    machine.unplug(0)
    assert known.place("0") == "0"  # to be told that it is not there
    machine.plug(2, "1-2", serial="A1")
    with caplog.at_level(logging.WARNING):
        assert known.place("0") == "2"
    assert "the camera that was 0 has come back as camera 2" in caplog.text
    known.opened("0", "2")
    machine.unplug(2)
    machine.plug(0, "1-2", serial="A1")
    assert known.place("0") == "0"


def test_two_cameras_that_swap_their_indexes_are_not_mistaken(machine: Machine) -> None:
    machine.plug(0, "1-2", serial="A1")
    machine.plug(2, "1-3", serial="B2")
    known = Known(machine.root)
    for target in ("0", "2"):
        known.opened(target, target)
    machine.unplug(0)
    machine.unplug(2)
    machine.plug(0, "1-3", serial="B2")
    assert known.place("2") == "0"
    assert known.place("0") is None  # another one in use has its place
    machine.plug(2, "1-2", serial="A1")
    assert known.place("0") == "2"


def test_an_unknown_camera_may_replace_a_broken_one(machine: Machine) -> None:
    machine.plug(0, "1-2", serial="A1")
    known = Known(machine.root)
    known.opened("0", "0")
    machine.unplug(0)
    machine.plug(0, "1-2", serial="NEW")
    assert known.place("0") == "0"
    known.opened("0", "0")
    assert known.place("0") == "0"


def test_where_nothing_is_known_an_index_stays(tmp_path: Path) -> None:
    known = Known(tmp_path)
    known.opened("0", "0")
    assert known.place("0") == "0"
