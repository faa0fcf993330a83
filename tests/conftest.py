"""Which tests may run side by side, and which must have the machine to themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

TOGETHER = (
    "storage", "station/ui/archive", "station/test_cli_claims.py", "station/test_cli_review.py",
    "station/test_cli_coverage.py", "station/test_cli_trace.py", "station/test_cli_orders.py",
)  # fmt: skip
"""Below this folder: what is right however long it takes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs alone: cameras paced by the clock, terminals, scanners, whole benches."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix()
        if not place.startswith(TOGETHER):
            item.add_marker(pytest.mark.alone)
