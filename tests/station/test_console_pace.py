"""A bar of bytes tells how fast it goes, and how long it takes yet."""

from __future__ import annotations

import pytest

from station.console import pace


@pytest.mark.parametrize(
    ("done", "everything", "passed_s", "told"),
    [
        (0, 100, 10.0, ""),
        (5, 100, 0.5, ""),
        (100_000_000, 1_000_000_000, 2.0, "  50 MB/s, 0:00:18 left"),
        (1_000_000, 10_000_000_000, 1.0, "  1 MB/s, 2:46:39 left"),
        (100, 100, 10.0, "  0 MB/s, 0:00:00 left"),
    ],
)
def test_pace(done: int, everything: int, passed_s: float, told: str) -> None:
    assert pace(done, everything, passed_s) == told
