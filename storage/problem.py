"""One thing that does not hold: what every check of evidence answers with. Knows nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was sealed. `path` is relative to what was verified."""

    path: str
    what: str
