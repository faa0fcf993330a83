"""Documents that come after the seal: filed under a waybill, byte for byte as they came."""

from __future__ import annotations

from storage.writing import Writing


class Documents(Writing):
    """Part of `Archive`."""
