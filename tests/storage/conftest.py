"""An archive in a fresh folder, and a desk that packs parcels into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.archive import Archive
from tests.storage.desk import Desk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the archive of a test lies."""
    return tmp_path / "archive"


@pytest.fixture
def desk(root: Path) -> Iterator[Desk]:
    """A desk with a new archive, which is closed after the test."""
    with Archive.open(root) as archive:
        yield Desk(archive)
