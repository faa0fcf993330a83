"""What the doctor says: one line for each thing that was examined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """FAIL: the bench cannot work. WARN: it can, worse than it should."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` is what to do, '' where nothing is."""

    area: str
    level: Level
    what: str
    advice: str = ""


def to_text(finding: Finding) -> str:
    """The finding as one or two lines."""
    line = f"{finding.level.value.upper():5} {finding.area:9} {finding.what}"
    return f"{line}\n{'':16}-> {finding.advice}" if finding.advice else line


def to_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The report; `ok` is False when something failed."""
    return {
        "ok": all(finding.level is not Level.FAIL for finding in findings),
        "findings": [
            {
                "area": finding.area,
                "level": finding.level.value,
                "what": finding.what,
                "advice": finding.advice,
            }
            for finding in findings
        ],
    }
