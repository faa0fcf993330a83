"""The half of `archive.py` that proves: heads and checkpoints, and what the ledger is told."""

from __future__ import annotations

from storage.writing import Writing


class Proving(Writing):
    """Part of `Archive`."""
