"""The half of `archive.py` that amends: who somebody is, and what is said after the seal."""

from __future__ import annotations

from storage.writing import Writing


class Amending(Writing):
    """Part of `Archive`."""
