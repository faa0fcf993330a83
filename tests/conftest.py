"""Which tests run side by side, which have the machine to themselves, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

TOGETHER = (
    "storage",
    "station/ui/archive",
    *(
        f"station/test_{name}"
        for name in (
            "batch", "cards", "claim_deadlines", "cli_amend", "cli_claims", "cli_coverage",
            "cli_disclosures", "cli_export", "cli_find", "cli_keys", "cli_orders", "cli_profiles",
            "cli_proof", "cli_review", "cli_roles", "cli_trace", "config", "dossier", "session",
            "waybill",
        )
    ),
)  # fmt: skip
"""Below this folder: what is right however long it takes."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes give no name: an encoder's differ by the run, and all processes must agree on names."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs alone: cameras paced by the clock, terminals, scanners, whole benches."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix()
        if not place.startswith(TOGETHER):
            item.add_marker(pytest.mark.alone)
