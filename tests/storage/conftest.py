"""An archive in a fresh folder, and a desk that packs parcels into it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.evidence.package import export
from tests.storage.desk import NUMBER, Desk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the archive of a test lies."""
    return tmp_path / "archive"


@pytest.fixture
def desk(root: Path) -> Iterator[Desk]:
    """A desk with a new archive, which is closed after the test."""
    with Archive.open(root) as archive:
        yield Desk(archive)


@pytest.fixture
def package(desk: Desk, tmp_path: Path) -> Path:
    """The package of one parcel that was packed twice."""
    desk.pack()
    desk.pack(pass_no=2)
    return export(desk.archive, desk.archive.find(NUMBER), tmp_path / "out").path


@pytest.fixture
def unpacked(package: Path, tmp_path: Path) -> Path:
    """The folder of the unpacked package."""
    with zipfile.ZipFile(package) as opened:
        opened.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / package.stem
