"""What a kit lacks of what its profile asks for, and what comes nearest, in words. Pure.

The words are `shortfalls.toml`'s, in English and Chinese. Knows no file.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from types import MappingProxyType

from storage.records import LabelCheck, Session


class Lack(StrEnum):
    """Why something is not as a profile asks for it. Each has its words in `shortfalls.toml`."""

    NO_VIDEO = "no_video"
    NO_SHOT = "no_shot"
    STAND_IN = "stand_in"
    FEWER_PICTURES = "fewer_pictures"
    OUTSIDE = "outside"
    TOO_BIG = "too_big"
    UNREADABLE = "unreadable"
    NOT_TAKEN = "not_taken"
    OLD_NUMBER = "old_number"
    NO_CLOCK = "no_clock"
    GAP = "gap"
    NO_ROOM = "no_room"
    UNCOVERED = "uncovered"
    STANDS_STILL = "stands_still"
    MISSING_SHOTS = "missing_shots"
    NOT_FILMED = "not_filmed"
    GAPS = "gaps"
    LABEL_MISMATCH = "label_mismatch"
    LABEL_UNREADABLE = "label_unreadable"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing that a kit lacks. `subject` is what (a slot, a file, a limit); `facts` go into its
    words; `nearest` names what comes closest and was made, or could be, or ''."""

    lack: Lack
    subject: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def said(self, language: str = "en") -> str:
        """One printable line: what is missing and what to do, in `language` (`en` or `zh`)."""
        facts = {"subject": self.subject, **self.facts}
        said = words(language)[self.lack.value].format_map(facts)
        return "".join(sign if sign.isprintable() else "?" for sign in said)


def of_session(session: Session) -> list[Shortfall]:
    """What a session's own evidence lacks; nothing for one that is complete."""
    subject = f"{session.kind.value} {session.pass_no}"
    found = []
    if session.missing:
        slots = ", ".join(session.missing)
        found.append(Shortfall(Lack.MISSING_SHOTS, subject, {"slots": slots}))
    if not session.clips:
        found.append(Shortfall(Lack.NOT_FILMED, subject))
    if session.gaps:
        found.append(Shortfall(Lack.GAPS, subject, {"count": str(len(session.gaps))}))
    checks = [shot.label_check for shot in session.shots if shot.label_check is not None]
    if checks and checks[-1] is not LabelCheck.MATCH:
        mismatch = checks[-1] is LabelCheck.MISMATCH
        lack = Lack.LABEL_MISMATCH if mismatch else Lack.LABEL_UNREADABLE
        found.append(Shortfall(lack, subject))
    return found


@functools.cache
def words(language: str) -> Mapping[str, str]:
    """What is said of each lack, by its value: Chinese for `zh`, else English."""
    text = resources.files(__package__).joinpath("shortfalls.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text)["zh" if language == "zh" else "en"])
